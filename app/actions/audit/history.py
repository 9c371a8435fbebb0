"""The history held against the rows: events fit each other, and the last of them give the present."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, NamedTuple

from app.actions.audit.proofs import Proof, Question
from app.actions.kept import BESIDE, STANDS_WHEN_NEW, snapshot
from app.db import UtcDateTime
from app.models import Order, OrderItem, Parcel
from app.queries.books import streams

# So many events are replayed at once, and as many more as the last order of them has.
AT_ONCE = 500
WORDS: dict[Any, str] = {
    Order: "order",
    OrderItem: "item",
    Parcel: "parcel",
    **{model: word for word, model in BESIDE.items()},
}
COLUMNS: dict[Any, set[str]] = {model: {*model.__table__.columns.keys()} for model in WORDS}
COLUMNS[Parcel].add("inside")
SAYS = attrgetter("id", "store_id", "act_id", "before", "after")
INSTANTS = frozenset(
    column.name
    for model in WORDS
    for column in model.__table__.columns
    if isinstance(column.type, UtcDateTime)
)

# What happened to rows, (table, id) -> events, the oldest first.
Stories = dict[tuple[Any, int], list[Any]]


class Faults(NamedTuple):
    """What is wrong with the story of a row: events that do not fit, its end, where it is told."""

    steps: tuple[int, ...]
    is_end_wrong: bool
    is_misplaced: bool


NONE = Faults((), False, False)


def proofs() -> Iterator[Proof]:
    """Yield the proofs of what the history promises."""
    replay = Replay()
    for stories in told():
        replay.some(stories)
    for question in (replay.steps, replay.ends, replay.places):
        yield question.proof()


def told() -> Iterator[Stories]:
    """Yield what happened to some rows, order by order; an order's history is never cut."""
    stories: Stories = defaultdict(list)
    n = 0
    for _, events in groupby(streams.told(), attrgetter("order_id")):
        for event in events:
            stories[_row_of(event)].append(event)
            n += 1
        if n >= AT_ONCE:
            yield stories
            stories, n = defaultdict(list), 0
    yield stories


def _row_of(event: Any) -> tuple[Any, int]:
    """Return the table and the id of the row that an event tells of."""
    if event.row_kind is not None:
        return BESIDE[event.row_kind], event.row_id
    if event.item_id is not None:
        return OrderItem, event.item_id
    if event.parcel_id is not None:
        return Parcel, event.parcel_id
    return Order, event.order_id


class Replay:
    """Replays the stories of rows, and notes where they do not hold.

    A story stands in the history of one order, or of several: a line may move to another order, a parcel
    be shared. What makes no whole story in one order is judged once, by all that was told of it anywhere.
    """

    def __init__(self) -> None:
        self.steps = Question("Every event begins where the one before it ended")
        self.ends = Question("The history, replayed, gives the present")
        self.places = Question("An act tells of a row once, and where the row belongs")

    def some(self, stories: Stories) -> None:
        """Replay what the histories of some orders tell."""
        rows = _rows(stories)
        doubtful: dict[Any, list[int]] = defaultdict(list)
        for (model, row_id), events in stories.items():
            self.steps.rows += len(events)
            self.places.rows += len(events)
            if faults(model, rows[model].get(row_id), events) is NONE:
                self.ends.rows += 1
            else:
                doubtful[model].append(row_id)
        for model, ids in doubtful.items():
            self._all_told(model, ids, stories)

    def _all_told(self, model: Any, ids: list[int], stories: Stories) -> None:
        """Judge rows by all that was told of them, in the first of the orders that tell no whole story."""
        whole: Stories = defaultdict(list)
        for event in streams.all_told(model, ids, {stories[model, i][0].order_id for i in ids}):
            whole[_row_of(event)].append(event)
        rows = _rows(whole)[model]
        for row_id in ids:
            events, row = whole.get((model, row_id)) or stories[model, row_id], rows.get(row_id)
            told_in = sorted({event.order_id or 0 for event in events})
            doubtful = (
                order_id
                for order_id in told_in
                if faults(model, row, [e for e in events if (e.order_id or 0) == order_id]) is not NONE
            )
            if next(doubtful, None) == (stories[model, row_id][0].order_id or 0):
                self._judge(f"{WORDS[model]} {row_id}", faults(model, row, events))

    def _judge(self, name: str, found: Faults) -> None:
        """Note the faults of a row's story."""
        self.ends.rows += 1
        for event_id in found.steps:
            self.steps.breach(f"event {event_id}")
        if found.is_end_wrong:
            self.ends.breach(name)
        if found.is_misplaced:
            self.places.breach(name)


def _rows(stories: Stories) -> dict[Any, dict[int, Any]]:
    """Return the rows that these stories are of, as they are, in the columns that are told of."""
    ids: dict[Any, list[int]] = {model: [] for model in WORDS}
    names: dict[Any, set[str]] = {model: {*STANDS_WHEN_NEW.get(model, ())} for model in WORDS}
    for (model, row_id), events in stories.items():
        ids[model].append(row_id)
        for event in events:
            names[model].update(event.after or ())
    found = {model: streams.present(model, ids[model], names[model]) for model in WORDS if ids[model]}
    inside = streams.inside(ids[Parcel])
    found[Parcel] = {
        parcel_id: SimpleNamespace(**parcel._mapping, inside=inside.get(parcel_id, {}))
        for parcel_id, parcel in found.get(Parcel, {}).items()
    }
    return found


def faults(model: Any, row: Any, events: list[Any]) -> Faults:
    """Return what is wrong with the story of a row, None where there is no such row any more."""
    stands: dict[str, Any] | None = {}
    steps, acts, stores, first = [], set(), set(), events[0].id
    for event_id, store_id, act_id, before, after in map(SAYS, events):
        acts.add(act_id)
        stores.add(store_id)
        if before is None:
            stands = dict(STANDS_WHEN_NEW.get(model, ())) if event_id == first else None
        if stands is None or (before and differs(stands, before)):
            steps.append(event_id)
        if after is None:
            stands = None
        else:
            stands = stands or {}
            stands.update(after)
    is_in_place = len(acts) == len(events) and (row is None or _is_at_home(row, stores, events[-1].order_id))
    if events[0].before is not None or steps or not is_in_place or not _is_end(model, row, stands):
        return Faults(tuple(steps), not _is_end(model, row, stands), not is_in_place)
    return NONE


def _is_end(model: Any, row: Any, stands: dict[str, Any] | None) -> bool:
    """Tell whether a row is as its story ends."""
    if row is None or stands is None:
        return row is stands
    return not differs(stands, snapshot(row, [name for name in stands if name in COLUMNS[model]]))


def _is_at_home(row: Any, stores: set[int | None], order_id: int) -> bool:
    """Tell whether a row is told of in its own store, and a line at last in its order."""
    return stores == {row.store_id} and getattr(row, "order_id", order_id) == order_id


def differs(stands: dict[str, Any], values: dict[str, Any]) -> bool:
    """Tell whether any of these values differs from what stands; what was never told of does not."""
    for name, value in values.items():
        known = stands.get(name, value)
        if known != value and not (name in INSTANTS and is_same_instant(known, value)):
            return True
    return False


def is_same_instant(one: Any, other: Any) -> bool:
    """Tell whether two instants of the history are the same, in whatever zones they were written."""
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except (TypeError, ValueError):  # one of them is none
        return False
