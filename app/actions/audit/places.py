"""The history of people held against their rows: places in stores, invitations, and who runs the site.

What was never told of, such as members of a time before this history, is not judged.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from app.actions.audit.proofs import Proof, Question
from app.queries.books import streams


def proofs() -> Iterator[Proof]:
    """Yield the proofs of what the history promises of people."""
    steps = Question("What happened to a person's place begins where it ended before")
    ends = Question("People, places and invitations stand as the history says last")
    now = dict(streams.people_now())
    # People are few, and what is told of them is little: it is held at once, and no database sorts it.
    told: defaultdict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for event in streams.told_of_people():
        told[event.row_kind, event.row_id, event.store_id].append(event)
    for key, events in told.items():
        row = now.get(key)
        stands: dict[str, Any] | None = {}
        for n, event in enumerate(events):
            steps.rows += 1
            if n and not _fits(stands, event.before):
                steps.breach(f"event {event.id}")
            stands = None if event.after is None else {**(stands or {}), **event.after}
        ends.rows += 1
        if row is None or stands is None:
            is_so = row is None and stands is None
        else:
            is_so = all(row[name] == value for name, value in stands.items() if name in row)
        if not is_so:
            ends.breach(f"{key[0]} {key[1]}" + (f" of store {key[2]}" if key[2] else ""))
    yield steps.proof()
    yield ends.proof()


def _fits(stands: dict[str, Any] | None, before: dict[str, Any] | None) -> bool:
    """Tell whether an event begins where the one before it ended; what was never told of fits."""
    if stands is None or before is None:
        return stands is before
    # How many sign-ins there were is told for its own sake: they come and go without the history.
    return all(stands.get(name, value) == value for name, value in before.items() if name != "signins")
