"""What needs somebody: where the two sides contradict each other, problems, and what takes too long.

From when on an order needs somebody stands in its row (actions.rollup.attention_at), which the indexes
serve; here stands which of the reasons hold. An order may have several.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select

from app.db import UtcDateTime, rows_of
from app.models import Event, Order, OrderItem
from app.models.shop import FAR_FUTURE
from app.queries import sales
from app.queries.keyset import Cursor, Slice, Sort, Way, along, cut, place, way
from app.statuses import BuyerShipping, DeskState, ItemStatus, Payment, Shipping

CAP = 100


class Attention(StrEnum):
    """Why an order needs somebody. Each reason goes by one act alone."""

    PROBLEM = "problem"
    PAID = "paid"
    RECEIVED = "received"
    LATE = "late"
    WAITING = "waiting"

    @property
    def label(self) -> str:
        """Return the words that pages show."""
        return {
            "problem": "Problem",
            "paid": "Says paid",
            "received": "Says received",
            "late": "Late",
            "waiting": "Not received",
        }[self.value]


_NOW = bindparam("now", type_=UtcDateTime())
_WAITED = bindparam("waited", type_=UtcDateTime())  # what was sent before this was under way too long

SAYS: dict[Attention, ColumnElement[bool]] = {
    Attention.PROBLEM: or_(
        Order.shipping == Shipping.PROBLEM,
        Order.buyer_shipping == BuyerShipping.PROBLEM,
        exists().where(OrderItem.order_id == Order.id, OrderItem.status == ItemStatus.PENDING_DISPUTE),
    ),
    Attention.PAID: and_(Order.desk_state == DeskState.UNPAID.value, Order.buyer_payment == Payment.PAID),
    Attention.RECEIVED: and_(
        Order.buyer_shipping == BuyerShipping.RECEIVED,
        Order.shipping == Shipping.PROCESSING,
        Order.ship_by < FAR_FUTURE,
    ),
    # Wrapped, so that the index by ship-by is left aside: the list is sorted by another instant.
    Attention.LATE: func.coalesce(Order.ship_by, Order.ship_by) <= _NOW,
    Attention.WAITING: and_(
        Order.desk_state == DeskState.SHIPPED.value,
        Order.shipping == Shipping.SHIPPED,
        Order.buyer_shipping == BuyerShipping.WAITING,
        Order.sent_at <= _WAITED,
    ),
}
NEEDED: ColumnElement[bool] = Order.attention_at <= _NOW
NEWEST_FIRST = Sort(Order.attention_at, True, Order.id)

_ROWS = sales.ROWS.add_columns(
    Order.attention_at, Order.sent_at, *(says.label(f"is_{kind}") for kind, says in SAYS.items())
).where(Order.store_id == bindparam("store"), NEEDED)


def count(store_id: int, now: datetime) -> int:
    """Return how many sales of a store need somebody, counted to 100 at most."""
    return int(rows_of(COUNT, {"store": store_id, "now": now})[0][0])


def _capped(*which: ColumnElement[bool]) -> Select[Any]:
    """Return the statement that counts a store's sales that need somebody, to 100 at most."""
    some = select(Order.id).where(Order.store_id == bindparam("store"), NEEDED, *which).limit(CAP)
    return select(func.count()).select_from(some.subquery())


COUNT = _capped()
_COUNTS = select(
    COUNT.scalar_subquery().label("all"),
    *(_capped(says).scalar_subquery().label(kind.value) for kind, says in SAYS.items()),
)


def counts(store_id: int, received_days: int, now: datetime) -> dict[str, int]:
    """Return how many sales need somebody for each reason, and as "all" for any; each to 100 at most."""
    return dict(rows_of(_COUNTS, _values(store_id, received_days, now))[0]._mapping)


def page(
    store_id: int,
    kind: Attention | None,
    *,
    received_days: int,
    now: datetime,
    after: Cursor | None,
    before: Cursor | None,
) -> Slice:
    """Return one page of the sales that need somebody (for this reason), what came up last first.

    Rows of the list of sales, with `sent_at` and for each reason `is_<reason>`.
    """
    how = way(after, before)
    values = _values(store_id, received_days, now) | place(before or after)
    return cut(rows_of(_page(kind, how), values), NEWEST_FIRST, how)


@lru_cache
def _page(kind: Attention | None, how: Way) -> Select[Any]:
    """Return the statement of a page."""
    return along(_ROWS if kind is None else _ROWS.where(SAYS[kind]), NEWEST_FIRST, how)


def _values(store_id: int, received_days: int, now: datetime) -> dict[str, Any]:
    """Return the parameters that the reasons read."""
    return {"store": store_id, "now": now, "waited": now - timedelta(days=received_days)}


_TOLD = (
    select(Event.order_id, Event.after, Event.at)
    .where(
        Event.order_id.in_(bindparam("orders", expanding=True)),
        Event.item_id.is_(None),
        Event.parcel_id.is_(None),
        Event.row_kind.is_(None),
    )
    .order_by(Event.order_id, Event.id)
)


def since(order_ids: Collection[int]) -> dict[tuple[int, str], datetime]:
    """Return since when the flags of these orders stand as they do: (order, flag's name) -> instant."""
    told = rows_of(_TOLD, {"orders": list(order_ids)}) if order_ids else ()
    return {(row.order_id, name): row.at for row in told for name in row.after or {}}
