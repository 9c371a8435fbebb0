"""How rows, amounts and states are said on pages: everything a list shows is formatted here, once a row."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from babel import Locale

from app.money import money_text
from app.statuses import (
    AWAITING_PAYMENT,
    DEAD,
    DONE,
    Channel,
    ItemStatus,
    Kind,
    Payment,
    Shipping,
    kind_of,
    next_step,
)
from app.web.clock import Clock, Times

LINES_SHOWN = 2
# What a row says of where a sale came from: nothing of those that came here.
CHANNELS = {channel.value: "" if channel is Channel.DESK else channel.label for channel in Channel}


class Badge(NamedTuple):
    """A word with a tone (good, wait, bad, info, plain) and the shape of its dot ("", ring, half)."""

    text: str
    tone: str
    shape: str = ""


PAYMENT_BADGES = {
    Payment.UNPAID: Badge("Unpaid", "plain", "ring"),
    Payment.PAID: Badge("Paid", "good"),
    Payment.PAID_PAYPAL: Badge("Paid (PayPal)", "good"),
    Payment.ON_ARRIVAL: Badge("Pay on arrival", "wait"),
    Payment.CANCELED: Badge("Canceled", "plain"),
    Payment.REFUNDED: Badge("Refunded", "plain"),
}

ITEM_BADGES = {
    ItemStatus.NOT_SUBMITTED: Badge("Not submitted", "plain", "ring"),
    ItemStatus.PENDING_PAYMENT: Badge("Unpaid", "plain", "ring"),
    ItemStatus.PENDING_FULFILMENT: Badge("To ship", "wait", "ring"),
    ItemStatus.PENDING_ACQUISITION: Badge("Shipped", "good"),
    ItemStatus.COMPLETE: Badge("Complete", "good"),
    ItemStatus.REFUNDED: Badge("Refunded", "plain"),
    ItemStatus.VOIDED: Badge("Cancelled", "plain"),
    ItemStatus.EXPIRED: Badge("Expired", "plain"),
    ItemStatus.PENDING_REDEMPTION: Badge("To redeem", "wait", "ring"),
    ItemStatus.COMPLETED_BY_SELLER: Badge("Handed over", "good"),
    ItemStatus.PENDING_REFUND: Badge("Refund pending", "bad"),
    ItemStatus.PENDING_DISPUTE: Badge("In dispute", "bad"),
}

# What an item's status is called where its kind gives it another word.
KIND_BADGES = {
    (Kind.PICKUP, ItemStatus.PENDING_FULFILMENT): Badge("To get ready", "wait", "ring"),
    (Kind.PICKUP, ItemStatus.PENDING_ACQUISITION): Badge("Ready for pickup", "info", "ring"),
    (Kind.SERVICE, ItemStatus.PENDING_FULFILMENT): Badge("To do", "wait", "ring"),
    (Kind.SERVICE, ItemStatus.COMPLETE): Badge("Done", "good"),
    (Kind.DEAL, ItemStatus.PENDING_FULFILMENT): Badge("To redeem", "wait", "ring"),
    (Kind.DEAL, ItemStatus.COMPLETE): Badge("Redeemed", "good"),
    (Kind.DIGITAL, ItemStatus.COMPLETE): Badge("Delivered", "good"),
}

# (kind, status) -> what the main button of a row says; None: nothing is to be done.
DEEDS = {
    (Kind.GOODS, ItemStatus.PENDING_FULFILMENT): "Ship",
    (Kind.PICKUP, ItemStatus.PENDING_FULFILMENT): "Ready",
    (Kind.PICKUP, ItemStatus.PENDING_ACQUISITION): "Hand over",
    (Kind.SERVICE, ItemStatus.PENDING_FULFILMENT): "Done",
    (Kind.DEAL, ItemStatus.PENDING_FULFILMENT): "Redeem",
    (Kind.DEAL, ItemStatus.PENDING_REDEMPTION): "Redeem",
}


class SaleRow(NamedTuple):
    """One row of the list of sales, as its template prints it."""

    id: int
    number: int
    age: str
    exact: str
    channel: str
    buyer: str
    place: str
    lines: list[tuple[int, str]]
    more: int
    total: str
    payment: Badge
    shipping: Badge
    remark: str
    by: str
    is_late: bool
    deed: str
    href: str
    ship_href: str
    row_ship_href: str


class ItemRow(NamedTuple):
    """One row of the list of items."""

    id: int
    order_id: int
    number: int
    age: str
    exact: str
    title: str
    sku: str
    quantity: int
    remark: str
    buyer: str
    total: str
    badge: Badge
    by: str
    is_late: bool
    deed: str
    asks: int | None
    ack: str
    href: str


def item_badge(kind: Kind, status: ItemStatus) -> Badge:
    """Return the word for an item's status."""
    return KIND_BADGES.get((kind, status)) or ITEM_BADGES[status]


def kind(line: Any) -> Kind:
    """Return how a line is fulfilled."""
    return kind_of(line.type, line.delivery, line.is_pickup)


def shipping_badge(order: Any, lines: Sequence[Any]) -> Badge:
    """Return the one word for where a sale stands, the most pressing first."""
    return _shipping_badge(order, lines, [(kind(line), line.status) for line in lines])


def _shipping_badge(order: Any, lines: Sequence[Any], stand: Sequence[tuple[Kind, ItemStatus]]) -> Badge:
    """Return the word for lines that stand so."""
    statuses = {status for _, status in stand}
    if ItemStatus.PENDING_DISPUTE in statuses:
        return ITEM_BADGES[ItemStatus.PENDING_DISPUTE]
    if order.shipping == Shipping.PROBLEM:
        return Badge("Problem", "bad")
    if ItemStatus.PENDING_REFUND in statuses:
        return ITEM_BADGES[ItemStatus.PENDING_REFUND]
    if statuses <= DEAD:
        return ITEM_BADGES.get(order.status, Badge("Closed", "plain"))
    if statuses & AWAITING_PAYMENT:
        return Badge("Processing", "plain", "ring")
    waiting = [key for key in stand if key in DEEDS]
    if any(how is Kind.GOODS for how, _ in waiting):
        both = zip(lines, stand, strict=True)
        return _to_ship([line for line, (how, status) in both if how is Kind.GOODS and status not in DEAD])
    if waiting:
        return item_badge(*waiting[0])
    if ItemStatus.PENDING_ACQUISITION in statuses:
        return ITEM_BADGES[ItemStatus.PENDING_ACQUISITION]
    return ITEM_BADGES[ItemStatus.COMPLETE] if statuses <= DONE | DEAD else Badge("Open", "plain")


def _to_ship(goods: list[Any]) -> Badge:
    """Return the word for goods that are to be shipped, or have been in part."""
    gone, all_pieces = sum(g.shipped for g in goods), sum(g.quantity - g.cancelled for g in goods)
    if gone:
        return Badge(f"Part shipped {gone} of {all_pieces}", "info", "half")
    return ITEM_BADGES[ItemStatus.PENDING_FULFILMENT]


def _deed(order: Any, stand: Sequence[tuple[Kind, ItemStatus]]) -> str:
    """Return what the row's main button says."""
    found = {DEEDS[key] for key in stand if key in DEEDS}
    if not found:
        is_unpaid = order.payment == Payment.UNPAID and any(
            status == ItemStatus.PENDING_PAYMENT for _, status in stand
        )
        return "Mark paid" if is_unpaid else "Open"
    return next(word for word in ("Ship", "Redeem", "Done", "Ready", "Hand over") if word in found)


def sale_row(
    order: Any,
    lines: Sequence[Any],
    *,
    base: str,
    back: str,
    times: Times,
    only_deals: bool,
    sees_place: bool,
) -> SaleRow:
    """Format one row of the list; `base` is the list's path, `back` what leads back to it."""
    stand = [(kind(line), line.status) for line in lines]
    total = sum(line.line_total_minor for line in lines) if only_deals else order.total_minor
    href = f"{base}/{order.id}"
    return SaleRow(
        id=order.id,
        number=order.number,
        age=times.age,
        exact=times.exact,
        channel=CHANNELS[order.channel],
        buyer=order.buyer_name or order.buyer_username or "Guest",
        place=place_of(order) if sees_place else "",
        lines=[(line.quantity, line.title) for line in lines[:LINES_SHOWN]],
        more=max(0, len(lines) - LINES_SHOWN),
        total=money_text(total, order.currency),
        payment=PAYMENT_BADGES[order.payment],
        shipping=_shipping_badge(order, lines, stand),
        remark="",
        by=times.by,
        is_late=times.is_late,
        deed=_deed(order, stand),
        href=f"{href}{back}",
        ship_href=f"{href}/ship{back}",
        row_ship_href=f"{href}/ship{back}{'&' if back else '?'}in=row",
    )


def place_of(order: Any) -> str:
    """Say where a sale goes: personal data, for who may see it."""
    return ", ".join(part for part in (order.city, order.country) if part)


def item_row(item: Any, *, base: str, clock: Clock) -> ItemRow:
    """Format one row of the list of items; `base` is the path of the sales."""
    how = kind(item)
    step = next_step(how, item.status)
    is_to_ship = item.status == ItemStatus.PENDING_FULFILMENT
    by, is_late = clock.ship_by(item.ship_by) if is_to_ship else ("", False)
    age, exact = clock.age_and_exact(item.placed_at, item.is_day_only)
    return ItemRow(
        id=item.id,
        order_id=item.order_id,
        number=item.number,
        age=age,
        exact=exact,
        title=item.title,
        sku=item.sku,
        quantity=item.quantity,
        remark=f"{item.shipped} of {item.quantity} shipped" if 0 < item.shipped < item.quantity else "",
        buyer=item.buyer_name or item.buyer_username or "Guest",
        total=money_text(item.line_total_minor, item.currency),
        badge=item_badge(how, item.status),
        by=by,
        is_late=is_late,
        deed=DEEDS.get((how, item.status), ""),
        asks=int(step[0]) if step else None,
        ack=item.ack or "",
        href=f"{base}/{item.order_id}",
    )


@cache
def country_name(code: str) -> str:
    """Return a country's name in English."""
    return str(Locale("en").territories.get(code, code))


def pieces(n: int) -> str:
    """Say a number of pieces."""
    return f"{n} piece" if n == 1 else f"{n} pieces"
