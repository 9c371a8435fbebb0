"""Webhooks and the messages to them, as their page shows them."""

from collections.abc import Mapping
from typing import NamedTuple

from flask import url_for

from app.access import Desk
from app.actions.hooks import PING, Happening
from app.actions.outbox import OPEN, State, first_of
from app.forms.webhooks import WantedForm
from app.queries.webhooks import BOTH_SIGN, Delivery, Hook
from app.web.clock import Clock
from app.web.display import Badge

BADGES = {
    State.DUE: Badge("Waits", "wait", "ring"),
    State.SENDING: Badge("Being sent", "wait", "ring"),
    State.SENT: Badge("Taken", "good"),
    State.DROPPED: Badge("Not sent", "plain"),
    State.FAILED: Badge("Failed", "bad"),
}


class Tick(NamedTuple):
    """A thing that a webhook may be told of, and whether it is."""

    name: str
    kind: str
    label: str
    is_ticked: bool


class HookView(NamedTuple):
    """A webhook that is told of things; `error` says what is wrong with what was sent for it.

    `both_until`: when the secret before ends that signs, too; "" where one alone does.
    """

    id: int
    url: str
    since: str
    number: int
    both_until: str
    ticks: list[Tick]
    is_for_all: bool
    error: str


class MessageRow(NamedTuple):
    """A message in the log; `again` tells whether it may be sent once more."""

    id: int
    label: str
    kind: str
    sale: int | None
    href: str
    url: str
    badge: Badge
    said: str
    when: str
    again: bool


def hook_view(hook: Hook, clock: Clock, sent: WantedForm | None) -> HookView:
    """Return a webhook as it is, or as it was to become by a form that was refused."""
    is_told = {kind: f",{kind.value}," in hook.events for kind in Happening}
    if sent is not None:
        is_told = {kind: sent.events.form[kind.name.lower()].data for kind in Happening}
    return HookView(
        id=hook.id,
        url=hook.url,
        since=clock.exact(hook.created_at),
        number=hook.secret_number,
        both_until=both_until(hook, clock),
        ticks=ticks(is_told),
        is_for_all=sent.is_for_all.data if sent else hook.is_for_all,
        error=" ".join((sent.events_error, *map(str, sent.form_errors))).strip() if sent else "",
    )


def both_until(hook: Hook, clock: Clock) -> str:
    """Say until when the secret before signs, too."""
    if hook.rotated_at is None or len(hook.numbers(clock.now)) == 1:
        return ""
    return clock.exact(hook.rotated_at + BOTH_SIGN)


def ticks(is_told: Mapping[Happening, bool]) -> list[Tick]:
    """Return a tick for each thing that may be told."""
    return [Tick(f"events-{kind.name.lower()}", kind.value, kind.label, is_told[kind]) for kind in Happening]


def message_rows(
    desk: Desk, found: list[Delivery], hooks: Mapping[int, Hook], clock: Clock
) -> list[MessageRow]:
    """Return messages as rows of the log, newest first. Of one sent again the last may be sent anew."""
    rows: list[MessageRow] = []
    seen: set[str] = set()
    for one in found:
        first, hook = first_of(one.dedupe), hooks[one.webhook_id]
        told = one.payload["body"]["data"]
        order_id = told.get("order_id")
        rows.append(
            MessageRow(
                id=one.id,
                label="Ping" if one.kind == PING else Happening(one.kind).label,
                kind=one.kind,
                sale=told.get("order_number"),
                href=url_for("sales.show", slug=desk.store.slug, order_id=order_id) if order_id else "",
                url=hook.url,
                badge=BADGES[State(one.state)],
                said=_said(one),
                when=_when(one, clock),
                again=first not in seen and one.state not in OPEN and hook.ended_at is None,
            )
        )
        seen.add(first)
    return rows


def _said(one: Delivery) -> str:
    """Say what the server answered, or what stood in the way."""
    if one.state == State.SENT:
        return f"The server answered {one.answer}."
    return one.trouble


def _when(one: Delivery, clock: Clock) -> str:
    """Say when a message was taken, or when it is to be sent."""
    if one.sent_at:
        return clock.exact(one.sent_at)
    if one.state not in OPEN:
        return f"{one.tries} {'try' if one.tries == 1 else 'tries'}" if one.tries else ""
    if one.due_at <= clock.now:
        return "in a moment"
    return f"{'tried again at' if one.tries else 'not before'} {clock.exact(one.due_at)}"
