"""Correcting where an order goes: a new address takes the place of the old one, which stays as it was."""

from datetime import datetime

from sqlalchemy import select

from app.access import Actor
from app.actions.belongings import new_address
from app.actions.found_by import order_terms, tracking_terms
from app.actions.ledger import Act
from app.actions.purchases import AddressSaid
from app.db import db
from app.errors import StatusChangeProhibited
from app.models import Address, Buyer, Order, Parcel, ParcelLine
from app.queries.combined import absorbed_by
from app.statuses import DEAD


def correct_address(
    order_id: int,
    said: AddressSaid,
    *,
    actor: Actor,
    store_id: int,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """Give an order another address; only while nothing of it was sent (StatusChangeProhibited).

    An order whose address was corrected never combines again (schema, "Traps").
    """
    with Act("correct_address", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        if any(item.shipped for item in order.items) or all(item.status in DEAD for item in order.items):
            raise StatusChangeProhibited
        before = db.session.get(Address, order.address_id) if order.address_id else None
        address = new_address(act.store, said)
        act.add(address)
        act.change(order, address_id=address.id, open_key=None)
        old, new = _terms(order, before), _terms(order, address)
        act.forget_terms(order, old - new)
        act.index(order, new | number_terms(order))
        return order


def _terms(order: Order, address: Address | None) -> set[str]:
    """Return the terms of an order that goes to an address."""
    buyer = db.session.get_one(Buyer, order.buyer_id)
    return order_terms(order, buyer, address, order.items, absorbed_by(order.id))


def number_terms(order: Order) -> set[str]:
    """Return the terms of the numbers that an order's parcels have: some may be those of the old address."""
    mine = select(ParcelLine.parcel_id).where(ParcelLine.item_id.in_([item.id for item in order.items]))
    numbers = db.session.scalars(select(Parcel.number).where(Parcel.id.in_(mine), Parcel.number != ""))
    return set().union(*map(tracking_terms, numbers))
