"""The tally as it is kept, and counted anew from the rows (ledger.standing says what an order adds to it)."""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select

from app.db import db
from app.models import Order, OrderItem, Tally
from app.queries.books.rules import plain
from app.statuses import ProductType

# (store, grain, code) -> how many
Counts = dict[tuple[int, str, str], int]

DEALS = OrderItem.type == ProductType.DEAL
HAS_DEALS = select(OrderItem.id).where(OrderItem.order_id == Order.id, DEALS).exists()


def _grain(grain: str, of: Any, code: Any, *which: ColumnElement[bool]) -> Select[Any]:
    """Return the select that counts one grain of the tally."""
    counted = select(of.store_id, literal(grain), code, func.count())
    return counted.where(*which).group_by(of.store_id, code)


GRAINS: tuple[tuple[Any, Select[Any]], ...] = (
    (Order, _grain("order", Order, Order.desk_state, Order.heir_id.is_(None))),
    (OrderItem, _grain("item", OrderItem, plain(OrderItem.status))),
    (OrderItem, _grain("deal_item", OrderItem, plain(OrderItem.status), DEALS)),
    (Order, _grain("deal_order", Order, Order.desk_state, HAS_DEALS)),
)


def kept(store_id: int | None = None) -> Counts:
    """Return what the tally says, of one store or of all, without its zeros."""
    rows = select(Tally.store_id, Tally.grain, Tally.code, Tally.n).where(Tally.n != 0)
    if store_id is not None:
        rows = rows.where(Tally.store_id == store_id)
    return {(store, grain, code): n for store, grain, code, n in db.session.execute(rows)}


def counted(store_id: int | None = None) -> Counts:
    """Count the rows of one store or of all."""
    found: Counts = {}
    for of, counts in GRAINS:
        rows = counts if store_id is None else counts.where(of.store_id == store_id)
        found.update({(store, grain, str(code)): n for store, grain, code, n in db.session.execute(rows)})
    return found
