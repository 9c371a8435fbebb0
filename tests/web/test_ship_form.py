"""The ship form: in a row of the list, in the page of a sale and alone; by htmx and by a plain browser."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.access import SYSTEM
from app.actions.parcels import ship
from app.db import db
from app.models import Order, Outbox, Store
from tests.factories import AUCTION, DEAL, GOODS, PICKUP, Factory
from tests.rules.books import everything, parcels
from tests.web.pages import Browser, listed, purchase, take_in_many, value_of, words

Browse = Callable[[str], Browser]
SALES = "/stores/papershop/sales"
PLACES = ("row", "page", "alone")
UPS = "1Z5R89390357567127"


class Form:
    """The ship form of one sale in one browser; the fields of it as they are typed."""

    def __init__(self, browser: Browser, order_id: int, place: str = "alone", came_from: str = "") -> None:
        self.browser = browser
        self.path = f"{SALES}/{order_id}/ship?in={place}{came_from}"

    def send(self, *, part: bool = False, **fields: Any) -> TestResponse:
        """Send these fields; an item's pieces as pieces_7."""
        return self.browser.post(
            self.path, {name.replace("pieces_", "pieces-"): text for name, text in fields.items()}, part=part
        )


@pytest.fixture
def sale(make: Factory) -> tuple[int, int]:
    """A sale of five cards: its id and its item's."""
    order_id = make.sale(GOODS)
    return order_id, make.items_of(order_id)[0]


def version_in(browser: Browser, order_id: int) -> str:
    """Return the sale's version as a fresh form carries it."""
    return value_of(browser.get(f"{SALES}/{order_id}/ship").text, "version") or ""


# Shown.


def test_the_form_offers_all_that_is_left(make: Factory, browse: Browse, sale: tuple[int, int]) -> None:
    order_id, item_id = sale
    make.ship(order_id, {item_id: 2})
    page = browse("staff").get(f"{SALES}/{order_id}/ship").text
    assert value_of(page, f"pieces-{item_id}") == "3"
    assert "Ship 3 pieces" in words(page)


def test_the_form_asks_for_goods_alone(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS, PICKUP, DEAL)
    goods, pickup, deal = make.items_of(order_id)
    page = browse("staff").get(f"{SALES}/{order_id}/ship").text
    assert value_of(page, f"pieces-{goods}") == "5"
    assert value_of(page, f"pieces-{pickup}") is value_of(page, f"pieces-{deal}") is None


def test_the_form_holds_the_number_of_a_draft(make: Factory, browse: Browse, sale: tuple[int, int]) -> None:
    order_id, item_id = sale
    staff = browse("staff")
    staff.post(f"/stores/papershop/items/{item_id}", {"tracking_carrier": "DHL", "tracking_number": "D-1"})
    for place in PLACES:
        page = staff.get(f"{SALES}/{order_id}/ship?in={place}").text
        assert (value_of(page, "tracking_carrier"), value_of(page, "tracking_number")) == ("DHL", "D-1")


def test_in_the_row_the_form_is_a_row(browse: Browse, sale: tuple[int, int]) -> None:
    order_id, _ = sale
    part = browse("staff").get(f"{SALES}/{order_id}/ship?in=row", part=True).text.strip()
    assert part.startswith(f'<tr id="ship-{order_id}"')
    assert f'hx-post="{SALES}/{order_id}/ship?in=row"' in part


def test_nothing_left_to_ship_is_said(make: Factory, browse: Browse, sale: tuple[int, int]) -> None:
    order_id, item_id = sale
    make.ship(order_id, {item_id: 5})
    page = browse("staff").get(f"{SALES}/{order_id}/ship").text
    assert "Nothing of this sale is left to ship." in words(page)


@pytest.mark.parametrize(("who", "status"), [("vendor", 403), ("buyer", 404), ("owner2", 404)])
def test_who_may_not_ship_gets_no_form(
    app: Flask, browse: Browse, sale: tuple[int, int], who: str, status: int
) -> None:
    order_id, item_id = sale
    browser = browse(who)
    before = everything(app)
    assert browser.get(f"{SALES}/{order_id}/ship").status_code == status
    assert browser.get(f"{SALES}/{order_id}/ship/number?tracking_number={UPS}").status_code == status
    form = Form(browser, order_id)
    sent = {f"pieces_{item_id}": "5", "no_number": "1"}
    assert form.send(**sent).status_code == status
    assert everything(app) == before


# Sent.


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("part", [False, True])
def test_what_the_form_says_is_shipped(
    app: Flask, browse: Browse, sale: tuple[int, int], place: str, part: bool
) -> None:
    order_id, item_id = sale
    staff = browse("staff")
    answer = Form(staff, order_id, place).send(
        part=part,
        **{f"pieces_{item_id}": "2"},
        tracking_carrier="DHL",
        tracking_number="JD014600003SE",
        version=version_in(staff, order_id),
    )
    assert answer.status_code == (303 if not part else 204 if place == "alone" else 200)
    (parcel,) = parcels(app)
    assert parcel[1:] == ("shipped", "DHL", "JD014600003SE", {item_id: 2})


def test_a_plain_browser_is_sent_to_the_sale_and_told(browse: Browse, sale: tuple[int, int]) -> None:
    order_id, item_id = sale
    staff = browse("staff")
    answer = Form(staff, order_id).send(**{f"pieces_{item_id}": "5"}, tracking_number=UPS)
    assert (answer.status_code, answer.location) == (303, f"{SALES}/{order_id}")
    page = words(staff.get(answer.location).text)
    assert f"Sale 1001: 5 pieces shipped with UPS, number {UPS}." in page
    assert "5 pieces shipped" not in words(staff.get(answer.location).text)  # said once


def test_after_shipping_one_is_back_in_the_list_one_came_from(browse: Browse, sale: tuple[int, int]) -> None:
    order_id, item_id = sale
    staff = browse("staff")
    for part in (False, True):
        form = Form(staff, order_id, came_from="&list=tab%3Dto_ship%26q%3Dcard")
        answer = form.send(part=part, **{f"pieces_{item_id}": "1"}, no_number="1")
        where = answer.headers["HX-Redirect"] if part else answer.location
        assert where == f"{SALES}?q=card&tab=to_ship"


@pytest.mark.parametrize("came_from", ["&list=tab%3Dnowhere", "&list=//evil.example", "&list=" + "x" * 5000])
def test_a_list_that_is_none_leads_to_the_sale(browse: Browse, sale: tuple[int, int], came_from: str) -> None:
    order_id, item_id = sale
    answer = Form(browse("staff"), order_id, came_from=came_from).send(
        **{f"pieces_{item_id}": "1"}, no_number="1"
    )
    assert answer.location == f"{SALES}/{order_id}"


def test_in_the_row_the_row_is_shown_as_it_is_now(browse: Browse, sale: tuple[int, int]) -> None:
    order_id, item_id = sale
    answer = Form(browse("staff"), order_id, "row").send(
        part=True, **{f"pieces_{item_id}": "2"}, no_number="1"
    )
    assert listed(answer.text) == [order_id]
    assert "Part shipped 2 of 5" in words(answer.text)
    assert 'hx-swap-oob="innerHTML"' in answer.text
    assert "Sale 1001: 2 pieces shipped, no number." in words(answer.text)


def test_in_the_page_the_sale_is_shown_as_it_is_now(browse: Browse, sale: tuple[int, int]) -> None:
    order_id, item_id = sale
    answer = Form(browse("staff"), order_id, "page").send(
        part=True, **{f"pieces_{item_id}": "5"}, no_number="1"
    )
    assert answer.text.strip().startswith('<div id="sale">')
    assert "Parcel 1 Shipped" in words(answer.text)


@pytest.mark.parametrize("place", PLACES)
def test_what_just_left_is_undone_from_where_it_is_said(
    app: Flask, browse: Browse, sale: tuple[int, int], place: str
) -> None:
    order_id, item_id = sale
    owner = browse("owner")
    form = Form(owner, order_id, place, came_from="&list=tab%3Dto_ship")
    answer = form.send(part=place == "row", **{f"pieces_{item_id}": "2"}, no_number="1")
    said = answer.text if place == "row" else owner.get(answer.location).text
    found = re.search(r'2 pieces shipped, no number.<form method="post" action="([^"]+)"', said)
    assert found
    back = owner.post(found[1])
    assert back.location == f"{SALES}/{order_id}?list=tab%3Dto_ship"
    (parcel,) = parcels(app)
    assert parcel[1] == "voided"


def test_a_store_without_time_for_it_and_a_label_offer_no_undo(
    app: Flask, browse: Browse, sale: tuple[int, int]
) -> None:
    order_id, item_id = sale
    owner = browse("owner")
    sent: dict[str, Any] = {f"pieces_{item_id}": "1", "tracking_number": "N-1"}
    assert "<button>Undo" not in Form(owner, order_id, "row").send(part=True, later="1", **sent).text
    with app.app_context():
        db.session.query(Store).update({"undo_minutes": 0})
        db.session.commit()
    assert "<button>Undo" not in Form(owner, order_id, "row").send(part=True, **sent).text


def test_a_line_left_empty_stays(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS, AUCTION)
    cards, album = make.items_of(order_id)
    Form(browse("staff"), order_id).send(**{f"pieces_{cards}": "", f"pieces_{album}": "1"}, no_number="1")
    assert [p.inside for p in parcels(app)] == [{album: 1}]


def test_a_site_admin_ships_as_one(make: Factory, browse: Browse, sale: tuple[int, int]) -> None:
    order_id, item_id = sale
    admin = browse("site_admin")
    Form(admin, order_id).send(**{f"pieces_{item_id}": "5"}, no_number="1")
    assert "Site admin, as site admin shipped 5 pieces" in words(admin.get(f"{SALES}/{order_id}").text)


# Carrier and number.


def test_the_carrier_is_recognised_by_the_number(app: Flask, browse: Browse, sale: tuple[int, int]) -> None:
    order_id, item_id = sale
    Form(browse("staff"), order_id).send(**{f"pieces_{item_id}": "5"}, tracking_number=UPS)
    assert [(p.carrier, p.number) for p in parcels(app)] == [("UPS", UPS)]


def test_a_typed_carrier_is_kept(app: Flask, browse: Browse, sale: tuple[int, int]) -> None:
    order_id, item_id = sale
    sent = {f"pieces_{item_id}": "5", "tracking_number": UPS, "tracking_carrier": "Rower"}
    Form(browse("staff"), order_id).send(**sent)
    assert [p.carrier for p in parcels(app)] == ["Rower"]


def test_a_number_or_the_word_that_there_is_none_is_asked_for(
    app: Flask, browse: Browse, sale: tuple[int, int]
) -> None:
    order_id, item_id = sale
    answer = Form(browse("staff"), order_id).send(**{f"pieces_{item_id}": "5"})
    assert answer.status_code == 422
    assert "Type the number, or tick “No number”." in words(answer.text)
    assert parcels(app) == []


def test_a_number_and_the_word_that_there_is_none_are_not_both_taken(
    app: Flask, browse: Browse, sale: tuple[int, int]
) -> None:
    order_id, item_id = sale
    answer = Form(browse("staff"), order_id).send(
        **{f"pieces_{item_id}": "5"}, tracking_number=UPS, no_number="1"
    )
    assert answer.status_code == 422
    assert "Take the tick away, or the number." in words(answer.text)
    assert parcels(app) == []


def test_no_number_takes_the_number_of_a_draft_away(
    app: Flask, browse: Browse, sale: tuple[int, int]
) -> None:
    order_id, item_id = sale
    staff = browse("staff")
    staff.post(f"/stores/papershop/items/{item_id}", {"tracking_number": "D-1"})
    Form(staff, order_id).send(**{f"pieces_{item_id}": "5"}, tracking_number="", no_number="1")
    assert [(p.state, p.number) for p in parcels(app)] == [("shipped", "")]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (UPS, "UPS, check digit right"),
        (UPS.lower(), "UPS, check digit right"),
        ("9261292700768711948021", "Fits USPS, FedEx: choose the carrier"),
        ("paper boat", "No carrier’s format that we know; it is kept as typed"),
        ("", "Letters and digits, 64 at most. Blanks do no harm."),
        ("a\x00b" * 4, "No carrier’s format that we know; it is kept as typed"),
        ("9" * 5000, "No carrier’s format that we know; it is kept as typed"),
    ],
)
def test_a_number_is_judged_while_it_is_typed(
    browse: Browse, sale: tuple[int, int], typed: str, said: str
) -> None:
    answer = browse("staff").client.get(
        f"{SALES}/{sale[0]}/ship/number", query_string={"tracking_number": typed}
    )
    assert (answer.status_code, words(answer.text)) == (200, said)


# Refused: 422, with what was typed, where it was typed.

WRONG: list[tuple[dict[str, str], str]] = [
    ({"tracking_number": "x" * 65}, "At most 64 characters fit here; these are 65."),
    ({"tracking_number": "é" * 65}, "At most 64 characters fit here; these are 65."),
    ({"tracking_carrier": "x" * 65, "tracking_number": "1"}, "At most 64 characters fit here; these are 65."),
    ({"tracking_number": "a\x00b"}, "Leave out control characters."),
    ({"tracking_number": "a\x1b[2J"}, "Leave out control characters."),
    ({"tracking_number": "a\nSet-Cookie: b"}, "Write this on one line."),
    ({"tracking_carrier": "a\u2028b", "tracking_number": "1"}, "Write this on one line."),
    ({"pieces": "6", "tracking_number": "1"}, "Only 5 left to ship."),
    ({"pieces": "0", "tracking_number": "1"}, "Say how many pieces to ship: at least one."),
    ({"pieces": "", "tracking_number": "1"}, "Say how many pieces to ship: at least one."),
    ({"pieces": "-1", "tracking_number": "1"}, "Write a whole number of pieces, or leave it empty."),
    ({"pieces": "1.5", "tracking_number": "1"}, "Write a whole number of pieces, or leave it empty."),
    ({"pieces": "２", "tracking_number": "1"}, "Write a whole number of pieces, or leave it empty."),
    ({"pieces": "9" * 40, "tracking_number": "1"}, "Write a whole number of pieces, or leave it empty."),
    ({"pieces": "all", "tracking_number": "1"}, "Write a whole number of pieces, or leave it empty."),
]


@pytest.mark.parametrize(("typed", "message"), WRONG)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    app: Flask, browse: Browse, sale: tuple[int, int], typed: dict[str, str], message: str
) -> None:
    order_id, item_id = sale
    typed = {"pieces": "4", "tracking_carrier": "My cousin", **typed}
    fields = {f"pieces_{item_id}" if name == "pieces" else name: text for name, text in typed.items()}
    staff = browse("staff")
    before = everything(app)
    answer = Form(staff, order_id).send(**fields)
    assert answer.status_code == 422
    assert message in words(answer.text)
    assert value_of(answer.text, f"pieces-{item_id}") == typed["pieces"]
    assert value_of(answer.text, "tracking_carrier") == typed["tracking_carrier"]
    assert value_of(answer.text, "tracking_number") == typed["tracking_number"]
    assert everything(app) == before


@pytest.mark.parametrize("field", ["tracking_number", "tracking_carrier"])
def test_64_characters_are_taken(app: Flask, browse: Browse, sale: tuple[int, int], field: str) -> None:
    order_id, item_id = sale
    sent = {"tracking_number": "1", field: "é" * 64, f"pieces_{item_id}": "5"}
    assert Form(browse("staff"), order_id).send(**sent).status_code == 303
    assert "é" * 64 in parcels(app)[0]


@pytest.mark.parametrize(
    ("place", "target", "begins"),
    [
        ("row", "#ship-{id}", '<tr id="ship-{id}"'),
        ("page", "#sale", '<div id="sale">'),
        ("alone", "#ship-form", '<form id="ship-form"'),
    ],
)
def test_a_refused_form_goes_where_it_stood(
    browse: Browse, sale: tuple[int, int], place: str, target: str, begins: str
) -> None:
    order_id, item_id = sale
    answer = Form(browse("staff"), order_id, place).send(
        part=True, **{f"pieces_{item_id}": "6"}, tracking_number=UPS
    )
    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == target.format(id=order_id)
    assert answer.headers["HX-Reswap"] == "outerHTML"
    assert answer.text.strip().startswith(begins.format(id=order_id))
    assert value_of(answer.text, "tracking_number") == UPS


@pytest.mark.parametrize("place", PLACES)
def test_a_plain_browser_gets_a_refused_form_on_a_whole_page(
    browse: Browse, sale: tuple[int, int], place: str
) -> None:
    order_id, item_id = sale
    answer = Form(browse("staff"), order_id, place).send(**{f"pieces_{item_id}": "6"}, tracking_number=UPS)
    assert answer.status_code == 422
    assert answer.text.startswith("<!doctype html>")
    assert value_of(answer.text, "tracking_number") == UPS
    assert "Only 5 left to ship." in words(answer.text)


# Somebody was quicker: 409.


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("part", [False, True])
def test_a_stale_form_says_who_did_what_and_keeps_what_was_typed(
    app: Flask, browse: Browse, sale: tuple[int, int], place: str, part: bool
) -> None:
    order_id, item_id = sale
    owner = browse("owner")
    seen = version_in(owner, order_id)
    Form(browse("staff"), order_id).send(**{f"pieces_{item_id}": "3"}, tracking_number="S-1")
    before = everything(app)
    answer = Form(owner, order_id, place).send(
        part=part, **{f"pieces_{item_id}": "2"}, tracking_number="O-1", version=seen
    )
    assert answer.status_code == 409
    said = words(answer.text)
    assert "Staff shipped 3 pieces under S-1 (now). Nothing of yours was done" in said
    assert value_of(answer.text, f"pieces-{item_id}") == "2"
    assert value_of(answer.text, "tracking_number") == "O-1"
    assert value_of(answer.text, "version") == version_in(owner, order_id)  # sent again, it is right
    assert everything(app) == before
    if part:
        assert answer.headers["HX-Retarget"] in {f"#ship-{order_id}", "#sale", "#ship-form"}


def test_a_stale_form_with_nothing_left_says_so(make: Factory, browse: Browse, sale: tuple[int, int]) -> None:
    order_id, item_id = sale
    owner = browse("owner")
    seen = version_in(owner, order_id)
    make.ship(order_id, {item_id: 5})
    answer = Form(owner, order_id).send(**{f"pieces_{item_id}": "5"}, no_number="1", version=seen)
    assert answer.status_code == 409
    assert "Tradepost shipped 5 pieces" in words(answer.text)
    assert "Nothing of this sale is left to ship." in words(answer.text)


@contextmanager
def quicker(app: Flask, order_id: int, item_id: int, pieces: int) -> Iterator[None]:
    """Ship in another session just before the next act inside takes its lock."""
    with app.app_context():
        engine = db.engine
    done: list[str] = []

    def slip_in(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("BEGIN") and not done:
            done.append(statement)
            with app.app_context():
                store_id = db.session.get_one(Order, order_id).store_id
                ship(order_id, {item_id: pieces}, actor=SYSTEM, store_id=store_id)
                db.session.commit()

    event.listen(engine, "before_cursor_execute", slip_in)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", slip_in)
    assert done


@pytest.mark.parametrize(("version", "status"), [(True, 409), (False, 422)])
def test_whoever_is_quicker_by_a_hair_wins(
    app: Flask, browse: Browse, sale: tuple[int, int], version: bool, status: int
) -> None:
    order_id, item_id = sale
    owner = browse("owner")
    sent: dict[str, Any] = {f"pieces_{item_id}": "4", "tracking_number": "O-1"}
    if version:
        sent["version"] = version_in(owner, order_id)
    with quicker(app, order_id, item_id, 3):
        answer = Form(owner, order_id, "row").send(part=True, **sent)
    assert answer.status_code == status
    said = "Tradepost shipped 3 pieces" if version else "Only 2 of “Letterpress card, thank you” are left"
    assert said in words(answer.text)
    assert value_of(answer.text, "tracking_number") == "O-1"
    assert [p.inside for p in parcels(app)] == [{item_id: 3}]


# Telling the buyer.


@pytest.mark.parametrize(("sent", "mails"), [({"notify": "1"}, 1), ({}, 0)])
def test_the_buyer_is_told_where_the_tick_says_so(
    app: Flask, browse: Browse, sale: tuple[int, int], sent: dict[str, str], mails: int
) -> None:
    order_id, item_id = sale
    Form(browse("staff"), order_id).send(**{f"pieces_{item_id}": "5"}, no_number="1", **sent)
    with app.app_context():
        assert db.session.query(Outbox).count() == mails


def test_the_buyer_of_another_channel_is_told_by_that_channel(app: Flask, browse: Browse) -> None:
    (order_id,) = take_in_many(app, [replace(purchase(1), channel="etsy")])
    staff = browse("staff")
    assert "Etsy tells the buyer itself" in words(staff.get(f"{SALES}/{order_id}/ship").text)
    Form(staff, order_id).send(**{f"pieces_{order_id}": "1"}, no_number="1", notify="1")
    with app.app_context():
        assert db.session.query(Outbox).count() == 0
