"""Unpaid purchases of one buyer become one: what combines, what never does, and what becomes of the old."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app.access import SYSTEM
from app.actions.aftersale import Reason, cancel
from app.actions.buyers_word import say_paid
from app.actions.combining import MOST_TOGETHER
from app.actions.intake import TakenIn, Verdict, take_in
from app.actions.payment import confirm_payment, unpay
from app.actions.postage import Posted, postage_of
from app.actions.problems import note
from app.actions.purchases import BuyerSaid, DiscountSaid, LineSaid, Purchase
from app.db import db
from app.errors import Absorbed
from app.models import Combined, Discount, Order, OrderItem
from app.queries import people, sales
from app.queries.combined import absorbed_by
from app.queries.filters import Conditions
from app.statuses import Payment
from tests.factories import ADDRESS, Factory
from tests.rules import invariants
from tests.rules.books import events, recount, tally
from tests.rules.test_verify import broken

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LOT = Purchase(
    channel="intake",
    external_id="lot-1",
    kind="auction",
    currency="USD",
    buyer=BuyerSaid("Maja Kowalczyk", "maja", ref="maja"),
    address=ADDRESS,
    lines=(LineSaid("Stamp of 1961", 1, 500, external_id="1", postage=200, additional=50),),
    placed_at=NOW,
    postage=200,
    tax=10,
)

pytestmark = pytest.mark.both


def lot(n: int, **changes: Any) -> Purchase:
    """Return the purchase of another lot, an hour later each."""
    return replace(LOT, external_id=f"lot-{n}", placed_at=NOW + timedelta(hours=n), **changes)


def told(app: Flask, *purchases: Purchase, store: str = "papershop") -> list[TakenIn]:
    """Take purchases in, one after the other."""
    found = []
    with app.app_context():
        place = people.place(store, None)
        assert place is not None
        for purchase in purchases:
            taken = take_in(purchase, actor=SYSTEM, store_id=place.store.id)
            db.session.commit()
            db.session.refresh(taken.order)
            db.session.expunge_all()
            found.append(taken)
    return found


def ids(app: Flask, *purchases: Purchase, store: str = "papershop") -> list[int]:
    return [taken.order.id for taken in told(app, *purchases, store=store)]


def went_into(app: Flask, order_id: int) -> list[int]:
    with app.app_context():
        return [row.id for row in absorbed_by(order_id)]


def listed(app: Flask, words: str = "") -> list[int]:
    """Return the ids of the sales that the list shows, the newest first."""
    with app.app_context():
        place = people.place("papershop", None)
        assert place is not None
        found = sales.page(
            place.store.id,
            Conditions(words=words),
            tab=None,
            sort="newest",
            after=None,
            before=None,
            only_deals=False,
        )
        return [row.id for row in found.rows]


def act(app: Flask, do: Callable[..., Any], order_id: int, *args: Any, **given: Any) -> None:
    with app.app_context():
        order = db.session.get_one(Order, order_id)
        do(order_id, *args, actor=SYSTEM, store_id=order.store_id, at=NOW + timedelta(days=1), **given)
        db.session.commit()


def test_what_is_won_before_the_first_is_paid_becomes_one_sale_with_one_postage(app: Flask) -> None:
    first, second = ids(app, lot(1, discount=20, discounts=(DiscountSaid("coupon", "A", 20),)), lot(2))
    assert went_into(app, second) == [first]
    with app.app_context():
        heir, old = db.session.get_one(Order, second), db.session.get_one(Order, first)
        lines = db.session.query(OrderItem).order_by(OrderItem.position).all()
        assert [(i.order_id, i.position, i.external_id) for i in lines] == [
            (second, 1, "lot-1/1"),
            (second, 2, "1"),
        ]
        assert (heir.items_minor, heir.discount_minor, heir.postage_minor, heir.tax_minor) == (
            1000,
            20,
            250,
            20,
        )
        assert (heir.total_minor, heir.external_id, heir.placed_at) == (
            1250,
            "lot-2",
            NOW + timedelta(hours=2),
        )
        assert (old.heir_id, old.open_key, old.total_minor, old.external_id) == (second, None, 0, "lot-1")
        assert [d.order_id for d in db.session.query(Discount)] == [second]
        assert heir.open_key is not None
    assert tally(app) == recount(app)
    assert broken(app) == {}
    assert invariants.broken(invariants.dump(app)) == []


def test_the_old_sale_stands_in_no_list_and_is_found_by_the_new_one(app: Flask) -> None:
    first, second = told(app, lot(1), lot(2))
    assert listed(app) == [second.order.id]
    assert listed(app, str(first.order.number)) == listed(app, "lot-1") == [second.order.id]


def test_an_act_on_the_old_sale_is_refused_and_names_the_heir(app: Flask) -> None:
    first, second, third = ids(app, lot(1), lot(2), lot(3))
    for old in (first, second):
        with pytest.raises(Absorbed) as refused:
            act(app, confirm_payment, old, code=Payment.PAID)
        assert refused.value.heir_id == third


def test_a_chain_of_fifty_is_flat_whoever_asks(app: Flask) -> None:
    *old, heir = ids(app, *(lot(n) for n in range(1, 52)))
    assert went_into(app, heir) == old
    with app.app_context():
        assert {row.heir_id for row in db.session.query(Combined)} == {heir}
        assert [row.direct_heir_id for row in db.session.query(Combined).order_by(Combined.order_id)] == [
            *old[1:],
            heir,
        ]
        assert db.session.get_one(Order, heir).postage_minor == 200 + 50 * 50
    assert broken(app) == {}
    assert invariants.broken(invariants.dump(app)) == []


def test_a_purchase_told_again_is_answered_with_the_sale_that_it_is_part_of(app: Flask) -> None:
    _, second, again = told(app, lot(1), lot(2), lot(1))
    assert (again.order.id, again.verdict, again.differences) == (second.order.id, Verdict.SAME, ())


ELSEWHERE = replace(ADDRESS, street="ul. Krótka 1")


@pytest.mark.parametrize(
    "other",
    [
        {"currency": "EUR"},
        {"address": ELSEWHERE},
        {"address": None},
        {"buyer": BuyerSaid("Maja Kowalczyk", "maja", ref="another")},
        {"buyer": BuyerSaid("Maja Kowalczyk", "maja")},
        {"kind": "fixed_price"},
        {"kind": "typed", "channel": "desk"},
        {"channel": "hip"},
        {"channel": "desk"},  # another channel knows another buyer
    ],
    ids=str,
)
def test_what_differs_stays_apart(app: Flask, other: dict[str, Any]) -> None:
    first, second = ids(app, lot(1), lot(2, **other))
    assert went_into(app, second) == []
    with app.app_context():
        assert db.session.get_one(Order, first).heir_id is None


def test_two_stores_never_share_a_sale(app: Flask) -> None:
    (first,), (second,) = ids(app, lot(1)), ids(app, lot(2), store="othershop")
    assert went_into(app, second) == []
    assert first != second


def test_lines_of_the_same_long_outside_id_combine_all_the_same(app: Flask) -> None:
    line = replace(LOT.lines[0], external_id="x" * 255)
    two = (line, replace(line, external_id="x" * 254 + "y"))
    first, second = ids(app, lot(1, lines=two), lot(2, lines=two))
    assert went_into(app, second) == [first]
    with app.app_context():
        named = [item.external_id for item in db.session.query(OrderItem).order_by(OrderItem.position)]
    assert named == [None, None, "x" * 255, "x" * 254 + "y"]
    assert broken(app) == {}


@pytest.mark.parametrize("kind", ["auction", "offer", "pay_later"])
def test_every_kind_that_is_paid_later_joins_what_is_open(app: Flask, kind: str) -> None:
    first, second = ids(app, lot(1), lot(2, kind=kind))
    assert went_into(app, second) == [first]


TOUCHES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = {
    "paid": (confirm_payment, (), {"code": Payment.PAID}),
    "to be paid on arrival": (confirm_payment, (), {"code": Payment.ON_ARRIVAL}),
    "said to be paid": (say_paid, (Payment.PAID,), {}),
    "cancelled in part": (cancel, ({0: 1},), {"reason": Reason.BUYER}),
}


@pytest.mark.parametrize("name", TOUCHES)
def test_what_was_touched_never_combines_again(app: Flask, name: str) -> None:
    do, args, given = TOUCHES[name]
    two = (*LOT.lines, LineSaid("Stamp of 1962", 2, 300))
    (first,) = ids(app, lot(1, lines=two))
    if do is cancel:
        args = ({Factory(app).items_of(first)[1]: 1},)
    act(app, do, first, *args, **given)
    (second,) = ids(app, lot(2))
    assert went_into(app, second) == []
    assert broken(app) == {}


def test_a_payment_taken_back_brings_no_key_back(app: Flask) -> None:
    (first,) = ids(app, lot(1))
    act(app, confirm_payment, first, code=Payment.PAID)
    act(app, unpay, first)
    (second,) = ids(app, lot(2))
    assert went_into(app, second) == []


def test_a_note_is_no_touch_and_is_read_on_the_heir(app: Flask) -> None:
    (first,) = ids(app, lot(1))
    act(app, note, first, "Pack it flat", is_private=True)
    (second,) = ids(app, lot(2))
    assert went_into(app, second) == [first]
    with app.app_context():
        from app.queries.history import notes_of

        assert [row.body for row in notes_of(second, for_buyer=False)] == ["Pack it flat"]


def test_a_sale_takes_no_more_lines_up_than_one_can_have(app: Flask) -> None:
    many = tuple(LineSaid(f"Stamp {n}", 1, 100) for n in range(MOST_TOGETHER - 1))
    first, second, third = ids(app, lot(1, lines=many), lot(2), lot(3))
    assert went_into(app, second) == [first]
    assert went_into(app, third) == []
    fourth = ids(app, lot(4))[0]
    assert went_into(app, fourth) == [third]


def test_the_order_of_telling_does_not_matter_to_the_postage(app: Flask) -> None:
    lines = [
        LineSaid("A", 2, 100, postage=300, additional=100),
        LineSaid("B", 3, 100, postage=300, additional=20),
    ]
    there = ids(app, lot(1, lines=(lines[0],)), lot(2, lines=(lines[1],)))[-1]
    other = BuyerSaid("Ana", "ana", ref="ana")
    back = ids(app, lot(3, lines=(lines[1],), buyer=other), lot(4, lines=(lines[0],), buyer=other))[-1]
    with app.app_context():
        first, second = db.session.get_one(Order, there), db.session.get_one(Order, back)
        assert first.postage_minor == second.postage_minor == 300 + 100 + 60


def test_postage_stated_for_the_whole_alone_is_not_lost(app: Flask) -> None:
    bare = (LineSaid("Stamp", 1, 500),)
    first, second = ids(app, lot(1, lines=bare, postage=700), lot(2, lines=bare, postage=300))
    assert went_into(app, second) == [first]
    with app.app_context():
        assert db.session.get_one(Order, second).postage_minor == 700


def test_the_history_of_the_heir_begins_with_the_combining_and_replays(app: Flask) -> None:
    first, second = ids(app, lot(1), lot(2))
    of_heir = [event for event in events(app, second) if event.item_id is None]
    assert [event.verb for event in of_heir] == ["combine"]
    assert [event.verb for event in events(app, first) if event.item_id is None] == ["take_in", "combine"]


# (units, postage, additional, per) of each line -> what they cost together, in minor units
POSTAGE: tuple[tuple[list[tuple[int, int, int, int]], int], ...] = (
    ([], 0),
    ([(1, 200, 50, 1)], 200),
    ([(3, 200, 50, 1)], 300),
    ([(1, 200, 50, 1), (1, 300, 10, 1)], 350),
    ([(1, 200, 0, 1), (1, 300, 0, 1)], 300),
    ([(6, 500, 300, 5)], 800),
    ([(5, 500, 300, 5)], 500),
    ([(11, 500, 300, 5)], 1100),
    ([(5, 100, 300, 5), (1, 500, 0, 1)], 800),
    ([(4, 100, 300, 5), (1, 500, 0, 1)], 500),
    ([(6, 500, 300, 5), (5, 500, 300, 5)], 800),
    ([(1, 0, 0, 1), (7, 0, 25, 2)], 75),
    ([(2, 100, 40, 1), (2, 100, 60, 1)], 100 + 60 + 80),
)


@pytest.mark.parametrize(("lines", "comes_to"), POSTAGE)
def test_the_dearest_unit_pays_its_postage_and_all_others_their_additional(
    lines: list[tuple[int, int, int, int]], comes_to: int
) -> None:
    assert postage_of(Posted(*line) for line in lines) == comes_to
    assert postage_of(Posted(*line) for line in reversed(lines)) == comes_to
