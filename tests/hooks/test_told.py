"""What webhooks are owed: each act by its name, in its own transaction, nothing for what was undone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, update

from app.access import SYSTEM
from app.actions.aftersale import Reason, cancel
from app.actions.buyers_word import receive, review, say_paid
from app.actions.intake import take_in
from app.actions.labels import draft, send_draft, set_tracking
from app.actions.parcels import Tracking, ship, ship_together
from app.actions.payment import confirm_payment, unpay
from app.actions.problems import note, report_problem
from app.actions.purchases import BuyerSaid
from app.actions.refunds import refund, settle_refund
from app.actions.undo import void_parcel
from app.actions.webhooks import end_webhook
from app.db import db
from app.models import Order, Outbox, Store
from app.statuses import Door, Payment
from tests.factories import DIGITAL, GOODS, PICKUP, Factory
from tests.hooks.receiver import Receiver, change, go_round, hook, owed, rows, states
from tests.rules.test_combining import LOT

pytestmark = pytest.mark.both
URL = "https://program.example/hooks"
NOW = datetime.now(UTC)
BY: dict[str, Any] = {"actor": SYSTEM, "store_id": 1, "at": NOW - timedelta(hours=1)}
JUST_NOW = {**BY, "at": NOW}


def first(make: Factory, order_id: int) -> int:
    """Return a sale's first line."""
    return make.items_of(order_id)[0]


def after(act: Callable[[], object]) -> list[str]:
    """Carry an act out; return what it let the store owe."""
    before = len(rows())
    act()
    db.session.commit()
    return [row.kind for row in rows()[before:]]


def test_a_sale_that_comes_in_is_told_of_and_so_is_that_it_is_paid(desk: Flask, make: Factory) -> None:
    hook(URL)
    make.sale(paid=None)
    assert owed() == ["order.created"]
    order_id = make.sale(GOODS, PICKUP)
    assert owed(order_id) == ["order.created", "order.paid"]


def test_every_act_is_told_by_its_name(desk: Flask, make: Factory) -> None:
    hook(URL)
    order_id = make.sale(GOODS, DIGITAL, paid=None)
    card = first(make, order_id)
    on_arrival = make.sale(paid=None)
    told: list[list[str]] = [
        after(lambda: say_paid(order_id, Payment.PAID, **BY)),
        after(lambda: confirm_payment(order_id, code=Payment.PAID, **BY)),
        after(lambda: confirm_payment(on_arrival, code=Payment.ON_ARRIVAL, **BY)),
        after(lambda: confirm_payment(on_arrival, code=Payment.PAID, **BY)),
        after(lambda: ship(order_id, {card: 4}, **BY)),
        after(lambda: report_problem(order_id, **BY)),
        after(lambda: cancel(order_id, {card: 1}, reason=Reason.SOLD_OUT, **BY)),
        after(lambda: refund(order_id, 100, reason=Reason.OTHER, **BY)),
        after(lambda: refund(order_id, 100, reason=Reason.OTHER, is_done=False, **BY)),
        after(lambda: settle_refund(order_id, is_done=True, **BY)),
        after(lambda: receive(order_id, [card], **BY)),
        after(lambda: refund(order_id, None, None, reason=Reason.OTHER, **BY)),
    ]
    assert told == [
        ["order.updated"],
        ["order.paid"],
        ["order.updated"],
        ["order.paid"],
        ["order.shipped"],
        ["order.updated"],
        ["order.cancelled"],
        ["order.refunded"],
        ["order.updated"],
        ["order.refunded"],
        ["order.updated"],
        ["order.refunded"],
    ]


def test_what_only_stands_beside_a_sale_is_not_told(desk: Flask, make: Factory) -> None:
    hook(URL)
    order_id = make.sale(DIGITAL)
    (file,) = make.items_of(order_id)
    assert after(lambda: note(order_id, "Ring twice", is_private=True, **BY)) == []
    assert after(lambda: review(order_id, file, 5, "Fine", direction="to_seller", **BY)) == []
    assert after(lambda: say_paid(order_id, Payment.UNPAID, **BY)) == []


def test_a_sale_that_went_into_another_one_is_told_of_with_its_heir(desk: Flask, make: Factory) -> None:
    hook(URL)
    old = take_in(LOT, **{**BY, "at": NOW}).order.id
    db.session.commit()
    heir = take_in(replace(LOT, external_id="lot-2"), **JUST_NOW).order.id
    db.session.commit()
    told = [(row.kind, row.payload["body"]["data"]) for row in rows()]
    assert [(kind, data["order_id"]) for kind, data in told] == [
        ("order.created", old),
        ("order.combined", old),
        ("order.created", heir),
    ]
    assert [data.get("heir_id") for _, data in told] == [None, heir, None]


def test_a_message_holds_ids_and_codes_as_they_were_and_nothing_personal(desk: Flask, make: Factory) -> None:
    hook(URL)
    order_id = make.sale(buyer=BuyerSaid("Maja Kowalczyk", "maja", "maja@example.com"), gift_message="Hello")
    parcel_id = make.ship(order_id, {first(make, order_id): 5}, number="1Z5R89390357567127")
    row = rows()[-1]
    order = db.session.get_one(Order, order_id)
    body = row.payload["body"]
    assert body["data"] == {
        "store_id": 1,
        "order_id": order_id,
        "order_number": order.number,
        "channel": "desk",
        "status": int(order.status),
        "desk_state": "shipped",
        "flag_payment": 1,
        "flag_shipping": 1,
        "flag_buyer_payment": 0,
        "flag_buyer_shipping": 0,
        "parcel_ids": [parcel_id],
    }
    assert body["type"] == "order.shipped"
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    said = " ".join(str(row.payload) for row in rows())
    assert not [word for word in ("Maja", "maja", "Hello", "Poznań", "1Z5R", "card") if word in said]
    receive(order_id, **JUST_NOW)
    db.session.commit()
    assert {row.id: row.payload for row in rows()}[row.id] == row.payload


def test_messages_wait_for_the_undo_window(desk: Flask, make: Factory) -> None:
    hook(URL)
    order_id = make.sale()
    ship(order_id, {first(make, order_id): 1}, **JUST_NOW)
    db.session.commit()
    assert rows()[-1].due_at == NOW + timedelta(minutes=10)


def test_what_is_rolled_back_owes_nothing(desk: Flask, make: Factory) -> None:
    hook(URL)
    order_id = make.sale()
    known = len(rows())
    ship(order_id, {first(make, order_id): 1}, **BY)
    db.session.rollback()
    assert len(rows()) == known


def test_a_parcel_undone_in_time_was_never_told_of(desk: Flask, make: Factory, receiver: Receiver) -> None:
    hook(receiver.url)
    order_id = make.sale()
    change(state="sent")
    parcel = ship(order_id, {first(make, order_id): 1}, **JUST_NOW).id
    db.session.commit()
    assert after(lambda: void_parcel(parcel, **JUST_NOW)) == []
    assert states()[-1] == ("order.shipped", "dropped")
    change(due_at=NOW - timedelta(hours=1))
    go_round()
    assert receiver.got == []


def test_a_parcel_voided_later_is_an_update(desk: Flask, make: Factory, receiver: Receiver) -> None:
    hook(receiver.url)
    order_id = make.sale()
    parcel = ship(order_id, {first(make, order_id): 1}, **BY).id
    db.session.commit()
    go_round()
    assert after(lambda: void_parcel(parcel, **BY)) == ["order.updated"]
    go_round()
    assert receiver.types == ["order.paid", "order.shipped", "order.updated"]


def test_one_of_two_parcels_undone_leaves_the_other_told_of(desk: Flask, make: Factory) -> None:
    hook(URL)
    order_id = make.sale()
    card = first(make, order_id)
    gone, stays = (ship(order_id, {card: 1}, **JUST_NOW).id for _ in range(2))
    db.session.commit()
    void_parcel(gone, **JUST_NOW)
    db.session.commit()
    shipped = [(row.payload["parcels"], row.state) for row in rows() if row.kind == "order.shipped"]
    assert shipped == [([gone], "dropped"), ([stays], "due")]


def test_a_parcel_that_was_being_told_of_when_it_was_undone_is_corrected(desk: Flask, make: Factory) -> None:
    hook(URL)
    order_id = make.sale()
    parcel = ship(order_id, {first(make, order_id): 1}, **JUST_NOW).id
    db.session.commit()
    change(state="sending")
    assert after(lambda: void_parcel(parcel, **JUST_NOW)) == ["order.updated"]
    assert states()[-2] == ("order.shipped", "sending")


@pytest.mark.parametrize("told", [{"state": "sent"}, {"is_doubtful": True}], ids=["told", "perhaps told"])
def test_what_one_of_two_webhooks_was_told_of_is_corrected(
    desk: Flask, make: Factory, told: dict[str, Any]
) -> None:
    one, _ = hook(URL), hook(URL)
    order_id = make.sale()
    parcel = ship(order_id, {first(make, order_id): 1}, **JUST_NOW).id
    db.session.execute(update(Outbox).where(Outbox.webhook_id == one).values(**told))
    db.session.commit()
    assert after(lambda: void_parcel(parcel, **JUST_NOW)) == ["order.updated", "order.updated"]


def test_a_payment_taken_back_in_time_was_never_told_of(desk: Flask, make: Factory) -> None:
    hook(URL)
    order_id = make.sale(paid=None)
    confirm_payment(order_id, code=Payment.PAID, **JUST_NOW)
    db.session.commit()
    assert after(lambda: unpay(order_id, **JUST_NOW)) == []
    assert states() == [("order.created", "due"), ("order.paid", "dropped")]


def test_a_label_is_an_update_and_a_shipment_once_it_is_sent(desk: Flask, make: Factory) -> None:
    hook(URL)
    order_id = make.sale()
    label: list[int] = []
    card = first(make, order_id)

    def print_it() -> None:
        label.append(draft({order_id: {card: 2}}, tracking=Tracking("DHL", "1"), **BY).id)

    assert after(print_it) == ["order.updated"]
    assert after(lambda: set_tracking(order_id, card, Tracking("DHL", "2"), **BY)) == ["order.updated"]
    assert after(lambda: send_draft(label[0], **BY)) == ["order.shipped"]
    assert rows()[-1].payload["body"]["data"]["parcel_ids"] == label


def test_a_parcel_with_goods_of_two_sales_is_told_of_for_both(desk: Flask, make: Factory) -> None:
    hook(URL)
    both = [make.sale(buyer=BuyerSaid("Maja Kowalczyk", "maja", ref="m-1")) for _ in range(2)]
    pieces = {order_id: {first(make, order_id): 1} for order_id in both}
    before = len(rows())
    parcel = ship_together(pieces, tracking=Tracking("DHL", "1"), **JUST_NOW)
    db.session.commit()
    told = [row.payload["body"]["data"] for row in rows()[before:]]
    assert [(data["order_id"], data["parcel_ids"]) for data in told] == [(i, [parcel.id]) for i in both]
    assert after(lambda: void_parcel(parcel.id, **JUST_NOW)) == []
    assert [state for _, state in states()[before:]] == ["dropped", "dropped"]


def test_a_webhook_is_told_what_it_asked_for_and_others_what_they_did(desk: Flask, make: Factory) -> None:
    one, other = hook(URL, "order.paid"), hook(URL, "order.created", "order.refunded")
    hook(URL, store_id=3)
    make.sale()
    assert [(row.webhook_id, row.kind) for row in rows()] == [(other, "order.created"), (one, "order.paid")]
    assert {row.store_id for row in rows()} == {1}


def test_sales_of_other_channels_are_told_of_where_the_store_says_so(desk: Flask, make: Factory) -> None:
    hook(URL)
    everything = hook(URL, is_for_all=True)
    order_id = make.sale(channel="ebay")
    assert {row.webhook_id for row in rows()} == {everything}
    make.ship(order_id, {first(make, order_id): 1})
    assert owed() == ["order.created", "order.paid", "order.shipped"]


def test_an_import_tells_nothing(desk: Flask, make: Factory) -> None:
    hook(URL, is_for_all=True)
    importing = {**BY, "actor": replace(SYSTEM, door=Door.IMPORT)}
    order_id = make.sale(paid=None, channel="etsy")
    change(state="sent")
    confirm_payment(order_id, code=Payment.PAID, **importing)
    ship(order_id, {first(make, order_id): 1}, **importing)
    db.session.commit()
    assert owed() == []


def test_an_ended_webhook_is_owed_nothing_and_the_store_knows(desk: Flask, make: Factory) -> None:
    ids = [hook(URL), hook(URL)]
    for webhook_id, has_one in zip(ids, (True, False), strict=True):
        assert db.session.get_one(Store, 1).has_webhooks
        end_webhook(webhook_id, **BY)
        db.session.commit()
        assert db.session.get_one(Store, 1).has_webhooks is has_one
        make.sale()
        assert {row.webhook_id for row in rows()} == {ids[1]}
    assert len(rows()) == 2


def test_all_that_an_act_owes_costs_one_statement_and_none_where_nobody_listens(
    desk: Flask, make: Factory
) -> None:
    def statements_of(act: Callable[[], object]) -> list[str]:
        seen: list[str] = []

        def note_it(_c: Any, _cursor: Any, sql: str, *_: Any) -> None:
            seen.append(sql)

        event.listen(db.engine, "before_cursor_execute", note_it)
        try:
            act()
        finally:
            event.remove(db.engine, "before_cursor_execute", note_it)
            db.session.commit()
        return seen

    orders = [make.sale(paid=None) for _ in range(2)]
    without = statements_of(lambda: confirm_payment(orders[0], code=Payment.PAID, **BY))
    for _ in range(3):
        hook(URL)
    having = statements_of(lambda: confirm_payment(orders[1], code=Payment.PAID, **BY))
    assert len(having) == len(without) + 1
    assert not [sql for sql in without if "webhook" in sql.lower() and "FROM store" not in sql]
    assert len(rows()) == 3
