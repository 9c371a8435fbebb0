"""Sales whose buyer is forgotten: names, addresses and words go, money, numbers and history stay.

This cannot be undone. It is the one act that writes over what others only add to: addresses, notes, and what
else `models.personal` names.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from app.access import Actor
from app.actions.addresses import number_terms
from app.actions.found_by import order_terms
from app.actions.guests import end_within
from app.actions.ledger import Act
from app.actions.outbox import OPEN, State
from app.db import db
from app.models import (
    Address,
    Buyer,
    Feedback,
    Forgotten,
    Note,
    Order,
    OrderItem,
    Outbox,
)
from app.models.personal import neutral
from app.queries.combined import absorbed_by
from app.queries.persons import addresses_of

DROPPED = "Its buyer was forgotten."


def blank(model: Any, *which: Any, **besides: Any) -> None:
    """Forget what is personal in such rows of a table."""
    table = model.__table__
    db.session.execute(update(table).where(*which).values({**neutral(table), **besides}))


def forget_buyers(
    order_ids: Collection[int],
    *,
    actor: Actor,
    store_id: int,
    buyers: Collection[int] = (),
    at: datetime | None = None,
) -> None:
    """Forget whom these living sales of a store were sold to, with all that went into them.

    A buyer all of whose sales are forgotten by now is forgotten too, and so are those named by `buyers`.
    """
    with Act("forget", actor=actor, store_id=store_id, at=at) as act:
        held = {order_id: act.hold(order_id) for order_id in sorted(order_ids)}
        parts = {order_id: absorbed_by(order_id) for order_id in held}
        every = {*held, *(row.id for rows in parts.values() for row in rows)}
        for order in held.values():
            act.change(order, open_key=None)
            act.tell(order)
            end_within(act, order)
        db.session.flush()
        _forget_sales(every, at=act.at, store_id=store_id)
        gone = {*buyers, *_without_sales({order.buyer_id for order in held.values()})}
        blank(Buyer, Buyer.id.in_(gone), account_id=None)
        theirs = select(Order.id).where(Order.buyer_id.in_(gone), Order.heir_id.is_(None))
        for order_id in sorted({*held, *db.session.scalars(theirs)}):
            _index_anew(act, order_id)


def _forget_sales(ids: Collection[int], *, at: datetime, store_id: int) -> None:
    """Forget what is personal in sales and in what hangs on them, and note that it is."""
    items = select(OrderItem.id).where(OrderItem.order_id.in_(ids))
    blank(Address, Address.id.in_(addresses_of(ids)), Address.store_id == store_id)
    blank(Feedback, Feedback.item_id.in_(items))
    blank(OrderItem, OrderItem.order_id.in_(ids))
    blank(Note, Note.order_id.in_(ids))
    blank(Order, Order.id.in_(ids))
    blank(Outbox, Outbox.order_id.in_(ids))
    due = update(Outbox).where(Outbox.order_id.in_(ids), Outbox.state.in_(OPEN), Outbox.webhook_id.is_(None))
    db.session.execute(due.values(state=State.DROPPED.value, trouble=DROPPED))
    known = set(db.session.scalars(select(Forgotten.order_id).where(Forgotten.order_id.in_(ids))))
    db.session.add_all(Forgotten(order_id=n, store_id=store_id, at=at) for n in sorted(set(ids) - known))
    db.session.flush()


def _without_sales(buyers: Collection[int]) -> set[int]:
    """Return those of these buyers who have no living sale that is not forgotten."""
    keeps = select(Order.buyer_id).where(
        Order.buyer_id.in_(buyers),
        Order.heir_id.is_(None),
        Order.id.not_in(select(Forgotten.order_id)),
    )
    return set(buyers) - set(db.session.scalars(keeps))


def _index_anew(act: Act, order_id: int) -> None:
    """Let a sale be found by what is still known of it."""
    order = act.hold(order_id)
    buyer = db.session.get_one(Buyer, order.buyer_id, populate_existing=True)
    address = db.session.get(Address, order.address_id, populate_existing=True) if order.address_id else None
    act.forget_terms(order)
    found = order_terms(order, buyer, address, order.items, absorbed_by(order_id))
    act.index(order, found | number_terms(order))
