"""What an order has been through elsewhere: states that no act of the desk leads to, told as they are.

Another marketplace refunded it, a buyer's word came in with a file, a cart was never confirmed. `arrive`
writes such a past into the books: forward only, pieces and money kept whole. Acts of the desk's own
(ship, move_item, confirm_payment) are not replaced by it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from app.access import Actor
from app.actions.ledger import Act
from app.actions.parcels import NO_TRACKING, Tracking, send
from app.actions.payment import pay, void_payouts
from app.actions.rollup import SETTLED
from app.db import db
from app.errors import NotFound, StatusChangeProhibited
from app.models import Feedback, Note, Order, OrderItem, Parcel, ParcelLine, Payment
from app.statuses import (
    AWAITING_PAYMENT,
    DEAD,
    DONE,
    HELD,
    BuyerShipping,
    ItemStatus,
    Kind,
    ParcelState,
    Shipping,
)
from app.statuses import Payment as PaymentCode


class Remark(NamedTuple):
    """A note on the order."""

    body: str
    is_private: bool
    author_id: int | None = None


class Rating(NamedTuple):
    """What was said of one line."""

    item_id: int
    value: int
    text: str = ""
    direction: str = "to_seller"


@dataclass(frozen=True)
class Past:
    """What happened elsewhere; what is not named stays as it is.

    `items` says where lines stand now. `kept` names refunded lines whose pieces stay with the buyer: all
    other pieces that had gone out count as returned. `refund` is money given back, in minor units.
    """

    items: Mapping[int, ItemStatus] = field(default_factory=dict)
    payment: PaymentCode | None = None
    method: str = ""
    gateway_code: str | None = None
    refund: int = 0
    tracking: Tracking = NO_TRACKING
    kept: frozenset[int] = frozenset()
    shipping: Shipping | None = None
    buyer_payment: PaymentCode | None = None
    buyer_shipping: BuyerShipping | None = None
    remarks: tuple[Remark, ...] = ()
    ratings: tuple[Rating, ...] = ()


def arrive(
    order_id: int,
    past: Past,
    *,
    actor: Actor,
    store_id: int,
    verb: str = "arrive",
    at: datetime | None = None,
) -> Order:
    """Bring an order to where it stands elsewhere, all or nothing, and return it.

    `verb` is the history's word for it ("refund", "receive"). StatusChangeProhibited for a step
    backwards, a status that only a payment leads to, a refund of what was never paid.
    """
    with Act(verb, actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id)
        lines = {i.id: i for i in order.items}
        named = {*past.items, *past.kept, *(rating.item_id for rating in past.ratings)}
        if not named <= lines.keys():
            raise NotFound
        if past.payment in SETTLED or past.payment == PaymentCode.ON_ARRIVAL:
            pay(act, order, past.payment, act.at, method=past.method, gateway_code=past.gateway_code)
        reached = {lines[item_id]: status for item_id, status in past.items.items()}
        _send_what_left(act, order, reached, past.tracking)
        for item, status in reached.items():
            _reach(act, item, status, is_kept=item.id in past.kept)
        _close_parcels(act, order, reached)
        _settle_money(act, order, past)
        _say(act, order, past)
        return order


def _send_what_left(
    act: Act, order: Order, reached: Mapping[OrderItem, ItemStatus], tracking: Tracking
) -> None:
    """Ship the goods that are said to be on their way or there, and never left from here."""
    gone = {ItemStatus.PENDING_ACQUISITION, ItemStatus.COMPLETE}
    going = {
        item.id: item.left
        for item, status in reached.items()
        if status in gone and item.fulfilled_as is Kind.GOODS and item.left
    }
    if going:
        send(act, order, going, tracking)


def _reach(act: Act, item: OrderItem, to: ItemStatus, *, is_kept: bool) -> None:
    """Bring one line to a status, its pieces with it."""
    now = item.status
    if now == to:
        return
    if now in DEAD:
        raise StatusChangeProhibited
    if to in HELD and now not in HELD | AWAITING_PAYMENT:
        act.change(item, status=to, held_from=now)
    elif to in DEAD:
        _end(act, item, to, is_kept=is_kept)
    elif _is_onward(item, to):
        act.change(item, status=to, held_from=None)
    else:
        raise StatusChangeProhibited


def _is_onward(item: OrderItem, to: ItemStatus) -> bool:
    """Tell whether a live line may go to this live status by what happened elsewhere."""
    if to == ItemStatus.NOT_SUBMITTED:
        return item.status == ItemStatus.PENDING_PAYMENT
    if item.status in AWAITING_PAYMENT:
        return False
    if to == ItemStatus.PENDING_ACQUISITION:
        return item.status not in DONE and item.fulfilled_as in {Kind.GOODS, Kind.PICKUP}
    if to == ItemStatus.COMPLETED_BY_SELLER:
        return item.fulfilled_as is Kind.PICKUP
    return to == ItemStatus.COMPLETE


def _end(act: Act, item: OrderItem, to: ItemStatus, *, is_kept: bool) -> None:
    """End a line: what never left is cancelled, what left came back (or stays, where that is said)."""
    if item.shipped and to != ItemStatus.REFUNDED:
        raise StatusChangeProhibited
    if to == ItemStatus.REFUNDED and item.status in AWAITING_PAYMENT:
        raise StatusChangeProhibited
    returned = item.returned if is_kept else item.shipped
    act.change(item, status=to, held_from=None, cancelled=item.cancelled + item.left, returned=returned)


def _close_parcels(act: Act, order: Order, items: Iterable[OrderItem]) -> None:
    """Mark the parcels all of whose pieces are received, or came back."""
    parcels = db.session.scalars(
        select(Parcel)
        .join(ParcelLine, ParcelLine.parcel_id == Parcel.id)
        .where(ParcelLine.item_id.in_([i.id for i in items]), Parcel.state == ParcelState.SHIPPED.value)
        .options(selectinload(Parcel.lines))
        .order_by(Parcel.id)
        .distinct()
        .execution_options(populate_existing=True)
    )
    lines = {i.id: i for i in order.items}
    for parcel in parcels:
        inside = [lines.get(line.item_id) for line in parcel.lines]
        if all(i is not None and i.status == ItemStatus.COMPLETE for i in inside):
            act.change(parcel, state=ParcelState.RECEIVED.value)
        elif all(i is not None and i.shipped and i.returned == i.shipped for i in inside):
            act.change(parcel, state=ParcelState.RETURNED.value)


def _settle_money(act: Act, order: Order, past: Past) -> None:
    """Record what was given back, and where the payment stands now that nothing is left to be paid."""
    if past.payment in {PaymentCode.CANCELED, PaymentCode.REFUNDED}:
        was_paid = order.payment in SETTLED
        if was_paid != (past.payment == PaymentCode.REFUNDED) or any(
            i.status not in DEAD for i in order.items
        ):
            raise StatusChangeProhibited
        act.change(order, payment=past.payment)
    if past.refund > 0:
        if order.paid_at is None or _given_back(order) + past.refund > order.total_minor:
            raise StatusChangeProhibited
        act.add(
            Payment(
                store_id=order.store_id,
                order_id=order.id,
                kind="refund",
                status="done",
                method=past.method,
                amount_minor=past.refund,
                currency=order.currency,
                code=past.gateway_code,
                at=act.at,
            )
        )
    refunded = [i for i, status in past.items.items() if status == ItemStatus.REFUNDED]
    if past.payment == PaymentCode.REFUNDED:
        void_payouts(act, order)
    elif refunded:
        void_payouts(act, order, refunded)


def _given_back(order: Order) -> int:
    """Return what was given back of an order so far."""
    refunds = select(func.sum(Payment.amount_minor)).where(
        Payment.order_id == order.id, Payment.kind == "refund"
    )
    return int(db.session.scalar(refunds) or 0)


def _say(act: Act, order: Order, past: Past) -> None:
    """Write the flags that people set, their notes and their ratings."""
    flags = {
        "shipping": past.shipping,
        "buyer_payment": past.buyer_payment,
        "buyer_shipping": past.buyer_shipping,
    }
    act.change(order, **{name: flag for name, flag in flags.items() if flag is not None})
    for remark in past.remarks:
        act.leave(
            Note(
                store_id=order.store_id,
                order_id=order.id,
                author_id=remark.author_id,
                is_private=remark.is_private,
                body=remark.body,
                at=act.at,
            )
        )
    for rating in past.ratings:
        act.leave(
            Feedback(
                store_id=order.store_id,
                item_id=rating.item_id,
                direction=rating.direction,
                value=rating.value,
                text=rating.text,
                created_at=act.at,
            )
        )
