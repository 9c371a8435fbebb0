"""A store that is connected to a marketplace, as tests look at it and move its time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select, update

from app.access import SYSTEM
from app.actions.audit import audit
from app.actions.connections import Account, connect
from app.actions.parcels import Tracking, ship_rest
from app.actions.undo import void_latest
from app.db import db
from app.models import Connection, Order, OrderItem, Parcel, ParcelLine, Pull, SaleThere
from app.postman import connector
from app.postman.connector import key_purpose
from app.seals import encrypted
from app.statuses import Channel
from tests.connector.market import KEY, USER
from tests.rules.invariants import broken, dump

AGO = datetime.now(UTC) - timedelta(hours=1)
SINCE = datetime(2026, 11, 1, tzinfo=UTC)


class Shop:
    """A connected store; every method ends what it began."""

    def __init__(self, app: Flask, store_id: int = 1) -> None:
        self.app, self.store_id = app, store_id
        self.by: dict[str, Any] = {"actor": SYSTEM, "store_id": store_id}

    def connect(
        self, url: str, *, username: str = USER, key: str = KEY, zone: str = "UTC", since: datetime = SINCE
    ) -> None:
        """Connect it to an account."""
        sealed = encrypted(self.app.config["SECRET_KEY"], key_purpose(self.store_id), key.encode())
        connect(Account(url, username, zone), sealed, since, **self.by)
        db.session.commit()

    def change(self, **values: Any) -> None:
        """Change its connection, behind everybody's back."""
        db.session.rollback()
        db.session.execute(update(Connection).where(Connection.store_id == self.store_id).values(**values))
        db.session.commit()

    def visit(self, *, is_look_back: bool = True) -> Connection:
        """Let the connector come by, as it would some time later; return the connection as it is then.

        A look back begins where the sales do, whatever day it is today.
        """
        more = {"looked_back_at": None, "pulled_to": None} if is_look_back else {}
        self.change(next_at=AGO, waits_until=None, claimed_at=None, **more)
        connector.go_round()
        return self.connection

    def ripen(self) -> None:
        """Let the undo window, and every other wait, be over for what is owed."""
        db.session.rollback()
        owed = update(SaleThere).where(SaleThere.due_at.is_not(None))
        db.session.execute(owed.values(due_at=AGO))
        db.session.commit()

    @property
    def connection(self) -> Connection:
        """The connection that is not ended."""
        self.fresh()
        found = db.session.scalars(select(Connection).where(Connection.store_id == self.store_id)).all()
        return found[-1]

    @property
    def pulls(self) -> list[Pull]:
        """What was pulled, oldest first."""
        self.fresh()
        return list(db.session.scalars(select(Pull).order_by(Pull.id)))

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """What the last pull brought: new, changed, same, refused."""
        last = self.pulls[-1]
        return last.new, last.changed, last.same, last.refused

    @property
    def said(self) -> dict[str, str]:
        """What the last pull says of sales, by their ids there."""
        return {one["id"]: "; ".join(one["said"]) for one in self.pulls[-1].remarks}

    def fresh(self) -> None:
        """See what is there now."""
        db.session.rollback()
        db.session.expire_all()

    def order(self, external_id: object) -> Order:
        """The order of a sale there."""
        self.fresh()
        mine = Order.store_id == self.store_id, Order.channel == Channel.HIP.value
        return db.session.scalars(select(Order).where(*mine, Order.external_id == str(external_id))).one()

    def orders(self) -> list[Order]:
        """All orders that live, oldest first."""
        self.fresh()
        return list(db.session.scalars(select(Order).where(Order.heir_id.is_(None)).order_by(Order.id)))

    def lines(self, external_id: object) -> list[OrderItem]:
        """The lines of a sale there."""
        order_id = self.order(external_id).id
        found = select(OrderItem).where(OrderItem.order_id == order_id).order_by(OrderItem.position)
        return list(db.session.scalars(found))

    def parcels(self, external_id: object) -> list[Parcel]:
        """The parcels of a sale there."""
        ids = [item.id for item in self.lines(external_id)]
        inside = select(ParcelLine.parcel_id).where(ParcelLine.item_id.in_(ids))
        return list(db.session.scalars(select(Parcel).where(Parcel.id.in_(inside)).order_by(Parcel.id)))

    def there(self, external_id: object) -> SaleThere:
        """What is known there of a sale."""
        return db.session.get_one(SaleThere, self.order(external_id).id)

    def ship(self, external_id: object, number: str = "", at: datetime | None = None) -> None:
        """Ship all that is left of a sale."""
        order_id = self.order(external_id).id
        ship_rest(order_id, tracking=Tracking(number=number), at=at, **self.by)
        db.session.commit()

    def undo(self, external_id: object) -> None:
        """Take its parcels back."""
        void_latest(self.order(external_id).id, **self.by)
        db.session.commit()

    def faults(self) -> list[str]:
        """What is wrong with the desk's books, by the tests' own rules and by the desk's."""
        db.session.rollback()
        found = [str(proof) for proof in audit() if proof.broken]
        db.session.rollback()
        return [*broken(dump(self.app)), *found]
