"""Purchases arrive: an order is made once, whoever tells of it how often.

What a purchase is stands in `purchases`; a form makes one from a file's row or a request's body.
"""

from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import selectinload

from app.access import Actor
from app.actions.found_by import order_terms
from app.actions.ledger import Act
from app.actions.lines import new_item
from app.actions.parcels import pack
from app.actions.payment import forget_money, pay, record_money
from app.actions.purchases import STAND_IN, AddressSaid, Purchase
from app.actions.rollup import desk_state, order_status, shipping_flag
from app.db import db
from app.models import Address, Buyer, Discount, Event, Order, Parcel, ParcelLine, Store
from app.models.shop import FAR_FUTURE
from app.statuses import AWAITING_PAYMENT, PAID_TO, Channel, Door, ItemStatus, Kind, Payment, Shipping

# Built once: building them for each order would cost more than running them.
KNOWN_ORDER = select(Order.id).where(
    Order.store_id == bindparam("store"),
    Order.channel == bindparam("channel"),
    Order.external_id == bindparam("key"),
)
KNOWN_BUYER = select(Buyer).where(
    Buyer.store_id == bindparam("store"),
    Buyer.channel == bindparam("channel"),
    Buyer.external_ref == bindparam("key"),
)

LISTED = "the lines are listed now"
TOTALLED = "the total is told now"


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
    differences = tuple(_differences(known, purchase))
    if not differences:
        return TakenIn(known, Verdict.SAME)
    # The other of a marketplace's two files only knows more of the same order: that a file shipped it
    # meanwhile is no reason not to learn it.
    is_more = differences[0] in {LISTED, TOTALLED}
    if _is_touched(known) or (_has_moved(known) and not is_more):
        return TakenIn(known, Verdict.SAME, differences)
    act.verb = "follow"
    if differences[0] == TOTALLED:
        _follow_total(act, known, purchase)
    else:
        _follow(act, known, purchase)
    return TakenIn(known, Verdict.CHANGED, differences)


def _known(act: Act, purchase: Purchase) -> Order | None:
    """Return the order that this purchase was made into before, held by the act."""
    if purchase.external_id is None:
        return None
    key = {"store": act.store_id, "channel": purchase.channel, "key": purchase.external_id}
    order_id = db.session.scalar(KNOWN_ORDER, key)
    return act.hold(order_id) if order_id else None


def _make(act: Act, purchase: Purchase) -> Order:
    """Write buyer, address, order and lines."""
    store = act.store
    buyer = _buyer(store, purchase)
    address = new_address(store, purchase.address) if purchase.address else None
    act.add(*(row for row in (buyer, address) if row is not None and row.id is None))
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
        is_past=_is_past(act, purchase),
        **purchase.money,
    )
    store.next_number += 1
    act.admit(order, items)
    _discount(act, order, purchase)
    act.index(order, order_terms(order.number, order.external_id, buyer, address, items))
    return order


def _is_past(act: Act, purchase: Purchase) -> bool:
    """Tell whether an order was over before it came in (law 5: such orders never need attention).

    One of another channel, bought longer ago than the store waits for "received": by the moment at which it
    is taken in. Orders of the channels desk and intake are this desk's own, however old.
    """
    is_own = purchase.channel in {Channel.DESK.value, Channel.INTAKE.value}
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


def new_address(store: Store, said: AddressSaid) -> Address:
    """Return an address; addresses are never edited, so a new one each time."""
    return Address(
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


def _is_touched(order: Order) -> bool:
    """Tell whether anybody but an import touched the order."""
    touch = select(Event.id).where(Event.order_id == order.id, Event.door != Door.IMPORT.value).limit(1)
    return db.session.scalar(touch) is not None


def _has_moved(order: Order) -> bool:
    """Tell whether pieces went out, were cancelled, or went further than where a payment brings them."""
    return any(
        i.shipped or i.cancelled or i.status not in AWAITING_PAYMENT | {PAID_TO[i.fulfilled_as]}
        for i in order.items
    )


def _differences(order: Order, purchase: Purchase) -> list[str]:
    """Return in words where a purchase told again differs from the order as it is kept."""
    is_stand_in = any(i.external_id == STAND_IN for i in order.items)
    if purchase.is_stand_in and not is_stand_in:
        # The order's other file knows less of lines and address, and perhaps what was paid in the end.
        return [] if purchase.total in {None, order.total_minor} else [TOTALLED]
    found = []
    kept = Counter((i.external_id, i.title, i.quantity, i.price_minor) for i in order.items)
    if is_stand_in and not purchase.is_stand_in:
        found.append(LISTED)
    elif any(getattr(order, name) != amount for name, amount in _money(order, purchase).items()):
        found.append("the money differs")
    elif kept != Counter((x.external_id, x.title, x.quantity, x.price) for x in purchase.lines):
        found.append("the lines differ")
    address = db.session.get(Address, order.address_id) if order.address_id else None
    told = purchase.address.destination_key if purchase.address else None
    if (address.destination_key if address else None) != told:
        found.append("the address differs")
    return found


def _money(order: Order, purchase: Purchase) -> dict[str, int]:
    """Return the order's money as it is told now.

    Where the teller states no total, one that was told before stays: of a file without lines the total,
    otherwise what the parts did not explain.
    """
    money = purchase.money
    if purchase.total is not None:
        return money
    parts = money["total_minor"]
    is_stand_in = any(i.external_id == STAND_IN for i in order.items)
    total = order.total_minor if is_stand_in else parts + order.adjustment_minor
    return {**money, "total_minor": total, "adjustment_minor": total - parts}


def _follow(act: Act, order: Order, purchase: Purchase) -> None:
    """Bring an order to what the teller says now: new lines, money and address.

    What was paid stays paid and what was shipped stays shipped: an import never moves backwards.
    """
    money = _money(order, purchase)
    paid, paid_at = order.payment, order.paid_at
    parcel = _unpack(act, [i.id for i in order.items])
    forget_money(act, order)
    db.session.execute(delete(Discount).where(Discount.order_id == order.id))
    address = new_address(act.store, purchase.address) if purchase.address else None
    act.add(*([address] if address else ()))
    act.change(order, payment=Payment.UNPAID, address_id=address.id if address else None, **money)
    act.replace_lines(order, [new_item(act, purchase, x, n) for n, x in enumerate(purchase.lines, start=1)])
    _discount(act, order, purchase)
    if paid != Payment.UNPAID:
        pay(act, order, paid, paid_at or act.at, gateway_code=order.gateway_code)
    if parcel:
        _refill(act, order, parcel)
    act.forget_terms(order)
    buyer = db.session.get_one(Buyer, order.buyer_id)
    act.index(order, order_terms(order.number, order.external_id, buyer, address, order.items))


def _unpack(act: Act, gone: list[int]) -> Parcel | None:
    """Take these lines out of their parcels, and return the first of these."""
    inside = select(ParcelLine.parcel_id).where(ParcelLine.item_id.in_(gone))
    found = select(Parcel).where(Parcel.id.in_(inside)).options(selectinload(Parcel.lines))
    parcels = db.session.scalars(found.order_by(Parcel.id).execution_options(populate_existing=True)).all()
    for parcel in parcels:
        was = {line.item_id: line.quantity for line in parcel.lines}
        act.pack(parcel, dict.fromkeys(was.keys() & set(gone), 0), was)
    db.session.execute(delete(ParcelLine).where(ParcelLine.item_id.in_(gone)))
    return next(iter(parcels), None)


def _refill(act: Act, order: Order, parcel: Parcel) -> None:
    """Put the goods that are listed now into the parcel that went out with the line that stood for them."""
    going = {}
    for item in order.items:
        if item.fulfilled_as is Kind.GOODS and item.status == ItemStatus.PENDING_FULFILMENT:
            act.change(item, shipped=item.quantity, status=ItemStatus.PENDING_ACQUISITION)
            going[item] = item.quantity
    pack(act, parcel, going)


def _follow_total(act: Act, order: Order, purchase: Purchase) -> None:
    """Take the total that the teller states for lines known before; what they don't explain is adjustment."""
    parts = order.total_minor - order.adjustment_minor
    total = parts if purchase.total is None else purchase.total
    act.change(order, total_minor=total, adjustment_minor=total - parts)
    if order.paid_at is not None:
        forget_money(act, order)
        record_money(act, order, order.paid_at, gateway_code=order.gateway_code)


def _discount(act: Act, order: Order, purchase: Purchase) -> None:
    """Write the reductions of the order."""
    db.session.add_all(
        Discount(store_id=act.store_id, order_id=order.id, kind=d.kind, code=d.code, amount_minor=d.amount)
        for d in purchase.discounts
    )
