"""What stands in a mail: who writes to whom, and what of a sale is told, in plain text.

The words are made when the mail is sent, from the sale as it is then. What is not so any more (a parcel that
was taken back, a pickup that was handed over) is not told.
"""

import re
import unicodedata
from typing import Any, NamedTuple

from app.actions.aftersale import Reason
from app.actions.mails import NAMES, Mail, told_of
from app.actions.outbox import Claim
from app.carriers import tracking_url
from app.models import Order
from app.money import money_text
from app.queries import sales
from app.queries.mails import Sender, note, parcel, refund, sender
from app.statuses import ItemStatus, Kind, ParcelState

LONGEST_ADDRESS = 254
# One address and nothing beside it: no name, no list, nothing quoted.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([^\s@<>()\[\],;:\\\"]+)", re.ASCII)
NAMED = re.compile(rf"\{{({'|'.join(NAMES)})\}}")
# What a buyer is told of why; what is only the store's business is not.
WHY = {
    Reason.BUYER: "You asked for it.",
    Reason.SOLD_OUT: "It is sold out, or cannot be sent.",
    Reason.UNPAID: "It was not paid.",
    Reason.ADDRESS: "It cannot be sent to the address that we have.",
}


class NothingToTell(Exception):
    """There is nothing to be sent, or nobody to send it to; the text says why."""


class TooEarly(Exception):
    """What is to be told hangs on another mail that is still on its way."""


class Letter(NamedTuple):
    """A mail before it is put into its envelope; `sender` is "" where the store names none."""

    to: str
    store: str
    sender: str
    subject: str
    body: str


class Told(NamedTuple):
    """What a mail says: what it is called, and its lines."""

    subject: str
    lines: list[str]


def letter(claim: Claim) -> Letter:
    """Return the letter of a claimed mail about a sale; NothingToTell, or TooEarly."""
    order = sales.one(claim.store_id, claim.order_id or 0)
    store = sender(claim.store_id)
    if order is None or store is None:
        raise NothingToTell("The sale is not there any more.")
    told = FACTS[Mail(claim.kind)](order, claim)
    to = recipient(order)
    if not to:
        raise NothingToTell("No e-mail address of the buyer is known that mail could go to.")
    name = one_line(store.name)
    return Letter(
        to, name, address(store.mail_from), f"{name}: {told.subject}", body(order, store, claim, told)
    )


def recipient(order: Order) -> str:
    """Return where a sale's buyer gets mail: at their own address, else at the parcel's; "" if none."""
    known = (order.buyer.email, order.address.email if order.address else None)
    return next((found for text in known if (found := address(text or ""))), "")


def address(text: str) -> str:
    """Return a text as one plain e-mail address; "" where it is none."""
    text = text.strip()
    found = ADDRESS.fullmatch(text) if len(text) <= LONGEST_ADDRESS else None
    if found is None:
        return ""
    try:
        domain = found[1].encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return f"{text.rpartition('@')[0]}@{domain}" if re.fullmatch(r"[A-Za-z0-9.-]+", domain) else ""


def one_line(text: str) -> str:
    """Return a text on one line, without signs that are no text."""
    return " ".join(plain(text).split())


def plain(text: str) -> str:
    """Return a text without control characters, but for the breaks of its lines."""
    text = re.sub(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    return "".join(sign for sign in text if sign == "\n" or unicodedata.category(sign) not in {"Cc", "Cs"})


def body(order: Order, store: Sender, claim: Claim, told: Told) -> str:
    """Return the text: greeting, the store's own words, what happened, who writes."""
    buyer, shop = one_line(order.buyer.shown_name), one_line(store.name)
    names = dict(zip(NAMES, (buyer, str(order.number), shop), strict=True))
    own = plain(str(store.mail_texts.get(claim.kind) or "")).strip()
    own = NAMED.sub(lambda named: names[named[1]], own)
    parts = [f"Hello {buyer},", own, "\n".join(told.lines), f"{shop}\nOrder {order.number}"]
    return "\n\n".join(part for part in parts if part) + "\n"


def pieces(order: Order, counts: dict[int, int]) -> list[str]:
    """Return lines of an order with how many pieces of each are meant."""
    return [f"  {counts[item.id]} × {one_line(item.title)}" for item in order.items if item.id in counts]


def _shipped(order: Order, claim: Claim) -> Told:
    """Tell of a parcel that left."""
    found = parcel(claim.store_id, claim.payload["parcel_id"])
    if found is None or found.state in {ParcelState.VOIDED.value, ParcelState.DRAFT.value}:
        raise NothingToTell("The parcel was taken back before.")
    lines = [f"a parcel of your order {order.number} is on its way to you:", ""]
    lines += pieces(order, found.inside)
    way = tracking_url(found.carrier, found.number) or found.url or ""
    said = (
        ("Carrier", one_line(found.carrier)),
        ("Tracking number", one_line(found.number)),
        ("Follow it", one_line(way) if way.startswith(("https://", "http://")) else ""),
    )
    if any(text for _, text in said):
        lines += ["", *(f"{name}: {text}" for name, text in said if text)]
    left = sum(i.left for i in order.items if _is_to_ship(i))
    if left:
        lines += ["", f"{left} more piece{'s are' if left > 1 else ' is'} still to be sent."]
    return Told(f"your order {order.number} is on its way", lines)


def _is_to_ship(item: Any) -> bool:
    """Tell whether pieces of a line are still to be sent."""
    return item.fulfilled_as is Kind.GOODS and item.status == ItemStatus.PENDING_FULFILMENT


def _voided(order: Order, claim: Claim) -> Told:
    """Tell that a parcel of which the buyer was told did not leave after all."""
    parcel_id = claim.payload["parcel_id"]
    was_told = told_of(order.id, parcel_id)
    if was_told is None:
        raise TooEarly
    found = parcel(claim.store_id, parcel_id)
    if not was_told or found is None:
        raise NothingToTell("The buyer was never told of this parcel.")
    number = one_line(found.number)
    which = f"the parcel with the number {number}" if number else "the parcel without a number"
    lines = [
        f"we wrote that {which}, of your order {order.number}, is on its way to you.",
        "That was a mistake: it has not been sent. Please do not wait for it.",
        "",
        *pieces(order, found.inside),
    ]
    return Told(f"a correction to your order {order.number}", lines)


def _ready(order: Order, claim: Claim) -> Told:
    """Tell that something waits to be fetched."""
    item = next((i for i in order.items if i.id == claim.payload["item_id"]), None)
    if item is None or item.status != ItemStatus.PENDING_ACQUISITION:
        raise NothingToTell("It does not wait to be picked up any more.")
    lines = [f"this is ready for you to pick up, of your order {order.number}:", ""]
    lines += pieces(order, {item.id: item.left})
    return Told(f"your order {order.number} is ready to be picked up", lines)


def _cancelled(order: Order, claim: Claim) -> Told:
    """Tell which pieces were cancelled."""
    counts = {int(item_id): n for item_id, n in claim.payload["pieces"].items()}
    lines = [f"this was cancelled of your order {order.number}:", "", *pieces(order, counts)]
    if why := WHY.get(Reason(claim.payload["reason"])):
        lines += ["", why]
    how = "cancelled in part" if _lives(order) else "cancelled"
    return Told(f"your order {order.number} was {how}", lines)


def _lives(order: Order) -> bool:
    """Tell whether something of an order is not cancelled."""
    return any(item.cancelled < item.quantity for item in order.items)


def _refunded(order: Order, claim: Claim) -> Told:
    """Tell how much money went back."""
    amount = refund(claim.store_id, claim.payload["payment_id"])
    if amount is None:
        raise NothingToTell("The refund was taken back.")
    given = money_text(amount, order.currency)
    lines = [
        f"we gave you {given} of your order {order.number} back.",
        "It may take some days until you see it in your account.",
    ]
    return Told(f"{given} of your order {order.number} went back to you", lines)


def _message(order: Order, claim: Claim) -> Told:
    """Tell what the store wrote to the buyer."""
    words = note(claim.store_id, claim.payload["note_id"])
    if words is None:
        raise NothingToTell("The message is not there any more.")
    return Told(f"a message about your order {order.number}", [plain(words).strip()])


FACTS = {
    Mail.SHIPPED: _shipped,
    Mail.VOIDED: _voided,
    Mail.READY: _ready,
    Mail.CANCELLED: _cancelled,
    Mail.REFUNDED: _refunded,
    Mail.MESSAGE: _message,
}
