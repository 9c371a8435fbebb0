"""A store's connection to a marketplace: how it stands, what was pulled, what is not told there yet."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from app.db import db, rows_of
from app.models import Connection, Order, Pull, SaleThere
from app.statuses import Channel

# So many sales that are not told yet stand on the page.
MOST_UNTOLD = 200


class Standing(NamedTuple):
    """A connection as its page shows it; its key is not read."""

    id: int
    base_url: str
    username: str
    zone: str
    since: datetime
    created_at: datetime
    is_paused: bool
    pulled_to: datetime | None
    next_at: datetime
    waits_until: datetime | None
    tries: int
    trouble: str
    claimed_at: datetime | None


class Pulled(NamedTuple):
    """A pull, under way or done, and what came."""

    id: int
    is_look_back: bool
    at: datetime
    until: datetime
    new: int
    changed: int
    same: int
    refused: int
    remarks: list[dict[str, Any]]
    began_at: datetime
    ended_at: datetime | None


class Untold(NamedTuple):
    """A sale that its marketplace has not been told of yet, or did not accept."""

    order_id: int
    number: int
    external_id: str
    own_shipping: int
    own_link: str
    shipping: int
    link: str
    changed_at: datetime | None
    due_at: datetime | None
    tries: int
    trouble: str


_STANDING: Any = select(*(getattr(Connection, name) for name in Standing._fields)).where(
    Connection.store_id == bindparam("store"), Connection.ended_at.is_(None)
)
_PULLS: Any = (
    select(*(getattr(Pull, name) for name in Pulled._fields))
    .where(Pull.connection_id == bindparam("connection"))
    .order_by(Pull.id.desc())
)
_UNTOLD: Any = (
    select(
        *(getattr(Order if name in {"number", "external_id"} else SaleThere, name) for name in Untold._fields)
    )
    .join(Order, Order.id == SaleThere.order_id)
    .where(SaleThere.store_id == bindparam("store"), SaleThere.is_owed)
    .order_by(SaleThere.changed_at, SaleThere.order_id)
    .limit(MOST_UNTOLD)
)
_COUNT = select(func.count()).where(SaleThere.store_id == bindparam("store"), SaleThere.is_owed)
_KNOWN = select(Order.external_id).where(
    Order.store_id == bindparam("store"),
    Order.channel == Channel.HIP.value,
    Order.external_id.in_(bindparam("ids", expanding=True)),
)


def of_store(store_id: int) -> Standing | None:
    """Return a store's connection; None where it has none."""
    row = next(iter(rows_of(_STANDING, {"store": store_id})), None)
    return Standing(*row) if row else None


def pulls_of(connection_id: int) -> list[Pulled]:
    """Return the pulls that are kept, newest first."""
    return [Pulled(*row) for row in rows_of(_PULLS, {"connection": connection_id})]


def untold_of(store_id: int) -> tuple[list[Untold], int]:
    """Return what a marketplace has not been told yet, oldest first, and how many there are in all."""
    found = [Untold(*row) for row in rows_of(_UNTOLD, {"store": store_id})]
    if len(found) < MOST_UNTOLD:
        return found, len(found)
    return found, int(rows_of(_COUNT, {"store": store_id})[0][0])


def known_among(store_id: int, external_ids: Collection[str]) -> set[str]:
    """Return those of these ids of a marketplace under which an order is known here."""
    rows = db.session.execute(_KNOWN, {"store": store_id, "ids": sorted(external_ids)})
    return {str(external_id) for (external_id,) in rows}
