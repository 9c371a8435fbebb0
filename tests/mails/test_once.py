"""At least once, and once where nobody is killed; once more where somebody asks for it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import select

from app import postman
from app.actions import outbox
from app.actions.mails import send_again
from app.actions.outbox import LOST_AFTER, OnItsWay
from app.db import db
from app.models import Event
from tests.factories import Factory
from tests.mails.outbox import MAJA, Box, ago, by, change, go_round, rows, sale, send, states, void
from tests.rules.books import everything

BOTH = pytest.mark.both


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
    late = outbox.claim(row.id)
    assert late is not None
    assert outbox.claim(row.id) is None
    db.session.commit()
    change(claimed_at=ago(hours=1))
    again = outbox.claim(row.id)
    db.session.commit()
    assert again is not None
    outbox.put_off(late, "Too late.")
    db.session.commit()
    assert [(r.state, r.trouble) for r in rows()] == [("sending", "")]
    outbox.sent(again, MAJA)
    db.session.commit()
    assert states() == [("parcel_shipped", "sent")]


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
