"""One's own account: names, and an e-mail that counts once a link that went there was used."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.actions.purchases import BuyerSaid
from app.db import db
from app.models import Buyer, Signin
from tests.conftest import PASSWORD, csrf_token, email_of
from tests.factories import GOODS, Factory
from tests.web.mailed import account, change, delivered, link_in, outbox_rows, token_in
from tests.web.pages import Browser, words
from tests.web.test_signin import is_signed_in, try_sign_in

SignIn = Callable[[str], FlaskClient]
NEW = "new@example.com"


def asked(app: Flask, browser: Browser, email: str = NEW) -> str:
    """Ask for another e-mail and return the token that went there."""
    answer = browser.post("/account/email", {"email": email, "current": PASSWORD})
    assert answer.location == "/account"
    (written,) = delivered(app)
    assert (written.to, written.subject) == (email.lower(), "Confirm your e-mail")
    return token_in(written)


def confirm(app: Flask, token: str, client: FlaskClient) -> int:
    """Press the button behind a link; return the status."""
    csrf = csrf_token(
        client.get("/login").text if not is_signed_in(client) else client.get("/purchases").text
    )
    return client.post("/account/email/confirm", data={"token": token, "csrf_token": csrf}).status_code


def buyers(app: Flask) -> list[tuple[int, str | None, int | None]]:
    """Return (store, e-mail, account) of every buyer."""
    with app.app_context():
        rows = db.session.query(Buyer.store_id, Buyer.email, Buyer.account_id).order_by(Buyer.id)
        return [tuple(row) for row in rows]  # type: ignore[misc]


@pytest.mark.both
def test_one_signs_in_by_the_username_one_chose(app: Flask, sign_in: SignIn) -> None:
    browser = Browser(sign_in("owner"))
    assert browser.post("/account", {"name": "Olive Öl", "username": "Olive.O"}).location == "/account"
    assert account(app, "owner").name == "Olive Öl"
    for typed in ("olive.o", " OLIVE.O ", email_of("owner")):
        client = app.test_client()
        try_sign_in(client, typed)
        assert is_signed_in(client)


@pytest.mark.parametrize("username", ["ab", "a" * 65, "me@example.com", "a b", "1st", "ölaf", "a<b", "-abc"])
def test_what_could_be_taken_for_something_else_is_no_username(sign_in: SignIn, username: str) -> None:
    answer = Browser(sign_in("owner")).post("/account", {"name": "Olive", "username": username})
    assert answer.status_code == 422


def test_a_username_is_one_persons(app: Flask, sign_in: SignIn) -> None:
    Browser(sign_in("owner")).post("/account", {"name": "Owner", "username": "olive"})
    answer = Browser(sign_in("staff")).post("/account", {"name": "Staff", "username": "OLIVE"})
    assert answer.status_code == 422
    assert "Another account has this username." in words(answer.text)
    assert account(app, "staff").username is None


@pytest.mark.both
def test_a_new_e_mail_counts_once_its_link_was_used_and_the_old_one_is_told(
    app: Flask, sign_in: SignIn
) -> None:
    client = sign_in("buyer")
    browser = Browser(client)
    token = asked(app, browser)
    assert account(app, "buyer").email == email_of("buyer")
    page = client.get("/account/email/confirm", query_string={"token": token})
    assert NEW in page.text
    assert account(app, "buyer").email == email_of("buyer")  # looking changes nothing
    assert confirm(app, token, client) == 303
    kept = account(app, "buyer")
    assert (kept.email, kept.email_proved_at is not None) == (NEW, True)
    (written,) = delivered(app)
    assert (written.to, written.subject) == (email_of("buyer"), "Your e-mail was changed")
    assert NEW not in written.body
    assert is_signed_in(client)
    assert confirm(app, token, client) == 410  # once


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"email": NEW, "current": "wrong"}, "This is not your password."),
        ({"email": NEW}, "This is not your password."),
        ({"email": "x", "current": PASSWORD}, "Write an e-mail address, such as ada@example.com."),
        (
            {"email": "a@b@c.example", "current": PASSWORD},
            "Write an e-mail address, such as ada@example.com.",
        ),
        ({"email": "a\r\nBcc: b@example.com", "current": PASSWORD}, "Write this on one line."),
        ({"email": "", "current": PASSWORD}, "This is empty."),
    ],
)
def test_a_wrong_form_sends_no_link(app: Flask, sign_in: SignIn, sent: dict[str, str], says: str) -> None:
    answer = Browser(sign_in("buyer")).post("/account/email", sent)
    assert answer.status_code == 422
    assert says in words(answer.text)
    assert delivered(app) == []


def test_an_e_mail_of_another_account_is_refused_where_only_its_owner_sees_it(
    app: Flask, sign_in: SignIn
) -> None:
    client = sign_in("buyer")
    taken = Browser(client).post("/account/email", {"email": email_of("owner"), "current": PASSWORD})
    assert taken.location == "/account"  # the same answer as for any other address
    (written,) = delivered(app)
    assert confirm(app, token_in(written), client) == 410
    assert account(app, "buyer").email == email_of("buyer")


def test_a_link_counts_for_whoever_asked_for_it_alone(app: Flask, sign_in: SignIn, make: Factory) -> None:
    # Somebody writes down the address of another, who reads the mail and presses the button in it.
    make.sale(GOODS, buyer=BuyerSaid("Nia", "nia", NEW, ref="nia"))
    asking = sign_in("buyer")
    token = asked(app, Browser(asking))
    way = f"/account/email/confirm?token={token}"
    signed_out = app.test_client()
    there = signed_out.get(way)
    assert (there.status_code, there.location.startswith("/login?next=/account/email/confirm")) == (303, True)
    assert confirm(app, token, signed_out) == 303
    other = sign_in("staff")
    assert other.get(way).status_code == 410
    assert confirm(app, token, other) == 410
    assert account(app, "staff").email == email_of("staff")
    assert account(app, "buyer").email == email_of("buyer")
    assert [row[2] for row in buyers(app)] == [None]
    assert confirm(app, token, asking) == 303
    assert account(app, "buyer").email == NEW


@pytest.mark.both
def test_what_was_bought_under_a_proved_e_mail_is_ones_own_in_every_store(
    app: Flask, sign_in: SignIn, make: Factory
) -> None:
    told = {"channel": "intake", "buyer": BuyerSaid("Nia", "nia", "NEW@example.com", ref="nia")}
    make.sale(GOODS, **told)
    make.sale(GOODS, store="othershop", **told)
    make.sale(GOODS, channel="etsy", buyer=BuyerSaid("Nia", "nia", NEW, ref="n7"))
    make.sale(GOODS, buyer=BuyerSaid("Other", "other", "other@example.com", ref="o"))
    client = sign_in("stranger")
    assert "Letterpress" not in client.get("/purchases").text
    confirm(app, asked(app, Browser(client)), client)
    mine = account(app, "stranger").id
    # A store knows an account as one buyer: the first one.
    assert [row[2] for row in buyers(app)] == [mine, mine, None, None]
    assert client.get("/purchases").text.count("Letterpress card, thank you") == 2


def test_no_e_mail_joins_anything_before_it_is_proved(app: Flask, sign_in: SignIn, make: Factory) -> None:
    make.sale(GOODS, buyer=BuyerSaid("Buyer", "b", email_of("buyer"), ref="b"))
    client = sign_in("buyer")
    asked(app, Browser(client), email_of("buyer"))
    change(app, "buyer", email_proved_at=None)
    assert [row[2] for row in buyers(app)] == [None]
    assert "Not confirmed" in client.get("/account").text


def test_ones_own_e_mail_is_proved_by_a_link_used_once(app: Flask, sign_in: SignIn, make: Factory) -> None:
    make.sale(GOODS, buyer=BuyerSaid("Buyer", "b", email_of("buyer"), ref="b"))
    client = sign_in("buyer")
    token = asked(app, Browser(client), email_of("buyer"))
    assert confirm(app, token, client) == 303
    assert confirm(app, token, client) == 410
    assert [row[2] for row in buyers(app)] == [account(app, "buyer").id]
    assert account(app, "buyer").email_proved_at is not None


def test_a_link_of_a_reset_proves_the_e_mail_too(app: Flask, make: Factory) -> None:
    from tests.web.test_passwords import reset_token, use

    make.sale(GOODS, buyer=BuyerSaid("Buyer", "b", email_of("buyer"), ref="b"))
    use(app.test_client(), reset_token(app, "buyer"))
    assert [row[2] for row in buyers(app)] == [account(app, "buyer").id]


def test_the_mail_names_nobody_elses_words(app: Flask, sign_in: SignIn) -> None:
    Browser(sign_in("buyer")).post("/account", {"name": "Evil https://evil.example", "username": ""})
    change(app, "owner", name="Line\u2028break", email_proved_at=datetime.now(UTC))
    Browser(sign_in("owner")).post("/account/email", {"email": NEW, "current": PASSWORD})
    (written,) = delivered(app)
    assert written.body.startswith("Hello Line break,\n")
    assert link_in(written).startswith("/account/email/confirm?token=")


WITHOUT = ("/account/password", "/account/email", "/account/second-factor")


@pytest.mark.parametrize("path", WITHOUT)
def test_without_a_password_what_lets_one_in_is_changed_by_a_sign_in_of_lately_alone(
    app: Flask, browse: Callable[[str], Browser], path: str
) -> None:
    browser = browse("buyer")
    change(app, "buyer", password=None)
    let_the_sign_in_be(app, timedelta(minutes=9))
    assert browser.get(path).status_code == 200
    let_the_sign_in_be(app, timedelta(minutes=11))
    for answer in (
        browser.get(path),
        browser.post(path, {"email": NEW, "password": "a lantern in the harbour"}),
    ):
        assert answer.status_code == 403
        assert "takes a sign-in of the last ten minutes" in words(answer.text)
    assert outbox_rows(app) == []
    change(app, "buyer", password=PASSWORD)
    assert browser.get(path).status_code == 200  # there the form asks for it


@pytest.mark.parametrize(
    ("path", "pressed"), [*((path, "") for path in WITHOUT), (WITHOUT[2], "/off"), (WITHOUT[2], "/codes")]
)
def test_whoever_must_sign_in_anew_signs_out_there_and_is_led_back(
    app: Flask, browse: Callable[[str], Browser], path: str, pressed: str
) -> None:
    browser = browse("buyer")
    change(app, "buyer", password=None)
    let_the_sign_in_be(app, timedelta(minutes=11))
    page = browser.post(path + pressed, {}).text if pressed else browser.get(path).text
    assert "Sign in once more first" in words(page) and "You may not" not in page
    (sign_out,) = re.findall(r'<form method="post" action="(/logout[^"]*)">', page)
    left = browser.post(sign_out)
    assert left.status_code == 302 and left.location == path
    assert browser.get(path).location == f"/login?next={path}"


def let_the_sign_in_be(app: Flask, old: timedelta) -> None:
    """Let all sign-ins have been made so long ago."""
    with app.app_context():
        db.session.execute(update(Signin).values(created_at=datetime.now(UTC) - old))
        db.session.commit()
