"""Purchases arrive: an order is made once, whoever tells of it how often.

What a purchase is stands in `purchases`; a form makes one from a file's row or a request's body.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import delete, select

from app.access import Actor
from app.actions.ledger import Act
from app.actions.lines import new_item
from app.actions.payment import pay
from app.actions.purchases import STAND_IN, AddressSaid, Purchase
from app.actions.rollup import desk_state, order_status, shipping_flag
from app.db import db
from app.models import Address, Buyer, Discount, Event, Order, Payout, Store
from app.models import Payment as PaymentRow
from app.models.shop import FAR_FUTURE
from app.statuses import Door, ItemStatus, Payment, Shipping
from app.words import terms


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
        known = _known(act, purchase)
        if known is None:
            return TakenIn(_make(act, purchase), Verdict.NEW)
        differences = _differences(known, purchase)
        if not differences:
            return TakenIn(known, Verdict.SAME)
        if _has_moved(known):
            return TakenIn(known, Verdict.SAME, tuple(differences))
        act.verb = "follow"
        _follow(act, known, purchase)
        return TakenIn(known, Verdict.CHANGED, tuple(differences))


def _known(act: Act, purchase: Purchase) -> Order | None:
    """Return the order that this purchase was made into before, held by the act."""
    if purchase.external_id is None:
        return None
    order_id = db.session.scalar(
        select(Order.id).where(
            Order.store_id == act.store_id,
            Order.channel == purchase.channel,
            Order.external_id == purchase.external_id,
        )
    )
    return act.hold(order_id) if order_id else None


def _make(act: Act, purchase: Purchase) -> Order:
    """Write buyer, address, order and lines."""
    store = act.store
    buyer = _buyer(store, purchase)
    address = _address(store, purchase.address)
    items = [new_item(act, purchase, line, n) for n, line in enumerate(purchase.lines, start=1)]
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
        gateway_code=purchase.gateway_code,
        postage_method=purchase.postage_method,
        buyer_note=purchase.buyer_note,
        gift_message=purchase.gift_message,
        placed_at=purchase.placed_at,
        is_day_only=purchase.is_day_only,
        ship_by=FAR_FUTURE,
        **purchase.money,
    )
    store.next_number += 1
    act.admit(order, items)
    _discount(act, order, purchase)
    _index(act, order, buyer, address, purchase)
    return order


def _buyer(store: Store, purchase: Purchase) -> Buyer:
    """Return the store's buyer by the sender's own key, or a new one; on a known one the name follows."""
    said = purchase.buyer
    name = said.name or (purchase.address.name if purchase.address else "")
    if said.ref is not None:
        known = db.session.scalar(
            select(Buyer).where(
                Buyer.store_id == store.id, Buyer.channel == purchase.channel, Buyer.external_ref == said.ref
            )
        )
        if known:
            return known
    buyer = Buyer(
        store_id=store.id,
        channel=purchase.channel,
        external_ref=said.ref,
        username=said.username,
        name=name,
        email=said.email,
    )
    db.session.add(buyer)
    db.session.flush()
    return buyer


def _address(store: Store, said: AddressSaid | None) -> Address | None:
    """Write an address; addresses are never edited, so a new one each time."""
    if said is None:
        return None
    address = Address(
        store_id=store.id,
        name=said.name,
        given_name=said.given_name,
        family_name=said.family_name,
        street=said.street,
        street2=said.street2,
        city=said.city,
        region=said.region,
        postal_code=said.postal_code,
        country=said.country,
        phone=said.phone,
        destination_key=said.destination_key,
    )
    db.session.add(address)
    db.session.flush()
    return address


def _index(act: Act, order: Order, buyer: Buyer, address: Address | None, purchase: Purchase) -> None:
    """Let the order be found by its number, outside id, buyer, items, SKUs and postcode."""
    postcode = address.postal_code if address else ""
    act.index(
        order,
        terms(
            str(order.number),
            order.external_id,
            buyer.name,
            buyer.username,
            buyer.email,
            address.name if address else "",
            postcode,
            postcode.replace(" ", ""),
            *(text for line in purchase.lines for text in (line.title, line.sku)),
        ),
    )


def _has_moved(order: Order) -> bool:
    """Tell whether pieces went out, were cancelled, or anybody but an import touched the order."""
    if any(i.shipped or i.cancelled or i.status > ItemStatus.PENDING_FULFILMENT for i in order.items):
        return True
    return (
        db.session.scalar(
            select(Event.id).where(Event.order_id == order.id, Event.door != Door.IMPORT.value).limit(1)
        )
        is not None
    )


def _differences(order: Order, purchase: Purchase) -> list[str]:
    """Return in words where a purchase told again differs from the order as it is kept."""
    is_stand_in = any(i.external_id == STAND_IN for i in order.items)
    if purchase.is_stand_in and not is_stand_in:
        return []  # the order's other file: it knows less, so it has nothing to add
    found = []
    if is_stand_in and not purchase.is_stand_in:
        found.append("the lines are listed now")
    elif any(getattr(order, name) != amount for name, amount in purchase.money.items()):
        found.append("the money differs")
    kept = [(i.external_id, i.title, i.quantity, i.price_minor) for i in order.items]
    if found == [] and kept != [(x.external_id, x.title, x.quantity, x.price) for x in purchase.lines]:
        found.append("the lines differ")
    address = db.session.get(Address, order.address_id) if order.address_id else None
    told = purchase.address.destination_key if purchase.address else None
    if (address.destination_key if address else None) != told:
        found.append("the address differs")
    return found


def _follow(act: Act, order: Order, purchase: Purchase) -> None:
    """Bring an order that nothing moved yet to what the teller says now: new lines, money and address.

    What was paid stays paid: an import never moves backwards.
    """
    money = purchase.money
    if any(i.external_id == STAND_IN for i in order.items) and not purchase.is_stand_in:
        # The file of lines states no total; the one told before stays, the rest is adjustment.
        beyond = order.total_minor - (money["total_minor"] - money["adjustment_minor"])
        money = {**money, "total_minor": order.total_minor, "adjustment_minor": beyond}
    paid, paid_at, method = order.payment, order.paid_at, ""
    for table in (Payout, PaymentRow, Discount):
        db.session.execute(delete(table).where(table.order_id == order.id))
    address = _address(act.store, purchase.address)
    act.change(order, payment=Payment.UNPAID, address_id=address.id if address else None, **money)
    act.replace_lines(order, [new_item(act, purchase, x, n) for n, x in enumerate(purchase.lines, start=1)])
    _discount(act, order, purchase)
    if paid != Payment.UNPAID:
        pay(act, order, paid, method, order.gateway_code, paid_at or act.at)
    act.forget_terms(order)
    _index(act, order, db.session.get_one(Buyer, order.buyer_id), address, purchase)


def _discount(act: Act, order: Order, purchase: Purchase) -> None:
    """Write the reductions of the order."""
    db.session.add_all(
        Discount(store_id=act.store_id, order_id=order.id, kind=d.kind, code=d.code, amount_minor=d.amount)
        for d in purchase.discounts
    )
