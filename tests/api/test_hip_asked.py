"""What Hip's lists may be asked: bounds, times in their zones, and everything else that is refused (400)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.actions.purchases import BuyerSaid
from tests.api.hip_caller import HipCaller, envelope, failure, ids_of
from tests.factories import DEAL, GOODS, Factory

MAJA = BuyerSaid("Maja Kowalczyk", "maja", ref="maja")
SOLD = "/stores/papershop/listings/closed?show=sold&"
CALLS = ("/sales?", "/stores/papershop/sales/all?", "/stores/papershop/sales/paid?", SOLD)
# Two in the morning comes twice on this day in Berlin, papershop's zone, and never on the other.
TWICE, NEVER = "2026-10-25 02:30:00", "2026-03-29 02:30:00"


def refusal(hip: HipCaller, call: str, query: str) -> str:
    """Return the sentence of a call that must be refused for what it asks."""
    status, sentence = failure(hip.client.get(f"/api/hip{call}{query}", headers=hip.headers("owner")))
    assert status == 400, (call, query, sentence)
    return sentence


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ["limit", "page"])
def test_a_number_that_is_none_names_its_parameter(hip: HipCaller, call: str, name: str) -> None:
    for text in (
        "",
        "abc",
        "1.5",
        "0",
        "-1",
        "[]",
        "%D9%A1",
        "+1",
        "1%20",
        "1e1",
        "0x1",
        "9" * 5000,
        str(2**63),
    ):
        assert refusal(hip, call, f"{name}={text}").startswith(f"{name}: "), text


@pytest.mark.parametrize("call", CALLS)
def test_a_limit_is_at_most_100(hip: HipCaller, call: str) -> None:
    assert hip.get(call, who="owner").status_code == 200
    assert hip.get(f"{call}limit=100").status_code == 200
    assert refusal(hip, call, "limit=101") == "limit: Write a number from 1 to 100."
    assert refusal(hip, call, f"limit={10**9}").startswith("limit: ")


@pytest.mark.both
@pytest.mark.parametrize("call", CALLS)
def test_a_page_beyond_the_end_is_empty(hip: HipCaller, make: Factory, call: str) -> None:
    make.sale(account="owner")
    for page in (2, 10**9, 2**63 - 1):
        found = envelope(hip.get(f"{call}page={page}"), "listing" if call == SOLD else "sale")
        assert (found["count"], found["results"]) == (1, [])


@pytest.mark.parametrize("call", CALLS)
def test_what_nobody_knows_or_comes_twice_is_refused(hip: HipCaller, call: str) -> None:
    for query, name in (
        ("colour=red", "colour"),
        ("status=2", "status"),
        ("page[]=1", "page[]"),
        ("page=1&page=2", "page"),
        ("limit=1&limit=1", "limit"),
        ("Limit=1", "Limit"),
        ("id=1", "id"),
        ("flag_payment=2", "flag_payment"),
        ("__class__=1", "__class__"),
    ):
        assert refusal(hip, call, query).startswith(f"{name}: "), query
    assert refusal(hip, call, "&".join(f"p{n}=1" for n in range(500))).startswith("p0: ")


@pytest.mark.parametrize("call", CALLS[:3])
def test_a_sort_is_one_of_two(hip: HipCaller, call: str) -> None:
    for sort in ("password", "id;drop", "created", "CREATED_DESC", "created_at", "total_desc", ""):
        assert refusal(hip, call, f"sort={sort}").startswith("sort: ")


@pytest.mark.parametrize("call", CALLS[:3])
def test_a_time_is_a_time(hip: HipCaller, call: str) -> None:
    for name in ("created_time_from", "created_time_to"):
        for text in (
            "99999-99-99",
            "2026-02-30",
            "2026-11-16 25:00:00",
            "2026-11-16 21:01:02 PM",
            "2026-11-16T21:01:02+02:00:00",
            "1479330062",
            "yesterday",
            "0001-01-01",
            "9999-12-31",
            "2026-11-16'--",
            "２０２６-11-16",
            "2026-11-16%00",
            "",
        ):
            assert refusal(hip, call, f"{name}={text}").startswith(f"{name}: "), text


@pytest.mark.both
@pytest.mark.parametrize("call", CALLS[:3])
def test_a_code_is_text_and_nothing_else(hip: HipCaller, make: Factory, call: str) -> None:
    make.sale(gateway_code="a", account="owner")
    for text in ("' OR 1=1 --", "'; DROP TABLE orders;--", "%", "_", "\\", "<script>", "{{7*7}}", "A" * 255):
        found = envelope(hip.get(call, {"gateway_transaction_code": text}))
        assert (found["count"], found["params"]["gateway_transaction_code"]) == (0, text)
    for text in ("a%00b", "", "a%0Ab", "a%1Bb", "a" * 256):
        assert refusal(hip, call, f"gateway_transaction_code={text}").startswith("gateway_transaction_code: ")
    for text in ("%FF", "%C3%28", "%ED%A0%80"):
        answer = hip.client.get(
            f"/api/hip{call}gateway_transaction_code={text}", headers=hip.headers("owner")
        )
        assert answer.status_code in {200, 400}


def test_sold_listings_are_asked_for_as_sold(hip: HipCaller) -> None:
    for query in ("", "show=", "show=unsold", "show=all", "show=sold&show=sold", "show=SOLD"):
        assert refusal(hip, "/stores/papershop/listings/closed?", query).startswith("show: ")


def test_one_sale_takes_no_parameters(hip: HipCaller, make: Factory) -> None:
    order = make.sale()
    for query in ("embed=x", "limit=1", "id=1"):
        name = query.partition("=")[0]
        assert refusal(hip, f"/sales/{order}?", query).startswith(f"{name}: ")


# Times


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.both
def test_times_are_those_of_the_stores_zone_and_both_ends_are_in(hip: HipCaller, make: Factory) -> None:
    order = make.sale(placed_at=at("2026-11-16 20:01:02.7"))  # 21:01:02 in Berlin
    assert hip.sale(order)["created_at"] == "2026-11-16 21:01:02"
    shown = "2026-11-16 21:01:02"
    for query, is_in in (
        ({"created_time_from": shown, "created_time_to": shown}, True),
        ({"created_time_from": "2026-11-16 21:01:03"}, False),
        ({"created_time_to": "2026-11-16 21:01:01"}, False),
        ({"created_time_from": "2026-11-16", "created_time_to": "2026-11-16"}, True),
        ({"created_time_to": "2026-11-16 21:01"}, True),
        ({"created_time_to": "2026-11-16 21:00"}, False),
        ({"created_time_from": "2026-11-16T20:01:02Z", "created_time_to": "2026-11-16T20:01:02Z"}, True),
        ({"created_time_from": "2026-11-16T20:01:03Z"}, False),
        ({"created_time_to": "2026-11-16T15:01:02-05:00"}, True),
        ({"created_time_to": "2026-11-16T15:01:01-0500"}, False),
        ({"created_time_from": "2026-11-16T21:01:02.700"}, True),
        ({"created_time_from": "2026-11-16T21:01:02.700001"}, False),
        ({"created_time_to": "2026-11-16T21:01:02.699999"}, False),
        ({"created_time_from": "2026-11-17", "created_time_to": "2026-11-15"}, False),
    ):
        assert hip.ids("all", query) == ([order] if is_in else []), query


def test_a_day_is_the_stores_own(hip: HipCaller, make: Factory) -> None:
    evening = make.sale(placed_at=at("2026-11-16 22:59:59"))
    night = make.sale(placed_at=at("2026-11-16 23:00:00"))
    assert hip.ids("all", {"created_time_to": "2026-11-16"}) == [evening]
    assert hip.ids("all", {"created_time_from": "2026-11-17"}) == [night]


def test_an_hour_that_comes_twice_is_taken_whole(hip: HipCaller, make: Factory) -> None:
    hours = [make.sale(placed_at=at(f"2026-10-25 0{n}:30:00")) for n in (0, 1)]
    assert {hip.sale(order)["created_at"] for order in hours} == {TWICE}
    assert hip.ids("all", {"created_time_from": TWICE, "created_time_to": TWICE}) == hours[::-1]


def test_an_hour_that_never_comes_is_taken(hip: HipCaller, make: Factory) -> None:
    order = make.sale(placed_at=at("2026-03-29 06:00:00"))
    assert hip.ids("all", {"created_time_from": NEVER}) == [order]


@pytest.mark.both
def test_a_buyers_times_are_those_of_each_stores_zone(hip: HipCaller, make: Factory) -> None:
    sales = {
        store: make.sale(store=store, placed_at=at("2026-11-16 12:00:00"), account="buyer")
        for store in ("papershop", "vendorshop", "othershop")  # Berlin, UTC, New York
    }
    shown = {sale: hip.sale(sale, who="buyer")["created_at"][11:13] for sale in sales.values()}
    assert shown == {sales["papershop"]: "13", sales["vendorshop"]: "12", sales["othershop"]: "07"}
    for hour, store in (("13", "papershop"), ("12", "vendorshop"), ("07", "othershop")):
        on = f"2026-11-16 {hour}:00:00"
        assert hip.bought({"created_time_from": on, "created_time_to": on}) == [sales[store]]
    zulu = "2026-11-16T12:00:00Z"
    assert set(hip.bought({"created_time_from": zulu, "created_time_to": zulu})) == set(sales.values())
    assert set(hip.bought({"created_time_to": "2026-11-16 12:00"})) == {
        sales["vendorshop"],
        sales["othershop"],
    }


# Lists as wholes


@pytest.mark.both
def test_pages_of_both_ways_have_every_sale_once(hip: HipCaller, make: Factory) -> None:
    when = datetime(2026, 11, 20, 12, tzinfo=UTC)
    made = [
        make.sale(placed_at=when - timedelta(minutes=n // 3), account="buyer", buyer=MAJA) for n in range(10)
    ]
    for sort in ("created_desc", "created_asc"):
        for ask in (lambda query: hip.ids("all", query), hip.bought):
            got = [one for page in range(1, 6) for one in ask({"limit": 3, "page": page, "sort": sort})]
            assert sorted(got) == sorted(made)
            assert got == ask({"limit": 100, "sort": sort})


@pytest.mark.both
def test_paid_and_unpaid_are_all_whatever_became_of_them(hip: HipCaller, make: Factory) -> None:
    orders = [
        make.sale(paid=None),
        make.sale(),
        make.sale(DEAL),
        make.sale(paid=None),
        make.sale(GOODS, DEAL),
    ]
    hip.put(orders[3], data={"flag_payment": 4})
    hip.put(orders[1], data={"flag_payment": 5})
    for who in ("owner", "vendor"):
        counted = {which: envelope(hip.listed(which, who=who)) for which in ("all", "paid", "unpaid")}
        assert all(found["count"] == len(found["results"]) for found in counted.values())
        assert counted["all"]["count"] == counted["paid"]["count"] + counted["unpaid"]["count"]
    assert counted["all"]["count"] == 2


def test_a_count_by_flags_is_that_of_its_rows(hip: HipCaller, make: Factory) -> None:
    orders = [make.sale() for _ in range(3)]
    hip.put(orders[0], data={"flag_shipping": 1})
    query: dict[str, Any] = {"limit": 1, "created_time_from": "2026-01-01"}
    for which, n in (("paid_not_shipped", 2), ("posted_sent", 1), ("paid", 3), ("all", 3), ("unpaid", 0)):
        answer = hip.listed(which, query)
        assert (envelope(answer)["count"], len(ids_of(answer))) == (n, min(n, 1))
