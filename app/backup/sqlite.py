"""SQLite's side of a backup: the online copy of the file, and how another file takes its place."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from sqlalchemy import NullPool, create_engine

from app.backup import migrating, sealed
from app.backup.sealed import BESIDE, CannotCopy, Draft, Facts
from app.db import db, engine_options

# Milliseconds: a moment's writer is waited for; a desk that runs stays.
PATIENCE = 500
# Of an unsound file so many faults are named.
MOST = 3
LOCKED, NOT_READABLE = {5, 6}, {10, 11, 14, 26}


def copy_into(path: Path) -> str:
    """Copy the desk's file, as it stands now, into an empty one; return the migration it stands at.

    The copy is made in one step, under one read of the write-ahead log: nobody who writes waits for it.
    CannotCopy where the copy is not sound, so that it takes no good one's place.
    """
    with db.engine.connect() as connection, closing(opened(str(path))) as target:
        source: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
        # It may be lost until it is whole: then it is given to the disk at once.
        target.execute("PRAGMA journal_mode=OFF")
        target.execute("PRAGMA synchronous=OFF")
        source.backup(target)
    with closing(opened(f"file:{quote(str(path))}?immutable=1")) as copied:
        require_sound(copied, "quick_check", "The database is not sound, and no backup was made of it")
        return revision_of(copied)


def restore(file: IO[bytes], facts: Facts, *, is_replacing: bool) -> None:
    """Build the backup's database beside the desk's, prove it, and let it take the place."""
    place = place_of_database()
    place.parent.mkdir(parents=True, exist_ok=True)
    with holding(place, is_replacing=is_replacing) as old, sealed.draft_of(place) as draft:
        sealed.copy_out(file, facts.size, draft)
        build(draft, facts)
        give_to_owner(draft)
        if old is not None:
            put_log_away(old, place)
        draft.publish()


def opened(url: str) -> sqlite3.Connection:
    """Return a connection of the desk's own SQLite to a file, without the desk's settings."""
    connection: sqlite3.Connection = db.engine.dialect.loaded_dbapi.connect(
        url, uri=url.startswith("file:"), isolation_level=None
    )
    return connection


def place_of_database() -> Path:
    """Return where the desk's file is, or is to be."""
    path = db.engine.url.database
    if not path or path == ":memory:":
        raise CannotCopy("The desk's database is kept in memory: there is no file to restore.")
    return Path(path).resolve()


@contextmanager
def holding(place: Path, *, is_replacing: bool) -> Iterator[sqlite3.Connection | None]:
    """Keep everybody else out of the file that is there, until it is replaced; None where there is none."""
    left = [f"{place}{end}" for end in BESIDE if Path(f"{place}{end}").exists()]
    if not place.exists():
        if left:
            raise CannotCopy(
                f"A database that is gone left {' and '.join(left)}, which would be read into the restored "
                "one. Put that database back, or move away what it left."
            )
        yield None
        return
    with closing(opened(f"file:{quote(str(place))}?mode=rw")) as old:
        try:
            old.execute(f"PRAGMA busy_timeout={PATIENCE}")
            # A connection to a write-ahead log shares the file for as long as it is open: this fails
            # while there is any, and lets none in afterwards.
            old.execute("PRAGMA locking_mode=EXCLUSIVE")
            old.execute("BEGIN IMMEDIATE")
            full = has_rows(old)
            old.execute("COMMIT")
        except db.engine.dialect.loaded_dbapi.Error as error:
            if (code := error.sqlite_errorcode & 0xFF) in LOCKED:
                raise CannotCopy("The desk runs: stop it (web, worker, commands) and try again.") from error
            if code in NOT_READABLE:
                raise CannotCopy(
                    f"{place} cannot be read ({error}): move it and what begins with its name away, "
                    "and restore again."
                ) from error
            raise
        if full and not is_replacing:
            raise CannotCopy(
                "The desk has rows already. Take a backup of it, then say --replace to give them up."
            )
        yield old


def has_rows(connection: sqlite3.Connection) -> bool:
    """Tell whether any table but the migrations' has a row."""
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'"
        " AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    ).fetchall()
    return any(connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() for (name,) in tables)


def build(draft: Draft, facts: Facts) -> None:
    """Prove a draft sound and bring it to this version; all of it stands in the one file afterwards."""
    url = f"sqlite:///{draft.path}"
    engine = create_engine(url, poolclass=NullPool, **engine_options(url))
    with engine.connect() as connection:
        driver: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
        require_sound(driver, "integrity_check", "The backup's database is not sound")
        if (there := revision_of(driver)) != facts.revision:
            raise CannotCopy(f"The backup stands at migration {there}, not at {facts.revision} as it says.")
        migrating.upgrade(connection)
        driver.execute("PRAGMA journal_mode=DELETE")


def require_sound(connection: sqlite3.Connection, how: str, sentence: str) -> None:
    """Raise CannotCopy, with this sentence and the first faults, unless pages and keys are sound."""
    faults = [fault for (fault,) in connection.execute(f"PRAGMA {how}({MOST})") if fault != "ok"]
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        if len(faults) >= MOST:
            break
        faults.append(f"{table} {row} leads to no {parent}")
    if faults:
        raise CannotCopy(f"{sentence}: {'; '.join(' '.join(fault.split()) for fault in faults)}.")


def revision_of(connection: sqlite3.Connection) -> str:
    """Return the migration at which a database stands."""
    (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(revision)


def give_to_owner(draft: Draft) -> None:
    """Let whoever owns the folder own the database too, where root restores."""
    if os.geteuid() == 0:
        folder = draft.place.parent.stat()
        os.fchown(draft.handle, folder.st_uid, folder.st_gid)


def put_log_away(old: sqlite3.Connection, place: Path) -> None:
    """Write the old file's log into it and take it away: under its name it would be the new file's.

    Nobody comes in until the connection is closed, and nothing is left of it beside the file.
    """
    old.execute("PRAGMA journal_mode=DELETE")
    # The journal of that goes when the file is let go, for which it must be read once; then it is taken
    # again. Whoever came in between has left a log, or the mark of one.
    old.execute("PRAGMA locking_mode=NORMAL")
    old.execute("SELECT 1 FROM sqlite_master").fetchall()
    old.execute("BEGIN EXCLUSIVE")
    (mode,) = old.execute("PRAGMA journal_mode").fetchone()
    if mode != "delete" or any(Path(f"{place}{end}").exists() for end in BESIDE):
        raise CannotCopy("The desk was started meanwhile: stop it (web, worker, commands) and try again.")
