"""How often a token may call: so many times in any second and any 24 hours, whichever process answers."""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from app import config
from app.api.rates import Limits, Pace, take
from app.db import db
from app.ring import DAY, SECOND
from tests.api.caller import Caller
from tests.factories import GOODS, Factory

MINUTE = 60 * SECOND
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def limited(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Set the limits of the desk: calls a second, calls a day."""

    def set_limits(per_second: int, per_day: int) -> None:
        for name, value in (
            ("API_PER_SECOND", per_second),
            ("API_PER_DAY", per_day),
            ("INSTANCE", str(tmp_path)),
        ):
            monkeypatch.setitem(app.config, name, value)

    return set_limits


@pytest.fixture
def clock() -> Iterator[Any]:
    """A clock that stands still until it is moved."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def told(answer: TestResponse) -> tuple[int, str | None, str | None, str | None]:
    """Return an answer's status, limit, what remains, and after how many seconds to come again."""
    names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After")
    return answer.status_code, *(answer.headers.get(name) for name in names)


def test_every_answer_says_how_many_calls_are_left(
    okanjo: Caller, limited: Callable[[int, int], None], make: Factory
) -> None:
    limited(10, 10_000)
    (item,) = make.items_of(make.sale(GOODS))
    assert told(okanjo.sales()) == (200, "10000", "9999", None)
    assert told(okanjo.put(item, status=3)) == (200, "10000", "9998", None)
    assert told(okanjo.sales(store="othershop")) == (403, "10000", "9997", None)
    assert told(okanjo.one(987654)) == (404, "10000", "9996", None)
    assert told(okanjo.sales({"status": "x"})) == (400, "10000", "9995", None)


def test_who_sends_no_token_that_holds_is_told_nothing(
    okanjo: Caller, limited: Callable[[int, int], None]
) -> None:
    limited(1, 1)
    for headers in ({}, {"Authorization": "Bearer tp_no"}):
        for _ in range(2):
            assert told(okanjo.client.get(okanjo.path(), headers=headers)) == (401, None, None, None)


def test_the_eleventh_call_of_a_second_waits_for_the_next_one(
    okanjo: Caller, limited: Callable[[int, int], None], clock: Any
) -> None:
    limited(10, 10_000)
    assert {okanjo.sales().status_code for _ in range(10)} == {200}
    assert told(okanjo.sales()) == (429, "10000", "9990", "1")
    clock.shift(timedelta(milliseconds=999))
    assert okanjo.sales().status_code == 429
    clock.shift(timedelta(milliseconds=1))
    # What was refused did not count.
    assert told(okanjo.sales()) == (200, "10000", "9989", None)


def test_any_24_hours_hold_no_more_than_the_limit(
    okanjo: Caller, limited: Callable[[int, int], None], clock: Any
) -> None:
    limited(0, 3)
    for remaining in ("2", "1", "0"):
        assert told(okanjo.sales()) == (200, "3", remaining, None)
        clock.shift(timedelta(hours=1))
    assert told(okanjo.sales()) == (429, "3", "0", str(21 * 3600))
    clock.shift(timedelta(hours=21))
    assert told(okanjo.sales()) == (200, "3", "0", None)
    assert told(okanjo.sales()) == (429, "3", "0", "3600")


def test_each_token_counts_by_itself(okanjo: Caller, limited: Callable[[int, int], None], clock: Any) -> None:
    limited(1, 0)
    assert told(okanjo.sales()) == (200, "1", "0", None)
    assert okanjo.sales().status_code == 429
    assert okanjo.sales(who="staff").status_code == 200


def test_without_limits_nothing_is_counted_or_told(
    app: Flask, okanjo: Caller, limited: Callable[[int, int], None]
) -> None:
    limited(0, 0)
    assert {told(okanjo.sales()) for _ in range(12)} == {(200, None, None, None)}
    assert list(Path(app.config["INSTANCE"]).iterdir()) == []


def test_a_refusal_has_the_shape_of_its_dialect_and_does_nothing(
    okanjo: Caller, limited: Callable[[int, int], None], clock: Any, make: Factory
) -> None:
    limited(1, 10_000)
    (item,) = make.items_of(make.sale(GOODS))
    assert okanjo.sales().status_code == 200
    refused = okanjo.put(item, status=3)
    said = "Too many calls with this token: try again in 1 second."
    assert (refused.status_code, refused.json) == (429, {"type": "error", "description": said})
    intake = okanjo.client.post(
        "/api/intake/stores/papershop/purchases",
        json={},
        headers={**okanjo.headers("owner"), "Idempotency-Key": "1"},
    )
    assert (intake.status_code, intake.json) == (429, {"error": said})
    clock.shift(timedelta(seconds=1))
    assert okanjo.shown(item)["status"] == 2


def test_where_the_count_cannot_be_kept_the_call_is_answered(
    app: Flask, okanjo: Caller, limited: Callable[[int, int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    limited(1, 1)
    Path(app.config["INSTANCE"], "calls").write_text("no folder")
    answers = [okanjo.sales() for _ in range(3)]
    assert [told(answer) for answer in answers] == [(200, None, None, None)] * 3
    for answer in answers:
        answer.close()
    assert '"uncounted": "NotADirectoryError"' in capsys.readouterr().err


@pytest.mark.both
def test_a_call_that_reads_writes_no_row(
    app: Flask, okanjo: Caller, limited: Callable[[int, int], None]
) -> None:
    limited(10, 10_000)
    okanjo.sales()  # the first use of a token is noted
    seen: list[str] = []
    with app.app_context():
        engine = db.engine
    note = partial(lambda _c, _k, sql, *_: seen.append(sql))
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert told(okanjo.sales()) == (200, "10000", "9998", None)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert seen
    assert [sql for sql in seen if not sql.startswith("SELECT")] == []


def test_the_limits_are_ten_a_second_and_ten_thousand_a_day_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEPOST_INSTANCE", str(tmp_path))
    found = config.from_environment()
    assert (found["API_PER_SECOND"], found["API_PER_DAY"]) == (10, 10_000)
    monkeypatch.setenv("TRADEPOST_API_PER_SECOND", "0")
    monkeypatch.setenv("TRADEPOST_API_PER_DAY", "500")
    found = config.from_environment()
    assert (found["API_PER_SECOND"], found["API_PER_DAY"]) == (0, 500)
    monkeypatch.setenv("TRADEPOST_API_PER_DAY", "-1")
    with pytest.raises(config.BadSetting, match="TRADEPOST_API_PER_DAY must be a whole number from 0"):
        config.from_environment()


# --- the book of calls itself


def taken(folder: Path, limits: Limits, *instants: int) -> list[bool]:
    """Tell which of these calls are taken."""
    return [not take(folder, 1, limits, now).retry_after for now in instants]


def test_many_processes_at_once_take_exactly_as_many_calls_as_there_may_be(tmp_path: Path) -> None:
    now, most, tries = time.time_ns(), 500, 300
    children = []
    for _ in range(4):
        told, tell = os.pipe()
        if (child := os.fork()) == 0:
            try:
                calls = taken(tmp_path, Limits(0, most), *range(now, now + tries))
                os.write(tell, str(sum(calls)).encode())
            finally:
                os._exit(0)
        os.close(tell)
        children.append((child, told))
    found = []
    for child, told in children:
        os.waitpid(child, 0)
        with os.fdopen(told) as said:
            found.append(int(said.read()))
    assert sum(found) == most


def test_no_window_of_24_hours_ever_holds_more_than_the_limit(tmp_path: Path) -> None:
    limits, accepted = Limits(2, 7), []
    for now in range(DAY, 4 * DAY, 97 * MINUTE):
        accepted += [now + n for n in range(3) if taken(tmp_path, limits, now + n) == [True]]
    assert len(accepted) == 21
    for first in accepted:
        assert sum(first <= other < first + DAY for other in accepted) <= 7
        assert sum(first <= other < first + SECOND for other in accepted) <= 2


def test_what_remains_grows_as_calls_become_a_day_old(tmp_path: Path) -> None:
    limits = Limits(0, 5)
    found = [take(tmp_path, 1, limits, DAY + n * 8 * 60 * MINUTE) for n in range(6)]
    assert [pace.remaining for pace in found] == [4, 3, 2, 2, 2, 2]
    assert found[-1] == Pace(5, 2, 0)


def test_a_clock_that_was_far_ahead_keeps_nobody_out(tmp_path: Path) -> None:
    limits = Limits(1, 10)
    assert taken(tmp_path, limits, 900 * DAY) == [True]
    assert taken(tmp_path, limits, 2 * DAY) == [True]
    # A little, as clocks are corrected, is no reason to forget.
    assert taken(tmp_path, limits, 2 * DAY - 5 * SECOND, 2 * DAY + SECOND) == [False, True]


def test_a_clock_that_is_set_back_a_little_loses_no_call(tmp_path: Path) -> None:
    limits = Limits(0, 3)
    assert taken(tmp_path, limits, 5 * DAY, 5 * DAY - 5 * SECOND) == [True, True]
    assert take(tmp_path, 1, limits, 6 * DAY - 3 * SECOND) == Pace(3, 0, 0)


def test_a_process_killed_between_its_two_writes_spoils_no_count(tmp_path: Path) -> None:
    limits = Limits(0, 3)
    assert taken(tmp_path, limits, DAY, DAY + 1, DAY + 2) == [True] * 3
    (book,) = tmp_path.iterdir()
    with book.open("r+b") as file:  # the instant is written, the number is not
        file.seek(8 * (1 + 3 % int(book.name.split(".")[1])))
        file.write((2 * DAY).to_bytes(8, "little"))
    assert taken(tmp_path, limits, 2 * DAY - 1, 2 * DAY) == [False, True]


def test_books_of_tokens_that_call_no_more_are_thrown_away(tmp_path: Path) -> None:
    limits = Limits(0, 3)
    for token in (1, 2):
        take(tmp_path, token, limits, time.time_ns())
    for token, hours in ((1, 26), (2, 2)):
        (book,) = tmp_path.glob(f"{token}.*")
        os.utime(book, (time.time() - hours * 3600,) * 2)
    take(tmp_path, 2, limits, time.time_ns())
    assert len(list(tmp_path.iterdir())) == 2
    take(tmp_path, 3, limits, time.time_ns())
    assert {book.name.split(".")[0] for book in tmp_path.iterdir()} == {"2", "3"}
    assert {oct(book.stat().st_mode & 0o777) for book in tmp_path.iterdir()} == {"0o600"}


def test_a_call_that_waits_while_its_book_is_thrown_away_counts_in_the_new_one(tmp_path: Path) -> None:
    limits = Limits(0, 3)
    take(tmp_path, 1, limits, DAY)
    (book,) = tmp_path.iterdir()
    with book.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Thread(target=take, args=(tmp_path, 1, limits, 3 * DAY))
        waiting.start()
        while not waits_for_a_lock(book):
            time.sleep(0.001)
        book.unlink()
    waiting.join(5)
    assert take(tmp_path, 1, limits, 3 * DAY) == Pace(3, 1, 0)


def waits_for_a_lock(book: Path) -> bool:
    """Tell whether somebody waits for the lock of a file."""
    inode = f":{book.stat().st_ino} "
    return any("->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines())
