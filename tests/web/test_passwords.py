"""One's password: what it may be, how it is changed, and how it is set anew by a link that came by mail."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.db import db
from app.forms.passwords import commonest, fault_of
from app.models import Signin
from tests.conftest import PASSWORD, csrf_token, email_of
from tests.web.mailed import account, change, delivered, link_in, outbox_rows, token_in
from tests.web.pages import Browser, words
from tests.web.test_signin import is_signed_in, try_sign_in

SignIn = Callable[[str], FlaskClient]
NEW = "another boat on the pond"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def ask(client: FlaskClient, email: str) -> TestResponse:
    """Ask for a link to an address."""
    return client.post("/forgot", data={"email": email, "csrf_token": csrf_token(client.get("/forgot").text)})


def use(client: FlaskClient, token: str, password: str = NEW, again: str | None = None) -> TestResponse:
    """Set a password by a link's token."""
    csrf = csrf_token(client.get("/forgot").text)
    sent = {"token": token, "password": password, "again": again or password, "csrf_token": csrf}
    return client.post("/reset", data=sent, buffered=True)


def reset_token(app: Flask, who: str) -> str:
    """Ask for a link to one of the cast and take its token out of the mail."""
    ask(app.test_client(), email_of(who))
    (written,) = delivered(app)
    assert written.to == email_of(who)
    return token_in(written)


# What it may be.


@pytest.mark.parametrize(
    "password",
    [
        "korb 7 wolke",
        "käsebrot ist gut",
        "        x       y",
        "密码密码密码密码",
        "aaaaaaaaaaaa1b",
        "p" * 100 + "!",
    ],
)
def test_any_characters_make_a_password(password: str) -> None:
    assert fault_of(password, ["owner@example.com", "Olive Owner", "Paper Shop"]) is None


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("seven77", "8 characters at least"),
        ("x" * 129, "128 characters at most"),
        ("password", "tried first"),
        ("PASSWORD", "tried first"),
        ("qwertyuiop", "tried first"),
        ("owner@example.com", "easily guessed"),
        ("kowalczyk77", "easily guessed"),
        ("Kowalczyk!1", "easily guessed"),
        ("tradepost2026", "easily guessed"),
        ("papiershop1", "easily guessed"),
    ],
)
def test_a_weak_password_is_refused(password: str, says: str) -> None:
    about = ["owner@example.com", "Maja Kowalczyk", None, "Papiershop"]
    assert says in (fault_of(password, about) or "")


def test_thirty_thousand_of_the_commonest_are_refused() -> None:
    assert len(commonest()) == 30_000
    assert all(fault_of(password, []) for password in commonest())


# Changed.


@pytest.mark.both
def test_whoever_knows_the_password_changes_it_and_every_other_session_ends(
    app: Flask, sign_in: SignIn
) -> None:
    here, there = sign_in("owner"), sign_in("owner")
    browser = Browser(here)
    kept = here.get_cookie("tradepost")
    assert kept is not None
    answer = browser.post("/account/password", {"current": PASSWORD, "password": NEW, "again": NEW})
    assert answer.location == "/account"
    assert is_signed_in(here)
    assert not is_signed_in(there)
    old = app.test_client()
    old.set_cookie("tradepost", kept.value)  # this browser has a new session too
    assert not is_signed_in(old)
    assert "Your password was changed" in [written.subject for written in delivered(app)]
    assert not is_signed_in(tried(app, PASSWORD))
    assert is_signed_in(tried(app, NEW))


def tried(app: Flask, password: str) -> FlaskClient:
    """Return a browser in which the owner tried to sign in with a password."""
    client = app.test_client()
    try_sign_in(client, email_of("owner"), password)
    return client


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"current": "wrong"}, "This is not your password."),
        ({"current": ""}, "This is not your password."),
        ({"again": "another boat on the pound"}, "This is not the same."),
        ({"password": "password", "again": "password"}, "tried first"),
        ({"password": "owner 2026", "again": "owner 2026"}, "easily guessed"),
        ({"password": "paper shop", "again": "paper shop"}, "easily guessed"),
        ({"password": "", "again": ""}, "This is empty."),
    ],
)
def test_a_change_that_is_not_right_is_refused(
    app: Flask, sign_in: SignIn, changes: dict[str, str], says: str
) -> None:
    client = sign_in("owner")
    sent = {"current": PASSWORD, "password": NEW, "again": NEW, **changes}
    answer = Browser(client).post("/account/password", sent)
    assert answer.status_code == 422
    assert says in words(answer.text)
    assert PASSWORD not in answer.text
    assert NEW not in answer.text
    assert account(app, "owner").password == PASSWORD
    assert is_signed_in(client)


# Set anew.


@pytest.mark.both
def test_a_link_by_mail_sets_a_new_password_once_and_ends_every_session(app: Flask, sign_in: SignIn) -> None:
    before, client = sign_in("buyer"), app.test_client()
    token = reset_token(app, "buyer")
    assert "Set a new password" in client.get(f"/reset?token={token}").text
    assert use(client, token).location == "/login"
    assert not is_signed_in(before)
    assert not is_signed_in(client)  # one signs in with it, second factor and all
    try_sign_in(client, email_of("buyer"), NEW)
    assert is_signed_in(client)
    assert use(app.test_client(), token, "a third boat on the pond").status_code == 410
    assert account(app, "buyer").password == NEW
    assert account(app, "buyer").email_proved_at is not None


def test_no_secret_of_a_link_stands_in_the_database_or_the_log(
    app: Flask, capfd: pytest.CaptureFixture[str]
) -> None:
    token = reset_token(app, "buyer")
    app.test_client().get(f"/reset?token={token}")
    use(app.test_client(), token)
    said = capfd.readouterr().err
    assert '"reset asked"' in said
    assert '"reset used"' in said
    kept = "".join(f"{row.payload}{row.dedupe}{row.trouble}" for row in outbox_rows(app))
    for text in (said, kept):
        assert token not in text
        assert token.rsplit(".", 1)[1] not in text
    assert email_of("buyer") not in said
    assert NEW not in said


@pytest.mark.parametrize("minutes", [59, 61])
def test_a_link_holds_for_an_hour(app: Flask, client: FlaskClient, minutes: int) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        token = reset_token(app, "buyer")
        clock.shift(timedelta(minutes=minutes))
        assert client.get(f"/reset?token={token}").status_code == (200 if minutes < 60 else 410)


def test_the_hour_begins_when_the_mail_is_written(app: Flask, client: FlaskClient) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        ask(client, email_of("buyer"))
        clock.shift(timedelta(hours=5))  # the mail server was away
        (written,) = delivered(app)
        assert client.get(link_in(written)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"fs_uniquifier": "f" * 64},
        {"email": "other@example.com"},
        {"active": False},
        {"email_proved_at": NOW},
    ],
)
def test_a_link_ends_with_what_it_hangs_on(
    app: Flask, client: FlaskClient, changes: dict[str, object]
) -> None:
    token = reset_token(app, "buyer")
    change(app, "buyer", **changes)
    assert client.get(f"/reset?token={token}").status_code == 410
    assert use(client, token).status_code == 410


def test_a_link_of_another_purpose_or_a_bent_one_does_nothing(app: Flask, sign_in: SignIn) -> None:
    browser = Browser(sign_in("buyer"))
    browser.post("/account/email", {"email": "new@example.com", "current": PASSWORD})
    (written,) = delivered(app)
    other, token = token_in(written), reset_token(app, "buyer")
    head, rest = token.split(".", 1)
    bent = [other, token[:-1], token + "x", head[:-2] + "AA." + rest, "", "x", "a.b.c", "ÿ", "x" * 5000]
    for wrong in bent:
        assert app.test_client().get("/reset", query_string={"token": wrong}).status_code == 410
        assert use(app.test_client(), wrong).status_code == 410
        confirmed = browser.client.get("/account/email/confirm", query_string={"token": token})
        assert confirmed.status_code == 410
    assert account(app, "buyer").password == PASSWORD


def test_two_who_use_a_link_at_once_set_one_password(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    token = reset_token(app, "buyer")

    def hashed_meanwhile(password: str) -> str:  # which takes its time; another one is quicker
        monkeypatch.undo()
        assert use(app.test_client(), token, "the quicker boat on the pond").location == "/login"
        return password

    monkeypatch.setattr("app.web.passwords.hash_password", hashed_meanwhile)
    assert use(app.test_client(), token).status_code == 410
    assert account(app, "buyer").password == "the quicker boat on the pond"


def test_asking_says_the_same_and_does_as_much_whoever_has_the_address(app: Flask) -> None:
    change(app, "staff", active=False)
    change(app, "vendor", password=None)
    told, written = set(), []
    with app.app_context():
        engine = db.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        written.append(statement)

    for email in (email_of("owner"), email_of("staff"), email_of("vendor"), "nobody@example.com"):
        client = app.test_client()
        token = csrf_token(client.get("/forgot").text)
        written.clear()
        event.listen(engine, "before_cursor_execute", note)
        try:
            answer = client.post("/forgot", data={"email": email, "csrf_token": token})
        finally:
            event.remove(engine, "before_cursor_execute", note)
        shown = words(client.get(answer.location).text)
        told.add((answer.status_code, answer.location, shown, tuple(written)))
    assert len(told) == 1
    assert "If an account has this e-mail, a link is on its way" in told.pop()[2]
    assert [written.to for written in delivered(app)] == [email_of("owner"), email_of("vendor")]
    assert [row.state for row in outbox_rows(app)] == ["sent", "dropped", "sent", "dropped"]


def test_whoever_asks_again_at_once_gets_one_mail(app: Flask, client: FlaskClient) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        for _ in range(3):
            ask(client, email_of("buyer").upper())
        assert len(delivered(app)) == 1
        clock.shift(timedelta(minutes=2))
        ask(client, email_of("buyer"))
        assert len(delivered(app)) == 1


def test_a_link_leads_to_the_desks_own_address_whatever_the_host_was(app: Flask) -> None:
    client = app.test_client()
    token = csrf_token(client.get("/forgot").text)
    sent = {"email": email_of("buyer"), "csrf_token": token}
    client.post("/forgot", data=sent, headers={"Host": "localhost", "X-Forwarded-Host": "evil.example"})
    (written,) = delivered(app)
    assert "evil.example" not in written.body
    assert link_in(written)
    app.config["BASE_URL"] = "https://desk.example/"
    try:
        ask(app.test_client(), email_of("owner"))
        (written,) = delivered(app)
        assert re.search(r"\nhttps://desk\.example/reset\?token=", written.body)
    finally:
        app.config["BASE_URL"] = ""


def test_a_change_of_password_ends_links_and_sign_ins_that_are_half_way(app: Flask, sign_in: SignIn) -> None:
    from tests.web.test_second_factor import half_way, turn_on

    browser = Browser(sign_in("buyer"))
    token = reset_token(app, "buyer")
    with app.app_context():
        (mine,) = db.session.query(Signin.id).one()
    turn_on(app, "buyer", but=mine)
    waiting = half_way(app, "buyer")
    browser.post("/account/password", {"current": PASSWORD, "password": NEW, "again": NEW})
    assert app.test_client().get(f"/reset?token={token}").status_code == 410
    assert waiting.get("/login/code").location == "/login"


def test_looking_at_a_link_changes_nothing(app: Flask, client: FlaskClient) -> None:
    token = reset_token(app, "buyer")
    for _ in range(3):
        client.get(f"/reset?token={token}")
    assert use(client, token).location == "/login"


@pytest.mark.parametrize(
    ("password", "again"),
    [("password", None), (NEW, "x"), ("buyer@example.com", None), (f"{NEW}\0", None)],
)
def test_a_password_that_is_refused_leaves_the_link_as_it_is(
    app: Flask, client: FlaskClient, password: str, again: str | None
) -> None:
    token = reset_token(app, "buyer")
    assert use(client, token, password, again).status_code == 422
    assert use(client, token).location == "/login"


def test_an_account_without_a_password_gets_one_by_a_link(app: Flask, client: FlaskClient) -> None:
    change(app, "buyer", password=None)
    assert use(client, reset_token(app, "buyer")).location == "/login"
    try_sign_in(client, email_of("buyer"), NEW)
    assert is_signed_in(client)


def test_old_mails_are_forgotten_and_stores_mails_are_not(app: Flask, client: FlaskClient) -> None:
    from app.actions.account_mails import forget_old_mails

    ask(client, email_of("buyer"))
    delivered(app)
    ask(client, "nobody@example.com")
    for days, left in ((6, 2), (8, 1)):
        with app.app_context():
            forget_old_mails(now=datetime.now(UTC) + timedelta(days=days))
            db.session.commit()
        assert len(outbox_rows(app)) == left  # one is not sent yet


def test_every_session_ends_on_the_server(app: Flask, sign_in: SignIn) -> None:
    sign_in("buyer"), sign_in("buyer"), sign_in("owner")
    use(app.test_client(), reset_token(app, "buyer"))
    with app.app_context():
        ended = [row.ended_at is not None for row in db.session.query(Signin).order_by(Signin.id)]
    assert ended == [True, True, False]
