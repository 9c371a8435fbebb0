"""Pages as tests read them: what is listed, what is said, what a form holds; and forms sent by a browser."""

import html
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.access import SYSTEM
from app.actions.intake import take_in
from app.actions.payment import confirm_payment
from app.actions.purchases import BuyerSaid, LineSaid, Purchase
from app.db import db
from app.queries import people
from app.statuses import Payment
from tests.conftest import csrf_token
from tests.factories import ADDRESS

PART = {"HX-Request": "true"}


class Browser:
    """A signed-in browser that knows its CSRF token and sends forms with it."""

    def __init__(self, client: FlaskClient, token: str | None = None) -> None:
        self.client = client
        self.token = token or csrf_token(client.get("/purchases").text)

    def get(self, path: str, *, part: bool = False) -> TestResponse:
        """Open a page, or ask for its part as htmx does."""
        return self.client.get(path, headers=PART if part else None)

    def post(self, path: str, sent: dict[str, Any] | None = None, *, part: bool = False) -> TestResponse:
        """Send a form, as htmx does where a part is wanted."""
        given = {"csrf_token": self.token, **(sent or {})}
        return self.client.post(path, data=given, headers=PART if part else None)


def without_tokens(page: str) -> str:
    """Return a page without its CSRF tokens: they carry the second in which they were signed."""
    return re.sub(r'(X-CSRFToken": "|name="csrf_token" value=")[^"]+', r"\1", page)


def listed(page: str, kind: str = "sale") -> list[int]:
    """Return the ids of the rows of a list, from the top."""
    return [int(found) for found in re.findall(rf'<tbody id="{kind}-(\d+)"', page)]


def tabs(page: str) -> dict[str, str]:
    """Return the tabs of the list of sales with their counts."""
    return dict(re.findall(r'<a href="[^"]*"[^>]*>([^<]+) <span class="count">([\d,]+)</span></a>', page))


def link(page: str, rel: str) -> str | None:
    """Return where the link to the next or previous page (or sale) leads."""
    for tag in re.findall(r"<a [^>]*>", page):
        if f'rel="{rel}"' in tag:
            return html.unescape(re.search(r'href="([^"]*)"', tag)[1])  # type: ignore[index]
    return None


def value_of(page: str, name: str) -> str | None:
    """Return what stands in the field of this name."""
    for tag in re.findall(r"<input [^>]*>", page):
        if f'name="{name}"' in tag:
            found = re.search(r' value="([^"]*)"', tag)
            return html.unescape(found[1]) if found else ""
    return None


def words(page: str) -> str:
    """Return the text of a page as a reader sees it, blanks evened out."""
    text = re.sub(r"<[^>]*>", " ", re.sub(r"<head>.*?</head>", " ", page, flags=re.DOTALL))
    return re.sub(r"\s+", " ", html.unescape(text)).strip()


class Markup(HTMLParser):
    """The tags of a page with their attributes, and its texts, as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def active(self) -> list[str]:
        """Return whatever could run or style by itself: scripts and styles inside, on... and hx-on."""
        return [
            f"<{tag} {attributes}>"
            for tag, attributes in self.tags
            if (tag == "script" and not (attributes.get("src") or "").startswith("/static/"))
            or tag in {"style", "iframe", "object", "embed", "base"}
            or any(name.startswith(("on", "hx-on")) or name == "style" for name in attributes)
            or any(
                (text or "").strip().lower().startswith(("javascript:", "data:"))
                for name, text in attributes.items()
                if name in {"href", "src", "action", "formaction", "hx-get", "hx-post"}
            )
        ]


def take_in_many(
    app: Flask, purchases: Iterable[Purchase], *, store: str = "papershop", paid: bool = True
) -> list[int]:
    """Make sales of these purchases in one transaction and return their ids."""
    with app.app_context():
        place = people.place(store, None)
        assert place is not None
        ids = []
        for purchase in purchases:
            order = take_in(purchase, actor=SYSTEM, store_id=place.store.id).order
            if paid:
                confirm_payment(
                    order.id,
                    code=Payment.PAID,
                    actor=SYSTEM,
                    store_id=place.store.id,
                    at=purchase.placed_at,
                )
            ids.append(order.id)
        db.session.commit()
        return ids


def purchase(n: int, **changes: Any) -> Purchase:
    """Return the n-th purchase of a row of them: every third shares its minute with the one before."""
    return replace(
        Purchase(
            channel="desk",
            external_id=f"row-{n}",
            kind="fixed_price",
            currency="USD",
            buyer=BuyerSaid(f"Buyer {n}"),
            address=ADDRESS,
            lines=(LineSaid(f"Card {n}", 1, 450, sku=f"C-{n}"),),
            placed_at=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=n - n // 3),
        ),
        **changes,
    )
