"""What buyers are owed by mail: rows of the outbox, written with the act, sent by the worker when due.

Nothing is sent before the store's undo window is over. An act undone before that takes its mail back; one
undone later owes exactly one correction. A row keeps what its mail is about, never its words: these are made
from the sale as it is when it is sent.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from app.access import Actor
from app.actions import outbox
from app.actions.ledger import Act
from app.actions.outbox import OPEN, OnItsWay, State, first_of
from app.db import db
from app.errors import NotFound
from app.models import Order, Outbox, Parcel
from app.statuses import OWN_CHANNELS, Door

# What a store's own words may name; each stands in braces.
NAMES = ("buyer", "order", "store")
# The rows of the outbox that are mails.
MAILS = Outbox.webhook_id.is_(None)


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


def is_told(channel: str, mails_all: bool) -> bool:
    """Tell whether the buyers of a channel hear from the store by mail (law 5)."""
    return mails_all or channel in OWN_CHANNELS


def owe(act: Act, order: Order, kind: Mail, parcel: Parcel | None = None, **about: Any) -> None:
    """Note that the buyer is to hear of this, not before the undo window is over; once a parcel or act.

    `about` says what of the sale is meant, in ids and counts. An import owes nobody a mail.
    """
    if act.actor.door is Door.IMPORT or not is_told(order.channel, act.store.mails_all):
        return
    of = f"{parcel.id}:{order.id}" if parcel else f"{order.id}:{act.id}"
    db.session.add(
        Outbox(
            store_id=order.store_id,
            order_id=order.id,
            kind=kind.value,
            due_at=act.at + timedelta(minutes=act.store.undo_minutes),
            state=State.DUE.value,
            payload={"parcel_id": parcel.id if parcel else None, "act_id": act.id, **about},
            dedupe=f"{kind.value}:{of}",
        )
    )


def take_back(act: Act, order: Order, parcel: Parcel) -> None:
    """Take the mails about a parcel back that were not sent; owe one correction where one may have been.

    What a worker is sending just now is left to it: the correction waits for its end (see `told_of`).
    """
    db.session.flush()
    was_told = False
    for mail in _about(order.id, parcel.id, is_locked=True):
        was_told = was_told or mail.is_doubtful or mail.state in {State.SENT, State.SENDING}
        if mail.state == State.DUE:
            mail.state, mail.trouble = State.DROPPED.value, "The parcel was taken back before."
    if was_told:
        owe(act, order, Mail.VOIDED, parcel)


def _about(order_id: int, parcel_id: int, *, is_locked: bool = False) -> list[Outbox]:
    """Return the mails that tell an order's buyer of a parcel, those sent again among them."""
    found = (
        select(Outbox)
        .where(Outbox.order_id == order_id, Outbox.kind == Mail.SHIPPED.value)
        .order_by(Outbox.id)
        .execution_options(populate_existing=True)
    )
    rows = db.session.scalars(found.with_for_update() if is_locked else found)
    return [mail for mail in rows if mail.payload.get("parcel_id") == parcel_id]


def told_of(order_id: int, parcel_id: int) -> bool | None:
    """Tell whether an order's buyer may have been told of a parcel; None while that is not settled."""
    mails = _about(order_id, parcel_id)
    if any(mail.state == State.SENT or mail.is_doubtful for mail in mails):
        return True
    return None if any(mail.state in OPEN for mail in mails) else False


def send_again(
    order_id: int, mail_id: int, *, actor: Actor, store_id: int, at: datetime | None = None
) -> Outbox:
    """Owe the buyer a mail once more, at once; its words are made anew. OnItsWay while one is not at its end.

    The history notes that it was asked for.
    """
    with Act("send_again", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id)
        mails = db.session.scalars(select(Outbox).where(Outbox.order_id == order.id, MAILS)).all()
        mail = next((mail for mail in mails if mail.id == mail_id), None)
        if mail is None:
            raise NotFound
        first = first_of(mail.dedupe)
        if any(other.state in OPEN and first_of(other.dedupe) == first for other in mails):
            raise OnItsWay("This mail is on its way already.")
        again = Outbox(
            store_id=order.store_id,
            order_id=order.id,
            kind=mail.kind,
            due_at=act.at,
            state=State.DUE.value,
            payload=mail.payload,
            dedupe=f"{first}:again:{act.id}",
        )
        db.session.add(again)
        act.tell(order)
        return again


def ripe(now: datetime | None = None) -> list[int]:
    """Return the ids of mails that are to be sent now."""
    return outbox.ripe(MAILS, now)
