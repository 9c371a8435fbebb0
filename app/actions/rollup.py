"""An order's own codes, computed from its lines (reference 4.3; law: "Small answers", Tabs). Pure rules."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from app.models import Store
from app.models.shop import FAR_FUTURE
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


class Line(Protocol):
    """What the rules ask of a line: an OrderItem, or a row read to be judged by them."""

    @property
    def status(self) -> int:
        """Return the code of where it stands."""

    @property
    def fulfilled_as(self) -> Kind:
        """Return the row of the law's table that it stands in."""

    @property
    def shipped(self) -> int:
        """Return how many pieces went out."""


def order_status(items: Sequence[Line]) -> ItemStatus:
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


def desk_state(payment: int, items: Sequence[Line]) -> DeskState:
    """Return the tab an order stands in."""
    statuses = {i.status for i in items}
    if payment == Payment.UNPAID and not statuses <= DEAD:
        return DeskState.UNPAID
    if statuses & AWAITING_SELLER:
        return DeskState.TO_SHIP
    if ItemStatus.PENDING_ACQUISITION in statuses:
        return DeskState.SHIPPED
    return DeskState.CLOSED


def shipping_flag(now: int, items: Sequence[Line]) -> Shipping:
    """Return Hip's flag_shipping: 1 once the last shippable item went out, -1 where nothing ships."""
    goods = [i for i in items if i.fulfilled_as is Kind.GOODS]
    if not goods:
        return Shipping.NOT_APPLICABLE
    if now == Shipping.PROBLEM:
        return Shipping.PROBLEM
    waiting = AWAITING_PAYMENT | {ItemStatus.PENDING_FULFILMENT}
    if any(i.status in waiting for i in goods) or not any(i.shipped for i in goods):
        return Shipping.PROCESSING
    return Shipping.SHIPPED


def ship_by(store: Store, since: datetime, items: Sequence[Line]) -> datetime:
    """Return until when goods must leave that wait to be shipped `since` then; far away where none do."""
    is_to_ship = any(
        i.status == ItemStatus.PENDING_FULFILMENT and i.fulfilled_as is Kind.GOODS for i in items
    )
    return store.ship_by(since) if is_to_ship else FAR_FUTURE
