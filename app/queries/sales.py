"""Orders as the desk lists and opens them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import joinedload

from app.db import UtcDateTime, db, rows_of
from app.models import Address, Buyer, Member, Order, OrderItem
from app.queries.filters import Asked, Conditions, of_orders
from app.queries.keyset import Cursor, Slice, Sort, Way, along, cut, place, way
from app.queries.search import Search, searched
from app.statuses import ProductType

SORTS: dict[str, Sort] = {
    "newest": Sort(Order.placed_at, True, Order.id),
    "oldest": Sort(Order.placed_at, False, Order.id),
    "ship_by": Sort(Order.ship_by, False, Order.id),
}


class Tab(StrEnum):
    """The tabs of the list: where orders stand, and beside it those that need somebody."""

    UNPAID = "unpaid"
    TO_SHIP = "to_ship"
    SHIPPED = "shipped"
    ATTENTION = "attention"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """Return the word that the tab shows."""
        return "Needs attention" if self is Tab.ATTENTION else self.value.replace("_", " ").capitalize()


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
    tab: Tab | None,
    sort: str,
    after: Cursor | None,
    before: Cursor | None,
    only_deals: bool,
) -> Slice:
    """Return one page of a store's sales by keyset, at most 25 rows of COLUMNS."""
    search = searched(store_id, conditions.words, only_deals, conditions.sight)
    if search is None:
        return Slice((), None, None)
    how = way(after, before)
    statement = _page(conditions.asked, search.shape, shown_in(only_deals, tab, sort), how)
    values = {**_in(store_id, tab), **conditions.values, **search.values, **place(before or after)}
    return cut(rows_of(statement, values), SORTS[sort], how)


class Shown(NamedTuple):
    """What part of the sales a list shows, and how it is sorted."""

    only_deals: bool
    in_tab: bool
    sort: str
    is_needed: bool = False

    def where(self, asked: Asked, search: Search) -> list[ColumnElement[bool]]:
        """Return the conditions of the list; the parameters `tab` and `now` name what is in its tab."""
        found = of_orders(asked, search, self.only_deals)
        if self.is_needed:
            return [*found, *IN_ATTENTION]
        return [*found, Order.desk_state == bindparam("tab")] if self.in_tab else found


# Wrapped, so that both databases walk the index of these orders that sorts them as the list is sorted, and
# not the one by this instant.
IN_ATTENTION = (
    Order.attention_at.is_not(None),
    func.coalesce(Order.attention_at, Order.attention_at) <= bindparam("now", type_=UtcDateTime()),
)


def shown_in(only_deals: bool, tab: Tab | None, sort: str) -> Shown:
    """Return what a tab shows, sorted so."""
    is_needed = tab == Tab.ATTENTION
    return Shown(only_deals, tab is not None and not is_needed, sort, is_needed)


def _in(store_id: int, tab: Tab | None) -> dict[str, Any]:
    """Return the parameters that name a store's tab."""
    return {"store": store_id, "tab": tab, "now": datetime.now(UTC)}


@lru_cache(KEPT)
def _page(asked: Asked, search: Search, shown: Shown, how: Way) -> Select[Any]:
    """Return the statement of a page."""
    return along(ROWS.where(*shown.where(asked, search)), SORTS[shown.sort], how)


ROWS = (
    select(*COLUMNS)
    .join(Buyer, Buyer.id == Order.buyer_id)
    .outerjoin(Address, Address.id == Order.address_id)
)
_ROW = ROWS.where(Order.store_id == bindparam("store"), Order.id == bindparam("order"))


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
    .options(joinedload(Order.buyer), joinedload(Order.address), joinedload(Order.items))
    .execution_options(populate_existing=True)
)


def one(store_id: int, order_id: int) -> Order | None:
    """Return an order of this store with its lines, buyer and address; None where there is none."""
    return db.session.scalars(_WHOLE, {"store": store_id, "order": order_id}).unique().one_or_none()


_IS_PARTY = or_(
    bindparam("is_anybodys", type_=Boolean),
    exists().where(Buyer.id == Order.buyer_id, Buyer.account_id == bindparam("account")),
    exists().where(Member.store_id == Order.store_id, Member.account_id == bindparam("account")),
)
_STORE = select(Order.store_id).where(Order.id == bindparam("order"), _IS_PARTY)


def store_of(order_id: int, account_id: int | None, *, is_anybodys: bool) -> int | None:
    """Return the store of a sale that the account bought or works on; None for others, there or not."""
    values = {"order": order_id, "account": account_id, "is_anybodys": is_anybodys}
    found = rows_of(_STORE, values)
    return int(found[0][0]) if found else None


def neighbours(
    store_id: int,
    conditions: Conditions,
    order: Order,
    *,
    tab: Tab | None,
    sort: str,
    only_deals: bool,
) -> tuple[Any, Any]:
    """Return the sales listed just before and just after an order: each with id and number, or None."""
    search = searched(store_id, conditions.words, only_deals, conditions.sight)
    if search is None:
        return None, None
    at = Cursor(getattr(order, SORTS[sort].column.key), order.id)
    found = {
        row.way: row
        for row in rows_of(
            _neighbours(conditions.asked, search.shape, shown_in(only_deals, tab, sort)),
            {**_in(store_id, tab), **conditions.values, **search.values, **place(at)},
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
