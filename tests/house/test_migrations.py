"""The migrations make what the models say, on an empty database and back again."""

import ast
import os
import signal
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import event, inspect, text

from app import create_app
from app.access import SYSTEM
from app.actions.audit import audit
from app.actions.buyers_word import review
from app.actions.payment import unpay
from app.actions.problems import note
from app.db import db
from app.standing import make_file
from tests import postgres
from tests.conftest import TEST_SETTINGS, set_the_stage
from tests.factories import DIGITAL, GOODS, Factory
from tests.house.conftest import House, Template
from tests.house.tree import ROOT, imported, modules


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """A desk whose database has no tables yet."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    if request.param == "postgresql":
        url = postgres.fresh_database(request.getfixturevalue("postgres_url"), f"empty_{os.getpid()}")
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": url})
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def tables() -> set[str]:
    """Return the names of the tables that are there now, Alembic's own left out."""
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


EVERYTHING = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name",
    "postgresql": """
        SELECT table_name || '.' || column_name, concat_ws(' ', data_type, character_maximum_length,
               collation_name, is_nullable) FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2""",
}


def schema() -> list[tuple[str, str]]:
    """Return (name, definition) of everything that is there now."""
    with db.engine.connect() as connection:
        rows = connection.execute(text(EVERYTHING[connection.dialect.name]))
        return [(name, definition) for name, definition in rows]


def test_there_is_one_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


# SQLAlchemy cannot read an index on an expression back; those are looked for by name below.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.usefixtures("empty")
def test_from_nothing_to_the_newest_makes_exactly_what_the_models_say() -> None:
    upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


@pytest.mark.usefixtures("empty")
def test_indexes_on_expressions_are_there_although_they_cannot_be_compared() -> None:
    upgrade()
    there = {name for name, _ in schema()}
    of_expressions = {
        index.name
        for table in db.metadata.sorted_tables
        for index in table.indexes
        if any(not hasattr(expression, "table") for expression in index.expressions)
    }
    assert of_expressions
    assert of_expressions <= there


@pytest.mark.usefixtures("empty")
def test_all_the_way_back_leaves_nothing_and_forth_again_makes_the_same() -> None:
    upgrade()
    first = schema()
    assert tables()
    downgrade(revision="base")
    assert tables() == set()
    upgrade()
    assert schema() == first


# At how many places a migration is cut here; PostgreSQL begins slowly.
KILLS = {"sqlite": 10, "postgresql": 3}


def killed_at(which: int) -> int:
    """Migrate in a process that is killed at this statement (0: before the commit); return its number."""
    db.engine.dispose()
    told, tell = os.pipe()
    if (child := os.fork()) == 0:
        done = 0

        def die(*_: object) -> None:
            os.write(tell, str(done).encode())
            os.kill(os.getpid(), signal.SIGKILL)

        def count(*_: object) -> None:
            nonlocal done
            done += 1
            if done == which:
                die()

        try:
            event.listen(db.engine, "after_cursor_execute", count)
            event.listen(db.engine, "commit", die)
            upgrade()
        finally:
            os._exit(1)  # it was to be killed
    os.close(tell)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    with os.fdopen(told) as count_of:
        return int(count_of.read())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("version", ["base", "0001"])
@pytest.mark.usefixtures("empty")
def test_migrations_killed_anywhere_leave_what_was_there_and_are_done_by_the_next_ones(version: str) -> None:
    make_file()
    if version != "base":
        upgrade(revision=version)
    before = schema()
    statements = killed_at(0)
    assert schema() == before
    for which in range(1, statements + 1, max(1, statements // KILLS[db.engine.dialect.name])):
        assert killed_at(which) == which
        assert schema() == before
    upgrade()
    whole = schema()
    downgrade(revision="base")
    upgrade()
    assert schema() == whole


def test_a_migration_that_would_lose_a_parent_is_not_done(tmp_path: Path) -> None:
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'orphan.db'}"})
    with app.app_context():
        upgrade(revision="0001")
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql(
                "INSERT INTO tally (store_id, grain, code, n) VALUES (7, 'order', 'all', 0)"
            )
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        before = schema()
        with pytest.raises(SystemExit):
            upgrade()
        assert schema() == before
        db.engine.dispose()


def test_back_and_forth_works_with_rows_in_every_table(house: House) -> None:
    with house.app.app_context():
        db.session.remove()
        downgrade(revision="base")
        upgrade()
        assert tables()


def test_the_history_of_an_older_desk_tells_of_all_that_was_there(empty: Flask) -> None:
    set_the_stage(empty)
    make = Factory(empty)
    given = replace(DIGITAL, cause_id=make.cause(), donation_pct=10)
    order_id, mistaken = make.sale(GOODS, given, postage=300), make.sale(GOODS)
    cards, pattern = make.items_of(order_id)
    make.ship(order_id, {cards: 2}, number="JD 01")
    make.label(order_id, {cards: 1})
    by: Any = {"actor": SYSTEM, "store_id": 1}
    note(order_id, "Asked twice", is_private=True, **by)
    review(order_id, pattern, 5, "Lovely", **by)
    unpay(mistaken, **by)
    db.session.commit()
    assert broken() == []
    db.session.remove()
    downgrade(revision="0002")
    upgrade()
    assert broken() == []
    told = "SELECT coalesce(row_kind, 'parcel'), count(*) FROM event WHERE verb = 'upgrade' GROUP BY row_kind"
    there = dict(db.session.execute(text(told)).all())
    assert there == {"payment": 3, "payout": 6, "note": 1, "feedback": 1, "parcel": 2}


def broken() -> list[str]:
    """Return which promises the books break."""
    return [str(proof) for proof in audit() if proof.broken]


def test_migrations_know_nothing_of_the_app() -> None:
    versions = modules("migrations/versions")
    assert versions
    knowing = [
        m.at(node)
        for m in versions
        for node in m.nodes(ast.Import, ast.ImportFrom)
        if {name.split(".")[0] for name in imported(node)} & {"app", "tests"}
    ]
    assert knowing == []


def test_no_row_has_lost_what_it_points_to(template: Template) -> None:
    connection = sqlite3.connect(f"file:{template.path}?immutable=1", uri=True)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
