"""What every act asks of the database, built once: the rows that it locks, and the words of an order."""

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import joinedload

from app.db import Base, UtcDateTime
from app.models import Order, Store

FIND = text(
    "INSERT INTO search_term (store_id, term, placed_at, order_id)"
    " VALUES (:store_id, :term, :placed_at, :order_id) ON CONFLICT DO NOTHING"
).bindparams(bindparam("placed_at", type_=UtcDateTime()))

# The store is locked before an order is read, so its lines, which come
# along unlocked, are no older than the order.
STORES = Base.metadata.tables["store"]
LOCKED_STORE = (
    select(Store)
    .where(Store.id == bindparam("store"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
LOCKED_ORDER = (
    select(Order)
    .where(Order.id == bindparam("order"), Order.store_id == bindparam("store"))
    .options(joinedload(Order.items))
    .with_for_update(of=Order)
    .execution_options(populate_existing=True)
)
REVISE = update(STORES).where(STORES.c.id == bindparam("store")).values(revision=STORES.c.revision + 1)
