"""How far a marketplace's sales are taken in, and who is at it: one worker at a time for each connection.

A visit claims a connection and shows with every write that it still holds it. A pull reads from where it
stands to its end; where it stands moves in the transaction of the sales that were taken in up to there, so
that whoever is killed loses nothing. The list of a marketplace is ordered by when a sale was made alone, so
each pull begins some days before the last one's end, and now and then at the oldest sale that may change.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, case, delete, exists, or_, select, update

from app.actions.jobs import TakenOver
from app.actions.tidings import cut
from app.db import db, take_write_lock
from app.models import Connection, Order, Pull, SaleThere, Store
from app.statuses import Channel, DeskState

# A visit of which nothing was heard for so long was cut off: longer than any one request and write takes.
LOST_AFTER = timedelta(minutes=2)
EVERY = timedelta(minutes=10)
# Sales so much older than what was pulled last are read again each time: times without a zone may be an hour
# off, clocks differ, and most that is paid is paid within two days.
OVERLAP = timedelta(days=2)
LOOK_BACK_EVERY = timedelta(hours=1)
# So far a look back goes at least, and at most where a sale is not done.
LOOK_BACK, LONGEST_LOOK_BACK = timedelta(days=30), timedelta(days=90)
# A pull that began so long ago is given up for a new one, which sees what happened since.
STALE_AFTER = timedelta(hours=6)
MOST_REMARKS = 200
MOST_PULLS = 30


class Visit(NamedTuple):
    """A connection that a worker holds; `mark` is how it knows that nobody took it over."""

    id: int
    store_id: int
    base_url: str
    username: str
    zone: str
    sealed_key: str
    since: datetime
    next_at: datetime
    tries: int
    mark: datetime


class Run(NamedTuple):
    """A pull under way: all before `at` is taken in, and it ends at `until`."""

    id: int
    at: datetime
    until: datetime
    is_look_back: bool


class Remark(NamedTuple):
    """What is to be said of a sale that was pulled."""

    external_id: str
    order_id: int | None
    verdict: str
    said: tuple[str, ...]


def ready(now: datetime | None = None) -> list[int]:
    """Return the connections that are to be visited now, those first that have waited longest."""
    now = now or datetime.now(UTC)
    found = select(Connection.id).where(_is_ready(now)).order_by(Connection.next_at, Connection.id)
    return list(db.session.scalars(found))


def _is_ready(now: datetime) -> Any:
    """Return what is to be visited: due to be pulled or owed tidings, not paused, and nobody at it."""
    is_owed = exists().where(
        SaleThere.store_id == Connection.store_id, SaleThere.is_owed, SaleThere.due_at <= now
    )
    return and_(
        Connection.store_id.in_(select(Store.id).where(Store.is_active)),
        Connection.ended_at.is_(None),
        Connection.is_paused.is_(False),
        or_(Connection.claimed_at.is_(None), Connection.claimed_at < now - LOST_AFTER),
        or_(Connection.waits_until.is_(None), Connection.waits_until <= now),
        or_(Connection.next_at <= now, is_owed),
    )


def claim(connection_id: int, now: datetime | None = None) -> Visit | None:
    """Begin a visit; None where there is nothing to do, or another worker was quicker. The door commits."""
    take_write_lock()
    now = now or datetime.now(UTC)
    columns = [getattr(Connection, name) for name in Visit._fields if name != "mark"]
    mine = db.session.execute(
        update(Connection)
        .where(Connection.id == connection_id, _is_ready(now))
        .values(claimed_at=now)
        .returning(*columns)
        .execution_options(synchronize_session=False)
    ).first()
    return Visit._make((*mine, now)) if mine else None


def hold_on(visit: Visit, **values: Any) -> Visit:
    """Show that the visit goes on, and write these columns; TakenOver where it is not ours any more."""
    take_write_lock()
    now = max(datetime.now(UTC), visit.mark + timedelta(microseconds=1))
    mine = db.session.execute(
        update(Connection)
        .where(Connection.id == visit.id, Connection.claimed_at == visit.mark)
        .values(**{"claimed_at": now, **values})
        .returning(Connection.id)
        .execution_options(synchronize_session=False)
    ).first()
    if mine is None:
        raise TakenOver
    return visit._replace(mark=now)


def leave(visit: Visit, **values: Any) -> None:
    """End a visit."""
    hold_on(visit, **{"claimed_at": None, **values})


def put_off(visit: Visit, why: str, wait: timedelta, *, is_asked: bool = False) -> None:
    """End a visit that met trouble; the next pull begins later, and where that `is_asked` nothing before."""
    later = datetime.now(UTC) + wait
    asked = {"waits_until": later} if is_asked else {}
    leave(visit, trouble=cut(why), tries=visit.tries + 1, next_at=later, **asked)


def begin(visit: Visit) -> Run:
    """Go on with the pull that was cut off, or begin a new one. The door commits."""
    take_write_lock()
    now = datetime.now(UTC)
    row = db.session.execute(
        select(Pull.id, Pull.at, Pull.until, Pull.is_look_back, Pull.began_at)
        .where(Pull.connection_id == visit.id, Pull.ended_at.is_(None))
        .order_by(Pull.id.desc())
        .limit(1)
    ).first()
    if row and row.began_at > now - STALE_AFTER and row.at >= visit.since:
        return Run(row.id, row.at, row.until, row.is_look_back)
    at, is_look_back = _beginning(visit, now)
    db.session.execute(
        update(Pull).where(Pull.connection_id == visit.id, Pull.ended_at.is_(None)).values(ended_at=now)
    )
    pull = Pull(
        store_id=visit.store_id,
        connection_id=visit.id,
        is_look_back=is_look_back,
        at=at,
        until=now,
        remarks=[],
        began_at=now,
    )
    db.session.add(pull)
    db.session.flush()
    return Run(pull.id, at, now, is_look_back)


def _beginning(visit: Visit, now: datetime) -> tuple[datetime, bool]:
    """Return where a new pull begins, and whether it looks back."""
    pulled_to, looked_back_at = db.session.execute(
        select(Connection.pulled_to, Connection.looked_back_at).where(Connection.id == visit.id)
    ).one()
    if pulled_to is None:
        return visit.since, True
    at = pulled_to - OVERLAP
    is_look_back = looked_back_at is None or looked_back_at <= now - LOOK_BACK_EVERY
    if is_look_back:
        at = min(at, now - LOOK_BACK, max(_oldest_open(visit.store_id) or now, now - LONGEST_LOOK_BACK))
    return min(max(at, visit.since), now), is_look_back


def _oldest_open(store_id: int) -> datetime | None:
    """Return when the oldest sale of the marketplace was made that is not paid, or not sent."""
    found = (
        select(Order.placed_at)
        .where(
            Order.store_id == store_id,
            Order.channel == Channel.HIP.value,
            Order.heir_id.is_(None),
            Order.desk_state.in_([DeskState.UNPAID.value, DeskState.TO_SHIP.value]),
        )
        .order_by(Order.placed_at)
        .limit(1)
    )
    return db.session.scalar(found)


def keep(
    visit: Visit, run: Run, counts: Counter[str], remarks: Sequence[Remark], at: datetime | None
) -> Visit:
    """Write, with the sales that were taken in, what became of them and how far the pull stands (`at`).

    TakenOver where another worker is at it: what was taken in is not to be committed then.
    """
    visit = hold_on(visit)
    pull = db.session.get_one(Pull, run.id, populate_existing=True)
    for name in ("new", "changed", "same", "refused"):
        setattr(pull, name, getattr(pull, name) + counts[name])
    told = [one for one in pull.remarks if one["id"] not in {remark.external_id for remark in remarks}]
    more = [
        {"id": x.external_id[:255], "order": x.order_id, "verdict": x.verdict, "said": list(x.said)}
        for x in remarks
    ]
    if more:
        pull.remarks = [*told, *more][:MOST_REMARKS]
    if at is not None:
        pull.at = at
    db.session.flush()
    return visit


def finish(visit: Visit, run: Run, wait: timedelta = EVERY) -> None:
    """End a pull that reached its end, and the visit with it; pulls that brought nothing are forgotten."""
    now = datetime.now(UTC)
    # Whoever asked for a pull meanwhile gets one.
    is_asked = Connection.next_at != visit.next_at
    values: dict[str, Any] = {"next_at": case((is_asked, Connection.next_at), else_=now + wait)}
    if run.is_look_back:
        values["looked_back_at"] = case((is_asked, Connection.looked_back_at), else_=run.until)
    leave(visit, pulled_to=run.until, tries=0, trouble="", waits_until=None, **values)
    db.session.execute(update(Pull).where(Pull.id == run.id).values(ended_at=now))
    mine = Pull.connection_id == visit.id, Pull.id < run.id
    # What was refused is read again by the next look back, and not before.
    is_idle = and_(Pull.new == 0, Pull.changed == 0, *([] if run.is_look_back else [Pull.refused == 0]))
    db.session.execute(delete(Pull).where(*mine, is_idle))
    kept = select(Pull.id).where(*mine).order_by(Pull.id.desc()).limit(MOST_PULLS)
    db.session.execute(delete(Pull).where(*mine, Pull.id.not_in(kept.scalar_subquery())))
