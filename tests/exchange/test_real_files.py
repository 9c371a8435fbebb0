"""Files that shops published: counted, and summed to the cent. Skipped where there are none beside us."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.actions.imports import Outcome
from app.db import db
from app.exchange.importing import Report, summary
from app.models import Buyer, Order, OrderItem
from tests.exchange.conftest import real
from tests.rules.books import recount, tally

Bring = Callable[..., Report]


def rows(data: bytes) -> list[dict[str, str]]:
    """Return a file's rows, read by the standard library alone."""
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def total(data: bytes, column: str) -> int:
    """Return the sum of a column in cents."""
    return int(sum(Decimal(row[column] or 0) for row in rows(data)) * 100)


def sums(app: Flask) -> dict[str, int]:
    """Return the sums of the orders' money columns in cents."""
    names = ("items", "discount", "postage", "tax", "adjustment", "total")
    with app.app_context():
        found = db.session.execute(
            select(*(func.sum(getattr(Order, f"{name}_minor")) for name in names))
        ).one()
        return dict(zip(names, found, strict=True))


def states(app: Flask) -> dict[str, int]:
    """Return how many orders stand in which tab."""
    with app.app_context():
        found: Any = db.session.execute(select(Order.desk_state, func.count()).group_by(Order.desk_state))
        return dict(found.tuples().all())


@pytest.mark.parametrize(("year", "orders", "items"), [("2020", 57, 70), ("2021", 109, 136)])
def test_sold_order_items(app: Flask, bring: Bring, year: str, orders: int, items: int) -> None:
    data = real(f"EtsySoldOrderItems{year}.csv")
    assert (
        summary(bring(data)) == f"{orders} orders, {items} items: {orders} new, 0 changed, 0 same, 0 refused"
    )
    found = sums(app)
    assert found["items"] == total(data, "Item Total")
    assert found["discount"] == total(data, "Discount Amount")
    assert found["postage"] == total(data, "Order Shipping")
    assert (found["tax"], found["adjustment"]) == (0, 0)
    assert states(app) == {"shipped": orders}
    with app.app_context():
        assert db.session.scalar(select(func.count(OrderItem.id))) == items
        assert db.session.scalar(select(func.sum(OrderItem.shipped))) == sum(
            int(r["Quantity"]) for r in rows(data)
        )
    assert tally(app) == recount(app)
    assert (
        summary(bring(data)) == f"{orders} orders, {items} items: 0 new, 0 changed, {orders} same, 0 refused"
    )


def test_sold_orders(app: Flask, bring: Bring) -> None:
    data = real("EtsySoldOrders2022-01_to_11.csv")
    assert summary(bring(data)) == "1384 orders, 1718 items: 1384 new, 0 changed, 0 same, 0 refused"
    found = sums(app)
    assert found["items"] == total(data, "Order Value")
    assert found["discount"] == total(data, "Discount Amount")
    assert found["postage"] == total(data, "Shipping")
    assert found["total"] == total(data, "Order Total")
    # As its README says: net is value - discount + shipping - fees; what the buyer paid beyond is Etsy's tax.
    fees = total(data, "Card Processing Fees")
    assert total(data, "Order Net") == found["items"] - found["discount"] + found["postage"] - fees
    assert found["adjustment"] == found["total"] - (found["items"] - found["discount"] + found["postage"])
    assert states(app) == {"shipped": 1384}
    with app.app_context():
        # Every name and id in it is masked but one: each order has a buyer of its own.
        assert db.session.scalar(select(func.count(Buyer.id))) == 1384
        adjusted = select(func.count(Order.id)).where(Order.adjustment_minor > 0)
        assert db.session.scalar(adjusted) == 1258
    assert tally(app) == recount(app)
    again = bring(data)
    assert again.count(Outcome.SAME) == 1384
    assert [order.reasons for order in again.orders if order.reasons] == []


def test_a_file_of_another_kind_is_refused_by_its_header(bring: Bring) -> None:
    with pytest.raises(Exception, match="no header of a file that we know"):
        bring(real("etsy_statement_2022_1.csv"))
