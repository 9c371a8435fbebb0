"""The page of one sale: what it shows to whom, its neighbours in the list, and marking it paid."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app.actions.elsewhere import Past, Remark, arrive
from app.actions.purchases import AddressSaid, BuyerSaid, DiscountSaid
from app.db import db
from app.models import Order
from tests.factories import DEAL, GOODS, PICKUP, SERVICE, Factory
from tests.rules.books import everything
from tests.rules.conftest import desk_of
from tests.web.pages import Browser, link, purchase, take_in_many, value_of, without_tokens, words

Browse = Callable[[str], Browser]
SALES = "/stores/papershop/sales"


def page_of(browser: Browser, order_id: int, store: str = "papershop") -> str:
    answer = browser.get(f"/stores/{store}/sales/{order_id}")
    assert answer.status_code == 200
    return answer.text


def note(app: Flask, order_id: int, *remarks: Remark) -> None:
    """Write notes on a sale."""
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        arrive(order_id, Past(remarks=remarks), actor=desk_of("owner").actor, store_id=store_id)
        db.session.commit()


def test_the_page_shows_who_bought_what_for_how_much(make: Factory, browse: Browse) -> None:
    order_id = make.sale(
        replace(GOODS, options={"Colour": "Navy"}, personalisation="For Anna"),
        PICKUP,
        buyer=BuyerSaid("Maja Kowalczyk", "maja_k", "maja@example.org"),
        postage=350,
        tax=120,
        discount=200,
        discounts=(DiscountSaid("coupon", "TEN", 200),),
        total=4600,
        channel="etsy",
        external_id="2345",
        postage_method="Letter",
        buyer_note="Leave it with the neighbour",
        gift_message="Happy birthday",
    )
    said = words(page_of(browse("owner"), order_id))
    for part in (
        "Sale 1001",
        "Etsy 2345",
        "bought 20 Nov 2026, 13:00 (Europe/Berlin)",
        "Letterpress card, thank you LC-014 · Colour: Navy · For Anna",
        "Maja Kowalczyk maja_k maja@example.org",
        "ul. Długa 5",
        "61-001 Poznań",
        "Poland",
        "2 items $42.50",
        "Discount TEN −$2.00",
        "Postage, Letter $3.50",
        "Tax $1.20",
        "Adjustment, not explained by its channel $0.80",
        "Total $46.00",
        "commission",
        "your payout",
        "From the buyer. Leave it with the neighbour",
        "Gift message. Happy birthday",
    ):
        assert part in said, part


def test_the_times_are_the_stores(make: Factory, browse: Browse) -> None:
    order_id = make.sale(store="othershop")
    assert "bought 20 Nov 2026, 07:00 (America/New_York)" in words(
        page_of(browse("owner2"), order_id, "othershop")
    )


def test_the_history_says_who_did_what(make: Factory, browse: Browse) -> None:
    order_id = make.sale(paid=None)
    (item_id,) = make.items_of(order_id)
    owner = browse("owner")
    owner.post(f"{SALES}/{order_id}/paid", {"payment": "1"})
    owner.post(f"/stores/papershop/items/{item_id}", {"status": "3", "tracking_number": "N-1"})
    owner.post(f"/stores/papershop/items/{item_id}", {"tracking_number": "N-2"})
    said = words(page_of(owner, order_id)).split("History", 1)[1]
    told = [
        "Owner set the tracking number: N-1 → N-2",
        "Owner shipped 5 pieces under N-1",
        "Owner confirmed the payment of $22.50",
        "Tradepost took the sale in",
    ]
    places = [said.index(entry) for entry in told]
    assert places == sorted(places)  # newest first


def test_the_history_says_how_much_an_act_moved_in_one_line(make: Factory, browse: Browse) -> None:
    order_id = make.sale(paid=None)
    owner, sale = browse("owner"), f"{SALES}/{order_id}"
    owner.post(f"{sale}/paid", {"payment": "1"})
    owner.post(f"{sale}/notes", {"body": "Asked twice"})
    owner.post(f"{sale}/refund", {"amount": "2.50", "reason": "other"})
    owner.post(f"{sale}/refund", {"amount": "1.00", "reason": "other", "is_pending": "1"})
    owner.post(f"{sale}/refund/withdraw", {})
    said = words(page_of(owner, order_id)).split("History", 1)[1]
    told = [
        "Owner took the refund of $1.00 back",
        "Owner began a refund of $1.00",
        "Owner refunded $2.50",
        "Owner wrote a private note",
        "Owner confirmed the payment of $22.50",
    ]
    places = [said.find(entry) for entry in told]
    assert -1 not in places and places == sorted(places)
    assert all(said.count(entry) == 1 for entry in told)


def test_what_is_paid_back_whole_is_called_refunded_once(make: Factory, browse: Browse) -> None:
    order_id = make.sale()
    (item_id,) = make.items_of(order_id)
    owner, back = browse("owner"), {"amount": "22.50", f"item-{item_id}": "1", "reason": "other"}
    owner.post(f"{SALES}/{order_id}/refund", back)
    head = page_of(owner, order_id).split('<div class="head">', 1)[1].split('<div class="two">', 1)[0]
    assert words(head).count("Refunded") == 1


def test_the_answer_to_a_problem_stands_open(make: Factory, browse: Browse) -> None:
    order_id = make.sale()
    make.ship(order_id, {make.items_of(order_id)[0]: 5})
    owner = browse("owner")
    owner.post(f"{SALES}/{order_id}/problem")
    assert re.search(r"<details open>\s*<summary>Answer the problem", page_of(owner, order_id))


def test_notes_say_whether_the_buyer_sees_them(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale()
    note(app, order_id, Remark("Asked twice", True), Remark("Sent with care", False))
    said = words(page_of(browse("owner"), order_id))
    assert "Private. Asked twice" in said
    assert "The buyer sees this. Sent with care" in said


def test_parcels_are_shown_with_what_is_in_them(make: Factory, browse: Browse) -> None:
    order_id = make.sale()
    (item_id,) = make.items_of(order_id)
    make.ship(order_id, {item_id: 2}, carrier="UPS", number="1Z5R89390357567127")
    make.ship(order_id, {item_id: 3}, carrier="", number="")
    page = page_of(browse("owner"), order_id)
    said = words(page)
    assert "Parcel 1 Shipped UPS · 1Z5R89390357567127 · 2 × Letterpress card, thank you" in said
    assert "Parcel 2 Shipped no number · 3 × Letterpress card, thank you" in said
    assert 'rel="noreferrer noopener"' in page


def test_a_sale_that_is_not_there_is_not_found(make: Factory, browse: Browse) -> None:
    foreign = make.sale(store="othershop")
    owner = browse("owner")
    assert owner.get(f"{SALES}/{foreign}").status_code == 404
    assert owner.get(f"{SALES}/{foreign}/row").status_code == 404
    assert owner.get(f"{SALES}/999").status_code == 404
    assert owner.get(f"/stores/othershop/sales/{foreign}").status_code == 404


def test_a_foreign_sale_answers_as_an_absent_one(make: Factory, browse: Browse) -> None:
    foreign = make.sale(store="othershop")
    owner = browse("owner")
    pages = {
        owner.get(path).text
        for path in (
            f"{SALES}/{foreign}",
            f"{SALES}/999",
            f"/stores/othershop/sales/{foreign}",
            "/stores/othershop/sales/999",
            "/stores/nowhere/sales/1",
        )
    }
    assert len({without_tokens(page) for page in pages}) == 1


# What a vendor sees.


def test_a_vendor_sees_the_deals_of_a_sale_and_no_more(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(
        DEAL,
        GOODS,
        store="vendorshop",
        address=AddressSaid("Zbigniew", "Ulica 1", city="Gdansk"),
        buyer_note="Ring twice",
        gift_message="For you",
        tax=120,
    )
    note(app, order_id, Remark("Asked twice", True))
    make.ship(order_id, {make.items_of(order_id)[1]: 5}, number="N-1")
    page = page_of(browse("vendor"), order_id, "vendorshop")
    said = words(page)
    assert "Dinner for two" in said and "Voucher 771" in said
    hidden = ("Letterpress", "Ulica 1", "Gdansk", "Ring twice", "For you", "Asked twice", "N-1", "$1.20")
    assert [part for part in hidden if part in said] == []
    assert "History" not in said and "payout" not in said


def test_a_vendor_may_not_open_a_sale_without_a_deal(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS, store="vendorshop")
    vendor = browse("vendor")
    assert vendor.get(f"/stores/vendorshop/sales/{order_id}").status_code == 403
    assert vendor.get(f"/stores/vendorshop/sales/{order_id}/row").status_code == 403


@pytest.mark.parametrize(("who", "is_shown"), [("owner", True), ("vendor", True), ("staff", False)])
def test_an_acknowledgement_is_shown_at_vendor_level_alone(
    make: Factory, browse: Browse, who: str, is_shown: bool
) -> None:
    order_id = make.sale(DEAL, store="vendorshop")
    (item_id,) = make.items_of(order_id)
    browse("owner").post(
        f"/stores/vendorshop/items/{item_id}", {"status": "4", "product_deal_vendor_ack": "Anna"}
    )
    assert ("Redeemed by Anna" in words(page_of(browse(who), order_id, "vendorshop"))) is is_shown


# Neighbours.


def neighbours(browser: Browser, order_id: int, query: str = "") -> tuple[str | None, str | None]:
    page = browser.get(f"{SALES}/{order_id}{query}").text
    found = [link(page, "prev"), link(page, "next")]
    before, after = (where.split("?")[0].rsplit("/", 1)[1] if where else None for where in found)
    return before, after


def test_previous_and_next_are_those_of_the_list(app: Flask, browse: Browse) -> None:
    first, second, third = take_in_many(app, [purchase(n) for n in range(3)])
    owner = browse("owner")
    assert neighbours(owner, second) == (str(third), str(first))
    assert neighbours(owner, third) == (None, str(second))
    assert neighbours(owner, first) == (str(second), None)


def test_previous_and_next_follow_the_sort_of_the_list(app: Flask, browse: Browse) -> None:
    first, second, third = take_in_many(app, [purchase(n) for n in range(3)])
    assert neighbours(browse("owner"), second, "?list=sort%3Doldest") == (str(first), str(third))


def test_previous_and_next_by_ship_by(app: Flask, browse: Browse) -> None:
    days = [datetime(2026, 11, day, 8, tzinfo=UTC) for day in (18, 16, 17)]
    late, soon, then = take_in_many(app, [purchase(n, placed_at=at) for n, at in enumerate(days)])
    assert neighbours(browse("owner"), then, "?list=sort%3Dship_by") == (str(soon), str(late))


def test_previous_and_next_stay_within_tab_filters_and_search(app: Flask, browse: Browse) -> None:
    ids = take_in_many(app, [purchase(n, channel=("etsy", "ebay")[n % 2]) for n in range(6)])
    owner = browse("owner")
    query = "?list=channel%3Detsy%26tab%3Dto_ship%26q%3Dcard"
    assert neighbours(owner, ids[2], query) == (str(ids[4]), str(ids[0]))
    page = owner.get(f"{SALES}/{ids[2]}{query}").text
    assert f'href="{SALES}?channel=etsy&amp;q=card&amp;tab=to_ship"' in page  # and back to it


def test_neighbours_that_share_a_minute_are_both_found(app: Flask, browse: Browse) -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    first, second, third = take_in_many(app, [purchase(n, placed_at=at) for n in range(3)])
    assert neighbours(browse("owner"), second) == (str(third), str(first))


# Mark paid.


def test_a_sale_is_marked_as_paid(make: Factory, browse: Browse) -> None:
    order_id = make.sale(paid=None)
    owner = browse("owner")
    version = value_of(page_of(owner, order_id), "version") or ""
    answer = owner.post(f"{SALES}/{order_id}/paid", {"payment": "2", "version": version})
    assert answer.location == f"{SALES}/{order_id}"
    assert "Sale 1001 is marked as paid." in words(owner.get(answer.location).text)
    assert int(make.sale_row(order_id).payment) == 2


def test_by_htmx_the_sale_is_shown_as_it_is_now(make: Factory, browse: Browse) -> None:
    order_id = make.sale(paid=None)
    answer = browse("owner").post(f"{SALES}/{order_id}/paid", {"payment": "1"}, part=True)
    assert answer.status_code == 200
    assert '<div id="sale">' in answer.text
    assert "Sale 1001 is marked as paid." in words(answer.text)


@pytest.mark.parametrize("payment", ["", "0", "4", "5", "6", "paid", "1 ", "１", "true"])
def test_how_it_is_paid_must_be_chosen(app: Flask, make: Factory, browse: Browse, payment: str) -> None:
    order_id = make.sale(paid=None)
    owner = browse("owner")
    before = everything(app)
    for part in (False, True):
        answer = owner.post(f"{SALES}/{order_id}/paid", {"payment": payment}, part=part)
        assert answer.status_code == 422
        assert "Choose how it is paid." in words(answer.text)
    assert answer.headers["HX-Retarget"] == "#sale"
    assert everything(app) == before


def test_a_sale_is_not_marked_as_paid_twice(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale()
    owner = browse("owner")
    before = everything(app)
    answer = owner.post(f"{SALES}/{order_id}/paid", {"payment": "1"})
    assert answer.status_code == 409
    assert "This sale is not waiting for a payment." in words(answer.text)
    assert everything(app) == before


def test_a_stale_page_marks_nothing_as_paid(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS, SERVICE, paid=None)
    owner = browse("owner")
    seen = value_of(page_of(owner, order_id), "version")
    make.put(make.items_of(order_id)[0], 6)
    before = everything(app)
    answer = owner.post(f"{SALES}/{order_id}/paid", {"payment": "1", "version": str(seen)})
    assert answer.status_code == 409
    assert "This sale was changed meanwhile." in words(answer.text)
    assert everything(app) == before


@pytest.mark.parametrize(("who", "status"), [("vendor", 403), ("stranger", 404), ("buyer", 404)])
def test_who_may_not_mark_it_paid_does_not(
    app: Flask, make: Factory, browse: Browse, who: str, status: int
) -> None:
    order_id = make.sale(DEAL, paid=None)
    browser = browse(who)
    before = everything(app)
    assert browser.post(f"{SALES}/{order_id}/paid", {"payment": "1"}).status_code == status
    assert everything(app) == before
    if who == "vendor":
        assert "Mark paid" not in page_of(browser, order_id)


def test_a_late_sale_says_so(make: Factory, browse: Browse) -> None:
    order_id = make.sale(placed_at=datetime.now(UTC) - timedelta(days=30))
    assert "days late" in words(page_of(browse("owner"), order_id))
