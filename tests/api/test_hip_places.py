"""Whose is it, and is there such a thing: paths, ids, methods (law 3, Hip's row), and what vendors see."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.actions.purchases import AddressSaid, BuyerSaid, LineSaid
from app.api.hip.places import NUMBERS_NOW, country_name, country_number
from app.api.shape import as_json
from app.db import db
from app.forms.values import known_countries
from app.models import Store
from app.money import amount_number, amount_text
from tests.api.hip_caller import HipCaller, envelope, failure, the_one
from tests.api.test_okanjo_places import NO_IDS
from tests.factories import DEAL, GOODS, Factory

NO_RIGHT = (403, "Insufficient privileges for this operation.")
NOT_THERE = (404, "Not found.")


def test_a_foreign_store_and_one_that_is_not_answer_alike(app: Flask, hip: HipCaller, make: Factory) -> None:
    order = make.sale(store="othershop")
    for store in ("othershop", "nowhere", "3", "a" * 300, "%00", "1' OR '1'='1"):
        for path in ("sales/all", "sales/unpaid", "listings/closed?show=sold"):
            assert failure(hip.get(f"/stores/{store}/{path}")) == NO_RIGHT, store
        for one in (order, 987654321):
            assert failure(hip.put(one, store=store, json={"flag_shipping": 1})) == NO_RIGHT, store


def test_a_closed_store_is_a_foreign_one(app: Flask, hip: HipCaller, make: Factory) -> None:
    order = make.sale(account="buyer")
    with app.app_context():
        db.session.get_one(Store, 1).is_active = False
        db.session.commit()
    assert failure(hip.listed()) == NO_RIGHT
    assert failure(hip.get(f"/sales/{order}")) == NOT_THERE
    assert hip.sale(order, who="buyer")["id"] == str(order)
    assert hip.bought() == [order]


def test_a_sale_of_others_answers_as_one_that_is_not_there(hip: HipCaller, make: Factory) -> None:
    foreign = make.sale(store="othershop", account="other_buyer")
    for order in (foreign, foreign + 1):
        for who in ("owner", "buyer", "stranger"):
            assert failure(hip.get(f"/sales/{order}", who=who)) == NOT_THERE
            assert failure(hip.says(order, who=who, json={"flag_buyer_payment": 1})) == NOT_THERE
        assert failure(hip.put(order, json={"flag_shipping": 1})) == NOT_THERE


def test_an_absorbed_sale_of_others_answers_as_one_that_is_not_there(hip: HipCaller, make: Factory) -> None:
    bought: dict[str, Any] = {"kind": "auction", "paid": None, "buyer": BuyerSaid("Ada", "ada", ref="ada")}
    old = make.sale(store="othershop", **bought)
    make.sale(store="othershop", **bought)
    assert failure(hip.get(f"/sales/{old}")) == NOT_THERE
    assert failure(hip.says(old, json={"flag_buyer_payment": 1})) == NOT_THERE
    assert failure(hip.put(old, json={"flag_payment": 1})) == NOT_THERE
    told = failure(hip.get(f"/sales/{old}", who="owner2"))
    assert told == (404, "This sale was combined with a later purchase of the same buyer.")


@pytest.mark.both
@pytest.mark.parametrize("spelling", NO_IDS)
def test_an_id_has_one_spelling(hip: HipCaller, make: Factory, spelling: str) -> None:
    order = make.sale(account="owner")
    said = spelling.format(order)
    assert failure(hip.get(f"/sales/{said}")) == NOT_THERE
    assert failure(hip.says(said, who="owner", json={"flag_buyer_payment": 1})) == NOT_THERE
    assert failure(hip.put(said, json={"flag_shipping": 1})) == NOT_THERE


def test_other_paths_and_methods(hip: HipCaller, make: Factory) -> None:
    order = make.sale()
    for path in (
        "",
        "/",
        "/sales/",
        f"/sales/{order}/",
        "/stores",
        "/stores/papershop/sales/all/",
        "/stores/papershop",
    ):
        assert failure(hip.client.get(f"/api/hip{path}", headers=hip.headers("owner"))) == NOT_THERE, path
    for method, path in (
        ("POST", "/sales"),
        ("DELETE", f"/sales/{order}"),
        ("PATCH", f"/sales/{order}"),
        ("POST", f"/stores/papershop/sales/{order}"),
        ("GET", f"/stores/papershop/sales/{order}"),
        ("DELETE", "/stores/papershop/listings/closed"),
    ):
        answer = hip.client.open(f"/api/hip{path}", method=method, headers=hip.headers("owner"))
        assert failure(answer)[0] == 405, path
        assert answer.headers["Allow"]


def test_a_sellers_name_has_any_case(hip: HipCaller, make: Factory) -> None:
    order = make.sale()
    found = envelope(hip.listed(store="PaperShop"))
    assert found["params"]["username"] == "PaperShop"
    assert (found["results"][0]["id"], found["results"][0]["seller_username"]) == (str(order), "papershop")


def test_what_breaks_is_told_without_a_word_of_it(app: Flask, hip: HipCaller, make: Factory) -> None:
    order = make.sale()
    hip.sale(order)
    with app.app_context():
        db.session.execute(text("ALTER TABLE order_item RENAME TO broken"))
        db.session.commit()
    broken = (500, "Something went wrong on our side. Nothing was changed.")
    assert failure(hip.get(f"/sales/{order}")) == broken
    assert failure(hip.listed()) == broken


# What vendors see


@pytest.mark.both
def test_a_vendor_sees_deals_and_their_sum_alone(hip: HipCaller, make: Factory) -> None:
    mixed = make.sale(GOODS, replace(DEAL, quantity=2), postage=500, tax=100)
    plain = make.sale(GOODS)
    sale = hip.sale(mixed, who="vendor")
    assert [line["listing_name"] for line in sale["SaleListings"]] == [DEAL.title]
    sums = [sale[name] for name in ("sales_listings_amount", "postage_amount", "tax_amount", "total")]
    assert sums == [40, 0, 0, 40]
    assert (sale["ShippingAddress"], sale["shipping_address_id"], sale["buyer_email"]) == (None, None, "")
    assert failure(hip.get(f"/sales/{plain}", who="vendor")) == NO_RIGHT
    found = envelope(hip.listed(who="vendor"))
    assert (found["count"], found["results"]) == (1, [sale])
    sold = envelope(hip.get("/stores/papershop/listings/closed", {"show": "sold"}, who="vendor"), "listing")
    assert (sold["count"], [one["name"] for one in sold["results"]]) == (1, [DEAL.title])


def test_a_vendor_who_bought_sees_the_whole_of_their_own(hip: HipCaller, make: Factory) -> None:
    order = make.sale(GOODS, store="othershop", account="vendor")
    assert hip.sale(order, who="vendor")["SaleListings"][0]["listing_name"] == GOODS.title


# What a sale shows


def test_sums_add_up_and_are_numbers(hip: HipCaller, make: Factory) -> None:
    order = make.sale(LineSaid("Card", 3, 333), postage=250, tax=77, discount=100)
    answer = hip.get(f"/sales/{order}")
    sale = the_one(answer)
    parts = [sale[name] for name in ("sales_listings_amount", "postage_amount", "tax_amount")]
    assert (parts, sale["total"]) == ([8.99, 2.5, 0.77], 12.26)
    assert '"sales_listings_amount":8.99,"postage_amount":2.5,"tax_amount":0.77,"total":12.26' in answer.text


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_a_number_is_written_as_the_amount_itself(currency: str) -> None:
    for minor in (0, 1, 7, 10, 99, 100, 101, 1750, 29, 57, 10**12 + 1, 999_999_999_999_999, 10**15, -5):
        written = as_json(amount_number(minor, currency))
        assert Decimal(written) == Decimal(amount_text(minor, currency))
        assert not written.endswith(".0") and "e" not in written


def test_a_currency_without_decimals(hip: HipCaller, make: Factory) -> None:
    sale = hip.sale(make.sale(LineSaid("Card", 2, 500), currency="JPY"))
    assert (sale["total"], sale["SaleListings"][0]["price"]) == (1000, "500")


def test_a_sale_without_an_address(hip: HipCaller, make: Factory) -> None:
    sale = hip.sale(make.sale(DEAL, address=None))
    assert (sale["shipping_address_id"], sale["ShippingAddress"]) == (None, None)


def test_an_address_in_one_piece(hip: HipCaller, make: Factory) -> None:
    home = AddressSaid("Maria da Silva", "Rua 1", "Apt 2", "Lisboa", "NY", "1000", "PT")
    place = hip.sale(make.sale(address=home))["ShippingAddress"]
    assert (place["name_first"], place["name_last"]) == ("Maria da", "Silva")
    assert (place["address"], place["country"], place["country_name"]) == ("Rua 1, Apt 2", "620", "Portugal")
    assert (place["state"], place["state_name"], place["state_abbreviation"]) == ("", "NY", "NY")
    plain = hip.sale(make.sale())["ShippingAddress"]
    assert "state_abbreviation" not in plain
    assert (plain["country"], plain["state_name"]) == ("616", "")


def test_a_line_without_a_product_has_no_listing(hip: HipCaller, make: Factory) -> None:
    (line,) = hip.sale(make.sale(LineSaid("Card", 1, 500)))["SaleListings"]
    assert list(line) == ["id", "listing_id", "sale_id", "price", "quantity", "listing_name", "private_id"]
    (listed,) = hip.sale(make.sale(GOODS))["SaleListings"]
    assert isinstance(listed["listing_id"], str) and listed["private_id"] == "LC-014"


def test_countries_have_the_numbers_of_iso_3166() -> None:
    known = {
        "US": "840",
        "DE": "276",
        "FR": "250",
        "GB": "826",
        "AF": "004",
        "ET": "231",
        "YE": "887",
        "SS": "728",
    }
    assert {code: country_number(code) for code in known} == known
    without = {code for code in known_countries() if not country_number(code)}
    assert without == {"AC", "CP", "CQ", "DG", "EA", "IC", "TA"}
    assert all(country_number(code) == number for code, number in NUMBERS_NOW.items())
    assert (country_name("US"), country_name("??"), country_number("??")) == ("United States", "??", "")


def test_the_sold_listings_are_in_pages_newest_first(hip: HipCaller, make: Factory) -> None:
    make.sale(replace(GOODS, title="First"), placed_at=make.placed_at)
    make.sale(replace(GOODS, title="Second"), replace(GOODS, title="Third"))
    path, names = "/stores/papershop/listings/closed", []
    for page in (1, 2, 3, 4):
        found = envelope(hip.get(path, {"show": "sold", "limit": 1, "page": page}), "listing")
        assert found["count"] == 3
        names += [one["name"] for one in found["results"]]
    assert names == ["Third", "Second", "First"]
