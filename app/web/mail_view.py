"""The mails about a sale, as its page shows them: what, to whom, and what became of it."""

from typing import Any, NamedTuple

from flask import current_app

from app.access import Desk, Permission
from app.actions.mails import Mail
from app.actions.outbox import OPEN, State, first_of
from app.models import Order
from app.queries.mails import Mailed, mails_of
from app.web.clock import Clock
from app.web.display import Badge

BADGES = {
    State.DUE: Badge("Waits", "wait", "ring"),
    State.SENDING: Badge("Being sent", "wait", "ring"),
    State.SENT: Badge("Sent", "good"),
    State.DROPPED: Badge("Not sent", "plain"),
    State.FAILED: Badge("Failed", "bad"),
}
# Where mail goes that leaves by no server.
WHERE = {
    "file": "No mail server is named: mails are put as files into the folder mails of the instance.",
    "console": "No mail leaves: the worker writes mails to its console.",
    "smtp": "",
}


class MailView(NamedTuple):
    """One mail; `again` tells whether it may be sent once more."""

    id: int
    name: str
    badge: Badge
    to: str | None  # None: hidden
    when: str
    trouble: str
    again: bool


def panel(desk: Desk, order: Order) -> dict[str, Any]:
    """Return what the panel of a sale's mails shows; nothing to whoever sees deals alone."""
    mails = view(desk, order, Clock(desk.store.zone)) if not desk.only_deals else []
    return {"mails": mails, "mails_to": WHERE[current_app.config["MAIL_MEANS"]]}


def view(desk: Desk, order: Order, clock: Clock) -> list[MailView]:
    """Return the mails about a sale, newest first. Of one sent again the last may be sent anew."""
    known = order.buyer.email or (order.address.email if order.address else "")
    shown: list[MailView] = []
    seen: set[str] = set()
    for mail in mails_of(order.id):
        first = first_of(mail.dedupe)
        may = desk.may(Permission.SHIP) and first not in seen and mail.state not in OPEN
        seen.add(first)
        shown.append(
            MailView(
                id=mail.id,
                name=Mail(mail.kind).label,
                badge=BADGES[State(mail.state)],
                to=(mail.recipient or known or "") if desk.sight.personal else None,
                when=_when(mail, clock),
                trouble=mail.trouble,
                again=may,
            )
        )
    return shown


def _when(mail: Mailed, clock: Clock) -> str:
    """Say when a mail was sent, or when it is to be."""
    if mail.sent_at:
        return clock.exact(mail.sent_at)
    if mail.state not in OPEN:
        return ""
    if mail.due_at <= clock.now:
        return "in a moment"
    return f"{'tried again at' if mail.tries or mail.trouble else 'not before'} {clock.exact(mail.due_at)}"
