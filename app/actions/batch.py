"""Many acts on many orders under one write lock: what a long import is made of.

The rules are those of every act. What differs is when rows are written: they get their ids beforehand and
go to the database together, table by table, because most of a single act's time goes into one statement a
row.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache, partial
from itertools import count
from typing import Any, Self

from sqlalchemy import Table, insert, text

from app.access import Actor
from app.actions.kept import WRITE_EVENTS
from app.actions.ledger import Act
from app.db import Base, db
from app.models import Buyer, Order, OrderItem, Product

# How many ids are taken from a sequence at once.
BLOCK = 50
SQLITE_LAST_ID = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
NEXT_IDS = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :n)")


class Batch(Act):
    """Acts in turn, each with its verb, its time and its events in the history; the books are settled once.

    The same order may not be told of twice in one batch.
    """

    def __init__(self, *, actor: Actor, store_id: int) -> None:
        super().__init__("take_in", actor=actor, store_id=store_id)
        self.began_at = self.at
        self._order_id: int | None = None
        self._new: list[Any] = []
        self._terms: list[tuple[Order, list[str]]] = []
        self._events: list[dict[str, Any]] = []
        self._ids: dict[str, Iterator[int]] = {}

    def __enter__(self) -> Self:
        """Take the write lock; rows that hang on rows not written yet are not to be written by chance."""
        super().__enter__()
        self._waits = db.session.no_autoflush
        self._waits.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        """Write everything and settle the books, unless an act was refused."""
        self._waits.__exit__(*error)
        super().__exit__(*error)

    def begin(self, verb: str, at: datetime) -> None:
        """Begin an act."""
        self.verb, self.at, self.id = verb, at, secrets.randbits(62)

    def close(self, order: Order) -> None:
        """End the act: roll its order up, and keep what was done to it for the history."""
        self._order_id = order.id
        self._roll_up(order)
        self._events += [self._event(row, before, None) for row, before in self._gone]
        self._events += [self._event(row, before, after) for row, before, after in self._changes.values()]
        self._gone.clear()
        self._changes.clear()

    def hold(self, order_id: int, version: int | None = None) -> Order:
        """Return an order as it is now; what is changed from here on hangs on rows that are written."""
        self._write()
        db.session.flush()
        return super().hold(order_id, version)

    def add(self, *rows: Any) -> None:
        """Take up new rows: they have an id from now on, and are written with the others."""
        for row in rows:
            fill(row)
            name = row.__tablename__
            row.id = next(self._ids.get(name) or self._ids.setdefault(name, ids_of(name)))
            if isinstance(row, Product) or (isinstance(row, Buyer) and row.external_ref):
                write([row])  # the next order may ask for it by its key
            else:
                self._new.append(row)
        self._tell_new(rows)

    def leave(self, *rows: Any) -> None:
        """Take up new rows, as `add` does."""
        self.add(*rows)

    def replace_lines(self, order: Order, items: Iterable[OrderItem]) -> None:
        """Put new lines in the place of all that the order has; what it hangs on is written first."""
        self._write()
        super().replace_lines(order, items)

    def index(self, order: Order, terms: Iterable[str]) -> None:
        """Let the order be found under these terms too, once it is written."""
        self._terms.append((order, list(terms)))

    def _order_of(self, row: Any) -> int | None:
        """Return the order of the act under way."""
        return self._order_id

    def _write(self) -> None:
        """Write every row that waits, and let its order be found."""
        added = list(db.session.new)
        for row in added:
            db.session.expunge(row)
            fill(row)
        write([*self._new, *added])
        self._new.clear()
        for order, terms in self._terms:
            super().index(order, terms)
        self._terms.clear()

    def _settle(self) -> None:
        """Write everything, settle the books, and write the history of all acts."""
        self._write()
        super()._settle()
        if self._events:
            db.session.execute(WRITE_EVENTS, self._events)


def ids_of(table: str) -> Iterator[int]:
    """Yield ids that no row of the table has had; on SQLite only for who holds the write lock."""
    if db.session.get_bind().dialect.name == "sqlite":
        # Nobody else counts up meanwhile, and rows written with these ids count the table's sequence on.
        yield from count((db.session.scalar(SQLITE_LAST_ID, {"name": table}) or 0) + 1)
    while True:
        yield from db.session.scalars(NEXT_IDS, {"name": table, "n": BLOCK}).all()


def write(rows: Iterable[Any]) -> None:
    """Write rows that stand in no session, those first that others hang on; one statement a table."""
    by_table: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_table[row.__tablename__].append(row)
    for table in tables():
        found = by_table.get(table.name)
        if found:
            names = [c.name for c in table.columns if c.name != "id" or found[0].id is not None]
            db.session.execute(insert(table), [{n: getattr(row, n) for n in names} for row in found])


@cache
def tables() -> list[Table]:
    """Return all tables, those first that others hang on."""
    return Base.metadata.sorted_tables


def fill(row: Base) -> None:
    """Give a new row the values that its table would give it."""
    for name, make in defaults(row.__tablename__):
        if getattr(row, name) is None:
            setattr(row, name, make(None))


@cache
def defaults(table: str) -> list[tuple[str, Callable[[Any], Any]]]:
    """Return the columns of a table that have a default, and what makes it."""
    found: list[tuple[str, Callable[[Any], Any]]] = []
    for column in Base.metadata.tables[table].columns:
        default: Any = column.default
        if default is not None:
            found.append(
                (column.name, default.arg if default.is_callable else partial(constant, default.arg))
            )
    return found


def constant(value: Any, _context: Any) -> Any:
    """Return a default that is always the same."""
    return value
