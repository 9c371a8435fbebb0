"""Signing in elsewhere: who is believed, who is let in, and that every evil answer ends in a sentence."""

import ast
import hmac
import html
import json
import re
import shutil
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from app import create_app
from app.actions.people import open_account
from app.config import BadSetting, from_environment
from app.db import db
from app.models import Account, Identity, Signin
from tests.conftest import PASSWORD, TEST_SETTINGS, csrf_token, email_of
from tests.house.tree import imported, modules
from tests.web.issuer import CLIENT, METHODS, SECRET, Answer, Provider
from tests.web.test_second_factor import give, turn_on


@pytest.fixture(scope="module")
def at_work() -> Iterator[Provider]:
    """The provider, one for all tests."""
    provider = Provider()
    yield provider
    provider.stop()


@pytest.fixture
def provider(at_work: Provider) -> Provider:
    """The provider, that nothing was asked of."""
    at_work.begin()
    return at_work


@pytest.fixture(scope="module")
def desk_made(at_work: Provider, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A desk where people may sign in at the provider."""
    path = tmp_path_factory.mktemp("openid") / "desk.db"
    settings = {
        "OIDC_ISSUER": at_work.url,
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_NAME": "Great Market",
        "OIDC_TIMEOUT": 2,
    }
    return create_app({**TEST_SETTINGS, **settings, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"})


@pytest.fixture
def desk(desk_made: Flask, database: Path) -> Iterator[Flask]:
    """The desk on a fresh database, and knowing nothing of its provider yet."""
    path = Path(desk_made.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))
    with desk_made.app_context():
        db.session.remove()
        db.engine.dispose()
    for beside in ("-wal", "-shm"):
        Path(f"{path}{beside}").unlink(missing_ok=True)
    shutil.copy(database, path)
    kept = dict(desk_made.config)
    desk_made.extensions.pop("openid", None)
    yield desk_made
    desk_made.config.update(kept)
    with desk_made.app_context():
        db.session.remove()


def go(browser: FlaskClient, **fields: str) -> TestResponse:
    """Press the button of the sign-in page."""
    return browser.post(
        "/login/openid", data={"csrf_token": csrf_token(browser.get("/login").text), **fields}
    )


def away(browser: FlaskClient, **fields: str) -> str:
    """Press the button; return where it leads."""
    page = go(browser, **fields)
    assert page.status_code == 200, page.text
    return html.unescape(re.search(r'<meta http-equiv="refresh" content="0; url=([^"]+)">', page.text)[1])  # type: ignore[index]


def come_back(browser: FlaskClient, url: str) -> TestResponse:
    """Follow the provider's way back."""
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path) == ("http", "localhost", "/login/openid/back")
    return browser.get(f"{parts.path}?{parts.query}")


def sign_in_there(browser: FlaskClient, provider: Provider, **fields: str) -> TestResponse:
    """Go there, sign in, come back."""
    return come_back(browser, provider.enter(away(browser, **fields)))


def signed_in_as(browser: FlaskClient) -> str:
    """Return the e-mail of whoever is signed in; "" for nobody."""
    answer = browser.get("/purchases")
    if answer.status_code == 303:
        return ""
    return re.search(r"[\w.+-]+@example\.com", answer.text)[0]  # type: ignore[index]


class Kept(NamedTuple):
    """What the desk keeps of people."""

    accounts: int
    identities: list[tuple[int, str, str]]
    open_signins: int


def kept(desk: Flask) -> Kept:
    """Return what the desk keeps of people."""
    with desk.app_context():
        identities = db.session.query(Identity).order_by(Identity.id)
        return Kept(
            db.session.query(Account).count(),
            [(row.account_id, row.issuer, row.subject) for row in identities],
            db.session.query(Signin).filter(Signin.ended_at.is_(None)).count(),
        )


def change(desk: Flask, who: str, **columns: Any) -> int:
    """Change an account of the cast; return its id."""
    with desk.app_context():
        account = db.session.query(Account).filter_by(email=email_of(who)).one()
        for name, value in columns.items():
            setattr(account, name, value)
        db.session.commit()
        return account.id


# Who is let in.


def test_somebody_with_a_proved_e_mail_is_let_in_and_known_by_their_subject_from_then_on(
    desk: Flask, provider: Provider
) -> None:
    browser = desk.test_client()
    assert "Go on with Great Market" in browser.get("/login").text
    answer = sign_in_there(browser, provider)
    assert (answer.status_code, answer.location) == (303, "/")
    assert signed_in_as(browser) == email_of("buyer")
    buyer = change(desk, "buyer")
    assert kept(desk).identities == [(buyer, provider.url, "person-1")]
    # Afterwards the e-mail does not matter: it may be another one, another person's, or unproved.
    for email, is_proved in (("owner@example.com", True), ("new@example.com", False), (None, None)):
        provider.claims |= {"email": email, "email_verified": is_proved}
        again = desk.test_client()
        sign_in_there(again, provider)
        assert signed_in_as(again) == email_of("buyer")
    assert len(kept(desk).identities) == 1


def test_a_second_factor_of_the_desk_is_asked_for_too(desk: Flask, provider: Provider) -> None:
    codes = turn_on(desk, "buyer")
    browser = desk.test_client()
    provider.claims["amr"] = ["mfa"]  # whatever the provider says of its own
    assert sign_in_there(browser, provider).location == "/login/code"
    assert signed_in_as(browser) == ""
    assert give(browser, codes[0]).location == "/"
    assert signed_in_as(browser) == email_of("buyer")


def test_the_way_leads_on_to_the_page_that_was_asked_for_and_nowhere_else(
    desk: Flask, provider: Provider
) -> None:
    browser = desk.test_client()
    page = browser.get("/login?next=/purchases?tab=received").text
    assert 'name="next" value="/purchases?tab=received"' in page
    assert (
        sign_in_there(browser, provider, next="/purchases?tab=received").location == "/purchases?tab=received"
    )
    for way in (
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "x",
        "",
        "/a\r\nb",
        "/" + "x" * 1500,
        "/" + "ö" * 400,
    ):
        assert sign_in_there(desk.test_client(), provider, next=way).location == "/"


def test_the_e_mail_is_compared_in_any_case(desk: Flask, provider: Provider) -> None:
    provider.claims["email"] = "BUYER@Example.COM"
    browser = desk.test_client()
    sign_in_there(browser, provider)
    assert signed_in_as(browser) == email_of("buyer")


def test_an_e_mail_that_only_the_userinfo_tells_is_taken_from_there(desk: Flask, provider: Provider) -> None:
    provider.claims = {"sub": "person-1"}
    provider.userinfo = {"sub": "person-1", "email": email_of("buyer"), "email_verified": True}
    browser = desk.test_client()
    sign_in_there(browser, provider)
    assert signed_in_as(browser) == email_of("buyer")


def test_whoever_is_unknown_is_refused_unless_the_desk_is_open(desk: Flask, provider: Provider) -> None:
    provider.claims |= {"email": "new@example.com", "name": "Nina  Neu"}
    before = kept(desk)
    answer = sign_in_there(desk.test_client(), provider)
    assert answer.status_code == 403
    assert "nobody with your e-mail address has an account here" in answer.text
    assert kept(desk) == before
    desk.config["OIDC_OPEN"] = True
    browser = desk.test_client()
    assert sign_in_there(browser, provider).status_code == 303
    assert "Nina Neu" in browser.get("/purchases").text
    with desk.app_context():
        made = db.session.query(Account).filter_by(email="new@example.com").one()
        assert (made.password, made.is_site_admin, made.is_email_vouched) == (None, False, True)
    assert kept(desk).accounts == before.accounts + 1


@pytest.mark.parametrize("is_proved", [False, None, "true", 1, "yes", {}])
def test_an_e_mail_that_the_provider_did_not_prove_opens_no_account_and_makes_none(
    desk: Flask, provider: Provider, is_proved: object
) -> None:
    desk.config["OIDC_OPEN"] = True
    provider.claims["email_verified"] = is_proved
    for email in (email_of("buyer"), "new@example.com"):
        provider.claims["email"] = email
        answer = sign_in_there(desk.test_client(), provider)
        assert answer.status_code == 403
        assert "your e-mail address is not proved there" in answer.text
    assert kept(desk).identities == []


@pytest.mark.parametrize(
    "email", ["", "no address", 7, ["buyer@example.com"], "x" * 330 + "@example.com", None]
)
def test_what_is_no_e_mail_is_none(desk: Flask, provider: Provider, email: object) -> None:
    desk.config["OIDC_OPEN"] = True
    provider.claims["email"] = email
    provider.userinfo = {"sub": "person-1"}
    assert sign_in_there(desk.test_client(), provider).status_code == 403
    assert kept(desk).identities == []


def test_an_account_whose_e_mail_nobody_proved_here_is_not_joined(desk: Flask, provider: Provider) -> None:
    change(desk, "buyer", is_email_vouched=False)  # somebody else may have made it, and wait in it
    answer = sign_in_there(desk.test_client(), provider)
    assert answer.status_code == 403
    assert kept(desk).identities == []


def test_another_subject_with_the_same_e_mail_does_not_get_the_account(
    desk: Flask, provider: Provider
) -> None:
    sign_in_there(desk.test_client(), provider)
    provider.claims["sub"] = "person-2"  # the address passed to somebody else
    browser = desk.test_client()
    assert sign_in_there(browser, provider).status_code == 403
    assert signed_in_as(browser) == ""
    assert len(kept(desk).identities) == 1


@pytest.mark.parametrize("when", ["at first", "known already"])
@pytest.mark.parametrize("why", [{"active": False}, {"is_site_admin": True}], ids=["disabled", "site admin"])
def test_neither_a_disabled_account_nor_a_site_admin_is_let_in(
    desk: Flask, provider: Provider, when: str, why: dict[str, bool]
) -> None:
    if when == "known already":
        sign_in_there(desk.test_client(), provider)
    change(desk, "buyer", **why)
    before = kept(desk)
    browser = desk.test_client()
    answer = sign_in_there(browser, provider)
    assert answer.status_code == 403
    assert signed_in_as(browser) == ""
    assert kept(desk) == before


def test_whoever_was_signed_in_here_is_signed_out_first(desk: Flask, provider: Provider) -> None:
    browser = desk.test_client()
    way = away(browser)
    token = csrf_token(browser.get("/login").text)
    browser.post("/login", data={"email": email_of("owner"), "password": PASSWORD, "csrf_token": token})
    cookie = browser.get_cookie("tradepost")
    assert come_back(browser, provider.enter(way)).status_code == 303
    assert signed_in_as(browser) == email_of("buyer")
    before = desk.test_client()
    before.set_cookie("tradepost", cookie.value)  # type: ignore[union-attr]
    assert signed_in_as(before) == ""
    assert kept(desk).open_signins == 1


@pytest.mark.parametrize("methods", [METHODS[:1], METHODS[1:], None, 5])
def test_the_desk_proves_itself_as_the_provider_wants_it(
    desk: Flask, provider: Provider, methods: object
) -> None:
    provider.bends["metadata"] = lambda told: told | {"token_endpoint_auth_methods_supported": methods}
    assert sign_in_there(desk.test_client(), provider).status_code == 303


def test_a_new_key_of_the_provider_is_taken(desk: Flask, provider: Provider) -> None:
    assert sign_in_there(desk.test_client(), provider).status_code == 303
    new = RSAKey.generate_key(2048, {"kid": "two"})
    provider.bends["keys"] = lambda told: {"keys": [*told["keys"], new.as_dict(private=False)]}
    provider.sign = lambda claims: provider.signed(claims, key=new, kid="two")
    assert sign_in_there(desk.test_client(), provider).status_code == 303


def test_a_minute_between_the_clocks_is_borne(desk: Flask, provider: Provider) -> None:
    for skew in (-50, 50):
        now = int(time.time()) + skew
        provider.bends["claims"] = lambda told, now=now: told | {"iat": now, "nbf": now, "exp": now + 5}
        assert sign_in_there(desk.test_client(), provider).status_code == 303


# Evil ID tokens.


def part(value: object) -> str:
    """Return a part of a token."""
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def by_shared_secret(claims: dict[str, Any], secret: bytes) -> str:
    """Return a token signed by HS256 with a secret that the forger has."""
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'one'})}.{part(claims)}"
    made = hmac.new(secret, signed.encode(), "sha256").digest()
    return f"{signed}.{urlsafe_b64encode(made).decode().rstrip('=')}"


def swapped(provider: Provider, claims: dict[str, Any]) -> str:
    """Return a good token whose claims were written anew."""
    head, _, made = provider.signed(claims).split(".")
    return f"{head}.{part(claims | {'sub': 'person-9'})}.{made}"


def telling(**claims: Any) -> Callable[[Provider], None]:
    """Return what lets a provider sign these claims (None: without it)."""

    def bend(provider: Provider) -> None:
        provider.bends["claims"] = lambda told: {
            name: value for name, value in (told | claims).items() if value is not None
        }

    return bend


def signing(how: Callable[[Provider, dict[str, Any]], Any]) -> Callable[[Provider], None]:
    """Return what lets a provider sign so."""

    def bend(provider: Provider) -> None:
        provider.sign = lambda claims: how(provider, claims)

    return bend


def bending(name: str, how: Callable[[Any], Any]) -> Callable[[Provider], None]:
    """Return what bends one of a provider's answers."""

    def bend(provider: Provider) -> None:
        provider.bends[name] = how

    return bend


def instead(status: int, body: bytes = b"{}", **headers: str) -> Callable[[Any], Any]:
    """Return what answers this instead."""

    def answer(_told: Any) -> Any:
        raise Answer(status, body, **headers)

    return answer


def signing_by_a_shared_key(provider: Provider) -> None:
    """Let a provider publish a secret as its key, and sign by it."""
    shared = urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")
    provider.bends["keys"] = lambda _told: {"keys": [{"kty": "oct", "k": shared, "kid": "one"}]}
    provider.sign = lambda claims: by_shared_secret(claims, SECRET.encode())


LONG_AGO, FAR_AHEAD = int(time.time()) - 3600, int(time.time()) + 36000
FORGED: dict[str, Callable[[Provider], None]] = {
    "another nonce": telling(nonce="n" * 43),
    "no nonce": telling(nonce=None),
    "an empty nonce": telling(nonce=""),
    "another audience": telling(aud="another desk"),
    "no audience": telling(aud=None),
    "an empty audience": telling(aud=[]),
    "many audiences and no party": telling(aud=[CLIENT, "another desk"]),
    "another party": telling(azp="another desk"),
    "expired": telling(exp=LONG_AGO),
    "no end": telling(exp=None),
    "an end in words": telling(exp="never"),
    "an endless end": telling(exp=True),
    "issued in the future": telling(iat=FAR_AHEAD, exp=FAR_AHEAD + 300),
    "not valid yet": telling(nbf=FAR_AHEAD),
    "no time of issue": telling(iat=None),
    "another issuer": telling(iss="https://evil.example"),
    "no issuer": telling(iss=None),
    "no subject": telling(sub=None),
    "an empty subject": telling(sub=""),
    "a subject that is a number": telling(sub=7),
    "a subject that is a list": telling(sub=["person-1"]),
    "a subject that is too long": telling(sub="s" * 256),
    "a subject with a null": telling(sub="a\0b"),
    "a hash of another access token": telling(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "a hash that is none": telling(at_hash=5),
    "methods that are no list": telling(amr="mfa"),
    "no algorithm": signing(lambda p, claims: f"{part({'alg': 'none'})}.{part(claims)}."),
    "no algorithm, and a signature": signing(
        lambda p, claims: f"{part({'alg': 'none', 'kid': 'one'})}.{'.'.join(p.signed(claims).split('.')[1:])}"
    ),
    "signed by the public key as a secret": signing(
        lambda p, claims: by_shared_secret(claims, p.key.as_pem(private=False))
    ),
    "signed by the public key as JSON": signing(
        lambda p, claims: by_shared_secret(claims, json.dumps(p.key.as_dict(private=False)).encode())
    ),
    "signed by the client's secret": signing(lambda p, claims: by_shared_secret(claims, SECRET.encode())),
    "signed by another key": signing(lambda p, claims: p.signed(claims, key=p.other_key)),
    "signed by a key that it brings": signing(
        lambda p, claims: p.signed(claims, key=p.other_key, jwk=p.other_key.as_dict(private=False))
    ),
    "signed by an unknown key": signing(lambda p, claims: p.signed(claims, key=p.other_key, kid="nine")),
    "written anew": signing(swapped),
    "without its signature": signing(lambda p, claims: p.signed(claims).rsplit(".", 1)[0] + "."),
    "two parts": signing(lambda p, claims: p.signed(claims).rsplit(".", 1)[0]),
    "no token at all": signing(lambda p, claims: None),
    "a number": signing(lambda p, claims: 5),
    "words": signing(lambda p, claims: "not a token"),
    "an object": signing(lambda p, claims: claims),
    "claims that are a list": signing(lambda p, claims: p.signed(claims).replace(".", f".{part([1])}.", 1)),
    "keys that are none": bending("keys", lambda told: {"keys": []}),
    "keys that are no list": bending("keys", lambda told: {"keys": 5}),
    "no keys": bending("keys", lambda told: {}),
    "signed by a shared key of the keys": signing_by_a_shared_key,
    "a shared key": bending("keys", lambda told: {"keys": [{"kty": "oct", "k": "AAAA", "kid": "one"}]}),
    "the code was refused": bending("token", instead(400, b'{"error": "invalid_grant"}')),
    "a token that is no JSON": bending("token", instead(200, b"<html>")),
    "a token that lasts for nothing known": bending("token", lambda told: told | {"expires_in": [5]}),
    "a token that is a list": bending("token", lambda told: [told]),
    "a token that is an error": bending("token", lambda told: {"error": 5}),
    "a redirect of the keys": bending("keys", instead(302, Location="/keys")),
    "keys that are forbidden": bending("keys", instead(403)),
}


@pytest.mark.parametrize("forged", FORGED)
def test_what_proves_nothing_signs_nobody_in(desk: Flask, provider: Provider, forged: str) -> None:
    desk.config["OIDC_OPEN"] = True
    FORGED[forged](provider)
    browser = desk.test_client()
    before = kept(desk)
    answer = sign_in_there(browser, provider)
    assert answer.status_code == 403
    assert re.search("does not prove who you are|too old or not valid yet", answer.text)
    assert signed_in_as(browser) == ""
    assert kept(desk) == before


def test_what_is_wrong_in_time_says_that_clocks_may_differ(desk: Flask, provider: Provider) -> None:
    for forged in ("expired", "issued in the future", "not valid yet"):
        FORGED[forged](provider)
        assert "clocks" in sign_in_there(desk.test_client(), provider).text, forged


def test_a_userinfo_of_somebody_else_is_not_believed(desk: Flask, provider: Provider) -> None:
    provider.claims = {"sub": "person-1"}
    provider.userinfo = {"sub": "person-2", "email": email_of("buyer"), "email_verified": True}
    assert sign_in_there(desk.test_client(), provider).status_code == 403
    assert kept(desk).identities == []


# A provider that is away.


def slow(told: Any) -> Any:
    """Answer too late."""
    time.sleep(0.4)
    return told


AWAY: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "the tokens fail": ("token", instead(500)),
    "the tokens are full": ("token", instead(429)),
    "the keys fail": ("keys", instead(503)),
    "the keys are endless": ("keys", instead(200, b'{"keys": "' + b"x" * 300_000 + b'"}')),
    "the keys come too late": ("keys", slow),
    "the tokens come too late": ("token", slow),
    "the description fails": ("metadata", instead(502)),
    "the description is none": ("metadata", instead(200, b"no JSON")),
    "the description is missing": ("metadata", instead(404)),
    "the description is of another": ("metadata", lambda told: told | {"issuer": "https://evil.example"}),
    "the description is of one that differs by a stroke": (
        "metadata",
        lambda told: told | {"issuer": f"{told['issuer']}/"},
    ),
    "the tokens come by plain http": (
        "metadata",
        lambda told: told | {"token_endpoint": "http://evil.example/token"},
    ),
    "the keys are a file": ("metadata", lambda told: told | {"jwks_uri": "file:///etc/passwd"}),
    "nobody asks for passwords": ("metadata", lambda told: told | {"authorization_endpoint": None}),
    "the way in is broken": (
        "metadata",
        lambda told: told | {"authorization_endpoint": "https://[::1/authorize"},
    ),
    "the address is broken": ("metadata", lambda told: told | {"token_endpoint": "https://[::1/token"}),
}


@pytest.mark.parametrize("away_how", AWAY)
def test_a_provider_in_trouble_gives_a_page_that_says_so(
    desk: Flask, provider: Provider, away_how: str
) -> None:
    name, how = AWAY[away_how]
    provider.bends[name] = how
    desk.config["OIDC_TIMEOUT"] = 0.2
    browser = desk.test_client()
    answer = go(browser)
    if name != "metadata":
        answer = sign_in_there(browser, provider)
    assert answer.status_code == 503
    assert "cannot be reached at the moment" in answer.text
    assert answer.headers["Retry-After"]
    assert signed_in_as(browser) == ""


def test_a_provider_that_listens_no_more_gives_a_page_that_says_so(desk: Flask) -> None:
    desk.config["OIDC_ISSUER"] = "http://127.0.0.1:9"
    assert go(desk.test_client()).status_code == 503


def test_what_the_provider_says_of_itself_is_asked_for_every_ten_minutes(
    desk: Flask, provider: Provider
) -> None:
    for _ in range(3):
        go(desk.test_client())
    assert provider.seen == ["/.well-known/openid-configuration"]


def test_a_provider_that_is_away_is_left_alone_for_some_seconds(desk: Flask, provider: Provider) -> None:
    provider.bends["metadata"] = instead(500)
    assert [go(desk.test_client()).status_code for _ in range(3)] == [503, 503, 503]
    assert len(provider.seen) == 1
    provider.begin()
    until, known = desk.extensions["openid"]
    desk.extensions["openid"] = (until - 5, known)  # so much later
    assert go(desk.test_client()).status_code == 200


# The way back.


def test_a_way_back_is_taken_once_and_by_the_browser_that_went_out(desk: Flask, provider: Provider) -> None:
    browser, other = desk.test_client(), desk.test_client()
    back = provider.enter(away(browser))
    away(other)
    for stranger in (other, desk.test_client()):
        answer = come_back(stranger, back)
        assert (answer.status_code, signed_in_as(stranger)) == (400, "")
    assert come_back(browser, back).status_code == 303
    assert come_back(browser, back).status_code == 400
    assert kept(desk).open_signins == 1


def test_a_code_that_was_used_is_worth_nothing_with_a_fresh_state(desk: Flask, provider: Provider) -> None:
    browser = desk.test_client()
    back = provider.enter(away(browser))
    code = parse_qs(urlsplit(back).query)["code"][0]
    come_back(browser, back)
    other = desk.test_client()
    answer = come_back(other, provider.enter(away(other), code=code))
    assert (answer.status_code, signed_in_as(other)) == (403, "")


def test_a_code_of_another_try_is_worth_nothing(desk: Flask, provider: Provider) -> None:
    victim, evil = desk.test_client(), desk.test_client()
    stolen = parse_qs(urlsplit(provider.enter(away(victim))).query)["code"][0]
    answer = come_back(evil, provider.enter(away(evil), code=stolen))
    assert (answer.status_code, signed_in_as(evil)) == (403, "")


WRONG_BACK = {
    "no state": ("state", "", 400),
    "another state": ("state", "s" * 43, 400),
    "a state of strange signs": ("state", "ÿ\u2028", 400),
    "a state with a null": ("state", "\0", 400),
    "a long state": ("state", "s" * 5000, 400),
    "no code": ("code", "", 403),
    "a made-up code": ("code", "made up", 403),
    "a code of strange signs": ("code", "ÿ&=%\u2603", 403),
    "a code with a null": ("code", "a\0", 400),
    "a long code": ("code", "c" * 5000, 400),
    "another issuer": ("iss", "https://evil.example", 403),
    "it was refused": ("error", "access_denied", 403),
    "an error of strange signs": ("error", "<script>", 403),
    "the provider has trouble": ("error", "server_error", 503),
    "the provider is busy": ("error", "temporarily_unavailable", 503),
}


@pytest.mark.parametrize("wrong", WRONG_BACK)
def test_a_way_back_that_is_not_right_ends_in_a_sentence(desk: Flask, provider: Provider, wrong: str) -> None:
    name, text, status = WRONG_BACK[wrong]
    browser = desk.test_client()
    answer = come_back(browser, provider.enter(away(browser), **{name: text}))
    assert answer.status_code == status
    assert "You are not signed in" in answer.text or status == 503
    assert "<script>" not in answer.text.replace("<script src", "")
    assert signed_in_as(browser) == ""


def test_nothing_may_come_twice(desk: Flask, provider: Provider) -> None:
    for name in ("state", "code"):
        browser = desk.test_client()
        back = provider.enter(away(browser))
        assert come_back(browser, f"{back}&{name}=again").status_code == 400


def test_whoever_takes_longer_than_ten_minutes_begins_anew(desk: Flask, provider: Provider) -> None:
    with time_machine.travel(datetime(2026, 11, 21, 12, tzinfo=UTC), tick=False) as clock:
        browser = desk.test_client()
        back = provider.enter(away(browser))
        clock.shift(timedelta(minutes=10, seconds=1))
        assert come_back(browser, back).status_code == 400


def test_the_way_back_with_nothing_at_all(desk: Flask) -> None:
    for query in ("", "?state=", "?state=x&code=y", "?error=access_denied"):
        assert desk.test_client().get(f"/login/openid/back{query}").status_code == 400


# The way out, the settings, the log.


def test_the_way_out_needs_the_forms_token_and_is_no_link(desk: Flask, provider: Provider) -> None:
    browser = desk.test_client()
    browser.get("/login")
    assert browser.post("/login/openid", data={}).status_code == 400
    assert browser.get("/login/openid").status_code == 405
    assert provider.seen == []


def test_the_address_of_the_desk_is_that_of_the_settings(desk: Flask, provider: Provider) -> None:
    desk.config["BASE_URL"] = "https://desk.example/shop"
    asked = parse_qs(urlsplit(away(desk.test_client())).query)
    assert asked["redirect_uri"] == ["https://desk.example/shop/login/openid/back"]
    assert asked["tenant"] == ["1"]


def test_without_an_issuer_nothing_of_it_is_there(client: FlaskClient) -> None:
    page = client.get("/login").text
    assert "Go on with" not in page
    assert client.post("/login/openid", data={"csrf_token": csrf_token(page)}).status_code == 404
    assert client.get("/login/openid/back").status_code == 404


@pytest.mark.parametrize(
    ("issuer", "client_id"),
    [
        ("http://id.example", "desk"),
        ("id.example", "desk"),
        ("ftp://id.example", "desk"),
        ("https://", "desk"),
        ("https://[::1", "desk"),
        ("https://me@id.example", "desk"),
        ("https://id.example/?x", "desk"),
        ("https://id.example", ""),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, issuer: str, client_id: str
) -> None:
    monkeypatch.setenv("TRADEPOST_INSTANCE", str(tmp_path))
    monkeypatch.setenv("TRADEPOST_OIDC_ISSUER", issuer)
    monkeypatch.setenv("TRADEPOST_OIDC_CLIENT_ID", client_id)
    with pytest.raises(BadSetting, match="TRADEPOST_OIDC_"):
        from_environment()


def test_the_settings_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRADEPOST_INSTANCE", str(tmp_path))
    monkeypatch.setenv("TRADEPOST_OIDC_ISSUER", "https://id.example/realm/")
    monkeypatch.setenv("TRADEPOST_OIDC_CLIENT_ID", "desk")
    found = from_environment()
    assert (found["OIDC_NAME"], found["OIDC_OPEN"]) == ("id.example", False)


def test_where_the_library_is_missing_the_desk_says_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from app import openid

    monkeypatch.setattr(openid, "find_spec", lambda name: None)
    with pytest.raises(BadSetting, match=r"Authlib is not installed.*make setup"):
        create_app(
            {
                **TEST_SETTINGS,
                "OIDC_ISSUER": "https://id.example",
                "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'x.db'}",
            }
        )


def test_nothing_loads_the_library_before_somebody_signs_in_elsewhere() -> None:
    loading = [
        module.at(node)
        for module in modules("app")
        for node in module.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and {name.split(".")[0] for name in imported(node)} & {"authlib", "joserfc", "requests"}
    ]
    assert loading == []


def test_the_log_says_who_came_this_way_and_who_was_refused_and_no_secret(
    desk: Flask, provider: Provider, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = desk.test_client()
    back = provider.enter(away(browser))
    come_back(browser, back).close()
    telling(nonce="other")(provider)
    sign_in_there(desk.test_client(), provider).close()
    told = capsys.readouterr().err
    lines = [line for line in map(json.loads, told.splitlines()) if line.get("path") == "/login/openid/back"]
    assert [(x["status"], x.get("did"), x.get("way")) for x in lines] == [
        (303, "signed in", "openid"),
        (403, None, None),
    ]
    assert lines[0]["account"] == change(desk, "buyer")
    assert (lines[1]["reason"], lines[1]["fault"]) == ("NotBelieved", "InvalidClaimError nonce")
    secrets = [text for texts in parse_qs(urlsplit(back).query).values() for text in texts if len(text) > 15]
    for secret in (*secrets, "buyer@example.com", "person-1", "access"):
        assert secret in {provider.url} or secret not in told, secret


def test_an_account_of_no_password_cannot_be_entered_by_one(desk: Flask) -> None:
    with desk.app_context():
        open_account("quiet@example.com", is_vouched=False)
        db.session.commit()
    for password in ("", "None", "null", "x"):
        browser = desk.test_client()
        token = csrf_token(browser.get("/login").text)
        browser.post("/login", data={"email": "quiet@example.com", "password": password, "csrf_token": token})
        assert signed_in_as(browser) == ""
