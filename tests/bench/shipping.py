"""Ship POSTs: each sends one piece of another sale, from its row in the list, with a real CSRF token."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import NamedTuple
from urllib.parse import urlencode

from flask import Flask

from tests.bench import calls
from tests.bench.calls import Answer, Ask, Call, Wrong
from tests.bench.facts import Facts
from tests.bench.measure import Candidate, Key
from tests.bench.pages import HTMX, SALES, Keys

A_TURN = 10  # ships of one


def needed(rounds: int) -> int:
    """Return how many sales a run ships: in each round a turn with its warming call, and two looks before."""
    return rounds * (A_TURN + 1) + 2


class ToShip(NamedTuple):
    """A sale whose one line waits, and what is sent to ship one piece of it."""

    order_id: int
    number: int
    item_id: int
    ask: Ask


def over_http(facts: Facts, keys: Keys, external_ids: Sequence[int], *, orders: int, port: int) -> Candidate:
    """Return the ship POST over HTTP; each call takes the next of these sales."""
    waiting = deque(to_ship(facts, keys, external_ids))

    @contextmanager
    def opened() -> Iterator[Call]:
        with calls.over_http(port) as http:

            def call() -> tuple[ToShip, Answer]:
                sale = waiting.popleft()
                return sale, http(sale.ask)

            yield call

    return Candidate(Key("http:ship", orders), opened, is_shipped(facts), most_calls=A_TURN)


def in_process(
    app: Flask, facts: Facts, keys: Keys, external_ids: Sequence[int], *, orders: int
) -> Candidate:
    """Return the ship POST as the WSGI call alone."""
    waiting = deque((sale, calls.in_process(app, sale.ask)) for sale in to_ship(facts, keys, external_ids))

    def call() -> tuple[ToShip, Answer]:
        sale, ship = waiting.popleft()
        return sale, ship()

    # It waits for the disk.
    return Candidate(Key("ship", orders), lambda: nullcontext(call), is_shipped(facts), most_calls=A_TURN)


def is_shipped(facts: Facts) -> Callable[[tuple[ToShip, Answer]], None]:
    """Judge a ship POST: it says so, shows the row, and one piece of the line is shipped."""

    def check(answered: tuple[ToShip, Answer]) -> None:
        sale, answer = answered
        said = f"Sale {sale.number}: 1 piece shipped with DHL".encode()
        row = f'<tbody id="sale-{sale.order_id}"'.encode()
        shipped = facts.raw.one("SELECT shipped FROM order_item WHERE id = ?", sale.item_id)
        if answer.status != 200 or said not in answer.body or row not in answer.body or shipped != 1:
            raise Wrong(f"{answer.status}, {shipped} shipped of sale {sale.number}: {answer.body[:300]!r}")

    return check


def to_ship(facts: Facts, keys: Keys, external_ids: Sequence[int]) -> Iterator[ToShip]:
    """Yield the sales of these outside ids."""
    headers = keys.cookie | HTMX | {"Content-Type": "application/x-www-form-urlencoded"}
    for external_id in external_ids:
        [(order_id, number, version, item_id)] = facts.raw.all(
            "SELECT orders.id, orders.number, orders.version, order_item.id FROM orders"
            " JOIN order_item ON order_item.order_id = orders.id"
            " WHERE orders.store_id = ? AND orders.channel = 'etsy' AND orders.external_id = ?",
            facts.store_id,
            str(external_id),
        )
        sent = {
            "csrf_token": keys.csrf,
            "version": version,
            f"pieces-{item_id}": 1,
            "tracking_carrier": "DHL",
            "tracking_number": f"00340434{order_id:012}",
        }
        ask = Ask(f"{SALES}/{order_id}/ship?in=row", headers, "POST", urlencode(sent).encode())
        yield ToShip(order_id, number, item_id, ask)
