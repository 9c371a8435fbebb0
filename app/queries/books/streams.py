"""Rows in the sequence of their ids, for what only the acts' own rules can judge.

Each stream yields rows whose first column is the id of what they belong to, ascending; streams of the same
thing are laid beside each other with `beside`.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from app.models import (
    Account,
    Address,
    Buyer,
    Combined,
    Event,
    Invitation,
    Member,
    Order,
    OrderItem,
    Parcel,
    ParcelLine,
    SearchTerm,
)
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

HEADS = (
    select(
        _ORDER.id,
        _ORDER.store_id,
        _ORDER.placed_at,
        _ORDER.number,
        _ORDER.external_id,
        _ORDER.gateway_code,
        _BUYER.name,
        _BUYER.username,
        _BUYER.email,
        _ADDRESS.name.label("address_name"),
        _ADDRESS.postal_code,
    )
    .join(Buyer.__table__, _BUYER.id == _ORDER.buyer_id)
    .outerjoin(Address.__table__, _ADDRESS.id == _ORDER.address_id)
    .where(_ORDER.heir_id.is_(None))
)
# What went into an order gives it its names.
NAMES = select(Combined.heir_id, _ORDER.number, _ORDER.external_id, _ORDER.gateway_code).join(
    Order.__table__, _ORDER.id == Combined.order_id
)
# A line that went out in two parcels comes twice.
TITLES = (
    select(_ITEM.order_id, _ITEM.title, _ITEM.sku, plain(_ITEM.type), _ITEM.deal_number, _PARCEL.number)
    .outerjoin(ParcelLine.__table__, _INSIDE.item_id == _ITEM.id)
    .outerjoin(Parcel.__table__, _PARCEL.id == _INSIDE.parcel_id)
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
    """Yield what of each order its lines and its payment decide; of those that went into another, nothing."""
    return rows(
        select(
            _ORDER.id,
            _ORDER.store_id,
            plain(_ORDER.payment),
            plain(_ORDER.shipping),
            plain(_ORDER.buyer_payment),
            plain(_ORDER.buyer_shipping),
            _ORDER.is_past,
            _ORDER.sent_at,
            _ORDER.attention_at,
            plain(_ORDER.status),
            _ORDER.desk_state,
            _ORDER.placed_at,
            _ORDER.paid_at,
            _ORDER.ship_by,
        )
        .where(_ORDER.heir_id.is_(None))
        .order_by(_ORDER.id)
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


# Which events are of the order itself, of all that stand in its history.
OF_ORDER = and_(_EVENT.item_id.is_(None), _EVENT.parcel_id.is_(None), _EVENT.row_kind.is_(None))
TOLD = select(
    _EVENT.order_id,
    _EVENT.id,
    _EVENT.item_id,
    _EVENT.parcel_id,
    _EVENT.row_kind,
    _EVENT.row_id,
    _EVENT.store_id,
    _EVENT.act_id,
    _EVENT.before,
    _EVENT.after,
)


def told() -> Iterator[Any]:
    """Yield every event by the order in whose history it stands, the oldest first."""
    of_any_row = func.coalesce(_EVENT.order_id, _EVENT.item_id, _EVENT.parcel_id).is_not(None)
    return rows(TOLD.where(of_any_row).order_by(_EVENT.order_id, _EVENT.id))


def all_told(model: Any, ids: list[int], order_ids: set[int]) -> Iterator[Any]:
    """Yield all that was told of these rows, in the histories of whatever orders, the oldest first.

    `order_ids` are some that tell of them; others that do are of the same buyers.
    """
    buyers = select(_ORDER.buyer_id).where(_ORDER.id.in_(order_ids))
    theirs = _EVENT.order_id.in_(select(_ORDER.id).where(_ORDER.buyer_id.in_(buyers)))
    which = {
        Order: (_EVENT.order_id.in_(ids), OF_ORDER),
        OrderItem: (_EVENT.item_id.in_(ids),),
        Parcel: (_EVENT.parcel_id.in_(ids), theirs),
    }
    beside = (_EVENT.row_kind == model.__tablename__, _EVENT.row_id.in_(ids), theirs)
    return rows(TOLD.where(*which.get(model, beside)).order_by(_EVENT.id))


def present(model: Any, ids: list[int], names: set[str]) -> dict[int, Any]:
    """Return rows of a table by id, as they are, in those of the named columns that there are."""
    table = model.__table__
    columns = [plain(c) for c in table.columns if c.name in names | {"id", "store_id", "order_id"}]
    return {row.id: row for row in rows(select(*columns).where(table.c.id.in_(ids)))}


def inside(parcel_ids: list[int]) -> dict[int, dict[str, int]]:
    """Return what is in these parcels, as the history tells it: item id -> pieces."""
    found: dict[int, dict[str, int]] = {}
    lines = select(_INSIDE.parcel_id, _INSIDE.item_id, _INSIDE.quantity)
    for parcel_id, item_id, n in rows(lines.where(_INSIDE.parcel_id.in_(parcel_ids))):
        found.setdefault(parcel_id, {})[str(item_id)] = n
    return found


def found_by(which: ColumnElement[bool] | None = None) -> tuple[Iterator[Any], ...]:
    """Return what decides by which words orders are found, and those words.

    Four streams by order: order with buyer and address; the names of those that went into it; lines, each
    with the number of its parcel; words, each order's in one text. `which` is a condition on orders; None:
    all of them.
    """
    chosen = select(_ORDER.id).where(which) if which is not None else None
    return tuple(
        rows((found if chosen is None else found.where(order_id.in_(chosen))).order_by(order_id))
        for found, order_id in (
            (HEADS, _ORDER.id),
            (NAMES, Combined.heir_id),
            (TITLES, _ITEM.order_id),
            (WORDS, _TERM.order_id),
        )
    )


def told_numbers(order_id: int) -> set[str]:
    """Return every tracking number that parcels of an order have had, by the history of its buyer's orders.

    A parcel that orders share is told of in one of them.
    """
    buyer = select(_ORDER.buyer_id).where(_ORDER.id == order_id).scalar_subquery()
    told = select(_EVENT.before, _EVENT.after).where(
        _EVENT.order_id.in_(select(_ORDER.id).where(_ORDER.buyer_id == buyer)), _EVENT.parcel_id.is_not(None)
    )
    return {side["number"] for event in rows(told) for side in event if side and side.get("number")}


def told_codes(order_id: int) -> set[str]:
    """Return every transaction code that an order has had, by its history."""
    told = select(_EVENT.before, _EVENT.after).where(_EVENT.order_id == order_id, _EVENT.item_id.is_(None))
    sides = [side for event in rows(told) for side in event if side]
    return {side["gateway_code"] for side in sides if side.get("gateway_code")}


# What the history tells of that hangs on no order: places in stores, invitations to them, people.
OF_PEOPLE: dict[str, Any] = {model.__tablename__: model for model in (Member, Invitation, Account)}


def told_of_people() -> Iterator[Any]:
    """Yield what was told of places, invitations and people, the oldest first."""
    return rows(TOLD.where(_EVENT.row_kind.in_(OF_PEOPLE)).order_by(_EVENT.id))


def people_now() -> Iterator[tuple[tuple[str, int, int | None], Any]]:
    """Yield (kind, id, store) and the row, as it is, of each of these of which something was told."""
    for kind, model in OF_PEOPLE.items():
        table = model.__table__
        row_id = table.c.account_id if model is Member else table.c.id
        ids = select(_EVENT.row_id).where(_EVENT.row_kind == kind)
        for row in rows(select(table).where(row_id.in_(ids))):
            found = row._mapping
            yield (kind, found["account_id" if model is Member else "id"], found.get("store_id")), found
