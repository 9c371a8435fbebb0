"""Requests made up from the OpenAPI document: no call fails, answers otherwise than told, or takes what it
tells to be wrong.

A few of each call run here, against the app; `make fuzz` sends 200 of each to a running desk, prints what
became of them, and asks that 30 % of each call's answers are good: a run that meets 401 and 404 tests the
door alone.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask

from app import create_app
from app.db import db
from tests.conftest import TEST_SETTINGS
from tests.fuzz.driver import Told, drive, load, operations
from tests.fuzz.stage import Stage
from tests.running import Desk

EXAMPLES = int(os.environ.get("TRADEPOST_FUZZ", "0"))
SEED = int(os.environ.get("TRADEPOST_SEED", "1"))
FEW = 3
LEAST_GOOD = 0.3


def judge(told: list[Told]) -> None:
    """Fail where an answer was not as the document says."""
    faults = [fault for of in told for fault in of.faults]
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults[:10])


def test_a_few_requests_of_each_call_are_answered_as_the_document_says(app: Flask) -> None:
    stage = Stage(app, FEW, SEED)
    schema = load(app.test_client().get("/api/openapi.json").json or {}, app)
    judge([drive(operation, stage, FEW, SEED, None) for operation in operations(schema)])


@pytest.fixture
def running(database: Path, tmp_path: Path) -> Iterator[tuple[Desk, Stage]]:
    """A desk that runs, with enough in it."""
    path = shutil.copy(database, tmp_path / "tradepost.db")
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"})
    stage = Stage(app, EXAMPLES, SEED)
    with app.app_context():
        db.engine.dispose()
    desk = Desk(tmp_path).wait()
    try:
        yield desk, stage
    finally:
        desk.end()


@pytest.mark.skipif(not EXAMPLES, reason="the long run: make fuzz")
def test_many_requests_of_each_call_are_answered_as_the_document_says(
    running: tuple[Desk, Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    desk, stage = running
    address = f"http://127.0.0.1:{desk.port}"
    schema = load(requests.get(f"{address}/api/openapi.json", timeout=20).json())
    told = []
    with capsys.disabled():
        print(f"\nSeed {SEED}\n{'call':<34} {'cases':>5} {'2xx':>7} {'5xx':>4}  answers")
        for operation in operations(schema):
            told.append(drive(operation, stage, EXAMPLES, SEED, address))
            print(told[-1].line(), flush=True)
    judge(told)
    assert [of.name for of in told if of.good < LEAST_GOOD] == []
