"""The loaders of guest links: whoever holds one sees one purchase, and nothing else of the desk.

A link that is unknown, forged, ended or too old is refused in one way, whatever it is.
"""

import hmac
from datetime import UTC, datetime

from app import logs
from app.access import Actor
from app.errors import NotFound
from app.models import Order
from app.queries import guests, sales
from app.queries.guests import Link
from app.signing import guest_token
from app.statuses import ActorKind

GUEST = Actor(None, "The buyer, by their link", kind=ActorKind.GUEST)


class LinkRefused(NotFound):
    """A guest link opens nothing (any more)."""

    sentence = "This link does not work, or not any more. Ask the store for a new one."


def find_link(token: str, key: str) -> Link:
    """Return the link that a token opens; LinkRefused for every other text. `key` is the desk's own."""
    public_id = token.partition(".")[0]
    if not token.isascii() or not hmac.compare_digest(token, guest_token(key, public_id)):
        raise LinkRefused
    return _working(public_id)


def find_guests_purchase(link_id: int, public_id: str) -> Order:
    """Return the order that a link, opened before, leads to now; LinkRefused where it works no more."""
    link = _working(public_id)
    order = sales.one(link.store_id, link.living_id) if link.id == link_id else None
    if order is None:
        raise LinkRefused
    return order


def _working(public_id: str) -> Link:
    """Return the link of this public id, while it works; the log's line names its id from here on."""
    link = guests.named(public_id)
    if link is None or not link.works(datetime.now(UTC)):
        raise LinkRefused
    logs.note(guest_link=link.id)
    return link
