"""What happened and what was said: events, notes, feedback; and the desk's own books beside them.

The books are the tally (how many rows stand where), the search terms, the outbox and the jobs.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime, index_of


class Event(Base):
    """One changed row in one act. Written with the change, never edited; carries ids, no personal data.

    `row_kind` and `row_id` name a row that is none of order, line, parcel or store: a payment, a payout, a
    note, a feedback; it stands in its order's history.
    """

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    item_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    parcel_id: Mapped[int | None] = mapped_column(BigInteger)
    row_kind: Mapped[str | None] = mapped_column(String(16))
    row_id: Mapped[int | None] = mapped_column(BigInteger)
    act_id: Mapped[int] = mapped_column(BigInteger)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_kind: Mapped[str] = mapped_column(String(16))
    door: Mapped[str] = mapped_column(String(16))
    verb: Mapped[str] = mapped_column(String(32))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(None, "order_id", "id"),
        Index(None, "store_id", "id"),
        {"sqlite_autoincrement": True},
    )


class Note(Base):
    """A private or buyer-visible remark on an order."""

    __tablename__ = "note"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    is_private: Mapped[bool]
    is_guests: Mapped[bool] = mapped_column(default=False)  # the buyer wrote it, by a guest link
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = ({"sqlite_autoincrement": True},)


class Feedback(Base):
    """What buyer or seller says of one line, 1 to 5, one a line and direction."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("order_item.id"))
    direction: Mapped[str] = mapped_column(String(16))
    value: Mapped[int]
    text: Mapped[str] = mapped_column(String(140), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("item_id", "direction"),
        CheckConstraint("value BETWEEN 1 AND 5", name="value"),
        CheckConstraint("direction IN ('to_seller', 'to_buyer')", name="direction"),
        Index(None, "store_id", "id"),
        {"sqlite_autoincrement": True},
    )


class Tally(Base):
    """How many rows of a store stand under a code: exact, kept by every act."""

    __tablename__ = "tally"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), primary_key=True)
    grain: Mapped[str] = mapped_column(String(16), primary_key=True)
    code: Mapped[str] = mapped_column(String(16), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("n >= 0", name="n"),)


# Terms are compared sign by sign on both databases: a search looks for what begins with a word.
BY_SIGNS = String(64).with_variant(String(64, collation="C"), "postgresql")


class SearchTerm(Base):
    """One folded word under which an order is found."""

    __tablename__ = "search_term"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), primary_key=True)
    term: Mapped[str] = mapped_column(BY_SIGNS, primary_key=True)
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)

    __table_args__ = (Index(None, "order_id", "term"), {"sqlite_with_rowid": False})


class Outbox(Base):
    """A mail or webhook that an act owes, sent later by the worker."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))  # none: the site's, to an account
    kind: Mapped[str] = mapped_column(String(32))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int] = mapped_column(default=0)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    dedupe: Mapped[str] = mapped_column(String(128), unique=True)
    order_id: Mapped[int | None] = mapped_column(Id, index=True)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    trouble: Mapped[str] = mapped_column(String(255), default="")
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # a worker is at it since
    is_doubtful: Mapped[bool] = mapped_column(default=False)  # a try was cut off: it may have arrived
    recipient: Mapped[str] = mapped_column(String(320), default="")  # where it was sent
    webhook_id: Mapped[int | None] = mapped_column(ForeignKey("webhook.id"))  # none: it is a mail
    answer: Mapped[int | None]  # what the webhook's server said last, an HTTP status

    __table_args__ = (
        Index(None, "state", "due_at"),
        index_of("ix_outbox_hooks", ("store_id", "id"), "webhook_id IS NOT NULL"),
        index_of("ix_outbox_of_hook", ("webhook_id", "id"), "webhook_id IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )


class Webhook(Base):
    """An address of a program that is told what happens to a store's sales.

    Its secret is derived from the desk's key, `public_id` and `secret_number`, and stands nowhere. `events`:
    the kinds that are told, each between commas.
    """

    __tablename__ = "webhook"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), index=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    url: Mapped[str] = mapped_column(String(1000))
    events: Mapped[str] = mapped_column(String(255))
    is_for_all: Mapped[bool]  # also for orders of other channels
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    secret_number: Mapped[int] = mapped_column(default=0, server_default="0")
    rotated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the secret before signs a while longer

    __table_args__ = ({"sqlite_autoincrement": True},)


class Idempotency(Base):
    """A request of a program under its Idempotency-Key, and what it was answered; no answer: at work."""

    __tablename__ = "idempotency"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    status: Mapped[int | None]
    answer: Mapped[str] = mapped_column(Text, default="")


class Job(Base):
    """A piece of work that may take long, such as one import; its source is dropped once it is done."""

    __tablename__ = "job"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    source: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = ({"sqlite_autoincrement": True},)


class JobRow(Base):
    """What became of one order of an imported file; `line` is the file's own line number."""

    __tablename__ = "job_row"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    external_id: Mapped[str] = mapped_column(String(255), default="")
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    verdict: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text, default="")
