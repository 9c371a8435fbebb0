"""What is refused or fails: a page or a part in words, never the inside, and nothing changed.

The numbers H01 to H38 are those of the hostile inputs in the promises.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.actions.elsewhere import Past, Remark, arrive
from app.actions.purchases import AddressSaid, BuyerSaid, LineSaid
from app.db import db
from app.models import Cause, Store
from tests.factories import DEAL, GOODS, Factory
from tests.rules.books import everything
from tests.rules.conftest import desk_of
from tests.web.pages import PART, Browser, Markup, words

Browse = Callable[[str], Browser]
SALES = "/stores/papershop/sales"
ITEMS = "/stores/papershop/items"
INSIDE = ("Traceback", "sqlalchemy", "SELECT ", "werkzeug", "/site-packages/", "jinja2", "sqlite")


def is_in_words(answer: TestResponse, code: int, title: str) -> None:
    """Check that an answer is an error in words, and shows nothing of the inside."""
    assert answer.status_code == code
    assert title in words(answer.text)
    assert [word for word in INSIDE if word in answer.text] == []


# Pages and parts.


@pytest.mark.parametrize(
    ("path", "code", "title"),
    [
        (f"{SALES}/999", 404, "There is nothing here"),
        ("/nowhere", 404, "There is nothing here"),
        ("/stores/nowhere/sales", 404, "There is nothing here"),
        ("/site", 403, "You may not do this"),
        ("/theme", 405, "This cannot be done here"),
    ],
)
def test_an_error_is_a_page_and_for_htmx_a_part(browse: Browse, path: str, code: int, title: str) -> None:
    owner = browse("owner")
    page, part = owner.get(path), owner.get(path, part=True)
    is_in_words(page, code, title)
    is_in_words(part, code, title)
    assert page.text.startswith("<!doctype html>")
    assert part.text.strip().startswith('<section id="problem" role="alert"')


def test_signed_out_an_error_is_a_page_too(client: FlaskClient) -> None:
    is_in_words(client.get("/nowhere"), 404, "There is nothing here")


def test_signed_out_htmx_is_sent_to_the_sign_in_page_whole(client: FlaskClient) -> None:
    answer = client.get(SALES, headers=PART)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/login")


@contextmanager
def failing(app: Flask, *, when: Callable[[str], bool]) -> Iterator[None]:
    """Let the database fail at statements like these."""
    with app.app_context():
        engine = db.engine

    def fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if when(statement):
            raise RuntimeError("the secret inside of the machine")

    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", fail)


def test_what_nobody_foresaw_is_a_page_with_a_number_that_stands_in_the_log(
    app: Flask, make: Factory, browse: Browse, capsys: pytest.CaptureFixture[str]
) -> None:
    make.sale()
    owner = browse("owner")
    for part in (False, True):
        capsys.readouterr()
        with failing(app, when=lambda statement: "FROM tally" in statement):
            answer = owner.get(SALES, part=part)
        is_in_words(answer, 500, "Something went wrong on our side")
        assert "secret inside" not in answer.text
        number = words(answer.text).rsplit("quote ", 1)[1].split(".")[0].split(" ")[0]
        answer.close()
        failed, line = (json.loads(line) for line in capsys.readouterr().err.splitlines())
        assert number == failed["request"] == line["request"] == answer.headers["X-Request-ID"]
        assert failed["exception"].rstrip().endswith("RuntimeError: the secret inside of the machine")
        assert (line["status"], line["path"], line["store"]) == (500, SALES, "papershop")
    assert owner.get(SALES).status_code == 200  # and it goes on


def test_a_failure_of_the_database_is_told_on_a_page_that_needs_none(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    with failing(app, when=lambda _: True):
        answer = owner.get(SALES)
    is_in_words(answer, 500, "Something went wrong on our side Nothing was changed.")
    assert answer.content_type == "text/html; charset=utf-8"
    assert "secret inside" not in answer.text
    assert owner.get(SALES).status_code == 200


def test_a_write_that_fails_in_its_midst_changes_nothing(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale()
    (item_id,) = make.items_of(order_id)
    owner = browse("owner")
    before = everything(app)
    with failing(app, when=lambda statement: "INSERT INTO event" in statement):
        answer = owner.post(f"{ITEMS}/{item_id}", {"status": "3"})
    assert answer.status_code == 500
    assert everything(app) == before
    assert owner.post(f"{ITEMS}/{item_id}", {"status": "3"}).status_code == 303


# H01, H02: ids.

NO_IDS = [
    "0",
    "-1",
    "+1",
    "1.0",
    "1e0",
    "0x1",
    "007",
    "01",
    "１",
    "١",
    "1%0A",
    "%201",
    "1%20",
    "1%00",
    "null",
    "9223372036854775808",
    "18446744073709551617",
    "9" * 40,
    "9" * 3000,
    "%c0%ae",
    "%ff%fe",
]


@pytest.mark.parametrize("text", NO_IDS, ids=lambda text: text[:20])
def test_an_id_has_one_spelling_and_every_other_one_is_not_found(
    make: Factory, browse: Browse, text: str
) -> None:
    order_id = make.sale(account="owner")
    owner = browse("owner")
    assert owner.get(f"{SALES}/{order_id}").status_code == 200
    for path in (f"{SALES}/{text}", f"{SALES}/{text}/ship", f"/purchases/{text}"):
        is_in_words(owner.get(path), 404, "There is nothing here")
    for path in (f"{ITEMS}/{text}", f"{SALES}/{text}/paid"):
        is_in_words(owner.post(path, {"status": "3", "payment": "1"}), 404, "There is nothing here")
    # Of a path with two methods the router may tell first that the other one is meant.
    assert owner.post(f"{SALES}/{text}/ship", {"no_number": "1"}).status_code in {404, 405}


def test_the_greatest_id_is_one(browse: Browse) -> None:
    owner = browse("owner")
    is_in_words(owner.get(f"{SALES}/9223372036854775807"), 404, "There is nothing here")
    assert owner.post(f"{ITEMS}/9223372036854775807", {"status": "3"}).status_code == 404


# H03: paths.


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/stores/%00/sales",
        "/stores/%ff%fe/sales",
        "/stores/papershop%00/sales",
        "/stores/" + "a" * 9000 + "/sales",
        "/stores/..%2f..%2fetc%2fpasswd/sales",
        "/stores/'%20OR%201=1--/sales",
        "/static/..%2f..%2fetc%2fpasswd",
        "/static/../app/config.py",
        "/static/%2e%2e/app/config.py",
        "/static/..%5c..%5capp/config.py",
        "/static/%00",
        "/static/" + "a" * 9000,
        "/static//etc/passwd",
        "/%c0%ae%c0%ae/etc/passwd",
    ],
    ids=lambda path: path[:40],
)
def test_no_path_leads_out(browse: Browse, path: str) -> None:
    answer = browse("owner").client.get(path, follow_redirects=True)
    assert answer.status_code in {400, 404}
    assert "root:" not in answer.text and "SECRET_KEY" not in answer.text


# H16, H17: form tokens.


def test_a_form_without_its_own_token_changes_nothing(app: Flask, make: Factory, browse: Browse) -> None:
    item_id = make.item(GOODS)
    owner, staff = browse("owner"), browse("staff")
    before = everything(app)
    path, sent = f"{ITEMS}/{item_id}", {"status": "3"}
    forged: list[dict[str, Any]] = [
        {"data": sent},
        {"data": sent, "headers": PART},
        {"data": {**sent, "csrf_token": ""}},
        {"data": {**sent, "csrf_token": staff.token}},
        {"data": {**sent, "csrf_token": owner.token[:-1]}},
        {"data": sent, "headers": {"X-CSRFToken": staff.token}},
        {"json": sent},
        {"data": sent, "headers": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}},
    ]
    for forgery in forged:
        answer = owner.client.post(path, **forgery)
        is_in_words(answer, 400, "This page is too old, or was not opened from here.")
    assert everything(app) == before


# H18 to H20, H22 to H24: bodies.

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"
BODIES: list[tuple[str, str, bytes, int]] = [
    ("10,000 fields", FORM, b"&".join(b"a%d=1" % n for n in range(10_000)), 413),
    (
        "2,000 parts",
        PARTS,
        b"".join(b'--b\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1\r\n' % n for n in range(2000))
        + b"--b--\r\n",
        413,
    ),
    ("a field of 300 KB", FORM, b"tracking_number=" + b"x" * 300_000, 413),
    (
        "a part of 300 KB",
        PARTS,
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 300_000 + b"\r\n--b--\r\n",
        413,
    ),
    ("17 MB", FORM, b"status=" + b"3" * 17_000_000, 413),
    ("no boundary", "multipart/form-data", b"x", 400),
    ("a boundary of 300", "multipart/form-data; boundary=" + "b" * 300, b"x", 400),
    ("a part without an end", PARTS, b'--b\r\nContent-Disposition: form-data; name="status"\r\n\r\n3', 400),
    ("JSON that is none", "application/json", b"{", 400),
    ("JSON with single quotes", "application/json", b"{'status': 3}", 400),
    ("JSON with a tail", "application/json", b'{"status": 3}}', 400),
    ("JSON that is a form", "application/json", b"status=3", 400),
    ("empty JSON", "application/json", b"", 400),
    ("bytes", "application/json", b"\xff\xfe", 400),
    ("UTF-16", "application/json", '{"status": 3}'.encode("utf-16"), 400),
    ("a list", "application/json", b"[]", 400),
    ("a text", "application/json", b'"3"', 400),
    ("a number", "application/json", b"3", 400),
    ("null", "application/json", b"null", 400),
    ("true", "application/json", b"true", 400),
    ("100,000 lists", "application/json", b"[" * 100_000, 400),
    ("50,000 objects", "application/json", b'{"a":' * 50_000, 400),
    ("a name twice", "application/json", b'{"status": 9, "status": 3}', 400),
    ("NaN", "application/json", b'{"status": NaN}', 400),
    ("Infinity", "application/json", b'{"status": Infinity}', 400),
    ("1e400", "application/json", b'{"status": 1e400}', 422),
    ("5,000 digits", "application/json", b'{"status": ' + b"3" * 5000 + b"}", 422),
    ("a lone surrogate", "application/json", b'{"tracking_number": "\\ud800"}', 422),
    ("NUL", "application/json", b'{"tracking_number": "a\\u0000b"}', 422),
    ("a leading zero", "application/json", b'{"status": 03}', 400),
    ("text", "text/plain", b"status=3", 415),
    ("XML", "text/xml", b"<status>3</status>", 415),
    ("no type", "", b"status=3", 415),
    ("signs", FORM, b"%zz&&&===", 422),
    ("UTF-7", f"{FORM}; charset=utf-7", b"status=+ADM-", 422),
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[0])
def test_a_body_that_cannot_be_read_is_refused(
    app: Flask, make: Factory, browse: Browse, body: tuple[str, str, bytes, int]
) -> None:
    _, content_type, raw, code = body
    item_id = make.item(GOODS)
    owner = browse("owner")
    headers = {"X-CSRFToken": owner.token, "Content-Type": content_type}
    before = everything(app)
    began = time.monotonic()
    answer = owner.client.post(f"{ITEMS}/{item_id}", data=raw, headers=headers)
    assert answer.status_code == code
    assert [word for word in INSIDE if word in answer.text] == []
    assert time.monotonic() - began < 5
    assert everything(app) == before


@pytest.mark.parametrize("path", ["sales/1/ship", "sales/1/paid", "items/1"])
def test_every_form_refuses_what_cannot_be_read(make: Factory, browse: Browse, path: str) -> None:
    make.sale(paid=None)
    owner = browse("owner")
    for content_type, raw, code in ((FORM, BODIES[0][2], 413), ("application/json", b"{", 400)):
        headers = {"X-CSRFToken": owner.token, "Content-Type": content_type}
        answer = owner.client.post(f"/stores/papershop/{path}", data=raw, headers=headers)
        assert answer.status_code == code


def test_too_large_a_body_says_how_much_may_be_sent(browse: Browse) -> None:
    owner = browse("owner")
    headers = {"X-CSRFToken": owner.token, "Content-Type": FORM}
    large = owner.client.post("/theme", data=b"next=" + b"x" * 17_000_000, headers=headers)
    assert "At most 16 MB can be sent here." in words(large.text)
    long = owner.client.post("/theme", data=b"next=" + b"x" * 300_000, headers=headers)
    assert "A field holds at most 262144 characters." in words(long.text)
    parts = {"Content-Type": PARTS, "X-CSRFToken": owner.token}
    many = owner.client.post("/theme", data=BODIES[1][2], headers=parts)
    assert "A form holds fewer and shorter fields than were sent." in words(many.text)


# H33, H34: hosts and headers that claim.


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "desk.example.evil.example",
        "127.0.0.1.evil.example",
        "host@evil",
        "a b",
        "desk.example:99999",
    ],
)
def test_a_host_that_is_not_ours_is_refused_and_not_repeated(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setitem(app.config, "TRUSTED_HOSTS", ["desk.example"])
    for path in ("/login", SALES, "/static/desk.css", "/nowhere"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 400, path
        assert host not in answer.text and host not in str(answer.headers)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_host_that_is_ours_is_answered(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "TRUSTED_HOSTS", ["desk.example"])
    assert client.get("/login", headers={"Host": "desk.example"}).status_code == 200


def test_headers_that_claim_something_are_as_if_absent(make: Factory, browse: Browse) -> None:
    order_id = make.sale()
    owner = browse("owner")
    claims = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example;proto=https",
        "X-Original-URL": "/site",
        "X-Rewrite-URL": "/site",
        "X-HTTP-Method-Override": "POST",
        "X-Remote-User": "site_admin@example.com",
        "Remote-User": "site_admin@example.com",
    }
    path = f"{SALES}/{order_id}"
    claimed, plain = owner.client.get(path, headers=claims), owner.get(path)
    assert claimed.status_code == 200
    assert words(claimed.text) == words(plain.text)
    assert "evil" not in claimed.text
    assert owner.client.get("/", headers=claims).location == SALES
    assert owner.client.get("/site", headers=claims).status_code == 403


def test_a_bearer_token_opens_no_page(client: FlaskClient, token: Callable[..., dict[str, str]]) -> None:
    assert client.get(SALES, headers=token("owner")).status_code == 303


# H37, H38: large headers, methods.


def test_large_and_many_headers_are_borne(browse: Browse) -> None:
    owner = browse("owner")
    assert owner.client.get(SALES, headers={"X-Large": "x" * 100_000}).status_code in {200, 400, 431}
    many = [(f"X-{n}", "x") for n in range(5000)]
    assert owner.client.get(SALES, headers=many).status_code in {200, 400, 431}


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "DELETE", "PUT", "PATCH"])
@pytest.mark.parametrize(
    ("path", "allowed"),
    [(SALES, {"GET", "HEAD", "OPTIONS"}), ("/logout", {"POST", "OPTIONS"}), ("/theme", {"POST", "OPTIONS"})],
)
def test_a_method_that_is_not_meant_is_refused_with_those_that_are(
    browse: Browse, method: str, path: str, allowed: set[str]
) -> None:
    answer = browse("owner").client.open(path, method=method)
    is_in_words(answer, 405, "This cannot be done here")
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_a_form_cannot_be_sent_by_looking(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(paid=None)
    (item_id,) = make.items_of(order_id)
    owner = browse("owner")
    before = everything(app)
    for path in (f"{ITEMS}/{item_id}?status=3", f"{SALES}/{order_id}/paid?payment=1"):
        assert owner.get(path).status_code == 405
    owner.get(f"{SALES}/{order_id}/ship?pieces-{item_id}=5&no_number=1")
    assert everything(app) == before


def test_head_answers_as_get_without_a_body(browse: Browse) -> None:
    owner = browse("owner")
    for path in (SALES, "/purchases", f"{SALES}/999"):
        head, get = owner.client.head(path), owner.get(path)
        assert (head.status_code, head.text) == (get.status_code, "")


# H11, H14: what one person types is never code for another.

PAYLOADS = [
    "<script data-evil>alert(1)</script>",
    '"><img src=x onerror=alert(1) data-evil>',
    "' hx-get='/logout' hx-trigger='load' data-evil='",
    '" autofocus onfocus=alert(1) data-evil="',
    "<b hx-on::load=alert(1) data-evil>x</b>",
    "</title></textarea><svg/onload=alert(1) data-evil>",
    "{{7777*7777}}{% raw %}${7777*7777}",
    "javascript:alert(1)//data-evil",
    "</td></tr></table><form action=/logout data-evil><button>x",
    "<!-- data-evil --><style data-evil>*{display:none}</style>",
]


def planted(app: Flask, make: Factory, payload: str) -> int:
    """Make a sale that holds a payload in every text, in a store and by people who have it in their names."""
    with app.app_context():
        cause = Cause(name=payload, place=payload, created_at=datetime(2026, 1, 1, tzinfo=UTC))
        db.session.add(cause)
        db.session.query(Store).filter_by(slug="vendorshop").one().name = payload
        db.session.flush()
        cause_id = cause.id
        db.session.commit()
    texts = {
        "title": payload,
        "sku": payload,
        "description": payload,
        "url": payload,
        "image": payload,
        "personalisation": payload,
        "options": {payload: payload},
    }
    order_id = make.sale(
        replace(GOODS, **texts, listing_id=None, cause_id=cause_id, donation_pct=10),
        replace(DEAL, **texts),
        replace(GOODS, title=payload, listing_id=None),
        store="vendorshop",
        account="buyer",
        channel="etsy",
        external_id=payload,
        buyer=BuyerSaid(payload, payload, payload, payload),
        address=AddressSaid(payload, payload, payload, payload, payload, payload[:32], "PL", payload),
        buyer_note=payload,
        gift_message=payload,
        postage_method=payload,
    )
    first = make.items_of(order_id)[0]
    make.ship(order_id, {first: 2}, carrier=payload[:64], number=payload[:64])
    with app.app_context():
        desk = desk_of("owner", "vendorshop")
        remarks = (Remark(payload, True), Remark(payload, False))
        arrive(order_id, Past(remarks=remarks), actor=desk.actor, store_id=desk.store.id)
        db.session.commit()
    return order_id


def is_inert(answer: TestResponse) -> None:
    """Check that a page holds none of a payload as markup, and nothing computed."""
    assert answer.status_code in {200, 404, 409, 422}
    markup = Markup(answer.text)
    assert markup.active() == []
    assert [tag for tag, attributes in markup.tags if any("evil" in name for name in attributes)] == []
    assert not any(
        a.get("hx-get") == "/logout" or a.get("action") == "/logout" for t, a in markup.tags if t != "form"
    )
    assert "60481729" not in answer.text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_was_typed_anywhere_is_shown_as_text_everywhere(
    app: Flask, make: Factory, browse: Browse, payload: str
) -> None:
    order_id = planted(app, make, payload)
    sales, items = "/stores/vendorshop/sales", "/stores/vendorshop/items"
    shown = {
        "owner": (sales, f"{sales}/{order_id}", f"{sales}/{order_id}/ship", items),
        "vendor": (sales, f"{sales}/{order_id}", items),
        "buyer": ("/purchases", f"/purchases/{order_id}"),
        "site_admin": ("/site",),
    }
    for who, paths in shown.items():
        browser = browse(who)
        for path in paths:
            answer = browser.get(path)
            assert answer.status_code == 200
            is_inert(answer)
            assert payload[:32] in text_of(answer.text), path  # it is there, as text


def text_of(page: str) -> str:
    """Return the texts and attributes of a page as a browser reads them, in one."""
    markup = Markup(page)
    return " ".join([*markup.texts, *(str(v) for _, attributes in markup.tags for v in attributes.values())])


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_filter_typed_wrongly_is_shown_back_as_text(make: Factory, browse: Browse, payload: str) -> None:
    order_id = make.sale()
    owner = browse("owner")
    names = ("q", "status", "channel", "tab", "sort", "placed_from", "order_id", "after", payload)
    is_inert(owner.client.get(SALES, query_string={"q": payload}))
    is_inert(owner.client.get(SALES, query_string={payload: "1"}))
    is_inert(owner.client.get(SALES, query_string=dict.fromkeys(names, payload)))
    is_inert(owner.client.get(ITEMS, query_string=dict.fromkeys(names, payload)))
    is_inert(owner.client.get(f"{SALES}/{order_id}", query_string={"list": f"q={payload}"}))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_form_filled_in_wrongly_is_shown_back_as_text(make: Factory, browse: Browse, payload: str) -> None:
    order_id = make.sale(GOODS, DEAL, store="vendorshop")
    goods, deal = make.items_of(order_id)
    owner = browse("owner")
    sale, items = f"/stores/vendorshop/sales/{order_id}", "/stores/vendorshop/items"
    long = payload + "x" * 300
    for place in ("row", "page", "alone"):
        sent = {f"pieces-{goods}": payload, "tracking_number": long, "tracking_carrier": long}
        is_inert(owner.post(f"{sale}/ship?in={place}", sent, part=True))
    for place in ("", "?in=row"):
        sent = {"status": "4", "product_deal_vendor_ack": long}
        is_inert(owner.post(f"{items}/{deal}{place}", sent, part=True))
        is_inert(owner.post(f"{items}/{goods}{place}", {payload: "1"}, part=True))
    is_inert(owner.client.get(f"{sale}/ship/number", query_string={"tracking_number": payload}))


def test_a_sentence_said_after_an_act_is_text(make: Factory, browse: Browse) -> None:
    payload = PAYLOADS[0]
    item_id = make.item(LineSaid(payload, 1, 100, is_pickup=True))
    owner = browse("owner")
    is_inert(owner.post(f"{ITEMS}/{item_id}?in=row", {"status": "9"}, part=True))
    owner.post(f"{ITEMS}/{item_id}", {"status": "9"})
    is_inert(owner.get(SALES))


def test_a_name_of_an_account_is_text(app: Flask, make: Factory, browse: Browse) -> None:
    from app.queries import people

    order_id = make.sale(paid=None)
    owner = browse("owner")
    with app.app_context():
        account = people.account_by_email("owner@example.com")
        assert account is not None
        account.name = PAYLOADS[1]
        db.session.commit()
    owner.post(f"{SALES}/{order_id}/paid", {"payment": "1"})
    is_inert(owner.get(f"{SALES}/{order_id}"))
    is_inert(browse("site_admin").get("/site"))
