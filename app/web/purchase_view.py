"""The pieces of a purchase's page, formatted in its buyer's words.

Nothing of the store's own business passes here: no private notes, no drafts, no acknowledgements, no
payouts, and no name but the store's.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from app.actions.buyers_word import ARRIVING, downloads_left, is_receivable
from app.actions.problems import DISPUTABLE
from app.carriers import tracking_url
from app.models import Order, OrderItem
from app.money import money_text
from app.queries import history
from app.queries.history import ParcelSeen
from app.queries.people import StoreFacts
from app.statuses import (
    AWAITING_PAYMENT,
    AWAITING_SELLER,
    DEAD,
    DONE,
    BuyerShipping,
    ItemStatus,
    Kind,
    ParcelState,
    Payment,
    Shipping,
)
from app.web import display, sale_view
from app.web.buyer_history import entries
from app.web.clock import Clock
from app.web.display import Badge
from app.web.feedback_view import Said, said

# The payment as its buyer reads it while the store waits for it.
OWN_WORDS = {
    Payment.PAID: Badge("You said: paid", "wait"),
    Payment.PAID_PAYPAL: Badge("You said: paid", "wait"),
    Payment.ON_ARRIVAL: Badge("You said: on arrival", "wait"),
}
PROBLEM = Badge("Problem", "bad")
WAITS = Badge("Processing", "plain", "ring")
COMING = AWAITING_PAYMENT | AWAITING_SELLER


class Line(NamedTuple):
    """One line of a purchase, and what its buyer may do about it."""

    id: int
    title: str
    beside: str
    quantity: int
    remark: str
    badge: Badge
    total: str
    may_receive: bool
    is_file: bool
    may_download: bool
    left: str
    may_review: bool
    own: Said | None
    answer: Said | None

    @property
    def needs_room(self) -> bool:
        """Tell whether there is anything to do about it, or was said of it."""
        return bool(self.may_receive or self.is_file or self.may_review or self.own or self.answer)


class Words(NamedTuple):
    """What a buyer may say of a purchase now."""

    may_say_paid: bool
    may_pay_on_arrival: bool
    may_take_back: bool
    receivable: list[int]
    is_more_to_come: bool
    disputable: list[Line]

    @property
    def received_words(self) -> str:
        """Return what the button says that means all that was sent."""
        if self.is_more_to_come:
            return "I have what was sent"
        return "I have it" if len(self.receivable) == 1 else "I have all of it"

    @property
    def are_none(self) -> bool:
        """Tell whether nothing can be said."""
        return not (self.may_say_paid or self.may_take_back or self.receivable or self.disputable)


def view(order: Order, store: StoreFacts) -> dict[str, Any]:
    """Return everything formatted that the page of a purchase shows."""
    clock, items = Clock(store.zone), order.items
    parcels = sent_parcels(items)
    done = [i.id for i in items if i.status in DONE]
    events = history.events_of(order.id)
    numbers = sale_view.numbers_of(order, events)
    feedback = history.said_of(done) if done else {}
    lines = [line(order, i, feedback, clock) for i in items]
    return {
        "placed": clock.exact(order.placed_at, order.is_day_only),
        "payment": payment_badge(order),
        "shipping": badge(order, items),
        "lines": lines,
        "parcels": [parcel(p, n, items, clock) for n, p in enumerate(parcels, start=1)],
        "address": sale_view.address_lines(order.address),
        "money": sale_view.money(order, history.money_of(order.id)),
        "notes": history.notes_of(order.id, for_buyer=True),
        "entries": entries(order, store.name, events, parcels, clock, numbers=numbers),
        "absorbed": list(numbers.values())[1:],
        "say": words(order, lines),
    }


def for_guests(told: dict[str, Any]) -> dict[str, Any]:
    """Return what a page shows to whoever holds the purchase's link: that it came, and what is wrong.

    How it is paid, how it was and what can be downloaded is for an account to say and to have.
    """
    say = told["say"]._replace(may_say_paid=False, may_pay_on_arrival=False, may_take_back=False)
    lines = [x._replace(is_file=False, may_download=False, left="", may_review=False) for x in told["lines"]]
    return {**told, "say": say, "lines": lines}


def sent_parcels(items: list[OrderItem]) -> list[ParcelSeen]:
    """Return the parcels that the buyer may know of: those that were sent."""
    hidden = {ParcelState.DRAFT.value, ParcelState.VOIDED.value}
    return [p for p in history.parcels_of([i.id for i in items]) if p.state not in hidden]


def parcel(row: ParcelSeen, n: int, items: list[OrderItem], clock: Clock) -> dict[str, Any]:
    """Format one parcel with what of this purchase is in it."""
    titles = {i.id: i.title for i in items}
    return {
        "id": row.id,
        "name": f"Parcel {n}",
        "badge": sale_view.PARCEL_BADGES[ParcelState(row.state)],
        "when": clock.exact(row.shipped_at) if row.shipped_at else "",
        "carrier": row.carrier,
        "number": row.number,
        "url": row.url or tracking_url(row.carrier, row.number),
        "lines": [f"{x.quantity} × {titles[x.item_id]}" for x in row.lines if x.item_id in titles],
    }


def line(order: Order, item: OrderItem, feedback: dict[tuple[int, str], Any], clock: Clock) -> Line:
    """Format one line."""
    own, answer = feedback.get((item.id, "to_seller")), feedback.get((item.id, "to_buyer"))
    is_file = item.fulfilled_as is Kind.DIGITAL and item.status == ItemStatus.COMPLETE
    left = downloads_left(item, order.paid_at, clock.now) if is_file else 0
    options = [f"{name}: {value}" for name, value in item.options.items()]
    return Line(
        id=item.id,
        title=item.title,
        beside=" · ".join(part for part in (*options, item.personalisation) if part),
        quantity=item.quantity,
        remark=remark(item),
        badge=item_badge(item.fulfilled_as, item.status),
        total=money_text(item.line_total_minor, order.currency),
        may_receive=is_receivable(item),
        is_file=is_file,
        may_download=is_file and left != 0,
        left=left_words(item, left) if is_file else "",
        may_review=item.status in DONE and own is None,
        own=said(own),
        answer=said(answer),
    )


def remark(item: OrderItem) -> str:
    """Say how many pieces are sent where some are not, cancelled, back."""
    told = []
    if 0 < item.shipped < item.quantity - item.cancelled:
        told.append(f"{item.shipped} of {item.quantity - item.cancelled} sent")
    if item.cancelled:
        told.append(f"{item.cancelled} cancelled")
    if item.returned:
        told.append(f"{item.returned} sent back")
    return " · ".join(told)


def left_words(item: OrderItem, left: int | None) -> str:
    """Say how many downloads, or days, are left."""
    if left is None:
        return "Download it as often as you like"
    unit = "day" if item.download_limit_type == "days" else "download"
    return f"{left or 'No'} {unit}{'' if left == 1 else 's'} left"


def words(order: Order, lines: list[Line]) -> Words:
    """Return what the buyer may say now."""
    is_open = order.payment in {Payment.UNPAID, Payment.ON_ARRIVAL} and order.status not in DEAD
    statuses = {i.id: i.status for i in order.items}
    is_unpaid = order.payment == Payment.UNPAID
    return Words(
        may_say_paid=is_open and order.buyer_payment != Payment.PAID,
        may_pay_on_arrival=is_unpaid and is_open and order.buyer_payment == Payment.UNPAID,
        may_take_back=is_open and order.buyer_payment != Payment.UNPAID,
        receivable=[x.id for x in lines if x.may_receive],
        is_more_to_come=any(
            i.fulfilled_as in ARRIVING and i.status in COMING and not is_receivable(i) for i in order.items
        ),
        disputable=[x for x in lines if statuses[x.id] in DISPUTABLE],
    )


def payment_badge(order: Any) -> Badge:
    """Return the word for the payment: the buyer's own while the store has not confirmed it."""
    if order.payment == Payment.UNPAID:
        return OWN_WORDS.get(order.buyer_payment) or display.PAYMENT_BADGES[order.payment]
    return display.PAYMENT_BADGES[order.payment]


def item_badge(how: Kind, status: ItemStatus) -> Badge:
    """Return the word for an item's status as its buyer reads it."""
    if status == ItemStatus.PENDING_FULFILMENT:
        return Badge("Being prepared", "wait", "ring")
    if status == ItemStatus.PENDING_ACQUISITION and how is Kind.GOODS:
        return Badge("On its way", "info")
    return display.item_badge(how, status)


def badge(order: Any, lines: Sequence[Any]) -> Badge:
    """Return the one word for where a purchase stands."""
    if order.shipping == Shipping.PROBLEM or order.buyer_shipping == BuyerShipping.PROBLEM:
        return PROBLEM
    live = [x for x in lines if x.status not in DEAD]
    if not live:
        return display.ITEM_BADGES.get(order.status, Badge("Closed", "plain"))
    first = min(live, key=lambda x: x.status in DONE)
    if first.status in AWAITING_PAYMENT:
        return WAITS
    return item_badge(display.kind(first), first.status)
