"""When a store's sales are due by what it has set: its calendar, and how long it waits for its buyers.

Every act of the store waits for a change of these, so sales are moved by the statement, not one by one:
those that were due at one time and were bought in one stretch of it go together.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, case, func, insert, literal, select, update

from app.actions.ledger import Act
from app.db import Base, DaysAfter, db
from app.models import Store
from app.models.shop import FAR_FUTURE
from app.statuses import DeskState

MICROSECOND, MINUTE = timedelta(microseconds=1), timedelta(minutes=1)
ORDERS, EVENTS = Base.metadata.tables["orders"], Base.metadata.tables["event"]
_ORDER = ORDERS.c
_SINCE = func.coalesce(_ORDER.paid_at, _ORDER.placed_at)
# Only a sale that waits to be shipped is due before the end of times.
_DUE = (
    select(_ORDER.ship_by, func.min(_SINCE).label("first"), func.max(_SINCE).label("last"))
    .where(_ORDER.store_id == bindparam("store"), _ORDER.ship_by < FAR_FUTURE)
    .group_by(_ORDER.ship_by)
)
# Sales on their way: what is wrong with one needs somebody at once, the others after some days.
_BE_PATIENT = (
    update(ORDERS)
    .where(
        _ORDER.store_id == bindparam("store"),
        _ORDER.desk_state == DeskState.SHIPPED.value,
        _ORDER.attention_at == DaysAfter(_ORDER.sent_at, bindparam("was")),
    )
    .values(attention_at=DaysAfter(_ORDER.sent_at, bindparam("now")))
)


def follow_calendar(act: Act) -> None:
    """Bring every sale that waits to be shipped to the store's calendar, each with its Event.

    None of what the tally counts changes. No sale moves twice: by when it is due now depends on since when
    it waits alone.
    """
    days = Days(act.store)
    for was, first, last in db.session.connection().execute(_DUE, {"store": act.store_id}).all():
        for begin, end, by in days.stretches(first, last):
            if by != was:
                _move(act, was, by, (begin, end))


def follow_patience(store: Store, was: int) -> None:
    """Let sales on their way need somebody after so many days as the store waits now; `was`: before."""
    days = {"store": store.id, "was": was, "now": store.received_days}
    db.session.connection().execute(_BE_PATIENT, days)


def _instant(at: datetime) -> Any:
    """Return an instant as the database compares it."""
    return literal(at, _ORDER.placed_at.type)


def _move(act: Act, was: datetime, by: datetime, waiting: tuple[datetime, datetime]) -> None:
    """Let the sales that were due then be due at another time, of those that wait since within two instants.

    The sales themselves are as they were: a form that is open on one stays good, so versions stay.
    """
    connection, (begin, end) = db.session.connection(), waiting
    chosen = (
        _ORDER.store_id == act.store_id,
        _ORDER.ship_by == was,
        _SINCE.between(_instant(begin), _instant(end - MICROSECOND)),
    )
    event = act.event({"ship_by": was.isoformat()}, {"ship_by": by.isoformat()})
    told: list[tuple[Any, Any]] = [(EVENTS.c[name], x) for name, x in event.items() if x is not None]
    rows = select(_ORDER.id, *(literal(x, column.type) for column, x in told)).where(*chosen)
    connection.execute(insert(EVENTS).from_select([EVENTS.c.order_id, *(c for c, _ in told)], rows))
    # Late from another day on; who needs somebody for another reason does so since it was bought.
    is_due = (_ORDER.attention_at == was) & (_ORDER.placed_at != was)
    needs = case((is_due, _instant(by)), else_=_ORDER.attention_at)
    connection.execute(update(ORDERS).where(*chosen).values(ship_by=by, attention_at=needs))


class Days:
    """A store's calendar, asked once a day of sales: what came on one day, before or after the cut-off."""

    def __init__(self, store: Store) -> None:
        self.store, self.zone = store, ZoneInfo(store.zone)
        self._known: dict[Any, datetime] = {}

    def by(self, since: datetime) -> datetime:
        """Return until when a sale of this instant is to be shipped."""
        local = since.astimezone(self.zone)
        key = local.date(), local.hour >= self.store.cut_off
        if key not in self._known:
            self._known[key] = self.store.ship_by(since)
        return self._known[key]

    def stretches(self, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime, datetime]]:
        """Yield (begin, end, by) from an instant on until past another: what is since then is due by then.

        The end is no part of a stretch.
        """
        begin = end = first.replace(second=0, microsecond=0)
        by = self.by(begin)
        while end <= last:
            if self.by(end) != by:
                yield begin, end, by
                begin, by = end, self.by(end)
            end = self._next(end)
        yield begin, end, by

    def _next(self, at: datetime) -> datetime:
        """Return the next instant that may be due otherwise: the cut-off, or midnight."""
        local = at.astimezone(self.zone)
        hours = self.store.cut_off if local.hour < self.store.cut_off else 24
        wall = datetime.combine(local.date(), time()) + timedelta(hours=hours)
        found = at + (wall - local.replace(tzinfo=None))
        # Where clocks are set meanwhile, minute by minute: they are set on the minute.
        is_even = found.astimezone(self.zone).utcoffset() == local.utcoffset()
        return found if is_even else at + MINUTE
