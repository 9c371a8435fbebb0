"""Backups made while four processes write, and restored: all that was acknowledged before is inside.

`make races` makes and restores fifty on each database, and tells the figures.
"""

import os
import time
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app.cli.books import all_proofs
from app.db import db
from tests.races.writers import STEPS, Writer, writing
from tests.rules import invariants

ROUNDS = min(int(os.environ.get("TRADEPOST_RACES", "0")), 50) or 1
CROWD = 4
HOLDS = {
    "sold": "SELECT id FROM orders",
    "paid": "SELECT id FROM orders WHERE paid_at IS NOT NULL",
    "sent": "SELECT order_id FROM order_item WHERE shipped > 0",
}


@pytest.mark.both
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_backup_made_while_others_write_holds_what_was_acknowledged_and_restores_whole(
    app: Flask, elsewhere: Flask, kind_of_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, took, inside, behind = tmp_path / "backup", [], 0, 0
    meanwhile: list[float] = []
    with writing(app, tmp_path, CROWD) as writers:
        for _ in range(ROUNDS):
            before = [len(writer.told()) for writer in writers]
            begun = time.monotonic()
            made = app.test_cli_runner().invoke(args=["backup", str(file)])
            took.append(time.monotonic() - begun)
            after = [len(writer.told()) for writer in writers]
            assert made.exit_code == 0, made.output
            put_back = elsewhere.test_cli_runner().invoke(args=["restore", str(file), "--replace"])
            assert put_back.exit_code == 0, put_back.output
            holds = what_it_holds(elsewhere)
            for writer, least, most in zip(writers, before, after, strict=True):
                n = how_much_of(writer, holds)
                # One may have been done whose acknowledgement was still on its way.
                assert least <= n <= most + 1
                inside, behind = inside + least, behind + n - least
                meanwhile += [one.took for one in writer.told()[least : most + 1]]
            assert invariants.broken(invariants.dump(elsewhere)) == []
            with elsewhere.app_context():
                assert [proof.name for proof in all_proofs() if proof.broken] == []
                db.session.remove()
    usual = [one.took for writer in writers for one in writer.told()]
    with capsys.disabled():
        print(
            f"\n{kind_of_database}: {ROUNDS} backups under {CROWD} writers, the last one of "
            f"{file.stat().st_size / 1e6:.1f} MB, {ROUNDS} restores; {inside} acknowledged writes looked "
            f"for, 0 missing, {behind} later ones inside; a backup took {sum(took) / ROUNDS:.2f} s, at most "
            f"{max(took):.2f}; a write at most {max(meanwhile):.3f} s while one was made, {max(usual):.3f} s "
            f"in all {len(usual)}"
        )


def what_it_holds(desk: Flask) -> dict[str, set[int]]:
    """Return the sales to which each step was done."""
    with desk.app_context():
        held = {step: set(db.session.scalars(text(select))) for step, select in HOLDS.items()}
        db.session.remove()
        return held


def how_much_of(writer: Writer, holds: dict[str, set[int]]) -> int:
    """Return how many of a writer's acts are there: its first ones, and none without those before."""
    there = [one.order_id in holds[one.step] for one in writer.told()]
    n = sum(there)
    assert there == [True] * n + [False] * (len(there) - n), "a later write is inside, an earlier one is not"
    return n


def test_each_step_of_a_writer_is_looked_for() -> None:
    assert set(HOLDS) == set(STEPS)
