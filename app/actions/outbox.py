"""The outbox: what acts owe to the world outside, sent by the worker when it is due.

A row is written with the act that owes it: what is rolled back is never sent. A worker claims a row, sends
it and writes down the end. Cut off in between, the row is claimed anew after a while: it may go out twice so,
under the same mark, but never not at all. What a row tells, and to whom, stands in `mails` and `hooks`.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true, update

from app.db import db, take_write_lock
from app.errors import Refused
from app.models import Outbox

# A claim of which no end was heard for so long was cut off: longer than any server is waited for.
LOST_AFTER = timedelta(minutes=10)
# How long is waited after each try that failed; after the last one no more is tried.
WAITS = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60, 240))
# What waits for another row's end, or for a server, looks again so soon.
LOOKS_AGAIN = timedelta(seconds=30)
# So many are looked for at once.
AT_ONCE = 100


class State(StrEnum):
    """Where a row of the outbox stands."""

    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    DROPPED = "dropped"
    FAILED = "failed"


OPEN = frozenset({State.DUE.value, State.SENDING.value})


class OnItsWay(Refused):
    """Something is to be sent again that has not come to its end yet."""

    status = 409
    sentence = "This is on its way already."


def first_of(dedupe: str) -> str:
    """Return the key of the row that was sent again under this one (its own where it is the first)."""
    return dedupe.split(":again:", 1)[0]


class Claim(NamedTuple):
    """A row that one worker sends; `at` is the mark by which it knows that nobody took it over."""

    id: int
    store_id: int  # 0: the site's own, about an account
    order_id: int | None
    webhook_id: int | None
    kind: str
    payload: dict[str, Any]
    dedupe: str
    tries: int
    is_doubtful: bool
    at: datetime


def _ripe(now: datetime) -> Any:
    """Return what is to be sent: what is due, and what was cut off."""
    return or_(
        and_(Outbox.state == State.DUE.value, Outbox.due_at <= now),
        and_(Outbox.state == State.SENDING.value, Outbox.claimed_at < now - LOST_AFTER),
    )


def ripe(which: ColumnElement[bool], now: datetime | None = None) -> list[int]:
    """Return the ids of such rows as are to be sent now, those due first at the beginning."""
    is_ripe = _ripe(now or datetime.now(UTC))
    found = select(Outbox.id).where(is_ripe, which).order_by(Outbox.due_at, Outbox.id)
    return list(db.session.scalars(found.limit(AT_ONCE)))


def claim(row_id: int, now: datetime | None = None) -> Claim | None:
    """Take a row up; None where it is not to be sent, or another worker was quicker.

    One whose last claim was cut off is doubtful from now on: nobody knows whether it arrived.
    """
    take_write_lock()
    now = now or datetime.now(UTC)
    was_cut_off = case((Outbox.state == State.SENDING.value, true()), else_=Outbox.is_doubtful)
    mine = db.session.execute(
        update(Outbox)
        .where(Outbox.id == row_id, _ripe(now))
        .values(state=State.SENDING.value, claimed_at=now, tries=Outbox.tries + 1, is_doubtful=was_cut_off)
        .returning(
            Outbox.id,
            func.coalesce(Outbox.store_id, 0),
            Outbox.order_id,
            Outbox.webhook_id,
            Outbox.kind,
            Outbox.payload,
            Outbox.dedupe,
            Outbox.tries,
            Outbox.is_doubtful,
        )
        .execution_options(synchronize_session=False)
    ).first()
    return None if mine is None else Claim._make((*mine, now))


def _end(claim: Claim, **values: Any) -> None:
    """Write the end of a claim down, unless somebody else took the row over meanwhile."""
    take_write_lock()
    db.session.execute(
        update(Outbox)
        .where(
            Outbox.id == claim.id,
            Outbox.state == State.SENDING.value,
            Outbox.claimed_at == claim.at,
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def sent(claim: Claim, recipient: str, answer: int | None = None) -> None:
    """Note that it was taken by the server."""
    now, state = datetime.now(UTC), State.SENT.value
    _end(claim, state=state, sent_at=now, recipient=recipient, trouble="", answer=answer)


def drop(claim: Claim, why: str) -> None:
    """Note that there is nothing to be sent, or nobody to send it to, and why."""
    _end(claim, state=State.DROPPED.value, trouble=why)


def wait(claim: Claim, why: str = "") -> None:
    """Let it wait for the end of another one, or for a server; this was no try."""
    later = datetime.now(UTC) + LOOKS_AGAIN
    _end(claim, state=State.DUE.value, due_at=later, tries=claim.tries - 1, trouble=why)


def put_off(
    claim: Claim, why: str, *, is_final: bool = False, is_doubtful: bool = False, answer: int | None = None
) -> None:
    """Note that a try failed, and why; it is tried again later, unless that is final or was the last time.

    `is_doubtful`: the server may have taken it all the same.
    """
    is_over = is_final or claim.tries > len(WAITS)
    values: dict[str, Any] = {"state": State.FAILED.value}
    if not is_over:
        later = datetime.now(UTC) + WAITS[claim.tries - 1]
        values = {"state": State.DUE.value, "due_at": later}
    _end(claim, trouble=why, is_doubtful=claim.is_doubtful or is_doubtful, answer=answer, **values)
