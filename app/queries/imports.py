"""Imports: the latest of a store, one of them, and what became of the orders of its file."""

from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import defer

from app.db import db
from app.models import Job, JobRow, Order

LATEST = 10
MOST_SHOWN = 200
KIND = "import"
FIRST_TOLD = ("refused", "changed", "new", "same")


def latest(store_id: int) -> list[Job]:
    """Return the store's latest imports, newest first, without their files."""
    return list(
        db.session.scalars(
            select(Job)
            .where(Job.store_id == store_id, Job.kind == KIND)
            .options(defer(Job.source))
            .order_by(Job.id.desc())
            .limit(LATEST)
        )
    )


def one(store_id: int, job_id: int) -> Job | None:
    """Return an import of this store, without its file; None where there is none."""
    return db.session.scalar(
        select(Job)
        .where(Job.store_id == store_id, Job.id == job_id, Job.kind == KIND)
        .options(defer(Job.source))
        .execution_options(populate_existing=True)
    )


def source(job_id: int) -> bytes:
    """Return the file of an import; empty once it is let go."""
    return db.session.scalar(select(Job.source).where(Job.id == job_id)) or b""


def to_do(lost_before: datetime) -> list[int]:
    """Return the imports that nobody is at, oldest first: those that wait, and those not heard of since."""
    is_lost = (Job.state == "running") & (Job.heartbeat_at < lost_before)
    asked = select(Job.id).where(Job.kind == KIND, or_(Job.state == "waiting", is_lost)).order_by(Job.id)
    return list(db.session.scalars(asked))


def is_any_at_work(heard_since: datetime) -> bool:
    """Tell whether any import was heard of since then."""
    asked = select(Job.id).where(Job.state == "running", Job.heartbeat_at >= heard_since).limit(1)
    return db.session.scalar(asked) is not None


def outcomes(job_id: int) -> dict[str, int]:
    """Return how many orders of an import ended how."""
    rows = select(JobRow.verdict, func.count()).where(JobRow.job_id == job_id).group_by(JobRow.verdict)
    return dict(db.session.execute(rows).tuples().all())


def rows(job_id: int, verdict: str | None) -> list[Any]:
    """Return what became of the orders (row, sale's number), at most 200, refused ones first."""
    asked = (
        select(JobRow, Order.number)
        .outerjoin(Order, Order.id == JobRow.order_id)
        .where(JobRow.job_id == job_id)
        .order_by(case({v: n for n, v in enumerate(FIRST_TOLD)}, value=JobRow.verdict), JobRow.line)
        .limit(MOST_SHOWN)
    )
    if verdict:
        asked = asked.where(JobRow.verdict == verdict)
    return list(db.session.execute(asked))
