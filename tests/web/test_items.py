"""The list of items, and the form of one item: in its row of the list and on the page of its sale."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask import Flask

from app.actions.purchases import BuyerSaid, LineSaid
from app.db import db
from app.models import Order
from tests.factories import AUCTION, DEAL, DIGITAL, GOODS, PICKUP, SERVICE, Factory
from tests.rules.books import everything, parcels
from tests.web.pages import Browser, link, listed, purchase, take_in_many, value_of, words

pytestmark = pytest.mark.both

Browse = Callable[[str], Browser]
ITEMS = "/stores/papershop/items"


def row_of(page: str) -> str:
    """Return the first row of a list."""
    return page.split("<tbody", 1)[1].split("</tbody>", 1)[0]


# The list.


def test_every_line_is_a_row(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS, PICKUP, DEAL)
    assert listed(browse("owner").get(ITEMS).text, "item") == make.items_of(order_id)[::-1]


def test_conditions_hold_for_the_item_itself(make: Factory, browse: Browse) -> None:
    goods, deal = make.items_of(make.sale(GOODS, DEAL))
    owner = browse("owner")
    for query, ids in (
        ("status=2", [goods]),
        ("product_type=2", [deal]),
        ("!status=2", [deal]),
        ("status=2&product_type=2", []),
        (f"id={goods}", [goods]),
        ("order_status=2", [deal, goods]),
        ("!order_status=2", []),
    ):
        assert listed(owner.get(f"{ITEMS}?{query}").text, "item") == ids, query


def test_conditions_on_the_sale_hold_for_each_of_its_items(make: Factory, browse: Browse) -> None:
    make.sale(GOODS)
    order_id = make.sale(GOODS, DEAL, channel="ebay", buyer=BuyerSaid("Zed", "zed_1"))
    ids = make.items_of(order_id)[::-1]
    owner = browse("owner")
    buyer_id = make.sale_row(order_id).buyer_id
    for query in ("channel=ebay", f"buyer_id={buyer_id}", f"order_id={order_id}", "q=zed_1"):
        assert listed(owner.get(f"{ITEMS}?{query}").text, "item") == ids, query


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("status=99", "Use codes from 0 to 11."),
        ("tab=to_ship", "“tab” is no filter of this list"),
        ("sort=ship_by", "Sort by one of newest, oldest."),
        ("placed_to=9999-12-31", "Write a day as 2026-11-21."),
        ("q=%00", "Leave out control characters."),
        ("status=2&status=3", "or stands here twice"),
    ],
)
def test_a_wrong_filter_lists_nothing_and_says_what_is_wrong(
    make: Factory, browse: Browse, query: str, message: str
) -> None:
    make.sale()
    answer = browse("owner").get(f"{ITEMS}?{query}")
    assert (answer.status_code, listed(answer.text, "item")) == (422, [])
    assert message in words(answer.text)


def test_a_walk_sees_each_item_once_forwards_and_back(app: Flask, browse: Browse) -> None:
    three = (LineSaid("A", 1, 1), LineSaid("B", 1, 1), LineSaid("C", 1, 1))
    take_in_many(app, [purchase(n, lines=three) for n in range(20)])
    owner = browse("owner")
    pages: dict[str, list[list[int]]] = {"next": [], "prev": []}
    path = last = ITEMS
    while path:
        page = owner.get(path).text
        pages["next"].append(listed(page, "item"))
        last, path = path, link(page, "next") or ""
    while last:
        page = owner.get(last).text
        pages["prev"].append(listed(page, "item"))
        last = link(page, "prev") or ""
    seen = [item_id for page in pages["next"] for item_id in page]
    assert len(seen) == len(set(seen)) == 60
    assert pages["prev"] == pages["next"][::-1]


def test_a_vendor_sees_deals_alone(make: Factory, browse: Browse) -> None:
    _, deal = make.items_of(make.sale(GOODS, DEAL, store="vendorshop"))
    vendor = browse("vendor")
    for query in ("", "?status=2", "?product_type=0", "?q=letterpress"):
        found = listed(vendor.get(f"/stores/vendorshop/items{query}").text, "item")
        assert set(found) <= {deal}, query
    assert listed(vendor.get("/stores/vendorshop/items").text, "item") == [deal]


def test_the_part_stands_verbatim_in_the_page(make: Factory, browse: Browse) -> None:
    make.sale()
    owner = browse("owner")
    part = owner.get(ITEMS, part=True).text.strip()
    # Each answer signs the form's token anew.
    assert part.replace(value_of(part, "csrf_token") or " ", "") in owner.get(ITEMS).text.replace(
        value_of(part, "csrf_token") or " ", ""
    )


@pytest.mark.parametrize(
    ("line", "deed", "asks"),
    [(PICKUP, "Hand over", "9"), (SERVICE, "Done", "3"), (DEAL, "Redeem", "4")],
)
def test_the_button_of_a_row_does_what_may_be_done(
    make: Factory, browse: Browse, line: LineSaid, deed: str, asks: str
) -> None:
    item_id = make.item(line, store="vendorshop")
    owner = browse("owner")
    row = row_of(owner.get("/stores/vendorshop/items").text)
    assert deed in words(row)
    assert value_of(row, "status") == asks
    answer = owner.post(f"/stores/vendorshop/items/{item_id}?in=row", {"status": asks}, part=True)
    assert answer.status_code == 200
    assert value_of(row_of(answer.text), "status") is None  # nothing more to do


def test_goods_lead_to_the_ship_form_and_what_is_done_to_its_sale(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    owner = browse("owner")
    assert f'href="/stores/papershop/sales/{order_id}/ship"' in row_of(owner.get(ITEMS).text)
    make.sale(DIGITAL)
    assert "Open" in words(row_of(owner.get(ITEMS).text))


def test_a_row_offers_nothing_that_one_may_not_do(make: Factory, browse: Browse) -> None:
    make.sale(DEAL)  # in a store that is no vendor store
    row = row_of(browse("vendor").get(ITEMS).text)
    assert "Redeem" not in words(row) and "<form" not in row


@pytest.mark.parametrize(("who", "is_asked"), [("vendor", True), ("owner", True), ("staff", False)])
def test_who_redeemed_is_asked_at_vendor_level_alone(
    make: Factory, browse: Browse, who: str, is_asked: bool
) -> None:
    make.sale(DEAL, store="vendorshop")
    row = row_of(browse(who).get("/stores/vendorshop/items").text)
    assert (value_of(row, "product_deal_vendor_ack") is not None) is is_asked
    assert "Redeem" in words(row)


# The form.


def test_moved_in_its_row_the_row_is_shown_as_it_is_now(make: Factory, browse: Browse) -> None:
    item_id = make.item(DEAL, store="vendorshop")
    answer = browse("vendor").post(
        f"/stores/vendorshop/items/{item_id}?in=row",
        {"status": "4", "product_deal_vendor_ack": "Anna"},
        part=True,
    )
    assert answer.status_code == 200
    assert listed(answer.text, "item") == [item_id]
    assert "Redeemed Anna" in words(row_of(answer.text))
    assert "“Dinner for two” of sale 1001: redeemed." in words(answer.text)


def test_moved_by_a_plain_browser_one_is_back_in_the_list(make: Factory, browse: Browse) -> None:
    item_id = make.item(SERVICE)
    owner = browse("owner")
    answer = owner.post(f"{ITEMS}/{item_id}?in=row", {"status": "3"})
    assert (answer.status_code, answer.location) == (303, ITEMS)
    assert "“Bookbinding lesson” of sale 1001: done." in words(owner.get(ITEMS).text)


def test_moved_on_the_page_of_its_sale_that_page_is_shown(make: Factory, browse: Browse) -> None:
    item_id = make.item(PICKUP)
    order_id = make.item_row(item_id).order_id
    owner = browse("owner")
    answer = owner.post(f"{ITEMS}/{item_id}?list=tab%3Dshipped", {"status": "9"}, part=True)
    assert answer.status_code == 200
    assert answer.text.strip().startswith('<div id="sale">')
    assert "Handed over" in words(answer.text)
    make.put(item_id, 3)
    answer = owner.post(f"{ITEMS}/{item_id}?list=tab%3Dshipped", {"status": "9"})
    assert answer.location == f"/stores/papershop/sales/{order_id}?list=tab%3Dshipped"


def test_refused_in_its_row_the_row_says_so_and_keeps_what_was_typed(
    app: Flask, make: Factory, browse: Browse
) -> None:
    item_id = make.item(DEAL, store="vendorshop")
    vendor = browse("vendor")
    before = everything(app)
    answer = vendor.post(
        f"/stores/vendorshop/items/{item_id}?in=row",
        {"status": "4", "product_deal_vendor_ack": "é" * 256},
        part=True,
    )
    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == f"#item-{item_id}"
    assert listed(answer.text, "item") == [item_id]
    assert value_of(answer.text, "product_deal_vendor_ack") == "é" * 256
    assert "At most 255 characters fit here; these are 256." in words(answer.text)
    assert 'class="said bad"' in answer.text
    assert everything(app) == before


def test_redeemed_twice_from_two_lists_the_second_is_told(make: Factory, browse: Browse) -> None:
    item_id = make.item(DEAL, store="vendorshop")
    path = f"/stores/vendorshop/items/{item_id}?in=row"
    assert browse("owner").post(path, {"status": "4"}, part=True).status_code == 200
    answer = browse("vendor").post(path, {"status": "4"}, part=True)
    assert answer.status_code == 422
    assert "Order status change prohibited." in words(answer.text)
    assert "Redeemed" in words(row_of(answer.text))  # the row as it is now


@pytest.mark.parametrize("part", [False, True])
def test_refused_on_the_page_the_page_says_so_at_the_items_form(
    make: Factory, browse: Browse, part: bool
) -> None:
    item_id = make.item(DEAL, store="vendorshop")
    answer = browse("owner").post(
        f"/stores/vendorshop/items/{item_id}",
        {"status": "4", "product_deal_vendor_ack": "x" * 256},
        part=part,
    )
    assert answer.status_code == 422
    assert value_of(answer.text, "product_deal_vendor_ack") == "x" * 256
    assert f'id="ack-{item_id}-error">At most 255 characters fit here' in answer.text
    assert answer.text.startswith("<!doctype html>") is not part
    if part:
        assert answer.headers["HX-Retarget"] == "#sale"


Refusal = tuple[LineSaid, dict[str, str], str]


@pytest.mark.parametrize(
    "refusal",
    [
        (GOODS, {"status": "9"}, "Order status change prohibited."),
        (GOODS, {"status": "abc"}, "Invalid status."),
        (DIGITAL, {"status": "4"}, "Order status change prohibited."),
        (DIGITAL, {"tracking_number": "1"}, "This item has no parcel that could carry a tracking number."),
        (GOODS, {"product_deal_vendor_ack": "x"}, "Invalid field: product_deal_vendor_ack"),
        (GOODS, {"tracking_number": "x" * 65}, "At most 64 characters fit here; these are 65."),
        (GOODS, {"version": "abc"}, "Write a whole number in plain digits."),
        (GOODS, {"price": "1"}, "“price” is no field of this form"),
        (GOODS, {"sale_id": "7", "status": "3"}, "“sale_id” is no field of this form"),
    ],
)
def test_a_refusal_is_said_wherever_the_page_has_no_form_for_it(
    app: Flask, make: Factory, browse: Browse, refusal: Refusal
) -> None:
    line, sent, message = refusal
    item_id = make.item(line, store="vendorshop")
    owner = browse("owner")
    before = everything(app)
    answer = owner.post(f"/stores/vendorshop/items/{item_id}", sent)
    assert answer.status_code == 422
    assert words(answer.text).count(message) == 1
    assert everything(app) == before


def test_a_field_sent_twice_is_refused(app: Flask, make: Factory, browse: Browse) -> None:
    item_id = make.item(GOODS)
    owner = browse("owner")
    before = everything(app)
    answer = owner.post(f"{ITEMS}/{item_id}", {"status": ["9", "3"]})
    assert answer.status_code == 422
    answer = owner.post(f"{ITEMS}/{item_id}", {"status": ["3", "3"]})
    assert "“status” is no field of this form, or came twice." in words(answer.text)
    assert everything(app) == before


def test_a_stale_page_moves_nothing_and_says_so(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(PICKUP, SERVICE)
    pickup, service = make.items_of(order_id)
    owner = browse("owner")
    seen = value_of(owner.get(f"/stores/papershop/sales/{order_id}").text, "version") or ""
    make.put(service, 4)
    before = everything(app)
    answer = owner.post(f"{ITEMS}/{pickup}", {"status": "9", "version": seen})
    assert answer.status_code == 409
    assert "This sale was changed meanwhile." in words(answer.text)
    assert everything(app) == before


def test_the_number_of_a_parcel_is_corrected(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    (item_id,) = make.items_of(order_id)
    make.ship(order_id, {item_id: 5}, number="N-1")
    owner = browse("owner")
    assert "Correct the number" in words(owner.get(f"/stores/papershop/sales/{order_id}").text)
    owner.post(f"{ITEMS}/{item_id}", {"tracking_carrier": "UPS", "tracking_number": "N-2"})
    assert [(p.carrier, p.number) for p in parcels(app)] == [("UPS", "N-2")]


def test_a_wrong_number_stays_in_the_form_that_corrects_it(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    (item_id,) = make.items_of(order_id)
    parcel_id = make.ship(order_id, {item_id: 5}, number="N-1")
    answer = browse("owner").post(f"{ITEMS}/{item_id}", {"tracking_number": "x" * 65})
    assert answer.status_code == 422
    assert 'value="' + "x" * 65 in answer.text
    assert f'id="fix-{parcel_id}-error">At most 64 characters fit here' in answer.text


def test_json_is_judged_as_a_form_is(app: Flask, make: Factory, browse: Browse) -> None:
    item_id = make.item(GOODS)
    owner = browse("owner")
    headers = {"X-CSRFToken": owner.token}
    before = everything(app)
    for wrong in ({"status": 3.0}, {"status": True}, {"status": [3]}, {"status": None}, {"status": "3 "}):
        answer = owner.client.post(f"{ITEMS}/{item_id}", json=wrong, headers=headers)
        assert answer.status_code == 422, wrong
    assert everything(app) == before
    sent = {"status": 3, "tracking_number": 12345678}
    assert owner.client.post(f"{ITEMS}/{item_id}", json=sent, headers=headers).status_code == 303
    assert parcels(app)[0].number == "12345678"


def test_no_field_changes_what_is_not_offered(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(AUCTION)
    (item_id,) = make.items_of(order_id)
    owner = browse("owner")
    before = everything(app)
    for name in ("quantity", "line_total_minor", "order_id", "store_id", "buyer", "paid", "__class__", "ref"):
        answer = owner.post(f"{ITEMS}/{item_id}", {"status": "3", name: "1"})
        assert answer.status_code == 422, name
    assert everything(app) == before


def test_day_only_sales_have_no_hour(make: Factory, browse: Browse) -> None:
    make.sale(replace(GOODS), is_day_only=True, placed_at=datetime(2026, 1, 5, 12, tzinfo=UTC))
    row = row_of(browse("owner").get(ITEMS).text)
    assert 'title="5 Jan 2026"' in row


def test_an_item_of_another_store_is_not_found(app: Flask, make: Factory, browse: Browse) -> None:
    foreign = make.item(SERVICE, store="othershop")
    owner = browse("owner")
    before = everything(app)
    for path in (f"{ITEMS}/{foreign}", f"/stores/othershop/items/{foreign}", f"{ITEMS}/999"):
        assert owner.post(path, {"status": "3"}).status_code == 404
    assert everything(app) == before
    with app.app_context():
        assert db.session.query(Order).count() == 1
