"""A store's parcels as their page lists them, what is in them, and what could go in one parcel."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select, text

from app.db import UtcDateTime, rows_of
from app.models import Address, Buyer, Order, OrderItem, Parcel, ParcelLine
from app.models.orders import HAS_PROBLEM
from app.queries.keyset import Cursor, Slice, Sort, Way, along, cut, place, way
from app.statuses import Delivery, ItemStatus, ParcelState, ProductType

CAP = 100
# So many lines of a buyer's other sales are looked at.
MOST_TOGETHER = 50


class ParcelTab(StrEnum):
    """The tabs of the list of parcels."""

    DRAFTS = "drafts"
    SENT = "sent"
    PROBLEM = "problem"

    @property
    def label(self) -> str:
        """Return the word that the tab shows."""
        return self.value.capitalize()


LEFT = (ParcelState.SHIPPED.value, ParcelState.RECEIVED.value, ParcelState.RETURNED.value)
# Word for word as the partial indexes say it.
IN_PROBLEMS = Parcel.id.in_(
    select(ParcelLine.parcel_id)
    .join(OrderItem, OrderItem.id == ParcelLine.item_id)
    .where(
        OrderItem.order_id.in_(
            select(Order.id).where(Order.store_id == bindparam("store"), text(f"({HAS_PROBLEM})"))
        )
    )
)
TABS: dict[ParcelTab, tuple[ColumnElement[bool], ...]] = {
    ParcelTab.DRAFTS: (Parcel.state == literal_column("'draft'"),),
    ParcelTab.SENT: (Parcel.state.in_(LEFT),),
    ParcelTab.PROBLEM: (Parcel.state.in_(LEFT), IN_PROBLEMS),
}

NEWEST_FIRST = Sort(Parcel.dated_at, True, Parcel.id)
_ROWS = select(
    Parcel.id,
    Parcel.state,
    Parcel.carrier,
    Parcel.number,
    Parcel.url,
    Parcel.dated_at,
    Parcel.shipped_at,
    Parcel.version,
    Buyer.name.label("buyer_name"),
    Buyer.username.label("buyer_username"),
).join(Buyer, Buyer.id == Parcel.buyer_id)
_ROW = _ROWS.where(Parcel.store_id == bindparam("store"), Parcel.id == bindparam("parcel"))


class Wanted(NamedTuple):
    """What the list is narrowed to: a carrier, and the day from `since` to before `until`."""

    carrier: str | None = None
    since: datetime | None = None
    until: datetime | None = None


ALL = Wanted()


def page(
    store_id: int, tab: ParcelTab | None, wanted: Wanted, *, after: Cursor | None, before: Cursor | None
) -> Slice:
    """Return one page of a store's parcels, the newest first: by the day they left, or were made."""
    how = way(after, before)
    statement = _page(tab, wanted.carrier is not None, wanted.since is not None, how)
    return cut(
        rows_of(statement, {"store": store_id, **wanted._asdict(), **place(before or after)}),
        NEWEST_FIRST,
        how,
    )


@lru_cache
def _page(tab: ParcelTab | None, has_carrier: bool, has_day: bool, how: Way) -> Select[Any]:
    """Return the statement of a page."""
    found = _ROWS.where(Parcel.store_id == bindparam("store"), *(TABS[tab] if tab else ()))
    if has_carrier:
        found = found.where(Parcel.carrier == bindparam("carrier"))
    if has_day:
        since, until = (bindparam(name, type_=UtcDateTime()) for name in ("since", "until"))
        found = found.where(Parcel.dated_at >= since, Parcel.dated_at < until)
    return along(found, NEWEST_FIRST, how)


def row(store_id: int, parcel_id: int) -> Any | None:
    """Return one row of the list as it is now; None where the store has none."""
    found = rows_of(_ROW, {"store": store_id, "parcel": parcel_id})
    return found[0] if found else None


def _capped(tab: ParcelTab) -> Any:
    """Return the column that counts a tab, to 100 at most."""
    some = select(Parcel.id).where(Parcel.store_id == bindparam("store"), *TABS[tab]).limit(CAP)
    return select(func.count()).select_from(some.subquery()).scalar_subquery().label(tab.value)


_COUNTS = select(_capped(ParcelTab.DRAFTS), _capped(ParcelTab.PROBLEM))


def counts(store_id: int) -> dict[str, int]:
    """Return how many drafts and parcels with a problem a store has, each to 100 at most."""
    return dict(rows_of(_COUNTS, {"store": store_id})[0]._mapping)


_CONTENTS = (
    select(ParcelLine.parcel_id, ParcelLine.quantity, OrderItem.title, Order.id, Order.number)
    .join(OrderItem, OrderItem.id == ParcelLine.item_id)
    .join(Order, Order.id == OrderItem.order_id)
    .where(ParcelLine.parcel_id.in_(bindparam("parcels", expanding=True)))
    .order_by(ParcelLine.parcel_id, Order.number, OrderItem.position)
)


def contents(parcel_ids: Collection[int]) -> dict[int, list[Any]]:
    """Return what is in these parcels, by parcel: rows of quantity, title, and the order's id and number."""
    inside: dict[int, list[Any]] = {parcel_id: [] for parcel_id in parcel_ids}
    for line in rows_of(_CONTENTS, {"parcels": list(parcel_ids)}) if inside else ():
        inside[line.parcel_id].append(line)
    return inside


_UNDER_WAY = (
    select(OrderItem.order_id, Parcel.id, Parcel.carrier, Parcel.number, Parcel.url)
    .join(ParcelLine, ParcelLine.parcel_id == Parcel.id)
    .join(OrderItem, OrderItem.id == ParcelLine.item_id)
    .where(
        OrderItem.order_id.in_(bindparam("orders", expanding=True)),
        Parcel.state == ParcelState.SHIPPED.value,
    )
    .order_by(Parcel.id)
)


def under_way(order_ids: Collection[int]) -> dict[int, Any]:
    """Return of these orders the newest parcel that is under way, by order."""
    found = rows_of(_UNDER_WAY, {"orders": list(order_ids)}) if order_ids else ()
    return {row.order_id: row for row in found}


class Beside(NamedTuple):
    """Another sale that could go in the same parcel: its goods left, item id -> pieces."""

    id: int
    number: int
    version: int
    left: dict[int, int]


_LEFT = OrderItem.quantity - OrderItem.shipped - OrderItem.cancelled
_BESIDE = (
    select(Order.id, Order.number, Order.version, OrderItem.id.label("item_id"), _LEFT.label("n"))
    .join(Address, Address.id == Order.address_id)
    .join(OrderItem, OrderItem.order_id == Order.id)
    .where(
        # A buyer is one store's own. Named as well, the store would be walked whole by its own index.
        Order.buyer_id == bindparam("buyer"),
        Order.id != bindparam("order"),
        Address.destination_key == bindparam("destination"),
        OrderItem.status == ItemStatus.PENDING_FULFILMENT,
        OrderItem.type.in_((ProductType.REGULAR, ProductType.AUCTION)),
        OrderItem.delivery == Delivery.PHYSICAL.value,
        OrderItem.is_pickup.is_(False),
        _LEFT > 0,
    )
    .order_by(Order.placed_at, Order.id, OrderItem.position)
    .limit(MOST_TOGETHER)
)


def beside(order: Order) -> list[Beside]:
    """Return the other sales of an order's buyer that wait to go to the same address, the oldest first.

    The order comes with its address. Of a sale that the limit cuts, nothing is named.
    """
    if order.address is None:
        return []
    values = {
        "buyer": order.buyer_id,
        "order": order.id,
        "destination": order.address.destination_key,
    }
    lines = rows_of(_BESIDE, values)
    found: dict[int, Beside] = {}
    for line in lines:
        sale = found.setdefault(line.id, Beside(line.id, line.number, line.version, {}))
        sale.left[line.item_id] = line.n
    if len(lines) == MOST_TOGETHER:
        found.popitem()
    return list(found.values())
