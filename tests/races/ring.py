"""Where the races are run: the desk's application, its running server, and who may do what."""

import json
import os
from collections import Counter
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any, NamedTuple

from flask import Flask

from tests.factories import Factory
from tests.races.server import Answer, Clients, Request, in_json, request
from tests.rules import invariants

ROUNDS = int(os.environ.get("TRADEPOST_RACES", "0")) or 2
CROWD = 4
# Seconds: as long as an act takes about. More, and the first were answered before the last are on their way.
LONGEST_LEAD = 0.006

# A race: makes what is raced for, and returns the requests and what judges their answers: who won.
Race = Callable[[Any], tuple[list[Request], Callable[[list[Answer]], str]]]

_keys = count(1)


class Ring(NamedTuple):
    """Where the races are run: the desk's application, its running server, and who may do what."""

    app: Flask
    make: Factory
    clients: Clients
    port: int
    bearer: dict[str, dict[str, str]]
    signed_in: dict[str, tuple[str, str]]  # the cookie of each, and the token of their forms
    stores: dict[str, int]

    def move(self, name: str, item_id: int, store: str = "papershop", **sent: object) -> Request:
        """Return a PUT of the Okanjo dialect on an item."""
        who = "owner" if store == "papershop" else "vendor"
        path = f"/api/okanjo/stores/{self.stores[store]}/sales/{item_id}"
        return request(name, "PUT", path, sent, **self.bearer[who])

    def tell(self, name: str, path: str, body: dict[str, Any], key: str = "") -> Request:
        """Return a call of the intake, under a key of its own unless one is named."""
        told = {**self.bearer["owner"], "Idempotency-Key": key or f"race {next(_keys)}".replace(" ", "-")}
        return in_json(name, f"/api/intake{path}", json.dumps(body), **told)

    def form(self, name: str, order_id: int, path: str, **sent: object) -> Request:
        """Return a form of a sale's page."""
        return self._form("owner", name, f"/stores/papershop/sales/{order_id}{path}", sent)

    def buyers_form(self, name: str, order_id: int, path: str, **sent: object) -> Request:
        """Return a form of a purchase's page."""
        return self._form("buyer", name, f"/purchases/{order_id}{path}", sent)

    def _form(self, who: str, name: str, path: str, sent: dict[str, object]) -> Request:
        """Return a form that somebody sends."""
        cookie, csrf = self.signed_in[who]
        given = {"csrf_token": csrf, **{k.replace("_no_", "-"): v for k, v in sent.items()}}
        return request(name, "POST", path, given, Cookie=cookie)


def race(ring: Ring, of: Race, kind_of_database: str) -> str:
    """Run a race until so many of its rounds overlapped; return in words how often who won.

    A round overlaps when nobody was answered before all of its requests were on their way. The books must
    hold afterwards; in a long run each possible winner wins at least one round in twenty.
    """
    winners: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    rounds, dice = 0, Random(of.__name__)
    while winners.total() < ROUNDS:
        requests, judge = of(ring)
        dice.shuffle(requests)
        first, lead = dice.choice(requests).name, dice.uniform(0, LONGEST_LEAD)
        answers, is_race = ring.clients.at_once(requests, first, lead)
        winner = judge(answers)
        rounds += 1
        assert rounds <= 5 * ROUNDS, "too few of the requests were on their way together"
        if is_race:
            winners[winner] += 1
            statuses.update(f"{answer.name} {answer.status}" for answer in answers)
    name = f"{kind_of_database:<11}{of.__name__.replace('_', ' '):<24}"
    counted = f"won: {dict(sorted(winners.items()))}; {dict(sorted(statuses.items()))}"
    told = f"{name}{ROUNDS} of {rounds} rounds; {counted}"
    assert invariants.broken(invariants.dump(ring.app)) == [], told
    if ROUNDS >= 100:
        assert len(winners) > 1 and min(winners.values()) >= ROUNDS / 20, told
    return told
