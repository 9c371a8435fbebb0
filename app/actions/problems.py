"""What goes wrong with a sale: a problem is reported, a buyer disputes, the store answers, lines run out."""

from collections.abc import Collection
from datetime import datetime

from app.access import Actor
from app.actions.buyers_word import has_all
from app.actions.drafts import trim_drafts
from app.actions.ledger import Act
from app.actions.mails import Mail, owe
from app.errors import NotFound, StatusChangeProhibited
from app.models import Note, Order, OrderItem
from app.statuses import (
    AWAITING_PAYMENT,
    DEAD,
    ActorKind,
    BuyerShipping,
    ItemStatus,
    Kind,
    Payment,
    Shipping,
)

_S = ItemStatus
# What a buyer may dispute (reference 1.7: 2, 3, 4, 9 -> 11).
DISPUTABLE = frozenset({_S.PENDING_FULFILMENT, _S.PENDING_ACQUISITION, _S.COMPLETE, _S.COMPLETED_BY_SELLER})


def report_problem(
    order_id: int,
    *,
    actor: Actor,
    store_id: int,
    is_buyers: bool = False,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """Mark that something is wrong with what was sent (Hip's flag_shipping 2, flag_buyer_shipping 2).

    The buyer's word stands in both flags. StatusChangeProhibited where nothing was sent, or it is said.
    """
    with Act("problem", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        is_said = (
            order.buyer_shipping == BuyerShipping.PROBLEM if is_buyers else order.shipping == Shipping.PROBLEM
        )
        if is_said or not any(item.shipped for item in order.items):
            raise StatusChangeProhibited
        act.change(order, shipping=Shipping.PROBLEM)
        if is_buyers:
            act.change(order, buyer_shipping=BuyerShipping.PROBLEM)
        return order


def dispute(
    order_id: int,
    items: Collection[int] | None,
    words: str,
    *,
    actor: Actor,
    store_id: int,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """Take up a buyer's word that something is wrong, with these lines (None: all that it can be about).

    The lines are held at 11 until the store answers; both flags say "problem"; the words become a note that
    both sides read.
    """
    with Act("dispute", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        for item in _disputed(order, items):
            act.change(item, status=_S.PENDING_DISPUTE, held_from=item.status)
        act.change(order, buyer_shipping=BuyerShipping.PROBLEM)
        if order.shipping != Shipping.NOT_APPLICABLE:
            act.change(order, shipping=Shipping.PROBLEM)
        if words:
            add_note(act, order, words, is_private=False)
        return order


def _disputed(order: Order, items: Collection[int] | None) -> list[OrderItem]:
    """Return the lines that a dispute is about; StatusChangeProhibited where none can be disputed."""
    lines = {item.id: item for item in order.items}
    if items is not None and not set(items) <= lines.keys():
        raise NotFound
    named = [lines[item_id] for item_id in (lines if items is None else items)]
    found = [item for item in named if item.status in DISPUTABLE]
    if not found or (items is not None and len(found) < len(named)):
        raise StatusChangeProhibited
    return found


def resolve(
    order_id: int,
    words: str = "",
    *,
    actor: Actor,
    store_id: int,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """Answer a problem or a dispute: held lines go back to where they were held from, the flags too.

    The words, where there are any, go to the buyer.
    """
    with Act("resolve", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        disputed = [item for item in order.items if item.status == _S.PENDING_DISPUTE]
        if not (
            disputed or order.shipping == Shipping.PROBLEM or order.buyer_shipping == BuyerShipping.PROBLEM
        ):
            raise StatusChangeProhibited
        for item in disputed:
            act.change(item, status=item.held_from, held_from=None)
        if order.shipping == Shipping.PROBLEM:
            act.change(order, shipping=Shipping.PROCESSING)  # rolled up from the lines as the act ends
        if order.buyer_shipping == BuyerShipping.PROBLEM:
            said = BuyerShipping.RECEIVED if has_all(order) else BuyerShipping.WAITING
            act.change(order, buyer_shipping=said)
        if words:
            _write_to_buyer(act, order, words)
        return order


def expire(
    order_id: int, *, actor: Actor, store_id: int, version: int | None = None, at: datetime | None = None
) -> Order:
    """Let a cart that was never paid, or deals past their window, run out (7).

    StatusChangeProhibited where nothing of it can.
    """
    with Act("expire", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        going = [item for item in order.items if may_expire(order, item, act.at)]
        if not going:
            raise StatusChangeProhibited
        for item in going:
            act.change(item, status=_S.EXPIRED, cancelled=item.cancelled + item.left)
        trim_drafts(act, going)
        if order.payment == Payment.UNPAID and all(item.status in DEAD for item in order.items):
            act.change(order, payment=Payment.CANCELED)
        return order


def may_expire(order: Order, item: OrderItem, at: datetime) -> bool:
    """Tell whether a line may run out: never paid, or a deal whose window is over."""
    if item.status in AWAITING_PAYMENT:
        return order.payment == Payment.UNPAID
    end = item.promo_end or item.deal_end
    is_open = item.status in {_S.PENDING_FULFILMENT, _S.PENDING_REDEMPTION}
    return item.fulfilled_as is Kind.DEAL and is_open and end is not None and end < at


def note(
    order_id: int, words: str, *, is_private: bool, actor: Actor, store_id: int, at: datetime | None = None
) -> Note:
    """Write a note on an order: for the store alone, or for its buyer too, who is owed a mail then."""
    with Act("note" if is_private else "message", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id)
        if is_private:
            return add_note(act, order, words, is_private=True)
        return _write_to_buyer(act, order, words)


def _write_to_buyer(act: Act, order: Order, words: str) -> Note:
    """Write a note that the buyer reads, within an act that holds the order, and owe them a mail of it."""
    written = add_note(act, order, words, is_private=False)
    owe(act, order, Mail.MESSAGE, note_id=written.id)
    return written


def add_note(act: Act, order: Order, words: str, *, is_private: bool) -> Note:
    """Write a note within an act that holds the order."""
    written = Note(
        store_id=order.store_id,
        order_id=order.id,
        author_id=act.actor.account_id,
        is_guests=act.actor.kind is ActorKind.GUEST,
        is_private=is_private,
        body=words,
        at=act.at,
    )
    act.add(written)
    return written
