"""Ranges: each ware of a store in many designs, as a shop with a hundred thousand sales has them.

What is bought in a copy of a sale costs what it cost in the pattern; its title, SKU, page and product differ.
"""

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from app.actions.bulk import BulkWriter, Row
from app.demo.patterns import Line, LineCells, Pattern
from app.statuses import Kind

ADJECTIVES = (
    "amber", "autumn", "blue", "bright", "copper", "crimson", "early", "faded", "frosty", "golden", "hidden",
    "ivory", "little", "lunar", "misty", "northern", "pale", "quiet", "rosy", "silver", "sleeping", "sunlit",
    "velvet", "winter",
)  # fmt: skip
NOUNS = (
    "anemone", "badger", "cedar", "comet", "dahlia", "fern", "firefly", "harbour", "hare", "heron", "iris",
    "juniper", "kingfisher", "larch", "magnolia", "meadow", "moth", "orchard", "otter", "peony", "rowan",
    "swallow", "thistle", "wren",
)  # fmt: skip
TOWNS = (
    "Ashford", "Bellport", "Carrow", "Dunmore", "Eastlake", "Fairmont", "Glenwood", "Harlow", "Ironbridge",
    "Kingsley", "Larkspur", "Millbrook", "Northfield", "Oakdale", "Pinehurst", "Quarry Hill", "Riverton",
    "Stonegate", "Thornbury", "Union Park", "Vernon", "Westbrook", "Yorkville",
)  # fmt: skip
SEASONS = ("春の", "夏の", "秋の", "冬の", "朝の", "夕の", "夜の", "雨の", "雪の", "月の", "風の")
SIGNS = "霞桜椿藤菊蓮梅竹松柳楓鶴鷺燕蛍蝶鯉亀兎波"
# In how many designs a ware is sold, and how unevenly they sell: at 1 all alike.
DESIGNS = 150
UNEVEN = 2.0


def _designs(firsts: Sequence[str], seconds: Sequence[str], between: str = " ") -> tuple[str, ...]:
    """Return every pair, those with the same first part far from each other."""
    n = len(firsts)
    return tuple(
        f"{firsts[k % n]}{between}{seconds[(k // n + k % n) % len(seconds)]}" for k in range(DESIGNS)
    )


OF_PAPER = _designs(ADJECTIVES, NOUNS)
OF_JAPAN = _designs(SEASONS, SIGNS, "")


class Sold(NamedTuple):
    """What is sold in a line of a copy, and the id of its product, if it has one."""

    line: LineCells
    product_id: int | None


class Ranges:
    """What all stores have sold; a design that is sold for the first time becomes a product."""

    def __init__(self, rng: Random, writer: BulkWriter) -> None:
        self.rng, self.writer = rng, writer
        self.rows: dict[str, list[Row]] = {"product": [], "media": []}
        self._sold: dict[tuple[int, int], Sold] = {}
        self._ids = {table: writer.ids(table) for table in self.rows}

    def draw(self, pattern: Pattern, line: Line) -> Sold:
        """Draw what is sold instead of a line of the pattern: the same ware in a design of its own."""
        product = line.product
        if product is None:  # there is one of its kind
            title = f"{line.sold.title}, no. {int(9000 * self.rng.random())}"
            return Sold(line.sold._replace(title=title), None)
        designs = _designs_of(pattern, line)
        design = int(len(designs) * self.rng.random() ** UNEVEN) if designs else 0
        if not design:
            return Sold(line.sold, product["id"])
        key = (product["id"], design)
        if key not in self._sold:
            self._sold[key] = self._new(line, product, f"{design:03}", designs[design])
        return self._sold[key]

    def _new(self, line: Line, product: dict[str, Any], number: str, design: str) -> Sold:
        """Write the product of a design that nobody has bought yet."""
        sku = f"{product['sku']}-{number}"
        page = product["url"].replace(product["sku"].lower(), sku.lower())
        row = {
            **product,
            "id": next(self._ids["product"]),
            "external_id": f"L-{sku}",
            "title": f"{product['title']}, {design}",
            "sku": sku,
            "url": page,
        }
        self._put("product", row)
        for picture in line.pictures:
            again = {"id": next(self._ids["media"]), "product_id": row["id"], "url": f"{page}.jpg"}
            self._put("media", {**picture, **again})
        return Sold(LineCells(row["title"], sku, page, f"{page}.jpg"), row["id"])

    def _put(self, table: str, row: dict[str, Any]) -> None:
        """Put a row where it waits to be written."""
        cells = tuple(self.writer.cell(row[column]) for column in self.writer.columns(table))
        self.rows[table].append(cells)


def _designs_of(pattern: Pattern, line: Line) -> tuple[str, ...]:
    """Return the designs that a ware is sold in: none of gifts, services and what is collected."""
    if line.fulfilled_as is Kind.DEAL:
        return TOWNS
    if line.fulfilled_as not in {Kind.GOODS, Kind.DIGITAL}:
        return ()
    return OF_JAPAN if pattern.shop.said.home == "JP" else OF_PAPER
