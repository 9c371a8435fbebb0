"""Workers killed between a commit and its mail: each mail arrives, and none that was undone or rolled back.

A few are killed in the suite; TRADEPOST_KILLS asks for more, and says what became of how many.
"""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from random import Random
from threading import Event

import pytest
from aiosmtpd.controller import Controller
from flask import Flask

from app.actions import mails
from app.actions.parcels import ship
from app.db import db
from tests.factories import Factory
from tests.mails.outbox import (
    SITE,
    Box,
    ago,
    by,
    by_server,
    change,
    go_round,
    number_of,
    rows,
    sale,
    send,
    sending_by,
    void,
)
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

# When a worker is killed: when the server has taken a mail but has not said so, before it takes one, or at
# any moment after the first.
MOMENTS = ("after", "before", "any")
MOST_MAILS = 3


@pytest.fixture
def own_desk(server: Controller, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """A desk where workers find it."""
    app = desk_of_their_own(request, tmp_path)
    with sending_by(app, by_server(server)), app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def workers(own_desk: Flask, tmp_path: Path) -> Iterator[Workers]:
    """Workers of the desk, as `make run` starts them."""
    mail = {name: own_desk.config[name] for name in ("MAIL_SERVER", "MAIL_PORT")}
    hired = Workers(own_desk, tmp_path, **mail, MAIL_SENDER=SITE)
    yield hired
    hired.kill()


class Sales:
    """The sales of which buyers are owed a mail, and those of which they must never hear."""

    def __init__(self, make: Factory) -> None:
        self.make = make
        self.owed: list[int] = []
        self.undone: list[int] = []
        self.never_committed: list[int] = []

    def more(self) -> None:
        """Let more mails be ripe than a worker may send, one parcel be undone and one act rolled back."""
        while len(mails.ripe()) <= MOST_MAILS:
            self.owed.append(sale(self.make))
            send(self.make, self.owed[-1])
        undone, never = sale(self.make), sale(self.make)
        void(undone, send(self.make, undone, at=ago(minutes=5)), at=ago(minutes=4))
        change(due_at=ago(minutes=1))
        ship(never, {self.make.items_of(never)[0]: 1}, is_buyer_told=True, **by(never))
        db.session.rollback()
        self.undone.append(undone)
        self.never_committed.append(never)

    def figures(self, told: set[int]) -> str:
        """Say of how many sales the buyers were told."""
        kinds = {"owed": self.owed, "undone": self.undone, "rolled back": self.never_committed}
        return "; ".join(f"of {len(ids)} {kind} {len(told & {*ids})} arrived" for kind, ids in kinds.items())


@ON_BOTH
def test_workers_killed_at_any_moment_lose_nothing_and_send_nothing_undone(
    own_desk: Flask, box: Box, workers: Workers, kind_of_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sales, dice = Sales(Factory(own_desk)), Random()
    killed = Counter(islice(cycle(MOMENTS), KILLS))
    for moment in islice(cycle(MOMENTS), KILLS):
        sales.more()
        killed_at_a_mail(workers, box, moment, dice)
        forget_who_is_at_it()
    while mails.ripe():
        go_round()

    outbox = rows()
    order_of = {f"Paper Shop: your order {number_of(i)} is on its way": i for i in everyone(sales)}
    told = Counter(order_of[subject] for subject in box.subjects)
    twice = {order_id for order_id, n in told.items() if n > 1}
    again = len(box.mails) - len(told)
    if KILLS >= LONG:
        with capsys.disabled():
            print(f"\n{kind_of_database}: {KILLS} kills, {dict(killed)}; {again} mails came again")
            print(sales.figures(set(told)))
    assert set(told) == set(sales.owed)
    assert {mail.order_id for mail in outbox if mail.state == "sent"} == set(sales.owed)
    assert {mail.order_id for mail in outbox if mail.state == "dropped"} == set(sales.undone)
    assert len(outbox) == len(sales.owed) + len(sales.undone)
    # What the server took just before its worker died comes again, and says so by its Message-ID.
    assert killed["after"] <= again <= killed["after"] + killed["any"]
    assert len({mail["Message-ID"] for mail in box.mails}) == len(sales.owed)
    assert twice <= {mail.order_id for mail in outbox if mail.is_doubtful}


def everyone(sales: Sales) -> tuple[int, ...]:
    """Return all sales."""
    return (*sales.owed, *sales.undone, *sales.never_committed)


def killed_at_a_mail(workers: Workers, box: Box, moment: str, dice: Random) -> None:
    """Let a worker send some mails and kill it in the middle of one, or some time after the first."""
    left = [1 if moment == "any" else dice.randint(1, MOST_MAILS)]
    is_time = Event()

    def die() -> str | None:
        left[0] -= 1
        if left[0] == 0:
            if moment != "any":
                workers.kill()
            is_time.set()
        return "451 nobody hears this" if moment == "before" and left[0] == 0 else None

    setattr(box, "before" if moment == "before" else "after", die)
    try:
        workers.hire()
        assert is_time.wait(LONGEST_WAIT), "the worker sent nothing"
        if moment == "any":
            time.sleep(dice.uniform(0, LONGEST_LIFE))
            workers.kill()
    finally:
        box.before = box.after = lambda: None
