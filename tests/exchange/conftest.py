"""What the tests of files share: our files, rows that are made up, a file brought in by one of the cast."""

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.access import Permission, find_desk, person
from app.db import db
from app.exchange.importing import Report, bring_in, read
from app.models import Address, Buyer, Discount, Order, OrderItem
from app.models import Payment as PaymentRow
from app.queries import people
from tests.conftest import email_of

FILES = Path(__file__).parent / "files"
ITEMS, ORDERS = "etsy_items.csv", "etsy_orders.csv"
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "etsy"

ITEM_HEADER = (FILES / ITEMS).read_text().splitlines()[0].split(",")
ORDER_HEADER = (FILES / ORDERS).read_text().splitlines()[0].split(",")

ITEM = {
    "Sale Date": "12/28/26",
    "Item Name": "Letterpress card",
    "Buyer": "Maja Kowalczyk (majapapier)",
    "Quantity": "2",
    "Price": "4.50",
    "Discount Amount": "0",
    "Order Shipping": "1.5",
    "Order Sales Tax": "0",
    "Currency": "USD",
    "Transaction ID": "5001",
    "Listing ID": "701",
    "Date Paid": "12/28/2026",
    "Ship Name": "Maja Kowalczyk",
    "Ship Address1": "ul. Długa 5",
    "Ship City": "Poznań",
    "Ship Zipcode": "61-001",
    "Ship Country": "Poland",
    "Order ID": "90001",
}
ORDER = {
    "Sale Date": "12/28/26",
    "Order ID": "90001",
    "Buyer User ID": "majapapier",
    "Full Name": "Maja Kowalczyk",
    "Number of Items": "2",
    "Payment Method": "Credit Card",
    "Street 1": "ul. Długa 5",
    "Ship City": "Poznań",
    "Ship Zipcode": "61-001",
    "Ship Country": "Poland",
    "Currency": "USD",
    "Order Value": "9.0",
    "Discount Amount": "0.0",
    "Shipping": "1.5",
    "Sales Tax": "0.0",
    "Order Total": "10.5",
}


def fixture(name: str) -> bytes:
    """Return a file of ours."""
    return (FILES / name).read_bytes()


def real(name: str) -> bytes:
    """Return a published shop's file; the test is skipped where there is none."""
    path = REAL / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the repository, under shared/data/etsy")
    return path.read_bytes()


def csv_bytes(header: Iterable[str], rows: Iterable[dict[str, str]], delimiter: str = ",") -> bytes:
    """Return a CSV file of these rows; columns that a row does not name are empty."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, list(header), restval="", delimiter=delimiter, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def items_file(*rows: dict[str, str]) -> bytes:
    """Return a file of sold order items: each row is ITEM with these changes."""
    return csv_bytes(ITEM_HEADER, [ITEM | row for row in rows])


def orders_file(*rows: dict[str, str]) -> bytes:
    """Return a file of sold orders: each row is ORDER with these changes."""
    return csv_bytes(ORDER_HEADER, [ORDER | row for row in rows])


@pytest.fixture
def bring(app: Flask) -> Callable[..., Report]:
    """Return what brings a file in as one of the cast, for good or dry, and gives the report."""

    def brought(
        data: bytes, *, who: str = "staff", store: str = "papershop", is_dry_run: bool = False
    ) -> Report:
        with app.app_context():
            account = people.account_by_email(email_of(who))
            assert account is not None
            desk = find_desk(person(account), store, to=Permission.IMPORT)
            return bring_in(
                read(data, desk.store.zone, desk.store.currency),
                desk,
                is_dry_run=is_dry_run,
                commit=db.session.commit,
                rollback=db.session.rollback,
            )

    return brought


@pytest.fixture
def kept(app: Flask) -> Callable[[str], dict[str, Any]]:
    """Return what gives an order by its outside id, with all that hangs on it, cut off from its session."""

    def order(external_id: str) -> dict[str, Any]:
        with app.app_context():
            row = db.session.query(Order).filter_by(external_id=external_id).one()
            found = {
                "order": row,
                "items": db.session.query(OrderItem)
                .filter_by(order_id=row.id)
                .order_by(OrderItem.position)
                .all(),
                "buyer": db.session.get_one(Buyer, row.buyer_id),
                "address": db.session.get(Address, row.address_id) if row.address_id else None,
                "payments": db.session.query(PaymentRow).filter_by(order_id=row.id).all(),
                "discounts": db.session.query(Discount).filter_by(order_id=row.id).all(),
            }
            db.session.expunge_all()
            return found

    return order
