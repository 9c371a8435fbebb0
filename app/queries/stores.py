"""A store with all that it has set, and what of it can still be set."""

from sqlalchemy import exists, select

from app.db import db
from app.models import Buyer, Order, Store
from app.statuses import Channel

MOST_BUYERS = 50


def one(store_id: int) -> Store:
    """Return a store as it is now."""
    return db.session.get_one(Store, store_id, populate_existing=True)


def has_orders(store_id: int) -> bool:
    """Tell whether a store has had any sale."""
    return bool(db.session.scalar(select(exists().where(Order.store_id == store_id))))


def typed_buyers(store_id: int) -> list[tuple[str, str]]:
    """Return (e-mail, name) of the buyers whose sales were typed in, those that came last first."""
    rows = db.session.execute(
        select(Buyer.email, Buyer.name)
        .where(
            Buyer.store_id == store_id,
            Buyer.channel == Channel.DESK.value,
            Buyer.external_ref.is_not(None),
            Buyer.email.is_not(None),
        )
        .order_by(Buyer.id.desc())
        .limit(MOST_BUYERS)
    )
    return [(email, name) for email, name in rows]
