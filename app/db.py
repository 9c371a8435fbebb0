"""The database: the session, names of constraints, column types, and how an engine is set up.

On SQLite and on PostgreSQL alike the driver is kept from opening transactions on its own: a read is one
statement that holds nothing, and whoever writes opens the transaction (`take_write_lock`) before reading
what the write depends on. A flush opens it by itself, so what a unit of work writes is whole or absent.
"""

import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    DateTime,
    Engine,
    Index,
    Integer,
    MetaData,
    Row,
    Select,
    SmallInteger,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from app.config import LOCK_WAIT
from app.outages import watch

try:
    from pysqlite3 import dbapi2 as sqlite
except ImportError:  # pragma: no cover - only where no wheel exists
    sqlite = sqlite3

# SQLite 3.7.0 to 3.51.2 may corrupt a WAL database when a checkpoint meets a writer.
FIRST_SAFE_SQLITE = (3, 51, 3)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The root of all models."""

    metadata = MetaData(naming_convention=NAMES)


db = SQLAlchemy(model_class=Base)


def index_of(name: str, columns: Sequence[str], which: str) -> Index:
    """Return an index of those rows only that meet a condition; queries say it word for word."""
    return Index(name, *columns, sqlite_where=text(which), postgresql_where=text(which))


# SQLite makes a rowid alias of INTEGER only; elsewhere ids are BIGINT.
Id = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database; a naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant into UTC; ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Code(TypeDecorator[IntEnum]):
    """A code list's member, kept as its integer."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, codes: type[IntEnum]) -> None:
        self.codes = codes
        self._members: dict[int | None, IntEnum | None] = {None: None, **{int(c): c for c in codes}}
        super().__init__()

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """Return the plain integer; ValueError for a number outside the list."""
        return None if value is None else int(self.codes(value))

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], IntEnum | None]:
        """Return what finds the member of the list; KeyError for a number outside it."""
        return self._members.__getitem__


def with_driver(url: str) -> str:
    """Return a database's address with the driver that the desk uses, where it names none."""
    scheme, mark, rest = url.partition("://")
    return f"postgresql+psycopg{mark}{rest}" if scheme in {"postgres", "postgresql"} else url


def engine_options(url: str) -> dict[str, Any]:
    """Return what create_engine needs for this database URL (see `with_driver`).

    What was sent stands in no error of the database: errors are logged.
    """
    if not url.startswith("sqlite"):
        # A row that another act holds is waited for as long as SQLite's write lock is.
        reached = {"options": f"-c lock_timeout={LOCK_WAIT}", "connect_timeout": 5}
        return {"isolation_level": "AUTOCOMMIT", "connect_args": reached, "hide_parameters": True}
    if sqlite.sqlite_version_info < FIRST_SAFE_SQLITE:  # pragma: no cover - only where no wheel exists
        warnings.warn(
            f"SQLite {sqlite.sqlite_version} may corrupt a database under load; "
            "3.51.3 or newer is safe. Install pysqlite3 where it has a wheel.",
            RuntimeWarning,
            stacklevel=2,
        )
    return {"module": sqlite, "connect_args": {"isolation_level": None}, "hide_parameters": True}


def set_up_engine(app: Flask) -> None:
    """Let connections outlive outages, and give SQLite's the desk's pragmas (WAL; FULL where DURABLE)."""
    with app.app_context():
        engine: Engine = db.engine
    watch(engine)
    if engine.dialect.name != "sqlite":
        return
    synchronous = "FULL" if app.config["DURABLE"] else "NORMAL"

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            f"busy_timeout={LOCK_WAIT}",
            "cache_size=-65536",
            "mmap_size=1073741824",
            "temp_store=MEMORY",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")


class DaysAfter(FunctionElement[datetime]):
    """An instant so many days of 24 hours after another one: DaysAfter(column, days)."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(DaysAfter, "sqlite")
def _days_after_as_text(element: Any, compiler: Any, **kwargs: Any) -> str:
    """Put the day forward, and keep what stands behind it to the microsecond."""
    at, days = (compiler.process(part, **kwargs) for part in element.clauses)
    return f"(date({at}, {days} || ' days') || substr({at}, 11))"


@compiles(DaysAfter, "postgresql")
def _days_after(element: Any, compiler: Any, **kwargs: Any) -> str:
    """Count in hours: a day of the session's time zone may have 23."""
    at, days = (compiler.process(part, **kwargs) for part in element.clauses)
    return f"({at} + {days} * interval '24 hours')"


def insert_or(table: type[Base]) -> Any:
    """Return an INSERT for this table that knows ON CONFLICT, in the words of the database in use."""
    if db.session.get_bind().dialect.name == "sqlite":
        return sqlite_insert(table)
    return postgresql_insert(table)


def rows_of(statement: Select[Any], values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """Return the rows of a SELECT of named columns that was built beforehand, with these parameters.

    The quick way for what every page asks: no entities, no unit of work, nothing built anew.
    """
    return db.session.connection().execute(statement, values).all()


def take_write_lock() -> None:
    """Open the write transaction now, unless this session has; the commit or rollback of the door ends it.

    On SQLite this is the one write lock (BEGIN IMMEDIATE): what is read next cannot change before the
    commit. On PostgreSQL it is a plain BEGIN: an act locks the rows that it reads, the store's first.
    """
    connection = db.session.connection()
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif not driver.info.transaction_status:  # IDLE is 0
        connection.exec_driver_sql("BEGIN")


@event.listens_for(db.session, "before_flush")
def _open_transaction(*_: object) -> None:
    """Open the write transaction before a flush: its statements belong together."""
    take_write_lock()


@contextmanager
def one_moment() -> Iterator[None]:
    """Let all that is read inside be as it stood at one moment, however long it takes, and write nothing.

    Others may write meanwhile.
    """
    db.session.rollback()
    connection = db.session.connection()
    driver: Any = connection.connection.dbapi_connection
    is_sqlite = connection.dialect.name == "sqlite"
    driver.execute("BEGIN" if is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    if is_sqlite:
        driver.execute("PRAGMA query_only=ON")
    try:
        yield
    finally:
        # A connection that met an outage was given up: the next one is made anew.
        if not connection.invalidated:
            if is_sqlite:
                driver.execute("PRAGMA query_only=OFF")
            driver.rollback()
        db.session.rollback()
