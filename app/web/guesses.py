"""Guessing is slow: so many wrong passwords, codes or links a minute, under one name and from one address.

Each try is counted before it is judged, and given back where it was right, so that a thousand at once are no
more than ten. What is counted lies in one file of rings (see `app.ring`) at a place that the desk's own key
chooses (one file for the minute, one for the day): names stand nowhere, and no number of them fills the disk.

A browser in which a person signed in before carries a mark of it, and its tries are counted by themselves:
whoever guesses elsewhere, even next door, keeps nobody out of their own account.
"""

import ipaddress
import secrets
import time
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import NamedTuple

from flask import Response, current_app, g, request

from app import logs
from app.errors import TooManyTries
from app.ring import DAY, MINUTE, SECOND, WIDTH, Ring, opened
from app.seals import said_by, signed
from app.signing import derived

FOLDER = "tries"
PLACES = 2**16
KNOWN_LASTS = timedelta(days=365)


# Three of a million codes count at a time: so many a day find one in nine years, ten a minute in three weeks.
A_DAY = {"code": 100}


class Count(NamedTuple):
    """Where tries are counted: the file, the places in it, and how many may come in which span (ns)."""

    file: str
    starts: list[int]
    limit: int
    span: int

    @property
    def size(self) -> int:
        """Return how many instants a ring keeps."""
        return self.limit + 1

    @property
    def name(self) -> str:
        """Return the name of the file: one for each size."""
        return f"{self.file}.{self.size}"


def take(kind: str, name: str | int | None, *, account_id: int | None = None) -> None:
    """Count a try of this kind under a name, and from the address that asks; TooManyTries beyond the limit.

    Without a name (None) the address alone counts.
    A browser known to the named account counts for itself. Where nothing can be written nothing is counted.
    """
    limit = current_app.config["TRIES_PER_MINUTE"]
    if not limit:
        return
    known = known_browser(account_id)
    keys = [f"known {known}"] if known else [f"from {network(request.remote_addr)}"]
    if name is not None and not known:
        keys.append(f"{kind} {name}")
    counts = [counted("a_minute", keys, limit, MINUTE)]
    if kind in A_DAY:  # by whom it is guessed, wherever they are
        counts.append(counted("a_day", [f"{kind} a day {keys[-1]}"], A_DAY[kind], DAY))
    g.tried = []
    try:
        for count in counts:
            if wait := _take(count):
                give_back()
                raise TooManyTries(ceil(wait / SECOND))
            g.tried.append(count)
    except OSError as error:
        logs.note(uncounted=type(error).__name__)


def give_back() -> None:
    """Let the try of this request not have been one: it was right."""
    tried: list[Count] = g.pop("tried", [])
    try:
        for count in tried:
            with opened(folder(), count.name) as file:
                for start in count.starts:
                    Ring(file, count.size, start).take_back()
    except OSError as error:
        logs.note(uncounted=type(error).__name__)


def _take(count: Count) -> int:
    """Count a try in its rings, unless one forbids it: return for how long then (nanoseconds)."""
    with opened(folder(), count.name) as file:
        rings = [Ring(file, count.size, start) for start in count.starts]
        nows = [ring.now(time.time_ns()) for ring in rings]
        wait = max(ring.wait(count.limit, count.span, now) for ring, now in zip(rings, nows, strict=True))
        if not wait:
            for ring, now in zip(rings, nows, strict=True):
                ring.add(now)
        return wait


def counted(file: str, keys: Iterable[str], limit: int, span: int) -> Count:
    """Return where tries under these keys are counted, in one order for all."""
    return Count(file, sorted({place(key) * WIDTH * (2 + limit) for key in keys}), limit, span)


def folder() -> Path:
    """Return the folder of the files."""
    return Path(current_app.config["INSTANCE"], FOLDER)


def place(key: str) -> int:
    """Return which ring counts a key."""
    digest = sha256(derived(_key(), "tries") + key.encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:2], "big") % PLACES


def network(address: str | None) -> str:
    """Return what stands for an address: of IPv6 the network, for each house has millions of them."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def known_browser(account_id: int | None) -> str | None:
    """Return the mark of a browser in which this account signed in before; None for every other one."""
    said = said_by(_key(), "known browser", request.cookies.get(_cookie(), ""), KNOWN_LASTS)
    is_theirs = said is not None and account_id is not None and said.get("account") == account_id
    return str(said["browser"]) if said and is_theirs else None


def remember(answer: Response, account_id: int) -> Response:
    """Let this browser know that the account signed in here."""
    said = {"account": account_id, "browser": known_browser(account_id) or secrets.token_hex(8)}
    answer.set_cookie(
        _cookie(),
        signed(_key(), "known browser", said),
        max_age=int(KNOWN_LASTS.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=current_app.config["IS_HTTPS"],
    )
    return answer


def _cookie() -> str:
    """Return the name of the cookie that holds the mark."""
    return f"{current_app.config['SESSION_COOKIE_NAME']}-known"


def _key() -> str:
    """Return the desk's own key."""
    return str(current_app.config["SECRET_KEY"])
