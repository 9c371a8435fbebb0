"""Labels: goods are packed and numbered before they leave; a number is written, or corrected, apart."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select

from app.access import Actor
from app.actions.drafts import drafts_of, pieces_in, trim_drafts
from app.actions.ledger import Act
from app.actions.mails import Mail, owe
from app.actions.parcels import (
    NO_TRACKING,
    TooManyPieces,
    Tracking,
    carried_by,
    going_of,
    held_for_one_parcel,
    is_to_ship,
    new_parcel,
    pack,
    take_out,
    write_label,
)
from app.actions.undo import held_parcel, orders_in
from app.db import db
from app.errors import ChangedMeanwhile, Refused, StatusChangeProhibited
from app.models import Order, OrderItem, Parcel, ParcelLine
from app.statuses import ParcelState


class NoParcel(Refused):
    """A number was sent for an item that has no parcel and is not to be shipped."""

    sentence = "This item has no parcel that could carry a tracking number."


def draft(
    pieces: Mapping[int, Mapping[int, int]],
    *,
    actor: Actor,
    store_id: int,
    tracking: Tracking = NO_TRACKING,
    versions: Mapping[int, int] | None = None,
    at: datetime | None = None,
) -> Parcel:
    """Pack pieces of orders (order id -> item id -> how many) for one parcel that leaves later; return it.

    The goods stay to be shipped. Refuses what `ship_together` refuses, and pieces that have a label already
    (TooManyPieces).
    """
    with Act("label", actor=actor, store_id=store_id, at=at) as act:
        orders = held_for_one_parcel(act, pieces, versions)
        going = {item: n for order in orders for item, n in going_of(order, pieces[order.id]).items()}
        _judge_unlabelled(going)
        parcel = new_parcel(act, orders[0], ParcelState.DRAFT)
        pack(act, parcel, going)
        write_label(act, orders, parcel, tracking)
        return parcel


def _judge_unlabelled(going: Mapping[OrderItem, int]) -> None:
    """Refuse pieces that have a label already."""
    labelled = pieces_in(drafts_of(going))
    for item, n in going.items():
        most = item.left - labelled[item.id]
        if n > most:
            raise TooManyPieces(f"Only {most} of “{item.title}” have no label yet, not {n}.")


def send_draft(
    parcel_id: int,
    *,
    actor: Actor,
    store_id: int,
    is_buyer_told: bool = True,
    version: int | None = None,
    at: datetime | None = None,
) -> Parcel:
    """Send a parcel whose label was made before, with all that is in it; return the parcel.

    StatusChangeProhibited where it is no draft any more; ChangedMeanwhile where it is no longer the version
    seen: of two who send it, one does.
    """
    with Act("ship", actor=actor, store_id=store_id, at=at) as act:
        parcel = held_parcel(parcel_id, store_id)
        if parcel.state != ParcelState.DRAFT.value:
            raise StatusChangeProhibited
        if version is not None and parcel.version != version:
            raise ChangedMeanwhile
        packed = {line.item_id: line.quantity for line in parcel.lines}
        gone: list[OrderItem] = []
        for order in orders_in(act, parcel):
            inside = {item.id: packed[item.id] for item in order.items if item.id in packed}
            for item, n in going_of(order, inside).items():
                take_out(act, item, n)
                gone.append(item)
            if is_buyer_told:
                owe(act, order, Mail.SHIPPED, parcel)
        act.change(parcel, state=ParcelState.SHIPPED.value, shipped_at=act.at, dated_at=act.at)
        trim_drafts(act, gone)
        return parcel


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
    return _label_newest(act, order, [item], tracking)


def label_sale(
    order_id: int,
    *,
    tracking: Tracking,
    actor: Actor,
    store_id: int,
    version: int | None = None,
    at: datetime | None = None,
) -> Parcel:
    """Correct the newest parcel of a sale, or keep the number on a draft of all that waits to be shipped.

    Hip's tracking_link is one for the whole sale. NoParcel for a sale that has neither.
    """
    with Act("set_tracking", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        return _label_newest(act, order, order.items, tracking)


def _label_newest(act: Act, order: Order, items: Iterable[OrderItem], tracking: Tracking) -> Parcel:
    """Write tracking on the newest parcel that holds any of these items, or on a draft of those to ship."""
    parcel = db.session.scalar(
        select(Parcel)
        .join(ParcelLine, ParcelLine.parcel_id == Parcel.id)
        .where(ParcelLine.item_id.in_([item.id for item in items]), Parcel.state != ParcelState.VOIDED.value)
        .order_by(Parcel.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    if parcel is None:
        waiting = [item for item in items if is_to_ship(item)]
        if not waiting:
            raise NoParcel
        parcel = new_parcel(act, order, ParcelState.DRAFT)
        pack(act, parcel, {item: item.left for item in waiting})
    write_label(act, carried_by(parcel, order), parcel, tracking)
    return parcel
