"""How many: exact from the tally, counted on an index where a filter is asked, capped where long."""

from datetime import datetime

from sqlalchemy import func, select

from app.db import db
from app.models import Order, OrderItem, Tally
from app.queries.filters import Conditions, of_items
from app.statuses import DeskState

LATE_CAP = 100


def tabs(store_id: int, only_deals: bool) -> dict[str, int]:
    """Return how many sales stand in each tab, and in all of them as "all"; one statement."""
    grain = "deal_order" if only_deals else "order"
    found = dict(
        db.session.execute(
            select(Tally.code, Tally.n).where(Tally.store_id == store_id, Tally.grain == grain)
        )
        .tuples()
        .all()
    )
    counts = {state.value: found.get(state.value, 0) for state in DeskState}
    return {"all": sum(counts.values()), **counts}


def late(store_id: int, now: datetime) -> int:
    """Return how many sales are past their ship-by date, counted to 100 at most."""
    rows = select(Order.id).where(Order.store_id == store_id, Order.ship_by < now).limit(LATE_CAP).subquery()
    return db.session.scalar(select(func.count()).select_from(rows)) or 0


def items(store_id: int, asked: Conditions, only_deals: bool) -> int:
    """Return how many items match: from the tally where nothing is asked, else counted."""
    if asked.are_empty:
        grain = "deal_item" if only_deals else "item"
        return int(
            db.session.scalar(
                select(func.coalesce(func.sum(Tally.n), 0)).where(
                    Tally.store_id == store_id, Tally.grain == grain
                )
            )
            or 0
        )
    found = select(func.count(OrderItem.id))
    if asked.need_orders:
        found = found.join(Order, Order.id == OrderItem.order_id)
    return db.session.scalar(found.where(*of_items(store_id, asked, only_deals))) or 0


def tabs_of_all() -> dict[int, dict[str, int]]:
    """Return for every store how many of its sales stand in each tab."""
    found: dict[int, dict[str, int]] = {}
    for store_id, code, n in db.session.execute(
        select(Tally.store_id, Tally.code, Tally.n).where(Tally.grain == "order")
    ):
        found.setdefault(store_id, {})[code] = n
    return found
