"""The floors under an import.

F-import is what any importer must do: parse the file and write its orders and lines. F-written is what
ours must do: parse the file and write every row that ours has written. Both write with executemany, in one
transaction, into an empty SQLite database with the desk's tables and indexes.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from app.db import db, sqlite
from tests.bench.calls import Call, Wrong
from tests.bench.etsy_file import LINE_ID, ORDER_ID, PRICE, QUANTITY, SALE_DATE, TITLE, File, parsed
from tests.bench.raw import Raw

# Of each table that has some, the columns and the rows.
Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]


def highest(raw: Raw) -> dict[str, int]:
    """Return the highest id of each table that has ids."""
    tables = [table.name for table in db.metadata.sorted_tables if "id" in table.columns]
    return {name: raw.one(f"SELECT coalesce(max(id), 0) FROM {name}") for name in tables}


def written(raw: Raw, before: dict[str, int]) -> Rows:
    """Return every row that was written since then, by table, with the columns' names."""
    found = {}
    for table in db.metadata.sorted_tables:
        columns = [column.name for column in table.columns]
        keys = [
            ("id", before.get(table.name)),
            ("order_id", before["orders"]),
            ("parcel_id", before["parcel"]),
        ]
        key = next(((name, least) for name, least in keys if name in columns and least is not None), None)
        if key is None:
            continue
        rows = raw.all(f"SELECT {', '.join(columns)} FROM {table.name} WHERE {key[0]} > ?", key[1])
        if rows:
            found[table.name] = (columns, [tuple(plain(value) for value in row) for row in rows])
    return found


def plain(value: Any) -> Any:
    """Return a value as SQLite keeps it."""
    if isinstance(value, dict | list):
        return json.dumps(value)
    return value.isoformat(" ") if isinstance(value, datetime) else value


class Floors:
    """The least that an import of one file can cost."""

    def __init__(self, raw: Raw, file: File, rows: Rows, path: Path) -> None:
        self.file, self.rows, self.path = file, rows, path
        self.empty = path.with_suffix(".empty")
        engine = create_engine(f"sqlite:///{self.empty}")
        db.metadata.create_all(engine)
        engine.dispose()

    @contextmanager
    def opened(self, write: Callable[[Any], dict[str, int]]) -> Iterator[Call]:
        """Give the write into an empty database of its own; what it says it wrote is counted."""
        for beside in ("", "-wal", "-shm"):
            Path(f"{self.path}{beside}").unlink(missing_ok=True)
        shutil.copyfile(self.empty, self.path)
        connection = sqlite.connect(str(self.path), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")

        def call() -> tuple[Any, dict[str, int]]:
            connection.execute("BEGIN IMMEDIATE")
            said = write(connection)
            connection.execute("COMMIT")
            return connection, said

        yield call
        connection.close()

    def is_counted(self, answer: tuple[Any, dict[str, int]]) -> None:
        """Judge a write: as many rows are there as were to be written."""
        connection, said = answer
        for name, n in said.items():
            [(there,)] = connection.execute(f"SELECT count(*) FROM {name}").fetchall()
            if there != n:
                raise Wrong(f"{there} rows in {name}, expected {n}")
        if said["orders"] != len(self.file.ids) or said["order_item"] != self.file.lines:
            raise Wrong(f"wrote {said}, expected {len(self.file.ids)} orders with {self.file.lines} lines")

    def orders_and_lines(self) -> Any:
        """Open F-import."""
        templates = {name: self.rows[name] for name in ("orders", "order_item")}
        fields = {name: {c: i for i, c in enumerate(columns)} for name, (columns, _) in templates.items()}
        first = {name: list(rows[0]) for name, (_, rows) in templates.items()}

        def write(connection: Any) -> dict[str, int]:
            orders: dict[str, list[Any]] = {}
            lines: list[list[Any]] = []
            for row in parsed(self.file.bytes):
                order = orders.get(row[ORDER_ID])
                if order is None:
                    order = orders[row[ORDER_ID]] = first["orders"][:]
                    put(order, fields["orders"], len(orders), row)
                line = first["order_item"][:]
                put(line, fields["order_item"], len(lines) + 1, row)
                line[fields["order_item"]["order_id"]] = len(orders)
                line[fields["order_item"]["position"]] = len(lines)
                lines.append(line)
            insert(connection, "orders", templates["orders"][0], list(orders.values()))
            insert(connection, "order_item", templates["order_item"][0], lines)
            return {"orders": len(orders), "order_item": len(lines)}

        return self.opened(write)

    def every_row(self) -> Any:
        """Open F-written."""

        def write(connection: Any) -> dict[str, int]:
            for _ in parsed(self.file.bytes):
                pass
            for name, (columns, rows) in self.rows.items():
                insert(connection, name, columns, rows)
            return {name: len(rows) for name, (_, rows) in self.rows.items()}

        return self.opened(write)


def put(row: list[Any], fields: dict[str, int], row_id: int, said: list[str]) -> None:
    """Put what a row of the file says into a row of ours, as cheaply as it can be done."""
    row[fields["id"]] = row_id
    month, day, year = said[SALE_DATE].split("/")
    row[fields["placed_at"]] = f"20{year}-{month}-{day} 00:00:00.000000"
    if "number" in fields:
        row[fields["number"]], row[fields["external_id"]] = row_id, said[ORDER_ID]
    else:
        row[fields["external_id"]], row[fields["title"]] = said[LINE_ID], said[TITLE]
        row[fields["quantity"]] = int(said[QUANTITY])
        row[fields["price_minor"]] = int(said[PRICE].replace(".", ""))


def insert(connection: Any, table: str, columns: list[str], rows: list[Any]) -> None:
    """Write rows."""
    connection.executemany(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows
    )
