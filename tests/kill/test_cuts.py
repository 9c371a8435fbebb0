"""Every act is cut off at each of its statements, and at its commit: afterwards it is whole, or was never.

A statement fails by a fault of ours, by a full disk (SQLite then rolls back by itself, before it says so), by
a lock that was not got, or the process ends there and then. The statements are counted while the act runs
through, so a new one is cut off too. `make kill` ends processes in all acts; in the suite a few.
"""

import ast
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeGuard

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from app.db import Base, db, sqlite
from app.outages import is_outage
from tests.house.tree import modules
from tests.kill.acts import (
    NOW,
    SALES,
    Scene,
    a_batch_of_a_file,
    confirm,
    ship,
    three_purchases_combine,
)
from tests.kill.acts_of_connections import CONNECTIONS
from tests.kill.acts_of_people import PEOPLE
from tests.kill.reckoning import broken
from tests.running import needs_linux
from tests.stocked import is_on_sqlite, path_of

ACTS = (*SALES, *PEOPLE, *CONNECTIONS)
IS_LONG = bool(os.environ.get("TRADEPOST_KILLS"))
FEW = ACTS if IS_LONG else (three_purchases_combine, confirm, a_batch_of_a_file)
DYING = ACTS if IS_LONG else (three_purchases_combine, ship)
CASES = [("sqlite", act) for act in ACTS] + [
    pytest.param("postgresql", act, marks=pytest.mark.postgresql) for act in FEW
]
ENDED_HERE = 77
# What a function opens the write transaction by; `hold` is that of accounts.
OPENING = {"Act", "Batch", "take_write_lock", "hold", "hold_on"}
# Steps of other acts: each is cut off within the one that is named here.
WITHIN = {
    "bring_each": "take_sales",
    "hold": "set_password",
    "say_again": "tell_again",
    "withdraw_all": "erase_person",
}
# What differs each time an act is done.
CHANCE = {
    "event": {"act_id"},
    "account": {"fs_uniquifier"},
    "api_token": {"token_hash", "public_id"},
    "signin": {"token_hash"},
    "guest_link": {"public_id"},
    "handoff": {"key_hash"},
}
# The ids of acts stand in the outbox too.
CHOSEN = re.compile(r"\d{12,}")

Fault = Callable[[Any], BaseException]


def name_of(what: Any) -> str:
    """Return how an act, a fault or a database is called."""
    return str(getattr(what, "__name__", what))


class Cut(Exception):
    """What nobody foresaw."""


def nothing(_connection: Any) -> BaseException:
    return Cut()


def full(connection: Any) -> BaseException:
    """Return what SQLite says when the disk is full; it may have rolled back already."""
    connection.rollback()
    error = sqlite.OperationalError("database or disk is full")
    error.sqlite_errorcode = 13
    return error


def locked(_connection: Any) -> BaseException:
    error = sqlite.OperationalError("database is locked")
    error.sqlite_errorcode = 5
    return error


def death(_connection: Any) -> BaseException:
    os._exit(ENDED_HERE)


class Blade:
    """Cuts a transaction off at its nth step: a statement, or, after the last of them, the commit."""

    def __init__(self, at: int = 0, fault: Fault = nothing) -> None:
        self.at, self.fault, self.steps = at, fault, 0

    def step(self, connection: Any) -> None:
        self.steps += 1
        if self.steps == self.at:
            raise self.fault(connection)

    @contextmanager
    def on(self, engine: Engine) -> Iterator["Blade"]:
        """Hold it to all that an engine does."""

        def executed(cursor: Any, *_: Any) -> None:
            self.step(cursor.connection)

        def committed(connection: Any) -> None:
            try:
                self.step(connection.connection.dbapi_connection)
            except sqlite.Error as error:  # at a commit too it comes in these clothes
                raise OperationalError("COMMIT", {}, error) from error

        names = ("do_execute", "do_executemany", "do_execute_no_params")
        for name in names:
            event.listen(engine, name, executed)
        event.listen(engine, "commit", committed)
        try:
            yield self
        finally:
            for name in names:
                event.remove(engine, name, executed)
            event.remove(engine, "commit", committed)


def rows(app: Flask) -> dict[str, list[Any]]:
    """Return all rows, as the database keeps them."""
    found = {}
    with app.app_context(), db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            names = [c.name for c in table.columns if c.name not in CHANCE.get(table.name, ())]
            read = connection.exec_driver_sql(f"SELECT {', '.join(names)} FROM {table.name}")
            found[table.name] = sorted(CHOSEN.sub("", repr(row)) for row in read)
    return found


def differing(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> dict[str, Any]:
    """Return by what two databases differ."""
    return {name: set(one[name]) ^ set(other[name]) for name in one if one[name] != other[name]}


def run(app: Flask, deed: Callable[[], object], blade: Blade) -> BaseException | None:
    """Do an act as a door does, with a blade at it; return what it met."""
    with app.app_context(), blade.on(db.engine):
        try:
            deed()
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            return error
        finally:
            db.session.remove()
    return None


def is_act(step: ast.AST) -> bool:
    """Tell whether a function opens an act, or the write transaction."""
    called = {node.func.id for node in ast.walk(step) if isinstance(node, ast.Call) and is_named(node.func)}
    return isinstance(step, ast.FunctionDef) and step.name[0] != "_" and bool(called & OPENING)


def is_named(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)


def test_every_act_is_cut_off() -> None:
    acting = {
        node.name
        for module in modules("app")
        if module.floor == "actions" and not module.path.endswith(("ledger.py", "batch.py", "bulk.py"))
        for node in module.nodes(ast.FunctionDef)
        if is_act(node)
    }
    tables = [module for module in modules("tests/kill") if module.path.startswith("tests/kill/acts")]
    used = {
        getattr(node, "id", getattr(node, "attr", ""))
        for table in tables
        for node in table.nodes(ast.Name, ast.Attribute)
    }
    assert len(tables) == 3 and len(acting) > 30 and acting - used == WITHIN.keys()
    assert used.issuperset(WITHIN.values())


@pytest.fixture(scope="module")
def counted(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """How many cuts were made; all of them are told at the end."""
    made: Counter[str] = Counter()
    yield made
    if teller := request.config.pluginmanager.getplugin("terminalreporter"):
        teller.write_line(f"\ncut off at {made.total()} points: {dict(made)}")


@pytest.mark.parametrize(("kind_of_database", "act"), CASES, indirect=["kind_of_database"], ids=name_of)
def test_an_act_that_is_cut_off_anywhere_was_never(
    app: Flask, act: Callable[[Scene], Any], counted: Counter[str]
) -> None:
    deed = act(Scene(app))
    before = rows(app)
    faults = (nothing, full, locked) if is_on_sqlite(app) else (nothing,)
    steps, n = 0, 0
    while not steps:
        n += 1
        for fault in faults if IS_LONG else (faults[n % len(faults)],):
            met = run(app, deed, blade := Blade(n, fault))
            if met is None:
                steps = blade.steps
                break
            assert isinstance(met, Cut) if fault is nothing else is_outage(met), (n, met)
            assert blade.steps >= n
            assert differing(before, rows(app)) == {}, f"cut off at step {n} by {name_of(fault)}"
            counted[f"{name_of(fault)}, {'sqlite' if is_on_sqlite(app) else 'postgresql'}"] += 1
    assert steps == n - 1 and steps > 1
    assert differing(before, rows(app)) != {}
    assert broken(app) == []


@pytest.fixture
def clock() -> Iterator[None]:
    """A clock that stands: an act that is done again writes the same times."""
    with time_machine.travel(NOW, tick=False):
        yield


@needs_linux
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("act", DYING, ids=name_of)
def test_an_act_whose_process_ends_anywhere_is_whole_or_was_never(
    app: Flask, act: Callable[[Scene], Any], tmp_path: Path, counted: Counter[str]
) -> None:
    deed = act(Scene(app))
    before = rows(app)
    let_go(app)
    kept = shutil.copy(path_of(app), tmp_path / "kept.db")
    whole = Blade()
    assert run(app, deed, whole) is None
    after = rows(app)
    let_go(app)
    shutil.copy(kept, path_of(app))
    for n in range(1, whole.steps + 1):
        assert in_a_process(app, deed, Blade(n, death)) == ENDED_HERE
        assert differing(before, rows(app)) == {}, f"ended at step {n}"
        let_go(app)
        counted["death, sqlite"] += 1
    assert in_a_process(app, deed, Blade()) == 0
    assert differing(after, rows(app)) == {}


def in_a_process(app: Flask, deed: Callable[[], object], blade: Blade) -> int:
    """Do an act in a process of its own, which ends without a word once it has committed."""
    child = os.fork()
    if child == 0:
        with app.app_context(), blade.on(db.engine):
            deed()
            db.session.commit()
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def let_go(app: Flask) -> None:
    """Close all connections: the file alone is the database."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
