"""Stores and accounts that a marketplace's own program makes, each of them once, and shuts."""

from typing import NamedTuple

from sqlalchemy.exc import IntegrityError

from app.actions.people import open_account, open_store
from app.db import db, take_write_lock
from app.errors import ChangedMeanwhile, Refused
from app.models import Account, Store
from app.queries import listed, people


class NotThisOne(Refused):
    """Site admins are looked after by hand."""

    status = 403
    sentence = "A site admin's account is not changed by a program."


class StoreOpened(NamedTuple):
    """A store, and whether it was there before."""

    store: Store
    is_new: bool


class AccountOpened(NamedTuple):
    """An account, and whether it was there before."""

    account: Account
    is_new: bool


def open_store_once(slug: str, name: str, *, currency: str, zone: str, is_vendor: bool) -> StoreOpened:
    """Make a store; one of this slug that is there is returned as it is. The door commits."""
    take_write_lock()
    there = listed.store_called(slug)
    if there is not None:
        return StoreOpened(there, False)
    try:
        made = open_store(slug, name, currency=currency, zone=zone, is_vendor=is_vendor)
    except IntegrityError as twin:
        raise ChangedMeanwhile("This store was made at the same moment. Ask again.") from twin
    return StoreOpened(made, True)


def open_account_once(email: str, *, name: str, is_vouched: bool) -> AccountOpened:
    """Make an account without a password; one with this e-mail that is there is returned as it is.

    The door commits.
    """
    take_write_lock()
    there = people.account_by_email(email)
    if there is not None:
        return AccountOpened(there, False)
    try:
        made = open_account(email, name=name, is_vouched=is_vouched)
    except IntegrityError as twin:
        raise ChangedMeanwhile("This account was made at the same moment. Ask again.") from twin
    return AccountOpened(made, True)


def set_store_open(store: Store, is_active: bool) -> None:
    """Shut a store to its own people, or open it again."""
    take_write_lock()
    store.is_active = is_active
    db.session.flush()


def set_account_open(account: Account, is_active: bool) -> None:
    """Disable an account, or let it in again: its sign-ins and tokens are refused from the next request on.

    NotThisOne for site admins.
    """
    if account.is_site_admin:
        raise NotThisOne
    take_write_lock()
    account.active = is_active
    db.session.flush()
