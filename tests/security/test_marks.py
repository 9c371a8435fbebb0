"""No byte of a sale reaches whoever is no party to it: marks in every text, and everybody asks everything."""

import html
import re
from collections.abc import Callable, Sequence
from itertools import product
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.db import db
from app.statuses import Channel
from tests.house.conftest import WHO, House, put_in_place
from tests.house.test_permissions import LINES
from tests.security import world as planting
from tests.security.probe import LAST_SEEN, Probe
from tests.security.scale import WHOLE, share
from tests.security.world import MARK, World

LINK = re.compile(r'\b(?:href|action|formaction|src|hx-(?:get|post|put|delete))="([^"]*)"')
# What the pages that one begins at do not lead to.
BEGINNINGS = (
    "/",
    "/purchases",
    "/account/tokens",
    "/stores/papershop/sales",
    "/stores/vendorshop/items",
    "/stores/vendorshop/settings/connections",
    "/site",
)
# Whoever asks: the cast, and who has no account but a link to one purchase.
READERS = (*WHO, "guest")


@pytest.fixture
def planted(app: Flask, world: World) -> Probe:
    """What asks in the planted house."""
    put_in_place(app, world.template.path)
    return Probe(House(app, world.template))


def test_every_table_and_every_text_is_marked_or_named(world: World) -> None:
    known = [*planting.OF_SALES, *planting.OF_STORES, *planting.OF_PEOPLE, *planting.WITHOUT]
    assert sorted(known) == sorted(db.metadata.tables)
    marked = {world.what(mark).split(" ")[0] for mark in world.planted}
    texts = {f"{t.name}.{c.name}" for t in planting.marked_tables() for c in t.columns if planting.is_text(c)}
    assert texts - marked == set()


def leaks(world: World, who: str, answer: TestResponse) -> list[str]:
    """Return what an answer shows that may not reach this reader."""
    found = marks_in(f"{answer.headers} {answer.text}")
    said = marks_in(answer.request.full_path)  # what the asker said themselves tells them nothing
    return sorted(world.what(mark) for mark in found - said - world.may_see[who])


def marks_in(text: str) -> set[str]:
    """Return the marks in a text."""
    return {match[0] for match in MARK.finditer(text)}


def addresses_in(text: str) -> set[str]:
    """Return the addresses of this site that a page leads to or sends forms to."""
    found = {html.unescape(address) for address in LINK.findall(text)}
    return {a.split("#")[0] for a in found if a.startswith("/") and not a.startswith(("//", "/static/"))}


def shape(address: str) -> tuple[str, ...]:
    """Return what makes a page another one in a short run: its path, and the names asked for."""
    parts = urlsplit(address)
    return (parts.path, *sorted(re.findall(r"(?:^|&)([^=&]+)=", parts.query)))


def crawl(probe: Probe, world: World, who: str) -> tuple[set[str], set[str]]:
    """Follow all that somebody's pages lead to; return every address found, and the marks seen."""
    marks: set[str] = set()
    beginnings = [*BEGINNINGS, probe.house.path("/guest/{guest link}")]
    found = {*beginnings}
    queue, seen = beginnings, {shape(a) for a in beginnings}
    while queue:
        address = queue.pop(0)
        answer = probe.ask(who, "GET", address)
        assert leaks(world, who, answer) == [], (who, address)
        marks |= marks_in(answer.text)
        fresh = addresses_in(answer.text) | ({answer.location} if answer.location else set())
        found |= fresh
        for one in sorted(fresh):
            if shape(one) not in seen:
                seen.add(shape(one))
                queue.append(one)
    return found, marks


def test_all_that_anybody_finds_shows_everybody_their_own_alone(
    planted: Probe, world: World, count: Callable[[str, int], None]
) -> None:
    walkers = READERS if WHOLE else ("buyer", "vendor", "staff", "owner2", "guest")
    noted = LAST_SEEN if WHOLE else {}  # a short run ends before a sign-in is noted as seen anew
    before = planted.house.dump(**noted)
    found: dict[tuple[str, ...], str] = {}
    seen: set[str] = set()
    for who in walkers:
        addresses, marks = crawl(planted, world, who)
        seen |= marks
        for address in addresses:
            found.setdefault((address,) if WHOLE else shape(address), address)
    asked = [
        (who, address, part)
        for who in READERS
        for address in sorted(found.values())
        for part in (False, True)
    ]
    for who, address, part in share(asked, 30):
        answer = planted.ask(who, "GET", address, part=part)
        assert leaks(world, who, answer) == [], (who, address)
        seen |= marks_in(answer.text)
    assert planted.house.dump(**noted) == before  # nor does any GET write
    assert len(seen) > len(world.planted) // 4
    count("addresses found", len(found))
    count("marks planted", len(world.planted))
    count("marks seen by somebody", len(seen))
    count("requests for what others found", planted.asked)


# What the open steps of a rule may name besides rows: nobody's business, keys that let in whoever holds
# them (tests/web), or tried elsewhere.
OF_NOBODY = {"path:filename", "public_id", "token"}


def crossed(app: Flask) -> list[str]:
    """Return the address of every read about every store and every row: also those that fit nowhere."""
    with app.app_context():
        ids = {
            name: [row[0] for row in db.session.execute(db.text(f"SELECT id FROM {table}"))]
            for name, table in {
                "order": "orders",
                "item": "order_item",
                "user": "account",
                "job": "job",
                "link": "guest_link",
            }.items()
        }
        outside = db.session.execute(db.text("SELECT external_id FROM orders WHERE external_id IS NOT NULL"))
        ids["path:outside"] = [row[0] for row in outside]
        db.session.remove()
    stores = (1, 2, 3)
    named: dict[str, Sequence[object]] = {**ids, "store": stores, "site": stores}
    named["slug"] = ("papershop", "vendorshop", "othershop")
    named["channel"], named["account"] = list(Channel), named["user"]
    found = []
    for rule in sorted({line.rule for line in LINES if line.method == "GET"}):
        steps = re.findall(r"<([^>]+)>", rule)
        names = [step.removeprefix("id:").removesuffix("_id") for step in steps]
        if OF_NOBODY & set(steps) or not names:
            continue
        assert set(names) <= set(named), f"{rule}: say here what {set(names) - set(named)} can be"
        # Weebly's items are named by their place in the order.
        choices = [(1, 2) if name == "item" and "weebly" in rule else named[name] for name in names]
        for chosen in product(*choices):
            address = rule
            for step, value in zip(steps, chosen, strict=True):
                address = address.replace(f"<{step}>", str(value))
            found.append(address)
    return found


@pytest.mark.parametrize("door", ["page", "program"])
def test_no_address_of_any_row_in_any_store_shows_what_is_not_ones_own(
    app: Flask, planted: Probe, world: World, door: str, count: Callable[[str, int], None]
) -> None:
    before = planted.house.dump(**LAST_SEEN)
    addresses = [a for a in crossed(app) if a.startswith("/api/") == (door == "program")]
    seen: set[str] = set()
    for who, address in share([(who, address) for address in addresses for who in READERS], SOME[door]):
        answer = planted.ask(who, "GET", address)
        assert leaks(world, who, answer) == [], (who, address)
        seen |= marks_in(answer.text)
    assert planted.house.dump(**LAST_SEEN) == before
    assert seen
    count(f"reads of any row in any store by a {door}", planted.asked)


SOME = {"page": 10, "program": 100}
