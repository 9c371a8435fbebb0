"""The log of a store, or of the whole site: what happened, the newest first, as far as it is asked for."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import aliased

from app.db import db
from app.models import Account, ApiToken, Event, Invitation, Order, Store
from app.models.people import shown_name

PAGE = 100
AT_ONCE = 1000
LATEST = 2**63 - 1


class Asked(NamedTuple):
    """What of the log is asked for; `store_id` None: of all stores, and of the site itself."""

    store_id: int | None = None
    person: int | None = None
    verb: str | None = None
    number: int | None = None
    begin: datetime | None = None
    end: datetime | None = None
    slug: str | None = None


class Told(NamedTuple):
    """One event; names are those of today, None where there is nobody or nothing to name."""

    id: int
    act_id: int
    store_id: int | None
    order_id: int | None
    item_id: int | None
    parcel_id: int | None
    row_kind: str | None
    row_id: int | None
    actor_id: int | None
    actor_kind: str
    door: str
    verb: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    at: datetime
    number: int | None
    slug: str | None
    whom: str | None
    token: str | None
    actor: str | None


_Actor, _Whom = aliased(Account), aliased(Account)
_EVENTS: Select[Any] = (
    select(
        *(getattr(Event, name) for name in Told._fields[:15]),
        Order.number,
        Store.slug,
        func.coalesce(Invitation.email, func.nullif(_Whom.name, ""), _Whom.username, _Whom.email).label(
            "whom"
        ),
        ApiToken.public_id,
        _Actor.name,
        _Actor.username,
        _Actor.email,
    )
    .outerjoin(_Actor, _Actor.id == Event.actor_id)
    .outerjoin(Order, Order.id == Event.order_id)
    .outerjoin(Store, Store.id == Event.store_id)
    .outerjoin(_Whom, (_Whom.id == Event.row_id) & Event.row_kind.in_(("member", Account.__tablename__)))
    .outerjoin(Invitation, (Invitation.id == Event.row_id) & (Event.row_kind == Invitation.__tablename__))
    .outerjoin(ApiToken, (ApiToken.id == Event.row_id) & (Event.row_kind == ApiToken.__tablename__))
)


def page(asked: Asked, before: int | None) -> tuple[list[Told], bool]:
    """Return a page of the log, older than the event of this id; tell whether there are older ones."""
    found = _read(asked, before or LATEST, PAGE + 1)
    return found[:PAGE], len(found) > PAGE


def everything(asked: Asked) -> Iterator[Told]:
    """Yield all that is asked for, few in memory at once."""
    before = LATEST
    while found := _read(asked, before, AT_ONCE):
        yield from found
        before = found[-1].id


def _read(asked: Asked, before: int, most: int) -> list[Told]:
    """Return so many events that are older than one."""
    some = _EVENTS.where(Event.id < before, *_conditions(asked)).order_by(Event.id.desc()).limit(most)
    return [_told(row) for row in db.session.execute(some)]


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    """Return the conditions on events of what is asked for."""
    found: list[ColumnElement[bool]] = []
    if asked.store_id is not None:
        found.append(Event.store_id == asked.store_id)
    if asked.slug is not None:
        found.append(Event.store_id.in_(select(Store.id).where(func.lower(Store.slug) == asked.slug.lower())))
    if asked.person is not None:
        found.append(Event.actor_id == asked.person)
    if asked.verb is not None:
        found.append(Event.verb == asked.verb)
    if asked.number is not None:
        numbered = select(Order.id).where(Order.number == asked.number)
        if asked.store_id is not None:
            numbered = numbered.where(Order.store_id == asked.store_id)
        found.append(Event.order_id.in_(numbered))
    if asked.begin is not None:
        found.append(Event.at >= asked.begin)
    if asked.end is not None:
        found.append(Event.at < asked.end)
    return found


def _told(row: Any) -> Told:
    """Return an event with the name of whoever did it."""
    *facts, name, username, email = row
    actor = None if row.actor_id is None else shown_name(name or "", username, email, row.actor_id)
    return Told._make((*facts, actor))
