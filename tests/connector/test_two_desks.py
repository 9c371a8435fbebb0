"""Two desks against each other: the second pulls from the first by its own Hip interface, and tells it."""

import random
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from app import create_app
from app.access import SYSTEM
from app.actions.addresses import correct_address
from app.actions.aftersale import Reason, cancel
from app.actions.people import make_token
from app.actions.purchases import AddressSaid, BuyerSaid, LineSaid
from app.actions.refunds import refund
from app.db import db
from app.models import Order, OrderItem, Parcel
from app.queries import people
from app.statuses import Payment, Shipping
from tests.conftest import TEST_SETTINGS, email_of
from tests.connector.shop import Shop
from tests.factories import Factory

BOTH = pytest.mark.both

CARD, ALBUM, KIT = (
    LineSaid(title, n, price, sku=sku, external_id=sku, listing_id=f"L-{sku}", postage=150)
    for title, n, price, sku in (
        ("Letterpress card", 5, 450, "LC-1"),
        ("Stamp album of 1961", 1, 12800, "SA-2"),
        ("Kit, ½ price", 2, 999, "K-3"),
    )
)


class Marketplace:
    """The first desk, which sells: its acts, and a server that speaks Hip to whoever has a key."""

    def __init__(self, app: Flask) -> None:
        # Their times have no parts of a second.
        yesterday = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        self.app, self.make = app, Factory(app, yesterday)
        with app.app_context():
            account = people.account_by_email(email_of("owner2"))
            assert account is not None
            self.key = make_token(account, None, ["read:store-orders", "write:store-orders"])
            db.session.commit()
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/hip"

    def sale(self, *lines: LineSaid, **more: Any) -> int:
        """Sell something in the shop that the second desk is connected to."""
        return self.make.sale(*lines, store="othershop", **more)

    def won(self, line: LineSaid, buyer: str = "maja") -> int:
        """Let somebody win an auction: a sale that may combine."""
        who = BuyerSaid("Maja Kowalczyk", buyer, f"{buyer}@example.com", buyer)
        return self.sale(line, paid=None, kind="auction", channel="intake", buyer=who)

    def do(self, act: Any, *args: Any, **how: Any) -> None:
        """Carry an act out on it."""
        with self.app.app_context():
            act(*args, actor=SYSTEM, store_id=3, **how)
            db.session.commit()

    def order(self, order_id: int) -> Order:
        """Return an order as it is now."""
        return self.make.sale_row(order_id)

    def living(self) -> dict[str, tuple[Any, ...]]:
        """Return what is to be found at the other desk: all sales by their ids, with their lines."""
        with self.app.app_context():
            return standing(
                db.session.scalars(select(Order).where(Order.store_id == 3, Order.heir_id.is_(None))), "id"
            )


def standing(orders: Any, name: str) -> dict[str, tuple[Any, ...]]:
    """Return what two desks have in common of sales, by the id that the first gives them."""
    found = {}
    for order in orders.all():
        lines = db.session.scalars(select(OrderItem).where(OrderItem.order_id == order.id))
        told = sorted((x.title, x.sku, x.quantity, x.price_minor) for x in lines)
        flags = int(order.payment), int(order.shipping)
        found[str(getattr(order, name))] = (*flags, order.total_minor, order.currency, order.placed_at, told)
    return found


@pytest.fixture
def elder(database: Path, tmp_path: Path) -> Iterator[Marketplace]:
    """The first desk, listening."""
    url = f"sqlite:///{shutil.copy(database, tmp_path / 'elder.db')}"
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": url})
    marketplace = Marketplace(app)
    thread = threading.Thread(target=marketplace.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield marketplace
    marketplace.server.shutdown()
    marketplace.server.server_close()
    thread.join()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def shop(desk: Flask, elder: Marketplace) -> Shop:
    """The second desk's shop, connected to the first desk's."""
    shop = Shop(desk)
    shop.connect(elder.url, username="othershop", key=elder.key, zone="America/New_York")
    return shop


def same(shop: Shop, elder: Marketplace) -> None:
    """Prove that both desks have the same sales, standing the same way."""
    shop.fresh()
    mine = db.session.scalars(select(Order).where(Order.channel == "hip", Order.heir_id.is_(None)))
    assert standing(mine, "external_id") == elder.living()
    assert shop.faults() == []


def test_the_second_desk_follows_what_the_first_one_sells(shop: Shop, elder: Marketplace) -> None:
    first, paid = elder.won(CARD), elder.sale(ALBUM, KIT)
    refunded, cancelled = elder.sale(KIT), elder.sale(CARD, paid=None)
    shop.visit()
    same(shop, elder)
    second = elder.won(ALBUM)
    elder.do(refund, refunded, None, items=None, reason=Reason.OTHER)
    elder.do(cancel, cancelled, None, reason=Reason.BUYER)
    shop.visit()
    same(shop, elder)
    last = elder.won(KIT)
    moved = AddressSaid("Maja Kowalczyk", "Rynek 1", city="Kraków", postal_code="31-042", country="PL")
    elder.do(correct_address, paid, moved)
    shop.visit()
    assert [shop.order(last).external_id, len(shop.lines(last))] == [str(last), 3]
    same(shop, elder)
    elder.make.pay(last)
    elder.make.ship(paid, dict.fromkeys(elder.make.items_of(paid)[:1], 1))
    shop.visit()
    same(shop, elder)
    assert first < second < last
    shop.visit()
    assert shop.counts[:2] == (0, 0)
    assert shop.counts[3] == 0


@BOTH
def test_the_first_desk_shows_what_the_second_one_ships(shop: Shop, elder: Marketplace) -> None:
    sold = elder.sale(CARD, ALBUM)
    shop.visit()
    shop.ship(sold, "1Z 999")
    shop.ripen()
    shop.visit()
    with elder.app.app_context():
        parcel = db.session.scalars(select(Parcel)).one()
        assert (parcel.state, parcel.number) == ("shipped", "1Z 999")
    assert elder.order(sold).shipping == Shipping.SHIPPED
    same(shop, elder)
    shop.undo(sold)
    shop.ripen()
    shop.visit()
    assert elder.order(sold).shipping == Shipping.PROCESSING
    same(shop, elder)
    shop.ship(sold, "1Z 1000")
    shop.ripen()
    shop.visit()
    same(shop, elder)
    assert shop.counts == (0, 0, 1, 0)


def test_what_the_first_desk_refuses_is_kept_with_its_sentence(shop: Shop, elder: Marketplace) -> None:
    sold = elder.sale(CARD)
    shop.visit()
    elder.do(refund, sold, None, items=None, reason=Reason.OTHER)
    shop.ship(sold)
    shop.ripen()
    shop.visit()
    assert shop.there(sold).trouble == (
        "The server refused (it answered 400). It says: “Order status change prohibited.”"
    )
    assert shop.said == {str(sold): "it is refunded there"}


@BOTH
def test_whatever_happens_both_desks_stand_the_same_in_the_end(shop: Shop, elder: Marketplace) -> None:
    chance = random.Random(9)
    unpaid: list[int] = []
    for step in range(18):
        match chance.choice(("win", "win", "buy", "pay", "visit", "ship")):
            case "win":
                unpaid.append(elder.won(chance.choice((CARD, ALBUM, KIT)), chance.choice(("maja", "piotr"))))
            case "buy":
                elder.sale(chance.choice((CARD, ALBUM, KIT)))
            case "pay":
                waiting = [n for n in unpaid if elder.order(n).heir_id is None]
                waiting = [n for n in waiting if elder.order(n).payment == Payment.UNPAID]
                if waiting:
                    elder.make.pay(chance.choice(waiting))
            case "visit":
                shop.visit()
            case "ship":
                ready = [order for order in shop.orders() if order.payment and not order.shipping]
                if ready:
                    shop.ship(chance.choice(ready).external_id, f"N {step}")
    shop.ripen()
    shop.visit()
    shop.visit()
    same(shop, elder)
