"""Patterns: played sales, taken apart so that copies of them are made quickly (`taking` takes them apart).

A pattern is a list of cells, and for each row of the sale what picks it out of them. Some cells are a copy's
own (number, buyer, times, what stands of them in the history); all others are as the acts wrote them, so a
column that the acts come to write is copied without a word here.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from app.demo.cast import Shop
from app.statuses import Channel, Kind, ProductType

# Cells that every pattern has, by their places. SAID: as the history writes an instant.
NUMBER, OUTSIDE_ID, PLACED, SHIP_BY, SHIP_BY_SAID, ORDER, BUYER, ADDRESS, EVENT = range(9)
# Cells of a buyer, then of an address, whose sequence is that of the fields below.
OF_BUYER = slice(9, 13)
OF_ADDRESS = slice(13, 22)
FIXED = 22

Pick = Callable[[list[Any]], tuple[Any, ...]]


class BuyerCells(NamedTuple):
    """The columns of a buyer that are a copy's own."""

    external_ref: str | None
    username: str
    name: str
    email: str | None


class AddressCells(NamedTuple):
    """The columns of an address that are a copy's own."""

    name: str
    street: str
    street2: str
    city: str
    region: str
    postal_code: str
    country: str
    phone: str
    destination_key: str


class LineCells(NamedTuple):
    """The columns of an order's line that are a copy's own."""

    title: str
    sku: str
    url: str
    image: str


class PickedRow(NamedTuple):
    """A row of a copy: its table, the cell of its own id (None: it has none), and what picks it."""

    table: str
    id_cell: int | None
    pick: Pick


class Step(NamedTuple):
    """What happened to the sale at one moment: the rows that came of it, those first that others name."""

    at: datetime
    rows: list[PickedRow]


class Instant(NamedTuple):
    """A moment, and its cells as a column has it and as the history does; None where neither does."""

    at: datetime
    cell: int | None
    said_cell: int | None


class Text(NamedTuple):
    """What the history keeps of a row, where something of it is a copy's own."""

    cell: int
    template: str
    pick: Pick


class Line(NamedTuple):
    """A line of the sale: its id, what was sold, in which cells that stands, and the rows of its product."""

    id_cell: int
    sold: LineCells
    type: ProductType
    fulfilled_as: Kind
    cells: tuple[int, ...]
    product_cell: int | None
    deal_cell: int | None
    product: dict[str, Any] | None
    pictures: list[dict[str, Any]]


class Pattern(NamedTuple):
    """A played sale, ready to be copied; all instants are naive and UTC."""

    shop: Shop
    channel: Channel
    is_open: bool  # something is still to happen to it
    is_day_only: bool
    has_outside_id: bool
    country: str | None  # where it was sent, if anywhere
    region: str | None  # where its tax hangs on that
    told_at: datetime
    ended_at: datetime
    placed_at: datetime
    due_since: datetime | None  # what ship-by was counted from; None where nothing was to be shipped
    cells: list[Any]
    buyer_row: Pick
    steps: list[Step]
    instants: list[Instant]
    texts: list[Text]
    lines: list[Line]
    trackings: list[tuple[int, str]]  # cell, carrier
    codes: list[tuple[int, str]]  # cell, what it was: a copy's own has the same shape
    code: int | None  # the cell of the order's transaction code
    acts: list[int]  # cells of what the history knows acts by
    n_acts: int
    stands: Counter[tuple[str, str]]  # what it adds to the tally


def naive(at: datetime) -> datetime:
    """Return an instant in UTC without its zone: quick to count with and to write."""
    return at.astimezone(UTC).replace(tzinfo=None)
