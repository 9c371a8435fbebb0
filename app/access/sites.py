"""The loaders of Weebly's door: a store under its owner's name, and its sales as programs read them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from app.access import Actor, Desk, Permission, find_desk
from app.errors import ForeignStore, ForeignUser, NotAllowed, NotFound
from app.queries import people, site_orders
from app.statuses import ProductType


class Site(NamedTuple):
    """An actor's desk in a store, and the account that the store stands under (None: nobody owns it)."""

    desk: Desk
    owner_id: int | None


def find_owned_desk(actor: Actor, owner_id: int | None, store_id: int, *, to: Permission) -> Site:
    """Return the actor's desk in a store that this account owns (None: whoever does).

    ForeignUser where the account owns no store that the actor has a place in, whether it exists or not;
    then the refusals of `find_desk`.
    """
    try:
        desk = find_desk(actor, store_id, to=to)
    except (ForeignStore, NotAllowed):
        _know_owner(actor, owner_id)
        raise
    owners = people.owners_of(desk.store.id)
    if owner_id is not None and owner_id not in owners:
        _know_owner(actor, owner_id)
        raise ForeignStore
    return Site(desk, next(iter(owners), None))


def _know_owner(actor: Actor, owner_id: int | None) -> None:
    """Let pass the actor's own account, and those that own a store in which the actor has a place."""
    if owner_id in {None, actor.account_id}:
        return
    assert owner_id is not None
    owned = people.stores_owned(owner_id, beside=None if actor.is_site_admin else actor.account_id)
    if not owned or actor.only_store_id not in {None, *owned}:
        raise ForeignUser


class ToldOrder(NamedTuple):
    """A sale as a row of site_orders, with those of its lines that may be seen."""

    row: Any
    lines: Sequence[Any]


def find_told_order(desk: Desk, order_id: int) -> ToldOrder:
    """Return a sale of the desk's store with its lines; refusals are those of `find_told_lines`."""
    lines = find_told_lines(desk, order_id)
    return ToldOrder(site_orders.one(desk.store.id, order_id), lines)


def find_told_lines(desk: Desk, order_id: int) -> Sequence[Any]:
    """Return the lines of a sale of the desk's store as rows of site_orders, by position.

    NotFound where it is none of this store, or went into another one. A vendor gets the deals alone;
    NotAllowed for a sale that has none.
    """
    lines = site_orders.lines_of(desk.store.id, order_id)
    if not lines:
        raise NotFound
    seen = [x for x in lines if x.type == ProductType.DEAL] if desk.only_deals else lines
    if not seen:
        raise NotAllowed
    return seen
