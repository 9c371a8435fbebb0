"""How programs sign in at Weebly's door: by token, or by a hash over the bytes that they send."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.actions.people import public_id_of, signing_secret
from app.db import db
from app.models import Account, ApiToken
from tests.api.weebly import HASH, KEY, TOKEN, WeeblyCaller, failed, signed
from tests.factories import GOODS, Factory

BAD_HASH, UNKNOWN = (401, 100), (401, 101)


def secret_of(weebly: WeeblyCaller, who: str = "owner") -> tuple[str, str]:
    """Return the key and the secret that one of the cast signs with."""
    key = public_id_of(weebly.secret(who))
    return key, signing_secret(weebly.app.config["SECRET_KEY"], key)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"\xff\xfe", b'{"a":1}'])
def test_the_hash_is_checked_over_the_raw_bytes(weebly: WeeblyCaller, make: Factory, body: bytes) -> None:
    make.sale(GOODS)
    path = weebly.cloud()
    headers = weebly.sign("owner", path, body)
    answer = weebly.client.get(path, data=body, content_type="application/json", headers=headers)
    assert (answer.status_code, len(answer.json)) == (200, 1)
    for other in (b"", b"[]", b"{}", body + b" "):
        if other != body:
            answer = weebly.client.get(path, data=other, content_type="application/json", headers=headers)
            assert failed(answer) == BAD_HASH


def test_the_hash_is_the_base64_of_the_hex_and_has_88_characters(weebly: WeeblyCaller) -> None:
    path, (key, secret) = weebly.cloud(), secret_of(weebly)
    text = b"GET\n" + path.removeprefix("/api/weebly/").encode() + b"\n"
    hexed = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    good = base64.b64encode(hexed.encode()).decode()
    assert len(good) == 88
    assert weebly.client.get(path, headers={KEY: key, HASH: good}).status_code == 200
    raw = base64.b64encode(bytes.fromhex(hexed)).decode()
    upper = base64.b64encode(hexed.upper().encode()).decode()
    for wrong in (
        "",
        "x",
        hexed,
        raw,
        upper,
        good[:-1],
        good[:-4],
        good + "====",
        good + good,
        f" {good}x",
        good.lower(),
        "=" * 88,
        "é" * 44,
        "A" * 7000,
        base64.b64encode(b"\xff" * 64).decode(),
    ):
        answer = weebly.client.get(path, headers={KEY: key, HASH: wrong})
        assert failed(answer) == BAD_HASH, wrong
        assert answer.headers["WWW-Authenticate"]


def test_the_hash_does_not_change_with_the_query_string(weebly: WeeblyCaller, make: Factory) -> None:
    make.sale(GOODS)
    path = weebly.cloud()
    headers = weebly.sign("owner", path)
    for query in ("", "?page=1", "?limit=5&sortby=order_date&sortdir=asc"):
        assert weebly.client.get(path + query, headers=headers).status_code == 200


def test_the_hash_holds_for_one_method_and_one_path(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS)
    path = weebly.cloud()
    headers = weebly.sign("owner", path)
    assert failed(weebly.client.get(weebly.cloud(order), headers=headers)) == BAD_HASH
    assert failed(weebly.client.get(weebly.platform(), headers=headers)) == BAD_HASH
    key, secret = secret_of(weebly)
    for spelled in (path, path.removeprefix("/"), path.removeprefix("/api/weebly"), f"{path}?", ""):
        answer = weebly.client.get(path, headers={KEY: key, HASH: signed(secret, spelled)})
        assert failed(answer) == BAD_HASH, spelled
    assert weebly.client.head(path, headers=headers).status_code == 401
    assert weebly.client.head(path, headers=weebly.sign("owner", path, method="HEAD")).status_code == 200


def test_either_way_to_sign_in_opens_either_path(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS)
    for path in (weebly.cloud(order, "items"), weebly.platform(order, "items")):
        by_hash = weebly.client.get(path, headers=weebly.sign("owner", path))
        by_token = weebly.client.get(path, headers=weebly.headers("owner"))
        by_bearer = weebly.client.get(path, headers={"Authorization": f"Bearer {weebly.secret('owner')}"})
        assert by_hash.json == by_token.json == by_bearer.json
        assert len(by_hash.json) == 1


def test_an_unknown_key_is_told_apart_from_a_wrong_hash(weebly: WeeblyCaller) -> None:
    path, (key, _) = weebly.cloud(), secret_of(weebly)
    good = weebly.sign("owner", path)[HASH]
    for wrong in ("", "0" * 16, key[:-1], key + "0", key.upper() + "G", "null", "' OR 1=1 --", "é" * 16):
        answer = weebly.client.get(path, headers={KEY: wrong, HASH: good})
        assert failed(answer) == UNKNOWN, wrong
    assert failed(weebly.client.get(path, headers={HASH: good})) == UNKNOWN
    assert failed(weebly.client.get(path, headers={KEY: key})) == BAD_HASH
    assert failed(weebly.client.get(path, headers={KEY: key, HASH: signed("", path)})) == BAD_HASH
    assert failed(weebly.client.get(path, headers={KEY: key, HASH: signed(key, path)})) == BAD_HASH


def test_the_hash_of_another_key_is_wrong(weebly: WeeblyCaller) -> None:
    path = weebly.cloud()
    mine, theirs = weebly.sign("owner", path), weebly.sign("staff", path)
    assert failed(weebly.client.get(path, headers={KEY: mine[KEY], HASH: theirs[HASH]})) == BAD_HASH


def test_who_signs_wrongly_is_not_let_in_by_a_token_beside(weebly: WeeblyCaller) -> None:
    path = weebly.cloud()
    headers = {**weebly.sign("owner", path, b"[]"), **weebly.headers("owner")}
    headers["Authorization"] = f"Bearer {weebly.secret('owner')}"
    assert failed(weebly.client.get(path, headers=headers)) == BAD_HASH


def test_what_is_no_token_that_holds_is_refused(
    weebly: WeeblyCaller, sign_in: Callable[[str], FlaskClient]
) -> None:
    good = weebly.secret("owner")
    path = weebly.platform()
    for wrong in ("", " ", "null", good[:-1], f"{good}x", good.upper(), f"Bearer {good}", "a" * 7000, "%00"):
        assert failed(weebly.client.get(path, headers={TOKEN: wrong})) == UNKNOWN, wrong
    twice = weebly.client.get(path, headers=[(TOKEN, good), (TOKEN, good)])
    assert failed(twice) == UNKNOWN
    assert failed(weebly.client.get(path)) == UNKNOWN
    assert failed(weebly.client.get(path, query_string={"x-weebly-access-token": good})) == UNKNOWN
    assert failed(sign_in("owner").get(path)) == UNKNOWN


def test_a_key_ends_with_its_token_and_with_its_person(weebly: WeeblyCaller) -> None:
    path = weebly.cloud()
    headers = weebly.sign("owner", path)
    now = datetime.now(UTC)

    def change(**values: object) -> None:
        with weebly.app.app_context():
            row = db.session.scalars(select(ApiToken)).one()
            for name, value in values.items():
                setattr(row, name, value)
            db.session.commit()

    assert weebly.client.get(path, headers=headers).status_code == 200
    for gone, back in (
        ({"revoked_at": now}, {"revoked_at": None}),
        ({"expires_at": now - timedelta(seconds=1)}, {"expires_at": None}),
    ):
        change(**gone)
        assert failed(weebly.client.get(path, headers=headers)) == UNKNOWN
        change(**back)
        assert weebly.client.get(path, headers=headers).status_code == 200
    with weebly.app.app_context():
        token = db.session.scalars(select(ApiToken)).one()
        db.session.get_one(Account, token.account_id).active = False
        db.session.commit()
    assert failed(weebly.client.get(path, headers=headers)) == UNKNOWN


def test_what_signs_is_kept_nowhere_and_follows_from_the_desks_secret(weebly: WeeblyCaller) -> None:
    key, secret = secret_of(weebly)
    path = weebly.cloud()
    assert weebly.client.get(path, headers=weebly.sign("owner", path)).status_code == 200
    database = Path(weebly.app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))
    kept = database.read_bytes() + Path(f"{database}-wal").read_bytes()
    assert key.encode() in kept
    assert secret.encode() not in kept and bytes.fromhex(secret) not in kept
    assert signing_secret("another secret of the desk", key) != secret
    assert signing_secret(weebly.app.config["SECRET_KEY"], "0" * 16) != secret


def test_the_use_of_a_key_is_noted_only_where_the_hash_is_right(weebly: WeeblyCaller) -> None:
    path = weebly.cloud()
    headers = weebly.sign("owner", path)

    def used() -> datetime | None:
        with weebly.app.app_context():
            return db.session.scalars(select(ApiToken)).one().used_at

    assert failed(weebly.client.get(path, headers={**headers, HASH: "x"})) == BAD_HASH
    assert used() is None
    assert weebly.client.get(path, headers=headers).status_code == 200
    assert used() is not None


def test_no_answer_sets_a_cookie_or_may_be_kept(weebly: WeeblyCaller) -> None:
    for answer in (weebly.get(), weebly.get(who=None), weebly.get(999), weebly.client.get("/api/weebly/x")):
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_command_that_makes_a_token_says_what_signs(app: Flask, weebly: WeeblyCaller) -> None:
    words = ["token", "owner@example.com", "--scope", "read:store-orders"]
    said = app.test_cli_runner().invoke(args=words).output.split()
    key, secret = said[said.index("key") + 1].rstrip(","), said[said.index("secret") + 1]
    path = weebly.cloud()
    headers = {KEY: key, HASH: signed(secret, path.removeprefix("/api/weebly/"))}
    assert weebly.client.get(path, headers=headers).status_code == 200
    assert public_id_of(said[-1]) == key
