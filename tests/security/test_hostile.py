"""What is hostile is refused by every door, through every channel that it has, and nothing comes of it.

H01 to H40 of the promises; what is wrong inside of files (H39) is tried in tests/exchange too, how requests
are framed (H36) in test_framing. `probe` holds every answer to what is promised of all.
"""

import csv
import json
from collections.abc import Callable, Iterator
from io import StringIO
from itertools import cycle
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.house.conftest import ORDER_FILE, WHO
from tests.house.test_permissions import Line
from tests.security import inputs
from tests.security.doors import (
    CALLS,
    OF_EVERYBODY,
    WRITES,
    Write,
    comer,
    one_a_rule,
    sent_to,
    steps_named,
    unsafe_calls,
    with_query,
)
from tests.security.probe import LAST_SEEN, Probe
from tests.security.scale import WHOLE, share

Count = Callable[[str, int], None]
READS, CHANGES = one_a_rule(reads=True), one_a_rule(reads=False)
WHO_COLUMNS = {who: n for n, who in enumerate(WHO)}
# What would be code, were it not escaped.
CODE = [text for text in inputs.TYPED if set(text) & set("<'")]
REFUSED = {400, 403, 404, 405, 409, 410, 413, 414, 415, 422}


@pytest.fixture
def told(probe: Probe, count: Count) -> Iterator[None]:
    """Count what was sent, and say what took longest."""
    yield
    count("hostile inputs", probe.asked)
    if WHOLE:
        print(f"slowest: {probe.slowest.seconds * 1000:.0f} ms, {probe.slowest.asked}")


def test_every_write_of_a_program_has_a_body() -> None:
    assert {(call.method, call.rule) for call in CALLS} == unsafe_calls()


# In paths.

NAMED = [(line, n) for line in READS + CHANGES for n in steps_named(line)]


@pytest.mark.usefixtures("told")
def test_no_path_has_a_second_spelling_and_none_leads_out(probe: Probe) -> None:
    before = probe.house.dump(**LAST_SEEN)
    for (line, n), text in share([(named, text) for named in NAMED for text in inputs.IN_PATHS], 20):
        steps = probe.house.path(line.address).split("/")
        steps[n] = text
        who = comer(line)
        form = (
            {"csrf_token": probe.house.csrf(probe.house.browser(who), who)} if line.method == "POST" else {}
        )
        answer = probe.ask(who, line.method, "/".join(steps), data=form or None)
        assert answer.status_code in {400, 403, 404, 405, 414}, (line.rule, text[:40])
        assert "root:" not in answer.text
    assert probe.house.dump(**LAST_SEEN) == before


# In queries.


def queries() -> Iterator[tuple[Line, str]]:
    """Yield each read with each hostile query: a value under one name, or under several in a long run."""
    names = cycle(inputs.NAMES)
    for line in READS:
        for value in (*inputs.IN_QUERIES, *(quote(text) for text in inputs.TYPED)):
            for _ in range(4 if WHOLE else 1):
                yield line, f"{next(names)}={value}"
        for query in inputs.WHOLE_QUERIES:
            yield line, query


@pytest.mark.usefixtures("told")
def test_no_query_breaks_a_read_or_is_shown_as_code(probe: Probe) -> None:
    before = probe.house.dump(**LAST_SEEN)
    for n, (line, query) in enumerate(share(list(queries()), 20)):
        is_program = line.address.startswith("/api/")
        address = with_query(probe.house.path(line.address), query)
        answer = probe.ask(comer(line), "GET", address, part=not is_program and n % 2 == 1)
        good = {200, 204, 302, 303, line.statuses[6]} | REFUSED - {405, 415}
        assert answer.status_code in good, (line.rule, query[:80])
        if answer.mimetype == "text/html":
            assert [text for text in CODE if text in answer.text] == [], (line.rule, query)
            assert "60481729" not in answer.text
    assert probe.house.dump(**LAST_SEEN) == before


UNKNOWN = ("satus=2", "limt=1", "page=1&page=2", "%00=1", "embed[]=x", "é=1")


@pytest.mark.usefixtures("told")
def test_a_program_that_mistypes_a_name_is_told_so_and_gets_no_wider_list(probe: Probe) -> None:
    for line in READS:
        # What is told to everybody is no list, and one thing whatever is asked beside it.
        if not line.address.startswith("/api/") or line.statuses[6] == 400 or line.rule in OF_EVERYBODY:
            continue
        who = comer(line)
        if probe.ask(who, "GET", probe.house.path(line.address)).status_code != 200:
            continue
        for query in UNKNOWN:
            answer = probe.ask(who, "GET", with_query(probe.house.path(line.address), query))
            assert answer.status_code == 400, (line.rule, query)


# In bodies.


def bodies() -> list[tuple[Line, inputs.Body]]:
    """Return each write with each hostile body."""
    return [(line, body) for line in CHANGES for body in inputs.BODIES]


@pytest.mark.usefixtures("told")
def test_no_body_that_cannot_be_read_does_anything(probe: Probe, restore: Callable[[], None]) -> None:
    before = probe.house.dump(**LAST_SEEN)
    large = [(line, inputs.LARGE) for line in (CHANGES if WHOLE else CHANGES[:1])]
    for line, body in [*share(bodies(), 20), *large]:
        who = comer(line)
        headers = {"Content-Type": body.type}
        if line.method == "POST" and not line.address.startswith("/api/"):
            headers["X-CSRFToken"] = probe.house.csrf(probe.house.browser(who), who)
        answer = probe.ask(who, line.method, probe.house.path(line.address), data=body.raw, headers=headers)
        # What asks for no field may be done whatever stands in the fields.
        assert answer.status_code in REFUSED | {200, 201, 302, 303}, (line.rule, body.name)
        if "evil=" in str(answer.headers):
            raise AssertionError((line.rule, body.name))
        if answer.status_code in REFUSED:
            if WHOLE:
                assert probe.house.dump(**LAST_SEEN) == before, (line.rule, body.name)
        else:
            assert line.statuses[6] not in {400, 422} or body.name.startswith(("H20 signs", "H31 JSON as")), (
                line.rule,
                body.name,
                answer.status_code,
            )
            restore()
            probe.house.be_seen()
    assert probe.house.dump(**LAST_SEEN) == before


def fields() -> list[tuple[Write, str, str]]:
    """Return each field of each form with each hostile text."""
    writes = [write for write in WRITES if not write.has_file]
    return [(write, name, text) for write in writes for name in write.body for text in inputs.TEXTS]


@pytest.mark.usefixtures("told")
def test_a_field_takes_any_text_or_says_what_is_wrong(probe: Probe, restore: Callable[[], None]) -> None:
    for n, (write, name, text) in enumerate(share(fields(), 40)):
        sent = sent_to(probe.house, write) | {probe.house.path(name): text}
        answer = probe.post(write.who, probe.house.path(write.address), sent, part=n % 2 == 1)
        assert answer.status_code in {200, 201, 204, 302, 303, 409, *REFUSED}, (
            write.endpoint,
            name,
            text[:40],
        )
        if answer.status_code not in {400, 404, 422}:
            restore()
            probe.house.be_seen()
        assert [typed for typed in CODE if typed in answer.text] == [], (write.endpoint, name)


def values_in(body: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value in a JSON body."""
    for key, value in body.items() if isinstance(body, dict) else enumerate(body):
        yield (*place, key)
        if isinstance(value, dict | list):
            yield from values_in(value, (*place, key))


def with_value(body: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a JSON body with another value at a place."""
    copy = json.loads(json.dumps(body))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return copy


ODD: tuple[Any, ...] = (None, True, [], {}, [[]], {"a": 1}, 3.5, -1, 2**70, 10**400, "", *inputs.TEXTS)


@pytest.mark.usefixtures("told")
def test_a_value_of_a_program_is_taken_or_named(probe: Probe, restore: Callable[[], None]) -> None:
    cases = [(call, place, value) for call in CALLS for place in values_in(call.body) for value in ODD]
    for call, place, value in share(cases, 80):
        body = with_value(call.body, place, value)
        answer = probe.ask(
            call.who, call.method, probe.house.path(call.address), json=body, headers=call.headers
        )
        assert answer.status_code in {200, 201, *REFUSED - {403, 405}}, (call.rule, place, str(value)[:40])
        if answer.status_code < 300:
            restore()
            probe.house.be_seen()


# In files.

TAKES_FILE = [write for write in WRITES if write.has_file]


def send_file(probe: Probe, write: Write, name: str, content: bytes) -> TestResponse:
    """Send a file by a form, as its bytes go over the wire."""
    named = name.encode(errors="replace").replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
    raw = b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n' % named
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        "X-CSRFToken": probe.house.csrf(probe.house.browser(write.who), write.who),
    }
    address = probe.house.path(write.address)
    return probe.ask(write.who, "POST", address, data=raw + content + b"\r\n--b--\r\n", headers=headers)


@pytest.mark.usefixtures("told")
def test_a_file_that_holds_no_orders_is_refused(probe: Probe) -> None:
    before = probe.house.dump()
    for write, (name, content) in ((write, file) for write in TAKES_FILE for file in inputs.FILES.items()):
        answer = send_file(probe, write, f"{name}.csv", content)
        assert answer.status_code in {400, 413, 422}, name
        assert "root:" not in answer.text
    assert probe.house.dump() == before


@pytest.mark.usefixtures("told")
def test_a_file_may_have_any_name_and_any_text_in_it(probe: Probe, restore: Callable[[], None]) -> None:
    header, first = list(csv.reader(ORDER_FILE.read_text().splitlines()))[:2]
    cells = [(n, text) for n in range(len(header)) for text in inputs.TEXTS if "\0" not in text]
    sent = [(name, first) for name in inputs.FILE_NAMES]
    sent += [("x.csv", [*first[:n], text, *first[n + 1 :]]) for n, text in share(cells, 250)]
    for write in TAKES_FILE:
        for name, row in sent:
            rows = StringIO()
            csv.writer(rows).writerows([header, row])
            answer = send_file(probe, write, name, rows.getvalue().encode())
            assert answer.status_code in {303, 422}, (name, row)
            if answer.status_code == 303:
                shown = probe.ask(write.who, "GET", answer.location)
                assert shown.status_code == 200
                assert [text for text in CODE if text in shown.text] == [], (name, row)
                answer = probe.post(write.who, answer.location, {})
                assert answer.status_code == 303, (name, row)
                shown = probe.ask(write.who, "GET", answer.location)
                assert [text for text in CODE if text in shown.text] == [], (name, row)
                restore()
                probe.house.be_seen()


@pytest.mark.postgresql
def test_postgresql_fails_at_none_of_it_either(probe_on_postgresql: Probe, count: Count) -> None:
    """Its texts hold no NUL and no lone surrogate, its numbers end at 2^63; the driver says so by failing."""
    probe = probe_on_postgresql
    for line, query in share(list(queries()), 50):
        probe.ask(comer(line), "GET", with_query(probe.house.path(line.address), query))
    for (line, n), text in share([(x, text) for x in NAMED for text in inputs.IN_PATHS], 80):
        steps = probe.house.path(line.address).split("/")
        steps[n] = text
        probe.ask(comer(line), line.method, "/".join(steps))
    for write, name, text in share(fields(), 60):
        sent = sent_to(probe.house, write) | {probe.house.path(name): text}
        probe.post(write.who, probe.house.path(write.address), sent)
    cases = [(call, place, value) for call in CALLS for place in values_in(call.body) for value in ODD]
    for call, place, value in share(cases, 80):
        address, body = probe.house.path(call.address), with_value(call.body, place, value)
        probe.ask(call.who, call.method, address, json=body, headers=call.headers)
    count("hostile inputs on PostgreSQL", probe.asked)


# In headers, and methods.


@pytest.mark.usefixtures("told")
def test_headers_that_claim_something_are_as_if_absent(probe: Probe) -> None:
    at_once = {name: text for claim in inputs.CLAIMS for name, text in claim.items()}
    each = share([(line, claim) for line in READS for claim in inputs.CLAIMS], 20)
    for line, claim in [*((line, at_once) for line in READS), *each]:
        who, address = comer(line), probe.house.path(line.address)
        answer = probe.ask(who, line.method, address, headers=claim)
        assert answer.status_code == line.statuses[WHO_COLUMNS[who]], (line.rule, claim)
        assert inputs.EVIL not in f"{answer.headers}{answer.text}", (line.rule, claim)


@pytest.mark.usefixtures("told")
def test_odd_headers_and_cookies_break_nothing(probe: Probe) -> None:
    for line, headers in share([(line, headers) for line in READS for headers in inputs.HEADERS], 10):
        who = "signed_out" if "Cookie" in headers else comer(line)
        answer = probe.ask(who, line.method, probe.house.path(line.address), headers=headers)
        allowed = {line.statuses[WHO_COLUMNS[who]], 200, 204, 400, 416, 431}
        assert answer.status_code in allowed, (line.rule, str(headers)[:80])


@pytest.mark.usefixtures("told")
def test_a_method_that_is_not_meant_is_refused_with_those_that_are(app: Flask, probe: Probe) -> None:
    lines = list({line.rule: line for line in READS + CHANGES}.values())
    methods: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        methods.setdefault(str(rule), set()).update(rule.methods or ())
    before = probe.house.dump(**LAST_SEEN)
    for line, method in share([(x, m) for x in lines for m in (*inputs.METHODS, "GET", "POST", "PUT")], 4):
        if method in methods[line.rule]:
            continue
        who = comer(line)
        headers = {"X-CSRFToken": probe.house.csrf(probe.house.browser(who), who)}
        answer = probe.ask(who, method, probe.house.path(line.address), headers=headers)
        if (line.rule.split("/<")[0], method) == ("/api/hip/stores", "PUT") and answer.status_code == 404:
            continue  # "all" might be a sale's id: there is none
        assert answer.status_code == 405 and answer.headers["Allow"], (line.rule, method, answer.status_code)
    assert probe.house.dump(**LAST_SEEN) == before


@pytest.mark.usefixtures("told")
def test_no_host_but_ours_is_answered_or_repeated(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(probe.house.app.config, "TRUSTED_HOSTS", ["desk.example"])
    for line, host in share([(x, h) for x in READS + CHANGES for h in inputs.HOSTS], 8):
        answer = probe.ask(comer(line), line.method, probe.house.path(line.address), headers={"Host": host})
        if host.rstrip(".") != "desk.example":
            assert answer.status_code == 400, (line.rule, host)
        assert inputs.EVIL not in f"{answer.headers}{answer.text}", (line.rule, host)


def test_the_desks_own_name_is_the_one_that_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.config import from_environment

    monkeypatch.setenv("TRADEPOST_SECRET_KEY", "tests only, long enough")
    assert from_environment()["TRUSTED_HOSTS"] is None
    monkeypatch.setenv("TRADEPOST_BASE_URL", "https://desk.example:8443/")
    assert from_environment()["TRUSTED_HOSTS"] == ["desk.example", "localhost", "127.0.0.1", "[::1]"]
    monkeypatch.setenv("TRADEPOST_TRUSTED_HOSTS", "a.example,b.example")
    assert from_environment()["TRUSTED_HOSTS"] == ["a.example", "b.example"]


# Ways out.


@pytest.mark.usefixtures("told")
def test_no_redirect_leads_elsewhere(probe: Probe, restore: Callable[[], None], count: Count) -> None:
    tried = 0
    names = ("next", "list", "back", "url", "return_to", "redirect_uri")
    writes = [write for write in WRITES if not write.has_file]
    cases = [
        (write, way, where) for write in writes for way in inputs.WAYS_OUT for where in ("query", "form")
    ]
    for n, (write, way, where) in enumerate(share(cases, 160)):
        address, sent = probe.house.path(write.address), sent_to(probe.house, write)
        given = dict.fromkeys(names, way)
        query = {"query_string": given} if where == "query" else {}
        form = sent | (given if where == "form" else {})
        answer = probe.post(write.who, address, form, part=n % 2 == 1, **query)
        tried += 1
        if answer.status_code not in {400, 404, 422}:
            restore()
            probe.house.be_seen()
    for way in share(inputs.WAYS_OUT, 6):
        for address in ("/login", "/verify", "/", "/stores/papershop/sales", "/purchases"):
            for who in ("signed_out", "owner"):
                probe.ask(who, "GET", address, query_string=dict.fromkeys(names, way), part=tried % 2 == 1)
                tried += 1
        probe.ask("signed_out", "GET", f"/stores/{quote(way, safe='')}/sales")
        raw = way.encode().decode("latin-1")  # as a server gives a path on
        probe.ask("signed_out", "GET", "/", environ_overrides={"PATH_INFO": raw})
        tried += 2
    count("ways out tried", tried)
    count("forms of ways out", len(set(inputs.WAYS_OUT)))


def test_there_are_enough_ways_out() -> None:
    assert len(set(inputs.WAYS_OUT)) >= 60 and len(inputs.HOSTS) >= 20
