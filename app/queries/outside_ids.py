"""Sales by the id that they have outside: at the shop or marketplace where they were made."""

from typing import Any

from sqlalchemy import bindparam, func, select

from app.db import rows_of
from app.models import Order, Store

_ONE = (
    select(Order.id, Order.store_id)
    .join(Store, Store.id == Order.store_id)
    .where(
        func.lower(Store.slug) == bindparam("slug"),
        Order.channel == bindparam("channel"),
        Order.external_id == bindparam("outside_id"),
    )
)


def one(slug: str, channel: str, outside_id: str) -> Any:
    """Return (id, store_id) of the sale with this outside id on a store's channel; None: none has it."""
    if "\0" in slug + outside_id:  # PostgreSQL's texts cannot hold it
        return None
    asked = {"slug": slug.lower(), "channel": channel, "outside_id": outside_id}
    return next(iter(rows_of(_ONE, asked)), None)
