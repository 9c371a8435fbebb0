"""Processes that run a module as `python -m` does, and are there at once.

To load what the desk loads takes a core nearly two seconds, and the suite starts dozens of them. So they go
on from one process that has loaded it (`tests.loaded`), with an environment, files and a process group of
their own.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.reduction import DupFd
from typing import IO, Any

from app.config import ROOT

LOADED = multiprocessing.get_context("forkserver")
LOADED.set_forkserver_preload(["tests.loaded"])


class Process:
    """A module that runs with these words in this environment; it is told of as a subprocess.Popen is.

    What it says is read from `stdout`; where nobody reads, it must say little: a pipe holds so much and no
    more. What it complains of may go into a file, `stderr`.
    """

    def __init__(
        self, module: str, *words: str, env: Mapping[str, str], stderr: IO[Any] | None = None
    ) -> None:
        heard, said = os.pipe()
        self.stdout: IO[str] = os.fdopen(heard)
        files = {1: said, 2: 2 if stderr is None else stderr.fileno()}
        self._own = LOADED.Process(
            target=_become,
            args=([module, *words], dict(env), _Files(files)),
            daemon=True,  # whoever forgets it does not wait for it
        )
        try:
            self._own.start()
        finally:
            os.close(said)
        assert self._own.pid is not None
        self.pid = self._own.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, or the negative number of the signal that ended it; None while it runs."""
        return self._own.exitcode

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code."""
        self._own.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self._own.name, timeout or 0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> None:
        """Wait for its end, and hear nothing more of it."""
        self.wait(timeout)
        self.stdout.close()

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class _Files:
    """Open files and the numbers that they are to have in another process."""

    def __init__(self, files: dict[int, int]) -> None:
        self.files = files

    def __getstate__(self) -> dict[int, Any]:
        return {number: DupFd(file) for number, file in self.files.items()}

    def __setstate__(self, files: dict[int, Any]) -> None:
        for number, file in files.items():
            received = file.detach()
            os.dup2(received, number)
            os.close(received)


def _become(words: list[str], env: dict[str, str], _: _Files) -> None:
    """Be the process; its files are there. It hears Ctrl-C also where the tests run in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setpgid(0, 0)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
