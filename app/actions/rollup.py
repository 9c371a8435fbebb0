"""An order's own codes, computed from its lines (reference 4.3; law: "Small answers", Tabs). Pure rules."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from app.models import Store
from app.models.shop import FAR_FUTURE
from app.statuses import (
    AWAITING_PAYMENT,
    AWAITING_SELLER,
    DEAD,
    DONE,
    BuyerShipping,
    DeskState,
    ItemStatus,
    Kind,
    Payment,
    Shipping,
    WeeblyStatus,
)

# The money is there.
SETTLED = frozenset({Payment.PAID, Payment.PAID_PAYPAL})


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


class CountedLine(Line, Protocol):
    """What combining asks of a line besides."""

    @property
    def cancelled(self) -> int:
        """Return how many pieces were cancelled."""


class HeldLine(Line, Protocol):
    """What Weebly's status asks of a line besides."""

    @property
    def held_from(self) -> int | None:
        """Return the code of where it stood before it was held; None where it is not."""

    @property
    def returned(self) -> int:
        """Return how many pieces came back."""


class Standing(Protocol):
    """What the rules ask of an order as it stands: an Order, or a row read to be judged by them."""

    @property
    def desk_state(self) -> str:
        """Return its tab."""

    @property
    def payment(self) -> int:
        """Return the code of its payment."""

    @property
    def shipping(self) -> int:
        """Return the seller's word on the shipping."""

    @property
    def buyer_payment(self) -> int:
        """Return the buyer's word on the payment."""

    @property
    def buyer_shipping(self) -> int:
        """Return the buyer's word on the shipping."""

    @property
    def placed_at(self) -> datetime:
        """Return when it was bought."""

    @property
    def ship_by(self) -> datetime:
        """Return until when goods must leave."""

    @property
    def sent_at(self) -> datetime | None:
        """Return when the last pieces left."""

    @property
    def is_past(self) -> bool:
        """Tell whether it was over before it came in."""


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


def weebly_status(payment: int, items: Sequence[HeldLine]) -> WeeblyStatus:
    """Return Weebly's status of an order; a held line counts as before it was held (reference 4.3)."""
    live = [
        (i.fulfilled_as, i.status if i.held_from is None else i.held_from)
        for i in items
        if i.status not in DEAD
    ]
    if not live:
        refunded = [i for i in items if i.status == ItemStatus.REFUNDED]
        if not refunded:
            return WeeblyStatus.CANCELLED
        return WeeblyStatus.RETURNED if all(i.returned for i in refunded) else WeeblyStatus.REFUNDED
    statuses = {status for _, status in live}
    if statuses & AWAITING_PAYMENT:
        return WeeblyStatus.PENDING
    if statuses & AWAITING_SELLER:
        is_owed = payment == Payment.ON_ARRIVAL and not any(i.shipped for i in items)
        return WeeblyStatus.PENDING if is_owed else WeeblyStatus.PAID
    if (Kind.PICKUP, ItemStatus.PENDING_ACQUISITION) in live:
        return WeeblyStatus.PAID
    kinds = {kind for kind, _ in live}
    if Kind.GOODS in kinds:
        return WeeblyStatus.SHIPPED
    return WeeblyStatus.SENT if kinds == {Kind.DIGITAL} else WeeblyStatus.COMPLETED


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


def may_combine(order: Standing, items: Sequence[CountedLine]) -> bool:
    """Tell whether nobody touched an open order yet: unpaid and whole, and nothing said of it (law 5)."""
    is_quiet = (
        order.payment == Payment.UNPAID
        and order.buyer_payment == Payment.UNPAID
        and order.shipping != Shipping.PROBLEM
        and order.buyer_shipping == BuyerShipping.WAITING
    )
    return is_quiet and all(i.status == ItemStatus.PENDING_PAYMENT and not i.cancelled for i in items)


def ship_by(store: Store, since: datetime, items: Sequence[Line]) -> datetime:
    """Return until when goods must leave that wait to be shipped `since` then; far away where none do."""
    is_to_ship = any(
        i.status == ItemStatus.PENDING_FULFILMENT and i.fulfilled_as is Kind.GOODS for i in items
    )
    return store.ship_by(since) if is_to_ship else FAR_FUTURE


def attention_at(order: Standing, items: Sequence[Line], received_days: int) -> datetime | None:
    """Return from when on an order needs somebody; None where it never does as it stands.

    What contradicts itself, or is a problem, does at once: since it was bought. Goods do from the end of the
    day they were to leave, and a buyer's silence once the parcel has been under way for so many days.
    Which of them it is, queries.attention says.
    """
    if order.is_past:
        return None
    begins = []
    if _is_disputed(order, items) or _is_contradicted(order):
        begins.append(order.placed_at)
    if order.ship_by != FAR_FUTURE:
        begins.append(order.ship_by)
    is_sent = order.desk_state == DeskState.SHIPPED and order.shipping == Shipping.SHIPPED
    if is_sent and order.sent_at and order.buyer_shipping == BuyerShipping.WAITING:
        begins.append(order.sent_at + timedelta(days=received_days))
    return min(begins, default=None)


def _is_disputed(order: Standing, items: Sequence[Line]) -> bool:
    """Tell whether somebody said that something is wrong, and nobody answered."""
    is_flagged = order.shipping == Shipping.PROBLEM or order.buyer_shipping == BuyerShipping.PROBLEM
    return is_flagged or any(item.status == ItemStatus.PENDING_DISPUTE for item in items)


def _is_contradicted(order: Standing) -> bool:
    """Tell whether the buyer says "paid" or "received" of what the seller has not marked so."""
    if order.desk_state == DeskState.UNPAID:
        return order.buyer_payment == Payment.PAID
    is_here = order.buyer_shipping == BuyerShipping.RECEIVED and order.shipping == Shipping.PROCESSING
    return is_here and order.ship_by != FAR_FUTURE
