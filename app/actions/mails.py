"""What buyers are owed by mail: rows of the outbox, written with the act, sent by the worker when due.

Nothing is sent before the store's undo window is over. An act undone before that takes its mail back; one
undone later owes exactly one correction.
"""

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select, update

from app.actions.ledger import Act
from app.db import db
from app.models import Order, Outbox, Parcel
from app.statuses import Channel

# Buyers of other channels hear from those, unless the store says otherwise (law 5).
TOLD_CHANNELS = frozenset({Channel.DESK.value, Channel.INTAKE.value})


class Mail(StrEnum):
    """What a mail to a buyer is about."""

    SHIPPED = "parcel_shipped"
    VOIDED = "parcel_voided"
    READY = "pickup_ready"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    MESSAGE = "message"

    @property
    def label(self) -> str:
        """Return the words that the log shows."""
        return {
            "parcel_shipped": "Parcel sent",
            "parcel_voided": "Parcel taken back",
            "pickup_ready": "Ready for pickup",
            "cancelled": "Cancelled",
            "refunded": "Refunded",
            "message": "Message",
        }[self.value]


class MailState(StrEnum):
    """Where a row of the outbox stands."""

    DUE = "due"
    SENT = "sent"
    DROPPED = "dropped"
    FAILED = "failed"


def owe(
    act: Act, order: Order, kind: Mail, parcel: Parcel | None = None, *, note_id: int | None = None
) -> None:
    """Note that the buyer is to hear of this, not before the undo window is over; once a parcel or act."""
    if not (order.channel in TOLD_CHANNELS or act.store.mails_all):
        return
    of = f"{parcel.id}:{order.id}" if parcel else f"{order.id}:{note_id or act.id}"
    db.session.add(
        Outbox(
            store_id=order.store_id,
            order_id=order.id,
            kind=kind.value,
            due_at=act.at + timedelta(minutes=act.store.undo_minutes),
            state=MailState.DUE.value,
            payload={
                "order_id": order.id,
                "parcel_id": parcel.id if parcel else None,
                "note_id": note_id,
                "act_id": act.id,
            },
            dedupe=f"{kind.value}:{of}",
        )
    )


def take_back(act: Act, order: Order, parcel: Parcel) -> None:
    """Take the mail about a parcel back where it was not sent; where it was, owe one correction."""
    db.session.flush()
    mail = db.session.scalar(
        select(Outbox)
        .where(Outbox.dedupe == f"{Mail.SHIPPED.value}:{parcel.id}:{order.id}")
        .with_for_update()
    )
    if mail is None:
        return
    if mail.state == MailState.SENT.value:
        owe(act, order, Mail.VOIDED, parcel)
        return
    db.session.execute(update(Outbox).where(Outbox.id == mail.id).values(state=MailState.DROPPED.value))
