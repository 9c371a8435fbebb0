"""The headers of every answer: a strict content policy, no copies of what is private, and no account for
static files."""

import os
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from app import create_app
from app.db import db
from app.web.static_files import version
from tests.factories import Factory
from tests.web.pages import PART, Browser, Markup

Browse = Callable[[str], Browser]
STATIC = ["/static/desk.css", "/static/desk.js", "/static/icon.svg", "/static/vendor/htmx.min.js"]


@pytest.fixture
def answers(make: Factory, browse: Browse, client: FlaskClient) -> dict[str, TestResponse]:
    """One answer of each sort: pages, parts, refusals, errors and redirects."""
    order_id = make.sale()
    (item_id,) = make.items_of(order_id)
    owner = browse("owner")
    base = "/stores/papershop"
    return {
        "list": owner.get(f"{base}/sales"),
        "part of the list": owner.get(f"{base}/sales", part=True),
        "wrong filter": owner.get(f"{base}/sales?status=99"),
        "one sale": owner.get(f"{base}/sales/{order_id}"),
        "ship form": owner.get(f"{base}/sales/{order_id}/ship"),
        "number hint": owner.get(f"{base}/sales/{order_id}/ship/number?tracking_number=1Z"),
        "items": owner.get(f"{base}/items"),
        "purchases": owner.get("/purchases"),
        "forbidden": owner.get("/site"),
        "not found": owner.get(f"{base}/sales/999"),
        "not found part": owner.get(f"{base}/sales/999", part=True),
        "method": owner.get("/logout"),
        "refused form": owner.post(f"{base}/items/{item_id}", {"status": "99"}),
        "no token": owner.client.post(f"{base}/items/{item_id}", data={"status": "3"}),
        "done": owner.post(f"{base}/items/{item_id}", {"status": "3"}),
        "way home": owner.get("/"),
        "sign-in": client.get("/login"),
        "sent to sign-in": client.get(f"{base}/sales"),
        "absent file": owner.get("/static/absent.css"),
    }


def test_nothing_but_our_own_files_may_run_or_style(answers: dict[str, TestResponse]) -> None:
    for what, answer in answers.items():
        policy = dict(
            directive.split(" ", 1) for directive in answer.headers["Content-Security-Policy"].split("; ")
        )
        assert policy["default-src"] == "'none'", what
        assert policy["script-src"] == policy["style-src"] == "'self'", what
        assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'", what
        assert policy["form-action"] == "'self'", what
        assert "unsafe" not in answer.headers["Content-Security-Policy"], what


def test_no_page_needs_what_the_policy_forbids(answers: dict[str, TestResponse]) -> None:
    for what, answer in answers.items():
        assert Markup(answer.text).active() == [], what


def test_a_type_is_what_it_says_and_no_frame_holds_a_page(answers: dict[str, TestResponse]) -> None:
    for what, answer in answers.items():
        assert answer.headers["X-Content-Type-Options"] == "nosniff", what
        assert answer.headers["X-Frame-Options"] == "DENY", what
        assert answer.headers["Referrer-Policy"] == "same-origin", what
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", what


def test_private_answers_are_kept_nowhere(answers: dict[str, TestResponse]) -> None:
    for what, answer in answers.items():
        assert answer.headers["Cache-Control"] == "no-store", what
        assert {"Cookie", "HX-Request"} <= set(answer.headers["Vary"].split(", ")), what
        assert "ETag" not in answer.headers, what


def test_the_history_of_htmx_keeps_no_page(answers: dict[str, TestResponse]) -> None:
    assert '"historyCacheSize":0' in answers["list"].text


def test_every_answer_says_its_charset(answers: dict[str, TestResponse]) -> None:
    for what, answer in answers.items():
        assert answer.content_type == "text/html; charset=utf-8", what


@pytest.mark.parametrize("path", STATIC)
def test_a_static_file_may_be_kept_and_loads_no_account(app: Flask, browse: Browse, path: str) -> None:
    owner = browse("owner")
    statements = []
    with app.app_context():
        engine = db.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        with owner.get(path) as answer:
            assert answer.status_code == 200
            assert "no-store" not in answer.headers["Cache-Control"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "ETag" in answer.headers
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert statements == []


def test_a_page_names_each_static_file_by_its_content_and_a_browser_keeps_it_for_a_year(app: Flask) -> None:
    browser = app.test_client()
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', browser.get("/login").text)
    assert len(named) >= 5
    for address in named:
        path, _, version = address.partition("?v=")
        content = (Path(str(app.static_folder)) / path.removeprefix("/static/")).read_bytes()
        assert version == sha256(content).hexdigest()[:12], address
        with browser.get(address) as answer:
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert "Vary" not in answer.headers
            assert answer.data == content


@pytest.mark.parametrize("query", ["", "?v=", "?v=000000000000", "?w=1"])
def test_a_static_file_asked_for_by_another_version_is_asked_about_again(app: Flask, query: str) -> None:
    with app.test_client().get(f"/static/desk.css{query}") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
        assert "ETag" in answer.headers


def test_a_static_file_that_changes_changes_its_address_and_one_that_is_absent_has_no_version(
    tmp_path: Path,
) -> None:
    (tmp_path / "desk.css").write_text("a {}")
    before = version(str(tmp_path), "desk.css")
    (tmp_path / "desk.css").write_text("b {}")
    os.utime(tmp_path / "desk.css", ns=(0, 0))
    after = version(str(tmp_path), "desk.css")
    assert after and after != before
    assert version(str(tmp_path), "absent.css") is None
    assert version(str(tmp_path), "../app/__init__.py") is None


def test_a_page_of_history_is_whole_even_for_htmx(browse: Browse) -> None:
    owner = browse("owner")
    restored = owner.client.get(
        "/stores/papershop/sales", headers={**PART, "HX-History-Restore-Request": "true"}
    )
    assert restored.text.startswith("<!doctype html>")
    assert not owner.get("/stores/papershop/sales", part=True).text.startswith("<!doctype html>")


def test_over_http_no_host_is_bound_to_https(answers: dict[str, TestResponse]) -> None:
    assert "Strict-Transport-Security" not in answers["list"].headers


def test_over_https_cookies_and_host_are_bound_to_it(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEPOST_BASE_URL", "https://desk.example")
    monkeypatch.setenv("TRADEPOST_INSTANCE", str(tmp_path))
    path = shutil.copy(database, tmp_path / "desk.db")
    app = create_app({"TESTING": True, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"})
    answer = app.test_client().get("/login", base_url="https://desk.example")
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-tradepost=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    with app.app_context():
        db.engine.dispose()
