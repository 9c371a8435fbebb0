"""Weebly's order item (seed 004): each field, and what it shows of a line.

Weebly writes amounts of one piece. What comes off a line as a whole (a coupon) is spread over its pieces, and
half a cent goes up; `total_price` is exact.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from app.access.sites import Site
from app.actions.buyers_word import downloads_left
from app.money import amount_number
from app.queries import site_orders
from app.queries.site_orders import Charge
from app.statuses import Kind, kind_of

PRODUCT_TYPES = {
    Kind.GOODS: "physical",
    Kind.PICKUP: "physical",
    Kind.DIGITAL: "digital",
    Kind.SERVICE: "service",
    Kind.DEAL: "service",
    Kind.DONATION: "service",
}
# Weebly weighs in pounds or kilograms: what each of our units is in one of them.
UNITS = {
    "lb": ("lb", Decimal(1)),
    "lbs": ("lb", Decimal(1)),
    "oz": ("lb", Decimal("0.0625")),
    "kg": ("kg", Decimal(1)),
    "g": ("kg", Decimal("0.001")),
}
_WEIGHT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


class Line(NamedTuple):
    """A line with all that its fields need: a row of site_orders, what comes off it, its owner, the time."""

    row: Any
    reductions: Sequence[Charge]
    owner_id: int | None
    now: datetime

    @property
    def unit_minor(self) -> int:
        """Return the price of a piece before any coupon."""
        row = self.row
        return int(row.price_minor if row.sale_price_minor is None else row.sale_price_minor)

    @property
    def total_minor(self) -> int:
        """Return what the line comes to, everything taken off that comes off goods."""
        off = sum(charge.amount_minor for charge in self.reductions if charge.kind != "shipping")
        return max(0, int(self.row.line_total_minor) - off)

    def amount(self, minor: int | None) -> int | Decimal | None:
        """Return minor units as the number that goes out."""
        return None if minor is None else amount_number(minor, self.row.currency)

    def of_a_piece(self, minor: int) -> int | Decimal | None:
        """Return the part that one piece has of an amount for the line."""
        return self.amount((2 * minor + self.row.quantity) // (2 * self.row.quantity))


def text_id(row_id: int | None) -> str | None:
    """Write an id as Weebly does."""
    return None if row_id is None else str(row_id)


def seconds(at: datetime | None) -> int | None:
    """Write an instant as Weebly does: in Unix seconds."""
    return None if at is None else int(at.timestamp())


def number(value: Decimal) -> int | Decimal:
    """Return a number without a fraction that it does not need."""
    return int(value) if value == value.to_integral_value() else value.normalize()


def _weight(row: Any) -> tuple[int | Decimal | None, str | None]:
    """Return weight and unit in one of Weebly's units; nothing where the desk knows no such weight."""
    unit = UNITS.get((row.unit or "").strip().lower())
    if unit is None or not _WEIGHT.fullmatch(row.weight or ""):
        return None, None
    name, times = unit
    return number(Decimal(row.weight) * times), name


def _returned(row: Any) -> bool | None:
    """Tell whether all that went out came back; nothing where no piece did."""
    return bool(row.returned >= row.shipped) if row.returned else None


def _discounts(line: Line) -> list[dict[str, object]]:
    """Return what was taken off a piece, one after the other, and the price that each left."""
    row, found = line.row, []
    if row.sale_price_minor is not None and row.sale_price_minor < row.price_minor:
        off = row.price_minor - row.sale_price_minor
        found.append(_discount("markdown", line.amount(row.sale_price_minor), line.amount(off)))
    left = row.line_total_minor
    for charge in line.reductions:
        left -= 0 if charge.kind == "shipping" else charge.amount_minor
        found.append(
            _discount(charge.kind, line.of_a_piece(max(0, left)), line.of_a_piece(charge.amount_minor))
        )
    return found


def _discount(kind: str, price: object, off: object) -> dict[str, object]:
    """Return one discount object."""
    return {"discount_type": kind, "price": price, "discount": off}


Give = Callable[[Line], object]

# In the sequence of the seed's example.
ITEM: dict[str, Give] = {
    "user_id": lambda x: text_id(x.owner_id),
    "site_id": lambda x: text_id(x.row.store_id),
    "discounted_price": lambda x: x.of_a_piece(x.total_minor),
    "track_inventory": lambda x: x.row.stock is not None,
    "order_id": lambda x: text_id(x.row.order_id),
    "order_item_id": lambda x: text_id(x.row.position),
    "site_product_id": lambda x: text_id(x.row.product_id),
    "site_product_sku_id": lambda x: text_id(x.row.product_id),
    "name": lambda x: x.row.title,
    "short_description": lambda x: x.row.short_description or None,
    "quantity": lambda x: x.row.quantity,
    "product_type": lambda x: PRODUCT_TYPES[kind_of(x.row.type, x.row.delivery, x.row.is_pickup)],
    "download_limit_type": lambda x: x.row.download_limit_type,
    "download_units_remaining": lambda x: downloads_left(x.row, x.row.paid_at, x.now),
    "price": lambda x: x.amount(x.row.price_minor),
    "sale_price": lambda x: x.amount(x.row.sale_price_minor),
    "total_price": lambda x: x.amount(x.total_minor),
    "weight": lambda x: _weight(x.row)[0],
    "weight_unit": lambda x: _weight(x.row)[1],
    "sku": lambda x: x.row.sku or None,
    "options": lambda x: dict(x.row.options or {}),
    "returned": lambda x: _returned(x.row),
    "discounts": _discounts,
    "original_product_url": lambda x: x.row.url or None,
    "created_date": lambda x: seconds(x.row.placed_at),
    "updated_date": lambda x: seconds(x.row.updated_at),
}
# Fields without an X in the seed's table: lists leave them out.
DETAILS = frozenset(
    {
        "download_limit_type",
        "download_units_remaining",
        "weight",
        "weight_unit",
        "options",
        "returned",
        "created_date",
        "updated_date",
    }
)


def lines_told(rows: Sequence[Any], at: Site) -> list[Line]:
    """Return the lines of one order with all that their fields need."""
    charges = site_orders.charges_of(rows[0].order_id) if rows else {}
    return lines_with(rows, charges, at)


def lines_with(rows: Sequence[Any], charges: dict[int | None, list[Charge]], at: Site) -> list[Line]:
    """Return the lines of one order whose reductions and taxes are known."""
    now = datetime.now(UTC)
    return [
        Line(row, [c for c in charges.get(row.id, ()) if c.kind != "tax"], at.owner_id, now) for row in rows
    ]


def item_json(line: Line, *, only_listed: bool = False) -> dict[str, object]:
    """Return an order item, with all its fields or as lists show it."""
    return {name: give(line) for name, give in ITEM.items() if not (only_listed and name in DETAILS)}
