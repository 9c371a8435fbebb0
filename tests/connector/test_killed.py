"""The second desk's worker killed while it pulls and while it tells: nothing lost, nothing doubled.

`make kill` does it many times, against a desk that runs as `make run` starts it.
"""

import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import func, select

from app import create_app
from app.db import db
from app.models import Order, Parcel, Pull, SaleThere
from tests.conftest import TEST_SETTINGS
from tests.connector.market import Market, sale
from tests.connector.shop import AGO, Shop
from tests.connector.test_two_desks import ALBUM, CARD, KIT, Marketplace, same
from tests.processes import Process
from tests.running import Desk, come_true

SECRET = "a secret of the killed"
KILLS = int(os.environ.get("TRADEPOST_KILLS", "0"))
LONGEST_WAIT = 60


@pytest.fixture
def own_shop(database: Path, tmp_path: Path) -> Iterator[Shop]:
    """A shop where workers find it: in a folder of its own."""
    url = f"sqlite:///{shutil.copy(database, tmp_path / 'tradepost.db')}"
    own = {"SECRET_KEY": SECRET, "SQLALCHEMY_DATABASE_URI": url, "WEBHOOK_PRIVATE": True}
    app = create_app({**TEST_SETTINGS, **own})
    with app.app_context():
        yield Shop(app)
        db.session.remove()
        db.engine.dispose()


@contextmanager
def working(shop: Shop, folder: Path) -> Iterator[Process]:
    """Let a worker work as `make run` starts it, and kill it at the end."""
    # Whoever was at it is known to be gone.
    shop.change(claimed_at=None, next_at=AGO, waits_until=None, looked_back_at=None, pulled_to=None)
    settings = {
        "INSTANCE": folder,
        "DATABASE_URL": shop.app.config["SQLALCHEMY_DATABASE_URI"],
        "SECRET_KEY": SECRET,
        "DURABLE": 0,
        "WEBHOOK_PRIVATE": 1,
    }
    env = os.environ | {f"TRADEPOST_{name}": str(value) for name, value in settings.items()}
    with (folder / "log").open("a") as log:
        worker = Process("flask", "--app", "app", "worker", env=env, stderr=log)
    try:
        yield worker
    finally:
        kill(worker)


def kill(worker: Process) -> None:
    """Kill a worker, with no time to say anything."""
    worker.kill()
    worker.communicate(LONGEST_WAIT)


def test_a_worker_killed_between_two_pages_and_after_a_message_loses_nothing(
    own_shop: Shop, market: Market, tmp_path: Path
) -> None:
    shop = own_shop
    shop.connect(market.url)
    market.most = 10
    market.add(
        *(sale(n, flag_payment="1", created_at=f"2026-11-0{n % 9 + 1} 10:00:00") for n in range(1, 41))
    )
    for is_told in (False, True):
        if is_told:
            shop.ship(7, "A 7")
            shop.ship(8, "B 8")
            shop.ripen()
        is_dead = Event()
        with working(shop, tmp_path) as worker:

            def die(
                call: Any, *, worker: Any = worker, is_told: bool = is_told, is_dead: Any = is_dead
            ) -> None:
                # The third page is asked for; or the first message has arrived, and nobody will say so.
                is_now = call.method == "PUT" if is_told else call.asked.get("page") == "3"
                if is_now and not is_dead.is_set():
                    kill(worker)
                    is_dead.set()

            market.after = die
            assert is_dead.wait(LONGEST_WAIT)
        market.after = lambda _: None
        if not is_told:
            assert shop.orders() == []
            (pull,) = shop.pulls
            assert (pull.at, pull.ended_at) == (shop.connection.since, None)
            shop.visit()
            assert shop.counts == (40, 0, 0, 0)
    assert len(market.puts()) == 1
    shop.visit()
    told = market.puts()
    assert sorted(told) == [
        ("7", {"flag_shipping": 1, "tracking_link": "A 7"}),
        ("8", {"flag_shipping": 1, "tracking_link": "B 8"}),
    ]
    assert db.session.query(SaleThere).filter(SaleThere.is_owed).count() == 0
    assert Counter(order.external_id for order in shop.orders()) == Counter(str(n) for n in range(1, 41))
    assert shop.faults() == []


@pytest.mark.skipif(not KILLS, reason="long: make kill")
def test_two_desks_are_the_same_whenever_the_worker_is_killed(
    own_shop: Shop, database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(KILLS)
    folder = tmp_path / "elder"
    folder.mkdir()
    url = f"sqlite:///{shutil.copy(database, folder / 'tradepost.db')}"
    elder = Marketplace(create_app({**TEST_SETTINGS, "SECRET_KEY": SECRET, "SQLALCHEMY_DATABASE_URI": url}))
    elder.server.server_close()
    desk = Desk(folder, DATABASE_URL=url, SECRET_KEY=SECRET).wait()
    shop = own_shop
    shop.connect(
        f"http://127.0.0.1:{desk.port}/api/hip", username="othershop", key=elder.key, zone="America/New_York"
    )
    unpaid = [elder.won(chance.choice((CARD, ALBUM, KIT)), f"buyer{n}") for n in range(120)]
    paid = [elder.sale(chance.choice((CARD, ALBUM, KIT))) for _ in range(280)]
    cut = Counter[str]()
    shipped: set[str] = set()
    try:
        for n in range(KILLS):
            sell(elder, unpaid, chance)
            shipped |= ship_some(shop, chance, f"N {n}")
            shop.ripen()
            with working(shop, tmp_path) as worker:
                assert come_true(lambda: shop.connection.claimed_at is not None or is_idle(shop))
                time.sleep(chance.uniform(0, 4))
                kill(worker)
            shop.fresh()
            cut["pulls"] += db.session.scalar(select(func.count()).where(Pull.ended_at.is_(None))) or 0
            cut["messages"] += db.session.scalar(select(func.count()).where(SaleThere.is_unsure)) or 0
        shop.ripen()
        with working(shop, tmp_path):
            for _ in range(LONGEST_WAIT * 5):
                time.sleep(0.2)
                shop.fresh()
                owed = db.session.scalar(select(func.count()).where(SaleThere.is_owed))
                if shop.connection.pulled_to and is_idle(shop) and not owed:
                    break
        assert not owed
        shop.visit()
        same(shop, elder)
        shop.fresh()
        ids = Counter(db.session.scalars(select(Order.external_id).where(Order.channel == "hip")))
        assert set(ids.values()) == {1}
        with elder.app.app_context():
            parcels = db.session.scalars(select(Parcel)).all()
            assert Counter(p.state for p in parcels) == Counter(shipped=len(shipped))
            sent = db.session.scalar(select(func.count()).where(Order.shipping == 1))
        assert sent == len(shipped)
        with capsys.disabled():
            print(
                f"\n{KILLS} kills: {cut['pulls']} in a pull, {cut['messages']} in a message;"
                f" {len(ids)} sales, {len(shipped)} shipped and told; none lost, none doubled"
            )
    finally:
        desk.end()
        with elder.app.app_context():
            db.session.remove()
            db.engine.dispose()
    assert paid


def is_idle(shop: Shop) -> bool:
    """Tell whether nobody is at the connection, and nothing is to be done."""
    connection = shop.connection
    return connection.claimed_at is None and connection.next_at > datetime.now(UTC) + timedelta(minutes=1)


def sell(elder: Marketplace, unpaid: list[int], chance: random.Random) -> None:
    """Let some things happen on the first desk."""
    for _ in range(6):
        unpaid.append(elder.won(chance.choice((CARD, ALBUM, KIT)), f"buyer{chance.randrange(60)}"))
    waiting = [n for n in chance.sample(unpaid, 8) if elder.order(n).heir_id is None]
    for n in waiting[:3]:
        if elder.order(n).payment == 0:
            elder.make.pay(n)


def ship_some(shop: Shop, chance: random.Random, number: str) -> set[str]:
    """Ship some of what is paid on the second desk; return their ids on the first."""
    ready = [order for order in shop.orders() if order.payment in {1, 2} and order.shipping == 0]
    going = [str(order.external_id) for order in chance.sample(ready, min(4, len(ready)))]
    for n, external_id in enumerate(going):
        shop.ship(external_id, f"{number}-{n}")
    return {*going}
