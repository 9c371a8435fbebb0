"""Servers that refuse, are away, or are never asked again; mails that cannot be written."""

import logging
import socket
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app.actions.outbox import WAITS
from app.db import db
from tests.factories import Factory
from tests.mails.outbox import (
    MAJA,
    Box,
    ago,
    change,
    free_port,
    go_round,
    rows,
    sale,
    send,
    sending_by,
    states,
    void,
)


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


def test_where_the_server_is_away_all_mails_wait_untried_and_none_is_given_up(
    desk: Flask, make: Factory, box: Box
) -> None:
    for _ in range(2):
        send(make, sale(make))
    with sending_by(desk, {"MAIL_PORT": free_port()}):
        for _ in range(len(WAITS) + 2):
            go_round()
            assert [(r.state, r.tries) for r in rows()] == [("due", 0), ("due", 0)]
            assert [r.trouble for r in rows()] == ["The mail server cannot be reached.", ""]
            change(due_at=ago(seconds=1))
    go_round()
    assert [(r.state, r.tries, r.trouble) for r in rows()] == [("sent", 1, "")] * 2


def test_a_server_that_never_answers_has_taken_nothing(desk: Flask, make: Factory, box: Box) -> None:
    order_id = sale(make)
    parcel_id = send(make, order_id)
    deaf = socket.create_server(("127.0.0.1", 0))
    with deaf, sending_by(desk, {"MAIL_PORT": deaf.getsockname()[1], "MAIL_TIMEOUT": 0.1}):
        go_round()
    assert [(r.tries, r.trouble) for r in rows()] == [(0, "The mail server cannot be reached.")]
    void(order_id, parcel_id)
    assert states() == [("parcel_shipped", "dropped")]  # nothing to be corrected


def test_a_server_that_goes_away_in_the_middle_may_have_taken_it(
    desk: Flask, make: Factory, box: Box
) -> None:
    order_id = sale(make)
    parcel_id = send(make, order_id)
    box.hangs_up = True
    go_round()
    assert [(r.state, r.tries, r.is_doubtful) for r in rows()] == [("due", 1, True)]
    assert rows()[0].trouble == "The connection to the mail server broke."
    void(order_id, parcel_id)
    assert states() == [("parcel_shipped", "dropped"), ("parcel_voided", "due")]


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
