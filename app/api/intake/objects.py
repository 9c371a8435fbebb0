"""What the intake answers: a sale as the teller of a purchase needs it. Money is a decimal text."""

from collections.abc import Sequence
from typing import Any

from app.actions.intake import TakenIn
from app.models import Note, Order, OrderItem
from app.money import amount_text
from app.queries.combined import absorbed_by


def sale_json(order: Order) -> dict[str, Any]:
    """Return a sale: its money, its lines, and every sale that went into it, however far back."""

    def amount(minor: int) -> str:
        return amount_text(minor, order.currency)

    return {
        "id": order.id,
        "number": str(order.number),
        "external_id": order.external_id,
        "combined_sales_ids": [row.id for row in absorbed_by(order.id)],
        "kind": order.kind,
        "currency": order.currency,
        "items": amount(order.items_minor),
        "discount": amount(order.discount_minor),
        "postage": amount(order.postage_minor),
        "tax": amount(order.tax_minor),
        "adjustment": amount(order.adjustment_minor),
        "total": amount(order.total_minor),
        "status": int(order.status),
        "flag_payment": int(order.payment),
        "flag_shipping": int(order.shipping),
        "placed_at": order.placed_at.isoformat(timespec="seconds"),
        "lines": lines_json(order.items, order.currency),
    }


def lines_json(items: Sequence[OrderItem], currency: str) -> list[dict[str, Any]]:
    """Return the lines of a sale."""
    return [
        {
            "id": item.id,
            "external_id": item.external_id,
            "title": item.title,
            "sku": item.sku,
            "quantity": item.quantity,
            "cancelled": item.cancelled,
            "price": amount_text(item.unit_minor, currency),
            "total": amount_text(item.line_total_minor, currency),
            "status": int(item.status),
        }
        for item in items
    ]


def taken_json(taken: TakenIn) -> dict[str, Any]:
    """Return a sale that was told, what became of the telling, and where it differs from what is kept."""
    return {
        **sale_json(taken.order),
        "verdict": taken.verdict.value,
        "differences": list(taken.differences),
    }


def note_json(note: Note) -> dict[str, Any]:
    """Return a note that was written."""
    return {"id": note.id, "order_id": note.order_id, "is_private": note.is_private, "body": note.body}
