"""Ways in besides a password: identities at an issuer, and links that hand somebody over."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, exists, select

from app.db import db, rows_of
from app.models import Account, Handoff, Identity
from app.models.people import shown_name


class Handed(NamedTuple):
    """Whom a link that still holds would let in."""

    account_id: int
    name: str


_HELD = (
    select(Account.id, Account.name, Account.username, Account.email)
    .join(Handoff, Handoff.account_id == Account.id)
    .where(
        Handoff.key_hash == bindparam("key_hash"),
        Handoff.used_at.is_(None),
        Handoff.expires_at > bindparam("now"),
        Account.active,
        ~Account.is_site_admin,
    )
)


def handed(key_hash: str, now: datetime) -> Handed | None:
    """Return whom this link would let in; None where it is over, was used, or may let nobody in."""
    found = rows_of(_HELD, {"key_hash": key_hash, "now": now})
    return next((Handed(i, shown_name(name, user, mail, i)) for i, name, user, mail in found), None)


def account_of_subject(issuer: str, subject: str) -> Account | None:
    """Return the account that is this subject's of an issuer."""
    joined = select(Account).join(Identity, Identity.account_id == Account.id)
    return db.session.scalar(joined.where(Identity.issuer == issuer, Identity.subject == subject))


def has_identity(account_id: int, issuer: str) -> bool:
    """Tell whether an account is some subject's of an issuer."""
    asked: Any = exists().where(Identity.account_id == account_id, Identity.issuer == issuer)
    return bool(db.session.scalar(select(asked)))
