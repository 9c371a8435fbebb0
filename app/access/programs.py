"""The loaders that only programs' doors need: items and sales as they are told, and one's own as a buyer.

What a token may is asked here too: a page's buyer is signed in, a program's has a scope.
"""

from typing import Any

from app.access import (
    READ,
    WRITE,
    Actor,
    Desk,
    Permission,
    alive,
    find_desk,
    find_desk_of_sale,
    find_purchase,
    find_sale,
)
from app.errors import Absorbed, ForeignStore, NotAllowed, NotFound
from app.models import Order
from app.queries import sales, told_items, told_sales
from app.queries.told_items import Told as ToldItem
from app.queries.told_sales import Told as ToldSale
from app.statuses import ProductType


def find_told_item(desk: Desk, item_id: int) -> ToldItem:
    """Return an item of the desk's store as programs are told of it; refusals are those of `find_item`."""
    item = told_items.one(desk.store.id, item_id)
    if item is None:
        raise NotFound
    if desk.only_deals and item.row.type != ProductType.DEAL:
        raise NotAllowed
    return item


def find_told_sale(actor: Actor, order_id: int) -> ToldSale:
    """Return a sale as programs are told of it, to its seller's people and to its buyer.

    NotFound for everybody else, whether it exists or not; other refusals are those of `find_sale`.
    """
    # Asked first: of a sale of others no more is read than of one that is not there, nor does it take longer.
    store_id = sales.store_of(order_id, actor.account_id, is_anybodys=actor.is_site_admin)
    found = told_sales.one(order_id) if store_id else None
    if found is None:
        raise NotFound
    try:
        desk = find_desk(actor, found.row.store_id, to=Permission.SEE_SALES)
    except ForeignStore:
        if not _is_own(actor, found.row.store_id, found.row.account_id):
            raise NotFound from None
        _ask_scope(actor, READ)
        return alive(found)
    if found.heir_id is not None:
        find_sale(desk, order_id)  # says who may be told what became of it
    if desk.only_deals:
        found = told_sales.deals_of(found)
        if not found.lines:
            raise NotAllowed
    return found._replace(sight=desk.sight)


def find_own_purchase(actor: Actor, order_id: int) -> Order:
    """Return an order that the actor bought, to say something of it.

    NotAllowed where the actor is of its seller's people, NotFound where they are no party to it.
    """
    try:
        order = find_purchase(actor, order_id)
    except Absorbed:
        raise
    except NotFound:
        find_sale(find_desk_of_sale(actor, order_id, to=Permission.SEE_SALES), order_id)
        raise NotAllowed from None
    _ask_scope(actor, WRITE)
    return order


def find_buyers(actor: Actor) -> list[Any]:
    """Return whom the stores know the actor as; NotAllowed for a token that may not read."""
    _ask_scope(actor, READ)
    known = told_sales.buyers_of(actor.account_id) if actor.account_id else ()
    return [buyer for buyer in known if _is_own(actor, buyer.store_id, actor.account_id)]


def _is_own(actor: Actor, store_id: int, account_id: int | None) -> bool:
    """Tell whether an account is the actor's own, as far as a token of one store goes."""
    is_inside = actor.only_store_id in {None, store_id}
    return is_inside and account_id is not None and account_id == actor.account_id


def _ask_scope(actor: Actor, scope: str) -> None:
    """Let pass who is no token, and tokens that may this; NotAllowed for the others."""
    if actor.scopes is not None and scope not in actor.scopes:
        raise NotAllowed
