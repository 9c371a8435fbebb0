"""How rows, amounts and times are said on pages: everything a list shows is formatted here, once a row."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale

from app.models.shop import FAR_FUTURE
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

LINES_SHOWN = 2


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


def shipping_badge(order: Any, lines: list[Any]) -> Badge:
    """Return the one word for where a sale stands, the most pressing first."""
    statuses = {line.status for line in lines}
    live = [line for line in lines if line.status not in DEAD]
    if ItemStatus.PENDING_DISPUTE in statuses or order.shipping == Shipping.PROBLEM:
        return Badge("In dispute" if ItemStatus.PENDING_DISPUTE in statuses else "Problem", "bad")
    if ItemStatus.PENDING_REFUND in statuses:
        return ITEM_BADGES[ItemStatus.PENDING_REFUND]
    if not live:
        return ITEM_BADGES.get(order.status, Badge("Closed", "plain"))
    if any(line.status in AWAITING_PAYMENT for line in live):
        return Badge("Processing", "plain", "ring")
    waiting = [line for line in live if (kind(line), line.status) in DEEDS]
    goods = [line for line in live if kind(line) is Kind.GOODS]
    if any(kind(w) is Kind.GOODS for w in waiting):
        gone, all_pieces = sum(g.shipped for g in goods), sum(g.quantity - g.cancelled for g in goods)
        return (
            Badge(f"Part shipped {gone} of {all_pieces}", "info", "half")
            if gone
            else Badge("To ship", "wait", "ring")
        )
    if waiting:
        return item_badge(kind(waiting[0]), waiting[0].status)
    if any(line.status == ItemStatus.PENDING_ACQUISITION for line in live):
        return Badge("Shipped", "good")
    return Badge("Complete", "good") if all(line.status in DONE for line in live) else Badge("Open", "plain")


def deed(order: Any, lines: list[Any]) -> str:
    """Return what the row's main button says."""
    found = {DEEDS[key] for line in lines if (key := (kind(line), line.status)) in DEEDS}
    for word in ("Ship", "Redeem", "Done", "Ready", "Hand over"):
        if word in found:
            return word
    unpaid = order.payment == Payment.UNPAID and any(x.status == ItemStatus.PENDING_PAYMENT for x in lines)
    return "Mark paid" if unpaid else "Open"


def sale_row(
    order: Any, lines: list[Any], *, base: str, back: str, zone: str, now: datetime, only_deals: bool
) -> SaleRow:
    """Format one row of the list; `base` is the list's path, `back` what leads back to it."""
    word = deed(order, lines)
    by, is_late = ship_by_text(order.ship_by, zone, now)
    total = sum(line.line_total_minor for line in lines) if only_deals else order.total_minor
    place = ", ".join(part for part in (order.city, order.country) if part)
    return SaleRow(
        id=order.id,
        number=order.number,
        age=age(order.placed_at, zone, now, order.is_day_only),
        exact=exact(order.placed_at, zone, order.is_day_only),
        channel="" if order.channel == Channel.DESK else Channel(order.channel).label,
        buyer=order.buyer_name or order.buyer_username or "Guest",
        place=place,
        lines=[(line.quantity, line.title) for line in lines[:LINES_SHOWN]],
        more=max(0, len(lines) - LINES_SHOWN),
        total=money_text(total, order.currency),
        payment=PAYMENT_BADGES[order.payment],
        shipping=shipping_badge(order, lines),
        remark="",
        by=by,
        is_late=is_late,
        deed=word,
        href=f"{base}/{order.id}{back}",
        ship_href=f"{base}/{order.id}/ship{back}",
        row_ship_href=f"{base}/{order.id}/ship{back}{'&' if back else '?'}in=row",
    )


def item_row(item: Any, *, base: str, zone: str, now: datetime) -> ItemRow:
    """Format one row of the list of items; `base` is the path of the sales."""
    how = kind(item)
    step = next_step(how, item.status)
    by, is_late = ship_by_text(item.ship_by, zone, now)
    return ItemRow(
        id=item.id,
        order_id=item.order_id,
        number=item.number,
        age=age(item.placed_at, zone, now, item.is_day_only),
        exact=exact(item.placed_at, zone, item.is_day_only),
        title=item.title,
        sku=item.sku,
        quantity=item.quantity,
        remark=f"{item.shipped} of {item.quantity} shipped" if 0 < item.shipped < item.quantity else "",
        buyer=item.buyer_name or item.buyer_username or "Guest",
        total=money_text(item.line_total_minor, item.currency),
        badge=item_badge(how, item.status),
        by=by if item.status == ItemStatus.PENDING_FULFILMENT else "",
        is_late=is_late and item.status == ItemStatus.PENDING_FULFILMENT,
        deed=DEEDS.get((how, item.status), ""),
        asks=int(step[0]) if step else None,
        ack=item.ack or "",
        href=f"{base}/{item.order_id}",
    )


def age(at: datetime, zone: str, now: datetime, is_day_only: bool = False) -> str:
    """Say how long ago something was: "12 min", "2 h", "yesterday", "3 days", then the day."""
    passed = now - at
    if not is_day_only:
        if passed < timedelta(minutes=1):
            return "now"
        if passed < timedelta(hours=1):
            return f"{passed // timedelta(minutes=1)} min"
    days = (local(now, zone).date() - local(at, zone).date()).days
    if days <= 0:
        return "today" if is_day_only else f"{passed // timedelta(hours=1)} h"
    if days == 1:
        return "yesterday"
    return f"{days} days" if days < 7 else day(at, zone, now)


def day(at: datetime, zone: str, now: datetime | None = None) -> str:
    """Say a day, the year only where it is not this one."""
    when = local(at, zone)
    with_year = now is None or when.year != local(now, zone).year
    return f"{when.day} {when:%b %Y}" if with_year else f"{when.day} {when:%b}"


def exact(at: datetime, zone: str, is_day_only: bool = False) -> str:
    """Say an instant to the minute with its zone; a day alone where no more is known."""
    if is_day_only:
        return day(at, zone)
    return f"{day(at, zone)}, {local(at, zone):%H:%M} ({zone})"


def ship_by_text(ship_by: datetime, zone: str, now: datetime) -> tuple[str, bool]:
    """Say by when to ship, and whether that is past; nothing where nothing ships."""
    if ship_by == FAR_FUTURE:
        return "", False
    days = (local(ship_by, zone).date() - local(now, zone).date()).days
    if days < 0:
        return f"{-days} day{'s' if days < -1 else ''} late", True
    return {0: "Today", 1: "Tomorrow"}.get(days) or day(ship_by, zone, now), False


def local(at: datetime, zone: str) -> datetime:
    """Return an instant in a time zone."""
    return at.astimezone(_zone(zone))


@cache
def _zone(name: str) -> ZoneInfo:
    """Return a time zone, read once."""
    return ZoneInfo(name)


@cache
def country_name(code: str) -> str:
    """Return a country's name in English."""
    return str(Locale("en").territories.get(code, code))


def now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def pieces(n: int) -> str:
    """Say a number of pieces."""
    return f"{n} piece" if n == 1 else f"{n} pieces"
