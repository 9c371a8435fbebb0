"""How often a token may call: so many calls in any second, and so many in any 24 hours.

When each of its last calls came stands in a file of the instance folder, one a token (see `app.ring`).
Calls that are refused are not counted.
"""

import time
from math import ceil
from pathlib import Path
from typing import NamedTuple

from flask import Response, current_app, g

from app import logs
from app.errors import TooManyCalls
from app.ring import DAY, SECOND, Ring, opened

FOLDER = "calls"


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
    size = max(limits) + 1
    with opened(folder, f"{token_id}.{size}") as file:
        calls = Ring(file, size)
        now = calls.now(now)
        wait = max(calls.wait(limits.per_second, SECOND, now), calls.wait(limits.per_day, DAY, now))
        if not wait:
            calls.add(now)
        limit, span = (limits.per_day, DAY) if limits.per_day else (limits.per_second, SECOND)
        return Pace(limit, limit - calls.since(now - span, limit), ceil(wait / SECOND))
