"""What the database proves by itself: that its pages are sound and every key leads to a row."""

from collections.abc import Iterator

from sqlalchemy import func, select, text

from app.db import Base, db

# A broken database may have more faults than anybody reads.
MOST = 1000
NOT_IN_FORCE = text(
    "SELECT 'rule ' || conname FROM pg_constraint"
    " WHERE NOT convalidated AND connamespace = current_schema()::regnamespace"
    " UNION ALL SELECT 'trigger of ' || tgrelid::regclass FROM pg_trigger"
    " JOIN pg_class ON pg_class.oid = tgrelid"
    " WHERE tgenabled <> 'O' AND relnamespace = current_schema()::regnamespace"
)
UNFIT_INDEXES = text(
    "SELECT 'index ' || indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
    " WHERE NOT (indisvalid AND indisready) AND relnamespace = current_schema()::regnamespace"
)


def sizes() -> dict[str, int]:
    """Return how many rows each table has, by its name."""
    counts = (
        select(func.count()).select_from(table).scalar_subquery().label(table.name)
        for table in Base.metadata.sorted_tables
    )
    return dict(db.session.execute(select(*counts)).mappings().one())


def lost() -> Iterator[str]:
    """Yield the rows whose keys lead nowhere, or to another store; on PostgreSQL the rules not in force."""
    connection = db.session.connection()
    if connection.dialect.name != "sqlite":
        yield from db.session.scalars(NOT_IN_FORCE)
        return
    for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"{table} {row or '(no id)'} to {parent}"


def unsound() -> Iterator[str]:
    """Yield what is wrong with the file and its indexes; on PostgreSQL the indexes that are not in use."""
    connection = db.session.connection()
    if connection.dialect.name != "sqlite":
        yield from db.session.scalars(UNFIT_INDEXES)
        return
    # The rules of the tables are proved with the ids of the rows that break them.
    connection.exec_driver_sql("PRAGMA ignore_check_constraints=ON")
    try:
        for (fault,) in connection.exec_driver_sql(f"PRAGMA quick_check({MOST})"):
            if fault != "ok":
                yield " ".join(fault.split())
    finally:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints=OFF")
