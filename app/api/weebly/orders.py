"""Weebly's order (reference 3.3): as lists show it, and whole, with its items and all that hangs on it.

Who sees a store's deals alone is told of these: no money but theirs, no address, no parcel.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from app.access.sites import Site
from app.actions.rollup import weebly_status
from app.api.weebly.hanging import billings_json, coupons_json, shipments_json
from app.api.weebly.items import item_json, lines_with, number, seconds, text_id
from app.money import amount_number
from app.queries import site_orders
from app.queries.site_orders import Charge, StandingLine
from app.statuses import ProductType


class Placed(NamedTuple):
    """An order: a row of site_orders, how its lines stand, and who asks for it."""

    row: Any
    standing: Sequence[StandingLine]
    at: Site

    def amount(self, minor: int) -> int | Decimal:
        """Return minor units as the number that goes out."""
        return amount_number(minor, self.row.currency)

    @property
    def total_minor(self) -> int:
        """Return what the order comes to, as far as the caller sees it."""
        if not self.at.desk.only_deals:
            return int(self.row.total_minor)
        return sum(x.line_total_minor for x in self.standing if x.type == ProductType.DEAL)


def orders_json(rows: Sequence[Any], at: Site) -> list[dict[str, object]]:
    """Return orders as lists show them."""
    lines = site_orders.standing([row.id for row in rows])
    return [listed_json(Placed(row, lines[row.id], at)) for row in rows]


def listed_json(placed: Placed) -> dict[str, object]:
    """Return the fields of an order that lists show."""
    row, sight = placed.row, placed.at.desk.sight
    to_name = row.to_name if sight.personal else None
    return {
        "user_id": text_id(placed.at.owner_id),
        "site_id": text_id(placed.at.desk.store.id),
        "order_id": text_id(row.id),
        "order_date": seconds(row.placed_at),
        "full_name": row.buyer_name or to_name or row.buyer_username or None,
        "order_status": weebly_status(row.payment, placed.standing).value,
        "order_currency": row.currency,
        "order_total": placed.amount(placed.total_minor),
    }


def order_json(row: Any, lines: Sequence[Any], at: Site) -> dict[str, object]:
    """Return an order with all its fields."""
    placed = Placed(row, site_orders.standing([row.id])[row.id], at)
    charges = site_orders.charges_of(row.id)
    only_deals = at.desk.only_deals
    listed = listed_json(placed)
    total = listed.pop("order_total")
    postage, tax = (0, 0) if only_deals else (row.postage_minor, row.tax_minor)
    return {
        **{name: listed[name] for name in ("user_id", "site_id", "order_id", "order_date", "full_name")},
        "is_marketing_updates_subscribed": False,
        "order_status": listed["order_status"],
        "order_currency": listed["order_currency"],
        "order_item_tax_total": placed.amount(tax),
        "order_tax_total": placed.amount(tax),
        "order_tax_rates": _tax_rates([] if only_deals else charges.get(None, []), tax, placed),
        "order_shipping_total": placed.amount(postage),
        "order_shipping_taxes_total": 0,
        "order_shipping_subtotal": placed.amount(postage),
        "order_shipping_method": None if only_deals else row.postage_method or None,
        "order_subtotal": placed.amount(placed.total_minor - postage - tax),
        "order_total": total,
        "order_notes": None if only_deals else row.buyer_note or None,
        "created_date": seconds(row.placed_at),
        "updated_date": seconds(row.updated_at or max(line.updated_at for line in lines)),
        "items": [item_json(line) for line in lines_with(lines, charges, at)],
        "shipments": shipments_json(row, lines, at),
        "billings": [] if only_deals else billings_json(row, at),
        "coupons": [] if only_deals else coupons_json(row, charges, at),
    }


def _tax_rates(charges: Sequence[Charge], total_minor: int, placed: Placed) -> dict[str, object]:
    """Return the taxes of an order, each with its rate where it is known."""
    return {
        "total_tax": placed.amount(total_minor),
        "rates": [
            {"name": charge.name, "rate": _rate(charge.rate), "amount": placed.amount(charge.amount_minor)}
            for charge in charges
            if charge.kind == "tax"
        ],
    }


def _rate(text: str | None) -> int | Decimal | None:
    """Return a rate as a number; nothing where it is none."""
    try:
        rate = Decimal(text or "")
    except InvalidOperation:
        return None
    return number(rate) if rate.is_finite() else None
