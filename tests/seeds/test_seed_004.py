"""Seed 004, "Order Item", clause by clause: each test is named by the seed's words.

The seed's examples stand in `examples` as files; what we answer is compared with them key by key and type by
type, and value by value where the seed's sale is made here again.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.access import SYSTEM
from app.actions.aftersale import return_items
from app.actions.purchases import DiscountSaid, LineSaid
from app.db import db
from app.models import Product
from app.statuses import Delivery
from tests.api.weebly import HASH, KEY, TOKEN, WeeblyCaller, failed
from tests.factories import AUCTION, DEAL, DIGITAL, DONATION, GOODS, PICKUP, SERVICE, Factory

pytestmark = pytest.mark.seed

EXAMPLES = Path(__file__).parent / "examples"
DAY = datetime(2015, 9, 22, 3, 28, 56, tzinfo=UTC)
SHIRT = LineSaid(
    "T-shirt",
    1,
    1000,
    sale_price=800,
    listing_id="p2",
    short_description="100% Cotton",
    url="http://mystore.weebly.com/store/p2/tshirt.html",
    options={"Color": "red", "Size": "small"},
    weight="1",
    unit="lb",
)
STICKER = LineSaid(
    "Sticker",
    1,
    100,
    listing_id="p1",
    sku=" ghjktyu t",
    short_description="Iron on sticker",
    url="http://mystore.weebly.com/store/p1/sticker.html",
)
# The seed's table of fields: name, type of a value that is there, whether lists have it. Where table and
# examples differ, the examples hold: the SKU's id is a string, a weight a number, the URL a string, the
# options an object; amounts in whole units are integers, others are not.
FIELDS: dict[str, tuple[type | tuple[type, ...], bool]] = {
    "user_id": (str, True),
    "site_id": (str, True),
    "discounted_price": ((int, float), True),
    "track_inventory": (bool, True),
    "order_id": (str, True),
    "order_item_id": (str, True),
    "site_product_id": (str, True),
    "site_product_sku_id": (str, True),
    "name": (str, True),
    "short_description": (str, True),
    "quantity": (int, True),
    "product_type": (str, True),
    "download_limit_type": (str, False),
    "download_units_remaining": (int, False),
    "price": ((int, float), True),
    "sale_price": ((int, float), True),
    "total_price": ((int, float), True),
    "weight": ((int, float), False),
    "weight_unit": (str, False),
    "sku": (str, True),
    "options": (dict, False),
    "returned": (bool, False),
    "discounts": (list, True),
    "original_product_url": (str, True),
    "created_date": (int, False),
    "updated_date": (int, False),
}


def example(name: str) -> Any:
    """Return one of the seed's examples."""
    return json.loads((EXAMPLES / f"004_{name}.json").read_text())


def keep_stock(app: Flask) -> None:
    """Let the desk know how many of each product there are."""
    with app.app_context():
        for product in db.session.query(Product):
            product.stock = 10
        db.session.commit()


@pytest.fixture
def order(app: Flask, make: Factory) -> int:
    """The order of the seed's examples."""
    made = make.sale(SHIRT, STICKER, placed_at=DAY)
    keep_stock(app)
    return made


def one(weebly: WeeblyCaller, make: Factory, line: LineSaid, **sale: Any) -> dict[str, Any]:
    """Return the one item of a new order, with all its fields."""
    found: dict[str, Any] = weebly.told(make.sale(line, **sale), "items", 1)
    return found


def paths(value: Any, at: str = "") -> Iterator[tuple[str, type]]:
    """Yield each place in a JSON value with the type that stands there."""
    yield at, type(value)
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from paths(inner, f"{at}/{key}")


# The examples


@pytest.mark.both
def test_example_response_of_all_order_items(weebly: WeeblyCaller, order: int) -> None:
    told, said = weebly.told(order, "items"), example("items")
    assert [list(item) for item in told] == [list(item) for item in said]
    assert list(paths(told)) == list(paths(said))
    for item in (*told, *said):  # ids are our own
        for name in ("user_id", "site_id", "order_id", "site_product_id", "site_product_sku_id"):
            assert item.pop(name).isdecimal()
    assert said[1].pop("discounted_price") == 0  # the seed's slip: nothing was taken off a price of 1
    assert told[1].pop("discounted_price") == 1
    assert said[1]["sku"].strip() == told[1]["sku"].strip()
    assert said[1].pop("sku") and told[1].pop("sku")
    assert told == said


@pytest.mark.both
def test_example_response_of_the_number(weebly: WeeblyCaller, order: int) -> None:
    assert weebly.told(order, "items", "count") == example("count")


@pytest.mark.both
def test_example_response_of_one_order_item(weebly: WeeblyCaller, order: int) -> None:
    told, said = weebly.told(order, "items", 1), example("item")
    assert list(told) == list(said)
    assert list(paths(told)) == list(paths(said))
    ours = {name: told.pop(name) for name in list(told) if name.endswith("_id") or name == "updated_date"}
    for name in ours:
        said.pop(name)
    assert told == said
    assert ours["order_item_id"] == "1"


def test_example_curl_request_by_access_token(weebly: WeeblyCaller, order: int) -> None:
    headers = {
        "accept": "application/vnd.weebly.v1+json",
        "content-type": "application/json",
        "x-weebly-access-token": weebly.secret("owner"),
    }
    for steps in (("items",), ("items", "count"), ("items", "1")):
        answer = weebly.client.get(weebly.platform(order, *steps), headers=headers)
        assert (answer.status_code, answer.mimetype) == (200, "application/json")


def test_example_curl_request_by_key_and_hash(weebly: WeeblyCaller, order: int) -> None:
    for steps in (("items",), ("items", "count"), ("items", "1")):
        path = weebly.cloud(order, *steps)
        headers = weebly.sign("owner", path)
        assert headers.keys() == {KEY, HASH}
        assert weebly.client.get(path, headers=headers).json == weebly.told(order, *steps)


# The fields


@pytest.mark.parametrize("name", FIELDS)
def test_all_fields_are_returned_when_you_retrieve_a_single_item(
    weebly: WeeblyCaller, order: int, name: str
) -> None:
    assert name in weebly.told(order, "items", 1)


def test_those_with_an_x_are_returned_when_you_retrieve_a_list(weebly: WeeblyCaller, order: int) -> None:
    item, whole = weebly.told(order, "items")[0], weebly.told(order, "items", 1)
    assert list(item) == [name for name in whole if FIELDS[name][1]]
    assert whole.keys() - item.keys() == {
        "download_limit_type",
        "download_units_remaining",
        "weight",
        "weight_unit",
        "options",
        "returned",
        "created_date",
        "updated_date",
    }
    assert {name: whole[name] for name in item} == item


@pytest.mark.parametrize("line", [SHIRT, STICKER, DIGITAL, DEAL, AUCTION, DONATION, PICKUP, SERVICE])
def test_a_value_is_of_its_type_or_null_and_never_left_out(
    weebly: WeeblyCaller, make: Factory, line: LineSaid
) -> None:
    item = one(weebly, make, line)
    assert item.keys() == FIELDS.keys()
    for name, value in item.items():
        assert value is None or isinstance(value, FIELDS[name][0]), (name, value)
        assert value != "", name


def test_user_id_is_that_of_the_account_that_owns_the_site(weebly: WeeblyCaller, order: int) -> None:
    for who in ("owner", "staff", "site_admin"):
        assert weebly.told(order, "items", who=who)[0]["user_id"] == str(weebly.owners["papershop"])


def test_site_id_is_that_of_the_store(weebly: WeeblyCaller, order: int) -> None:
    assert weebly.told(order, "items")[0]["site_id"] == str(weebly.stores["papershop"])


def test_discounted_price_is_after_any_discounts_have_been_applied(
    weebly: WeeblyCaller, make: Factory
) -> None:
    assert one(weebly, make, GOODS)["discounted_price"] == 4.5
    assert one(weebly, make, replace(GOODS, sale_price=400))["discounted_price"] == 4
    coupon = DiscountSaid("coupon", "TEN", 200)
    cheaper = replace(GOODS, sale_price=400, discounts=(coupon,))  # five of them
    assert one(weebly, make, cheaper, discount=200)["discounted_price"] == 3.6


def test_track_inventory_tells_whether_the_product_keeps_track_of_inventory(
    app: Flask, weebly: WeeblyCaller, make: Factory
) -> None:
    order = make.sale(GOODS, DIGITAL)
    assert [x["track_inventory"] for x in weebly.told(order, "items")] == [False, False]
    keep_stock(app)
    assert [x["track_inventory"] for x in weebly.told(order, "items")] == [True, False]


def test_order_id_is_that_of_the_order(weebly: WeeblyCaller, make: Factory) -> None:
    orders = [make.sale(GOODS), make.sale(GOODS, DEAL)]
    for order in orders:
        assert {x["order_id"] for x in weebly.told(order, "items")} == {str(order)}


def test_order_item_id_is_unique_to_this_order(weebly: WeeblyCaller, make: Factory) -> None:
    for order in (make.sale(GOODS, DEAL, PICKUP), make.sale(GOODS, DEAL)):
        ids = [x["order_item_id"] for x in weebly.told(order, "items")]
        assert ids == ["1", "2", "3"][: len(ids)]
        assert [weebly.told(order, "items", n)["order_item_id"] for n in ids] == ids


def test_site_product_id_and_sku_id_are_those_of_the_product(weebly: WeeblyCaller, make: Factory) -> None:
    first = one(weebly, make, GOODS)
    again = one(weebly, make, GOODS)
    other = one(weebly, make, replace(GOODS, listing_id="L-15"))
    assert first["site_product_id"] == first["site_product_sku_id"] == again["site_product_id"]
    assert other["site_product_id"] != first["site_product_id"]
    none = one(weebly, make, replace(GOODS, listing_id=None))
    assert none["site_product_id"] is none["site_product_sku_id"] is None


def test_name_and_short_description_are_those_of_the_product_when_it_was_bought(
    weebly: WeeblyCaller, make: Factory
) -> None:
    item = one(weebly, make, SHIRT)
    assert (item["name"], item["short_description"]) == ("T-shirt", "100% Cotton")
    assert one(weebly, make, replace(SHIRT, short_description=""))["short_description"] is None


def test_quantity_is_the_amount_of_this_item_in_the_order(weebly: WeeblyCaller, make: Factory) -> None:
    assert one(weebly, make, GOODS)["quantity"] == 5


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (GOODS, "physical"),
        (AUCTION, "physical"),
        (PICKUP, "physical"),
        (DIGITAL, "digital"),
        (SERVICE, "service"),
        (DEAL, "service"),
        (DONATION, "service"),
    ],
    ids=lambda x: x if isinstance(x, str) else x.title,
)
def test_product_type_is_physical_digital_or_service(
    weebly: WeeblyCaller, make: Factory, line: LineSaid, kind: str
) -> None:
    assert one(weebly, make, line)["product_type"] == kind


def test_the_download_limit_is_an_amount_of_downloads_or_of_days(weebly: WeeblyCaller, make: Factory) -> None:
    names = ("download_limit_type", "download_units_remaining")
    plain, times = one(weebly, make, DIGITAL), replace(DIGITAL, download_limit_type="downloads")
    assert [plain[name] for name in names] == [None, None]
    by_number = one(weebly, make, replace(times, download_units=3))
    assert [by_number[name] for name in names] == ["downloads", 3]
    days = replace(DIGITAL, download_limit_type="days", download_units=30)
    by_days = one(weebly, make, days, placed_at=datetime.now(UTC) - timedelta(days=2, hours=1))
    assert [by_days[name] for name in names] == ["days", 28]


def test_price_is_the_full_price_and_sale_price_the_sale_price_of_this_item(
    weebly: WeeblyCaller, make: Factory
) -> None:
    item = one(weebly, make, SHIRT)
    assert (item["price"], item["sale_price"]) == (10, 8)
    assert one(weebly, make, STICKER)["sale_price"] is None
    assert one(weebly, make, replace(GOODS, price=335))["price"] == 3.35


def test_total_price_is_the_price_for_all_of_these_items(weebly: WeeblyCaller, make: Factory) -> None:
    assert one(weebly, make, GOODS)["total_price"] == 22.5
    assert one(weebly, make, replace(GOODS, sale_price=335))["total_price"] == 16.75
    free = one(weebly, make, replace(GOODS, price=0))
    assert (free["price"], free["total_price"], type(free["total_price"])) == (0, 0, int)


@pytest.mark.parametrize(
    ("weight", "unit", "shown"),
    [
        ("1", "lb", (1, "lb")),
        ("2.5", "kg", (2.5, "kg")),
        ("22", "g", (0.022, "kg")),
        ("8", "oz", (0.5, "lb")),
        ("3", "stone", (None, None)),
        ("heavy", "kg", (None, None)),
        (None, None, (None, None)),
    ],
)
def test_weight_unit_is_lb_or_kg(
    weebly: WeeblyCaller, make: Factory, weight: str | None, unit: str | None, shown: tuple[object, object]
) -> None:
    item = one(weebly, make, replace(GOODS, weight=weight, unit=unit))
    assert (item["weight"], item["weight_unit"]) == shown


def test_sku_is_a_user_facing_identifier_that_may_be_null(weebly: WeeblyCaller, make: Factory) -> None:
    assert one(weebly, make, GOODS)["sku"] == "LC-014"
    assert one(weebly, make, SHIRT)["sku"] is None


def test_options_are_an_object_of_what_was_chosen(weebly: WeeblyCaller, make: Factory) -> None:
    assert one(weebly, make, SHIRT)["options"] == {"Color": "red", "Size": "small"}
    assert one(weebly, make, STICKER)["options"] == {}


@pytest.mark.both
def test_returned_tells_whether_the_order_item_has_been_returned(
    app: Flask, weebly: WeeblyCaller, make: Factory
) -> None:
    order = make.sale(GOODS)
    (item,) = make.items_of(order)
    make.ship(order, {item: 5})
    for pieces, shown in ((0, None), (2, False), (3, True)):
        if pieces:
            with app.app_context():
                return_items(order, {item: pieces}, actor=SYSTEM, store_id=weebly.stores["papershop"])
                db.session.commit()
        assert weebly.told(order, "items", 1)["returned"] is shown


def test_discounts_are_markdown_coupon_or_shipping_with_amount_saved_and_charged(
    weebly: WeeblyCaller, make: Factory
) -> None:
    line = replace(
        GOODS,
        quantity=2,
        price=1000,
        sale_price=800,
        discounts=(DiscountSaid("coupon", "FIVE", 500), DiscountSaid("shipping", "FREE", 300)),
    )
    item = one(weebly, make, line, discount=800, postage=300)
    assert item["discounts"] == [
        {"discount_type": "markdown", "price": 8, "discount": 2},
        {"discount_type": "coupon", "price": 5.5, "discount": 2.5},
        {"discount_type": "shipping", "price": 5.5, "discount": 1.5},
    ]
    assert (item["discounted_price"], item["total_price"]) == (5.5, 11)


def test_original_product_url_is_the_product_on_the_published_site(
    weebly: WeeblyCaller, make: Factory
) -> None:
    assert one(weebly, make, SHIRT)["original_product_url"] == SHIRT.url
    assert one(weebly, make, GOODS)["original_product_url"] is None


def test_created_and_updated_date_are_unix_gmt_timestamps(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS, placed_at=DAY)
    before = weebly.told(order, "items", 1)
    assert before["created_date"] == 1442892536
    make.ship(order, {make.items_of(order)[0]: 5})
    after = weebly.told(order, "items", 1)
    assert after["created_date"] == 1442892536
    assert abs(after["updated_date"] - datetime.now(UTC).timestamp()) < 60


# The calls


def test_it_returns_all_order_items_for_the_given_order(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(*(replace(GOODS, external_id=str(n)) for n in range(60)))
    make.sale(DEAL)
    answer = weebly.get(order, "items")
    assert [x["order_item_id"] for x in answer.json] == [str(n) for n in range(1, 61)]
    assert "X-Resultset" not in str(answer.headers)


def test_it_returns_the_number_of_order_items_for_an_order(weebly: WeeblyCaller, make: Factory) -> None:
    for lines in ([GOODS], [GOODS, DEAL, PICKUP]):
        assert weebly.told(make.sale(*lines), "items", "count") == {"count": len(lines)}


def test_it_returns_all_fields_for_the_given_order_item(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS, replace(DIGITAL, delivery=Delivery.DIGITAL))
    assert weebly.told(order, "items", 2)["name"] == DIGITAL.title
    assert failed(weebly.get(order, "items", 3)) == (404, 300)


@pytest.mark.parametrize("steps", [("items",), ("items", "count"), ("items", "1")], ids="-".join)
def test_scope_read_store_orders(
    weebly: WeeblyCaller, order: int, token: Any, steps: tuple[str, ...]
) -> None:
    for scopes, status in ((("read:store-orders",), 200), (("write:store-orders",), 403), ((), 403)):
        secret = token("owner", scopes=scopes)["Authorization"].removeprefix("Bearer ")
        answer = weebly.client.get(weebly.platform(order, *steps), headers={TOKEN: secret})
        assert answer.status_code == status, answer.text
        if status == 403:
            assert failed(answer) == (403, 201)
