"""What site admins do with the site itself: stores made, shut and handed over; people disabled, made admins.

An actor is judged anew under lock: of two admins who unmake each other at once the second is none any more,
so that one is always left. What concerns no store is told in the site's log: events without a store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.access import Actor, Permission, find_desk, find_site
from app.access.rights import BEYOND, ORDINARY
from app.actions.kept import WRITE_EVENTS
from app.actions.ledger import Act
from app.actions.people import let_run_the_site, open_account, open_store
from app.actions.places import Place, seat
from app.actions.staff import invite
from app.db import db, take_write_lock
from app.errors import ChangedMeanwhile, NotAllowed, NotFound, Refused
from app.models import Account, Signin, Store
from app.queries import listed, people
from app.statuses import ActorKind, Role

OWNER = Place(Role.OWNER, frozenset({*ORDINARY, *BEYOND}))


class LastAdmin(Refused):
    """The site would have nobody left to run it."""

    status = 409
    sentence = "The site keeps one site admin at least: make somebody else one first."


class NotByPrograms(Refused):
    """Site admins are looked after by hand."""

    status = 403
    sentence = "A site admin's account is not changed by a program."


class SlugTaken(Refused):
    """There is a store of this name in addresses."""

    status = 409
    sentence = "There is a store of this name in addresses already."


class NoSuchPerson(Refused):
    """Nobody who can sign in has this address."""

    status = 422
    sentence = "Nobody has an account with this e-mail that is not disabled."


class NewStore(NamedTuple):
    """What is said of a store that is made."""

    slug: str
    name: str
    currency: str
    zone: str
    is_vendor: bool


class StoreOpened(NamedTuple):
    """A store, and whether it was there before."""

    store: Store
    is_new: bool


class AccountOpened(NamedTuple):
    """An account, and whether it was there before."""

    account: Account
    is_new: bool


def make_store(new: NewStore, owner: str, *, actor: Actor) -> tuple[Store, bool]:
    """Make a store, owned by the account of this e-mail; tell whether it has an owner already.

    Who has no account is invited to it by mail. SlugTaken.
    """
    _admins(actor)
    if listed.store_called(new.slug):
        raise SlugTaken(field="slug")
    account = people.account_by_email(owner)
    store = _opened(new, actor)
    if account is not None and account.active:
        with Act("join", actor=_as_admin(actor), store_id=store.id) as act:
            seat(act, account.id, OWNER)
        return store, True
    invite(owner, OWNER, desk=find_desk(actor, store.id, to=Permission.STAFF))
    return store, False


def make_store_once(new: NewStore, *, actor: Actor) -> StoreOpened:
    """Make a store that nobody owns yet; one of this slug that is there is returned as it is.

    SlugTaken where somebody makes it at the same moment.
    """
    _admins(actor)
    there = listed.store_called(new.slug)
    return StoreOpened(there, False) if there else StoreOpened(_opened(new, actor), True)


def _opened(new: NewStore, actor: Actor) -> Store:
    """Open a store that nobody owns yet; SlugTaken."""
    try:
        store = open_store(new.slug, new.name, currency=new.currency, zone=new.zone, is_vendor=new.is_vendor)
    except IntegrityError as late:
        raise SlugTaken(field="slug") from late
    with Act("make_store", actor=_as_admin(actor), store_id=store.id) as act:
        event = act.event(None, {"slug": store.slug, "currency": store.currency})
        db.session.connection().execute(WRITE_EVENTS, [event])
    return store


def make_account_once(email: str, *, name: str, is_vouched: bool, actor: Actor) -> AccountOpened:
    """Make an account without a password; one with this e-mail that is there is returned as it is.

    ChangedMeanwhile where somebody makes it at the same moment.
    """
    _admins(actor)
    if there := people.account_by_email(email):
        return AccountOpened(there, False)
    try:
        made = open_account(email, name=name, is_vouched=is_vouched)
    except IntegrityError as twin:
        raise ChangedMeanwhile("This account was made at the same moment. Ask again.") from twin
    _tell("make_account", made.id, {}, {"is_active": True}, actor=actor)
    return AccountOpened(made, True)


def give_place(store_id: int, account_id: int, role: Role, *, actor: Actor) -> bool:
    """Give somebody a place in a store, or another role than theirs; tell whether that changed anything.

    LastOwner.
    """
    _admins(actor)
    with Act("change_place", actor=_as_admin(actor), store_id=store_id) as act:
        return seat(act, account_id, Place.of(role))


def set_open(store_id: int, is_open: bool, *, actor: Actor) -> bool:
    """Disable a store, or enable it again; tell whether that changed anything.

    Disabled, it is open to site admins alone, from the next request on.
    """
    _admins(actor)
    verb = "enable_store" if is_open else "disable_store"
    with Act(verb, actor=_as_admin(actor), store_id=store_id) as act:
        return act.change(act.store, is_active=is_open)


def hand_over(store_id: int, email: str, *, actor: Actor) -> Account:
    """Make the account of this e-mail the one owner of a store: those of before lose their place.

    NoSuchPerson where there is none that can sign in.
    """
    _admins(actor)
    account = people.account_by_email(email)
    if account is None or not account.active:
        raise NoSuchPerson(field="email")
    with Act("hand_store_over", actor=_as_admin(actor), store_id=store_id) as act:
        seat(act, account.id, OWNER)
        for owner_id in people.owners_of(store_id):
            if owner_id != account.id:
                seat(act, owner_id, None)
    return account


def set_active(account_id: int, is_active: bool, *, actor: Actor) -> bool:
    """Disable a person, or let them in again; tell whether that changed anything.

    Their sign-ins end for good, their tokens work again when they do. LastAdmin; NotByPrograms.
    """
    _admins(actor)
    account = _held(account_id)
    if account.is_site_admin and actor.scopes is not None:
        raise NotByPrograms
    if account.active == is_active:
        return False
    if not is_active:
        keep_an_admin(account)
        _end_signins(account_id)
    account.active = is_active
    verb = "enable_person" if is_active else "disable_person"
    _tell(verb, account_id, {"is_active": not is_active}, {"is_active": is_active}, actor=actor)
    return True


def set_site_admin(account_id: int, is_admin: bool, *, actor: Actor) -> bool:
    """Make somebody a site admin, or unmake them; tell whether that changed anything. LastAdmin.

    Who is made one makes tokens anew.
    """
    _admins(actor)
    account = _held(account_id)
    if account.is_site_admin == is_admin:
        return False
    if not is_admin:
        keep_an_admin(account)
    if is_admin:
        let_run_the_site(account)
    account.is_site_admin = is_admin
    verb, was = "make_admin" if is_admin else "unmake_admin", {"is_site_admin": not is_admin}
    _tell(verb, account_id, was, {"is_site_admin": is_admin}, actor=actor)
    return True


def sign_out_everywhere(account_id: int, *, actor: Actor) -> int:
    """End all sign-ins of a person; return how many there were. Tokens go on."""
    _admins(actor)
    _held(account_id)
    ended = _end_signins(account_id)
    _tell("sign_out_person", account_id, {"signins": ended}, {"signins": 0}, actor=actor)
    return ended


def _admins(actor: Actor) -> None:
    """Let site admins pass, all of them locked; NotAllowed to everybody else."""
    found = _locked_admins()
    find_site(actor)
    if actor.account_id not in found:
        raise NotAllowed


def keep_an_admin(account: Account) -> None:
    """Let pass where another admin is left; LastAdmin where this is the only one."""
    if {*_locked_admins()} == {account.id}:
        raise LastAdmin


def _locked_admins() -> Sequence[int]:
    """Return the site admins who can sign in, locked under the write lock."""
    take_write_lock()
    return db.session.scalars(
        select(Account.id)
        .where(Account.is_site_admin, Account.active)
        .order_by(Account.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _held(account_id: int) -> Account:
    """Return an account as it is now, locked; NotFound where there is none."""
    account = db.session.scalar(
        select(Account)
        .where(Account.id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if account is None:
        raise NotFound
    return account


def _end_signins(account_id: int) -> int:
    """End all sign-ins of an account; return how many there were."""
    ending = update(Signin).where(Signin.account_id == account_id, Signin.ended_at.is_(None))
    return len(db.session.execute(ending.values(ended_at=datetime.now(UTC)).returning(Signin.id)).all())


def _as_admin(actor: Actor) -> Actor:
    """Return a site admin as the history names them, wherever they are members too."""
    return replace(actor, kind=ActorKind.ADMIN)


def _tell(
    verb: str, account_id: int, before: Mapping[str, int], after: Mapping[str, int], *, actor: Actor
) -> None:
    """Let the site's log tell of a person."""
    db.session.flush()
    act = Act(verb, actor=_as_admin(actor), store_id=0)
    event = act.event(dict(before), dict(after), row_kind=Account.__tablename__, row_id=account_id)
    db.session.connection().execute(WRITE_EVENTS, [{**event, "store_id": None}])
