"""A worker killed while a message is on its way: each one arrives, the one in doubt again under its id."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app import create_app
from app.access import SYSTEM
from app.actions.outbox import LOST_AFTER
from app.actions.payment import confirm_payment
from app.config import ROOT
from app.db import db
from app.models import Order, Outbox
from app.statuses import Payment
from tests.conftest import TEST_SETTINGS
from tests.factories import Factory
from tests.hooks.receiver import Receiver, change, hook, is_signed, rows, states

SECRET = "a secret of the killed"
LONGEST_WAIT = 30  # seconds, for a worker


@pytest.fixture
def own_desk(database: Path, tmp_path: Path) -> Iterator[Flask]:
    """A desk where workers find it: in a folder of its own."""
    url = f"sqlite:///{shutil.copy(database, tmp_path / 'tradepost.db')}"
    app = create_app({**TEST_SETTINGS, "SECRET_KEY": SECRET, "SQLALCHEMY_DATABASE_URI": url})
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@contextmanager
def working(desk: Flask, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Let a worker work as `make run` starts it, and kill it at the end."""
    settings = {
        "INSTANCE": folder,
        "DATABASE_URL": desk.config["SQLALCHEMY_DATABASE_URI"],
        "SECRET_KEY": SECRET,
        "DURABLE": 0,
        "WEBHOOK_PRIVATE": 1,
    }
    env = os.environ | {f"TRADEPOST_{name}": str(value) for name, value in settings.items()}
    nothing: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    command = [sys.executable, "-m", "flask", "--app", "app", "worker"]
    worker = subprocess.Popen(command, cwd=ROOT, env=env, **nothing)
    try:
        yield worker
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(LONGEST_WAIT)


def test_a_worker_killed_in_the_middle_of_a_message_loses_none(
    own_desk: Flask, receiver: Receiver, tmp_path: Path
) -> None:
    make = Factory(own_desk)
    webhook_id = hook(receiver.url, "order.paid")
    orders = [make.sale() for _ in range(3)]
    never = make.sale(paid=None)
    store_id = db.session.get_one(Order, never).store_id
    confirm_payment(never, code=Payment.PAID, actor=SYSTEM, store_id=store_id, at=make.placed_at)
    db.session.rollback()
    change(due_at=make.placed_at)

    with working(own_desk, tmp_path) as worker:
        is_dead, is_done = Event(), Event()

        def die() -> None:
            # The second message has arrived, and its sender will never hear of it.
            if len(receiver.got) == 2:
                worker.send_signal(signal.SIGKILL)
                worker.wait(LONGEST_WAIT)
                is_dead.set()

        receiver.before = die
        assert is_dead.wait(LONGEST_WAIT)
    assert Counter(state for _, state in states()) == {"sent": 1, "sending": 1, "due": 1}
    lost = update(Outbox).where(Outbox.state == "sending")
    db.session.execute(lost.values(claimed_at=datetime.now(UTC) - LOST_AFTER))
    db.session.commit()

    with working(own_desk, tmp_path):
        receiver.before = lambda: is_done.set() if len(receiver.got) == 4 else None
        assert is_done.wait(LONGEST_WAIT)
        for _ in range(LONGEST_WAIT * 20):
            if {state for _, state in states()} == {"sent"}:
                break
            sleep(0.05)
    told = Counter(got.said["data"]["order_id"] for got in receiver.got)
    assert sorted(told) == sorted(orders)
    assert sorted(told.values()) == [1, 1, 2]
    assert len({got.id for got in receiver.got}) == 3
    assert [row.is_doubtful for row in rows()].count(True) == 1
    assert all(is_signed(got, own_desk, webhook_id) for got in receiver.got)
