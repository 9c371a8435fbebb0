"""Who works in a store, who is invited to, and by which tokens programs reach it."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, func, or_, select

from app.db import db, rows_of
from app.models import Account, ApiToken, Invitation, Member
from app.models.people import shown_name
from app.queries.tokens import works
from app.statuses import Role

MOST_SHOWN = 200


class MemberRow(NamedTuple):
    """A member of a store."""

    account_id: int
    name: str
    username: str | None
    email: str | None
    active: bool
    role: str
    rights: list[str]

    @property
    def shown_name(self) -> str:
        """Return the name, or what stands in for it."""
        return shown_name(self.name, self.username, self.email, self.account_id)


_MEMBERS = (
    select(
        Account.id, Account.name, Account.username, Account.email, Account.active, Member.role, Member.rights
    )
    .join(Member, Member.account_id == Account.id)
    .where(Member.store_id == bindparam("store"))
)
_ROLES = [role.value for role in Role]


def members(store_id: int) -> list[MemberRow]:
    """Return the members of a store: owners, staff, vendors, each by name."""
    found = [MemberRow(*row) for row in rows_of(_MEMBERS, {"store": store_id})]
    return sorted(found, key=lambda m: (_ROLES.index(m.role), m.shown_name.lower(), m.account_id))


_MEMBER = _MEMBERS.where(Account.id == bindparam("account"))


def member(store_id: int, account_id: int) -> MemberRow | None:
    """Return a member of a store; None where the account is none."""
    found = rows_of(_MEMBER, {"store": store_id, "account": account_id})
    return next((MemberRow(*row) for row in found), None)


class InvitationRow(NamedTuple):
    """An invitation, with the name of whoever invited."""

    id: int
    store_id: int
    email: str
    role: str
    rights: list[str]
    invited_by: int
    created_at: datetime
    expires_at: datetime
    state: str
    inviter: str


_INVITATIONS: Any = (
    select(
        *(getattr(Invitation, name) for name in InvitationRow._fields[:-1]),
        Account.name,
        Account.username,
        Account.email,
    )
    .join(Account, Account.id == Invitation.invited_by)
    .order_by(Invitation.id.desc())
)
_OPEN = _INVITATIONS.where(Invitation.store_id == bindparam("store"), Invitation.state == "open").limit(
    MOST_SHOWN
)
_ONE = _INVITATIONS.where(Invitation.id == bindparam("invitation"))


def open_invitations(store_id: int) -> list[InvitationRow]:
    """Return a store's invitations that nobody answered, expired ones too, newest first."""
    return [_invitation(row) for row in rows_of(_OPEN, {"store": store_id})]


def invitation(invitation_id: int) -> InvitationRow | None:
    """Return an invitation; None where there is none."""
    return next((_invitation(row) for row in rows_of(_ONE, {"invitation": invitation_id})), None)


def _invitation(row: Any) -> InvitationRow:
    """Return a row of an invitation."""
    *facts, name, username, email = row
    return InvitationRow._make((*facts, shown_name(name, username, email, row.invited_by)))


def count_invitations(store_id: int, since: datetime) -> int:
    """Count the invitations of a store since an instant, whatever became of them."""
    found = select(func.count(Invitation.id)).where(
        Invitation.store_id == store_id, Invitation.created_at >= since
    )
    return db.session.scalar(found) or 0


class TokenReaching(NamedTuple):
    """A token that works and reaches a store; `store_id` is None where it reaches all of its person's."""

    id: int
    public_id: str
    name: str
    scopes: list[str]
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None
    store_id: int | None
    account_id: int
    person: str


_TOKENS: Any = (
    select(
        *(getattr(ApiToken, name) for name in TokenReaching._fields[:-1]),
        Account.name.label("person"),
        Account.username,
        Account.email,
    )
    .join(Account, Account.id == ApiToken.account_id)
    .outerjoin(Member, and_(Member.account_id == Account.id, Member.store_id == bindparam("store")))
    .where(
        or_(
            ApiToken.store_id == bindparam("store"),
            and_(ApiToken.store_id.is_(None), Member.account_id.is_not(None)),
        ),
        works(),
    )
    .order_by(ApiToken.id.desc())
)
_TOKENS_SHOWN = _TOKENS.limit(MOST_SHOWN)
_TOKEN = _TOKENS.where(ApiToken.public_id == bindparam("public_id"))


def tokens_reaching(store_id: int, now: datetime) -> list[TokenReaching]:
    """Return the tokens that work and reach a store, newest first: its members', and all for it alone."""
    return [_token(row) for row in rows_of(_TOKENS_SHOWN, {"store": store_id, "now": now})]


def token_reaching(store_id: int, public_id: str, now: datetime) -> TokenReaching | None:
    """Return one of these tokens; None where there is none of this id."""
    found = rows_of(_TOKEN, {"store": store_id, "public_id": public_id, "now": now})
    return next((_token(row) for row in found), None)


def _token(row: Any) -> TokenReaching:
    """Return a row of a token."""
    *facts, name, username, email = row
    return TokenReaching._make((*facts, shown_name(name, username, email, row.account_id)))


def inviting(email: str) -> list[int]:
    """Return the stores that an address is invited to, and has not answered yet."""
    asked = select(Invitation.store_id).where(Invitation.email == email.lower(), Invitation.state == "open")
    return list(db.session.scalars(asked.order_by(Invitation.store_id)))
