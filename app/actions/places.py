"""Who has which place in a store: given, changed and taken, with an Event that carries ids alone.

A place is a role with what was added to it and taken from it (`access.rights`). The store's row is locked by
the act, so that of two who take a place at once the second judges what the first has left.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

from sqlalchemy import select

from app.access.rights import Permission, held, kept_as
from app.actions.kept import WRITE_EVENTS
from app.actions.ledger import Act
from app.db import db
from app.errors import Refused
from app.models import Account, Member
from app.statuses import Role


class LastOwner(Refused):
    """The store would have nobody left who may do everything in it."""

    status = 409
    sentence = "A store keeps one owner at least: make somebody else an owner first."


class Place(NamedTuple):
    """A role, and what may be done in it of all that can be given or taken."""

    role: Role
    rights: frozenset[Permission]

    @classmethod
    def of(cls, role: str, rights: Iterable[str] = ()) -> Self:
        """Return a place as its row keeps it."""
        return cls(Role(role), held(Role(role), rights))

    @property
    def kept(self) -> dict[str, Any]:
        """Return how a row keeps it, and the history."""
        return {"role": self.role.value, "rights": kept_as(self.role, self.rights)}


def member_of(store_id: int, account_id: int) -> Member | None:
    """Return a member as they are now; only under the store's lock."""
    return db.session.scalar(
        select(Member)
        .where(Member.store_id == store_id, Member.account_id == account_id)
        .execution_options(populate_existing=True)
    )


def seat(act: Act, account_id: int, place: Place | None) -> bool:
    """Give an account this place, or take theirs (None); tell whether that changed anything.

    LastOwner where no other owner would be left who can sign in.
    """
    member = member_of(act.store_id, account_id)
    was = {"role": member.role, "rights": list(member.rights)} if member else None
    now = place.kept if place else None
    if was == now:
        return False
    if was and was["role"] == Role.OWNER and (now is None or now["role"] != Role.OWNER):
        _keep_an_owner(act.store_id, account_id)
    if member is None:
        db.session.add(Member(store_id=act.store_id, account_id=account_id, **(now or {})))
    elif now is None:
        db.session.delete(member)
    else:
        member.role, member.rights = now["role"], now["rights"]
    db.session.flush()
    tell(act, Member.__tablename__, account_id, was, now)
    return True


def _keep_an_owner(store_id: int, but: int) -> None:
    """Let pass where somebody else owns the store; LastOwner where nobody does."""
    others = (
        select(Member.account_id)
        .join(Account, Account.id == Member.account_id)
        .where(
            Member.store_id == store_id,
            Member.role == Role.OWNER.value,
            Member.account_id != but,
            Account.active,
        )
    )
    if db.session.scalars(others.limit(1)).first() is None:
        raise LastOwner


def tell(
    act: Act, kind: str, row_id: int, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    """Let the store's history tell of a row that hangs on no order; ids and words of lists alone."""
    event = act.event(before, after, row_kind=kind, row_id=row_id)
    db.session.connection().execute(WRITE_EVENTS, [event])
