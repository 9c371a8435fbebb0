"""Pieces: the lines of orders, how many of each went out, and the parcels they went out in."""

from sqlalchemy import and_, case, func, or_, select

from app.models import Order, OrderItem, Parcel, ParcelLine
from app.queries.books.rules import plain, rule
from app.statuses import AWAITING_PAYMENT, DEAD, HELD, ItemStatus, ParcelState

SENT = (ParcelState.SHIPPED.value, ParcelState.RECEIVED.value, ParcelState.RETURNED.value)
HOLDABLE = sorted(frozenset(ItemStatus) - HELD - DEAD - AWAITING_PAYMENT)

left = OrderItem.quantity - OrderItem.shipped - OrderItem.cancelled

LINES = rule(
    "Every order has lines, and they are numbered from 1 on",
    "order",
    Order,
    select(Order.id)
    .outerjoin(OrderItem, OrderItem.order_id == Order.id)
    .where(Order.heir_id.is_(None))
    .group_by(Order.id)
    .having(
        or_(
            func.count(OrderItem.id) == 0,
            func.min(OrderItem.position) != 1,
            func.max(OrderItem.position) != func.count(OrderItem.id),
        )
    ),
)

PLACED = rule(
    "A line was bought when its order was",
    "item",
    OrderItem,
    select(OrderItem.id)
    .join(Order, Order.id == OrderItem.order_id)
    .where(OrderItem.placed_at != Order.placed_at),
)

PIECES = rule(
    "Pieces are to ship, shipped or cancelled, and only shipped ones come back",
    "item",
    OrderItem,
    select(OrderItem.id).where(
        or_(
            left < 0,
            OrderItem.shipped < 0,
            OrderItem.cancelled < 0,
            OrderItem.returned < 0,
            OrderItem.returned > OrderItem.shipped,
        )
    ),
)

SHIPPED = rule(
    "So many pieces of a line went out as there are in the parcels that left",
    "item",
    OrderItem,
    select(OrderItem.id)
    .outerjoin(ParcelLine, ParcelLine.item_id == OrderItem.id)
    .outerjoin(Parcel, and_(Parcel.id == ParcelLine.parcel_id, Parcel.state.in_(SENT)))
    .group_by(OrderItem.id)
    .having(
        func.coalesce(func.sum(case((Parcel.id.is_not(None), ParcelLine.quantity))), 0)
        != func.max(OrderItem.shipped)
    ),
)

PACKED = rule(
    "No parcel holds more pieces of a line than were bought",
    "parcel and item",
    ParcelLine,
    select(ParcelLine.parcel_id, ParcelLine.item_id)
    .join(OrderItem, OrderItem.id == ParcelLine.item_id)
    .where(ParcelLine.quantity > OrderItem.quantity),
)

BUYERS = rule(
    "A parcel goes to who bought all that is in it",
    "parcel and item",
    ParcelLine,
    select(ParcelLine.parcel_id, ParcelLine.item_id)
    .join(Parcel, Parcel.id == ParcelLine.parcel_id)
    .join(OrderItem, OrderItem.id == ParcelLine.item_id)
    .join(Order, Order.id == OrderItem.order_id)
    .where(Parcel.buyer_id != Order.buyer_id),
)

LEFT_AT = rule(
    "A parcel that left has a time when it did, a voided one when it was voided, others none",
    "parcel",
    Parcel,
    select(Parcel.id).where(
        or_(
            and_(Parcel.state.in_(SENT), Parcel.shipped_at.is_(None)),
            and_(Parcel.state == ParcelState.DRAFT.value, Parcel.shipped_at.is_not(None)),
            (Parcel.state == ParcelState.VOIDED.value) != Parcel.voided_at.is_not(None),
        )
    ),
)

HELD_FROM = rule(
    "A held line knows where it was held, and no other line does",
    "item",
    OrderItem,
    select(OrderItem.id).where(
        or_(
            plain(OrderItem.status).in_(sorted(HELD)) != OrderItem.held_from.is_not(None),
            plain(OrderItem.held_from).not_in(HOLDABLE),
        )
    ),
)

RULES = (LINES, PLACED, PIECES, SHIPPED, PACKED, BUYERS, LEFT_AT, HELD_FROM)
