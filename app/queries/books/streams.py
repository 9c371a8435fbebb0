"""Rows in the sequence of their ids, for what only the acts' own rules can judge.

Each stream yields rows whose first column is the id of what they belong to, ascending; streams of the same
thing are laid beside each other with `beside`.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import JSON, ColumnElement, Text, func, select

from app.models import Address, Buyer, Event, Order, OrderItem, Parcel, ParcelLine, SearchTerm
from app.queries.books.rules import plain, rows

_FIRST = itemgetter(0)
# Tables, not models: a million rows are read in half the time.
_ORDER: Any = Order.__table__.c
_ITEM: Any = OrderItem.__table__.c
_PARCEL: Any = Parcel.__table__.c
_INSIDE: Any = ParcelLine.__table__.c
_EVENT: Any = Event.__table__.c
_BUYER: Any = Buyer.__table__.c
_ADDRESS: Any = Address.__table__.c
_TERM: Any = SearchTerm.__table__.c
# What the history tells of each kind of row is keyed by this column of it.
TOLD_BY: dict[Any, Any] = {Order: _EVENT.order_id, OrderItem: _EVENT.item_id, Parcel: _EVENT.parcel_id}

HEADS = (
    select(
        _ORDER.id,
        _ORDER.store_id,
        _ORDER.placed_at,
        _ORDER.number,
        _ORDER.external_id,
        _BUYER.name,
        _BUYER.username,
        _BUYER.email,
        _ADDRESS.name.label("address_name"),
        _ADDRESS.postal_code,
    )
    .join(Buyer.__table__, _BUYER.id == _ORDER.buyer_id)
    .outerjoin(Address.__table__, _ADDRESS.id == _ORDER.address_id)
)
TITLES = select(_ITEM.order_id, _ITEM.title, _ITEM.sku)
NUMBERS = (
    select(_ITEM.order_id, _PARCEL.number)
    .join(ParcelLine.__table__, _INSIDE.item_id == _ITEM.id)
    .join(Parcel.__table__, _PARCEL.id == _INSIDE.parcel_id)
    .where(_PARCEL.number != "")
)
WORDS = select(
    _TERM.order_id,
    func.aggregate_strings(_TERM.term, " ").label("terms"),
    func.min(_TERM.store_id).label("first_store"),
    func.max(_TERM.store_id).label("last_store"),
    func.min(_TERM.placed_at).label("first_at"),
    func.max(_TERM.placed_at).label("last_at"),
).group_by(_TERM.order_id)


def beside(heads: Iterable[Any], *others: Iterable[Any]) -> Iterator[tuple[int, list[list[Any]]]]:
    """Yield (id, the rows of each stream that have it) for every id that any of them has, ascending."""
    groups = [groupby(stream, key=_FIRST) for stream in (heads, *others)]
    # What a group yields is gone once the next one is asked for: it is read at once.
    ready = [_next(group) for group in groups]
    while any(ready):
        key = min(pair[0] for pair in ready if pair)
        found: list[list[Any]] = []
        for n, pair in enumerate(ready):
            if pair and pair[0] == key:
                found.append(pair[1])
                ready[n] = _next(groups[n])
            else:
                found.append([])
        yield key, found


def _next(groups: Iterator[tuple[int, Iterator[Any]]]) -> tuple[int, list[Any]] | None:
    """Return the next id with its rows; None where there is no more."""
    for key, members in groups:
        return key, list(members)
    return None


def orders() -> Iterator[Any]:
    """Yield what of each order its lines and its payment decide."""
    return rows(
        select(
            _ORDER.id,
            _ORDER.store_id,
            plain(_ORDER.payment),
            plain(_ORDER.shipping),
            plain(_ORDER.status),
            _ORDER.desk_state,
            _ORDER.placed_at,
            _ORDER.paid_at,
            _ORDER.ship_by,
        ).order_by(_ORDER.id)
    )


def lines() -> Iterator[Any]:
    """Yield what of each line decides about its order, by order."""
    return rows(
        select(
            _ITEM.order_id,
            _ITEM.id,
            plain(_ITEM.type),
            _ITEM.delivery,
            _ITEM.is_pickup,
            plain(_ITEM.status),
            _ITEM.quantity,
            _ITEM.shipped,
            _ITEM.cancelled,
        ).order_by(_ITEM.order_id, _ITEM.position)
    )


def short_columns(model: Any) -> list[Any]:
    """Return the columns of a table but for long texts, of which the history keeps none."""
    return [plain(c) for c in model.__table__.columns if not isinstance(c.type, Text | JSON)]


def present(model: Any) -> Iterator[Any]:
    """Yield the rows of a table as they are, in their short columns."""
    return rows(select(*short_columns(model)).order_by(model.__table__.c.id))


def told(model: Any) -> Iterator[Any]:
    """Yield the events of every row of a table: (id of the row, event ...), by row, the oldest first."""
    key = TOLD_BY[model]
    found = select(
        key, _EVENT.id, _EVENT.act_id, _EVENT.store_id, _EVENT.order_id, _EVENT.before, _EVENT.after
    )
    if model is Order:
        found = found.where(_EVENT.item_id.is_(None), _EVENT.parcel_id.is_(None))
    return rows(found.where(key.is_not(None)).order_by(key, _EVENT.id))


def found_by(which: ColumnElement[bool] | None = None) -> tuple[Iterator[Any], ...]:
    """Return what decides by which words orders are found, and those words.

    Four streams by order: order with buyer and address; lines; tracking numbers; words, each order's in
    one text. `which` is a condition on orders; None: all of them.
    """
    streams = ((HEADS, _ORDER.id), (TITLES, _ITEM.order_id), (NUMBERS, _ITEM.order_id))
    ids = select(_ORDER.id).where(which) if which is not None else None
    return tuple(
        rows((found if ids is None else found.where(order_id.in_(ids))).order_by(order_id))
        for found, order_id in (*streams, (WORDS, _TERM.order_id))
    )


def told_numbers(order_id: int) -> set[str]:
    """Return every tracking number that parcels of an order have had, by its history."""
    told = select(_EVENT.before, _EVENT.after).where(
        _EVENT.order_id == order_id, _EVENT.parcel_id.is_not(None)
    )
    return {side["number"] for event in rows(told) for side in event if side and side.get("number")}
