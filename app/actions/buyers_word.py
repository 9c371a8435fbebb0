"""What buyers say of their purchases: paid, received, how it was."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select

from app.access import Actor
from app.actions.ledger import Act
from app.db import db
from app.errors import NotFound, Refused, StatusChangeProhibited
from app.models import Feedback, Order, OrderItem, Parcel, ParcelLine
from app.statuses import DEAD, DONE, BuyerShipping, ItemStatus, Kind, ParcelState, Payment

# What a buyer may say of the payment (law 2: flag_buyer_payment).
BUYER_PAYS = frozenset({Payment.UNPAID, Payment.PAID, Payment.ON_ARRIVAL})
LONGEST_FEEDBACK = 140
# What arrives at a buyer, and can be received.
ARRIVING = frozenset({Kind.GOODS, Kind.PICKUP})


class AlreadySaid(Refused):
    """Feedback on this line was given: one a line and direction."""

    status = 409
    sentence = "This was said already: there is one feedback a line."


def say_paid(
    order_id: int,
    code: Payment,
    *,
    actor: Actor,
    store_id: int,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """Note the buyer's word on the payment: not paid, paid, pays on arrival."""
    with Act("say_paid", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        if code not in BUYER_PAYS or order.payment in {Payment.CANCELED, Payment.REFUNDED}:
            raise StatusChangeProhibited
        act.change(order, buyer_payment=code)
        return order


def say_waiting(
    order_id: int, *, actor: Actor, store_id: int, version: int | None = None, at: datetime | None = None
) -> Order:
    """Take the buyer's word of a problem back: they wait, as before.

    The store's own mark of a problem, and what it holds, are for the store to resolve. What was received
    stays received (StatusChangeProhibited).
    """
    with Act("say_waiting", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        if order.buyer_shipping == BuyerShipping.RECEIVED:
            raise StatusChangeProhibited
        act.change(order, buyer_shipping=BuyerShipping.WAITING)
        return order


def is_receivable(item: OrderItem) -> bool:
    """Tell whether a buyer may say that an item is there (law 1: item in 3; or pickup in 2)."""
    if item.status == ItemStatus.PENDING_ACQUISITION:
        return True
    return item.fulfilled_as is Kind.PICKUP and item.status == ItemStatus.PENDING_FULFILMENT


def receive(
    order_id: int,
    items: Collection[int] | None = None,
    *,
    actor: Actor,
    store_id: int,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """Note that a buyer has these lines (None: every line that can be received): they are complete (4).

    Without lines it is said of the order as a whole (Hip's flag_buyer_shipping 1); with lines the flag
    follows once nothing is to come. A problem that stands is the store's to answer: its flag stays.
    StatusChangeProhibited where a line named cannot be received, or none can.
    """
    with Act("receive", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        lines = {item.id: item for item in order.items}
        if items is not None and not set(items) <= lines.keys():
            raise NotFound
        named = [lines[item_id] for item_id in (lines if items is None else items)]
        here = [item for item in named if is_receivable(item)]
        if not here or (items is not None and len(here) < len(named)):
            raise StatusChangeProhibited
        for item in here:
            act.change(item, status=ItemStatus.COMPLETE)
        close_received(act, here)
        if order.buyer_shipping != BuyerShipping.PROBLEM and (items is None or has_all(order)):
            act.change(order, buyer_shipping=BuyerShipping.RECEIVED)
        return order


def has_all(order: Order) -> bool:
    """Tell whether nothing of an order is to come, and its buyer has said of some that it is there."""
    arriving = [i.status for i in order.items if i.fulfilled_as in ARRIVING and i.status not in DEAD]
    return ItemStatus.COMPLETE in arriving and all(status in DONE for status in arriving)


def close_received(act: Act, items: Iterable[OrderItem]) -> None:
    """Mark the parcels in which no line is still under way."""
    db.session.flush()
    ids = [item.id for item in items]
    parcels = db.session.scalars(
        select(Parcel)
        .where(
            Parcel.id.in_(select(ParcelLine.parcel_id).where(ParcelLine.item_id.in_(ids))),
            Parcel.state == ParcelState.SHIPPED.value,
        )
        .order_by(Parcel.id)
        .execution_options(populate_existing=True)
    )
    for parcel in parcels:
        statuses = db.session.scalars(
            select(OrderItem.status)
            .join(ParcelLine, ParcelLine.item_id == OrderItem.id)
            .where(ParcelLine.parcel_id == parcel.id)
        )
        if all(status in DONE | DEAD for status in statuses):
            act.change(parcel, state=ParcelState.RECEIVED.value)


def review(
    order_id: int,
    item_id: int,
    value: int,
    text: str = "",
    *,
    direction: str = "to_seller",
    actor: Actor,
    store_id: int,
    at: datetime | None = None,
) -> Feedback:
    """Write feedback on one line, 1 to 5 with at most 140 characters; one a line and direction.

    Refuses lines that are not complete yet (StatusChangeProhibited), and a second word (AlreadySaid).
    """
    with Act("review", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id)
        item = next((i for i in order.items if i.id == item_id), None)
        if item is None:
            raise NotFound
        if item.status not in {ItemStatus.COMPLETE, ItemStatus.COMPLETED_BY_SELLER}:
            raise StatusChangeProhibited
        known = select(Feedback.id).where(Feedback.item_id == item_id, Feedback.direction == direction)
        if db.session.scalar(known) is not None:
            raise AlreadySaid
        said = Feedback(
            store_id=order.store_id,
            item_id=item_id,
            direction=direction,
            value=value,
            text=text,
            created_at=act.at,
        )
        act.add(said)
        return said


def download(
    order_id: int, item_id: int, *, actor: Actor, store_id: int, at: datetime | None = None
) -> OrderItem:
    """Count one download of a digital item, and return the item; StatusChangeProhibited where none is left.

    Limits are numbers of downloads, or days from the payment (Weebly's download_limit_type).
    """
    with Act("download", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id)
        item = next((i for i in order.items if i.id == item_id), None)
        if item is None or item.fulfilled_as is not Kind.DIGITAL:
            raise NotFound
        if item.status != ItemStatus.COMPLETE or downloads_left(item, order.paid_at, act.at) == 0:
            raise StatusChangeProhibited
        act.change(item, downloaded=item.downloaded + 1)
        return item


def downloads_left(item: OrderItem, paid_at: datetime | None, now: datetime) -> int | None:
    """Return how many downloads or days of a digital item are left; None where there is no limit."""
    if item.download_units is None:
        return None
    if item.download_limit_type == "days":
        gone = (now - (paid_at or item.placed_at)).days
        return max(0, item.download_units - gone)
    return max(0, item.download_units - item.downloaded)
