"""The taking apart of a played sale: its rows, read once, become a pattern."""

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from datetime import datetime
from operator import itemgetter
from types import SimpleNamespace
from typing import Any

from app.actions.bulk import BulkWriter
from app.actions.kept import BESIDE
from app.actions.tally import standing
from app.demo.cast import Shop
from app.demo.patterns import (
    ADDRESS,
    BUYER,
    EVENT,
    FIXED,
    NUMBER,
    OF_ADDRESS,
    OF_BUYER,
    ORDER,
    OUTSIDE_ID,
    PLACED,
    SHIP_BY,
    SHIP_BY_SAID,
    AddressCells,
    BuyerCells,
    Instant,
    Line,
    LineCells,
    Pattern,
    Pick,
    PickedRow,
    Step,
    Text,
    naive,
)
from app.models.shop import FAR_FUTURE
from app.queries.whole import Rows
from app.statuses import Channel, DeskState, kind_of

# What names a row of another table -> that table.
KEYS = {
    "item_id": "order_item",
    "parcel_id": "parcel",
    "order_id": "orders",
    "buyer_id": "buyer",
    "address_id": "address",
}
# Tables of which a sale has one row, or whose ids nothing names.
SINGLE = {"orders": ORDER, "buyer": BUYER, "address": ADDRESS, "event": EVENT}
# What names a row that copies have in common.
SHARED_KEYS = frozenset({"cause_id"})  # and the rows that do not come with each copy:
SHARED = frozenset({"buyer", "product", "media"})


class Unfit(Exception):
    """A sale that cannot be copied: it hangs together with another one, or an account."""


def pattern_of(shop: Shop, rows: Rows, writer: BulkWriter) -> Pattern:
    """Return the pattern of a played sale; Unfit where it hangs together with another or an account."""
    (order,), (buyer,) = rows["orders"], rows["buyer"]
    items = {item["id"] for item in rows["order_item"]}
    named = {row["item_id"] for table in ("parcel_line", "event") for row in rows[table]}
    if buyer["account_id"] or order["heir_id"] or not named <= {None, *items}:
        raise Unfit
    apart = {**order, "open_key": None}  # copies do not find each other
    return Taken(shop, rows | {"orders": [apart]}, writer).pattern()


class Taken:
    """A sale that is being taken apart."""

    def __init__(self, shop: Shop, rows: Rows, writer: BulkWriter) -> None:
        self.shop, self.rows, self.writer = shop, rows, writer
        (self.order,) = rows["orders"]
        self.cells: list[Any] = [None] * FIXED
        self.own: dict[str, dict[Any, int]] = defaultdict(dict)
        self.texts: list[Text] = []
        self.dues: dict[datetime, datetime] = {}  # ship-by -> when the history tells of it first

    def pattern(self) -> Pattern:
        """Return the pattern."""
        order, address = self.order, next(iter(self.rows["address"]), None)
        buyer_row = self._pick("buyer", self.rows["buyer"][0])
        steps = self._steps()
        lines = [self._line(item) for item in self.rows["order_item"]]
        at, said = self.own["at"], self.own["said"]
        carriers = {parcel["number"]: parcel["carrier"] for parcel in self.rows["parcel"]}
        if not self.own["tracking"].keys() <= carriers.keys():
            raise Unfit  # a number was corrected: its carrier may have been as well
        return Pattern(
            shop=self.shop,
            channel=Channel(order["channel"]),
            is_open=order["desk_state"] != DeskState.CLOSED,
            is_day_only=order["is_day_only"],
            has_outside_id=order["external_id"] is not None,
            country=address["country"] if address else None,
            region=address["region"] if address and order["tax_minor"] else None,
            told_at=steps[0].at,
            ended_at=steps[-1].at,
            placed_at=naive(order["placed_at"]),
            due_since=self._due_since(),
            cells=self.cells,
            buyer_row=buyer_row,
            steps=steps,
            instants=[Instant(naive(i), at.get(i), said.get(i)) for i in sorted({*at, *said})],
            texts=self.texts,
            lines=lines,
            trackings=[(cell, carriers[number]) for number, cell in self.own["tracking"].items()],
            codes=[(cell, code) for code, cell in self.own["code"].items()],
            code=self.own["code"].get(order["gateway_code"]),
            acts=list(self.own["act"].values()),
            n_acts=len(self.own["act"]),
            stands=self._stands(),
        )

    def _steps(self) -> list[Step]:
        """Return the moments of the sale's life with the rows that each brought."""
        moments = sorted({event["at"] for event in self.rows["event"]})
        steps = [Step(naive(at), []) for at in moments]
        packed = {parcel["id"]: parcel["created_at"] for parcel in self.rows["parcel"]}
        born = {(e["row_kind"], e["row_id"]): e["at"] for e in self.rows["event"] if e["before"] is None}
        # Ids are given before others name them; the history has no foreign keys that would say so.
        for table in (*(t for t in self.writer.tables if t not in SHARED | {"event"}), "event"):
            for row in self.rows[table]:
                since = row.get("at") or row.get("created_at")
                if table == "parcel_line":
                    since = packed[row["parcel_id"]]
                elif table in BESIDE:
                    since = born[table, row["id"]]
                n = max(bisect_right(moments, since) - 1, 0) if since else 0
                id_cell = self._key(table, row["id"]) if "id" in row else None
                steps[n].rows.append(PickedRow(table, id_cell, self._pick(table, row)))
        return steps

    def _pick(self, table: str, row: dict[str, Any]) -> Pick:
        """Return what picks a row of a copy out of its cells."""
        return picking([self._cell(table, column, row) for column in self.writer.columns(table)])

    def _cell(self, table: str, column: str, row: dict[str, Any]) -> int:
        """Return the cell that one column of a row is picked from."""
        value = row[column]
        if value is None:
            return self._constant(None)
        match table, column:
            case _, "id":
                return self._key(table, value)
            case "order_item", _ if column in {*LineCells._fields, "product_id", "deal_number"}:
                return self._own(column, row["id"])
            case _ if column in KEYS:
                return self._key(KEYS[column], value)
            case "buyer", _ if column in BuyerCells._fields:
                return OF_BUYER.start + BuyerCells._fields.index(column)
            case "address", _ if column in AddressCells._fields:
                return OF_ADDRESS.start + AddressCells._fields.index(column)
            case "event", "row_id":
                return self._key(row["row_kind"], value)
            case "event", "before" | "after":
                return self._document(row, value)
            case _ if (cell := self._called(table, column, value)) is not None:
                return cell
            case _ if isinstance(value, datetime) and value != FAR_FUTURE:
                return self._own("at", value)
        return self._constant(value)

    def _called(self, table: str, column: str, value: Any) -> int | None:
        """Return the cell of what an order, a parcel, a payment or an act is known by; None for all else."""
        match table, column:
            case "orders", "number":
                return NUMBER
            case "orders", "external_id":
                return OUTSIDE_ID
            case "orders", "ship_by" if value != FAR_FUTURE:
                return SHIP_BY
            case "orders", "attention_at" if value == self.order["ship_by"]:
                return SHIP_BY
            case "orders", "attention_at" if value == self.order["placed_at"]:
                return PLACED
            case "orders" | "order_item", "placed_at":
                return PLACED
            case ("orders", "gateway_code") | ("payment", "code"):
                return self._own("code", value)
            case "parcel", "number" if value:
                return self._own("tracking", value)
            case "event", "act_id":
                return self._own("act", value)
        return None

    def _document(self, event: dict[str, Any], kept: dict[str, Any]) -> int:
        """Return the cell of what the history keeps of a row."""
        parts: list[str] = []
        cells: list[int] = []
        for name, value in kept.items():
            part, found = self._inside(value) if name == "inside" else self._part(event, name, value)
            parts.append(f"{json.dumps(name)}: {part}")
            cells += found
        if not cells:
            return self._constant(kept)
        self.cells.append(None)
        self.texts.append(Text(len(self.cells) - 1, f"{{{', '.join(parts)}}}", picking(cells)))
        return len(self.cells) - 1

    def _inside(self, pieces: dict[str, int]) -> tuple[str, list[int]]:
        """Return how the history says what is in a parcel, and the cells of the lines that it names."""
        said = ", ".join(f'"%s": {n}' for n in pieces.values())
        return f"{{{said}}}", [self._key("order_item", int(item_id)) for item_id in pieces]

    def _part(self, event: dict[str, Any], name: str, value: Any) -> tuple[str, list[int]]:
        """Return how the history says one value, and its cell where it is a copy's own."""
        cell = None if value is None else self._kept(event, name, value)
        if cell is None:
            return json.dumps(value).replace("%", "%%"), []
        return "%s" if cell == NUMBER or name == "item_id" else '"%s"', [cell]

    def _kept(self, event: dict[str, Any], name: str, value: Any) -> int | None:
        """Return the cell of one value in the history; None where it is no copy's own."""
        if name == "number":
            return (self._own("tracking", value) if value else None) if event["parcel_id"] else NUMBER
        if name == "gateway_code":
            return self._own("code", value)
        if name == "ship_by" or name.endswith("_at"):
            at = datetime.fromisoformat(value)
            if at == FAR_FUTURE:
                return None
            if name != "ship_by":
                return self._own("said", at)
            self.dues.setdefault(at, event["at"])
            return SHIP_BY_SAID
        if name == "item_id":
            return self._key("order_item", value)
        if name.endswith("_id") and name not in SHARED_KEYS:
            raise Unfit
        return None

    def _line(self, item: dict[str, Any]) -> Line:
        """Return a line with what was sold in it."""
        product_id = item["product_id"]
        return Line(
            id_cell=self._key("order_item", item["id"]),
            sold=LineCells(*(item[column] for column in LineCells._fields)),
            type=item["type"],
            fulfilled_as=kind_of(item["type"], item["delivery"], item["is_pickup"]),
            cells=tuple(self._own(column, item["id"]) for column in LineCells._fields),
            product_cell=self.own["product_id"].get(item["id"]),
            deal_cell=self.own["deal_number"].get(item["id"]),
            product=next((p for p in self.rows["product"] if p["id"] == product_id), None),
            pictures=[m for m in self.rows["media"] if m["product_id"] == product_id],
        )

    def _due_since(self) -> datetime | None:
        """Return what ship-by was counted from: the payment, if it had come by then, or the placing."""
        if not self.dues:
            return None
        (due, told_at), *others = self.dues.items()
        paid_at = self.order["paid_at"]
        since: datetime = paid_at if paid_at and paid_at <= told_at else self.order["placed_at"]
        if others or due != self.shop.store.ship_by(since):
            raise Unfit
        return naive(since)

    def _stands(self) -> Counter[tuple[str, str]]:
        """Return what the sale adds to the tally."""
        order: Any = SimpleNamespace(**self.order)
        items: Any = [SimpleNamespace(**item) for item in self.rows["order_item"]]
        return standing(order, items)

    def _key(self, table: str, row_id: int) -> int:
        """Return the cell of a row's id."""
        single = SINGLE.get(table)
        return self._own(table, row_id) if single is None else single

    def _own(self, kind: str, what: Any) -> int:
        """Return the cell of something that each copy has its own of."""
        found = self.own[kind]
        if what not in found:
            found[what] = len(self.cells)
            self.cells.append(None)
        return found[what]

    def _constant(self, value: Any) -> int:
        """Return the cell of something that all copies have in common."""
        cell = self.writer.cell(value)
        known = self.own["constant"]
        key = (type(cell), cell)
        if key not in known:
            known[key] = len(self.cells)
            self.cells.append(cell)
        return known[key]


def picking(cells: list[int]) -> Pick:
    """Return what picks these cells as a tuple, however many they are."""
    if len(cells) > 1:
        return itemgetter(*cells)
    (only,) = cells
    return lambda found: (found[only],)
