"""Unpaid purchases of one buyer become one sale: with one postage, paid at once.

What may combine has an `open_key`, unique: store, buyer, currency and destination. The next purchase under
the same key makes a new order that takes all lines; the old one is a tombstone from then on, and answers as
a sale never again (law 5 and 6; reference 2.5; seed 003, "Automatically Combined Sales"). The key goes with
the first thing that happens to the order (`rollup.may_combine`), and never comes back.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm.attributes import set_committed_value

from app.actions.following import unpack
from app.actions.ledger import Act
from app.actions.postage import Posted, postage_of
from app.actions.purchases import LONGEST_KEY, LineSaid, Purchase
from app.db import db
from app.models import Combined, Discount, Order, OrderItem, Outbox, SaleThere, TaxLine
from app.models.shop import FAR_FUTURE
from app.queries.combined import absorbed_by
from app.statuses import OWN_CHANNELS, DeskState, ItemStatus, OrderKind

COMBINING = frozenset({OrderKind.AUCTION.value, OrderKind.OFFER.value, OrderKind.PAY_LATER.value})
# A sale that has so many lines takes no more up: the next purchase begins a new one.
MOST_TOGETHER = 500

OPEN = select(Order.id).where(Order.open_key == bindparam("key"))


def key_of(purchase: Purchase, store_id: int, buyer_id: int) -> str | None:
    """Return the key under which a purchase combines; None where it never does."""
    if purchase.kind not in COMBINING or purchase.channel not in OWN_CHANNELS:
        return None
    place = purchase.address.destination_key if purchase.address else ""
    return f"{store_id}:{buyer_id}:{purchase.currency}:{place}"


def take_open(act: Act, key: str, lines: int) -> Order | None:
    """Return the open order that so many lines are to join, held; it is open no longer.

    None where there is none, or none with room for them.
    """
    order_id = db.session.scalar(OPEN, {"key": key})
    if order_id is None:
        return None
    order = act.hold(order_id)
    act.change(order, open_key=None)
    db.session.flush()  # the key is free for the heir
    return order if len(order.items) + lines <= MOST_TOGETHER else None


def has_combined(order: Order) -> bool:
    """Tell whether others went into an order."""
    return order.kind in COMBINING and order.channel in OWN_CHANNELS and bool(absorbed_by(order.id))


def line_postage(purchase: Purchase) -> Sequence[LineSaid]:
    """Return the lines of a purchase with what its postage is made of.

    A postage that is stated for the whole alone is that of the first line's unit: it is not lost when the
    purchase combines.
    """
    if purchase.postage and not any(line.postage or line.additional for line in purchase.lines):
        first, *others = purchase.lines
        return (replace(first, postage=purchase.postage), *others)
    return purchase.lines


def absorb(act: Act, old: Order, heir: Order) -> None:
    """Let a new order, admitted to the act, take over all that hangs on an open one.

    Lines keep their ids and their positions; postage is reckoned anew, everything else adds up.
    """
    taken = {item.external_id for item in (*heir.items, *old.items) if item.external_id}
    told_now = {item.external_id for item in heir.items}
    for item in old.items:
        named = item.external_id
        if named and named in told_now:  # outside ids are unique in an order
            longer = f"{old.external_id or old.number}/{named}"
            named = longer if len(longer) <= LONGEST_KEY and longer not in taken else None
        act.change(item, order_id=heir.id, placed_at=heir.placed_at, external_id=named)
    act.move_lines(old, heir)
    act.change(
        heir,
        items_minor=heir.items_minor + old.items_minor,
        discount_minor=heir.discount_minor + old.discount_minor,
        tax_minor=heir.tax_minor + old.tax_minor,
        adjustment_minor=heir.adjustment_minor + old.adjustment_minor,
        postage_minor=(postage := postage_of(map(_posted, heir.items))),
        total_minor=heir.total_minor + old.total_minor - old.postage_minor - heir.postage_minor + postage,
        postage_method=heir.postage_method or old.postage_method,
    )
    # What people write stands in no event.
    heir.buyer_note = _both(old.buyer_note, heir.buyer_note)
    heir.gift_message = _both(old.gift_message, heir.gift_message)
    _bury(act, old, heir)
    for table in (Discount, TaxLine, Outbox):
        db.session.execute(update(table).where(table.order_id == old.id).values(order_id=heir.id))


def drop(act: Act, old: Order, heir: Order) -> None:
    """Let an unpaid order of another marketplace go into one that was told with all its lines.

    Seed 003, option one: "when you come across a new Sale, if it contains Sale ids in the combined_sales_ids,
    you can delete all of the previously referred to Sale ids within your system".
    """
    unpack(act, [item.id for item in old.items])
    act.remove(*old.items)
    set_committed_value(old, "items", [])
    for table in (Discount, TaxLine):
        db.session.execute(delete(table).where(table.order_id == old.id))
    db.session.execute(delete(SaleThere).where(SaleThere.order_id == old.id))
    act.change(old, open_key=None)
    _bury(act, old, heir)
    db.session.execute(update(Outbox).where(Outbox.order_id == old.id).values(order_id=heir.id))


def _bury(act: Act, old: Order, heir: Order) -> None:
    """Make an order whose lines are gone a tombstone that points to its heir, and its own dead with it."""
    nothing = dict.fromkeys(
        ("items_minor", "discount_minor", "postage_minor", "tax_minor", "adjustment_minor", "total_minor"), 0
    )
    act.change(
        old,
        heir_id=heir.id,
        status=ItemStatus.VOIDED,
        desk_state=DeskState.CLOSED.value,
        ship_by=FAR_FUTURE,
        **nothing,
    )
    old.attention_at = None
    db.session.flush()
    db.session.execute(update(Combined).where(Combined.heir_id == old.id).values(heir_id=heir.id))
    db.session.add(Combined(order_id=old.id, heir_id=heir.id, direct_heir_id=heir.id))
    act.forget_terms(old)


def _both(old: str, new: str) -> str:
    """Return what the buyer wrote to both orders, the same words once."""
    return "\n\n".join(dict.fromkeys(text for text in (old, new) if text))


def _posted(item: OrderItem) -> Posted:
    """Return a line as its postage is reckoned."""
    return Posted(item.quantity, item.postage_minor, item.additional_minor, item.additional_per)
