"""Guest links: which of them work, and where they lead.

A link works until so many days of its store's after the last change of its order. An order that went into
another one has its links lead there: the buyer is the same.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, or_, select

from app.db import rows_of
from app.models import Combined, Event, GuestLink, Store


class Link(NamedTuple):
    """A guest link; `living_id` is the order that it leads to, `last_at` when that last changed."""

    id: int
    public_id: str
    store_id: int
    living_id: int
    revoked_at: datetime | None
    days: int
    last_at: datetime | None

    @property
    def expires_at(self) -> datetime:
        """Return until when it works, if nothing changes."""
        assert self.last_at is not None  # an order begins in the history
        return self.last_at + timedelta(days=self.days)

    def works(self, now: datetime) -> bool:
        """Tell whether it opens its order now."""
        return self.revoked_at is None and self.days > 0 and now < self.expires_at


_LIVING = func.coalesce(Combined.heir_id, GuestLink.order_id)
_LAST = select(Event.at).where(Event.order_id == _LIVING).order_by(Event.id.desc()).limit(1).scalar_subquery()
_LINKS: Select[Any] = (
    select(
        GuestLink.id,
        GuestLink.public_id,
        GuestLink.store_id,
        _LIVING,
        GuestLink.revoked_at,
        Store.guest_days,
        _LAST.correlate(GuestLink, Combined),
    )
    .join(Store, Store.id == GuestLink.store_id)
    .outerjoin(Combined, Combined.order_id == GuestLink.order_id)
    .order_by(GuestLink.id.desc())
)
_NAMED = _LINKS.where(GuestLink.public_id == bindparam("public_id"))
_OF_ORDER = _LINKS.where(
    or_(
        GuestLink.order_id == bindparam("order"),
        GuestLink.order_id.in_(select(Combined.order_id).where(Combined.heir_id == bindparam("order"))),
    )
)


def named(public_id: str) -> Link | None:
    """Return the link of this public id, whether it works or not; None where there is none."""
    return next((Link(*row) for row in rows_of(_NAMED, {"public_id": public_id})), None)


def links_of(order_id: int) -> list[Link]:
    """Return the links that lead to an order, also those of orders that went into it, newest first."""
    return [Link(*row) for row in rows_of(_OF_ORDER, {"order": order_id})]
