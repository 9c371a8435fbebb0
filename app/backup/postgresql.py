r"""PostgreSQL's side of a backup: the rows as COPY tells them, and how new tables take the old ones' place.

A table is a line of JSON (its name, its columns, where its numbers go on) and then its rows in COPY's text,
up to a line `\.`. Tables come after those they point to, so that every key is proved as it is read.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from graphlib import TopologicalSorter
from typing import IO, Any

from sqlalchemy import Connection

from app.backup import migrating
from app.backup.sealed import AT_ONCE, CannotCopy, Facts
from app.db import db, one_moment

# Where a restore builds; one that was killed leaves it, and the next one begins it anew.
BUILDING = "tradepost_restoring"
# One restore at a time (migrations have 7301).
ONE_RESTORE = 7302
# Text that any server reads as it was written.
PLAIN = "SET LOCAL client_encoding = 'UTF8'; SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC'"
END = b"\\.\n"
# Seconds in which a connection that was closed is gone.
FAREWELL = 1
LOCK_NOT_AVAILABLE, NO_RIGHT = "55P03", "42501"

# The desk's own, and what points to them: tables that a newer version has are the desk's too.
OURS = """
    WITH RECURSIVE ours AS (
        SELECT oid FROM pg_class
         WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname = ANY(%s)
        UNION
        SELECT conrelid FROM pg_constraint JOIN ours ON confrelid = ours.oid WHERE contype = 'f')
    SELECT child.relname, parent.relname
      FROM ours JOIN pg_class child USING (oid)
      LEFT JOIN pg_constraint ON conrelid = child.oid AND contype = 'f' AND confrelid <> conrelid
      LEFT JOIN pg_class parent ON parent.oid = confrelid
     ORDER BY 1, 2"""
COLUMNS = """
    SELECT attname, pg_get_serial_sequence(%s, attname) FROM pg_attribute
     WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
     ORDER BY attnum"""
OTHERS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND usename = current_user AND backend_type = 'client backend'
       AND pid <> pg_backend_pid()"""
RUNS = "The desk runs: stop it (web, worker, commands) and try again."


def write_rows(file: IO[bytes]) -> str:
    """Write all rows of the desk as they stand at one moment; return the migration they stand at.

    Nobody who writes waits for it: it reads in a transaction of its own, and locks no row.
    """
    with one_moment():
        cursor = cursor_of(db.session.connection())
        cursor.execute(PLAIN)
        revision = str(cursor.execute("SELECT version_num FROM alembic_version").fetchone()[0])
        for table in tables(cursor):
            if table == "alembic_version":
                continue
            columns = cursor.execute(COLUMNS, (quoted(table), quoted(table))).fetchall()
            # Numbers go on behind those that were given out, by whoever did not commit yet too.
            following = [
                [column, *cursor.execute(f"SELECT last_value, is_called FROM {sequence}").fetchone()]
                for column, sequence in columns
                if sequence
            ]
            names = [column for column, _ in columns]
            file.write(json.dumps({"table": table, "columns": names, "next": following}).encode() + b"\n")
            with cursor.copy(f"COPY {listed(table, names)} TO STDOUT") as rows:
                for piece in rows:
                    file.write(piece)
            file.write(END)
    return revision


def restore(file: IO[bytes], facts: Facts, *, is_replacing: bool) -> None:
    """Build the backup's tables in a schema of their own, and let them take the place of the desk's."""
    with db.engine.connect() as holder:
        holder.detach()  # closed at the end, not kept: it has settings of its own
        old = cursor_of(holder)
        try:
            hold(old, is_replacing=is_replacing)
            with db.engine.connect() as builder:
                builder.detach()
                new = cursor_of(builder)
                with schema(new):
                    migrating.upgrade(builder, facts.revision)
                    load(new, file)
                    migrating.upgrade(builder)
                    for table in tables(new):
                        new.execute(f"ANALYZE {quoted(table)}")
                    swap(old, tables(new))
        except db.engine.dialect.loaded_dbapi.Error as error:
            if (code := getattr(error, "sqlstate", "")) == LOCK_NOT_AVAILABLE:
                raise CannotCopy(RUNS) from error
            if code == NO_RIGHT:
                raise CannotCopy(
                    f"PostgreSQL does not let the desk's user restore ({str(error).splitlines()[0]}): "
                    "it must own the desk's tables, and have CREATE on the database."
                ) from error
            raise


def hold(cursor: Any, *, is_replacing: bool) -> None:
    """Open the transaction that will replace what is there, and let nobody else write into it until then."""
    until = time.monotonic() + FAREWELL
    while others := cursor.execute(OTHERS).fetchone()[0]:
        if time.monotonic() > until:
            raise CannotCopy(f"{RUNS} {others} others are connected to its database as its user.")
        time.sleep(0.05)
    cursor.execute("BEGIN")
    cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (ONE_RESTORE,))
    there = tables(cursor)
    if there:
        cursor.execute(f"LOCK TABLE {', '.join(map(quoted, there))} IN EXCLUSIVE MODE")
    full = any(
        cursor.execute(f"SELECT EXISTS (SELECT FROM {quoted(table)})").fetchone()[0]
        for table in there
        if table != "alembic_version"
    )
    if full and not is_replacing:
        raise CannotCopy(
            "The desk has rows already. Take a backup of it, then say --replace to give them up."
        )


@contextmanager
def schema(cursor: Any) -> Iterator[None]:
    """Let this connection work in an empty schema, which is gone afterwards."""
    cursor.execute(f"DROP SCHEMA IF EXISTS {BUILDING} CASCADE")
    cursor.execute(f"CREATE SCHEMA {BUILDING}")
    cursor.execute(f"SET search_path TO {BUILDING}")
    try:
        yield
    finally:
        # Where the connection is lost, the next restore does it.
        with suppress(db.engine.dialect.loaded_dbapi.Error):
            cursor.connection.rollback()
            cursor.execute(f"DROP SCHEMA IF EXISTS {BUILDING} CASCADE")


def load(cursor: Any, file: IO[bytes]) -> None:
    """Read a backup's rows into tables that are there and empty; their rules and keys are proved by it."""
    cursor.execute("BEGIN")
    cursor.execute(PLAIN)
    while (line := file.readline()) != b"\n":  # the seal begins with it
        said = json.loads(line)
        table, names, following = said["table"], said["columns"], said["next"]
        with cursor.copy(f"COPY {listed(table, names)} FROM STDIN") as rows:
            for piece in pieces(file):
                rows.write(piece)
        for column, last, is_called in following:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, %s), %s, %s)",
                (quoted(table), column, last, is_called),
            )
    cursor.execute("COMMIT")


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the rows of one table, many at once."""
    lines, size = [], 0
    while (line := file.readline()) != END:
        lines.append(line)
        size += len(line)
        if size > AT_ONCE:
            yield b"".join(lines)
            lines, size = [], 0
    yield b"".join(lines)


def swap(cursor: Any, built: list[str]) -> None:
    """Put the new tables where the old ones are, in the transaction that holds those, and commit it."""
    (home,) = cursor.execute("SELECT current_schema()").fetchone()
    there = tables(cursor)
    if there:
        cursor.execute(f"DROP TABLE {', '.join(map(quoted, there))}")
    for table in built:
        cursor.execute(f"ALTER TABLE {BUILDING}.{quoted(table)} SET SCHEMA {quoted(home)}")
    # Refused where anything was left behind.
    cursor.execute(f"DROP SCHEMA {BUILDING}")
    cursor.execute("COMMIT")


def tables(cursor: Any) -> list[str]:
    """Return the desk's tables in the schema at work, each one after those it points to."""
    parents: dict[str, set[str]] = {}
    for child, parent in cursor.execute(OURS, ([*db.metadata.tables, "alembic_version"],)).fetchall():
        parents.setdefault(child, set()).update({parent} - {None})
    return list(TopologicalSorter(parents).static_order())


def cursor_of(connection: Connection) -> Any:
    """Return a cursor of the driver's own: COPY is not SQLAlchemy's."""
    driver: Any = connection.connection.dbapi_connection
    return driver.cursor()


def listed(table: str, columns: list[str]) -> str:
    """Return a table with its columns, as COPY names them."""
    return f"{quoted(table)} ({', '.join(map(quoted, columns))})"


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return db.engine.dialect.identifier_preparer.quote_identifier(name)
