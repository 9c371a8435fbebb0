"""What is kept no longer: sales whose buyers are to be forgotten, old reports, messages and recipients."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from app.db import db, rows_of
from app.models import Event, Forgotten, Job, JobRow, Order, Outbox, Store
from app.statuses import DeskState

# Where a row of the outbox is at its end.
ENDED = ("sent", "dropped", "failed")

_last_at = (
    select(Event.at).where(Event.order_id == Order.id).order_by(Event.id.desc()).limit(1).scalar_subquery()
)
_DUE = (
    select(Order.id)
    .where(
        Order.store_id == bindparam("store"),
        Order.desk_state == DeskState.CLOSED.value,
        Order.placed_at < bindparam("before"),
        Order.heir_id.is_(None),
        ~select(Forgotten.order_id).where(Forgotten.order_id == Order.id).exists(),
        _last_at < bindparam("before"),
    )
    .order_by(Order.placed_at, Order.id)
    .limit(bindparam("most"))
)


class Due(NamedTuple):
    """Some sales of one store whose buyers are to be forgotten."""

    store_id: int
    order_ids: list[int]


def due(now: datetime, most: int) -> Due | None:
    """Return sales that were closed, and not touched since, for longer than their store keeps buyers."""
    keeping = select(Store.id, Store.forget_months).where(Store.forget_months > 0).order_by(Store.id)
    for store_id, months in db.session.execute(keeping).all():
        values = {"store": store_id, "before": months_before(now, months), "most": most}
        if found := [row.id for row in rows_of(_DUE, values)]:
            return Due(store_id, found)
    return None


def months_before(now: datetime, months: int) -> datetime:
    """Return the same day so many months earlier, or the last of that month where it has no such day."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    first = now.replace(year=year, month=month + 1, day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    return first.replace(day=min(now.day, (after - timedelta(days=1)).day))


def old_reports(before: datetime, most: int) -> list[int]:
    """Return imports of before then whose reports are still there."""
    has_rows = select(JobRow.line).where(JobRow.job_id == Job.id).exists()
    return list(db.session.scalars(select(Job.id).where(Job.created_at < before, has_rows).limit(most)))


def old_recipients(before: datetime, most: int) -> list[int]:
    """Return mails that were at their end before then, and still say to whom they went."""
    return _ended(before, most, Outbox.recipient != "")


def _ended(before: datetime, most: int, which: Any) -> list[int]:
    """Return such rows of the outbox that are at their end since before then."""
    asked = select(Outbox.id).where(Outbox.state.in_(ENDED), Outbox.due_at < before, which)
    return list(db.session.scalars(asked.limit(most)))
