"""Tally and search terms written anew from the rows they tell of: what nobody but the desk itself writes.

Acts keep both right. This is for what they did not do: rows changed by hand, words that a new version adds.
"""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import delete, select, text

from app.actions.audit.words import Found, compared
from app.actions.statements import FIND
from app.db import db, one_moment, take_write_lock
from app.models import Order, SearchTerm, Store
from app.queries.books import tally

# After so many orders others get the lock.
AT_ONCE = 500

PUT = text(
    "INSERT INTO tally (store_id, grain, code, n) VALUES (:store_id, :grain, :code, :n)"
    " ON CONFLICT (store_id, grain, code) DO UPDATE SET n = excluded.n"
)


class Recounted(NamedTuple):
    """What differed in a store, and is right now."""

    tallies: int
    added: int
    taken: int


def recount(store_id: int, *, commit: Callable[[], None]) -> Recounted:
    """Write the tally and the search terms of a store anew where they differ from its rows.

    What differs is looked for first, while others write; only that is looked at again, and written, under
    the store's lock. The door commits; where many orders differ, `commit` lets others write in between.
    """
    with one_moment():
        astray = [f.order.id for f in compared(Order.store_id == store_id) if not f.is_right]
    _lock(store_id)
    tallies = _tally(store_id)
    added = taken = 0
    for begin in range(0, len(astray), AT_ONCE):
        if begin:
            commit()
            _lock(store_id)
        for found in list(compared(Order.id.in_(astray[begin : begin + AT_ONCE]))):
            more, less = _words(found)
            added, taken = added + more, taken + less
    return Recounted(tallies, added, taken)


def _lock(store_id: int) -> None:
    """Keep every act on the store out until the commit."""
    take_write_lock()
    db.session.scalars(select(Store.id).where(Store.id == store_id).with_for_update()).one()


def _tally(store_id: int) -> int:
    """Put the tally of a store right and return how many of its figures were not."""
    kept, counted = tally.kept(store_id), tally.counted(store_id)
    rows = [
        {"store_id": store, "grain": grain, "code": code, "n": counted.get((store, grain, code), 0)}
        for store, grain, code in sorted(kept.keys() | counted.keys())
        if kept.get((store, grain, code)) != counted.get((store, grain, code))
    ]
    if rows:
        db.session.execute(PUT, rows)
    return len(rows)


def _words(found: Found) -> tuple[int, int]:
    """Write the words of an order anew and return how many were added and taken away."""
    order = found.order
    terms = select(SearchTerm.store_id, SearchTerm.term, SearchTerm.placed_at)
    kept = set(db.session.execute(terms.where(SearchTerm.order_id == order.id)).tuples())
    right = {(order.store_id, term, order.placed_at) for term in found.right}
    db.session.execute(delete(SearchTerm).where(SearchTerm.order_id == order.id))
    rows = [
        {"store_id": store_id, "term": term, "placed_at": placed_at, "order_id": order.id}
        for store_id, term, placed_at in sorted(right)
    ]
    db.session.execute(FIND, rows)
    return len(right - kept), len(kept - right)
