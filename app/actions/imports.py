"""What files bring: orders, each told with what it has been through, and the jobs that keep the reports.

`bring` carries out the same acts as the desk's pages, in the same sequence, for many orders under one
write lock. It never goes backwards and never mails.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, or_, update

from app.access import Actor
from app.actions.batch import Batch
from app.actions.intake import Verdict, take
from app.actions.parcels import NO_TRACKING, send
from app.actions.payment import pay
from app.actions.purchases import Purchase
from app.db import db, take_write_lock
from app.models import Job, JobRow, Order, OrderItem
from app.statuses import MOVES, ItemStatus, Kind, Payment

IMPORT = "import"
# A run that was not heard of for so long was cut off, and may be taken up again.
LOST_AFTER = timedelta(seconds=90)
# A preview keeps the file with all names and addresses in it: not for longer than it may be wanted.
PREVIEW_LASTS = timedelta(days=7)


class JobState(StrEnum):
    """Where an import stands."""

    PREVIEWED = "previewed"
    RUNNING = "running"
    DONE = "done"
    LAPSED = "lapsed"


class Outcome(StrEnum):
    """What became of an order of a file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


class Kept(NamedTuple):
    """What a report keeps of one order; `line` is where it begins in the file."""

    line: int
    external_id: str
    outcome: Outcome
    reason: str
    order_id: int | None


class Telling(NamedTuple):
    """An order as a file tells it; `sent_at` holds for each line when it went out, None where it did not."""

    purchase: Purchase
    paid_at: datetime | None = None
    sent_at: tuple[datetime | None, ...] = ()


class Brought(NamedTuple):
    """What became of an order that a file told of, and what is to be said of it."""

    order_id: int
    verdict: Verdict
    said: tuple[str, ...] = ()


def bring(tellings: Sequence[Telling], *, actor: Actor, store_id: int) -> list[Brought]:
    """Take these orders in, and let each be paid and sent as far as the file says."""
    with Batch(actor=actor, store_id=store_id) as act:
        return [_bring(act, telling) for telling in tellings]


def _bring(act: Batch, telling: Telling) -> Brought:
    """Bring one order."""
    act.begin("take_in", act.began_at)
    order, verdict, differences = take(act, telling.purchase)
    act.close(order)
    sent = _sent(telling, order)
    said = list(differences)
    if _pay(act, order, telling.paid_at, min(sent.values(), default=None)):
        said.append("it is paid")
    if _send(act, order, sent):
        said.append("it is shipped")
    if verdict is Verdict.NEW:
        return Brought(order.id, verdict)
    has_moved = len(said) > len(differences)
    return Brought(order.id, Verdict.CHANGED if has_moved else verdict, tuple(said))


def _sent(telling: Telling, order: Order) -> dict[OrderItem, datetime]:
    """Return which items went out according to the file, and when.

    Lines are known by their outside id. Where file or desk has the one line that stands for all, either
    everything went out or nothing is said.
    """
    ids = [line.external_id for line in telling.purchase.lines]
    said = {line_id: at for line_id, at in zip(ids, telling.sent_at, strict=True) if at is not None}
    if said and None not in telling.sent_at:
        latest = max(said.values())
        return {item: said.get(item.external_id, latest) for item in order.items}
    return {item: said[item.external_id] for item in order.items if item.external_id in said}


def _pay(act: Batch, order: Order, paid_at: datetime | None, sent_at: datetime | None) -> bool:
    """Confirm the payment that the file tells of and the desk has not; tell whether there was one.

    What the file says was sent and not paid goes out unpaid: pay on arrival.
    """
    is_waiting = any(item.status == ItemStatus.PENDING_PAYMENT for item in order.items)
    is_unpaid = order.payment == Payment.UNPAID and is_waiting
    if paid_at and (is_unpaid or order.payment == Payment.ON_ARRIVAL):
        code, at = Payment.PAID, paid_at
    elif sent_at and is_unpaid:
        code, at = Payment.ON_ARRIVAL, sent_at
    else:
        return False
    act.begin("confirm_payment", at)
    pay(act, order, code, at)
    act.close(order)
    return True


def _send(act: Batch, order: Order, sent: dict[OrderItem, datetime]) -> bool:
    """Send what the file says was sent and the desk still has; tell whether there was anything."""
    going: dict[datetime, dict[int, int]] = {}
    handed: dict[datetime, list[OrderItem]] = {}
    for item, at in sent.items():
        if item.fulfilled_as is Kind.GOODS and item.status == ItemStatus.PENDING_FULFILMENT:
            going.setdefault(at, {})[item.id] = item.left
        elif item.fulfilled_as is Kind.PICKUP and item.status == ItemStatus.PENDING_ACQUISITION:
            handed.setdefault(at, []).append(item)
    for at, pieces in going.items():
        act.begin("ship", at)
        send(act, order, pieces, NO_TRACKING)
        act.close(order)
    for at, items in handed.items():
        step = MOVES[Kind.PICKUP, ItemStatus.PENDING_ACQUISITION, ItemStatus.COMPLETED_BY_SELLER]
        act.begin(step.move.value, at)
        for item in items:
            act.change(item, status=step.to)
        act.close(order)
    return bool(going or handed)


def keep_preview(
    rows: Sequence[Kept], *, source: bytes, said: dict[str, Any], account_id: int | None, store_id: int
) -> Job:
    """Keep a file and what a dry run said of it, and forget the store's old previews."""
    take_write_lock()
    now = datetime.now(UTC)
    db.session.execute(
        update(Job)
        .where(
            Job.store_id == store_id,
            Job.kind == IMPORT,
            Job.source.is_not(None),
            Job.created_at < now - PREVIEW_LASTS,
        )
        .values(source=None, state=JobState.LAPSED.value)
    )
    job = Job(
        store_id=store_id,
        account_id=account_id,
        kind=IMPORT,
        state=JobState.PREVIEWED.value,
        total=len(rows),
        created_at=now,
        params=said,
        source=source,
    )
    db.session.add(job)
    db.session.flush()
    _keep_rows(job.id, rows)
    return job


def start(job_id: int, *, store_id: int) -> bool:
    """Begin to bring a previewed file in; False where somebody else has, and is at it or done."""
    take_write_lock()
    now = datetime.now(UTC)
    began = db.session.execute(
        update(Job)
        .where(
            Job.id == job_id,
            Job.store_id == store_id,
            Job.source.is_not(None),
            or_(
                Job.state == JobState.PREVIEWED.value,
                (Job.state == JobState.RUNNING.value) & (Job.heartbeat_at < now - LOST_AFTER),
            ),
        )
        .values(state=JobState.RUNNING.value, heartbeat_at=now, done=0)
        .returning(Job.id)
    ).all()
    return bool(began)


def beat(job_id: int, done: int) -> None:
    """Note how many orders of a running import are done."""
    take_write_lock()
    db.session.execute(update(Job).where(Job.id == job_id).values(done=done, heartbeat_at=datetime.now(UTC)))


def finish(job_id: int, rows: Sequence[Kept], said: dict[str, Any]) -> None:
    """End an import: keep its report and let go of the file."""
    take_write_lock()
    db.session.execute(delete(JobRow).where(JobRow.job_id == job_id))
    _keep_rows(job_id, rows)
    db.session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(state=JobState.DONE.value, source=None, params=said, done=len(rows), total=len(rows))
    )


def _keep_rows(job_id: int, rows: Sequence[Kept]) -> None:
    """Write what became of each order."""
    if rows:
        table: Any = JobRow.__table__
        db.session.execute(
            insert(table),
            [
                {
                    "job_id": job_id,
                    "line": row.line,
                    "external_id": row.external_id[:255],
                    "order_id": row.order_id,
                    "verdict": row.outcome.value,
                    "reason": row.reason,
                }
                for row in rows
            ],
        )
