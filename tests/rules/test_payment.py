"""Money coming in: what becomes of each kind of item, and what of it goes to whom."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access import SYSTEM
from app.actions.payment import NotPayable, confirm_payment, share, unpay
from app.actions.purchases import LineSaid
from app.db import db
from app.errors import ChangedMeanwhile, NotFound
from app.models import Order, Payout
from app.models import Payment as PaymentRow
from app.statuses import Payment
from tests.factories import AUCTION, DEAL, DIGITAL, DONATION, GOODS, PICKUP, SERVICE, Factory
from tests.rules.books import everything
from tests.rules.test_verify import broken
from tests.rules.together import at_once, names

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


def pay(app: Flask, order_id: int, code: int = 1, version: int | None = None) -> None:
    """Confirm a payment in a session of its own."""
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        confirm_payment(
            order_id,
            code=Payment(code),
            actor=SYSTEM,
            store_id=store_id,
            version=version,
            method="paypal",
            gateway_code="PP-1",
            at=AT,
        )
        db.session.commit()


def refuses(app: Flask, kind: type[Exception], order_id: int, **more: int) -> None:
    """Confirm, expect the refusal, and check that not one row differs."""
    before = everything(app)
    with pytest.raises(kind):
        pay(app, order_id, **more)
    assert everything(app) == before


@pytest.mark.parametrize("code", [1, 2, 3])
@pytest.mark.parametrize(
    ("line", "status"),
    [(GOODS, 2), (AUCTION, 2), (SERVICE, 2), (PICKUP, 3), (DEAL, 8), (DONATION, 4), (DIGITAL, 4)],
)
def test_a_paid_item_goes_on_by_its_kind(
    app: Flask, make: Factory, line: LineSaid, status: int, code: int
) -> None:
    item_id = make.item(line, paid=None)
    assert int(make.item_row(item_id).status) == 1
    pay(app, make.item_row(item_id).order_id, code)
    assert int(make.item_row(item_id).status) == status


def test_a_payment_is_kept_with_its_amount_method_and_code(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, paid=None, postage=200)
    pay(app, order_id, 2)
    with app.app_context():
        (row,) = db.session.query(PaymentRow).all()
        assert (row.kind, row.amount_minor, row.currency, row.method, row.code, row.at) == (
            "purchase",
            2450,
            "USD",
            "paypal",
            "PP-1",
            AT,
        )
    sale = make.sale_row(order_id)
    assert (int(sale.payment), sale.paid_at, sale.gateway_code) == (2, AT, "PP-1")


def test_pay_on_arrival_lets_goods_go_and_records_no_money(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, paid=None)
    pay(app, order_id, 3)
    sale = make.sale_row(order_id)
    assert (int(sale.payment), sale.paid_at, sale.desk_state) == (3, None, "to_ship")
    with app.app_context():
        assert db.session.query(PaymentRow).count() == db.session.query(Payout).count() == 0


@pytest.mark.parametrize("code", [1, 2])
def test_what_is_paid_on_arrival_is_settled_later(app: Flask, make: Factory, code: int) -> None:
    order_id = make.sale(GOODS, paid=None)
    pay(app, order_id, 3)
    make.ship(order_id, {make.items_of(order_id)[0]: 5})
    pay(app, order_id, code)
    sale = make.sale_row(order_id)
    assert (int(sale.payment), sale.paid_at, sale.desk_state) == (code, AT, "shipped")
    assert [int(i.status) for i in sale.items] == [3]
    with app.app_context():
        assert db.session.query(PaymentRow).one().amount_minor == sale.total_minor


def test_what_is_paid_on_arrival_is_not_put_off_again(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, paid=None)
    pay(app, order_id, 3)
    refuses(app, NotPayable, order_id, code=3)


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("second", [1, 2, 3])
def test_a_paid_sale_is_not_paid_again(app: Flask, make: Factory, first: int, second: int) -> None:
    order_id = make.sale(GOODS, paid=None)
    pay(app, order_id, first)
    refuses(app, NotPayable, order_id, code=second)


def test_a_settled_sale_is_not_settled_again(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, paid=None)
    pay(app, order_id, 3)
    pay(app, order_id, 1)
    refuses(app, NotPayable, order_id, code=1)


@pytest.mark.parametrize("state", [0, 6, 7])
def test_a_sale_of_which_nothing_waits_for_money_is_not_paid(app: Flask, make: Factory, state: int) -> None:
    order_id = make.sale(GOODS, paid=None)
    make.put(make.items_of(order_id)[0], state)
    refuses(app, NotPayable, order_id)


def test_a_stale_version_pays_nothing(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, paid=None)
    refuses(app, ChangedMeanwhile, order_id, version=make.sale_row(order_id).version + 1)


def test_a_sale_of_another_store_is_not_found(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, paid=None, store="othershop")
    papershop = make.sale_row(make.sale(GOODS)).store_id
    with app.app_context(), pytest.raises(NotFound):
        confirm_payment(order_id, code=Payment.PAID, actor=SYSTEM, store_id=papershop)


def test_a_sale_that_costs_nothing_is_paid_without_a_payment(app: Flask, make: Factory) -> None:
    order_id = make.sale(replace(DIGITAL, price=0), paid=None)
    pay(app, order_id)
    assert make.sale_row(order_id).desk_state == "closed"
    with app.app_context():
        assert db.session.query(PaymentRow).count() == 0


def test_of_two_payments_at_once_exactly_one_is_taken(app: Flask, make: Factory) -> None:
    for _ in range(4):
        order_id = make.sale(GOODS, paid=None)
        assert names(at_once(*[partial(pay, app, order_id)] * 2)) == ["NotPayable", "done"]
        with app.app_context():
            assert db.session.query(PaymentRow).filter_by(order_id=order_id).count() == 1


# Payouts.


def payouts(app: Flask, order_id: int) -> list[tuple[str, int | None, int]]:
    """Return (kind, item id, amount) of an order's payouts."""
    with app.app_context():
        rows = db.session.query(Payout).filter_by(order_id=order_id).order_by(Payout.id)
        return [(p.kind, p.item_id, p.amount_minor) for p in rows]


def test_a_pledged_item_gives_its_share_to_the_cause(app: Flask, make: Factory) -> None:
    cause_id = make.cause()
    order_id = make.sale(replace(GOODS, quantity=1, price=1001, cause_id=cause_id, donation_pct=10))
    (item_id,) = make.items_of(order_id)
    # 10 % of 10.01 is 1.00; 6 % commission of it is 0.60; the store has the rest.
    assert sorted(payouts(app, order_id)) == [
        ("cause", item_id, 100),
        ("commission", item_id, 60),
        ("store", item_id, 841),
    ]


def test_a_percentage_without_a_cause_gives_nothing_away(app: Flask, make: Factory) -> None:
    order_id = make.sale(replace(GOODS, donation_pct=50), store="othershop")
    assert [(kind, amount) for kind, _, amount in payouts(app, order_id)] == [("store", 2250)]


def test_postage_and_tax_are_not_shared(app: Flask, make: Factory) -> None:
    cause_id = make.cause()
    order_id = make.sale(
        replace(GOODS, quantity=1, price=1000, cause_id=cause_id, donation_pct=100), postage=300, tax=80
    )
    assert ("store", None, 380) in payouts(app, order_id)


def test_halves_are_rounded_up() -> None:
    for amount in range(0, 1000, 7):
        for percent in range(0, 101, 5):
            exact = Decimal(amount) * percent / 100
            rounded = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
            assert share(amount, percent, 100) == rounded


def random_cart(dice: random.Random, cause_id: int) -> tuple[list[LineSaid], dict[str, int]]:
    """Return lines and the order's own money."""
    carts = [
        replace(
            dice.choice([GOODS, PICKUP, SERVICE, DIGITAL, DEAL, DONATION, AUCTION]),
            listing_id=None,
            quantity=dice.choice([1, 1, 2, 3, 7]),
            price=dice.choice([1, 3, 99, 100, 333, dice.randrange(100_000)]),
            sale_price=dice.choice([None, None, dice.randrange(5000)]),
            cause_id=dice.choice([None, cause_id]),
            donation_pct=dice.choice([0, 1, 10, 33, 50, 99, 100]),
        )
        for _ in range(dice.randrange(1, 6))
    ]
    money = {"postage": dice.choice([0, 1, 350]), "tax": dice.choice([0, 7, 123])}
    money["discount"] = dice.randrange(sum(line.total for line in carts) + 1)
    parts = sum(line.total for line in carts) - money["discount"] + money["postage"] + money["tax"]
    money["total"] = max(0, parts + dice.choice([-5, 0, 0, 11]))
    return carts, money


def test_payouts_add_up_to_the_cent_for_many_carts(app: Flask, make: Factory) -> None:
    dice = random.Random(20261121)
    cause_id = make.cause()
    for _ in range(30):
        lines, money = random_cart(dice, cause_id)
        order_id = make.sale(*lines, **money)  # type: ignore[arg-type]
        sale = make.sale_row(order_id)
        assert sale.total_minor == money["total"]
        per_item: Counter[int | None] = Counter()
        for _kind, item_id, amount in payouts(app, order_id):
            per_item[item_id] += amount
        assert sum(per_item.values()) == sale.total_minor
        for item, line in zip(sale.items, lines, strict=True):
            assert per_item[item.id] == item.line_total_minor == line.total
            given = [a for kind, i, a in payouts(app, order_id) if i == item.id and kind == "cause"]
            due = share(line.total, line.donation_pct if line.cause_id else 0, 100)
            assert sum(given) == due


def test_a_sale_is_found_by_every_payment_code_that_it_had(
    app: Flask, make: Factory, sign_in: Callable[[str], FlaskClient]
) -> None:
    order_id = make.sale(paid=None, gateway_code="TOLD-1")
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        by = {"actor": SYSTEM, "store_id": store_id, "at": AT}
        for code in ("PP-4711", "PP-4712"):
            confirm_payment(order_id, code=Payment.PAID_PAYPAL, gateway_code=code, **by)
            unpay(order_id, **by)
        db.session.commit()
    owner = sign_in("owner")
    for words in ("TOLD-1", "pp-4711", "4712"):
        assert f"/sales/{order_id}" in owner.get(f"/stores/papershop/sales?q={words}").text
    assert f"/sales/{order_id}" not in owner.get("/stores/papershop/sales?q=4713").text
    assert "PP-4712" in owner.get(f"/stores/papershop/sales/{order_id}").text
    assert broken(app) == {}
