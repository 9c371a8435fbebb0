"""The database: the session, names of constraints, column types, and how an engine is set up.

Writers take SQLite's write lock themselves (`take_write_lock`): the driver is kept from opening
transactions on its own, so a read holds nothing and a write never has to upgrade.
"""

import sqlite3
import warnings
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Engine, Integer, MetaData, SmallInteger, event
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

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
        super().__init__()

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """Return the plain integer; ValueError for a number outside the list."""
        return None if value is None else int(self.codes(value))

    def process_result_value(self, value: int | None, dialect: Dialect) -> IntEnum | None:
        """Return the member of the list."""
        return None if value is None else self.codes(value)


def engine_options(url: str) -> dict[str, Any]:
    """Return what create_engine needs for this database URL."""
    if not url.startswith("sqlite"):
        return {}
    if sqlite.sqlite_version_info < FIRST_SAFE_SQLITE:  # pragma: no cover - only where no wheel exists
        warnings.warn(
            f"SQLite {sqlite.sqlite_version} may corrupt a database under load; "
            "3.51.3 or newer is safe. Install pysqlite3 where it has a wheel.",
            RuntimeWarning,
            stacklevel=2,
        )
    return {"module": sqlite, "connect_args": {"isolation_level": None, "timeout": 5.0}}


def set_up_engine(app: Flask) -> None:
    """Give every new SQLite connection the desk's pragmas (WAL; FULL where DURABLE says so)."""
    with app.app_context():
        engine: Engine = db.engine
    if engine.dialect.name != "sqlite":
        return
    synchronous = "FULL" if app.config["DURABLE"] else "NORMAL"

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "busy_timeout=5000",
            "cache_size=-65536",
            "mmap_size=1073741824",
            "temp_store=MEMORY",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")


def insert_or(table: type[Base]) -> Any:
    """Return an INSERT for this table that knows ON CONFLICT, in the words of the database in use."""
    if db.session.get_bind().dialect.name == "sqlite":
        return sqlite_insert(table)
    return postgresql_insert(table)


def take_write_lock() -> None:
    """Open the write transaction now, so that what is read next cannot change before the commit.

    On SQLite this is BEGIN IMMEDIATE, unless this session already holds it; elsewhere the rows that an
    act reads are locked one by one.
    """
    connection = db.session.connection()
    if connection.dialect.name != "sqlite":
        return
    driver: Any = connection.connection.dbapi_connection
    if not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
