"""Everybody who has an account, as site admins look for them."""

from collections import defaultdict
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select

from app.db import db
from app.models import Account, Member, Signin, Store
from app.models.people import shown_name

PAGE = 50
LATEST = 2**63 - 1


class PersonRow(NamedTuple):
    """A person: whether they may sign in, whether they run the site, when they were seen last."""

    id: int
    name: str
    username: str | None
    email: str | None
    active: bool
    is_site_admin: bool
    has_password: bool
    seen_at: datetime | None

    @property
    def shown_name(self) -> str:
        """Return the name, or what stands in for it."""
        return shown_name(self.name, self.username, self.email, self.id)


_SEEN = select(func.max(Signin.seen_at)).where(Signin.account_id == Account.id).scalar_subquery()
_PEOPLE: Any = select(
    Account.id,
    Account.name,
    Account.username,
    Account.email,
    Account.active,
    Account.is_site_admin,
    Account.password.is_not(None),
    _SEEN,
)


def holding(asked: str, *texts: Any) -> list[Any]:
    """Return the conditions that each of these words stands in one of the texts, in whatever case."""
    return [
        or_(*(func.lower(text).contains(word, autoescape=True) for text in texts))
        for word in asked.lower().replace("\0", " ").split()
    ]


def page(asked: str, before: int | None) -> tuple[list[PersonRow], bool]:
    """Return people in whose name or e-mail these words stand, the newest first; tell whether more follow."""
    found = _PEOPLE.where(
        Account.id < (before or LATEST), *holding(asked, Account.name, Account.username, Account.email)
    )
    rows = db.session.execute(found.order_by(Account.id.desc()).limit(PAGE + 1)).all()
    return [PersonRow(*row) for row in rows[:PAGE]], len(rows) > PAGE


def one(account_id: int) -> PersonRow | None:
    """Return one person; None where there is none."""
    row = db.session.execute(_PEOPLE.where(Account.id == account_id)).first()
    return PersonRow(*row) if row else None


def admins() -> list[tuple[int, str]]:
    """Return (id, name) of the site admins, by name."""
    rows = [PersonRow(*row) for row in db.session.execute(_PEOPLE.where(Account.is_site_admin))]
    return sorted(((row.id, row.shown_name) for row in rows), key=lambda pair: (pair[1].lower(), pair[0]))


def places_of(account_ids: list[int]) -> dict[int, list[tuple[str, str]]]:
    """Return (name of the store, role) of each place that these people have, by account."""
    found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = (
        select(Member.account_id, Store.name, Member.role)
        .join(Store, Store.id == Member.store_id)
        .where(Member.account_id.in_(account_ids))
        .order_by(Store.name, Store.id)
    )
    for account_id, name, role in db.session.execute(rows):
        found[account_id].append((name, role))
    return found
