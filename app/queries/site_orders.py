"""Sales as Weebly's orders are told of: a page by offset, one whole, its lines, and what hangs on them."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, literal, null, select, union_all

from app.db import rows_of
from app.models import Address, Buyer, Discount, Event, Order, OrderItem, Payment, Product, TaxLine
from app.queries import counts
from app.queries.filters import Asked, Condition, Conditions, of_orders
from app.queries.sales import KEPT
from app.queries.search import Search, searched
from app.queries.told_items import PLACE, to
from app.statuses import ItemStatus, Kind, ProductType, kind_of

# What a list of orders may be narrowed to, from the first value on and up to just before the second.
ID_FROM = Condition("id_from", lambda first: Order.id >= first)
ID_BEFORE = Condition("id_before", lambda end: Order.id < end)
PLACED_FROM = Condition("placed_from", lambda first: Order.placed_at >= first)
PLACED_BEFORE = Condition("placed_before", lambda end: Order.placed_at < end)

_LISTED = (
    Order.id,
    Order.placed_at,
    Order.currency,
    Order.payment,
    Order.total_minor,
    Buyer.name.label("buyer_name"),
    Buyer.username.label("buyer_username"),
    Address.name.label("to_name"),
)
_NEWEST_EVENT = (
    select(Event.at)
    .where(Event.order_id == Order.id)
    .order_by(Event.id.desc())
    .limit(1)
    .correlate(Order)
    .scalar_subquery()
)
_WHOLE = (
    *_LISTED,
    Order.items_minor,
    Order.postage_minor,
    Order.tax_minor,
    Order.postage_method,
    Order.buyer_note,
    Buyer.email.label("buyer_email"),
    *to("company", *PLACE, "phone", "email"),
    _NEWEST_EVENT.label("updated_at"),
)


def _rows(columns: Sequence[Any]) -> Select[Any]:
    """Return the statement of orders with their buyer and address."""
    return (
        select(*columns)
        .join(Buyer, Buyer.id == Order.buyer_id)
        .outerjoin(Address, Address.id == Order.address_id)
    )


_ROWS = _rows(_LISTED)
_ONE = _rows(_WHOLE).where(Order.store_id == bindparam("store"), Order.id == bindparam("order"))


class Page(NamedTuple):
    """Which part of a list: so many are skipped, so many follow; from the newest or the oldest on."""

    start: int
    limit: int
    is_newest_first: bool


def page(store_id: int, conditions: Conditions, at: Page, *, only_deals: bool) -> tuple[int, Sequence[Any]]:
    """Return how many sales of a store match, and one page of them."""
    search = searched(store_id, conditions.words, only_deals, conditions.sight)
    if search is None:
        return 0, ()
    values = {"store": store_id, **conditions.values, **search.values}
    total = (
        counts.tabs(store_id, only_deals)["all"]
        if conditions.are_empty
        else int(rows_of(_counting(conditions.asked, search.shape, only_deals), values)[0][0])
    )
    if at.start >= total:
        return total, ()
    statement = _page(conditions.asked, search.shape, only_deals, at.is_newest_first)
    return total, rows_of(statement, {**values, "start": at.start, "limit": at.limit})


@lru_cache(KEPT)
def _counting(asked: Asked, search: Search, only_deals: bool) -> Select[Any]:
    """Return the statement that counts sales."""
    return select(func.count(Order.id)).where(*of_orders(asked, search, only_deals))


@lru_cache(KEPT)
def _page(asked: Asked, search: Search, only_deals: bool, is_newest_first: bool) -> Select[Any]:
    """Return the statement of a page: its rows are read for those orders alone that stand in it."""
    order = [c.desc() if is_newest_first else c.asc() for c in (Order.placed_at, Order.id)]
    ids = select(Order.id).where(*of_orders(asked, search, only_deals)).order_by(*order)
    some = ids.offset(bindparam("start")).limit(bindparam("limit"))
    return _ROWS.where(Order.id.in_(some)).order_by(*order)


def one(store_id: int, order_id: int) -> Any:
    """Return a sale of this store; None where there is none."""
    return next(iter(rows_of(_ONE, {"store": store_id, "order": order_id})), None)


class StandingLine(NamedTuple):
    """What the status of an order asks of a line, and what the line came to."""

    status: ItemStatus
    held_from: ItemStatus | None
    shipped: int
    returned: int
    type: ProductType
    delivery: str
    is_pickup: bool
    line_total_minor: int

    @property
    def fulfilled_as(self) -> Kind:
        """Return the row of the law's table that it stands in."""
        return kind_of(self.type, self.delivery, self.is_pickup)


_STANDING = select(OrderItem.order_id, *(getattr(OrderItem, name) for name in StandingLine._fields)).where(
    OrderItem.order_id.in_(bindparam("orders", expanding=True))
)


def standing(order_ids: Sequence[int]) -> dict[int, list[StandingLine]]:
    """Return how the lines of these orders stand."""
    found: dict[int, list[StandingLine]] = {order_id: [] for order_id in order_ids}
    for order_id, *line in rows_of(_STANDING, {"orders": order_ids}) if order_ids else ():
        found[order_id].append(StandingLine(*line))
    return found


_LINES = (
    select(
        *(c for c in OrderItem.__table__.c if c.key not in {"description", "image", "personalisation"}),
        Order.currency,
        Order.paid_at,
        Product.stock,
    )
    .join(Order, Order.id == OrderItem.order_id)
    .outerjoin(Product, Product.id == OrderItem.product_id)
    .where(
        Order.store_id == bindparam("store"),
        Order.id == bindparam("order"),
    )
    .order_by(OrderItem.position)
)


def lines_of(store_id: int, order_id: int) -> Sequence[Any]:
    """Return the lines of a sale of this store, by position; none where there is no such sale.

    Nor where it went into another one: its lines went with it.
    """
    return rows_of(_LINES, {"store": store_id, "order": order_id})


class Charge(NamedTuple):
    """A reduction ("markdown", "coupon", "shipping") or a "tax" of an order, or of one of its lines."""

    kind: str
    id: int
    item_id: int | None
    name: str
    rate: str | None
    amount_minor: int


_CHARGES = union_all(
    select(Discount.kind, Discount.id, Discount.item_id, Discount.code, null(), Discount.amount_minor).where(
        Discount.order_id == bindparam("order")
    ),
    select(
        literal("tax"), TaxLine.id, TaxLine.item_id, TaxLine.name, TaxLine.rate, TaxLine.amount_minor
    ).where(TaxLine.order_id == bindparam("order")),
).subquery()
_CHARGES_OF = select(_CHARGES)


def charges_of(order_id: int) -> dict[int | None, list[Charge]]:
    """Return the reductions and taxes of an order by the line that they are for (None: the whole)."""
    found: defaultdict[int | None, list[Charge]] = defaultdict(list)
    for charge in sorted((Charge(*row) for row in rows_of(_CHARGES_OF, {"order": order_id})), key=_by_id):
        found[charge.item_id].append(charge)
    return found


def _by_id(charge: Charge) -> int:
    """Return where a charge stands among those of its kind."""
    return charge.id


_PAYMENTS = (
    select(
        Payment.id,
        Payment.kind,
        Payment.status,
        Payment.method,
        Payment.amount_minor,
        Payment.currency,
        Payment.code,
        Payment.at,
    )
    .where(Payment.order_id == bindparam("order"))
    .order_by(Payment.id)
)


def payments_of(order_id: int) -> Sequence[Any]:
    """Return the money that moved for an order, oldest first."""
    return rows_of(_PAYMENTS, {"order": order_id})
