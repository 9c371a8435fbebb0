"""A sale that a seller types in: lines more and less, money in any currency, once however often sent."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.db import db
from app.models import Buyer, Order, OrderItem, Store
from app.models import Payment as PaymentRow
from tests.factories import Factory
from tests.rules.books import everything, present, recount, replayed, tally
from tests.rules.together import at_once
from tests.web.pages import Browser, Markup, value_of, words

Browse = Callable[[str], Browser]
NEW = "/stores/papershop/sales/new"
KEY = "0123456789abcdef" * 2
LINE = {
    "lines-0-title": "Notebook, dotted",
    "lines-0-sku": "NB-1",
    "lines-0-quantity": "2",
    "lines-0-price": "7.50",
    "lines-0-kind": "goods",
}
TYPED = {
    "key": KEY,
    "buyer-name": "Ada Lind",
    "buyer-email": "Ada@Example.com",
    "address-street": "1 Mill Lane",
    "address-city": "Ely",
    "address-country": "gb",
    **LINE,
}


def sales_of(app: Flask) -> list[Order]:
    """Return all sales, the oldest first."""
    with app.app_context():
        return list(db.session.query(Order).order_by(Order.id))


def lines_of(app: Flask) -> list[OrderItem]:
    """Return all lines, the oldest first."""
    with app.app_context():
        return list(db.session.query(OrderItem).order_by(OrderItem.id))


def trade_in(app: Flask, currency: str) -> None:
    """Let the store trade in another currency."""
    with app.app_context():
        db.session.query(Store).filter_by(slug="papershop").update({"currency": currency})
        db.session.commit()


def fields(page: str) -> dict[str, str | None]:
    """Return name and value of every input of a page that has one."""
    tags = Markup(page).tags
    return {str(a["name"]): a.get("value", "") for tag, a in tags if tag == "input" and a.get("name")}


@pytest.mark.both
def test_a_typed_sale_waits_for_its_payment(app: Flask, browse: Browse) -> None:
    answer = browse("staff").post(NEW, {**TYPED, "postage": "3.2", "discount": "1", "tax": "0.55"})
    (sale,) = sales_of(app)
    assert (answer.status_code, answer.location) == (303, f"/stores/papershop/sales/{sale.id}")
    assert (sale.channel, sale.kind, sale.currency, int(sale.payment)) == ("desk", "typed", "USD", 0)
    assert (sale.items_minor, sale.postage_minor, sale.discount_minor, sale.tax_minor) == (1500, 320, 100, 55)
    assert (sale.total_minor, sale.adjustment_minor, sale.desk_state) == (1775, 0, "unpaid")
    page = words(browse("staff").get(answer.location).text)
    assert "Ada Lind 1 Mill Lane Ely United Kingdom" in page
    assert KEY not in page


@pytest.mark.both
def test_what_is_paid_already_is_confirmed_with_it(app: Flask, browse: Browse) -> None:
    browse("owner").post(NEW, {**TYPED, "payment": "2"})
    (sale,) = sales_of(app)
    assert (int(sale.payment), sale.desk_state, sale.paid_at is not None) == (2, "to_ship", True)
    with app.app_context():
        assert [row.amount_minor for row in db.session.query(PaymentRow)] == [1500]
    assert tally(app) == recount(app)
    assert replayed(app) == present(app)


def test_paid_on_arrival_takes_no_money_yet(app: Flask, browse: Browse) -> None:
    browse("owner").post(NEW, {**TYPED, "payment": "3"})
    (sale,) = sales_of(app)
    assert (int(sale.payment), sale.desk_state, sale.paid_at) == (3, "to_ship", None)


@pytest.mark.parametrize(
    ("kind", "became"),
    [
        ("goods", ("physical", False, 2)),
        ("pickup", ("physical", True, 3)),
        ("service", ("service", False, 2)),
        ("digital", ("digital", False, 4)),
    ],
)
def test_a_line_of_any_kind(app: Flask, browse: Browse, kind: str, became: tuple[str, bool, int]) -> None:
    browse("owner").post(NEW, {**TYPED, "lines-0-kind": kind, "payment": "1"})
    (line,) = lines_of(app)
    assert (line.delivery, line.is_pickup, int(line.status)) == became


@pytest.mark.both
@pytest.mark.parametrize(
    ("currency", "price", "minor"),
    [
        ("JPY", "1200", 1200),
        ("KWD", "1.275", 1275),
        ("USD", "0.1", 10),
        ("KWD", "9007199254.741", 9007199254741),
    ],
)
def test_money_is_exact_in_the_stores_currency(
    app: Flask, browse: Browse, currency: str, price: str, minor: int
) -> None:
    trade_in(app, currency)
    browse("owner").post(NEW, {**TYPED, "lines-0-price": price, "lines-0-quantity": "3", "payment": "1"})
    (sale,) = sales_of(app)
    assert (sale.currency, sale.total_minor) == (currency, 3 * minor)


@pytest.mark.parametrize(("currency", "price"), [("JPY", "12.5"), ("KWD", "1.2755"), ("USD", "0.005")])
def test_more_decimals_than_the_currency_has_are_refused(
    app: Flask, browse: Browse, currency: str, price: str
) -> None:
    trade_in(app, currency)
    answer = browse("owner").post(NEW, {**TYPED, "lines-0-price": price})
    assert answer.status_code == 422
    assert f"“{price}” has more decimals than {currency} knows." in words(answer.text)
    assert sales_of(app) == []


def test_a_line_more_and_a_line_less_keep_what_was_typed(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    page = owner.post(NEW, {**TYPED, "line": "more"})
    assert page.status_code == 200
    assert value_of(page.text, "lines-0-title") == "Notebook, dotted"
    assert value_of(page.text, "lines-1-quantity") == "1"
    assert value_of(page.text, "key") == KEY
    two = {**TYPED, "lines-1-title": "Ink", "lines-1-price": "4", "lines-1-kind": "pickup"}
    less = owner.post(NEW, {**two, "line": "drop-0"}).text
    assert value_of(less, "lines-0-title") == "Ink"
    assert 'value="pickup" selected' in less
    assert value_of(less, "lines-1-title") is None
    assert sales_of(app) == []


def test_the_last_line_is_not_taken_away(browse: Browse) -> None:
    page = browse("owner").post(NEW, {**TYPED, "line": "drop-0"}).text
    assert value_of(page, "lines-0-title") == ""


def test_a_line_that_was_left_empty_is_no_line(app: Flask, browse: Browse) -> None:
    empty = {"lines-1-title": " ", "lines-1-quantity": "1", "lines-1-price": "", "lines-1-kind": "goods"}
    browse("owner").post(NEW, {**TYPED, **empty, "lines-7-title": "Ink", "lines-7-price": "4"})
    assert [(i.title, i.quantity, i.position) for i in lines_of(app)] == [
        ("Notebook, dotted", 2, 1),
        ("Ink", 1, 2),
    ]


def test_lines_are_added_up_before_anything_is_made(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    asked = {"lines-0-quantity": "3", "lines-0-price": "2.5", "postage": "1", "line": "sum"}
    assert "Total $8.50" in words(owner.post(NEW, asked).text)
    assert "Not every amount can be read yet." in words(owner.post(NEW, {**asked, "tax": "x"}).text)
    assert sales_of(app) == []


@pytest.mark.both
def test_one_page_makes_one_sale_however_often_it_is_sent(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    first = owner.post(NEW, {**TYPED, "payment": "1"})
    before = everything(app)
    second = owner.post(NEW, {**TYPED, "payment": "1", "lines-0-quantity": "9"})
    assert (second.status_code, second.location) == (303, first.location)
    # The store's row alone says that somebody asked: its revision goes on.
    assert {**everything(app), "store": []} == {**before, "store": []}
    said = words(owner.get(second.location).text)
    assert "was made of this page already; nothing was done a second time." in said
    assert "What you typed was not taken: the money differs." in said


def test_each_page_has_a_key_of_its_own(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    keys = [value_of(owner.get(NEW).text, "key") for _ in range(2)]
    assert len(set(keys)) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", key or "") for key in keys)
    for key in keys:
        owner.post(NEW, {**TYPED, "key": key})
    assert len(sales_of(app)) == 2


@pytest.mark.parametrize("key", ["", "x-1", KEY.upper(), KEY + "0"])
def test_without_its_key_a_page_makes_nothing(app: Flask, browse: Browse, key: str) -> None:
    answer = browse("owner").post(NEW, {**TYPED, "key": key})
    assert answer.status_code == 422
    assert "This page is not complete" in words(answer.text)
    assert re.fullmatch("[0-9a-f]{32}", value_of(answer.text, "key") or "")
    assert sales_of(app) == []


@pytest.mark.both
def test_a_buyer_is_known_by_the_e_mail_whatever_its_case(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    owner.post(NEW, TYPED)
    again = {**TYPED, "key": "1" * 32, "buyer-email": "ADA@example.COM", "buyer-name": "A. Lind"}
    answer = owner.post(NEW, again)
    owner.post(NEW, {**TYPED, "key": "2" * 32, "buyer-email": "ada@example.co"})
    first, second, third = (sale.buyer_id for sale in sales_of(app))
    assert first == second != third
    assert "is known here as Ada Lind" in words(owner.get(answer.location).text)
    assert 'value="Ada@Example.com"' in owner.get(NEW).text


@pytest.mark.both
def test_a_buyer_is_not_known_by_the_e_mail_in_another_store(app: Flask, browse: Browse) -> None:
    browse("owner").post(NEW, TYPED)
    browse("owner2").post("/stores/othershop/sales/new", TYPED)
    with app.app_context():
        assert [b.store_id for b in db.session.query(Buyer).order_by(Buyer.id)] == [1, 3]


def test_nobody_gets_a_purchase_by_what_a_seller_types(browse: Browse) -> None:
    browse("owner").post(NEW, {**TYPED, "buyer-email": "buyer@example.com"})
    assert "Notebook" not in browse("buyer").get("/purchases").text


def test_a_sale_needs_no_address(app: Flask, browse: Browse) -> None:
    sent = {name: text for name, text in TYPED.items() if not name.startswith("address")}
    browse("owner").post(NEW, sent)
    (sale,) = sales_of(app)
    assert sale.address_id is None


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"lines-0-title": ""}, "This is empty."),
        ({"lines-0-quantity": "0"}, "Write a number from 1 to 1000000."),
        ({"lines-0-quantity": "two"}, "Write a whole number in plain digits."),
        ({"lines-0-price": "7,50"}, "is not an amount: write digits with a point, such as 17.50."),
        ({"lines-0-price": "-1"}, "Write an amount from 0 on."),
        ({"lines-0-kind": "deal"}, "A line is one of goods, pickup, service, digital."),
        ({"discount": "15.01"}, "The discount is more than everything else together."),
        ({"buyer-email": "ada"}, "Write an address such as name@example.com."),
        ({"buyer-email": "", "buyer-name": ""}, "Write who bought: a name, a user name or an e-mail."),
        ({"address-country": "Narnia"}, "is no country that we know"),
        (
            {"address-street": "", "address-city": "", "address-country": "", "address-name": "Ada"},
            "Write where it goes, or leave the address empty.",
        ),
        ({"payment": "5"}, "Choose how it is paid, or leave it open."),
        ({"buyer_note": "x" * 5001}, "At most 5000 characters fit here; these are 5001."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    app: Flask, browse: Browse, sent: dict[str, str], said: str
) -> None:
    owner = browse("owner")
    before = everything(app)
    answer = owner.post(NEW, {**TYPED, **sent})
    assert answer.status_code == 422
    assert said in words(answer.text)
    kept = fields(answer.text)
    typed = {name: text for name, text in {**TYPED, **sent}.items() if name in kept and name != "key"}
    assert {name: kept[name] for name in typed} == typed
    assert everything(app) == before


@pytest.mark.parametrize(
    "sent",
    [
        {"external_id": "x"},
        {"currency": "EUR"},
        {"kind": "auction"},
        {"total": "1"},
        {"paid_at": "2026-01-01T00:00:00Z"},
        {"placed_at": "2026-01-01T00:00:00Z"},
        {"gateway_transaction_code": "T"},
        {"buyer-external_ref": "someone@example.com"},
        {"lines-0-sale_price": "0"},
        {"lines-0-product_type": "3"},
        {"lines-0-delivery": "digital"},
        {"lines-0-is_pickup": "1"},
        {"lines-0-shipped_at": "2026-01-01T00:00:00Z"},
        {"discounts-0-kind": "coupon"},
        {"store_id": "2"},
        {"lines-x-title": "x"},
    ],
)
def test_what_the_page_does_not_ask_for_is_refused(app: Flask, browse: Browse, sent: dict[str, str]) -> None:
    answer = browse("owner").post(NEW, {**TYPED, **sent})
    assert answer.status_code == 422
    assert f"“{next(iter(sent))}” is no field of this form" in words(answer.text)
    assert sales_of(app) == []


def test_a_name_that_comes_twice_is_refused(app: Flask, browse: Browse) -> None:
    doubled: dict[str, Any] = {**TYPED, "postage": ["1", "2"]}
    assert browse("owner").post(NEW, doubled).status_code == 422
    assert sales_of(app) == []


def test_htmx_gets_the_form_alone_and_is_sent_to_the_sale(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    part = owner.post(NEW, {**TYPED, "line": "more"}, part=True).text
    assert part.strip().startswith('<form id="new-sale"')
    wrong = owner.post(NEW, {**TYPED, "lines-0-price": "x"}, part=True)
    assert (wrong.status_code, wrong.text.strip()[:5]) == (422, "<form")
    done = owner.post(NEW, TYPED, part=True)
    (sale,) = sales_of(app)
    assert (done.status_code, done.headers["HX-Redirect"]) == (204, f"/stores/papershop/sales/{sale.id}")


def test_a_hundred_lines_are_taken_and_no_more_are_offered(app: Flask, browse: Browse) -> None:
    many = {f"lines-{n}-title": f"Card {n}" for n in range(100)} | {
        f"lines-{n}-price": "0.01" for n in range(100)
    }
    owner = browse("owner")
    page = owner.post(NEW, {**TYPED, **many, "line": "more"}).text
    assert (value_of(page, "lines-99-title"), value_of(page, "lines-100-title")) == ("Card 99", None)
    assert 'value="more"' not in page
    owner.post(NEW, {**TYPED, **many})
    assert [sale.total_minor for sale in sales_of(app)] == [101]


def test_the_list_of_sales_leads_there(make: Factory, browse: Browse) -> None:
    make.sale()
    assert f'href="{NEW}"' in browse("staff").get("/stores/papershop/sales").text
    assert f'href="{NEW}"' not in browse("vendor").get("/stores/papershop/sales").text


@pytest.mark.both
def test_one_page_sent_by_two_hands_at_once_makes_one_sale(app: Flask, browse: Browse) -> None:
    hands = [browse("owner"), browse("staff")]
    answers: list[str] = []

    def sender(hand: Browser) -> Callable[[], None]:
        return lambda: answers.append(hand.post(NEW, {**TYPED, "payment": "1"}).location)

    at_once(*(sender(hand) for hand in hands))
    (sale,) = sales_of(app)
    assert answers == [f"/stores/papershop/sales/{sale.id}"] * 2
    with app.app_context():
        assert db.session.query(PaymentRow).count() == 1
