"""What of a sale goes to whom, to the cent: a thousand carts against Decimal (reference 1.8)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from flask import Flask

from app.access import SYSTEM
from app.actions.aftersale import Reason, cancel
from app.actions.payment import confirm_payment, payouts_of, unpay
from app.actions.refunds import refund
from app.db import db
from app.models import Order, OrderItem, Payout
from app.statuses import ItemStatus, Payment
from tests.factories import GOODS, Factory
from tests.rules import invariants

CARTS = 1000
NOON = datetime(2026, 11, 20, 13, tzinfo=UTC)
CENT = Decimal("0.01")


def in_cents(amount: Decimal) -> int:
    """Round half up to cents, as the reference says, and count them."""
    return int(amount.quantize(CENT, ROUND_HALF_UP) * 100)


def test_a_thousand_carts_are_shared_as_decimal_shares_them() -> None:
    dice = Random("carts")
    for _ in range(CARTS):
        basis_points = dice.choice((0, 1, 250, 600, 3333, 10_000))
        for _ in range(dice.randrange(1, 5)):
            quantity, price = dice.randrange(1, 30), dice.choice((0, 1, 3, 99, 333, dice.randrange(10**7)))
            item = OrderItem(
                quantity=quantity,
                cancelled=dice.randrange(quantity),
                price_minor=price,
                sale_price_minor=None,
                line_total_minor=quantity * price,
                cause_id=dice.choice((None, 1)),
                donation_pct=dice.randrange(101),
                status=ItemStatus.PENDING_FULFILMENT,
            )
            rows = {row.kind: row.amount_minor for row in payouts_of(item, basis_points)}
            gross = Decimal(price) / 100 * (quantity - item.cancelled)
            given = in_cents(gross * item.donation_pct / 100) if item.cause_id else 0
            commission = min(in_cents(gross * basis_points / 10_000), int(gross * 100) - given)
            parts = {"store": int(gross * 100) - given - commission, "cause": given, "commission": commission}
            assert rows == {kind: amount for kind, amount in parts.items() if amount}
            assert sum(rows.values()) == gross * 100


def test_carts_add_up_through_cancelling_refunds_and_a_payment_that_came_twice(
    app: Flask, make: Factory
) -> None:
    dice = Random("carts in the books")
    cause_id = make.cause()
    for _ in range(12):
        lines = tuple(
            replace(
                GOODS,
                quantity=dice.randrange(1, 6),
                price=dice.choice((1, 3, 99, 333, 12_345)),
                listing_id=None,
                cause_id=dice.choice((None, cause_id)),
                donation_pct=dice.choice((1, 15, 33, 50, 100)),
            )
            for _ in range(dice.randrange(1, 4))
        )
        order_id = make.sale(*lines, paid=None, postage=dice.choice((0, 299)), tax=dice.choice((0, 41)))
        row = make.sale_row(order_id)
        sold = sum(Decimal(line.price) / 100 * line.quantity for line in lines)
        assert row.total_minor == in_cents(sold) + row.postage_minor + row.tax_minor
        going = {item.id: dice.randrange(item.quantity) for item in row.items}
        less = sum(item.price_minor * going[item.id] for item in row.items)
        with app.app_context():
            by = {"actor": SYSTEM, "store_id": row.store_id, "at": NOON}
            if any(going.values()):
                cancel(order_id, going, reason=Reason.BUYER, **by)
            for step in (confirm_payment, unpay, confirm_payment):
                step(order_id, **by, **({} if step is unpay else {"code": Payment.PAID}))
                db.session.flush()
                owed = db.session.get_one(Order, order_id).total_minor
                assert owed == row.total_minor - less
                assert paid_out(order_id) == (0 if step is unpay else owed)
            refund(order_id, dice.randrange(1, owed + 1), [row.items[0].id], reason=Reason.OTHER, **by)
            assert paid_out(order_id) == owed
            voided = db.session.query(Payout).filter_by(order_id=order_id, status=4)
            lives = len(row.items) > 1
            assert {p.item_id for p in voided} == {row.items[0].id} or not lives
            db.session.commit()
    assert invariants.broken(invariants.dump(app)) == []


def paid_out(order_id: int) -> int:
    """Return the sum of all that goes to anybody for an order."""
    return sum(row.amount_minor for row in db.session.query(Payout).filter_by(order_id=order_id))
