"""Somebody who does acts at random, for tests of what must hold after whatever happened."""

import random
from dataclasses import replace
from datetime import UTC, datetime

from flask import Flask

from app.access import SYSTEM, Desk
from app.actions.elsewhere import Past, arrive
from app.actions.intake import take_in
from app.actions.labels import set_tracking
from app.actions.moves import Asked, move_item
from app.actions.parcels import Tracking, ship
from app.actions.payment import confirm_payment
from app.actions.purchases import BuyerSaid, Purchase
from app.db import db
from app.errors import Refused
from app.models import Order
from app.queries import items, sales
from app.statuses import ItemStatus, Payment
from tests.factories import ADDRESS, AUCTION, DEAL, DIGITAL, DONATION, GOODS, PICKUP, SERVICE
from tests.rules.conftest import desk_of


class Busy:
    """Does acts at random on a shop's sales, the same ones for the same seed."""

    def __init__(self, app: Flask, seed: int) -> None:
        self.app = app
        self.dice = random.Random(seed)
        self.done = self.refused = 0

    def work(self, acts: int) -> None:
        """Do so many acts, each committed or rolled back."""
        with self.app.app_context():
            desk = desk_of("owner", "vendorshop")
            for n in range(acts):
                try:
                    self.one(desk, n)
                    db.session.commit()
                    self.done += 1
                except Refused:
                    db.session.rollback()
                    self.refused += 1

    def one(self, desk: Desk, n: int) -> None:
        """Do one act."""
        dice, store_id, actor = self.dice, desk.store.id, desk.actor
        ids = [id for (id,) in db.session.query(Order.id).order_by(Order.id)]
        what = dice.choice(("take_in", "take_in", "pay", "pay", "ship", "ship", "move", "label", "put"))
        if what == "take_in" or not ids:
            kinds = (GOODS, GOODS, AUCTION, DEAL, PICKUP, SERVICE, DIGITAL, DONATION)
            lines = tuple(replace(dice.choice(kinds), listing_id=None) for _ in range(dice.randrange(1, 4)))
            take_in(
                Purchase(
                    channel="desk",
                    external_id=str(dice.randrange(40)),
                    kind="fixed_price",
                    currency="USD",
                    buyer=BuyerSaid("Maja", ref="maja"),
                    address=ADDRESS,
                    lines=lines,
                    placed_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
                ),
                actor=actor,
                store_id=store_id,
            )
            return
        order = sales.one(store_id, dice.choice(ids))
        assert order is not None
        item = dice.choice(order.items)
        if what == "pay":
            code = Payment(dice.choice((1, 2, 3)))
            confirm_payment(order.id, code=code, actor=actor, store_id=store_id)
        elif what == "ship":
            goods = [i for i in order.items if i.left and int(i.status) == 2] or [item]
            pieces = {i.id: dice.randrange(i.quantity + 1) for i in goods}
            ship(order.id, pieces, actor=actor, store_id=store_id, tracking=Tracking("DHL", str(n)))
        elif what == "move":
            whole = items.one(store_id, item.id)
            assert whole is not None
            likely = {"deal": 4, "pickup": 9}.get(whole.fulfilled_as, 3)
            asked = ItemStatus(dice.choice((likely, likely, 3, 4, 9)))
            move_item(whole, Asked(asked), desk=desk)
        elif what == "label":
            set_tracking(order.id, item.id, Tracking(None, f"L{n}"), actor=actor, store_id=store_id)
        else:
            to = ItemStatus(dice.choice((4, 5, 6, 7, 10, 11)))
            past = Past(items={item.id: to}, refund=dice.choice((0, 0, 700)))
            arrive(order.id, past, actor=SYSTEM, store_id=store_id)
