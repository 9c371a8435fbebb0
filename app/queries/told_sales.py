"""Sales as programs are told of them: what their objects show, in statements of named columns.

A page is found by offset on an index, for the dialects that page so; then come its rows, their lines, and
what went into them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select

from app.db import UtcDateTime, rows_of
from app.models import Address, Buyer, Combined, Order, OrderItem, Parcel, ParcelLine, Store
from app.queries.filters import Asked, Condition, Conditions, of_orders
from app.queries.sales import KEPT
from app.queries.search import NO_SEARCH
from app.queries.sight import ALL, Sight
from app.queries.told_items import PLACE, to
from app.statuses import DeskState, ParcelState, Payment, ProductType, Shipping

# What a list of sales may be narrowed to by the flags of its sales, and the values of these conditions. An
# unpaid sale is one that is alive: what is cancelled or runs out before it is paid has a flag of its own.
UNPAID = (Condition("unpaid", lambda state: Order.desk_state == state), DeskState.UNPAID.value)
PAID = (Condition("paid", lambda unpaid: Order.payment != unpaid), Payment.UNPAID)
SETTLED = (
    Condition("settled", Order.payment.in_, is_list=True),
    (Payment.PAID, Payment.PAID_PAYPAL, Payment.ON_ARRIVAL),
)
NOT_SENT = (Condition("not_sent", lambda waits: Order.shipping == waits), Shipping.PROCESSING)
SENT = (Condition("sent", lambda sent: Order.shipping == sent), Shipping.SHIPPED)
PAID_WITH = Condition("paid_with", lambda code: Order.gateway_code == code)

COLUMNS = (
    Order.id,
    Order.number,
    Order.store_id,
    Order.buyer_id,
    Order.address_id,
    Order.heir_id,
    Order.currency,
    Order.items_minor,
    Order.discount_minor,
    Order.postage_minor,
    Order.tax_minor,
    Order.adjustment_minor,
    Order.total_minor,
    Order.payment,
    Order.shipping,
    Order.buyer_payment,
    Order.buyer_shipping,
    Order.postage_method,
    Order.placed_at,
    Buyer.account_id,
    Buyer.name.label("buyer_name"),
    Buyer.username.label("buyer_username"),
    Buyer.email.label("buyer_email"),
    Store.slug,
    Store.mail_from,
    Store.zone,
    *to("name", "given_name", "family_name", *PLACE),
    Parcel.number.label("tracking_number"),
    Parcel.url.label("tracking_url"),
)
LINE_COLUMNS = (
    OrderItem.id,
    OrderItem.order_id,
    OrderItem.product_id,
    OrderItem.title,
    OrderItem.sku,
    OrderItem.type,
    OrderItem.quantity,
    OrderItem.price_minor,
    OrderItem.sale_price_minor,
    OrderItem.line_total_minor,
)

_NEWEST_PARCEL = (
    select(func.max(ParcelLine.parcel_id))
    .join(OrderItem, OrderItem.id == ParcelLine.item_id)
    .join(Parcel, Parcel.id == ParcelLine.parcel_id)
    .where(OrderItem.order_id == Order.id, Parcel.state != ParcelState.VOIDED.value)
    .correlate(Order)
    .scalar_subquery()
)
_ROWS = (
    select(*COLUMNS)
    .join(Buyer, Buyer.id == Order.buyer_id)
    .join(Store, Store.id == Order.store_id)
    .outerjoin(Address, Address.id == Order.address_id)
    .outerjoin(Parcel, Parcel.id == _NEWEST_PARCEL)
)
_ONE = _ROWS.where(Order.id == bindparam("order"))
_LINES = (
    select(*LINE_COLUMNS)
    .where(OrderItem.order_id.in_(bindparam("orders", expanding=True)))
    .order_by(OrderItem.order_id, OrderItem.position)
)
_DEALS = _LINES.where(OrderItem.type == ProductType.DEAL)
_ABSORBED = (
    select(Combined.heir_id, Combined.order_id)
    .where(Combined.heir_id.in_(bindparam("orders", expanding=True)))
    .order_by(Combined.order_id)
)
_BUYERS = select(Buyer.id, Buyer.store_id, Store.zone).join(Store, Store.id == Buyer.store_id)
_BUYERS_OF = _BUYERS.where(Buyer.account_id == bindparam("account")).order_by(Buyer.id)


class Told(NamedTuple):
    """A sale as a program is told of it: a row of COLUMNS, its lines, and the ids of what went into it.

    `only_deals`: who asks sees its deals alone; `sight`: what of it else.
    """

    row: Any
    lines: Sequence[Any]
    absorbed: Sequence[int]
    only_deals: bool = False
    sight: Sight = ALL

    @property
    def id(self) -> int:
        """Return the sale's id."""
        return int(self.row.id)

    @property
    def number(self) -> int:
        """Return the sale's number."""
        return int(self.row.number)

    @property
    def heir_id(self) -> int | None:
        """Return the sale that it went into; None where it lives."""
        return self.row.heir_id  # type: ignore[no-any-return]


class Page(NamedTuple):
    """Which part of a list: so many are skipped, so many follow; from the newest or the oldest on."""

    start: int
    limit: int
    is_newest_first: bool = True

    @property
    def values(self) -> dict[str, int]:
        """Return the parameters of a page's statement."""
        return {"start": self.start, "limit": self.limit}


class Window(NamedTuple):
    """From when until just before when, for the stores of a time zone."""

    zone: str
    begin: datetime
    end: datetime


def page(store_id: int, conditions: Conditions, at: Page, *, only_deals: bool) -> list[Told]:
    """Return a page of a store's sales."""
    statement = _page(conditions.asked, only_deals, at.is_newest_first)
    return _told(rows_of(statement, {"store": store_id, **conditions.values, **at.values}), only_deals)


@lru_cache(KEPT)
def _page(asked: Asked, only_deals: bool, is_newest_first: bool) -> Select[Any]:
    """Return the statement of a page: what the offset skips is read from an index alone."""
    return _of(of_orders(asked, NO_SEARCH, only_deals), is_newest_first)


def _of(conditions: Sequence[ColumnElement[bool]], is_newest_first: bool) -> Select[Any]:
    """Return the statement of the rows that a page of these has."""
    columns = (Order.placed_at, Order.id)
    order = [c.desc() if is_newest_first else c.asc() for c in columns]
    ids = select(Order.id).where(*conditions).order_by(*order)
    return _ROWS.where(Order.id.in_(ids.offset(bindparam("start")).limit(bindparam("limit")))).order_by(
        *order
    )


def one(order_id: int) -> Told | None:
    """Return a sale of any store, or what is left of it where it went into another; None for no such."""
    return next(iter(_told(rows_of(_ONE, {"order": order_id}), only_deals=False)), None)


def deals_of(told: Told) -> Told:
    """Return a sale as somebody sees it who sees deals alone."""
    return told._replace(lines=[x for x in told.lines if x.type == ProductType.DEAL], only_deals=True)


def _told(rows: Sequence[Any], only_deals: bool) -> list[Told]:
    """Return the sales of these rows, with their lines and what went into them."""
    if not rows:
        return []
    orders = {"orders": [row.id for row in rows]}
    lines = _by_order(rows_of(_DEALS if only_deals else _LINES, orders), "order_id")
    absorbed = _by_order(rows_of(_ABSORBED, orders), "heir_id")
    return [Told(row, lines[row.id], [one.order_id for one in absorbed[row.id]], only_deals) for row in rows]


def _by_order(rows: Sequence[Any], key: str) -> Mapping[int, list[Any]]:
    """Return these rows by the order that they name, each group in the order it came."""
    groups: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return groups


def buyers_of(account_id: int) -> Sequence[Any]:
    """Return whom the stores know an account as: id, store, and the store's time zone."""
    return rows_of(_BUYERS_OF, {"account": account_id})


class Purchases:
    """What these buyers bought: alive, in these windows of time (none: whenever), and as asked for."""

    def __init__(
        self, buyer_ids: Sequence[int], conditions: Conditions, windows: Sequence[Window] = ()
    ) -> None:
        self._shape = (conditions.asked, len(windows))
        self._values: dict[str, Any] = {"buyers": buyer_ids, **conditions.values}
        for n, window in enumerate(windows):
            self._values |= {f"zone{n}": window.zone, f"begin{n}": window.begin, f"end{n}": window.end}

    def count(self) -> int:
        """Return how many there are."""
        return int(rows_of(_counting_purchases(*self._shape), self._values)[0][0])

    def page(self, at: Page) -> list[Told]:
        """Return a page of them."""
        statement = _page_of_purchases(*self._shape, at.is_newest_first)
        return _told(rows_of(statement, {**self._values, **at.values}), only_deals=False)


def _purchased(asked: Asked, windows: int) -> list[ColumnElement[bool]]:
    """Return the conditions of a list of purchases."""
    found = [
        Order.buyer_id.in_(bindparam("buyers", expanding=True)),
        Order.heir_id.is_(None),
        *asked.of_orders,
    ]
    return [*found, or_(*map(_within, range(windows)))] if windows else found


def _within(n: int) -> ColumnElement[bool]:
    """Return the condition that an order lies in a window: in one of its zone's stores, and its time."""
    stores = select(Store.id).where(Store.zone == bindparam(f"zone{n}"))
    begin, end = (bindparam(f"{name}{n}", type_=UtcDateTime()) for name in ("begin", "end"))
    return and_(Order.store_id.in_(stores), Order.placed_at >= begin, Order.placed_at < end)


@lru_cache(KEPT)
def _counting_purchases(asked: Asked, windows: int) -> Select[Any]:
    """Return the statement that counts purchases."""
    return select(func.count(Order.id)).where(*_purchased(asked, windows))


@lru_cache(KEPT)
def _page_of_purchases(asked: Asked, windows: int, is_newest_first: bool) -> Select[Any]:
    """Return the statement of a page of purchases."""
    return _of(_purchased(asked, windows), is_newest_first)
