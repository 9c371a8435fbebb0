"""One run of the bench: databases and servers are made ready, all answers are judged, then measured."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TextIO

from tests.bench import bringing, crowd, floors, hello, machine, pages, peer, shipping
from tests.bench.calls import Answer, Ask, Call, in_process, over_http
from tests.bench.facts import Facts
from tests.bench.goals import short
from tests.bench.heaviest import MOST, WARMING, heaviest
from tests.bench.measure import Candidate, Key, look, measure
from tests.bench.options import Options
from tests.bench.raw import Raw
from tests.bench.servers import Server, Servers
from tests.bench.stock import Database, Stock, desk
from tests.bench.table import as_json, table

DESK, PEER, HELLO = "app:create_app()", "tests.bench.peer:create_peer()", "tests.bench.hello:create_hello()"


class Sized:
    """Everything that is asked of a database of N orders."""

    def __init__(self, database: Database) -> None:
        self.database, self.orders = database, database.orders
        self.raw = Raw(database.url)
        self.app = desk(database.url)
        self.facts = Facts(self.raw)
        self.keys = pages.sign_in(self.app, database.password)

    def read(self) -> None:
        """Read what the pages must show; from now on no order may be added."""
        self.pages = pages.pages(self.facts, self.keys)

    def page(self, path: str) -> pages.Page:
        """Return the page of this name."""
        return next(page for page in self.pages if page.path == path)

    def in_process(self) -> list[Candidate]:
        """Return the floors, the desk and the peer in this process."""
        query, is_query = floors.query(self.raw, self.facts)
        page, is_page = floors.page(query, pages.closed_middle(self.facts))
        admin = peer.create_peer(self.database.url)
        found: list[tuple[str, Call, Callable[[Any], None]]] = [
            ("F-query", query, is_query),
            ("F1", page, is_page),
            *((p.path, in_process(self.app, p.ask), p.check) for p in self.pages),
            *((name, in_process(admin, ask), check) for name, ask, check in peer.asks(self.facts)),
        ]
        # PostgreSQL works in processes of its own.
        return [Candidate.of(n, self.orders, c, j, is_inside=self.raw.is_sqlite) for n, c, j in found]

    def over_http(self, ours: Server, theirs: Server) -> list[Candidate]:
        """Return the desk and the peer behind their servers."""
        named = {
            "list": "list",
            "list-middle": "list-middle",
            "search": "search-common",
            "sale": "sale",
            "json": "json",
        }
        asked = [(f"http:{name}", self.page(path), ours) for name, path in named.items()]
        asked += [(f"http:{p[0]}", pages.Page(*p), theirs) for p in peer.asks(self.facts)]
        return [http(name, self.orders, server, page.ask, page.check) for name, page, server in asked]


def http(name: str, orders: int, server: Server, ask: Ask, check: Callable[[Answer], None]) -> Candidate:
    """Return what asks a server on one connection, opened for each turn."""

    @contextmanager
    def opened() -> Iterator[Call]:
        with over_http(server.port) as call:
            yield lambda: call(ask)

    return Candidate(Key(name, orders), opened, check)


class Progress:
    """What says how far the run is, on a line that is written over and over."""

    def __init__(self, terminal: TextIO) -> None:
        self.terminal = terminal

    def __call__(self, words: str) -> None:
        """Say it, where somebody looks."""
        if self.terminal.isatty():
            print(f"\r\033[K{words}", end="", file=self.terminal, flush=True)


def run(asked: Options, stock: Stock, servers: Servers, progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure everything; return what --json writes, with the table and what follows it as text."""
    greeter = servers.gunicorn(HELLO)
    candidates = [
        Candidate.of("F0p", 0, in_process(hello.create_hello(), Ask("/")), hello.says_hello),
        http("F0h", 0, greeter, Ask("/"), hello.says_hello),
    ]
    sizes = []
    for orders in asked.orders:
        progress(f"making ready {short(orders)} orders")
        sizes.append(Sized(stock.copy(orders, "desk")))
        candidates += sized_candidates(sizes[-1], asked, stock, servers)
    progress("judging every answer")
    look(candidates)
    measured = measure(candidates, rounds=asked.rounds, seconds=asked.seconds, progress=progress)
    said = {
        "machine": machine.described(sizes[0].raw.version(), [sized.database for sized in sizes]),
        "rounds": asked.rounds,
        "rows": as_json(measured),
        "table": table(measured),
    }
    if asked.servers:
        progress("servers beside each other")
        said["servers"] = side_by_side(sizes[-1], servers, asked)
    progress("")
    return said


def sized_candidates(sized: Sized, asked: Options, stock: Stock, servers: Servers) -> list[Candidate]:
    """Return everything that is asked of one database, and of a copy of it for the imports."""
    orders, url = sized.orders, sized.database.url
    ours = servers.gunicorn(DESK, TRADEPOST_DATABASE_URL=url)
    theirs = servers.gunicorn(PEER, TRADEPOST_DATABASE_URL=url)
    ships = shipping.needed(asked.rounds)
    to_ship = bringing.stock_to_ship(sized.app, sized.facts, 2 * ships)
    inside, outside = to_ship[:ships], to_ship[ships:]
    sized.read()
    return [
        *sized.in_process(),
        shipping.in_process(sized.app, sized.facts, sized.keys, inside, orders=orders),
        *sized.over_http(ours, theirs),
        shipping.over_http(sized.facts, sized.keys, outside, orders=orders, port=ours.port),
        *imports(orders, asked, stock, servers),
    ]


def imports(orders: int, asked: Options, stock: Stock, servers: Servers) -> list[Candidate]:
    """Return the imports into a copy of their own, which grows, and their floors."""
    url = stock.copy(orders, "import").url
    return bringing.candidates(desk(url), Raw(url), orders, asked.imported, servers.scratch)


def profiled(path: str, asked: Options, stock: Stock, servers: Servers) -> str:
    """Return what dominates one path, in the smallest database that was asked for."""
    orders = asked.orders[0]
    if path in bringing.PATHS:
        candidates = imports(orders, asked, stock, servers)
    else:
        sized = Sized(stock.copy(orders, "desk"))
        to_ship = bringing.stock_to_ship(sized.app, sized.facts, MOST) if path == "ship" else []
        sized.read()
        ship = shipping.in_process(sized.app, sized.facts, sized.keys, to_ship, orders=orders)
        candidates = [*sized.in_process(), replace(ship, most_calls=MOST - WARMING)]
    return heaviest(next(candidate for candidate in candidates if candidate.key.path == path))


def side_by_side(sized: Sized, servers: Servers, asked: Options) -> str:
    """Return what servers do for a crowd that wants the list: as many workers as cores, 2 threads each."""
    workers, url = os.cpu_count() or 1, sized.database.url
    how = f"{workers} workers x 2 threads, {short(sized.orders)} orders"
    started = {
        f"gunicorn, {how}": servers.gunicorn(DESK, workers=workers, threads=2, TRADEPOST_DATABASE_URL=url),
        f"granian, {how}": servers.granian(
            "app:create_app", workers=workers, threads=2, TRADEPOST_DATABASE_URL=url
        ),
    }
    return crowd.compared(started, sized.page("list"), seconds=min(crowd.SECONDS, asked.seconds * 20))
