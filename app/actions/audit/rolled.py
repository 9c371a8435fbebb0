"""Orders held against their lines: the codes that are rolled up, and where a line of its kind may stand."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from app.actions.audit.proofs import Proof, Question
from app.actions.rollup import attention_at, desk_state, order_status, ship_by, shipping_flag
from app.queries import people
from app.queries.books import streams
from app.statuses import (
    AWAITING_PAYMENT,
    DEAD,
    STANDS,
    ItemStatus,
    Kind,
    Payment,
    kind_of,
)

NEVER_PAID = AWAITING_PAYMENT | {ItemStatus.VOIDED, ItemStatus.EXPIRED}
GONE = DEAD | {ItemStatus.PENDING_ACQUISITION, ItemStatus.COMPLETE}
GIVEN_UP = frozenset({Payment.CANCELED, Payment.REFUNDED})

kind = cache(kind_of)


class Line(NamedTuple):
    """A line as the rules ask of it."""

    id: int
    status: int
    fulfilled_as: Kind
    shipped: int
    left: int


def proofs() -> Iterator[Proof]:
    """Yield the proofs of what orders and their lines owe each other."""
    status = Question("The status of an order is what its lines make it")
    tab = Question("An order stands in the tab that its lines and its payment give")
    flag = Question("The shipping flag of an order is what its lines make it")
    due = Question("An order is to leave by the day that its store's calendar gives")
    needs = Question("An order needs somebody from when its flags, its parcels and the calendar say")
    kinds = Question("A line stands where a line of its kind can")
    paid = Question("A line goes on once its order is paid, and ends with it")
    gone = Question("Nothing is left to ship of goods that are sent or given up")
    goods = Question("Only goods go out in parcels")
    calendars = {store.id: store for store in people.all_stores()}
    of_orders, of_lines = (status, tab, flag, due, needs), (kinds, paid, gone, goods)
    for _, (heads, rows) in streams.beside(streams.orders(), streams.lines()):
        for order in heads:
            lines = [_line(row) for row in rows]
            _count(of_orders, 1)
            _count(of_lines, len(lines))
            calendar, since = calendars.get(order.store_id), order.paid_at or order.placed_at
            for question, is_so in (
                (status, order.status == order_status(lines)),
                (tab, order.desk_state == desk_state(order.payment, lines)),
                (flag, order.shipping == shipping_flag(order.shipping, lines)),
                (due, calendar is not None and order.ship_by == ship_by(calendar, since, lines)),
                (
                    needs,
                    calendar is not None
                    and order.attention_at == attention_at(order, lines, calendar.received_days),
                ),
            ):
                if not is_so:
                    question.breach(f"order {order.id}")
            for line in lines:
                is_goods = line.fulfilled_as is Kind.GOODS
                for question, is_so in (
                    (kinds, line.status in STANDS[line.fulfilled_as]),
                    (paid, _fits(order.payment, line.status)),
                    (gone, not (line.left and (line.status in DEAD or (is_goods and line.status in GONE)))),
                    (goods, is_goods or not line.shipped),
                ):
                    if not is_so:
                        question.breach(f"item {line.id}")
    yield from (question.proof() for question in (*of_orders, *of_lines))


def _line(row: Any) -> Line:
    """Return a line from its row."""
    left = row.quantity - row.shipped - row.cancelled
    return Line(row.id, row.status, kind(row.type, row.delivery, row.is_pickup), row.shipped, left)


def _count(questions: tuple[Question, ...], n: int) -> None:
    """Count the rows that were looked at."""
    for question in questions:
        question.rows += n


def _fits(payment: int, status: int) -> bool:
    """Tell whether a line may stand there while its order's payment stands so."""
    if payment == Payment.UNPAID:
        return status in NEVER_PAID
    if payment in GIVEN_UP:
        return status in DEAD
    return status != ItemStatus.PENDING_PAYMENT
