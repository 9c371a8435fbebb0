"""What files bring: orders, each told with what it has been through.

`bring` carries out the same acts as the desk's pages, in the same sequence, for many orders under one
write lock. It never goes backwards and never mails.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.access import Actor
from app.actions.batch import Batch
from app.actions.intake import Verdict, take
from app.actions.parcels import NO_TRACKING, Tracking, send
from app.actions.payment import pay
from app.actions.purchases import Purchase
from app.db import db, take_write_lock
from app.errors import Refused
from app.models import Order, OrderItem
from app.statuses import MOVES, ItemStatus, Kind, Payment


class Outcome(StrEnum):
    """What became of an order of a file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


class Telling(NamedTuple):
    """An order as a file tells it; `sent_at` holds for each line when it went out, None where it did not.

    `paid_as` is the flag of a payment that is told of, `tracking` the way of what went out.
    """

    purchase: Purchase
    paid_at: datetime | None = None
    sent_at: tuple[datetime | None, ...] = ()
    paid_as: Payment = Payment.PAID
    tracking: Tracking = NO_TRACKING


class Brought(NamedTuple):
    """What became of an order that a file told of, and what is to be said of it."""

    order_id: int
    verdict: Verdict
    said: tuple[str, ...] = ()


def bring_each(tellings: Sequence[Telling], *, actor: Actor, store_id: int) -> list[Brought | Refused]:
    """Carry out the acts of these orders together; where one is refused, each by itself."""
    take_write_lock()
    try:
        with db.session.begin_nested():
            return list(bring(tellings, actor=actor, store_id=store_id))
    except Refused as refused:
        if len(tellings) == 1:
            return [refused]
    return [x for telling in tellings for x in bring_each([telling], actor=actor, store_id=store_id)]


def bring(tellings: Sequence[Telling], *, actor: Actor, store_id: int) -> list[Brought]:
    """Take these orders in, and let each be paid and sent as far as the file says."""
    with Batch(actor=actor, store_id=store_id) as act:
        return [_bring(act, telling) for telling in tellings]


def _bring(act: Batch, telling: Telling) -> Brought:
    """Bring one order."""
    act.begin("take_in", act.began_at)
    order, verdict, differences = take(act, telling.purchase)
    act.close(order)
    sent = _sent(telling, order)
    said = list(differences)
    if _pay(act, order, telling, min(sent.values(), default=None)):
        said.append("it is paid")
    if _send(act, order, sent, telling.tracking):
        said.append("it is shipped")
    if verdict is Verdict.NEW:
        return Brought(order.id, verdict)
    has_moved = len(said) > len(differences)
    return Brought(order.id, Verdict.CHANGED if has_moved else verdict, tuple(said))


def _sent(telling: Telling, order: Order) -> dict[OrderItem, datetime]:
    """Return which items went out according to the file, and when.

    Lines are known by their outside id. Where file or desk has the one line that stands for all, either
    everything went out or nothing is said.
    """
    ids = [line.external_id for line in telling.purchase.lines]
    said = {line_id: at for line_id, at in zip(ids, telling.sent_at, strict=True) if at is not None}
    if said and None not in telling.sent_at:
        latest = max(said.values())
        return {item: said.get(item.external_id, latest) for item in order.items}
    return {item: said[item.external_id] for item in order.items if item.external_id in said}


def _pay(act: Batch, order: Order, telling: Telling, sent_at: datetime | None) -> bool:
    """Confirm the payment that the file tells of and the desk has not; tell whether there was one.

    What the file says was sent and not paid goes out unpaid: pay on arrival.
    """
    is_waiting = any(item.status == ItemStatus.PENDING_PAYMENT for item in order.items)
    is_unpaid = order.payment == Payment.UNPAID and is_waiting
    is_settling = order.payment == Payment.ON_ARRIVAL and telling.paid_as != Payment.ON_ARRIVAL
    if telling.paid_at and (is_unpaid or is_settling):
        code, at = telling.paid_as, telling.paid_at
    elif sent_at and is_unpaid:
        code, at = Payment.ON_ARRIVAL, sent_at
    else:
        return False
    act.begin("confirm_payment", at)
    pay(act, order, code, at)
    act.close(order)
    return True


def _send(act: Batch, order: Order, sent: dict[OrderItem, datetime], tracking: Tracking) -> bool:
    """Send what the file says was sent and the desk still has; tell whether there was anything."""
    going: dict[datetime, dict[int, int]] = {}
    handed: dict[datetime, list[OrderItem]] = {}
    for item, at in sent.items():
        if item.fulfilled_as is Kind.GOODS and item.status == ItemStatus.PENDING_FULFILMENT:
            going.setdefault(at, {})[item.id] = item.left
        elif item.fulfilled_as is Kind.PICKUP and item.status == ItemStatus.PENDING_ACQUISITION:
            handed.setdefault(at, []).append(item)
    for at, pieces in going.items():
        act.begin("ship", at)
        send(act, order, pieces, tracking)
        act.close(order)
    for at, items in handed.items():
        step = MOVES[Kind.PICKUP, ItemStatus.PENDING_ACQUISITION, ItemStatus.COMPLETED_BY_SELLER]
        act.begin(step.move.value, at)
        for item in items:
            act.change(item, status=step.to)
        act.close(order)
    return bool(going or handed)
