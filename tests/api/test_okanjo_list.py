"""The collection: filters together, pages, the count, and what a query may not be."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import event

from app.db import db
from tests.api.caller import Caller, told
from tests.factories import AUCTION, DEAL, DONATION, GOODS, PICKUP, Factory

pytestmark = pytest.mark.both

DAY = datetime(2026, 11, 20, 12, tzinfo=UTC)

# What each parameter of the seed does not take; every one of them takes no empty value and no doubles.
BAD_VALUES = {
    "id": (
        "abc",
        "0",
        "-1",
        "1.5",
        "01",
        "１",
        "1,",
        ",1",
        "1,,2",
        "1;2",
        "[]",
        "9" * 19,
        ",".join(["1"] * 101),
    ),
    "order_id": ("abc", "0", "9223372036854775808", "1" * 40),
    "buyer_id": ("abc", "1,2", "null"),
    "status": ("abc", "12", "-1", "2,", "2;3", "99", "+2", "٢", "2.0", "1_0", "9" * 5000),
    "!status": ("abc", "12"),
    "product_cause_id": ("abc", "1,2"),
    "order_status": ("abc", "12"),
    "!order_status": ("abc", "12"),
    "product_type": ("abc", "4", "-1"),
    "product_id": ("abc", "0", "x" * 3000),
    "fields": (
        "password",
        "id,password",
        "order.id",
        "id,",
        "order.password",
        "__class__",
        "id.id",
        ".id",
        "buyer.",
    ),
    "embed": ("password", "order,", "__class__", "items", "order;buyer", "ORDER"),
    "page_size": ("0", "-1", "101", "1000000000", "abc", "1.5", "10.", "[]", "1" * 5000),
    "page_start_index": ("-1", "abc", "1.5", "9223372036854775808", "1" * 31),
}
UNKNOWN = (
    "page",
    "limit",
    "sort",
    "q",
    "not_status",
    "not-status",
    "!id",
    "status[]",
    "page[$gt]",
    "Status",
    "version",
    "csrf_token",
    "store_id",
    "",
)


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """Collect the statements that are sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_an_item_must_meet_all_filters(okanjo: Caller, make: Factory) -> None:
    cause = make.cause()
    pledged = replace(AUCTION, cause_id=cause, donation_pct=5, listing_id="L-1")
    order = make.sale(pledged, DEAL)
    item = make.items_of(order)[0]
    make.sale(pledged, paid=None)
    make.sale(replace(pledged, cause_id=None))
    row = make.item_row(item)
    query = {
        "id": f"{item},{item + 1}",
        "order_id": order,
        "buyer_id": make.sale_row(order).buyer_id,
        "status": "2,3",
        "!status": "5,6",
        "product_cause_id": cause,
        "order_status": "2",
        "!order_status": "1,4",
        "product_type": "1",
        "product_id": row.product_id,
    }
    assert okanjo.ids(query) == [item]
    assert okanjo.sales(query).headers["X-COLLECTION-COUNT"] == "1"
    for name, other in {
        "id": item + 1,
        "order_id": order + 1,
        "buyer_id": query["buyer_id"] + 1,
        "status": "3",
        "!status": "2",
        "product_cause_id": cause + 1,
        "order_status": "4",
        "!order_status": "2",
        "product_type": "0",
        "product_id": query["product_id"] + 1,
    }.items():
        answer = okanjo.sales({**query, name: other})
        assert (answer.json, answer.headers["X-COLLECTION-COUNT"]) == ([], "0"), name


def test_no_filter_reaches_into_another_store(okanjo: Caller, make: Factory) -> None:
    order = make.sale(GOODS, store="othershop")
    row, sale = make.item_row(make.items_of(order)[0]), make.sale_row(order)
    for query in (
        {"id": row.id},
        {"order_id": order},
        {"buyer_id": sale.buyer_id},
        {"product_id": row.product_id},
        {"status": 2},
        {"order_status": 2},
        {"product_type": 0},
    ):
        assert okanjo.ids(query) == [], query


def test_a_value_that_a_parameter_does_not_take_is_named(okanjo: Caller, make: Factory) -> None:
    make.item(GOODS)
    for name, values in BAD_VALUES.items():
        for value in ("", " ", "\x00", "\ud800".encode("utf-8", "surrogatepass"), *values):
            assert told(okanjo.sales([(name, value)])) == (400, f"Invalid field: {name}"), (name, value)


def test_a_parameter_sent_twice_is_named(okanjo: Caller) -> None:
    for name in BAD_VALUES:
        good = {"embed": "order", "fields": "id"}.get(name, "1")
        query = [(name, good), (name, good)]
        assert told(okanjo.sales(query)) == (400, f"Invalid field: {name}"), name


def test_a_parameter_that_nobody_knows_is_named(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    for name in UNKNOWN:
        assert told(okanjo.sales([(name, "1")])) == (400, f"Invalid field: {name}"), name
        assert told(okanjo.one(item, [(name, "1")])) == (400, f"Invalid field: {name}"), name


def test_one_item_takes_fields_and_embed_alone(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    for name in BAD_VALUES.keys() - {"fields", "embed"}:
        assert told(okanjo.one(item, [(name, "1")])) == (400, f"Invalid field: {name}"), name
    for name in ("fields", "embed"):
        for value in ("", *BAD_VALUES[name]):
            assert told(okanjo.one(item, [(name, value)])) == (400, f"Invalid field: {name}"), value


def test_thousands_of_parameters_are_refused_at_once(okanjo: Caller) -> None:
    okanjo.sales()
    begun = time.perf_counter()
    assert told(okanjo.sales([(f"p{n}", "1") for n in range(2000)])) == (400, "Invalid field: p0")
    assert told(okanjo.sales([("id", "1")] * 2000)) == (400, "Invalid field: id")
    assert okanjo.sales({"status": "2," * 20_000 + "2"}).status_code == 200
    assert time.perf_counter() - begun < 1


def test_blanks_after_the_commas_of_a_list_are_taken(okanjo: Caller, make: Factory) -> None:
    first, second = make.item(GOODS), make.item(PICKUP)
    assert set(okanjo.ids({"id": f"{first}, {second}", "status": "2, 3", "fields": "id, status"})) == {
        first,
        second,
    }


def test_a_walk_through_the_pages_meets_each_item_once(okanjo: Caller, make: Factory) -> None:
    same_instant = [make.sale(GOODS, DEAL, PICKUP) for _ in range(3)]
    older = [make.item(GOODS, placed_at=DAY - timedelta(hours=n)) for n in (2, 1)]
    walked = [
        item for start in range(0, 12, 2) for item in okanjo.ids({"page_size": 2, "page_start_index": start})
    ]
    together = [item for order in same_instant for item in make.items_of(order)]
    assert walked == [*sorted(together, reverse=True), *reversed(older)]
    assert walked == okanjo.ids({"page_size": 100})


def test_a_page_has_25_items_unless_another_size_is_asked_for(okanjo: Caller, make: Factory) -> None:
    for _ in range(2):
        make.sale(*[GOODS] * 60)
    for query, length in (
        ({}, 25),
        ({"page_size": 100}, 100),
        ({"page_size": 100, "page_start_index": 110}, 10),
    ):
        answer = okanjo.sales(query)
        assert (len(answer.json), answer.headers["X-COLLECTION-COUNT"]) == (length, "120")


def test_a_page_behind_the_last_is_empty(okanjo: Caller, make: Factory) -> None:
    make.item(GOODS)
    for start in (1, 10**9, 2**63 - 1):
        answer = okanjo.sales({"page_start_index": start})
        assert (answer.json, answer.headers["X-COLLECTION-COUNT"]) == ([], "1")


def test_the_count_follows_the_items_as_they_move(okanjo: Caller, make: Factory) -> None:
    make.item(GOODS)
    item = make.item(DEAL)
    assert okanjo.sales({"status": 8}).headers["X-COLLECTION-COUNT"] == "1"
    okanjo.put(item, status=4)
    assert okanjo.sales({"status": 8}).headers["X-COLLECTION-COUNT"] == "0"
    assert okanjo.sales({"status": 4}).headers["X-COLLECTION-COUNT"] == "1"
    assert okanjo.sales().headers["X-COLLECTION-COUNT"] == "2"


@pytest.fixture
def full_desk(make: Factory) -> None:
    """Sales of every kind, shipped and not, with pictures and a cause."""
    cause = make.cause()
    for n in range(4):
        goods = replace(
            GOODS, listing_id=f"L-{n}", image=f"https://p.example/{n}.jpg", cause_id=cause, donation_pct=9
        )
        order = make.sale(goods, DEAL, DONATION)
        make.ship(order, {make.items_of(order)[0]: 5}, number=f"N{n}")
        make.sale(DONATION)


# What a call costs: the token, the place, and then as below. Never one statement an item.
STATEMENTS = {
    "fields=id": 4,  # + count, items
    "": 4,
    "status=2,3,4,8&order_status=2": 4,
    "embed=media": 4,  # the pictures are there already
    "embed=seller,store,buyer": 4,  # so are these
    "embed=order": 5,  # + the lines of orders with donations, for Okanjo's type of an order
    "embed=cause": 5,
    "embed=feedback": 5,
    "embed=history": 5,
    "embed=payouts": 5,
    "embed=order,media,seller,store,buyer,cause,feedback,history,payouts": 9,
    "fields=id,order.id&embed=order": 4,
    "fields=tracking_number": 4,
    "id=999999": 3,  # nothing to show
    "page_start_index=999": 3,
}


@pytest.mark.usefixtures("full_desk")
def test_a_list_costs_exactly_so_many_statements(app: Flask, okanjo: Caller) -> None:
    okanjo.sales()
    found = {}
    for query in STATEMENTS:
        with statements(app) as sent:
            assert okanjo.sales(query).status_code == 200
        found[query] = len(sent)
    assert found == STATEMENTS


@pytest.mark.usefixtures("full_desk")
def test_one_item_and_a_refusal_cost_exactly_so_many_statements(app: Flask, okanjo: Caller) -> None:
    item = okanjo.ids({"product_type": 0})[0]
    okanjo.sales(who="stranger")
    calls: dict[str, tuple[Callable[[], object], int]] = {
        "one": (lambda: okanjo.one(item), 3),  # token, place, item with its parcel and pictures
        "one by fields": (lambda: okanjo.one(item, "fields=id"), 3),
        "a foreign store": (lambda: okanjo.sales(who="stranger"), 2),
        "no token": (lambda: okanjo.sales(who=None), 0),
        "no such path": (lambda: okanjo.client.get("/api/okanjo/x"), 0),
        "a bad status": (lambda: okanjo.put(item, status="abc"), 3),
    }
    found = {}
    for name, (call, _) in calls.items():
        with statements(app) as sent:
            call()
        found[name] = len(sent)
    assert found == {name: count for name, (_, count) in calls.items()}
