"""Setting an item's status: section 1 of the law as a literal table, at the act and at the page's form.

The table is written from the text, not from `app.statuses.MOVES`. Every kind of item stands in every state
and is asked for every value, by everybody.
"""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.actions.moves import AckWhereNoDeal, Asked, move_item
from app.db import db
from app.errors import ChangedMeanwhile, NotAllowed, StatusChangeProhibited
from app.queries import items
from app.statuses import ItemStatus
from tests.conftest import csrf_token
from tests.factories import AUCTION, DEAL, DIGITAL, DONATION, GOODS, PICKUP, SERVICE, Factory
from tests.rules.books import everything, parcels
from tests.rules.conftest import desk_of

LINES = {
    "goods": GOODS,
    "auction": AUCTION,
    "pickup": PICKUP,
    "service": SERVICE,
    "deal": DEAL,
    "digital": DIGITAL,
    "donation": DONATION,
}
STATES = range(12)
SETTABLE = (3, 4, 9)
NEVER = tuple(n for n in range(12) if n not in SETTABLE)

# (kind, state) -> {asked: the item's status afterwards}; all that does not stand here is prohibited.
LAW: dict[tuple[str, int], dict[int, int]] = {
    ("goods", 2): {3: 3},
    ("auction", 2): {3: 3},
    ("pickup", 2): {3: 3},
    ("pickup", 3): {9: 9},
    ("service", 2): {3: 4},
    ("deal", 2): {4: 4},
    ("deal", 8): {4: 4},
}
# Who may move which kinds, in a vendor store.
ALL = set(LINES)
MAY_MOVE = {"owner": ALL, "staff": ALL, "site_admin": ALL, "vendor": {"deal"}}
OUTSIDERS = ("stranger", "owner2", "buyer", "other_buyer")

Moved = Callable[..., int]
SignIn = Callable[[str], FlaskClient]


def lawful(kind: str, state: int, asked: int) -> int | None:
    return LAW.get((kind, state), {}).get(asked)


@pytest.mark.parametrize("kind", LINES)
def test_the_act_allows_what_the_table_allows_and_nothing_else(app: Flask, make: Factory, kind: str) -> None:
    found, expected = {}, {}
    ids = {state: make.item(LINES[kind], state, store="vendorshop") for state in STATES}
    before = everything(app)
    with app.app_context():
        desks = {who: desk_of(who, "vendorshop") for who in MAY_MOVE}
        stood = {state: items.one(desks["owner"].store.id, item_id) for state, item_id in ids.items()}
        db.session.expunge_all()
        for who, kinds in MAY_MOVE.items():
            for state, item in stood.items():
                # What can never be set is for the form to refuse; the act is asked for it by one role.
                for asked in range(12) if who == "owner" else SETTABLE:
                    cell = f"{who}: {kind} in {state} asked for {asked}"
                    allowed = lawful(kind, state, asked)
                    expected[cell] = "prohibited" if allowed is None else allowed
                    if kind not in kinds:
                        expected[cell] = "not allowed"
                    found[cell] = outcome(item, asked, desks[who])
    assert found == expected
    assert everything(app) == before  # every cell was rolled back, and no refusal wrote anything


def outcome(item: Any, asked: int, desk: Any) -> int | str:
    """Move an item, roll back, and say what would have become of it."""
    try:
        return int(move_item(item, Asked(ItemStatus(asked)), desk=desk).status)
    except StatusChangeProhibited:
        return "prohibited"
    except NotAllowed:
        return "not allowed"
    finally:
        db.session.rollback()


@pytest.mark.either
@pytest.mark.parametrize("kind", LINES)
def test_the_form_refuses_what_the_table_does_not_allow(
    app: Flask, make: Factory, sign_in: SignIn, kind: str
) -> None:
    found, expected = {}, {}
    ids = {state: make.item(LINES[kind], state, store="vendorshop") for state in STATES}
    forms = {who: ItemForm(sign_in(who)) for who in MAY_MOVE}
    before = everything(app)
    for who, form in forms.items():
        # Staff and site admins go the owner's way, state by state, at the act above; here from some states.
        states = (1, 2, 3, 8, 11) if who in {"staff", "site_admin"} else STATES
        for state, item_id in ((state, ids[state]) for state in states):
            for asked in SETTABLE:
                if kind in MAY_MOVE[who] and lawful(kind, state, asked) is not None:
                    continue
                cell = f"{who}: {kind} in {state} asked for {asked}"
                expected[cell] = 422 if kind in MAY_MOVE[who] else 403
                found[cell] = form.send(item_id, str(asked))
    assert found == expected
    assert everything(app) == before


@pytest.mark.either
@pytest.mark.parametrize("who", MAY_MOVE)
def test_the_form_does_what_the_table_allows(make: Factory, sign_in: SignIn, who: str) -> None:
    found, expected = {}, {}
    form = ItemForm(sign_in(who))
    for (kind, state), moves in LAW.items():
        if kind not in MAY_MOVE[who]:
            continue
        for asked, afterwards in moves.items():
            item_id = make.item(LINES[kind], state, store="vendorshop")
            expected[kind, state, asked] = 200, afterwards
            found[kind, state, asked] = form.send(item_id, str(asked)), int(make.item_row(item_id).status)
    assert found == expected


@pytest.mark.either
@pytest.mark.parametrize("kind", LINES)
def test_a_value_that_can_never_be_set_is_refused_in_every_state(
    app: Flask, make: Factory, sign_in: SignIn, kind: str
) -> None:
    ids = {state: make.item(LINES[kind], state, store="vendorshop") for state in STATES}
    form = ItemForm(sign_in("owner"))
    before = everything(app)
    for state, item_id in ids.items():
        # Every value from where something may be asked, one of them from everywhere else.
        values = NEVER if (kind, state) in LAW else NEVER[state % len(NEVER) :][:1]
        assert {form.send(item_id, str(asked)) for asked in values} == {422}, state
        assert "Invalid status." in form.text
    assert everything(app) == before


@pytest.mark.either
def test_whoever_has_no_place_in_the_store_finds_no_item_there(
    app: Flask, make: Factory, sign_in: SignIn
) -> None:
    ids = [make.item(LINES[kind], state, store="vendorshop") for kind, state in LAW]
    before = everything(app)
    for who in OUTSIDERS:
        form = ItemForm(sign_in(who))
        before["signin"] = everything(app)["signin"]
        answers = {form.send(item_id, str(asked)) for item_id in ids for asked in SETTABLE}
        assert answers == {404}, who
        assert everything(app) == before


@pytest.mark.either
def test_a_signed_out_browser_is_sent_to_the_sign_in_page(
    app: Flask, make: Factory, client: FlaskClient
) -> None:
    item_id = make.item(GOODS, 2, store="vendorshop")
    before = everything(app)
    token = csrf_token(client.get("/login").text)
    answer = client.post(f"/stores/vendorshop/items/{item_id}", data={"status": "3", "csrf_token": token})
    assert (answer.status_code, answer.location) == (303, "/login")
    assert everything(app) == before


class ItemForm:
    """The form of one item as the list of items sends it, in one browser."""

    def __init__(self, browser: FlaskClient) -> None:
        self.browser = browser
        self.token = csrf_token(browser.get("/purchases").text)

    def send(self, item_id: int, status: str | None = None, store: str = "vendorshop", **fields: str) -> int:
        sent = {"csrf_token": self.token, **fields}
        if status is not None:
            sent["status"] = status
        answer = self.browser.post(
            f"/stores/{store}/items/{item_id}?in=row", data=sent, headers={"HX-Request": "true"}
        )
        self.text = answer.text
        return answer.status_code


@pytest.mark.either
@pytest.mark.parametrize(
    "wrong", ["3 ", " 3", "+3", "-3", "٣", "３", "3.0", "03x", "true", "[3]", "NaN", "1e1"]
)
def test_what_is_no_plain_number_is_no_status(make: Factory, sign_in: SignIn, wrong: str) -> None:
    item_id = make.item(GOODS, 2, store="vendorshop")
    form = ItemForm(sign_in("owner"))
    assert form.send(item_id, wrong) == 422
    assert "Invalid status." in form.text


@pytest.mark.either
@pytest.mark.parametrize("wrong", ["12", "99", "9001", str(2**63), "9" * 40])
def test_a_number_outside_the_list_is_no_status(make: Factory, sign_in: SignIn, wrong: str) -> None:
    item_id = make.item(GOODS, 2, store="vendorshop")
    form = ItemForm(sign_in("owner"))
    assert form.send(item_id, wrong) == 422
    assert "Invalid status." in form.text


@pytest.mark.either
def test_an_empty_status_is_an_absent_one(make: Factory, sign_in: SignIn) -> None:
    item_id = make.item(GOODS, 2, store="vendorshop")
    assert ItemForm(sign_in("owner")).send(item_id, "", tracking_number="JD014600003SE") == 200
    assert int(make.item_row(item_id).status) == 2


@pytest.mark.either
def test_a_prohibited_change_is_refused_in_the_seeds_words(make: Factory, sign_in: SignIn) -> None:
    item_id = make.item(GOODS, 2, store="vendorshop")
    form = ItemForm(sign_in("owner"))
    form.send(item_id, "9")
    assert "Order status change prohibited." in form.text


def test_goods_asked_for_3_ship_all_that_is_left(app: Flask, make: Factory, move: Moved) -> None:
    order_id = make.sale(GOODS)
    (item_id,) = make.items_of(order_id)
    make.ship(order_id, {item_id: 2})
    move("staff", item_id, 3)
    assert [p.inside for p in parcels(app)] == [{item_id: 2}, {item_id: 3}]


def test_a_pickup_that_is_ready_has_no_parcel(app: Flask, make: Factory, move: Moved) -> None:
    move("staff", make.item(PICKUP, 2), 3)
    assert parcels(app) == []


def test_a_service_is_done_without_a_parcel(app: Flask, make: Factory, move: Moved) -> None:
    assert move("staff", make.item(SERVICE, 2), 3) == 4
    assert parcels(app) == []


def test_a_deal_may_be_completed_at_once(make: Factory, move: Moved) -> None:
    assert move("vendor", make.item(DEAL, 8, store="vendorshop"), 4, store="vendorshop") == 4


def test_a_vendor_of_a_store_that_is_no_vendor_store_may_not_redeem(make: Factory, move: Moved) -> None:
    with pytest.raises(NotAllowed):
        move("vendor", make.item(DEAL, 8), 4)


def test_a_held_item_moves_by_nothing_that_is_asked(make: Factory, move: Moved) -> None:
    item_id = make.item(GOODS, 11)
    for asked in SETTABLE:
        with pytest.raises(StatusChangeProhibited):
            move("owner", item_id, asked)


def test_a_stale_version_moves_nothing(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(DEAL, 8, store="vendorshop")
    before = everything(app)
    with pytest.raises(ChangedMeanwhile):
        move("owner", item_id, 4, store="vendorshop", version=make.sale_row(1).version - 1)
    assert everything(app) == before


# The acknowledgement: who may send it, of what.


@pytest.mark.parametrize("who", ["vendor", "owner", "site_admin"])
def test_an_acknowledgement_is_kept_at_vendor_level(make: Factory, move: Moved, who: str) -> None:
    item_id = make.item(DEAL, 8, store="vendorshop")
    assert move(who, item_id, 4, store="vendorshop", ack="M. Kowalczyk") == 4
    assert make.item_row(item_id).ack == "M. Kowalczyk"


BELOW_VENDOR_LEVEL = [
    ("staff", "vendorshop"),
    ("vendor", "papershop"),
    ("owner", "papershop"),
    ("staff", "papershop"),
    ("site_admin", "papershop"),
]


@pytest.mark.parametrize(("who", "store"), BELOW_VENDOR_LEVEL)
def test_an_acknowledgement_needs_vendor_level(
    app: Flask, make: Factory, move: Moved, who: str, store: str
) -> None:
    item_id = make.item(DEAL, 8, store=store)
    before = everything(app)
    with pytest.raises(NotAllowed, match="Insufficient privileges for this operation"):
        move(who, item_id, 4, store=store, ack="M. Kowalczyk")
    assert everything(app) == before


@pytest.mark.parametrize("kind", [kind for kind in LINES if kind != "deal"])
def test_an_acknowledgement_of_what_is_no_deal_is_an_invalid_field(
    app: Flask, make: Factory, move: Moved, kind: str
) -> None:
    item_id = make.item(LINES[kind], 2, store="vendorshop")
    before = everything(app)
    with pytest.raises(AckWhereNoDeal, match="Invalid field: product_deal_vendor_ack"):
        move("owner", item_id, 3, store="vendorshop", ack="me")
    assert everything(app) == before


def test_an_acknowledgement_may_be_corrected_after_the_deal_is_redeemed(make: Factory, move: Moved) -> None:
    item_id = make.item(DEAL, 4, store="vendorshop")
    move("vendor", item_id, store="vendorshop", ack="Anna")
    assert make.item_row(item_id).ack == "Anna"


def test_a_refused_move_keeps_no_acknowledgement(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(DEAL, 4, store="vendorshop")
    before = everything(app)
    with pytest.raises(StatusChangeProhibited):
        move("vendor", item_id, 4, store="vendorshop", ack="Anna")
    with app.app_context():
        db.session.rollback()
    assert everything(app) == before


@pytest.mark.either
@pytest.mark.parametrize(("length", "answer"), [(255, 200), (256, 422), (100_000, 422)])
def test_an_acknowledgement_holds_255_characters_however_many_bytes_they_are(
    make: Factory, sign_in: SignIn, length: int, answer: int
) -> None:
    item_id = make.item(DEAL, 8, store="vendorshop")
    sent = ItemForm(sign_in("vendor")).send(item_id, "4", product_deal_vendor_ack="é" * length)
    assert sent == answer
    assert make.item_row(item_id).ack == ("é" * length if answer == 200 else None)


@pytest.mark.either
@pytest.mark.parametrize("field", ["tracking_carrier", "tracking_number"])
@pytest.mark.parametrize(("length", "answer"), [(64, 200), (65, 422)])
def test_carrier_and_number_hold_64_characters_however_many_bytes_they_are(
    make: Factory, sign_in: SignIn, field: str, length: int, answer: int
) -> None:
    item_id = make.item(GOODS, 2, store="vendorshop")
    assert ItemForm(sign_in("owner")).send(item_id, "3", **{field: "é" * length}) == answer
    assert int(make.item_row(item_id).status) == (3 if answer == 200 else 2)
