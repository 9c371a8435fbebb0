"""Okanjo's buyer: the order items and orders that the caller bought, and saying that an item is there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app.access import SYSTEM
from app.actions.buyers_word import review
from app.actions.purchases import BuyerSaid
from app.db import db
from app.queries import history
from app.statuses import Payment
from tests.api.caller import Caller, is_success, told
from tests.factories import AUCTION, DEAL, DIGITAL, DONATION, GOODS, PICKUP, SERVICE, Factory

NO_RIGHT = (403, "Insufficient privileges for this operation.")
NO_ITEM, NO_ORDER = (404, "Order item not found."), (404, "Order not found.")
PROHIBITED, INVALID = (400, "Order status change prohibited."), (400, "Invalid status.")
NEEDS_TOKEN = (401, "User token required for this operation.")
DAY = datetime(2026, 11, 20, 12, tzinfo=UTC)


def bought(make: Factory, *lines: Any, who: str = "buyer", **sale: Any) -> int:
    """Let one of the cast buy these lines; return the order."""
    buyer = BuyerSaid(f"{who} of old", who, ref=who)
    return make.sale(*lines, account=who, **{"buyer": buyer, **sale})


def ids(okanjo: Caller, query: Any = None, path: str = "/order-items", **who: Any) -> list[int]:
    answer = okanjo.get(path, query, **who)
    assert answer.status_code == 200, answer.text
    found = [one["id"] for one in answer.json]
    if len(found) < 25 and "page" not in str(query):
        assert answer.headers["X-COLLECTION-COUNT"] == str(len(found))
    return found


@pytest.mark.both
def test_the_collection_has_what_the_caller_bought_in_every_store_newest_first(
    okanjo: Caller, make: Factory
) -> None:
    old = make.items_of(bought(make, GOODS, DEAL, placed_at=DAY))
    new = make.items_of(bought(make, PICKUP, store="othershop", placed_at=DAY + timedelta(days=1)))
    bought(make, GOODS, who="other_buyer")
    make.sale(GOODS)
    assert ids(okanjo) == [*new, *reversed(old)]
    assert ids(okanjo, who="stranger") == ids(okanjo, who="owner") == []


@pytest.mark.both
def test_the_filters_narrow_what_was_bought(okanjo: Caller, make: Factory) -> None:
    cause = make.cause()
    first = bought(make, replace(GOODS, cause_id=cause, donation_pct=10), DEAL)
    second = bought(make, AUCTION, store="othershop", paid=None)
    card, deal = make.items_of(first)
    (album,) = make.items_of(second)
    other = make.items_of(bought(make, GOODS, who="other_buyer"))[0]
    store = make.item_row(album).store_id
    for query, found in (
        (f"id={card}", {card}),
        (f"id={card},{other}", {card}),
        (f"order_id={first}", {card, deal}),
        ("status=1", {album}),
        ("status=2,8", {card, deal}),
        ("!status=1,2", {deal}),
        (f"product_seller_store_id={store}", {album}),
        (f"product_cause_id={cause}", {card}),
        ("order_status=1", {album}),
        ("!order_status=1", {card, deal}),
        ("product_type=1,2", {album, deal}),
        (f"product_id={make.item_row(card).product_id}", {card}),
        (f"order_id={first}&status=8", {deal}),
        (f"order_id={second}&status=8", set()),
    ):
        assert set(ids(okanjo, query)) == found, query


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("buyer_id=1", "buyer_id"),
        ("status=99", "status"),
        ("id=0", "id"),
        ("id=1&id=2", "id"),
        ("product_seller_store_id=1,2", "product_seller_store_id"),
        ("product_seller_store_id=9223372036854775808", "product_seller_store_id"),
        ("embed=payouts", "embed"),
        ("embed=items", "embed"),
        ("fields=product_deal_vendor_ack", "fields"),
        ("fields=password", "fields"),
        ("fields=order.id", "fields"),
        ("page_size=101", "page_size"),
        ("page_start_index=-1", "page_start_index"),
        ("user=1", "user"),
        ("id=", "id"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(okanjo: Caller, make: Factory, query: str, name: str) -> None:
    bought(make, GOODS)
    assert told(okanjo.get("/order-items", query)) == (400, f"Invalid field: {name}")


@pytest.mark.both
def test_the_pages_are_walked_and_each_item_met_once(okanjo: Caller, make: Factory) -> None:
    items = [make.items_of(bought(make, GOODS, placed_at=DAY - timedelta(days=n)))[0] for n in range(5)]
    met = [ids(okanjo, {"page_size": 2, "page_start_index": start}) for start in (0, 2, 4, 6, 2**63 - 1)]
    assert met == [items[:2], items[2:4], items[4:], [], []]
    assert okanjo.get("/order-items", {"page_size": 1}).headers["X-COLLECTION-COUNT"] == "5"


def test_an_item_shows_to_its_buyer_what_it_shows_to_its_seller_but_for_the_sellers_own(
    okanjo: Caller, make: Factory
) -> None:
    item = make.item(DEAL, store="vendorshop", buyer=BuyerSaid("B", "b", ref="b"), account="buyer")
    done = okanjo.put(item, who="vendor", store="vendorshop", status=4, product_deal_vendor_ack="Ann")
    assert is_success(done)
    sellers = okanjo.shown(item, who="vendor", store="vendorshop")
    assert sellers.pop("product_deal_vendor_ack") == "Ann"
    assert okanjo.answered(f"/order-items/{item}") == sellers
    assert okanjo.answered("/order-items") == [sellers]


@pytest.mark.both
def test_embed_and_fields_show_what_hangs_on_an_item(app: Flask, okanjo: Caller, make: Factory) -> None:
    line = replace(DIGITAL, cause_id=make.cause(), donation_pct=10, image="https://p.example/1.jpg")
    order = bought(make, replace(line, listing_id="L-1"))
    (item,) = make.items_of(order)
    with app.app_context():
        review(order, item, 5, "Fine", actor=SYSTEM, store_id=1)
        db.session.commit()
    names = ["order", "media", "store", "seller", "buyer", "cause", "feedback", "history"]
    plain = okanjo.answered(f"/order-items/{item}")
    whole = okanjo.answered(f"/order-items/{item}", {"embed": ",".join(names)})
    assert whole.keys() - plain.keys() == set(names)
    assert all(whole[name] for name in names)
    assert whole["store"]["name"] == "Paper Shop"
    assert whole["feedback"]["reviewee"] == {"name": "Paper Shop"}
    query = {"embed": "order,store", "fields": "id,order.id,store.name"}
    assert okanjo.answered(f"/order-items/{item}", query) == {
        "id": item,
        "order": {"id": order},
        "store": {"name": "Paper Shop"},
    }


@pytest.mark.both
def test_an_item_of_others_and_one_that_is_not_answer_alike(okanjo: Caller, make: Factory) -> None:
    bought(make, GOODS)
    other = make.items_of(bought(make, GOODS, who="other_buyer"))[0]
    for item in (other, other + 100, 2**63 - 1, 2**63, "0", "abc", "1.0", "01", "١"):
        assert told(okanjo.get(f"/order-items/{item}")) == NO_ITEM
        assert told(okanjo.send(f"/order-items/{item}", status=4)) == NO_ITEM
        assert told(okanjo.send(f"/order-items/{item}", status="abc")) == NO_ITEM
    # Nor is a seller, as a seller, a buyer.
    assert told(okanjo.get(f"/order-items/{other}", who="owner")) == NO_ITEM


@pytest.mark.both
def test_a_buyer_says_that_an_item_is_there(app: Flask, okanjo: Caller, make: Factory) -> None:
    order = bought(make, GOODS, PICKUP)
    card, kit = make.items_of(order)
    assert told(okanjo.send(f"/order-items/{card}", status=4)) == PROHIBITED
    make.ship(order, {card: 5})
    assert is_success(okanjo.send(f"/order-items/{card}", status=4))
    assert okanjo.answered(f"/order-items/{card}")["status"] == 4
    assert is_success(okanjo.send(f"/order-items/{kit}", status=4))  # Local Pickup, in 2
    assert okanjo.answered(f"/orders/{order}")["status"] == 4
    assert make.sale_row(order).buyer_shipping == 1
    with app.app_context():
        newest = history.events_of(order)[0]
        assert (newest.verb, newest.actor_kind, newest.door) == ("receive", "token", "api")
    assert told(okanjo.send(f"/order-items/{card}", status=4)) == PROHIBITED


@pytest.mark.parametrize("status", [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11])
def test_no_other_state_can_be_received(okanjo: Caller, make: Factory, status: int) -> None:
    item = make.item(GOODS, status, buyer=BuyerSaid("B", "b", ref="b"), account="buyer")
    assert told(okanjo.send(f"/order-items/{item}", status=4)) == PROHIBITED
    assert okanjo.answered(f"/order-items/{item}")["status"] == status


def test_a_pickup_that_is_ready_can_be_received_and_a_lesson_cannot(okanjo: Caller, make: Factory) -> None:
    buyer = {"buyer": BuyerSaid("B", "b", ref="b"), "account": "buyer"}
    kit, lesson, deal = (make.item(PICKUP, 3, **buyer), make.item(SERVICE, **buyer), make.item(DEAL, **buyer))
    assert is_success(okanjo.send(f"/order-items/{kit}", status=4))
    for item in (lesson, deal):
        assert told(okanjo.send(f"/order-items/{item}", status=4)) == PROHIBITED


@pytest.mark.parametrize("status", [0, 3, 9, 5, 12, 9001, -4, "abc", "4.0", "4 ", "+4", "٤"])
def test_a_status_that_no_buyer_can_set_is_invalid(okanjo: Caller, make: Factory, status: object) -> None:
    item = make.item(GOODS, 3, buyer=BuyerSaid("B", "b", ref="b"), account="buyer")
    assert told(okanjo.send(f"/order-items/{item}", status=status)) == INVALID
    assert okanjo.answered(f"/order-items/{item}")["status"] == 3


def test_a_put_without_a_status_changes_nothing_and_one_with_more_is_refused(
    okanjo: Caller, make: Factory
) -> None:
    item = make.item(GOODS, 3, buyer=BuyerSaid("B", "b", ref="b"), account="buyer")
    path = f"/order-items/{item}"
    assert is_success(okanjo.send(path))
    assert is_success(okanjo.send(path, status=""))
    for name in ("tracking_number", "tracking_carrier", "product_deal_vendor_ack", "price", "__class__"):
        assert told(okanjo.send(path, status=4, **{name: "X"})) == (400, f"Invalid field: {name}")
    assert told(
        okanjo.client.put(
            f"/api/okanjo{path}?status=4", data={"status": "4"}, headers=okanjo.headers("buyer")
        )
    ) == (400, "Invalid field: status")
    assert okanjo.answered(path)["status"] == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'"4"',
        b"null",
        b"[" * 100_000,
        b'{"status":9,"status":4}',
        b'{"status":4.0}',
        b'{"status":true}',
        b'{"status":[4]}',
        b'{"status":null}',
        b'{"status":NaN}',
        b'{"status":"\\ud800"}',
    ],
)
def test_a_body_that_cannot_be_taken_changes_nothing(okanjo: Caller, make: Factory, body: bytes) -> None:
    item = make.item(GOODS, 3, buyer=BuyerSaid("B", "b", ref="b"), account="buyer")
    answer = okanjo.client.put(
        f"/api/okanjo/order-items/{item}",
        data=body,
        content_type="application/json",
        headers=okanjo.headers("buyer"),
    )
    assert told(answer)[0] == 400
    assert okanjo.answered(f"/order-items/{item}")["status"] == 3


@pytest.mark.both
def test_the_orders_that_the_caller_placed_come_newest_first(okanjo: Caller, make: Factory) -> None:
    old = bought(make, GOODS, DEAL, placed_at=DAY)
    new = bought(make, PICKUP, store="othershop", placed_at=DAY + timedelta(days=1), paid=None)
    other = bought(make, GOODS, who="other_buyer")
    assert ids(okanjo, path="/orders") == [new, old]
    buyer = make.sale_row(new).buyer_id
    for query, found in (
        (f"id={old}", [old]),
        (f"id={old},{other}", [old]),
        (f"buyer_id={buyer}", [new]),
        ("status=1", [new]),
        ("status=1,2", [new, old]),
        ("!status=1", [old]),
        ("page_size=1", [new]),
        ("page_size=1&page_start_index=1", [old]),
        ("page_start_index=99", []),
    ):
        assert ids(okanjo, query, "/orders") == found, query


def test_an_order_shows_every_field_of_the_reference_in_its_order(okanjo: Caller, make: Factory) -> None:
    order = bought(make, GOODS, placed_at=DAY)
    expected = {
        "id": order,
        "buyer_id": make.sale_row(order).buyer_id,
        "created": "2026-11-20 12:00:00",
        "shipping_first_name": "Maja",
        "shipping_last_name": "Kowalczyk",
        "shipping_address_1": "ul. Długa 5",
        "shipping_address_2": "",
        "shipping_city": "Poznań",
        "shipping_state": "",
        "shipping_zip": "61-001",
        "shipping_country": "PL",
        "shipping_phone": "",
        "status": 2,
        "type": 1,
    }
    told_order = okanjo.answered(f"/orders/{order}")
    assert told_order == expected
    assert list(told_order) == list(expected)
    assert okanjo.answered("/orders") == [expected]
    item = okanjo.answered(f"/order-items/{make.items_of(order)[0]}", {"embed": "order"})
    assert item["order"] == expected
    assert okanjo.answered(f"/orders/{bought(make, DONATION)}")["type"] == 2


@pytest.mark.both
def test_an_order_embeds_its_items_buyer_seller_and_stores_and_what_lies_in_items(
    okanjo: Caller, make: Factory
) -> None:
    order = bought(make, DEAL, replace(GOODS, image="https://p.example/1.jpg", cause_id=make.cause()))
    deal, card = make.items_of(order)
    query = {"embed": "items,buyer,seller,stores"}
    shown = okanjo.answered(f"/orders/{order}", query)
    assert shown["items"] == [okanjo.answered(f"/order-items/{item}") for item in (deal, card)]
    assert "product_deal_vendor_ack" not in shown["items"][0]
    assert shown["buyer"]["user_name"] == "buyer"
    assert shown["seller"]["user_name"] == "papershop"
    assert [store["name"] for store in shown["stores"]] == ["Paper Shop"]
    assert okanjo.answered("/orders", query) == [shown]
    within = okanjo.answered(f"/orders/{order}", {"embed": "items,media,cause,feedback,history"})
    assert within["items"][1]["cause"]["name"] == "River Trust"
    assert [move["status"] for move in within["items"][0]["history"]][-1] == 8
    assert within["items"][0]["feedback"] is None
    assert within.keys() - shown.keys() == set()
    few = okanjo.answered("/orders", {"embed": "items,cause", "fields": "id,items.id,cause.name"})
    assert few == [
        {
            "id": order,
            "items": [{"id": deal, "cause": None}, {"id": card, "cause": {"name": "River Trust"}}],
        }
    ]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("embed=media", "embed"),
        ("embed=payouts", "embed"),
        ("embed=__class__", "embed"),
        ("fields=items.id", "fields"),
        ("embed=items&fields=items.product_deal_vendor_ack", "fields"),
        ("fields=number", "fields"),
        ("status=99", "status"),
        ("order_id=1", "order_id"),
        ("buyer_id=1,2", "buyer_id"),
    ],
)
def test_a_parameter_of_orders_that_is_wrong_is_named(
    okanjo: Caller, make: Factory, query: str, name: str
) -> None:
    bought(make, GOODS)
    assert told(okanjo.get("/orders", query)) == (400, f"Invalid field: {name}")


@pytest.mark.both
def test_an_order_of_others_and_one_that_is_not_answer_alike(okanjo: Caller, make: Factory) -> None:
    bought(make, GOODS)
    other = bought(make, GOODS, who="other_buyer")
    for order in (other, other + 100, 2**63 - 1, 2**63, "0", "abc", "01"):
        assert told(okanjo.get(f"/orders/{order}")) == NO_ORDER


@pytest.mark.both
def test_an_order_that_went_into_another_one_is_none(okanjo: Caller, make: Factory) -> None:
    gone, heir = (bought(make, line, channel="intake", kind="auction", paid=None) for line in (GOODS, PICKUP))
    assert told(okanjo.get(f"/orders/{gone}")) == NO_ORDER
    assert ids(okanjo, path="/orders") == [heir]
    assert len(okanjo.answered(f"/orders/{heir}", {"embed": "items"})["items"]) == 2
    assert len(ids(okanjo)) == 2


def test_a_token_needs_the_scope_and_one_of_a_store_sees_what_was_bought_there(
    okanjo: Caller, make: Factory, token: Callable[..., dict[str, str]]
) -> None:
    here = bought(make, GOODS)
    there = bought(make, GOODS, store="othershop")
    item, item_there = make.items_of(here)[0], make.items_of(there)[0]
    reads = ("order-items", f"order-items/{item}", "orders", f"orders/{here}")
    for scopes, may_read, may_write in (((), 403, 403), (("write:store-orders",), 403, 400)):
        headers = token("buyer", scopes=scopes)
        for path in reads:
            assert okanjo.client.get(f"/api/okanjo/{path}", headers=headers).status_code == may_read
        put = okanjo.client.put(f"/api/okanjo/order-items/{item}", data={"status": 4}, headers=headers)
        assert put.status_code == may_write
    headers = token("buyer", scopes=("read:store-orders",))
    put = okanjo.client.put(f"/api/okanjo/order-items/{item}", data={"status": 4}, headers=headers)
    assert told(put) == NO_RIGHT
    headers = token("buyer", store="papershop")
    found = [
        okanjo.client.get(f"/api/okanjo/{path}", headers=headers).json for path in ("orders", "order-items")
    ]
    assert [[one["id"] for one in of] for of in found] == [[here], [item]]
    for path, absent in ((f"orders/{there}", NO_ORDER), (f"order-items/{item_there}", NO_ITEM)):
        assert told(okanjo.client.get(f"/api/okanjo/{path}", headers=headers)) == absent


@pytest.mark.parametrize("path", ["/order-items", "/order-items/1", "/orders", "/orders/1"])
def test_without_a_token_there_is_no_caller(okanjo: Caller, path: str) -> None:
    assert told(okanjo.get(path, who=None)) == NEEDS_TOKEN


@pytest.mark.parametrize(
    ("path", "table", "sentence"),
    [
        ("/order-items", "buyer", "Failed to retrieve order items."),
        ("/order-items/1", "buyer", "Failed to retrieve order item."),
        ("/orders", "buyer", "Failed to retrieve orders."),
        ("/orders/1", "buyer", "Failed to retrieve order."),
    ],
)
def test_what_nobody_foresaw_has_the_sentence_of_its_call(
    app: Flask, okanjo: Caller, path: str, table: str, sentence: str
) -> None:
    okanjo.headers("buyer")
    with app.app_context():
        db.session.execute(db.text(f"ALTER TABLE {table} RENAME TO broken"))
        db.session.commit()
    assert told(okanjo.get(path)) == (500, sentence)


def test_an_unpaid_purchase_pays_on_arrival_and_is_received(okanjo: Caller, make: Factory) -> None:
    order = bought(make, GOODS, paid=Payment.ON_ARRIVAL)
    (item,) = make.items_of(order)
    make.ship(order, {item: 5})
    assert is_success(okanjo.send(f"/order-items/{item}", status=4))
