"""How often a token may call: so many calls in any second, and so many in any 24 hours.

When each of its last calls came stands in a file of the instance folder, one a token, which all processes of
the desk share under its lock. So the limits are exact whichever process answers, and a call that only reads
writes nothing into the database: a row that each call updates would cost every reader the write lock. A desk
that answers on several machines counts on each.

The file is a ring of instants after the number of calls ever taken. Calls that are refused are not counted.
"""

import fcntl
import os
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil
from pathlib import Path
from typing import NamedTuple

from flask import Response, current_app, g

from app import logs
from app.errors import TooManyCalls

FOLDER = "calls"
WIDTH = 8  # bytes of a number
# Nanoseconds.
SECOND = 10**9
DAY = 24 * 3600 * SECOND
# A clock that was this far ahead and was set back would otherwise refuse calls until it is there again.
SET_BACK = 60 * SECOND


class Limits(NamedTuple):
    """How many calls are taken in any second and in any 24 hours; 0 is no limit."""

    per_second: int
    per_day: int


class Pace(NamedTuple):
    """Where a token stands after a call: the limit that its answer names, how much of it is left, and the
    seconds to wait (0: the call was taken).
    """

    limit: int
    remaining: int
    retry_after: int


def count(token_id: int) -> None:
    """Count the present request as a call of this token; TooManyCalls where it is one too many.

    Where the file cannot be written, nothing is counted: a full disk keeps no program from reading.
    """
    limits = Limits(current_app.config["API_PER_SECOND"], current_app.config["API_PER_DAY"])
    if not any(limits) or "pace" in g:
        return
    try:
        g.pace = take(Path(current_app.config["INSTANCE"], FOLDER), token_id, limits, time.time_ns())
    except OSError as error:
        logs.note(uncounted=type(error).__name__)
        return
    if g.pace.retry_after:
        raise TooManyCalls(g.pace.retry_after)


def tell(response: Response) -> Response:
    """Say in an answer's headers where its token stands (Hip's names; reference 2.4)."""
    if "pace" in g:
        response.headers["X-RateLimit-Limit"] = str(g.pace.limit)
        response.headers["X-RateLimit-Remaining"] = str(g.pace.remaining)
    return response


def take(folder: Path, token_id: int, limits: Limits, now: int) -> Pace:
    """Take a call of a token at an instant, in nanoseconds, unless that passes a limit."""
    # One more than are asked about: a process that dies while it writes spoils none of those.
    ring = max(limits) + 1
    with _opened(folder, f"{token_id}.{ring}") as file:
        calls = Calls(file, ring)
        if calls.n and calls.at(calls.n - 1) > now + SET_BACK:
            calls.n = 0
        now = max(now, calls.at(calls.n - 1)) if calls.n else now
        wait = max(calls.wait(limits.per_second, SECOND, now), calls.wait(limits.per_day, DAY, now))
        if not wait:
            calls.add(now)
        limit, span = (limits.per_day, DAY) if limits.per_day else (limits.per_second, SECOND)
        return Pace(limit, limit - calls.since(now - span, limit), ceil(wait / SECOND))


class Calls:
    """The calls of a token as its file keeps them."""

    def __init__(self, file: int, ring: int) -> None:
        self.file, self.ring = file, ring
        self.n = self._number(0)

    def at(self, which: int) -> int:
        """Return when a call came, by its number; the last `ring` are known."""
        return self._number(1 + which % self.ring)

    def wait(self, limit: int, span: int, now: int) -> int:
        """Return for how long a limit forbids another call."""
        if not limit or self.n < limit:
            return 0
        return max(0, self.at(self.n - limit) + span - now)

    def since(self, instant: int, most: int) -> int:
        """Count the calls after an instant; there are at most `most`."""
        known = range(max(0, self.n - most), self.n)
        return len(known) - bisect_right(known, instant, key=self.at)

    def add(self, now: int) -> None:
        """Write a call down: when it came, then that it counts."""
        os.pwrite(self.file, now.to_bytes(WIDTH, "little"), WIDTH * (1 + self.n % self.ring))
        self.n += 1
        os.pwrite(self.file, self.n.to_bytes(WIDTH, "little"), 0)

    def _number(self, place: int) -> int:
        """Read a number of the file; 0 where it ends before."""
        return int.from_bytes(os.pread(self.file, WIDTH, WIDTH * place), "little")


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[int]:
    """Open a token's file for this process alone; whoever makes a new one throws old ones away."""
    path = str(folder / name)
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            folder.mkdir(0o700, parents=True, exist_ok=True)
            _throw_away(folder)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_nlink:  # else it was thrown away meanwhile
                yield file
                return
        finally:
            os.close(file)


def _throw_away(folder: Path) -> None:
    """Remove the files whose last call is more than a day ago."""
    old = time.time_ns() - DAY - SET_BACK
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError):
            if entry.stat().st_mtime_ns < old:
                _remove(entry.path, old)


def _remove(path: str, old: int) -> None:
    """Remove a file last written before an instant (nanoseconds); who waits for it makes a new one."""
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_mtime_ns < old:
            Path(path).unlink()
    finally:
        os.close(file)
