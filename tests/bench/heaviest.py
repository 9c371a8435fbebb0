"""One path in process under the profiler: what dominates it."""

import cProfile
import io
import pstats
from time import perf_counter

from tests.bench.measure import Candidate, judged

SECONDS = 4.0
MOST = 500  # calls, and before them some to warm up
WARMING = 5
SHOWN = 30


def heaviest(candidate: Candidate) -> str:
    """Return the 30 heaviest functions of a path, by cumulative and by own time."""
    profiler = cProfile.Profile()
    calls, until = 0, perf_counter() + SECONDS
    with candidate.opened() as call:
        if candidate.is_warmed:
            for _ in range(WARMING):
                judged(candidate, call())
        while calls == 0 or (perf_counter() < until and calls < min(MOST, candidate.most_calls)):
            profiler.enable()
            answer = call()
            profiler.disable()
            judged(candidate, answer)
            calls += 1
    text = io.StringIO()
    statistics = pstats.Stats(profiler, stream=text).strip_dirs()
    text.write(f"{candidate.key.path}, {candidate.key.orders} orders: {calls} calls under the profiler\n")
    for by, words in (("cumulative", "with what they call"), ("tottime", "by themselves")):
        text.write(f"\nThe {SHOWN} heaviest {words}\n")
        statistics.sort_stats(by).print_stats(SHOWN)
    return text.getvalue()
