"""Servers that do not answer as Hip's interface does: nothing is lost, and it is said plainly."""

import json
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from flask import Flask

from app.actions import pulling
from app.actions.connections import disconnect, pause
from app.actions.jobs import TakenOver
from app.actions.pulling import LOST_AFTER
from app.db import db
from app.models import Connection, Pull, Store
from app.postman import connector
from app.postman.hip_calls import LARGEST_ANSWER
from app.seals import decrypted, encrypted
from tests.connector.market import KEY, Market, raw, sale
from tests.connector.shop import Shop

LISTED = {"count": 1, "type": "sale", "results": [], "params": {}}


def told(value: object) -> bytes:
    """Return an answer of this JSON."""
    return raw(200, json.dumps(value).encode())


TROUBLES = {
    "429": (raw(429), "The server asks to be called less often (it answered 429)."),
    "500": (raw(500, b"<h1>Oops"), "The server has trouble of its own (it answered 500)."),
    "503": (raw(503), "The server has trouble of its own (it answered 503)."),
    "401": (
        raw(401, b'{"error": "Bad key k-5f0c/secret\\u001b[0m"}'),
        "The server does not take the key (it answered 401): enter one that is valid."
        " It says: “Bad key … [0m”",
    ),
    "403": (raw(403), "The key may not do this for “JoeTheSeller” (the server answered 403)."),
    "404": (raw(404), "The server knows nothing there of “JoeTheSeller” or of the sale (it answered 404)."),
    "302": (
        raw(302, Location="http://127.0.0.1:1/"),
        "The server leads to another address (it answered 302): redirects are not followed.",
    ),
    "a page": (
        raw(200, b"<html>Sign in"),
        "The server answered something else than JSON: this is not Hip's interface.",
    ),
    "nested": (
        raw(200, b"[" * 100_000),
        "The server answered something else than JSON: this is not Hip's interface.",
    ),
    "cut off": (
        b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"count": 1, "results": [',
        "The server gave no answer that can be read.",
    ),
    "no HTTP": (b"220 mail.example ESMTP\r\n", "The server gave no answer that can be read."),
    "nothing": (b"", "The server gave no answer that can be read."),
    "a list": (told([]), "The server does not answer as Hip's interface does: there is no list of sales."),
    "another count": (
        told({**LISTED, "count": None}),
        "The server does not answer as Hip's interface does: there is no list of sales.",
    ),
    "no list": (
        told({**LISTED, "results": {"1": {}}}),
        "The server does not answer as Hip's interface does: there is no list of sales.",
    ),
    "too many": (
        told({**LISTED, "count": 10**8}),
        "The server tells of 100000000 sales of one moment: these are too many.",
    ),
}


@pytest.mark.parametrize("kind", TROUBLES)
def test_trouble_is_said_and_the_pull_goes_on_where_it_stood(shop: Shop, market: Market, kind: str) -> None:
    answer, words = TROUBLES[kind]
    market.add(sale(7))
    market.answers = [answer] * (30 if kind == "too many" else 1)
    began = datetime.now(UTC)
    connection = shop.visit()
    assert (connection.trouble, connection.tries, connection.claimed_at) == (words, 1, None)
    wait = connection.next_at - began
    assert timedelta(seconds=20) < wait < timedelta(seconds=60)
    assert KEY not in connection.trouble
    assert shop.orders() == []
    market.answers = []
    connection = shop.visit()
    assert (connection.trouble, connection.tries) == ("", 0)
    assert [order.external_id for order in shop.orders()] == ["7"]
    assert len(shop.pulls) == 1


def test_entries_that_are_no_sales_are_refused_one_by_one(shop: Shop, market: Market) -> None:
    entries = ["text", None, [], {}, {"id": "007"}, {"id": "x/../y"}, {"id": "1" * 30}, sale(7)]
    market.answers = [told({**LISTED, "count": len(entries), "results": entries})]
    shop.visit()
    assert shop.counts == (1, 0, 0, 7)
    assert shop.pulls[-1].remarks[0]["said"] == ["id: a sale without a number cannot be taken in."]


def test_an_answer_that_is_too_long_is_not_read(shop: Shop, market: Market) -> None:
    market.answers = [raw(200, b" " * (LARGEST_ANSWER + 100_000))]
    assert shop.visit().trouble == "The server's answer is too long."


def test_a_server_that_is_slow_is_left(desk: Flask, shop: Shop, market: Market) -> None:
    desk.config["MARKET_TIMEOUT"] = 0.2
    left, is_over = Event(), Event()
    market.before, market.after = lambda _: left.wait(5), lambda _: is_over.set()
    assert shop.visit().trouble == "The server did not answer in time."
    left.set()
    assert is_over.wait(5)


def test_trouble_that_lasts_is_met_ever_more_seldom(shop: Shop, market: Market) -> None:
    waits = []
    for _ in range(10):
        market.answers = [raw(500)]
        began = datetime.now(UTC)
        waits.append(shop.visit().next_at - began)
    assert waits[0] < timedelta(minutes=1) < timedelta(minutes=4) < waits[4]
    assert timedelta(minutes=45) <= waits[-1] <= timedelta(minutes=76)


@pytest.mark.both
def test_of_two_workers_one_pulls(shop: Shop, market: Market) -> None:
    market.add(sale(7))
    shop.change(next_at=datetime.now(UTC) - timedelta(hours=1))
    (connection_id,) = pulling.ready()
    first = pulling.claim(connection_id)
    db.session.commit()
    assert first is not None
    assert pulling.claim(connection_id) is None
    assert pulling.ready() == []
    db.session.rollback()
    connector.go_round()
    assert market.calls == []
    # The first is not heard of any more: another takes over, and what the first still brings is not wanted.
    shop.change(claimed_at=first.mark - LOST_AFTER)
    connector.go_round()
    assert len(shop.orders()) == 1
    with pytest.raises(TakenOver):
        pulling.hold_on(first)
    db.session.rollback()


@pytest.mark.both
def test_a_pull_that_was_cut_off_goes_on_where_it_stood(
    shop: Shop, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.postman.connector.LONGEST_WINDOW", timedelta(days=2))
    market.add(*(sale(n, created_at=f"2026-11-{n + 1:02} 10:00:00") for n in range(1, 21)))
    lists: list[str] = []

    def die(call: object) -> None:
        lists.append(market.calls[-1].asked["created_time_from"])
        if len(lists) == 5:
            raise ConnectionError

    market.before = die
    shop.visit()
    (pull,) = shop.pulls
    assert pull.ended_at is None
    assert pull.at == datetime(2026, 11, 9, tzinfo=UTC)
    n = len(shop.orders())
    assert 0 < n < 20
    shop.visit()
    assert lists[5] == lists[4] == "2026-11-09 00:00:00"
    (pull,) = shop.pulls
    assert (pull.new, pull.same, pull.refused) == (20, 0, 0)
    assert [int(order.external_id or 0) for order in shop.orders()] == [*range(1, 21)]


@pytest.mark.both
def test_what_is_taken_in_and_where_the_pull_stands_are_written_together(
    shop: Shop, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.postman.connector.BATCH", 2)
    market.add(*(sale(n) for n in range(1, 6)))
    keep, kept = pulling.keep, []

    def fail(*told: Any) -> Any:
        kept.append(keep(*told))
        if len(kept) == 2:
            raise RuntimeError("cut off before the commit")
        return kept[-1]

    monkeypatch.setattr(pulling, "keep", fail)
    connection = shop.visit()
    assert connection.trouble == "The visit could not be finished: the desk's log says why."
    assert [order.external_id for order in shop.orders()] == ["1", "2"]
    assert (shop.pulls[-1].at, shop.pulls[-1].new) == (connection.since, 2)
    shop.visit()
    assert len(shop.orders()) == 5
    assert (shop.pulls[-1].new, shop.pulls[-1].same) == (5, 2)


def test_a_connection_that_is_paused_or_ended_is_left_alone(shop: Shop, market: Market) -> None:
    market.add(sale(7, flag_payment="1"))
    shop.visit()
    shop.ship(7)
    shop.ripen()
    calls = len(market.calls)
    pause(**shop.by)
    db.session.commit()
    shop.visit()
    disconnect(**shop.by)
    db.session.commit()
    shop.visit()
    assert len(market.calls) == calls
    assert (shop.connection.sealed_key, shop.connection.ended_at is not None) == (None, True)


def test_a_store_that_is_disabled_is_left_alone_until_it_is_open_again(shop: Shop, market: Market) -> None:
    market.add(sale(7))
    store = db.session.get_one(Store, 1)
    store.is_active = False
    db.session.commit()
    shop.visit()
    assert market.calls == []
    store.is_active = True
    db.session.commit()
    shop.visit()
    assert len(shop.orders()) == 1


def test_a_visit_ends_with_the_connection(shop: Shop, market: Market) -> None:
    market.add(sale(7))

    def end(_: object) -> None:
        market.before = lambda _: None
        with shop.app.app_context():
            disconnect(**shop.by)
            db.session.commit()

    market.before = end
    shop.visit()
    assert shop.orders() == []
    assert db.session.query(Pull).one().at == shop.connection.since


def test_a_key_is_sealed_for_its_store_by_the_desks_secret(shop: Shop, market: Market) -> None:
    sealed = shop.connection.sealed_key or ""
    secret = shop.app.config["SECRET_KEY"]
    assert KEY not in sealed
    assert decrypted(secret, "connection:1", sealed) == KEY.encode()
    assert encrypted(secret, "connection:1", KEY.encode()) != sealed
    for key, purpose, text in (
        ("another secret", "connection:1", sealed),
        (secret, "connection:2", sealed),
        (secret, "connection:1", sealed[:-4] + "AAA="),
        (secret, "connection:1", "ü"),
    ):
        assert decrypted(key, purpose, text) is None
    shop.change(sealed_key=encrypted("another secret", "connection:1", KEY.encode()))
    assert shop.visit().trouble.startswith("The key cannot be read")
    assert market.calls == []


def test_the_key_stands_in_no_address_and_in_no_log(
    shop: Shop, market: Market, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    market.add(sale(7, flag_payment="1"))
    shop.visit()
    shop.ship(7)
    shop.ripen()
    market.answers = [None, raw(500)]
    shop.visit()
    out = capfd.readouterr()
    assert "a call came to nothing" in caplog.text
    assert KEY not in out.out + out.err + caplog.text
    assert market.calls
    for call in market.calls:
        assert call.headers["x-apikey"] == KEY
        assert "k-5f0c" not in call.path + str(call.asked)


def test_a_store_without_a_connection_costs_its_sales_nothing(shop: Shop, market: Market) -> None:
    db.session.query(Connection).delete()
    db.session.commit()
    assert pulling.ready() == []
