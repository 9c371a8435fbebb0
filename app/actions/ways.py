"""Who comes in without a password: known by an issuer's word, or handed over by a marketplace's link."""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from app.actions.people import open_account, secret_hash
from app.db import db, take_write_lock
from app.errors import ChangedMeanwhile, Refused
from app.models import Account, Handoff, Identity
from app.openid import Said
from app.queries import people, ways

HANDOFF_LASTS = timedelta(seconds=60)
# Links that are over are kept for so long, to be found beside the log.
KEPT_FOR = timedelta(days=30)


class NotLetIn(Refused):
    """Who they are is proved, and there is no account here that this opens."""

    status = 403
    title = "You are not signed in"
    sentence = (
        "You are signed in there, but that does not open your account here. "
        "Sign in with your password, or ask whoever runs this desk."
    )


class MailNotProved(NotLetIn):
    """They come for the first time, and the issuer did not prove their e-mail."""

    sentence = (
        "You are signed in there, but your e-mail address is not proved there, so this desk cannot tell "
        "who you are. Prove it there and begin anew."
    )


class Uninvited(NotLetIn):
    """They come for the first time, and there is no account with their e-mail."""

    sentence = (
        "You are signed in there, but nobody with your e-mail address has an account here. "
        "Ask whoever runs this desk to make you one."
    )


class NeverHanded(Refused):
    """Site admins sign in by themselves: a link that lets one in would be worth the whole site."""

    status = 403
    sentence = "A site admin is never handed over: they sign in by themselves."


class Closed(Refused):
    """The account was disabled."""

    status = 409
    sentence = "This account is disabled."


def account_said(said: Said, *, may_open: bool, now: datetime) -> Account:
    """Return the account of somebody whom an issuer names, joined to it the first time; the door commits.

    Joined is an account with the same e-mail, proved on both sides, that no other subject of this issuer has.
    `may_open`: where there is none, one is made. MailNotProved, Uninvited; NotLetIn for disabled accounts
    and for site admins, whom nobody else's word lets in.
    """
    take_write_lock()
    known = ways.account_of_subject(said.issuer, said.subject)
    if known is not None:
        return _let_in(known)
    if said.email is None:
        raise MailNotProved
    account = people.account_by_email(said.email)
    if account is None and not may_open:
        raise Uninvited
    if account and (not account.is_email_vouched or ways.has_identity(account.id, said.issuer)):
        raise NotLetIn
    try:
        account = _let_in(account or open_account(said.email, name=said.name))
        db.session.add(
            Identity(account_id=account.id, issuer=said.issuer, subject=said.subject, created_at=now)
        )
        db.session.flush()
    except IntegrityError as twin:
        raise ChangedMeanwhile("You signed in twice at the same moment. Begin anew.") from twin
    return account


def _let_in(account: Account) -> Account:
    """Return an account that others' word may let in; NotLetIn for every other one."""
    if not account.active or account.is_site_admin:
        raise NotLetIn
    return account


class Offered(NamedTuple):
    """A link that hands somebody over: its key, shown this once, and until when it holds."""

    id: int
    key: str
    expires_at: datetime


def offer_handoff(
    account: Account, path: str, *, by: int, now: datetime, lasts: timedelta = HANDOFF_LASTS
) -> Offered:
    """Make a link that lets an account's person in, once, and leads them to a path; the door commits.

    NeverHanded for site admins, Closed for accounts that were disabled.
    """
    if account.is_site_admin:
        raise NeverHanded
    if not account.active:
        raise Closed
    take_write_lock()
    db.session.execute(delete(Handoff).where(Handoff.expires_at < now - KEPT_FOR))
    key = secrets.token_urlsafe(32)
    handoff = Handoff(
        key_hash=secret_hash(key), account_id=account.id, made_by=by, path=path, expires_at=now + lasts
    )
    db.session.add(handoff)
    db.session.flush()
    return Offered(handoff.id, key, handoff.expires_at)


class Taken(NamedTuple):
    """A link that was just used."""

    id: int
    account: Account
    path: str


def take_handoff(key: str, *, now: datetime) -> Taken | None:
    """Use a link up and return whom it lets in; None where it is over, was used, or may let nobody in.

    Of two who use it at once one is let in.
    """
    take_write_lock()
    used = (
        update(Handoff)
        .where(Handoff.key_hash == secret_hash(key), Handoff.used_at.is_(None), Handoff.expires_at > now)
        .values(used_at=now)
        .returning(Handoff.id, Handoff.account_id, Handoff.path)
    )
    row = db.session.execute(used).first()
    account = people.account(row.account_id) if row else None
    if row is None or account is None or not account.active or account.is_site_admin:
        return None
    return Taken(row.id, account, row.path)
