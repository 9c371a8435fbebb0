"""Tokens at the JSON doors: what is taken, what is refused, and what the database keeps of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.db import db
from app.models import Account, ApiToken
from tests.api.caller import Caller, is_success, told
from tests.factories import GOODS, Factory

READ, WRITE = "read:store-orders", "write:store-orders"
NEEDS_TOKEN = (401, "User token required for this operation.")
BAD_TOKEN = (401, "Invalid or expired user token.")
NO_RIGHT = (403, "Insufficient privileges for this operation.")


@contextmanager
def only_token(app: Flask) -> Iterator[ApiToken]:
    """Give the one token that was made; what is changed in it is kept."""
    with app.app_context():
        yield db.session.scalars(select(ApiToken)).one()
        db.session.commit()


def test_nothing_but_a_bearer_token_that_holds_is_taken(okanjo: Caller) -> None:
    good = okanjo.headers("owner")["Authorization"]
    secret = good.removeprefix("Bearer ")
    for header in (
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer null",
        "null",
        secret,
        f"Basic {secret}",
        f"Token {secret}",
        f"Bearer {secret}x",
        good[:-1],
        f"Bearer {secret.upper()}",
        f"Bearer {secret} ",
        f"{good},{good}",
        f"{good} {secret}",
        f'Bearer "{secret}"',
        f"Bearer {'a' * 7000}",
        "Bearer \xff\xfe",
        "Bearer %00",
    ):
        answer = okanjo.client.get(okanjo.path(), headers={"Authorization": header})
        assert told(answer) == BAD_TOKEN, header
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_header_sent_twice_is_refused(okanjo: Caller) -> None:
    good = okanjo.headers("owner")["Authorization"]
    answer = okanjo.client.get(okanjo.path(), headers=[("Authorization", good), ("Authorization", good)])
    assert told(answer) == BAD_TOKEN


def test_without_a_token_the_answer_names_the_way_to_send_one(okanjo: Caller) -> None:
    answer = okanjo.sales(who=None)
    assert told(answer) == NEEDS_TOKEN
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_in_the_query_string_is_not_looked_at(okanjo: Caller) -> None:
    secret = okanjo.headers("owner")["Authorization"].removeprefix("Bearer ")
    for name in ("api_key", "token", "access_token"):
        assert told(okanjo.sales({name: secret}, who=None)) == NEEDS_TOKEN


def test_a_sign_in_of_the_browser_is_no_token(
    okanjo: Caller, make: Factory, sign_in: Callable[[str], FlaskClient]
) -> None:
    item = make.item(GOODS)
    browser = sign_in("owner")
    assert told(browser.get(okanjo.path())) == NEEDS_TOKEN
    assert told(browser.put(okanjo.path(item=item), data={"status": "3"})) == NEEDS_TOKEN


def test_the_answers_set_no_cookie_and_may_not_be_kept(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    for answer in (
        okanjo.sales(),
        okanjo.sales(who=None),
        okanjo.one(item),
        okanjo.put(item, status=3),
        okanjo.put(item, status=3),
        okanjo.client.get("/api/okanjo/nothing"),
        okanjo.client.get("/api"),
    ):
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_that_ended_is_refused(app: Flask, okanjo: Caller) -> None:
    okanjo.headers("owner")
    now = datetime.now(UTC)
    for column in ("revoked_at", "expires_at"):
        assert okanjo.sales().status_code == 200
        with only_token(app) as token:
            setattr(token, column, now)
        assert told(okanjo.sales()) == BAD_TOKEN
        with only_token(app) as token:
            setattr(token, column, None)


def test_a_token_lasts_until_it_expires(app: Flask, okanjo: Caller) -> None:
    okanjo.headers("owner")
    with only_token(app) as token:
        token.expires_at = datetime.now(UTC) + timedelta(minutes=1)
    assert okanjo.sales().status_code == 200


def test_the_token_of_an_account_that_was_closed_is_refused(app: Flask, okanjo: Caller) -> None:
    okanjo.headers("owner")
    with only_token(app) as token:
        db.session.get_one(Account, token.account_id).active = False
    assert told(okanjo.sales()) == BAD_TOKEN


def test_a_token_needs_the_scope_of_what_it_asks(
    okanjo: Caller, make: Factory, token: Callable[..., dict[str, str]]
) -> None:
    item = make.item(GOODS)
    calls = {
        "list": lambda headers: okanjo.client.get(okanjo.path(), headers=headers),
        "one": lambda headers: okanjo.client.get(okanjo.path(item=item), headers=headers),
        "put": lambda headers: okanjo.client.put(
            okanjo.path(item=item), data={"status": "3"}, headers=headers
        ),
    }
    for scopes, may in (((), ()), ((READ,), ("list", "one")), ((WRITE,), ("put",))):
        headers = token("owner", scopes=scopes)
        for name, call in calls.items():
            answer = call(headers)
            assert answer.status_code == 200 if name in may else told(answer) == NO_RIGHT, (scopes, name)


def test_a_token_of_one_store_opens_no_other(
    okanjo: Caller, make: Factory, token: Callable[..., dict[str, str]]
) -> None:
    item = make.item(GOODS, store="vendorshop")
    headers = token("owner", store="papershop")
    assert okanjo.client.get(okanjo.path(), headers=headers).status_code == 200
    path = okanjo.path("vendorshop")
    assert told(okanjo.client.get(path, headers=headers)) == NO_RIGHT
    assert told(okanjo.client.get(f"{path}/{item}", headers=headers)) == (404, "Sale item not found.")
    assert told(okanjo.client.put(f"{path}/{item}", data={"status": "3"}, headers=headers)) == NO_RIGHT


def test_the_database_keeps_the_hash_of_a_token_alone(app: Flask, okanjo: Caller) -> None:
    secret = okanjo.headers("owner")["Authorization"].removeprefix("Bearer ")
    okanjo.sales()
    path = Path(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))
    kept = path.read_bytes() + Path(f"{path}-wal").read_bytes()
    with only_token(app) as token:
        assert token.token_hash.encode() in kept
    assert secret.encode() not in kept
    assert secret[-20:].encode() not in kept


def test_the_use_of_a_token_is_noted_once_an_hour(app: Flask, okanjo: Caller) -> None:
    okanjo.sales()
    with only_token(app) as token:
        first = token.used_at
    assert first is not None
    okanjo.sales()
    with only_token(app) as token:
        assert token.used_at == first
        token.used_at = long_ago = first - timedelta(minutes=61)
    okanjo.sales()
    with only_token(app) as token:
        assert token.used_at is not None and token.used_at > long_ago


def test_the_use_of_a_token_is_noted_also_where_the_call_is_refused(app: Flask, okanjo: Caller) -> None:
    assert told(okanjo.sales(store="othershop")) == NO_RIGHT
    with only_token(app) as token:
        assert token.used_at is not None


def test_what_a_token_did_stands_in_the_history_as_a_tokens(
    app: Flask, okanjo: Caller, make: Factory
) -> None:
    from app.queries import history

    order = make.sale(GOODS)
    assert is_success(okanjo.put(make.items_of(order)[0], status=3))
    with app.app_context():
        newest = history.events_of(order)[0]
        assert (newest.actor_kind, newest.door, newest.verb) == ("token", "api", "ship")
        assert newest.actor_id is not None


def test_a_right_taken_away_is_gone_at_the_next_call(app: Flask, okanjo: Caller, make: Factory) -> None:
    from app.models import Member

    item = make.item(GOODS)
    assert okanjo.one(item, who="staff").status_code == 200
    with app.app_context():
        for member in db.session.scalars(select(Member)):
            if member.role == "staff":
                db.session.delete(member)
        db.session.commit()
    assert told(okanjo.one(item, who="staff")) == (404, "Sale item not found.")
    assert told(okanjo.put(item, who="staff", status=3)) == NO_RIGHT
