"""Labels made before the parcel leaves: goods are packed and numbered now, and sent later."""

from collections.abc import Mapping
from datetime import datetime

from app.access import Actor
from app.actions.drafts import drafts_of, pieces_in, trim_drafts
from app.actions.found_by import tracking_terms
from app.actions.ledger import Act
from app.actions.mails import Mail, owe
from app.actions.parcels import (
    NO_TRACKING,
    TooManyPieces,
    Tracking,
    going_of,
    held_for_one_parcel,
    new_parcel,
    pack,
    put_label,
    take_out,
)
from app.actions.undo import held_parcel, orders_in
from app.errors import ChangedMeanwhile, StatusChangeProhibited
from app.models import OrderItem, Parcel
from app.statuses import ParcelState


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
        pack(parcel, going)
        put_label(act, orders[0], parcel, tracking)
        for order in orders[1:]:
            act.index(order, tracking_terms(parcel.number))
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
