"""The loader behind links by a shop's own order id: whoever is a party to the sale is led to it."""

from contextlib import suppress
from typing import NamedTuple

from app.access import Actor, Permission, find_desk, find_purchase, find_sale
from app.errors import Absorbed, ForeignStore, NotAllowed, NotFound
from app.queries import outside_ids
from app.statuses import Channel


class Led(NamedTuple):
    """Which order it is, and whether the actor sees it as a sale (else as a purchase)."""

    order_id: int
    is_sale: bool


def find_by_outside_id(actor: Actor, slug: str, channel: str, outside_id: str) -> Led:
    """Return the order of a store that has this id on a channel, for its people or its buyer.

    NotFound for everybody else, whether there is one or not. One that went into another is found as itself:
    its page leads to the heir.
    """
    found = outside_ids.one(slug, channel, outside_id) if channel in set(Channel) else None
    if found is None:
        raise NotFound
    try:
        find_sale(find_desk(actor, found.store_id, to=Permission.SEE_SALES), found.id)
        return Led(found.id, is_sale=True)
    except Absorbed:
        return Led(found.id, is_sale=True)
    except (ForeignStore, NotAllowed):
        pass
    with suppress(Absorbed):
        find_purchase(actor, found.id)
    return Led(found.id, is_sale=False)
