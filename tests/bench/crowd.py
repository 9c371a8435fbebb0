"""Servers beside each other: a small crowd asks for the list, each as soon as it has its answer.

Bounded in count and in time, on this machine's loopback alone. The crowd works in this process and takes
its share of the cores, from every server alike.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from random import Random
from statistics import median, quantiles
from time import perf_counter, perf_counter_ns
from typing import NamedTuple

from tests.bench.calls import Wrong, over_http
from tests.bench.pages import Page
from tests.bench.servers import Server
from tests.bench.table import time_text

CLIENTS = 8
CALLS, SECONDS = 2000, 4.0  # of one turn, whichever comes first
ROUNDS = 3


class Load(NamedTuple):
    """What a server did for the crowd in one turn: answers a second, and their times in nanoseconds."""

    rate: float
    p50: float
    p99: float


def crowd(server: Server, page: Page, *, calls: int, seconds: float) -> Load:
    """Let the crowd ask for a page; every answer is judged."""
    tickets = count()
    until = perf_counter() + seconds

    def client() -> list[int]:
        took = []
        with over_http(server.port) as http:
            page.check(http(page.ask))
            while next(tickets) < calls and perf_counter() < until:
                began = perf_counter_ns()
                answer = http(page.ask)
                took.append(perf_counter_ns() - began)
                page.check(answer)
        return took

    began = perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        times = [one for took in [pool.submit(client) for _ in range(CLIENTS)] for one in took.result()]
    elapsed = perf_counter() - began
    if len(times) < 2:
        raise Wrong(f"the crowd got {len(times)} answers in {elapsed:.1f} s")
    return Load(len(times) / elapsed, median(times), quantiles(times, n=100)[98])


def compared(
    servers: Mapping[str, Server],
    page: Page,
    *,
    rounds: int = ROUNDS,
    calls: int = CALLS,
    seconds: float = SECONDS,
) -> str:
    """Return what each server does for the crowd: medians of interleaved turns."""
    rng = Random(1)
    loads: dict[str, list[Load]] = {name: [] for name in servers}
    for server in servers.values():
        crowd(server, page, calls=calls // 10, seconds=seconds)
    for _ in range(rounds):
        for name in rng.sample(list(servers), len(servers)):
            loads[name].append(crowd(servers[name], page, calls=calls, seconds=seconds))
    lines = [f"Servers: the list, {CLIENTS} connections at once, medians of {rounds} turns"]
    for name, turns in loads.items():
        rate, p50, p99 = (median(of) for of in zip(*turns, strict=True))
        lines.append(f"  {name:44}  {rate:6.0f} a second  p50 {time_text(p50):>8}  p99 {time_text(p99):>8}")
    return "\n".join(lines)
