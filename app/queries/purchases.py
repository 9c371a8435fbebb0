"""Orders as their buyer sees them."""

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload, selectinload

from app.db import db, rows_of
from app.models import Buyer, Order, Store
from app.queries import sales
from app.queries.keyset import Cursor, Slice, Way, along, cut, place, way

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


_ROWS = (
    select(*COLUMNS)
    .join(Buyer, Buyer.id == Order.buyer_id)
    .join(Store, Store.id == Order.store_id)
    .where(Buyer.account_id == bindparam("account"))
)
_PAGES = {how: along(_ROWS, sales.SORTS["newest"], how) for how in Way}


def page(account_id: int, *, after: Cursor | None, before: Cursor | None) -> Slice:
    """Return one page of what this account bought, newest first, at most 25 rows of COLUMNS."""
    how = way(after, before)
    found = rows_of(_PAGES[how], {"account": account_id, **place(before or after)})
    return cut(found, sales.SORTS["newest"], how)


def one(account_id: int, order_id: int) -> Order | None:
    """Return an order that this account bought, with its lines and address; None where there is none."""
    return db.session.scalar(
        select(Order)
        .join(Buyer, Buyer.id == Order.buyer_id)
        .where(Order.id == order_id, Buyer.account_id == account_id)
        .options(joinedload(Order.buyer), joinedload(Order.address), selectinload(Order.items))
    )
