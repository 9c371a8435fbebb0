"""The history: one event a changed row, written with it, free of personal data, true when replayed."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from app.access import SYSTEM
from app.actions.aftersale import Reason
from app.actions.buyers_word import review
from app.actions.ledger import Act
from app.actions.parcels import ship
from app.actions.payment import confirm_payment, unpay
from app.actions.problems import note
from app.actions.purchases import AddressSaid, BuyerSaid
from app.actions.refunds import refund, settle_refund
from app.db import db
from app.errors import Refused
from app.models import Event, Order
from app.statuses import Payment
from tests.factories import AUCTION, DEAL, DIGITAL, GOODS, Factory
from tests.rules.books import events, present, replayed, row_of
from tests.rules.busy import Busy
from tests.rules.conftest import desk_of

Moved = Callable[..., int]


def rows_of(found: list[Event]) -> list[tuple[str, int | None, int | None]]:
    """Return (kind of row, item id, parcel id) of events."""
    return sorted(
        (
            e.row_kind or ("parcel" if e.parcel_id else "item" if e.item_id else "order"),
            e.item_id,
            e.parcel_id,
        )
        for e in found
    )


def act_of(app: Flask, order_id: int, verb: str) -> list[Event]:
    """Return the events of the one act with this verb."""
    found = [e for e in events(app, order_id) if e.verb == verb]
    assert len({e.act_id for e in found}) == 1
    return found


def test_a_new_sale_has_one_event_for_itself_and_one_a_line(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, AUCTION, paid=None)
    cards, album = make.items_of(order_id)
    found = act_of(app, order_id, "take_in")
    assert rows_of(found) == sorted([("order", None, None), ("item", cards, None), ("item", album, None)])
    assert all(e.before is None for e in found)


def test_an_act_writes_one_event_for_each_row_that_it_changed(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, AUCTION)
    cards, album = make.items_of(order_id)
    parcel_id = make.ship(order_id, {cards: 5}, number="1")
    found = act_of(app, order_id, "ship")
    # The order's own codes stay: the album is still to be shipped.
    assert rows_of(found) == sorted([("item", cards, None), ("parcel", None, parcel_id)])
    make.ship(order_id, {album: 1})
    assert ("order", None, None) in rows_of([e for e in events(app, order_id) if e.verb == "ship"])


def test_an_event_says_what_was_and_what_is(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS)
    (item_id,) = make.items_of(order_id)
    make.ship(order_id, {item_id: 5})
    (event,) = [e for e in events(app, order_id) if e.verb == "ship" and e.item_id]
    assert event.before == {"shipped": 0, "status": 2}
    assert event.after == {"shipped": 5, "status": 3}


def test_an_event_says_who_and_by_which_door(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(DEAL, 8, store="vendorshop")
    move("site_admin", item_id, 4, store="vendorshop")
    (event,) = [e for e in events(app) if e.verb == "redeem" and e.item_id]
    with app.app_context():
        admin = desk_of("site_admin", "vendorshop").actor.account_id
    assert (event.actor_id, event.actor_kind, event.door) == (admin, "admin", "page")


def test_an_act_that_changes_nothing_writes_nothing(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(GOODS, 2)
    move("staff", item_id, carrier="DHL", number="1")
    before = len(events(app))
    move("staff", item_id, carrier="DHL", number="1")
    assert len(events(app)) == before


def test_a_refusal_writes_nothing(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(GOODS, 2)
    before = len(events(app))
    with pytest.raises(Refused):
        move("staff", item_id, 9)
    assert len(events(app)) == before


def test_what_is_rolled_back_leaves_no_event(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS)
    (item_id,) = make.items_of(order_id)
    before = len(events(app))
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        ship(order_id, {item_id: 5}, actor=SYSTEM, store_id=store_id)
        assert db.session.query(Event).count() > before  # it is there, in the same transaction
        db.session.rollback()
    assert len(events(app)) == before
    assert make.item_row(item_id).shipped == 0


def test_an_act_that_fails_in_its_midst_leaves_no_event(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS)
    before = len(events(app))
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        with pytest.raises(ZeroDivisionError), Act("put", actor=SYSTEM, store_id=store_id) as act:
            act.change(act.hold(order_id), gift_message="x")
            raise ZeroDivisionError
        db.session.commit()
    assert len(events(app)) == before


PERSONAL = (
    "Zbigniew",
    "Ulica",
    "Gdansk",
    "80-001",
    "zbig@example.org",
    "+48555",
    "Wesolych",
    "Prosze",
    "Odebral",
)


def test_events_carry_no_personal_data(app: Flask, make: Factory, move: Moved) -> None:
    order_id = make.sale(
        DEAL,
        replace(GOODS, personalisation="Prosze"),
        store="vendorshop",
        buyer=BuyerSaid("Zbigniew", "zbig_username_Zbigniew", "zbig@example.org"),
        address=AddressSaid("Zbigniew", "Ulica 1", city="Gdansk", postal_code="80-001", phone="+48555"),
        gift_message="Wesolych",
        buyer_note="Prosze",
    )
    deal, cards = make.items_of(order_id)
    move("owner", deal, 4, store="vendorshop", ack="Odebral Zbigniew")
    move("vendor", deal, store="vendorshop", ack="Odebral ktos inny")
    move("staff", cards, 3, store="vendorshop", carrier="DHL", number="JD014600003SE")
    told = json.dumps([(e.before, e.after) for e in events(app)])
    assert [word for word in PERSONAL if word in told] == []


def test_that_an_acknowledgement_was_written_is_in_the_history(
    app: Flask, make: Factory, move: Moved
) -> None:
    item_id = make.item(DEAL, 8, store="vendorshop")
    move("vendor", item_id, 4, store="vendorshop", ack="Anna")
    (event,) = [e for e in events(app) if e.verb == "redeem" and e.item_id]
    assert event.after == {"ack": True, "status": 4}
    assert event.before == {"ack": False, "status": 8}


def test_the_old_tracking_number_stays_in_the_history(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(GOODS, 2)
    move("staff", item_id, 3, carrier="DHL", number="1")
    move("staff", item_id, number="2")
    (event,) = [e for e in events(app) if e.verb == "set_tracking" and e.parcel_id]
    assert (event.before, event.after) == ({"number": "1"}, {"number": "2"})


# Rows that hang on an order.


def kept_of(app: Flask, order_id: int, verb: str) -> list[tuple[str, object, object]]:
    """Return what one act told of the rows that hang on an order: (kind, before, after)."""
    found = [e for e in act_of(app, order_id, verb) if e.row_kind]
    assert len({(e.row_kind, e.row_id) for e in found}) == len(found)
    return [(str(e.row_kind), e.before, e.after) for e in found]


def did(app: Flask, deed: Callable[..., object], order_id: int, *args: object, **given: object) -> None:
    """Do an act of the desk's on a sale, and commit it."""
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        deed(order_id, *args, actor=SYSTEM, store_id=store_id, **given)
        db.session.commit()


def test_money_that_comes_in_and_who_gets_it_are_told_row_by_row(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, paid=None, postage=300)
    (cards,) = make.items_of(order_id)
    did(app, confirm_payment, order_id, code=Payment.PAID)
    bought = {"kind": "purchase", "status": "done", "amount_minor": 2550, "currency": "USD"}
    share = {"status": 0, "item_id": cards, "cause_id": None}
    assert kept_of(app, order_id, "confirm_payment") == [
        ("payment", None, bought),
        ("payout", None, {"kind": "store", "amount_minor": 2115, **share}),
        ("payout", None, {"kind": "commission", "amount_minor": 135, **share}),
        ("payout", None, {"kind": "store", "amount_minor": 300, **share, "item_id": None}),
    ]
    did(app, unpay, order_id)
    taken = kept_of(app, order_id, "unpay")
    assert [(kind, after) for kind, _, after in taken] == [
        *[("payout", None)] * 3,
        ("payment", {**bought, "kind": "void"}),
    ]


def test_a_refund_is_told_when_it_begins_and_when_it_ends(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS)
    did(app, refund, order_id, 2250, None, reason=Reason.OTHER, is_done=False)
    ((_, _, began),) = kept_of(app, order_id, "refund")
    assert began == {"kind": "refund", "status": "pending", "amount_minor": 2250, "currency": "USD"}
    did(app, settle_refund, order_id, is_done=True)
    ended = [e for e in events(app, order_id) if e.verb == "refund" and e.before and e.row_kind]
    assert {(e.row_kind, str(e.before), str(e.after)) for e in ended} == {
        ("payment", "{'status': 'pending'}", "{'status': 'done'}"),
        ("payout", "{'status': 0}", "{'status': 4}"),
    }
    assert replayed(app) == present(app)


def test_words_leave_no_word_in_the_history(app: Flask, make: Factory) -> None:
    order_id = make.sale(DIGITAL)
    (pattern,) = make.items_of(order_id)
    did(app, note, order_id, "Odebral sasiad", is_private=True)
    did(app, note, order_id, "Prosze", is_private=False)
    did(app, review, order_id, pattern, 4, "Wesolych")
    assert kept_of(app, order_id, "note") == [("note", None, {"is_private": True})]
    assert kept_of(app, order_id, "message") == [("note", None, {"is_private": False})]
    said = {"item_id": pattern, "direction": "to_seller", "value": 4}
    assert kept_of(app, order_id, "review") == [("feedback", None, said)]


def test_what_is_in_a_parcel_is_told_with_the_parcel(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, AUCTION)
    cards, album = make.items_of(order_id)
    parcel_id = make.label(order_id, {cards: 4, album: 1})
    make.ship(order_id, {cards: 3})
    told = [(e.verb, e.before, e.after) for e in events(app, order_id) if e.parcel_id == parcel_id]
    (_, before, made), (_, was, sent) = told
    assert before is None and made is not None and made["inside"] == {str(cards): 4, str(album): 1}
    assert was is not None and was["inside"] == made["inside"]
    assert sent is not None and sent["inside"] == {str(cards): 3}


# Replay.


def test_the_history_replayed_gives_the_present(app: Flask) -> None:
    shop = Busy(app, 1)
    shop.work(140)
    assert shop.done > 50 and shop.refused > 15  # both happened
    assert replayed(app) == present(app)


def test_the_orders_own_codes_replayed_give_the_present(app: Flask) -> None:
    Busy(app, 3).work(90)
    told: dict[int, dict[str, object]] = {}
    for event in events(app):
        if row_of(event)[0] == "orders" and event.order_id and event.after:
            told.setdefault(event.order_id, {}).update(event.after)
    with app.app_context():
        for order in db.session.query(Order):
            kept = told[order.id]
            assert (kept["status"], kept["payment"], kept["shipping"]) == (
                order.status,
                order.payment,
                order.shipping,
            )


def test_no_two_events_of_an_act_are_of_one_row(app: Flask) -> None:
    Busy(app, 4).work(90)
    seen = [(e.act_id, *row_of(e)) for e in events(app)]
    assert len(seen) == len(set(seen)) > 40
