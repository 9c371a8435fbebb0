"""Purchases that became one: old addresses lead to it, searches and pages name them, and no list has them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.actions.purchases import BuyerSaid, LineSaid
from app.db import db
from app.models import Order
from tests.factories import DEAL, Factory
from tests.web.pages import PART, Browser, link, listed, tabs, without_tokens, words

Browse = Callable[[str], Browser]
STAMP = LineSaid("Stamp of 1961", 1, 500, postage=200, additional=50)
ABSENT = 987654321


class Chain(NamedTuple):
    """Three purchases that became one: their ids and their numbers, the last lives."""

    ids: tuple[int, ...]
    numbers: tuple[int, ...]


def combined(
    app: Flask, *lines: LineSaid, n: int = 3, who: str = "maja", last: int = 1, **changes: Any
) -> Chain:
    """Let somebody win n lots before paying, an hour after each other, the last so many hours ago."""
    make, now = Factory(app), datetime.now(UTC)
    told: dict[str, Any] = {"channel": "intake", "kind": "auction", "paid": None, "postage": 200, **changes}
    ids = tuple(
        make.sale(
            *(lines or (STAMP,)),
            buyer=BuyerSaid("Maja Kowalczyk", who, ref=who),
            external_id=f"{who}-{hour}",
            placed_at=now - timedelta(hours=hour),
            **told,
        )
        for hour in range(n + last - 1, last - 1, -1)
    )
    with app.app_context():
        return Chain(ids, tuple(db.session.get_one(Order, order_id).number for order_id in ids))


@pytest.fixture
def chain(app: Flask) -> Chain:
    """Three lots of the buyer's in the paper shop."""
    return combined(app, account="buyer")


def addresses(app: Flask, begins: str) -> list[tuple[str, str]]:
    """Return (method, address) of all that can be asked about one sale, with {} for its id."""
    found = []
    for rule in app.url_map.iter_rules():
        if "<id:order_id>" in rule.rule and rule.rule.startswith(begins):
            address = rule.rule.replace("<slug>", "papershop").replace("<id:order_id>", "{}")
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            found += [(method, re.sub(r"<[^>]*>", "1", address)) for method in methods]
    return found


def ask(browser: Browser, method: str, address: str, **given: Any) -> TestResponse:
    return browser.get(address, **given) if method == "GET" else browser.post(address, **given)


# --- the old address


@pytest.mark.parametrize("who", ["owner", "staff", "site_admin", "vendor", "buyer"])
def test_every_address_of_an_old_sale_leads_its_parties_to_the_one_that_it_is_part_of(
    app: Flask, browse: Browse, who: str
) -> None:
    old, _, heir = combined(app, DEAL, account="buyer").ids
    begins, leads_to = ("/purchases", f"/purchases/{heir}"), f"/stores/papershop/sales/{heir}"
    asked = addresses(app, begins[0] if who == "buyer" else "/stores")
    browser, led, forbidden = browse(who), [], set()
    for method, address in asked:
        whole = ask(browser, method, address.format(old))
        part = ask(browser, method, address.format(old), part=True)
        if whole.status_code == part.status_code == 403:
            forbidden.add(address.rsplit("/", 1)[1])
            continue
        assert (whole.status_code, part.status_code) == (303, 204), (method, address)
        assert {whole.location, part.headers["HX-Redirect"]} == {begins[1] if who == "buyer" else leads_to}
        led.append((method, address))
    assert len(led) + len(forbidden) > 5
    if who in {"owner", "site_admin", "buyer"}:
        assert forbidden == set()
    if who == "vendor":  # sees deals: the sale itself, and its row
        assert led == [x for x in asked if x in [("GET", begin) for begin in (SALE, f"{SALE}/row")]]


SALE = "/stores/papershop/sales/{}"


def test_whoever_is_led_there_reads_what_became_of_it(chain: Chain, browse: Browse) -> None:
    first, second, third = chain.numbers
    seller, buyer = browse("owner"), browse("buyer")
    for number, order_id in ((first, chain.ids[0]), (second, chain.ids[1])):
        page = seller.get(seller.get(SALE.format(order_id)).location).text
        assert f"Sale {number} was combined with what its buyer bought later" in words(page)
        assert "Nothing of what you sent" not in page
        page = buyer.get(buyer.get(f"/purchases/{order_id}").location).text
        assert f"Purchase {number} was combined with what you bought later" in words(page)
        assert f"Purchase {third}" in page


def test_a_form_that_was_open_when_it_combined_does_nothing_and_says_so(
    app: Flask, chain: Chain, browse: Browse
) -> None:
    def standing() -> list[Any]:
        with app.app_context():
            orders = db.session.query(Order).order_by(Order.id)
            return [(o.id, o.payment, o.buyer_payment, o.status, o.version) for o in orders]

    before = standing()
    for who, address, sent in (
        ("owner", SALE.format(chain.ids[0]) + "/paid", {"payment": "1", "version": "1"}),
        ("owner", SALE.format(chain.ids[1]) + "/notes", {"body": "Pack it flat"}),
        ("buyer", f"/purchases/{chain.ids[0]}/paid", {"code": "1"}),
    ):
        browser = browse(who)
        page = browser.get(browser.post(address, sent).location).text
        assert "Nothing of what you sent was done." in words(page)
    assert standing() == before


def whole(answer: TestResponse, order_id: int) -> str:
    """Return an answer whole, but for the id that was asked for, and what is new in each."""
    kept = [(n, v) for n, v in answer.headers if n not in {"Content-Length", "Set-Cookie", "X-Request-ID"}]
    return re.sub(rf"/{order_id}(?!\w)", "/_", f"{answer.status} {kept} {without_tokens(answer.text)}")


@pytest.mark.parametrize("who", ["stranger", "other_buyer", "owner2", "buyer"])
def test_to_everybody_else_an_old_sale_is_not_there(
    app: Flask, chain: Chain, browse: Browse, who: str
) -> None:
    browser = browse(who)
    asked = [x for x in addresses(app, "/") if who != "buyer" or x[1].startswith("/stores")]
    asked += [("GET", SALE.format("{}").replace("papershop", "othershop"))] if who == "owner2" else []
    for method, address in asked:
        for part in (False, True):
            told = {
                order_id: whole(ask(browser, method, address.format(order_id), part=part), order_id)
                for order_id in (chain.ids[0], ABSENT)
            }
            assert told[chain.ids[0]].startswith("404"), address
            assert told[chain.ids[0]] == told[ABSENT]


def test_a_vendor_is_not_led_to_what_a_vendor_may_not_see(chain: Chain, browse: Browse) -> None:
    vendor = browse("vendor")
    assert vendor.get(SALE.format(chain.ids[0])).status_code == 403
    assert vendor.get(SALE.format(chain.ids[2])).status_code == 403


# --- the search


@pytest.mark.both
def test_the_list_of_sales_finds_an_old_number_and_says_so(chain: Chain, browse: Browse) -> None:
    first, _, heir = chain.numbers
    owner = browse("owner")
    for searched in (str(first), f"%23{first}", f"{first}%20"):
        page = owner.get(f"/stores/papershop/sales?q={searched}").text
        assert listed(page) == [chain.ids[2]]
        assert f"Sale {first} was combined" in words(page)
        assert f"it is part of sale {heir} now" in words(page)
        assert f'href="/stores/papershop/sales/{chain.ids[2]}"' in page
    for searched in (str(heir), "maja", "99999", "9" * 30):
        assert "was combined" not in owner.get(f"/stores/papershop/sales?q={searched}").text
    assert listed(owner.get("/stores/papershop/sales?q=maja-3").text) == [chain.ids[2]]  # its outside id
    assert "was combined" not in browse("vendor").get(f"/stores/papershop/sales?q={first}").text


@pytest.mark.both
def test_buyers_find_a_purchase_by_the_numbers_of_all_that_it_is_made_of(
    app: Flask, chain: Chain, browse: Browse
) -> None:
    combined(app, who="another", account="other_buyer")
    buyer, heir = browse("buyer"), chain.numbers[2]
    page = buyer.get(f"/purchases?q={chain.numbers[0]}").text
    assert f"Purchase {chain.numbers[0]} was combined with what you bought later" in words(page)
    assert f"it is part of purchase {heir} now" in words(page)
    assert "was combined" not in buyer.get(f"/purchases?q={heir}").text
    assert "was combined" not in browse("other_buyer").get(f"/purchases?q={chain.numbers[0]}").text
    for number in chain.numbers:
        assert listed(buyer.get(f"/purchases?q={number}").text, "purchase") == [chain.ids[2]]
        assert listed(buyer.get(f"/purchases?tab=to_pay&q={number}+stamp").text, "purchase") == [chain.ids[2]]
        assert listed(buyer.get(f"/purchases?tab=received&q={number}").text, "purchase") == []
        assert listed(browse("other_buyer").get(f"/purchases?q={number}").text, "purchase") == []


# --- the page of the one that lives


def history(page: str) -> list[str]:
    """Return what the history of a page says, from the top, without the time."""
    return [words(entry).split(" ·")[0] for entry in re.findall(r"<li[^>]*>(<b>.*?)</li>", page)]


def test_the_page_of_the_sale_says_which_sales_went_into_it(chain: Chain, browse: Browse) -> None:
    first, second, third = chain.numbers
    page = browse("owner").get(SALE.format(chain.ids[2])).text
    assert f"Combined from sales {first}, {second} and what was bought last" in words(page)
    assert page.count('<tr id="item-') == 3
    assert tuple(re.findall(r"Postage \$[\d.]+|Total \$[\d.]+", words(page))) == (
        "Postage $3.00",
        "Total $18.00",
    )
    assert history(page) == [
        f"Tradepost took sale {third} in, and combined it with sale {second}",
        f"Tradepost took sale {second} in, and combined it with sale {first}",
        f"Tradepost took sale {first} in",
    ]


@pytest.mark.both
def test_the_page_of_the_purchase_says_which_purchases_are_part_of_it(chain: Chain, browse: Browse) -> None:
    first, second, third = chain.numbers
    page = browse("buyer").get(f"/purchases/{chain.ids[2]}").text
    assert f"Purchases {first}, {second} are part of this one: you pay for all at once" in words(page)
    assert history(page) == [
        f"You bought more as purchase {third}: purchase {second} is part of it",
        f"You bought more as purchase {second}: purchase {first} is part of it",
        f"You bought purchase {first}",
    ]


def test_a_sale_that_nothing_went_into_says_nothing_of_it(make: Factory, browse: Browse) -> None:
    page = browse("owner").get(SALE.format(make.sale(paid=None))).text
    assert "Combined" not in page
    assert history(page) == ["Tradepost took the sale in"]


def test_a_note_on_an_old_sale_is_read_on_the_new_one_by_the_store_alone(app: Flask, browse: Browse) -> None:
    old, owner = combined(app, n=1, last=2, account="buyer").ids[0], browse("owner")
    owner.post(SALE.format(old) + "/notes", {"body": "Pack it flat"})
    heir = combined(app, n=1).ids[0]
    assert "Pack it flat" in owner.get(SALE.format(heir)).text
    page = browse("buyer").get(f"/purchases/{heir}").text
    assert "1001 is part of this one" in words(page)
    assert "Pack it flat" not in page


def test_a_part_that_is_paid_later_is_no_part_of_what_is_paid(
    app: Flask, chain: Chain, browse: Browse
) -> None:
    owner = browse("owner")
    owner.post(SALE.format(chain.ids[2]) + "/paid", {"payment": "1"})
    page = words(browse("buyer").get(f"/purchases/{chain.ids[2]}").text)
    assert "are part of this one Paid" in page
    later = combined(app, n=1, last=0, account="buyer").ids[0]
    assert "Combined" not in owner.get(SALE.format(later)).text


# --- nowhere else


def test_old_sales_stand_in_no_list_and_no_count(
    app: Flask, chain: Chain, browse: Browse, token: Callable[..., dict[str, str]], make: Factory
) -> None:
    heir = chain.ids[2]
    before, after = make.sale(), make.sale(placed_at=datetime.now(UTC))
    owner, buyer = browse("owner"), browse("buyer")
    page = owner.get("/stores/papershop/sales").text
    assert listed(page) == [after, heir, before]
    assert tabs(page)["All"] == "3"
    assert tabs(page)["Unpaid"] == "1"
    assert tabs(page)["Closed"] == "0"
    for tab, rows in (("unpaid", [heir]), ("closed", []), ("to_ship", [after, before])):
        assert listed(owner.get(f"/stores/papershop/sales?tab={tab}").text) == rows
    for sort, rows in (("oldest", [before, heir, after]), ("ship_by", None)):
        found = listed(owner.get(f"/stores/papershop/sales?sort={sort}").text)
        assert rows in (None, found)
        assert set(found) == {before, heir, after}
    assert listed(owner.get("/stores/papershop/sales?status=6&order_status=6").text) == []
    page = owner.get(SALE.format(heir)).text
    assert (link(page, "prev"), link(page, "next")) == (SALE.format(after), SALE.format(before))
    items = owner.get("/stores/papershop/items").text
    assert items.count('<tbody id="item-') == 5
    assert set(re.findall(r"/stores/papershop/sales/(\d+)", items)) == {str(x) for x in (before, heir, after)}
    for name in ("parcels", "attention"):
        shown = owner.get(f"/stores/papershop/{name}").text
        assert not {str(x) for x in chain.ids[:2]} & set(re.findall(r"/sales/(\d+)", shown))
    page = buyer.get("/purchases").text
    assert listed(page, "purchase") == [heir]
    assert {"All": "1", "To pay": "1", "Received": "0"}.items() <= tabs(page).items()
    told = app.test_client().get("/api/okanjo/stores/1/sales?embed=order", headers=token("owner")).json
    assert {int(item["order_id"]) for item in told} == {before, heir, after}
    asked = f"/api/okanjo/stores/1/sales?order_id={chain.ids[0]}"
    assert app.test_client().get(asked, headers=token("owner")).json == []


def test_an_old_sale_that_went_late_needs_nobody(app: Flask, browse: Browse) -> None:
    old, heir = combined(app, n=2, account="buyer").ids
    with app.app_context():
        assert db.session.get_one(Order, old).attention_at is None
    listed_there = browse("owner").get("/stores/papershop/sales?tab=attention").text
    assert old not in listed(listed_there)
    assert heir not in listed(listed_there)


def test_its_forms_answer_htmx_with_where_to_go(chain: Chain, browse: Browse) -> None:
    owner = browse("owner")
    answer = owner.client.get(SALE.format(chain.ids[0]) + "/ship", headers=PART)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, SALE.format(chain.ids[2]))
    assert f"Sale {chain.numbers[0]} was combined" in owner.get(SALE.format(chain.ids[2])).text
