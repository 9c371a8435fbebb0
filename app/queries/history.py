"""What happened to an order, and the parcels, notes and money that hang on it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.db import db
from app.models import Cause, Discount, Event, Feedback, Media, Note, OrderItem, Parcel, ParcelLine, Payout


def events_of(order_id: int) -> list[Event]:
    """Return the events of an order, newest first."""
    return list(db.session.scalars(select(Event).where(Event.order_id == order_id).order_by(Event.id.desc())))


def events_of_items(item_ids: list[int]) -> list[Event]:
    """Return the events of these items, oldest first."""
    return list(db.session.scalars(select(Event).where(Event.item_id.in_(item_ids)).order_by(Event.id)))


def parcels_of(item_ids: list[int]) -> list[Parcel]:
    """Return the parcels that carry these items, with their lines, oldest first; voided ones too."""
    return list(
        db.session.scalars(
            select(Parcel)
            .where(Parcel.id.in_(select(ParcelLine.parcel_id).where(ParcelLine.item_id.in_(item_ids))))
            .options(selectinload(Parcel.lines))
            .order_by(Parcel.id)
            .execution_options(populate_existing=True)
        )
    )


def newest_parcels(item_ids: list[int]) -> dict[int, Parcel]:
    """Return the newest parcel not voided of each of these items."""
    newest: dict[int, Parcel] = {}
    for item_id, parcel in db.session.execute(
        select(ParcelLine.item_id, Parcel)
        .join(Parcel, Parcel.id == ParcelLine.parcel_id)
        .where(ParcelLine.item_id.in_(item_ids), Parcel.state != "voided")
        .order_by(Parcel.id)
    ):
        newest[item_id] = parcel
    return newest


def notes_of(order_id: int, for_buyer: bool) -> list[Note]:
    """Return the notes of an order, oldest first; a buyer gets none of the private ones."""
    where = [Note.order_id == order_id]
    if for_buyer:
        where.append(Note.is_private.is_(False))
    return list(db.session.scalars(select(Note).where(*where).order_by(Note.id)))


def discounts_of(order_id: int) -> list[Discount]:
    """Return the reductions of an order."""
    return list(db.session.scalars(select(Discount).where(Discount.order_id == order_id)))


def payouts_of(order_id: int) -> list[Any]:
    """Return (payout, cause name or None) of an order."""
    return list(
        db.session.execute(
            select(Payout, Cause.name)
            .outerjoin(Cause, Cause.id == Payout.cause_id)
            .where(Payout.order_id == order_id)
            .order_by(Payout.id)
        )
    )


def payouts_of_items(item_ids: list[int]) -> list[Payout]:
    """Return the payouts of these items."""
    return list(db.session.scalars(select(Payout).where(Payout.item_id.in_(item_ids)).order_by(Payout.id)))


def causes(cause_ids: set[int]) -> dict[int, Cause]:
    """Return these causes by id."""
    return {c.id: c for c in db.session.scalars(select(Cause).where(Cause.id.in_(cause_ids)))}


def media_of(product_ids: set[int]) -> list[Media]:
    """Return the pictures of these products, in their order."""
    return list(
        db.session.scalars(
            select(Media).where(Media.product_id.in_(product_ids)).order_by(Media.position, Media.id)
        )
    )


def feedback_of(item_ids: list[int]) -> dict[int, Feedback]:
    """Return what buyers said of these items, by item."""
    return {
        f.item_id: f
        for f in db.session.scalars(
            select(Feedback).where(Feedback.item_id.in_(item_ids), Feedback.direction == "to_seller")
        )
    }


def lines_titled(item_ids: list[int]) -> dict[int, str]:
    """Return the titles of these items."""
    return dict(
        db.session.execute(select(OrderItem.id, OrderItem.title).where(OrderItem.id.in_(item_ids)))
        .tuples()
        .all()
    )
