"""Okanjo's Order (reference 1.4), as who bought sees it: its fields, and what may lie in it.

`items`, `buyer`, `seller` and `stores` lie in the order itself; each of our orders has one seller. `media`,
`cause`, `feedback` and `history` lie in each of its items.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from app.api.okanjo.objects import (
    BOUGHT,
    BUYER,
    ORDER,
    ORDER_OF_DONATIONS,
    ORDER_OF_THINGS,
    SELLER,
    STORE,
    PlacedOrder,
    Shape,
    Shown,
    given_json,
    items_json,
)
from app.queries import people, sales, told_purchases
from app.queries.told_items import Told
from app.statuses import ProductType

WITHIN_ITEMS = frozenset({"media", "cause", "feedback", "history"})
ORDERED = Shape(
    ORDER,
    {
        "items": BOUGHT.fields,
        "buyer": BUYER,
        "seller": SELLER,
        "stores": STORE,
        **{name: BOUGHT.embeds[name] for name in WITHIN_ITEMS},
    },
)


def orders_json(rows: Sequence[Any], shown: Shown) -> list[dict[str, object]]:
    """Return the Order objects of these rows of told_purchases, with exactly what is shown."""
    ids = [row.order_id for row in rows]
    names = shown.embeds.keys()
    is_shop_shown = bool({"seller", "stores", "feedback"} & names)
    stores = people.stores_by_id({row.store_id for row in rows}) if is_shop_shown else {}
    items: defaultdict[int, list[dict[str, object]]] = defaultdict(list)
    if "items" in names:
        told = sorted(told_purchases.items_of(ids), key=_place)
        within = Shown(
            shown.embeds["items"], {name: shown.embeds[name] for name in shown.embeds if name in WITHIN_ITEMS}
        )
        for item, value in zip(told, items_json(told, stores, within), strict=True):
            items[item.row.order_id].append(value)
    gifts = _of_donations(ids) if "type" in shown.fields else frozenset()
    found = []
    for row in rows:
        kind = ORDER_OF_DONATIONS if row.order_id in gifts else ORDER_OF_THINGS
        value = given_json(PlacedOrder(row, kind), ORDER, shown.fields)
        for name, inner in shown.embeds.items():
            match name:
                case "items":
                    value[name] = items[row.order_id]
                case "buyer":
                    value[name] = given_json(row, BUYER, inner)
                case "seller":
                    value[name] = given_json(stores[row.store_id], SELLER, inner)
                case "stores":
                    value[name] = [given_json(stores[row.store_id], STORE, inner)]
        found.append(value)
    return found


def _place(item: Told) -> tuple[int, int]:
    """Return where an item stands: in its order, by its place."""
    return item.row.order_id, item.row.position


def _of_donations(order_ids: Sequence[int]) -> frozenset[int]:
    """Return those of these orders that hold nothing but donations."""
    lines = sales.lines_of(order_ids, only_deals=False)
    return frozenset(
        order_id for order_id, of in lines.items() if of and all(x.type == ProductType.DONATION for x in of)
    )
