"""The money that an act of the history moved, as its one line on a page says it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from app.models import Payment
from app.money import money_text
from app.queries.history import EventSeen


class Moved(NamedTuple):
    """Money that an act moved: "purchase", "refund", "void", "fee"; where it stands since; how much."""

    kind: str
    status: str
    amount: str


def known_payments(events: Iterable[EventSeen]) -> dict[int, dict[str, Any]]:
    """Return what the history says of each payment that began in it, by the payment's id."""
    births = (e for e in events if e.row_kind == Payment.__tablename__ and e.before is None)
    return {e.row_id: e.after for e in births if e.row_id is not None and e.after}


def moved(act: Iterable[EventSeen], known: dict[int, dict[str, Any]]) -> Moved | None:
    """Return the first money that an act moved, None where it moved none."""
    for event in act:
        if event.row_kind != Payment.__tablename__ or event.after is None:
            continue
        payment = known.get(event.row_id or 0)
        if payment:
            amount = money_text(payment["amount_minor"], payment["currency"])
            return Moved(payment["kind"], event.after.get("status", payment["status"]), amount)
    return None
