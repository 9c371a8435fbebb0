"""The tables of conformance are what is tested: every clause has its proof, every proof its clause."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from app.config import ROOT
from tests.seeds.conformance import HERE, README, SEEDS, VERDICTS, WHOLE, clauses, placed, whole

SOURCES = [*HERE.glob("test_*.py"), *(ROOT / "tests" / "api").glob("test_*.py")]


def names_of(path: Path) -> list[str]:
    """Return the names of a module's tests."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.name for node in tree.body if getattr(node, "name", "").startswith("test_")]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_clause_is_proved_or_has_a_reason(seed: str) -> None:
    known = Counter(test for path in SOURCES for test in names_of(path))
    found = clauses(seed)
    for clause in found:
        assert clause.verdict in VERDICTS
        assert bool(clause.reason) == (clause.verdict != "met"), clause
        assert bool(clause.tests) == (clause.verdict != "left out"), clause
        assert [test for test in clause.tests if known[test] != 1] == [], clause
    told = Counter((clause.part, clause.words) for clause in found)
    assert [words for words, n in told.items() if n > 1] == []


def test_every_test_of_the_seeds_proves_a_clause() -> None:
    proving = {test for seed in SEEDS for clause in clauses(seed) for test in clause.tests}
    here = {test for path in HERE.glob("test_*.py") if path != Path(__file__) for test in names_of(path)}
    assert here - proving == set()


def test_the_tables_are_those_that_are_written() -> None:
    readme = README.read_text(encoding="utf-8")
    assert placed(readme) == readme, "python -m tests.seeds"
    assert WHOLE.read_text(encoding="utf-8") == whole(), "python -m tests.seeds"
