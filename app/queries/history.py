"""What happened to an order, and the parcels, notes and money that hang on it.

What the page of a sale shows is read by named columns, in statements that are built once.
"""

from collections.abc import Collection
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, literal, or_, select, union_all

from app.db import db, rows_of
from app.models import (
    Account,
    Cause,
    Combined,
    Discount,
    Event,
    Feedback,
    Note,
    OrderItem,
    Parcel,
    ParcelLine,
    Payment,
    Payout,
)
from app.models.people import shown_name


class EventSeen(NamedTuple):
    """One changed row of the history, with the name of whoever changed it (none: nobody by name)."""

    id: int
    act_id: int
    order_id: int
    item_id: int | None
    parcel_id: int | None
    row_kind: str | None
    row_id: int | None
    actor_id: int | None
    actor_kind: str
    door: str
    verb: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    at: datetime
    actor: str


class Packed(NamedTuple):
    """So many pieces of one line."""

    item_id: int
    quantity: int


class ParcelSeen(NamedTuple):
    """A parcel with all that is in it, of other orders too."""

    id: int
    state: str
    carrier: str
    number: str
    url: str | None
    shipped_at: datetime | None
    version: int
    lines: tuple[Packed, ...]


class Money(NamedTuple):
    """A payout ("store", "cause", "commission"), a reduction ("discount") or money that moved of an order.

    `name` is the cause's, the discount's code, or where the money stands ("done", "pending").
    """

    kind: str
    amount_minor: int
    status: int
    name: str | None


_ALL_EVENTS = (
    select(
        *(getattr(Event, name) for name in EventSeen._fields[:-1]),
        Account.name,
        Account.username,
        Account.email,
    )
    .outerjoin(Account, Account.id == Event.actor_id)
    # What goes to whom follows from the payment, and is no line of its own.
    .where(Event.row_kind.is_distinct_from(Payout.__tablename__))
    .order_by(Event.id.desc())
)
# What happened to the orders that went into this one is its own past.
_OF_ORDER = or_(
    Event.order_id == bindparam("order"),
    Event.order_id.in_(select(Combined.order_id).where(Combined.heir_id == bindparam("order"))),
)
_EVENTS = _ALL_EVENTS.where(_OF_ORDER)
_SHARED: BindParameter[Any] = bindparam("parcels", expanding=True)
_EVENTS_AND_SHARED = _ALL_EVENTS.where(
    or_(
        _OF_ORDER,
        and_(
            Event.parcel_id.in_(_SHARED),
            Event.order_id.in_(
                select(OrderItem.order_id)
                .join(ParcelLine, ParcelLine.item_id == OrderItem.id)
                .where(ParcelLine.parcel_id.in_(_SHARED))
            ),
        ),
    )
)


def events_of(order_id: int, shared: Collection[int] = ()) -> list[EventSeen]:
    """Return the events of an order, newest first.

    `shared` names the parcels that carry goods of other orders too: what was done to one of these stands in
    the history of one order alone, and is told in all.
    """
    found = []
    values: dict[str, Any] = {"order": order_id, "parcels": list(shared)} if shared else {"order": order_id}
    for row in rows_of(_EVENTS_AND_SHARED if shared else _EVENTS, values):
        actor = "" if row.name is None else shown_name(row.name, row.username, row.email, row.actor_id)
        found.append(EventSeen._make((*row[:-3], actor)))
    return found


def events_of_items(item_ids: list[int]) -> list[Event]:
    """Return the events of these items, oldest first."""
    return list(db.session.scalars(select(Event).where(Event.item_id.in_(item_ids)).order_by(Event.id)))


_PARCELS = (
    select(
        *(getattr(Parcel, name) for name in ParcelSeen._fields[:-1]), ParcelLine.item_id, ParcelLine.quantity
    )
    .join(ParcelLine, ParcelLine.parcel_id == Parcel.id)
    .where(
        Parcel.id.in_(
            select(ParcelLine.parcel_id).where(ParcelLine.item_id.in_(bindparam("items", expanding=True)))
        )
    )
    .order_by(Parcel.id, ParcelLine.item_id)
)


def parcels_of(item_ids: Collection[int]) -> list[ParcelSeen]:
    """Return the parcels that carry these items, with their lines, oldest first; voided ones too."""
    rows = rows_of(_PARCELS, {"items": list(item_ids)})
    return [
        ParcelSeen._make((*row[:-2], tuple(Packed(x.item_id, x.quantity) for x in (row, *rest))))
        for _, (row, *rest) in groupby(rows, key=lambda row: row.id)
    ]


_NOTES = (
    select(Note.is_private, Note.body, Note.author_id, Note.is_guests)
    .where(
        or_(
            Note.order_id == bindparam("order"),
            Note.order_id.in_(select(Combined.order_id).where(Combined.heir_id == bindparam("order"))),
        )
    )
    .order_by(Note.id)
)
_VISIBLE_NOTES = _NOTES.where(Note.is_private.is_(False))


def notes_of(order_id: int, for_buyer: bool) -> list[Any]:
    """Return the notes of an order as rows of _NOTES, oldest first; private ones to no buyer."""
    return list(rows_of(_VISIBLE_NOTES if for_buyer else _NOTES, {"order": order_id}))


_MONEY = union_all(
    select(Payout.id, Payout.kind, Payout.amount_minor, Payout.status, Cause.name)
    .outerjoin(Cause, Cause.id == Payout.cause_id)
    .where(Payout.order_id == bindparam("order")),
    select(Discount.id, literal("discount"), Discount.amount_minor, literal(0), Discount.code).where(
        Discount.order_id == bindparam("order")
    ),
    select(Payment.id, Payment.kind, Payment.amount_minor, literal(0), Payment.status).where(
        Payment.order_id == bindparam("order")
    ),
).subquery()
_MONEY_OF = select(*list(_MONEY.c)[1:]).order_by(_MONEY.c.kind, _MONEY.c.id)


def money_of(order_id: int) -> list[Money]:
    """Return the payouts and reductions of an order, and the money that moved."""
    return [Money(*row) for row in rows_of(_MONEY_OF, {"order": order_id})]


_SAID = select(Feedback.item_id, Feedback.direction, Feedback.value, Feedback.text).where(
    Feedback.item_id.in_(bindparam("items", expanding=True))
)


def said_of(item_ids: Collection[int]) -> dict[tuple[int, str], Any]:
    """Return what was said of these items (value, text), by item and direction ("to_seller", "to_buyer")."""
    return {(row.item_id, row.direction): row for row in rows_of(_SAID, {"items": list(item_ids)})}


def payouts_of_items(item_ids: list[int]) -> list[Payout]:
    """Return the payouts of these items."""
    return list(db.session.scalars(select(Payout).where(Payout.item_id.in_(item_ids)).order_by(Payout.id)))


def causes(cause_ids: set[int]) -> dict[int, Cause]:
    """Return these causes by id."""
    return {c.id: c for c in db.session.scalars(select(Cause).where(Cause.id.in_(cause_ids)))}


def feedback_of(item_ids: list[int]) -> dict[int, Feedback]:
    """Return what buyers said of these items, by item."""
    return {
        f.item_id: f
        for f in db.session.scalars(
            select(Feedback).where(Feedback.item_id.in_(item_ids), Feedback.direction == "to_seller")
        )
    }
