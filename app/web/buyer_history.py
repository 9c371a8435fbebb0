"""The history of a purchase as its buyer reads it: the same acts as the store's, in the buyer's words.

Shown is what concerns the buyer. Who did it is "You", the store by its name, or Tradepost; what the store
did for itself (private notes, labels made ahead, acknowledgements) is left out.
"""

from collections.abc import Mapping
from itertools import groupby

from app.models import Order
from app.queries.history import EventSeen, ParcelSeen
from app.statuses import ActorKind, Payment
from app.web.clock import Clock
from app.web.display import pieces
from app.web.money_told import Moved, known_payments, moved
from app.web.sale_view import Entry, combined_in

# What the store did, by its act's verb; those that say more are put together in `_what`.
OF_STORE = {
    "confirm_payment": "confirmed the payment",
    "unpay": "says that it is not paid after all",
    "ready": "has it ready for pickup",
    "hand_over": "handed it over",
    "finish": "did the service",
    "redeem": "redeemed the deal",
    "void": "took a parcel back",
    "cancel": "cancelled pieces",
    "refund": "noted a refund",
    "return_items": "noted what came back",
    "problem": "says that something is wrong with it",
    "resolve": "answered the problem",
    "expire": "let what was open run out",
    "correct_address": "corrected the address",
    "receive": "noted that it is there",
    "dispute": "noted that something is wrong",
    "say_paid": "noted how it is paid",
}
# What the store did with money: (its act's verb, the payment's kind, where that stands since).
MONEY_OF_STORE = {
    ("confirm_payment", "purchase", "done"): "confirmed the payment of {}",
    ("unpay", "void", "done"): "says that {} was not paid after all",
    ("refund", "refund", "done"): "noted a refund of {}",
    ("refund", "refund", "pending"): "noted that a refund of {} is under way",
    ("resolve", "refund", "withdrawn"): "took the refund of {} back",
}
OF_BUYER = {
    "receive": "have it",
    "dispute": "said that something is wrong",
    "download": "downloaded a file",
    "take_in": "bought it",
}
OWN_PAYMENT = {
    Payment.UNPAID: "took back how you pay",
    Payment.PAID: "said that it is paid",
    Payment.ON_ARRIVAL: "said that you pay on arrival",
}


def entries(
    order: Order,
    store: str,
    events: list[EventSeen],
    parcels: list[ParcelSeen],
    clock: Clock,
    *,
    numbers: Mapping[int, int],
) -> list[Entry]:
    """Return the acts that concern the buyer, newest first; `parcels` are those that they may know of.

    `numbers` are those of the purchases that became one, by their ids.
    """
    known, payments = {p.id: p for p in parcels}, known_payments(events)
    found = []
    for _, group in groupby(events, key=lambda e: e.act_id):
        act = list(group)
        is_own, at = _is_own(act[0], order), act[0].at
        what = _own(act, numbers) if is_own else _what(act, known, moved(act, payments))
        if what:
            who = "You" if is_own else _who(act[0], store)
            found.append(Entry(who, what, clock.age(at), clock.exact(at)))
    return found


def _is_own(event: EventSeen, order: Order) -> bool:
    """Tell whether an act is the buyer's: their word, by account or link; and that they bought at all."""
    by_account = event.actor_id is not None and event.actor_id == order.buyer.account_id
    is_theirs = by_account or event.actor_kind == ActorKind.GUEST.value
    return event.verb in {"take_in", "combine"} or (is_theirs and event.verb in {*OF_BUYER, "say_paid"})


def _who(event: EventSeen, store: str) -> str:
    """Say who did an act of the store's side: never a person's name."""
    return "Tradepost" if event.actor_kind == ActorKind.SYSTEM.value else store


def _own(act: list[EventSeen], numbers: Mapping[int, int]) -> str:
    """Say what the buyer did."""
    verb = act[0].verb
    if verb == "combine" and (pair := combined_in(act, numbers)):
        return f"bought more as purchase {pair[0]}: purchase {pair[1]} is part of it"
    if verb == "take_in" and len(numbers) > 1:
        return f"bought purchase {numbers[act[0].order_id]}"
    if verb == "say_paid":
        codes = (e.after["buyer_payment"] for e in act if e.after and "buyer_payment" in e.after)
        return OWN_PAYMENT.get(next(codes, -1), "")  # type: ignore[arg-type]
    return OF_BUYER[verb]


def _what(act: list[EventSeen], known: Mapping[int, ParcelSeen], money: Moved | None) -> str:
    """Say what the store did; "" where it is none of the buyer's business."""
    verb = act[0].verb
    if money and (said := MONEY_OF_STORE.get((verb, money.kind, money.status))):
        return said.format(money.amount)
    if verb == "ship":
        gone = sum(_gained(e, "shipped") for e in act if e.item_id)
        number = next((p.number for p in _parcels(act, known)), "")
        return f"sent {pieces(gone)}" + (f" under {number}" if number else "") if gone else ""
    if verb == "set_tracking":
        # A number of a parcel that was on its way already; labels made ahead are the store's own.
        sent = [p.shipped_at for p in _parcels(act, known)]
        return "corrected the tracking number" if any(at and at < act[0].at for at in sent) else ""
    if verb == "void" and any((e.before or {}).get("state") == "draft" for e in act):
        return ""
    if verb == "cancel":
        return f"cancelled {pieces(sum(_gained(e, 'cancelled') for e in act if e.item_id))}"
    return OF_STORE.get(verb, "")


def _gained(event: EventSeen, name: str) -> int:
    """Return by how much a number of a row grew."""
    before, after = event.before or {}, event.after or {}
    return int(after.get(name, 0)) - int(before.get(name, 0))


def _parcels(act: list[EventSeen], known: Mapping[int, ParcelSeen]) -> list[ParcelSeen]:
    """Return those parcels that an act changed and the buyer may know of."""
    return [known[e.parcel_id] for e in act if e.parcel_id is not None and e.parcel_id in known]
