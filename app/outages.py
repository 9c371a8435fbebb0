"""The database's bad days: which errors are the machine's fault and pass, and how connections outlive them.

Locked, gone, read-only, full, or a rule of it broken: the database says so with codes of its own, which are
read here alone.
"""

import os
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, TimeoutError

# https://sqlite.org/rescode.html: BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
SQLITE_CODES = {5, 6, 8, 10, 11, 13, 14, 15, 26}
# What a connection that met it may go on to see when it is over: READONLY, CORRUPT, NOTADB. Where the disk
# is full connections are kept: to open one anew may need room for its index.
SQLITE_STAINS = {8, 11, 26}
# PostgreSQL, Appendix A: connection exceptions, insufficient resources, operator intervention, system errors.
POSTGRESQL_CLASSES = {"08", "53", "57", "58"}
# Serialization failure, read-only transaction, deadlock, lock not available.
POSTGRESQL_CODES = {"40001", "25006", "40P01", "55P03"}


def is_outage(error: BaseException | None) -> bool:
    """Tell whether an error says that the database cannot do its work now, whatever was asked of it."""
    error = _first(error)
    if isinstance(error, DisconnectionError | TimeoutError):  # the file was replaced; no connection was free
        return True
    return isinstance(error, DBAPIError) and _is_outage_of_driver(error.orig)


def is_lost_commit(error: BaseException | None) -> bool:
    """Tell whether the connection broke during a commit, of which nobody knows now whether it was done.

    SQLite has no such case: a commit that fails there is undone.
    """
    if not isinstance(error, DBAPIError) or hasattr(error.orig, "sqlite_errorcode"):
        return False
    return error.connection_invalidated and error.statement is None


def may_be_late(error: IntegrityError) -> bool:
    """Tell whether a rule was broken that another's write may have brought a row up to.

    A unique or a foreign key, or a CHECK of a row that was there before. A new row that breaks its own rules
    is nobody else's doing, and a column that stays empty neither.
    """
    # pysqlite3 tells no extended code: SQLite's words do.
    state, words = getattr(error.orig, "sqlstate", ""), str(error.orig)
    if state == "23502" or words.startswith("NOT NULL"):
        return False
    is_check = state == "23514" or words.startswith("CHECK")
    return not (is_check and (error.statement or "").startswith("INSERT"))


def in_words(error: BaseException | None) -> str:
    """Return what the driver says of an outage, for the log: one line, no values."""
    error = _first(error)
    cause = getattr(error, "orig", None) or error
    return str(cause).partition("\n")[0]


def watch(engine: Engine) -> None:
    """Let this engine's connections be thrown away when an outage clings to them or their file is gone."""

    @event.listens_for(engine, "handle_error")
    def drop(context: ExceptionContext) -> None:
        if _primary_code(context.original_exception) in SQLITE_STAINS:
            context.is_disconnect = True

    path = engine.url.database or ""
    if engine.dialect.name != "sqlite" or path in {"", ":memory:"}:
        return

    @event.listens_for(engine, "do_connect")
    def open_what_is_there(
        _dialect: object, _record: object, given: list[Any], named: dict[str, Any]
    ) -> None:
        # SQLite would make a file that is not there, and the desk would go on with an empty one.
        given[0] = f"file:{quote(path)}?mode=rw"
        named["uri"] = True

    @event.listens_for(engine, "connect")
    def remember_file(_connection: object, record: Any) -> None:
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def refuse_another_file(_connection: object, record: Any, _proxy: object) -> None:
        # What is written into a file that was deleted is lost, although SQLite says that it is done.
        if record.info["file"] != _identity(path):
            raise DisconnectionError("the database's file is gone, or is another one")

    @event.listens_for(engine, "commit")
    def refuse_commit_into_another_file(connection: Connection) -> None:
        if connection.info["file"] != _identity(path):
            raise DisconnectionError("the database's file is gone, or is another one")


def _first(error: BaseException | None) -> BaseException | None:
    """Return what went wrong first, where a part of a transaction could not be undone any more because of it.

    SQLite undoes all by itself when its disk is full: there is no savepoint then to go back to.
    """
    while isinstance(error, DBAPIError) and (error.statement or "").startswith("ROLLBACK TO SAVEPOINT"):
        if error.__context__ is None or _is_outage_of_driver(error.orig):
            break
        error = error.__context__
    return error


def _is_outage_of_driver(error: BaseException | None) -> bool:
    """Tell whether a driver's error is an outage, by its code."""
    if (code := _primary_code(error)) is not None:
        return code in SQLITE_CODES
    state = getattr(error, "sqlstate", "")
    if state is None:  # psycopg's own: it found no server, or lost it
        return type(error).__name__ in {"OperationalError", "InterfaceError", "ConnectionTimeout"}
    return state[:2] in POSTGRESQL_CLASSES or state in POSTGRESQL_CODES


def _primary_code(error: BaseException | None) -> int | None:
    """Return SQLite's result code, the lowest byte of an extended one; None for an error of others."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _identity(path: str) -> tuple[int, int] | None:
    """Return what tells a file from another one of its name; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
