"""What the machine of all acts found, each by name, and held by both proofs of the books."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from app.access import SYSTEM
from app.actions.addresses import correct_address
from app.actions.aftersale import Reason, cancel
from app.actions.audit import audit
from app.actions.labels import set_tracking
from app.actions.parcels import Tracking, ship_together
from app.actions.payment import confirm_payment, unpay
from app.actions.purchases import BuyerSaid
from app.actions.refunds import refund, settle_refund
from app.actions.undo import void_parcel
from app.db import db
from app.errors import StatusChangeProhibited
from app.models import Order, OrderItem, Payment
from app.statuses import Payment as Paid
from tests.factories import ADDRESS, GOODS, Factory
from tests.rules import invariants
from tests.rules.books import everything

NOON = datetime(2026, 11, 20, 13, tzinfo=UTC)
TWO = replace(GOODS, title="Envelope", quantity=2, price=100, listing_id=None)
BUYER = BuyerSaid("Maja Kowalczyk", ref="maja")

Do = Callable[..., Any]


@pytest.fixture
def do(app: Flask) -> Do:
    """What does an act and commits it; afterwards both proofs of the books hold."""

    def done(act: Callable[..., Any], order_id: Any, *what: Any, **how: Any) -> Any:
        with app.app_context():
            store_id = db.session.get_one(Order, order_id if isinstance(order_id, int) else 1).store_id
            act(order_id, *what, actor=SYSTEM, store_id=store_id, at=NOON, **how)
            db.session.commit()
            found = {proof.name: proof.first for proof in audit() if proof.broken}
            db.session.rollback()
        assert found == {}
        assert invariants.broken(invariants.dump(app)) == []

    return done


def money(app: Flask, order_id: int) -> list[tuple[str, int, str | None]]:
    """Return what moved for an order."""
    with app.app_context():
        rows = db.session.query(Payment).filter_by(order_id=order_id).order_by(Payment.id)
        return [(row.kind, row.amount_minor, row.code) for row in rows]


@pytest.mark.parametrize("is_done", [True, False])
def test_the_end_of_a_refund_is_no_event_of_its_order(make: Factory, do: Do, is_done: bool) -> None:
    order_id = make.sale(GOODS, TWO)
    do(refund, order_id, 100, make.items_of(order_id)[:1], reason=Reason.OTHER, is_done=False)
    do(settle_refund, order_id, is_done=is_done)
    assert [int(item.status) for item in make.sale_row(order_id).items] == [5 if is_done else 2, 2]


def test_a_payment_taken_back_is_void_and_may_come_again_under_its_code(
    app: Flask, make: Factory, do: Do
) -> None:
    order_id = make.sale(TWO, paid=None)
    for _ in range(2):
        do(confirm_payment, order_id, code=Paid.PAID, gateway_code="g-1")
        do(unpay, order_id)
    do(confirm_payment, order_id, code=Paid.PAID_PAYPAL, gateway_code="g-1")
    assert money(app, order_id) == [
        ("purchase", 200, "g-1"),
        ("void", 200, None),
        ("purchase", 200, None),
        ("void", 200, None),
        ("purchase", 200, None),
    ]


def test_pieces_cancelled_while_it_was_paid_are_not_asked_for_after_the_payment_was_taken_back(
    make: Factory, do: Do
) -> None:
    order_id = make.sale(replace(TWO, quantity=4), GOODS, paid=None)
    first, second = make.items_of(order_id)
    do(cancel, order_id, {first: 1}, reason=Reason.BUYER)
    do(confirm_payment, order_id, code=Paid.PAID)
    do(cancel, order_id, {first: 2, second: 5}, reason=Reason.BUYER)
    assert make.sale_row(order_id).total_minor == 300 + 2250  # what was paid
    do(unpay, order_id)
    row = make.sale_row(order_id)
    assert (row.total_minor, row.adjustment_minor) == (100, -300 - 2250)
    do(confirm_payment, order_id, code=Paid.PAID)


def test_what_has_gone_back_was_paid_and_cannot_be_taken_back_as_a_mistake(
    app: Flask, make: Factory, do: Do
) -> None:
    order_id = make.sale(GOODS, TWO)
    do(refund, order_id, 100, reason=Reason.OTHER)
    before = everything(app)
    with pytest.raises(StatusChangeProhibited):
        do(unpay, order_id)
    assert everything(app) == before


def test_no_less_than_nothing_is_owed_once_pieces_of_a_reduced_sale_are_cancelled(
    make: Factory, do: Do
) -> None:
    order_id = make.sale(TWO, paid=None, discount=150)
    do(cancel, order_id, {make.items_of(order_id)[0]: 1}, reason=Reason.BUYER)
    assert make.sale_row(order_id).total_minor == 0
    do(confirm_payment, order_id, code=Paid.PAID)


def test_a_sale_that_is_cancelled_after_all_went_back_is_refunded(make: Factory, do: Do) -> None:
    order_id = make.sale(TWO)
    do(refund, order_id, None, reason=Reason.OTHER)
    assert int(make.sale_row(order_id).payment) == 1
    do(cancel, order_id, None, reason=Reason.OTHER)
    assert int(make.sale_row(order_id).payment) == 5


def test_money_that_has_only_been_promised_does_not_end_a_sale(make: Factory, do: Do) -> None:
    order_id = make.sale(TWO)
    do(refund, order_id, None, reason=Reason.OTHER, is_done=False)
    do(cancel, order_id, None, reason=Reason.OTHER)
    assert int(make.sale_row(order_id).payment) == 1
    do(settle_refund, order_id, is_done=True)
    assert int(make.sale_row(order_id).payment) == 5


def test_what_is_given_back_with_a_line_leaves_the_payouts_of_a_cancelled_one_alone(
    make: Factory, do: Do
) -> None:
    order_id = make.sale(GOODS, TWO)
    first, second = make.items_of(order_id)
    do(cancel, order_id, {second: 2}, reason=Reason.BUYER)
    do(refund, order_id, 200, [second], reason=Reason.OTHER)
    do(refund, order_id, 50, [first], reason=Reason.OTHER)


def test_a_sale_is_not_found_by_the_address_that_was_corrected(app: Flask, make: Factory, do: Do) -> None:
    order_id = make.sale(GOODS, address=replace(ADDRESS, name="Oskar Fink"))
    do(set_tracking, order_id, make.items_of(order_id)[0], Tracking("DHL", ADDRESS.postal_code))
    do(correct_address, order_id, replace(ADDRESS, name="Jan Nowak", street="ul. Krótka 1"))
    do(correct_address, order_id, replace(ADDRESS, name="Jan Nowak", postal_code="00-950"))


def test_both_sales_are_found_by_the_corrected_number_of_their_parcel(make: Factory, do: Do) -> None:
    sales_of_one = [make.sale(GOODS, buyer=BUYER) for _ in range(2)]
    pieces = {order_id: {make.items_of(order_id)[0]: 5} for order_id in sales_of_one}
    do(ship_together, pieces, tracking=Tracking("DHL", "A1"))
    do(set_tracking, sales_of_one[1], make.items_of(sales_of_one[1])[0], Tracking("DHL", "B2"))


def test_a_parcel_that_cannot_go_back_is_left_alone_in_all_its_sales(
    app: Flask, make: Factory, do: Do
) -> None:
    sales_of_one = [make.sale(GOODS, buyer=BUYER) for _ in range(2)]
    pieces = {order_id: {make.items_of(order_id)[0]: 5} for order_id in sales_of_one}
    do(ship_together, pieces, tracking=Tracking("DHL", "A1"))
    do(refund, sales_of_one[1], 5, make.items_of(sales_of_one[1]), reason=Reason.OTHER, is_done=False)
    with app.app_context():
        store_id = db.session.get_one(Order, sales_of_one[0]).store_id
        with pytest.raises(StatusChangeProhibited):
            void_parcel(1, actor=SYSTEM, store_id=store_id)
        assert not db.session.dirty
        assert [item.shipped for item in db.session.query(OrderItem)] == [5, 5]
