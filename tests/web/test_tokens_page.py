"""One's own tokens: made on the page, shown once, listed, ended."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.actions.people import MOST_TOKENS, make_token, secret_hash, signing_secret
from app.db import db
from app.models import ApiToken, Store
from app.queries import people
from tests.conftest import email_of
from tests.factories import GOODS, Factory
from tests.rules.books import everything
from tests.web.pages import Browser, words

Browse = Callable[[str], Browser]
AT = "/account/tokens"
SECRET = re.compile(r"tp_[0-9a-f]{16}_[A-Za-z0-9_-]{43}")
NEW = {"name": "Label printer", "read": "1", "lasts": "90"}


def made(browser: Browser, **changes: str) -> str:
    """Make a token on the page and return it."""
    answer = browser.post(AT, {**NEW, **changes})
    assert answer.status_code == 201, words(answer.text)
    (secret,) = set(SECRET.findall(answer.text))
    return secret


def kept(app: Flask) -> list[ApiToken]:
    """Return all tokens as the database has them, oldest first."""
    with app.app_context():
        return list(db.session.scalars(select(ApiToken).order_by(ApiToken.id)))


def end(browser: Browser, secret: str, **how: Any) -> Any:
    """End a token by its button."""
    return browser.post(f"{AT}/{secret.split('_')[1]}/end", **how)


def call(app: Flask, secret: str, address: str = "/api/okanjo/stores/1/sales") -> int:
    """Return how a call with a token is answered."""
    return app.test_client().get(address, headers={"Authorization": f"Bearer {secret}"}).status_code


@pytest.mark.both
def test_a_token_that_is_made_works_and_is_shown_this_once(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    answer = owner.post(AT, {**NEW, "store": "1"})
    (secret,) = set(SECRET.findall(answer.text))
    assert "it is shown this once" in words(answer.text)
    key, signing = re.findall(r'<code id="(?:key|signing-secret)">(\w+)</code>', answer.text)
    assert (key, signing) == (secret.split("_")[1], signing_secret(str(app.secret_key), key))
    assert answer.headers["Cache-Control"] == "no-store"
    assert call(app, secret) == 200
    assert call(app, secret, "/api/okanjo/stores/2/sales") == 403
    later = owner.get(AT)
    assert secret not in later.text and signing not in later.text
    assert secret.split("_", 2)[2] not in repr(everything(app))
    public_id = secret.split("_")[1]
    said = words(later.text)
    assert f"Label printer {public_id} Paper Shop See sales" in said
    (token,) = kept(app)
    assert (token.public_id, token.token_hash) == (public_id, secret_hash(secret))
    assert (token.name, token.store_id, token.scopes) == ("Label printer", 1, ["read:store-orders"])


@pytest.mark.parametrize(("lasts", "days"), [("7", 7), ("30", 30), ("90", 90), ("365", 365), ("never", None)])
def test_it_works_for_as_long_as_was_chosen(app: Flask, browse: Browse, lasts: str, days: int | None) -> None:
    secret = made(browse("owner"), lasts=lasts)
    (token,) = kept(app)
    assert token.expires_at == (token.created_at + timedelta(days=days) if days else None)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=(days or 4000), seconds=-30)):
        assert call(app, secret) == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(days=(days or 4000), seconds=30)):
        assert call(app, secret) == (401 if days else 200)


def test_it_may_do_what_was_ticked_and_no_more(app: Flask, make: Factory, browse: Browse) -> None:
    (item,) = make.items_of(make.sale(GOODS))
    owner = browse("owner")
    for ticks, reads, writes in (
        ({"read": "1"}, 200, 403),
        ({"write": "1"}, 403, 200),
        ({"read": "1", "write": "1"}, 200, 200),
    ):
        answer = owner.post(AT, {"name": "x", "lasts": "7", **ticks})
        headers = {"Authorization": f"Bearer {SECRET.findall(answer.text)[0]}"}
        client, address = app.test_client(), f"/api/okanjo/stores/1/sales/{item}"
        assert client.get(address, headers=headers).status_code == reads
        assert client.put(address, data={"tracking_number": "1"}, headers=headers).status_code == writes


@pytest.mark.both
def test_an_ended_token_is_dead_at_the_next_call(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    first, second = made(owner), made(owner)
    assert (call(app, first), call(app, second)) == (200, 200)
    answer = end(owner, first)
    assert (answer.status_code, answer.location) == (303, AT)
    assert (call(app, first), call(app, second)) == (401, 200)
    assert "“Label printer” is ended: calls with it are refused." in words(owner.get(AT).text)
    ended_at = kept(app)[0].revoked_at
    assert "had ended before" in words(owner.get(end(owner, first).location).text)
    assert kept(app)[0].revoked_at == ended_at


def test_htmx_gets_the_row_of_the_ended_token_and_what_is_said(browse: Browse) -> None:
    owner = browse("owner")
    secret = made(owner)
    answer = end(owner, secret, part=True)
    assert answer.status_code == 200
    assert answer.text.count(f'<tbody id="token-{secret.split("_")[1]}"') == 1
    assert "Ended" in words(answer.text)
    assert "<form" not in answer.text
    assert 'id="said"' in answer.text


@pytest.mark.both
@pytest.mark.parametrize("who", ["site_admin", "buyer"])
def test_a_token_of_somebody_else_answers_as_one_that_is_not_there(
    app: Flask, browse: Browse, who: str
) -> None:
    secret = made(browse("owner"))
    other = browse(who)
    before = everything(app)
    for public_id in (secret.split("_")[1], "0" * 16, "x", "%00", "0" * 17, "%EF%BC%90" * 16):
        answer = other.post(f"{AT}/{public_id}/end")
        assert answer.status_code == 404, public_id
    assert everything(app) == before
    assert secret.split("_")[1] not in other.get(AT).text


def test_everybody_is_offered_their_own_stores(app: Flask, browse: Browse) -> None:
    offered = {}
    for who in ("owner", "vendor", "owner2", "buyer", "site_admin"):
        page = browse(who).get(AT).text.partition('<select id="lasts"')[0]
        offered[who] = re.findall(r'<option value="[0-9]*">([^<]+)</option>', page)
    everything_of_mine = "All my stores, and what I bought"
    assert offered == {
        "owner": [everything_of_mine, "Paper Shop", "Vendor Shop"],
        "vendor": [everything_of_mine, "Paper Shop", "Vendor Shop"],
        "owner2": [everything_of_mine, "Other Shop"],
        "buyer": ["What I bought"],
        "site_admin": [everything_of_mine, "Other Shop", "Paper Shop", "Vendor Shop"],
    }


def test_a_buyer_may_make_one_and_it_reaches_no_store(app: Flask, browse: Browse) -> None:
    secret = made(browse("buyer"))
    assert call(app, secret) == 403
    assert "All that is yours" in words(browse("buyer").get(AT).text)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": " "}, "This is empty."),
        ({"name": "x" * 65}, "At most 64 characters fit here; these are 65."),
        ({"name": "a\nb"}, "Write this on one line."),
        ({"name": "a\x00b"}, "Leave out control characters."),
        ({"store": "3"}, "Choose one of these."),
        ({"store": "999999"}, "Choose one of these."),
        ({"store": "x"}, "An id is a whole number from 1"),
        ({"read": ""}, "Tick one at least"),
        ({"read": "perhaps"}, "Tick it or leave it."),
        ({"lasts": "8"}, "Choose how long it works."),
        ({"lasts": ""}, "This is empty."),
        ({"lasts": "-7"}, "Choose how long it works."),
        ({"scopes": "read:store-orders"}, "“scopes” is no field of this form"),
        ({"account_id": "1"}, "“account_id” is no field of this form"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    app: Flask, browse: Browse, sent: dict[str, str], said: str
) -> None:
    owner = browse("owner")
    before = everything(app)
    answer = owner.post(AT, {"name": "Kept as typed", "read": "1", "write": "", "lasts": "30"} | sent)
    assert answer.status_code == 422
    assert said in words(answer.text)
    assert "name" in sent or 'value="Kept as typed"' in answer.text
    assert "lasts" in sent or '<option value="30" selected' in answer.text
    assert everything(app) == before


def test_a_store_that_closes_is_offered_no_more(app: Flask, browse: Browse) -> None:
    with app.app_context():
        db.session.get_one(Store, 1).is_active = False
        db.session.commit()
    for who in ("owner", "site_admin"):
        assert browse(who).post(AT, {**NEW, "store": "1"}).status_code == 422


@pytest.mark.both
def test_nobody_has_more_tokens_that_work_than_can_be_kept_apart(app: Flask, browse: Browse) -> None:
    with app.app_context():
        account = people.account_by_email(email_of("owner"))
        assert account is not None
        secrets = [make_token(account, None, ["read:store-orders"]) for _ in range(MOST_TOKENS)]
        db.session.commit()
    owner = browse("owner")
    late = owner.post(AT, {**NEW, "name": "One more"})
    assert late.status_code == 422
    assert f"You have {MOST_TOKENS} tokens that work." in words(late.text)
    assert 'value="One more"' in late.text
    assert len(kept(app)) == MOST_TOKENS
    end(owner, secrets[0])
    made(owner)


def test_the_list_says_when_each_was_made_used_and_is_over(app: Flask, browse: Browse) -> None:
    now = datetime.now(UTC)
    with time_machine.travel(now - timedelta(days=20), tick=False), app.app_context():
        account = people.account_by_email(email_of("owner"))
        assert account is not None
        for name, lasts in (("used", timedelta(days=60)), ("old", timedelta(days=7)), ("ended", None)):
            make_token(account, None, ["read:store-orders"], name=name, lasts=lasts)
        db.session.commit()
    with app.app_context():
        used, old, ended = db.session.scalars(select(ApiToken).order_by(ApiToken.id))
        ended.revoked_at, used.used_at = now - timedelta(days=1), now - timedelta(minutes=5)
        names = [f"token-{token.public_id}" for token in (used, ended, old)]
        db.session.commit()
    page = browse("owner").get(AT).text
    assert re.findall(r'<tbody id="([^"]+)"', page) == names
    first, second, third = (words(row) for row in re.findall(r"<tbody.*?</tbody>", page, re.DOTALL))
    assert "5 min" in first
    assert f"{now + timedelta(days=40):%Y} " in first
    assert "Works End used" in first
    assert "Never Never Ended" in second
    assert "Expired" in third
    assert "End ended" not in second + third


def test_making_and_ending_are_a_line_of_the_log_each_without_the_secret(
    browse: Browse, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = browse("owner")
    capsys.readouterr()
    answer = owner.post(AT, NEW)
    secret = SECRET.findall(answer.text)[0]
    answer.close()
    end(owner, secret).close()
    end(owner, secret).close()
    said = capsys.readouterr().err
    lines = [json.loads(line) for line in said.splitlines()]
    told = [tuple(line.get(name) for name in ("account", "did", "token")) for line in lines]
    public_id, account_id = secret.split("_")[1], 2
    assert told == [
        (account_id, "made a token", public_id),
        (account_id, "ended a token", public_id),
        (account_id, None, None),
    ]
    assert secret.rsplit("_", 1)[1] not in said
    assert "Label printer" not in said


def test_the_page_tells_the_limits_that_are_set(
    app: Flask, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = browse("owner")
    assert "With one token at most" not in words(owner.get(AT).text)
    monkeypatch.setitem(app.config, "API_PER_DAY", 10_000)
    assert "With one token at most 10,000 calls in 24 hours." in words(owner.get(AT).text)


def test_the_account_menu_leads_there(browse: Browse) -> None:
    assert f'href="{AT}"' in browse("buyer").get("/purchases").text
    assert f'href="{AT}" aria-current="page"' in browse("buyer").get(AT).text


def test_a_site_admin_may_make_a_token_for_the_site(app: Flask, browse: Browse) -> None:
    admin = browse("site_admin")
    assert 'name="site"' in admin.get(AT).text
    secret = made(admin, site="1")
    assert kept(app)[0].scopes == ["read:store-orders", "write:site"]
    assert call(app, secret, "/api/site/stores") == 200
    assert call(app, made(admin), "/api/site/stores") == 403
    assert "Run the site" in words(admin.get(AT).text)
    refused = admin.post(AT, {**NEW, "site": "1", "store": "1"})
    assert refused.status_code == 422
    assert "A token of one store cannot run the site" in words(refused.text)


@pytest.mark.parametrize("who", ["owner", "buyer"])
def test_nobody_else_may(app: Flask, browse: Browse, who: str) -> None:
    browser = browse(who)
    assert 'name="site"' not in browser.get(AT).text
    for scope in ({"site": "1"}, {"site": "1", "read": ""}, {"write:site": "1"}):
        assert browser.post(AT, {**NEW, **scope}).status_code == 422
    assert kept(app) == []
