"""How many: exact from the tally, counted on an index where a filter is asked, capped where long."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from app.db import UtcDateTime, db, rows_of
from app.models import Order, OrderItem, Tally
from app.queries import attention
from app.queries.filters import Asked, Conditions, of_items, of_orders
from app.queries.sales import KEPT
from app.queries.search import NO_SEARCH
from app.queries.told_sales import PAID, UNPAID
from app.statuses import DeskState

LATE_CAP = 100
FRESH_CAP = 100
BY_STATUS = frozenset({"status", "not_status"})
# Names of conditions on sales, and those alone, that say in which tabs they stand: all, one, all but one.
BY_TAB = frozenset({(), (UNPAID[0].name,), (PAID[0].name,)})

_STANDS = select(Tally.code, Tally.n).where(
    Tally.store_id == bindparam("store"), Tally.grain == bindparam("grain")
)
_LATE = select(func.count()).select_from(
    select(Order.id)
    .where(Order.store_id == bindparam("store"), Order.ship_by < bindparam("now", type_=UtcDateTime()))
    .limit(LATE_CAP)
    .subquery()
)
_PRESSING = select(
    _LATE.scalar_subquery().label("late"), attention.COUNT.scalar_subquery().label("attention")
)


def tabs(store_id: int, only_deals: bool) -> dict[str, int]:
    """Return how many sales stand in each tab, and in all of them as "all"; one statement."""
    found = _stands(store_id, "deal_order" if only_deals else "order")
    counts = {state.value: found.get(state.value, 0) for state in DeskState}
    return {"all": sum(counts.values()), **counts}


def _stands(store_id: int, grain: str) -> dict[str, int]:
    """Return what the tally says of a store, by code."""
    found = rows_of(_STANDS, {"store": store_id, "grain": grain})
    return {row.code: row.n for row in found}


def pressing(store_id: int, now: datetime) -> tuple[int, int]:
    """Return how many sales are past their ship-by date, and how many need somebody: each to 100 at most."""
    late, needing = rows_of(_PRESSING, {"store": store_id, "now": now})[0]
    return int(late), int(needing)


def fresh(store_id: int, number: int, only_deals: bool) -> int:
    """Return how many sales of a store have this number or a later one, counted to 100 at most."""
    return int(rows_of(_fresh(only_deals), {"store": store_id, "number": number})[0][0])


@lru_cache
def _fresh(only_deals: bool) -> Select[Any]:
    """Return the statement that counts a store's sales from a number on."""
    listed = of_orders(Conditions().asked, NO_SEARCH, only_deals)
    some = select(Order.id).where(*listed, Order.number >= bindparam("number")).limit(FRESH_CAP)
    return select(func.count()).select_from(some.subquery())


def items(store_id: int, conditions: Conditions, only_deals: bool) -> int:
    """Return how many items match: from the tally where it can tell, else counted on an index."""
    if _is_told_by_tally(conditions):
        stands = _stands(store_id, "deal_item" if only_deals else "item")
        return sum(n for code, n in stands.items() if _is_asked(int(code), conditions.values))
    counting = _counting(conditions.asked, only_deals, conditions.need_orders)
    return int(rows_of(counting, {"store": store_id, **conditions.values})[0][0])


def orders(store_id: int, conditions: Conditions, only_deals: bool) -> int:
    """Return how many sales match: from the tally where it can tell, else counted on an index."""
    asked = tuple(conditions.values)
    if asked in BY_TAB and not conditions.words:
        stands = tabs(store_id, only_deals)
        unpaid, every = stands[DeskState.UNPAID.value], stands["all"]
        return {UNPAID[0].name: unpaid, PAID[0].name: every - unpaid}[asked[0]] if asked else every
    counting = _counting_orders(conditions.asked, only_deals)
    return int(rows_of(counting, {"store": store_id, **conditions.values})[0][0])


@lru_cache(KEPT)
def _counting_orders(asked: Asked, only_deals: bool) -> Select[Any]:
    """Return the statement that counts sales."""
    return select(func.count(Order.id)).where(*of_orders(asked, NO_SEARCH, only_deals))


def _is_told_by_tally(conditions: Conditions) -> bool:
    """Tell whether nothing is asked but which status items stand in."""
    return not conditions.need_orders and not conditions.words and conditions.values.keys() <= BY_STATUS


def _is_asked(code: int, values: Mapping[str, Any]) -> bool:
    """Tell whether items of this status are asked for."""
    return code in values.get("status", (code,)) and code not in values.get("not_status", ())


@lru_cache(KEPT)
def _counting(asked: Asked, only_deals: bool, need_orders: bool) -> Select[Any]:
    """Return the statement that counts items."""
    found = select(func.count(OrderItem.id))
    if need_orders:
        found = found.join(Order, Order.id == OrderItem.order_id)
    return found.where(*of_items(asked, NO_SEARCH, only_deals))


def tabs_of(store_ids: list[int]) -> dict[int, dict[str, int]]:
    """Return for each of these stores how many of its sales stand in each tab."""
    found: dict[int, dict[str, int]] = {}
    for store_id, code, n in db.session.execute(
        select(Tally.store_id, Tally.code, Tally.n).where(
            Tally.grain == "order", Tally.store_id.in_(store_ids)
        )
    ):
        found.setdefault(store_id, {})[code] = n
    return found
