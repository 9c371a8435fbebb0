"""One item asked to move: the law's table, carried out.

`move_item` is what the Okanjo PUT, the item's form and the sale page's buttons all call.
"""

from datetime import datetime
from typing import NamedTuple

from app.access import Desk, Permission, right_to_move
from app.actions.labels import label
from app.actions.ledger import Act
from app.actions.mails import Mail, owe
from app.actions.parcels import NO_TRACKING, Tracking, send
from app.errors import Absorbed, NotAllowed, Refused, StatusChangeProhibited
from app.models import Order, OrderItem
from app.statuses import DEAD, MOVES, ItemStatus, Kind, Move


class AckWhereNoDeal(Refused):
    """An acknowledgement was sent for an item that is no deal."""

    sentence = "Invalid field: product_deal_vendor_ack"


class Asked(NamedTuple):
    """What was sent about one item; None where a field did not come."""

    status: ItemStatus | None = None
    tracking: Tracking = NO_TRACKING
    ack: str | None = None
    version: int | None = None  # the sale's version that the sender saw


NOTHING = Asked()


def move_item(item: OrderItem, asked: Asked, *, desk: Desk, at: datetime | None = None) -> OrderItem:
    """Do to an item what was asked of it, all or nothing, and return it as it is now.

    Rights first (NotAllowed), then the table MOVES (StatusChangeProhibited). Source: seed 000, PUT, and
    the law, "Setting an item's status".
    """
    if not desk.may(right_to_move(item)):
        raise NotAllowed
    if asked.ack is not None:
        if not desk.may(Permission.ACKNOWLEDGE):
            raise NotAllowed
        if item.fulfilled_as is not Kind.DEAL:
            raise AckWhereNoDeal
    if asked == NOTHING:
        return item
    with Act("set_tracking", actor=desk.acting, store_id=desk.store.id, at=at) as act:
        order = _held(act, item, asked.version)
        now = next(i for i in order.items if i.id == item.id)
        _carry_out(act, order, now, asked)
        return now


def _held(act: Act, item: OrderItem, version: int | None) -> Order:
    """Return the order of an item, held: where it combined meanwhile, the one that has the item now."""
    try:
        return act.hold(item.order_id, version)
    except Absorbed as gone:
        if version is not None:
            raise
        return act.hold(gone.heir_id)


def _carry_out(act: Act, order: Order, item: OrderItem, asked: Asked) -> None:
    """Move the item as it is now, then keep tracking and acknowledgement."""
    if asked.ack is not None:
        if item.status in DEAD:
            raise StatusChangeProhibited
        act.verb = "acknowledge"
        act.change(item, ack=asked.ack)
    if asked.status is None:
        if asked.tracking.is_sent:
            label(act, order, item, asked.tracking)
        return
    step = MOVES.get((item.fulfilled_as, item.status, asked.status))
    if step is None:
        raise StatusChangeProhibited
    act.verb = step.move.value
    if step.move is Move.SHIP:
        send(act, order, {item.id: item.left}, asked.tracking)
        return
    if asked.tracking.is_sent:
        label(act, order, item, asked.tracking)
    act.change(item, status=step.to)
    if step.move is Move.READY:
        owe(act, order, Mail.READY, item_id=item.id)
