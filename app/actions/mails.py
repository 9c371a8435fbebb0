"""What buyers are owed by mail: rows of the outbox, written with the act, sent by the worker when due.

Nothing is sent before the store's undo window is over. An act undone before that takes its mail back; one
undone later owes exactly one correction. A row keeps what its mail is about, never its words: these are made
from the sale as it is when it is sent.

A worker claims a row, sends its mail and writes down the end. Cut off in between, the row is claimed anew
after a while: a mail may go out twice so, under the same Message-ID, but never not at all.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import and_, case, or_, select, true, update

from app.access import Actor
from app.actions.ledger import Act
from app.db import db, take_write_lock
from app.errors import NotFound, Refused
from app.models import Order, Outbox, Parcel
from app.statuses import Channel, Door

# Buyers of other channels hear from those, unless the store says otherwise (law 5).
TOLD_CHANNELS = frozenset({Channel.DESK.value, Channel.INTAKE.value})
# A claim of which no end was heard for so long was cut off: longer than any server is waited for.
LOST_AFTER = timedelta(minutes=10)
# How long is waited after each try that failed; after the last one no more is tried.
WAITS = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60, 240))
# What waits for another mail's end, or for a server, looks again so soon.
LOOKS_AGAIN = timedelta(seconds=30)
# What a store's own words may name; each stands in braces.
NAMES = ("buyer", "order", "store")
# So many are looked for at once.
AT_ONCE = 100


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
    SENDING = "sending"
    SENT = "sent"
    DROPPED = "dropped"
    FAILED = "failed"


OPEN = frozenset({MailState.DUE.value, MailState.SENDING.value})


class OnItsWay(Refused):
    """A mail is to be sent again that has not come to its end yet."""

    status = 409
    sentence = "This mail is on its way already."


def is_told(channel: str, mails_all: bool) -> bool:
    """Tell whether the buyers of a channel hear from the store by mail (law 5)."""
    return mails_all or channel in TOLD_CHANNELS


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
            state=MailState.DUE.value,
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
        was_told = was_told or mail.is_doubtful or mail.state in {MailState.SENT, MailState.SENDING}
        if mail.state == MailState.DUE:
            mail.state, mail.trouble = MailState.DROPPED.value, "The parcel was taken back before."
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
    if any(mail.state == MailState.SENT or mail.is_doubtful for mail in mails):
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
        mails = db.session.scalars(select(Outbox).where(Outbox.order_id == order.id)).all()
        mail = next((mail for mail in mails if mail.id == mail_id), None)
        if mail is None:
            raise NotFound
        first = first_of(mail.dedupe)
        if any(other.state in OPEN and first_of(other.dedupe) == first for other in mails):
            raise OnItsWay
        again = Outbox(
            store_id=order.store_id,
            order_id=order.id,
            kind=mail.kind,
            due_at=act.at,
            state=MailState.DUE.value,
            payload=mail.payload,
            dedupe=f"{first}:again:{act.id}",
        )
        db.session.add(again)
        act.tell(order)
        return again


def first_of(dedupe: str) -> str:
    """Return the key of the mail that was sent again under this one (its own where it is the first)."""
    return dedupe.split(":again:", 1)[0]


class Claim(NamedTuple):
    """A mail that one worker sends; `at` is the mark by which it knows that nobody took it over."""

    mail_id: int
    store_id: int
    order_id: int
    kind: Mail
    payload: dict[str, Any]
    dedupe: str
    tries: int
    is_doubtful: bool
    at: datetime


def _ripe(now: datetime) -> Any:
    """Return what is to be sent: what is due, and what was cut off."""
    return or_(
        and_(Outbox.state == MailState.DUE.value, Outbox.due_at <= now),
        and_(Outbox.state == MailState.SENDING.value, Outbox.claimed_at < now - LOST_AFTER),
    )


def ripe(now: datetime | None = None) -> list[int]:
    """Return the ids of mails that are to be sent now, those due first at the beginning."""
    found = select(Outbox.id).where(_ripe(now or datetime.now(UTC))).order_by(Outbox.due_at, Outbox.id)
    return list(db.session.scalars(found.limit(AT_ONCE)))


def claim(mail_id: int, now: datetime | None = None) -> Claim | None:
    """Take a mail up; None where it is not to be sent, or another worker was quicker.

    A mail whose last claim was cut off is doubtful from now on: nobody knows whether it arrived.
    """
    take_write_lock()
    now = now or datetime.now(UTC)
    was_cut_off = case((Outbox.state == MailState.SENDING.value, true()), else_=Outbox.is_doubtful)
    mine = db.session.execute(
        update(Outbox)
        .where(Outbox.id == mail_id, _ripe(now))
        .values(
            state=MailState.SENDING.value, claimed_at=now, tries=Outbox.tries + 1, is_doubtful=was_cut_off
        )
        .returning(
            Outbox.id,
            Outbox.store_id,
            Outbox.order_id,
            Outbox.kind,
            Outbox.payload,
            Outbox.dedupe,
            Outbox.tries,
            Outbox.is_doubtful,
        )
        .execution_options(synchronize_session=False)
    ).first()
    if mine is None:
        return None
    kind, about = Mail(mine.kind), (mine.payload, mine.dedupe)
    return Claim(mail_id, mine.store_id, mine.order_id, kind, *about, mine.tries, mine.is_doubtful, now)


def _end(claim: Claim, **values: Any) -> None:
    """Write the end of a claim down, unless somebody else took the mail over meanwhile."""
    take_write_lock()
    db.session.execute(
        update(Outbox)
        .where(
            Outbox.id == claim.mail_id,
            Outbox.state == MailState.SENDING.value,
            Outbox.claimed_at == claim.at,
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def sent(claim: Claim, recipient: str) -> None:
    """Note that the mail was taken by the server."""
    _end(claim, state=MailState.SENT.value, sent_at=datetime.now(UTC), recipient=recipient, trouble="")


def drop(claim: Claim, why: str) -> None:
    """Note that there is nothing to be sent, or nobody to send it to, and why."""
    _end(claim, state=MailState.DROPPED.value, trouble=why)


def wait(claim: Claim, why: str = "") -> None:
    """Let a mail wait for the end of another one, or for a server; this was no try."""
    later = datetime.now(UTC) + LOOKS_AGAIN
    _end(claim, state=MailState.DUE.value, due_at=later, tries=claim.tries - 1, trouble=why)


def put_off(claim: Claim, why: str, *, is_final: bool = False, is_doubtful: bool = False) -> None:
    """Note that a try failed, and why; it is tried again later, unless that is final or was the last time.

    `is_doubtful`: the server may have taken the mail all the same.
    """
    is_over = is_final or claim.tries > len(WAITS)
    values: dict[str, Any] = {"state": MailState.FAILED.value}
    if not is_over:
        later = datetime.now(UTC) + WAITS[claim.tries - 1]
        values = {"state": MailState.DUE.value, "due_at": later}
    _end(claim, trouble=why, is_doubtful=claim.is_doubtful or is_doubtful, **values)
