"""Weebly's orders: the list, its pages, filters and search, the count, and one with all that hangs on it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app.access import SYSTEM
from app.actions.aftersale import Reason, cancel, return_items
from app.actions.purchases import BuyerSaid, DiscountSaid
from app.actions.refunds import refund
from app.actions.undo import void_parcel
from app.db import db
from app.models import TaxLine
from tests.api.weebly import WeeblyCaller
from tests.factories import DEAL, DIGITAL, GOODS, PICKUP, SERVICE, Factory

DAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
# Of a list, and of one, in the sequence of the source's example (reference 3.3).
LISTED = [
    "user_id",
    "site_id",
    "order_id",
    "order_date",
    "full_name",
    "order_status",
    "order_currency",
    "order_total",
]
WHOLE = [
    "user_id",
    "site_id",
    "order_id",
    "order_date",
    "full_name",
    "is_marketing_updates_subscribed",
    "order_status",
    "order_currency",
    "order_item_tax_total",
    "order_tax_total",
    "order_tax_rates",
    "order_shipping_total",
    "order_shipping_taxes_total",
    "order_shipping_subtotal",
    "order_shipping_method",
    "order_subtotal",
    "order_total",
    "order_notes",
    "created_date",
    "updated_date",
    "items",
    "shipments",
    "billings",
    "coupons",
]


def ids(weebly: WeeblyCaller, query: Any = None, **where: Any) -> list[int]:
    return [int(order["order_id"]) for order in weebly.told(query=query, **where)]


@pytest.mark.both
def test_a_list_shows_these_fields_of_each_order(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS, placed_at=DAY, postage=250)
    (told,) = weebly.told()
    assert list(told) == LISTED
    assert told == {
        "user_id": str(weebly.owners["papershop"]),
        "site_id": str(weebly.stores["papershop"]),
        "order_id": str(order),
        "order_date": int(DAY.timestamp()),
        "full_name": "Maja Kowalczyk",
        "order_status": "paid",
        "order_currency": "USD",
        "order_total": 25,
    }


def test_amounts_have_the_decimals_of_their_currency(weebly: WeeblyCaller, make: Factory) -> None:
    for currency, minor, shown in (
        ("USD", 335, "3.35"),
        ("USD", 330, "3.3"),
        ("USD", 300, "3"),
        ("JPY", 335, "335"),
        ("KWD", 335, "0.335"),
        ("USD", 10**15 - 1, "9999999999999.99"),
    ):
        line = replace(GOODS, price=minor, quantity=1)
        order = make.sale(line, currency=currency)
        assert f'"order_total":{shown}}}' in weebly.get(query=f"filterby=order_id&filterfor={order}").text
        assert f'"price":{shown},' in weebly.get(order, "items").text


def test_whoever_has_no_name_is_called_by_what_there_is(weebly: WeeblyCaller, make: Factory) -> None:
    for buyer, address, shown in (
        (BuyerSaid("", "maja", ref="a"), True, "Maja Kowalczyk"),
        (BuyerSaid("", "maja", ref="b"), False, "maja"),
        (BuyerSaid("", "", ref="c"), False, None),
    ):
        changes: dict[str, Any] = {} if address else {"address": None}
        make.sale(GOODS, buyer=buyer, **changes)
        assert weebly.told()[0]["full_name"] == shown


def state(app: Flask, make: Factory) -> Iterator[tuple[str, int]]:
    """Yield each of Weebly's statuses with an order in it."""
    store = {"actor": SYSTEM, "store_id": 1}
    yield "pending", make.sale(GOODS, paid=None)
    yield "paid", make.sale(GOODS)
    shipped = make.sale(GOODS)
    make.ship(shipped, {make.items_of(shipped)[0]: 5})
    yield "shipped", shipped
    yield "sent", make.sale(DIGITAL)
    completed = make.item(SERVICE, 4)
    yield "completed", make.item_row(completed).order_id
    cancelled = make.sale(GOODS, placed_at=datetime.now(UTC))
    refunded = make.sale(GOODS, DIGITAL)
    returned = make.sale(GOODS)
    (item,) = make.items_of(returned)
    make.ship(returned, {item: 5})
    with app.app_context():
        cancel(cancelled, None, reason=Reason.OTHER, **store)
        refund(refunded, 2950, None, reason=Reason.OTHER, **store)
        return_items(returned, {item: 5}, **store)
        refund(returned, 2250, [item], reason=Reason.OTHER, **store)
        db.session.commit()
    yield "cancelled", cancelled
    yield "refunded", refunded
    yield "returned", returned


@pytest.mark.both
def test_the_status_follows_from_the_lines(app: Flask, weebly: WeeblyCaller, make: Factory) -> None:
    states = dict(state(app, make))
    told = {int(order["order_id"]): order["order_status"] for order in weebly.told()}
    assert {name: told[order] for name, order in states.items()} == {name: name for name in states}
    for name, order in states.items():
        assert weebly.told(order)["order_status"] == name


@pytest.mark.both
def test_orders_come_newest_first_or_oldest_first(weebly: WeeblyCaller, make: Factory) -> None:
    made = [make.sale(GOODS, placed_at=DAY + timedelta(hours=n)) for n in (2, 0, 1)]
    newest = [made[0], made[2], made[1]]
    assert ids(weebly) == ids(weebly, "sortby=order_date") == ids(weebly, "sortdir=desc") == newest
    assert ids(weebly, "sortby=order_date&sortdir=asc") == newest[::-1]


def links(answer: Any) -> dict[str, str]:
    """Return the addresses of a Link header by what they lead to."""
    return {name: at for at, name in re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers.get("Link", ""))}


@pytest.mark.both
def test_pages_are_walked_by_their_links_and_meet_each_order_once(
    weebly: WeeblyCaller, make: Factory
) -> None:
    made = [make.sale(GOODS, placed_at=DAY + timedelta(minutes=n // 2)) for n in range(7)]
    at: str | None = f"{weebly.platform()}?limit=3"
    met: list[int] = []
    pages = []
    while at:
        answer = weebly.client.get(at, headers=weebly.headers("owner"))
        met += [int(order["order_id"]) for order in answer.json]
        pages.append([answer.headers[f"X-Resultset-{name}"] for name in ("Total", "Page", "Limit")])
        at = links(answer).get("next")
    assert sorted(met) == sorted(made)
    assert met == ids(weebly, "limit=200")
    assert pages == [["7", "1", "3"], ["7", "2", "3"], ["7", "3", "3"]]


def test_links_lead_to_first_previous_next_and_last_and_keep_what_was_asked(
    weebly: WeeblyCaller, make: Factory
) -> None:
    make.many([GOODS] * 5)
    query = "limit=2&sortdir=asc&query=thank%20you"
    path = weebly.platform()
    kept = "limit=2&sortdir=asc&query=thank+you"
    assert links(weebly.get(query=f"{query}&page=2")) == {
        "first": f"{path}?{kept}&page=1",
        "prev": f"{path}?{kept}&page=1",
        "next": f"{path}?{kept}&page=3",
        "last": f"{path}?{kept}&page=3",
    }
    assert links(weebly.get(query=query)).keys() == {"first", "next", "last"}
    assert links(weebly.get(query=f"{query}&page=3")).keys() == {"first", "prev", "last"}
    assert links(weebly.get(query=f"{query}&page=9"))["prev"] == f"{path}?{kept}&page=3"
    assert links(weebly.get()) == {}


def test_links_name_the_desks_own_host_and_never_that_of_the_request(
    app: Flask, weebly: WeeblyCaller, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.many([GOODS] * 2)
    headers = {**weebly.headers("owner"), "Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = weebly.client.get(f"{weebly.platform()}?limit=1", headers=headers)
    assert "evil" not in answer.headers["Link"]
    monkeypatch.setitem(app.config, "BASE_URL", "https://desk.example/")
    answer = weebly.client.get(f"{weebly.platform()}?limit=1", headers=headers)
    assert links(answer)["next"] == f"https://desk.example{weebly.platform()}?limit=1&page=2"


def test_a_page_has_25_orders_unless_another_limit_is_asked_for(weebly: WeeblyCaller, make: Factory) -> None:
    make.many([GOODS] * 26)
    assert len(weebly.told()) == 25
    assert weebly.get().headers["X-Resultset-Limit"] == "25"
    assert len(weebly.told(query="page=2")) == 1
    assert len(weebly.told(query="limit=200")) == 26


@pytest.mark.both
def test_order_date_is_filtered_by_unix_seconds(weebly: WeeblyCaller, make: Factory) -> None:
    first, second, third = (make.sale(GOODS, placed_at=DAY + timedelta(seconds=n + 0.5)) for n in range(3))
    at = int(DAY.timestamp()) + 1
    for sign, found in {
        "": [second],
        "<": [first],
        "<=": [second, first],
        ">": [third],
        ">=": [third, second],
    }.items():
        query = {"filterby": "order_date", "filterfor": f"{sign}{at}"}
        assert ids(weebly, query) == found, sign
        assert weebly.get(query=query).headers["X-Resultset-Total"] == str(len(found))


@pytest.mark.both
def test_order_id_is_filtered_by_number(weebly: WeeblyCaller, make: Factory) -> None:
    first, second, third = make.many([GOODS] * 3)
    for sign, found in {
        "": {second},
        "<": {first},
        "<=": {first, second},
        ">": {third},
        ">=": {second, third},
    }.items():
        assert set(ids(weebly, {"filterby": "order_id", "filterfor": f"{sign}{second}"})) == found, sign
    assert ids(weebly, {"filterby": "order_id", "filterfor": ">=0"}) == ids(weebly)
    assert ids(weebly, {"filterby": "order_id", "filterfor": f">{2**63 - 2}"}) == []


@pytest.mark.both
def test_a_query_finds_orders_by_words(weebly: WeeblyCaller, make: Factory) -> None:
    card, kit = make.sale(GOODS), make.sale(PICKUP)
    assert ids(weebly, {"query": "letterpress"}) == [card]
    assert ids(weebly, {"query": "KIT work"}) == [kit]
    assert set(ids(weebly, {"query": "kowalczyk"})) == {card, kit}
    assert ids(weebly, {"query": "kowalczyk", "filterby": "order_id", "filterfor": f">{card}"}) == [kit]
    assert weebly.get(query={"query": "nowhere"}).headers["X-Resultset-Total"] == "0"


def test_a_list_is_of_one_site_alone(weebly: WeeblyCaller, make: Factory) -> None:
    mine, theirs = make.sale(GOODS), make.sale(GOODS, store="othershop")
    assert ids(weebly) == [mine]
    assert ids(weebly, {"filterby": "order_id", "filterfor": str(theirs)}) == []
    assert ids(weebly, who="owner2", store="othershop") == [theirs]


@pytest.mark.both
def test_the_count_is_that_of_all_orders(app: Flask, weebly: WeeblyCaller, make: Factory) -> None:
    assert weebly.told("count") == {"count": 0}
    states = list(state(app, make))
    make.sale(GOODS, store="othershop")
    assert weebly.told("count") == {"count": len(states)}


@pytest.mark.both
def test_one_order_shows_all_fields_and_its_items_whole(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(
        replace(GOODS, discounts=(DiscountSaid("coupon", "ONE", 100),)),
        DEAL,
        placed_at=DAY,
        postage=250,
        tax=199,
        discount=400,
        discounts=(DiscountSaid("coupon", "THREE", 300),),
        postage_method="First Class",
        buyer_note="leave it at the door",
    )
    told = weebly.told(order)
    assert list(told) == WHOLE
    assert {name: told[name] for name in LISTED} == weebly.told()[0]
    assert told["items"] == [weebly.told(order, "items", n) for n in (1, 2)]
    assert told["order_subtotal"] == 38.5
    assert told["order_shipping_total"] == told["order_shipping_subtotal"] == 2.5
    assert told["order_tax_total"] == told["order_item_tax_total"] == 1.99
    assert told["order_total"] == 42.99
    assert told["order_tax_rates"] == {"total_tax": 1.99, "rates": []}
    assert (told["order_notes"], told["order_shipping_method"]) == ("leave it at the door", "First Class")
    assert told["is_marketing_updates_subscribed"] is False
    assert told["created_date"] == told["order_date"] == int(DAY.timestamp())
    assert {(c["code"], c["type"], c["amount"]) for c in told["coupons"]} == {
        ("ONE", "absolute", 1),
        ("THREE", "absolute", 3),
    }
    assert told["shipments"] == []


def test_taxes_are_told_one_by_one_where_they_are_known(
    app: Flask, weebly: WeeblyCaller, make: Factory
) -> None:
    order = make.sale(GOODS, tax=850)
    with app.app_context():
        for name, rate, amount in (("State", "0.075", 750), ("City", "", 100)):
            db.session.add(TaxLine(store_id=1, order_id=order, name=name, rate=rate, amount_minor=amount))
        db.session.commit()
    assert weebly.told(order)["order_tax_rates"] == {
        "total_tax": 8.5,
        "rates": [
            {"name": "State", "rate": 0.075, "amount": 7.5},
            {"name": "City", "rate": None, "amount": 1},
        ],
    }


@pytest.mark.both
def test_a_shipment_has_one_transaction_a_status(app: Flask, weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS, postage=250)
    (item,) = make.items_of(order)
    label = make.label(order, {item: 2}, number="D 1")
    made = weebly.told(order)["shipments"]
    assert [(s["order_shipment_id"], s["status"], s["shipment_date"]) for s in made] == [
        (label, "label_created", None)
    ]
    assert [t["tx_status"] for t in made[0]["transactions"]] == ["label_created"]
    parcel = make.ship(order, {item: 3}, carrier="UPS", number="X 2")
    first, second = weebly.told(order)["shipments"]
    assert (first["price"], second["price"]) == (2.5, 0)
    assert second["order_shipment_id"] == parcel
    assert (second["shipping_provider"], second["tracking_number"]) == ("UPS", "X 2")
    assert (second["street"], second["country"]) == ("ul. Długa 5", "PL")
    (moved,) = second["transactions"]
    assert (moved["tx_status"], moved["tx_type"], moved["tx_id"]) == ("shipped", "UPS", "X 2")
    assert moved["tx_date"] == second["shipment_date"] == second["created_date"]
    with app.app_context():
        return_items(order, {item: 3}, actor=SYSTEM, store_id=1)
        db.session.commit()
    back = weebly.told(order)["shipments"][1]
    assert back["status"] == "label_returned"
    assert [t["tx_status"] for t in back["transactions"]] == ["shipped", "label_returned"]


def test_a_parcel_that_was_voided_is_no_shipment(app: Flask, weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS)
    parcel = make.ship(order, {make.items_of(order)[0]: 5}, number="X 1")
    with app.app_context():
        void_parcel(parcel, actor=SYSTEM, store_id=1)
        db.session.commit()
    told = weebly.told(order)
    assert (told["order_status"], told["shipments"]) == ("paid", [])


def test_a_billing_tells_what_was_paid_and_given_back_in_minor_units(
    app: Flask, weebly: WeeblyCaller, make: Factory
) -> None:
    assert weebly.told(make.sale(GOODS, paid=None))["billings"] == []
    order = make.sale(GOODS)
    with app.app_context():
        refund(order, 250, reason=Reason.OTHER, is_done=False, actor=SYSTEM, store_id=1)
        db.session.commit()
    (billing,) = weebly.told(order)["billings"]
    moved = [(t["method"], t["status"], t["amount"], t["currency"]) for t in billing["transactions"]]
    assert moved == [("purchase", "success", 2250, "USD"), ("refund", "note", 250, "USD")]
    assert billing["full_name"] == "Maja Kowalczyk"


def test_what_hangs_on_an_order_says_whose_it_is(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS)
    make.ship(order, {make.items_of(order)[0]: 5}, number="X")
    told = weebly.told(order)
    whose = {"user_id": told["user_id"], "site_id": told["site_id"]}
    hanging = [*told["items"], *told["shipments"], *told["billings"]]
    hanging += [t for one in (*told["shipments"], *told["billings"]) for t in one["transactions"]]
    assert len(hanging) == 5
    for one in hanging:
        assert {name: one[name] for name in whose} == whose
        assert one["order_id"] == str(order)


def test_items_are_paged_when_paging_is_asked_for(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(*(replace(GOODS, external_id=str(n)) for n in range(30)))
    for query, shown, headers in (
        ("page=1", range(1, 26), ("30", "1", "25")),
        ("page=2", range(26, 31), ("30", "2", "25")),
        ("limit=7", range(1, 8), ("30", "1", "7")),
        ("limit=7&page=5", range(29, 31), ("30", "5", "7")),
        ("limit=200", range(1, 31), ("30", "1", "200")),
    ):
        answer = weebly.get(order, "items", query=query)
        assert [int(x["order_item_id"]) for x in answer.json] == list(shown)
        assert tuple(answer.headers[f"X-Resultset-{n}"] for n in ("Total", "Page", "Limit")) == headers
        assert ("Link" in answer.headers) is (query != "limit=200")
    cloud = weebly.cloud(order, "items")
    answer = weebly.client.get(f"{cloud}?limit=20", headers=weebly.headers("owner"))
    assert links(answer)["next"] == f"{cloud}?limit=20&page=2"
