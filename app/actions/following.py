"""An order that is told again: where the teller differs from what is kept, and how it is followed.

While nothing moved here it follows the file; afterwards money, lines and address are only reported as
different, and what happened never moves backwards (law: "Buyers, channels, imports").
"""

from collections import Counter

from sqlalchemy import delete, select
from sqlalchemy.orm import selectinload

from app.actions.belongings import add_discounts, new_address
from app.actions.found_by import order_terms
from app.actions.ledger import Act
from app.actions.lines import new_item
from app.actions.parcels import pack
from app.actions.payment import forget_money, pay, record_money
from app.actions.purchases import STAND_IN, Purchase
from app.db import db
from app.models import Address, Buyer, Discount, Event, Order, Parcel, ParcelLine
from app.queries.combined import absorbed_by
from app.statuses import AWAITING_PAYMENT, PAID_TO, Door, ItemStatus, Kind, Payment

LISTED = "the lines are listed now"
TOTALLED = "the total is told now"


def follow(act: Act, order: Order, purchase: Purchase, difference: str) -> bool:
    """Bring an order, held by the act, to what is told now; tell whether it may be followed."""
    # The other of a marketplace's two files only knows more of the same order: that a file shipped it
    # meanwhile is no reason not to learn it.
    is_more = difference in {LISTED, TOTALLED}
    if is_touched(order) or (has_moved(order) and not is_more):
        return False
    act.verb = "follow"
    if difference == TOTALLED:
        _follow_total(act, order, purchase)
    else:
        _follow(act, order, purchase)
    return True


def is_touched(order: Order) -> bool:
    """Tell whether anybody but an import touched the order."""
    touch = select(Event.id).where(Event.order_id == order.id, Event.door != Door.IMPORT.value).limit(1)
    return db.session.scalar(touch) is not None


def has_moved(order: Order) -> bool:
    """Tell whether pieces went out, were cancelled, or went further than where a payment brings them."""
    return any(
        i.shipped or i.cancelled or i.status not in AWAITING_PAYMENT | {PAID_TO[i.fulfilled_as]}
        for i in order.items
    )


def differences(order: Order, purchase: Purchase) -> list[str]:
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
    absorbed = absorbed_by(order.id)  # asked before a row waits to be written
    money = _money(order, purchase)
    paid, paid_at = order.payment, order.paid_at
    parcel = unpack(act, [i.id for i in order.items])
    forget_money(act, order)
    db.session.execute(delete(Discount).where(Discount.order_id == order.id))
    address = new_address(act.store, purchase.address) if purchase.address else None
    act.add(*([address] if address else ()))
    act.change(order, payment=Payment.UNPAID, address_id=address.id if address else None, **money)
    act.replace_lines(order, [new_item(act, purchase, x, n) for n, x in enumerate(purchase.lines, start=1)])
    add_discounts(act, order, purchase)
    if paid != Payment.UNPAID:
        pay(act, order, paid, paid_at or act.at, gateway_code=order.gateway_code)
    if parcel:
        _refill(act, order, parcel)
    act.forget_terms(order)
    buyer = db.session.get_one(Buyer, order.buyer_id)
    act.index(order, order_terms(order, buyer, address, order.items, absorbed))


def unpack(act: Act, gone: list[int]) -> Parcel | None:
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
