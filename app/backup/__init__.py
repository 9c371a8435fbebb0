"""The whole desk in one file, and back again: how `flask backup` and `flask restore` work.

A backup holds all rows as they stood at one moment, the migration they stand at and a checksum; others
write meanwhile. On SQLite it is the database's file as SQLite's own online backup copies it, on PostgreSQL
the rows as COPY tells them, read in one transaction: the tables are made by the migrations, so neither the
server's tools nor their version matter. Both end with a seal (`sealed`). What is not in the database is not
inside: the secret key, the settings, the queue, mails that are files.

A restore builds everything anew beside what is there, proves it, and takes the other's place in one step:
killed at any moment, either the old or the new is whole. Rows are written past the acts here alone.
"""

from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from app.backup import postgresql, sealed, sqlite
from app.backup.sealed import CannotCopy, Facts
from app.db import db
from app.outages import in_words
from app.standing import knows

__all__ = ["CannotCopy", "Facts", "restore", "take"]


def take(path: Path) -> Facts:
    """Write a backup of the desk to this path, in place of an older one; return what its seal says.

    CannotCopy where it cannot be done: what stood there before still does.
    """
    sealed.require_place(path)
    kind = db.engine.dialect.name
    with sealed.draft_of(path) as draft:
        try:
            if kind == "sqlite":
                revision = sqlite.copy_into(draft.path)
            else:
                with draft.path.open("wb") as file:
                    revision = postgresql.write_rows(file)
        except driver_errors() as error:
            raise CannotCopy(f"No backup was made: {in_words(error)}.") from error
        facts = sealed.seal(draft, database=kind, revision=revision)
        draft.publish()
    return facts


def restore(path: Path, *, is_replacing: bool) -> Facts:
    """Let the desk be what this backup holds, brought to this version; return what its seal says.

    CannotCopy for a file that is no whole backup, is of the other database or a newer version; where the
    desk runs; where it has rows and is not told to replace them. The desk is then as it was.
    """
    kind = db.engine.dialect.name
    with path.open("rb") as file:
        facts = sealed.facts_of(file, path)
        if facts.database != kind:
            raise CannotCopy(f"{path} is a backup of {facts.database}, and this desk is on {kind}.")
        if not knows({facts.revision}):
            raise CannotCopy(
                f"{path} was made by version {facts.version}, which is newer: restore it with that version."
            )
        sealed.require_sound(file, path)
        db.session.remove()
        db.engine.dispose()  # or this process itself would look like a desk that runs
        try:
            (sqlite if kind == "sqlite" else postgresql).restore(file, facts, is_replacing=is_replacing)
        except driver_errors() as error:
            raise CannotCopy(f"Nothing was restored: {in_words(error)}.") from error
    return facts


def driver_errors() -> tuple[type[Exception], ...]:
    """Return what the database's driver raises, by itself or through SQLAlchemy."""
    return (SQLAlchemyError, db.engine.dialect.loaded_dbapi.Error)
