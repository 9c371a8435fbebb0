"""Accounts, sign-ins, stores with one's place in them, and tokens.

Who asks is asked with every request: those statements read named columns, and are built once.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from app.db import db, rows_of
from app.models import Account, ApiToken, Member, Signin, Store
from app.models.people import shown_name
from app.statuses import Role


class StoreFacts(NamedTuple):
    """What every page knows of its store."""

    id: int
    slug: str
    name: str
    currency: str
    zone: str
    is_vendor: bool
    is_active: bool
    undo_minutes: int
    carriers: list[str]
    mails_all: bool
    received_days: int
    next_number: int
    revision: int
    guest_days: int


class PlaceRow(NamedTuple):
    """A store, and what the person asking is in it (None: no member)."""

    store: StoreFacts
    role: str | None
    rights: list[str] | None


class Person(NamedTuple):
    """What is known of whoever asks."""

    id: int
    name: str
    username: str | None
    email: str | None
    is_site_admin: bool
    fs_uniquifier: str
    second_factor_at: datetime | None

    @property
    def shown_name(self) -> str:
        """Return the name, or what stands in for it."""
        return shown_name(self.name, self.username, self.email, self.id)


class SignedIn(NamedTuple):
    """Whose sign-in it is, which one, when it was last noted to be in use, and when it was made."""

    person: Person
    signin_id: int
    seen_at: datetime
    created_at: datetime


class TokenRow(NamedTuple):
    """Whose token it is, and what it may."""

    person: Person
    id: int
    scopes: list[str]
    store_id: int | None
    used_at: datetime | None
    public_id: str


_FACTS = tuple(getattr(Store, name) for name in StoreFacts._fields)
_PERSON = tuple(getattr(Account, name) for name in Person._fields)

_SIGNED_IN = (
    select(*_PERSON, Signin.id, Signin.seen_at, Signin.created_at)
    .join(Signin, Signin.account_id == Account.id)
    .where(
        Signin.token_hash == bindparam("token_hash"),
        Signin.ended_at.is_(None),
        Signin.expires_at > bindparam("now"),
        Signin.seen_at > bindparam("idle_since"),
        Account.active,
    )
)
_TOKENS = (
    select(*_PERSON, *(getattr(ApiToken, name) for name in TokenRow._fields[1:]))
    .join(ApiToken, ApiToken.account_id == Account.id)
    .where(
        ApiToken.revoked_at.is_(None),
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > bindparam("now")),
        Account.active,
    )
)
_TOKEN = _TOKENS.where(ApiToken.token_hash == bindparam("token_hash"))
_TOKEN_OF_KEY = _TOKENS.where(ApiToken.public_id == bindparam("public_id"))
_MEMBERSHIPS = (
    select(*_FACTS, Member.role, Member.rights)
    .join(Member, Member.store_id == Store.id)
    .where(Member.account_id == bindparam("account"))
)
_IS_MEMBER = exists().where(Member.store_id == Store.id, Member.account_id == bindparam("account"))
_BY_SLUG = func.lower(Store.slug) == bindparam("slug")
# The stores of a person, and the one asked for where they are no member of it.
_PLACES = union_all(
    _MEMBERSHIPS,
    select(*_FACTS, literal(None, Member.role.type), literal(None, Member.rights.type)).where(
        _BY_SLUG, ~_IS_MEMBER
    ),
).subquery()
_PLACES_AND_ASKED = select(_PLACES)
_PLACE = select(*_FACTS, Member.role, Member.rights).outerjoin(
    Member, (Member.store_id == Store.id) & (Member.account_id == bindparam("account"))
)
_PLACE_BY_ID = _PLACE.where(Store.id == bindparam("store"))
_PLACE_BY_SLUG = _PLACE.where(_BY_SLUG)


def signed_in(token_hash: str, now: datetime, idle_since: datetime) -> SignedIn | None:
    """Return whose sign-in this is, while it lasts: not ended, not idle too long, account active."""
    found = rows_of(_SIGNED_IN, {"token_hash": token_hash, "now": now, "idle_since": idle_since})
    n = len(_PERSON)
    return next((SignedIn(Person(*row[:n]), *row[n:]) for row in found), None)


def account(account_id: int) -> Account | None:
    """Return an account by its id."""
    return db.session.get(Account, account_id)


def account_by_email(email: str) -> Account | None:
    """Return the account with this e-mail, whatever its case."""
    return db.session.scalar(select(Account).where(func.lower(Account.email) == email.lower()))


def active_account(account_id: int) -> Account | None:
    """Return the account with this id, unless it was shut."""
    return db.session.scalar(select(Account).where(Account.id == account_id, Account.active))


def place(store: str | int, account_id: int | None) -> PlaceRow | None:
    """Return the store of this slug or id, with the account's role in it; None where there is none."""
    if isinstance(store, int):
        found = rows_of(_PLACE_BY_ID, {"store": store, "account": account_id})
    else:
        found = rows_of(_PLACE_BY_SLUG, {"slug": _slug(store), "account": account_id})
    return next((PlaceRow(StoreFacts(*row[:-2]), *row[-2:]) for row in found), None)


def places(slug: str, account_id: int | None) -> list[PlaceRow]:
    """Return the store of this slug, where there is one, and all stores of the account, by name."""
    found = rows_of(_PLACES_AND_ASKED, {"slug": _slug(slug), "account": account_id})
    return _by_name([PlaceRow(StoreFacts(*row[:-2]), *row[-2:]) for row in found])


def stores_of(account_id: int) -> list[StoreFacts]:
    """Return the stores that the account works in, by name."""
    found = rows_of(_MEMBERSHIPS, {"account": account_id})
    rows = _by_name([PlaceRow(StoreFacts(*row[:-2]), *row[-2:]) for row in found])
    return [row.store for row in rows if row.store.is_active]


def _by_name(rows: list[PlaceRow]) -> list[PlaceRow]:
    """Return places by the names of their stores, whatever the database takes for a sequence."""
    return sorted(rows, key=lambda row: (row.store.name, row.store.id))


def _slug(text: str) -> str:
    """Return a slug as it is looked up; PostgreSQL's texts cannot hold the sign that is left out."""
    return text.lower().replace("\0", " ")


def all_stores() -> list[Store]:
    """Return every store, by name: for site admins."""
    return list(db.session.scalars(select(Store).order_by(Store.name, Store.id)))


def members_of(store_ids: list[int]) -> list[tuple[int, str, str]]:
    """Return (store id, name, role) of the members of these stores."""
    rows = db.session.execute(
        select(Member.store_id, Account, Member.role)
        .join(Account, Account.id == Member.account_id)
        .where(Member.store_id.in_(store_ids))
        .order_by(Member.store_id, Member.role, Account.id)
    )
    return [(store_id, account.shown_name, role) for store_id, account, role in rows]


def names_of(account_ids: set[int]) -> dict[int, str]:
    """Return the shown names of these accounts."""
    if not account_ids:
        return {}
    return {row.id: Person(*row).shown_name for row in rows_of(_PEOPLE, {"accounts": list(account_ids)})}


_PEOPLE = select(*_PERSON).where(Account.id.in_(bindparam("accounts", expanding=True)))


def token(token_hash: str, now: datetime) -> TokenRow | None:
    """Return the token with this hash and its person, while both are good."""
    return _one_token(_TOKEN, {"token_hash": token_hash, "now": now})


def token_of_key(public_id: str, now: datetime) -> TokenRow | None:
    """Return the token with this public id and its person, while both are good."""
    return _one_token(_TOKEN_OF_KEY, {"public_id": public_id, "now": now})


def _one_token(statement: Select[Any], values: dict[str, Any]) -> TokenRow | None:
    """Return the token that a statement finds."""
    n = len(_PERSON)
    found = rows_of(statement, values)
    return next((TokenRow(Person(*row[:n]), *row[n:]) for row in found), None)


_OWNERS = (
    select(Member.account_id)
    .where(Member.store_id == bindparam("store"), Member.role == Role.OWNER.value)
    .order_by(Member.account_id)
)


def owners_of(store_id: int) -> list[int]:
    """Return the accounts that own a store, in the order of their ids."""
    return [row.account_id for row in rows_of(_OWNERS, {"store": store_id})]


_Own = aliased(Member)
_Place = aliased(Member)
_OWNED = select(_Own.store_id).where(_Own.account_id == bindparam("owner"), _Own.role == Role.OWNER.value)
_SHARED = _OWNED.join(_Place, _Place.store_id == _Own.store_id).where(
    _Place.account_id == bindparam("account")
)


def stores_owned(owner_id: int, *, beside: int | None) -> list[int]:
    """Return the stores that an account owns, of them those where another one has a place (None: all)."""
    statement = _OWNED if beside is None else _SHARED
    return [row.store_id for row in rows_of(statement, {"owner": owner_id, "account": beside})]


_BY_IDS = select(*_FACTS).where(Store.id.in_(bindparam("stores", expanding=True)))


def stores_by_id(store_ids: Collection[int]) -> dict[int, StoreFacts]:
    """Return these stores by id."""
    found = rows_of(_BY_IDS, {"stores": list(store_ids)}) if store_ids else ()
    return {row.id: StoreFacts(*row) for row in found}
