"""Purchases arrive: once, whoever tells of them how often; followed until something moved here."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from flask import Flask

from app.access import SYSTEM, Actor
from app.actions.intake import TakenIn, Verdict, take_in
from app.actions.payment import confirm_payment
from app.actions.purchases import STAND_IN, AddressSaid, BuyerSaid, DiscountSaid, LineSaid, Purchase
from app.db import db
from app.models import Buyer, Discount, Event, Order, OrderItem, SearchTerm
from app.models import Payment as PaymentRow
from app.queries import people
from app.statuses import ActorKind, Delivery, Door, Payment
from tests.factories import ADDRESS, GOODS, Factory
from tests.rules.books import everything, recount, tally
from tests.rules.together import at_once

FILE = Actor(None, "etsy.csv", kind=ActorKind.IMPORT, door=Door.IMPORT)
ETSY = Purchase(
    channel="etsy",
    external_id="9001",
    kind="imported",
    currency="USD",
    buyer=BuyerSaid("Maja Kowalczyk", "maja", ref="maja"),
    address=ADDRESS,
    lines=(LineSaid("Card", 2, 450, external_id="t-1"), LineSaid("Envelope", 1, 300, external_id="t-2")),
    placed_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    postage=200,
)
NOT_LISTED = replace(
    ETSY, lines=(LineSaid("3 items, not listed", 1, 1200, external_id=STAND_IN),), total=1400
)


def told(app: Flask, purchase: Purchase = ETSY, *, store: str = "papershop", actor: Actor = FILE) -> TakenIn:
    """Take a purchase in and commit."""
    with app.app_context():
        place = people.place(store, None)
        assert place is not None
        taken = take_in(purchase, actor=actor, store_id=place.store.id)
        db.session.commit()
        db.session.refresh(taken.order)
        db.session.expunge_all()
        return taken


def lines(app: Flask, order_id: int) -> list[tuple[str, int, int]]:
    """Return (title, quantity, status) of an order's lines."""
    with app.app_context():
        rows = db.session.query(OrderItem).filter_by(order_id=order_id).order_by(OrderItem.position)
        return [(i.title, i.quantity, int(i.status)) for i in rows]


def paid(app: Flask, order_id: int, actor: Actor = FILE) -> None:
    """Let the file (or somebody) say that an order is paid."""
    with app.app_context():
        order = db.session.get_one(Order, order_id)
        confirm_payment(order_id, code=Payment.PAID, actor=actor, store_id=order.store_id, at=ETSY.placed_at)
        db.session.commit()


def count(app: Flask, table: Any) -> int:
    with app.app_context():
        return db.session.query(table).count()


def test_a_purchase_becomes_an_order_that_waits_for_its_payment(app: Flask) -> None:
    taken = told(app)
    assert taken.verdict is Verdict.NEW
    order = taken.order
    assert (order.items_minor, order.postage_minor, order.total_minor) == (1200, 200, 1400)
    assert (int(order.payment), order.desk_state, int(order.status)) == (0, "unpaid", 1)
    assert lines(app, order.id) == [("Card", 2, 1), ("Envelope", 1, 1)]


def test_the_same_purchase_told_twice_is_one_order(app: Flask) -> None:
    first = told(app)
    before = everything(app)
    again = told(app)
    assert (again.verdict, again.order.id, again.differences) == (Verdict.SAME, first.order.id, ())
    after = everything(app)
    # Reading it again may count the store's revision up; nothing else is written.
    assert {name: rows for name, rows in after.items() if name != "store"} == {
        name: rows for name, rows in before.items() if name != "store"
    }


def test_a_purchase_told_by_two_at_once_is_one_order(app: Flask) -> None:
    for n in range(4):
        same = replace(ETSY, external_id=f"at-once-{n}")
        assert at_once(*[partial(told, app, same)] * 3) == [None] * 3
        assert count(app, Order) == n + 1


def test_two_purchases_at_once_get_numbers_of_their_own(app: Flask) -> None:
    assert at_once(*[partial(told, app, replace(ETSY, external_id=str(n))) for n in range(5)]) == [None] * 5
    with app.app_context():
        assert sorted(order.number for order in db.session.query(Order)) == [1001, 1002, 1003, 1004, 1005]


@pytest.mark.parametrize("changes", [{"channel": "ebay"}, {"external_id": "9002"}])
def test_another_channel_or_outside_id_is_another_order(app: Flask, changes: dict[str, str]) -> None:
    first = told(app)
    second = told(app, replace(ETSY, **changes))
    assert second.verdict is Verdict.NEW
    assert second.order.id != first.order.id


def test_the_same_outside_id_in_another_store_is_another_order(app: Flask) -> None:
    first = told(app)
    assert told(app, store="othershop").order.id != first.order.id


def test_a_purchase_without_an_outside_id_is_new_each_time(app: Flask) -> None:
    typed = replace(ETSY, channel="desk", external_id=None)
    assert [told(app, typed).verdict for _ in range(2)] == [Verdict.NEW] * 2


def test_numbers_are_one_sequence_a_store_whatever_the_channel(app: Flask) -> None:
    numbers = [
        told(app, replace(ETSY, external_id=str(n), channel=channel)).order.number
        for n, channel in enumerate(("etsy", "ebay", "desk", "etsy"))
    ]
    assert numbers == [1001, 1002, 1003, 1004]
    assert told(app, store="othershop").order.number == 1001


def test_telling_of_a_known_order_uses_no_number_up(app: Flask) -> None:
    told(app)
    told(app)
    assert told(app, replace(ETSY, external_id="9002")).order.number == 1002


def test_orders_that_may_combine_one_day_do_not_yet(app: Flask, make: Factory) -> None:
    for number in range(2):
        told(app, replace(ETSY, channel="intake", kind="auction", external_id=f"lot-{number}"), actor=SYSTEM)
    assert count(app, Order) == 2


def test_a_total_that_the_parts_do_not_explain_stands_as_adjustment(app: Flask) -> None:
    order = told(app, replace(ETSY, total=1500)).order
    assert (order.adjustment_minor, order.total_minor) == (100, 1500)


# Told again, while nothing moved here.


def test_new_lines_are_followed_while_nothing_moved(app: Flask) -> None:
    order_id = told(app).order.id
    more = replace(ETSY, lines=(*ETSY.lines, LineSaid("Stamp", 3, 100, external_id="t-3")))
    taken = told(app, more)
    assert (taken.verdict, taken.order.id) == (Verdict.CHANGED, order_id)
    assert lines(app, order_id) == [("Card", 2, 1), ("Envelope", 1, 1), ("Stamp", 3, 1)]
    assert taken.order.total_minor == 1700


def test_a_new_address_is_followed_while_nothing_moved(app: Flask) -> None:
    order_id = told(app).order.id
    taken = told(app, replace(ETSY, address=AddressSaid("Maja Kowalczyk", "Rynek 1", postal_code="00-001")))
    assert taken.differences == ("the address differs",)
    with app.app_context():
        terms = {t.term for t in db.session.query(SearchTerm).filter_by(order_id=order_id)}
    assert "00" in terms
    assert "61" not in terms  # the old postcode finds it no more


def test_an_address_that_differs_in_case_and_accents_alone_is_the_same(app: Flask) -> None:
    told(app)
    shouted = replace(ADDRESS, street="UL. DLUGA 5", city="POZNAN")
    assert told(app, replace(ETSY, address=shouted)).verdict is Verdict.SAME


def test_a_paid_order_that_is_followed_stays_paid(app: Flask) -> None:
    order_id = told(app).order.id
    paid(app, order_id)
    more = replace(ETSY, lines=(*ETSY.lines, LineSaid("Stamp", 3, 100, external_id="t-3")))
    taken = told(app, more)
    assert taken.verdict is Verdict.CHANGED
    assert int(taken.order.payment) == 1
    assert lines(app, order_id) == [("Card", 2, 2), ("Envelope", 1, 2), ("Stamp", 3, 2)]
    with app.app_context():
        (payment,) = db.session.query(PaymentRow).filter_by(order_id=order_id)
        assert payment.amount_minor == 1700


def test_a_paid_order_of_what_is_delivered_at_once_is_followed_too(app: Flask) -> None:
    pattern = LineSaid("Pattern", 1, 700, external_id="t-1", delivery=Delivery.DIGITAL)
    order_id = told(app, replace(ETSY, lines=(pattern,))).order.id
    paid(app, order_id)
    taken = told(app, replace(ETSY, lines=(replace(pattern, title="Pattern, PDF"),)))
    assert taken.verdict is Verdict.CHANGED
    assert lines(app, order_id) == [("Pattern, PDF", 1, 4)]


def test_discounts_are_followed_not_added(app: Flask) -> None:
    off = replace(ETSY, discount=100, discounts=(DiscountSaid("coupon", "TEN", 100),))
    order_id = told(app, off).order.id
    told(app, replace(off, discount=200, discounts=(DiscountSaid("coupon", "TWENTY", 200),)))
    with app.app_context():
        found = db.session.query(Discount).filter_by(order_id=order_id).all()
        assert [(d.code, d.amount_minor) for d in found] == [("TWENTY", 200)]


def test_following_keeps_the_tally_right(app: Flask) -> None:
    paid(app, told(app).order.id)
    told(app, replace(ETSY, lines=ETSY.lines[:1]))
    assert tally(app) == recount(app)


# Told again, after something moved here.


def moved_here(app: Flask, make: Factory, how: str) -> int:
    """Take the order in, let something happen to it here, and return its id."""
    order_id = told(app).order.id
    if how == "paid by hand":
        paid(app, order_id, actor=SYSTEM)
        return order_id
    paid(app, order_id)
    first = make.items_of(order_id)[0]
    if how == "part shipped":
        make.ship(order_id, {first: 1})
    elif how == "cancelled":
        make.put(first, 6)
    return order_id


@pytest.mark.parametrize("how", ["paid by hand", "part shipped", "cancelled"])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lines": ETSY.lines[:1]}, "the money differs"),
        ({"lines": (replace(ETSY.lines[0], title="Postcard"), ETSY.lines[1])}, "the lines differ"),
        ({"address": AddressSaid("Somebody", "Elsewhere 1")}, "the address differs"),
    ],
)
def test_differences_are_only_reported_once_something_moved(
    app: Flask, make: Factory, how: str, changes: dict[str, Any], said: str
) -> None:
    order_id = moved_here(app, make, how)
    kept = lines(app, order_id), make.sale_row(order_id).total_minor, make.sale_row(order_id).address_id
    taken = told(app, replace(ETSY, **changes))
    assert taken.verdict is Verdict.SAME
    assert said in taken.differences
    sale = make.sale_row(order_id)
    assert (lines(app, order_id), sale.total_minor, sale.address_id) == kept


# The stand-in: a file that does not list the lines.


def test_a_stand_in_is_replaced_when_the_lines_are_told(app: Flask) -> None:
    order_id = told(app, NOT_LISTED).order.id
    taken = told(app, replace(ETSY, postage=0))
    assert (taken.verdict, taken.order.id) == (Verdict.CHANGED, order_id)
    assert lines(app, order_id) == [("Card", 2, 1), ("Envelope", 1, 1)]


def test_the_total_told_with_the_stand_in_stays_the_rest_is_adjustment(app: Flask) -> None:
    told(app, NOT_LISTED)
    order = told(app, replace(ETSY, postage=0)).order
    assert (order.items_minor, order.adjustment_minor, order.total_minor) == (1200, 200, 1400)


def test_the_stand_in_told_after_the_lines_changes_nothing(app: Flask) -> None:
    order_id = told(app).order.id
    taken = told(app, NOT_LISTED)
    assert (taken.verdict, taken.differences) == (Verdict.SAME, ())
    assert lines(app, order_id) == [("Card", 2, 1), ("Envelope", 1, 1)]


def test_a_stand_in_that_was_shipped_is_not_replaced(app: Flask, make: Factory) -> None:
    order_id = told(app, NOT_LISTED).order.id
    paid(app, order_id)
    make.ship(order_id, {make.items_of(order_id)[0]: 1})
    taken = told(app, replace(ETSY, postage=0))
    assert taken.verdict is Verdict.SAME
    assert taken.differences == ("the lines are listed now",)
    assert lines(app, order_id) == [("3 items, not listed", 1, 3)]


# Buyers belong to a store.


def test_a_buyer_is_known_again_by_the_senders_key(app: Flask) -> None:
    first = told(app)
    second = told(app, replace(ETSY, external_id="9002"))
    assert first.order.buyer_id == second.order.buyer_id
    assert told(app, store="othershop").order.buyer_id != first.order.buyer_id


def test_a_buyer_without_a_key_is_never_taken_for_another(app: Flask) -> None:
    nobody = replace(ETSY, buyer=BuyerSaid("Maja Kowalczyk", email="maja@example.com"))
    first, second = told(app, nobody), told(app, replace(nobody, external_id="9002"))
    assert first.order.buyer_id != second.order.buyer_id


def test_taking_in_never_gives_an_account_a_purchase(app: Flask) -> None:
    told(app, replace(ETSY, buyer=BuyerSaid("Buyer", email="buyer@example.com", ref="b")))
    with app.app_context():
        assert [b.account_id for b in db.session.query(Buyer)] == [None]


def test_a_refused_purchase_leaves_nothing(app: Flask) -> None:
    before = everything(app)
    with app.app_context():
        place = people.place("papershop", None)
        assert place is not None
        with pytest.raises(Exception, match="ck_order_item_quantity"):
            take_in(replace(ETSY, lines=(replace(GOODS, quantity=0),)), actor=FILE, store_id=place.store.id)
        db.session.rollback()
    assert everything(app) == before


def test_the_history_names_the_file_that_told(app: Flask) -> None:
    told(app)
    with app.app_context():
        of_orders = db.session.query(Event).where(Event.order_id.is_not(None))
        assert {(e.verb, e.actor_kind, e.door) for e in of_orders} == {("take_in", "import", "import")}
