"""Purchases, payments, cancellations and shipping of one buyer at the same moment: `make races`.

No item is ever in two live sales or in none, totals hold, every dead id has one heir, a paid sale is frozen.
"""

import socket
import time
from itertools import count
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from app.db import db
from app.models import Order, OrderItem
from app.queries.combined import absorbed_by
from tests.races.ring import CROWD, ROUNDS, Race, Ring, race
from tests.races.server import Answer, Request

pytestmark = pytest.mark.both

PRICE, POSTAGE, FURTHER = 500, 200, 50
LINE = {"title": "Stamp", "quantity": 1, "price": "5.00", "postage": "2.00", "postage_additional": "0.50"}
_rounds = count(1)
_lots = count(1)


class Buyer:
    """A buyer of one round, whom no other round knows, and what they buy."""

    def __init__(self, ring: Ring) -> None:
        self.ring, self.name = ring, f"buyer-{next(_rounds)}"

    def buys(self, lot: str = "", key: str = "") -> Request:
        """Return the call that tells of a lot that was won."""
        purchase = {
            "external_id": lot or f"lot-{next(_lots)}",
            "kind": "auction",
            "currency": "USD",
            "buyer": {"username": self.name},
            "lines": [LINE],
        }
        return self.ring.tell("buy", "/stores/papershop/purchases", purchase, key)

    def opens(self) -> Any:
        """Buy a first lot, alone, and return the sale."""
        answers, _ = self.ring.clients.at_once([self.buys()], "", 0)
        assert answers[0].status == 201, answers
        return answers[0].json

    def pays(self, sale: Any, method: str = "paypal") -> Request:
        """Return the call that confirms a payment."""
        sent = {"amount": sale["total"], "currency": "USD", "method": method}
        return self.ring.tell("pay", f"/orders/{sale['id']}/payments", sent)

    def cancels(self, sale: Any) -> Request:
        """Return the call that cancels all of a sale."""
        return self.ring.tell("cancel", f"/orders/{sale['id']}/cancellations", {"reason": "buyer"})


def named(answers: list[Answer], name: str) -> list[Answer]:
    return [answer for answer in answers if answer.name == name]


def statuses(answers: list[Answer], name: str) -> list[int]:
    return sorted(answer.status for answer in named(answers, name))


def sale(ring: Ring, order_id: int) -> tuple[Order, list[int], list[int]]:
    """Return a sale, the ids of its lines, and of the sales that went into it."""
    with ring.app.app_context():
        order = db.session.get_one(Order, order_id)
        lines = list(db.session.scalars(select(OrderItem.id).where(OrderItem.order_id == order_id)))
        absorbed = [row.id for row in absorbed_by(order_id)]
        db.session.expunge_all()
        return order, lines, absorbed


def live(ring: Ring, answers: list[Answer]) -> list[int]:
    """Return those sales among the ones bought that live."""
    ids = {answer.json["id"] for answer in answers}
    return sorted(i for i in ids if sale(ring, i)[0].heir_id is None)


def bought_apart(ring: Ring, answers: list[Answer], without: Any) -> None:
    """Hold that the purchases became one sale, into which another one did not go."""
    assert statuses(answers, "buy") == [201] * len(named(answers, "buy")), answers
    (heir,) = live(ring, named(answers, "buy"))
    order, lines, absorbed = sale(ring, heir)
    assert len(lines) == len(named(answers, "buy")), answers
    assert without["id"] not in absorbed, answers
    assert order.total_minor == PRICE * len(lines) + POSTAGE + FURTHER * (len(lines) - 1)


def taken_up(ring: Ring, answers: list[Answer], first: Any) -> int:
    """Hold that the purchases and the first sale became one; return it."""
    assert statuses(answers, "buy") == [201] * len(named(answers, "buy")), answers
    (heir,) = live(ring, named(answers, "buy"))
    order, lines, absorbed = sale(ring, heir)
    assert len(lines) == len(named(answers, "buy")) + 1, answers
    assert first["id"] in absorbed and first["lines"][0]["id"] in lines, answers
    assert order.total_minor == PRICE * len(lines) + POSTAGE + FURTHER * (len(lines) - 1)
    assert sale(ring, first["id"])[1] == []
    return heir


def frozen(ring: Ring, first: Any, payment: int) -> None:
    """Hold that a sale that was paid is what it was."""
    order, lines, absorbed = sale(ring, first["id"])
    assert (order.heir_id, int(order.payment), order.total_minor, absorbed) == (None, payment, 700, [])
    assert lines == [line["id"] for line in first["lines"]]


def combine_and_pay(ring: Ring) -> Any:
    buyer = Buyer(ring)
    first = buyer.opens()

    def judge(answers: list[Answer]) -> str:
        if statuses(answers, "pay") == [201, 409]:
            bought_apart(ring, answers, without=first)
            frozen(ring, first, payment=2)
            return "pay"
        assert statuses(answers, "pay") == [409, 409], answers
        heir = taken_up(ring, answers, first)
        # It names who lived then: another purchase may have taken that one up since.
        heirs = {answer.json["heir"] for answer in named(answers, "pay")}
        assert heirs <= {heir, *sale(ring, heir)[2]}, answers
        return "combine"

    return [buyer.buys(), buyer.buys(), buyer.pays(first), buyer.pays(first)], judge


def combine_and_combine(ring: Ring) -> Any:
    buyer = Buyer(ring)
    first = buyer.opens()

    def judge(answers: list[Answer]) -> str:
        heir = taken_up(ring, answers, first)
        return f"client {next(answer.client for answer in answers if answer.json['id'] == heir)}"

    return [buyer.buys() for _ in range(CROWD)], judge


def first_and_first(ring: Ring) -> Any:
    buyer = Buyer(ring)

    def judge(answers: list[Answer]) -> str:
        bought_apart(ring, answers, without={"id": 0})
        (heir,) = live(ring, answers)
        return f"client {next(answer.client for answer in answers if answer.json['id'] == heir)}"

    return [buyer.buys() for _ in range(CROWD)], judge


def take_in_and_take_in(ring: Ring) -> Any:
    buyer, lot = Buyer(ring), f"lot-{next(_lots)}"

    def judge(answers: list[Answer]) -> str:
        assert statuses(answers, "buy") == [200, 200, 200, 201], answers
        assert len({answer.json["id"] for answer in answers}) == 1, answers
        assert len(sale(ring, answers[0].json["id"])[1]) == 1
        return f"client {next(answer.client for answer in answers if answer.status == 201)}"

    return [buyer.buys(lot) for _ in range(CROWD)], judge


def one_key(ring: Ring) -> Any:
    buyer, lot = Buyer(ring), f"lot-{next(_lots)}"

    def judge(answers: list[Answer]) -> str:
        done = [answer for answer in answers if answer.status == 201]
        assert done and {answer.status for answer in answers} <= {201, 409}, answers
        assert len({answer.body for answer in done}) == 1, answers
        assert len(sale(ring, done[0].json["id"])[1]) == 1
        return f"client {done[0].client}"  # others too, where they came after it

    return [buyer.buys(lot, key=f"key-{lot}") for _ in range(CROWD)], judge


def pay_and_cancel(ring: Ring) -> Any:
    buyer = Buyer(ring)
    first = buyer.opens()

    def judge(answers: list[Answer]) -> str:
        order, lines, _ = sale(ring, first["id"])
        assert len(lines) == 1 and statuses(answers, "cancel") == [201, 400], answers
        if statuses(answers, "pay") == [201, 409]:
            assert int(order.payment) == 2, answers  # what was paid is there, and can go back
            return "pay"
        assert statuses(answers, "pay") == [409, 409] and int(order.payment) == 4, answers
        return "cancel"

    return [buyer.pays(first), buyer.pays(first), buyer.cancels(first), buyer.cancels(first)], judge


def combine_and_cancel(ring: Ring) -> Any:
    buyer = Buyer(ring)
    first = buyer.opens()

    def judge(answers: list[Answer]) -> str:
        if 201 in statuses(answers, "cancel"):
            assert statuses(answers, "cancel") == [201, 400], answers
            bought_apart(ring, answers, without=first)
            return "cancel"
        assert statuses(answers, "cancel") == [409, 409], answers
        taken_up(ring, answers, first)
        return "combine"

    return [buyer.buys(), buyer.buys(), buyer.cancels(first), buyer.cancels(first)], judge


def combine_and_ship(ring: Ring) -> Any:
    """Pay on arrival, then ship: both against a purchase that would take the sale up."""
    buyer = Buyer(ring)
    first = buyer.opens()
    ship = ring.move("ship", first["lines"][0]["id"], status=3)

    def judge(answers: list[Answer]) -> str:
        if statuses(answers, "pay") == [201]:
            bought_apart(ring, answers, without=first)
            frozen(ring, first, payment=3)
            assert statuses(answers, "ship") in ([200], [400]), answers  # after the payment, or before it
            return "pay"
        assert (statuses(answers, "pay"), statuses(answers, "ship")) == ([409], [400]), answers
        taken_up(ring, answers, first)
        return "combine"

    return [buyer.buys(), buyer.buys(), buyer.pays(first, "on_arrival"), ship], judge


RACES: tuple[Race, ...] = (
    combine_and_pay,
    combine_and_combine,
    first_and_first,
    take_in_and_take_in,
    one_key,
    pay_and_cancel,
    combine_and_cancel,
    combine_and_ship,
)


def test_whoever_buys_pays_and_cancels_at_the_same_moment_no_item_is_lost_or_doubled(
    ring: Ring, kind_of_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [race(ring, of, kind_of_database) for of in RACES]
    with capsys.disabled():
        print("", *told, sep="\n")


def test_a_call_whose_answer_was_lost_is_done_once_when_it_comes_again(
    ring: Ring, kind_of_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dice, lost, waited, replayed, lots = Random(7), 0, 0, 0, []
    for n in range(2 * ROUNDS):
        buyer, lot = Buyer(ring), f"lot-{next(_lots)}"
        call = buyer.buys(lot, key=f"key-{lot}")
        lots.append(lot)
        if n % 2:
            with socket.create_connection(("127.0.0.1", ring.port)) as cut_off:
                cut_off.sendall(call.sent)
                time.sleep(dice.uniform(0, 0.02))
            lost += 1
        else:
            (first,), _ = ring.clients.at_once([call], "", 0)
            assert first.status == 201, first
        while True:
            (answer,), _ = ring.clients.at_once([call], "", 0)
            if answer.status != 409:
                break
            waited += 1
            time.sleep(0.02)
        assert answer.status == 201, answer
        replayed += answer.is_replayed
    with ring.app.app_context():
        made = db.session.scalars(select(Order.external_id).where(Order.external_id.in_(lots))).all()
        assert sorted(made) == sorted(lots)
    assert replayed >= ROUNDS
    with capsys.disabled():
        print(
            f"\n{kind_of_database:<11}retries: {len(lots)}, answers cut off: {lost}, told to wait: {waited}"
        )
