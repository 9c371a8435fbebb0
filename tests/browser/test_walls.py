"""What one person types is never code in the browser of another, and nothing is left there after signing out.

Every text of every row holds a payload, whatever door it came by. Every page of the table of rights is
opened, whole and as the part that htmx asks for. `make walls` lets each payload stand in each field once.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page
from sqlalchemy import Column, text

from app.db import db
from tests.browser.conftest import Desk
from tests.conftest import PASSWORD, email_of
from tests.house.conftest import House, Template, furnish, keys_of, preview
from tests.house.test_permissions import LINES, Line
from tests.security.doors import comer
from tests.security.payloads import PAYLOADS
from tests.security.scale import WHOLE, share
from tests.security.world import fill, in_shape, more

PAGES = [
    line
    for line in LINES
    if line.method == "GET"
    and not line.address.startswith(("/api/", "/healthz", "/readyz"))
    and not line.address.endswith(".csv")  # a file, which a browser keeps and does not open
]


@pytest.fixture(scope="module")
def ids(desk: Desk) -> dict[str, Any]:
    """What stands in the desk, with the ids by which pages are asked for."""
    found = furnish(desk.make)
    more(desk.make)
    app = desk.make.app
    keys = {"owner": keys_of(app, "owner")}
    found["import"] = preview(House(app, Template(Path(), found, keys)), "owner", "papershop")
    with app.app_context():
        db.session.remove()
    return found


def payload_for(shift: int) -> Callable[[Column[Any], int, str], Any]:
    """Return what stands in each text: another payload in each field and row, shifted by so many."""

    def words(column: Column[Any], row: int, mark: str) -> Any:
        payload = PAYLOADS[(int(mark[2:4]) * 7 + int(mark[5:7]) + row + shift) % len(PAYLOADS)]
        length = getattr(column.type, "length", None)
        return in_shape(column, payload[:length] if length else payload)

    return words


def type_everywhere(desk: Desk, shift: int) -> int:
    """Put a payload into every text, and into the names of stores and people."""
    written = fill(desk.make.app, payload_for(shift))
    with desk.make.app.app_context():
        for table in ("account", "store"):
            for row in range(1, 9):
                name = PAYLOADS[(row * 11 + shift) % len(PAYLOADS)]
                written += 1
                db.session.execute(
                    text(f"UPDATE {table} SET name = :name WHERE id = :row"), {"name": name, "row": row}
                )
        db.session.commit()
        db.session.remove()
    return written


# What Playwright says of a page that is left meanwhile.
ON_ITS_WAY = ("interrupted by another navigation", "context was destroyed")


class Watcher:
    """A person's browser, and all that went wrong in it."""

    def __init__(self, context: BrowserContext, desk: Desk) -> None:
        self.context, self.desk, self.complaints, self.at = context, desk, [], ""
        self.page: Page = context.new_page()
        self.page.on("dialog", self.ask)
        self.page.on(
            "console",
            lambda said: self.note("console", said.text) if "Content Security" in said.text else None,
        )
        self.page.on("pageerror", lambda error: self.note("error", str(error)))
        self.page.on("request", lambda sent: self.elsewhere(sent.url))

    def note(self, *what: str) -> None:
        """Write a complaint down."""
        self.complaints.append((self.at, *what))

    def ask(self, dialog: Any) -> None:
        """Write a dialog down, and close it."""
        self.note("dialog", dialog.message)
        dialog.dismiss()

    def elsewhere(self, url: str) -> None:
        """Write a request down that does not go to the desk."""
        if not url.startswith((self.desk.url, "data:image/svg+xml")):
            self.note("request", url)

    def whole(self, address: str) -> str:
        """Open a page; return its text."""
        self.at = address
        self.patiently(lambda: self.page.goto(address, wait_until="load"))
        return self.page.inner_text("body")

    def part(self, address: str) -> None:
        """Let htmx put the page's part into the page that is open."""
        self.at = f"part of {address}"
        self.patiently(lambda: self.put_in(address))
        self.page.wait_for_timeout(20)

    def put_in(self, address: str) -> None:
        """Ask htmx for the part."""
        if not self.page.evaluate("typeof htmx === 'object'"):  # what is a part by itself has none
            self.page.goto("/purchases")
        self.page.evaluate("url => htmx.ajax('GET', url, {target: '#work', swap: 'innerHTML'})", address)

    def patiently(self, do: Callable[[], object]) -> None:
        """Do it, again where the part asked for before leads elsewhere (HX-Redirect) only now."""
        for left in range(10, 0, -1):
            try:
                do()
                return
            except Error as error:
                if left == 1 or not any(words in str(error) for words in ON_ITS_WAY):
                    raise
                self.page.wait_for_timeout(100)


def address_of(ids: dict[str, Any], line: Line) -> str | None:
    """Return a line's address, where all that it names stands here."""
    names = re.findall(r"\{([^}]+)\}", line.address)
    if not {*names} <= {*ids}:
        return None
    return re.sub(r"\{([^}]+)\}", lambda name: str(ids[name[1]]), line.address)


# By how many fields the payloads are shifted, in parts that several browsers try side by side.
TURNS = [range(first, first + 15) for first in range(0, len(PAYLOADS), 15)] if WHOLE else [range(1)]


@pytest.mark.parametrize("turns", TURNS, ids=str)
def test_nothing_that_was_typed_runs_in_anybodys_browser(  # noqa: PLR0917 - fixtures, each by its name
    turns: range,
    browser: Browser,
    desk: Desk,
    ids: dict[str, Any],
    signed_in: Callable[[str], Any],
    count: Callable[[str, int], None],
) -> None:
    visits = [(comer(line), address) for line in PAGES if (address := address_of(ids, line))]
    assert len(visits) >= len(PAGES) - 1
    people: dict[str, Watcher] = {}
    opened, typed, seen = 0, 0, ""
    kept: dict[str, Any] = {
        who: {"cookies": signed_in(who)} for who in {who for who, _ in visits} - {"signed_out"}
    }
    for shift in turns:
        typed += type_everywhere(desk, shift)
        for n, (who, address) in enumerate(share(visits, 3)):
            if who not in people:
                context = browser.new_context(base_url=desk.url, storage_state=kept.get(who))
                people[who] = Watcher(context, desk)
            watcher = people[who]
            seen += watcher.whole(address)
            opened += 1
            if WHOLE or n % 2:
                watcher.part(address)
                opened += 1
        assert [watcher.complaints for watcher in people.values() if watcher.complaints] == []
        assert "alert(1)" in seen and "60481729" not in seen
        seen = ""
    for watcher in people.values():
        watcher.context.close()
    count("payloads typed into fields", typed)
    count("pages and parts opened with them in Chromium", opened)
    assert len(set(PAYLOADS)) == 60


def test_going_back_after_signing_out_shows_nothing(
    desk: Desk, ids: dict[str, Any], browser: Browser
) -> None:
    context = browser.new_context(base_url=desk.url)
    page = context.new_page()
    page.goto("/login")
    page.fill("input[name=email]", email_of("owner"))
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    path = f"/stores/papershop/sales/{ids['sale']}"
    page.goto(path)
    assert page.locator("#sale").count() == 1
    page.goto("/stores/papershop/items")
    page.locator("form[action='/logout'] button").first.evaluate("button => button.form.requestSubmit()")
    page.wait_for_url(lambda url: "/login" in url)
    for _ in range(2):
        page.go_back()
        page.wait_for_url(lambda url: "/login" in url)
        assert page.locator("#sale, #items, .menu").count() == 0
        assert page.locator("input[name=password]").count() == 1
    kept = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    assert set(kept) <= {"htmx-current-path-for-history"}  # a path, and nothing of its page
    context.close()
