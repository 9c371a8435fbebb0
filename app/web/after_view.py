"""What may still be done to a sale after it was made, as its page offers it."""

from datetime import datetime
from typing import NamedTuple

from app.access import Desk, Permission
from app.actions.aftersale import Reason, is_cancellable
from app.actions.payment import may_be_unpaid
from app.actions.problems import may_expire
from app.actions.refunds import REFUNDABLE
from app.models import Order, OrderItem
from app.money import amount_text, money_text
from app.queries.history import Money
from app.statuses import DEAD, BuyerShipping, ItemStatus, Shipping


class Piece(NamedTuple):
    """A line with how many pieces of it an act may be about."""

    id: int
    title: str
    most: int


class After(NamedTuple):
    """What the page offers; what is empty or false is not offered."""

    cancel: list[Piece]
    back: list[Piece]
    refund_most: str
    refund_amount: str
    refund_lines: list[Piece]
    is_refund_pending: bool
    may_resolve: bool
    may_report: bool
    may_unpay: bool
    may_expire: bool
    may_correct_address: bool
    may_note: bool
    reasons: list[tuple[str, str]]

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing of it needs a panel of its own."""
        offered = (self.cancel, self.back, self.refund_most, self.is_refund_pending, self.may_resolve)
        return not (any(offered) or self.may_report or self.may_unpay or self.may_correct_address)


def view(desk: Desk, order: Order, items: list[OrderItem], told: list[Money], now: datetime) -> After:
    """Return what this person may still do to this sale."""
    paid = sum(m.amount_minor for m in told if m.kind == "purchase")
    paid -= sum(m.amount_minor for m in told if m.kind == "void")
    back = [m for m in told if m.kind == "refund" and m.name != "withdrawn"]
    back_minor = sum(m.amount_minor for m in back)
    most = paid - back_minor if desk.may(Permission.REFUND) else 0
    may_answer = desk.may(Permission.ANSWER) and not desk.only_deals
    is_problem = order.shipping == Shipping.PROBLEM or order.buyer_shipping == BuyerShipping.PROBLEM
    is_sent = any(item.shipped for item in items)
    return After(
        cancel=[Piece(i.id, i.title, i.left) for i in items if is_cancellable(i)]
        if desk.may(Permission.CANCEL)
        else [],
        back=[Piece(i.id, i.title, i.shipped - i.returned) for i in items if i.shipped > i.returned]
        if may_answer
        else [],
        refund_most=money_text(most, order.currency) if most > 0 else "",
        refund_amount=amount_text(max(most, 0), order.currency),
        refund_lines=[Piece(i.id, i.title, i.quantity) for i in items if i.status in REFUNDABLE],
        is_refund_pending=desk.may(Permission.REFUND) and any(m.name == "pending" for m in back),
        may_resolve=may_answer and (is_problem or any(i.status == ItemStatus.PENDING_DISPUTE for i in items)),
        may_report=may_answer and is_sent and not is_problem,
        may_unpay=desk.may(Permission.MARK_PAID) and may_be_unpaid(order, back_minor),
        may_expire=desk.may(Permission.CANCEL) and any(may_expire(order, i, now) for i in items),
        may_correct_address=desk.may(Permission.SHIP)
        and desk.may(Permission.SEE_PERSONAL)
        and order.address is not None
        and not is_sent
        and any(i.status not in DEAD for i in items),
        may_note=desk.may(Permission.NOTE),
        reasons=[(reason.value, reason.label) for reason in Reason],
    )
