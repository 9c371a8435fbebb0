"""How messages reach a program: signed, at least once, again after a failure, once more where asked for."""

import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app import postman
from app.access import SYSTEM
from app.actions import outbox
from app.actions.outbox import LOST_AFTER, WAITS, OnItsWay
from app.actions.webhooks import end_webhook, forget_messages, ping, rotate_secret, send_message_again
from app.db import db
from app.errors import NotFound
from app.models import Outbox, Store, Webhook
from app.postman import hooks
from tests.factories import GOODS, Factory
from tests.hooks.receiver import Receiver, change, go_round, hook, is_signed, rows, states

BOTH = pytest.mark.both
AGO = datetime.now(UTC) - timedelta(hours=1)
BY = {"actor": SYSTEM, "store_id": 1}


def pinged(url: str) -> int:
    """Add a webhook and owe it a ping; return its id."""
    webhook_id = hook(url)
    ping(webhook_id, **BY)
    db.session.commit()
    return webhook_id


@BOTH
def test_a_message_is_posted_with_a_signature_that_anybody_can_check(
    desk: Flask, make: Factory, receiver: Receiver
) -> None:
    webhook_id = hook(receiver.url)
    order_id = make.sale(GOODS)
    change(due_at=AGO)
    before = int(time.time())
    go_round()
    assert receiver.types == ["order.created", "order.paid"]
    for got, row in zip(receiver.got, rows(), strict=True):
        assert got.path == "/hooks?shop=7"
        assert got.headers["content-type"] == "application/json"
        assert got.headers["host"] == f"127.0.0.1:{receiver.server_port}"
        assert before <= int(got.headers["webhook-timestamp"]) <= time.time()
        assert is_signed(got, desk, webhook_id)
        assert not is_signed(got._replace(body=got.body + b" "), desk, webhook_id)
        assert (got.said["data"]["order_id"], got.said) == (order_id, row.payload["body"])
        assert (row.state, row.answer, row.tries, row.trouble) == ("sent", 204, 1, "")
    assert len({got.id for got in receiver.got}) == 2


@BOTH
def test_a_store_that_is_disabled_tells_nobody_until_it_is_open_again(
    desk: Flask, receiver: Receiver
) -> None:
    pinged(receiver.url)
    store = db.session.get_one(Store, 1)
    store.is_active = False
    db.session.commit()
    go_round()
    assert receiver.types == []
    store.is_active = True
    db.session.commit()
    go_round()
    assert receiver.types == ["ping"]


def test_each_webhook_signs_with_a_secret_of_its_own_and_tells_by_ids_of_its_own(
    desk: Flask, receiver: Receiver
) -> None:
    one, other = pinged(receiver.url), pinged(receiver.url)
    go_round()
    assert [is_signed(got, desk, one) for got in receiver.got] == [True, False]
    assert [is_signed(got, desk, other) for got in receiver.got] == [False, True]
    assert receiver.got[0].id != receiver.got[1].id
    assert all(got.id.startswith("msg_") and "." not in got.id for got in receiver.got)


@BOTH
def test_for_24_hours_the_secret_before_signs_beside_a_new_one(desk: Flask, receiver: Receiver) -> None:
    webhook_id = pinged(receiver.url)

    def signing(at: datetime | None = None) -> list[int]:
        if at:
            db.session.get_one(Webhook, webhook_id).rotated_at = at
            ping(webhook_id, **BY)
            db.session.commit()
        go_round()
        return [number for number in range(4) if is_signed(receiver.got[-1], desk, webhook_id, number)]

    assert signing() == [0]
    rotate_secret(webhook_id, 0, **BY)
    now = datetime.now(UTC)
    assert signing(now) == signing(now - timedelta(hours=23, minutes=59)) == [0, 1]
    assert signing(now - timedelta(hours=24, seconds=2)) == [1]
    rotate_secret(webhook_id, 1, **BY)
    rotate_secret(webhook_id, 2, **BY)
    assert signing(now) == [2, 3]


@BOTH
def test_the_log_forgets_what_is_older_than_a_month_but_for_the_newest(desk: Flask) -> None:
    one, other = hook("https://a.example/"), hook("https://b.example/")
    for webhook_id in (one, other):
        for _ in range(4):
            ping(webhook_id, **BY)
    db.session.commit()
    long_ago = datetime.now(UTC) - timedelta(days=31)
    change(due_at=long_ago, state="sent")
    mine = [row for row in rows() if row.webhook_id == one]
    mine[0].state, mine[1].due_at = "due", long_ago + timedelta(days=2)
    mail = Outbox(store_id=1, kind="shipped", due_at=long_ago, state="sent", payload={}, dedupe="a mail")
    db.session.add(mail)
    db.session.commit()
    forgotten = []
    while not forgotten or forgotten[-1]:
        forgotten.append(forget_messages(now=datetime.now(UTC), most=1))
        db.session.commit()
    assert forgotten == [1, 3, 0]
    assert [row.webhook_id for row in rows()] == [one, one, one, other]
    assert db.session.query(Outbox).count() == 5
    assert forget_messages(now=datetime.now(UTC) + timedelta(days=99)) == 0


@BOTH
def test_what_failed_is_tried_again_later_under_the_same_id_until_it_is_given_up(
    desk: Flask, receiver: Receiver
) -> None:
    webhook_id = pinged(receiver.url)
    waits = []
    for _ in range(len(WAITS) + 1):
        receiver.answers = [b"HTTP/1.1 500 Oh\r\nContent-Length: 6\r\n\r\nsecret"]
        go_round()
        (row,) = rows()
        waits.append(round((row.due_at - datetime.now(UTC)) / timedelta(minutes=1)))
        assert (row.trouble, row.answer) == ("The server answered 500.", 500)
        change(due_at=AGO)
    go_round()
    assert waits[:-1] == [wait / timedelta(minutes=1) for wait in WAITS]
    assert states() == [("ping", "failed")]
    assert len(receiver.got) == len(WAITS) + 1
    assert len({got.id for got in receiver.got}) == len({got.body for got in receiver.got}) == 1
    assert all(is_signed(got, desk, webhook_id) for got in receiver.got)


def test_who_says_that_it_is_gone_is_not_asked_again(desk: Flask, receiver: Receiver) -> None:
    pinged(receiver.url)
    receiver.answers = [b"HTTP/1.1 410 Gone\r\n\r\n"]
    go_round()
    assert states() == [("ping", "failed")]


@BOTH
def test_a_message_whose_sender_was_killed_before_the_end_comes_again_under_its_id(
    desk: Flask, receiver: Receiver
) -> None:
    pinged(receiver.url)
    (row,) = rows()
    assert outbox.claim(row.id)
    db.session.commit()  # and killed here, before or after it was posted
    go_round()
    assert receiver.got == []
    change(claimed_at=datetime.now(UTC) - LOST_AFTER)
    go_round()
    change(state="sending", claimed_at=datetime.now(UTC) - LOST_AFTER)  # killed after the answer
    go_round()
    assert list(Counter(got.id for got in receiver.got).values()) == [2]
    (row,) = rows()
    assert (row.state, row.is_doubtful) == ("sent", True)


def test_a_program_that_cannot_be_reached_keeps_nobody_else_waiting(desk: Flask, receiver: Receiver) -> None:
    lost = hook("http://127.0.0.1:1/")
    for _ in range(3):
        ping(lost, **BY)
    db.session.commit()
    pinged(receiver.url)
    go_round()
    # One try a round; the others wait for the next.
    assert [(row.state, row.tries) for row in rows()] == [("due", 1), ("due", 0), ("due", 0), ("sent", 1)]
    assert rows()[0].trouble == "The server cannot be reached."
    assert not rows()[0].is_doubtful


def test_more_than_one_look_finds_are_posted_in_one_round(
    desk: Flask, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "AT_ONCE", 2)
    webhook_id = hook(receiver.url)
    for _ in range(5):
        ping(webhook_id, **BY)
    db.session.commit()
    go_round()
    assert [row.state for row in rows()] == ["sent"] * 5


def test_a_worker_that_is_told_to_stop_leaves_the_rest_due(desk: Flask, receiver: Receiver) -> None:
    webhook_id = hook(receiver.url)
    for _ in range(3):
        ping(webhook_id, **BY)
    db.session.commit()
    hooks.go_round(lambda: len(receiver.got) == 1)
    assert sorted(row.state for row in rows()) == ["due", "due", "sent"]


@BOTH
def test_a_message_is_sent_again_with_the_same_id_and_words(
    desk: Flask, make: Factory, receiver: Receiver
) -> None:
    hook(receiver.url)
    order_id = make.sale(paid=None)
    change(due_at=AGO)
    go_round()
    send_message_again(rows()[0].id, **BY)
    db.session.commit()
    with pytest.raises(OnItsWay):
        send_message_again(rows()[0].id, **BY)
    db.session.rollback()
    go_round()
    first, again = receiver.got
    assert (first.id, first.body) == (again.id, again.body)
    assert [row.order_id for row in rows()] == [order_id, order_id]
    # The second one may be sent again too, and is the same message still.
    send_message_again(rows()[1].id, **BY)
    db.session.commit()
    go_round()
    assert {got.id for got in receiver.got} == {first.id}


def test_what_an_ended_webhook_was_owed_is_dropped(desk: Flask, receiver: Receiver) -> None:
    webhook_id = pinged(receiver.url)
    end_webhook(webhook_id, **BY)
    db.session.commit()
    go_round()
    assert (receiver.got, states()) == ([], [("ping", "dropped")])
    for act in (lambda: ping(webhook_id, **BY), lambda: send_message_again(rows()[0].id, **BY)):
        with pytest.raises(NotFound):
            act()
        db.session.rollback()


def test_another_store_cannot_send_ones_messages_again(desk: Flask, receiver: Receiver) -> None:
    webhook_id = pinged(receiver.url)
    go_round()
    for act in (
        lambda: send_message_again(rows()[0].id, actor=SYSTEM, store_id=3),
        lambda: ping(webhook_id, actor=SYSTEM, store_id=3),
        lambda: end_webhook(webhook_id, actor=SYSTEM, store_id=3),
    ):
        with pytest.raises(NotFound):
            act()
        db.session.rollback()


def test_the_postman_of_mails_lets_messages_lie_and_the_other_way_round(
    desk: Flask, make: Factory, receiver: Receiver
) -> None:
    pinged(receiver.url)
    postman.go_round()
    assert states() == [("ping", "due")]
    mail_id = make.mail(make.sale(paid=None))
    go_round()
    assert len(receiver.got) == 1
    assert mail_id not in {row.id for row in rows()}


def test_what_nobody_foresaw_is_logged_without_its_words_and_tried_again(
    desk: Flask, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    pinged(receiver.url)
    change(payload={"words": "private"})
    go_round()
    (row,) = rows()
    assert (row.state, row.tries, row.trouble) == ("due", 1, "The message could not be sent.")
    assert "message 1 failed: KeyError" in caplog.text
    assert "private" not in caplog.text


def test_nothing_of_a_secret_stands_in_the_database(desk: Flask, receiver: Receiver) -> None:
    webhook_id = pinged(receiver.url)
    go_round()
    assert is_signed(receiver.got[0], desk, webhook_id)
    with db.engine.connect() as connection:
        kept = [
            json.dumps(
                [list(map(str, row)) for row in connection.exec_driver_sql(f"SELECT * FROM {table.name}")]
            )
            for table in db.metadata.sorted_tables
        ]
    assert not [
        text for text in kept if "whsec_" in text or receiver.got[0].headers["webhook-signature"] in text
    ]
