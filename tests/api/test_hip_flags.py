"""Hip's PUT: bodies of both kinds, whose flags are whose, what is answered (law 2; promises H22 to H32)."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.actions.flags import Flags
from app.api.hip.objects import BUYER_SHIPPING_NAMES, PAYMENT_NAMES, SHIPPING_NAMES
from app.db import db
from app.models import Event, Member
from app.statuses import BuyerShipping, Payment, Shipping
from tests.api.hip_caller import HipCaller, failure, the_one
from tests.factories import DEAL, GOODS, SERVICE, Factory

NO_RIGHT = (403, "Insufficient privileges for this operation.")
PROHIBITED = (400, "Order status change prohibited.")
SELLERS = ("flag_payment", "flag_shipping", "tracking_link")
BUYERS = ("flag_buyer_payment", "flag_buyer_shipping")
CODES = {
    "flag_payment": (Payment, PAYMENT_NAMES),
    "flag_shipping": (Shipping, SHIPPING_NAMES),
    "flag_buyer_payment": (Payment, PAYMENT_NAMES),
    "flag_buyer_shipping": (BuyerShipping, BUYER_SHIPPING_NAMES),
}


@pytest.fixture
def unpaid(make: Factory) -> int:
    """A sale of goods that its buyer has not paid."""
    return make.sale(paid=None, account="buyer")


def side(flag: str) -> dict[str, Any]:
    """Return how a flag's own side calls."""
    return {"who": "owner"} if flag in SELLERS else {"who": "buyer", "store": None}


def events(app: Flask) -> int:
    with app.app_context():
        return int(db.session.scalar(select(func.count(Event.id))) or 0)


def test_every_code_of_every_flag_has_a_name() -> None:
    for of, names in CODES.values():
        assert list(names) == sorted(of)


def test_form_and_json_do_the_same(hip: HipCaller, make: Factory) -> None:
    told = []
    for sent in (
        {"data": {"flag_payment": "1", "flag_shipping": "1", "tracking_link": "JD 1"}},
        {"json": {"flag_payment": 1, "flag_shipping": 1, "tracking_link": "JD 1"}},
        {"json": {"flag_payment": "1", "flag_shipping": "1", "tracking_link": "JD 1"}},
    ):
        sale = the_one(hip.put(make.sale(paid=None), **sent))
        told.append([sale[name] for name in (*SELLERS, *BUYERS)])
    assert told == [["1", "1", "JD 1", "0", "0"]] * 3


def test_the_answer_is_the_envelope_with_the_sale_as_it_is_now(hip: HipCaller, unpaid: int) -> None:
    answer = hip.put(unpaid, json={"flag_payment": 2})
    assert the_one(answer) == hip.sale(unpaid)
    assert answer.json["params"] == {"flag_payment": "2", "id": str(unpaid), "username": "papershop"}
    answer = hip.says(unpaid, data={"flag_buyer_payment": 1})
    assert answer.json["params"] == {"flag_buyer_payment": "1", "id": str(unpaid)}


@pytest.mark.both
@pytest.mark.parametrize("flag", SELLERS)
def test_a_buyer_cannot_set_the_sellers_flags(hip: HipCaller, app: Flask, unpaid: int, flag: str) -> None:
    before, sale = events(app), hip.sale(unpaid)
    assert failure(hip.says(unpaid, data={flag: "1"})) == NO_RIGHT
    assert failure(hip.says(unpaid, json={flag: 1, "flag_buyer_payment": 1})) == NO_RIGHT
    assert failure(hip.put(unpaid, who="buyer", data={flag: "1"})) == NO_RIGHT
    assert (events(app), hip.sale(unpaid)) == (before, sale)


@pytest.mark.both
@pytest.mark.parametrize("flag", BUYERS)
def test_a_seller_cannot_set_the_buyers_flags(hip: HipCaller, app: Flask, unpaid: int, flag: str) -> None:
    before, sale = events(app), hip.sale(unpaid)
    assert failure(hip.put(unpaid, data={flag: "1"})) == NO_RIGHT
    assert failure(hip.put(unpaid, json={flag: 1, "flag_payment": 1})) == NO_RIGHT
    assert failure(hip.says(unpaid, who="owner", data={flag: "1"})) == NO_RIGHT
    assert (events(app), hip.sale(unpaid)) == (before, sale)


@pytest.mark.parametrize("flag", CODES)
def test_a_flag_is_one_of_its_codes_in_plain_digits(hip: HipCaller, unpaid: int, flag: str) -> None:
    of, _ = CODES[flag]
    sentence = f"{flag}: Send one of {', '.join(str(int(code)) for code in sorted(of))}."
    texts = ["9", "-2", "-3", "+1", "1 ", " 1", "1.0", "01", "-0", "١", "１", "true", "[]", "1e0", "9" * 20]
    for text in (*texts, "a", "1,2", "\x001"):
        assert failure(hip.put(unpaid, **side(flag), data={flag: text})) == (400, sentence), text
    for value in (1.0, True, None, [1], {"a": 1}, 2**70, -5, "1 "):
        answer = hip.put(unpaid, **side(flag), json={flag: value})
        assert failure(answer)[0] == 400, value
        assert failure(answer)[1].startswith(flag), value


def test_what_a_buyer_cannot_say_is_refused(hip: HipCaller, unpaid: int) -> None:
    for code in (2, 4, 5):
        sent = {"flag_buyer_payment": code}
        assert failure(hip.says(unpaid, json=sent)) == (400, "Invalid field: flag_buyer_payment")


@pytest.mark.parametrize("sent", [{}, {"data": {}}, {"json": {}}, {"data": {"flag_payment": ""}}])
def test_nothing_sent_is_refused(hip: HipCaller, unpaid: int, sent: dict[str, Any]) -> None:
    for answer in (hip.put(unpaid, **sent), hip.says(unpaid, **sent)):
        assert failure(answer)[0] == 400
        assert "name at least one flag" in failure(answer)[1]


def test_what_nobody_knows_or_comes_twice_is_refused(hip: HipCaller, app: Flask, unpaid: int) -> None:
    before = events(app)
    for name in (
        "colour",
        "id",
        "username",
        "status",
        "total",
        "currency",
        "__class__",
        "version",
        "api_key",
    ):
        answer = hip.put(unpaid, json={"flag_payment": 1, name: "1"})
        assert failure(answer)[0] == 400 and failure(answer)[1].startswith(f"{name}: ")
    for body in ("flag_payment=1&flag_payment=1", "flag_payment=1&flag_payment=2"):
        form = "application/x-www-form-urlencoded"
        assert failure(hip.put(unpaid, data=body, content_type=form))[1].startswith("flag_payment: ")
    body = '{"flag_payment": 1, "flag_payment": 2}'
    answer = hip.put(unpaid, data=body, content_type="application/json")
    assert failure(answer) == (400, "“flag_payment” is sent twice.")
    assert events(app) == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"flag_payment=1",
        b"{'flag_payment': 1}",
        b'{"flag_payment": 1}}',
        b"[]",
        b'"1"',
        b"1",
        b"null",
        b"true",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"flag_payment": NaN}',
        b'{"flag_payment": Infinity}',
        b'{"flag_payment": 1e400}',
        b'{"flag_payment": ' + b"1" * 5000 + b"}",
        b'{"flag_payment": 01}',
        '{"flag_payment": 1}'.encode("utf-16"),
        b'{"tracking_link": "\\ud800"}',
        b'{"tracking_link": "a\\u0000b"}',
        b'{"tracking_link": "a\\u001b[2J"}',
        b'{"tracking_link": "a\\r\\nSet-Cookie: a=b"}',
        b'{"tracking_link": ["a"]}',
    ],
)
def test_a_body_that_is_none_is_refused(hip: HipCaller, app: Flask, unpaid: int, body: bytes) -> None:
    before = events(app)
    assert failure(hip.put(unpaid, data=body, content_type="application/json"))[0] == 400
    assert events(app) == before


def test_a_body_of_another_type_is_not_taken(hip: HipCaller, unpaid: int) -> None:
    body = json.dumps({"flag_payment": 1})
    for kind in ("text/plain", "text/xml", "application/x-json", ""):
        assert failure(hip.put(unpaid, data=body, content_type=kind))[0] == 415
    assert failure(hip.put(unpaid, data="a" * 2_000_000, content_type="application/json"))[0] == 413


def test_a_link_has_the_bounds_of_the_act(hip: HipCaller, make: Factory) -> None:
    for link in ("é" * 64, "https://dhl.example/" + "1" * 1980):
        assert the_one(hip.put(make.sale(), json={"tracking_link": link}))["tracking_link"] == link
    for link in ("é" * 65, "https://dhl.example/" + "1" * 1981, "javascript:alert(1)", "ftp://dhl.example"):
        answer = hip.put(make.sale(), json={"tracking_link": link})
        assert failure(answer)[0] == 400 and "tracking_link" in failure(answer)[1], link


@pytest.mark.both
def test_one_flag_that_cannot_be_done_undoes_the_others(hip: HipCaller, app: Flask, unpaid: int) -> None:
    before, sale = events(app), hip.sale(unpaid)
    assert failure(hip.put(unpaid, json={"flag_payment": 1, "flag_shipping": 2})) == PROHIBITED
    assert (events(app), hip.sale(unpaid)) == (before, sale)


def test_shipping_minus_1_says_that_nothing_is_sent(hip: HipCaller, make: Factory) -> None:
    sale = the_one(hip.put(make.sale(SERVICE), data={"flag_shipping": "-1"}))
    assert (sale["flag_shipping"], sale["flag_shipping_name"]) == ("-1", "N/A")
    assert failure(hip.put(make.sale(), json={"flag_shipping": -1})) == PROHIBITED


def test_each_flag_needs_the_right_of_its_act(hip: HipCaller, app: Flask, make: Factory) -> None:
    order = make.sale()
    for code in (4, 5):
        assert failure(hip.put(order, who="staff", json={"flag_payment": code})) == NO_RIGHT
        both = {"flag_payment": code, "flag_shipping": 1}
        assert failure(hip.put(order, who="staff", json=both)) == NO_RIGHT
    assert the_one(hip.put(order, who="staff", json={"flag_shipping": 1}))["flag_shipping"] == "1"
    with app.app_context():
        for member in db.session.scalars(select(Member).where(Member.role == "staff")):
            member.rights = ["cancel", "refund"]
        db.session.commit()
    assert the_one(hip.put(order, who="staff", json={"flag_payment": 5}))["flag_payment"] == "5"


def test_a_vendor_sets_no_flag(hip: HipCaller, make: Factory) -> None:
    for order in (make.sale(), make.sale(DEAL), make.sale(GOODS, DEAL)):
        assert failure(hip.put(order, who="vendor", json={"flag_payment": 1})) == NO_RIGHT


def test_what_a_program_did_stands_in_the_history_as_a_tokens(
    hip: HipCaller, app: Flask, unpaid: int
) -> None:
    hip.put(unpaid, json={"flag_payment": 1})
    hip.says(unpaid, json={"flag_buyer_payment": 1})
    with app.app_context():
        last = db.session.scalars(select(Event).order_by(Event.id.desc()).limit(2)).all()
        assert {(event.actor_kind, event.door) for event in last} == {("token", "api")}


def test_every_flag_of_the_act_is_a_field() -> None:
    assert set(Flags._fields) == {*SELLERS, *BUYERS}
