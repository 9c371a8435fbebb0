"""A file of comma-separated rows, read strictly: what is doubtful about it as a whole is refused.

Bytes become a header and rows with the file's own line numbers. Nothing here knows what a column means,
and nothing is guessed: a row of the wrong length or a quote that is never closed refuses the file, with
its line, because every cell after it may stand in the wrong column.
"""

import csv
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from app.errors import BadFile

DELIMITERS = (",", ";", "\t")
MOST_ROWS = 100_000
LONGEST_CELL = 100_000
# A row longer than this is no order; the bound keeps a quote left open from gathering the whole file.
LONGEST_ROW = 1_000_000
MOST_REMEMBERED = 20_000


class Row(NamedTuple):
    """One row, and the file's line it begins on."""

    line: int
    cells: tuple[str, ...]


class Table:
    """A file's header and rows. Columns are asked for by name, whatever its case."""

    def __init__(self, header: Sequence[str]) -> None:
        self.header = tuple(header)
        self.rows: list[Row] = []
        self._at = {plain(name): at for at, name in enumerate(self.header)}

    def call(self, also: Mapping[str, str]) -> None:
        """Let columns be found by the names that we use, where the file has other words for them."""
        for theirs, ours in also.items():
            if theirs in self._at:
                self._at.setdefault(ours, self._at[theirs])

    def cell(self, row: Row, name: str) -> str:
        """Return a row's cell without blanks around it; empty where the file has no such column."""
        at = self._at.get(name.casefold())
        return "" if at is None else row.cells[at].strip()


def plain(name: str) -> str:
    """Return a column's name as it is compared: blanks and case do not matter."""
    return " ".join(name.split()).casefold()


def read_table(data: bytes, known: frozenset[str], judge: Callable[[Row], None]) -> Table:
    """Return the rows of a CSV file in UTF-8; BadFile names the line where it cannot be read.

    The delimiter is the one under which the header holds most of the `known` names; `judge` refuses a
    header before anything below it is read.
    """
    _refuse_other_kinds(data)
    lines = _Lines(data)
    start = lines.first_line()
    if start is None:
        raise BadFile("The file is empty.")
    delimiter = max(DELIMITERS, key=lambda d: len({plain(n) for n in start.split(d)} & known))
    if not {plain(n.strip('"')) for n in start.split(delimiter)} & known:
        delimiter = max(DELIMITERS, key=start.count)
    rows = _rows(lines, delimiter)
    header = next(rows, None)
    if header is None:
        raise BadFile("The file is empty.")
    judge(header)
    _refuse_doubles(header)
    table = Table([name.strip() for name in header.cells])
    seen: dict[str, str] = {}
    for row in rows:
        if len(row.cells) != len(header.cells):
            raise BadFile(
                f"This row has {len(row.cells)} fields where the header has {len(header.cells)}.", row.line
            )
        # The same country, date or title stands in thousands of rows: it is kept once.
        table.rows.append(Row(row.line, tuple(seen.setdefault(cell, cell) for cell in row.cells)))
        if len(seen) > MOST_REMEMBERED:
            seen.clear()
    return table


def _refuse_other_kinds(data: bytes) -> None:
    """Refuse what is no text in UTF-8 at first sight."""
    if data.startswith(b"PK\x03\x04"):
        raise BadFile("This is a spreadsheet or a zip: save it as CSV (UTF-8) and take that file.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadFile("This file is in UTF-16: save it as CSV (UTF-8) and take that file.", 1)
    nul = data.find(b"\0")
    if nul >= 0:
        raise BadFile("A NUL stands here: this is no text in UTF-8.", data.count(b"\n", 0, nul) + 1)


class _Lines:
    """The file's lines as text, decoded one by one; they know how long the present row has grown."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.number = 0
        self.row_began = 1
        self.row_length = 0

    def first_line(self) -> str | None:
        """Return the first line that is not blank, None where there is none."""
        return next((line for line in _Lines(self.data) if line.strip()), None)

    def begin_row(self) -> None:
        """Let the next line begin a row."""
        self.row_began, self.row_length = self.number + 1, 0

    def __iter__(self) -> Iterator[str]:
        """Yield line after line; BadFile for bytes that are no UTF-8 and for a row without end."""
        for raw in io.BytesIO(self.data):
            self.number += 1
            try:
                line = raw.decode("utf-8-sig" if self.number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                bad = raw[error.start]
                raise BadFile(
                    f"Byte {bad:#04x} is no UTF-8: save the file as CSV (UTF-8).", self.number
                ) from None
            self.row_length += len(line)
            if self.row_length > LONGEST_ROW:
                raise BadFile(_ENDLESS.format(most=LONGEST_ROW), self.row_began)
            yield line


_ENDLESS = 'What begins here has more than {most:,} characters. Is a quote (") never closed?'


def _rows(lines: _Lines, delimiter: str) -> Iterator[Row]:
    """Yield the rows, header first, without those in which nothing stands."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    for n in itertools.count():
        lines.begin_row()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise BadFile(_sentence(error), lines.row_began) from None
        if cells is None:
            return
        if n > MOST_ROWS:  # the header is the first; rows in which nothing stands count, they cost time too
            raise BadFile(f"More than {MOST_ROWS:,} rows: bring the file in by parts.", lines.row_began)
        if any(len(cell) > LONGEST_CELL for cell in cells):
            raise BadFile(_ENDLESS.format(most=LONGEST_CELL), lines.row_began)
        if any(cell and not cell.isspace() for cell in cells):
            yield Row(lines.row_began, tuple(cells))


def _sentence(error: csv.Error) -> str:
    """Return in our words what the reader found."""
    text = str(error)
    if "field larger" in text:
        return _ENDLESS.format(most=LONGEST_CELL)
    if "end of data" in text:
        return 'A quote (") is opened in this row and never closed.'
    if "new-line character" in text:
        return "A line ends with a lone carriage return (an old Mac file): save it as CSV (UTF-8)."
    return 'A quote (") closes and something other than the next field follows.'


def _refuse_doubles(header: Row) -> None:
    """Refuse a header in which a name stands twice: nobody could say which of the columns is meant."""
    seen: set[str] = set()
    for name in header.cells:
        if name.strip() and plain(name) in seen:
            raise BadFile(f"The column “{name.strip()[:64]}” stands in the header twice.", header.line)
        seen.add(plain(name))
