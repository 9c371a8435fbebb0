"""Taking back what went out on paper only: a parcel is voided, its pieces are to be shipped again."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.access import Actor
from app.actions.ledger import Act
from app.actions.mails import take_back
from app.db import db
from app.errors import ChangedMeanwhile, NotFound, StatusChangeProhibited
from app.models import Order, OrderItem, Parcel
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
        for order in orders_in(act, parcel):
            items = {item.id: item for item in order.items}
            for line in parcel.lines:
                if line.item_id in items and parcel.state == ParcelState.SHIPPED.value:
                    _put_back(act, items[line.item_id], line.quantity)
            take_back(act, order, parcel)
        act.change(parcel, state=ParcelState.VOIDED.value, voided_at=act.at)
        return parcel


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


def _put_back(act: Act, item: OrderItem, n: int) -> None:
    """Count pieces as not shipped; the item waits to be shipped again."""
    if item.status not in BACK or item.returned:
        raise StatusChangeProhibited
    act.change(item, shipped=item.shipped - n, status=BACK[item.status])
