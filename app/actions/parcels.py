"""Parcels: pieces leave the house, and the numbers they travel under."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select

from app.access import Actor
from app.actions.drafts import drafts_of, pieces_in, trim_drafts
from app.actions.found_by import tracking_terms
from app.actions.ledger import Act
from app.actions.mails import Mail, owe
from app.db import db
from app.errors import NotFound, Refused, StatusChangeProhibited
from app.models import Address, Order, OrderItem, Parcel, ParcelLine
from app.statuses import ItemStatus, Kind, ParcelState


class Tracking(NamedTuple):
    """What was sent about a parcel's way: None where the field did not come."""

    carrier: str | None = None
    number: str | None = None
    url: str | None = None  # of the carrier's page about it

    @property
    def is_sent(self) -> bool:
        """Tell whether any of it came."""
        return any(field is not None for field in self)


NO_TRACKING = Tracking()


class NothingToShip(Refused):
    """No pieces were named, or none of the lines named can go out."""

    sentence = "Say how many pieces to ship: at least one."


class TooManyPieces(Refused):
    """More pieces were named than are left."""


class ElsewhereBound(Refused):
    """Orders that are to go in one parcel do not go to one buyer at one address."""

    sentence = "One parcel goes to one buyer at one address: these sales differ."


def ship(
    order_id: int,
    pieces: Mapping[int, int],
    *,
    actor: Actor,
    store_id: int,
    tracking: Tracking = NO_TRACKING,
    is_buyer_told: bool = False,
    version: int | None = None,
    at: datetime | None = None,
) -> Parcel:
    """Send pieces of an order's goods (item id -> how many) in one parcel; return the parcel.

    An item with nothing left to ship goes to 3. With `is_buyer_told` the outbox owes the buyer a mail
    once the store's undo window is over. Refuses: no pieces, more than are left, an item that is not
    goods to be shipped (StatusChangeProhibited), a stale version (ChangedMeanwhile).
    """
    with Act("ship", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        parcel = send(act, order, pieces, tracking)
        if is_buyer_told:
            owe(act, order, Mail.SHIPPED, parcel)
        return parcel


def ship_together(
    pieces: Mapping[int, Mapping[int, int]],
    *,
    actor: Actor,
    store_id: int,
    tracking: Tracking = NO_TRACKING,
    is_buyer_told: bool = False,
    versions: Mapping[int, int] | None = None,
    at: datetime | None = None,
) -> Parcel:
    """Send pieces of several orders (order id -> item id -> how many) in one parcel; return the parcel.

    Each order keeps its number, money and history. Refuses what `ship` refuses, and orders that do not go
    to the same buyer at the same address (ElsewhereBound).
    """
    with Act("ship", actor=actor, store_id=store_id, at=at) as act:
        orders = held_for_one_parcel(act, pieces, versions)
        parcel: Parcel | None = None
        for order in orders:
            if parcel is None:
                parcel = send(act, order, pieces[order.id], tracking)
            else:
                _add_to(act, parcel, going_of(order, pieces[order.id]))
            if is_buyer_told:
                owe(act, order, Mail.SHIPPED, parcel)
        assert parcel is not None
        for order in orders[1:]:
            act.index(order, tracking_terms(parcel.number))
        return parcel


def held_for_one_parcel(
    act: Act, order_ids: Iterable[int], versions: Mapping[int, int] | None
) -> list[Order]:
    """Return orders, held by the act, that may go in one parcel; ElsewhereBound where they may not."""
    orders = [act.hold(order_id, (versions or {}).get(order_id)) for order_id in sorted(order_ids)]
    if len({_bound_for(order) for order in orders}) != 1:
        raise ElsewhereBound
    return orders


def _bound_for(order: Order) -> tuple[int, str]:
    """Return to whom and where an order goes."""
    address = db.session.get(Address, order.address_id) if order.address_id else None
    return order.buyer_id, address.destination_key if address else ""


def _add_to(act: Act, parcel: Parcel, going: Mapping[OrderItem, int]) -> None:
    """Put pieces of one more order into a parcel that goes out."""
    for item, n in going.items():
        take_out(act, item, n)
    pack(act, parcel, going)
    trim_drafts(act, going)


def take_out(act: Act, item: OrderItem, n: int) -> None:
    """Count pieces of an item as shipped; nothing left: it is on its way."""
    act.change(item, shipped=item.shipped + n)
    if not item.left:
        act.change(item, status=ItemStatus.PENDING_ACQUISITION)


def send(act: Act, order: Order, pieces: Mapping[int, int], tracking: Tracking) -> Parcel:
    """Ship within an act that holds the order (see `ship`).

    Pieces that have a label go out under it; those that no draft holds leave the drafts alone.
    """
    going = named = going_of(order, pieces)
    drafts = drafts_of(going)
    parcel: Parcel | None = None
    for draft in [] if _are_unlabelled(going, drafts) else drafts:
        inside = {line.item_id for line in draft.lines}
        mine = {i: n for i, n in going.items() if i.id in inside} if not tracking.is_sent else going
        if mine:
            parcel = _fill(act, order, draft, mine, tracking)
            going = {i: n for i, n in going.items() if i not in mine}
    if going:
        parcel = _fill(act, order, None, going, tracking)
    assert parcel is not None
    if drafts:
        trim_drafts(act, named)
    return parcel


def _are_unlabelled(going: Mapping[OrderItem, int], drafts: list[Parcel]) -> bool:
    """Tell whether so many pieces can go out without one that a draft holds."""
    labelled = pieces_in(drafts)
    return all(n <= item.left - labelled[item.id] for item, n in going.items())


def going_of(order: Order, pieces: Mapping[int, int]) -> dict[OrderItem, int]:
    """Return the goods named with their pieces; refuses what cannot go out."""
    if not pieces.keys() <= {i.id for i in order.items}:
        raise NotFound
    going = {i: pieces[i.id] for i in order.items if pieces.get(i.id)}
    if not going or min(going.values()) < 1:
        raise NothingToShip
    for item, n in going.items():
        if not is_to_ship(item):
            raise StatusChangeProhibited
        if n > item.left:
            raise TooManyPieces(f"Only {item.left} of “{item.title}” are left to ship, not {n}.")
    return going


def _fill(
    act: Act, order: Order, draft: Parcel | None, going: Mapping[OrderItem, int], tracking: Tracking
) -> Parcel:
    """Put the pieces into a draft or a new parcel and send it."""
    parcel = draft or new_parcel(act, order, ParcelState.SHIPPED, tracking)
    lines = {line.item_id: line for line in draft.lines} if draft else {}
    was = {item_id: line.quantity for item_id, line in lines.items()}
    act.pack(parcel, {**dict.fromkeys(was, 0), **{item.id: n for item, n in going.items()}}, was)
    for item, n in going.items():
        take_out(act, item, n)
        if item.id in lines:
            lines.pop(item.id).quantity = n
        else:
            db.session.add(
                ParcelLine(parcel_id=parcel.id, item_id=item.id, store_id=order.store_id, quantity=n)
            )
    for line in lines.values():  # the draft's other items stay to be shipped
        db.session.delete(line)
    act.change(parcel, state=ParcelState.SHIPPED.value, shipped_at=act.at, dated_at=act.at)
    write_label(act, carried_by(parcel, order) if draft else [order], parcel, tracking)
    return parcel


def new_parcel(act: Act, order: Order, state: ParcelState, tracking: Tracking = NO_TRACKING) -> Parcel:
    """Make an empty parcel of the order's buyer: what is known of it is written at once, with its row."""
    parcel = Parcel(
        store_id=order.store_id,
        buyer_id=order.buyer_id,
        state=state.value,
        created_at=act.at,
        shipped_at=act.at if state is ParcelState.SHIPPED else None,
        dated_at=act.at,
        carrier=tracking.carrier or "",
        number=tracking.number or "",
        url=tracking.url,
    )
    act.add(parcel)
    return parcel


def write_label(act: Act, orders: Iterable[Order], parcel: Parcel, tracking: Tracking) -> None:
    """Write what came about its way on the parcel, and let the orders in it be found by the number.

    A number alone takes the place of a page's address: what was said last is what is shown.
    """
    if tracking.carrier is not None:
        act.change(parcel, carrier=tracking.carrier)
    if tracking.number is not None:
        act.change(parcel, number=tracking.number, url=None)
        for order in orders:
            act.index(order, tracking_terms(tracking.number))
    if tracking.url is not None:
        act.change(parcel, url=tracking.url)


def carried_by(parcel: Parcel, order: Order) -> Iterator[Order]:
    """Yield an order and, read when they are asked for, the others that a parcel carries goods of."""
    yield order
    yield from db.session.scalars(_OTHERS, {"parcel": parcel.id, "order": order.id}).all()


# The other orders that a parcel carries goods of.
_OTHERS = (
    select(Order)
    .join(OrderItem, OrderItem.order_id == Order.id)
    .join(ParcelLine, ParcelLine.item_id == OrderItem.id)
    .where(ParcelLine.parcel_id == bindparam("parcel"), Order.id != bindparam("order"))
    .distinct()
)


def ship_rest(
    order_id: int,
    *,
    actor: Actor,
    store_id: int,
    tracking: Tracking = NO_TRACKING,
    version: int | None = None,
    at: datetime | None = None,
) -> Parcel:
    """Send all that is left to ship of an order; StatusChangeProhibited where nothing can go out."""
    with Act("ship", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        pieces = {item.id: item.left for item in order.items if is_to_ship(item)}
        if not pieces:
            raise StatusChangeProhibited
        return send(act, order, pieces, tracking)


def pack(act: Act, parcel: Parcel, going: Mapping[OrderItem, int]) -> None:
    """Write what is put into a parcel that is new in this act."""
    act.pack(parcel, {item.id: n for item, n in going.items()})
    db.session.add_all(
        ParcelLine(parcel_id=parcel.id, item_id=item.id, store_id=parcel.store_id, quantity=n)
        for item, n in going.items()
    )


def is_to_ship(item: OrderItem) -> bool:
    """Tell whether an item is goods that wait to be sent."""
    return item.fulfilled_as is Kind.GOODS and item.status == ItemStatus.PENDING_FULFILMENT
