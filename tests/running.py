"""The desk as `flask serve` runs it: its processes, and how tests speak to them."""

import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.processes import Process

# Far beyond what anything here takes; whoever waits so long waits for ever.
FOR_EVER = 20
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the system tells of processes on Linux")


class Desk:
    """A desk that runs as `make run` starts it."""

    def __init__(self, folder: Path, *words: str, **settings: str) -> None:
        folder.mkdir(exist_ok=True)
        self.log = folder / "log"
        with self.log.open("a") as log:
            env = settings_in(folder, **settings)
            self.process = Process("flask", "--app", "app", "serve", *words, env=env, stderr=log)
        self.port = 0
        self.said: list[str] = []

    def wait(self, last: str = "Tradepost is at") -> "Desk":
        """Wait until it has said these words, and answers."""
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if "Tradepost is at" in line:
                self.port = urlsplit(line.split()[3].rstrip(";")).port or 0
            if last in line:
                assert self.ask("/healthz")[0] == 200
                return self
        raise AssertionError(f"“{last}” never came: {self.said} {self.log.read_text()}")

    def ask(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Send a request over a connection of its own; return the status and the text of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=FOR_EVER)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def call(self, sent: bytes = b"") -> socket.socket:
        """Open a connection and send this much."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=FOR_EVER)
        client.sendall(sent)
        return client

    def web(self) -> int:
        """Return the process of the web server, 0 while there is none."""
        return next((pid for pid in children(self.process.pid) if proc(pid, "comm") == "desk web\n"), 0)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        self.process.communicate(timeout=FOR_EVER)
        return self.process.wait()


def settings_in(folder: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a desk that stands in a folder, with these settings beside the usual ones."""
    usual = {"INSTANCE": str(folder), "PORT": "0", "WORKERS": "2", "DURABLE": "0", "DEMO": "0"}
    usual |= {"API_PER_SECOND": "0", "API_PER_DAY": "0"}
    return {**os.environ, **{f"TRADEPOST_{name}": value for name, value in {**usual, **settings}.items()}}


def children(pid: int) -> list[int]:
    """Return the processes that a process started, in their order; none where it is gone."""
    return [int(child) for child in proc(pid, f"task/{pid}/children").split()]


def proc(pid: int, which: str) -> str:
    """Return what Linux tells of a process in a file of this name; nothing where it is gone."""
    try:
        return Path(f"/proc/{pid}/{which}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def come_true(what: Callable[[], bool]) -> bool:
    """Wait for something to come true."""
    until = time.monotonic() + FOR_EVER
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended."""
    told = proc(pid, "stat")
    return not told or told.rsplit(") ", 1)[1].startswith("Z")
