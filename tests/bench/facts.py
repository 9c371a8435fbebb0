"""What raw SQL sees in a database: which rows each page must show, and what there is to ask for.

Nothing of the app's queries is used here, so that it can judge them.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.bench.raw import Raw

SLUG, OWNER = "papershop", "owner@example.com"
PAGE = 25
LAST_LETTER = "\U0010ffff"
COMMON, OTHER = "letterpress", "envelope"  # words of what the demo's paper shop sells
RARE_UP_TO = 5  # sales
AROUND = 10  # pages before the middle and behind it

FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class Place(NamedTuple):
    """A row of a list: when it was placed as the driver gives it, and its id."""

    placed_at: Any
    id: int

    def text(self) -> str:
        """Return the place as the desk's links carry it."""
        at = self.placed_at
        if not isinstance(at, datetime):
            at = datetime.fromisoformat(at)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return f"{(at - FIRST) // timedelta(microseconds=1)}.{self.id}"


class Sale(NamedTuple):
    """One sale as its page must show it."""

    id: int
    number: int
    item_ids: list[int]


# What went into another order is none any more.
LIVING = "(SELECT * FROM orders WHERE heir_id IS NULL) AS orders"


class Facts:
    """What one store's rows are."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        [(self.store_id, self.store_name)] = raw.all("SELECT id, name FROM store WHERE slug = ?", SLUG)

    def orders(self, where: str = "", *given: Any) -> int:
        """Return how many orders of the store there are, of those that meet a condition."""
        return int(
            self.raw.one(f"SELECT count(*) FROM {LIVING} WHERE store_id = ? {where}", self.store_id, *given)
        )

    def sales(self, where: str = "", *given: Any, offset: int = 0) -> list[int]:
        """Return the ids of 25 sales, newest first."""
        return self._newest(LIVING, where, given, offset)

    def items(self, where: str = "", *given: Any) -> list[int]:
        """Return the ids of 25 items, newest first."""
        return self._newest("order_item", where, given, 0)

    def _newest(self, table: str, where: str, given: tuple[Any, ...], offset: int) -> list[int]:
        rows = self.raw.all(
            f"SELECT id FROM {table} WHERE store_id = ? {where}"
            f" ORDER BY placed_at DESC, id DESC LIMIT {PAGE} OFFSET {offset}",
            self.store_id,
            *given,
        )
        return [row[0] for row in rows]

    def middle(self, where: str = "", *given: Any) -> int:
        """Return how many pages lie before one in the middle.

        Of the pages there it is the one with the most usual number of lines, so that databases of other
        sizes can be compared.
        """
        count = self.orders(where, *given)
        of_all = "SELECT count(*) FROM order_item JOIN orders ON orders.id = order_item.order_id"
        lines = self.raw.one(f"{of_all} WHERE orders.store_id = ? {where}", self.store_id, *given)
        usual = lines / count * PAGE
        half, last = count // 2 // PAGE, count // PAGE - 1
        first = max(1, half - AROUND)
        rows = self.raw.all(
            "SELECT (SELECT count(*) FROM order_item WHERE order_id = orders.id)"
            f" FROM {LIVING}"
            f" WHERE store_id = ? {where} ORDER BY placed_at DESC, id DESC LIMIT ? OFFSET ?",
            self.store_id,
            *given,
            (min(last, half + AROUND) - first + 1) * PAGE,
            first * PAGE,
        )
        pages = [sum(row[0] for row in rows[i : i + PAGE]) for i in range(0, len(rows), PAGE)]
        return first + min(range(len(pages)), key=lambda n: (abs(pages[n] - usual), abs(first + n - half)))

    def place(self, order_id: int) -> Place:
        """Return where a sale stands in the list."""
        return Place(*self.raw.all("SELECT placed_at, id FROM orders WHERE id = ?", order_id)[0])

    def found(self, *words: str) -> list[int]:
        """Return the ids of the newest 25 sales of which each word begins a term."""
        one = " AND id IN (SELECT order_id FROM search_term WHERE store_id = ? AND term >= ? AND term < ?)"
        given = [value for word in words for value in (self.store_id, word, word + LAST_LETTER)]
        return self.sales(one * len(words), *given)

    def rare_word(self) -> str:
        """Return a term that few sales have: of letters where there is such a one."""
        terms = self.raw.all(
            "SELECT term FROM search_term WHERE store_id = ?"
            " GROUP BY term HAVING count(*) <= ? AND length(term) > 4",
            self.store_id,
            RARE_UP_TO,
        )
        # Another term may begin with it.
        named = sorted((not term.isalpha(), term) for (term,) in terms)
        return next(str(term) for _, term in named if len(self.found(term)) <= RARE_UP_TO)

    def sale(self) -> Sale:
        """Return a sale of three lines from the middle of the list; of two where there is none."""
        for lines in (3, 2, 1):
            rows = self.raw.all(
                "SELECT orders.id, orders.number FROM orders"
                " JOIN order_item ON order_item.order_id = orders.id"
                " WHERE orders.store_id = ? AND orders.desk_state = 'closed'"
                " GROUP BY orders.id, orders.number HAVING count(*) = ? ORDER BY orders.id",
                self.store_id,
                lines,
            )
            if rows:
                order_id, number = rows[len(rows) // 2]
                items = self.raw.all(
                    "SELECT id FROM order_item WHERE order_id = ? ORDER BY position", order_id
                )
                return Sale(order_id, number, [row[0] for row in items])
        raise LookupError("The store has no closed sale.")
