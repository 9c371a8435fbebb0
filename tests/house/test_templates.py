"""Templates keep their rules: pages have titles, parts say what they are given and have one root.

Roots are counted in what real requests are answered with; a part that nobody asks for alone is rendered with
what the page that includes it was given.
"""

import re
from html.parser import HTMLParser
from typing import Any, NamedTuple

import pytest
from flask import Flask, template_rendered
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, meta, nodes

from tests.conftest import PASSWORD
from tests.house.conftest import HTMX, House
from tests.house.tree import TEMPLATES, templates

PARTS = {name: text for name, text in templates() if name.rsplit("/", 1)[-1].startswith("_")}
GROUND = ("layouts/", "macros/", "security/base")
PAGES = {name: text for name, text in templates() if name not in PARTS and not name.startswith(GROUND)}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SALE = "/stores/papershop/sales/{sale}"
DEAL = "/stores/papershop/items/{papershop's deal}"
GOODS = {"pieces-{sale's item}": "1", "no_number": "1"}


class Way(NamedTuple):
    """A request that renders a template: who sends it, where, with which body (None: GET)."""

    who: str
    address: str
    body: dict[str, str] | None = None
    headers: dict[str, str] = HTMX


# Every part that is an answer by itself, and a request that it answers.
ASKED_FOR = {
    "attention/_list.html": Way("owner", "/stores/papershop/attention"),
    "parcels/_list.html": Way("owner", "/stores/papershop/parcels"),
    "parcels/_row_said.html": Way("owner", "/stores/papershop/parcels/{draft}/send", {}),
    "errors/_part.html": Way("owner", "/stores/papershop/sales/999999"),
    "imports/_report.html": Way("owner", "/stores/papershop/import/{import}"),
    "items/_list.html": Way("owner", "/stores/papershop/items"),
    "items/_row_said.html": Way("owner", f"{DEAL}?in=row", {"status": "4"}),
    "purchases/_list.html": Way("buyer", "/purchases"),
    "purchases/_purchase.html": Way("buyer", "/purchases/{sale}"),
    "tokens/_row_said.html": Way("owner", "/account/tokens/{owner's token}/end", {}),
    "sales/_fresh.html": Way("owner", "/stores/papershop/sales/new?after=0.1"),
    "sales/_list.html": Way("owner", "/stores/papershop/sales"),
    "sales/_new.html": Way("owner", "/stores/papershop/sales/new", {"line": "more"}),
    "sales/_number_hint.html": Way("owner", f"{SALE}/ship/number"),
    "sales/_row_said.html": Way("owner", f"{SALE}/ship?in=row", GOODS),
    "sales/_rows.html": Way("owner", f"{SALE}/row"),
    "sales/_sale.html": Way("owner", "/stores/papershop/sales/{sent}"),
    "sales/_ship_form.html": Way("owner", f"{SALE}/ship", {"pieces-{sale's item}": "x"}),
    "sales/_ship_row.html": Way("owner", f"{SALE}/ship?in=row"),
}
# Every other one: the page that includes it, and what stands around the inclusion.
INCLUDED: dict[str, tuple[Way, dict[str, Any]]] = {
    "items/_rows.html": (
        Way("owner", "/stores/papershop/items", None, {}),
        {"token": "", "may_ack": True, "may_redeem": True, "typed_ack": ""},
    ),
    "sales/_after.html": (Way("owner", SALE, None, {}), {}),
    "sales/_mails.html": (Way("owner", "/stores/papershop/sales/{sent}", None, {}), {}),
    "sales/_note_form.html": (Way("owner", SALE, None, {}), {}),
    "tokens/_rows.html": (Way("owner", "/account/tokens", None, {}), {}),
    "parcels/_rows.html": (Way("owner", "/stores/papershop/parcels", None, {}), {"query": ""}),
    "purchases/_items.html": (Way("buyer", "/purchases/{bought}", None, {}), {"base": "/purchases/1"}),
    "purchases/_say.html": (Way("buyer", "/purchases/{bought}", None, {}), {"base": "/purchases/1"}),
    "sales/_buyer_said.html": (
        Way("owner", "/stores/papershop/sales/{unpaid}", None, {}),
        {},
    ),
    "sales/_feedback.html": (Way("owner", "/stores/vendorshop/sales/{bought}", None, {}), {}),
    "invoices/_invoice.html": (Way("buyer", "/purchases/{bought}/invoice", None, {}), {}),
    "sales/_guest.html": (Way("owner", "/stores/vendorshop/sales/{bought}", None, {}), {}),
    "layouts/_said.html": (Way("owner", "/stores/papershop/sales", None, {}), {"is_oob": False}),
}
# A page each, and besides what flask-security shows.
WHOLE = {
    "api/docs.html": Way("owner", "/api/docs", None, {}),
    "account/code.html": Way("half_way", "/login/code", None, {}),
    "account/confirm.html": Way("staff", "/account/email/confirm?token={staff's new e-mail}", None, {}),
    "account/dead_link.html": Way("owner", "/reset", None, {}),
    "account/email.html": Way("owner", "/account/email", None, {}),
    "account/forgot.html": Way("signed_out", "/forgot", None, {}),
    "account/index.html": Way("owner", "/account", None, {}),
    "account/password.html": Way("owner", "/account/password", None, {}),
    "account/recovery_codes.html": Way("stranger", "/account/second-factor/codes", {"current": PASSWORD}, {}),
    "account/reset.html": Way("signed_out", "/reset?token={staff's reset}", None, {}),
    "account/second_factor_off.html": Way("owner", "/account/second-factor", None, {}),
    "account/second_factor_on.html": Way("stranger", "/account/second-factor", None, {}),
    "account/sessions.html": Way("owner", "/account/sessions", None, {}),
    "handoff/ask.html": Way("signed_out", "/login/handoff?key={hand-off}", None, {}),
    "attention/index.html": Way("owner", "/stores/papershop/attention", None, {}),
    "parcels/index.html": Way("owner", "/stores/papershop/parcels", None, {}),
    "errors/page.html": Way("owner", "/stores/papershop/sales/999999", None, {}),
    "guest/show.html": Way("guest", "/guest/{guest link}", None, {}),
    "guest/invoice.html": Way("guest", "/guest/{guest link}/invoice", None, {}),
    "imports/index.html": Way("owner", "/stores/papershop/import", None, {}),
    "imports/show.html": Way("owner", "/stores/papershop/import/{import}", None, {}),
    "items/index.html": Way("owner", "/stores/papershop/items", None, {}),
    "invoices/show.html": Way("buyer", "/purchases/{bought}/invoice", None, {}),
    "purchases/index.html": Way("buyer", "/purchases", None, {}),
    "purchases/show.html": Way("buyer", "/purchases/{sale}", None, {}),
    "sales/index.html": Way("owner", "/stores/papershop/sales", None, {}),
    "sales/new.html": Way("owner", "/stores/papershop/sales/new", None, {}),
    "sales/ship.html": Way("owner", f"{SALE}/ship", None, {}),
    "sales/show.html": Way("owner", SALE, None, {}),
    "settings/index.html": Way("owner", "/stores/papershop/settings", None, {}),
    "connections/index.html": Way("owner", "/stores/vendorshop/settings/connections", None, {}),
    "webhooks/index.html": Way("owner", "/stores/vendorshop/settings/webhooks", None, {}),
    "security/login_user.html": Way("signed_out", "/login", None, {}),
    "invitations/show.html": Way("signed_out", "/invitations/{link of a new one}", None, {}),
    "log/index.html": Way("owner", "/stores/papershop/log", None, {}),
    "site/log.html": Way("site_admin", "/site/log", None, {}),
    "site/people.html": Way("site_admin", "/site/people", None, {}),
    "staff/index.html": Way("owner", "/stores/papershop/staff", None, {}),
    "staff/leave.html": Way("staff", "/stores/papershop/leave", None, {}),
    "staff/show.html": Way("owner", "/stores/papershop/staff/{the staff}", None, {}),
    "staff/tokens.html": Way("owner", "/stores/papershop/tokens", None, {}),
    "persons/index.html": Way("site_admin", "/site/persons", None, {}),
    "site/index.html": Way("site_admin", "/site", None, {}),
    "tokens/index.html": Way("owner", "/account/tokens", None, {}),
}


def environment() -> Environment:
    """Return an environment that reads our templates and nothing else."""
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)


def ask(house: House, way: Way) -> tuple[Template, dict[str, Any], str]:
    """Send a request; return the template that answered it, what it was given and the answer's text."""
    browser = house.browser(way.who)
    token = house.csrf(browser, way.who)
    seen: list[tuple[Template, dict[str, Any]]] = []

    def note(_sender: Flask, template: Template, context: dict[str, Any], **_: Any) -> None:
        seen.append((template, context))

    body = {house.path(name): value for name, value in (way.body or {}).items()} | {"csrf_token": token}
    method = "GET" if way.body is None else "POST"
    with template_rendered.connected_to(note, house.app):
        address = house.path(way.address)
        answer = browser.open(
            address, method=method, data=body if way.body is not None else None, headers=way.headers
        )
    assert len(seen) == 1, "a request is answered with one template"
    return (*seen[0], answer.text)


class Roots(HTMLParser):
    """Reads which elements stand at the top of a part, and text that stands beside them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[dict[str, str | None]] = []
        self.beside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element at the top."""
        if not self.open:
            self.found.append({"tag": tag, **dict(attrs)})
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself."""
        if not self.open:
            self.found.append({"tag": tag, **dict(attrs)})

    def handle_endtag(self, tag: str) -> None:
        """Close the element that is open; another one's end is a fault."""
        assert self.open.pop() == tag, f"</{tag}> closes what it did not open"

    def handle_data(self, data: str) -> None:
        """Keep text at the top."""
        if not self.open:
            self.beside += data.strip()


def roots(text: str) -> list[dict[str, str | None]]:
    """Return the top elements of a part: all are closed, all have an id, and no text stands beside them."""
    read = Roots(text)
    assert (read.open, read.beside) == ([], "")
    assert [element for element in read.found if not element.get("id")] == []
    return read.found


@pytest.mark.parametrize("name", [name for name, _ in templates()])
def test_it_compiles(name: str) -> None:
    environment().get_template(name)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_extends_a_layout_and_has_a_title(name: str) -> None:
    tree = environment().parse(PAGES[name])
    extends = [node.template.as_const() for node in tree.find_all(nodes.Extends)]
    assert len(extends) == 1
    assert extends[0].startswith(("layouts/", "security/"))
    titles = [block for block in tree.find_all(nodes.Block) if block.name == "title"]
    assert len(titles) == 1
    assert titles[0].body


@pytest.mark.parametrize("name", WHOLE)
def test_the_title_of_a_page_says_where_one_is(house: House, name: str) -> None:
    template, _, text = ask(house, WHOLE[name])
    assert template.name == name
    title = re.findall(r"<title>(.*?)</title>", text)
    assert len(title) == 1
    assert re.fullmatch(r"\S.*\S · Tradepost", title[0])
    assert len(re.findall(r"<h1\b", text)) == 1
    ids = re.findall(r"""\sid="([^"]*)\"""", text)
    assert sorted(ids) == sorted(set(ids))


# Drawn where a provider is at work alone: tests/web/test_openid.py.
ELSEWHERE = {"openid/going.html"}


def test_every_page_is_looked_at_here() -> None:
    assert set(WHOLE) | ELSEWHERE == set(PAGES)


def first_line(name: str) -> str:
    """Return the first line of a template."""
    return PARTS[name].split("\n", 1)[0]


@pytest.mark.parametrize("name", PARTS)
def test_a_part_says_in_its_first_line_what_it_is_given(name: str) -> None:
    assert re.fullmatch(r"\{# .+ Given: .+ #\}", first_line(name))


# What every template has without being given it.
FROM_FLASK = {"url_for", "csrf_token", "hidden_csrf", "get_flashed_messages", "request"}


def said_to_be_given(name: str) -> str:
    """Return all that a part's first line names, by itself or as "what another part is given"."""
    line = first_line(name)
    others = re.findall(r"what (?:\w+/)?(_\w+\.html) is given", line)
    return " ".join([line, *(said_to_be_given(f"{name.rsplit('/', 1)[0]}/{other}") for other in others)])


@pytest.mark.parametrize("name", PARTS)
def test_a_part_uses_nothing_that_its_first_line_does_not_name(name: str) -> None:
    tree = environment().parse(PARTS[name])
    setting = tree.find_all((nodes.Assign, nodes.AssignBlock))
    made = {node.target.name for node in setting if isinstance(node.target, nodes.Name)}
    used = meta.find_undeclared_variables(tree) - made - FROM_FLASK
    said = said_to_be_given(name)
    families = tuple(re.findall(r"\b(\w+_)\*", said)) or ("\0",)  # "buyer_*": all that begin so
    unsaid = {name for name in used if not re.search(rf"\b{name}\b", said) and not name.startswith(families)}
    assert unsaid == set()


def test_every_part_is_rendered_here() -> None:
    assert set(ASKED_FOR) | set(INCLUDED) == set(PARTS)


@pytest.mark.parametrize("name", ASKED_FOR)
def test_a_part_has_one_root_with_an_id(house: House, name: str) -> None:
    template, _, text = ask(house, ASKED_FOR[name])
    assert template.name == name
    found = roots(text)
    if name.endswith("_row_said.html"):
        assert found[1]["id"] == "said"
        assert found[1]["hx-swap-oob"] == "innerHTML"
        found = found[:1]
    assert len(found) == 1


@pytest.mark.parametrize("name", INCLUDED)
def test_a_part_that_is_only_included_has_roots_with_ids(house: House, name: str) -> None:
    way, around = INCLUDED[name]
    _, given, page = ask(house, way)
    with house.app.test_request_context():
        text = house.app.jinja_env.get_template(name).render({**given, **around})
    found = roots(text)
    assert found
    assert len(found) == (len(given["rows"]) if name.endswith("_rows.html") else 1)
    assert f'id="{found[0]["id"]}"' in page


def test_rows_have_a_root_each(house: House) -> None:
    _, given, text = ask(house, WHOLE["sales/index.html"])
    assert len(given["rows"]) > 1
    for row in given["rows"]:
        (root,) = Roots(row).found
        assert (root["tag"], str(root["id"]).startswith("sale-")) == ("tbody", True)
    assert len(set(re.findall(r'<tbody id="(sale-\d+)"', text))) == len(given["rows"])
