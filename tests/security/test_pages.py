"""What every page has: the way out, password fields that a manager can fill, a type that says its signs."""

import re

from flask import Flask

from tests.security.doors import comer, one_a_rule
from tests.security.probe import Probe
from tests.web.pages import Markup

WHOLE_PAGE = "<!doctype html>"
SIGNED_OUT = 0  # its column in the table of rights


def pages(probe: Probe, who: str = "") -> dict[str, str]:
    """Return every page that somebody gets by the table of rights, or whoever gets furthest, by its rule."""
    found = {}
    for line in one_a_rule(reads=True):
        if line.address.startswith("/api/"):
            continue
        answer = probe.ask(who or comer(line), "GET", probe.house.path(line.address))
        if answer.status_code == 200 and answer.text.startswith(WHOLE_PAGE):
            found[line.rule] = answer.text
    return found


def test_every_page_of_somebody_signed_in_has_the_way_out(probe: Probe) -> None:
    of_everybody = {line.rule for line in one_a_rule(reads=True) if line.statuses[SIGNED_OUT] == 200}
    found = {rule: page for who in ("owner", "site_admin") for rule, page in pages(probe, who).items()}
    lacking = {rule for rule, page in found.items() if 'action="/logout' not in page}
    assert lacking - of_everybody == set()
    assert len(set(found) - of_everybody) >= 25


def test_password_fields_hide_what_is_typed_and_take_it_from_a_manager(probe: Probe) -> None:
    seen = 0
    every = [*pages(probe).values(), *pages(probe, "signed_out").values()]
    for page in every:
        for tag, attributes in Markup(page).tags:
            name = attributes.get("name") or ""
            if tag != "input" or not (name in {"password", "again", "current"} or "password" in name):
                continue
            if attributes.get("type") == "email":  # an e-mail typed twice
                continue
            seen += 1
            assert attributes["type"] == "password", page[:200]
            assert attributes["autocomplete"] in {"current-password", "new-password"}
            assert not {"readonly", "maxlength", "pattern"} & set(attributes)
    assert seen >= 6


def test_every_text_says_its_signs(app: Flask, probe: Probe) -> None:
    addresses = [(comer(line), probe.house.path(line.address)) for line in one_a_rule(reads=True)]
    addresses += [("signed_out", f"/static/{name}") for name in ("desk.css", "desk.js", "icon.svg")]
    kinds = set()
    for who, address in addresses:
        answer = probe.ask(who, "GET", address)
        if not answer.get_data():
            continue
        kinds.add(answer.mimetype)
        if answer.mimetype.startswith("text/") or answer.mimetype.endswith("xml"):
            assert re.search(r"; charset=utf-8$", answer.content_type), address
        else:  # JSON is UTF-8 by its own rule (RFC 8259, 8.1)
            assert answer.mimetype == "application/json", (address, answer.content_type)
    assert kinds == {
        "text/html",
        "text/plain",
        "text/csv",
        "text/css",
        "text/javascript",
        "application/json",
    } | {"image/svg+xml"}


def test_no_folder_is_listed(probe: Probe) -> None:
    for address in (
        "/static/",
        "/static",
        "/static/vendor/",
        "/static/../app/",
        "/.git/config",
        "/instance/",
    ):
        assert probe.ask("signed_out", "GET", address).status_code == 404, address


def test_no_answer_lets_pages_of_others_read_it(probe: Probe) -> None:
    origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    for line in one_a_rule(reads=True):
        address = probe.house.path(line.address)
        for method in ("GET", "OPTIONS"):
            answer = probe.ask(comer(line), method, address, headers=origin)
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")], address
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", address
