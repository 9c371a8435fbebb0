"""Feedback as pages say it: stars of five, and Hip's word for them."""

from typing import Any, NamedTuple

from app.access import Desk, Permission
from app.models import Order, OrderItem
from app.queries import history
from app.statuses import DONE, BuyerShipping, Payment
from app.web.display import Badge

STARS = 5
NEUTRAL = 3


class Said(NamedTuple):
    """What was said of one line."""

    value: int
    word: str
    text: str


class LineSaid(NamedTuple):
    """One line with what its buyer said of it, and what the store said of its buyer."""

    id: int
    title: str
    of_store: Said | None
    of_buyer: Said | None


def word(value: int) -> str:
    """Return Hip's word for so many stars: 4 and 5 positive, 3 neutral, 1 and 2 negative."""
    return "Neutral" if value == NEUTRAL else "Positive" if value > NEUTRAL else "Negative"


def said(row: Any) -> Said | None:
    """Format one feedback; None where there is none."""
    return Said(row.value, word(row.value), row.text) if row else None


def of_lines(desk: Desk, items: list[OrderItem]) -> list[LineSaid]:
    """Return the complete lines of a sale with what was said of them, for who answers buyers."""
    done = [i for i in items if i.status in DONE]
    if not done or desk.only_deals or not desk.may(Permission.ANSWER):
        return []
    found = history.said_of([i.id for i in done])
    return [
        LineSaid(i.id, i.title, said(found.get((i.id, "to_seller"))), said(found.get((i.id, "to_buyer"))))
        for i in done
    ]


def buyer_says(desk: Desk, order: Order) -> list[Badge]:
    """Return what the buyer said that the store should know of, in words."""
    if desk.only_deals:
        return []
    found = []
    if order.payment == Payment.UNPAID and order.buyer_payment in {Payment.PAID, Payment.PAID_PAYPAL}:
        found.append(Badge("The buyer says it is paid", "wait"))
    if order.payment == Payment.ON_ARRIVAL and order.buyer_payment in {Payment.PAID, Payment.PAID_PAYPAL}:
        found.append(Badge("The buyer says it is paid", "wait"))
    if order.payment == Payment.UNPAID and order.buyer_payment == Payment.ON_ARRIVAL:
        found.append(Badge("The buyer pays on arrival", "wait"))
    if order.buyer_shipping == BuyerShipping.PROBLEM:
        found.append(Badge("The buyer says something is wrong", "bad"))
    if order.buyer_shipping == BuyerShipping.RECEIVED:
        found.append(Badge("The buyer has it", "good"))
    return found
