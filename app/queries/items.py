"""Order items as the desk's items list and the dialects read them."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager

from app.db import db
from app.models import Address, Buyer, Order, OrderItem
from app.queries import sales
from app.queries.filters import Conditions, of_items

COLUMNS = (
    *sales.LINE_COLUMNS,
    OrderItem.placed_at,
    OrderItem.sku,
    OrderItem.ack,
    OrderItem.deal_number,
    Order.number,
    Order.channel,
    Order.currency,
    Order.is_day_only,
    Order.ship_by,
    Order.payment,
    Buyer.name.label("buyer_name"),
    Buyer.username.label("buyer_username"),
    Address.country,
)

SORTS = {
    "newest": sales.Sort(OrderItem.placed_at, True),
    "oldest": sales.Sort(OrderItem.placed_at, False),
}


def page(
    store_id: int,
    asked: Conditions,
    *,
    sort: str,
    after: sales.Cursor | None,
    before: sales.Cursor | None,
    only_deals: bool,
) -> sales.Slice:
    """Return one page of a store's items by keyset, at most 25 rows of COLUMNS."""
    rows = (
        select(*COLUMNS)
        .join(Order, Order.id == OrderItem.order_id)
        .join(Buyer, Buyer.id == Order.buyer_id)
        .outerjoin(Address, Address.id == Order.address_id)
        .where(*of_items(store_id, asked, only_deals))
    )
    return sales.keyset(rows, SORTS[sort], OrderItem.id, after=after, before=before)


def row(store_id: int, item_id: int) -> Any:
    """Return one row of the items list as it is now."""
    return db.session.execute(
        select(*COLUMNS)
        .join(Order, Order.id == OrderItem.order_id)
        .join(Buyer, Buyer.id == Order.buyer_id)
        .outerjoin(Address, Address.id == Order.address_id)
        .where(OrderItem.store_id == store_id, OrderItem.id == item_id)
    ).one()


def whole(store_id: int, asked: Conditions, *, start: int, limit: int, only_deals: bool) -> list[OrderItem]:
    """Return items with their order and buyer, newest first, by offset: for the dialects that page so."""
    newest_first = (OrderItem.placed_at.desc(), OrderItem.id.desc())
    # What the offset skips is read from an index alone; only the page's own rows are read whole.
    ids = select(OrderItem.id)
    if asked.need_orders:
        ids = ids.join(Order, Order.id == OrderItem.order_id)
    ids = ids.where(*of_items(store_id, asked, only_deals)).order_by(*newest_first).offset(start).limit(limit)
    return list(db.session.scalars(_whole([OrderItem.id.in_(ids)]).order_by(*newest_first)))


def one(store_id: int, item_id: int) -> OrderItem | None:
    """Return an item of this store with its order, buyer and product; None where there is none."""
    return db.session.scalar(
        _whole([OrderItem.store_id == store_id, OrderItem.id == item_id]).execution_options(
            populate_existing=True
        )
    )


def _whole(where: list[Any]) -> Select[tuple[OrderItem]]:
    """Return the select of whole items with what hangs on each once."""
    return (
        select(OrderItem)
        .join(OrderItem.order)
        .join(Order.buyer)
        .outerjoin(Order.address)
        .outerjoin(OrderItem.product)
        .options(
            contains_eager(OrderItem.order).options(
                contains_eager(Order.buyer), contains_eager(Order.address)
            ),
            contains_eager(OrderItem.product),
        )
        .where(*where)
    )
