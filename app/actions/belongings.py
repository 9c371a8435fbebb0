"""What hangs on an order that arrives, beside its lines: its address, its reductions."""

from app.actions.ledger import Act
from app.actions.purchases import AddressSaid, Purchase
from app.db import db
from app.models import Address, Discount, Order, Store


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
        region_code=said.region_code,
        postal_code=said.postal_code,
        country=said.country,
        phone=said.phone,
        destination_key=said.destination_key,
    )


def add_discounts(act: Act, order: Order, purchase: Purchase) -> None:
    """Write the reductions of the order, and of its lines."""
    of_lines = (
        (item.id, d) for item, x in zip(order.items, purchase.lines, strict=True) for d in x.discounts
    )
    db.session.add_all(
        Discount(
            store_id=act.store_id,
            order_id=order.id,
            item_id=item_id,
            kind=d.kind,
            code=d.code,
            amount_minor=d.amount,
        )
        for item_id, d in (*((None, d) for d in purchase.discounts), *of_lines)
    )
