"""One form, one act: a purchase is the same order, and refused alike, by whichever door it comes.

A table of purchases goes through the intake's JSON, the page for a new sale and a file of sold items. What
they make of it must be equal but for what one door alone knows (ids, channel, instants); what is wrong with
one is said in the same sentence, at the same field.
"""

import html
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from app.access import Permission, find_desk, person
from app.db import db
from app.exchange.importing import bring_in, read
from app.models import Address, Buyer, Order, OrderItem
from app.queries import people
from tests.conftest import email_of
from tests.exchange.conftest import ITEM_HEADER, csv_bytes
from tests.house.conftest import House

# field of the table -> where it stands in JSON, on the page, in the file
DOORS: dict[str, tuple[tuple[Any, ...], str, str]] = {
    "title": (("lines", 0, "title"), "lines-0-title", "Item Name"),
    "sku": (("lines", 0, "sku"), "lines-0-sku", "SKU"),
    "quantity": (("lines", 0, "quantity"), "lines-0-quantity", "Quantity"),
    "price": (("lines", 0, "price"), "lines-0-price", "Price"),
    "buyer": (("buyer", "name"), "buyer-name", "Buyer"),
    "name": (("address", "name"), "address-name", "Ship Name"),
    "street": (("address", "street"), "address-street", "Ship Address1"),
    "city": (("address", "city"), "address-city", "Ship City"),
    "postcode": (("address", "postal_code"), "address-postal_code", "Ship Zipcode"),
    "country": (("address", "country"), "address-country", "Ship Country"),
    "postage": (("postage",), "postage", "Order Shipping"),
    "tax": (("tax",), "tax", "Order Sales Tax"),
}
USUAL = {
    "title": "Notebook, dotted",
    "sku": "NB-1",
    "quantity": "2",
    "price": "7.50",
    "buyer": "Ada Lind",
    "name": "Ada Lind",
    "street": "1 Mill Lane",
    "city": "Ely",
    "postcode": "CB7 4AA",
    "country": "GB",
    "postage": "1.80",
    "tax": "0.35",
}
TAKEN: tuple[dict[str, str], ...] = (
    {},
    {"price": "0", "postage": "0", "tax": "0"},
    {"price": "7", "quantity": "1000"},
    {"title": "和紙便箋 «朝霧» & Söhne", "buyer": "Їлля Ґудзь", "city": "Łódź", "country": "PL"},
    {"sku": "S" * 255, "street": "é" * 255, "postcode": "1" * 32},
    {"sku": "", "postcode": ""},
    {"country": "gb"},
)
# What is wrong, at which field.
REFUSED = (
    ("title", ""),
    ("sku", "S" * 256),
    ("quantity", "0"),
    ("quantity", "-1"),
    ("quantity", "two"),
    ("quantity", "2.5"),
    ("price", "7.505"),
    ("price", "-7.50"),
    ("price", "1e2"),
    ("price", "٧"),
    ("price", ""),
    ("street", "é" * 256),
    ("postcode", "1" * 33),
    ("country", "Atlantis"),
    ("city", "C" * 256),
)


class Answer(NamedTuple):
    """Whether a door took a purchase, and what it said in the end."""

    is_taken: bool
    said: str


def by_json(house: House, purchase: dict[str, str]) -> Answer:
    """Tell a purchase to the intake."""
    told: dict[str, Any] = {
        "kind": "fixed_price",
        "currency": "USD",
        "lines": [{}],
        "buyer": {},
        "address": {},
    }
    for field, text in purchase.items():
        *way, last = DOORS[field][0]
        part: Any = told
        for step in way:
            part = part[step]
        part[last] = int(text) if field == "quantity" and text.isdigit() and text.isascii() else text
    answer = house.browser("signed_out").post(
        "/api/intake/stores/papershop/purchases",
        data=json.dumps(told),
        content_type="application/json",
        headers={**house.bearer("owner"), "Idempotency-Key": "one"},
    )
    return Answer(answer.status_code == 201, answer.json.get("error", ""))


def by_page(house: House, purchase: dict[str, str]) -> Answer:
    """Type a purchase in."""
    browser = house.browser("owner")
    typed = {DOORS[field][1]: text for field, text in purchase.items()}
    sent = {**typed, "key": "0" * 32, "csrf_token": house.csrf(browser, "owner")}
    answer = browser.post("/stores/papershop/sales/new", data=sent)
    return Answer(answer.status_code == 303, html.unescape(re.sub(r"<[^>]*>", " ", answer.text)))


def by_file(house: House, purchase: dict[str, str]) -> Answer:
    """Bring a purchase in by a file."""
    row = {DOORS[field][2]: text for field, text in purchase.items()}
    row |= {"Sale Date": "11/20/26", "Currency": "USD", "Order ID": "1", "Transaction ID": "1"}
    with house.app.app_context():
        account = people.account_by_email(email_of("owner"))
        assert account is not None
        desk = find_desk(person(account), "papershop", to=Permission.IMPORT)
        file = read(csv_bytes(ITEM_HEADER, [row]), desk.store.zone, desk.store.currency)
        report = bring_in(
            file, desk, is_dry_run=False, commit=db.session.commit, rollback=db.session.rollback
        )
    (order,) = report.orders
    return Answer(order.outcome.value == "new", "\n".join(order.reasons))


def newest(house: House) -> dict[str, Any]:
    """Return the order that was made last, with what hangs on it, but for what its door alone knows."""
    of_item = ("title", "sku", "quantity", "price_minor", "line_total_minor", "status", "type", "delivery")
    of_order = ("currency", "items_minor", "discount_minor", "postage_minor", "tax_minor", "total_minor")
    with house.app.app_context():
        order = db.session.query(Order).order_by(Order.id.desc()).first()
        assert order is not None
        lines = db.session.query(OrderItem).filter_by(order_id=order.id).all()
        address = db.session.get_one(Address, order.address_id)
        left_out = {"id", "store_id", "buyer_id"}
        return {
            "order": {name: getattr(order, name) for name in (*of_order, "payment", "desk_state", "status")},
            "lines": [{name: getattr(line, name) for name in of_item} for line in lines],
            "buyer": db.session.get_one(Buyer, order.buyer_id).name,
            "address": {c.name: getattr(address, c.name) for c in Address.__table__.columns}
            | dict.fromkeys(left_out),
        }


SENDERS = (by_json, by_page, by_file)


@pytest.mark.parametrize("changes", TAKEN, ids=lambda x: " ".join(x) or "as usual")
def test_a_purchase_is_the_same_order_by_every_door(
    house: House, restore: Callable[[], None], changes: dict[str, str]
) -> None:
    made = []
    for send in SENDERS:
        answer = send(house, USUAL | changes)
        assert answer.is_taken, (send.__name__, answer.said)
        made.append(newest(house))
        restore()
    assert made[1:] == made[:1] * 2


@pytest.mark.parametrize(("field", "text"), REFUSED, ids=lambda x: x[:12])
def test_what_is_wrong_is_said_in_the_same_sentence_by_every_door(
    house: House, field: str, text: str
) -> None:
    before = house.dump(api_token=("used_at",))
    json_, page, file = (send(house, USUAL | {field: text}) for send in SENDERS)
    assert not (json_.is_taken or page.is_taken or file.is_taken)
    assert json_.said
    assert json_.said in page.said
    assert f"{DOORS[field][2]}: {json_.said}" in file.said
    assert house.dump(api_token=("used_at",)) == before
