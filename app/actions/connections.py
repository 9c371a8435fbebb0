"""A store's connection to a marketplace: made, changed, paused, pulled at once, ended; tidings said again."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update

from app.access import Actor
from app.actions.kept import WRITE_EVENTS
from app.actions.ledger import Act
from app.actions.tidings import say_again
from app.db import db
from app.errors import NotFound, Refused
from app.models import Connection, Order, Pull
from app.statuses import Channel


class Account(NamedTuple):
    """An account on a marketplace: where it is reached, its name there, the zone of its times."""

    base_url: str
    username: str
    zone: str


class OtherAccount(Refused):
    """The store has sales of another account: the two may have the same numbers."""

    status = 409
    sentence = (
        "This store has sales of another account: two accounts may give the same number to different sales. "
        "Connect this one to a store of its own."
    )


class NotConnected(Refused):
    """The store has no connection any more, or never had one."""

    status = 409
    sentence = "This store is not connected."


def connect(
    account: Account,
    sealed_key: str,
    since: datetime,
    *,
    actor: Actor,
    store_id: int,
    at: datetime | None = None,
) -> Connection:
    """Connect a store to an account, or change how it is reached; the next pull begins at once.

    OtherAccount where the store has sales of another one.
    """
    with Act("connect", actor=actor, store_id=store_id, at=at) as act:
        found = _living(store_id)
        if _is_taken(store_id, account):
            raise OtherAccount
        connection = found or Connection(store_id=store_id, created_at=act.at)
        was = _said(connection) if found else None
        connection.base_url, connection.username, connection.zone = account
        connection.sealed_key, connection.since = sealed_key, since
        connection.next_at, connection.is_paused = act.at, False
        connection.tries, connection.trouble, connection.waits_until = 0, "", None
        # All is read anew, by nobody who began before.
        connection.pulled_to = connection.looked_back_at = connection.claimed_at = None
        if found:
            is_open = Pull.connection_id == found.id, Pull.ended_at.is_(None)
            db.session.execute(update(Pull).where(*is_open).values(ended_at=act.at))
        db.session.add(connection)
        db.session.flush()
        _tell(act, connection, was, _said(connection))
        return connection


def pause(*, actor: Actor, store_id: int, is_paused: bool = True, at: datetime | None = None) -> None:
    """Let nothing be pulled or told for a while, or go on; NotConnected."""
    with Act("pause" if is_paused else "resume", actor=actor, store_id=store_id, at=at) as act:
        connection = _held(store_id)
        if connection.is_paused != is_paused:
            connection.is_paused = is_paused
            if not is_paused:
                connection.next_at = act.at
            _tell(act, connection, {"is_paused": not is_paused}, {"is_paused": is_paused})


def pull_now(*, actor: Actor, store_id: int, at: datetime | None = None) -> None:
    """Let the next pull begin at once, and read older sales anew; NotConnected."""
    with Act("pull_now", actor=actor, store_id=store_id, at=at) as act:
        connection = _held(store_id)
        connection.next_at, connection.looked_back_at = act.at, None
        _tell(act, connection, {}, {})


def disconnect(*, actor: Actor, store_id: int, at: datetime | None = None) -> None:
    """End a connection and forget its key; what came from there stays. NotConnected."""
    with Act("disconnect", actor=actor, store_id=store_id, at=at) as act:
        connection = _held(store_id)
        connection.ended_at, connection.sealed_key, connection.claimed_at = act.at, None, None
        _tell(act, connection, {"ended": False}, {"ended": True})


def tell_again(order_id: int, *, actor: Actor, store_id: int, at: datetime | None = None) -> None:
    """Let the marketplace be told of a sale once more, at once; NotFound where it is owed nothing of it."""
    with Act("tell_again", actor=actor, store_id=store_id, at=at) as act:
        connection = _living(store_id)
        if connection is None or not say_again(store_id, order_id, act.at):
            raise NotFound
        # Not in the order's history: nothing about it changes, and it goes on following its marketplace.
        _tell(act, connection, {}, {"told_again": order_id})


def _living(store_id: int) -> Connection | None:
    """Return the store's connection, as it is now; None where it has none that is not ended."""
    return db.session.scalar(
        select(Connection)
        .where(Connection.store_id == store_id, Connection.ended_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _held(store_id: int) -> Connection:
    """Return the store's connection; NotConnected where it has none."""
    connection = _living(store_id)
    if connection is None:
        raise NotConnected
    return connection


def _is_taken(store_id: int, account: Account) -> bool:
    """Tell whether the store was connected to another account and has sales from there.

    How an address is written may change (https, another path): its host and the user name are compared.
    """
    before = db.session.execute(
        select(Connection.base_url, Connection.username).where(Connection.store_id == store_id)
    ).all()
    if all(_place(url, username) == _place(account.base_url, account.username) for url, username in before):
        return False
    of_hip = Order.store_id == store_id, Order.channel == Channel.HIP.value
    return db.session.scalar(select(Order.id).where(*of_hip).limit(1)) is not None


def _place(url: str, username: str) -> tuple[str, str]:
    """Return by what an account is known: the host with its port, and the user name."""
    return url.split("//", 1)[-1].split("/", 1)[0].casefold(), username.casefold()


def _said(connection: Connection) -> dict[str, object]:
    """Return what the history keeps of a connection: neither its key nor a person's name."""
    return {"host": _place(connection.base_url, "")[0], "zone": connection.zone}


def _tell(
    act: Act, connection: Connection, before: dict[str, object] | None, after: dict[str, object]
) -> None:
    """Let the store's history tell of a connection."""
    event = act.event(before, after, row_kind=Connection.__tablename__, row_id=connection.id)
    db.session.connection().execute(WRITE_EVENTS, [event])
