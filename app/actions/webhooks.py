"""A store's webhooks: added, told of other things, tried out, ended; and messages sent once more."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select

from app.access import Actor
from app.actions.hooks import HOOKS, PING, between_commas
from app.actions.kept import WRITE_EVENTS
from app.actions.ledger import Act
from app.actions.outbox import OPEN, OnItsWay, State, first_of
from app.db import db, take_write_lock
from app.errors import NotFound, Refused
from app.models import Outbox, Webhook

# So many a store may have that are not ended: each is one more message for everything that happens.
MOST_WEBHOOKS = 10
# The log keeps what is this young, and a webhook's newest however old they are.
KEPT_FOR = timedelta(days=30)
KEPT_MOST = 1_000
# So many old messages are forgotten in one transaction.
FORGOTTEN_AT_ONCE = 1_000


class Wanted(NamedTuple):
    """What a webhook is told: kinds of happenings, of the store's own sales or of those of all channels."""

    events: tuple[str, ...]
    is_for_all: bool


class TooMany(Refused):
    """The store has as many webhooks as it may have."""

    status = 409
    sentence = f"A store has at most {MOST_WEBHOOKS} webhooks. End one of them first."


class RotatedBefore(Refused):
    """The form was sent before, or somebody else was quicker."""

    status = 409
    sentence = "This secret was made anew before."


class AddedBefore(Refused):
    """The form was sent before: its webhook is there."""

    status = 409
    sentence = "This webhook was added before."


def add_webhook(
    url: str, wanted: Wanted, public_id: str, *, actor: Actor, store_id: int, at: datetime | None = None
) -> Webhook:
    """Let an address be told from now on; `public_id` was given out with the form, so that it adds one alone.

    TooMany, AddedBefore.
    """
    with Act("add_webhook", actor=actor, store_id=store_id, at=at) as act:
        if db.session.scalar(select(Webhook.id).where(Webhook.public_id == public_id)) is not None:
            raise AddedBefore
        if len(_living(store_id)) >= MOST_WEBHOOKS:
            raise TooMany
        hook = Webhook(
            store_id=store_id,
            public_id=public_id,
            url=url,
            events=between_commas(wanted.events),
            is_for_all=wanted.is_for_all,
            created_at=act.at,
        )
        db.session.add(hook)
        db.session.flush()
        _tell(act, hook, None, _said(hook))
        act.change(act.store, has_webhooks=True)
        return hook


def change_webhook(
    webhook_id: int, wanted: Wanted, *, actor: Actor, store_id: int, at: datetime | None = None
) -> Webhook:
    """Let a webhook be told of other things from now on; NotFound where it is ended."""
    with Act("change_webhook", actor=actor, store_id=store_id, at=at) as act:
        hook = _held(store_id, webhook_id)
        was = _said(hook)
        hook.events, hook.is_for_all = between_commas(wanted.events), wanted.is_for_all
        if was != _said(hook):
            _tell(act, hook, was, _said(hook))
        return hook


def rotate_secret(
    webhook_id: int, number: int, *, actor: Actor, store_id: int, at: datetime | None = None
) -> Webhook:
    """Give a webhook a new secret in place of that of this number, which signs beside it for BOTH_SIGN.

    The one before that ends at once. RotatedBefore where the number is not the present secret's, NotFound.
    """
    with Act("rotate_webhook_secret", actor=actor, store_id=store_id, at=at) as act:
        hook = _held(store_id, webhook_id)
        if hook.secret_number != number:
            raise RotatedBefore
        hook.secret_number, hook.rotated_at = number + 1, act.at
        _tell(act, hook, {"secret": number}, {"secret": number + 1})
        return hook


def end_webhook(webhook_id: int, *, actor: Actor, store_id: int, at: datetime | None = None) -> Webhook:
    """Tell an address nothing any more, not even what is owed; NotFound where that was done before."""
    with Act("end_webhook", actor=actor, store_id=store_id, at=at) as act:
        hook = _held(store_id, webhook_id)
        hook.ended_at = act.at
        _tell(act, hook, {"ended": False}, {"ended": True})
        act.change(act.store, has_webhooks=bool(_living(store_id)))
        return hook


def ping(webhook_id: int, *, actor: Actor, store_id: int, at: datetime | None = None) -> Outbox:
    """Owe an address a message at once that tells nothing; NotFound where it is ended."""
    with Act("ping_webhook", actor=actor, store_id=store_id, at=at) as act:
        hook = _held(store_id, webhook_id)
        body = {"type": PING, "timestamp": act.at.isoformat(), "data": {}}
        return _owe(act, hook, PING, {"parcels": [], "body": body}, f"hook:{hook.id}:{act.id}:{PING}")


def send_message_again(
    delivery_id: int, *, actor: Actor, store_id: int, at: datetime | None = None
) -> Outbox:
    """Owe an address a message once more, at once, under the same id and with the same words.

    NotFound where it is not the store's, or its webhook is ended; OnItsWay while it is not at its end.
    """
    with Act("send_message_again", actor=actor, store_id=store_id, at=at) as act:
        mine = Outbox.id == delivery_id, Outbox.store_id == store_id, HOOKS
        row = db.session.scalar(select(Outbox).where(*mine).execution_options(populate_existing=True))
        if row is None or row.webhook_id is None:
            raise NotFound
        hook, first = _held(store_id, row.webhook_id), first_of(row.dedupe)
        same = Outbox.dedupe.startswith(first, autoescape=True), Outbox.webhook_id == hook.id
        states = db.session.scalars(
            select(Outbox.state).where(Outbox.store_id == store_id, HOOKS, *same)
        ).all()
        if OPEN & {*states}:
            raise OnItsWay("This message is on its way already.")
        again = _owe(act, hook, row.kind, row.payload, f"{first}:again:{act.id}")
        again.order_id = row.order_id
        return again


def _owe(act: Act, hook: Webhook, kind: str, payload: dict[str, object], dedupe: str) -> Outbox:
    """Owe an address a message that somebody asked for, at once; the history says who."""
    row = Outbox(
        store_id=act.store_id,
        webhook_id=hook.id,
        kind=kind,
        due_at=act.at,
        state=State.DUE.value,
        payload=payload,
        dedupe=dedupe,
    )
    db.session.add(row)
    _tell(act, hook, {}, {})
    return row


def _living(store_id: int) -> Sequence[int]:
    """Return the ids of a store's webhooks that are not ended."""
    db.session.flush()
    return db.session.scalars(
        select(Webhook.id).where(Webhook.store_id == store_id, Webhook.ended_at.is_(None))
    ).all()


def _held(store_id: int, webhook_id: int) -> Webhook:
    """Return a webhook of the store as it is now; NotFound where it has none such, or has ended it."""
    hook = db.session.scalar(
        select(Webhook)
        .where(Webhook.id == webhook_id, Webhook.store_id == store_id, Webhook.ended_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if hook is None:
        raise NotFound
    return hook


def _said(hook: Webhook) -> dict[str, object]:
    """Return what the history keeps of a webhook: not where it leads, which may hold a secret."""
    return {"events": hook.events, "is_for_all": hook.is_for_all}


def _tell(act: Act, hook: Webhook, before: dict[str, object] | None, after: dict[str, object]) -> None:
    """Let the store's history tell of a webhook."""
    event = act.event(before, after, row_kind=Webhook.__tablename__, row_id=hook.id)
    db.session.connection().execute(WRITE_EVENTS, [event])


def forget_messages(*, now: datetime, most: int = KEPT_MOST) -> int:
    """Forget some messages of long ago that are at their end; return how many. The door commits.

    Of each webhook its `most` newest stay, and all that were due within KEPT_FOR.
    """
    for webhook_id in db.session.scalars(select(Webhook.id).order_by(Webhook.id)).all():
        of_hook = select(Outbox.id).where(Outbox.webhook_id == webhook_id, HOOKS)
        oldest_kept = db.session.scalar(of_hook.order_by(Outbox.id.desc()).limit(1).offset(most - 1))
        if oldest_kept is None:
            continue
        oldest = of_hook.where(Outbox.id < oldest_kept).order_by(Outbox.id).limit(FORGOTTEN_AT_ONCE)
        old = Outbox.due_at < now - KEPT_FOR, Outbox.state.not_in(sorted(OPEN))
        some = db.session.scalars(select(Outbox.id).where(Outbox.id.in_(oldest), *old)).all()
        if some:
            take_write_lock()
            db.session.execute(delete(Outbox).where(Outbox.id.in_(some)))
            return len(some)
    return 0
