"""The floors under a list: two raw queries for what it shows, and the least HTML around their rows."""

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import escape

from tests.bench.calls import Wrong
from tests.bench.facts import PAGE, Facts
from tests.bench.pages import closed_middle
from tests.bench.raw import Raw

ORDERS = (
    "SELECT id, number, channel, currency, total_minor, payment, shipping, status, placed_at, ship_by"
    " FROM orders WHERE store_id = ? AND desk_state = ? AND (placed_at, id) < (?, ?)"
    f" ORDER BY placed_at DESC, id DESC LIMIT {PAGE + 1}"
)
LINES = (
    "SELECT order_id, title, quantity, shipped, cancelled, status, line_total_minor"
    " FROM order_item WHERE order_id {one_of} ORDER BY order_id, position"
)
PAGE_HTML = "<!doctype html><html><head><title>Sales</title></head><body><table>{}</table></body></html>"
ROW_HTML = (
    "<tr><td><a href=/sales/{0}>{1}</a> {day} {2}<td>{lines}<td>{3} {total}<td>{5} {6} {7}<td>{by}</tr>\n"
)
LINE_HTML = "<div>{3} × {title} {total} {4} {5} {6}</div>"

Read = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]


def query(raw: Raw, facts: Facts) -> tuple[Callable[[], Read], Callable[[Read], None]]:
    """Return F-query, 25 orders by keyset from the middle of a tab and their lines, and its judge."""
    ids = closed_middle(facts)
    before = facts.place(facts.sales("AND desk_state = ?", "closed", offset=_lead(facts) - 1)[0])
    given = (facts.store_id, "closed", *before)
    execute = raw.connection.execute
    orders = raw.worded(ORDERS)
    if raw.is_sqlite:
        lines = LINES.format(one_of=f"IN ({', '.join('?' * len(ids))})")
    else:
        lines = LINES.format(one_of="= ANY(%s)")

    def read() -> Read:
        found = execute(orders, given).fetchall()[:PAGE]
        order_ids = [row[0] for row in found]
        return found, execute(lines, order_ids if raw.is_sqlite else (order_ids,)).fetchall()

    def check(answer: Read) -> None:
        shown = [row[0] for row in answer[0]]
        if shown != ids or {line[0] for line in answer[1]} != set(ids):
            raise Wrong(f"shows {shown}, expected {ids}")

    return read, check


def page(read: Callable[[], Read], ids: Sequence[int]) -> tuple[Callable[[], str], Callable[[str], None]]:
    """Return F1, the same rows as a tiny page, and its judge."""

    def written() -> str:
        orders, lines = read()
        by_order: dict[int, str] = {}
        for line in lines:
            text = LINE_HTML.format(*line, title=escape(line[1]), total=amount(line[6]))
            by_order[line[0]] = by_order.get(line[0], "") + text
        return PAGE_HTML.format("".join(row(order, by_order[order[0]]) for order in orders))

    def check(html: str) -> None:
        if [part.split(">")[0] for part in html.split("<a href=/sales/")[1:]] != [str(i) for i in ids]:
            raise Wrong(f"shows others than {ids}: {html[:300]}")

    return written, check


def row(order: tuple[Any, ...], lines: str) -> str:
    """Return a row with what no page can spare: amounts and days in words, texts escaped."""
    day, by = str(order[8])[:10], str(order[9])[:10]
    return ROW_HTML.format(*order, lines=lines, total=amount(order[4]), day=day, by=by)


def amount(minor: int) -> str:
    """Write minor units of a currency with two digits."""
    return f"{minor // 100:,}.{minor % 100:02}"


def _lead(facts: Facts) -> int:
    """Return how many closed sales lie before those in the middle."""
    return facts.middle("AND desk_state = ?", "closed") * PAGE
