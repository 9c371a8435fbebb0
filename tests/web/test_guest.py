"""A buyer without an account follows one purchase by a link, and says that it came or what is wrong."""

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.access import SYSTEM
from app.actions.audit import audit
from app.actions.guests import end_links, make_link
from app.actions.problems import note
from app.actions.purchases import BuyerSaid
from app.db import db
from app.models import Account, Buyer, Event, GuestLink, Note, OrderItem, Store
from app.statuses import ItemStatus
from tests.conftest import csrf_token
from tests.factories import AUCTION, DEAL, DIGITAL, GOODS, PICKUP, Factory
from tests.web.pages import PART, Browser, without_tokens, words

Browse = Callable[[str], Browser]
BY: dict[str, Any] = {"actor": SYSTEM, "store_id": 1}
SECRET_WORDS = "Asked twice already"


class Guest:
    """A browser in which a guest link was opened, and the id of that link."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client = client
        self.opened = client.get(f"/guest/{token}")
        self.home = self.opened.location

    def page(self) -> str:
        answer = self.client.get(self.home)
        assert answer.status_code == 200
        return answer.text

    def say(self, what: str, sent: dict[str, str], **more: Any) -> TestResponse:
        given = {"csrf_token": csrf_token(self.page()), **sent}
        return self.client.post(f"{self.home}/{what}", data=given, **more)


@pytest.fixture
def on_its_way(make: Factory) -> int:
    """A sale whose cards are on their way, with a note that is the store's own."""
    order_id = make.sale(GOODS)
    make.ship(order_id, {make.items_of(order_id)[0]: 5}, "UPS", "1Z5R89390357567127")
    with make.app.app_context():
        note(order_id, SECRET_WORDS, is_private=True, **BY)
        note(order_id, "Thank you, Maja", is_private=False, **BY)
        db.session.commit()
    return order_id


def follow(app: Flask, make: Factory, order_id: int) -> Guest:
    """Open a new link to a sale."""
    return Guest(app.test_client(), make.link(order_id)[1])


def plain(answer: TestResponse) -> tuple[int, str]:
    """Return an answer without what differs each time."""
    return answer.status_code, without_tokens(answer.text)


def test_the_link_gives_a_cookie_for_its_own_path_and_goes_on_without_the_token(
    app: Flask, make: Factory, on_its_way: int
) -> None:
    link_id, token = make.link(on_its_way)
    answer = app.test_client().get(f"/guest/{token}")
    assert (answer.status_code, answer.location) == (303, f"/guest/{link_id}")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("tradepost_guest=")
    said = {part.strip() for part in cookie.split(";")[1:]}
    assert {"HttpOnly", f"Path=/guest/{link_id}", "SameSite=Lax", "Max-Age=43200"} <= said
    assert token not in cookie + answer.text
    assert token.partition(".")[2] not in cookie


def test_a_guest_sees_what_was_bought_and_where_it_is_and_nothing_of_the_stores_own(
    app: Flask, make: Factory, on_its_way: int
) -> None:
    other = make.sale(PICKUP)
    page = follow(app, make, on_its_way).page()
    said = words(page)
    for told in (
        "Letterpress card, thank you",
        "On its way",
        "Maja Kowalczyk",
        "Thank you, Maja",
        "You bought it",
    ):
        assert told in said
    assert re.search(r'href="https://[^"]*1Z5R89390357567127', page)
    assert SECRET_WORDS not in page
    assert str(make.number_of(other)) not in page
    links = set(re.findall(r'(?:href|action|hx-post)="(/(?!static)[^"]*)"', page))
    home = re.findall(r"/guest/\d+", page)[0]
    assert links == {f"{home}/invoice", f"{home}/received", f"{home}/problem"}


def test_a_guest_has_the_invoice(app: Flask, make: Factory, on_its_way: int) -> None:
    guest = follow(app, make, on_its_way)
    said = words(guest.client.get(f"{guest.home}/invoice").text)
    assert f"Invoice {make.number_of(on_its_way)}" in said
    assert "$22.50" in said


@pytest.mark.both
def test_a_guest_says_that_it_came_and_the_history_says_who(
    app: Flask, make: Factory, on_its_way: int
) -> None:
    guest = follow(app, make, on_its_way)
    item_id = make.items_of(on_its_way)[0]
    answer = guest.say("received", {f"item-{item_id}": "1"})
    assert (answer.status_code, answer.location) == (303, guest.home)
    assert make.item_row(item_id).status == ItemStatus.COMPLETE
    with app.app_context():
        event = db.session.scalars(select(Event).where(Event.verb == "receive")).first()
        assert event is not None
        assert (event.actor_id, event.actor_kind, event.door) == (None, "guest", "page")
        assert [proof for proof in audit() if proof.broken] == []
    assert "You have it" in words(guest.page())


def test_the_store_reads_by_whom(app: Flask, make: Factory, on_its_way: int, browse: Browse) -> None:
    guest = follow(app, make, on_its_way)
    sent = {f"item-{make.items_of(on_its_way)[0]}": "1", "words": "Two are torn"}
    part = guest.say("problem", sent, headers=PART)
    assert part.text.lstrip().startswith('<div id="purchase"')
    assert "You. Two are torn" in words(part.text)
    said = words(browse("owner").get(f"/stores/papershop/sales/{on_its_way}").text)
    assert "The buyer, by their link opened a dispute" in said
    assert "From the buyer. Two are torn" in said


def test_a_guest_is_told_what_is_not_right_and_keeps_what_was_typed(
    app: Flask, make: Factory, on_its_way: int
) -> None:
    guest = follow(app, make, on_its_way)
    answer = guest.say("problem", {"words": "Torn"})
    assert answer.status_code == 422
    assert "Tick what it is about" in answer.text
    assert ">Torn</textarea>" in answer.text


def test_a_guest_has_no_word_on_payments_feedback_and_files(app: Flask, make: Factory) -> None:
    unpaid = follow(app, make, make.sale(paid=None)).page()
    assert "paid" not in re.findall(r'action="[^"]*/(\w+)"', unpaid)
    files = follow(app, make, make.sale(DIGITAL)).page()
    assert re.findall(r'action="[^"]*/(\w+)"', files) == ["problem"]
    assert "Download" not in files


def test_links_that_open_nothing_answer_alike(app: Flask, make: Factory, on_its_way: int) -> None:
    link_id, token = make.link(on_its_way)
    public_id, _, mac = token.partition(".")
    other_id, other = make.link(make.sale())
    with app.app_context():
        end_links(on_its_way, **BY)
        db.session.commit()
    browser = Guest(app.test_client(), other)
    turned = other[:-1] + ("A" if other[-1] != "A" else "Q")
    refused = [
        "x",
        "5.x",
        token,  # ended
        public_id,
        f"{public_id}.",
        f"{other.partition('.')[0]}.{mac}",
        turned,
        other + "x",
        other.upper(),
        "é" * 20,
        str(link_id),
        "9" * 18,
        "7" * 30,
    ]
    answers = {plain(browser.client.get(f"/guest/{text}")) for text in refused}
    answers |= {
        plain(app.test_client().get(f"/guest/{i}{way}")) for i in (other_id, 77) for way in ("", "/invoice")
    }
    assert len(answers) == 1
    ((status, page),) = answers
    assert status == 404
    assert "This link does not work" in page
    assert browser.page()


@pytest.mark.both
def test_an_ended_link_opens_nothing_at_the_next_request(app: Flask, make: Factory, on_its_way: int) -> None:
    guest = follow(app, make, on_its_way)
    token = csrf_token(guest.page())
    with app.app_context():
        assert end_links(on_its_way, **BY)
        db.session.commit()
        assert [proof for proof in audit() if proof.broken] == []
    assert guest.client.get(guest.home).status_code == 404
    item = f"item-{make.items_of(on_its_way)[0]}"
    answer = guest.client.post(f"{guest.home}/received", data={item: "1", "csrf_token": token})
    assert answer.status_code == 404
    assert make.item_row(make.items_of(on_its_way)[0]).status == ItemStatus.PENDING_ACQUISITION


def test_a_link_works_so_long_after_the_last_change(app: Flask, make: Factory, on_its_way: int) -> None:
    guest = follow(app, make, on_its_way)
    now = datetime.now(UTC)
    with time_machine.travel(now + timedelta(days=179), tick=False):
        _, token = make.link(on_its_way)  # a change
        assert app.test_client().get(f"/guest/{token}").status_code == 303
    with time_machine.travel(now + timedelta(days=179 + 180, hours=1), tick=False):
        assert app.test_client().get(f"/guest/{token}").status_code == 404
    with app.app_context():
        db.session.execute(update(Store).values(guest_days=400))
        db.session.commit()
    with time_machine.travel(now + timedelta(days=179 + 180, hours=1), tick=False):
        assert app.test_client().get(f"/guest/{token}").status_code == 303
        assert guest.client.get(guest.home).status_code == 404  # made anew meanwhile: this one ended
    with app.app_context():
        db.session.execute(update(Store).values(guest_days=0))
        db.session.commit()
    assert app.test_client().get(f"/guest/{token}").status_code == 404


def test_the_cookie_of_a_link_opens_no_other_and_lasts_some_hours(app: Flask, make: Factory) -> None:
    one, two = (follow(app, make, make.sale()) for _ in "12")
    cookie = one.opened.headers["Set-Cookie"].split(";")[0]
    given = {"HTTP_COOKIE": cookie}
    assert app.test_client(use_cookies=False).get(one.home, environ_overrides=given).status_code == 200
    assert app.test_client(use_cookies=False).get(two.home, environ_overrides=given).status_code == 404
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=13), tick=False):
        assert app.test_client(use_cookies=False).get(one.home, environ_overrides=given).status_code == 404


def test_two_links_in_one_browser_stay_apart(app: Flask, make: Factory) -> None:
    client, sales = app.test_client(), [make.sale(), make.sale()]
    guests = [Guest(client, make.link(order_id)[1]) for order_id in sales]
    for guest, order_id in zip(guests, sales, strict=True):
        assert f"Purchase {make.number_of(order_id)}" in guest.page()


def test_a_guest_who_is_signed_in_besides_is_still_the_guest(
    app: Flask, make: Factory, on_its_way: int, browse: Browse
) -> None:
    guest = Guest(browse("owner").client, make.link(on_its_way)[1])
    guest.say("received", {f"item-{make.items_of(on_its_way)[0]}": "1"})
    with app.app_context():
        assert db.session.scalar(select(Event.actor_kind).where(Event.verb == "receive")) == "guest"


def test_without_a_token_of_the_page_nothing_is_said(app: Flask, make: Factory, on_its_way: int) -> None:
    guest = follow(app, make, on_its_way)
    item_id = make.items_of(on_its_way)[0]
    assert guest.client.post(f"{guest.home}/received", data={f"item-{item_id}": "1"}).status_code == 400
    assert make.item_row(item_id).status == ItemStatus.PENDING_ACQUISITION


@pytest.mark.both
def test_the_link_of_a_sale_that_was_combined_leads_to_its_heir(app: Flask, make: Factory) -> None:
    told: dict[str, Any] = {"channel": "intake", "kind": "auction", "paid": None}
    old = make.sale(AUCTION, **told, buyer=(maja := buyer()))
    guest = follow(app, make, old)
    heir = make.sale(AUCTION, **told, buyer=maja)
    page = guest.page()
    assert f"Purchase {make.number_of(heir)}" in page
    assert f"Purchase {make.number_of(old)} is part of this one" in words(page)
    with app.app_context():
        assert end_links(heir, **BY)
        db.session.commit()
        assert [proof for proof in audit() if proof.broken] == []
    assert guest.client.get(guest.home).status_code == 404


def buyer() -> BuyerSaid:
    """Return a buyer whom the sender knows."""
    return BuyerSaid("Maja Kowalczyk", "maja", ref="maja")


def test_the_store_makes_renews_and_ends_the_link_on_the_sales_page(
    app: Flask, make: Factory, on_its_way: int, browse: Browse
) -> None:
    staff, at = browse("staff"), f"/stores/papershop/sales/{on_its_way}"
    assert "No link works now" in words(staff.get(at).text)
    staff.post(f"{at}/guest-link")
    first = shown(staff.get(at).text)
    assert first is not None
    guest = Guest(app.test_client(), first.rpartition("/")[2])
    assert guest.page()
    part = staff.post(f"{at}/guest-link", part=True)
    second = shown(part.text)
    assert second not in {None, first}
    assert guest.client.get(guest.home).status_code == 404
    staff.post(f"{at}/guest-link/end")
    page = staff.get(at).text
    assert shown(page) is None
    said = words(page)
    assert said.count("Staff made a guest link") == 2
    assert "Staff ended the guest link" in said
    with app.app_context():
        assert [proof for proof in audit() if proof.broken] == []


def shown(page: str) -> str | None:
    """Return the address of the guest link that a sale's page shows."""
    found = re.search(r'id="guest-href">([^<]*)<', page)
    return found[1] if found else None


def test_a_vendor_never_sees_a_link(make: Factory, on_its_way: int, browse: Browse) -> None:
    order_id = make.sale(DEAL)
    make.link(order_id)
    assert "guest-href" not in browse("vendor").get(f"/stores/papershop/sales/{order_id}").text


def test_a_store_that_gives_out_no_links_offers_none(
    app: Flask, make: Factory, on_its_way: int, browse: Browse
) -> None:
    with app.app_context():
        db.session.execute(update(Store).values(guest_days=0))
        db.session.commit()
    owner, at = browse("owner"), f"/stores/papershop/sales/{on_its_way}"
    assert "Guest link" not in owner.get(at).text
    assert owner.post(f"{at}/guest-link").status_code == 400
    with app.app_context():
        assert db.session.query(GuestLink).count() == 0


TOKEN_PATHS = (
    "/guest/{}",
    "/x//guest/{}",
    "/GUEST/{}",
    "/guest/{}/",
    "/guest/7/{}",
    "/guest/7/received/{}",
    "/x/guest/{}",
)


@pytest.mark.parametrize("path", TOKEN_PATHS)
def test_no_line_of_the_log_has_the_token(
    app: Flask, make: Factory, on_its_way: int, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    link_id, token = make.link(on_its_way)
    capsys.readouterr()
    for text in (token, token + "x", token.replace(".", "%2E", 1)):
        app.test_client().get(path.format(text)).close()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == 3
    said = json.dumps(lines)
    assert not any(part in said for part in token.split("."))
    if path == TOKEN_PATHS[0]:
        assert (lines[0]["guest_link"], lines[0]["path"], lines[0]["status"]) == (link_id, "/guest/*", 303)
        assert (lines[1]["reason"], lines[1]["status"]) == ("LinkRefused", 404)


def test_what_libraries_write_of_an_address_has_no_token_either(
    app: Flask, make: Factory, on_its_way: int, capsys: pytest.CaptureFixture[str]
) -> None:
    _, token = make.link(on_its_way)
    logging.getLogger("werkzeug").error('"GET /guest/%s HTTP/1.1" 303 -', token)
    assert "/guest/* HTTP/1.1" in capsys.readouterr().err


def test_the_log_names_the_link_by_which_a_guest_came(
    app: Flask, make: Factory, on_its_way: int, capsys: pytest.CaptureFixture[str]
) -> None:
    guest = follow(app, make, on_its_way)
    capsys.readouterr()
    guest.client.get(f"{guest.home}/invoice").close()
    (line,) = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert (line["path"], line["guest_link"]) == (f"{guest.home}/invoice", 1)


def test_a_note_of_a_buyer_with_an_account_stays_theirs(app: Flask, make: Factory) -> None:
    order_id = make.sale(account="buyer")
    guest = follow(app, make, order_id)
    guest.say("problem", {f"item-{make.items_of(order_id)[0]}": "1", "words": "Torn"})
    with app.app_context():
        told = db.session.query(Note).one()
        assert (told.is_guests, told.author_id, told.is_private) == (True, None, False)
        assert db.session.query(Buyer).join(Account).count() == 1
        assert make_link(order_id, **BY).id == 2
        assert db.session.get_one(OrderItem, 1).status == ItemStatus.PENDING_DISPUTE
