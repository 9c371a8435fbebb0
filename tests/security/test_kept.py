"""What the desk keeps in browsers and of passwords: cookies by https, their signatures, the hash."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from math import log2
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security.utils import hash_password, verify_password

from app import create_app, openid, signing, totp
from app.actions.accounts import LETTERS, RECOVERY_CODES, new_recovery_codes
from app.actions.people import make_token
from app.db import db
from app.models import Account
from app.web import cookies
from tests.conftest import PASSWORD, TEST_SETTINGS, csrf_token, email_of
from tests.factories import Factory

HERE = "https://desk.example"


@pytest.fixture
def by_https(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The same desk as people reach it by https, through a proxy that speaks plain http to it."""
    monkeypatch.setenv("TRADEPOST_BASE_URL", HERE)
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    desk = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": url})
    yield desk
    with desk.app_context():
        db.session.remove()
        db.engine.dispose()


def test_by_https_no_cookie_can_be_set_or_read_by_another_host_or_by_http(
    by_https: Flask, make: Factory
) -> None:
    link_id, token = make.link(make.sale())
    browser = by_https.test_client()
    asked = {"base_url": HERE, "headers": {"Referer": f"{HERE}/login"}}
    form = csrf_token(browser.get("/login", **asked).text)
    sent = {"email": email_of("owner"), "password": PASSWORD, "csrf_token": form}
    at_http = {"base_url": "http://desk.example"}  # as the proxy asks
    answers = [
        browser.get("/login", **asked),
        browser.post("/login", data=sent, **asked),
        by_https.test_client().get(f"/guest/{token}", **at_http),
    ]
    form = csrf_token(browser.get("/purchases", **asked).text)
    answers.append(browser.post("/theme", data={"theme": "dark", "csrf_token": form}, **asked))
    found = {}
    for answer in answers:
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, rest = cookie.partition("=")
            found[name] = set(rest.split("; ")[1:])
    assert set(found) == {
        "__Host-tradepost",
        "__Host-tradepost-known",
        "__Host-theme",
        "__Secure-tradepost_guest",
    }
    for name, told in found.items():
        path = f"Path=/guest/{link_id}" if name.startswith("__Secure-") else "Path=/"
        assert {"Secure", "HttpOnly", "SameSite=Lax", path} <= told, name
        assert not any(word.startswith("Domain") for word in told), name
    assert 'data-theme="dark"' in browser.get("/purchases", **asked).text


def test_by_https_every_answer_binds_host_and_subdomains_for_a_year(by_https: Flask) -> None:
    browser = by_https.test_client()
    for path in ("/login", "/", "/nowhere", "/static/desk.css", "/api/okanjo/stores/1/sales", "/healthz"):
        with browser.get(path, base_url=HERE) as answer:
            told = answer.headers["Strict-Transport-Security"]
            assert told == "max-age=31536000; includeSubDomains", path


def test_no_program_is_led_from_http_to_https(by_https: Flask) -> None:
    answer = by_https.test_client().get("/api/okanjo/stores/1/sales", base_url="http://desk.example")
    assert answer.status_code == 401


def is_signed_by(text: str, key: str, salt: str) -> bool:
    """Tell whether a text carries a signature by HMAC-SHA-256 of the desk's key."""
    signed, _, made = text.rpartition(".")
    derived = hmac.new(key.encode(), salt.encode(), hashlib.sha256).digest()
    concat = hashlib.sha256(salt.encode() + b"signer" + key.encode()).digest()
    given = urlsafe_b64decode(made + "=" * (-len(made) % 4))
    return given in {hmac.new(k, signed.encode(), hashlib.sha256).digest() for k in (derived, concat)}


def test_sessions_and_forms_are_signed_by_sha_256(app: Flask) -> None:
    browser = app.test_client()
    token = csrf_token(browser.get("/login").text)
    cookie = browser.get_cookie("tradepost")
    assert cookie is not None
    key = app.config["SECRET_KEY"]
    assert is_signed_by(cookie.value, key, "cookie-session")
    assert is_signed_by(token, key, "wtf-csrf-token")
    assert not is_signed_by(token, key, "cookie-session")


def test_a_password_is_kept_by_argon2id_with_a_salt_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEPOST_INSTANCE", str(tmp_path))
    desk = create_app({"SQLALCHEMY_DATABASE_URI": "sqlite://"})
    with desk.app_context():
        one, other = hash_password(PASSWORD), hash_password(PASSWORD)
        assert verify_password(PASSWORD, one) and not verify_password(PASSWORD[:-1], one)
    found = re.fullmatch(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$[^$]{22,}\$[^$]{43,}", one)
    assert found, one
    assert int(found[1]) >= 47_104 and int(found[2]) >= 1  # KiB and rounds (ASVS, appendix C)
    assert one != other


def test_the_names_are_plain_without_https(app: Flask) -> None:
    with app.app_context():
        assert cookies.called(cookies.THEME) == "theme"


def bits(text: str, signs: int) -> float:
    """Return how many bits a random text of so many different signs has."""
    return len(text) * log2(signs)


def test_the_strength_of_secrets_is_enough(app: Flask, sign_in: Callable[[str], FlaskClient]) -> None:
    drawn: list[int] = []
    urandom = secrets.token_bytes

    def noting(count: int | None = None) -> bytes:
        drawn.append((count or 32) * 8)
        return urandom(count)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(secrets, "token_bytes", noting)
        sign_in("owner")  # its session
        with app.app_context():
            account = db.session.query(Account).filter_by(email=email_of("owner")).one()
            make_token(account, None, ["read:store-orders"])
            db.session.rollback()
        openid.new_flow()
        assert len(totp.new_secret()) * 8 >= 160
    assert len(drawn) >= 5 and max(drawn) >= 256
    assert {n for n in drawn if n < 128} <= {48, 64}  # ids of requests and of tokens are no secrets
    codes = new_recovery_codes()
    assert len(set(codes)) == len(codes) == RECOVERY_CODES
    assert all(bits(code.replace("-", ""), len(LETTERS)) >= 112 for code in codes)
    assert len(signing.derived("key", "purpose")) * 8 == 256
