"""Where one is signed in: the list of one's own sessions, and how they end."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.web.browsers import address_in_words, browser_in_words
from tests.conftest import PASSWORD, csrf_token, email_of
from tests.factories import GOODS, Factory
from tests.web.pages import Browser, words
from tests.web.test_signin import is_signed_in, sign_out, signins

SignIn = Callable[[str], FlaskClient]
AT = "/account/sessions"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1"


def sign_in_with(app: Flask, who: str, agent: str, address: str) -> FlaskClient:
    """Sign one of the cast in by a browser that says this of itself, from this address."""
    client = app.test_client()
    client.environ_base.update(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    sent = {"email": email_of(who), "password": PASSWORD, "csrf_token": csrf_token(client.get("/login").text)}
    assert client.post("/login", data=sent).location == "/"
    return client


@pytest.mark.parametrize(
    ("agent", "says"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/150.0.0.0 Safari/537.36 Edg/150.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/150.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("", "Another browser"),
        ("<script>alert(1)</script>", "Another browser"),
    ],
)
def test_a_browser_is_told_by_family_and_system(agent: str, says: str) -> None:
    assert browser_in_words(agent) == says


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("203.0.113.77", "203.0.113.…"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:…"),
        ("127.0.0.1", "this machine"),
        ("::1", "this machine"),
        (None, ""),
        ("unix:", ""),
    ],
)
def test_an_address_is_told_roughly(address: str | None, says: str) -> None:
    assert address_in_words(address) == says


@pytest.mark.both
def test_one_sees_ones_own_sessions_and_which_is_this(app: Flask) -> None:
    here = sign_in_with(app, "owner", FIREFOX, "203.0.113.77")
    sign_in_with(app, "owner", PHONE, "198.51.100.7")
    sign_in_with(app, "staff", "curl/8", "192.0.2.1")
    page = words(here.get(AT).text)
    assert "Safari on iPhone" in page
    assert "198.51.100.…" in page
    assert "curl" not in page
    assert page.count("This one") == 1
    assert page.index("Firefox on Linux This one") > 0
    assert "Each ends after 12 hours unused, and after 14 days in any case." in page


@pytest.mark.both
def test_one_is_ended_at_its_next_request(app: Flask, sign_in: SignIn) -> None:
    here, there = sign_in("owner"), sign_in("owner")
    first, second = signins(app)
    browser = Browser(here)
    assert browser.post(f"{AT}/{second.id}/end").location == AT
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert browser.post(f"{AT}/{second.id}/end").status_code == 404
    assert browser.post(f"{AT}/{first.id}/end").location == AT
    assert not is_signed_in(here)


def test_all_others_end_and_this_one_stays(app: Flask, sign_in: SignIn) -> None:
    here, there, elsewhere, staff = (sign_in(who) for who in ("owner", "owner", "owner", "staff"))
    assert Browser(here).post(f"{AT}/end-others").location == AT
    assert [is_signed_in(client) for client in (here, there, elsewhere, staff)] == [True, False, False, True]


def test_nobody_ends_anothers(app: Flask, sign_in: SignIn) -> None:
    staff = sign_in("staff")
    (theirs,) = signins(app)
    assert Browser(sign_in("owner")).post(f"{AT}/{theirs.id}/end").status_code == 404
    assert is_signed_in(staff)


def test_what_is_over_does_not_stand_in_the_list(app: Flask) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        ended = sign_in_with(app, "owner", "curl/8", "192.0.2.1")
        sign_out(ended)
        sign_in_with(app, "owner", PHONE, "198.51.100.7")
        clock.shift(timedelta(hours=12))
        here = sign_in_with(app, "owner", FIREFOX, "203.0.113.77")
        page = words(here.get(AT).text)
    assert page.count("Firefox on Linux") == 2  # in the row, and named by its button
    assert "curl" not in page
    assert "Safari" not in page


def test_a_page_that_only_lies_open_keeps_no_session_alive(
    app: Flask, sign_in: SignIn, make: Factory
) -> None:
    make.sale(GOODS)
    asks = "/stores/papershop/sales/new?after=0.1"
    with time_machine.travel(NOW, tick=False) as clock:
        client = sign_in("owner")
        for _ in range(11):
            clock.shift(timedelta(hours=1))
            assert client.get(asks, headers={"HX-Request": "true"}).status_code == 200
        assert signins(app)[0].seen_at == NOW
        clock.shift(timedelta(hours=1))
        answer = client.get(asks, headers={"HX-Request": "true"})
        assert answer.headers["HX-Redirect"].startswith("/login")


def test_a_page_that_somebody_opens_does(app: Flask, sign_in: SignIn) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        client = sign_in("owner")
        for _ in range(13):
            clock.shift(timedelta(hours=1))
            assert client.get("/stores/papershop/sales/new").status_code == 200


def test_signing_out_clears_what_the_browser_keeps(sign_in: SignIn) -> None:
    client = sign_in("owner")
    assert sign_out(client).headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Clear-Site-Data" not in client.get("/login").headers


@pytest.mark.parametrize(("name", "value"), [("TRADEPOST_SIGNIN_IDLE", "0"), ("TRADEPOST_SIGNIN_LASTS", "x")])
def test_the_limits_are_settings_within_reason(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    from app.config import BadSetting, from_environment

    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting, match=name):
        from_environment()
