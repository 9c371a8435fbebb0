"""The desk's processes: the web server and the worker, started together, restarted, and ended together.

Each child goes on from here with all that is loaded: it is there at once, and shares its memory. It leads a
process group of its own, so Ctrl-C reaches this process alone and the children are ended in good order.
Should this process be killed, Linux ends the children for it (PR_SET_PDEATHSIG); elsewhere they stay until
somebody ends them. `ps -eo pid,comm` and `top` tell them apart by name on Linux.
"""

import ctypes
import os
import queue
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from time import monotonic

import structlog

# Seconds. How long the children may take to end what runs; how long a start may take.
GRACE = 10
STARTS_WITHIN = 10
# How long an end may go unnoticed.
MOMENT = 0.1
# A child that ended unasked is started again: at once, then each time twice as late.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
# Whoever lived so long may begin anew with the pauses.
STEADY = 30

CANNOT_START = 3
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Of prctl(2).
PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15

log = structlog.get_logger()


class NoRoom(Exception):
    """The system has no room for one more process; the text says what it lacks."""


def fork() -> int:
    """Fork and return the number of the new process, in which it is 0; NoRoom where it cannot be."""
    try:
        return os.fork()
    except OSError as error:
        raise NoRoom(error.strerror) from error


class Branch:
    """A process that goes on from here with all that is loaded; it is told of as a subprocess.Popen is.

    What `work` does is its last: it raises SystemExit, which ends this process's copy in good order.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.returncode: int | None = None
        parent = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # the copy of a handler hears for nobody
        try:
            self.pid = fork()
            if self.pid == 0:
                os.setpgid(0, 0)
                for number in ENDING:
                    if signal.getsignal(number) is not signal.SIG_IGN:
                        signal.signal(number, signal.SIG_DFL)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if self.pid == 0:
            call_oneself(f"desk {name}")
            end_with(parent)
            with open(os.devnull) as nothing:
                os.dup2(nothing.fileno(), 0)
            work()
            sys.exit()

    def poll(self) -> int | None:
        """Return the exit code, the negative number of a signal that ended it, or None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def terminate(self) -> None:
        """Ask it to end."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


class Child:
    """One process that is to run as long as this one; without a needed one the desk does not start."""

    def __init__(self, name: str, work: Callable[[], None], *, is_needed: bool) -> None:
        self.name, self.work, self.is_needed = name, work, is_needed
        self.process: Branch | None = None
        self.started_at, self.starts_at, self.pause = 0.0, 0.0, FIRST_PAUSE

    def start(self) -> None:
        """Start it; where the system has no room for a process, later."""
        self.started_at = monotonic()
        try:
            self.process = Branch(self.name, self.work)
        except NoRoom as lacking:
            log.error("not started", process=self.name, reason=str(lacking))
            self.put_off()

    def tend(self) -> bool:
        """Start it where it is due, note its end; tell whether the desk can go on."""
        if self.process is None:
            if monotonic() >= self.starts_at:
                self.start()
            return True
        code = self.process.poll()
        if code is None:
            return True
        lived = monotonic() - self.started_at
        self.process = None
        log.error("ended unasked", process=self.name, code=code)
        if self.is_needed and code > 0 and lived < STARTS_WITHIN:
            return False  # it gave up by itself: it would do so again
        if lived > STEADY:
            self.pause = FIRST_PAUSE
        self.put_off()
        return True

    def put_off(self) -> None:
        """Let it be started after a pause, the next time after one twice as long."""
        self.starts_at = monotonic() + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE)


def call_oneself(name: str) -> None:
    """Give this process a name, where the system is Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode())


def end_with(parent: int) -> None:
    """Let Linux end this process when its parent ends."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it was killed before this was said
        os._exit(1)


def supervise(children: Sequence[Child], listener: socket.socket) -> int:
    """Keep these running until a signal asks for the end; return the exit code.

    The socket that they listen on is closed here when the end begins.
    """
    structlog.contextvars.clear_contextvars()  # the set-up is over
    heard: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, lambda number, _frame: heard.put(number))
    code = 0
    while code == 0:
        if not all(list(map(Child.tend, children))):
            code = CANNOT_START
        elif next_signal(heard) in ENDING:
            break
    listener.close()  # nobody comes in any more
    end(children, heard)
    return code


def end(children: Sequence[Child], heard: "queue.SimpleQueue[int]") -> None:
    """Ask all to end, wait while they do what they began, and kill what is left; a second signal hurries."""
    running = [child.process for child in children if child.process is not None]
    for process in running:
        process.terminate()
    # The web server gives its own workers GRACE; it needs a moment more.
    until = monotonic() + GRACE + 2
    while monotonic() < until and any(process.poll() is None for process in running):
        if next_signal(heard) in ENDING:
            break
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def next_signal(heard: "queue.SimpleQueue[int]") -> int | None:
    """Return the next signal, if one comes within a moment."""
    try:
        return heard.get(timeout=MOMENT)
    except queue.Empty:
        return None
