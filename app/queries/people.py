"""Accounts, sign-ins, stores with one's place in them, and tokens."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, or_, select

from app.db import db
from app.models import Account, ApiToken, Member, Signin, Store


class PlaceRow(NamedTuple):
    """A store, and what the person asking is in it (None: no member)."""

    store: Store
    role: str | None


def signed_in(token_hash: str, now: datetime, idle_since: datetime) -> tuple[Account, Signin] | None:
    """Return whose sign-in this is, while it lasts: not ended, not idle too long, account active."""
    found = db.session.execute(
        select(Account, Signin)
        .join(Signin, Signin.account_id == Account.id)
        .where(
            Signin.token_hash == token_hash,
            Signin.ended_at.is_(None),
            Signin.expires_at > now,
            Signin.seen_at > idle_since,
            Account.active,
        )
    ).first()
    return (found[0], found[1]) if found else None


def account_by_email(email: str) -> Account | None:
    """Return the account with this e-mail, whatever its case."""
    return db.session.scalar(select(Account).where(func.lower(Account.email) == email.lower()))


def place(store: str | int, account_id: int | None) -> PlaceRow | None:
    """Return the store of this slug or id, with the account's role in it; None where there is none."""
    if isinstance(store, str) and "\0" in store:
        return None  # PostgreSQL's texts know no such sign
    which = Store.id == store if isinstance(store, int) else func.lower(Store.slug) == store.lower()
    found = db.session.execute(
        select(Store, Member.role)
        .outerjoin(Member, (Member.store_id == Store.id) & (Member.account_id == account_id))
        .where(which)
    ).first()
    return PlaceRow(found[0], found[1]) if found else None


def stores_of(account_id: int) -> list[Store]:
    """Return the stores that the account works in, by name."""
    return list(
        db.session.scalars(
            select(Store)
            .join(Member, Member.store_id == Store.id)
            .where(Member.account_id == account_id, Store.is_active)
            .order_by(Store.name, Store.id)
        )
    )


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
    return {
        account.id: account.shown_name
        for account in db.session.scalars(select(Account).where(Account.id.in_(account_ids)))
    }


def token(token_hash: str, now: datetime) -> tuple[ApiToken, Account] | None:
    """Return the token with this hash and its person, while both are good."""
    found = db.session.execute(
        select(ApiToken, Account)
        .join(Account, Account.id == ApiToken.account_id)
        .where(
            ApiToken.token_hash == token_hash,
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
            Account.active,
        )
    ).first()
    return (found[0], found[1]) if found else None
