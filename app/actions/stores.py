"""A store's settings: what it is called, its calendar and windows, what it offers and what it writes.

A form shows settings as they stood when it was opened; `fingerprint` says which. After a change of the
calendar every sale that waits to be shipped is due by the new one, in the same act; after one of the store's
patience, sales on their way need somebody from another day on.
"""

import hashlib
import json
from datetime import datetime
from typing import NamedTuple

from app.access import Actor
from app.actions.due import follow_calendar, follow_patience
from app.actions.ledger import Act
from app.errors import ChangedMeanwhile, Refused
from app.models import Store
from app.queries import stores

# What says by when a sale is to be shipped.
CALENDAR = ("zone", "handling_days", "workdays", "cut_off", "holidays")


class Settings(NamedTuple):
    """All that a store may set; `currency` and `commission_bp` are None where they are left as they are."""

    name: str
    legal_name: str
    address: str
    vat_id: str
    zone: str
    currency: str | None
    handling_days: int
    workdays: str
    cut_off: int
    holidays: list[str]
    cancel_days: int
    unpaid_days: int
    received_days: int
    undo_minutes: int
    guest_days: int
    forget_months: int
    carriers: list[str]
    commission_bp: int | None
    mails_all: bool
    mail_from: str
    mail_texts: dict[str, str]


class SettingsChanged(ChangedMeanwhile):
    """Somebody else saved the store's settings since this form was opened."""

    sentence = "The settings were changed meanwhile, and nothing of yours was saved."


class CurrencyStays(Refused):
    """The store has sales: their amounts are in its currency."""

    sentence = "The currency stays: this store has sales, and their amounts are in it."


def fingerprint(store: Store) -> str:
    """Return what is equal as long as no setting of the store differs."""
    kept = {name: getattr(store, name) for name in Settings._fields}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:32]


def set_store(
    settings: Settings, *, seen: str | None, actor: Actor, store_id: int, at: datetime | None = None
) -> bool:
    """Set a store's settings; tell whether any of them differed.

    `seen` is the fingerprint of what the asker saw: SettingsChanged where it is another by now.
    CurrencyStays where the currency would change under sales.
    """
    with Act("set_store", actor=actor, store_id=store_id, at=at) as act:
        store = act.store
        if seen != fingerprint(store):
            raise SettingsChanged
        if settings.currency not in {None, store.currency} and stores.has_orders(store_id):
            raise CurrencyStays(field="currency")
        asked = {name: value for name, value in settings._asdict().items() if value is not None}
        calendar = [getattr(store, name) for name in CALENDAR]
        patience = store.received_days
        is_changed = act.change(store, **asked)
        if store.received_days != patience:
            follow_patience(store, patience)
        if calendar != [getattr(store, name) for name in CALENDAR]:
            follow_calendar(act)
        return is_changed
