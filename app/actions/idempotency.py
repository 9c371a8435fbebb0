"""One request, done once: what a program asked for under its Idempotency-Key, and what it was answered.

A key is claimed in a transaction of its own, so that a second request under it meets the first one at work.
The answer is kept in the transaction of the act itself: it is there exactly when the act is. A claim of
which nothing was heard for a while was cut off, and the next request under the key takes it over; should
the first one be alive after all, what it did is rolled back.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update

from app.db import db, insert_or, take_write_lock
from app.errors import Refused, Unavailable
from app.models import Idempotency

# Longer than an act takes that waits for its locks as long as it may.
LOST_AFTER = timedelta(seconds=15)
KEPT_FOR = timedelta(days=30)


class KeyUsedAnew(Refused):
    """The key came with another request before."""

    status = 422
    sentence = "This Idempotency-Key was sent with another request before: use a new one for each."


class StillRunning(Unavailable):
    """The same request is at work."""

    status = 409
    sentence = "The first request under this Idempotency-Key is still at work. Ask again in a moment."
    retry_after = 2


class Kept(NamedTuple):
    """What was answered."""

    status: int
    answer: str


class Claim(NamedTuple):
    """A key that was claimed; who takes it over has another moment."""

    account_id: int
    key: str
    at: datetime


def claim(account_id: int, key: str, fingerprint: str, *, now: datetime) -> Claim | Kept:
    """Claim a key of an account's program, or return what was answered under it; the door commits.

    KeyUsedAnew where it came with another request, StillRunning where the same one is at work.
    """
    take_write_lock()
    mine = insert_or(Idempotency).values(
        account_id=account_id, key=key, fingerprint=fingerprint, claimed_at=now, answer=""
    )
    if _has_written(mine.on_conflict_do_nothing()):
        return Claim(account_id, key, now)
    row = db.session.scalars(
        select(Idempotency)
        .where(Idempotency.account_id == account_id, Idempotency.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:  # given back between the two statements
        raise StillRunning
    if row.fingerprint != fingerprint:
        raise KeyUsedAnew
    if row.status is not None:
        return Kept(row.status, row.answer)
    if now - row.claimed_at < LOST_AFTER:
        raise StillRunning
    row.claimed_at = now
    db.session.flush()
    return Claim(account_id, key, now)


def keep(claimed: Claim, kept: Kept) -> None:
    """Keep what is answered, within the act's transaction; StillRunning where another took the claim over."""
    row = _open(update(Idempotency), claimed).values(status=kept.status, answer=kept.answer)
    if not _has_written(row):
        raise StillRunning


def give_back(claimed: Claim) -> None:
    """Forget a claim whose request was refused or failed: it may come again, mended; the door commits."""
    take_write_lock()
    db.session.execute(_open(delete(Idempotency), claimed))


def _has_written(statement: Any) -> bool:
    """Carry a statement out and tell whether it wrote a row."""
    return db.session.execute(statement.returning(Idempotency.key)).first() is not None


def _open(statement: Any, claimed: Claim) -> Any:
    """Narrow a statement to a claim that is still this one's, and has no answer."""
    return statement.where(
        Idempotency.account_id == claimed.account_id,
        Idempotency.key == claimed.key,
        Idempotency.claimed_at == claimed.at,
        Idempotency.status.is_(None),
    )


def forget_old(*, now: datetime) -> None:
    """Forget the keys of long ago; the door commits."""
    take_write_lock()
    db.session.execute(delete(Idempotency).where(Idempotency.claimed_at < now - KEPT_FOR))
