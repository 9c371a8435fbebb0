"""A store's webhooks, and what became of the messages to them."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from app.db import db, rows_of
from app.models import Outbox, Webhook

# So many messages stand on one page of the log.
ON_PAGE = 50
# So long the secret before signs beside a new one.
BOTH_SIGN = timedelta(hours=24)


class Hook(NamedTuple):
    """A webhook; `events` are the kinds it is told, each between commas."""

    id: int
    store_id: int
    public_id: str
    url: str
    events: str
    is_for_all: bool
    created_at: datetime
    ended_at: datetime | None
    secret_number: int
    rotated_at: datetime | None

    def numbers(self, now: datetime) -> list[int]:
        """Return the numbers of the secrets that sign, the newest first."""
        is_new = self.rotated_at is not None and now < self.rotated_at + BOTH_SIGN
        return [self.secret_number, self.secret_number - 1] if is_new else [self.secret_number]


class Delivery(NamedTuple):
    """A message to a webhook, and what became of it."""

    id: int
    webhook_id: int
    order_id: int | None
    kind: str
    state: str
    payload: dict[str, Any]
    dedupe: str
    due_at: datetime
    sent_at: datetime | None
    tries: int
    trouble: str
    answer: int | None
    is_doubtful: bool


_HOOKS: Any = select(*(getattr(Webhook, name) for name in Hook._fields))
_LOG: Any = (
    select(*(getattr(Outbox, name) for name in Delivery._fields))
    .where(
        Outbox.store_id == bindparam("store"), Outbox.webhook_id.is_not(None), Outbox.id < bindparam("before")
    )
    .order_by(Outbox.id.desc())
    .limit(ON_PAGE + 1)
)


def address_of(webhook_id: int) -> Hook | None:
    """Return a webhook; None where there is none."""
    row = db.session.execute(_HOOKS.where(Webhook.id == webhook_id)).first()
    return Hook(*row) if row else None


def hooks_of(store_id: int) -> list[Hook]:
    """Return a store's webhooks, ended ones too, in the sequence they were added."""
    found = _HOOKS.where(Webhook.store_id == bindparam("store")).order_by(Webhook.id)
    return [Hook(*row) for row in rows_of(found, {"store": store_id})]


def log_of(store_id: int, before: int) -> tuple[list[Delivery], bool]:
    """Return a page of the messages to a store's webhooks, newest first, and whether older ones follow.

    `before`: only those with a smaller id.
    """
    rows = [Delivery(*row) for row in rows_of(_LOG, {"store": store_id, "before": before})]
    return rows[:ON_PAGE], len(rows) > ON_PAGE
