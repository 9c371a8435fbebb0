"""An order file brought in: every order through the same form and the same acts, whole or not at all.

First `read`, which refuses the file as a whole or gives its orders; then `bring_in`, which judges each
order and says what became of it. A dry run does the very same and takes it back. The door commits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.access import Desk
from app.actions.intake import Verdict, take_in
from app.actions.moves import Asked, move_item
from app.actions.parcels import ship
from app.actions.payment import confirm_payment
from app.actions.purchases import Purchase
from app.db import db, take_write_lock
from app.errors import BadFile, Refused
from app.exchange import etsy
from app.exchange.kinds import Fault, FileKind, FileOrder, Told
from app.exchange.tables import Row, plain, read_table
from app.forms.purchases import PurchaseForm
from app.models import Order, OrderItem
from app.statuses import ActorKind, Door, ItemStatus, Kind, Payment

KINDS: tuple[FileKind, ...] = (etsy.ITEMS_FILE, etsy.ORDERS_FILE)

# After so many orders others get the write lock: soon in a dry run, which nobody waits for.
AT_ONCE = 100
AT_ONCE_DRY = 25


class Outcome(StrEnum):
    """What became of an order of a file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True)
class File:
    """What was read from a file of orders; nothing of it is judged yet."""

    kind: FileKind
    orders: Sequence[FileOrder]


class OrderReport(NamedTuple):
    """What became of one order: why it was refused, or where the file differs from what is kept."""

    line: int
    external_id: str
    items: int
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    order_id: int | None = None


@dataclass(frozen=True)
class Report:
    """What became of every order of a file."""

    orders: tuple[OrderReport, ...]

    @property
    def items(self) -> int:
        """Return how many items the orders of the file have."""
        return sum(order.items for order in self.orders)

    def count(self, outcome: Outcome) -> int:
        """Return how many orders ended so."""
        return sum(order.outcome is outcome for order in self.orders)

    @property
    def refused(self) -> int:
        """Return how many orders were refused."""
        return self.count(Outcome.REFUSED)


def read(data: bytes, zone: str, currency: str) -> File:
    """Return the orders of a file; BadFile names the line that keeps it from being read as a whole.

    Days are days of `zone`; `currency` is taken where the file names none.
    """
    table = read_table(data, frozenset().union(*(kind.words for kind in KINDS)), _judge_header)
    kind = next(kind for kind in KINDS if kind.fits(table.header))
    table.call(kind.also)
    return File(kind, kind.orders(table, zone, currency))


def _judge_header(header: Row) -> None:
    """Refuse a header that is none of a file that we know, and say what it lacks."""
    if any(kind.fits(header.cells) for kind in KINDS):
        return
    nearest = max(KINDS, key=lambda kind: len(kind.needs & set(map(plain, header.cells))))
    missing = nearest.missing(header.cells)
    if len(missing) * 2 < len(nearest.needs):
        raise BadFile(f"This looks like “{nearest.name}”, but has no column {', '.join(missing)}.", header.line)
    has = ", ".join(f"“{cell.strip()[:40]}”" for cell in header.cells[:12])
    raise BadFile(
        f"This is no header of a file that we know. It has {has}; known files are "
        f"{' and '.join(kind.name for kind in KINDS)}.",
        header.line,
    )


def bring_in(
    file: File,
    desk: Desk,
    *,
    is_dry_run: bool,
    commit: Callable[[], None],
    rollback: Callable[[], None],
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Bring the orders of a file into a store and report on each; a dry run leaves nothing behind.

    `commit` and `rollback` end the transaction, batch by batch; `progress` hears how many orders of how
    many are done. Brought in again, or after it was cut, a file changes nothing that is there already.
    """
    importer = replace(desk, actor=replace(desk.actor, kind=ActorKind.IMPORT, door=Door.IMPORT))
    store_id = desk.store.id
    end = rollback if is_dry_run else commit
    at_once = AT_ONCE_DRY if is_dry_run else AT_ONCE
    reports = []
    for n, order in enumerate(file.orders, start=1):
        reports.append(_bring_one(order, file.kind, importer, store_id, is_dry_run))
        if n % at_once == 0 or n == len(file.orders):
            end()
            if progress:
                progress(n, len(file.orders))
    return Report(tuple(reports))


def _bring_one(order: FileOrder, kind: FileKind, desk: Desk, store_id: int, is_dry_run: bool) -> OrderReport:
    """Judge one order by the form and carry it out by the acts: all of it, or nothing."""
    told = order.told()
    form = PurchaseForm(told.body)
    report = OrderReport(order.line, order.external_id, order.items, Outcome.REFUSED)
    is_valid = form.validate()
    if told.faults or not is_valid:
        return report._replace(reasons=_reasons(order, told, form))
    try:
        take_write_lock()
        with db.session.begin_nested():
            told_order = _carry_out(form, form.purchase(kind.channel), desk, store_id)
    except Refused as refused:
        return report._replace(reasons=(str(Fault(order.line, refused.sentence)),))
    is_kept = not is_dry_run or told_order.outcome is not Outcome.NEW
    return report._replace(
        outcome=told_order.outcome,
        reasons=told_order.reasons,
        order_id=told_order.order_id if is_kept else None,
    )


def _reasons(order: FileOrder, told: Told, form: PurchaseForm) -> tuple[str, ...]:
    """Return every fault of an order with its line and column in the file, in the file's sequence."""
    faults = list(told.faults)
    for name, text in form.faults():
        place = told.places.get(name)
        faults.append(Fault(place.line, f"{place.column}: {text}") if place else Fault(order.line, text))
    return tuple(str(fault) for fault in sorted(faults))


class _Done(NamedTuple):
    """What the acts made of an order."""

    order_id: int
    outcome: Outcome
    reasons: tuple[str, ...]


def _carry_out(form: PurchaseForm, purchase: Purchase, desk: Desk, store_id: int) -> _Done:
    """Take the order in, then let it be paid and shipped as far as the file says; never backwards."""
    taken = take_in(purchase, actor=desk.actor, store_id=store_id)
    said = list(taken.differences)
    shipped = _shipped(form, purchase, taken.order)
    if _pay(form, taken.order, min(shipped.values(), default=None), desk, store_id):
        said.append("it is paid")
    if _send(taken.order, shipped, desk, store_id):
        said.append("it is shipped")
    if taken.verdict is Verdict.NEW:
        return _Done(taken.order.id, Outcome.NEW, ())
    moved = len(said) > len(taken.differences)
    outcome = Outcome.CHANGED if moved or taken.verdict is Verdict.CHANGED else Outcome.SAME
    return _Done(taken.order.id, outcome, tuple(said))


def _shipped(form: PurchaseForm, purchase: Purchase, order: Order) -> dict[OrderItem, datetime]:
    """Return which items of the order went out according to the file, and when.

    Lines are known by their outside id. Where file or desk has the one line that stands for all, either
    everything went out or nothing is said.
    """
    days = {line.external_id: e.form.shipped_at.data for line, e in zip(purchase.lines, form.lines, strict=True)}
    said = {line: day for line, day in days.items() if day is not None}
    latest = max(said.values(), default=None)
    if latest is not None and len(said) == len(days):
        return {item: said.get(item.external_id, latest) for item in order.items}
    return {item: said[item.external_id] for item in order.items if item.external_id in said}


def _pay(
    form: PurchaseForm, order: Order, shipped_at: datetime | None, desk: Desk, store_id: int
) -> bool:
    """Confirm the payment that the file tells of and the desk has not; tell whether there was one.

    What the file says was shipped and not paid goes out unpaid, as pay on arrival.
    """
    is_waiting = any(item.status == ItemStatus.PENDING_PAYMENT for item in order.items)
    paid_at = form.paid_at.data
    if paid_at and (order.payment == Payment.ON_ARRIVAL or (order.payment == Payment.UNPAID and is_waiting)):
        code, at = Payment.PAID, paid_at
    elif shipped_at and order.payment == Payment.UNPAID and is_waiting:
        code, at = Payment.ON_ARRIVAL, shipped_at
    else:
        return False
    confirm_payment(order.id, code=code, actor=desk.actor, store_id=store_id, at=at)
    return True


def _send(order: Order, shipped: dict[OrderItem, datetime], desk: Desk, store_id: int) -> bool:
    """Ship what the file says was shipped and the desk still has; tell whether there was anything."""
    going: dict[datetime, dict[int, int]] = {}
    has_moved = False
    for item, at in shipped.items():
        if item.fulfilled_as is Kind.GOODS and item.status == ItemStatus.PENDING_FULFILMENT:
            going.setdefault(at, {})[item.id] = item.left
        elif item.fulfilled_as is Kind.PICKUP and item.status == ItemStatus.PENDING_ACQUISITION:
            move_item(item, Asked(ItemStatus.COMPLETED_BY_SELLER), desk=desk, at=at)
            has_moved = True
    for at, pieces in going.items():
        ship(order.id, pieces, actor=desk.actor, store_id=store_id, at=at)
    return has_moved or bool(going)


def summary(report: Report) -> str:
    """Return the command's last line: N orders, M items: A new, B changed, C same, R refused."""
    counts = ", ".join(f"{report.count(outcome)} {outcome.value}" for outcome in Outcome)
    return f"{len(report.orders)} orders, {report.items} items: {counts}"
