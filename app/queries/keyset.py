"""How lists are walked: by the place of the last row seen, never by counting rows that are skipped."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_

PAGE = 25


class Cursor(NamedTuple):
    """A place in a list: the sort column's value and the id of the row there."""

    at: datetime
    id: int


class Slice(NamedTuple):
    """One page of a list, and the places to go on from (None at the ends)."""

    rows: Sequence[Any]
    before: Cursor | None
    after: Cursor | None


class Sort(NamedTuple):
    """How a list is sorted: its column, whether the greatest comes first, and the column that breaks ties."""

    column: Any
    is_descending: bool
    key: Any


class Way(Enum):
    """From where a list is read, and in which direction."""

    START = "from its start"
    ON = "on from a place"
    BACK = "back from a place"


def way(after: Cursor | None, before: Cursor | None) -> Way:
    """Return the way that leads to what is asked for."""
    return Way.BACK if before else Way.ON if after else Way.START


def along(rows: Select[Any], sort: Sort, how: Way, limit: int = PAGE + 1) -> Select[Any]:
    """Sort a select and begin it at the place of the parameters `at` and `at_id`.

    One row more than a page is read: it tells whether there is a next one.
    """
    is_descending = sort.is_descending != (how is Way.BACK)
    if how is not Way.START:
        rows = rows.where(_beyond(sort, is_descending))
    columns = (sort.column, sort.key)
    return rows.order_by(*(c.desc() if is_descending else c.asc() for c in columns)).limit(limit)


def _beyond(sort: Sort, is_descending: bool) -> ColumnElement[bool]:
    """Return the condition for rows past a place in the direction of travel."""
    at, at_id = bindparam("at", type_=sort.column.type), bindparam("at_id", type_=sort.key.type)
    if is_descending:
        return and_(sort.column <= at, or_(sort.column < at, sort.key < at_id))
    return and_(sort.column >= at, or_(sort.column > at, sort.key > at_id))


def place(at: Cursor | None) -> dict[str, Any]:
    """Return a place as the parameters that `along` reads."""
    return {"at": at.at, "at_id": at.id} if at else {}


def cut(found: Sequence[Any], sort: Sort, how: Way) -> Slice:
    """Return the page that was read along a way, and the places at its two ends."""
    has_more = len(found) > PAGE
    rows = found[:PAGE]
    if how is Way.BACK:
        rows = rows[::-1]
    name = sort.column.key
    first = Cursor(getattr(rows[0], name), rows[0].id) if rows else None
    last = Cursor(getattr(rows[-1], name), rows[-1].id) if rows else None
    if how is Way.BACK:
        return Slice(rows, first if has_more else None, last)
    return Slice(rows, first if how is Way.ON else None, last if has_more else None)
