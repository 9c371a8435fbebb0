"""No byte of a sale reaches whoever is no party to it: marks in every text, and everybody asks everything."""

import html
import re
from collections.abc import Callable
from itertools import product
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.db import db
from tests.house.conftest import WHO, House, put_in_place
from tests.house.test_permissions import LINES
from tests.security import world as planting
from tests.security.probe import Probe
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
    "/site",
)


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
    whole = f"{answer.headers} {answer.text}"
    found = {match[0] for match in MARK.finditer(whole)}
    return sorted(world.what(mark) for mark in found - world.may_see[who])


def addresses_in(text: str) -> set[str]:
    """Return the addresses of this site that a page leads to or sends forms to."""
    found = {html.unescape(address) for address in LINK.findall(text)}
    return {a.split("#")[0] for a in found if a.startswith("/") and not a.startswith(("//", "/static/"))}


def shape(address: str) -> tuple[str, ...]:
    """Return what makes a page another one in a short run: its path, and the names asked for."""
    parts = urlsplit(address)
    return (parts.path, *sorted(re.findall(r"(?:^|&)([^=&]+)=", parts.query)))


def crawl(probe: Probe, world: World, who: str) -> set[str]:
    """Follow all that somebody's pages lead to; return every address found."""
    found = {*BEGINNINGS}
    queue, seen = list(BEGINNINGS), {shape(a) for a in BEGINNINGS}
    while queue:
        address = queue.pop(0)
        answer = probe.ask(who, "GET", address)
        assert leaks(world, who, answer) == [], (who, address)
        fresh = addresses_in(answer.text) | ({answer.location} if answer.location else set())
        found |= fresh
        for one in sorted(fresh):
            if shape(one) not in seen:
                seen.add(shape(one))
                queue.append(one)
    return found


def test_all_that_anybody_finds_shows_everybody_their_own_alone(
    planted: Probe, world: World, count: Callable[[str, int], None]
) -> None:
    walkers = WHO if WHOLE else ("buyer", "vendor", "owner", "owner2")
    before = planted.house.dump()
    found: dict[tuple[str, ...], str] = {}
    for who in walkers:
        for address in crawl(planted, world, who):
            found.setdefault((address,) if WHOLE else shape(address), address)
    asked = [
        (who, address, part) for who in WHO for address in sorted(found.values()) for part in (False, True)
    ]
    seen: set[str] = set()
    for who, address, part in share(asked, 12):
        answer = planted.ask(who, "GET", address, part=part)
        assert leaks(world, who, answer) == [], (who, address)
        seen |= {match[0] for match in MARK.finditer(answer.text)}
    assert planted.house.dump() == before  # nor does any GET write
    assert len(seen) > len(world.planted) // 4
    count("addresses found", len(found))
    count("marks planted", len(world.planted))
    count("marks seen by somebody", len(seen))
    count("requests for what others found", planted.asked)


class Call(NamedTuple):
    """A program's read, with each row and store that it can name."""

    rule: str
    address: str


def calls(app: Flask, house: House) -> list[Call]:
    """Return every read of the dialects, about every store and every row."""
    with app.app_context():
        orders = [row[0] for row in db.session.execute(db.text("SELECT id FROM orders"))]
        items = [row[0] for row in db.session.execute(db.text("SELECT id FROM order_item"))]
        accounts = [row[0] for row in db.session.execute(db.text("SELECT id FROM account"))]
        db.session.remove()
    slugs, stores = ("papershop", "vendorshop", "othershop"), (1, 2, 3)
    named = {"order": orders, "item": items, "store": stores, "site": stores, "slug": slugs, "user": accounts}
    found = []
    for rule in sorted(
        {line.rule for line in LINES if line.rule.startswith("/api/") and line.method == "GET"}
    ):
        names = re.findall(r"<([^>]+)>", rule)
        if unknown := set(names) - set(named):
            raise AssertionError(f"{rule}: say here what {unknown} can be")
        choices = [named[name] if not (name == "item" and "weebly" in rule) else (1, 2) for name in names]
        for chosen in product(*choices):
            address = rule
            for name, value in zip(names, chosen, strict=True):
                address = address.replace(f"<{name}>", str(value))
            found.append(Call(rule, address))
    return found


def test_no_program_is_told_of_a_sale_that_is_not_its_persons(
    app: Flask, planted: Probe, world: World, count: Callable[[str, int], None]
) -> None:
    last_used = {"api_token": ("used_at",)}  # the one thing that a read notes
    before = planted.house.dump(**last_used)
    asked = [(who, call) for call in calls(app, planted.house) for who in WHO]
    seen: set[str] = set()
    for who, call in share(asked, 60):
        answer = planted.ask(who, "GET", call.address)
        assert leaks(world, who, answer) == [], (who, call.address)
        seen |= {match[0] for match in MARK.finditer(answer.text)}
    assert planted.house.dump(**last_used) == before
    assert seen
    count("programs' reads of rows of everybody", planted.asked)
