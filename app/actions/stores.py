"""A store's settings: what it is called, its calendar and windows, what it offers and what it writes.

A form shows settings as they stood when it was opened; `fingerprint` says which. After a change of the
calendar every sale that waits to be shipped is due by the new one, in the same act; after one of the store's
patience, sales on their way need somebody from another day on.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, case, insert, literal, select, update

from app.access import Actor
from app.actions.ledger import Act
from app.db import Base, db
from app.errors import ChangedMeanwhile, Refused
from app.models import Store
from app.models.shop import FAR_FUTURE
from app.queries import stores
from app.statuses import DeskState

# What says by when a sale is to be shipped.
CALENDAR = ("zone", "handling_days", "workdays", "cut_off", "holidays")
# So many sales are brought to a new calendar at once.
AT_ONCE = 5000

ORDERS, EVENTS = Base.metadata.tables["orders"], Base.metadata.tables["event"]
_ORDER = ORDERS.c
# Only a sale that waits to be shipped is due before the end of times.
DUE = (
    select(_ORDER.id, _ORDER.paid_at, _ORDER.placed_at, _ORDER.ship_by)
    .where(_ORDER.store_id == bindparam("store"), _ORDER.ship_by < FAR_FUTURE, _ORDER.id > bindparam("after"))
    .order_by(_ORDER.id)
    .limit(AT_ONCE)
)


# Sales on their way: what is wrong with one needs somebody at once, the others after some days.
SENT = (
    select(_ORDER.id, _ORDER.sent_at)
    .where(
        _ORDER.store_id == bindparam("store"),
        _ORDER.attention_at.is_not(None),
        _ORDER.sent_at.is_not(None),
        _ORDER.desk_state == DeskState.SHIPPED.value,
        _ORDER.id > bindparam("after"),
    )
    .order_by(_ORDER.id)
    .limit(AT_ONCE)
)
BE_PATIENT = (
    update(ORDERS)
    .where(_ORDER.id == bindparam("sale"), _ORDER.attention_at == bindparam("was"))
    .values(attention_at=bindparam("by"))
)


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
            _follow_patience(store, patience)
        if calendar != [getattr(store, name) for name in CALENDAR]:
            _follow_calendar(act)
        return is_changed


def _follow_calendar(act: Act) -> None:
    """Bring every sale that waits to be shipped to the store's calendar, each with its Event.

    Every act of the store waits for this one, and none of what the tally counts changes. Days are few:
    sales that go from one to another go together.
    """
    due = _Days(act.store)
    for sales in _waiting(act.store_id):
        moved: dict[tuple[datetime, datetime], list[int]] = {}
        for sale in sales:
            by = due.by(sale.paid_at or sale.placed_at)
            if by != sale.ship_by:
                moved.setdefault((sale.ship_by, by), []).append(sale.id)
        for (was, by), ids in moved.items():
            _move(act, ids, was, by)


def _follow_patience(store: Store, was: int) -> None:
    """Let sales on their way need somebody after so many days as the store waits now."""
    after = 0
    while rows := db.session.connection().execute(SENT, {"store": store.id, "after": after}).all():
        db.session.connection().execute(
            BE_PATIENT,
            [
                {
                    "sale": row.id,
                    "was": row.sent_at + timedelta(days=was),
                    "by": row.sent_at + timedelta(days=store.received_days),
                }
                for row in rows
            ],
        )
        after = rows[-1].id


def _move(act: Act, ids: list[int], was: datetime, by: datetime) -> None:
    """Let these sales be due at another time.

    The sales themselves are as they were: a form that is open on one stays good, so versions stay.
    """
    connection, chosen = db.session.connection(), _ORDER.id.in_(ids)
    # Late from another day on; who needs somebody for another reason does so since it was bought.
    is_due = (_ORDER.attention_at == was) & (_ORDER.placed_at != was)
    needs = case((is_due, literal(by, _ORDER.attention_at.type)), else_=_ORDER.attention_at)
    connection.execute(update(ORDERS).where(chosen).values(ship_by=by, attention_at=needs))
    event = act.event({"ship_by": was.isoformat()}, {"ship_by": by.isoformat()})
    told = [(EVENTS.c[name], value) for name, value in event.items() if value is not None]
    rows = select(_ORDER.id, *(literal(value, column.type) for column, value in told)).where(chosen)
    connection.execute(insert(EVENTS).from_select([EVENTS.c.order_id, *(c for c, _ in told)], rows))


def _waiting(store_id: int) -> Iterator[list[Any]]:
    """Yield the sales of a store that wait to be shipped, some after others."""
    after = 0
    while rows := list(db.session.connection().execute(DUE, {"store": store_id, "after": after})):
        yield rows
        after = rows[-1].id


class _Days:
    """A store's calendar, asked once a day of sales: what came on one day, before or after the cut-off."""

    def __init__(self, store: Store) -> None:
        self.store, self.zone = store, ZoneInfo(store.zone)
        self._known: dict[Any, datetime] = {}

    def by(self, since: datetime) -> datetime:
        """Return until when a sale of this instant is to be shipped."""
        local = since.astimezone(self.zone)
        key = local.date(), local.hour >= self.store.cut_off
        if key not in self._known:
            self._known[key] = self.store.ship_by(since)
        return self._known[key]
