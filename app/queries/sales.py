"""Orders as the desk lists and opens them."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.db import db
from app.models import Address, Buyer, Order, OrderItem
from app.queries.filters import Conditions, of_orders
from app.statuses import DeskState, ProductType

PAGE = 25


class Cursor(NamedTuple):
    """A place in a list: the sort column's value and the id of the row there."""

    at: datetime
    id: int


class Slice(NamedTuple):
    """One page of a list, and the places to go on from (None at the ends)."""

    rows: list[Any]
    before: Cursor | None
    after: Cursor | None


class Sort(NamedTuple):
    """How a list is sorted: its column and whether the greatest comes first."""

    column: Any
    is_descending: bool


SORTS: dict[str, Sort] = {
    "newest": Sort(Order.placed_at, True),
    "oldest": Sort(Order.placed_at, False),
    "ship_by": Sort(Order.ship_by, False),
}

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
    asked: Conditions,
    *,
    tab: DeskState | None,
    sort: str,
    after: Cursor | None,
    before: Cursor | None,
    only_deals: bool,
) -> Slice:
    """Return one page of a store's sales by keyset, at most 25 rows of COLUMNS."""
    where = of_orders(store_id, asked, only_deals)
    if tab is not None:
        where.append(Order.desk_state == tab.value)
    rows = (
        select(*COLUMNS)
        .join(Buyer, Buyer.id == Order.buyer_id)
        .outerjoin(Address, Address.id == Order.address_id)
        .where(*where)
    )
    return keyset(rows, SORTS[sort], Order.id, after=after, before=before)


def row(store_id: int, order_id: int) -> Any:
    """Return one row of the list as it is now."""
    return db.session.execute(
        select(*COLUMNS)
        .join(Buyer, Buyer.id == Order.buyer_id)
        .outerjoin(Address, Address.id == Order.address_id)
        .where(Order.store_id == store_id, Order.id == order_id)
    ).one()


def keyset(rows: Select[Any], sort: Sort, key: Any, *, after: Cursor | None, before: Cursor | None) -> Slice:
    """Cut one page out of a select: what follows `after`, or what stands just before `before`."""
    at = before or after
    is_back = before is not None
    is_descending = sort.is_descending != is_back
    if at is not None:
        rows = rows.where(_beyond(sort.column, key, at, is_descending))
    directions = (sort.column.desc(), key.desc()) if is_descending else (sort.column.asc(), key.asc())
    found = list(db.session.execute(rows.order_by(*directions).limit(PAGE + 1)))
    has_more = len(found) > PAGE
    found = found[:PAGE]
    if is_back:
        found.reverse()
    name = sort.column.key
    first = Cursor(getattr(found[0], name), found[0].id) if found else None
    last = Cursor(getattr(found[-1], name), found[-1].id) if found else None
    if is_back:
        return Slice(found, first if has_more else None, last)
    return Slice(found, first if after is not None else None, last if has_more else None)


def _beyond(column: Any, key: Any, at: Cursor, is_descending: bool) -> ColumnElement[bool]:
    """Return the condition for rows past this place in the direction of travel."""
    value, row_id = at
    if is_descending:
        return and_(column <= value, or_(column < value, key < row_id))
    return and_(column >= value, or_(column > value, key > row_id))


def lines_of(order_ids: list[int], only_deals: bool) -> dict[int, list[Any]]:
    """Return the lines of these orders (rows of LINE_COLUMNS), by order, in their position's order."""
    lines: dict[int, list[Any]] = {order_id: [] for order_id in order_ids}
    if not order_ids:
        return lines
    where: list[ColumnElement[bool]] = [OrderItem.order_id.in_(order_ids)]
    if only_deals:
        where.append(OrderItem.type == ProductType.DEAL)
    for line in db.session.execute(
        select(*LINE_COLUMNS).where(*where).order_by(OrderItem.order_id, OrderItem.position)
    ):
        lines[line.order_id].append(line)
    return lines


def one(store_id: int, order_id: int) -> Order | None:
    """Return an order of this store with its lines, buyer and address; None where there is none."""
    return db.session.scalar(
        select(Order)
        .where(Order.store_id == store_id, Order.id == order_id)
        .options(joinedload(Order.buyer), joinedload(Order.address), selectinload(Order.items))
        .execution_options(populate_existing=True)
    )


def neighbours(
    store_id: int, asked: Conditions, order: Order, *, tab: DeskState | None, sort: str, only_deals: bool
) -> tuple[Any, Any]:
    """Return the sales listed just before and just after an order: each with id and number, or None."""
    where = of_orders(store_id, asked, only_deals)
    if tab is not None:
        where.append(Order.desk_state == tab.value)
    how = SORTS[sort]
    place = Cursor(getattr(order, how.column.key), order.id)
    found = []
    for is_back in (True, False):
        is_descending = how.is_descending != is_back
        beyond = _beyond(how.column, Order.id, place, is_descending)
        directions = [c.desc() if is_descending else c.asc() for c in (how.column, Order.id)]
        found.append(
            db.session.execute(
                select(Order.id, Order.number).where(*where, beyond).order_by(*directions).limit(1)
            ).first()
        )
    return found[0], found[1]
