"""Workers killed between a commit and its mail: each mail arrives, and none that was undone or rolled back.

A few are killed in the suite; TRADEPOST_KILLS asks for more, and says what became of how many.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import update

from app import create_app
from app.actions import mails
from app.actions.outbox import LOST_AFTER
from app.actions.parcels import ship
from app.config import ROOT
from app.db import db
from app.models import Outbox
from tests.conftest import TEST_SETTINGS
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
from tests.postgres import Refilled

KILLS = int(os.environ.get("TRADEPOST_KILLS") or 3)
# When a worker is killed: when the server has taken a mail but has not said so, before it takes one, or at
# any moment after the first.
MOMENTS = ("after", "before", "any")
MOST_MAILS = 3
# Seconds: how long a worker lives on at most, and how long one is waited for.
LONGEST_LIFE = 0.02
LONGEST_WAIT = 30
# From so many kills on, what became of the mails is printed.
LONG = 50
# Of workers and desk alike: Message-IDs are made of it.
SECRET = "a secret of the killed"

# What starts a worker at each line that it reads, and says its number, and when it is gone.
MOTHER = """
import os, sys
from app import create_app
from flask.cli import main
create_app()  # loads what is loaded late
for line in sys.stdin:
    worker = os.fork()
    if not worker:
        sys.argv = ["flask", "--app", "app", "worker"]
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        sys.exit(main())
    print(worker, flush=True)
    os.waitpid(worker, 0)
    print("gone", flush=True)
"""


@pytest.fixture
def own_desk(
    database: Path, tmp_path: Path, server: Controller, kind_of_database: str, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """A desk where workers find it: in a folder of its own, or on PostgreSQL."""
    if kind_of_database == "postgresql":
        stage: Refilled = request.getfixturevalue("postgres_desk")
        stage.refill()
        url = stage.app.config["SQLALCHEMY_DATABASE_URI"]
    else:
        url = f"sqlite:///{shutil.copy(database, tmp_path / 'tradepost.db')}"
    app = create_app({**TEST_SETTINGS, "SECRET_KEY": SECRET, "SQLALCHEMY_DATABASE_URI": url})
    with sending_by(app, by_server(server)), app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


class Workers:
    """Starts workers of a desk, one after the other; one that has the libraries loaded forks them all."""

    def __init__(self, desk: Flask, folder: Path) -> None:
        settings = {
            "INSTANCE": folder,
            "DATABASE_URL": desk.config["SQLALCHEMY_DATABASE_URI"],
            "SECRET_KEY": SECRET,
            "DURABLE": 0,
            "MAIL_SERVER": desk.config["MAIL_SERVER"],
            "MAIL_PORT": desk.config["MAIL_PORT"],
            "MAIL_SENDER": SITE,
        }
        env = os.environ | {f"TRADEPOST_{name}": str(value) for name, value in settings.items()}
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.mother = subprocess.Popen([sys.executable, "-c", MOTHER], cwd=ROOT, env=env, text=True, **pipes)
        self.living: int | None = None

    def _said(self) -> str:
        """Return the next line of what the mother says."""
        assert self.mother.stdout is not None
        return self.mother.stdout.readline().strip()

    def hire(self) -> None:
        """Start a worker."""
        assert self.mother.stdin is not None
        self.mother.stdin.write("one more\n")
        self.mother.stdin.flush()
        self.living = int(self._said())

    def kill(self) -> None:
        """Kill the worker, if it lives, and wait until it is gone."""
        if self.living is not None:
            with suppress(ProcessLookupError):
                os.kill(self.living, signal.SIGKILL)
            assert self._said() == "gone"
            self.living = None

    def end(self) -> None:
        """Let nobody be left."""
        self.kill()
        self.mother.communicate(timeout=LONGEST_WAIT)


@pytest.fixture
def workers(own_desk: Flask, tmp_path: Path) -> Iterator[Workers]:
    """Workers of the desk, as `make run` starts them."""
    hired = Workers(own_desk, tmp_path)
    yield hired
    hired.end()


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


@pytest.mark.parametrize(
    "kind_of_database",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
    indirect=True,
)
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


def forget_who_is_at_it() -> None:
    """Let what a killed worker was at be as old as what is taken up again."""
    cut_off = update(Outbox).where(Outbox.state == "sending")
    db.session.execute(cut_off.values(claimed_at=datetime.now(UTC) - LOST_AFTER))
    db.session.commit()


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
