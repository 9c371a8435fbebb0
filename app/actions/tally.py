"""What an order adds to the tally, and how the tally follows: the last statements of every act."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import text

from app.db import db
from app.models import Order, OrderItem
from app.statuses import ProductType

# Both databases understand these; SQLAlchemy would compile its own ON CONFLICT anew each time. A fall is an
# UPDATE: as an insert of less than nothing it would break the table's rule before it met its row.
RISE = text(
    "INSERT INTO tally (store_id, grain, code, n) VALUES (:store_id, :grain, :code, :n)"
    " ON CONFLICT (store_id, grain, code) DO UPDATE SET n = tally.n + excluded.n"
)
FALL = text("UPDATE tally SET n = n + :n WHERE store_id = :store_id AND grain = :grain AND code = :code")


def standing(order: Order, items: Iterable[OrderItem]) -> Counter[tuple[str, str]]:
    """Return what an order adds to the tally: itself by tab, its lines by status, deals apart as well."""
    stands = Counter({("order", str(order.desk_state)): 1})
    for item in items:
        code = str(int(item.status))
        stands["item", code] += 1
        if item.type == ProductType.DEAL:
            stands["deal_item", code] += 1
            stands["deal_order", str(order.desk_state)] = 1
    return stands


def keep_tally(store_id: int, changes: Counter[tuple[str, str]]) -> None:
    """Add these differences to the tally, in the order of its key, as the last statements of an act."""
    rows = [
        (n, {"store_id": store_id, "grain": grain, "code": code, "n": n})
        for (grain, code), n in sorted(changes.items())
    ]
    if rises := [row for n, row in rows if n > 0]:
        db.session.execute(RISE, rises)
    if falls := [row for n, row in rows if n < 0]:
        db.session.execute(FALL, falls)
