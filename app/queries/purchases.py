"""Orders as their buyer sees them."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.db import db
from app.models import Buyer, Order, Store
from app.queries import sales

COLUMNS = (
    Order.id,
    Order.number,
    Order.currency,
    Order.total_minor,
    Order.payment,
    Order.status,
    Order.desk_state,
    Order.placed_at,
    Order.is_day_only,
    Store.name.label("store_name"),
    Store.zone,
)


def page(account_id: int, *, after: sales.Cursor | None, before: sales.Cursor | None) -> sales.Slice:
    """Return one page of what this account bought, newest first, at most 25 rows of COLUMNS."""
    rows: Any = (
        select(*COLUMNS)
        .join(Buyer, Buyer.id == Order.buyer_id)
        .join(Store, Store.id == Order.store_id)
        .where(Buyer.account_id == account_id)
    )
    return sales.keyset(rows, sales.SORTS["newest"], Order.id, after=after, before=before)


def one(account_id: int, order_id: int) -> Order | None:
    """Return an order that this account bought, with its lines and address; None where there is none."""
    return db.session.scalar(
        select(Order)
        .join(Buyer, Buyer.id == Order.buyer_id)
        .where(Order.id == order_id, Buyer.account_id == account_id)
        .options(joinedload(Order.buyer), joinedload(Order.address), selectinload(Order.items))
    )
