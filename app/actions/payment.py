"""Money coming in: an order is paid, and what of it goes to whom."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from app.access import Actor
from app.actions.ledger import Act
from app.actions.rollup import SETTLED
from app.db import db
from app.errors import Refused, StatusChangeProhibited
from app.models import Order, OrderItem, Payment, Payout
from app.money import money_text
from app.statuses import DEAD, PAID_TO, ItemStatus, Kind
from app.statuses import Payment as PaymentCode
from app.words import terms

# Okanjo's PayoutStatus 4: nobody is paid for what was refunded.
PAYOUT_VOIDED = 4
# Money that moved, or is about to.
MOVED = ("done", "pending")
PAYS = SETTLED | {PaymentCode.ON_ARRIVAL}


class NotPayable(Refused):
    """The order is paid already, or nothing of it waits for money."""

    sentence = "This sale is not waiting for a payment."


class Sum(NamedTuple):
    """An amount of money (minor units) in its currency."""

    minor: int
    currency: str


class WrongSum(Refused):
    """What was paid is not what the sale comes to."""

    status = 422


def confirm_payment(
    order_id: int,
    *,
    code: PaymentCode,
    actor: Actor,
    store_id: int,
    method: str = "",
    gateway_code: str | None = None,
    told: Sum | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """Record that an order is paid (or will be on arrival) and let its items go on by their kind.

    `code` is 1, 2 or 3 of Hip's flag_payment; 3 may be settled later by 1 or 2. A gateway's payment (one with
    its code) sets the buyer's flag too (reference 4.5): 2 for PayPal. Where it is `told` what was paid, that
    must be the total, to the cent (WrongSum). NotPayable where nothing waits for money,
    ChangedMeanwhile where `version` is stale.
    """
    with Act("confirm_payment", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        if told is not None and told != (order.total_minor, order.currency):
            owed, paid = (money_text(*of) for of in ((order.total_minor, order.currency), told))
            raise WrongSum(f"This sale comes to {owed}, not {paid}.")
        pay(act, order, code, act.at, method=method, gateway_code=gateway_code)
        if gateway_code and code in SETTLED:
            act.change(order, buyer_payment=code)
        return order


def is_told_again(order: Order, told: Sum, gateway_code: str | None) -> bool:
    """Tell whether an order stands as paid by a payment of this sum under this code."""
    same = select(Payment.id).where(
        Payment.order_id == order.id,
        Payment.kind == "purchase",
        Payment.code == gateway_code,
        Payment.amount_minor == told.minor,
        Payment.currency == told.currency,
    )
    return bool(gateway_code) and order.payment in SETTLED and db.session.scalar(same) is not None


def pay(
    act: Act,
    order: Order,
    code: PaymentCode,
    paid_at: datetime,
    *,
    method: str = "",
    gateway_code: str | None = None,
) -> None:
    """Confirm a payment within an act that holds the order (see `confirm_payment`)."""
    is_settling = order.payment == PaymentCode.ON_ARRIVAL and code in SETTLED
    waiting = [i for i in order.items if i.status == ItemStatus.PENDING_PAYMENT]
    if code not in PAYS or (not is_settling and (order.payment != PaymentCode.UNPAID or not waiting)):
        raise NotPayable
    for item in waiting:
        act.change(item, status=PAID_TO[item.fulfilled_as])
    act.change(order, payment=code)
    if code not in SETTLED:
        return
    act.change(order, paid_at=paid_at, gateway_code=gateway_code or order.gateway_code)
    act.index(order, terms(gateway_code))
    record_money(act, order, paid_at, method=method, gateway_code=gateway_code)


def record_money(
    act: Act, order: Order, paid_at: datetime, *, method: str = "", gateway_code: str | None = None
) -> None:
    """Write the payment of a paid order, and what of it goes to whom."""
    if order.total_minor > 0:
        act.leave(
            Payment(
                store_id=order.store_id,
                order_id=order.id,
                kind="purchase",
                status="done",
                method=method,
                amount_minor=order.total_minor,
                currency=order.currency,
                code=None if _is_known(order, gateway_code) else gateway_code,
                at=paid_at,
            )
        )
    live = [i for i in order.items if i.cancelled < i.quantity]
    shares = [p for item in live for p in payouts_of(item, act.store.commission_bp)]
    besides = order.total_minor - sum(i.live_minor for i in live)
    if besides:
        shares.append(
            Payout(store_id=order.store_id, order_id=order.id, kind="store", amount_minor=besides, status=0)
        )
    act.leave(*shares)


def forget_money(act: Act, order: Order) -> None:
    """Take away what moved for an order and what of it goes to whom: it is told anew."""
    moved = select(Payment).where(Payment.order_id == order.id).order_by(Payment.id)
    act.remove(*payouts_for(order), *db.session.scalars(moved))


def _is_known(order: Order, gateway_code: str | None) -> bool:
    """Tell whether a payment under this code was written before, and taken back: each stands there once."""
    known = select(Payment.id).where(Payment.order_id == order.id, Payment.code == gateway_code)
    return bool(gateway_code) and db.session.scalar(known.limit(1)) is not None


def end_when_refunded(act: Act, order: Order) -> None:
    """Bring the payment to its end where nothing lives any more and all that was paid has gone back."""
    paid = paid_minor(order.id)
    is_over = all(item.status in DEAD for item in order.items)
    if is_over and order.payment in SETTLED and 0 < paid <= refunded_minor(order.id, is_done=True):
        void_payouts(act, order)
        act.change(order, payment=PaymentCode.REFUNDED)


def void_payouts(act: Act, order: Order, items: Collection[int] | None = None) -> None:
    """Let nobody be paid for these lines of an order (None: for anything of it)."""
    for payout in payouts_for(order):
        if items is None or payout.item_id in items:
            act.change(payout, status=PAYOUT_VOIDED)


def payouts_for(order: Order) -> Sequence[Payout]:
    """Return what of an order goes to whom, as it is now."""
    found = select(Payout).where(Payout.order_id == order.id).order_by(Payout.id)
    return db.session.scalars(found.execution_options(populate_existing=True)).all()


def unpay(
    order_id: int, *, actor: Actor, store_id: int, version: int | None = None, at: datetime | None = None
) -> Order:
    """Take a payment back that was confirmed by mistake; the order never combines again (law 2).

    Only while nothing went out and nothing is done: StatusChangeProhibited else.
    """
    with Act("unpay", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        if not may_be_unpaid(order, refunded_minor(order.id)):
            raise StatusChangeProhibited
        for item in order.items:
            if item.status not in DEAD:
                act.change(item, status=ItemStatus.PENDING_PAYMENT)
        if order.payment in SETTLED and order.total_minor > 0:
            act.leave(
                Payment(
                    store_id=order.store_id,
                    order_id=order.id,
                    kind="void",
                    status="done",
                    amount_minor=paid_minor(order.id),
                    currency=order.currency,
                    at=act.at,
                )
            )
        owe_less(act, order, _cancelled_since(order))
        act.remove(*payouts_for(order))
        act.change(order, payment=PaymentCode.UNPAID, paid_at=None, open_key=None)
        if order.buyer_payment == PaymentCode.PAID_PAYPAL:  # a gateway's word, which no buyer can take back
            act.change(order, buyer_payment=PaymentCode.UNPAID)
        return order


def owe_less(act: Act, order: Order, amount: int) -> None:
    """Lower what is to be paid for an order, never below nothing; its parts stay what was sold."""
    less = min(amount, order.total_minor)
    act.change(order, adjustment_minor=order.adjustment_minor - less, total_minor=order.total_minor - less)


def _cancelled_since(order: Order) -> int:
    """Return what those pieces were sold at that were cancelled after the order was paid."""
    paid_out = db.session.execute(
        select(Payout.item_id, func.sum(Payout.amount_minor))
        .where(Payout.order_id == order.id, Payout.item_id.is_not(None))
        .group_by(Payout.item_id)
    )
    then = {item_id: int(amount) for item_id, amount in paid_out}
    return sum(then[item.id] - item.live_minor for item in order.items if item.id in then)


def may_be_unpaid(order: Order, back_minor: int) -> bool:
    """Tell whether a payment may be taken back: something is alive, nothing went out or is done.

    `back_minor` is what went back of it, or is on its way back: where any did, it may not.
    """
    is_alive = any(item.status not in DEAD for item in order.items)
    return order.payment in PAYS and is_alive and not back_minor and all(_waits(item) for item in order.items)


def _waits(item: OrderItem) -> bool:
    """Tell whether nothing of a line went out, was used or is done."""
    if item.shipped:
        return False
    waits = {ItemStatus.PENDING_FULFILMENT, ItemStatus.PENDING_REDEMPTION} | DEAD
    is_fetched_later = item.fulfilled_as is Kind.PICKUP and item.status == ItemStatus.PENDING_ACQUISITION
    return item.status in waits or is_fetched_later


def paid_minor(order_id: int) -> int:
    """Return what was paid for an order and not taken back as a mistake, in minor units."""
    return _sum_of(order_id, "purchase") - _sum_of(order_id, "void")


def refunded_minor(order_id: int, *, is_done: bool = False) -> int:
    """Return what went back of an order, or (unless it must be done) is on its way back, in minor units."""
    return _sum_of(order_id, "refund", ("done",) if is_done else MOVED)


def _sum_of(order_id: int, kind: str, states: tuple[str, ...] = MOVED) -> int:
    """Return the sum of an order's money of one kind; what was withdrawn does not count."""
    found = select(func.coalesce(func.sum(Payment.amount_minor), 0)).where(
        Payment.order_id == order_id, Payment.kind == kind, Payment.status.in_(states)
    )
    return int(db.session.scalar(found) or 0)


def share(amount: int, parts: int, of: int) -> int:
    """Return parts/of of an amount in minor units, rounded half up."""
    return (amount * parts * 2 + of) // (of * 2)


def payouts_of(item: OrderItem, commission_bp: int) -> list[Payout]:
    """Return what of a line goes to cause, commission and store; the rows add up to the line.

    The donation is the line's share by its percentage; commission comes off the store's part
    (reference 1.8).
    """
    gross = item.live_minor
    given = share(gross, item.donation_pct, 100) if item.cause_id else 0
    commission = min(share(gross, commission_bp, 10_000), gross - given)
    parts = (
        ("store", gross - given - commission, None),
        ("cause", given, item.cause_id),
        ("commission", commission, None),
    )
    return [
        Payout(
            store_id=item.store_id,
            order_id=item.order_id,
            item_id=item.id,
            kind=kind,
            amount_minor=amount,
            cause_id=cause_id,
            status=PAYOUT_VOIDED if item.status == ItemStatus.REFUNDED else 0,
        )
        for kind, amount, cause_id in parts
        if amount
    ]
