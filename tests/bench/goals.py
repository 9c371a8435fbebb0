"""What stands beside what, and how near it shall come: every path, in the sequence of the table."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tests.bench.measure import Figures, Key

OWN = "own"  # a path beside itself in the smallest database
FROM_100K = 100_000


class Beside(NamedTuple):
    """What a path is compared with, and where there is a goal, how often that at `most` or at `least`."""

    other: str
    most: float | None = None
    least: float | None = None
    stretch: float | None = None
    since: int = 0  # the goal holds from so many orders on


class Path(NamedTuple):
    """A measured path, as the table names it."""

    name: str
    title: str
    besides: tuple[Beside, ...] = ()


class Group(NamedTuple):
    """Paths that are asked in the same way."""

    title: str
    paths: tuple[Path, ...]


LIST = (Beside("F1", most=9, stretch=5), Beside(OWN, most=1.15))
SEARCH = (Beside("list", most=2), Beside(OWN))
PEER_SINCE = {"least": 5, "since": FROM_100K}

GROUPS = (
    Group(
        "Floors",
        (
            Path("F0p", "F0p: bare Flask hello, in process"),
            Path("F0h", "F0h: bare Flask hello, over HTTP"),
            Path("F-query", "F-query: 25 orders and their lines, raw", (Beside(OWN),)),
            Path("F1", "F1: the same as a tiny page", (Beside(OWN),)),
        ),
    ),
    Group(
        "The desk in process (WSGI call, signed in)",
        (
            Path("list", "list, page 1", LIST),
            Path("list-part", "list, page 1, the part htmx asks for", LIST),
            Path("list-middle", "list, middle page", LIST),
            Path("tab", "tab to ship, page 1", LIST),
            Path("tab-middle", "tab closed, middle page (F1's rows)", LIST),
            Path("filter", "filter status=2", LIST),
            Path("search-rare", "search, a rare word", SEARCH),
            Path("search-common", "search, a common word", SEARCH),
            Path("search-two", "search, two words", SEARCH),
            Path("sale", "a sale", (Beside("F0p"), Beside(OWN))),
            Path("items", "items list, page 1", (Beside("F1"), Beside(OWN))),
            Path("json", "JSON list (Okanjo)", (Beside("F0p"), Beside(OWN))),
            Path("ship", "ship one piece, POST", (Beside("F0p"), Beside(OWN))),
        ),
    ),
    Group(
        "The desk over HTTP (gunicorn, 1 worker, 1 thread, 1 connection, DURABLE=1)",
        (
            Path("http:list", "list, page 1", (Beside("F0h", most=4), Beside(OWN))),
            Path("http:list-middle", "list, middle page", (Beside("F0h", most=4), Beside(OWN))),
            Path("http:search", "search, a common word", (Beside("http:list", most=2), Beside(OWN))),
            Path("http:sale", "a sale", (Beside("F0h", most=5), Beside(OWN))),
            Path("http:json", "JSON list (Okanjo)", (Beside("F0h", most=2.5), Beside(OWN))),
            Path("http:ship", "ship one piece, POST", (Beside("F0h", most=3), Beside(OWN))),
        ),
    ),
    Group(
        "The peer: Flask-Admin, same orders, no lines, no sign-in",
        (
            Path("admin", "in process, page 1", (Beside("list", **PEER_SINCE),)),
            Path("admin-middle", "in process, middle page", (Beside("list-middle", **PEER_SINCE),)),
            Path("http:admin", "over HTTP, page 1", (Beside("http:list", **PEER_SINCE),)),
            Path("http:admin-middle", "over HTTP, middle page", (Beside("http:list-middle", **PEER_SINCE),)),
        ),
    ),
    Group(
        "Import of an Etsy file (a call is the whole file)",
        (
            Path("F-import", "F-import: parse, write orders and lines"),
            Path("F-written", "F-written: parse, write all rows ours writes"),
            Path("import", "the desk's import", (Beside("F-import"), Beside("F-written"))),
        ),
    ),
)
PATHS = {path.name: path for group in GROUPS for path in group.paths}


class Ratio(NamedTuple):
    """A path as a multiple of another one, and what the goal says of it ("": no goal)."""

    to: str
    value: float
    goal: str
    verdict: str


def ratios(key: Key, measured: Mapping[Key, Figures]) -> Iterator[Ratio]:
    """Yield a path's ratios, as far as what stands beside it was measured."""
    smallest = min((k.orders for k in measured if k.path == key.path), default=0)
    for beside in PATHS[key.path].besides:
        if beside.other == OWN:
            if key.orders == smallest:
                continue
            other, name = Key(key.path, smallest), f"itself at {short(smallest)}"
        else:
            other = Key(beside.other, key.orders)
            other = other if other in measured else Key(beside.other)
            name = beside.other
        if other in measured:
            value = times(measured[key], measured[other])
            yield Ratio(name, value, *verdict(beside, value, key.orders))


def times(one: Figures, other: Figures) -> float:
    """Return how often a quiet value is another one; where one had no quiet round, go by the core time."""
    if (one.is_disturbed or other.is_disturbed) and one.core and other.core:
        return one.core / other.core
    return one.quiet / other.quiet


def verdict(beside: Beside, value: float, orders: int) -> tuple[str, str]:
    """Return the goal in words, and whether it is met."""
    if orders < beside.since or (beside.most is None and beside.least is None):
        return "", ""
    if beside.least is not None:
        return f">= {beside.least:g}", "ok" if value >= beside.least else "MISSED"
    assert beside.most is not None
    if beside.stretch is None:
        return f"<= {beside.most:g}", "ok" if value <= beside.most else "MISSED"
    goal = f"<= {beside.most:g} ({beside.stretch:g})"
    if value <= beside.stretch:
        return goal, "ok, stretched"
    return goal, "ok" if value <= beside.most else "MISSED"


def short(orders: int) -> str:
    """Write a number of orders: 300, 10k, 1m."""
    for size, letter in ((1_000_000, "m"), (1000, "k")):
        if orders and orders % size == 0:
            return f"{orders // size}{letter}"
    return str(orders)
