"""Hand-off links: opened they ask, pressed they let in one person, once; and never into another site."""

import html
import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.db import db
from app.models import Account, Handoff, Signin
from tests.conftest import csrf_token, email_of
from tests.rules.books import everything
from tests.web.test_second_factor import give, turn_on

Handing = Callable[..., str]
SITE = ("write:site",)


@pytest.fixture
def hand_over(app: Flask, token: Callable[..., dict[str, str]]) -> Handing:
    """Return what makes a link, as a marketplace's program does, and gives its path and query."""

    def link(who: str = "buyer", path: str = "/purchases") -> str:
        headers = token("site_admin", scopes=SITE)
        sent = {"email": email_of(who), "path": path}
        answer = app.test_client().post("/api/site/handoffs", json=sent, headers=headers)
        assert answer.status_code == 201, answer.text
        parts = urlsplit(answer.json["url"])
        answer.close()
        assert (parts.scheme, parts.netloc, parts.path) == ("http", "localhost", "/login/handoff")
        return f"{parts.path}?{parts.query}"

    return link


def press(browser: FlaskClient, link: str) -> TestResponse:
    """Open a link and press its button."""
    page = browser.get(link)
    assert page.status_code == 200, page.text
    return browser.post("/login/handoff", data={"csrf_token": csrf_token(page.text), "key": key_of(link)})


def key_of(link: str) -> str:
    """Return the key that stands in a link."""
    return parse_qs(urlsplit(link).query)["key"][0]


def signed_in_as(browser: FlaskClient) -> str:
    """Return the e-mail of whoever is signed in; "" for nobody."""
    answer = browser.get("/purchases")
    return "" if answer.status_code == 303 else re.search(r"[\w.+-]+@example\.com", answer.text)[0]  # type: ignore[index]


def test_a_link_asks_and_then_signs_in_and_leads_on(
    app: Flask, client: FlaskClient, hand_over: Handing
) -> None:
    link = hand_over(path="/purchases?tab=received")
    page = client.get(link)
    assert "Go on as <bdi>Buyer</bdi>?" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    answer = press(client, link)
    assert (answer.status_code, answer.location) == (303, "/purchases?tab=received")
    assert signed_in_as(client) == email_of("buyer")


def test_a_second_factor_is_asked_for_too(app: Flask, client: FlaskClient, hand_over: Handing) -> None:
    codes = turn_on(app, "buyer")
    answer = press(client, hand_over(path="/purchases?tab=received"))
    assert answer.location == "/login/code"
    assert signed_in_as(client) == ""
    assert give(client, codes[0]).location == "/purchases?tab=received"
    assert signed_in_as(client) == email_of("buyer")


def test_opening_a_link_changes_nothing_however_often(
    app: Flask, client: FlaskClient, hand_over: Handing
) -> None:
    link = hand_over()
    before = everything(app)
    for method in ("GET", "HEAD", "GET"):
        assert client.open(link, method=method).status_code == 200
    assert signed_in_as(client) == ""
    assert everything(app) == before
    assert press(client, link).status_code == 303


def test_a_link_is_used_up_by_the_first_press(client: FlaskClient, app: Flask, hand_over: Handing) -> None:
    link = hand_over()
    other = app.test_client()
    token = csrf_token(other.get(link).text)
    assert press(client, link).status_code == 303
    answer = other.post("/login/handoff", data={"csrf_token": token, "key": key_of(link)})
    assert answer.status_code == 410
    assert "It works once" in answer.text
    assert client.get(link).status_code == 410
    assert signed_in_as(other) == ""


def test_a_press_needs_the_forms_token(client: FlaskClient, hand_over: Handing) -> None:
    link = hand_over()
    client.get(link)
    for sent in ({}, {"csrf_token": "x"}):
        assert client.post("/login/handoff", data={"key": key_of(link), **sent}).status_code == 400
    assert client.post(link, data={}).status_code == 400
    assert signed_in_as(client) == ""
    assert press(client, link).status_code == 303


def test_a_link_lasts_for_a_minute(client: FlaskClient, hand_over: Handing) -> None:
    with time_machine.travel(datetime(2026, 11, 21, 12, tzinfo=UTC), tick=False) as clock:
        link = hand_over()
        clock.shift(timedelta(seconds=59))
        token = csrf_token(client.get(link).text)
        clock.shift(timedelta(seconds=1))
        assert client.get(link).status_code == 410
        answer = client.post("/login/handoff", data={"csrf_token": token, "key": key_of(link)})
        assert answer.status_code == 410
        assert signed_in_as(client) == ""


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        "'--",
        "\0",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "a" * 43,
        "é" * 43,
        "k" * 9000,
    ],
)
def test_a_key_of_none_is_over_too(client: FlaskClient, hand_over: Handing, key: str) -> None:
    hand_over()
    assert client.get("/login/handoff", query_string={"key": key}).status_code == 410
    token = csrf_token(client.get("/login").text)
    assert client.post("/login/handoff", data={"csrf_token": token, "key": key}).status_code == 410


def test_whoever_is_signed_in_is_told_and_signed_out_first(
    app: Flask, sign_in: Callable[[str], FlaskClient], hand_over: Handing
) -> None:
    browser = sign_in("owner")
    link = hand_over()
    assert "You are signed in here as <bdi>Owner</bdi>" in browser.get(link).text
    press(browser, link)
    assert signed_in_as(browser) == email_of("buyer")
    with app.app_context():
        owner = db.session.query(Account).filter_by(email=email_of("owner")).one().id
        assert [s.ended_at is not None for s in db.session.query(Signin).filter_by(account_id=owner)] == [
            True
        ]
    again = hand_over()
    assert "You are signed in here" not in browser.get(again).text


def test_a_name_is_text_and_no_html(app: Flask, client: FlaskClient, hand_over: Handing) -> None:
    with app.app_context():
        name = "<img src=x onerror=alert(1)>"
        db.session.query(Account).filter_by(email=email_of("buyer")).one().name = name
        db.session.commit()
    page = client.get(hand_over()).text
    assert name not in page
    assert html.escape(name) in page


def test_the_link_stands_hashed_in_the_database_and_in_no_log(
    app: Flask, client: FlaskClient, hand_over: Handing, capsys: pytest.CaptureFixture[str]
) -> None:
    link = hand_over()
    answer = press(client, link)
    answer.close()
    told = capsys.readouterr().err
    with app.app_context():
        kept = db.session.query(Handoff).one()
        buyer = db.session.query(Account).filter_by(email=email_of("buyer")).one().id
    assert key_of(link) not in told + str(everything(app))
    lines = [json.loads(line) for line in told.splitlines()]
    made = next(line for line in lines if line["path"] == "/api/site/handoffs")
    used = next(line for line in lines if line["path"] == "/login/handoff" and line["method"] == "POST")
    assert (made["did"], made["handoff"], made["whose"]) == ("made a hand-off", kept.id, buyer)
    assert (used["did"], used["way"], used["handoff"], used["account"]) == (
        "signed in",
        "handoff",
        kept.id,
        buyer,
    )


def test_a_link_that_is_over_is_a_refusal_in_the_log(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.get(f"/login/handoff?key={'a' * 43}").close()
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["reason"] == "LinkIsOver"


@pytest.mark.both
def test_of_many_who_press_at_once_one_is_let_in(app: Flask, hand_over: Handing) -> None:
    link = hand_over()
    browsers = [app.test_client() for _ in range(6)]
    tokens = [csrf_token(browser.get(link).text) for browser in browsers]
    together, answered = threading.Barrier(len(browsers)), []

    def run(browser: FlaskClient, token: str) -> None:
        together.wait()
        sent: dict[str, Any] = {"csrf_token": token, "key": key_of(link)}
        answered.append(browser.post("/login/handoff", data=sent).status_code)

    threads = [threading.Thread(target=run, args=pair) for pair in zip(browsers, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answered) == [303, 410, 410, 410, 410, 410]
    assert len([browser for browser in browsers if signed_in_as(browser)]) == 1
