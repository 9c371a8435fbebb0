"""What of each seed is met, what differs and what is left out: tables made of the files `clauses_*.txt`.

A clause stands in such a file by the seed's own words (" … " where some are left away); below it, indented,
the tests that prove it and, where it is not met to the letter, the reason: "differs: …" or "left out: …".
"""

import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from app.config import ROOT

HERE = Path(__file__).parent
README = ROOT / "README.md"
WHOLE = HERE / "README.md"
BEGIN, END = "<!-- conformance: `python -m tests.seeds` writes this -->", "<!-- /conformance -->"
SEEDS = {
    "000": "Okanjo, store sales",
    "003": "Hip, sale",
    "004": "Weebly, order item",
    "all": "What follows from all three",
}
VERDICTS = ("met", "differs", "left out")


class Clause(NamedTuple):
    """Something that a seed says: where, in which words, what proves it, and why it is not met, if so."""

    part: str
    words: str
    tests: tuple[str, ...]
    verdict: str = "met"
    reason: str = ""


def clauses(seed: str) -> list[Clause]:
    """Return the clauses of a seed, in its sequence."""
    part, found = "", list[Clause]()
    for line in (HERE / f"clauses_{seed}.txt").read_text(encoding="utf-8").splitlines():
        text = line.strip()
        verdict, colon, reason = text.partition(": ")
        if line.startswith("== "):
            part = text.removeprefix("== ")
        elif text and line == text:
            found.append(Clause(part, text, ()))
        elif colon and verdict in VERDICTS:
            found[-1] = found[-1]._replace(verdict=verdict, reason=reason)
        elif text:
            found[-1] = found[-1]._replace(tests=(*found[-1].tests, text))
    return found


def short() -> str:
    """Return what stands in the README: how much is met, and each thing that is not, with its reason."""
    lines = [_row("interface", "clauses", *VERDICTS), _row(*["---"] * 5)]
    for seed, name in SEEDS.items():
        counts = Counter(clause.verdict for clause in clauses(seed))
        lines.append(_row(name, counts.total(), *(counts[verdict] for verdict in VERDICTS)))
    for seed, name in SEEDS.items():
        if unmet := [clause for clause in clauses(seed) if clause.reason]:
            lines += ["", _row(name, "its words", "here"), _row(*["---"] * 3)]
            lines += [_row(x.part, _quoted(_cut(x.words)), f"{x.verdict}: {x.reason}") for x in unmet]
    return "\n".join(lines) + "\n"


def whole() -> str:
    """Return the table of everything."""
    return "".join(_whole())


def _whole() -> Iterator[str]:
    """Yield the table of everything, seed by seed."""
    yield "# What the sources say, and what proves it\n\n"
    yield "Made by `python -m tests.seeds` of the files `clauses_*.txt` in this folder.\n"
    for seed, name in SEEDS.items():
        yield f"\n## {name}\n\n{_row('where', 'its words', 'verdict', 'tests')}\n{_row(*['---'] * 4)}\n"
        for clause in clauses(seed):
            said = f"{clause.verdict}: {clause.reason}" if clause.reason else clause.verdict
            proofs = " ".join(f"`{test.removeprefix('test_')}`" for test in clause.tests)
            yield _row(clause.part, _quoted(clause.words), said, proofs) + "\n"


def placed(readme: str) -> str:
    """Return the README with the short table between its marks."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks the marks {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n\n{short()}\n{END}{after}"


def _row(*cells: object) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _cut(words: str) -> str:
    """Return the beginning of words that are long."""
    return textwrap.shorten(words, 80, placeholder=" …")


def _quoted(words: str) -> str:
    """Return a seed's words so that no sign of theirs is read as Markdown."""
    return f"`` {words} ``" if "`" in words else f"`{words}`"
