"""What hangs on the items of one answer: read where a field shows it, in one statement for all of them."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.models import Cause, Event, Feedback, Payout, Store
from app.queries import history, sales
from app.queries.people import StoreFacts
from app.queries.told_items import Told
from app.statuses import ProductType


@dataclass
class Beside:
    """What hangs on the items of one page, as far as it is shown."""

    stores: Mapping[int, Store | StoreFacts]
    causes: dict[int, Cause] = field(default_factory=dict)
    feedback: dict[int, Feedback] = field(default_factory=dict)
    events: dict[int | None, list[Event]] = field(default_factory=dict)
    payouts: dict[int | None, list[Payout]] = field(default_factory=dict)
    donations: frozenset[int] = frozenset()  # orders of nothing but donations


def gather(items: Sequence[Told], stores: Mapping[int, Store | StoreFacts], shown: frozenset[str]) -> Beside:
    """Read what hangs on these items, as far as these fields and objects show it; nothing for no items."""
    beside = Beside(stores)
    rows = [item.row for item in items]
    ids = [row.id for row in rows]
    causes = {row.cause_id for row in rows if row.cause_id}
    gifts = {row.order_id for row in rows if row.type == ProductType.DONATION}
    if causes and "cause" in shown:
        beside.causes = history.causes(causes)
    if ids and "feedback" in shown:
        beside.feedback = history.feedback_of(ids)
    if ids and "history" in shown:
        moves = [e for e in history.events_of_items(ids) if e.after and "status" in e.after]
        beside.events = _by(moves, lambda e: e.item_id)
    if ids and "payouts" in shown:
        beside.payouts = _by(history.payouts_of_items(ids), lambda p: p.item_id)
    if gifts and "order.type" in shown:
        lines = sales.lines_of(sorted(gifts), only_deals=False)
        beside.donations = frozenset(
            order_id for order_id, of in lines.items() if all(x.type == ProductType.DONATION for x in of)
        )
    return beside


def _by(rows: Sequence[Any], key: Callable[[Any], int | None]) -> dict[int | None, list[Any]]:
    """Return these rows by a key of theirs, each group in the order it came."""
    groups: defaultdict[int | None, list[Any]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)
