"""The jobs: imports of files, each from the file that was sent to its report.

The job's row is the truth about it: what is to be done, who asked, how far it is. A batch of orders, its
part of the report and the count stand in one transaction, so that whoever takes a job up, however often
and wherever it was cut off, goes on behind the last batch and does nothing twice.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import defer

from app.actions.imports import Outcome
from app.db import db, take_write_lock
from app.models import Job, JobRow
from app.queries.imports import KIND, outcomes

# A run that was not heard of for so long was cut off, and is taken up again.
LOST_AFTER = timedelta(seconds=30)
# A preview keeps the file with all names and addresses in it: not for longer than it may be wanted.
PREVIEW_LASTS = timedelta(days=7)


class JobState(StrEnum):
    """Where an import stands."""

    WAITING = "waiting"
    RUNNING = "running"
    PREVIEWED = "previewed"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    LAPSED = "lapsed"


class Kept(NamedTuple):
    """What a report keeps of one order; `line` is where it begins in the file."""

    line: int
    external_id: str
    outcome: Outcome
    reason: str
    order_id: int | None


class Run(NamedTuple):
    """A job that is at work: what is to be done for whom, and how many orders are done.

    `beat_at` is its last sign of life, and the mark by which it knows that nobody took it over.
    """

    job_id: int
    store_id: int
    account_id: int | None
    is_dry_run: bool
    done: int
    beat_at: datetime


class TakenOver(Exception):
    """The run was thought lost, and somebody else is at it: what this one has not committed is not wanted."""


def keep_file(
    source: bytes, said: dict[str, Any], *, total: int, account_id: int | None, store_id: int
) -> int:
    """Keep a file of `total` orders, to be tried out; forget the store's old ones; return the job's id."""
    take_write_lock()
    now = datetime.now(UTC)
    db.session.execute(
        update(Job)
        .where(
            Job.store_id == store_id,
            Job.kind == KIND,
            Job.source.is_not(None),
            Job.state != JobState.RUNNING.value,
            Job.created_at < now - PREVIEW_LASTS,
        )
        .values(source=None, state=JobState.LAPSED.value)
    )
    job = Job(
        store_id=store_id,
        account_id=account_id,
        kind=KIND,
        state=JobState.WAITING.value,
        total=total,
        created_at=now,
        heartbeat_at=now,
        params={**said, "is_dry_run": True},
        source=source,
    )
    db.session.add(job)
    db.session.flush()
    return job.id


def ask(job_id: int, *, account_id: int | None, store_id: int) -> bool:
    """Let a previewed file be brought in, or what failed or was cut off go on where it stands.

    False where there is nothing to be done, or somebody is at it.
    """
    take_write_lock()
    now = datetime.now(UTC)
    job = db.session.scalar(
        select(Job)
        .where(Job.id == job_id, Job.store_id == store_id, Job.kind == KIND)
        .options(defer(Job.source))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if job is None or not may_be_asked(job, now):
        return False
    if job.state == JobState.PREVIEWED:
        db.session.execute(delete(JobRow).where(JobRow.job_id == job_id))
        job.done = 0
        # What would happen was said; what happens is counted at the end.
        said = {name: value for name, value in job.params.items() if name not in set(Outcome)}
        job.params = {**said, "is_dry_run": False}
    job.state, job.account_id, job.heartbeat_at = JobState.WAITING.value, account_id, now
    db.session.flush()
    return True


def may_be_asked(job: Job, now: datetime) -> bool:
    """Tell whether a person may let this job go on."""
    return job.state in {JobState.PREVIEWED, JobState.FAILED} or is_lost(job, now)


def is_lost(job: Job, now: datetime) -> bool:
    """Tell whether a job that is at work was cut off."""
    return (
        job.state == JobState.RUNNING and job.heartbeat_at is not None and job.heartbeat_at < now - LOST_AFTER
    )


def start(job_id: int) -> Run | None:
    """Take a job up that waits or was cut off; None where somebody else has."""
    take_write_lock()
    now = datetime.now(UTC)
    taken = db.session.execute(
        update(Job)
        .where(
            Job.id == job_id,
            or_(
                Job.state == JobState.WAITING.value,
                (Job.state == JobState.RUNNING.value) & (Job.heartbeat_at < now - LOST_AFTER),
            ),
        )
        .values(state=JobState.RUNNING.value, heartbeat_at=now)
        .returning(Job.store_id, Job.account_id, Job.params, Job.done)
    ).first()
    if taken is None:
        return None
    store_id, account_id, said, done = taken
    return Run(job_id, store_id, account_id, said.get("is_dry_run", False), done, now)


def keep(run: Run, rows: Sequence[Kept]) -> Run:
    """Write, within a batch, what became of its orders; return the run as it stands once that is committed.

    TakenOver where the batch is no longer this run's to do.
    """
    now = datetime.now(UTC)
    _mark(run, done=run.done + len(rows), heartbeat_at=now)
    table: Any = JobRow.__table__
    if rows:
        db.session.execute(
            insert(table),
            [
                {
                    "job_id": run.job_id,
                    "line": row.line,
                    "external_id": row.external_id[:255],
                    "order_id": row.order_id,
                    "verdict": row.outcome.value,
                    "reason": row.reason,
                }
                for row in rows
            ],
        )
    return run._replace(done=run.done + len(rows), beat_at=now)


def put_back(run: Run) -> None:
    """Let the job wait to be taken up where it stands."""
    _mark(run, state=JobState.WAITING.value, heartbeat_at=datetime.now(UTC))


def finish(run: Run) -> None:
    """End a run that did all it had to: count the report, and let go of the file once it is brought in."""
    counts = outcomes(run.job_id)
    said = db.session.scalar(select(Job.params).where(Job.id == run.job_id)) or {}
    said = {**said, **{outcome.value: counts.get(outcome, 0) for outcome in Outcome}}
    if run.is_dry_run:
        _mark(run, state=JobState.PREVIEWED.value, params=said)
    else:
        _mark(run, state=JobState.DONE.value, params=said, source=None)


def refuse(run: Run, sentence: str) -> None:
    """End a run that may not go on, with the sentence that says why; the file is let go."""
    said = db.session.scalar(select(Job.params).where(Job.id == run.job_id)) or {}
    _mark(run, state=JobState.REFUSED.value, params={**said, "why": sentence}, source=None)


def fail(run: Run) -> None:
    """End a run that met what nobody foresaw; it may be asked for again."""
    _mark(run, state=JobState.FAILED.value)


def _mark(run: Run, **values: Any) -> None:
    """Change the row of a job that is this run's; TakenOver where it is not."""
    take_write_lock()
    mine = db.session.execute(
        update(Job)
        .where(Job.id == run.job_id, Job.state == JobState.RUNNING.value, Job.heartbeat_at == run.beat_at)
        .values(**values)
        .returning(Job.id)
    ).first()
    if mine is None:
        raise TakenOver
