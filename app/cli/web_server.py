"""gunicorn as the desk runs it: threads that wait for nobody's slowness, and a log like all others.

gunicorn hands a connection to a thread when it opens, and the thread waits for what is sent. A few hundred
clients that send nothing, or a letter now and then, would hold every thread. Here a connection waits beside
the listening socket until its request is there; then a thread reads it in one go.
"""

import gc
import re
import socket
from functools import partial
from selectors import EVENT_READ
from time import monotonic
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from app import logs
from app.cli.supervising import end_with

# Seconds for a whole head, and a short body with it.
SLOWEST = 10
# Seconds that are left for it when the worker is asked to end.
LAST_MOMENT = 1
# Bytes. A longer head is the parser's to refuse; a longer body is read by a thread as it comes.
LOOKED_AT = 64 * 1024

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
# Such a client sends its body only when it is told to.
EXPECTS = re.compile(rb"\r\nexpect:", re.IGNORECASE)
# gunicorn's words: "Invalid request from ip=127.0.0.1: Invalid HTTP request line: 'GET /?key=...'".
UNREADABLE = re.compile(r"^(Invalid request) from ip=\S*: ([^:'\"]*).*", re.DOTALL)


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker, which gives its threads requests that are there."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.ends_at = monotonic()
        # This is still the parent. What was loaded is shared by all workers as long as nobody counts it,
        # and is not looked through for garbage when they end.
        gc.freeze()

    def init_process(self) -> None:
        """Begin to work, and end when the server that began it does: left alone it would keep the port."""
        end_with(self.ppid)
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        """Give the connection to a thread where its request is there; else let it wait."""
        if missing(conn) == 0:
            super().enqueue_req(conn)
            return
        conn.sock.setblocking(False)
        conn.timeout = monotonic() + SLOWEST
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """Take a waiting connection up where the rest has come."""
        if missing(conn) == 0:
            super().on_pending_socket_readable(conn, client)

    def murder_pending(self) -> None:
        """Close connections that have waited too long: a moment, when the worker ends."""
        if not self.alive:
            for conn in self.pending_conns:
                conn.timeout = min(conn.timeout, self.ends_at)
        super().murder_pending()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or cease to let connections in; a worker that ends leaves none in the system's line."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                listener.close()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to end."""
        self.ends_at = monotonic() + LAST_MOMENT
        super().handle_exit(sig, frame)


def missing(conn: TConn) -> int:
    """Return how many bytes are to come before a thread need not wait; the poller tells of no fewer."""
    if conn.parser is not None and conn.parser.unreader.buf.getvalue():
        return 0  # its next request came with the one before
    try:
        came = conn.sock.recv(LOOKED_AT, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        few = 0 if came == b"" else still_to_come(came)  # b"": it was closed
    except BlockingIOError:
        came, few = b"", 1
    except OSError:
        return 0
    # A thread that reads must get whatever there is.
    conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(came) + few if few else 1)
    return few


def still_to_come(came: bytes) -> int:
    """Return how many bytes of a request are certainly still to come, of its head and a short body."""
    head, end, body = came.partition(b"\r\n\r\n")
    if not end:
        return 1 if len(came) < LOOKED_AT else 0
    length = LENGTH.search(head + b"\r\n")
    if length is None or EXPECTS.search(head) or len(head) + int(length[1]) > LOOKED_AT - 4:
        return 0
    return max(int(length[1]) - len(body), 0)


class ServerLog(Logger):  # type: ignore[misc]
    """gunicorn's log: lines like all others, without addresses of people and without queries."""

    def setup(self, cfg: Any) -> None:
        """Let gunicorn's records go the way of all others."""
        super().setup(cfg)
        logs.set_up()
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def warning(self, msg: str, *args: object, **named: Any) -> None:
        """Write a warning; of what cannot be read, neither who sent it nor what it says."""
        super().warning(UNREADABLE.sub(r"\1: \2", msg), *args, **named)

    def exception(self, msg: str, *args: object, **named: Any) -> None:
        """Write a failure without the query of its address."""
        super().exception(msg, *(str(word).partition("?")[0] for word in args), **named)
