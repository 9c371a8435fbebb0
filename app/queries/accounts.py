"""A person's own account as its pages show it, and their sign-ins."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select

from app.db import db, rows_of
from app.models import Account, Buyer, Signin

# Nobody has more browsers than that; what is older stands no longer in the list.
MOST_SHOWN = 50


class Known(NamedTuple):
    """A sign-in that holds, as its person sees it."""

    id: int
    created_at: datetime
    seen_at: datetime
    browser: str
    address: str


_SIGNINS = (
    select(*(getattr(Signin, name) for name in Known._fields))
    .where(
        Signin.account_id == bindparam("account"),
        Signin.ended_at.is_(None),
        Signin.expires_at > bindparam("now"),
        Signin.seen_at > bindparam("idle_since"),
    )
    .order_by(Signin.seen_at.desc(), Signin.id.desc())
    .limit(MOST_SHOWN)
)


def signins_of(account_id: int, now: datetime, idle_since: datetime) -> list[Known]:
    """Return the sign-ins of an account that hold, the one used last first."""
    found = rows_of(_SIGNINS, {"account": account_id, "now": now, "idle_since": idle_since})
    return [Known(*row) for row in found]


def by_name(name: str) -> Account | None:
    """Return the account with this e-mail or username, whatever the case; what no text can be is nobody's."""
    name = name.strip().lower()
    if not name or "\0" in name:
        return None
    column = Account.email if "@" in name else Account.username  # usernames hold no @
    return db.session.scalar(select(Account).where(func.lower(column) == name))


def is_taken(account_id: int, *, email: str | None = None, username: str | None = None) -> bool:
    """Tell whether another account has this e-mail, or this username."""
    same = [
        func.lower(column) == text.lower()
        for column, text in ((Account.email, email), (Account.username, username))
        if text
    ]
    asked = select(Account.id).where(or_(*same), Account.id != account_id).limit(1)
    return bool(same) and db.session.scalar(asked) is not None


def is_any_there() -> bool:
    """Tell whether the desk has an account at all."""
    return db.session.scalar(select(Account.id).limit(1)) is not None


def buyers_with(email: str) -> list[tuple[int, int]]:
    """Return (store id, buyer id) of the first buyer of each store with this e-mail whom no account has."""
    found = (
        select(Buyer.store_id, func.min(Buyer.id))
        .where(func.lower(Buyer.email) == email.lower(), Buyer.account_id.is_(None))
        .group_by(Buyer.store_id)
    )
    return [(store_id, buyer_id) for store_id, buyer_id in db.session.execute(found)]
