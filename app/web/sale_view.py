"""The pieces of a sale's page, formatted: lines, parcels, money, address, notes and history."""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from typing import Any, NamedTuple

from app.access import Desk, Permission, right_to_move
from app.actions.mails import is_told
from app.actions.payment import PAYOUT_VOIDED
from app.models import Address, Order, OrderItem
from app.money import money_text
from app.queries import combined, history
from app.queries.history import EventSeen, Money
from app.statuses import ActorKind, Channel, ItemStatus, Kind, OrderKind, Payment, next_step
from app.web import after_view, display, parcel_view
from app.web.clock import Clock
from app.web.display import Badge, pieces
from app.web.money_told import Moved, known_payments, moved

PARCEL_BADGES = parcel_view.BADGES
SHARES = {"store": "your payout", "commission": "commission"}
REFUNDS = {"done": "Refunded", "pending": "Refund under way"}
PAYOUTS = frozenset({"store", "cause", "commission"})

# What an act did, by its verb; those that name numbers are put together in `_what`.
SAID = {
    "take_in": "took the sale in",
    "follow": "followed what the channel says now",
    "confirm_payment": "confirmed the payment",
    "redeem": "redeemed a deal",
    "ready": "got a pickup ready",
    "hand_over": "handed a pickup over",
    "finish": "did a service",
    "acknowledge": "noted who redeemed a deal",
    "cancel": "cancelled",
    "refund": "noted a refund",
    "dispute": "opened a dispute",
    "problem": "reported a problem",
    "expire": "let it expire",
    "receive": "received it",
    "draft": "began the sale",
    "review": "left feedback",
    "unpay": "took the payment back",
    "void": "took a parcel back",
    "return_items": "noted what came back",
    "resolve": "answered the problem",
    "note": "wrote a private note",
    "message": "wrote to the buyer",
    "correct_address": "corrected the address",
    "say_paid": "said how it is paid",
    "download": "downloaded it",
    "set_store": "changed the store's calendar, and with it the day to ship by",
    "send_again": "sent a mail again",
    "make_link": "made a guest link",
    "end_links": "ended the guest link",
    "forget": "forgot the buyer",
    "upgrade": "noted money, notes and feedback of before",
}
# What an act did with money: (its verb, the payment's kind, where that stands since).
MONEY_SAID = {
    ("confirm_payment", "purchase", "done"): "confirmed the payment of {}",
    ("unpay", "void", "done"): "took the payment of {} back",
    ("refund", "refund", "done"): "refunded {}",
    ("refund", "refund", "pending"): "began a refund of {}",
    ("resolve", "refund", "withdrawn"): "took the refund of {} back",
}


class Line(NamedTuple):
    """One line of a sale; `deed` is what its button says, `asks` the status that the button asks for."""

    id: int
    title: str
    beside: str
    thumb: str
    quantity: int
    shipped: int
    cancelled: int
    returned: int
    badge: Badge
    total: str
    deed: str
    asks: int | None
    may_ack: bool
    ack: str
    remark: str


class Entry(NamedTuple):
    """One act in the history: who did what, when."""

    who: str
    what: str
    when: str
    exact: str


def view(desk: Desk, order: Order, items: list[OrderItem]) -> dict[str, Any]:
    """Return everything formatted that the page of a sale shows of it."""
    clock = Clock(desk.store.zone)
    told_parcels = history.parcels_of([i.id for i in order.items])
    shared, sees_all = parcel_view.shared(order, told_parcels), not desk.only_deals
    told = history.money_of(order.id) if sees_all else []
    seen = told if desk.sight.money else [row for row in told if row.kind == "discount"]
    by, is_late = clock.ship_by(order.ship_by)
    to_ship = shippable(items)
    events = history.events_of(order.id, shared) if sees_all else []
    numbers = numbers_of(order, events)
    return {
        "absorbed": list(numbers.values())[1:],
        "lines": [line(desk, i, order.currency) for i in items],
        "is_buyer_told": is_told(order.channel, desk.store.mails_all),
        "to_ship": to_ship if desk.may(Permission.SHIP) else {},
        "pieces_left": sum(to_ship.values()),
        "parcels": parcel_view.parcels(desk, told_parcels, items, clock),
        **parcel_view.to_ship_now(told_parcels, to_ship),
        "badges": badges(order, items),
        "placed": clock.exact(order.placed_at, order.is_day_only),
        "kind": OrderKind(order.kind).label,
        "channel": Channel(order.channel).label,
        "by": by,
        "is_late": is_late,
        "buyer_name": order.buyer.shown_name,
        "buyer_email": (order.buyer.email or "") if desk.sight.personal else "",
        "buyer_username": order.buyer.username,
        "address": address_lines(order.address) if desk.sight.personal else [],
        "money": [*money(order, seen), *shares(order, seen)] if sees_all else [],
        "payment_code": (order.gateway_code or "") if desk.sight.money else "",
        "notes": history.notes_of(order.id, for_buyer=False) if sees_all else [],
        "entries": entries(events, numbers, clock, desk.sight.money),
        "later": after_view.view(desk, order, items, told, clock.now),
        "may_mark_paid": desk.may(Permission.MARK_PAID)
        and order.payment == Payment.UNPAID
        and any(i.status == ItemStatus.PENDING_PAYMENT for i in items),
    }


def numbers_of(order: Order, events: list[EventSeen]) -> dict[int, int]:
    """Return the numbers of a sale and then of those that went into it, by their ids."""
    is_combined = any(event.verb == "combine" for event in events)
    parts = combined.absorbed_by(order.id) if is_combined else []
    return {order.id: order.number, **{row.id: row.number for row in parts}}


def combined_in(act: list[EventSeen], numbers: Mapping[int, int]) -> tuple[int, int] | None:
    """Return the number of the sale that an act made, and of the one that went into it; None if none did."""
    made = next((e.order_id for e in act if e.item_id is None and e.before is None), 0)
    gone = next((e.order_id for e in act if e.after and e.after.get("heir_id") == made), 0)
    return (numbers[made], numbers[gone]) if made in numbers and gone in numbers else None


def badges(order: Order, items: list[OrderItem]) -> list[display.Badge]:
    """Return how it stands with payment and shipping; one where both are the same word, such as Refunded."""
    payment, shipping = display.PAYMENT_BADGES[order.payment], display.shipping_badge(order, items)
    return [payment] if payment.text == shipping.text else [payment, shipping]


def shippable(items: list[OrderItem]) -> dict[int, int]:
    """Return how many pieces of which lines may go out now: item id -> pieces."""
    return {
        i.id: i.left
        for i in items
        if i.fulfilled_as is Kind.GOODS and i.status == ItemStatus.PENDING_FULFILMENT and i.left
    }


def line(desk: Desk, item: OrderItem, currency: str) -> Line:
    """Format one line."""
    kind = item.fulfilled_as
    step = next_step(kind, item.status) if desk.may(right_to_move(item)) else None
    options = [f"{name}: {value}" for name, value in item.options.items()]
    remark = ""
    if kind is Kind.DEAL and item.deal_number:
        remark = f"Voucher {item.deal_number}"
    return Line(
        id=item.id,
        title=item.title,
        beside=" · ".join(part for part in (item.sku, *options, item.personalisation) if part),
        thumb="".join(word[0] for word in item.title.split()[:2]).upper(),
        quantity=item.quantity,
        shipped=item.shipped,
        cancelled=item.cancelled,
        returned=item.returned,
        badge=display.item_badge(kind, item.status),
        total=money_text(item.line_total_minor, currency),
        deed=display.DEEDS.get((kind, item.status), "") if step else "",
        asks=int(step[0]) if step and kind is not Kind.GOODS else None,
        may_ack=kind is Kind.DEAL and desk.may(Permission.ACKNOWLEDGE),
        ack=item.ack or "",
        remark=remark,
    )


def address_lines(address: Address | None) -> list[str]:
    """Return an address line by line, as it stands on a parcel."""
    if address is None:
        return []
    town = " ".join(part for part in (address.postal_code, address.city) if part)
    parts = (
        address.name,
        address.company,
        address.street,
        address.street2,
        ", ".join(part for part in (town, address.region) if part),
        display.country_name(address.country),
    )
    return [part for part in parts if part]


def money(order: Order, told: list[Money]) -> list[tuple[str, str, str]]:
    """Return what a sale's buyer may see of the money panel: (words, amount, "" or "total")."""

    def amount(minor: int) -> str:
        return money_text(minor, order.currency)

    n = len(order.items)
    rows = [(f"{n} item{'s' if n != 1 else ''}", amount(order.items_minor), "")]
    if order.discount_minor:
        reasons = ", ".join(row.name for row in told if row.kind == "discount" and row.name)
        rows.append((f"Discount {reasons}".strip(), amount(-order.discount_minor), ""))
    postage = f"Postage, {order.postage_method}" if order.postage_method else "Postage"
    rows += [(postage, amount(order.postage_minor), ""), ("Tax", amount(order.tax_minor), "")]
    if order.adjustment_minor:
        is_less = any(item.cancelled for item in order.items)
        words = "Cancelled, and other adjustments" if is_less else "Adjustment, not explained by its channel"
        rows.append((words, amount(order.adjustment_minor), ""))
    rows.append(("Total", amount(order.total_minor), "total"))
    backs = [row for row in told if row.kind == "refund" and row.name != "withdrawn"]
    return [*rows, *((REFUNDS[row.name or "done"], amount(-row.amount_minor), "") for row in backs)]


def shares(order: Order, told: list[Money]) -> list[tuple[str, str, str]]:
    """Return who gets what of a sale, for the money panel of its seller: (words, amount, "quiet")."""
    parts: Counter[str] = Counter()
    for row in told:
        if row.kind in PAYOUTS and row.status != PAYOUT_VOIDED:
            parts[SHARES.get(row.kind) or f"to {row.name}"] += row.amount_minor
    yours = parts.pop("your payout", 0)
    rows = [(words, money_text(-given, order.currency), "quiet") for words, given in parts.items()]
    return [*rows, ("your payout", money_text(yours, order.currency), "quiet")] if yours else rows


def entries(
    events: list[EventSeen], numbers: Mapping[int, int], clock: Clock, sees_money: bool
) -> list[Entry]:
    """Return the history, newest first, one entry an act."""
    found, payments = [], known_payments(events) if sees_money else {}
    for _, group in groupby(events, key=lambda e: e.act_id):
        act = list(group)
        first = act[0]
        what = _what(first.verb, act, numbers, moved(act, payments))
        found.append(Entry(_who(first), what, clock.age(first.at), clock.exact(first.at)))
    return found


def _who(event: EventSeen) -> str:
    """Say who did an act."""
    name, kind = event.actor or "Tradepost", ActorKind(event.actor_kind)
    if kind is ActorKind.IMPORT:
        return f"{name}, by import" if event.actor_id else "Import"
    named = {ActorKind.TOKEN: f"{name}, by token", ActorKind.ADMIN: f"{name}, as site admin"}
    return "The buyer, by their link" if kind is ActorKind.GUEST else named.get(kind, name)


def _what(verb: str, act: list[EventSeen], numbers: Mapping[int, int], money: Moved | None) -> str:
    """Say what an act did, by rows and money; `numbers` are those of the sales that became one."""
    if money and (said := MONEY_SAID.get((verb, money.kind, money.status))):
        return said.format(money.amount)
    if verb == "combine" and (pair := combined_in(act, numbers)):
        return f"took sale {pair[0]} in, and combined it with sale {pair[1]}"
    if verb == "take_in" and len(numbers) > 1:
        return f"took sale {numbers[act[0].order_id]} in"
    if verb == "ship":
        gone = sum(_gained(e, "shipped") for e in act if e.item_id)
        return f"shipped {pieces(gone)}{_under(act)}"
    if verb == "label":
        return f"made a label{_under(act)}, to send later"
    if verb == "set_tracking":
        return f"set the tracking number{_under(act, ': ')}"
    return SAID.get(verb, verb.replace("_", " "))


def _gained(event: EventSeen, name: str) -> int:
    """Return by how much a number of a row grew."""
    before, after = event.before or {}, event.after or {}
    return int(after.get(name, 0)) - int(before.get(name, 0))


def _under(act: list[EventSeen], by: str = " under ") -> str:
    """Say the number a parcel got, and the one it had."""
    for event in act:
        if event.parcel_id and event.after and "number" in event.after:
            new, old = event.after["number"], (event.before or {}).get("number")
            if old:
                return f": {old} → {new or 'none'}"
            return f"{by}{new}" if new else ""
    return ""
