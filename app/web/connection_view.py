"""A connection to a marketplace as its page shows it: how it stands, what came, what is not told there."""

from typing import Any, NamedTuple

from flask import url_for

from app.access import Desk
from app.queries.connections import Pulled, Standing, Untold
from app.statuses import Shipping
from app.web.clock import Clock
from app.web.display import Badge

BADGES = {
    "new": Badge("New", "good"),
    "changed": Badge("Changed", "good"),
    "same": Badge("Differs", "wait"),
    "refused": Badge("Refused", "bad"),
}
MOST_REMARKS = 50


class ConnectionView(NamedTuple):
    """A connection; `next` says when the next pull begins, `trouble` what went wrong last."""

    base_url: str
    username: str
    zone: str
    since: str
    connected: str
    badge: Badge
    last: str
    next: str
    trouble: str
    is_paused: bool


class RemarkRow(NamedTuple):
    """What is to be said of a sale that was pulled."""

    id: str
    href: str
    badge: Badge
    said: str


class PullRow(NamedTuple):
    """A pull and what came."""

    when: str
    how: str
    counts: str
    remarks: list[RemarkRow]
    more: int


class UntoldRow(NamedTuple):
    """A sale that the marketplace has not been told of; `what` says what it does not know."""

    order_id: int
    number: int
    external_id: str
    href: str
    what: str
    since: str
    badge: Badge
    said: str
    again: bool


def connection_view(standing: Standing, pulls: list[Pulled], clock: Clock) -> ConnectionView:
    """Return a connection as it stands."""
    done = next((pull for pull in pulls if pull.ended_at is not None), None)
    last = "Never yet."
    if done and done.ended_at and standing.pulled_to:
        last = f"{clock.exact(done.ended_at)}: {_counts(done)}"
    return ConnectionView(
        base_url=standing.base_url,
        username=standing.username,
        zone=standing.zone,
        since=clock.exact(standing.since, is_day_only=True),
        connected=clock.exact(standing.created_at),
        badge=_badge(standing),
        last=last,
        next=_next(standing, clock),
        trouble=standing.trouble,
        is_paused=standing.is_paused,
    )


def _badge(standing: Standing) -> Badge:
    """Say in a word how a connection stands."""
    if standing.is_paused:
        return Badge("Paused", "plain")
    if standing.trouble:
        return Badge("Trouble", "bad")
    if standing.claimed_at:
        return Badge("At work", "wait", "ring")
    return Badge("Connected", "good") if standing.pulled_to else Badge("Begins", "wait", "ring")


def _next(standing: Standing, clock: Clock) -> str:
    """Say when the next pull begins."""
    if standing.is_paused:
        return "When you let it go on."
    at = max(standing.next_at, standing.waits_until or standing.next_at)
    if at <= clock.now:
        return "In a moment." if not standing.claimed_at else "It is under way."
    asked = " The marketplace asked for that." if standing.waits_until == at else ""
    return f"{clock.exact(at)}.{asked}"


def _counts(pull: Pulled) -> str:
    """Say how many sales came to what."""
    counts = ((pull.new, "new"), (pull.changed, "changed"), (pull.same, "same"), (pull.refused, "refused"))
    return ", ".join(f"{n:,} {word}" for n, word in counts)


def pull_rows(desk: Desk, pulls: list[Pulled], clock: Clock) -> list[PullRow]:
    """Return pulls as rows, newest first."""
    rows = []
    for pull in pulls:
        if pull.ended_at is None:
            when, how = clock.exact(pull.began_at), f"under way, read up to {clock.exact(pull.at)}"
        else:
            when, how = clock.exact(pull.ended_at), "with older sales" if pull.is_look_back else "new sales"
        # What was refused first: somebody has to see to it.
        told = sorted(pull.remarks, key=lambda one: one["verdict"] != "refused")
        remarks = [_remark(desk, one) for one in told[:MOST_REMARKS]]
        rows.append(PullRow(when, how, _counts(pull), remarks, max(0, len(told) - MOST_REMARKS)))
    return rows


def _remark(desk: Desk, told: dict[str, Any]) -> RemarkRow:
    """Return what is to be said of a sale."""
    href = ""
    if told["order"]:
        href = url_for("sales.show", slug=desk.store.slug, order_id=told["order"])
    said = "; ".join(told["said"]) if desk.sight.personal else ""  # it quotes names and addresses
    return RemarkRow(told["id"] or "no number", href, BADGES[told["verdict"]], said)


def untold_rows(desk: Desk, found: list[Untold], clock: Clock) -> list[UntoldRow]:
    """Return what is not told yet as rows, oldest first."""
    return [
        UntoldRow(
            order_id=one.order_id,
            number=one.number,
            external_id=one.external_id,
            href=url_for("sales.show", slug=desk.store.slug, order_id=one.order_id),
            what=_what(one),
            since=clock.exact(one.changed_at) if one.changed_at else "",
            badge=Badge("Waits", "wait", "ring") if one.due_at else Badge("Refused", "bad"),
            said=_said(one, clock),
            again=bool(one.trouble),
        )
        for one in found
    ]


def _what(one: Untold) -> str:
    """Say what a marketplace does not know."""
    link = f", tracking {one.own_link}" if one.own_link else ""
    if (one.own_shipping == Shipping.SHIPPED) == (one.shipping == Shipping.SHIPPED):
        return f"Tracking {one.own_link}" if one.own_link else "Its tracking"
    return f"Shipped{link}" if one.own_shipping == Shipping.SHIPPED else "Not shipped after all"


def _said(one: Untold, clock: Clock) -> str:
    """Say what stood in the way, and when it is told."""
    when = "It is not told by itself any more."
    if one.due_at:
        when = "It is told in a moment." if one.due_at <= clock.now else f"Told at {clock.exact(one.due_at)}."
    return f"{one.trouble} {when}" if one.trouble else when
