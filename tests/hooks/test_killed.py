"""Workers killed while messages are on their way: each one arrives, those in doubt again under their ids.

A few are killed in the suite; TRADEPOST_KILLS asks for more, and says what became of how many.
"""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from random import Random
from threading import Event

import pytest
from flask import Flask

from app.access import SYSTEM
from app.actions import hooks
from app.actions.payment import confirm_payment, unpay
from app.db import db
from app.models import Order
from app.statuses import Payment
from tests.factories import Factory
from tests.hooks.receiver import Receiver, go_round, hook, is_signed, rows
from tests.workers import (
    KILLS,
    LONG,
    LONGEST_LIFE,
    LONGEST_WAIT,
    ON_BOTH,
    Workers,
    desk_of_their_own,
    forget_who_is_at_it,
)

# When a worker is killed: when a program has a message but has not answered, before it has it, or at any
# moment after the first.
MOMENTS = ("after", "before", "any")
MOST_MESSAGES = 3


@pytest.fixture
def own_desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """A desk where workers find it."""
    app = desk_of_their_own(request, tmp_path, WEBHOOK_PRIVATE=True)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def workers(own_desk: Flask, tmp_path: Path) -> Iterator[Workers]:
    """Workers of the desk, as `make run` starts them."""
    hired = Workers(own_desk, tmp_path, WEBHOOK_PRIVATE=1)
    yield hired
    hired.kill()


class Sales:
    """The sales of which a program is owed a message, and those of which it must never hear."""

    def __init__(self, make: Factory) -> None:
        self.make = make
        self.owed: list[int] = []
        self.undone: list[int] = []
        self.never_committed: list[int] = []

    def pay(self, order_id: int, at: datetime) -> int:
        """Let a sale be paid; return its store."""
        store_id = db.session.get_one(Order, order_id).store_id
        confirm_payment(order_id, code=Payment.PAID, actor=SYSTEM, store_id=store_id, at=at)
        return store_id

    def more(self) -> None:
        """Let more messages be ripe than a worker may send, one payment be undone and one rolled back."""
        now = datetime.now(UTC)
        while len(hooks.ripe()) <= MOST_MESSAGES:
            self.owed.append(self.make.sale(paid=None))
            self.pay(self.owed[-1], now - timedelta(hours=1))
            db.session.commit()
        undone, never = self.make.sale(paid=None), self.make.sale(paid=None)
        store_id = self.pay(undone, now - timedelta(minutes=5))
        db.session.commit()
        unpay(undone, actor=SYSTEM, store_id=store_id, at=now - timedelta(minutes=4))
        db.session.commit()
        self.undone.append(undone)
        self.pay(never, now - timedelta(hours=1))
        db.session.rollback()
        self.never_committed.append(never)

    def figures(self, told: set[int]) -> str:
        """Say of how many sales the program was told."""
        kinds = {"owed": self.owed, "undone": self.undone, "rolled back": self.never_committed}
        return "; ".join(f"of {len(ids)} {kind} {len(told & {*ids})} arrived" for kind, ids in kinds.items())


@ON_BOTH
def test_workers_killed_at_any_moment_lose_no_message_and_send_none_that_was_undone(
    own_desk: Flask,
    receiver: Receiver,
    workers: Workers,
    kind_of_database: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    webhook_id = hook(receiver.url, "order.paid")
    sales, dice = Sales(Factory(own_desk)), Random()
    killed = Counter(islice(cycle(MOMENTS), KILLS))
    for moment in islice(cycle(MOMENTS), KILLS):
        sales.more()
        killed_at_a_message(workers, receiver, moment, dice)
        forget_who_is_at_it()
    while hooks.ripe():
        go_round()

    outbox = rows()
    told = Counter(got.said["data"]["order_id"] for got in receiver.got)
    again = len(receiver.got) - len(told)
    if KILLS >= LONG:
        with capsys.disabled():
            print(f"\n{kind_of_database}: {KILLS} kills, {dict(killed)}; {again} messages came again")
            print(sales.figures(set(told)))
    assert set(told) == set(sales.owed)
    assert {row.order_id for row in outbox if row.state == "sent"} == set(sales.owed)
    assert {row.order_id for row in outbox if row.state == "dropped"} == set(sales.undone)
    assert len(outbox) == len(sales.owed) + len(sales.undone)
    # What the program got just before the worker died comes again, under its id and with the same words.
    assert killed["after"] <= again <= killed["after"] + killed["any"]
    assert len({(got.id, got.body) for got in receiver.got}) == len(sales.owed)
    doubtful = {row.order_id for row in outbox if row.is_doubtful}
    assert {order_id for order_id, n in told.items() if n > 1} <= doubtful
    assert all(is_signed(got, own_desk, webhook_id) for got in receiver.got)


def killed_at_a_message(workers: Workers, receiver: Receiver, moment: str, dice: Random) -> None:
    """Let a worker send some messages and kill it in the middle of one, or some time after the first."""
    left = [1 if moment == "any" else dice.randint(1, MOST_MESSAGES)]
    is_time = Event()

    def die() -> None:
        left[0] -= 1
        if left[0] == 0:
            if moment != "any":
                workers.kill()
            if moment == "before":
                receiver.got.pop()
            is_time.set()

    receiver.before = die
    try:
        workers.hire()
        assert is_time.wait(LONGEST_WAIT), "the worker sent nothing"
        if moment == "any":
            time.sleep(dice.uniform(0, LONGEST_LIFE))
            workers.kill()
    finally:
        receiver.before = lambda: None
