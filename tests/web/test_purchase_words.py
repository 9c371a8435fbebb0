"""What a buyer says by the forms of a purchase's page, how the store reads it, and the invoice of both."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.actions import problems
from app.db import db
from app.models import Order, OrderItem, Store
from app.statuses import Payment
from app.web.feedback_view import word
from tests.factories import AUCTION, DIGITAL, GOODS, PICKUP, Factory
from tests.rules.books import events, everything
from tests.rules.conftest import desk_of
from tests.web.pages import Browser, value_of, without_tokens, words

pytestmark = pytest.mark.both

Browse = Callable[[str], Browser]
CHANGED = "This purchase was changed meanwhile."


def at(order_id: int, path: str = "") -> str:
    """Return an address below a purchase's page."""
    return f"/purchases/{order_id}{path}"


@pytest.fixture
def sent(make: Factory) -> int:
    """A purchase of the buyer that is on its way: cards and an album."""
    order_id = make.sale(GOODS, AUCTION, account="buyer")
    cards, album = make.items_of(order_id)
    make.ship(order_id, {cards: 5, album: 1}, number="X 1")
    return order_id


@pytest.mark.parametrize(
    ("code", "own", "told"),
    [
        ("1", "You said: paid", "The buyer says it is paid"),
        ("3", "You said: on arrival", "The buyer pays on arrival"),
    ],
)
def test_the_word_on_the_payment_is_read_by_both_and_taken_back(
    make: Factory, browse: Browse, code: str, own: str, told: str
) -> None:
    order_id = make.sale(paid=None, account="buyer")
    buyer, owner, sale = browse("buyer"), browse("owner"), f"/stores/papershop/sales/{order_id}"
    assert told not in words(owner.get(sale).text)
    assert buyer.post(at(order_id, "/paid"), {"code": code}).status_code == 303
    assert own in words(buyer.get(at(order_id)).text)
    assert told in words(owner.get(sale).text)
    buyer.post(at(order_id, "/paid"), {"code": "0"})
    assert own not in words(buyer.get(at(order_id)).text)
    assert told not in words(owner.get(sale).text)


def test_a_confirmed_payment_ends_the_word(make: Factory, browse: Browse) -> None:
    order_id = make.sale(paid=None, account="buyer")
    buyer, owner, sale = browse("buyer"), browse("owner"), f"/stores/papershop/sales/{order_id}"
    buyer.post(at(order_id, "/paid"), {"code": "1"})
    owner.post(f"{sale}/paid", {"payment": "1"})
    assert "The buyer says it is paid" not in words(owner.get(sale).text)
    page = words(buyer.get(at(order_id)).text)
    assert "I have paid" not in page and "You said:" not in page


@pytest.mark.parametrize("code", ["", "2", "4", "5", "x"])
def test_no_other_word_on_the_payment_is_taken(app: Flask, make: Factory, browse: Browse, code: str) -> None:
    order_id = make.sale(paid=None, account="buyer")
    buyer = browse("buyer")
    before = everything(app)
    answer = buyer.post(at(order_id, "/paid"), {"code": code})
    assert (answer.status_code, "Choose one." in words(answer.text)) == (422, True)
    assert everything(app) == before


def test_one_line_is_received_then_all(make: Factory, browse: Browse, sent: int) -> None:
    cards, _ = make.items_of(sent)
    buyer, owner, sale = browse("buyer"), browse("owner"), f"/stores/papershop/sales/{sent}"
    assert "I have all of it" in buyer.get(at(sent)).text
    assert buyer.post(at(sent, "/received"), {f"item-{cards}": "1"}).status_code == 303
    assert [int(i.status) for i in make.sale_row(sent).items] == [4, 3]
    assert "The buyer has it" not in words(owner.get(sale).text)
    assert buyer.post(at(sent, "/received")).status_code == 303
    assert [int(i.status) for i in make.sale_row(sent).items] == [4, 4]
    assert "The buyer has it" in words(owner.get(sale).text)


def test_nothing_more_is_said_of_what_was_not_sent(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS, PICKUP, account="buyer")
    buyer = browse("buyer")
    assert "I have what was sent" in buyer.get(at(order_id)).text
    buyer.post(at(order_id, "/received"))
    row = make.sale_row(order_id)
    assert ([int(i.status) for i in row.items], int(row.buyer_shipping)) == ([2, 4], 0)
    assert buyer.post(at(order_id, "/received")).status_code == 422


@pytest.mark.parametrize("part", [False, True])
def test_a_stale_page_says_nothing(app: Flask, make: Factory, browse: Browse, sent: int, part: bool) -> None:
    buyer = browse("buyer")
    version = value_of(buyer.get(at(sent)).text, "version")
    cards, album = make.items_of(sent)
    buyer.post(at(sent, "/received"), {f"item-{cards}": "1"})
    before = everything(app)
    stale = {"version": version, f"item-{album}": "1"}
    for path, more in (("/received", {}), ("/problem", {"words": "It never came."})):
        answer = buyer.post(at(sent, path), {**stale, **more}, part=part)
        assert (answer.status_code, CHANGED in words(answer.text)) == (409, True)
    assert "It never came.</textarea>" in answer.text
    assert everything(app) == before


def test_a_line_of_another_purchase_is_not_taken_for_all(
    app: Flask, make: Factory, browse: Browse, sent: int
) -> None:
    other = make.items_of(make.sale(GOODS, account="other_buyer", store="othershop"))[0]
    buyer = browse("buyer")
    before = everything(app)
    told = {}
    for item_id in (other, 999999):
        for path in ("/received", "/problem"):
            words_too = {"words": "Torn"} if path == "/problem" else {}
            answer = buyer.post(at(sent, path), {f"item-{item_id}": "1", **words_too})
            assert answer.status_code == 422
            told[item_id, path] = without_tokens(answer.text)
        for path in ("/feedback", "/download"):
            stars = {"value": "5"} if path == "/feedback" else {}
            answer = buyer.post(at(sent, path), {"item": str(item_id), **stars})
            assert answer.status_code == 404
            told[item_id, path] = without_tokens(answer.text)
    assert all(told[other, path] == text for (_, path), text in told.items())
    assert everything(app) == before


def test_something_is_wrong_is_read_by_the_store_and_answered(
    make: Factory, browse: Browse, sent: int
) -> None:
    _, album = make.items_of(sent)
    buyer, owner, sale = browse("buyer"), browse("owner"), f"/stores/papershop/sales/{sent}"
    said = {f"item-{album}": "1", "words": "Two stamps are missing."}
    assert buyer.post(at(sent, "/problem"), said).status_code == 303
    assert [int(i.status) for i in make.sale_row(sent).items] == [3, 11]
    read = words(owner.get(sale).text)
    assert "The buyer says something is wrong" in read
    assert "From the buyer. Two stamps are missing." in read
    assert "You. Two stamps are missing." in words(buyer.get(at(sent)).text)
    owner.post(f"{sale}/resolve", {"words": "They follow tomorrow."})
    read = words(buyer.get(at(sent)).text)
    assert "Paper Shop . They follow tomorrow." in read
    assert "Problem" not in read.split("Items")[0]


@pytest.mark.parametrize(
    "wrong",
    [("", True, "Write what is wrong."), ("Torn", False, "Tick what it is about: at least one.")],
)
def test_a_problem_needs_a_line_and_words_and_keeps_what_was_typed(
    app: Flask, make: Factory, browse: Browse, sent: int, wrong: tuple[str, bool, str]
) -> None:
    sent_words, ticked, told = wrong
    cards, _ = make.items_of(sent)
    buyer = browse("buyer")
    before = everything(app)
    said = {"words": sent_words} | ({f"item-{cards}": "1"} if ticked else {})
    answer = buyer.post(at(sent, "/problem"), said)
    assert (answer.status_code, told in words(answer.text)) == (422, True)
    assert f">{sent_words}</textarea>" in answer.text
    assert (f'name="item-{cards}" value="1" checked' in answer.text) == ticked
    assert everything(app) == before


def test_feedback_goes_both_ways_once(make: Factory, browse: Browse) -> None:
    item_id = make.item(GOODS, 4, account="buyer")
    order_id = make.item_row(item_id).order_id
    buyer, owner, sale = browse("buyer"), browse("owner"), f"/stores/papershop/sales/{order_id}"
    own = {"item": str(item_id), "value": "3", "text": "Fine, if late"}
    assert buyer.post(at(order_id, "/feedback"), own).status_code == 303
    assert "Neutral , 3 of 5: “Fine, if late”" in words(owner.get(sale).text)
    again = buyer.post(at(order_id, "/feedback"), own)
    assert (again.status_code, "there is one feedback a line" in words(again.text)) == (409, True)
    answer = {"item": str(item_id), "value": "5", "text": "Quick to pay"}
    assert owner.post(f"{sale}/feedback", answer).status_code == 303
    assert owner.post(f"{sale}/feedback", answer).status_code == 409
    read = words(buyer.get(at(order_id)).text)
    assert "Paper Shop of you: ★★★★★ Positive , 5 of 5: “Quick to pay”" in read
    assert "Leave feedback" not in read


def test_the_stars_have_a_word() -> None:
    assert [word(value) for value in (1, 2, 3, 4, 5)] == [
        "Negative",
        "Negative",
        "Neutral",
        "Positive",
        "Positive",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ({"value": ""}, "Choose 1 to 5."),
        ({"value": "6"}, "Write a number from 1 to 5."),
        ({"value": "5", "text": "x" * 141}, "At most 140 characters fit here; these are 141."),
    ],
)
@pytest.mark.parametrize("who", ["buyer", "owner"])
def test_feedback_that_is_wrong_keeps_what_was_typed(
    app: Flask, make: Factory, browse: Browse, wrong: tuple[dict[str, str], str], who: str
) -> None:
    typed, told = wrong
    item_id = make.item(GOODS, 4, account="buyer")
    order_id = make.item_row(item_id).order_id
    browser = browse(who)
    before = everything(app)
    path = at(order_id) if who == "buyer" else f"/stores/papershop/sales/{order_id}"
    answer = browser.post(f"{path}/feedback", {"item": str(item_id), "text": "Lovely", **typed})
    assert (answer.status_code, told in words(answer.text)) == (422, True)
    assert value_of(answer.text, "text") == typed.get("text", "Lovely")
    assert everything(app) == before


def test_downloads_are_handed_out_and_counted_down(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(DIGITAL, account="buyer")
    (pattern,) = make.items_of(order_id)
    with app.app_context():
        item = db.session.get_one(OrderItem, pattern)
        item.download_limit_type, item.download_units = "downloads", 1
        item.url, item.version = "https://files.example.org/pattern.pdf", item.version + 1
        db.session.commit()
    buyer = browse("buyer")
    page = buyer.get(at(order_id)).text
    assert "1 download left" in words(page) and "files.example" not in page
    got = buyer.post(at(order_id, "/download"), {"item": str(pattern)}, part=True)
    assert 'href="https://files.example.org/pattern.pdf"' in got.text
    assert "No downloads left" in words(got.text)
    again = buyer.post(at(order_id, "/download"), {"item": str(pattern)}, part=True)
    assert again.status_code == 422
    assert "files.example" not in again.text
    assert "files.example" not in buyer.get(at(order_id)).text


def test_the_history_is_the_same_in_the_buyers_words_without_names(
    app: Flask, make: Factory, browse: Browse
) -> None:
    order_id = make.sale(GOODS, paid=None, account="buyer")
    (cards,) = make.items_of(order_id)
    buyer, owner, sale = browse("buyer"), browse("owner"), f"/stores/papershop/sales/{order_id}"
    buyer.post(at(order_id, "/paid"), {"code": "1"})
    owner.post(f"{sale}/paid", {"payment": "1"})
    owner.post(f"/stores/papershop/items/{cards}", {"tracking_number": "DRAFT-1"})
    owner.post(f"/stores/papershop/items/{cards}", {"tracking_number": "DRAFT-2"})
    owner.post(f"{sale}/notes", {"body": "Pays late"})
    assert "DRAFT" not in buyer.get(at(order_id)).text
    owner.post(f"{sale}/ship", {f"pieces-{cards}": "5", "tracking_number": "REAL-1"})
    buyer.post(at(order_id, "/received"), {f"item-{cards}": "1"})
    read = words(buyer.get(at(order_id)).text).split(" History ")[1].split(" Goes to ")[0]
    told = (
        "You have it",
        "Paper Shop sent 5 pieces under REAL-1",
        "Paper Shop confirmed the payment of $22.50",
    )
    told = (*told, "You said that it is paid", "You bought it")
    places = [read.find(part) for part in told]
    assert -1 not in places and places == sorted(places)
    assert [part for part in ("Owner", "DRAFT", "label", "note", "tracking") if part in read] == []


def test_the_history_tells_the_buyer_what_was_given_back(
    app: Flask, make: Factory, browse: Browse, sent: int
) -> None:
    browse("owner").post(f"/stores/papershop/sales/{sent}/refund", {"amount": "2.50", "reason": "other"})
    assert "Paper Shop noted a refund of $2.50" in words(browse("buyer").get(at(sent)).text)


def test_a_private_note_changes_nothing_of_what_the_buyer_reads(
    app: Flask, make: Factory, browse: Browse, sent: int
) -> None:
    buyer, before = browse("buyer"), len(events(app, sent))
    read = words(buyer.get(at(sent)).text)
    browse("owner").post(f"/stores/papershop/sales/{sent}/notes", {"body": "Asked for a discount twice"})
    assert len(events(app, sent)) == before + 1
    assert words(buyer.get(at(sent)).text) == read


def test_what_the_store_keeps_to_itself_is_in_no_answer(
    app: Flask, make: Factory, browse: Browse, sent: int
) -> None:
    owner = browse("owner")
    owner.post(f"/stores/papershop/sales/{sent}/notes", {"body": "Asked for a discount twice"})
    buyer = browse("buyer")
    answers = [buyer.get(at(sent)), buyer.get(at(sent), part=True), buyer.get(at(sent, "/invoice"))]
    answers += [buyer.post(at(sent, "/problem"), {}), buyer.post(at(sent, "/received"), {}, part=True)]
    for answer in answers:
        read = words(answer.text)
        hidden = ("Asked for a discount", "payout", "commission", "Owner")
        assert [part for part in hidden if part in read] == []


@pytest.mark.parametrize("path", ["", "/invoice"])
@pytest.mark.parametrize("who", ["other_buyer", "owner", "site_admin"])
def test_nobody_else_reads_or_says_anything_of_it(
    app: Flask, browse: Browse, sent: int, who: str, path: str
) -> None:
    browser = browse(who)
    before = everything(app)
    foreign, absent = browser.get(at(sent, path)), browser.get(at(999999, path))
    assert foreign.status_code == absent.status_code == 404
    assert without_tokens(foreign.text) == without_tokens(absent.text)
    for act in ("/paid", "/received", "/problem", "/feedback", "/download"):
        for part in (False, True):
            foreign = browser.post(at(sent, act), {"code": "1"}, part=part)
            absent = browser.post(at(999999, act), {"code": "1"}, part=part)
            assert foreign.status_code == absent.status_code == 404
            assert without_tokens(foreign.text) == without_tokens(absent.text)
    assert everything(app) == before


def letterhead(app: Flask, slug: str = "papershop") -> None:
    """Give a store what its invoices say of it."""
    with app.app_context():
        store = db.session.query(Store).filter_by(slug=slug).one()
        store.legal_name, store.vat_id = "Paper Shop GmbH", "DE123456789"
        store.address = "Lange Gasse 12\n10115 Berlin"
        db.session.commit()


@pytest.mark.parametrize("who", ["buyer", "owner"])
def test_an_invoice_says_who_sold_what_to_whom_for_how_much(
    app: Flask, make: Factory, browse: Browse, who: str
) -> None:
    letterhead(app)
    line = replace(GOODS, options={"Ink": "green"})
    order_id = make.sale(line, AUCTION, account="buyer", postage=350, tax=120, discount=100)
    owner = browse("owner")
    (cards, _), sale = make.items_of(order_id), f"/stores/papershop/sales/{order_id}"
    owner.post(f"{sale}/cancel", {f"pieces-{cards}": "2", "reason": "sold_out"})
    owner.post(f"{sale}/refund", {"amount": "9.00", "reason": "sold_out"})
    page = browse(who).get(at(order_id, "/invoice") if who == "buyer" else f"{sale}/invoice")
    read = words(page.text)
    for part in (
        "Paper Shop GmbH Paper Shop Lange Gasse 12 10115 Berlin VAT id DE123456789",
        "Invoice 1001 Date 20 Nov 2026",
        "To Maja Kowalczyk ul. Długa 5 61-001 Poznań Poland",
        "Letterpress card, thank you LC-014 · Ink: green 2 of these cancelled 5 $4.50 $22.50",
        "Stamp album of 1961 1 $128.00 $128.00",
        "Items $150.50 Discount −$1.00 Postage $3.50 Tax $1.20 Total $154.20",
        "Paid on 20 Nov 2026 $154.20 Refunded −$9.00",
    ):
        assert part in read, part
    assert "commission" not in read and "payout" not in read


@pytest.mark.parametrize(
    ("paid", "said"),
    [
        (None, "Total $22.50 To pay $22.50"),
        (Payment.ON_ARRIVAL, "Total $22.50 To pay on arrival $22.50"),
        (Payment.PAID_PAYPAL, "Total $22.50 Paid with PayPal on 20 Nov 2026 $22.50"),
    ],
)
def test_an_invoice_says_how_it_is_paid(
    make: Factory, browse: Browse, paid: Payment | None, said: str
) -> None:
    order_id = make.sale(paid=paid, account="buyer")
    assert said in words(browse("buyer").get(at(order_id, "/invoice")).text)


def test_cancelled_pieces_of_an_unpaid_sale_are_taken_off_its_invoice(make: Factory, browse: Browse) -> None:
    order_id = make.sale(paid=None, account="buyer")
    (cards,) = make.items_of(order_id)
    sent = {f"pieces-{cards}": "2", "reason": "buyer"}
    browse("owner").post(f"/stores/papershop/sales/{order_id}/cancel", sent)
    read = words(browse("buyer").get(at(order_id, "/invoice")).text)
    assert "Cancelled pieces, and other adjustments −$9.00 Total $13.50 To pay $13.50" in read


def test_a_store_without_a_letterhead_is_named_by_its_name(make: Factory, browse: Browse) -> None:
    order_id = make.sale(account="buyer")
    read = words(browse("buyer").get(at(order_id, "/invoice")).text)
    assert "Paper Shop Invoice 1001" in read and "VAT" not in read


def test_a_problem_of_the_store_is_no_word_of_the_buyer(
    app: Flask, make: Factory, browse: Browse, sent: int
) -> None:
    with app.app_context():
        store_id = db.session.get_one(Order, sent).store_id
        problems.report_problem(sent, actor=desk_of("owner").actor, store_id=store_id)
        db.session.commit()
    read: Any = words(browse("owner").get(f"/stores/papershop/sales/{sent}").text)
    assert "The buyer says" not in read
