"""Parcels as pages show them, and what the ship form begins with."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import url_for

from app.access import Desk, Permission
from app.carriers import tracking_url
from app.models import Order, OrderItem
from app.queries import parcels as queries
from app.queries.history import ParcelSeen
from app.statuses import ParcelState
from app.web.clock import Clock
from app.web.display import Badge

BADGES = {
    ParcelState.DRAFT: Badge("Label made", "wait", "ring"),
    ParcelState.SHIPPED: Badge("Shipped", "good"),
    ParcelState.RECEIVED: Badge("Received", "good"),
    ParcelState.RETURNED: Badge("Returned", "plain"),
    ParcelState.VOIDED: Badge("Voided", "plain"),
}


class Other(NamedTuple):
    """Another sale that shares a parcel, and where it stands."""

    number: int
    href: str


class ParcelView(NamedTuple):
    """One parcel; `item_id` is the line by which its number is corrected (None: it cannot be)."""

    id: int
    name: str
    badge: Badge
    when: str
    carrier: str
    number: str
    url: str | None
    lines: list[str]
    others: list[Other]
    item_id: int | None
    undo: str
    may_send: bool
    version: int


def parcels(
    desk: Desk, found: Sequence[ParcelSeen], items: Sequence[OrderItem], clock: Clock
) -> list[ParcelView]:
    """Format the parcels that hold any of these lines of a sale, with what is in them of it and of others."""
    titles = {i.id: i.title for i in items}
    seen = [p for p in found if any(x.item_id in titles for x in p.lines)]
    of_others = [p.id for p in seen if any(x.item_id not in titles for x in p.lines)]
    inside = queries.contents(of_others) if of_others and not desk.only_deals else {}
    base = url_for("sales.index", slug=desk.store.slug)
    mine = {i.order_id for i in items}
    found_here = []
    for n, p in enumerate(seen, start=1):
        others = {Other(x.number, f"{base}/{x.id}") for x in inside.get(p.id, ()) if x.id not in mine}
        view = _parcel(desk, p, titles, clock)
        found_here.append(view._replace(name=f"Parcel {n}", others=sorted(others)))
    return found_here


def _parcel(desk: Desk, row: ParcelSeen, titles: dict[int, str], clock: Clock) -> ParcelView:
    """Format one parcel by itself."""
    state = ParcelState(row.state)
    may_ship = desk.may(Permission.SHIP)
    mine = [x for x in row.lines if x.item_id in titles]
    return ParcelView(
        id=row.id,
        name="Parcel",
        badge=BADGES[state],
        when=clock.exact(row.shipped_at) if row.shipped_at else "",
        carrier=row.carrier,
        number=row.number,
        url=row.url or tracking_url(row.carrier, row.number),
        lines=[f"{x.quantity} × {titles[x.item_id]}" for x in mine],
        others=[],
        item_id=mine[0].item_id if may_ship and mine and state is not ParcelState.VOIDED else None,
        undo=undo(row.state, row.shipped_at, desk.store.undo_minutes, clock) if may_ship else "",
        may_send=may_ship and state is ParcelState.DRAFT,
        version=row.version,
    )


def undo(state: str, shipped_at: datetime | None, undo_minutes: int, clock: Clock) -> str:
    """Say what taking a parcel back is called: free while nobody was told; "" where it cannot be."""
    if state == ParcelState.DRAFT.value:
        return "Void the label"
    if state != ParcelState.SHIPPED.value or shipped_at is None:
        return ""
    return "Undo" if clock.now < shipped_at + timedelta(minutes=undo_minutes) else "Void this parcel"


def shared(order: Order, found: Sequence[ParcelSeen]) -> list[int]:
    """Return the parcels among these that carry goods of other orders too."""
    mine = {item.id for item in order.items}
    return [p.id for p in found if any(x.item_id not in mine for x in p.lines)]


def to_ship_now(found: Sequence[ParcelSeen], to_ship: dict[int, int]) -> dict[str, Any]:
    """Return what the ship form begins with: a draft that holds all, or the pieces without a label."""
    drafts = [p for p in found if p.state == ParcelState.DRAFT.value]
    labelled: Counter[int] = Counter()
    for p in drafts:
        for x in p.lines:
            labelled[x.item_id] += x.quantity
    rest = {item_id: n - labelled[item_id] for item_id, n in to_ship.items()}
    is_one = len(drafts) == 1 and not any(rest.values())
    return {
        "draft": drafts[0] if is_one else None,
        "begin_with": rest if drafts and any(rest.values()) else to_ship,
    }
