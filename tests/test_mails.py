"""Mails to buyers: what was committed arrives, what was undone or rolled back never does, in plain text."""

import logging
import os
import random
import shutil
import socket
import ssl
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import select, update

from app import create_app, postman
from app.access import SYSTEM
from app.actions import mails
from app.actions.aftersale import Reason, cancel
from app.actions.labels import set_tracking
from app.actions.mails import LOST_AFTER, WAITS, OnItsWay, send_again
from app.actions.moves import Asked, move_item
from app.actions.parcels import Tracking, ship, ship_together
from app.actions.problems import note, report_problem, resolve
from app.actions.purchases import BuyerSaid
from app.actions.refunds import refund, settle_refund
from app.actions.undo import void_parcel
from app.config import ROOT, BadSetting, from_environment
from app.db import db
from app.models import Address, Buyer, Event, Order, Outbox, Store
from app.queries import items
from app.statuses import ActorKind, Door, ItemStatus
from tests.conftest import TEST_SETTINGS
from tests.factories import GOODS, PICKUP, Factory
from tests.postgres import Refilled
from tests.rules.books import everything
from tests.rules.conftest import desk_of

BOTH = pytest.mark.both
MAJA = "maja@example.com"
SITE = "desk@site.example"
LONGEST_WAIT = 30
# How often a worker is killed between mails; more for a long look.
KILLS = int(os.environ.get("TRADEPOST_TEST_KILLS", "2"))


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
        return "250 OK"

    @property
    def texts(self) -> list[str]:
        """What stands in the mails."""
        return [mail.get_content().replace("\r\n", "\n") for mail in self.mails]

    @property
    def subjects(self) -> list[str]:
        """What the mails are called."""
        return [mail["Subject"].strip() for mail in self.mails]


@pytest.fixture(scope="module")
def server() -> Iterator[Controller]:
    """A mail server."""
    controller = Controller(Box(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def box(server: Controller) -> Box:
    """The mail server's box, empty."""
    handler: Box = server.handler
    handler.empty()
    return handler


@pytest.fixture
def desk(app: Flask, box: Box, server: Controller) -> Iterator[Flask]:
    """The desk, which sends by the server, and its context."""
    with sending_by(app, by_server(server)), app.app_context():
        yield app


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


# What is told.


@BOTH
def test_a_parcel_is_told_of_when_its_time_has_come_and_once(desk: Flask, make: Factory, box: Box) -> None:
    order_id = sale(make)
    send(make, order_id, at=ago(minutes=9))
    go_round()
    assert box.mails == []
    change(due_at=ago(seconds=1))
    go_round()
    go_round()
    (mail,), n = box.mails, number_of(order_id)
    assert (mail["From"], mail["To"]) == (f"Paper Shop <{SITE}>", MAJA)
    assert box.senders == [SITE]
    assert mail["Subject"] == f"Paper Shop: your order {n} is on its way"
    assert mail.get_content_type() == "text/plain"
    assert box.texts == [
        "Hello Maja Kowalczyk,\n\n"
        f"a parcel of your order {n} is on its way to you:\n\n"
        "  2 × Letterpress card, thank you\n\n"
        "Carrier: UPS\n"
        "Tracking number: 1Z5R89390357567127\n"
        "Follow it: https://wwwapps.ups.com/WebTracking/track?track=yes&trackNums=1Z5R89390357567127\n\n"
        "3 more pieces are still to be sent.\n\n"
        f"Paper Shop\nOrder {n}\n"
    ]
    (row,) = rows()
    assert (row.state, row.recipient, row.tries, row.trouble) == ("sent", MAJA, 1, "")


def test_a_parcel_of_two_sales_tells_each_buyer_of_their_own(desk: Flask, make: Factory, box: Box) -> None:
    orders = [sale(make), sale(make, replace(GOODS, title="A map"))]
    pieces = {order_id: {make.items_of(order_id)[0]: 1} for order_id in orders}
    same = db.session.get_one(Order, orders[0])
    db.session.execute(update(Order).values(buyer_id=same.buyer_id))
    db.session.commit()
    ship_together(pieces, is_buyer_told=True, **by(orders[0]))
    db.session.commit()
    go_round()
    assert [("Letterpress" in text, "A map" in text) for text in box.texts] == [(True, False), (False, True)]


def test_other_endings_are_told_of_too(desk: Flask, make: Factory, box: Box) -> None:
    order_id = sale(make, GOODS, PICKUP)
    cards, kit = make.items_of(order_id)
    make.put(kit, 2)
    asked = Asked(ItemStatus.PENDING_ACQUISITION)
    item = items.one(by(order_id)["store_id"], kit)
    assert item is not None
    move_item(item, asked, desk=desk_of("owner"), at=ago(hours=1))
    cancel(order_id, {cards: 2}, reason=Reason.SOLD_OUT, is_buyer_told=True, **by(order_id))
    refund(order_id, 900, reason=Reason.SOLD_OUT, is_buyer_told=True, **by(order_id))
    note(order_id, "Would you take\nblue ones?", is_private=False, **by(order_id))
    note(order_id, "Rude", is_private=True, **by(order_id))
    db.session.commit()
    go_round()
    n = number_of(order_id)
    assert box.subjects == [
        f"Paper Shop: your order {n} is ready to be picked up",
        f"Paper Shop: your order {n} was cancelled in part",
        f"Paper Shop: $9.00 of your order {n} went back to you",
        f"Paper Shop: a message about your order {n}",
    ]
    ready, cancelled, refunded, message = box.texts
    assert "  1 × Workshop kit\n" in ready
    assert "  2 × Letterpress card, thank you\n\nIt is sold out, or cannot be sent.\n" in cancelled
    assert "we gave you $9.00" in refunded
    assert "Hello Maja Kowalczyk,\n\nWould you take\nblue ones?\n\nPaper Shop" in message


def test_an_answer_is_told_and_money_once_it_has_gone_back(desk: Flask, make: Factory, box: Box) -> None:
    order_id = sale(make)
    send(make, order_id)
    report_problem(order_id, **by(order_id))
    resolve(order_id, "A new one is on its way.", **by(order_id))
    refund(order_id, 100, reason=Reason.OTHER, is_done=False, is_buyer_told=True, **by(order_id))
    db.session.commit()
    go_round()
    assert [kind for kind, _ in states()] == ["parcel_shipped", "message"]
    assert "A new one is on its way." in box.texts[1]
    settle_refund(order_id, is_done=True, is_buyer_told=True, **by(order_id))
    db.session.commit()
    go_round()
    assert "we gave you $1.00" in box.texts[2]


def test_without_the_tick_nobody_is_told(desk: Flask, make: Factory) -> None:
    order_id = sale(make)
    cards = make.items_of(order_id)[0]
    ship(order_id, {cards: 1}, **by(order_id))
    cancel(order_id, {cards: 1}, reason=Reason.BUYER, **by(order_id))
    refund(order_id, 1, reason=Reason.BUYER, **by(order_id))
    db.session.commit()
    assert states() == []


def test_what_is_not_so_any_more_is_not_told(desk: Flask, make: Factory, box: Box) -> None:
    order_id = sale(make, PICKUP)
    (kit,) = make.items_of(order_id)
    make.put(kit, 2)
    for status in (ItemStatus.PENDING_ACQUISITION, ItemStatus.COMPLETED_BY_SELLER):
        item = items.one(by(order_id)["store_id"], kit)
        assert item is not None
        move_item(item, Asked(status), desk=desk_of("owner"), at=ago(hours=1))
        db.session.commit()
    go_round()
    assert states() == [("pickup_ready", "dropped")]
    assert rows()[0].trouble == "It does not wait to be picked up any more."
    assert box.mails == []


def test_the_words_are_of_the_sale_as_it_is_when_they_are_sent(desk: Flask, make: Factory, box: Box) -> None:
    order_id = sale(make)
    send(make, order_id, number="WRONG")
    set_tracking(order_id, make.items_of(order_id)[0], Tracking("DHL", "RIGHT 1"), **by(order_id))
    db.session.commit()
    go_round()
    assert "Tracking number: RIGHT 1\n" in box.texts[0]
    assert "WRONG" not in box.texts[0]
    assert "Follow it" not in box.texts[0]


# By whom and to whom.


def test_a_store_writes_in_its_name_from_its_address_in_its_own_words(
    desk: Flask, make: Factory, box: Box
) -> None:
    set_store(
        name='Köln, "Papier"', mail_from="laden@papier.example", mail_texts={"parcel_shipped": "Wir\ndanken!"}
    )
    send(make, sale(make))
    go_round()
    (mail,) = box.mails
    (sender,) = mail["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ('Köln, "Papier"', "laden@papier.example")
    assert mail["Reply-To"].addresses == mail["From"].addresses
    assert (mail["Sender"], box.senders) == (SITE, [SITE])
    assert box.subjects[0].startswith('Köln, "Papier": your order')
    assert "Hello Maja Kowalczyk,\n\nWir\ndanken!\n\na parcel" in box.texts[0]


NASTY = "Shop\r\nBcc: all@evil.example\n\nHTML\x0b\x0c\x85\u2028X: y\x00\x1b[2J"


def test_no_text_of_anybody_becomes_a_header(desk: Flask, make: Factory, box: Box) -> None:
    set_store(
        name=NASTY, mail_from="a@b.example\r\nBcc: x@evil.example", mail_texts={"parcel_shipped": NASTY}
    )
    order_id = sale(make, replace(GOODS, title=NASTY))
    db.session.execute(update(Buyer).values(name=NASTY))
    db.session.commit()
    send(make, order_id, number=NASTY[:60])
    note(order_id, f".\r\n{NASTY}\r\n.\r\n", is_private=False, **by(order_id))
    db.session.commit()
    go_round()
    known = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
    for mail in box.mails:
        assert set(mail.keys()) - {"X-Peer", "X-MailFrom", "X-RcptTo"} == known | {
            "Content-Type",
            "Content-Transfer-Encoding",
        }
        assert mail["To"] == MAJA
        assert mail["From"].addresses[0].addr_spec == SITE
        assert mail["Subject"].startswith("Shop Bcc: all@evil.example HTML X: y[2J: ")
        assert {sign for text in box.texts for sign in text if sign < " "} == {"\n"}
    assert len(box.mails) == 2


@pytest.mark.parametrize(
    ("known", "to"),
    [
        ((MAJA, "other@example.com"), MAJA),
        ((None, "other@example.com"), "other@example.com"),
        (("no address", " other@example.com "), "other@example.com"),
        (("maja@müller.example", ""), "maja@xn--mller-kva.example"),
        ((None, ""), None),
        (("a@b.example, c@d.example", "a@b.example\nBcc: c@d.example"), None),
        (("Maja <maja@example.com>", "<maja@example.com>"), None),
        (("ü@example.com", "a@"), None),
        (("a b@example.com", "a@-\u2028b"), None),
        ((f"{'a' * 65}@example.com", f"a@{'b' * 260}.example"), None),
    ],
)
def test_mail_goes_to_the_buyer_or_where_the_parcel_goes_or_nowhere(
    desk: Flask, make: Factory, box: Box, known: tuple[str | None, str], to: str | None
) -> None:
    own, of_parcel = known
    order_id = sale(make, buyer=BuyerSaid("Maja", "maja", own))
    db.session.execute(update(Address).values(email=of_parcel))
    db.session.commit()
    send(make, order_id)
    go_round()
    assert [mail["To"] for mail in box.mails] == ([to] if to else [])
    (row,) = rows()
    assert row.state == ("sent" if to else "dropped")
    assert row.trouble == ("" if to else "No e-mail address of the buyer is known that mail could go to.")


def test_buyers_of_other_channels_hear_from_those_unless_the_store_wants_it(
    desk: Flask, make: Factory
) -> None:
    for channel in ("etsy", "intake"):
        send(make, sale(make, channel=channel))
    assert [db.session.get_one(Order, mail.order_id).channel for mail in rows()] == ["intake"]
    set_store(mails_all=True)
    order_id = sale(make, channel="etsy")
    send(make, order_id)
    assert len(rows()) == 2
    importer = replace(SYSTEM, kind=ActorKind.IMPORT, door=Door.IMPORT)
    send(make, order_id, actor=importer)
    assert len(rows()) == 2


# What is taken back.


@BOTH
def test_a_parcel_undone_before_its_time_is_never_told_of(desk: Flask, make: Factory, box: Box) -> None:
    order_id = sale(make)
    parcel_id = send(make, order_id, at=ago(minutes=5))
    void(order_id, parcel_id, at=ago(minutes=4))
    assert states() == [("parcel_shipped", "dropped")]
    change(due_at=ago(minutes=1))
    go_round()
    assert (box.mails, states()) == ([], [("parcel_shipped", "dropped")])


@BOTH
def test_a_parcel_voided_later_is_corrected_once_by_its_number(desk: Flask, make: Factory, box: Box) -> None:
    order_id = sale(make)
    parcel_id = send(make, order_id)
    go_round()
    void(order_id, parcel_id)
    go_round()
    go_round()
    assert states() == [("parcel_shipped", "sent"), ("parcel_voided", "sent")]
    assert box.subjects[1] == f"Paper Shop: a correction to your order {number_of(order_id)}"
    assert "we wrote that the parcel with the number 1Z5R89390357567127" in box.texts[1]


def during(desk: Flask, act: Callable[[], Any], answer: str | None = None) -> Callable[[], str | None]:
    """Return what does an act, once, while the server takes a mail."""
    todo = [act]

    def do() -> str | None:
        if not todo:
            return None
        with desk.app_context():
            todo.pop()()
            db.session.remove()
        return answer

    return do


@BOTH
def test_a_parcel_voided_while_it_is_told_of_is_corrected_once(desk: Flask, make: Factory, box: Box) -> None:
    order_id = sale(make)
    parcel_id = send(make, order_id)
    box.before = during(desk, lambda: void(order_id, parcel_id))
    go_round()
    go_round()
    assert states() == [("parcel_shipped", "sent"), ("parcel_voided", "sent")]
    assert len(box.mails) == 2


@BOTH
def test_a_parcel_voided_while_the_server_refuses_it_is_never_told_of(
    desk: Flask, make: Factory, box: Box
) -> None:
    order_id = sale(make)
    parcel_id = send(make, order_id)
    box.before = during(desk, lambda: void(order_id, parcel_id), "451 later")
    go_round()
    go_round()  # the correction waits for what becomes of the first
    assert [(mail.state, mail.tries) for mail in rows()] == [("due", 1), ("due", 0)]
    for _ in range(2):
        change(due_at=ago(minutes=1))
        go_round()
    assert states() == [("parcel_shipped", "dropped"), ("parcel_voided", "dropped")]
    assert box.mails == []


@BOTH
def test_a_parcel_voided_after_its_mail_was_cut_off_is_corrected_but_not_told_of(
    desk: Flask, make: Factory, box: Box
) -> None:
    order_id = sale(make)
    parcel_id = send(make, order_id)
    assert mails.claim(rows()[0].id)  # and killed: nobody knows whether it went out
    db.session.commit()
    void(order_id, parcel_id)
    go_round()
    assert [mail.state for mail in rows()] == ["sending", "due"]
    change(claimed_at=ago(hours=1), due_at=ago(minutes=1))
    go_round()
    assert states() == [("parcel_shipped", "dropped"), ("parcel_voided", "sent")]
    assert len(box.mails) == 1


# What goes wrong.


def test_a_server_that_does_not_take_it_is_asked_again_with_growing_waits_and_then_no_more(
    desk: Flask, make: Factory, box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    send(make, sale(make))
    box.before = lambda: f"451 not for {MAJA}"
    waits = []
    for _ in range(len(WAITS) + 1):
        went = datetime.now(UTC)
        go_round()
        (row,) = rows()
        waits.append(round((row.due_at - went) / timedelta(minutes=1)) if row.state == "due" else None)
        assert row.trouble == "The mail server did not take the mail (451)."
        change(due_at=ago(seconds=1))
    assert waits == [*(wait / timedelta(minutes=1) for wait in WAITS), None]
    go_round()
    assert [(row.state, row.tries) for row in rows()] == [("failed", len(WAITS) + 1)]
    assert f"mail {row.id} was not sent: The mail server did not take the mail (451)." in caplog.text
    assert MAJA not in caplog.text


def test_an_address_that_the_server_does_not_know_is_not_asked_for_again(
    desk: Flask, make: Factory, box: Box
) -> None:
    box.refused[MAJA] = "550 no such mailbox"
    send(make, sale(make))
    go_round()
    assert [(r.state, r.trouble) for r in rows()] == [
        ("failed", "The mail server refused the address (550).")
    ]


def test_where_the_server_is_away_the_other_mails_wait_untried(desk: Flask, make: Factory) -> None:
    for _ in range(2):
        send(make, sale(make))
    with sending_by(desk, {"MAIL_PORT": free_port()}):
        go_round()
    assert [(r.state, r.tries) for r in rows()] == [("due", 1), ("due", 0)]
    assert rows()[0].trouble == "The mail server cannot be reached."


def test_a_mail_that_cannot_be_written_holds_none_up_and_logs_nobody(
    desk: Flask, make: Factory, box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        send(make, sale(make))
    first = rows()[0]
    first.payload = {}
    db.session.commit()
    with caplog.at_level(logging.ERROR):
        go_round()
    assert [(r.state, r.trouble) for r in rows()] == [("due", "The mail could not be written."), ("sent", "")]
    assert f"mail {first.id} failed: " in caplog.text
    assert MAJA not in caplog.text


# At least once, and once where nobody is killed.


@BOTH
def test_two_postmen_at_once_send_nothing_twice(desk: Flask, make: Factory, box: Box) -> None:
    for _ in range(15):
        send(make, sale(make))
    postmen = [Thread(target=postman.walk, args=(desk,)) for _ in range(3)]
    for each in postmen:
        each.start()
    for each in postmen:
        each.join()
    assert len(box.mails) == len(set(box.subjects)) == 15
    assert {(r.state, r.tries) for r in rows()} == {("sent", 1)}


@BOTH
def test_a_mail_cut_off_goes_out_again_under_the_same_message_id(
    desk: Flask, make: Factory, box: Box
) -> None:
    send(make, sale(make))
    send(make, sale(make))
    go_round()
    change(state="sending", claimed_at=datetime.now(UTC) - LOST_AFTER + timedelta(minutes=1))
    go_round()
    assert len(box.mails) == 2
    change(claimed_at=datetime.now(UTC) - LOST_AFTER)
    go_round()
    assert list(Counter(mail["Message-ID"] for mail in box.mails).values()) == [2, 2]
    assert {r.is_doubtful for r in rows()} == {True}


@BOTH
def test_who_was_overtaken_writes_no_end(desk: Flask, make: Factory) -> None:
    send(make, sale(make))
    (row,) = rows()
    late = mails.claim(row.id)
    assert late is not None
    assert mails.claim(row.id) is None
    db.session.commit()
    change(claimed_at=ago(hours=1))
    again = mails.claim(row.id)
    db.session.commit()
    assert again is not None
    mails.put_off(late, "Too late.")
    db.session.commit()
    assert [(r.state, r.trouble) for r in rows()] == [("sending", "")]
    mails.sent(again, MAJA)
    db.session.commit()
    assert states() == [("parcel_shipped", "sent")]


@pytest.fixture
def own_desk(
    database: Path, tmp_path: Path, kind_of_database: str, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """A desk where workers find it: in a folder of its own, or on PostgreSQL."""
    if kind_of_database == "postgresql":
        stage: Refilled = request.getfixturevalue("postgres_desk")
        stage.refill()
        url = stage.app.config["SQLALCHEMY_DATABASE_URI"]
    else:
        url = f"sqlite:///{shutil.copy(database, tmp_path / 'tradepost.db')}"
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": url})
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def hired(desk: Flask, folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a worker as `make run` does."""
    settings = {
        "INSTANCE": folder,
        "DATABASE_URL": desk.config["SQLALCHEMY_DATABASE_URI"],
        "SECRET_KEY": "a secret of the tests",
        "DURABLE": 0,
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": port,
        "MAIL_SENDER": SITE,
    }
    env = os.environ | {f"TRADEPOST_{name}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "flask", "--app", "app", "worker"]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    "kind_of_database",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
    indirect=True,
)
def test_workers_killed_at_any_moment_lose_nothing_and_send_nothing_undone(
    own_desk: Flask, server: Controller, box: Box, tmp_path: Path
) -> None:
    make = Factory(own_desk)
    owed = [sale(make) for _ in range(12 * KILLS)]
    undone, never = [sale(make) for _ in range(2)], [sale(make) for _ in range(2)]
    for order_id in owed:
        send(make, order_id)
    for order_id in undone:
        void(order_id, send(make, order_id, at=ago(minutes=5)), at=ago(minutes=4))
    change(due_at=ago(minutes=1))
    for order_id in never:
        ship(order_id, {make.items_of(order_id)[0]: 1}, is_buyer_told=True, **by(order_id))
        db.session.rollback()
    for n in range(KILLS):
        killed_at_a_mail(own_desk, server, tmp_path, when=("after", "before")[n % 2])
        lost = update(Outbox).where(Outbox.state == "sending")
        db.session.execute(lost.values(claimed_at=datetime.now(UTC) - LOST_AFTER))
        db.session.commit()
    with sending_by(own_desk, by_server(server)):
        while mails.ripe():
            go_round()
    assert Counter(state for _, state in states()) == {"sent": len(owed), "dropped": len(undone)}
    told = Counter(box.subjects)
    assert set(told) == {f"Paper Shop: your order {number_of(order_id)} is on its way" for order_id in owed}
    assert len({mail["Message-ID"] for mail in box.mails}) == len(owed)
    assert len(box.mails) == len(owed) + (KILLS + 1) // 2  # taken, but the worker died before it knew


def killed_at_a_mail(desk: Flask, server: Controller, folder: Path, when: str) -> None:
    """Let a worker send some mails, and kill it just before or after the server takes the next one."""
    worker = hired(desk, folder, server.port)
    left = [random.randint(1, 6)]

    def kill() -> str | None:
        left[0] -= 1
        if left[0]:
            return None
        worker.kill()
        worker.wait(LONGEST_WAIT)
        return "451 nobody hears this"

    try:
        setattr(server.handler, when, kill)
        worker.wait(LONGEST_WAIT)
    finally:
        worker.kill()
        worker.wait(LONGEST_WAIT)
        setattr(server.handler, when, lambda: None)


# Once more.


@BOTH
def test_a_mail_is_sent_again_as_one_of_its_own_and_the_history_says_so(
    desk: Flask, make: Factory, box: Box
) -> None:
    order_id = sale(make)
    send(make, order_id)
    go_round()
    first = rows()[0]
    before = everything(desk)
    send_again(order_id, first.id, **by(order_id))
    db.session.commit()
    with pytest.raises(OnItsWay):
        send_again(order_id, first.id, **by(order_id))
    db.session.rollback()
    go_round()
    assert [state for _, state in states()] == ["sent", "sent"]
    assert len({mail["Message-ID"] for mail in box.mails}) == 2
    assert len({mail.dedupe for mail in rows()}) == 2
    event = db.session.scalars(select(Event).order_by(Event.id.desc())).first()
    assert event is not None
    assert (event.verb, event.order_id, event.before, event.after) == ("send_again", order_id, {}, {})
    assert everything(desk)["orders"] == before["orders"]
    void(order_id, 1)  # both are corrected by one
    assert [kind for kind, _ in states()].count("parcel_voided") == 1


# Other means.


def test_where_no_server_is_named_mails_are_files_that_only_their_owner_reads(
    app: Flask, make: Factory, tmp_path: Path
) -> None:
    given = {"MAIL_MEANS": "file", "MAIL_FILE_PATH": str(tmp_path / "mails"), "MAIL_SENDER": SITE}
    with sending_by(app, given), app.app_context():
        send(make, sale(make))
        go_round()
        change(state="due")
        go_round()
    (file,) = (tmp_path / "mails").iterdir()  # what goes out twice is one file
    assert file.suffix == ".eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert mail["To"] == MAJA
    assert "2 × Letterpress card" in mail.get_content()  # type: ignore[attr-defined]


def test_the_console_shows_mails(app: Flask, make: Factory, capsys: pytest.CaptureFixture[str]) -> None:
    with sending_by(app, {"MAIL_MEANS": "console", "MAIL_SENDER": SITE}), app.app_context():
        send(make, sale(make))
        go_round()
    assert f"To: {MAJA}\n" in capsys.readouterr().out


def test_tls_wants_a_certificate_that_fits(desk: Flask, make: Factory, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate of this test")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    asked = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
    made = [*asked.split(), "-keyout", key, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(certificate, key)
    controller = Controller(Box(), hostname="127.0.0.1", port=free_port(), tls_context=own)
    controller.start()
    try:
        send(make, sale(make))
        with sending_by(desk, {"MAIL_PORT": controller.port, "MAIL_USE_TLS": True}):
            go_round()
    finally:
        controller.stop()
    assert rows()[0].trouble == "The mail server's certificate does not fit its name."
    assert controller.handler.mails == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"BACKEND": "pigeon"}, "TRADEPOST_MAIL_BACKEND must be smtp, console or file, not “pigeon”."),
        ({"BACKEND": "smtp"}, "name the server in TRADEPOST_MAIL_SERVER"),
        ({"SERVER": "mx", "TLS": "1", "SSL": "1"}, "exclude each other"),
        ({"SENDER": "Desk <a@b>\r\nBcc: c@d"}, "TRADEPOST_MAIL_SENDER must be an e-mail address"),
        ({"PORT": "0"}, "TRADEPOST_MAIL_PORT must be a whole number from 1"),
    ],
)
def test_a_setting_that_cannot_be_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str], says: str
) -> None:
    monkeypatch.setenv("TRADEPOST_INSTANCE", str(tmp_path))
    for name, value in given.items():
        monkeypatch.setenv(f"TRADEPOST_MAIL_{name}", value)
    with pytest.raises(BadSetting) as refused:
        from_environment()
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("given", "is_so"),
    [
        ({}, ("file", 25, False)),
        ({"SERVER": "mx"}, ("smtp", 25, False)),
        ({"SERVER": "mx", "USER": "me"}, ("smtp", 587, True)),  # no password goes in the clear
        ({"SERVER": "mx", "USER": "me", "SSL": "1"}, ("smtp", 465, False)),
        ({"SERVER": "mx", "BACKEND": "console"}, ("console", 25, False)),
    ],
)
def test_what_is_named_decides_how_mail_leaves(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    given: dict[str, str],
    is_so: tuple[str, int, bool],
) -> None:
    monkeypatch.setenv("TRADEPOST_INSTANCE", str(tmp_path))
    for name, value in given.items():
        monkeypatch.setenv(f"TRADEPOST_MAIL_{name}", value)
    read = from_environment()
    assert (read["MAIL_MEANS"], read["MAIL_PORT"], read["MAIL_USE_TLS"]) == is_so
