"""The only way by which a door gets a row: loaders that ask the table of rights.

The table itself is `rights.RULES`, the whole policy. Loaders (`find_*`) return a row that the actor may use
in the asked way or raise NotFound or NotAllowed; menus and buttons ask the same table through `Desk.may`.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from app import logs
from app.access.rights import NEEDED_SCOPE, READ, RULES, SCOPES, SITE, WRITE, Permission
from app.errors import Absorbed, ForeignStore, NotAllowed, NotFound
from app.models import Account, Order, OrderItem, Store
from app.queries import combined, items, parcels, people, purchases, sales
from app.queries.people import Person, StoreFacts
from app.queries.sight import Sight
from app.queries.told_sales import Told as ToldSale
from app.statuses import ActorKind, Door, Kind, Role

__all__ = [
    "NEEDED_SCOPE",
    "READ",
    "RULES",
    "SCOPES",
    "SITE",
    "SYSTEM",
    "WRITE",
    "Actor",
    "Desk",
    "Permission",
    "alive",
    "find_desk",
    "find_desk_of_sale",
    "find_item",
    "find_parcel",
    "find_purchase",
    "find_sale",
    "find_site",
    "person",
    "right_to_move",
    "seen_items",
]

AnyOrder = TypeVar("AnyOrder", Order, ToldSale)


@dataclass(frozen=True)
class Actor:
    """Somebody who asks: a person, a token, a file or the system, and the door they came by."""

    account_id: int | None
    name: str = ""
    email: str = ""
    is_site_admin: bool = False
    kind: ActorKind = ActorKind.PERSON
    door: Door = Door.PAGE
    scopes: frozenset[str] | None = None  # None: not a token, hence not limited
    only_store_id: int | None = None


SYSTEM = Actor(None, "Tradepost", kind=ActorKind.SYSTEM, door=Door.SYSTEM)


@dataclass(frozen=True)
class Desk:
    """An actor's place in one store."""

    actor: Actor
    store: Store | StoreFacts
    role: Role | None
    rights: frozenset[str] = frozenset()  # what the owner gave to this member beyond the role, and took ("-")
    stores: tuple[StoreFacts, ...] = ()  # where the actor can go from here, by name, this one included

    def may(self, permission: Permission) -> bool:
        """Tell whether the table of rights gives this to the actor here."""
        if self.actor.scopes is not None and NEEDED_SCOPE[permission] not in self.actor.scopes:
            return False
        return permission in self._given

    @property
    def only_deals(self) -> bool:
        """Tell whether the actor sees deals alone (a vendor), by place: a token sees what its person does."""
        return Permission.SEE_EVERYTHING not in self._given

    @cached_property
    def sight(self) -> Sight:
        """Return what the actor sees of sales here, by place as `only_deals`."""
        return Sight(Permission.SEE_PERSONAL in self._given, Permission.SEE_MONEY in self._given)

    def ask(self, permission: Permission) -> None:
        """Let pass who may do this too; NotAllowed for the others."""
        if not self.may(permission):
            raise NotAllowed

    @property
    def is_visit(self) -> bool:
        """Tell whether a site admin looks into a store that they are no member of."""
        return self.role is None

    @cached_property
    def _given(self) -> frozenset[Permission]:
        """What the table gives to the place: a page asks a hundred times."""
        return frozenset(right for right, rules in RULES.items() if any(holds(self) for holds in rules))

    @property
    def acting(self) -> Actor:
        """Return the actor as the history names them here: a site admin who is no member acts as one."""
        if self.role is None and self.actor.is_site_admin and self.actor.kind is ActorKind.PERSON:
            return replace(self.actor, kind=ActorKind.ADMIN)
        return self.actor


def find_desk(actor: Actor, store: str | int, *, to: Permission) -> Desk:
    """Return the actor's desk in the store of this slug or id.

    ForeignStore where the actor has no place in it, whether it exists or not; NotAllowed where the
    place does not carry the right.
    """
    places = people.places(store, actor.account_id) if isinstance(store, str) else []
    if isinstance(store, str):
        found = next((place for place in places if place.store.slug.lower() == store.lower()), None)
    else:
        found = people.place(store, actor.account_id)
    if found is not None:
        logs.note(store=found.store.slug)
    if found is None or (found.role is None and not actor.is_site_admin):
        raise ForeignStore
    is_open = found.store.is_active or actor.is_site_admin
    if not is_open or actor.only_store_id not in {None, found.store.id}:
        raise ForeignStore
    others = tuple(x.store for x in places if x.store.is_active or x is found)
    role = Role(found.role) if found.role else None
    desk = Desk(actor, found.store, role, frozenset(found.rights or ()), others)
    if not desk.may(to):
        raise NotAllowed
    return desk


def find_sale(desk: Desk, order_id: int) -> Order:
    """Return an order of the desk's store with its lines; NotFound where it is not of this store.

    Absorbed where it went into another one. A vendor gets orders with deals, those alone, else NotAllowed.
    """
    order = sales.one(desk.store.id, order_id)
    if order is None:
        raise NotFound
    is_asked_of_heir = desk.only_deals and order.heir_id is not None
    living = sales.one(desk.store.id, combined.heir_of(order_id)) if is_asked_of_heir else order
    if living is not None and desk.only_deals and not seen_items(desk, living):
        raise NotAllowed
    return alive(order)


def alive(order: AnyOrder) -> AnyOrder:
    """Return an order, or what is told of one; Absorbed where it went into another one."""
    if order.heir_id is not None:
        raise Absorbed(combined.heir_of(order.id), order.number)
    return order


def find_desk_of_sale(actor: Actor, order_id: int, *, to: Permission) -> Desk:
    """Return the actor's desk in the store of a sale, for a call that names no store.

    NotFound where the actor is no party to the sale, whether it exists or not. Its buyer sees it and may not
    do this to it (NotAllowed), or is told that it went into another one (Absorbed).
    """
    store_id = sales.store_of(order_id, actor.account_id, is_anybodys=actor.is_site_admin)
    if store_id is None:
        raise NotFound
    try:
        return find_desk(actor, store_id, to=to)
    except ForeignStore:
        find_purchase(actor, order_id)
        raise NotAllowed from None


def seen_items(desk: Desk, order: Order) -> list[OrderItem]:
    """Return those lines of an order that the actor may see."""
    return [i for i in order.items if not desk.only_deals or i.fulfilled_as is Kind.DEAL]


def find_item(desk: Desk, item_id: int, *, to_move: bool = False) -> OrderItem:
    """Return an item of the desk's store; NotFound where it is not of this store.

    To move it, goods, pickups and services need the right to ship, deals the right to redeem.
    """
    item = items.one(desk.store.id, item_id)
    if item is None:
        raise NotFound
    if desk.only_deals and item.fulfilled_as is not Kind.DEAL:
        raise NotAllowed
    if to_move and not desk.may(right_to_move(item)):
        raise NotAllowed
    return item


def right_to_move(item: OrderItem) -> Permission:
    """Return the right that moving this item needs (law: "Setting an item's status", Who)."""
    return Permission.REDEEM if item.fulfilled_as is Kind.DEAL else Permission.SHIP


def find_parcel(desk: Desk, parcel_id: int) -> Any:
    """Return a parcel of the desk's store as its list shows it; NotFound where it is not of this store."""
    parcel = parcels.row(desk.store.id, parcel_id)
    if parcel is None:
        raise NotFound
    return parcel


def find_purchase(actor: Actor, order_id: int) -> Order:
    """Return an order that the actor bought; NotFound for every other one, Absorbed as `find_sale`.

    A token of one store sees what was bought there.
    """
    order = purchases.one(actor.account_id, order_id) if actor.account_id else None
    if order is None or actor.only_store_id not in {None, order.store_id}:
        raise NotFound
    return alive(order)


def find_site(actor: Actor) -> None:
    """Let site admins pass, and tokens of theirs that are for it; NotAllowed for everybody else."""
    is_for_it = actor.scopes is None or (SITE in actor.scopes and actor.only_store_id is None)
    if not (actor.is_site_admin and is_for_it):
        raise NotAllowed


def person(account: Account | Person) -> Actor:
    """Return a signed-in person as an actor; the log's line names their account from here on."""
    logs.note(account=account.id)
    return Actor(account.id, account.shown_name, account.email or "", account.is_site_admin)
