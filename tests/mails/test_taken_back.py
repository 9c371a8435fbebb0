"""A mail about a parcel that was taken back: before it was sent, after it, and in the middle."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.actions import outbox
from app.db import db
from tests.factories import Factory
from tests.mails.outbox import Box, ago, change, go_round, number_of, rows, sale, send, states, void

BOTH = pytest.mark.both


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
    assert outbox.claim(rows()[0].id)  # and killed: nobody knows whether it went out
    db.session.commit()
    void(order_id, parcel_id)
    go_round()
    assert [mail.state for mail in rows()] == ["sending", "due"]
    change(claimed_at=ago(hours=1), due_at=ago(minutes=1))
    go_round()
    assert states() == [("parcel_shipped", "dropped"), ("parcel_voided", "sent")]
    assert len(box.mails) == 1
