"""Imports: an export of Etsy's with N orders, brought in by the desk, and the floors under that.

F-import is what any importer must do: parse the file and write its orders and lines. F-written is what
ours must do: parse the file and write every row that ours has written. Both write with executemany, in one
transaction, into an empty SQLite database with the desk's tables and indexes.
"""

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import create_engine

from app.access import Permission, find_desk, person
from app.actions.imports import Outcome
from app.db import db, sqlite
from app.exchange.importing import Report, bring_in, read
from app.queries import people
from tests.bench.calls import Call, Wrong
from tests.bench.facts import OWNER, SLUG, Facts
from tests.bench.measure import Candidate, Key
from tests.bench.raw import Raw
from tests.bench.servers import ROOT

PATHS = ("import", "F-import", "F-written")
TURNS = 5  # an import takes about a second, and its database grows
HEADER = (ROOT / "tests" / "exchange" / "files" / "etsy_items.csv").read_text().splitlines()[0].split(",")
ORDER_ID, SALE_DATE, LINE_ID = (HEADER.index(name) for name in ("Order ID", "Sale Date", "Transaction ID"))
TITLE, QUANTITY, PRICE = (HEADER.index(name) for name in ("Item Name", "Quantity", "Price"))
TITLES = (
    "Washi tape, wild geese, 20 mm",
    "Brass seal with your initials",
    "Notebook, stitched, 96 pages",
    "Gift wrap, 5 sheets, paper cranes",
    "Planner stickers, winter",
    "Sealing wax, bottle green",
)
LINES = (1, 1, 2, 2, 3)  # of one order and the next
SENT = 4  # of five orders

_ids = count(700_001)


class File:
    """An export of sold order items; no two files share an id or a buyer."""

    def __init__(self, orders: int, day: datetime, *, is_to_ship: bool = False) -> None:
        """Make a file of paid orders of this day and before; `is_to_ship`: one line each, nothing sent."""
        self.ids = [next(_ids) for _ in range(orders)]
        self.lines = 0
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, HEADER, restval="", lineterminator="\n")
        table.writeheader()
        for n, order_id in enumerate(self.ids):
            head = self._head(order_id, day - timedelta(days=n % 300))
            for line in range(1 if is_to_ship else LINES[n % len(LINES)]):
                self.lines += 1
                is_sent = not is_to_ship and n % (SENT + 1) < SENT
                table.writerow(
                    head
                    | {
                        "Item Name": TITLES[(n + line) % len(TITLES)],
                        "Quantity": "2",
                        "Price": "4.50",
                        "Item Total": "9.00",
                        "Transaction ID": f"{order_id}{line}",
                        "Listing ID": str(900 + (n + line) % len(TITLES)),
                        "Date Shipped": head["Date Paid"] if is_sent else "",
                        "SKU": f"BE-{(n + line) % len(TITLES)}",
                    }
                )
        self.bytes = text.getvalue().encode()

    def _head(self, order_id: int, day: datetime) -> dict[str, str]:
        """Return what every row of an order repeats."""
        return {
            "Sale Date": f"{day:%m/%d/%y}",
            "Date Paid": f"{day:%m/%d/%Y}",
            "Buyer": f"Jo Example{order_id} (jo{order_id})",
            "Discount Amount": "0.00",
            "Order Shipping": "1.50",
            "Order Sales Tax": "0.00",
            "Currency": "EUR",
            "Ship Name": f"Jo Example{order_id}",
            "Ship Address1": f"Example Street {order_id % 200}",
            "Ship City": "Berlin",
            "Ship Zipcode": f"1{order_id % 10000:04}",
            "Ship Country": "Germany",
            "Order ID": str(order_id),
            "Order Type": "online",
            "Payment Type": "online_cc",
        }


def newest_day(facts: Facts) -> datetime:
    """Return a day before which a store has sold for long: three weeks before its newest sale."""
    micros = int(facts.place(facts.sales()[0]).text().partition(".")[0])
    return datetime(1970, 1, 1) + timedelta(microseconds=micros) - timedelta(days=21)


@contextmanager
def importer(app: Flask) -> Iterator[Callable[[File], Report]]:
    """Give what reads a file and brings it in, as the command does for the store's owner."""
    with app.app_context():
        account = people.account_by_email(OWNER)
        assert account is not None
        desk = find_desk(person(account), SLUG, to=Permission.IMPORT)
        zone, currency = desk.store.zone, desk.store.currency

        def bring(file: File) -> Report:
            return bring_in(
                read(file.bytes, zone, currency),
                desk,
                is_dry_run=False,
                commit=db.session.commit,
                rollback=db.session.rollback,
            )

        yield bring


def stock_to_ship(app: Flask, facts: Facts, orders: int) -> list[int]:
    """Bring in sales that are paid and to be shipped; return their outside ids."""
    file = File(orders, newest_day(facts), is_to_ship=True)
    with importer(app) as bring:
        all_new(file, bring(file))
    return file.ids


def all_new(file: File, report: Report) -> None:
    """Judge an import: every order of the file is new, with all its lines."""
    new = report.count(Outcome.NEW)
    if (new, report.items) != (len(file.ids), file.lines):
        reasons = [order.reasons for order in report.orders if order.reasons][:3]
        raise Wrong(
            f"{new} of {len(file.ids)} orders are new, {report.items} of {file.lines} lines: {reasons}"
        )


def candidates(app: Flask, raw: Raw, orders: int, n: int, scratch: Path) -> list[Candidate]:
    """Return the import of n orders into a database of so many, and the two floors under it."""
    day = newest_day(Facts(raw))

    @contextmanager
    def ours() -> Iterator[Call]:
        file = File(n, day)
        with importer(app) as bring:
            yield lambda: (file, bring(file))

    # The first import is not measured: it shows which rows are written.
    before = highest(raw)
    file = File(n, day)
    with importer(app) as bring:
        all_new(file, bring(file))
    floors = Floors(raw, file, written(raw, before), scratch / f"floors-{orders}.db")
    few = {"most_calls": 1, "most_turns": TURNS, "is_warmed": False, "pieces": n}
    found = zip(
        PATHS,
        (ours, floors.orders_and_lines, floors.every_row),
        (lambda answer: all_new(*answer), floors.is_counted, floors.is_counted),
        strict=True,
    )
    return [Candidate(Key(path, orders), opened, check, **few) for path, opened, check in found]


def highest(raw: Raw) -> dict[str, int]:
    """Return the highest id of each table that has ids."""
    tables = [table.name for table in db.metadata.sorted_tables if "id" in table.columns]
    return {name: raw.one(f"SELECT coalesce(max(id), 0) FROM {name}") for name in tables}


def written(raw: Raw, before: dict[str, int]) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
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

    def __init__(
        self, raw: Raw, file: File, rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]], path: Path
    ) -> None:
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


def parsed(file: bytes) -> Iterator[list[str]]:
    """Return the rows of a file."""
    found = csv.reader(io.StringIO(file.decode(), newline=""))
    next(found)
    return found


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
