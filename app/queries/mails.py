"""What mails to buyers are made of, and what became of those about a sale."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from app.db import db, rows_of
from app.models import Note, Outbox, Parcel, ParcelLine, Payment, Store


class Sender(NamedTuple):
    """Who writes: a store, the address it writes from ("": the site's), its own words by kind of mail."""

    name: str
    mail_from: str
    mail_texts: dict[str, str]


def sender(store_id: int) -> Sender | None:
    """Return a store as the sender of mails."""
    row = db.session.execute(
        select(Store.name, Store.mail_from, Store.mail_texts).where(Store.id == store_id)
    ).first()
    return Sender(*row) if row else None


class Sent(NamedTuple):
    """A parcel as its buyer is told of it; `inside`: item id -> pieces, of other orders too."""

    state: str
    carrier: str
    number: str
    url: str | None
    inside: dict[int, int]


def parcel(store_id: int, parcel_id: int) -> Sent | None:
    """Return a parcel of a store as it is now."""
    row = db.session.execute(
        select(Parcel.state, Parcel.carrier, Parcel.number, Parcel.url).where(
            Parcel.id == parcel_id, Parcel.store_id == store_id
        )
    ).first()
    if row is None:
        return None
    inside = db.session.execute(
        select(ParcelLine.item_id, ParcelLine.quantity).where(ParcelLine.parcel_id == parcel_id)
    )
    return Sent(row.state, row.carrier, row.number, row.url, {x.item_id: x.quantity for x in inside})


def refund(store_id: int, payment_id: int) -> int | None:
    """Return how much went back (minor units); None where it did not."""
    return db.session.scalar(
        select(Payment.amount_minor).where(
            Payment.id == payment_id, Payment.store_id == store_id, Payment.status == "done"
        )
    )


def note(store_id: int, note_id: int) -> str | None:
    """Return the words of a note that the buyer may read."""
    return db.session.scalar(
        select(Note.body).where(Note.id == note_id, Note.store_id == store_id, Note.is_private.is_(False))
    )


class Mailed(NamedTuple):
    """A mail about a sale, and what became of it."""

    id: int
    kind: str
    state: str
    dedupe: str
    due_at: datetime
    sent_at: datetime | None
    tries: int
    trouble: str
    recipient: str


_MAILS: Any = (
    select(*(getattr(Outbox, name) for name in Mailed._fields))
    .where(Outbox.order_id == bindparam("order"), Outbox.webhook_id.is_(None))
    .order_by(Outbox.id.desc())
)


def mails_of(order_id: int) -> list[Mailed]:
    """Return the mails about an order, newest first."""
    return [Mailed(*row) for row in rows_of(_MAILS, {"order": order_id})]


def last_to(account_id: int, kind: str) -> tuple[str, str]:
    """Return (state, what was the matter) of the last mail of a kind about an account; empty: none."""
    found = (
        select(Outbox.state, Outbox.trouble)
        .where(Outbox.kind == kind, Outbox.dedupe.startswith(f"{kind}:{account_id}:", autoescape=True))
        .order_by(Outbox.id.desc())
        .limit(1)
    )
    row = db.session.execute(found).first()
    return (row.state, row.trouble) if row else ("", "")
