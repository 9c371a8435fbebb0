"""Order items as the desk's items list and the dialects read them."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import contains_eager

from app.db import db, rows_of
from app.models import Address, Buyer, Order, OrderItem
from app.queries import sales
from app.queries.filters import Asked, Conditions, of_items
from app.queries.keyset import Cursor, Slice, Sort, Way, along, cut, place, way
from app.queries.search import Search, searched

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
    "newest": Sort(OrderItem.placed_at, True, OrderItem.id),
    "oldest": Sort(OrderItem.placed_at, False, OrderItem.id),
}


def page(
    store_id: int,
    conditions: Conditions,
    *,
    sort: str,
    after: Cursor | None,
    before: Cursor | None,
    only_deals: bool,
) -> Slice:
    """Return one page of a store's items by keyset, at most 25 rows of COLUMNS."""
    search = searched(store_id, conditions.words, only_deals, conditions.sight)
    if search is None:
        return Slice((), None, None)
    how = way(after, before)
    values = {"store": store_id, **conditions.values, **search.values, **place(before or after)}
    found = rows_of(_page(conditions.asked, search.shape, only_deals, sort, how), values)
    return cut(found, SORTS[sort], how)


@lru_cache(sales.KEPT)
def _page(asked: Asked, search: Search, only_deals: bool, sort: str, how: Way) -> Select[Any]:
    """Return the statement of a page."""
    return along(_ROWS.where(*of_items(asked, search, only_deals)), SORTS[sort], how)


_ROWS = (
    select(*COLUMNS)
    .join(Order, Order.id == OrderItem.order_id)
    .join(Buyer, Buyer.id == Order.buyer_id)
    .outerjoin(Address, Address.id == Order.address_id)
)
_ROW = _ROWS.where(OrderItem.store_id == bindparam("store"), OrderItem.id == bindparam("item"))


def row(store_id: int, item_id: int) -> Any:
    """Return one row of the items list as it is now."""
    return rows_of(_ROW, {"store": store_id, "item": item_id})[0]


def one(store_id: int, item_id: int) -> OrderItem | None:
    """Return an item of this store with its order, buyer and product; None where there is none."""
    return db.session.scalar(
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
        .where(OrderItem.store_id == store_id, OrderItem.id == item_id)
        .execution_options(populate_existing=True)
    )
