"""Purchases arrive: an order is made once, whoever tells of it how often.

What a purchase is stands in `purchases`; a form makes one from a file's row or a request's body.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import bindparam, select

from app.access import Actor
from app.actions import combining
from app.actions.belongings import add_discounts, new_address
from app.actions.following import differences, follow
from app.actions.found_by import order_terms
from app.actions.ledger import Act
from app.actions.lines import new_item
from app.actions.purchases import Purchase
from app.actions.rollup import desk_state, order_status, shipping_flag
from app.db import db
from app.models import Buyer, Order, Store
from app.models.shop import FAR_FUTURE
from app.queries.combined import absorbed_by, heir_of
from app.statuses import OWN_CHANNELS, Payment, Shipping

# Built once: building them for each order would cost more than running them.
KNOWN_ORDER = select(Order.id, Order.heir_id).where(
    Order.store_id == bindparam("store"),
    Order.channel == bindparam("channel"),
    Order.external_id == bindparam("key"),
)
KNOWN_BUYER = select(Buyer).where(
    Buyer.store_id == bindparam("store"),
    Buyer.channel == bindparam("channel"),
    Buyer.external_ref == bindparam("key"),
)


class Verdict(StrEnum):
    """What became of a purchase that was told."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


class TakenIn(NamedTuple):
    """An order that was told, what became of it, and where the teller differs from what is kept."""

    order: Order
    verdict: Verdict
    differences: tuple[str, ...] = ()


def take_in(purchase: Purchase, *, actor: Actor, store_id: int, at: datetime | None = None) -> TakenIn:
    """Make the order of a purchase, once by (store, channel, outside id).

    Told again, it follows the teller while nothing moved here; afterwards money, lines and address are
    only reported as different (law: "Buyers, channels, imports").
    """
    with Act("take_in", actor=actor, store_id=store_id, at=at) as act:
        return take(act, purchase)


def take(act: Act, purchase: Purchase) -> TakenIn:
    """Take a purchase in within an act (see `take_in`)."""
    known = _known(act, purchase)
    if known is None:
        return TakenIn(_make(act, purchase), Verdict.NEW)
    if known.external_id != purchase.external_id or combining.has_combined(known):
        return TakenIn(known, Verdict.SAME)  # of several purchases by now, of which this tells one
    found = tuple(differences(known, purchase))
    if not found:
        return TakenIn(known, Verdict.SAME)
    is_followed = follow(act, known, purchase, found[0])
    return TakenIn(known, Verdict.CHANGED if is_followed else Verdict.SAME, found)


def _known(act: Act, purchase: Purchase) -> Order | None:
    """Return the order that this purchase was made into before, held by the act."""
    if purchase.external_id is None:
        return None
    key = {"store": act.store_id, "channel": purchase.channel, "key": purchase.external_id}
    found = db.session.execute(KNOWN_ORDER, key).first()
    return act.hold(found.id if found.heir_id is None else heir_of(found.id)) if found else None


def _make(act: Act, purchase: Purchase) -> Order:
    """Write buyer, address, order and lines; what may combine takes the open order of its buyer up."""
    store = act.store
    buyer = _buyer(store, purchase)
    address = new_address(store, purchase.address) if purchase.address else None
    act.add(*(row for row in (buyer, address) if row is not None and row.id is None))
    key = combining.key_of(purchase, store.id, buyer.id)
    old = combining.take_open(act, key, len(purchase.lines)) if key else None
    lines = combining.line_postage(purchase) if key else purchase.lines
    first = 1 + (len(old.items) if old else 0)
    items = [new_item(act, purchase, line, n) for n, line in enumerate(lines, first)]
    placed_at = max(purchase.placed_at, old.placed_at) if old else purchase.placed_at
    order = Order(
        store_id=store.id,
        number=store.next_number,
        channel=purchase.channel,
        external_id=purchase.external_id,
        buyer_id=buyer.id,
        address_id=address.id if address else None,
        kind=purchase.kind,
        currency=purchase.currency,
        payment=Payment.UNPAID,
        shipping=shipping_flag(Shipping.PROCESSING, items),
        status=order_status(items),
        desk_state=desk_state(Payment.UNPAID, items).value,
        open_key=key,
        gateway_code=purchase.gateway_code,
        postage_method=purchase.postage_method,
        buyer_note=purchase.buyer_note,
        gift_message=purchase.gift_message,
        placed_at=placed_at,
        is_day_only=purchase.is_day_only,
        ship_by=FAR_FUTURE,
        is_past=_is_past(act, purchase),
        **purchase.money,
    )
    store.next_number += 1
    act.admit(order, items)
    add_discounts(act, order, purchase)
    if old is not None:
        act.verb = "combine"
        combining.absorb(act, old, order)
    absorbed = absorbed_by(order.id) if old else ()
    act.index(order, order_terms(order, buyer, address, order.items, absorbed))
    return order


def _is_past(act: Act, purchase: Purchase) -> bool:
    """Tell whether an order was over before it came in (law 5: such orders never need attention).

    One of another channel, bought longer ago than the store waits for "received": by the moment at which it
    is taken in. Orders of the channels desk and intake are this desk's own, however old.
    """
    is_own = purchase.channel in OWN_CHANNELS
    return not is_own and purchase.placed_at < act.at - timedelta(days=act.store.received_days)


def _buyer(store: Store, purchase: Purchase) -> Buyer:
    """Return the store's buyer by the sender's own key, as they are known, or a new one."""
    said = purchase.buyer
    name = said.name or (purchase.address.name if purchase.address else "")
    if said.ref is not None:
        key = {"store": store.id, "channel": purchase.channel, "key": said.ref}
        known = db.session.scalar(KNOWN_BUYER, key)
        if known:
            return known
    return Buyer(
        store_id=store.id,
        channel=purchase.channel,
        external_ref=said.ref,
        username=said.username,
        name=name,
        email=said.email,
    )
