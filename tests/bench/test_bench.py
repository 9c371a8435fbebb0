"""The bench itself: every path is asked and judged; no figure is asserted."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.bench import crowd, hello
from tests.bench.calls import LOOPBACK, Ask, Call, Wrong
from tests.bench.facts import Place
from tests.bench.goals import GROUPS, PATHS, ratios
from tests.bench.measure import Candidate, Figures, Key, Took, figures, look, measure
from tests.bench.options import sizes
from tests.bench.pages import Page
from tests.bench.servers import ROOT, Servers
from tests.bench.table import table, time_text

LITTLE = ("--orders=200", "--rounds=2", "--seconds=0.01", "--imported=20")


def test_a_run_measures_every_path_and_every_answer_is_the_right_one(tmp_path: Path) -> None:
    written = tmp_path / "bench.json"
    command = [
        sys.executable,
        "-m",
        "tests.bench",
        *LITTLE,
        f"--data={tmp_path / 'data'}",
        f"--json={written}",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"event"' not in done.stderr  # the desk's log has a file of its own
    said = json.loads(written.read_text())
    assert [row["path"] for row in said["rows"]] == list(PATHS)
    assert all(row["turns"] == 2 and row["calls"] >= 2 and row["quiet_us"] > 0 for row in said["rows"])
    assert {row["path"]: [r["to"] for r in row["ratios"]] for row in said["rows"]}["list"] == ["F1"]
    assert said["table"] in done.stdout
    shown = [line.strip() for line in done.stdout.splitlines()]
    assert all(any(line.startswith(path.title) for line in shown) for path in PATHS.values())
    assert "SQLite" in said["machine"]["database"] and "200 orders" in said["machine"]["files"]
    assert [path.name.startswith("200-") for path in (tmp_path / "data").iterdir()] == [True]


def test_a_crowd_asks_two_servers_that_are_gone_afterwards(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Servers(scratch) as servers:
        started = {
            "gunicorn": servers.gunicorn("tests.bench.hello:create_hello()", threads=2),
            "granian": servers.granian("tests.bench.hello:create_hello", workers=1, threads=2),
        }
        page = Page("list", Ask("/"), hello.says_hello)
        said = crowd.compared(started, page, rounds=1, calls=50, seconds=5.0)
    assert "gunicorn" in said and "granian" in said
    assert not any(answers(server.port) for server in started.values())
    assert not scratch.exists()


ABANDONED = """
import sys, time
from pathlib import Path
from tests.bench.calls import Ask, over_http
from tests.bench.servers import Servers
with Servers(Path(sys.argv[1])) as servers:
    server = servers.gunicorn("tests.bench.hello:create_hello()")
    with over_http(server.port) as call:
        assert call(Ask("/")).status == 200
    print(server.port, flush=True)
    time.sleep(60)
"""


def test_a_server_is_ended_even_when_the_bench_is_killed(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-c", ABANDONED, str(scratch)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as bench:
        assert bench.stdout is not None
        port = int(bench.stdout.readline())
        assert answers(port)
        bench.kill()
    until = time.monotonic() + 30
    while time.monotonic() < until and (answers(port) or scratch.exists()):
        time.sleep(0.05)
    assert not answers(port)
    assert not scratch.exists()


def answers(port: int) -> bool:
    """Tell whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def found(quiet: float) -> Figures:
    """Return figures of which the quiet value is this."""
    return Figures(quiet, quiet * 2, 10, 2)


def test_a_path_is_held_against_its_floor_and_against_itself_in_the_smallest_database() -> None:
    measured = {
        Key("F1", 10_000): found(100),
        Key("F1", 100_000): found(200),
        Key("list", 10_000): found(800),
        Key("list", 100_000): found(1000),
    }
    assert [tuple(r) for r in ratios(Key("list", 10_000), measured)] == [("F1", 8.0, "<= 9 (5)", "ok")]
    assert [tuple(r) for r in ratios(Key("list", 100_000), measured)] == [
        ("F1", 5.0, "<= 9 (5)", "ok, stretched"),
        ("itself at 10k", 1.25, "<= 1.15", "MISSED"),
    ]


def test_where_one_of_two_had_no_quiet_round_their_core_times_are_compared() -> None:
    calm, busy = Figures(100, 200, 10, 2, 1, 98), Figures(900, 990, 10, 2, 1, 490)
    assert [tuple(r) for r in ratios(Key("list", 300), {Key("F1", 300): calm, Key("list", 300): busy})] == [
        ("F1", 5.0, "<= 9 (5)", "ok, stretched")
    ]
    measured = {Key("F0h"): calm._replace(core=None), Key("http:list", 300): busy._replace(core=None)}
    assert [r.value for r in ratios(Key("http:list", 300), measured)] == [9.0]


def test_a_floor_of_no_database_stands_under_all_of_them() -> None:
    measured = {Key("F0h"): found(100), Key("http:sale", 300): found(600)}
    assert [tuple(r) for r in ratios(Key("http:sale", 300), measured)] == [("F0h", 6.0, "<= 5", "MISSED")]


@pytest.mark.parametrize(
    ("orders", "goal", "verdict"),
    [(10_000, "", ""), (100_000, ">= 5", "MISSED"), (1_000_000, ">= 5", "MISSED")],
)
def test_the_peer_is_to_be_left_behind_from_100k_orders_on(orders: int, goal: str, verdict: str) -> None:
    measured = {Key("list", orders): found(100), Key("admin", orders): found(400)}
    assert [tuple(r) for r in ratios(Key("admin", orders), measured)] == [("list", 4.0, goal, verdict)]


def test_every_ratio_is_to_a_path_that_is_measured() -> None:
    others = {beside.other for path in PATHS.values() for beside in path.besides}
    assert others - {"own"} <= set(PATHS)
    assert len(PATHS) == sum(len(group.paths) for group in GROUPS)


def test_the_table_has_a_line_for_each_ratio() -> None:
    measured = {
        Key("F1", 300): found(200_000),
        Key("F1", 600): found(200_000),
        Key("list", 300): found(1_600_000),
        Key("list", 600): found(1_640_000),
    }
    lines = [" ".join(line.split()) for line in table(measured).splitlines()]
    assert lines[-2:] == [
        "list, page 1 600 1.64 ms 3.28 ms F1 8.20 x <= 9 (5) ok",
        "itself at 300 1.02 x <= 1.15 ok",
    ]


def test_times_have_three_digits() -> None:
    assert [time_text(t) for t in (98_400, 2_306_000, 1_200_000_000)] == ["98.4 µs", "2.31 ms", "1.2 s"]


def test_the_quiet_value_is_the_best_round_and_p50_the_one_in_the_middle() -> None:
    turns = [[Took(t, t) for t in turn] for turn in ([9, 1, 5], [4, 4, 4], [100, 70, 80])]
    candidate = Candidate(Key("http:list", 300), nullcontext, print)  # type: ignore[arg-type]
    assert figures(candidate, turns) == Figures(4, 5, 9, 3, 1)


def test_a_path_that_had_no_quiet_round_is_called_disturbed() -> None:
    candidate = Candidate.of("list", 300, print, print)
    quiet = figures(candidate, [[Took(100, 95)], [Took(300, 105)]])
    busy = figures(candidate, [[Took(200, 95)], [Took(300, 105)]])
    assert [(found.core, found.is_disturbed) for found in (quiet, busy)] == [(95, False), (95, True)]
    assert "disturbed" in table({Key("list", 300): busy}) and "disturbed" not in table(
        {Key("list", 300): quiet}
    )


def test_a_wrong_answer_ends_the_run_and_names_the_path() -> None:
    def check(answer: object) -> None:
        if answer != "right":
            raise Wrong("not this one")

    given = iter(["right", "right", "right", "wrong"])  # two looks, one call to warm
    candidate = Candidate.of("list", 300, lambda: next(given), check)
    look([candidate])
    with pytest.raises(Wrong, match="list, 300 orders: not this one"):
        measure([candidate], rounds=1, seconds=0)


def test_a_turn_is_made_ready_once_and_warmed_by_a_call_that_does_not_count() -> None:
    seen: list[str] = []

    @contextmanager
    def opened() -> Iterator[Call]:
        seen.append("open")
        yield lambda: seen.append("call")

    of = {"opened": opened, "check": lambda _: None}
    warm = Candidate(Key("list", 1), most_calls=4, **of)
    heavy = Candidate(Key("import", 1), most_calls=1, most_turns=1, is_warmed=False, pieces=7, **of)
    measured = measure([warm], rounds=1, seconds=9)
    assert seen == ["open", *["call"] * 5]
    assert measured[warm.key][2:5] == (4, 1, 1)
    seen.clear()
    measured = measure([heavy], rounds=3, seconds=9)
    assert seen == ["open", "call"]
    assert measured[heavy.key][2:5] == (1, 1, 7)


def test_sizes_are_read_and_sorted() -> None:
    assert sizes("100k,1m,300") == [300, 100_000, 1_000_000]


def test_a_place_is_written_as_the_links_of_the_desk_carry_it() -> None:
    assert Place("2026-11-28 13:50:11.101969", 7).text() == "1795873811101969.7"
