"""The running desk is killed, again and again, while programs write: nothing that was answered is lost.

`flask serve` with two web workers and the background worker, DURABLE=1. Killed (SIGKILL) are one web worker,
the web server, the background worker, the one who minds them, all of them, and on PostgreSQL one of its
processes and all of it. `make kill KILLS=200 DB=postgresql` kills so often; a few stand in the suite.
"""

import os
import random
import socket
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from flask import Flask

from app import assets
from tests.kill import reckoning
from tests.kill.conftest import SECRET, Place, bearer_of
from tests.kill.siege import Siege
from tests.kill.writers import Ledger, Story, Writer
from tests.running import Desk, needs_linux

KILLS = int(os.environ.get("TRADEPOST_KILLS", "0"))
SHORT = {
    "sqlite": ("web worker", "background worker", "all"),
    "postgresql": ("backend", "web worker", "postmaster"),
}
BATCH = 25
WRITERS = 4
# Seconds between two kills.
SHORTEST, LONGEST = 0.05, 0.8

pytestmark = needs_linux


def starter(place: Place, folder: Path) -> tuple[Callable[[], Desk], int]:
    """Return what starts the desk, always on the same port, and the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {
        "DATABASE_URL": place.url,
        "DURABLE": "1",
        "PORT": str(port),
        "BASE_URL": "https://desk.example",
        "TRUSTED_HOSTS": "desk.example,127.0.0.1",
        "SECRET_KEY": SECRET,
    }

    def start() -> Desk:
        desk = Desk(folder, **settings)
        desk.port = port
        return desk

    return start, port


def test_whoever_is_killed_what_was_answered_is_there_and_all_is_whole(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if assets.missing():
        pytest.skip("run `make setup` first: the browser's files are not there")
    kind = "postgresql" if place.postmaster else "sqlite"
    kills = KILLS or len(SHORT[kind])
    seed = random.randrange(1_000_000) if KILLS else 1
    bearer, store_id = bearer_of(place.app)
    ledger = Ledger(store_id)
    start, port = starter(place, tmp_path / "desk")
    siege = Siege(start, place.postmaster, f"{seed} siege", () if KILLS else SHORT[kind])
    seeds = count(1)

    def writers() -> list[Writer]:
        begun = [Writer(ledger, port, bearer, f"{seed} {next(seeds)}") for _ in range(WRITERS)]
        for writer in begun:
            writer.start()
        return begun

    lost: Counter[str] = Counter()
    try:
        for left in range(kills, 0, -BATCH):
            at_work = writers()
            for _ in range(min(left, BATCH)):
                at_work[0].ended.wait(siege.dice.uniform(SHORTEST, LONGEST))
                siege.strike(lambda: ledger.last_sent)
            end(at_work)
            assert reckoning.broken(place.app) == [], f"seed {seed}"
            reckon(place.app, ledger, lost, seed)
            settle(ledger, place.app, port, bearer)
            assert reckoning.broken(place.app) == [], f"seed {seed}"
            reckon(place.app, ledger, lost, seed)
            if KILLS:
                with capsys.disabled():
                    print(told(kind, siege, ledger, lost), flush=True)
    finally:
        siege.end()
    with capsys.disabled():
        print("\n" + told(kind, siege, ledger, lost))


def end(writers: list[Writer]) -> None:
    """Let writers end what they are at, and go."""
    for writer in writers:
        writer.ended.set()
    for writer in writers:
        writer.join(60)
        assert not writer.is_alive()


def reckon(app: Flask, ledger: Ledger, lost: Counter[str], seed: int) -> None:
    """Hold that all that was answered is there, once."""
    found = reckoning.compare(app, ledger.answered)
    lost.update(lost=len(found.lost), doubled=len(found.doubled))
    assert (found.lost, found.doubled, ledger.faults) == ([], [], []), f"seed {seed}"


def settle(ledger: Ledger, app: Flask, port: int, bearer: dict[str, str]) -> None:
    """Send what was cut off again under its key, and some of what was answered, for the same answer."""
    reckoning.let_claims_grow_old(app)
    last = Writer(ledger, port, bearer, len(ledger.answered))
    asked_again: list[Story] = ledger.aside[:]
    ledger.aside.clear()
    for story in asked_again:
        last.tell(story)
    keyed = [one for one in ledger.answered if one.call.key]
    for one in last.dice.sample(keyed, min(50, len(keyed))):
        last.ask_again(one)
    last.hang_up()
    assert ledger.aside == [], "what was cut off got no answer afterwards either"


def told(kind: str, siege: Siege, ledger: Ledger, lost: Counter[str]) -> str:
    """Return what happened, in figures."""
    kills = "; ".join(
        f"{name} {len(away)} (median {sorted(away)[len(away) // 2]:.2f} s, worst {max(away):.2f} s)"
        for name, away in sorted(siege.away.items())
    )
    worst = max(map(max, siege.away.values()))
    return (
        f"{kind}: {sum(map(len, siege.away.values()))} kills: {kills}\n"
        f"  {len(ledger.answered)} writes answered ({dict(sorted(ledger.names.items()))}),"
        f" {ledger.cut} cut off, {ledger.replayed} asked for again;"
        f" lost: {lost['lost']}, doubled: {lost['doubled']}; worst recovery {worst:.2f} s"
        + (f", {max(siege.after_database):.2f} s after the database's own" if siege.after_database else "")
    )
