"""Signing in and out: the session is kept on the server, and what a browser kept aside opens nothing."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urljoin, urlsplit

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.db import db
from app.models import Account, Signin
from tests.conftest import PASSWORD, csrf_token, email_of

SignIn = Callable[[str], FlaskClient]
COOKIE = "tradepost"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def try_sign_in(
    client: FlaskClient, email: str, password: str = PASSWORD, path: str = "/login", **fields: str
) -> TestResponse:
    """Send the sign-in form."""
    token = csrf_token(client.get(path).text)
    sent = {"email": email, "password": password, "csrf_token": token, **fields}
    return client.post(path, data=sent)


def is_signed_in(client: FlaskClient) -> bool:
    """Tell whether the browser gets a page that needs a sign-in."""
    answer = client.get("/purchases")
    assert answer.status_code in {200, 303}
    return answer.status_code == 200


def cookie_of(client: FlaskClient) -> str:
    """Return the session cookie as it stands in the browser."""
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    return cookie.value


def with_cookie(app: Flask, value: str) -> FlaskClient:
    """Return another browser that carries a cookie kept aside."""
    client = app.test_client()
    client.set_cookie(COOKIE, value)
    return client


def signins(app: Flask) -> list[Signin]:
    """Return all sign-ins, oldest first."""
    with app.app_context():
        rows = db.session.query(Signin).order_by(Signin.id).all()
        db.session.expunge_all()
        return rows


def sign_out(client: FlaskClient) -> TestResponse:
    """Send the form that signs out."""
    return client.post("/logout", data={"csrf_token": csrf_token(client.get("/purchases").text)})


# In.


def test_signing_in_leads_to_the_desk(client: FlaskClient) -> None:
    answer = try_sign_in(client, email_of("owner"))
    assert answer.location == "/"
    assert client.get("/").location == "/stores/papershop/sales"


@pytest.mark.parametrize(
    ("who", "desk"), [("buyer", "/purchases"), ("site_admin", "/site"), ("owner2", "/stores/othershop/sales")]
)
def test_everybody_comes_to_their_own_desk(sign_in: SignIn, who: str, desk: str) -> None:
    assert sign_in(who).get("/").location == desk


def test_the_e_mail_may_be_typed_in_any_case(client: FlaskClient) -> None:
    try_sign_in(client, "OWNER@Example.com")
    assert is_signed_in(client)


def test_a_session_gets_a_new_id_at_sign_in(app: Flask, client: FlaskClient) -> None:
    client.get("/login")
    planted = cookie_of(client)  # somebody knows this cookie from before
    try_sign_in(client, email_of("owner"))
    assert is_signed_in(client)
    assert not is_signed_in(with_cookie(app, planted))


def test_the_form_token_of_before_is_worth_nothing_after_signing_in(client: FlaskClient) -> None:
    before = csrf_token(client.get("/login").text)
    try_sign_in(client, email_of("owner"))
    answer = client.post("/theme", data={"theme": "dark", "csrf_token": before})
    assert answer.status_code == 400


def test_each_sign_in_is_a_row_of_its_own_with_the_hash_alone(app: Flask, sign_in: SignIn) -> None:
    first, _ = sign_in("owner"), sign_in("owner")
    rows = signins(app)
    assert len({row.token_hash for row in rows}) == 2
    assert all(re.fullmatch(r"[0-9a-f]{64}", row.token_hash) for row in rows)
    assert not any(row.token_hash in cookie_of(first) for row in rows)


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(client: FlaskClient) -> None:
    token = csrf_token(client.get("/login").text)
    answer = client.post(
        "/login", data={"email": email_of("owner"), "password": PASSWORD, "csrf_token": token}
    )
    cookies = answer.headers.getlist("Set-Cookie")
    # the session's, and the mark by which the sign-in page knows this browser
    assert [cookie.split("=")[0] for cookie in cookies] == [f"{COOKIE}-known", COOKIE]
    for cookie in cookies:
        assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


def test_a_session_ends_with_the_browser_unless_it_is_to_be_kept(app: Flask) -> None:
    for fields, is_kept in (({}, False), ({"remember": "y"}, True)):
        client = app.test_client()
        answer = try_sign_in(client, email_of("owner"), **fields)
        # none of the library's beside the session's own
        (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if not c.startswith(f"{COOKIE}-known=")]
        assert ("Expires=" in cookie) is is_kept
        assert is_signed_in(client)


def test_a_cookie_that_is_kept_is_not_sent_again_with_every_file(client: FlaskClient) -> None:
    try_sign_in(client, email_of("owner"), remember="y")
    client.get("/purchases")  # the first page writes the key of its forms
    for path in ("/static/desk.css", "/purchases", "/stores/papershop/sales"):
        with client.get(path) as answer:
            assert answer.status_code == 200
            assert "Set-Cookie" not in answer.headers, path


def evened(answer: TestResponse, email: str) -> str:
    """Return a page without what differs each time: the e-mail typed and the form's token."""
    return re.sub(r"[\w-]+\.[\w-]+\.[\w-]{20,}", "TOKEN", answer.text).replace(email, "EMAIL")


def test_a_wrong_password_says_the_same_as_an_unknown_name(app: Flask) -> None:
    with app.app_context():
        db.session.query(Account).filter_by(email=email_of("staff")).one().active = False
        db.session.commit()
    pages = set()
    for email in (email_of("owner"), email_of("staff"), "nobody@example.com"):
        answer = try_sign_in(app.test_client(), email, "wrong password")
        assert answer.status_code == 200
        pages.add(evened(answer, email))
    assert len(pages) == 1
    assert "Authentication failed" in pages.pop()


@pytest.mark.parametrize("password", ["", "x", "p" * 5000, "paper boats on a pond ", "PAPER BOATS ON A POND"])
def test_a_password_that_is_nearly_right_is_wrong(client: FlaskClient, password: str) -> None:
    try_sign_in(client, email_of("owner"), password)
    assert not is_signed_in(client)


@pytest.mark.parametrize("email", ["", "owner", "owner@", "' OR 1=1 --", "a" * 5000, "owner@example.com\x00"])
def test_what_is_no_e_mail_signs_nobody_in(client: FlaskClient, email: str) -> None:
    assert try_sign_in(client, email).status_code == 200
    assert not is_signed_in(client)


@pytest.mark.parametrize("sent", ["{}", "[" * 100_000, '{"email": {}, "password": 1}'])
def test_json_signs_nobody_in(client: FlaskClient, sent: str) -> None:
    headers = {"X-CSRFToken": csrf_token(client.get("/login").text), "Content-Type": "application/json"}
    for path in ("/login", "/logout"):
        assert client.post(path, data=sent, headers=headers).status_code == 415
    assert client.get("/login", headers={"Accept": "application/json"}).mimetype == "text/html"


def test_a_refused_sign_in_leaves_no_session(app: Flask, client: FlaskClient) -> None:
    try_sign_in(client, email_of("owner"), "wrong")
    assert signins(app) == []


def test_a_form_without_its_token_signs_nobody_in(client: FlaskClient) -> None:
    client.get("/login")
    answer = client.post("/login", data={"email": email_of("owner"), "password": PASSWORD})
    assert answer.status_code == 400
    assert not is_signed_in(client)


def test_a_stranger_is_sent_to_the_sign_in_page_and_back(client: FlaskClient) -> None:
    wanted = "/stores/papershop/sales?tab=to_ship&q=card"
    answer = client.get(wanted)
    assert answer.status_code == 303
    back = try_sign_in(client, email_of("owner"), path=answer.location)
    assert back.location == wanted


# next= stays home (H21).

ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%09/evil.example",
    "http:evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    "\x08//evil.example",
    "http://localhost@evil.example",
    "/sales\r\nSet-Cookie: evil=1",
    "http://[::1",
    " //evil.example",
    "%2f%2fevil.example",
    "///evil.example",
    "////evil.example/%2e%2e",
    "/\t/evil.example",
    "\t//evil.example",
    "http://evil.example",
    "https://evil.example/login",
    "data:text/html,<script>alert(1)</script>",
    "//evil\u2100.example",
]


def test_there_are_22_ways_out() -> None:
    assert len(set(ELSEWHERE)) == 22


def stays_home(answer: TestResponse) -> bool:
    """Tell whether a redirect leads to a page of this site, read as a browser reads it."""
    where = re.sub(r"[\t\r\n]", "", answer.location.strip()).replace("\\", "/")
    parts = urlsplit(urljoin("http://localhost/login", where))
    return (parts.scheme, parts.netloc) == ("http", "localhost") and not where.startswith("//")


@pytest.mark.parametrize("way", ELSEWHERE)
@pytest.mark.parametrize("place", ["query", "as it is", "form"])
def test_signing_in_never_leads_elsewhere(client: FlaskClient, way: str, place: str) -> None:
    if place == "form":
        answer = try_sign_in(client, email_of("owner"), next=way)
    else:
        path = "/login?next=" + (quote(way, safe="") if place == "query" else way.replace("\n", "%0A"))
        answer = try_sign_in(client, email_of("owner"), path=path)
    assert answer.status_code in {302, 303}
    assert stays_home(answer), answer.location
    assert "Set-Cookie" not in answer.location
    assert client.get("/purchases").status_code == 200


@pytest.mark.parametrize("way", ELSEWHERE)
def test_choosing_colours_never_leads_elsewhere(client: FlaskClient, way: str) -> None:
    token = csrf_token(client.get("/login").text)
    answer = client.post("/theme", data={"theme": "dark", "next": way, "csrf_token": token})
    assert answer.status_code == 303
    assert stays_home(answer), answer.location


@pytest.mark.parametrize("way", ["http://[::1", "//evil.example"])
def test_signing_out_never_leads_elsewhere(sign_in: SignIn, way: str) -> None:
    client = sign_in("owner")
    token = csrf_token(client.get("/purchases").text)
    answer = client.post("/logout", query_string={"next": way}, data={"csrf_token": token, "next": way})
    assert answer.location == "/login"


def test_who_is_signed_in_already_is_sent_to_their_desk(sign_in: SignIn) -> None:
    client = sign_in("owner")
    assert client.get("/login?next=//evil.example").location == "/"


# Out.


def test_signing_out_ends_the_session_on_the_server(app: Flask, sign_in: SignIn) -> None:
    client = sign_in("owner")
    kept = cookie_of(client)
    assert is_signed_in(with_cookie(app, kept))
    assert sign_out(client).location == "/login"
    assert not is_signed_in(client)
    assert not is_signed_in(with_cookie(app, kept))
    assert [row.ended_at is not None for row in signins(app)] == [True]


def test_signing_out_in_one_browser_leaves_the_others(sign_in: SignIn) -> None:
    here, there = sign_in("owner"), sign_in("owner")
    sign_out(here)
    assert is_signed_in(there)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_only_a_form_signs_out(sign_in: SignIn, method: str) -> None:
    client = sign_in("owner")
    answer = client.open("/logout", method=method)
    assert answer.status_code == 405
    assert is_signed_in(client)


def test_signing_out_needs_the_forms_token(sign_in: SignIn) -> None:
    client = sign_in("owner")
    assert client.post("/logout").status_code == 400
    assert is_signed_in(client)


def test_the_token_of_another_session_is_refused(sign_in: SignIn) -> None:
    client, other = sign_in("owner"), sign_in("staff")
    foreign = csrf_token(other.get("/purchases").text)
    assert client.post("/logout", data={"csrf_token": foreign}).status_code == 400
    assert is_signed_in(client)


# Ended from elsewhere.


def test_a_disabled_account_is_out_at_the_next_request(app: Flask, sign_in: SignIn) -> None:
    client = sign_in("owner")
    with app.app_context():
        db.session.query(Account).filter_by(email=email_of("owner")).one().active = False
        db.session.commit()
    assert not is_signed_in(client)
    try_sign_in(client, email_of("owner"))
    assert not is_signed_in(client)


def test_a_changed_key_of_the_account_ends_its_sessions(app: Flask, sign_in: SignIn) -> None:
    client = sign_in("owner")
    with app.app_context():
        account = db.session.query(Account).filter_by(email=email_of("owner")).one()
        account.fs_uniquifier = "f" * 64  # what a new password does
        db.session.commit()
    assert not is_signed_in(client)


def test_a_session_of_one_account_opens_no_other(app: Flask, sign_in: SignIn) -> None:
    client = sign_in("buyer")
    with app.app_context():
        owner = db.session.query(Account).filter_by(email=email_of("owner")).one().fs_uniquifier
    with client.session_transaction() as kept:
        kept["_user_id"] = owner  # even if the cookie could be written, the server's row says whose it is
    assert not is_signed_in(client)


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "'--", "x" * 7000, "ÿþ", "null"])
def test_a_cookie_that_is_none_signs_nobody_in(app: Flask, cookie: str) -> None:
    client = app.test_client(use_cookies=False)
    answer = client.get("/purchases", headers={"Cookie": f"{COOKIE}={cookie}"})
    assert (answer.status_code, answer.location) == (303, "/login?next=/purchases")


def test_a_cookie_sent_twice_is_read_once(app: Flask, sign_in: SignIn) -> None:
    good = cookie_of(sign_in("owner"))
    client = app.test_client(use_cookies=False)
    for sent in (f"{COOKIE}={good}; {COOKIE}=x", f"{COOKIE}=x; {COOKIE}={good}"):
        assert client.get("/purchases", headers={"Cookie": sent}).status_code in {200, 303}


def test_an_idle_session_ends(sign_in: SignIn) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        client = sign_in("owner")
        clock.shift(timedelta(hours=12) - timedelta(seconds=1))
        assert is_signed_in(client)
        clock.shift(timedelta(hours=12))
        assert not is_signed_in(client)


def test_a_session_in_use_ends_after_fourteen_days_all_the_same(sign_in: SignIn) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        client = sign_in("owner")
        for _ in range(28):
            clock.shift(timedelta(hours=11, minutes=59))
            assert is_signed_in(client)
        clock.move_to(NOW + timedelta(days=14))
        assert not is_signed_in(client)


def test_that_a_session_is_in_use_is_written_at_most_every_five_minutes(app: Flask, sign_in: SignIn) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        client = sign_in("owner")
        clock.shift(timedelta(minutes=5))
        client.get("/stores/papershop/sales")
        assert signins(app)[0].seen_at == NOW
        clock.shift(timedelta(seconds=1))
        client.get("/stores/papershop/sales")
        assert signins(app)[0].seen_at == NOW + timedelta(minutes=5, seconds=1)


def test_looking_writes_nothing_else(app: Flask, sign_in: SignIn) -> None:
    client = sign_in("owner")
    written = []
    with app.app_context():
        engine = db.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
            written.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        for path in ("/", "/purchases", "/stores/papershop/sales", "/stores/papershop/items", "/login"):
            client.get(path)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert written == []


@pytest.mark.parametrize("who", ["owner", "nobody"])
@pytest.mark.parametrize("password", ["a\0b", "x" * 4097, PASSWORD + "\0"])
def test_what_can_be_no_password_is_refused_alike_whoever_it_is_for(
    client: FlaskClient, who: str, password: str
) -> None:
    token = csrf_token(client.get("/login").text)
    sent = {"email": email_of(who), "password": password, "csrf_token": token}
    answer = client.post("/login", data=sent)
    assert answer.status_code == 200
    assert client.get("/account").status_code == 303


@pytest.mark.parametrize("raw", ["[]", "3", "[1]", '"a"', '{"email": 3}', "[" * 5000])
@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_signing_in_and_out_takes_no_json(sign_in: SignIn, path: str, raw: str) -> None:
    client = sign_in("owner")
    headers = {"X-CSRFToken": csrf_token(client.get("/purchases").text), "Content-Type": "application/json"}
    assert client.post(path, data=raw, headers=headers).status_code == 415
