"""Rounds: every candidate gets a turn in each, shuffled, so that what disturbs one disturbs all.

A turn is some calls in a row and counts by their median. Of a candidate's turns the best is its quiet
value, and their median its p50. Every answer is judged, outside the clock.
"""

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from random import Random
from statistics import median
from time import perf_counter, perf_counter_ns
from typing import Any, NamedTuple

from tests.bench.calls import Call, Wrong

FEWEST = 1  # calls of a turn


class Key(NamedTuple):
    """Which path, and in a database of how many orders (0: of none)."""

    path: str
    orders: int = 0


@dataclass(frozen=True)
class Candidate:
    """What is measured: `opened` makes ready for a turn and gives the call; `check` raises Wrong."""

    key: Key
    opened: Callable[[], AbstractContextManager[Call]]
    check: Callable[[Any], None]
    most_calls: int = 2000  # in a turn
    most_turns: int | None = None
    is_warmed: bool = True  # by one call of each turn that does not count
    pieces: int = 1  # that one call does

    @classmethod
    def of(cls, path: str, orders: int, call: Call, check: Callable[[Any], None]) -> "Candidate":
        """Return a candidate that needs no making ready."""
        return cls(Key(path, orders), lambda: nullcontext(call), check)


class Figures(NamedTuple):
    """What was measured of a candidate, in nanoseconds a call."""

    quiet: float
    p50: float
    calls: int
    turns: int
    pieces: int = 1  # that one call does


def judged(candidate: Candidate, answer: Any) -> None:
    """Judge an answer; Wrong says of which candidate it is."""
    try:
        candidate.check(answer)
    except Wrong as wrong:
        raise Wrong(f"{candidate.key.path}, {candidate.key.orders} orders: {wrong}") from wrong


def look(candidates: Sequence[Candidate]) -> None:
    """Ask every candidate twice and judge its answers, before anything is timed."""
    for candidate in candidates:
        for _ in range(2 if candidate.is_warmed else 1):
            with candidate.opened() as call:
                judged(candidate, call())


def turn(candidate: Candidate, seconds: float) -> list[int]:
    """Return how long each call of a turn took, in nanoseconds."""
    took: list[int] = []
    with candidate.opened() as call:
        if candidate.is_warmed:
            judged(candidate, call())
        gc.collect()
        until = perf_counter() + seconds
        while len(took) < candidate.most_calls and (len(took) < FEWEST or perf_counter() < until):
            began = perf_counter_ns()
            answer = call()
            took.append(perf_counter_ns() - began)
            judged(candidate, answer)
    return took


def measure(
    candidates: Sequence[Candidate],
    *,
    rounds: int,
    seconds: float,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[Key, Figures]:
    """Return the figures of each candidate; a turn takes about so many seconds."""
    # Several applications lie in this process and one in a server: what is there now is no garbage.
    gc.collect()
    gc.freeze()
    rng = Random(1)
    turns: dict[Key, list[list[int]]] = {candidate.key: [] for candidate in candidates}
    try:
        for n in range(rounds):
            progress(f"round {n + 1} of {rounds}")
            for candidate in rng.sample(candidates, len(candidates)):
                if candidate.most_turns is None or n < candidate.most_turns:
                    turns[candidate.key].append(turn(candidate, seconds))
    finally:
        gc.unfreeze()
    return {c.key: figures(turns[c.key], c.pieces) for c in candidates}


def figures(turns: Sequence[Sequence[int]], pieces: int) -> Figures:
    """Return the figures of these turns."""
    medians = [median(turn) for turn in turns]
    return Figures(min(medians), median(medians), sum(len(turn) for turn in turns), len(turns), pieces)
