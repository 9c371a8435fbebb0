"""The demo's bulk writer: beyond the sales that the acts played, copies of them by the thousand.

`Copier` takes the sales that were drawn by chance as patterns, and lets copies of them happen row by row, in
the order of time: each with its own number, outside id, buyer, address, goods, tracking numbers and moments.
What is over lies anywhere in the last three years; what still waits for somebody lies in the last weeks. Rows
go to the database through `actions.bulk.BulkWriter`, finished: the patterns are where the rules were kept.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any, NamedTuple

from app.actions.bulk import BulkWriter, Row
from app.actions.found_by import order_terms, tracking_terms
from app.demo.baskets import LETTERS
from app.demo.hours import midnight
from app.demo.numbers import MAKERS
from app.demo.outside import OutsideIds
from app.demo.patterns import (
    NUMBER,
    ORDER,
    OUTSIDE_ID,
    PLACED,
    SHIP_BY,
    SHIP_BY_SAID,
    Pattern,
    PickedRow,
    naive,
)
from app.demo.ranges import Ranges
from app.demo.regulars import Regular, Regulars
from app.models import (
    Address,
    Buyer,
    Discount,
    Event,
    Feedback,
    Media,
    Note,
    Order,
    OrderItem,
    Parcel,
    ParcelLine,
    Payment,
    Payout,
    Product,
    SearchTerm,
    TaxLine,
)
from app.statuses import ProductType

# Whatever a sale of the demo leaves.
COPIED = (
    Address, Buyer, Discount, Event, Feedback, Media, Note, Order, OrderItem, Parcel, ParcelLine, Payment,
    Payout, Product, SearchTerm, TaxLine,
)  # fmt: skip

# The oldest copies are three years old, and there are more young ones than old ones.
OLDEST = timedelta(days=1095)
YOUTH = 1.3
# Of a thousand copies so many are not over, and none of these was told of longer ago than this.
OPEN_OF_THOUSAND = 15
OPEN_SINCE = timedelta(days=21)
# A copy lies whole weeks before its pattern (one that is not over: some days), and up to an hour aside.
WEEK, DAY, HOUR, SECOND = timedelta(days=7), timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
DAYS_BEFORE = 3
QUARTER = timedelta(minutes=15)
BEGIN = datetime(1970, 1, 1)
# How many rows wait in memory before they are written.
WAITING = 20_000


class Copy(NamedTuple):
    """A copy under way: which one, of which pattern, how long before it; and its cells."""

    n: int
    place: int
    shift: timedelta
    cells: list[Any]


class Sold(NamedTuple):
    """What the search knows of a line."""

    title: str
    sku: str
    type: ProductType
    deal_number: int | None


class Called(NamedTuple):
    """What the search knows an order by."""

    number: int
    external_id: str | None
    gateway_code: str | None


class Copier:
    """The demo's bulk writer: makes copies of patterns, all of them in the order of time."""

    def __init__(self, rng: Random, patterns: list[Pattern], writer: BulkWriter, now: datetime) -> None:
        self.rng, self.patterns, self.writer, self.now = rng, patterns, writer, naive(now)
        self.regulars, self.ranges = Regulars(rng, writer), Ranges(rng, writer)
        self.outside_ids = OutsideIds(rng)
        self.rows: dict[str, list[Row]] = {name: [] for name in writer.tables}
        self.rows.update(self.ranges.rows, buyer=self.regulars.rows)
        self.numbers = {p.shop.slug: count(p.shop.store.next_number) for p in patterns}
        self.made = Counter[int]()
        self._item_ids = writer.ids("order_item")
        self._steps = [[self._to_do(step.rows) for step in p.steps] for p in patterns]
        self._dues: dict[tuple[str, datetime], datetime] = {}
        # What is still to happen: when, to which copy (its number tells two at one moment apart), which step.
        self._ahead: list[tuple[datetime, int, int, Copy]] = []

    def copy(self, n: int, told: Callable[[int, int], None]) -> None:
        """Make n copies; `told` hears now and then how many are made, of how many."""
        for made, planned in enumerate(self._planned(n)):
            seconds, place = divmod(planned, len(self.patterns))
            pattern = self.patterns[place]
            shift = pattern.told_at - (BEGIN + seconds * SECOND)
            self._go_on(pattern.told_at - shift)
            copy = Copy(made, place, shift, pattern.cells.copy())
            buyer = self._fill(pattern, copy)
            self._step(0, copy)
            self._index(pattern, copy.cells, buyer)
            self.made[place] += 1
            if sum(map(len, self.rows.values())) > WAITING:
                self._write()
                told(made, n)
        self._go_on(datetime.max)
        self._write()

    def settle(self) -> None:
        """Bring the books of every store up to the copies made."""
        numbers, acts = Counter[int](), Counter[int]()
        stands: dict[int, Counter[tuple[str, str]]] = {p.shop.store.id: Counter() for p in self.patterns}
        for place, n in self.made.items():
            pattern = self.patterns[place]
            store_id = pattern.shop.store.id
            numbers[store_id] += n
            acts[store_id] += n * pattern.n_acts
            stands[store_id].update({code: n * each for code, each in pattern.stands.items()})
        for store_id, standing in stands.items():
            self.writer.settle(store_id, numbers=numbers[store_id], acts=acts[store_id], standing=standing)

    def _planned(self, n: int) -> list[int]:
        """Return when each copy is told of and what it is a copy of, the earliest first.

        Seconds and the pattern's place are one number: a million of them are sorted in a moment.
        """
        places = range(len(self.patterns))
        over = [k for k in places if not self.patterns[k].is_open]
        is_late = self.now - OPEN_SINCE
        waiting = [k for k in places if self.patterns[k].is_open and self.patterns[k].told_at > is_late]
        random, n_waiting = self.rng.random, n * OPEN_OF_THOUSAND // 1000 if waiting else 0
        planned = []
        for made in range(n):
            if made < n_waiting:
                place = waiting[int(len(waiting) * random())]
                shift = int(DAYS_BEFORE * random()) * DAY + random() * HOUR
            else:
                place = over[int(len(over) * random())]
                shift = self._before(self.patterns[place])
            told = self.patterns[place].told_at - shift - BEGIN
            planned.append(told // SECOND * len(places) + place)
        planned.sort()
        return planned

    def _before(self, pattern: Pattern) -> timedelta:
        """Draw how long before its pattern a copy lies that is over."""
        lasted = pattern.ended_at - pattern.told_at
        ago: timedelta = lasted + (OLDEST - lasted) * self.rng.random() ** YOUTH
        weeks = round((ago - (self.now - pattern.told_at)) / WEEK)
        shift = weeks * WEEK + (self.rng.random() - 0.5) * HOUR
        while pattern.ended_at - shift > self.now:
            shift += WEEK
        return shift

    def _fill(self, pattern: Pattern, copy: Copy) -> Regular:
        """Fill the cells of a copy, all but the ids of other rows than its lines, and return who buys it."""
        cells, random = copy.cells, self.rng.random
        self._date(pattern, copy)
        buyer = self.regulars.draw(pattern, cells)
        cells[NUMBER] = next(self.numbers[pattern.shop.slug])
        if pattern.has_outside_id:
            cells[OUTSIDE_ID] = self.outside_ids.next(pattern.shop, pattern.channel)
        for cell, carrier in pattern.trackings:
            cells[cell] = MAKERS[carrier](self.rng)
        for cell, code in pattern.codes:
            kind, mark, own = code.rpartition("_")
            cells[cell] = f"{kind}{mark}{''.join(self.rng.choices(LETTERS, k=len(own)))}"
        for cell in pattern.acts:
            cells[cell] = self.rng.getrandbits(62)
        for line in pattern.lines:
            cells[line.id_cell] = next(self._item_ids)  # what the history keeps may name it
            sold, product_id = self.ranges.draw(pattern, line)
            for cell, value in zip(line.cells, sold, strict=True):
                cells[cell] = value
            if line.product_cell is not None:
                cells[line.product_cell] = product_id
            if line.deal_cell is not None:
                cells[line.deal_cell] = 100_000 + int(900_000 * random())
        for text in pattern.texts:
            cells[text.cell] = text.template % text.pick(cells)
        return buyer

    def _date(self, pattern: Pattern, copy: Copy) -> None:
        """Fill the cells of when everything happens to a copy, and by when it must leave."""
        cells, shift, store = copy.cells, copy.shift, pattern.shop.store
        for at, cell, said_cell in pattern.instants:
            moved = at - shift
            if cell is not None:
                cells[cell] = self._at(moved)
            if said_cell is not None:
                cells[said_cell] = f"{moved.isoformat()}+00:00"
        placed = pattern.placed_at - shift
        if pattern.is_day_only:
            placed = naive(midnight(store, (pattern.told_at - shift).replace(tzinfo=UTC)))
        cells[PLACED] = self._at(placed)
        if pattern.due_since:
            since = placed if pattern.due_since == pattern.placed_at else pattern.due_since - shift
            # Every zone's hours begin on a quarter of UTC's: within one, ship-by is the same.
            key = (pattern.shop.slug, since - (since - BEGIN) % QUARTER)
            if key not in self._dues:
                self._dues[key] = naive(store.ship_by(key[1].replace(tzinfo=UTC)))
            cells[SHIP_BY] = self._at(self._dues[key])
            cells[SHIP_BY_SAID] = f"{self._dues[key].isoformat()}+00:00"

    def _at(self, moment: datetime) -> str:
        """Return a naive moment as its column takes it."""
        return moment.isoformat(" ", "microseconds") + self.writer.zone

    def _to_do(self, rows: list[PickedRow]) -> list[tuple[Any, ...]]:
        """Return what one step does for each row: where it waits, its id's cell, the next id, its picker.

        A line has its id already.
        """
        cells = [None if row.table == "order_item" else row.id_cell for row in rows]
        ids = [self.writer.ids(r.table) if cell else None for r, cell in zip(rows, cells, strict=True)]
        return [
            (self.rows[r.table].append, cell, i, r.pick) for r, cell, i in zip(rows, cells, ids, strict=True)
        ]

    def _step(self, n: int, copy: Copy) -> None:
        """Let one thing happen to a copy, and put the next one ahead."""
        cells, steps = copy.cells, self._steps[copy.place]
        for wait, id_cell, ids, pick in steps[n]:
            if id_cell is not None:
                cells[id_cell] = next(ids)
            wait(pick(cells))
        if n + 1 < len(steps):
            at = self.patterns[copy.place].steps[n + 1].at - copy.shift
            heappush(self._ahead, (at, copy.n, n + 1, copy))

    def _go_on(self, until: datetime) -> None:
        """Let everything happen that lies ahead, up to a moment."""
        ahead = self._ahead
        while ahead and ahead[0][0] <= until:
            _, _, n, copy = heappop(ahead)
            self._step(n, copy)

    def _index(self, pattern: Pattern, cells: list[Any], buyer: Regular) -> None:
        """Let a copy be found by its own words."""
        lines = [
            Sold(cells[x.cells[0]], cells[x.cells[1]], x.type, x.deal_cell and cells[x.deal_cell])
            for x in pattern.lines
        ]
        who: Any = buyer.buyer
        address: Any = buyer.address if pattern.country else None
        code = None if pattern.code is None else cells[pattern.code]
        found = order_terms(Called(cells[NUMBER], cells[OUTSIDE_ID], code), who, address, lines)
        for cell, _ in pattern.trackings:
            found |= tracking_terms(cells[cell])
        store_id, placed, order_id = pattern.shop.store.id, cells[PLACED], cells[ORDER]
        self.rows["search_term"] += [(store_id, term, placed, order_id) for term in found]

    def _write(self) -> None:
        """Write the rows that wait."""
        for table, rows in self.rows.items():
            self.writer.write(table, rows)
            rows.clear()
