"""The page of a store's connection: checked by one call, watched, pulled at once, paused, ended."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.db import db
from app.models import Connection, Event, Member
from app.postman import connector
from tests.connector.market import KEY, USER, Market, opened, raw, sale
from tests.connector.shop import Shop
from tests.web.pages import Browser, words

Browse = Callable[[str], Browser]
AT = "/stores/papershop/settings/connections"


@pytest.fixture(scope="module")
def server() -> Iterator[Market]:
    """A marketplace."""
    with opened() as market:
        yield market


@pytest.fixture
def market(server: Market, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Market:
    """The same, empty; the desk may call it."""
    monkeypatch.setattr("app.postman.hip_calls.SECONDS_BETWEEN", 0)
    monkeypatch.setitem(app.config, "WEBHOOK_PRIVATE", True)
    server.empty()
    return server


def account(market: Market, **changes: str) -> dict[str, str]:
    """Return what a browser sends to connect a store."""
    return {
        "base_url": f"{market.url}/",
        "username": USER,
        "api_key": KEY,
        "zone": "UTC",
        "since": "2026-11-01",
        **changes,
    }


def connected(browser: Browser, market: Market) -> str:
    """Connect the paper shop by its page; return the page that follows."""
    answer = browser.post(AT, account(market))
    assert (answer.status_code, answer.location) == (303, AT)
    return browser.get(AT).text


def look(app: Flask, what: Callable[[Shop], Any]) -> Any:
    """Do or read something of the shop, outside of every request."""
    with app.app_context():
        return what(Shop(app))


def come_by(app: Flask) -> None:
    """Let the connector come by."""
    look(app, lambda shop: shop.visit())


def count(app: Flask) -> int:
    """Return how many connections there are."""
    return int(look(app, lambda _: db.session.query(Connection).count()))


def connection(app: Flask) -> dict[str, Any]:
    """Return the connection as it is now."""
    return dict(
        look(
            app, lambda shop: {c.name: getattr(shop.connection, c.name) for c in Connection.__table__.columns}
        )
    )


def events(app: Flask) -> list[Any]:
    """Return the events of connecting."""
    return list(
        look(app, lambda _: db.session.execute(select(Event.__table__).where(Event.verb == "connect")).all())
    )


def test_a_store_is_connected_after_one_call(app: Flask, browse: Browse, market: Market) -> None:
    owner = browse("owner")
    page = connected(owner, market)
    (call,) = market.calls
    assert (call.path, call.asked, call.headers["x-apikey"]) == (
        f"/stores/{USER}/sales/all",
        {"limit": "1"},
        KEY,
    )
    assert "The store is connected" in page
    row = connection(app)
    assert [row[n] for n in ("base_url", "username", "zone", "store_id")] == [market.url, USER, "UTC", 1]
    assert KEY not in str(row)
    (event,) = events(app)
    assert (event.row_kind, event.row_id, event.door) == ("connection", row["id"], "page")
    assert KEY not in str(event.after) and USER not in str(event.after)


def test_the_key_is_never_shown_again(app: Flask, browse: Browse, market: Market) -> None:
    owner = browse("owner")
    pages = [connected(owner, market), owner.post(AT, account(market, zone="Mars")).text]
    market.answers = [raw(401)]
    pages.append(owner.post(AT, account(market)).text)
    for page in pages:
        assert KEY not in unescape(page)
    assert "Mars" in pages[1]


@pytest.mark.parametrize(
    ("answer", "words_"),
    [
        (raw(401), "The server does not take the key (it answered 401)"),
        (raw(404), f"The server knows nothing there of “{USER}”"),
        (raw(200, b"<html>"), "this is not Hip's interface"),
        (raw(429, Retry_After="60"), "asks to be called less often"),
        (b"", "gave no answer that can be read"),
    ],
)
def test_what_is_wrong_with_an_account_is_said_and_nothing_is_kept(
    app: Flask, browse: Browse, market: Market, answer: bytes, words_: str
) -> None:
    market.answers = [answer]
    page = browse("owner").post(AT, account(market))
    assert page.status_code == 422
    assert words_ in unescape(page.text)
    assert f'value="{USER}"' in page.text
    assert count(app) == 0


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("base_url", "ftp://shop.example", "Write an address that begins with https://."),
        ("base_url", "https://joe:secret@shop.example/api", "Leave out user and password"),
        ("base_url", "https://shop.example/api?x=1", "Leave out what begins with ?"),
        ("base_url", "", "This is empty."),
        ("username", "", "This is empty."),
        ("api_key", "two words", "without blanks"),
        ("api_key", "ключ", "without blanks"),
        ("zone", "Mars", "is no time zone that we know"),
        ("since", "2999-01-01", "Write a day that has been"),
        ("since", "yesterday", "Write a day that has been"),
        ("more", "1", "is no field of this form"),
    ],
)
def test_a_form_that_cannot_be_right_calls_nobody(
    browse: Browse, market: Market, name: str, value: str, said: str
) -> None:
    answer = browse("owner").post(AT, account(market, **{name: value}))
    assert answer.status_code == 422
    assert said in unescape(answer.text)
    assert market.calls == []


def test_private_addresses_are_called_only_where_that_is_allowed(
    app: Flask, browse: Browse, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WEBHOOK_PRIVATE", False)
    owner = browse("owner")
    for url in (market.url, market.url.replace("http:", "https:"), "https://localhost/api"):
        assert owner.post(AT, account(market, base_url=url)).status_code == 422
    assert market.calls == []


def test_the_page_tells_what_came(app: Flask, browse: Browse, market: Market) -> None:
    owner = browse("owner")
    assert "Never yet." in connected(owner, market)
    market.add(sale(7), sale(8, flag_payment="1"), sale(9, currency="?"))
    come_by(app)
    page = words(owner.get(AT).text)
    assert "2 new, 0 changed, 0 same, 1 refused" in page
    assert "9 Refused currency: “?” is no currency that we know" in page
    assert "Hip knows all that happened here." in page
    market.sales[7]["flag_payment"] = "1"
    come_by(app)
    page = owner.get(AT).text
    assert "0 new, 1 changed, 1 same, 1 refused" in words(page)
    assert f'href="/stores/papershop/sales/{look(app, lambda shop: shop.order(7).id)}"' in page


def test_remarks_that_quote_a_sale_are_hidden_with_what_is_personal(
    app: Flask, browse: Browse, market: Market
) -> None:
    connected(browse("owner"), market)
    market.add(sale(9, currency="?"))
    come_by(app)
    staff = browse("staff")
    for rights, is_seen in ((["settings"], True), (["settings", "-see personal data"], False)):
        with app.app_context():
            place = db.session.query(Member).filter_by(store_id=1, role="staff").one()
            place.rights = rights
            db.session.commit()
        page = words(staff.get(AT).text)
        assert "9 Refused" in page
        assert ("is no currency that we know" in page) is is_seen


def test_a_pull_can_be_asked_for(app: Flask, browse: Browse, market: Market) -> None:
    owner = browse("owner")
    connected(owner, market)
    come_by(app)
    market.add(sale(7))
    assert owner.post(f"{AT}/pull").status_code == 303
    look(app, lambda _: connector.go_round())
    assert look(app, lambda shop: [order.external_id for order in shop.orders()]) == ["7"]


def test_a_connection_is_paused_and_goes_on(app: Flask, browse: Browse, market: Market) -> None:
    owner = browse("owner")
    connected(owner, market)
    market.add(sale(7))
    assert owner.post(f"{AT}/pause").status_code == 303
    page = owner.get(AT).text
    assert "Paused" in page and "Go on" in page and "Pull now" not in page
    come_by(app)
    assert market.calls[1:] == []
    assert owner.post(f"{AT}/resume").status_code == 303
    come_by(app)
    assert len(look(app, lambda shop: shop.orders())) == 1


def test_a_store_is_disconnected_and_its_key_forgotten(app: Flask, browse: Browse, market: Market) -> None:
    owner = browse("owner")
    connected(owner, market)
    market.add(sale(7))
    come_by(app)
    assert owner.post(f"{AT}/end").status_code == 303
    assert "Connect an account" in owner.get(AT).text
    row = connection(app)
    assert (row["sealed_key"], row["ended_at"] is not None) == (None, True)
    assert len(look(app, lambda shop: shop.orders())) == 1
    for what in ("pull", "pause", "resume", "end"):
        answer = owner.post(f"{AT}/{what}")
        assert (answer.status_code, "This store is not connected." in answer.text) == (409, True)
    # The same account may come back; another one, whose sales may have the same numbers, may not.
    answer = owner.post(AT, account(market, username="Somebody"))
    assert (answer.status_code, "sales of another account" in answer.text) == (409, True)
    connected(owner, market)
    come_by(app)
    assert look(app, lambda shop: shop.counts) == (0, 0, 1, 0)


def test_a_key_can_be_replaced(app: Flask, browse: Browse, market: Market) -> None:
    owner = browse("owner")
    connected(owner, market)
    market.answers = [raw(401)]
    come_by(app)
    page = owner.get(AT).text
    assert "The server does not take the key (it answered 401): enter one that is valid." in page
    assert owner.post(AT, account(market, api_key="another")).status_code == 303
    look(app, lambda _: connector.go_round())
    assert market.calls[-1].headers["x-apikey"] == "another"
    assert connection(app)["trouble"] == ""
    assert count(app) == 1


def test_what_is_not_told_yet_stands_there_and_is_told_again(
    app: Flask, browse: Browse, market: Market
) -> None:
    owner = browse("owner")
    connected(owner, market)
    market.add(sale(7, flag_payment="1"), sale(8, flag_payment="1"))
    come_by(app)
    for n in (7, 8):
        look(app, lambda shop, n=n: shop.ship(n, f"1Z {n}"))
    page = words(owner.get(AT).text)
    assert "Shipped, tracking 1Z 7 Waits sale 7 there" in page
    assert "Tell again" not in page
    market.refuses[7] = 400, "It is locked."
    look(app, lambda shop: shop.ripen())
    come_by(app)
    order_id = look(app, lambda shop: shop.order(7).id)
    page = words(owner.get(AT).text)
    assert "1Z 8" not in page
    assert "It says: “It is locked.” It is not told by itself any more. Tell again" in page
    market.refuses.clear()
    again = re.search(r'action="([^"]+/again)"', owner.get(AT).text)
    assert again and again[1] == f"{AT}/sales/{order_id}/again"
    assert owner.post(again[1]).status_code == 303
    look(app, lambda _: connector.go_round())
    assert market.sales[7]["flag_shipping"] == "1"
    assert "Hip knows all that happened here." in owner.get(AT).text
    assert owner.post(again[1]).status_code == 404


def test_who_may_not_see_settings_sees_no_connection(browse: Browse) -> None:
    assert browse("staff").get(AT).status_code == 403
    assert browse("owner2").get(AT).status_code == 404
    assert browse("staff").post(f"{AT}/pull").status_code == 403


def test_a_site_admin_connects_as_one(app: Flask, browse: Browse, market: Market) -> None:
    connected(browse("site_admin"), market)
    assert [event.actor_kind for event in events(app)] == ["admin"]


def test_what_a_marketplace_says_is_shown_as_text(app: Flask, browse: Browse, market: Market) -> None:
    owner = browse("owner")
    connected(owner, market)
    evil = "<script>alert(1)</script>"
    market.add(sale(7, currency=evil), sale(8, buyer_username=evil, postage_method=evil, tracking_link=evil))
    come_by(app)
    assert evil not in owner.get(AT).text
    assert "&lt;script&gt;" in owner.get(AT).text
