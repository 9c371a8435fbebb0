"""What buyers are told, when, and in which words."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import update

from app.actions.aftersale import Reason, cancel
from app.actions.labels import set_tracking
from app.actions.moves import Asked, move_item
from app.actions.parcels import Tracking, ship, ship_together
from app.actions.problems import note, report_problem, resolve
from app.actions.refunds import refund, settle_refund
from app.db import db
from app.models import Order
from app.queries import items
from app.statuses import ItemStatus
from tests.factories import GOODS, PICKUP, Factory
from tests.mails.outbox import MAJA, SITE, Box, ago, by, change, go_round, number_of, rows, sale, send, states
from tests.rules.conftest import desk_of

BOTH = pytest.mark.both


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
