"""Processes that sell, take payments and ship as fast as they can, and say what was acknowledged to them."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from flask import Flask

from app.db import db
from app.statuses import Payment
from tests.factories import GOODS, Factory

STEPS = ("sold", "paid", "sent")


class Told(NamedTuple):
    """One acknowledged write: what was done to which sale, and how many seconds it took."""

    step: str
    order_id: int
    took: float


class Writer:
    """One process that writes, begun at once; it tells of a write in a file of its own after the commit."""

    def __init__(self, app: Flask, folder: Path, name: str) -> None:
        self.path = folder / f"writer-{name}"
        self.path.touch()
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._write(app, name, parent)
            finally:
                os._exit(1)  # it was to be killed

    def _write(self, app: Flask, name: str, parent: int) -> None:
        """Write until it is killed, or its parent is gone."""
        make = Factory(app)
        with self.path.open("ab", buffering=0) as told:
            n = 0
            while os.getppid() == parent:
                n += 1
                order_id = 0
                for step in STEPS:
                    begun = time.monotonic()
                    if step == "sold":
                        order_id = make.sale(GOODS, paid=None, external_id=f"{name}-{n}")
                    elif step == "paid":
                        make.pay(order_id, Payment.PAID)
                    else:
                        make.ship(order_id, {make.items_of(order_id)[0]: 2}, number=f"{name}{n}")
                    told.write(f"{step} {order_id} {time.monotonic() - begun:.4f}\n".encode())

    def told(self) -> list[Told]:
        """Return what was acknowledged so far, oldest first."""
        whole, _, _ = self.path.read_text().rpartition("\n")
        lines = [line.split() for line in whole.splitlines()]
        return [Told(step, int(order_id), float(took)) for step, order_id, took in lines]

    def end(self) -> None:
        """Kill it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@contextmanager
def writing(app: Flask, folder: Path, n: int) -> Iterator[list[Writer]]:
    """Let so many processes write meanwhile, each of which has begun."""
    writers: list[Writer] = []
    try:
        for which in range(n):
            writers.append(Writer(app, folder, f"w{which}"))
        while not all(len(writer.told()) >= len(STEPS) for writer in writers):
            assert all(os.waitpid(w.pid, os.WNOHANG)[0] == 0 for w in writers), "a writer ended"
            time.sleep(0.01)
        yield writers
    finally:
        for writer in writers:
            writer.end()
