"""Seed 000, "Sales", clause by clause: each test is named by the words that it proves."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from app.db import db
from app.models import Feedback
from app.statuses import Payment
from tests.api.caller import Caller, is_success, told
from tests.factories import AUCTION, DEAL, DONATION, GOODS, PICKUP, Factory

pytestmark = pytest.mark.seed

DAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
NEEDS_TOKEN = (401, "User token required for this operation.")
NO_RIGHT = (403, "Insufficient privileges for this operation.")
PROHIBITED = (400, "Order status change prohibited.")
INVALID = (400, "Invalid status.")


def break_table(app: Flask, table: str) -> None:
    with app.app_context():
        db.session.execute(text(f"ALTER TABLE {table} RENAME TO broken"))
        db.session.commit()


def set_of(okanjo: Caller, query: object) -> set[int]:
    return set(okanjo.ids(query))


def some_of_each_status(make: Factory, statuses: Iterable[int]) -> dict[int, int]:
    return {status: make.item(GOODS, status) for status in statuses}


# The collection: GET /stores/{store_id}/sales


def test_by_default_it_returns_all_order_items_most_recent_first(okanjo: Caller, make: Factory) -> None:
    old = make.items_of(make.sale(GOODS, DEAL, placed_at=DAY - timedelta(days=2)))
    new = make.items_of(make.sale(PICKUP, placed_at=DAY, paid=None))
    between = make.items_of(make.sale(AUCTION, placed_at=DAY - timedelta(days=1)))
    assert okanjo.ids() == [*new, *between, *reversed(old)]


def test_it_returns_items_sold_by_the_store_alone(okanjo: Caller, make: Factory) -> None:
    mine = make.item(GOODS)
    make.item(GOODS, store="othershop")
    assert okanjo.ids() == [mine]


@pytest.mark.parametrize("call", ["sales", "one", "put"])
def test_each_call_requires_user_level_authentication(okanjo: Caller, make: Factory, call: str) -> None:
    item = make.item(GOODS)
    answer = okanjo.sales(who=None) if call == "sales" else getattr(okanjo, call)(item, who=None)
    assert told(answer) == NEEDS_TOKEN


def test_this_collection_accepts_pagination_options(okanjo: Caller, make: Factory) -> None:
    ids = [make.item(GOODS, placed_at=DAY - timedelta(days=n)) for n in range(5)]
    assert okanjo.ids({"page_size": 2}) == ids[:2]
    assert okanjo.ids({"page_size": 2, "page_start_index": 3}) == ids[3:]


def test_id_returns_only_order_items_with_the_given_id_or_ids(okanjo: Caller, make: Factory) -> None:
    first, second, _ = make.item(GOODS), make.item(DEAL), make.item(PICKUP)
    assert set_of(okanjo, {"id": first}) == {first}
    assert set_of(okanjo, {"id": f"{first},{second}"}) == {first, second}


def test_order_id_returns_only_order_items_purchased_in_the_given_order_or_orders(
    okanjo: Caller, make: Factory
) -> None:
    first, second, _ = make.sale(GOODS, DEAL), make.sale(PICKUP), make.sale(GOODS)
    assert set_of(okanjo, {"order_id": first}) == set(make.items_of(first))
    both = {*make.items_of(first), *make.items_of(second)}
    assert set_of(okanjo, {"order_id": f"{first},{second}"}) == both


def test_buyer_id_returns_only_order_items_purchased_by_the_given_user(okanjo: Caller, make: Factory) -> None:
    order = make.sale(GOODS)
    make.sale(GOODS)
    assert set_of(okanjo, {"buyer_id": make.sale_row(order).buyer_id}) == set(make.items_of(order))


def test_status_returns_only_order_items_in_the_given_statuses(okanjo: Caller, make: Factory) -> None:
    items = some_of_each_status(make, range(12))
    for status, item in items.items():
        assert set_of(okanjo, {"status": status}) == {item}
    assert set_of(okanjo, {"status": "2,3"}) == {items[2], items[3]}


def test_not_status_returns_order_items_not_in_the_given_statuses(okanjo: Caller, make: Factory) -> None:
    items = some_of_each_status(make, (1, 2, 4, 5, 6))
    assert set_of(okanjo, "!status=5,6") == {items[1], items[2], items[4]}
    assert set_of(okanjo, "%21status=5,6") == {items[1], items[2], items[4]}
    assert set_of(okanjo, "status=2,5&!status=5") == {items[2]}


def test_status_and_not_status_narrow_together(okanjo: Caller, make: Factory) -> None:
    items = some_of_each_status(make, (1, 2, 3, 5, 6))
    assert set_of(okanjo, "status=2,3&!status=5,6") == {items[2], items[3]}
    assert set_of(okanjo, "status=2,3&!status=3,6") == {items[2]}


def test_product_cause_id_returns_only_order_items_pledged_to_the_given_cause(
    okanjo: Caller, make: Factory
) -> None:
    trust, other = make.cause(), make.cause("Library Friends")
    pledged = make.item(replace(GOODS, cause_id=trust, donation_pct=10))
    make.item(replace(GOODS, cause_id=other, donation_pct=10))
    make.item(GOODS)
    assert set_of(okanjo, {"product_cause_id": trust}) == {pledged}


def test_order_status_returns_only_order_items_of_orders_in_the_given_statuses(
    okanjo: Caller, make: Factory
) -> None:
    unpaid, paid = make.sale(GOODS, paid=None), make.sale(GOODS, DONATION)
    assert set_of(okanjo, {"order_status": 1}) == set(make.items_of(unpaid))
    assert set_of(okanjo, {"order_status": 2}) == set(make.items_of(paid))
    assert set_of(okanjo, {"order_status": "1,2"}) == {*make.items_of(unpaid), *make.items_of(paid)}


def test_not_order_status_returns_only_order_items_of_orders_not_in_the_given_statuses(
    okanjo: Caller, make: Factory
) -> None:
    unpaid, paid = make.sale(GOODS, paid=None), make.sale(GOODS, DONATION)
    assert set_of(okanjo, "!order_status=1") == set(make.items_of(paid))
    assert set_of(okanjo, "%21order_status=2") == set(make.items_of(unpaid))
    assert set_of(okanjo, "!order_status=1,2") == set()


def test_product_type_returns_only_order_items_of_a_type_or_types(okanjo: Caller, make: Factory) -> None:
    items = [make.item(line) for line in (GOODS, AUCTION, DEAL, DONATION)]
    for code, item in enumerate(items):
        assert set_of(okanjo, {"product_type": code}) == {item}
    assert set_of(okanjo, {"product_type": "1,2"}) == {items[1], items[2]}


def test_product_id_returns_only_order_items_of_a_specific_product(okanjo: Caller, make: Factory) -> None:
    first = make.item(GOODS)
    again = make.item(GOODS)
    make.item(replace(GOODS, listing_id="L-15"))
    product = make.item_row(first).product_id
    assert set_of(okanjo, {"product_id": product}) == {first, again}


@pytest.mark.parametrize("call", ["sales", "one"])
def test_fields_only_returns_the_given_fields(okanjo: Caller, make: Factory, call: str) -> None:
    item = make.item(GOODS)
    query = {"fields": "id,status"}
    shown = okanjo.shown(item, query) if call == "one" else okanjo.sales(query).json[0]
    assert shown == {"id": item, "status": 2}


@pytest.mark.parametrize("call", ["sales", "one"])
def test_fields_can_also_specify_fields_on_embedded_objects(okanjo: Caller, make: Factory, call: str) -> None:
    item = make.item(GOODS)
    query = {"embed": "order,buyer", "fields": "id,order.status,buyer.user_name"}
    shown = okanjo.shown(item, query) if call == "one" else okanjo.sales(query).json[0]
    assert shown == {"id": item, "order": {"status": 2}, "buyer": {"user_name": "maja"}}


@pytest.mark.parametrize("call", ["sales", "one"])
def test_embed_accepts_order_media_seller_buyer_cause_feedback_history_payouts(
    app: Flask, okanjo: Caller, make: Factory, call: str
) -> None:
    item = make.item(
        replace(
            GOODS,
            listing_id="L-9",
            image="https://pics.example/1.jpg",
            cause_id=make.cause(),
            donation_pct=10,
        )
    )
    with app.app_context():
        store_id = make.item_row(item).store_id
        db.session.add(
            Feedback(
                store_id=store_id, item_id=item, direction="to_seller", value=5, text="Fine", created_at=DAY
            )
        )
        db.session.commit()
    plain = okanjo.shown(item)
    names = ["order", "media", "seller", "buyer", "cause", "feedback", "history", "payouts"]
    for embed in [*([name] for name in names), names]:
        query = {"embed": ",".join(embed)}
        shown = okanjo.shown(item, query) if call == "one" else okanjo.sales(query).json[0]
        assert shown.keys() - plain.keys() == set(embed)
        assert all(shown[name] for name in embed)


def test_embed_adds_exactly_its_keys_and_fields_removes_the_rest(okanjo: Caller, make: Factory) -> None:
    item = make.item(replace(GOODS, cause_id=make.cause(), donation_pct=10))
    plain, embed = okanjo.shown(item), {"embed": "history,payouts,cause"}
    shown = okanjo.shown(item, embed)
    assert shown.keys() - plain.keys() == {"history", "payouts", "cause"}
    assert {name: shown[name] for name in plain} == plain
    assert okanjo.shown(item, {**embed, "fields": "id,status"}).keys() == {"id", "status"}


def test_it_returns_an_array_of_order_item_objects(okanjo: Caller, make: Factory) -> None:
    assert okanjo.sales().json == []
    item = make.item(GOODS)
    assert okanjo.sales().json == [okanjo.shown(item)]


def test_x_collection_count_is_the_total_number_of_order_items_that_match(
    okanjo: Caller, make: Factory
) -> None:
    make.many([GOODS, DEAL, DEAL])
    for query, count in [
        ({}, "3"),
        ({"page_size": 1}, "3"),
        ({"page_size": 1, "page_start_index": 99}, "3"),
        ({"product_type": 2, "page_size": 1}, "2"),
        ({"product_type": 3}, "0"),
    ]:
        assert okanjo.sales(query).headers["X-COLLECTION-COUNT"] == count


def test_failed_to_retrieve_sale_items(app: Flask, okanjo: Caller, make: Factory) -> None:
    okanjo.sales()
    break_table(app, "tally")
    assert told(okanjo.sales()) == (500, "Failed to retrieve sale items.")


# The resource: GET /stores/{store_id}/sales/{item_id}


def test_it_returns_a_specific_sale_item_given_its_unique_identifier(okanjo: Caller, make: Factory) -> None:
    first, second = make.items_of(make.sale(GOODS, DEAL))
    assert okanjo.shown(first)["product_title"] == GOODS.title
    assert okanjo.shown(second)["product_title"] == DEAL.title


def test_sale_item_not_found(okanjo: Caller, make: Factory) -> None:
    foreign = make.item(GOODS, store="othershop")
    assert told(okanjo.one(foreign)) == (404, "Sale item not found.")
    assert told(okanjo.one(foreign + 1)) == (404, "Sale item not found.")


def test_failed_to_retrieve_sale_item(app: Flask, okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    okanjo.one(item)
    break_table(app, "order_item")
    assert told(okanjo.one(item)) == (500, "Failed to retrieve sale item.")


# The resource: PUT /stores/{store_id}/sales/{item_id}


def test_the_parameters_are_an_entity_of_names_and_values(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    answer = okanjo.client.put(
        okanjo.path(item=item),
        data="status=3&tracking_carrier=Fed+Ex&tracking_number=%C3%89%201",
        content_type="application/x-www-form-urlencoded",
        headers=okanjo.headers("owner"),
    )
    assert is_success(answer)
    shown = okanjo.shown(item)
    assert (shown["status"], shown["tracking_carrier"], shown["tracking_number"]) == (3, "Fed Ex", "É 1")


def test_status_must_be_3_when_currently_2(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    assert okanjo.shown(item)["status"] == 2
    assert told(okanjo.put(item, status=4)) == PROHIBITED
    assert is_success(okanjo.put(item, status=3))
    assert okanjo.shown(item)["status"] == 3


def test_status_must_be_4_when_order_item_type_is_2_deal_giving_reward(okanjo: Caller, make: Factory) -> None:
    for status in (2, 8):
        item = make.item(DEAL, status)
        assert told(okanjo.put(item, status=3)) == PROHIBITED
        assert is_success(okanjo.put(item, status=4))
        assert okanjo.shown(item)["status"] == 4


def test_tracking_carrier_is_the_name_of_the_carrier_of_64_characters(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    assert told(okanjo.put(item, tracking_carrier="é" * 65)) == (400, "tracking_carrier too long.")
    assert is_success(okanjo.put(item, status=3, tracking_carrier="é" * 64))
    assert okanjo.shown(item)["tracking_carrier"] == "é" * 64


def test_tracking_number_is_a_string_of_64_characters(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    assert told(okanjo.put(item, tracking_number="é" * 65)) == (400, "tracking_number too long.")
    assert is_success(okanjo.put(item, status=3, tracking_number="é" * 64))
    assert okanjo.shown(item)["tracking_number"] == "é" * 64


def test_product_deal_vendor_ack_is_a_note_of_255_characters(okanjo: Caller, make: Factory) -> None:
    item = make.item(DEAL, store="vendorshop")
    vendor = {"who": "vendor", "store": "vendorshop"}
    sentence = (400, "product_deal_vendor_ack too long.")
    assert told(okanjo.put(item, product_deal_vendor_ack="é" * 256, **vendor)) == sentence
    assert is_success(okanjo.put(item, status=4, product_deal_vendor_ack="é" * 255, **vendor))
    assert okanjo.shown(item, **vendor)["product_deal_vendor_ack"] == "é" * 255


def test_the_ack_applies_to_deal_items(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS, store="vendorshop")
    answer = okanjo.put(item, status=3, product_deal_vendor_ack="Ann", store="vendorshop")
    assert told(answer) == (400, "Invalid field: product_deal_vendor_ack")
    assert okanjo.shown(item, store="vendorshop")["status"] == 2


def test_the_ack_is_available_only_to_users_with_vendor_level_permissions(
    okanjo: Caller, make: Factory
) -> None:
    for who, store in [("staff", "vendorshop"), ("owner", "papershop")]:
        item = make.item(DEAL, store=store)
        answer = okanjo.put(item, status=4, product_deal_vendor_ack="Ann", who=who, store=store)
        assert told(answer) == NO_RIGHT
        assert okanjo.shown(item, who=who, store=store)["status"] == 8
    for who in ("vendor", "owner"):
        item = make.item(DEAL, store="vendorshop")
        answer = okanjo.put(item, status=4, product_deal_vendor_ack="Ann", who=who, store="vendorshop")
        assert is_success(answer)


def test_it_returns_the_generic_success_object(okanjo: Caller, make: Factory) -> None:
    answer = okanjo.put(make.item(GOODS), status=3)
    assert (answer.status_code, answer.mimetype, answer.text) == (
        200,
        "application/json",
        '{"type":"success"}',
    )


def test_order_status_change_prohibited_due_to_the_current_state(okanjo: Caller, make: Factory) -> None:
    for status in (0, 1, 3, 4, 5, 6, 7, 9, 10, 11):
        item = make.item(GOODS, status)
        assert told(okanjo.put(item, status=3)) == PROHIBITED
        assert okanjo.shown(item)["status"] == status


def test_invalid_status_when_the_given_is_not_a_valid_code_that_can_be_applied(
    okanjo: Caller, make: Factory
) -> None:
    item = make.item(GOODS)
    for status in (0, 1, 2, 5, 6, 7, 8, 10, 11, 12, 9001, -3, "abc", "3.0", "3 ", "+3", "٣"):
        assert told(okanjo.put(item, status=status)) == INVALID, status
    assert okanjo.shown(item)["status"] == 2


def test_insufficient_privileges_when_the_user_has_no_access_to_the_item(
    okanjo: Caller, make: Factory
) -> None:
    item = make.item(GOODS)
    for who in ("owner2", "buyer", "stranger", "vendor"):
        assert told(okanjo.put(item, status=3, who=who)) == NO_RIGHT
    assert okanjo.shown(item)["status"] == 2


def test_order_item_not_found(okanjo: Caller, make: Factory) -> None:
    foreign = make.item(GOODS, store="othershop")
    for item in (foreign, foreign + 1, 0, "abc"):
        assert told(okanjo.put(item, status=3)) == (404, "Order item not found.")


def test_system_error(app: Flask, okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    okanjo.one(item)
    break_table(app, "parcel")
    assert told(okanjo.put(item, status=3)) == (500, "System error.")
    with app.app_context():
        assert make.item_row(item).status == 2


def test_used_by_sellers_to_indicate_an_item_was_shipped(okanjo: Caller, make: Factory) -> None:
    order = make.sale(GOODS, paid=Payment.ON_ARRIVAL)
    (item,) = make.items_of(order)
    assert is_success(okanjo.put(item, status=3, tracking_carrier="DHL", tracking_number="00340434161"))
    row, sale = make.item_row(item), make.sale_row(order)
    assert (row.shipped, row.left, sale.shipping, sale.desk_state) == (5, 0, 1, "shipped")
