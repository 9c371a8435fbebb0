"""Servers on this machine's loopback, as child processes that are ended whatever happens to the bench."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.bench.calls import LOOPBACK

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 30.0  # seconds


class Server(NamedTuple):
    """A server that was started, and where it writes its log."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path


def said_last(log: Path) -> str:
    """Return the end of a log."""
    return log.read_text(errors="replace")[-1000:]


class Servers:
    """What starts servers; on leaving it they are ended, and the scratch folder is gone."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.started: list[Server] = []

    def __enter__(self) -> Self:
        undertaker = Path(__file__).with_name("undertaker.py")
        self.undertaker = subprocess.Popen(
            [sys.executable, "-E", str(undertaker), str(self.scratch)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.undertaker.stdin is not None
        self.undertaker.stdin.close()
        for server in self.started:
            server.process.wait()
        self.undertaker.wait()

    def gunicorn(self, target: str, *, workers: int = 1, threads: int = 1, **settings: str) -> Server:
        """Start gunicorn's gthread worker on this application; who asks at once waits till it is there."""
        listener = socket.create_server((LOOPBACK, 0))
        listener.set_inheritable(True)
        options = {
            "bind": f"fd://{listener.fileno()}",
            "worker-class": "gthread",
            "workers": workers,
            "threads": threads,
            "keep-alive": 75,
            "graceful-timeout": 1,
            "log-level": "warning",
            "pythonpath": ROOT,
        }
        named = [f"--{name}={value}" for name, value in options.items()]
        port = listener.getsockname()[1]
        server = self._start(
            ["gunicorn", target, "--no-control-socket", *named], port, settings, keep=[listener.fileno()]
        )
        listener.close()  # the server has its own now; so nobody waits on one that has ended
        return server

    def granian(self, target: str, *, workers: int, threads: int, **settings: str) -> Server:
        """Start granian on this application and wait until it listens."""
        with socket.create_server((LOOPBACK, 0)) as taken:
            port = taken.getsockname()[1]
        options = {
            "interface": "wsgi",
            "host": LOOPBACK,
            "port": port,
            "workers": workers,
            "blocking-threads": threads,
            "log-level": "warning",
            "workers-kill-timeout": 2,
        }
        named = [f"--{name}={value}" for name, value in options.items()]
        server = self._start(["granian", "--factory", "--no-ws", *named, target], port, settings)
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until and server.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex((LOOPBACK, port)) == 0:
                    return server
            time.sleep(0.05)
        raise RuntimeError(f"granian does not listen: {said_last(server.log)}")

    def _start(
        self, command: Sequence[str], port: int, settings: dict[str, str], keep: Sequence[int] = ()
    ) -> Server:
        """Start a Python module as a group of its own, and let the undertaker know of it."""
        log = self.scratch / f"server-{len(self.started)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=os.environ | settings,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                pass_fds=keep,
                start_new_session=True,
            )
        self.end_at_last(process.pid)
        server = Server(port, process, log)
        self.started.append(server)
        return server

    def end_at_last(self, group: int) -> None:
        """Let the undertaker end this group of processes when the bench is over."""
        assert self.undertaker.stdin is not None
        self.undertaker.stdin.write(f"{group}\n".encode())
        self.undertaker.stdin.flush()
