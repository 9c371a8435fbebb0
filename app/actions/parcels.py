"""Parcels: pieces leave the house, and the numbers they travel under."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import selectinload

from app.access import Actor
from app.actions.found_by import tracking_terms
from app.actions.ledger import Act
from app.db import db
from app.errors import NotFound, Refused, StatusChangeProhibited
from app.models import Order, OrderItem, Outbox, Parcel, ParcelLine
from app.statuses import Channel, ItemStatus, Kind, ParcelState

# Buyers of other channels hear from those (law: "Buyers, channels, imports").
TOLD_CHANNELS = frozenset({Channel.DESK.value, Channel.INTAKE.value})


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


class Tracking(NamedTuple):
    """What was sent about a parcel's way: None where the field did not come."""

    carrier: str | None = None
    number: str | None = None

    @property
    def is_sent(self) -> bool:
        """Tell whether any of it came."""
        return self.carrier is not None or self.number is not None


NO_TRACKING = Tracking()


class NothingToShip(Refused):
    """No pieces were named, or none of the lines named can go out."""

    sentence = "Say how many pieces to ship: at least one."


class TooManyPieces(Refused):
    """More pieces were named than are left."""


class NoParcel(Refused):
    """A number was sent for an item that has no parcel and is not to be shipped."""

    sentence = "This item has no parcel that could carry a tracking number."


def ship(
    order_id: int,
    pieces: Mapping[int, int],
    *,
    actor: Actor,
    store_id: int,
    tracking: Tracking = NO_TRACKING,
    is_buyer_told: bool = False,
    version: int | None = None,
    at: datetime | None = None,
) -> Parcel:
    """Send pieces of an order's goods (item id -> how many) in one parcel; return the parcel.

    An item with nothing left to ship goes to 3. With `is_buyer_told` the outbox owes the buyer a mail
    once the store's undo window is over. Refuses: no pieces, more than are left, an item that is not
    goods to be shipped (StatusChangeProhibited), a stale version (ChangedMeanwhile).
    """
    with Act("ship", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        parcel = send(act, order, pieces, tracking)
        if is_buyer_told and order.channel in TOLD_CHANNELS:
            _owe_mail(act, order, parcel)
        return parcel


def _owe_mail(act: Act, order: Order, parcel: Parcel) -> None:
    """Note that the buyer is to hear of a parcel, not before the undo window is over."""
    db.session.add(
        Outbox(
            store_id=order.store_id,
            kind="parcel_shipped",
            due_at=act.at + timedelta(minutes=act.store.undo_minutes),
            state="due",
            payload={"order_id": order.id, "parcel_id": parcel.id},
            dedupe=f"parcel_shipped:{parcel.id}",
        )
    )


def send(act: Act, order: Order, pieces: Mapping[int, int], tracking: Tracking) -> Parcel:
    """Ship within an act that holds the order (see `ship`)."""
    if not pieces.keys() <= {i.id for i in order.items}:
        raise NotFound
    going = {i: pieces[i.id] for i in order.items if pieces.get(i.id)}
    if not going or min(going.values()) < 1:
        raise NothingToShip
    for item, n in going.items():
        if item.fulfilled_as is not Kind.GOODS or item.status != ItemStatus.PENDING_FULFILMENT:
            raise StatusChangeProhibited
        if n > item.left:
            raise TooManyPieces(f"Only {item.left} of “{item.title}” are left to ship, not {n}.")
    drafts = [] if act.has_made(order) else _drafts_of(list(going))
    parcel: Parcel | None = None
    for draft in drafts:
        inside = {line.item_id for line in draft.lines}
        mine = {i: n for i, n in going.items() if i.id in inside} if not tracking.is_sent else going
        if mine:
            parcel = _fill(act, order, draft, mine, tracking)
            going = {i: n for i, n in going.items() if i not in mine}
        elif inside <= {i.id for i in order.items if i.left == 0}:
            act.change(draft, state=ParcelState.VOIDED.value, voided_at=act.at)
    if going:
        parcel = _fill(act, order, None, going, tracking)
    assert parcel is not None
    return parcel


def _drafts_of(items: list[OrderItem]) -> list[Parcel]:
    """Return the draft parcels that hold any of these items, oldest first."""
    return list(db.session.scalars(DRAFTS, {"items": [i.id for i in items]}))


def _fill(
    act: Act, order: Order, draft: Parcel | None, going: Mapping[OrderItem, int], tracking: Tracking
) -> Parcel:
    """Put the pieces into a draft or a new parcel and send it."""
    parcel = draft or _new_parcel(act, order, ParcelState.SHIPPED)
    lines = {line.item_id: line for line in draft.lines} if draft else {}
    for item, n in going.items():
        left = item.left - n
        act.change(item, shipped=item.shipped + n)
        if not left:
            act.change(item, status=ItemStatus.PENDING_ACQUISITION)
        if item.id in lines:
            lines.pop(item.id).quantity = n
        else:
            db.session.add(
                ParcelLine(parcel_id=parcel.id, item_id=item.id, store_id=order.store_id, quantity=n)
            )
    for line in lines.values():  # the draft's other items stay to be shipped
        db.session.delete(line)
    act.change(parcel, state=ParcelState.SHIPPED.value, shipped_at=act.at)
    _label(act, order, parcel, tracking)
    return parcel


def _new_parcel(act: Act, order: Order, state: ParcelState) -> Parcel:
    """Make an empty parcel of the order's buyer."""
    parcel = Parcel(
        store_id=order.store_id,
        buyer_id=order.buyer_id,
        state=state.value,
        created_at=act.at,
        carrier="",
        number="",
    )
    act.add(parcel)
    return parcel


def _label(act: Act, order: Order, parcel: Parcel, tracking: Tracking) -> None:
    """Write what came of carrier and number on the parcel, and let the sale be found by the number."""
    if tracking.carrier is not None:
        act.change(parcel, carrier=tracking.carrier)
    if tracking.number is not None:
        act.change(parcel, number=tracking.number)
        act.index(order, tracking_terms(tracking.number))


def set_tracking(
    order_id: int,
    item_id: int,
    tracking: Tracking,
    *,
    actor: Actor,
    store_id: int,
    at: datetime | None = None,
) -> Parcel:
    """Correct the newest parcel of an item, or keep the number on a draft until it is shipped.

    Law, "Tracking without status". NoParcel for an item that has neither and waits for neither.
    """
    with Act("set_tracking", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id)
        item = next(i for i in order.items if i.id == item_id)
        return label(act, order, item, tracking)


def label(act: Act, order: Order, item: OrderItem, tracking: Tracking) -> Parcel:
    """Set tracking within an act that holds the order (see `set_tracking`)."""
    parcel = db.session.scalar(
        select(Parcel)
        .join(ParcelLine, ParcelLine.parcel_id == Parcel.id)
        .where(ParcelLine.item_id == item.id, Parcel.state != ParcelState.VOIDED.value)
        .order_by(Parcel.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    if parcel is None:
        if item.status != ItemStatus.PENDING_FULFILMENT or item.fulfilled_as is not Kind.GOODS:
            raise NoParcel
        parcel = _new_parcel(act, order, ParcelState.DRAFT)
        db.session.add(
            ParcelLine(parcel_id=parcel.id, item_id=item.id, store_id=order.store_id, quantity=item.left)
        )
    _label(act, order, parcel, tracking)
    return parcel
