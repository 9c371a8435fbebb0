"""What the tests of mails share: a mail server's box, and a paper shop whose buyers have e-mail addresses."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import select, update

from app import postman
from app.access import SYSTEM
from app.actions.parcels import Tracking, ship
from app.actions.purchases import BuyerSaid
from app.actions.undo import void_parcel
from app.db import db
from app.models import Order, Outbox, Store
from tests.factories import GOODS, Factory

MAJA = "maja@example.com"
SITE = "desk@site.example"


class Box:
    """What a mail server took; it may be told to answer otherwise."""

    def __init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        """Begin anew."""
        self.mails: list[Any] = []
        self.senders: list[str] = []
        self.refused: dict[str, str] = {}  # address -> answer
        self.before: Callable[[], str | None] = lambda: None  # asked before a mail is taken
        self.after: Callable[[], Any] = lambda: None  # called before the sender hears that it was
        self.hangs_up = False  # instead of letting the sender hear it

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, to: str, _options: Any) -> str:
        if to in self.refused:
            return self.refused[to]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        answer = await server.loop.run_in_executor(None, self.before)
        if answer:
            return str(answer)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.senders.append(envelope.mail_from)
        assert envelope.rcpt_tos == [self.mails[-1]["To"]]
        await server.loop.run_in_executor(None, self.after)
        if self.hangs_up:
            server.transport.abort()
        return "250 OK"

    @property
    def texts(self) -> list[str]:
        """What stands in the mails."""
        return [mail.get_content().replace("\r\n", "\n") for mail in self.mails]

    @property
    def subjects(self) -> list[str]:
        """What the mails are called."""
        return [mail["Subject"].strip() for mail in self.mails]


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def by_server(server: Controller) -> dict[str, Any]:
    """Return the settings by which a desk sends by this server."""
    where = {"MAIL_SERVER": server.hostname, "MAIL_PORT": server.port}
    return {"MAIL_MEANS": "smtp", "MAIL_SENDER": SITE, **where}


class sending_by:  # noqa: N801
    """Within the block, the desk sends mail as these settings say."""

    def __init__(self, app: Flask, given: dict[str, Any]) -> None:
        self.app, self.given = app, given
        self.kept = {name: value for name, value in app.config.items() if name.startswith("MAIL_")}

    def __enter__(self) -> None:
        self.app.config.update(self.given)
        postman.init_app(self.app)

    def __exit__(self, *_: object) -> None:
        self.app.config.update(self.kept)
        postman.init_app(self.app)


def ago(**time: int) -> datetime:
    """Return an instant of the past."""
    return datetime.now(UTC) - timedelta(**time)


def sale(make: Factory, *lines: Any, **changes: Any) -> int:
    """Make a sale of yesterday, to a buyer with an e-mail address."""
    given = {"placed_at": ago(days=1), "buyer": BuyerSaid("Maja Kowalczyk", "maja", MAJA), **changes}
    return make.sale(*(lines or (GOODS,)), **given)


def by(order_id: int, **at: Any) -> dict[str, Any]:
    """Return by whom an act on a sale is done: by nobody, an hour ago."""
    store_id = db.session.get_one(Order, order_id).store_id
    return {"actor": SYSTEM, "store_id": store_id, "at": ago(hours=1), **at}


def send(make: Factory, order_id: int, n: int = 2, number: str = "1Z5R89390357567127", **at: Any) -> int:
    """Ship some pieces of a sale's first line and let the buyer be told; return the parcel's id."""
    item_id = make.items_of(order_id)[0]
    way = Tracking("UPS", number)
    parcel = ship(order_id, {item_id: n}, tracking=way, is_buyer_told=True, **by(order_id, **at))
    db.session.commit()
    return parcel.id


def void(order_id: int, parcel_id: int, **at: Any) -> None:
    """Take a parcel back."""
    void_parcel(parcel_id, **by(order_id, **at))
    db.session.commit()


def go_round() -> None:
    """Let the postman go round, as the worker does."""
    db.session.rollback()
    postman.go_round()


def rows() -> list[Outbox]:
    """Return the outbox."""
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Outbox).order_by(Outbox.id)))


def states() -> list[tuple[str, str]]:
    """Return (kind, state) of the outbox."""
    return [(mail.kind, mail.state) for mail in rows()]


def change(**values: Any) -> None:
    """Change all rows of the outbox, behind everybody's back."""
    db.session.execute(update(Outbox).values(**values))
    db.session.commit()


def set_store(**values: Any) -> None:
    """Change the paper shop's settings."""
    db.session.execute(update(Store).where(Store.slug == "papershop").values(**values))
    db.session.commit()


def number_of(order_id: int) -> int:
    """Return a sale's number."""
    return db.session.get_one(Order, order_id).number
