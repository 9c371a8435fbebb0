"""A proof: an invariant, how much was looked at, and what breaks it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.queries.books.rules import Rule, breaches, looked_at

FIRST = 5


class Proof(NamedTuple):
    """What came of looking at an invariant; `first` names the first few rows that break it, by id."""

    name: str
    rows: int
    broken: int
    first: tuple[str, ...]
    of: str = "row"


@dataclass
class Question:
    """An invariant that is being looked at, row by row."""

    name: str
    rows: int = 0
    broken: int = 0
    first: list[str] = field(default_factory=list)

    def breach(self, row: str) -> None:
        """Note a row that breaks it."""
        self.broken += 1
        if len(self.first) < FIRST:
            self.first.append(row)

    def proof(self) -> Proof:
        """Return what came of it."""
        return Proof(self.name, self.rows, self.broken, tuple(self.first))


def prove(name: str, rows: int, broken: Iterable[str], *, of: str = "row") -> Proof:
    """Return the proof of an invariant that these break, of so many rows (or what else was looked at)."""
    question = Question(name, rows)
    for row in broken:
        question.breach(row)
    return question.proof()._replace(of=of)


def of_rule(rule: Rule, sizes: Mapping[str, int]) -> Proof:
    """Return the proof of what selects find in no order: the first few are picked here, no others kept."""
    broken = 0
    first: list[tuple[str, tuple[Any, ...]]] = []
    for breach in breaches(rule):
        broken += 1
        first = sorted([*first, breach])[:FIRST]
    named = (f"{word} {', '.join(map(str, ids))}" for word, ids in first)
    return Proof(rule.name, looked_at(rule, sizes), broken, tuple(named))
