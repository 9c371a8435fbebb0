"""How Alembic reaches the database and writes our column types into migrations as plain ones."""

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection

import app.models  # noqa: F401 - the tables register themselves
from app.db import Code, UtcDateTime, db
from app.standing import make_file


def render_item(kind: str, item: Any, autogen_context: Any) -> str | bool:
    """Write our own column types as what the database keeps: migrations import nothing of the app."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Code):
        return "sa.SmallInteger()"
    return False


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave the queue's own tables alone, where it stands in the same database."""
    return not (kind == "table" and name and name.startswith("huey_"))


def run(connection: Connection) -> None:
    """Run the migrations in one transaction, with SQLite's foreign keys off while tables are rebuilt.

    Killed at any point, or refused at its end, it leaves the database as it was.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7301)")  # one at a time
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_item=render_item,
        include_name=include_name,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if is_sqlite:
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"the migration would leave rows without their parents: {broken[:5]}")
    connection.commit()
    if is_sqlite:
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    make_file()
    with current_app.extensions["migrate"].db.engine.connect() as connection:
        run(connection)
