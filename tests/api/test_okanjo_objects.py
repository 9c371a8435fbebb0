"""The objects that Okanjo's calls answer with, field by field in the order of reference 1.4."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import select

from app.actions.purchases import LineSaid
from app.db import db
from app.models import Feedback, Media, OrderItem
from app.statuses import Delivery, ProductType
from tests.api.caller import Caller, is_success
from tests.factories import ADDRESS, DEAL, DIGITAL, DONATION, GOODS, PICKUP, SERVICE, Factory

PLACED = datetime(2026, 11, 20, 12, 5, 9, tzinfo=UTC)
FULL = replace(
    GOODS,
    description="Blue ink\non grey",
    condition="Used",
    image="https://pics.example/1.jpg",
    listing_id="L-99",
    postage=250,
    donation_pct=15,
)


def test_an_order_item_shows_every_field_of_the_reference_in_its_order(
    app: Flask, okanjo: Caller, make: Factory
) -> None:
    cause = make.cause()
    order = make.sale(
        replace(FULL, cause_id=cause), placed_at=PLACED, postage=250, postage_method="First Class Package"
    )
    (item,) = make.items_of(order)
    make.ship(order, {item: 2}, carrier="DHL", number="003404")
    row = make.item_row(item)
    with app.app_context():
        picture = db.session.scalars(select(Media)).one().id
    answer = okanjo.one(item)
    expected = {
        "id": item,
        "order_id": order,
        "product_id": row.product_id,
        "created": "2026-11-20 12:05:09",
        "updated": row.updated_at.strftime("%Y-%m-%d %H:%M:%S"),
        "quantity": 5,
        "status": 2,
        "product_type": 0,
        "product_brand_id": None,
        "product_donation_perc": 15,
        "product_seller_store_id": row.store_id,
        "product_cause_id": cause,
        "product_location_zip": None,
        "product_is_local_pickup": 0,
        "product_is_free_shipping": 0,
        "product_thumbnail_media_id": picture,
        "product_media_id_csv": str(picture),
        "product_price": "4.50",
        "product_title": "Letterpress card, thank you",
        "product_description": "Blue ink\non grey",
        "product_condition": "Used",
        "shipping_description": "First Class Package",
        "shipping_price": "2.50",
        "tracking_carrier": "DHL",
        "tracking_number": "003404",
        "product_deal_start": None,
        "product_deal_end": None,
        "product_promo_start": None,
        "product_promo_end": None,
        "product_deal_value": None,
        "product_deal_vendor_ack": None,
        "deal_number": None,
    }
    assert json.loads(answer.text, object_pairs_hook=list) == list(expected.items())


def test_a_deal_shows_its_windows_value_number_and_acknowledgement(okanjo: Caller, make: Factory) -> None:
    deal = replace(
        DEAL,
        deal_start=PLACED,
        deal_end=PLACED.replace(day=21),
        promo_start=PLACED.replace(day=22),
        promo_end=PLACED.replace(day=23),
    )
    item = make.item(deal, store="vendorshop")
    assert is_success(okanjo.put(item, status=4, product_deal_vendor_ack="Ann", store="vendorshop"))
    shown = okanjo.shown(item, store="vendorshop")
    assert {name: value for name, value in shown.items() if "deal" in name or "promo" in name} == {
        "product_deal_start": "2026-11-20 12:05:09",
        "product_deal_end": "2026-11-21 12:05:09",
        "product_promo_start": "2026-11-22 12:05:09",
        "product_promo_end": "2026-11-23 12:05:09",
        "product_deal_value": "40.00",
        "product_deal_vendor_ack": "Ann",
        "deal_number": 771,
    }


def test_the_way_to_the_buyer_is_shown_by_kind(okanjo: Caller, make: Factory) -> None:
    shown = {}
    for line in (GOODS, replace(PICKUP, postage=0), SERVICE, DIGITAL, DEAL, DONATION):
        item = okanjo.shown(make.item(line, postage_method="Hand delivery by the town's own courier"))
        shown[line.title] = tuple(
            item[name]
            for name in (
                "shipping_description",
                "shipping_price",
                "product_is_local_pickup",
                "product_is_free_shipping",
            )
        )
    assert shown == {
        GOODS.title: ("Hand delivery by the town's own ", "0.00", 0, 1),
        PICKUP.title: ("Local Pickup", "0.00", 1, 0),
        SERVICE.title: (None, None, 0, 0),
        DIGITAL.title: (None, None, 0, 0),
        DEAL.title: (None, None, 0, 0),
        DONATION.title: (None, None, 0, 0),
    }


def test_the_price_is_what_a_piece_was_sold_at_in_the_orders_currency(okanjo: Caller, make: Factory) -> None:
    reduced = make.item(replace(GOODS, sale_price=399))
    yen = make.item(replace(GOODS, price=450), currency="JPY")
    dinar = make.item(replace(GOODS, price=450), currency="KWD")
    assert [okanjo.shown(i)["product_price"] for i in (reduced, yen, dinar)] == ["3.99", "450", "0.450"]


def test_a_condition_that_okanjo_has_not_is_other(okanjo: Caller, make: Factory) -> None:
    assert okanjo.shown(make.item(replace(GOODS, condition="Like new")))["product_condition"] == "Other"


def test_an_item_in_several_parcels_shows_the_newest(okanjo: Caller, make: Factory) -> None:
    order = make.sale(GOODS)
    (item,) = make.items_of(order)
    make.ship(order, {item: 1}, number="first")
    make.ship(order, {item: 1}, carrier="", number="second")
    shown = okanjo.shown(item)
    assert (shown["tracking_carrier"], shown["tracking_number"]) == (None, "second")


def test_texts_come_back_as_they_were_sent(okanjo: Caller, make: Factory) -> None:
    title = 'Åsa’s «card» <b>&amp; "quoted"\\ 日本語 🚢 \u2028'
    item = make.item(replace(GOODS, title=title))
    assert okanjo.shown(item)["product_title"] == title
    assert okanjo.sales().json[0]["product_title"] == title


def test_the_order_shows_where_it_goes(okanjo: Caller, make: Factory) -> None:
    address = replace(ADDRESS, street2="lok. 3", region="WP", phone="+48 61 000", name="Maja Anna Kowalczyk")
    order = make.sale(GOODS, DEAL, address=address, placed_at=PLACED)
    item = make.items_of(order)[0]
    shown = okanjo.shown(item, {"embed": "order"})["order"]
    assert list(shown.items()) == [
        ("id", order),
        ("buyer_id", make.sale_row(order).buyer_id),
        ("created", "2026-11-20 12:05:09"),
        ("shipping_first_name", "Maja Anna"),
        ("shipping_last_name", "Kowalczyk"),
        ("shipping_address_1", "ul. Długa 5"),
        ("shipping_address_2", "lok. 3"),
        ("shipping_city", "Poznań"),
        ("shipping_state", "WP"),
        ("shipping_zip", "61-001"),
        ("shipping_country", "PL"),
        ("shipping_phone", "+48 61 000"),
        ("status", 2),
        ("type", 1),
    ]


def test_names_that_were_told_apart_are_shown_so(okanjo: Caller, make: Factory) -> None:
    item = make.item(address=replace(ADDRESS, given_name="Maja", family_name="van der Kowalczyk"))
    query = {"embed": "order", "fields": "order.shipping_first_name,order.shipping_last_name"}
    assert okanjo.shown(item, query)["order"] == {
        "shipping_first_name": "Maja",
        "shipping_last_name": "van der Kowalczyk",
    }


def test_an_order_to_nowhere_shows_no_address(okanjo: Caller, make: Factory) -> None:
    item = make.item(DIGITAL, address=None)
    shown = okanjo.shown(item, {"embed": "order"})["order"]
    assert {value for name, value in shown.items() if name.startswith("shipping_")} == {None}


def test_an_order_of_nothing_but_donations_is_of_okanjos_type_2(okanjo: Caller, make: Factory) -> None:
    gifts, mixed = make.sale(DONATION, DONATION), make.sale(GOODS, DONATION)
    types = {
        item["order"]["id"]: item["order"]["type"]
        for item in okanjo.sales({"embed": "order", "fields": "order.id,order.type", "product_type": 3}).json
    }
    assert types == {gifts: 2, mixed: 1}


def test_media_is_a_map_by_id_and_empty_without_a_product(app: Flask, okanjo: Caller, make: Factory) -> None:
    item = make.item(FULL)
    row = make.item_row(item)
    with app.app_context():
        first = Media(
            store_id=row.store_id, product_id=row.product_id, url="https://pics.example/0.jpg", position=0
        )
        db.session.add(first)
        db.session.commit()
        ids = [first.id, first.id - 1]
    shown = okanjo.shown(item, {"embed": "media"})
    assert shown["product_thumbnail_media_id"] == ids[0]
    assert shown["product_media_id_csv"] == f"{ids[0]},{ids[1]}"
    assert shown["media"] == {
        str(ids[0]): {"id": ids[0], "url": "https://pics.example/0.jpg"},
        str(ids[1]): {"id": ids[1], "url": "https://pics.example/1.jpg"},
    }
    bare = okanjo.shown(make.item(replace(GOODS, listing_id=None)), {"embed": "media"})
    assert (bare["product_id"], bare["media"]) == (None, {})
    assert (bare["product_thumbnail_media_id"], bare["product_media_id_csv"]) == (None, "")


def test_seller_store_and_buyer_show_who_they_are(okanjo: Caller, make: Factory) -> None:
    order = make.sale(DEAL, store="vendorshop")
    (item,) = make.items_of(order)
    row = make.item_row(item)
    shown = okanjo.shown(
        item, {"embed": "seller,store,buyer", "fields": "seller,store,buyer"}, store="vendorshop"
    )
    assert shown == {
        "seller": {"id": row.store_id, "user_name": "vendorshop", "avatar_media_id": None},
        "store": {"id": row.store_id, "name": "Vendor Shop", "status": 1, "type": 1, "flags": 1},
        "buyer": {"id": make.sale_row(order).buyer_id, "user_name": "maja", "avatar_media_id": None},
    }


def test_the_cause_of_an_item_or_null(okanjo: Caller, make: Factory) -> None:
    cause = make.cause()
    pledged = make.item(replace(GOODS, cause_id=cause, donation_pct=1))
    assert okanjo.shown(pledged, {"embed": "cause", "fields": "cause"})["cause"] == {
        "id": cause,
        "status": 3,
        "name": "River Trust",
        "local_name": "River Trust, Ely",
        "city": "Ely",
        "state": None,
        "created": "2026-01-01 00:00:00",
        "product_count": None,
    }
    plain = okanjo.shown(make.item(GOODS), {"embed": "cause"})
    assert (plain["cause"], plain["product_donation_perc"]) == (None, None)


def test_the_feedback_of_the_buyer_or_null(app: Flask, okanjo: Caller, make: Factory) -> None:
    order = make.sale(GOODS, PICKUP)
    item, other = make.items_of(order)
    with app.app_context():
        store_id = db.session.get_one(OrderItem, item).store_id
        about = {"store_id": store_id, "item_id": item, "created_at": PLACED}
        db.session.add(Feedback(direction="to_buyer", value=1, text="never shown", **about))
        said = Feedback(direction="to_seller", value=4, text="", **about)
        db.session.add(said)
        db.session.commit()
        said_id = said.id
    shown = okanjo.shown(item, {"embed": "feedback"})["feedback"]
    assert shown == {
        "id": said_id,
        "created": "2026-11-20 12:05:09",
        "reviewee_id": store_id,
        "reviewer_id": make.sale_row(order).buyer_id,
        "order_item_id": item,
        "value": 4,
        "feedback": None,
        "reviewer": {"user_name": "maja"},
        "reviewee": {"name": "Paper Shop"},
    }
    assert okanjo.shown(other, {"embed": "feedback"})["feedback"] is None


def test_the_history_tells_every_status_in_order_with_unix_seconds(okanjo: Caller, make: Factory) -> None:
    before = int(datetime.now(UTC).timestamp())
    item = make.item(GOODS)
    okanjo.put(item, tracking_number="no status, no row")
    okanjo.put(item, status=3)
    history = okanjo.shown(item, {"embed": "history"})["history"]
    assert [row["status"] for row in history] == [1, 2, 3]
    assert [row["id"] for row in history] == sorted({row["id"] for row in history})
    assert {row["order_item_id"] for row in history} == {item}
    assert history[0].keys() == {"id", "order_item_id", "status", "updated"}
    assert before <= history[-1]["updated"] <= datetime.now(UTC).timestamp()


def test_payouts_name_store_cause_and_commission(okanjo: Caller, make: Factory) -> None:
    cause = make.cause()
    item = make.item(LineSaid("Print", 1, 10_000, cause_id=cause, donation_pct=10))
    store_id = make.item_row(item).store_id
    payouts = okanjo.shown(item, {"embed": "payouts"})["payouts"]
    rows = [
        (p["user_id"], p["cause_id"], p["is_okanjo_commission"], p["amount"], p["status"]) for p in payouts
    ]
    assert rows == [
        (store_id, None, 0, "84.00", 0),
        (None, cause, 0, "10.00", 0),
        (None, None, 1, "6.00", 0),
    ]
    assert {p["fee"] for p in payouts} == {p["estimated_fee"] for p in payouts} == {None}
    assert {p["associated_payment_fee"] for p in payouts} == {None}


def test_fields_reach_into_lists_and_maps(okanjo: Caller, make: Factory) -> None:
    item = make.item(FULL)
    shown = okanjo.shown(item, {"embed": "history,media", "fields": "history.status,media.url,id"})
    assert shown == {
        "id": item,
        "media": {key: {"url": "https://pics.example/1.jpg"} for key in shown["media"]},
        "history": [{"status": 1}, {"status": 2}],
    }


def test_a_whole_object_and_one_of_its_fields_is_the_whole_object(okanjo: Caller, make: Factory) -> None:
    item = make.item(SERVICE)
    both = okanjo.shown(item, {"embed": "buyer", "fields": "buyer.id,buyer"})
    assert both["buyer"].keys() == {"id", "user_name", "avatar_media_id"}


def test_an_embedded_object_that_fields_do_not_name_is_left_out(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    assert okanjo.shown(item, {"embed": "order,history", "fields": "id"}) == {"id": item}


def test_one_item_is_the_same_in_the_list_and_alone(okanjo: Caller, make: Factory) -> None:
    every = {"embed": "order,media,seller,store,buyer,cause,feedback,history,payouts"}
    lines = (FULL, PICKUP, SERVICE, DIGITAL, DEAL, DONATION, LineSaid("x", 1, 0, type=ProductType.AUCTION))
    make.sale(*lines)
    make.sale(LineSaid("y", 3, 1, delivery=Delivery.DIGITAL), address=None, paid=None)
    listed = okanjo.sales(every).json
    assert len(listed) == 8
    assert [okanjo.shown(item["id"], every) for item in listed] == listed
