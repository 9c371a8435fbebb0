"""An order file brought in: every order through the same form and the same acts, whole or not at all.

First `read`, which refuses the file as a whole or gives its orders; then `batches`, which judges each
order and says what became of it. A dry run does the very same and takes it back. The door commits.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.access import Actor, Desk
from app.actions.imports import Outcome, Telling, bring_each
from app.actions.intake import Verdict
from app.errors import BadFile, Refused
from app.exchange import etsy
from app.exchange.kinds import Fault, FileKind, FileOrder, Told
from app.exchange.tables import Row, read_table
from app.forms.purchases import PurchaseForm
from app.statuses import ActorKind, Door

KINDS: tuple[FileKind, ...] = (etsy.ITEMS_FILE, etsy.ORDERS_FILE)

# After so many orders others get the write lock: soon in a dry run, which nobody waits for.
AT_ONCE = 100
AT_ONCE_DRY = 25


@dataclass(frozen=True)
class File:
    """What was read from a file of orders; nothing of it is judged yet."""

    kind: FileKind
    orders: Sequence[FileOrder]

    @property
    def items(self) -> int:
        """Return how many items the orders of the file have."""
        return sum(order.items for order in self.orders)


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
    nearest = min(KINDS, key=lambda kind: len(kind.missing(header.cells)))
    missing = nearest.missing(header.cells)
    if len(missing) * 2 < len(nearest.needs):
        raise BadFile(
            f"This looks like “{nearest.name}”, but has no column {', '.join(missing)}.", header.line
        )
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
    reports: list[OrderReport] = []
    for batch in batches(file, desk, is_dry_run=is_dry_run, rollback=rollback):
        if not is_dry_run:
            commit()
        reports += batch
        if progress:
            progress(len(reports), len(file.orders))
    return Report(tuple(reports))


def batches(
    file: File, desk: Desk, *, is_dry_run: bool, rollback: Callable[[], None], begin: int = 0
) -> Iterator[list[OrderReport]]:
    """Bring the orders of a file in from the `begin`th on, and yield the reports of some after others.

    What a batch did is for the door to commit, before it asks for the next; what a dry run did is
    rolled back already.
    """
    actor = replace(desk.actor, kind=ActorKind.IMPORT, door=Door.IMPORT)
    store_id, at_once = desk.store.id, AT_ONCE_DRY if is_dry_run else AT_ONCE
    for first in range(begin, len(file.orders), at_once):
        reports = _bring_batch(file, file.orders[first : first + at_once], actor, store_id, is_dry_run)
        if is_dry_run:
            rollback()
        yield reports


def _bring_batch(
    file: File, orders: Sequence[FileOrder], actor: Actor, store_id: int, is_dry_run: bool
) -> list[OrderReport]:
    """Judge some orders by the form, then carry those out that are right."""
    judged = [_judge(order, file.kind) for order in orders]
    right = [telling for _, telling in judged if telling is not None]
    brought = iter(bring_each(right, actor=actor, store_id=store_id) if right else ())
    reports = []
    for report, telling in judged:
        outcome = next(brought) if telling else None
        if isinstance(outcome, Refused):
            reports.append(report._replace(reasons=(str(Fault(report.line, outcome.sentence)),)))
        elif outcome:
            is_kept = not is_dry_run or outcome.verdict is not Verdict.NEW
            reports.append(
                report._replace(
                    outcome=Outcome(outcome.verdict),
                    reasons=outcome.said,
                    order_id=outcome.order_id if is_kept else None,
                )
            )
        else:
            reports.append(report)
    return reports


def _judge(order: FileOrder, kind: FileKind) -> tuple[OrderReport, Telling | None]:
    """Return what the form says of an order: refused with every fault, or as the acts take it."""
    told = order.told()
    form = PurchaseForm(told.body)
    report = OrderReport(order.line, order.external_id, order.items, Outcome.REFUSED)
    is_valid = form.validate()
    if told.faults or not is_valid:
        return report._replace(reasons=_reasons(order, told, form)), None
    sent_at = tuple(entry.form.shipped_at.data for entry in form.lines)
    return report, Telling(form.purchase(kind.channel), form.paid_at.data, sent_at)


def _reasons(order: FileOrder, told: Told, form: PurchaseForm) -> tuple[str, ...]:
    """Return every fault of an order with its line and column in the file, in the file's sequence."""
    faults = list(told.faults)
    for name, text in form.faults():
        place = told.places.get(name)
        faults.append(Fault(place.line, f"{place.column}: {text}") if place else Fault(order.line, text))
    return tuple(str(fault) for fault in sorted(faults))


def summary(report: Report) -> str:
    """Return the command's last line: N orders, M items: A new, B changed, C same, R refused."""
    counts = ", ".join(f"{report.count(outcome)} {outcome.value}" for outcome in Outcome)
    return f"{len(report.orders)} orders, {report.items} items: {counts}"
