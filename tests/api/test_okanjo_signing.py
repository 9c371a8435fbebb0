"""Okanjo's own way to sign in: key, signature and user token in the query (reference 1.6)."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.actions.people import public_id_of, signing_secret
from app.db import db
from app.models import ApiToken
from tests.api.caller import Caller, is_success, told
from tests.factories import GOODS, Factory

NOT_SIGNED = (400, "Valid API key and signature required.")
NEEDS_TOKEN = (401, "User token required for this operation.")
BAD_TOKEN = (401, "Invalid or expired user token.")
MOUNT = "/api/okanjo"


class Signer:
    """A client as Okanjo's own ones are: it signs all that it sends."""

    def __init__(self, okanjo: Caller, who: str = "owner") -> None:
        self.okanjo = okanjo
        self.token = okanjo.headers(who)["Authorization"].removeprefix("Bearer ")
        self.key = public_id_of(self.token)
        self.secret = signing_secret(okanjo.app.config["SECRET_KEY"], self.key)

    def sign(self, text: bytes) -> str:
        """Return a signature."""
        return hmac.new(self.secret.encode(), text, hashlib.sha256).hexdigest()

    def address(
        self,
        path: str,
        query: str = "",
        body: bytes = b"",
        *,
        mount: str = MOUNT,
        key: str | None = None,
        token: str | None = None,
    ) -> str:
        """Return a signed address of the dialect; `mount` is what the client takes to begin its path."""
        names = {
            "key": self.key if key is None else key,
            "user_token": self.token if token is None else token,
        }
        sent = "&".join(part for part in (query, urlencode({n: v for n, v in names.items() if v})) if part)
        signature = self.sign(f"{mount}{path}?{sent}".encode() + body)
        return f"{MOUNT}{path}?{sent}&signature={signature}"

    def get(self, path: str, query: str = "", **how: Any) -> TestResponse:
        """GET a path, signed."""
        return self.okanjo.client.get(self.address(path, query, **how))


def sales_of(okanjo: Caller) -> str:
    return okanjo.path().removeprefix(MOUNT)


def test_a_signed_request_is_answered_as_one_with_a_bearer_token(okanjo: Caller, make: Factory) -> None:
    make.many([GOODS, GOODS])
    signer = Signer(okanjo)
    for query in ("", "status=2&!status=5", "%21status=5", "page_size=1", "fields=id,status"):
        answer = signer.get(sales_of(okanjo), query)
        assert (answer.status_code, answer.json) == (200, okanjo.sales(query).json)
        assert answer.headers["X-COLLECTION-COUNT"] == "2"


def test_the_path_may_be_okanjos_own_behind_the_mount(okanjo: Caller) -> None:
    signer = Signer(okanjo)
    assert signer.get(sales_of(okanjo), mount="").status_code == 200
    for mount in ("/api", "/okanjo", "/api/okanjo/", "x"):
        assert told(signer.get(sales_of(okanjo), mount=mount)) == NOT_SIGNED


@pytest.mark.both
def test_a_put_is_signed_with_its_body(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    signer = Signer(okanjo)
    path = okanjo.path(item=item).removeprefix(MOUNT)
    body = b"status=3&tracking_number=1Z"
    form = "application/x-www-form-urlencoded"
    wrong = okanjo.client.put(signer.address(path), data=body, content_type=form)
    assert told(wrong) == NOT_SIGNED
    other = okanjo.client.put(signer.address(path, body=body), data=body + b"2", content_type=form)
    assert told(other) == NOT_SIGNED
    assert okanjo.shown(item)["status"] == 2
    assert is_success(okanjo.client.put(signer.address(path, body=body), data=body, content_type=form))
    assert okanjo.shown(item)["tracking_number"] == "1Z"


def test_a_multipart_body_is_left_out_of_the_signature(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    address = Signer(okanjo).address(okanjo.path(item=item).removeprefix(MOUNT))
    answer = okanjo.client.put(address, data={"status": "3"}, content_type="multipart/form-data")
    assert is_success(answer)


def test_a_json_body_is_signed_as_it_came(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    body = json.dumps({"status": 3}, indent=1).encode()
    address = Signer(okanjo).address(okanjo.path(item=item).removeprefix(MOUNT), body=body)
    assert is_success(okanjo.client.put(address, data=body, content_type="application/json"))


def test_the_signature_stands_last_in_lower_case_hex(okanjo: Caller) -> None:
    signer = Signer(okanjo)
    good = signer.address(sales_of(okanjo))
    begin, _, signature = good.rpartition("&signature=")
    assert okanjo.client.get(good).status_code == 200
    path, _, query = begin.partition("?")
    for wrong in (
        begin,
        f"{begin}&signature=",
        f"{begin}&signature={signature.upper()}",
        f"{begin}&signature={signature[:-1]}",
        f"{begin}&signature={signature}0",
        f"{begin}&signature={'0' * 64}",
        f"{begin}&Signature={signature}",
        f"{good}&page_size=5",
        f"{good}&",
        f"{good}&signature={signature}",
        f"{path}?signature={signature}&{query}",
        f"{begin}&page_size=5&signature={signature}",
        f"{path}?page_size=5&{query}&signature={signature}",
        f"{begin}&%73ignature={signature}",
    ):
        assert told(okanjo.client.get(wrong)) == NOT_SIGNED, wrong


def test_a_signature_holds_for_one_path(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    signer = Signer(okanjo)
    signed = signer.address(sales_of(okanjo)).partition("?")[2]
    assert told(okanjo.client.get(f"{okanjo.path(item=item)}?{signed}")) == NOT_SIGNED


def test_key_and_signature_come_first_then_the_user_token(okanjo: Caller, make: Factory) -> None:
    signer = Signer(okanjo)
    path = sales_of(okanjo)
    for key in ("0" * 16, "null", signer.key[:-1], signer.key + "0", "' OR 1=1 --", "é"):
        assert told(signer.get(path, key=key)) == NOT_SIGNED
    assert told(okanjo.client.get(f"{MOUNT}{path}?user_token={signer.token}")) == NOT_SIGNED
    assert told(okanjo.client.get(f"{MOUNT}{path}?key={signer.key}")) == NOT_SIGNED
    no_key = signer.get(path, key="")
    assert told(no_key) == NOT_SIGNED
    assert told(okanjo.client.get(signer.address(path, f"key={signer.key}"))) == NOT_SIGNED
    query = f"key={signer.key}"
    signature = signer.sign(f"{MOUNT}{path}?{query}".encode())
    assert told(okanjo.client.get(f"{MOUNT}{path}?{query}&signature={signature}")) == NEEDS_TOKEN
    for wrong in (
        "null",
        signer.token[:-1],
        f"{signer.token}x",
        signer.token.upper(),
        signer.key,
        "a" * 5000,
    ):
        assert told(signer.get(path, token=wrong)) == BAD_TOKEN
    assert told(signer.get(path, f"user_token={signer.token}")) == BAD_TOKEN


def test_rights_are_those_of_the_user_token(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    owner, stranger = Signer(okanjo), Signer(okanjo, "stranger")
    path = sales_of(okanjo)
    assert [x["id"] for x in stranger.get(path, token=owner.token).json] == [item]
    assert told(owner.get(path, token=stranger.token))[0] == 403


def test_a_key_ends_with_its_token(app: Flask, okanjo: Caller) -> None:
    owner, staff = Signer(okanjo), Signer(okanjo, "staff")
    path = sales_of(okanjo)
    assert owner.get(path, token=staff.token).status_code == 200
    with app.app_context():
        row = db.session.scalars(select(ApiToken).where(ApiToken.public_id == owner.key)).one()
        row.revoked_at = datetime.now(UTC)
        db.session.commit()
    assert told(owner.get(path, token=staff.token)) == NOT_SIGNED
    assert told(owner.get(path)) == NOT_SIGNED
    assert told(staff.get(path, token=owner.token)) == BAD_TOKEN


def test_beside_a_header_they_are_names_that_no_call_has(okanjo: Caller) -> None:
    signer = Signer(okanjo)
    headers = okanjo.headers("owner")
    answer = okanjo.client.get(signer.address(sales_of(okanjo)), headers=headers)
    assert told(answer) == (400, "Invalid field: key")
    answer = okanjo.client.get(signer.address(sales_of(okanjo)), headers={"Authorization": "Bearer x"})
    assert told(answer) == BAD_TOKEN


def test_other_parameters_are_judged_as_ever(okanjo: Caller) -> None:
    signer = Signer(okanjo)
    for query, name in (("status=99", "status"), ("nothing=1", "nothing"), ("page_size=", "page_size")):
        assert told(signer.get(sales_of(okanjo), query)) == (400, f"Invalid field: {name}")


def test_every_call_takes_signed_requests(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    user = okanjo.user("owner")
    signer = Signer(okanjo)
    store = sales_of(okanjo).removesuffix("/sales")
    for path, status in (
        (f"{store}/sales/{item}", 200),
        ("/order-items", 200),
        ("/order-items/1", 404),
        ("/orders", 200),
        ("/orders/1", 404),
        (f"{store}/feedback", 200),
        (f"{store}/feedback/1", 404),
        (f"/users/{user}/feedback", 200),
        (f"/users/{user}/feedback/1", 404),
    ):
        assert signer.get(path).status_code == status, path
    for path in ("/order-items/1", f"/users/{user}/feedback/1"):
        assert okanjo.client.put(signer.address(path)).status_code == 404


def test_no_other_dialect_takes_them(okanjo: Caller) -> None:
    signer = Signer(okanjo)
    query = signer.address(sales_of(okanjo)).partition("?")[2]
    for path in ("/api/weebly/v1/user/sites/1/store/orders",):
        assert okanjo.client.get(f"{path}?{query}").status_code == 401


def test_none_of_the_three_stands_in_a_log_or_an_answer(
    okanjo: Caller, capsys: pytest.CaptureFixture[str], make: Factory
) -> None:
    item = make.item(GOODS)
    signer = Signer(okanjo)
    path = sales_of(okanjo)
    one = okanjo.path(item=item).removeprefix(MOUNT)
    capsys.readouterr()
    addresses = [
        signer.address(path),
        signer.address(path, "status=99"),
        signer.address(path, "nothing=1"),
        signer.address(f"{path}/"),
        signer.address("/nowhere"),
        signer.address(one, token=f"{signer.token}x"),
        signer.address(one).replace("signature=", "signature=f"),
        signer.address(path, f"key={signer.key}"),
    ]
    answers = [okanjo.client.get(address) for address in addresses]
    with okanjo.app.app_context():
        db.session.execute(db.text("ALTER TABLE order_item RENAME TO broken"))
        db.session.commit()
    answers.append(okanjo.client.get(signer.address(one)))
    assert answers[-1].status_code == 500
    logged = capsys.readouterr()
    assert '"event": "failed"' in logged.err
    for address, answer in zip([*addresses, signer.address(one)], answers, strict=True):
        signature = address.rpartition("signature=")[2]
        for secret in (signer.token, signer.token[-20:], signer.secret, signature):
            for text in (answer.text, str(answer.headers), logged.err, logged.out):
                assert secret not in text


def test_the_use_of_a_token_is_noted(app: Flask, okanjo: Caller) -> None:
    def used() -> datetime | None:
        with app.app_context():
            return db.session.scalars(select(ApiToken.used_at)).one()

    signer = Signer(okanjo)
    assert told(signer.get(sales_of(okanjo), mount="x")) == NOT_SIGNED
    assert used() is None
    assert signer.get(sales_of(okanjo)).status_code == 200
    assert used() is not None
