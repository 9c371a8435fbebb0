"""The history held against the rows: rows begin in it, events fit, the end is the present."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from app.actions.audit.proofs import Proof, Question
from app.actions.ledger import KEPT_WHEN_NEW, STANDS_WHEN_NEW, snapshot
from app.db import UtcDateTime
from app.queries.books import streams


def proofs() -> Iterator[Proof]:
    """Yield the proofs of what the history promises."""
    replay = Replay()
    for model in KEPT_WHEN_NEW:
        replay.of(model)
    for question in (replay.births, replay.steps, replay.ends, replay.places):
        yield question.proof()


class Replay:
    """Replays what the history tells of every row of a table, and notes where it does not hold."""

    def __init__(self) -> None:
        self.births = Question("Every order, line and parcel begins in the history")
        self.steps = Question("Every event begins where the one before it ended")
        self.ends = Question("The history, replayed, gives the present")
        self.places = Question("An act tells of a row once, and where the row belongs")

    def of(self, model: Any) -> None:
        """Replay the history of a table."""
        table = model.__table__
        self.word = {"orders": "order", "order_item": "item"}.get(table.name, table.name)
        self.columns = {column.name for column in streams.short_columns(model)}
        self.instants = {column.name for column in table.columns if isinstance(column.type, UtcDateTime)}
        self.when_new = STANDS_WHEN_NEW[model]
        for row_id, (rows, events) in streams.beside(streams.present(model), streams.told(model)):
            name, row = f"{self.word} {row_id}", rows[0] if rows else None
            stands = self._replayed(name, events)
            self._place(name, row, events)
            self._end(name, row, stands)

    def _replayed(self, name: str, events: list[Any]) -> dict[str, Any] | None:
        """Return how a row stands after these events, None where it is gone; judge each of them."""
        stands: dict[str, Any] | None = {}
        births = 0
        for event in events:
            before, after = event.before, event.after
            if before is None:
                births += 1
                stands = dict(self.when_new)
            elif stands is None or self._differs(stands, before):
                self.steps.breach(f"event {event.id}")
            if after is None:
                stands = None
            elif stands is None:
                stands = after
            else:
                stands.update(after)
        self.births.rows += 1
        self.steps.rows += len(events)
        if births != 1 or events[0].before is not None:
            self.births.breach(name)
        return stands

    def _place(self, name: str, row: Any, events: list[Any]) -> None:
        """Judge whether acts tell of the row once, in its store, and of a line at last in its order."""
        self.places.rows += len(events)
        if not events:
            return
        is_so = len({event.act_id for event in events}) == len(events)
        if row is not None:
            last = events[-1]
            is_so = is_so and {event.store_id for event in events} == {row.store_id}
            is_so = is_so and (self.word != "item" or last.order_id == row.order_id)
        if not is_so:
            self.places.breach(name)

    def _end(self, name: str, row: Any, stands: dict[str, Any] | None) -> None:
        """Hold the row as it is, None where there is none, against what the history says of it."""
        self.ends.rows += 1
        if row is None or stands is None:
            is_so = row is stands
        else:
            now = snapshot(row, [column for column in stands if column in self.columns])
            is_so = not self._differs(stands, now)
        if not is_so:
            self.ends.breach(name)

    def _differs(self, stands: dict[str, Any], values: dict[str, Any]) -> bool:
        """Tell whether any of these values differs from what stands; what was never told of does not."""
        for name, value in values.items():
            known = stands.get(name, value)
            if known != value and not (name in self.instants and is_same_instant(known, value)):
                return True
        return False


def is_same_instant(one: str | None, other: str | None) -> bool:
    """Tell whether two instants of the history are the same, in whatever zones they were written."""
    return bool(one and other) and datetime.fromisoformat(str(one)) == datetime.fromisoformat(str(other))
