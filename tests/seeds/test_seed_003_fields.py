"""Seed 003, "Sale": its fields, associations and example: each test is named by what it proves."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.access import SYSTEM
from app.actions.payment import confirm_payment
from app.actions.purchases import AddressSaid, BuyerSaid, LineSaid
from app.api.hip.objects import PAYMENT_NAMES
from app.db import db
from app.models import Buyer, Order, Store
from app.statuses import Payment
from tests.api.hip_caller import HipCaller, envelope
from tests.factories import DEAL, SERVICE, Factory
from tests.seeds.test_seed_003 import MAJA, won

pytestmark = pytest.mark.seed

# Example of findAllStoresSalesPaid, but for its slips: a comma too many, blanks around e-mails, two names
# exchanged, lines that name another sale.
EXAMPLE = json.loads((Path(__file__).parent / "examples" / "003_find_all_stores_sales_paid.json").read_text())
SALE = EXAMPLE["results"][0]


def bobs(app: Flask, make: Factory) -> int:
    """Make the sale of the seed's example, after one that it took up; return its id."""
    sale: dict[str, Any] = {
        "buyer": BuyerSaid("Bob Buyer", "BobTheBuyer", "bob@example.com", "bob"),
        "address": AddressSaid(
            "Bob Buyer", "123 Main Street", "", "Brooklyn", "New York", "11234", "US",
            given_name="Bob", family_name="Buyer", region_code="NY",
        ),
        "placed_at": datetime(2017, 11, 16, 20, 1, 2, 700000, tzinfo=UTC),
        "postage_method": "First Class Mail",
    }  # fmt: skip
    line = LineSaid("Sample Listing #1", 1, 500, sku="M162814", listing_id="16669896", postage=200)
    won(make, line, **sale)
    order = won(make, replace(line, price=1050, sku="M190047", listing_id="16669923"), **sale)
    with app.app_context():
        db.session.get_one(Store, 1).mail_from = "joe@example.com"
        by: dict[str, Any] = {"actor": SYSTEM, "store_id": 1, "gateway_code": "9XY12345"}
        confirm_payment(order, code=Payment.PAID_PAYPAL, **by)
        db.session.commit()
    return order


@pytest.mark.both
def test_the_example_of_find_all_stores_sales_paid(app: Flask, hip: HipCaller, make: Factory) -> None:
    order = bobs(app, make)
    found = envelope(hip.listed("paid", {"limit": "1"}))
    assert found["params"] == EXAMPLE["params"] | {"username": "papershop"}
    (sale,) = found["results"]
    assert shape_of(sale) == shape_of(SALE)
    ours = made_here(order, sale)
    assert {name: sale[name] for name in SALE if name not in ours} == {
        name: SALE[name] for name in SALE if name not in ours
    }
    here, there = sale["ShippingAddress"], SALE["ShippingAddress"]
    for name in there.keys() - {"id", "user_id", "country", "state"}:
        assert here[name] == there[name]
    assert (here["country"], here["state"]) == ("840", "")  # a country's number by ISO 3166
    lines = sorted(sale["SaleListings"], key=lambda line: line["price"], reverse=True)
    for here, there in zip(lines, SALE["SaleListings"], strict=True):
        for name in ("price", "quantity", "listing_name", "private_id"):
            assert here[name] == there[name]
        assert here["sale_id"] == sale["id"]


def shape_of(value: Any) -> Any:
    """Return names in their order, and types; a number is one, with decimals or without."""
    match value:
        case dict():
            return [(name, shape_of(inner)) for name, inner in value.items()]
        case list():
            return [shape_of(inner) for inner in value]
        case int() | float():
            return "number"
        case _:
            return type(value).__name__


def made_here(order: int, sale: dict[str, Any]) -> set[str]:
    """Check the ids that this desk gave; return their names and those of what is compared apart."""
    assert (sale["id"], sale["seller_id"], sale["seller_username"]) == (str(order), "1", "papershop")
    assert sale["shipping_address_id"] == sale["ShippingAddress"]["id"]
    assert sale["buyer_id"] == sale["ShippingAddress"]["user_id"]
    ids = {"id", "buyer_id", "seller_id", "seller_username", "shipping_address_id", "combined_sales_ids"}
    return ids | {"ShippingAddress", "SaleListings"}


# The seed's table of fields, in its order, and what a value is: `int` is a text of digits as in the example.
def is_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value) is not None


def is_string(value: Any) -> bool:
    return isinstance(value, str)


def is_float(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_time(value: Any) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).strftime("%Y-%m-%d %H:%M:%S") == value


def is_currency(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Z]{3}", value) is not None


def is_array_of_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_id, value))


FIELDS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("id", "buyer_id"), is_id),
    **dict.fromkeys(("buyer_username", "buyer_email"), is_string),
    "seller_id": is_id,
    **dict.fromkeys(("seller_username", "seller_email"), is_string),
    **dict.fromkeys(("flag_payment", "flag_shipping", "flag_buyer_payment", "flag_buyer_shipping"), is_id),
    "flag_payment_name": is_string,
    "flag_shipping_name": is_string,
    "flag_buyer_payment_name": is_string,
    "flag_buyer_shipping_name": is_string,
    "currency": is_currency,
    "tracking_link": is_string,
    "created_at": is_time,
    "shipping_address_id": is_id,
    "combined_sales_ids": is_array_of_ids,
    "postage_method": is_string,
    **dict.fromkeys(("sales_listings_amount", "postage_amount", "tax_amount", "total"), is_float),
    "ShippingAddress": lambda value: isinstance(value, dict),
    "SaleListings": lambda value: isinstance(value, list) and bool(value),
}


@pytest.fixture
def sale(hip: HipCaller, make: Factory) -> dict[str, Any]:
    """A sale that has every field: combined of two, paid, sent with a number."""
    won(make)
    order = won(make, account="buyer")
    make.pay(order)
    make.ship(order, dict.fromkeys(make.items_of(order), 5), number="JD 1")
    shown = hip.sale(order)
    assert hip.sale(order, who="buyer") == shown  # public: both sides see the same
    return shown


def test_the_example_of_find_all_stores_sales_paid_has_every_field_of_the_table() -> None:
    assert [name for name in FIELDS if name != "tracking_link"] == list(SALE)


def test_a_field_is_public_and_of_its_type(sale: dict[str, Any], hip: HipCaller, make: Factory) -> None:
    assert list(sale) == list(FIELDS)
    some = [make.sale(DEAL, paid=None), make.sale(SERVICE), won(make, account="buyer", address=None)]
    for shown in (SALE, sale, *(hip.sale(order) for order in some)):
        nowhere = {"shipping_address_id", "ShippingAddress"} if shown["ShippingAddress"] is None else set()
        for name, value in shown.items():
            assert value is None if name in nowhere else FIELDS[name](value), (name, value)


@pytest.mark.both
def test_label_fields_always_match_their_ids(hip: HipCaller, make: Factory) -> None:
    order = make.sale(account="buyer", paid=None)
    seen = {}
    for code in (3, 1, 0, 2):
        seen[code] = hip.put(order, json={"flag_payment": code}).json["results"][0]
    cancelled = hip.put(make.sale(paid=None), json={"flag_payment": 4}).json["results"][0]
    refunded = hip.put(make.sale(), json={"flag_payment": 5}).json["results"][0]
    for code, shown in {**seen, 4: cancelled, 5: refunded}.items():
        assert (shown["flag_payment"], shown["flag_payment_name"]) == (str(code), PAYMENT_NAMES[code])
    assert [seen[n]["flag_payment_name"] for n in range(4)] == [
        "Unpaid",
        "Paid",
        "Paid (PayPal)",
        "Payment on Arrival",
    ]
    shipped = hip.put(order, json={"flag_shipping": 1}).json["results"][0]
    assert [shown["flag_shipping_name"] for shown in (seen[2], shipped)] == ["Processing", "Shipped"]
    received = hip.says(order, json={"flag_buyer_shipping": 1}).json["results"][0]
    assert [shown["flag_buyer_shipping_name"] for shown in (shipped, received)] == ["Waiting", "Received"]


@pytest.mark.parametrize(("discount", "tax"), [(0, 0), (200, 135), (0, 99)])
def test_the_three_sums_make_the_total(hip: HipCaller, make: Factory, discount: int, tax: int) -> None:
    shown = hip.sale(make.sale(postage=310, tax=tax, discount=discount))
    assert (shown["postage_amount"], shown["tax_amount"]) == (3.1, tax / 100)
    cents = [round(100 * shown[f"{name}_amount"]) for name in ("sales_listings", "postage", "tax")]
    assert sum(cents) == round(100 * shown["total"]) == 5 * 450 - discount + 310 + tax


def test_tracking_link_is_not_returned_if_empty(hip: HipCaller, make: Factory) -> None:
    order = make.sale()
    assert "tracking_link" not in hip.sale(order)
    make.ship(order, dict.fromkeys(make.items_of(order), 1))
    assert "tracking_link" not in hip.sale(order)
    make.ship(order, dict.fromkeys(make.items_of(order), 1), number="JD 1")
    sale = hip.sale(order)
    assert sale["tracking_link"] == "JD 1"
    assert list(sale)[list(sale).index("currency") + 1] == "tracking_link"


def test_combined_sales_ids_is_not_returned_if_empty(hip: HipCaller, make: Factory) -> None:
    assert "combined_sales_ids" not in hip.sale(make.sale())


def test_a_buyer_is_whom_the_seller_knows(app: Flask, hip: HipCaller, make: Factory) -> None:
    order = make.sale(account="buyer", buyer=MAJA)
    with app.app_context():
        buyer = db.session.get_one(Buyer, db.session.get_one(Order, order).buyer_id)
        told = (str(buyer.id), buyer.username)
    sale = hip.sale(order)
    assert (sale["buyer_id"], sale["buyer_username"]) == told
