"""How the database stands: whether it is there, which migrations it has, whether it keeps what it was given.

And what is told to people when it does not: here the database's errors become refusals.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from app import logs
from app.config import ROOT
from app.db import db, take_write_lock
from app.errors import NothingToRead, PerhapsDone, Unavailable
from app.outages import in_words, is_lost_commit, is_outage

NOT_REACHED = "The database cannot be reached."
NOT_THERE = "There is no database: `flask --app app db upgrade` makes one (`make run` does it by itself)."
NOT_CURRENT = (
    "The database is not set up, or not for this version: run `flask --app app db upgrade` "
    "(`make run` does it by itself)."
)
TOO_NEW = (
    "The database is one of a newer version of the desk; this one leaves it as it is. "
    "Start the newer version, or restore a backup of this one's."
)
# What PostgreSQL must not be told to leave out where an answered write is to outlive the power.
KEEPERS = ("fsync", "synchronous_commit", "full_page_writes")
READS = frozenset({"GET", "HEAD", "OPTIONS"})
# Milliseconds. A note that nobody waits for is not waited for either.
PATIENCE_OF_NOTES = 50


class Unready(Exception):
    """The database cannot be worked with; the sentence says why; `detail` is for its operator alone."""

    def __init__(self, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.detail = detail


class Away(Unready):
    """The database cannot be reached now; it may be back in a moment."""


def require_ready() -> None:
    """Raise Unready unless the database is there with exactly the migrations of this version."""
    there = require_not_newer()
    if there != set(_scripts().get_heads()):
        raise Unready(NOT_THERE if is_absent() else NOT_CURRENT)


def require_not_newer() -> set[str]:
    """Return the migrations at which the database stands; Unready where this version knows them not."""
    if is_absent():
        return set()
    try:
        with db.engine.connect() as connection:
            there = set(MigrationContext.configure(connection).get_current_heads())
    except Exception as error:  # whatever the driver calls it
        raise Away(NOT_REACHED, in_words(error)) from error
    if not knows(there):
        raise Unready(TOO_NEW)
    return there


def knows(revisions: set[str]) -> bool:
    """Tell whether this version has all of these migrations."""
    return revisions <= {script.revision for script in _scripts().walk_revisions()}


def newest() -> str:
    """Return this version's newest migration."""
    return str(_scripts().get_current_head())


def require_durable() -> None:
    """Raise Unready where PostgreSQL is set not to keep what it acknowledged."""
    if db.engine.dialect.name != "postgresql":
        return
    with db.engine.connect() as connection:
        off = [name for name in KEEPERS if connection.exec_driver_sql(f"SHOW {name}").scalar() == "off"]
    if off:
        raise Unready(
            f"PostgreSQL may lose what was answered as done: {' and '.join(off)} is off. "
            "Set it to on, or say TRADEPOST_DURABLE=0 if such a loss is borne."
        )


def is_absent() -> bool:
    """Tell whether the database is a file that is not there yet."""
    url = db.engine.url
    is_file = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    return bool(is_file) and not Path(str(url.database)).exists()


def make_file() -> None:
    """Make the empty file of a database that is not there yet: the desk itself opens only what is there."""
    if is_absent():
        path = Path(str(db.engine.url.database))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def refusal_of(error: Exception, *, method: str) -> Unavailable | None:
    """Return what to tell a request of this method that met this error, if it is an outage's; else None."""
    if not is_outage(error):
        return None
    logs.note(outage=in_words(error))
    if method in READS:
        return NothingToRead()
    return PerhapsDone() if is_lost_commit(error) else Unavailable()


def leave_note(write: Callable[[], None], *, commit: Callable[[], None]) -> None:
    """Write what nobody waits for, in a transaction of its own; leave it out where that fails or takes long.

    Whoever reads goes on in either case; what the session loaded before is read anew when it is looked at.
    """
    try:
        with _little_patience():
            take_write_lock()
        write()
        commit()
    except SQLAlchemyError as error:
        db.session.rollback()
        if not is_outage(error):
            raise


@contextmanager
def _little_patience() -> Iterator[None]:
    """Wait for SQLite's write lock hardly at all."""
    connection = db.session.connection()
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    (usual,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute(f"PRAGMA busy_timeout={PATIENCE_OF_NOTES}")
    try:
        yield
    finally:
        # An outage has closed it: then there is nothing to set back.
        with suppress(connection.dialect.loaded_dbapi.Error):
            driver.execute(f"PRAGMA busy_timeout={usual}")


@cache
def _scripts() -> ScriptDirectory:
    """Return the migrations of this version."""
    return ScriptDirectory(str(ROOT / "migrations"))
