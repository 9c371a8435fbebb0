"""What a marketplace's module makes of its file: orders, each as a body of our form.

A kind says by which header it is recognised and how its rows become orders. An order is read when it is
judged, not before: a big file is kept as its cells alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.exchange.cells import one_line, whole
from app.exchange.tables import Row, Table, plain
from app.statuses import Channel


class Fault(NamedTuple):
    """What is wrong in which line of the file."""

    line: int
    text: str

    def __str__(self) -> str:
        """Return the fault as people read it."""
        return f"Line {self.line}: {self.text}"


class Place(NamedTuple):
    """Where in the file a value of the form stands."""

    line: int
    column: str


class Told:
    """One order as the file tells it: the form's names and texts, and where each stands in the file."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.body: dict[str, str] = {}
        self.places: dict[str, Place] = {}
        self.faults: list[Fault] = []

    def tell(self, name: str, value: str, row: Row, column: str) -> None:
        """Say a value; an empty one is left out, and its place is kept for what the form says of it."""
        self.places[name] = Place(row.line, column)
        if value:
            self.body[name] = value

    def take(self, name: str, row: Row, column: str, reading: Callable[[str], str] = one_line) -> None:
        """Say what a cell holds."""
        self.tell(name, reading(self.table.cell(row, column)), row, column)

    def fault(self, row: Row, column: str, text: str) -> None:
        """Say what is wrong with a cell."""
        self.faults.append(Fault(row.line, f"{column}: {text}"))


@dataclass(frozen=True)
class FileOrder:
    """The rows of one order, and how to read them."""

    external_id: str
    rows: Sequence[Row]
    items: int
    tell: Callable[[Sequence[Row]], Told]

    @property
    def line(self) -> int:
        """Return the file's line that the order begins on."""
        return self.rows[0].line

    def told(self) -> Told:
        """Return what the file says of the order."""
        return self.tell(self.rows)


@dataclass(frozen=True)
class FileKind:
    """One kind of file: its name, the columns it is known by, and the reading of its rows.

    `also` holds other words for a column, as files of other countries have them.
    """

    name: str
    channel: Channel
    needs: tuple[str, ...]
    orders: Callable[[Table, str, str], Sequence[FileOrder]]
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> frozenset[str]:
        """Return every name of a column that this kind is known by."""
        return frozenset(map(plain, self.needs)) | frozenset(self.also)

    def fits(self, header: Sequence[str]) -> bool:
        """Tell whether a header has all the columns that this kind needs; further ones do not matter."""
        return not self.missing(header)

    def missing(self, header: Sequence[str]) -> list[str]:
        """Return those columns that this kind needs and a header has not."""
        has = {self.also.get(name, name) for name in map(plain, header)}
        return [name for name in self.needs if plain(name) not in has]


def by_order(table: Table, id_column: str) -> list[list[Row]]:
    """Return the rows of each order in the file's sequence, wherever they stand; equal rows once.

    A row without an order's id stands alone.
    """
    orders: dict[str, list[Row]] = {}
    seen: set[tuple[str, ...]] = set()
    for row in table.rows:
        # Two exports pasted into one another tell the same row twice.
        if row.cells not in seen:
            seen.add(row.cells)
            key = whole(table.cell(row, id_column)) or f"\0{row.line}"
            orders.setdefault(key, []).append(row)
    return list(orders.values())
