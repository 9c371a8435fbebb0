"""Money that goes back: recorded at once or when it has, as a line of its own beside a total that stays."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from app.access import Actor
from app.actions.aftersale import Reason
from app.actions.drafts import trim_drafts
from app.actions.ledger import Act
from app.actions.mails import Mail, owe
from app.actions.payment import end_when_refunded, paid_minor, refunded_minor, void_payouts
from app.db import db
from app.errors import NotFound, Refused, StatusChangeProhibited
from app.models import Order, Payment
from app.money import money_text
from app.statuses import DEAD, HELD, ItemStatus

_S = ItemStatus
REFUNDABLE = frozenset(
    {
        _S.PENDING_FULFILMENT,
        _S.PENDING_ACQUISITION,
        _S.COMPLETE,
        _S.PENDING_REDEMPTION,
        _S.COMPLETED_BY_SELLER,
        _S.VOIDED,
        _S.PENDING_DISPUTE,
    }
)


class WrongAmount(Refused):
    """The amount is nothing, or more than there is to give back."""


class RefundPending(Refused):
    """A refund is under way already."""

    sentence = "A refund of this sale is under way: say first that it has gone back, or take it back."


def refund(
    order_id: int,
    amount: int | None,
    items: Collection[int] | None = (),
    *,
    reason: Reason,
    actor: Actor,
    store_id: int,
    is_done: bool = True,
    is_buyer_told: bool = False,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """Record money given back (minor units), and which lines are refunded with it; return the order.

    None is all: whatever was paid and is still here, every line that can be refunded. A refund that is not
    done yet holds its lines at 10 until `settle_refund`. With `is_buyer_told` the outbox owes the buyer a
    mail, once the money has gone back. Refuses: more than was paid and not given back yet, a line that
    cannot be refunded, a second refund while one is under way.
    """
    with Act("refund", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        most = paid_minor(order.id) - refunded_minor(order.id)
        if _pending(order.id) is not None:
            raise RefundPending
        if not 0 < (amount := most if amount is None else amount) <= most:
            raise WrongAmount(
                f"At most {money_text(most, order.currency)} can go back."
                if most > 0
                else "Nothing of this sale was paid that has not gone back."
            )
        lines = {item.id: item for item in order.items}
        if items is None:
            items = [item.id for item in order.items if item.status in REFUNDABLE]
        if not set(items) <= lines.keys():
            raise NotFound
        named = [lines[item_id] for item_id in items]
        if any(item.status not in REFUNDABLE for item in named):
            raise StatusChangeProhibited
        for item in named:
            if item.status != _S.VOIDED:
                held_from = item.held_from if item.status in HELD else item.status
                act.change(item, status=_S.PENDING_REFUND, held_from=held_from)
        paid_back = _record_refund(act, order, amount, is_done=is_done)
        act.change(order, end_reason=reason.value)
        if is_done:
            _finish(act, order)
            if is_buyer_told:
                owe(act, order, Mail.REFUNDED, payment_id=paid_back.id)
        return order


def _record_refund(act: Act, order: Order, amount: int, *, is_done: bool) -> Payment:
    """Write the money that goes back."""
    paid_back = Payment(
        store_id=order.store_id,
        order_id=order.id,
        kind="refund",
        status="done" if is_done else "pending",
        amount_minor=amount,
        currency=order.currency,
        at=act.at,
    )
    act.add(paid_back)
    return paid_back


def _pending(order_id: int) -> Payment | None:
    """Return the refund of an order that is under way."""
    return db.session.scalar(
        select(Payment).where(
            Payment.order_id == order_id, Payment.kind == "refund", Payment.status == "pending"
        )
    )


def settle_refund(
    order_id: int,
    *,
    is_done: bool,
    actor: Actor,
    store_id: int,
    is_buyer_told: bool = False,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """End a refund that is under way: the money has gone back, or it is taken back and the lines go on.

    With `is_buyer_told` the outbox owes the buyer a mail about money that has gone back.
    """
    with Act("refund" if is_done else "resolve", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        pending = _pending(order.id)
        if pending is None:
            raise StatusChangeProhibited
        act.change(pending, status="done" if is_done else "withdrawn")
        if is_done:
            _finish(act, order)
            if is_buyer_told:
                owe(act, order, Mail.REFUNDED, payment_id=pending.id)
            return order
        for item in order.items:
            if item.status == _S.PENDING_REFUND:
                act.change(item, status=item.held_from, held_from=None)
        return order


def _finish(act: Act, order: Order) -> None:
    """Bring the lines whose money has gone back to their end, and the payment where nothing is left."""
    db.session.flush()
    refunded = [item for item in order.items if item.status == _S.PENDING_REFUND]
    for item in refunded:
        act.change(item, status=_S.REFUNDED, held_from=None, cancelled=item.cancelled + item.left)
    trim_drafts(act, refunded)
    void_payouts(act, order, {item.id for item in order.items if item.status in DEAD})
    end_when_refunded(act, order)
