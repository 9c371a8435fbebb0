"""The loaders of what a program's person bought; a token of one store sees what was bought there."""

from typing import Any

from app.access import Actor
from app.errors import NotAllowed, NotFound
from app.queries import told_purchases
from app.queries.told_items import Told
from app.queries.told_purchases import Purchaser


def find_purchaser(actor: Actor, *, scope: str, account_id: int | None = None) -> Purchaser:
    """Return the actor as one who bought; NotAllowed for a token without this scope.

    `account_id` is whom the path names: NotAllowed for everybody but the actor, whether they exist or not.
    """
    if actor.account_id is None or account_id not in {None, actor.account_id}:
        raise NotAllowed
    if actor.scopes is not None and scope not in actor.scopes:
        raise NotAllowed
    return Purchaser(actor.account_id, actor.only_store_id)


def find_bought_item(who: Purchaser, item_id: int) -> Told:
    """Return an item that was bought; NotFound for every other one."""
    found = told_purchases.item(who, item_id)
    if found is None:
        raise NotFound
    return found


def find_bought_order(who: Purchaser, order_id: int) -> Any:
    """Return an order that was bought, as a row of told_purchases; NotFound for every other one."""
    found = told_purchases.order(who, order_id)
    if found is None:
        raise NotFound
    return found
