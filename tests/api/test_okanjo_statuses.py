"""Law 1, "Setting an item's status", through the Okanjo PUT: the whole table, written out."""

from collections.abc import Iterator

import pytest

from tests.api.caller import Caller, is_success, told
from tests.factories import AUCTION, DEAL, DIGITAL, DONATION, GOODS, PICKUP, SERVICE, Factory

LINES = {
    "goods": GOODS,
    "auction goods": AUCTION,
    "pickup": PICKUP,
    "service": SERVICE,
    "deal": DEAL,
    "digital": DIGITAL,
    "donation": DONATION,
}
STATES = range(12)

# (kind, in, asked) -> the status it has afterwards. Every other 3, 4 or 9 is prohibited.
MOVES = {
    ("goods", 2, 3): 3,
    ("auction goods", 2, 3): 3,
    ("pickup", 2, 3): 3,
    ("pickup", 3, 9): 9,
    ("service", 2, 3): 4,
    ("deal", 2, 4): 4,
    ("deal", 8, 4): 4,
}
ASKED = (3, 4, 9)
NEVER_APPLIED = (0, 2, 8, 12, "abc")

# In a vendor store: which kinds each role may move.
ALL = frozenset(LINES)
MAY_MOVE = {"owner": ALL, "staff": ALL, "site_admin": ALL, "vendor": frozenset({"deal"})}
FOREIGN = ("owner2", "stranger")

NEEDS_TOKEN = (401, "User token required for this operation.")
NO_RIGHT = (403, "Insufficient privileges for this operation.")
PROHIBITED = (400, "Order status change prohibited.")
INVALID = (400, "Invalid status.")


def expected(kind: str, state: int, asked: object, who: str | None) -> tuple[int, str] | int:
    """Return the answer of a cell: an error, or the status that the item has afterwards."""
    if who is None:
        return NEEDS_TOKEN
    if kind not in MAY_MOVE.get(who, ()):
        return NO_RIGHT
    if asked not in ASKED:
        return INVALID
    return MOVES.get((kind, state, asked), PROHIBITED)  # type: ignore[arg-type]


def in_every_state(make: Factory, kind: str) -> dict[int, int]:
    """Make one item of a kind in each state, and return them by state."""
    unpaid = (0, 1, 7)
    paid = [state for state in STATES if state not in unpaid]
    items: dict[int, int] = {}
    for states, payment in ((paid, {}), (unpaid, {"paid": None})):
        order = make.sale(*[LINES[kind]] * len(states), store="vendorshop", **payment)
        items.update(zip(states, make.items_of(order), strict=True))
    for state, item in items.items():
        make.put(item, state)
    return items


def cells(state: int) -> Iterator[tuple[str | None, object]]:
    """Yield (who, asked) of a state: all for members and admins, one of each in turn for the others.

    Nobody else's answer depends on what is asked, and no invalid code's on the state.
    """
    yield from ((who, asked) for who in MAY_MOVE for asked in ASKED)
    yield from ((who, ASKED[state % len(ASKED)]) for who in (*FOREIGN, None))
    yield "owner", NEVER_APPLIED[state % len(NEVER_APPLIED)]


@pytest.mark.parametrize("kind", LINES)
def test_every_kind_state_asked_value_and_role_answers_as_the_law_says(
    okanjo: Caller, make: Factory, kind: str
) -> None:
    wrong = []
    items = in_every_state(make, kind)
    for state, item in items.items():
        for who, asked in cells(state):
            answer = okanjo.put(item, status=asked, who=who, store="vendorshop")
            awaited = expected(kind, state, asked, who)
            found: object = make.item_row(item).status if is_success(answer) else told(answer)
            if found != awaited:
                wrong.append((kind, state, asked, who, found))
            if isinstance(awaited, int):
                item = make.item(LINES[kind], state, store="vendorshop")  # noqa: PLW2901
        if make.item_row(item).status != state:
            wrong.append((kind, state, "changed"))
    assert wrong == []


@pytest.mark.parametrize("kind", LINES)
def test_a_vendor_moves_nothing_in_a_store_that_is_no_vendor(
    okanjo: Caller, make: Factory, kind: str
) -> None:
    item = make.item(LINES[kind])
    before = make.item_row(item).status
    for asked in ASKED:
        assert told(okanjo.put(item, status=asked, who="vendor")) == NO_RIGHT
    assert make.item_row(item).status == before


def test_only_members_and_admins_of_a_vendor_store_may_acknowledge(okanjo: Caller, make: Factory) -> None:
    answers = {}
    for store in ("papershop", "vendorshop"):
        for who in (*MAY_MOVE, *FOREIGN):
            item = make.item(DEAL, store=store)
            answer = okanjo.put(item, product_deal_vendor_ack="Ann", who=who, store=store)
            assert is_success(answer) or told(answer) == NO_RIGHT
            answers[store, who] = make.item_row(item).ack
    assert {key for key, ack in answers.items() if ack == "Ann"} == {
        ("vendorshop", "owner"),
        ("vendorshop", "vendor"),
        ("vendorshop", "site_admin"),
    }


def test_the_rest_of_goods_sent_in_part_goes_out_with_status_3(okanjo: Caller, make: Factory) -> None:
    order = make.sale(GOODS)
    (item,) = make.items_of(order)
    make.ship(order, {item: 2})
    assert is_success(okanjo.put(item, status=3))
    row = make.item_row(item)
    assert (row.shipped, row.left, row.status) == (5, 0, 3)


def test_the_same_move_a_second_time_is_prohibited_and_changes_nothing(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    assert is_success(okanjo.put(item, status=3, tracking_number="A1"))
    before = okanjo.shown(item, {"embed": "history"})
    assert told(okanjo.put(item, status=3, tracking_number="B2")) == PROHIBITED
    assert okanjo.shown(item, {"embed": "history"}) == before
