"""A CSV file is read strictly: every doubt refuses the file and names the line (promises, H39)."""

import tracemalloc

import pytest

from app.errors import BadFile
from app.exchange.tables import Table, read_table

KNOWN = frozenset({"name", "price", "city"})


def table(data: bytes) -> Table:
    return read_table(data, KNOWN, lambda header: None)


def cells(data: bytes) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.line, row.cells) for row in table(data).rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_known_by_the_header(delimiter: str) -> None:
    data = f"Name{delimiter}Price\nAna{delimiter}3\n".encode()
    assert cells(data) == [(2, ("Ana", "3"))]


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert table(b"\xef\xbb\xbfName,Price\nAna,3\n").header == ("Name", "Price")


def test_lines_are_counted_as_the_file_has_them() -> None:
    data = b'Name,City\r\n"Ana\r\nMaria",Porto\r\n\r\n,\r\nBo,"Oslo\n\n"\nCy,Bonn'
    assert cells(data) == [(2, ("Ana\r\nMaria", "Porto")), (6, ("Bo", "Oslo\n\n")), (9, ("Cy", "Bonn"))]


def test_columns_are_found_whatever_their_case_and_place() -> None:
    found = table(b"pRICE , Unknown,NAME\n3,x, Ana \n")
    assert [
        (found.cell(row, "Name"), found.cell(row, "Price"), found.cell(row, "City")) for row in found.rows
    ] == [("Ana", "3", "")]


def test_other_scripts_stay_as_they_are() -> None:
    assert cells("Name,City\n李明,東京都\nمها,القاهرة\n".encode()) == [
        (2, ("李明", "東京都")),
        (3, ("مها", "القاهرة")),
    ]


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        (b"", None, "empty"),
        (b"\n\n \n", None, "empty"),
        (b",,,\n", None, "empty"),
        (b"Name,Price\nAna,3\nBo,\x00\n", 3, "NUL"),
        ("Name,Price\nAna,3\n".encode("utf-16"), 1, "UTF-16"),
        ("Name,Price\nAna,3\n".encode("utf-16-le"), 1, "NUL"),
        (b"Name,Price\nAna,3\nJos\xe9,4\n", 3, "0xe9 is no UTF-8"),
        (b"Name,Price\nAna,3\n\xed\xa0\x80,4\n", 3, "no UTF-8"),
        (b'Name,Price\nAna,3\n"Bo,4\nCy,5\n', 3, "never closed"),
        (b'Name,Price\nAna,3\n"Bo"x,4\n', 3, "closes"),
        (b"Name,Price,name\nAna,3,4\n", 1, "“name” stands in the header twice"),
        (b"Name,Price\nAna,3\nBo\n", 3, "1 fields where the header has 2"),
        (b"Name,Price\nAna,3\nBo,4,5\n", 3, "3 fields where the header has 2"),
        (b"Name,Price\rAna,3\rBo,4\r", 1, "lone carriage return"),
        (b"Name,Price\nAna,3\rBo,4\n", 2, "lone carriage return"),
        (b"Name,Price\nAna,3\n" + b"B" * 900_000 + b",4\n", 3, "never closed"),
        (b'Name,Price\n"' + b"B\n" * 600_000, 2, "never closed"),
        (b"Name,Price\n" + b"," * 2_000_000, 2, "more than 1,000,000 characters"),
        (b"Name,Price\n" + b"A,3\n" * 100_001, 100_002, "More than 100,000 rows"),
        (b"PK\x03\x04" + b"\x14\x00" * 20, None, "spreadsheet"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_doubtful_file_is_refused_with_its_line(data: bytes, line: int | None, said: str) -> None:
    with pytest.raises(BadFile) as refused:
        table(data)
    assert refused.value.line == line
    assert said in refused.value.sentence
    if line:
        assert refused.value.sentence.startswith(f"Line {line}: ")


def test_the_header_is_judged_before_the_rows_are_read() -> None:
    def refuse(header: object) -> None:
        raise BadFile("not this one")

    with pytest.raises(BadFile, match="not this one"):
        read_table(b"Name,Price\nAna\n", KNOWN, refuse)


@pytest.mark.parametrize(
    "bomb",
    [
        b"Name,Price\n" + b"," * 8_000_000,
        b"Name,Price\n" + b'"\n",' * 2_000_000,
        b'Name,Price\n"' + b"\n" * 8_000_000,
        b"Name,Price\n" + b"\n" * 8_000_000,
        b"Name,Price\n" + b",\n" * 4_000_000,
        b"Name,Price\n" + "🜁".encode() * 2_000_000,
    ],
    ids=["one row", "quoted line breaks", "open quote", "blank lines", "empty rows", "one cell"],
)
def test_a_bomb_takes_little_memory(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadFile):
            table(bomb + b"x,y,z\n")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 64 * 1024 * 1024
