"""The bulk writer: rows of many finished sales, written as they are, table by table, without an act.

`BulkWriter` is the one writer of rows beside the acts, and only for a database that nobody uses yet. It
keeps no rule: whoever brings rows brings them whole, with history, pieces and money that add up, and says
in the end what they change in a store's books. All of it is one transaction, the door's: where it is cut
off nothing was written, and nothing is missing.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import IntEnum
from itertools import count
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Index, Table, insert, text, update
from sqlalchemy.schema import (
    AddConstraint,
    Constraint,
    CreateIndex,
    DropConstraint,
    DropIndex,
)

from app.actions.batch import ids_of
from app.actions.tally import keep_tally
from app.db import Base, db, take_write_lock
from app.models import Store

Row = tuple[Any, ...]

# How many rows that lie in the sequence of their key are sorted and written at once: some 250 MB of them.
RUN = 1_500_000
ROOM_ON_SQLITE = ("PRAGMA cache_size=-262144", "PRAGMA foreign_keys=OFF")
ROOM_ON_POSTGRESQL = ("SET LOCAL maintenance_work_mem = '256MB'",)
COUNT_ON = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :next, false)")


def make_room() -> None:
    """Give the session's connection room for much to be written; to be called before its transaction opens.

    On SQLite it checks no foreign keys from then on: whoever writes vouches for them. The connection is
    closed when its transaction has ended, and with it all this.
    """
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        connection.detach()
        for setting in ROOM_ON_SQLITE:
            connection.exec_driver_sql(setting)


class BulkWriter:
    """Writes rows of these tables as plain tuples; use as a context manager, after `make_room`.

    Indexes are dropped before and built anew after, by the models' own metadata; on PostgreSQL foreign keys
    as well, which are then checked for all rows at once. `told` hears (how many of these are built, of all).
    """

    def __init__(
        self, *models: type[Base], told: Callable[[int, int], None] = lambda built, of: None
    ) -> None:
        wanted = {model.__tablename__ for model in models}
        self.tables: dict[str, Table] = {t.name: t for t in Base.metadata.sorted_tables if t.name in wanted}
        self._told = told
        self._ids: dict[str, Iterator[int]] = {}
        self._unsorted: dict[str, list[Row]] = {}

    def __enter__(self) -> Self:
        """Take the write lock and clear the way."""
        take_write_lock()
        db.session.flush()
        self._connection = db.session.connection()
        self._is_sqlite = self._connection.dialect.name == "sqlite"
        self.zone = "" if self._is_sqlite else "+00"
        self._into = {name: self._statement(table) for name, table in self.tables.items()}
        for setting in () if self._is_sqlite else ROOM_ON_POSTGRESQL:
            self._connection.exec_driver_sql(setting)
        for constraint in self._constraints():
            self._connection.execute(DropConstraint(constraint, isolate_from_table=False))
        for index in self._indexes():
            self._connection.execute(DropIndex(index))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put everything in its place, unless something failed: then the door rolls all of it back."""
        if kind is None:
            self._finish()

    def ids(self, table: str) -> Iterator[int]:
        """Return the ids that rows of this table have from now on, one after the other."""
        if table not in self._ids:
            self._ids[table] = count(next(ids_of(table)))
        return self._ids[table]

    def columns(self, table: str) -> tuple[str, ...]:
        """Return the names of a table's columns, in the sequence in which a row's cells stand."""
        return tuple(self.tables[table].columns.keys())

    def cell(self, value: Any) -> Any:
        """Return a value as the driver takes it: instants and documents as text, codes as numbers."""
        if isinstance(value, datetime):
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds") + self.zone
        if isinstance(value, IntEnum):
            return int(value)
        return json.dumps(value) if isinstance(value, dict | list) else value

    def write(self, table: str, rows: list[Row]) -> None:
        """Write rows: a tuple each, all of the table's columns in turn, cells as `cell` makes them."""
        if self._is_sqlite and is_keyed(self.tables[table]):
            unsorted = self._unsorted.setdefault(table, [])
            unsorted += rows
            if len(unsorted) > RUN:
                self._write_sorted(table)
        elif rows:
            self._write(table, rows)

    def settle(self, store_id: int, *, numbers: int, acts: int, standing: Counter[tuple[str, str]]) -> None:
        """Bring a store's books up to the rows written: numbers given away, acts done, what stands where."""
        db.session.execute(
            update(Store)
            .where(Store.id == store_id)
            .values(next_number=Store.next_number + numbers, revision=Store.revision + acts)
        )
        keep_tally(store_id, standing)

    def _write(self, table: str, rows: list[Row]) -> None:
        """Hand rows to the driver."""
        if self._is_sqlite:
            self._connection.exec_driver_sql(self._into[table], rows)
            return
        driver: Any = self._connection.connection.dbapi_connection
        with driver.cursor() as cursor, cursor.copy(self._into[table]) as copy:
            for row in rows:
                copy.write_row(row)

    def _write_sorted(self, table: str) -> None:
        """Write rows that wait in the sequence of their key: each page of the table is filled once a run."""
        self._write(table, sorted(self._unsorted.pop(table)))

    def _finish(self) -> None:
        """Write what waits, build the indexes, check the foreign keys, count the sequences on."""
        for table in list(self._unsorted):
            self._write_sorted(table)
        indexes, constraints = self._indexes(), self._constraints()
        to_build = [CreateIndex(i) for i in indexes] + [
            AddConstraint(c, isolate_from_table=False) for c in reversed(constraints)
        ]
        for built, element in enumerate(to_build, start=1):
            self._connection.execute(element)
            self._told(built, len(to_build))
        if not self._is_sqlite:  # SQLite's sequences follow the rows by themselves
            for name, ids in self._ids.items():
                self._connection.execute(COUNT_ON, {"name": name, "next": next(ids)})
            self._connection.execute(text(f"ANALYZE {', '.join(self.tables)}"))

    def _statement(self, table: Table) -> str:
        """Return what the driver is told to write rows of a table."""
        if self._is_sqlite:
            return str(insert(table).compile(dialect=self._connection.dialect))
        return f"COPY {table.name} ({', '.join(table.columns.keys())}) FROM STDIN"

    def _indexes(self) -> list[Index]:
        """Return the indexes that are quicker built from all rows than row by row.

        SQLite sorts in memory: where many rows lie in the sequence of their key they would not fit, and the
        index is filled with each run.
        """
        tables = [t for t in self.tables.values() if not (self._is_sqlite and is_keyed(t))]
        return [index for t in tables for index in sorted(t.indexes, key=lambda index: str(index.name))]

    def _constraints(self) -> list[Constraint]:
        """Return the constraints that PostgreSQL checks quicker for all rows than row by row."""
        if self._is_sqlite:
            return []
        tables = self.tables.values()
        keys = [constraint for table in tables for constraint in table.foreign_key_constraints]
        return [*keys, *(table.primary_key for table in tables if is_keyed(table))]


def is_keyed(table: Table) -> bool:
    """Tell whether a table's rows are their key and lie in its sequence (SQLite: WITHOUT ROWID)."""
    is_keyed = table.dialect_options["sqlite"]["with_rowid"] is False
    assert not is_keyed or list(table.columns) == list(table.primary_key.columns)
    return is_keyed
