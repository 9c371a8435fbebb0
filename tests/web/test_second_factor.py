"""A second factor: set up with an app's first code, asked for at sign-in, and the ways without the app."""

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app import totp
from app.actions.accounts import (
    new_recovery_codes,
    replace_recovery_codes,
    turn_off_second_factor,
    turn_on_second_factor,
)
from app.db import db
from app.errors import ChangedMeanwhile
from app.models import Account
from app.seals import decrypted, encrypted
from tests.conftest import PASSWORD, csrf_token, email_of
from tests.web.mailed import account, change, delivered
from tests.web.pages import Browser, words
from tests.web.test_signin import is_signed_in, sign_out, try_sign_in

SignIn = Callable[[str], FlaskClient]
AT = "/account/second-factor"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30
SECRET = b"12345678901234567890"


@pytest.fixture
def clock() -> Any:
    """A clock that stands still until it is moved."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def turn_on(app: Flask, who: str, but: int | None = None) -> list[str]:
    """Give one of the cast a second factor and return the recovery codes."""
    codes = new_recovery_codes()
    with app.app_context():
        whose = db.session.query(Account).filter_by(email=email_of(who)).one()
        sealed = encrypted(app.config["SECRET_KEY"], "second factor", SECRET)
        was, now = whose.fs_uniquifier, datetime.now(UTC)
        turn_on_second_factor(whose.id, sealed, codes, was=was, step=0, now=now, but=but)
        db.session.commit()
    return codes


@pytest.mark.both
@pytest.mark.parametrize("is_on", [True, False])
def test_nothing_of_it_changes_for_whoever_was_asked_before_the_password_changed(
    app: Flask, is_on: bool
) -> None:
    if is_on:
        turn_on(app, "owner")
    with app.app_context():
        before = account(app, "owner")
        owner, now = before.id, datetime.now(UTC)
        for act in (
            partial(turn_on_second_factor, owner, "sealed", ["a"], step=1, now=now, but=None),
            partial(turn_off_second_factor, owner, now=now),
            partial(replace_recovery_codes, owner, ["a"]),
        ):
            with pytest.raises(ChangedMeanwhile, match="changed meanwhile"):
                act(was="the key of before")
            db.session.rollback()
        after = account(app, "owner")
        assert (after.second_factor_at, after.mf_recovery_codes) == (
            before.second_factor_at,
            before.mf_recovery_codes,
        )


def test_no_recovery_codes_are_made_where_it_was_turned_off_meanwhile(app: Flask) -> None:
    with app.app_context():
        owner = account(app, "owner")
        with pytest.raises(ChangedMeanwhile, match="turned off meanwhile"):
            replace_recovery_codes(owner.id, ["a"], was=owner.fs_uniquifier)


def code(step: int = STEP) -> str:
    """Return the code of a step."""
    return totp.code(SECRET, step)


def half_way(app: Flask, who: str = "owner", **fields: str) -> FlaskClient:
    """Return a browser in which the password was given."""
    client = app.test_client()
    with try_sign_in(client, email_of(who), **fields) as answer:
        assert answer.location == "/login/code"
    assert not is_signed_in(client)
    return client


def give(client: FlaskClient, typed: str) -> Any:
    """Send the form with the code."""
    page = client.get("/login/code")
    token = csrf_token(page.text if page.status_code == 200 else client.get("/login").text)
    return client.post("/login/code", data={"code": typed, "csrf_token": token}, buffered=True)


def offered(browser: Browser) -> tuple[bytes, str]:
    """Return the secret that the page shows, and how it is sent back."""
    from base64 import b32decode

    page = browser.get(AT).text
    (shown,) = re.findall(r'<code id="secret">([A-Z2-7 ]+)</code>', page)
    (sealed,) = re.findall(r'name="sealed" value="([^"]+)"', page)
    return b32decode(shown.replace(" ", "")), sealed


# The codes (RFC 6238, appendix B; its eight digits end in our six).


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(second: int, says: str) -> None:
    assert totp.code(SECRET, second // 30) == says


@pytest.mark.parametrize(("off", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_the_codes_around_now_count(off: int, counts: bool) -> None:
    assert (totp.step_of(SECRET, code(STEP + off), NOW) == STEP + off) is counts


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345", "0x1234", "12 34 5"]
)
def test_what_is_no_code_counts_never(typed: str) -> None:
    assert totp.step_of(SECRET, typed, NOW) is None


def test_an_app_is_told_what_it_needs() -> None:
    address = totp.address(SECRET, "owner@example.com")
    assert address == (
        "otpauth://totp/Tradepost%3Aowner@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Tradepost"
    )
    assert totp.in_words(SECRET).startswith("GEZD GNBV")


# Set up.


@pytest.mark.both
def test_it_counts_once_a_code_shows_that_an_app_has_it(app: Flask, sign_in: SignIn, clock: Any) -> None:
    elsewhere, client = sign_in("owner"), sign_in("owner")
    browser = Browser(client)
    secret, sealed = offered(browser)
    assert account(app, "owner").tf_totp_secret is None  # nothing is kept before
    sent = {"sealed": sealed, "code": totp.code(secret, STEP), "current": PASSWORD}
    answer = browser.post(AT, sent)
    assert answer.status_code == 201
    codes = re.findall(r"<code>([a-z0-9-]+)</code>", answer.text)
    assert len(codes) == len(set(codes)) == 10
    assert not is_signed_in(elsewhere)
    assert is_signed_in(client)
    kept = account(app, "owner")
    assert decrypted(app.config["SECRET_KEY"], "second factor", kept.tf_totp_secret or "") == secret
    assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in kept.mf_recovery_codes or [])
    assert "Your second factor is on" in [written.subject for written in delivered(app)]
    assert codes[0] not in browser.get(AT).text
    # The code that confirmed it counts no second time.
    assert give(half_way(app), totp.code(secret, STEP)).status_code == 422
    clock.shift(timedelta(seconds=30))
    assert give(half_way(app), totp.code(secret, STEP + 1)).location == "/"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"code": "000000"}, "This is not the code of now"),
        ({"code": ""}, "This is empty."),
        ({"current": "wrong"}, "This is not your password."),
        ({"sealed": ""}, "This is not the code of now"),
        ({"sealed": "x" * 100}, "This is not the code of now"),
    ],
)
def test_nothing_counts_while_something_is_wrong(
    *, app: Flask, sign_in: SignIn, clock: Any, changes: dict[str, str], says: str
) -> None:
    browser = Browser(sign_in("owner"))
    secret, sealed = offered(browser)
    sent = {"sealed": sealed, "code": totp.code(secret, STEP), "current": PASSWORD, **changes}
    answer = browser.post(AT, sent)
    assert answer.status_code == 422
    assert says in words(answer.text)
    assert account(app, "owner").second_factor_at is None
    # The secret stays the same on the page, for the app has it by now.
    assert (totp.in_words(secret) in answer.text) == ("sealed" not in changes)


def test_the_secret_that_another_page_was_given_is_refused(app: Flask, sign_in: SignIn, clock: Any) -> None:
    secret, sealed = offered(Browser(sign_in("staff")))
    sent = {"sealed": sealed, "code": totp.code(secret, STEP), "current": PASSWORD}
    assert Browser(sign_in("owner")).post(AT, sent).status_code == 422
    assert account(app, "owner").second_factor_at is None


def test_a_second_factor_that_is_on_is_not_replaced_by_the_way(
    app: Flask, sign_in: SignIn, clock: Any
) -> None:
    browser = Browser(sign_in("owner"))
    secret, sealed = offered(browser)
    sent = {"sealed": sealed, "code": totp.code(secret, STEP), "current": PASSWORD}
    browser.post(AT, sent)
    before = account(app, "owner").tf_totp_secret
    assert browser.post(AT, sent).location == AT
    assert account(app, "owner").tf_totp_secret == before


# Asked for.


@pytest.mark.both
def test_signing_in_asks_for_a_code_and_each_counts_once(app: Flask, clock: Any) -> None:
    turn_on(app, "owner")
    client, other = half_way(app), half_way(app)
    answer = give(client, code())
    assert answer.location == "/"
    assert is_signed_in(client)
    # Neither the same code nor the one before it, which was of about now too.
    for used in (code(), code(STEP - 1)):
        assert give(other, used).status_code == 422
    assert not is_signed_in(other)
    clock.shift(timedelta(seconds=30))
    assert give(other, code(STEP + 1)).location == "/"


def test_whoever_is_half_way_in_is_not_in(app: Flask, clock: Any) -> None:
    turn_on(app, "owner")
    client = half_way(app)
    for path in ("/", "/account", "/account/second-factor", "/stores/papershop/sales", "/account/tokens"):
        assert client.get(path).location.startswith("/login?next=")
    token = csrf_token(client.get("/login/code").text)
    off = client.post(f"{AT}/off", data={"current": PASSWORD, "csrf_token": token})
    assert off.location == "/login"
    assert account(app, "owner").second_factor_at is not None


@pytest.mark.parametrize("typed", ["", "000000", "x" * 65, "1" * 300, "ÿ", "aaaa-aaaa-aaaa-aaaa-aaaa-aaaa"])
def test_a_wrong_code_lets_nobody_in(app: Flask, clock: Any, typed: str) -> None:
    turn_on(app, "owner")
    client = half_way(app)
    assert give(client, typed).status_code == 422
    assert not is_signed_in(client)
    assert give(client, code()).location == "/"  # the next try is free


def test_the_code_is_waited_for_ten_minutes(app: Flask, clock: Any) -> None:
    turn_on(app, "owner")
    client = half_way(app)
    clock.shift(timedelta(minutes=10, seconds=1))
    assert client.get("/login/code").location == "/login"
    assert give(client, code(STEP + 20)).location == "/login"
    assert not is_signed_in(client)


@pytest.mark.parametrize("changes", [{"fs_uniquifier": "f" * 64}, {"active": False}])
def test_who_is_half_way_in_is_out_when_the_account_changes(
    app: Flask, clock: Any, changes: dict[str, Any]
) -> None:
    turn_on(app, "owner")
    client = half_way(app)
    change(app, "owner", **changes)
    assert give(client, code()).location == "/login"
    assert not is_signed_in(client)


def test_a_code_of_another_account_lets_nobody_in(app: Flask, clock: Any) -> None:
    turn_on(app, "owner")
    turn_on(app, "staff")
    change(app, "staff", tf_totp_secret=encrypted(app.config["SECRET_KEY"], "second factor", b"x" * 20))
    assert give(half_way(app, "staff"), code()).status_code == 422


def test_where_one_wanted_to_go_and_to_stay_outlasts_the_second_step(app: Flask, clock: Any) -> None:
    turn_on(app, "owner")
    client = app.test_client()
    wanted = "/stores/papershop/sales?tab=to_ship"
    try_sign_in(client, email_of("owner"), path=client.get(wanted).location, remember="y")
    answer = give(client, code())
    assert answer.location == wanted
    assert any("Expires=" in c for c in answer.headers.getlist("Set-Cookie") if c.startswith("tradepost="))


def test_a_way_too_long_for_the_cookie_locks_nobody_out(app: Flask, clock: Any) -> None:
    turn_on(app, "owner")
    client = half_way(app, next=f"/purchases?q={random.Random(1).randbytes(3000).hex()}")
    kept = client.get_cookie("tradepost")
    assert kept is not None and len(kept.value) < 4000  # browsers drop longer ones, and the try with them
    assert give(client, code()).location == "/"


@pytest.mark.parametrize("way", ["//evil.example", "/\\evil.example", "https://evil.example", "http:evil"])
def test_the_second_step_leads_nowhere_else(app: Flask, clock: Any, way: str) -> None:
    turn_on(app, "owner")
    assert give(half_way(app, next=way), code()).location == "/"


def test_a_session_gets_a_new_id_at_the_second_step(app: Flask, clock: Any) -> None:
    turn_on(app, "owner")
    client = half_way(app)
    kept = client.get_cookie("tradepost")
    assert kept is not None
    give(client, code())
    planted = app.test_client()
    planted.set_cookie("tradepost", kept.value)
    assert is_signed_in(client)
    assert not is_signed_in(planted)
    assert give(planted, code()).status_code == 422  # half way in still, and the code is used


# Without the app.


@pytest.mark.both
def test_a_recovery_code_lets_in_once(app: Flask, clock: Any) -> None:
    first, second = turn_on(app, "owner")[:2]
    delivered(app)
    client = half_way(app)
    assert give(client, first.upper().replace("-", " ")).location == "/"
    assert is_signed_in(client)
    assert "9 recovery codes left" in words(client.get("/account").text)
    assert [written.subject for written in delivered(app)] == ["A recovery code was used"]
    other = half_way(app)
    assert give(other, first).status_code == 422
    assert give(other, second).location == "/"


def test_new_recovery_codes_stand_for_the_old_ones(app: Flask, clock: Any) -> None:
    old = turn_on(app, "owner")
    client = half_way(app)
    give(client, code())
    browser = Browser(client)
    assert browser.post(f"{AT}/codes", {"current": "wrong", "code": old[1]}).status_code == 422
    answer = browser.post(f"{AT}/codes", {"current": PASSWORD, "code": old[1]})
    new = re.findall(r"<code>([a-z0-9-]+)</code>", answer.text)
    assert len(new) == 10
    assert give(half_way(app), old[0]).status_code == 422
    assert give(half_way(app), new[0]).location == "/"


def test_it_is_taken_away_by_whoever_knows_the_password_and_has_a_code(app: Flask, clock: Any) -> None:
    recovery = turn_on(app, "owner")
    elsewhere, client = half_way(app), half_way(app)
    give(elsewhere, recovery[0])
    give(client, code())
    browser = Browser(client)
    refused = browser.post(f"{AT}/off", {"current": "wrong", "code": recovery[1]})
    assert (refused.status_code, account(app, "owner").second_factor_at is None) == (422, False)
    assert "This is not your password." in words(refused.text)
    delivered(app)
    assert is_signed_in(elsewhere)
    for wrong in ("", "000000", code(), recovery[0]):  # none, no code, and two that were used
        refused = browser.post(f"{AT}/off", {"current": PASSWORD, "code": wrong})
        assert (refused.status_code, account(app, "owner").second_factor_at is None) == (422, False)
    assert browser.post(f"{AT}/off", {"current": PASSWORD, "code": recovery[1]}).location == "/account"
    assert (is_signed_in(elsewhere), is_signed_in(client)) == (False, True)
    kept = account(app, "owner")
    assert (kept.tf_totp_secret, kept.mf_recovery_codes) == (None, None)
    assert [written.subject for written in delivered(app)] == ["Your second factor is off"]
    again = app.test_client()
    assert try_sign_in(again, email_of("owner")).location == "/"


def test_a_link_by_mail_does_not_stand_for_the_code(app: Flask, clock: Any) -> None:
    from tests.web.test_passwords import NEW, reset_token, use

    turn_on(app, "owner")
    delivered(app)
    client = app.test_client()
    use(client, reset_token(app, "owner"))
    assert not is_signed_in(client)
    assert try_sign_in(client, email_of("owner"), NEW).location == "/login/code"


# Whoever runs the site.


@pytest.fixture
def real_desk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The desk, which is no demo."""
    monkeypatch.setitem(app.config, "DEMO", False)
    return app


def test_whoever_runs_the_site_sets_one_up_before_anything_opens(
    real_desk: Flask, sign_in: SignIn, clock: Any
) -> None:
    browser = Browser(sign_in("site_admin"), "none yet")
    pages = (
        "/",
        "/site",
        "/stores/papershop/sales",
        "/purchases",
        "/account/tokens",
        "/stores/papershop/settings",
    )
    for path in pages:
        assert (path, browser.get(path).location) == (path, AT)
    assert browser.get("/site", part=True).headers["HX-Redirect"] == AT
    browser.token = csrf_token(browser.get(AT).text)
    assert "Whoever runs the site needs one" in words(browser.get(AT).text)
    assert browser.post("/account/tokens", {"name": "x", "read": "1", "lasts": "7"}).location == AT
    secret, sealed = offered(browser)
    assert (
        browser.post(AT, {"sealed": sealed, "code": totp.code(secret, STEP), "current": PASSWORD}).status_code
        == 201
    )
    assert browser.get("/site").status_code == 200
    clock.shift(timedelta(seconds=30))
    browser.post(f"{AT}/off", {"current": PASSWORD, "code": totp.code(secret, STEP + 1)})
    assert browser.get("/site").location == AT


def test_in_the_demo_nobody_must(app: Flask, sign_in: SignIn) -> None:
    assert sign_in("site_admin").get("/site").status_code == 200


def test_a_real_person_on_a_desk_that_is_let_be_a_demo_must(app: Flask, sign_in: SignIn) -> None:
    client = sign_in("site_admin")
    change(app, "site_admin", email="admin@shop.example")
    assert client.get("/site").location == AT


def test_on_a_desk_that_others_reach_the_demos_people_must(
    app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "HOST", "0.0.0.0")
    assert sign_in("site_admin").get("/site").location == AT
    assert sign_in("owner").get("/stores/papershop/sales").status_code == 200


def test_it_is_written_down_who_did_what_and_no_secret(
    app: Flask, clock: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    codes = turn_on(app, "owner")
    client = half_way(app)
    give(client, "000000")
    give(client, codes[0])
    browser = Browser(client)
    for path in (f"{AT}/codes", f"{AT}/off"):
        clock.shift(timedelta(seconds=30))
        now = code(int(datetime.now(UTC).timestamp()) // totp.STEP)
        browser.post(path, {"current": PASSWORD, "code": now}).close()
    sign_out(client).close()
    said = capfd.readouterr().err
    for words_ in (
        "gave the password",
        "CodeRefused",
        "recovery code",
        "signed in",
        "second factor off",
        "signed out",
    ):
        assert f'"{words_}"' in said
    for secret in (*codes, PASSWORD, email_of("owner"), "000000", totp.in_words(SECRET)):
        assert secret not in said
