"""Too many at once: who has waited too long is told so at once, so that those behind are still served.

Nothing bounds the lines that form before the threads of the server. But the system knows when the last byte
of a request came in: one that is older than LONGEST_WAIT is refused in a fraction of the time that its page
would take, until the line is short again.
"""

import socket
import struct
from time import monotonic_ns
from typing import Any

from flask import Flask, request

from app.errors import Busy

# Milliseconds. What is accepted has waited no longer than this, and who is refused hears it after this.
LONGEST_WAIT = 1500
SERVED_ANYWAY = frozenset({"static", "security.static", "health.alive", "health.ready"})
# struct tcp_info of linux/tcp.h: tcpi_last_data_recv, in milliseconds.
LAST_DATA_AT, TCP_INFO_LENGTH = 52, 56


def init_app(app: Flask) -> None:
    """Refuse, before anything else is done, what has waited too long."""
    opened_at = monotonic_ns()

    @app.before_request
    def refuse_when_late() -> None:
        if request.endpoint is None or request.endpoint in SERVED_ANYWAY:
            return
        # Who came while this process started is not at fault for its start.
        served_for = (monotonic_ns() - opened_at) // 1_000_000
        if min(age(request.environ.get("gunicorn.socket")), served_for) > LONGEST_WAIT:
            raise Busy


def age(connection: Any) -> int:
    """Return how many milliseconds ago the last byte came in; 0 where the system does not say: Linux does."""
    try:
        known = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_LENGTH)
        return int(struct.unpack_from("I", known, LAST_DATA_AT)[0])
    except (AttributeError, OSError, struct.error):
        return 0
