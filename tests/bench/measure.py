"""Rounds: every candidate gets a turn in each, shuffled, so that what disturbs one disturbs all.

A turn is some calls in a row and counts by their median. Of a candidate's turns the best is its quiet
value, and their median its p50. Every answer is judged, outside the clock.

What runs in this process alone has a third figure, the time that it had a core, of its best turn: where
that is less than the quiet value, somebody else had the core, and there was no quiet round.
"""

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from random import Random
from statistics import median
from time import perf_counter, perf_counter_ns, process_time_ns
from typing import Any, NamedTuple

from tests.bench.calls import Call, Wrong

FEWEST = 1  # calls of a turn
DISTURBED = 1.2  # times the core time


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
    is_inside: bool = False  # it waits for nothing but a core

    @classmethod
    def of(
        cls, path: str, orders: int, call: Call, check: Callable[[Any], None], *, is_inside: bool = True
    ) -> "Candidate":
        """Return a candidate of this process that needs no making ready."""
        return cls(Key(path, orders), lambda: nullcontext(call), check, is_inside=is_inside)


class Took(NamedTuple):
    """What one call took, in nanoseconds: on the clock, and of a core."""

    time: int
    core: int


class Figures(NamedTuple):
    """What was measured of a candidate, in nanoseconds a call."""

    quiet: float
    p50: float
    calls: int
    turns: int
    pieces: int = 1  # that one call does
    core: float | None = None

    @property
    def is_disturbed(self) -> bool:
        """Tell whether others had the core even in the best turn."""
        return self.core is not None and self.quiet > DISTURBED * self.core


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


def turn(candidate: Candidate, seconds: float) -> list[Took]:
    """Return what each call of a turn took."""
    took: list[Took] = []
    with candidate.opened() as call:
        if candidate.is_warmed:
            judged(candidate, call())
        gc.collect()
        until = perf_counter() + seconds
        while len(took) < candidate.most_calls and (len(took) < FEWEST or perf_counter() < until):
            core = process_time_ns()
            began = perf_counter_ns()
            answer = call()
            time = perf_counter_ns() - began
            took.append(Took(time, process_time_ns() - core))
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
    turns: dict[Key, list[list[Took]]] = {candidate.key: [] for candidate in candidates}
    try:
        for n in range(rounds):
            progress(f"round {n + 1} of {rounds}")
            for candidate in rng.sample(candidates, len(candidates)):
                if candidate.most_turns is None or n < candidate.most_turns:
                    turns[candidate.key].append(turn(candidate, seconds))
    finally:
        gc.unfreeze()
    return {candidate.key: figures(candidate, turns[candidate.key]) for candidate in candidates}


def figures(candidate: Candidate, turns: Sequence[Sequence[Took]]) -> Figures:
    """Return the figures of a candidate's turns."""
    times = [median(took.time for took in turn) for turn in turns]
    core = min(median(took.core for took in turn) for turn in turns) if candidate.is_inside else None
    calls = sum(len(turn) for turn in turns)
    return Figures(min(times), median(times), calls, len(turns), candidate.pieces, core)
