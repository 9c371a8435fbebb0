"""An invoice's lines and sums, formatted. What it adds up is the order's own columns: they are proved."""

from typing import Any, NamedTuple

from app.models import Order, OrderItem
from app.money import money_text
from app.queries import history, invoices
from app.queries.history import Money
from app.statuses import Payment
from app.web.clock import Clock
from app.web.sale_view import REFUNDS, address_lines


class InvoiceLine(NamedTuple):
    """One line: what, how many, at what price each, and together."""

    title: str
    beside: str
    quantity: int
    each: str
    total: str
    cancelled: int


def view(order: Order) -> dict[str, Any]:
    """Return everything formatted that an invoice says."""
    issuer = invoices.issuer(order.store_id)
    clock, told = Clock(issuer.zone), history.money_of(order.id)
    address = address_lines(order.address)
    return {
        "order": order,
        "issuer": issuer.legal_name or issuer.name,
        "trades_as": issuer.name if issuer.legal_name not in {"", issuer.name} else "",
        "issuer_address": [part.strip() for part in issuer.address.splitlines() if part.strip()],
        "vat_id": issuer.vat_id,
        "placed": clock.exact(order.placed_at, is_day_only=True),
        "buyer": order.buyer.shown_name,
        "address": address[1:] if address and address[0] == order.buyer.shown_name else address,
        "lines": [line(item, order.currency) for item in order.items],
        "sums": sums(order, told),
        "payments": payments(order, told, clock),
    }


def line(item: OrderItem, currency: str) -> InvoiceLine:
    """Format one line."""
    options = [f"{name}: {value}" for name, value in item.options.items()]
    return InvoiceLine(
        title=item.title,
        beside=" · ".join(part for part in (item.sku, *options) if part),
        quantity=item.quantity,
        each=money_text(item.unit_minor, currency),
        total=money_text(item.line_total_minor, currency),
        cancelled=item.cancelled,
    )


def sums(order: Order, told: list[Money]) -> list[tuple[str, str, str]]:
    """Return how the total comes about: (words, amount, "" or "total")."""

    def amount(minor: int) -> str:
        return money_text(minor, order.currency)

    codes = ", ".join(m.name for m in told if m.kind == "discount" and m.name)
    rows = [("Items", amount(order.items_minor), "")]
    if order.discount_minor:
        rows.append((f"Discount {codes}".strip(), amount(-order.discount_minor), ""))
    postage = f"Postage, {order.postage_method}" if order.postage_method else "Postage"
    rows += [(postage, amount(order.postage_minor), ""), ("Tax", amount(order.tax_minor), "")]
    if order.adjustment_minor:
        is_less = any(item.cancelled for item in order.items)
        words = "Cancelled pieces, and other adjustments" if is_less else "Adjustment"
        rows.append((words, amount(order.adjustment_minor), ""))
    return [*rows, ("Total", amount(order.total_minor), "total")]


def payments(order: Order, told: list[Money], clock: Clock) -> list[tuple[str, str, str]]:
    """Return what was paid, what went back, and what is still to pay."""

    def amount(minor: int) -> str:
        return money_text(minor, order.currency)

    paid = sum(m.amount_minor for m in told if m.kind == "purchase")
    paid -= sum(m.amount_minor for m in told if m.kind == "void")
    rows = []
    is_settled = order.payment in {Payment.PAID, Payment.PAID_PAYPAL}
    if paid or is_settled:
        on = f" on {clock.exact(order.paid_at, is_day_only=True)}" if order.paid_at else ""
        way = " with PayPal" if order.payment == Payment.PAID_PAYPAL else ""
        rows.append((f"Paid{way}{on}", amount(paid or order.total_minor), ""))
    for m in told:
        if m.kind == "refund" and m.name != "withdrawn":
            rows.append((REFUNDS[m.name or "done"], amount(-m.amount_minor), ""))
    due = order.total_minor - paid
    if order.payment == Payment.UNPAID:
        rows.append(("To pay", amount(due), "total"))
    elif order.payment == Payment.ON_ARRIVAL:
        rows.append(("To pay on arrival", amount(due), "total"))
    elif order.payment == Payment.CANCELED:
        rows.append(("Cancelled: nothing is to pay", amount(0), "total"))
    return rows
