"""Real requests at the same moment, against the running desk with two workers, on both databases.

A round counts when all of its requests were on their way before one of them was answered. Who won is
counted and printed: a race that always ends the same is a sequence. `make races ROUNDS=1000` runs many.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from flask import Flask

from app.actions.purchases import BuyerSaid
from app.db import db
from app.queries import people
from tests.conftest import csrf_token
from tests.factories import DEAL, GOODS, Factory
from tests.races.server import SECRET, Answer, Clients, Request, Server, request
from tests.rules import invariants
from tests.rules.books import events

ROUNDS = int(os.environ.get("TRADEPOST_RACES", "0")) or 6
CROWD = 4
LONGEST_LEAD = 0.01

pytestmark = pytest.mark.both


class Ring(NamedTuple):
    """Where the races are run: the desk's application, its running server, and who may do what."""

    app: Flask
    make: Factory
    clients: Clients
    bearer: dict[str, dict[str, str]]
    signed_in: dict[str, tuple[str, str]]  # the cookie of each, and the token of their forms
    stores: dict[str, int]

    def move(self, name: str, item_id: int, store: str = "papershop", **sent: object) -> Request:
        """Return a PUT of the Okanjo dialect on an item."""
        who = "owner" if store == "papershop" else "vendor"
        path = f"/api/okanjo/stores/{self.stores[store]}/sales/{item_id}"
        return request(name, "PUT", path, sent, **self.bearer[who])

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


@pytest.fixture
def ring(
    app: Flask,
    token: Callable[..., dict[str, str]],
    sign_in: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Ring]:
    """The running desk, the cast's keys and the clients."""
    monkeypatch.setitem(app.config, "SECRET_KEY", SECRET)  # the one under which the server reads them
    signed_in = {}
    for who in ("owner", "buyer"):
        browser = sign_in(who)
        browser.get("/purchases")
        page = browser.get("/purchases")
        signed_in[who] = (page.request.headers["Cookie"], csrf_token(page.text))
    bearer = {who: token(who) for who in ("owner", "vendor")}
    with app.app_context():
        stores = {place.slug: place.id for place in people.all_stores()}
        db.session.remove()
        db.engine.dispose()
    server = Server(app.config["SQLALCHEMY_DATABASE_URI"], tmp_path)
    try:
        clients = Clients(server, CROWD)
        yield Ring(app, Factory(app), clients, bearer, signed_in, stores)
        clients.close()
    finally:
        server.end()


Race = Callable[[Ring], tuple[list[Request], Callable[[list[Answer]], str]]]


# A form that is refused is answered 409 or 422: 400 were one that nobody read.
FORMS = frozenset({"cancel", "receive", "refund", "undo"})


def only_one(answers: list[Answer]) -> str:
    """Hold that one request was done and the others were refused; return whose it was."""
    won = [answer for answer in answers if answer.is_done]
    assert len(won) == 1, answers
    assert {answer.status for answer in answers if not answer.is_done} <= {400, 409, 422}, answers
    assert not any(answer.status == 400 for answer in answers if answer.name in FORMS), answers
    return won[0].name if len({answer.name for answer in answers}) > 1 else f"client {won[0].client}"


def sale(ring: Ring, *lines: Any, **how: Any) -> tuple[int, int]:
    """Make a sale that was bought just now; return its id and its first line's."""
    order_id = ring.make.sale(*lines, placed_at=datetime.now(UTC), **how)
    return order_id, ring.make.items_of(order_id)[0]


def ship_and_ship(ring: Ring) -> Any:
    _, item_id = sale(ring, GOODS)
    return [ring.move("ship", item_id, status=3) for _ in range(CROWD)], only_one


def ship_and_cancel(ring: Ring) -> Any:
    order_id, item_id = sale(ring, GOODS)
    cancel = {f"pieces_no_{item_id}": 5, "reason": "buyer"}
    ships = [ring.move("ship", item_id, status=3) for _ in range(CROWD // 2)]
    cancels = [ring.form("cancel", order_id, "/cancel", **cancel) for _ in range(CROWD // 2)]
    return ships + cancels, only_one


def redeem_and_redeem(ring: Ring) -> Any:
    _, item_id = sale(ring, DEAL, store="vendorshop")
    return [
        ring.move("redeem", item_id, "vendorshop", status=4, product_deal_vendor_ack=f"by {n}")
        for n in range(CROWD)
    ], only_one


def undo_and_ship_the_rest(ring: Ring) -> Any:
    order_id, item_id = sale(ring, GOODS)
    parcel_id = ring.make.ship(order_id, {item_id: 2})
    undo = [ring.form("undo", order_id, f"/parcels/{parcel_id}/void") for _ in range(CROWD // 2)]
    rest = [ring.move("ship", item_id, status=3) for _ in range(CROWD // 2)]

    def judge(answers: list[Answer]) -> str:
        done = sorted(answer.name for answer in answers if answer.is_done)
        verbs = [event.verb for event in events(ring.app, order_id) if event.item_id == item_id]
        first = next(verb for verb in verbs[3:] if verb in {"void", "ship"})
        shipped = ring.make.item_row(item_id).shipped
        # Whoever undoes it first leaves all five to ship. Whoever ships first leaves nothing: the undone
        # two wait again, and a second who comes after that ships them.
        assert done.count("undo") == 1, answers
        assert (done.count("ship"), shipped) in {(1, 5 if first == "void" else 3), (2, 5)}, answers
        return "undo" if first == "void" else "ship"

    return undo + rest, judge


def undo_and_receive(ring: Ring) -> Any:
    order_id, item_id = sale(
        ring, GOODS, account="buyer", buyer=BuyerSaid("Maja Kowalczyk", "maja", ref="maja")
    )
    parcel_id = ring.make.ship(order_id, {item_id: 5})
    undo = [ring.form("undo", order_id, f"/parcels/{parcel_id}/void") for _ in range(CROWD // 2)]
    receive = [ring.buyers_form("receive", order_id, "/received") for _ in range(CROWD // 2)]
    return undo + receive, only_one


def refund_and_refund(ring: Ring) -> Any:
    order_id, _ = sale(ring, GOODS)
    sent = {"amount": "22.50", "reason": "other"}
    return [ring.form("refund", order_id, "/refund", **sent) for _ in range(CROWD)], only_one


RACES: tuple[Race, ...] = (
    ship_and_ship,
    ship_and_cancel,
    redeem_and_redeem,
    undo_and_ship_the_rest,
    undo_and_receive,
    refund_and_refund,
)


def test_of_those_who_ask_at_the_same_moment_the_books_hold(
    ring: Ring, kind_of_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for race in RACES:
        winners: Counter[str] = Counter()
        statuses: Counter[str] = Counter()
        rounds = 0
        dice = Random(race.__name__)
        while statuses.total() < ROUNDS * CROWD:
            requests, judge = race(ring)
            dice.shuffle(requests)
            first, lead = dice.choice(requests).name, dice.uniform(0, LONGEST_LEAD)
            answers, is_race = ring.clients.at_once(requests, first, lead)
            winner = judge(answers)
            rounds += 1
            assert rounds <= 5 * ROUNDS, "too few of the requests were on their way together"
            if is_race:
                winners[winner] += 1
                statuses.update(f"{answer.name} {answer.status}" for answer in answers)
        name = f"{kind_of_database:<11}{race.__name__.replace('_', ' '):<23}"
        counted = f"won: {dict(sorted(winners.items()))}; {dict(sorted(statuses.items()))}"
        told.append(f"{name}{ROUNDS} of {rounds} rounds; {counted}")
        assert invariants.broken(invariants.dump(ring.app)) == []
        if ROUNDS >= 100:
            # Each possible winner wins at least one round in twenty.
            assert len(winners) > 1 and min(winners.values()) >= ROUNDS / 20, told
    with capsys.disabled():
        print("", *told, sep="\n")
