"""How often something came lately: rings of instants in files that all processes of the desk share.

A file is written under its lock, so that what is counted is exact whichever process answers, and counting
writes nothing into the database: a row that each call updates would cost every reader the write lock. A desk
that answers on several machines counts on each.

A ring stands somewhere in a file: the number of all that were ever taken, then the instants of the last ones.
"""

import fcntl
import os
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

WIDTH = 8  # bytes of a number
# Nanoseconds.
SECOND = 10**9
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
# A clock that was this far ahead and was set back would otherwise refuse calls until it is there again.
SET_BACK = 60 * SECOND


class Ring:
    """The last instants at which something was taken, as a file keeps them from a place on."""

    def __init__(self, file: int, size: int, start: int = 0) -> None:
        self.file, self.size, self.start = file, size, start
        self.n = self._number(0)

    def at(self, which: int) -> int:
        """Return when one was taken, by its number; the last `size` are known."""
        return self._number(1 + which % self.size)

    def now(self, now: int) -> int:
        """Return this instant, not before the last one taken; forget all where the clock was set back."""
        if self.n and self.at(self.n - 1) > now + SET_BACK:
            self.n = 0
        return max(now, self.at(self.n - 1)) if self.n else now

    def wait(self, limit: int, span: int, now: int) -> int:
        """Return for how long (nanoseconds) a limit forbids another one; a limit of 0 is none."""
        if not limit or self.n < limit:
            return 0
        return max(0, self.at(self.n - limit) + span - now)

    def since(self, instant: int, most: int) -> int:
        """Count those after an instant; there are at most `most`."""
        known = range(max(0, self.n - most), self.n)
        return len(known) - bisect_right(known, instant, key=self.at)

    def add(self, now: int) -> None:
        """Write one down: when it came, then that it counts."""
        self._write(1 + self.n % self.size, now)
        self.n += 1
        self._write(0, self.n)

    def take_back(self) -> None:
        """Let the last one not have been."""
        if self.n:
            self.n -= 1
            self._write(0, self.n)

    def _number(self, place: int) -> int:
        """Read a number of the ring; 0 where the file ends before."""
        return int.from_bytes(os.pread(self.file, WIDTH, self.start + WIDTH * place), "little")

    def _write(self, place: int, number: int) -> None:
        """Write a number of the ring."""
        os.pwrite(self.file, number.to_bytes(WIDTH, "little"), self.start + WIDTH * place)


@contextmanager
def opened(folder: Path, name: str) -> Iterator[int]:
    """Open a file of rings for this process alone; whoever makes a new one throws old ones away."""
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
    """Remove the files that were last written more than a day ago."""
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
