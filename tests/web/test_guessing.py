"""Guessing is slow and tells nothing: ten tries a minute, the same answer for names that are not there."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app import totp
from app.db import db
from tests.conftest import PASSWORD, csrf_token, email_of
from tests.web.mailed import change
from tests.web.pages import Browser, words
from tests.web.test_second_factor import SECRET, give, turn_on
from tests.web.test_signin import evened, is_signed_in, try_sign_in

SignIn = Callable[[str], FlaskClient]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    """A clock that stands still until it is moved."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def slow(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Any) -> Any:
    """The desk as it is shipped: ten tries a minute; returns the clock."""
    monkeypatch.setitem(app.config, "TRIES_PER_MINUTE", 10)
    monkeypatch.setitem(app.config, "INSTANCE", str(tmp_path))
    return clock


def browser_at(app: Flask, address: str = "203.0.113.7") -> FlaskClient:
    """Return a browser at an address."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def guess(app: Flask, name: str, n: int, *, address: str | None = None) -> list[int]:
    """Try n wrong passwords for a name, each from another address where none is named."""
    return [
        try_sign_in(browser_at(app, address or f"198.51.100.{k}"), name, f"wrong {k}").status_code
        for k in range(n)
    ]


@pytest.mark.parametrize("name", [email_of("owner"), "nobody@example.com", "nobody"])
def test_a_name_is_tried_ten_times_a_minute_from_wherever(app: Flask, slow: Any, name: str) -> None:
    assert guess(app, name, 12) == [200] * 10 + [429] * 2
    slow.shift(timedelta(seconds=59))
    assert guess(app, name.upper(), 1) == [429]
    slow.shift(timedelta(seconds=1))
    assert guess(app, name, 11) == [200] * 10 + [429]


def test_an_address_tries_ten_times_a_minute_whatever_the_names(app: Flask, slow: Any) -> None:
    answers = [guess(app, f"name{n}@example.com", 1, address="203.0.113.7")[0] for n in range(12)]
    assert answers == [200] * 10 + [429] * 2
    assert guess(app, "name1@example.com", 1, address="203.0.113.8") == [200]


def test_a_house_of_many_addresses_is_one(app: Flask, slow: Any) -> None:
    answers = [guess(app, f"name{n}@example.com", 1, address=f"2001:db8:1:2::{n}")[0] for n in range(11)]
    assert answers == [200] * 10 + [429]
    assert guess(app, "name1@example.com", 1, address="2001:db8:1:3::1") == [200]


def test_the_right_password_is_refused_too_and_says_when_to_come_again(app: Flask, slow: Any) -> None:
    guess(app, email_of("owner"), 10)
    client = browser_at(app)
    answer = try_sign_in(client, email_of("owner"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert "That was tried too often. Wait 60 seconds, then try again." in words(answer.text)
    assert not is_signed_in(client)
    slow.shift(timedelta(seconds=60))
    try_sign_in(client, email_of("owner"))
    assert is_signed_in(client)


def test_a_name_and_a_username_of_one_account_count_as_one(app: Flask, slow: Any) -> None:
    change(app, "owner", username="olive")
    assert guess(app, "olive", 5) + guess(app, email_of("owner"), 6) == [200] * 10 + [429]


def test_the_owner_is_not_locked_out_where_they_signed_in_before(app: Flask, slow: Any) -> None:
    theirs = browser_at(app)
    try_sign_in(theirs, email_of("owner"))
    theirs.post("/logout", data={"csrf_token": csrf_token(theirs.get("/purchases").text)})
    # Somebody guesses elsewhere, and somebody in the same house.
    assert guess(app, email_of("owner"), 11)[-1] == 429
    assert guess(app, "nobody@example.com", 11, address="203.0.113.7")[-1] == 429
    try_sign_in(theirs, email_of("owner"))
    assert is_signed_in(theirs)


@pytest.mark.parametrize(("name", "tries"), [("owner", 10), ("staff", 0)])
def test_a_known_browser_guesses_no_quicker_and_no_others_name(
    app: Flask, slow: Any, name: str, tries: int
) -> None:
    theirs = browser_at(app)
    try_sign_in(theirs, email_of("owner"))
    theirs.post("/logout", data={"csrf_token": csrf_token(theirs.get("/purchases").text)})
    guess(app, email_of(name), 10)
    answers = [try_sign_in(theirs, email_of(name), "x").status_code for _ in range(tries + 1)]
    assert answers == [200] * tries + [429]


@pytest.mark.parametrize("value", ["", "x", "e30.x.y"])
def test_a_mark_that_is_none_helps_nobody(app: Flask, slow: Any, value: str) -> None:
    guess(app, email_of("owner"), 10)
    client = browser_at(app)
    client.set_cookie("tradepost-known", value)
    assert try_sign_in(client, email_of("owner")).status_code == 429


def test_a_link_by_mail_lets_the_owner_in_while_others_guess(app: Flask, slow: Any) -> None:
    from tests.web.test_passwords import NEW, reset_token, use

    client = browser_at(app)
    use(client, reset_token(app, "owner"))
    guess(app, email_of("owner"), 10)
    try_sign_in(client, email_of("owner"), NEW)
    assert is_signed_in(client)


def test_right_ones_do_not_count(app: Flask, slow: Any) -> None:
    for _ in range(15):
        client = browser_at(app)
        try_sign_in(client, email_of("owner"))
        assert is_signed_in(client)


def test_codes_are_tried_ten_times_a_minute(app: Flask, slow: Any) -> None:
    turn_on(app, "owner")
    # from wherever: the password does not give new tries
    answers = []
    for n in range(11):
        client = browser_at(app, f"198.51.100.{n}")
        try_sign_in(client, email_of("owner"))
        answers.append(give(client, "000000").status_code)
    assert answers == [422] * 10 + [429]
    right = totp.code(SECRET, int(NOW.timestamp()) // 30)
    assert give(client, right).status_code == 429
    slow.shift(timedelta(seconds=60))
    assert give(client, totp.code(SECRET, int(NOW.timestamp()) // 30 + 2)).location == "/"


def test_codes_are_tried_a_hundred_times_a_day(app: Flask, slow: Any) -> None:
    turn_on(app, "owner")
    answers = []
    for minute in range(12):
        client = browser_at(app, f"198.51.100.{minute}")
        try_sign_in(client, email_of("owner"))
        answers += [give(client, "000000") for _ in range(10)]
        slow.shift(timedelta(seconds=61))
    assert [answer.status_code for answer in answers] == [422] * 100 + [429] * 20
    assert "Wait 24 hours, then try again." in words(answers[-1].text)
    slow.shift(timedelta(days=1))
    client = browser_at(app)
    try_sign_in(client, email_of("owner"))
    step = int(datetime.now(UTC).timestamp()) // 30
    assert give(client, totp.code(SECRET, step)).location == "/"


def test_codes_that_are_right_do_not_count_by_the_day(app: Flask, slow: Any) -> None:
    turn_on(app, "owner")
    for _ in range(102):
        client = browser_at(app)
        try_sign_in(client, email_of("owner"))
        step = int(datetime.now(UTC).timestamp()) // 30
        assert give(client, totp.code(SECRET, step)).location == "/"
        slow.shift(timedelta(seconds=61))


def test_resets_are_asked_for_ten_times_a_minute(app: Flask, slow: Any) -> None:
    def ask(email: str, address: str) -> int:
        client = browser_at(app, address)
        token = csrf_token(client.get("/forgot").text)
        return client.post("/forgot", data={"email": email, "csrf_token": token}).status_code

    assert [ask(email_of("owner"), f"198.51.100.{n}") for n in range(11)] == [303] * 10 + [429]
    assert [ask(f"n{n}@example.com", "203.0.113.9") for n in range(11)] == [303] * 10 + [429]


def test_links_are_tried_ten_times_a_minute_from_an_address(app: Flask, slow: Any, sign_in: SignIn) -> None:
    out, inside = browser_at(app), sign_in("owner")
    for client, path in ((out, "/reset"), (inside, "/account/email/confirm")):
        slow.shift(timedelta(seconds=60))
        token = csrf_token(client.get("/forgot" if client is out else "/account/email").text)
        sent = [client.post(path, data={"token": "x", "csrf_token": token}).status_code for _ in range(11)]
        assert sent == [410] * 10 + [429]


@pytest.mark.parametrize(
    "path", ["/account/password", "/account/email", "/account/second-factor", "/account/second-factor/off"]
)
def test_ones_own_password_is_asked_for_ten_times_a_minute(
    app: Flask, slow: Any, sign_in: SignIn, path: str
) -> None:
    browser = Browser(sign_in("owner"))
    sent = {"current": "x", "password": "another boat", "again": "another boat", "email": "new@example.com"}
    assert [browser.post(path, sent).status_code for _ in range(11)] == [422] * 10 + [429]
    assert browser.client.get("/purchases").status_code == 200


def test_many_at_once_are_no_more_than_ten(app: Flask, slow: Any) -> None:
    from app.errors import TooManyTries
    from app.web import guesses

    taken: list[bool] = []

    def try_once() -> None:
        with app.test_request_context(environ_base={"REMOTE_ADDR": "203.0.113.7"}):
            try:
                guesses.take("password", "somebody")
                taken.append(True)
            except TooManyTries:
                taken.append(False)

    threads = [threading.Thread(target=try_once) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(taken), len(taken)) == (10, 40)


def test_no_name_stands_in_what_is_counted_and_a_thousand_fill_one_file(
    app: Flask, slow: Any, tmp_path: Path
) -> None:
    from app.errors import TooManyTries
    from app.web import guesses

    for n in range(1000):
        at = {"REMOTE_ADDR": f"10.0.{n // 250}.{n % 250}"}
        with app.test_request_context(environ_base=at), suppress(TooManyTries):  # two names may share a ring
            guesses.take("password", f"name{n}@example.com")
    (file,) = (tmp_path / "tries").iterdir()
    assert b"name" not in file.read_bytes()
    assert file.stat().st_size <= guesses.PLACES * 12 * 8
    assert file.stat().st_mode & 0o077 == 0


def test_where_nothing_can_be_counted_people_still_come_in(app: Flask, slow: Any, tmp_path: Path) -> None:
    (tmp_path / "tries").write_text("no folder")
    client = browser_at(app)
    try_sign_in(client, email_of("owner"))
    assert is_signed_in(client)


# It tells nothing.


NAMES = (email_of("owner"), "nobody@example.com", email_of("staff"), email_of("vendor"), "nobody", "")


def test_a_wrong_password_costs_the_same_whoever_is_named(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.forms import credentials

    change(app, "staff", active=False)
    change(app, "vendor", password=None)
    compared: list[str] = []
    statements: list[str] = []
    judge = credentials.verify_password

    def counting(password: Any, kept: Any) -> bool:
        compared.append(str(kept))
        return judge(password, kept)

    monkeypatch.setattr(credentials, "verify_password", counting)
    with app.app_context():
        engine = db.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    told = set()
    for name in NAMES[:4]:
        client = app.test_client()
        token = csrf_token(client.get("/login").text)
        compared.clear(), statements.clear()
        event.listen(engine, "before_cursor_execute", note)
        try:
            answer = client.post("/login", data={"email": name, "password": "wrong", "csrf_token": token})
        finally:
            event.remove(engine, "before_cursor_execute", note)
        told.add((len(compared), tuple(statements), answer.status_code, evened(answer, name)))
    assert len(told) == 1
    assert told.pop()[0] == 1


@pytest.mark.parametrize("password", ["wrong", "", "x" * 5000, PASSWORD + " "])
def test_the_answer_is_the_same_whoever_is_named(app: Flask, password: str) -> None:
    change(app, "staff", active=False)
    change(app, "vendor", password=None)
    pages = {evened(try_sign_in(app.test_client(), name, password), name or "\0") for name in NAMES[:5]}
    assert len(pages) == 1


def test_a_disabled_account_says_nothing_even_to_whoever_knows_its_password(app: Flask) -> None:
    change(app, "staff", active=False)
    right = try_sign_in(app.test_client(), email_of("staff"))
    wrong = try_sign_in(app.test_client(), email_of("staff"), "wrong")
    assert evened(right, email_of("staff")) == evened(wrong, email_of("staff"))


def test_refusals_are_written_down_by_id(app: Flask, slow: Any, capfd: pytest.CaptureFixture[str]) -> None:
    for name in [email_of("owner")] * 11 + ["nobody@example.com"]:
        try_sign_in(browser_at(app, "198.51.100.9"), name, "secret word").close()
    said = capfd.readouterr().err
    assert said.count('"reason": "SignInRefused"') == 10
    assert said.count('"reason": "TooManyTries"') == 2
    assert said.count('"tried": ') == 11
    for secret in (email_of("owner"), "nobody@", "secret word"):
        assert secret not in said


def test_only_proxies_that_are_named_speak_for_others() -> None:
    from app import create_app
    from tests.conftest import TEST_SETTINGS

    for proxies, counted in ((0, "127.0.0.1"), (1, "203.0.113.7"), (2, "198.51.100.1")):
        desk = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": "sqlite://", "PROXIES": proxies})
        seen: list[str | None] = []
        desk.before_request_funcs.setdefault(None, []).insert(0, lambda seen=seen: seen.append(_address()))  # type: ignore[misc]
        said = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Host": "evil.example"}
        assert desk.test_client().get("/healthz", headers=said).status_code == 200
        assert seen == [counted]


def _address() -> str | None:
    """Return the address of the present request."""
    from flask import request

    assert request.host == "localhost"
    return request.remote_addr
