"""Orders as the desk lists and opens them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, literal, select, union_all
from sqlalchemy.orm import joinedload, selectinload

from app.db import db, rows_of
from app.models import Address, Buyer, Order, OrderItem
from app.queries.filters import Asked, Conditions, of_orders
from app.queries.keyset import Cursor, Slice, Sort, Way, along, cut, place, way
from app.queries.search import Search, searched
from app.statuses import DeskState, ProductType

SORTS: dict[str, Sort] = {
    "newest": Sort(Order.placed_at, True, Order.id),
    "oldest": Sort(Order.placed_at, False, Order.id),
    "ship_by": Sort(Order.ship_by, False, Order.id),
}
# So many different sets of filters are kept as statements.
KEPT = 512

COLUMNS = (
    Order.id,
    Order.number,
    Order.channel,
    Order.external_id,
    Order.kind,
    Order.currency,
    Order.total_minor,
    Order.payment,
    Order.shipping,
    Order.buyer_shipping,
    Order.status,
    Order.desk_state,
    Order.placed_at,
    Order.is_day_only,
    Order.ship_by,
    Order.version,
    Buyer.name.label("buyer_name"),
    Buyer.username.label("buyer_username"),
    Address.name.label("address_name"),
    Address.city,
    Address.country,
)

LINE_COLUMNS = (
    OrderItem.id,
    OrderItem.order_id,
    OrderItem.title,
    OrderItem.quantity,
    OrderItem.shipped,
    OrderItem.cancelled,
    OrderItem.status,
    OrderItem.type,
    OrderItem.delivery,
    OrderItem.is_pickup,
    OrderItem.line_total_minor,
)


def page(
    store_id: int,
    conditions: Conditions,
    *,
    tab: DeskState | None,
    sort: str,
    after: Cursor | None,
    before: Cursor | None,
    only_deals: bool,
) -> Slice:
    """Return one page of a store's sales by keyset, at most 25 rows of COLUMNS."""
    search = searched(store_id, conditions.words, only_deals)
    if search is None:
        return Slice((), None, None)
    how = way(after, before)
    shown = Shown(only_deals, in_tab=tab is not None, sort=sort)
    statement = _page(conditions.asked, search.shape, shown, how)
    values = {"store": store_id, "tab": tab, **conditions.values, **search.values, **place(before or after)}
    return cut(rows_of(statement, values), SORTS[sort], how)


class Shown(NamedTuple):
    """What part of the sales a list shows, and how it is sorted."""

    only_deals: bool
    in_tab: bool
    sort: str

    def where(self, asked: Asked, search: Search) -> list[ColumnElement[bool]]:
        """Return the conditions of the list; the parameter `tab` names its tab."""
        found = of_orders(asked, search, self.only_deals)
        return [*found, Order.desk_state == bindparam("tab")] if self.in_tab else found


@lru_cache(KEPT)
def _page(asked: Asked, search: Search, shown: Shown, how: Way) -> Select[Any]:
    """Return the statement of a page."""
    return along(_ROWS.where(*shown.where(asked, search)), SORTS[shown.sort], how)


_ROWS = (
    select(*COLUMNS)
    .join(Buyer, Buyer.id == Order.buyer_id)
    .outerjoin(Address, Address.id == Order.address_id)
)
_ROW = _ROWS.where(Order.store_id == bindparam("store"), Order.id == bindparam("order"))


def row(store_id: int, order_id: int) -> Any:
    """Return one row of the list as it is now."""
    return rows_of(_ROW, {"store": store_id, "order": order_id})[0]


_LINES = (
    select(*LINE_COLUMNS)
    .where(OrderItem.order_id.in_(bindparam("orders", expanding=True)))
    .order_by(OrderItem.order_id, OrderItem.position)
)
_DEALS = _LINES.where(OrderItem.type == ProductType.DEAL)


def lines_of(order_ids: Sequence[int], only_deals: bool) -> dict[int, list[Any]]:
    """Return the lines of these orders (rows of LINE_COLUMNS), by order, in their position's order."""
    lines: dict[int, list[Any]] = {order_id: [] for order_id in order_ids}
    if lines:
        for line in rows_of(_DEALS if only_deals else _LINES, {"orders": order_ids}):
            lines[line.order_id].append(line)
    return lines


_WHOLE = (
    select(Order)
    .where(Order.store_id == bindparam("store"), Order.id == bindparam("order"))
    .options(joinedload(Order.buyer), joinedload(Order.address), selectinload(Order.items))
    .execution_options(populate_existing=True)
)


def one(store_id: int, order_id: int) -> Order | None:
    """Return an order of this store with its lines, buyer and address; None where there is none."""
    return db.session.scalar(_WHOLE, {"store": store_id, "order": order_id})


def neighbours(
    store_id: int,
    conditions: Conditions,
    order: Order,
    *,
    tab: DeskState | None,
    sort: str,
    only_deals: bool,
) -> tuple[Any, Any]:
    """Return the sales listed just before and just after an order: each with id and number, or None."""
    search = searched(store_id, conditions.words, only_deals)
    if search is None:
        return None, None
    at = Cursor(getattr(order, SORTS[sort].column.key), order.id)
    found = {
        row.way: row
        for row in rows_of(
            _neighbours(conditions.asked, search.shape, Shown(only_deals, tab is not None, sort)),
            {"store": store_id, "tab": tab, **conditions.values, **search.values, **place(at)},
        )
    }
    return found.get(Way.BACK.name), found.get(Way.ON.name)


@lru_cache(KEPT)
def _neighbours(asked: Asked, search: Search, shown: Shown) -> Select[Any]:
    """Return the statement of the nearest sale in either direction."""
    where = shown.where(asked, search)
    nearest = (
        along(
            select(Order.id, Order.number, literal(how.name).label("way")).where(*where),
            SORTS[shown.sort],
            how,
            1,
        ).subquery()
        for how in (Way.BACK, Way.ON)
    )
    both = union_all(*(select(rows) for rows in nearest)).subquery()
    return select(both)
