"""Each requirement of OWASP ASVS 5.0.0 has a line, and what is said to be met has a test that is there."""

import ast
import re
from collections import Counter
from functools import cache

import pytest

from tests.house.tree import ROOT
from tests.security.__main__ import main
from tests.security.requirements import CHAPTERS, LEVELS, VERDICTS, requirements

LINES = requirements()


@cache
def named_in(path: str) -> frozenset[str]:
    """Return the tests of a file; none where there is no such file."""
    file = ROOT / path
    if not (path.startswith("tests/") and file.is_file()):
        return frozenset()
    tree = ast.parse(file.read_text())
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def test_every_requirement_has_one_line() -> None:
    doubled = [name for name, number in Counter(line.id for line in LINES).items() if number > 1]
    malformed = [line.id for line in LINES if not re.fullmatch(r"([1-9]\d?)(\.[1-9]\d?){2}", line.id)]
    assert doubled + malformed == []
    in_order = sorted(LINES, key=lambda line: [int(part) for part in line.id.split(".")])
    assert [line.id for line in LINES] == [line.id for line in in_order]
    assert Counter(line.chapter for line in LINES) == {
        chapter.split()[0]: number for chapter, number in CHAPTERS.items()
    }
    assert Counter(line.level for line in LINES) == LEVELS


def test_every_line_says_what_is_asked_and_why_it_stands_so() -> None:
    assert {line.verdict for line in LINES} == set(VERDICTS)
    silent = [line.id for line in LINES if not (line.asks.strip() and line.why.strip())]
    assert silent == []
    for line in LINES:
        above = re.fullmatch(r"as ([\d.]+)\b.*", line.why)
        if above:  # a reason that stands in another line of the same verdict
            assert (line.verdict, True) in {(x.verdict, x.id == above[1]) for x in LINES}, line.id


def test_what_is_met_is_shown_by_tests_that_are_there() -> None:
    unshown = [line.id for line in LINES if (line.verdict == "met") != bool(line.tests)]
    assert unshown == []
    named = [(line.id, test) for line in LINES for test in line.tests]
    absent = []
    for name, test in named:
        path, _, function = test.partition("::")
        if function not in named_in(path):
            absent.append((name, test))
    assert absent == []
    assert max(Counter(named).values()) == 1


def test_the_deployers_list_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    printed = capsys.readouterr().out
    for line in LINES:
        assert (f"[ ] {line.id} " in printed) == (line.verdict in {"deployer", "not"})
    assert f"{len(LINES):33}" in printed
