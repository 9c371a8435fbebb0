"""Drafts: parcels whose label is made and that have not left. They hold pieces, and promise none."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import bindparam, select
from sqlalchemy.orm import selectinload

from app.actions.ledger import Act
from app.db import db
from app.models import OrderItem, Parcel, ParcelLine
from app.statuses import ParcelState

# Built once: an import asks it for every order.
DRAFTS = (
    select(Parcel)
    .join(ParcelLine, ParcelLine.parcel_id == Parcel.id)
    .where(
        ParcelLine.item_id.in_(bindparam("items", expanding=True)), Parcel.state == ParcelState.DRAFT.value
    )
    .options(selectinload(Parcel.lines))
    .order_by(Parcel.id)
    .distinct()
    .execution_options(populate_existing=True)
)


def drafts_of(items: Iterable[OrderItem]) -> list[Parcel]:
    """Return the drafts that hold any of these items, with all their lines, oldest first."""
    return list(db.session.scalars(DRAFTS, {"items": [item.id for item in items]}))


def pieces_in(drafts: Iterable[Parcel]) -> Counter[int]:
    """Return how many pieces of each item these drafts hold, by the item's id."""
    held: Counter[int] = Counter()
    for draft in drafts:
        for line in draft.lines:
            held[line.item_id] += line.quantity
    return held


def trim_drafts(act: Act, items: Iterable[OrderItem]) -> None:
    """Let no draft hold more of these items than is left to ship; a draft of nothing is voided."""
    left = {item.id: item.left for item in items}
    if not left:
        return
    db.session.flush()
    for draft in drafts_of(items):
        kept = {line: min(line.quantity, left.get(line.item_id, line.quantity)) for line in draft.lines}
        if not any(kept.values()):
            # What it was made for stays to be read.
            act.change(draft, state=ParcelState.VOIDED.value, voided_at=act.at)
            continue
        act.pack(draft, {line.item_id: n for line, n in kept.items()}, pieces_in([draft]))
        for line, n in kept.items():
            if n:
                line.quantity = n
            else:
                db.session.delete(line)
