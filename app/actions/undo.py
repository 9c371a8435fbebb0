"""Taking back what went out on paper only: a parcel is voided, its pieces are to be shipped again."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.access import Actor
from app.actions.ledger import Act
from app.actions.mails import take_back
from app.db import db
from app.errors import ChangedMeanwhile, NotFound, StatusChangeProhibited
from app.models import Order, OrderItem, Parcel, ParcelLine
from app.statuses import ItemStatus, ParcelState

_S = ItemStatus
BACK = {_S.PENDING_ACQUISITION: _S.PENDING_FULFILMENT, _S.PENDING_FULFILMENT: _S.PENDING_FULFILMENT}


def void_parcel(
    parcel_id: int, *, actor: Actor, store_id: int, version: int | None = None, at: datetime | None = None
) -> Parcel:
    """Void a parcel: its pieces are to ship again, in every order that it carries; return the parcel.

    StatusChangeProhibited once anything in it was received, came back or is disputed, or where it is voided
    already: of two who undo it, one does. ChangedMeanwhile where it is not the version of the parcel seen.
    """
    with Act("void", actor=actor, store_id=store_id, at=at) as act:
        parcel = held_parcel(parcel_id, store_id)
        if parcel.state not in {ParcelState.SHIPPED.value, ParcelState.DRAFT.value}:
            raise StatusChangeProhibited
        if version is not None and parcel.version != version:
            raise ChangedMeanwhile
        _take_back(act, parcel, orders_in(act, parcel))
        return parcel


def void_latest(
    order_id: int, *, actor: Actor, store_id: int, version: int | None = None, at: datetime | None = None
) -> Order:
    """Void those parcels of an order that may still be undone (Hip's flag_shipping 0); return the order.

    Within the store's undo window, and nothing in them received or held; none such: StatusChangeProhibited.
    """
    with Act("void", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        lines = select(ParcelLine.parcel_id).where(ParcelLine.item_id.in_([item.id for item in order.items]))
        ids = select(Parcel.id).where(Parcel.id.in_(lines), Parcel.state == ParcelState.SHIPPED.value)
        is_done = False
        for parcel_id in db.session.scalars(ids.order_by(Parcel.id)).all():
            parcel = held_parcel(parcel_id, store_id)
            orders = orders_in(act, parcel)
            if may_be_undone(parcel, act.store.undo_minutes, act.at) and _can_go_back(parcel, orders):
                _take_back(act, parcel, orders)
                is_done = True
        if not is_done:
            raise StatusChangeProhibited
        return order


def may_be_undone(parcel: Parcel, undo_minutes: int, now: datetime) -> bool:
    """Tell whether a parcel left so lately that nobody was told of it yet (the store's undo window)."""
    if parcel.state != ParcelState.SHIPPED.value or parcel.shipped_at is None:
        return False
    return now < parcel.shipped_at + timedelta(minutes=undo_minutes)


def held_parcel(parcel_id: int, store_id: int) -> Parcel:
    """Return a parcel of this store as it is now, with its lines; NotFound where there is none."""
    parcel = db.session.scalar(
        select(Parcel)
        .where(Parcel.id == parcel_id, Parcel.store_id == store_id)
        .options(selectinload(Parcel.lines))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if parcel is None:
        raise NotFound
    return parcel


def orders_in(act: Act, parcel: Parcel) -> list[Order]:
    """Return the orders that a parcel carries pieces of, held by the act."""
    ids = [line.item_id for line in parcel.lines]
    found = select(OrderItem.order_id).where(OrderItem.id.in_(ids)).distinct()
    return [act.hold(order_id) for order_id in sorted(db.session.scalars(found))]


def _can_go_back(parcel: Parcel, orders: Iterable[Order]) -> bool:
    """Tell whether all that is in a parcel that left can wait to be shipped again."""
    inside = {line.item_id for line in parcel.lines}
    items = (item for order in orders for item in order.items if item.id in inside)
    return all(item.status in BACK and not item.returned for item in items)


def _take_back(act: Act, parcel: Parcel, orders: Iterable[Order]) -> None:
    """Void a parcel, and count its pieces as not shipped where it had left; refuses before it changes."""
    if parcel.state == ParcelState.SHIPPED.value and not _can_go_back(parcel, orders):
        raise StatusChangeProhibited
    for order in orders:
        items = {item.id: item for item in order.items}
        for line in parcel.lines:
            if line.item_id in items and parcel.state == ParcelState.SHIPPED.value:
                item = items[line.item_id]
                act.change(item, shipped=item.shipped - line.quantity, status=BACK[item.status])
        take_back(act, order, parcel)
    act.change(parcel, state=ParcelState.VOIDED.value, voided_at=act.at)
