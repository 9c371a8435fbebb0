"""CSV as the desk gives it out: rows one after the other, and no cell that a spreadsheet would run.

A text that begins as a formula does gets an apostrophe before it (ASVS 1.2.10); plain numbers are left alone.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

_BEGINS_FORMULA = re.compile(r"[\s\x00]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def inert(cell: object) -> str:
    """Return a cell as it is written: nothing for None, and never the beginning of a formula."""
    text = "" if cell is None else str(cell)
    is_formula = _BEGINS_FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


def written(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a table as CSV (RFC 4180), line by line; a mark before it lets spreadsheets read UTF-8."""
    held = io.StringIO()
    writer = csv.writer(held)
    held.write("\ufeff")
    writer.writerow(header)
    yield _taken(held)
    for row in rows:
        writer.writerow([inert(cell) for cell in row])
        yield _taken(held)


def _taken(held: io.StringIO) -> str:
    """Return what was written since, and begin anew."""
    text = held.getvalue()
    held.seek(0)
    held.truncate()
    return text
