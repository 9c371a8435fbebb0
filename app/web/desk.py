"""The way from a page's address to the person's desk in that store."""

from flask import g

from app.access import Desk, Permission, find_desk
from app.web.signin import current_actor


def open_desk(slug: str, to: Permission = Permission.SEE_SALES) -> Desk:
    """Return the signed-in person's desk in a store, and let the frame show it."""
    g.desk = find_desk(current_actor(), slug, to=to)
    return g.desk  # type: ignore[no-any-return]
