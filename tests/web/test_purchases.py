"""What a person bought: their own alone, and of it nothing that is the seller's business."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.actions.elsewhere import Past, Remark, arrive
from app.actions.purchases import BuyerSaid
from app.db import db
from app.models import Buyer, Order, Parcel
from app.queries import people, purchases
from tests.factories import AUCTION, DEAL, DIGITAL, GOODS, PICKUP, Factory
from tests.rules.conftest import desk_of
from tests.web.pages import Browser, link, listed, purchase, tabs, take_in_many, without_tokens, words

pytestmark = pytest.mark.both

Browse = Callable[[str], Browser]


@pytest.fixture
def bought(make: Factory) -> int:
    """A purchase of the buyer: a pledged card and a deal, under way in one of two parcels."""
    cause_id = make.cause("River Trust")
    return make.sale(
        replace(GOODS, cause_id=cause_id, donation_pct=10),
        DEAL,
        store="vendorshop",
        account="buyer",
        buyer_note="Mine",
        gift_message="Happy birthday",
        postage=350,
    )


def test_the_list_shows_ones_own_newest_first(make: Factory, browse: Browse) -> None:
    older = make.sale(account="buyer", placed_at=datetime(2026, 11, 1, tzinfo=UTC))
    newer = make.sale(AUCTION, account="buyer", store="othershop")
    make.sale(account="other_buyer", buyer=BuyerSaid("Other"), store="vendorshop")
    make.sale()
    page = browse("buyer").get("/purchases").text
    assert listed(page, "purchase") == [newer, older]
    assert "Other Shop" in words(page) and "Paper Shop" in words(page)


def test_nobody_else_has_them_in_their_list(make: Factory, browse: Browse) -> None:
    make.sale(account="buyer")
    for who in ("other_buyer", "stranger", "owner", "site_admin"):
        page = browse(who).get("/purchases").text
        assert listed(page, "purchase") == []
        assert "No purchases yet" in words(page)


@pytest.mark.parametrize("who", ["other_buyer", "stranger", "owner", "staff", "vendor", "site_admin"])
def test_a_foreign_purchase_is_not_found(make: Factory, browse: Browse, bought: int, who: str) -> None:
    browser = browse(who)
    foreign, absent = browser.get(f"/purchases/{bought}"), browser.get("/purchases/999")
    assert foreign.status_code == absent.status_code == 404
    assert without_tokens(foreign.text) == without_tokens(absent.text)


def test_a_purchase_is_not_found_before_the_account_is_joined(make: Factory, browse: Browse) -> None:
    order_id = make.sale(buyer=BuyerSaid("Buyer", email="buyer@example.com"))
    assert browse("buyer").get(f"/purchases/{order_id}").status_code == 404


def test_signed_out_one_is_sent_to_sign_in(client: FlaskClient, bought: int) -> None:
    for path in ("/purchases", f"/purchases/{bought}"):
        assert client.get(path).location == f"/login?next={path}"


def test_the_page_shows_what_was_bought_and_what_it_cost(browse: Browse, bought: int) -> None:
    said = words(browse("buyer").get(f"/purchases/{bought}").text)
    for part in (
        "Purchase 1001",
        "From Vendor Shop",
        "Letterpress card, thank you 5",
        "Being prepared",
        "Dinner for two 1 To redeem",
        "Postage $3.50",
        "Total $46.00",
        "ul. Długa 5",
        "Gift message. Happy birthday",
    ):
        assert part in said, part


def test_the_page_shows_nothing_that_is_the_sellers_business(
    app: Flask, browse: Browse, bought: int, make: Factory
) -> None:
    goods, deal = make.items_of(bought)
    owner = browse("owner")
    items = "/stores/vendorshop/items"
    owner.post(f"{items}/{deal}", {"status": "4", "product_deal_vendor_ack": "Redeemed by Zbigniew"})
    owner.post(f"{items}/{goods}", {"tracking_carrier": "DHL", "tracking_number": "DRAFT-1"})
    with app.app_context():
        store_id = db.session.get_one(Order, bought).store_id
        remarks = (Remark("Asked for a discount twice", True), Remark("Sent with care", False))
        actor = desk_of("owner", "vendorshop").actor
        arrive(bought, Past(remarks=remarks), actor=actor, store_id=store_id)
        db.session.commit()
    said = words(browse("buyer").get(f"/purchases/{bought}").text)
    assert "Sent with care" in said
    hidden = ("Asked for a discount", "Zbigniew", "DRAFT-1", "payout", "commission", "River Trust", "Owner")
    assert [part for part in hidden if part in said] == []


def test_only_parcels_that_were_sent_are_shown(
    app: Flask, make: Factory, browse: Browse, bought: int
) -> None:
    goods, _ = make.items_of(bought)
    voided = make.ship(bought, {goods: 1}, carrier="DHL", number="VOID-1")
    make.ship(bought, {goods: 2}, carrier="UPS", number="1Z5R89390357567127")
    with app.app_context():
        parcel = db.session.get_one(Parcel, voided)
        parcel.state, parcel.version = "voided", parcel.version + 1
        db.session.commit()
    page = browse("buyer").get(f"/purchases/{bought}").text
    said = words(page)
    assert "VOID-1" not in said
    assert "Parcel 1 Shipped UPS · 1Z5R89390357567127 · 2 × Letterpress card, thank you" in said
    assert 'href="https://' in page


@pytest.mark.parametrize(
    ("line", "state", "said"),
    [
        (GOODS, 1, "Unpaid"),
        (GOODS, 2, "Being prepared"),
        (GOODS, 3, "On its way"),
        (GOODS, 4, "Complete"),
        (GOODS, 5, "Refunded"),
        (GOODS, 6, "Cancelled"),
        (PICKUP, 3, "Ready for pickup"),
        (DIGITAL, 4, "Delivered"),
    ],
)
def test_an_item_stands_in_the_buyers_words(
    make: Factory, browse: Browse, line: object, state: int, said: str
) -> None:
    item_id = make.item(line, state, account="buyer")  # type: ignore[arg-type]
    order_id = make.item_row(item_id).order_id
    buyer = browse("buyer")
    assert said in words(buyer.get(f"/purchases/{order_id}").text)
    assert said in words(buyer.get("/purchases").text.split("<tbody", 1)[1])


def test_a_walk_through_many_sees_each_once(app: Flask, browse: Browse) -> None:
    ids = take_in_many(app, [purchase(n, buyer=BuyerSaid("Buyer", ref="one")) for n in range(60)])
    with app.app_context():
        buyer = db.session.get_one(Buyer, db.session.get_one(Order, ids[0]).buyer_id)
        account = people.account_by_email("buyer@example.com")
        assert account is not None
        buyer.account_id = account.id
        db.session.commit()
    browser, path, seen = browse("buyer"), "/purchases", []
    while path:
        page = browser.get(path).text
        seen += listed(page, "purchase")
        path = link(page, "next") or ""
    assert seen == ids[::-1]


@pytest.mark.parametrize("query", ["after=x", "before=1.0", "after=99999999999999999999.1"])
def test_a_link_that_was_cut_lists_nothing(make: Factory, browse: Browse, query: str) -> None:
    make.sale(account="buyer")
    answer = browse("buyer").get(f"/purchases?{query}")
    assert (answer.status_code, listed(answer.text, "purchase")) == (422, [])
    assert "This link is incomplete" in words(answer.text)


def test_a_purchase_that_is_old_says_the_day(make: Factory, browse: Browse) -> None:
    make.sale(account="buyer", placed_at=datetime.now(UTC) - timedelta(days=400))
    assert "No purchases yet" not in words(browse("buyer").get("/purchases").text)


def test_no_sale_of_the_store_opens_for_its_buyer(browse: Browse, bought: int) -> None:
    buyer = browse("buyer")
    for path in ("sales", f"sales/{bought}", f"sales/{bought}/row", f"sales/{bought}/ship", "items"):
        assert buyer.get(f"/stores/vendorshop/{path}").status_code == 404


def test_an_account_may_buy_in_the_store_it_works_in(make: Factory, browse: Browse) -> None:
    order_id = make.sale(account="owner")
    owner = browse("owner")
    assert listed(owner.get("/purchases").text, "purchase") == [order_id]
    assert owner.get(f"/purchases/{order_id}").status_code == 200


@pytest.fixture
def several(make: Factory) -> dict[str, int]:
    """Purchases of the buyer, one or two in each tab."""
    one = BuyerSaid("Buyer", ref="one")
    found = {
        "unpaid": make.sale(GOODS, buyer=one, account="buyer", paid=None),
        "prepared": make.sale(AUCTION, buyer=one),
        "ready": make.sale(replace(PICKUP, title="Österreich in Bildern"), buyer=one),
        "file": make.sale(DIGITAL, buyer=one),
        "gone": make.sale(replace(GOODS, title="手紙の紙"), buyer=one),
        "wrong": make.sale(GOODS, store="othershop", account="buyer"),
    }
    for item_id in make.items_of(found["gone"]):
        make.put(item_id, 6)
    return found


TABS = {
    "": ["wrong", "gone", "file", "ready", "prepared", "unpaid"],
    "to_pay": ["unpaid"],
    "on_the_way": ["ready", "prepared"],
    "received": ["file"],
    "problems": ["wrong"],
}


def test_the_tabs_are_said_by_the_flags_and_count_what_they_show(
    make: Factory, browse: Browse, several: dict[str, int]
) -> None:
    buyer = browse("buyer")
    wrong = {f"item-{i}": "1" for i in make.items_of(several["wrong"])}
    assert buyer.post(f"/purchases/{several['wrong']}/problem", {**wrong, "words": "Torn"}).status_code == 303
    for tab, shown in TABS.items():
        page = buyer.get(f"/purchases?tab={tab}").text
        assert (tab, listed(page, "purchase")) == (tab, [several[name] for name in shown])
        assert tabs(page) == {"All": "6", "To pay": "1", "On the way": "2", "Received": "1", "Problems": "1"}


# what is typed, what is found; the same on both databases
SEARCHES = [
    ("1002", ["prepared"]),
    ("100", ["wrong", "gone", "file", "ready", "prepared", "unpaid"]),
    ("stamp", ["prepared"]),
    ("ALBUM sta", ["prepared"]),
    ("other", ["wrong"]),
    ("paper letter", ["unpaid"]),
    ("letterpress other", ["wrong"]),
    ("osterreich", ["ready"]),
    ("ÖSTER", ["ready"]),
    ("手紙", ["gone"]),
    ("紙の", ["gone"]),
    ("Kowalczyk", []),
    ("LC-014", []),
    ("nowhere", []),
    ("%", []),
    ("_", []),
    ("'", []),
]


def test_the_search_looks_at_number_store_and_titles_alone(browse: Browse, several: dict[str, int]) -> None:
    buyer = browse("buyer")
    for typed, found in SEARCHES:
        page = buyer.get(f"/purchases?{urlencode({'q': typed})}").text
        assert (typed, listed(page, "purchase")) == (typed, [several[name] for name in found])
        assert ("No purchase fits" in page) == (not found)


def test_the_search_stays_within_the_tab_and_ones_own(
    make: Factory, browse: Browse, several: dict[str, int]
) -> None:
    make.sale(GOODS, account="other_buyer", store="vendorshop")
    buyer = browse("buyer")
    assert listed(buyer.get("/purchases?q=letterpress&tab=to_pay").text, "purchase") == [several["unpaid"]]
    assert listed(browse("stranger").get("/purchases?q=letterpress").text, "purchase") == []
    assert listed(buyer.get("/purchases?q=vendor").text, "purchase") == []


def test_a_walk_through_what_was_narrowed_sees_each_once_there_and_back(app: Flask, browse: Browse) -> None:
    ids = take_in_many(app, [purchase(n, buyer=BuyerSaid("Buyer", ref="one")) for n in range(60)])
    with app.app_context():
        account = people.account_by_email("buyer@example.com")
        assert account is not None
        db.session.get_one(Buyer, db.session.get_one(Order, ids[0]).buyer_id).account_id = account.id
        db.session.commit()
    browser = browse("buyer")
    for query in ("q=card", "tab=on_the_way", "q=card&tab=on_the_way"):
        path, there = f"/purchases?{query}", []
        while path:
            page = browser.get(path).text
            there.append(listed(page, "purchase"))
            path = link(page, "next") or ""
        assert [i for rows in there for i in rows] == ids[::-1]
        back = [there[-1]]
        while path := link(page, "prev") or "":
            page = browser.get(path).text
            back.append(listed(page, "purchase"))
        assert back == there[::-1]


@pytest.mark.parametrize("query", ["tab=x", "colour=red", "q=a&q=b", f"q={'x' * 101}"])
def test_what_is_wrong_in_the_address_lists_nothing(make: Factory, browse: Browse, query: str) -> None:
    make.sale(account="buyer")
    answer = browse("buyer").get(f"/purchases?{query}")
    assert (answer.status_code, listed(answer.text, "purchase")) == (422, [])


def test_beyond_a_thousand_the_counts_say_so(
    app: Flask, make: Factory, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = purchases.counts
    make.sale(account="buyer")
    monkeypatch.setattr(purchases, "counts", lambda account: counted(account)._replace(is_capped=True))
    assert '<span class="count">1+</span>' in browse("buyer").get("/purchases").text
