"""Seed 003, "Sale", clause by clause: each test is named by the words that it proves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app.actions.purchases import BuyerSaid, LineSaid
from app.statuses import Payment
from tests.api.hip_caller import HipCaller, envelope, failure, the_one
from tests.factories import DEAL, GOODS, SERVICE, Factory

pytestmark = pytest.mark.seed

DAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
LISTS = ("all", "paid", "unpaid", "paid_not_shipped", "posted_sent")
NO_RIGHT = (403, "Insufficient privileges for this operation.")
# One buyer, however often they buy.
MAJA = BuyerSaid("Maja Kowalczyk", "maja", ref="maja")


def won(make: Factory, *lines: LineSaid, **sale: Any) -> int:
    """Let a buyer win an auction: a sale that is not paid yet."""
    return make.sale(*lines, **{"kind": "auction", "paid": None, "buyer": MAJA, **sale})


def of_each_flag(make: Factory) -> dict[str, int]:
    """Make one sale for each of the flags that lists ask of."""
    sales = {
        name: make.sale(paid=paid)
        for name, paid in (
            ("unpaid", None),
            ("paid", Payment.PAID),
            ("paypal", Payment.PAID_PAYPAL),
            ("on arrival", Payment.ON_ARRIVAL),
            ("canceled", None),
            ("sent", Payment.PAID),
            ("service", Payment.PAID),
        )
        if name != "service"
    }
    sales["service"] = make.sale(SERVICE)
    make.ship(sales["sent"], dict.fromkeys(make.items_of(sales["sent"]), 5))
    return sales


@pytest.fixture
def flagged(make: Factory, hip: HipCaller) -> dict[str, int]:
    """Sales of each flag, by name."""
    sales = of_each_flag(make)
    assert hip.put(sales["canceled"], data={"flag_payment": 4}).status_code == 200
    return sales


# Overview


@pytest.mark.parametrize("kind", ["auction", "offer", "fixed_price"])
def test_whether_it_is_through_an_auction_offer_or_fixed_price_a_sale_is_created(
    hip: HipCaller, make: Factory, kind: str
) -> None:
    order = won(make, kind=kind)
    assert hip.ids() == [order]


def test_only_the_buyer_and_seller_of_the_sale_will_have_access_to_it(hip: HipCaller, make: Factory) -> None:
    order = make.sale(account="buyer", buyer=MAJA)
    for who in ("buyer", "owner", "staff"):
        assert hip.sale(order, who=who)["id"] == str(order)
    for who in ("other_buyer", "stranger", "owner2"):
        assert failure(hip.get(f"/sales/{order}", who=who)) == (404, "Not found.")
    assert hip.get(f"/sales/{order}", who=None).status_code == 401


# Searching Sales


@pytest.mark.both
@pytest.mark.parametrize("which", LISTS)
def test_it_returns_the_specified_users_sales_paginated_by_newest_sales_first(
    hip: HipCaller, make: Factory, which: str
) -> None:
    unpaid = which == "unpaid"
    ids = [
        make.sale(paid=None if unpaid else Payment.PAID, placed_at=DAY - timedelta(days=n)) for n in range(3)
    ]
    make.sale(store="othershop", paid=None if unpaid else Payment.PAID)
    if which == "posted_sent":
        for order in ids:
            make.ship(order, dict.fromkeys(make.items_of(order), 5))
    assert hip.ids(which) == ids
    assert hip.ids(which, {"limit": 2}) == ids[:2]
    assert hip.ids(which, {"limit": 2, "page": 2}) == ids[2:]


@pytest.mark.both
def test_the_sort_parameter_can_be_used_to_change_the_order_of_returned_results(
    hip: HipCaller, make: Factory
) -> None:
    ids = [make.sale(placed_at=DAY - timedelta(days=n), account="buyer", buyer=MAJA) for n in range(3)]
    assert hip.ids("all", {"sort": "created_desc"}) == hip.bought({"sort": "created_desc"}) == ids
    assert hip.ids("all", {"sort": "created_asc"}) == hip.bought({"sort": "created_asc"}) == ids[::-1]
    assert hip.ids("all", {"sort": "created_asc", "limit": 1, "page": 2}) == [ids[1]]


# Automatically Combined Sales


@pytest.mark.parametrize("kind", ["auction", "offer"])
def test_a_sale_is_immediately_created_when_an_auction_is_won_or_an_offer_is_accepted(
    hip: HipCaller, make: Factory, kind: str
) -> None:
    order = won(make, kind=kind)
    assert hip.sale(order)["flag_payment"] == "0"
    assert hip.ids("unpaid") == [order]


@pytest.mark.both
def test_the_new_purchases_will_be_automatically_combined_with_the_previous_unpaid_sale(
    hip: HipCaller, make: Factory
) -> None:
    first = won(make, replace(GOODS, postage=200))
    lines = make.items_of(first)
    heir = won(make, replace(GOODS, price=1000, quantity=1, postage=300))
    sale = hip.sale(heir)
    assert heir != first
    assert {line["sale_id"] for line in sale["SaleListings"]} == {str(heir)}
    assert str(lines[0]) in {line["id"] for line in sale["SaleListings"]}
    assert sale["sales_listings_amount"] == 5 * 4.5 + 10
    assert sale["total"] == sale["sales_listings_amount"] + sale["postage_amount"] + sale["tax_amount"]
    assert hip.ids() == [heir]


def test_a_combined_sale_has_correct_and_updated_postage_costs_and_can_be_paid_at_once(
    hip: HipCaller, make: Factory
) -> None:
    won(make, replace(GOODS, quantity=1, postage=200, additional=50))
    heir = won(make, replace(GOODS, quantity=3, postage=300, additional=25), kind="offer")
    assert hip.sale(heir)["postage_amount"] == 3 + 2 * 0.25 + 0.5  # the dearest piece whole, others by theirs
    make.pay(heir)
    assert hip.ids("paid") == [heir]


def test_combined_sales_ids_is_an_array_of_any_and_all_sale_ids_which_were_combined_into_the_new_sale(
    hip: HipCaller, make: Factory
) -> None:
    first, second, third = won(make), won(make), won(make)
    heir = won(make)
    assert hip.sale(heir)["combined_sales_ids"] == [str(first), str(second), str(third)]


def test_we_delete_the_old_sale_when_this_happens(hip: HipCaller, make: Factory) -> None:
    old = won(make, account="buyer")
    heir = won(make)
    assert hip.bought() == [heir]
    for who in ("owner", "buyer"):
        assert failure(hip.get(f"/sales/{old}", who=who))[0] == 404
        assert failure(hip.says(old, who=who, data={"flag_buyer_payment": 1}))[0] == 404
    assert failure(hip.put(old, data={"flag_payment": 1}))[0] == 404
    assert all(old not in hip.ids(which) for which in LISTS)


def test_paid_sales_can_never_be_combined_with_new_unpaid_sales(hip: HipCaller, make: Factory) -> None:
    paid = won(make)
    make.pay(paid)
    new = won(make)
    assert hip.ids("paid") == [paid]
    assert "combined_sales_ids" not in hip.sale(new)


def test_find_all_stores_listings_closed_with_show_sold_will_return_all_the_individual_listings_sold(
    hip: HipCaller, make: Factory
) -> None:
    unpaid = won(make, replace(GOODS, sku="A 1"))
    paid = make.sale(replace(GOODS, sku="A 2"), DEAL)
    gone = won(make, buyer=BuyerSaid("Ada", "ada"))
    hip.put(gone, data={"flag_payment": 4})
    found = envelope(hip.get("/stores/papershop/listings/closed", {"show": "sold"}), "listing")
    assert {(one["sale_id"], one["private_id"]) for one in found["results"]} == {
        (str(unpaid), "A 1"),
        (str(paid), "A 2"),
        (str(paid), ""),
    }
    assert found["count"] == 3
    assert found["params"] == {"show": "sold", "listings": "closed", "username": "papershop"}


# Methods


def test_get_sale_retrieves_a_sale_by_id(hip: HipCaller, make: Factory) -> None:
    first, second = make.sale(), make.sale(DEAL)
    assert hip.sale(first)["SaleListings"][0]["listing_name"] == GOODS.title
    assert hip.sale(second)["SaleListings"][0]["listing_name"] == DEAL.title
    assert envelope(hip.get(f"/sales/{first}"))["params"] == {"id": str(first)}


@pytest.mark.both
def test_update_sale_buyer_status_updates_the_buyer_status_where_the_current_user_is_the_buyer(
    hip: HipCaller, make: Factory
) -> None:
    order = make.sale(account="buyer", paid=None)
    sale = the_one(hip.says(order, data={"flag_buyer_payment": "1"}))
    assert (sale["flag_buyer_payment"], sale["flag_buyer_payment_name"]) == ("1", "Paid")
    hip.put(order, json={"flag_payment": 1, "flag_shipping": 1})
    sale = the_one(hip.says(order, json={"flag_buyer_shipping": 1}))
    assert (sale["flag_buyer_shipping"], sale["flag_buyer_shipping_name"]) == ("1", "Received")
    assert failure(hip.says(order, who="owner", json={"flag_buyer_shipping": 2})) == NO_RIGHT


@pytest.mark.both
def test_update_sale_seller_status_updates_the_seller_status_for_the_specified_user_who_is_the_seller(
    hip: HipCaller, make: Factory
) -> None:
    order = make.sale(account="buyer", paid=None)
    sale = the_one(hip.put(order, json={"flag_payment": 2}))
    assert (sale["flag_payment"], sale["flag_payment_name"]) == ("2", "Paid (PayPal)")
    sale = the_one(hip.put(order, data={"flag_shipping": "1", "tracking_link": "https://dhl.example/?n=1"}))
    assert (sale["flag_shipping"], sale["flag_shipping_name"]) == ("1", "Shipped")
    assert sale["tracking_link"] == "https://dhl.example/?n=1"
    assert failure(hip.put(order, who="buyer", json={"flag_shipping": 2})) == NO_RIGHT


def test_tracking_link_is_a_shipment_tracking_number_or_link(hip: HipCaller, make: Factory) -> None:
    order = make.sale()
    for link in ("JD 014", "https://dhl.example/JD014"):
        assert the_one(hip.put(order, data={"tracking_link": link}))["tracking_link"] == link


@pytest.mark.both
def test_find_all_sales_finds_all_sales_where_the_current_user_is_the_buyer(
    app: Flask, hip: HipCaller, make: Factory
) -> None:
    first = make.sale(account="buyer", placed_at=DAY)
    second = make.sale(store="othershop", account="buyer", placed_at=DAY - timedelta(days=1))
    make.sale(buyer=BuyerSaid("Ada", "ada"), account="other_buyer")
    assert hip.bought() == [first, second]
    assert hip.bought(who="owner") == []


def test_find_all_stores_sales_all_finds_all_sales_of_the_seller(
    hip: HipCaller, flagged: dict[str, int]
) -> None:
    assert set(hip.ids("all")) == set(flagged.values())


@pytest.mark.both
def test_find_all_stores_sales_paid_finds_flag_payment_anything_besides_0_which_may_include_canceled(
    hip: HipCaller, make: Factory
) -> None:
    flagged = of_each_flag(make)
    hip.put(flagged["canceled"], data={"flag_payment": 4})
    assert set(hip.ids("paid")) == set(flagged.values()) - {flagged["unpaid"]}
    assert envelope(hip.listed("paid"))["count"] == 6


def test_find_all_stores_sales_unpaid_will_not_include_sales_where_the_payment_status_is_set_to_canceled(
    hip: HipCaller, flagged: dict[str, int]
) -> None:
    assert hip.ids("unpaid") == [flagged["unpaid"]]
    assert envelope(hip.listed("unpaid"))["count"] == 1


def test_find_all_stores_sales_paid_not_shipped(hip: HipCaller, flagged: dict[str, int]) -> None:
    waiting = {flagged[name] for name in ("paid", "paypal", "on arrival")}
    assert set(hip.ids("paid_not_shipped")) == waiting
    assert envelope(hip.listed("paid_not_shipped"))["count"] == 3


def test_find_all_stores_sales_shipped_finds_those_where_flag_shipping_is_set_to_1(
    hip: HipCaller, flagged: dict[str, int]
) -> None:
    assert hip.ids("posted_sent") == [flagged["sent"]]
    assert envelope(hip.listed("posted_sent"))["count"] == 1


# Parameters of the lists


@pytest.mark.parametrize("which", [*LISTS, "bought"])
def test_limit_is_25_and_page_is_1_by_default(hip: HipCaller, make: Factory, which: str) -> None:
    paid = None if which == "unpaid" else Payment.PAID
    for _ in range(26):
        order = make.sale(paid=paid, account="buyer", buyer=MAJA)
        if which == "posted_sent":
            make.ship(order, dict.fromkeys(make.items_of(order), 5))
    ask = hip.bought if which == "bought" else lambda query=None: hip.ids(which, query)
    assert ask() == ask({"limit": 25, "page": 1})
    assert (len(ask()), len(ask({"page": 2})), ask({"page": 3})) == (25, 1, [])
    assert len(ask({"limit": 26})) == 26


def listed_as(make: Factory, which: str, **sale: Any) -> int:
    """Make a sale that stands in this list."""
    paid = None if which == "unpaid" else Payment.PAID
    order = make.sale(paid=paid, account="buyer", buyer=MAJA, **sale)
    if which == "posted_sent":
        make.ship(order, dict.fromkeys(make.items_of(order), 5))
    return order


@pytest.mark.both
@pytest.mark.parametrize("which", [*LISTS, "bought"])
def test_created_time_from_and_created_time_to_narrow_the_results(
    hip: HipCaller, make: Factory, which: str
) -> None:
    ids = [listed_as(make, which, placed_at=DAY - timedelta(days=n)) for n in range(4)]
    ask = hip.bought if which == "bought" else lambda query: hip.ids(which, query)
    assert ask({"created_time_from": "2026-11-19"}) == ids[:2]
    assert ask({"created_time_to": "2026-11-18"}) == ids[2:]
    assert ask({"created_time_from": "2026-11-18", "created_time_to": "2026-11-19"}) == ids[1:3]


@pytest.mark.both
@pytest.mark.parametrize("which", [*LISTS, "bought"])
def test_gateway_transaction_code_filters_by_an_external_transaction_code(
    hip: HipCaller, make: Factory, which: str
) -> None:
    order = listed_as(make, which, gateway_code="9XY")
    listed_as(make, which, gateway_code="9XYZ")
    ask = hip.bought if which == "bought" else lambda query: hip.ids(which, query)
    assert ask({"gateway_transaction_code": "9XY"}) == [order]
    assert ask({"gateway_transaction_code": "9X"}) == []
    assert ask({"gateway_transaction_code": "%"}) == []


def test_params_tell_the_request_as_strings(hip: HipCaller, make: Factory) -> None:
    make.sale()
    found = envelope(hip.listed("paid", {"limit": 1, "page": 1, "sort": "created_asc"}))
    assert found["params"] == {
        "limit": "1",
        "page": "1",
        "sort": "created_asc",
        "sales": "paid",
        "username": "papershop",
    }


def test_count_does_not_depend_on_the_limit(hip: HipCaller, make: Factory) -> None:
    make.many([GOODS, GOODS, DEAL])
    for query in ({}, {"limit": 1}, {"limit": 1, "page": 99}):
        assert envelope(hip.listed("all", query))["count"] == 3
