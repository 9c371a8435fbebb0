"""An order's own codes, computed from its lines (reference 4.3; law: "Small answers", Tabs). Pure rules."""

from collections.abc import Sequence

from app.models import OrderItem
from app.statuses import (
    AWAITING_PAYMENT,
    AWAITING_SELLER,
    DEAD,
    DONE,
    DeskState,
    ItemStatus,
    Kind,
    Payment,
    Shipping,
)


def order_status(items: Sequence[OrderItem]) -> ItemStatus:
    """Return Okanjo's status of an order."""
    live = [i.status for i in items if i.status not in DEAD]
    if not live:
        dead = {i.status for i in items}
        if ItemStatus.REFUNDED in dead:
            return ItemStatus.REFUNDED
        return ItemStatus.EXPIRED if dead == {ItemStatus.EXPIRED} else ItemStatus.VOIDED
    if all(status in DONE for status in live):
        return ItemStatus.COMPLETE
    if all(status == ItemStatus.NOT_SUBMITTED for status in live):
        return ItemStatus.NOT_SUBMITTED
    if any(status in AWAITING_PAYMENT for status in live):
        return ItemStatus.PENDING_PAYMENT
    return ItemStatus.PENDING_FULFILMENT


def desk_state(payment: Payment, items: Sequence[OrderItem]) -> DeskState:
    """Return the tab an order stands in."""
    statuses = {i.status for i in items}
    if payment == Payment.UNPAID and not statuses <= DEAD:
        return DeskState.UNPAID
    if statuses & AWAITING_SELLER:
        return DeskState.TO_SHIP
    if ItemStatus.PENDING_ACQUISITION in statuses:
        return DeskState.SHIPPED
    return DeskState.CLOSED


def shipping_flag(now: Shipping, items: Sequence[OrderItem]) -> Shipping:
    """Return Hip's flag_shipping: 1 once the last shippable item went out, -1 where nothing ships."""
    goods = [i for i in items if i.fulfilled_as is Kind.GOODS]
    if not goods:
        return Shipping.NOT_APPLICABLE
    if now == Shipping.PROBLEM:
        return now
    waiting = AWAITING_PAYMENT | {ItemStatus.PENDING_FULFILMENT}
    if any(i.status in waiting for i in goods) or not any(i.shipped for i in goods):
        return Shipping.PROCESSING
    return Shipping.SHIPPED
