"""Sales whole: every row that belongs to them, table by table."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, select

from app.db import Base, db
from app.models import (
    Address,
    Buyer,
    Discount,
    Event,
    Feedback,
    Media,
    Note,
    Order,
    OrderItem,
    Parcel,
    ParcelLine,
    Payment,
    Payout,
    Product,
    TaxLine,
)

Rows = dict[str, list[dict[str, Any]]]

BY_ORDER = (OrderItem, Discount, TaxLine, Payment, Payout, Note, Event)


def whole_sales(order_ids: Sequence[int]) -> dict[int, Rows]:
    """Return all rows of these orders: order id -> table -> rows (column -> value), by their keys.

    A parcel stands with each order that it carries something of, and with all of its lines; a product and
    its pictures with each order in which it was sold. Search terms are left out: they follow from the rest.
    """
    found: dict[int, Rows] = {order_id: defaultdict(list) for order_id in order_ids}
    for model, rows in _selects(order_ids):
        for row in db.session.execute(rows).mappings():
            kept = dict(row)
            found[kept.pop("sale")][model.__tablename__].append(kept)
    return found


def _selects(order_ids: Sequence[int]) -> Iterator[tuple[type[Base], Select[Any]]]:
    """Yield each table with what finds its rows, beside each the order ("sale") to which it belongs."""
    sold = OrderItem.order_id
    packed = (
        select(OrderItem.order_id.label("sale"), ParcelLine.parcel_id)
        .join(ParcelLine, ParcelLine.item_id == OrderItem.id)
        .where(sold.in_(order_ids))
        .distinct()
        .subquery()
    )
    yield Order, _rows(Order, Order.id).where(Order.id.in_(order_ids))
    model: Any
    for model in BY_ORDER:
        yield model, _rows(model, model.order_id).where(model.order_id.in_(order_ids))
    for model, key in ((Buyer, Order.buyer_id), (Address, Order.address_id)):
        yield model, _rows(model, Order.id).join(Order, key == model.id).where(Order.id.in_(order_ids))
    for model, item_key, key in (
        (Feedback, OrderItem.id, Feedback.item_id),
        (Product, OrderItem.product_id, Product.id),
        (Media, OrderItem.product_id, Media.product_id),
    ):
        found = _rows(model, sold).join(OrderItem, item_key == key).where(sold.in_(order_ids))
        yield model, found.distinct()
    for model, key in ((Parcel, Parcel.id), (ParcelLine, ParcelLine.parcel_id)):
        yield model, _rows(model, packed.c.sale).join(packed, packed.c.parcel_id == key)


def _rows(model: type[Base], sale: Any) -> Select[Any]:
    """Select a table's own columns, not its relationships, in the sequence of its key."""
    table: Any = model.__table__
    return select(*table.columns, sale.label("sale")).order_by(*table.primary_key)
