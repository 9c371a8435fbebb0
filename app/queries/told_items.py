"""Order items as programs are told of them: what their objects show, in one statement of named columns."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select

from app.db import rows_of
from app.models import Address, Buyer, Media, Order, OrderItem, Parcel, ParcelLine
from app.queries.filters import Asked, Condition, Conditions, of_items
from app.queries.sales import KEPT
from app.queries.search import NO_SEARCH
from app.statuses import ItemStatus, ParcelState

PLACE = ("street", "street2", "city", "region", "region_code", "postal_code", "country")


def to(*names: str) -> tuple[Any, ...]:
    """Return columns of where an order goes, each called to_<name>."""
    return tuple(getattr(Address, name).label(f"to_{name}") for name in names)


TO = to("name", "given_name", "family_name", *PLACE, "phone")
# Items that are sold, paid or not: named so that the tally can count them.
SOLD = (
    Condition("not_status", OrderItem.status.not_in, is_list=True),
    (ItemStatus.NOT_SUBMITTED, ItemStatus.VOIDED, ItemStatus.EXPIRED),
)
# Columns of the order and what hangs on it carry its name where an item has one of the same.
COLUMNS = (
    *(c for c in OrderItem.__table__.c if c.key not in {"options", "url", "image", "personalisation"}),
    Order.buyer_id,
    Order.currency,
    Order.postage_method,
    Order.status.label("order_status"),
    Order.placed_at.label("ordered_at"),
    Order.postage_minor.label("order_postage_minor"),
    Order.address_id,
    Buyer.name.label("buyer_name"),
    Buyer.username.label("buyer_username"),
    *TO,
    Parcel.carrier.label("tracking_carrier"),
    Parcel.number.label("tracking_number"),
    Media.id.label("picture_id"),
    Media.url.label("picture_url"),
)

_NEWEST_PARCEL = (
    select(func.max(ParcelLine.parcel_id))
    .join(Parcel, Parcel.id == ParcelLine.parcel_id)
    .where(ParcelLine.item_id == OrderItem.id, Parcel.state != ParcelState.VOIDED.value)
    .correlate(OrderItem)
    .scalar_subquery()
)
NEWEST_FIRST = (OrderItem.placed_at.desc(), OrderItem.id.desc())
ROWS = (
    select(*COLUMNS)
    .join(Order, Order.id == OrderItem.order_id)
    .join(Buyer, Buyer.id == Order.buyer_id)
    .outerjoin(Address, Address.id == Order.address_id)
    .outerjoin(Parcel, Parcel.id == _NEWEST_PARCEL)
    .outerjoin(Media, Media.product_id == OrderItem.product_id)
    .order_by(*NEWEST_FIRST, Media.position, Media.id)
)
_ONE = ROWS.where(OrderItem.store_id == bindparam("store"), OrderItem.id == bindparam("item"))


class Picture(NamedTuple):
    """A picture of a product."""

    id: int
    url: str


class Told(NamedTuple):
    """An item as a program is told of it: a row of COLUMNS, and its product's pictures in their order."""

    row: Any
    pictures: tuple[Picture, ...]


def page(store_id: int, conditions: Conditions, *, start: int, limit: int, only_deals: bool) -> list[Told]:
    """Return items newest first, by offset: for the dialects that page so."""
    statement = _page(conditions.asked, only_deals)
    values = {"store": store_id, "start": start, "limit": limit, **conditions.values}
    return told(rows_of(statement, values))


@lru_cache(KEPT)
def _page(asked: Asked, only_deals: bool) -> Select[Any]:
    """Return the statement of a page: what the offset skips is read from an index alone."""
    ids = select(OrderItem.id)
    if asked.on_orders:
        ids = ids.join(Order, Order.id == OrderItem.order_id)
    ids = ids.where(*of_items(asked, NO_SEARCH, only_deals)).order_by(*NEWEST_FIRST)
    return ROWS.where(OrderItem.id.in_(ids.offset(bindparam("start")).limit(bindparam("limit"))))


def one(store_id: int, item_id: int) -> Told | None:
    """Return an item of this store; None where there is none."""
    return next(iter(told(rows_of(_ONE, {"store": store_id, "item": item_id}))), None)


def told(rows: Iterable[Any]) -> list[Told]:
    """Return the items of these rows, of which each has one for every picture."""
    found = []
    for _, group in groupby(rows, key=lambda row: row.id):
        of_item = list(group)
        pictures = (Picture(row.picture_id, row.picture_url) for row in of_item if row.picture_id)
        found.append(Told(of_item[0], tuple(pictures)))
    return found
