"""The history as it is told: every row begins in it, and what one act did has one actor and one time."""

from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from app.models import Event, Feedback, Note, Order, OrderItem, Parcel, ParcelLine, Payment, Payout
from app.queries.books.rules import Rule, Search, rule

Later = aliased(Event)
of_order = and_(
    Event.order_id == Order.id,
    Event.item_id.is_(None),
    Event.parcel_id.is_(None),
    Event.row_kind.is_(None),
)
# Events are found by order: a parcel's stands with one of its buyer's. One without lines tells nothing.
of_parcel = and_(Event.order_id == Order.id, Event.parcel_id == Parcel.id)
in_parcel = select(ParcelLine.parcel_id).where(ParcelLine.parcel_id == Parcel.id)


def _unborn(model: Any, order_id: Any) -> Search:
    """Return what finds the rows of a table, each of an order, that do not begin in its history."""
    word = model.__tablename__
    birth = exists().where(
        Event.order_id == order_id,
        Event.row_kind == word,
        Event.row_id == model.id,
        Event.before.is_(None),
    )
    every: Any = select(model.id)
    if model is Feedback:
        every = every.join(OrderItem, OrderItem.id == Feedback.item_id)
    return Search(word, model, every.where(~birth))


BIRTHS = Rule(
    "Every order, and every row that hangs on it, begins in the history",
    (
        Search("order", Order, select(Order.id).where(~exists().where(of_order, Event.before.is_(None)))),
        Search(
            "item",
            OrderItem,
            select(OrderItem.id).where(
                ~exists().where(Event.item_id == OrderItem.id, Event.before.is_(None))
            ),
        ),
        Search(
            "parcel",
            Parcel,
            select(Parcel.id).where(
                in_parcel.exists(),
                ~select(Event.id)
                .join(Order, of_parcel)
                .where(Order.buyer_id == Parcel.buyer_id, Event.before.is_(None))
                .correlate(Parcel)
                .exists(),
            ),
        ),
        *(_unborn(model, model.order_id) for model in (Payment, Payout, Note)),
        _unborn(Feedback, OrderItem.order_id),
    ),
)

# The events of an act follow each other.
ACTS = rule(
    "All that an act did was done by one actor, at one time, in one store",
    "event",
    Event,
    select(Later.id)
    .select_from(Event)
    .join(Later, and_(Later.id == Event.id + 1, Later.act_id == Event.act_id))
    .where(
        or_(
            Later.verb != Event.verb,
            Later.at != Event.at,
            Later.door != Event.door,
            Later.actor_kind != Event.actor_kind,
            Later.actor_id.is_distinct_from(Event.actor_id),
            Later.store_id.is_distinct_from(Event.store_id),
        )
    ),
)

RULES = (BIRTHS, ACTS)
