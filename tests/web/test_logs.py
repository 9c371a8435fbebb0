"""The log: a line for every request, which says who did what and how it ended, and nothing that is secret."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app import logs
from app.config import ROOT
from app.db import db
from tests.conftest import PASSWORD, csrf_token
from tests.factories import GOODS, Factory
from tests.web.pages import Browser

Browse = Callable[[str], Browser]
SALES = "/stores/papershop/sales"


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict[str, Any]]]:
    """Return what sends requests (closing their answers) and gives back the lines that they left."""

    def lines_of(*answers: Any) -> list[dict[str, Any]]:
        for answer in answers:
            answer.close()
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return lines_of


Told = Callable[..., list[dict[str, Any]]]


def test_a_request_leaves_a_line_that_says_who_did_what(
    app: Flask, make: Factory, browse: Browse, told: Told
) -> None:
    make.sale()
    owner = browse("owner")
    told()
    answer = owner.get(f"{SALES}?q=maja&status=2")
    (line,) = told(answer)
    assert list(line)[:3] == ["time", "level", "event"]
    assert line.pop("time").endswith("Z")
    assert line.pop("ms") > 0
    assert line == {
        "level": "info",
        "event": "request",
        "request": answer.headers["X-Request-ID"],
        "method": "GET",
        "path": SALES,
        "status": 200,
        "account": 2,
        "store": "papershop",
    }


def test_a_program_is_named_by_its_account_too(
    app: Flask, token: Callable[..., dict[str, str]], client: FlaskClient, told: Told
) -> None:
    header = token("staff")
    told()
    (line,) = told(client.get("/api/okanjo/stores/1/sales", headers=header))
    assert (line["account"], line["store"], line["status"]) == (3, "papershop", 200)


@pytest.mark.parametrize("path", ["/login", "/static/desk.css", "/healthz", "/nowhere", "/api/nowhere"])
def test_every_answer_has_an_id_of_its_own_and_a_line(client: FlaskClient, told: Told, path: str) -> None:
    told()
    first = client.get(path, headers={"X-Request-ID": "forged", "X-Correlation-ID": "forged"})
    second = client.get(path)
    lines = told(first, second)
    ids = [answer.headers["X-Request-ID"] for answer in (first, second)]
    assert [(line["request"], line["path"]) for line in lines] == [(one, path) for one in ids]
    assert len(set(ids)) == 2
    assert all(len(one) == 12 and one.isalnum() and one != "forged" for one in ids)


def test_nobody_is_taken_for_whoever_asked_before(browse: Browse, client: FlaskClient, told: Told) -> None:
    browse("owner").get(SALES).close()
    told()
    (line,) = told(client.get("/login"))
    assert not {"account", "store"} & line.keys()


def test_coming_in_and_going_are_told(app: Flask, told: Told) -> None:
    client = app.test_client()
    token = csrf_token(client.get("/login").text)
    told()
    sent = {"email": "owner@example.com", "password": "wrong", "csrf_token": token}
    (refused,) = told(client.post("/login", data=sent))
    assert (refused["status"], refused["level"], refused["reason"]) == (200, "warning", "SignInRefused")
    assert "account" not in refused
    (came,) = told(client.post("/login", data={**sent, "password": PASSWORD}))
    assert (came["did"], came["account"]) == ("signed in", 2)
    token = csrf_token(client.get("/purchases").text)
    told()
    (went,) = told(client.post("/logout", data={"csrf_token": token}))
    assert went["did"] == "signed out"


def test_a_refusal_has_its_reason(app: Flask, make: Factory, browse: Browse, told: Told) -> None:
    item_id = make.item(GOODS)
    owner, client = browse("owner"), app.test_client()
    told()
    refused = {
        "NotAllowed": owner.get("/site"),
        "ForeignStore": owner.get("/stores/othershop/sales"),
        "CSRF: The CSRF token is missing.": owner.client.post(f"/stores/papershop/items/{item_id}"),
        "TokenNeeded": client.get("/api/okanjo/stores/1/sales"),
        "TokenRefused": client.get("/api/okanjo/stores/1/sales", headers={"Authorization": "Bearer tp_x"}),
        "MethodNotAllowed": owner.client.get("/logout"),
    }
    lines = told(*refused.values())
    assert [line["reason"] for line in lines] == list(refused)
    assert {line["level"] for line in lines} == {"warning"}


SECRETS = (
    "hidden-in-query",
    "hidden-in-body",
    "tp_hidden_in_header",
    "hidden-in-cookie",
    "hidden@example.com",
)


def test_no_secret_and_nobodys_address_stands_in_a_line(
    app: Flask, browse: Browse, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = browse("owner")
    owner.client.set_cookie("kept", "hidden-in-cookie")
    headers = {"Authorization": "Bearer tp_hidden_in_header", "X-ApiKey": "hidden-in-query"}
    for path in (SALES, "/api/okanjo/stores/1/sales", "/nowhere", "/login"):
        query = "?api_key=hidden-in-query&q=hidden@example.com"
        body = {"email": "hidden@example.com", "password": "hidden-in-body", "csrf_token": owner.token}
        owner.client.get(path + query, headers=headers).close()
        owner.client.post(path + query, data=body, headers=headers).close()
        owner.client.post(path, json=body, headers=headers).close()
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 12
    assert [secret for secret in SECRETS if secret in written] == []
    assert owner.client.get_cookie("tradepost").value not in written  # type: ignore[union-attr]


@pytest.mark.both
def test_a_failure_is_told_without_the_values_of_its_statement(app: Flask, told: Told) -> None:
    told()
    with app.app_context():
        try:
            db.session.execute(
                text("INSERT INTO account (id, email) SELECT 1, CAST(:email AS VARCHAR) FROM account"),
                {"email": "hidden@example.com"},
            )
        except Exception as error:
            db.session.rollback()
            logs.failed(error)
    (line,) = told()
    assert (line["level"], line["event"]) == ("error", "failed")
    assert "Traceback" in line["exception"]
    assert "INSERT INTO account" in line["exception"]
    assert "hidden@" not in line["exception"]


FORGERIES = ["%0A", "%0D%0A", "%1B%5B31m", "%E2%80%A8", "%00", "%22%2C%22status%22%3A200", "%C2%85"]


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_path_stays_one_word_of_one_line(
    client: FlaskClient, capsys: pytest.CaptureFixture[str], forgery: str
) -> None:
    capsys.readouterr()
    client.get(f"/nowhere/{forgery}/end").close()
    written = capsys.readouterr().err
    assert written.endswith("\n") and written.count("\n") == 1
    assert written[:-1].isprintable() and written.isascii()
    line = json.loads(written)
    assert (line["status"], line["path"]) == (404, f"/nowhere/{forgery}/end")


def test_an_endless_path_is_cut(client: FlaskClient, told: Told) -> None:
    told()
    (line,) = told(client.get("/" + "a" * 5000))
    assert len(line["path"]) == logs.LONGEST_PATH


def test_what_libraries_say_goes_the_same_way(told: Told) -> None:
    told()
    logging.getLogger("somebody").warning("first\nsecond \x1b[31m%s", "red")
    (line,) = told()
    assert line["level"] == "warning"
    assert line["event"] == "first\\nsecond \\x1b[31mred"


class Broken(StringIO):
    """A log that cannot be written."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_a_log_that_cannot_be_written_stops_no_request(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Broken())
    with client.get("/login") as answer:
        assert answer.status_code == 200


SPEAK = r"""
from app import logs
from app.config import ROOT
logs.set_up()
logs.note(account=2)
logs._log.warning("request", path="/nowhere\x1b[31m\n", status=404)
logs.failed(ValueError("first\nsecond\x1b[31m"))
"""


def test_somebody_at_a_terminal_reads_words() -> None:
    ours, theirs = os.openpty()
    subprocess.run([sys.executable, "-c", SPEAK], stderr=theirs, cwd=ROOT, check=True)
    os.close(theirs)
    read = re.sub(r"\x1b\[\d*m", "", os.read(ours, 10_000).decode())  # colours
    os.close(ours)
    request, failure = read.splitlines()[:2]
    assert re.search(r"\[warning *\] request +account=2 path=/nowhere\\x1b\[31m\\n status=404$", request)
    assert "failed" in failure
    assert "\x1b" not in read
