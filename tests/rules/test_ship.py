"""Goods leave the house: part quantities, several parcels, drafts, refusals, and two hands at once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from app.access import SYSTEM
from app.actions.aftersale import Reason
from app.actions.ledger import Act
from app.actions.parcels import NO_TRACKING, NothingToShip, TooManyPieces, Tracking, ship
from app.actions.parcels import send as send_held
from app.actions.refunds import refund
from app.db import db
from app.errors import ChangedMeanwhile, NotFound, Refused, StatusChangeProhibited
from app.models import Order, Payment
from tests.factories import AUCTION, DEAL, DIGITAL, DONATION, GOODS, PICKUP, SERVICE, Factory
from tests.rules.books import events, everything, parcels
from tests.rules.together import Hand, at_once, names

Moved = Callable[..., int]
FIVE = GOODS
TWO = replace(GOODS, title="Envelope", quantity=2, sku="EN-1", listing_id=None)


def send(
    app: Flask,
    order_id: int,
    pieces: dict[int, int],
    tracking: Tracking = NO_TRACKING,
    version: int | None = None,
) -> int:
    """Ship in a session of its own and return the parcel's id."""
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        parcel = ship(order_id, pieces, actor=SYSTEM, store_id=store_id, tracking=tracking, version=version)
        db.session.commit()
        return parcel.id


def status(make: Factory, item_id: int) -> int:
    return int(make.item_row(item_id).status)


def test_an_item_shipped_whole_is_shipped(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    send(app, order_id, {item_id: 5}, Tracking("DHL", "JD014600003SE"))
    item = make.item_row(item_id)
    assert (int(item.status), item.shipped, item.left) == (3, 5, 0)
    (parcel,) = parcels(app)
    assert parcel[1:] == ("shipped", "DHL", "JD014600003SE", {item_id: 5})


def test_an_item_shipped_in_part_is_still_to_ship(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    send(app, order_id, {item_id: 2})
    item = make.item_row(item_id)
    assert (int(item.status), item.shipped, item.left) == (2, 2, 3)
    assert make.sale_row(order_id).desk_state == "to_ship"


def test_the_rest_goes_in_a_second_parcel(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    send(app, order_id, {item_id: 2})
    send(app, order_id, {item_id: 3})
    assert [p.inside for p in parcels(app)] == [{item_id: 2}, {item_id: 3}]
    assert status(make, item_id) == 3


def test_one_parcel_takes_several_lines(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE, TWO)
    cards, envelopes = make.items_of(order_id)
    send(app, order_id, {cards: 4, envelopes: 2})
    assert [p.inside for p in parcels(app)] == [{cards: 4, envelopes: 2}]
    assert (status(make, cards), status(make, envelopes)) == (2, 3)


def test_a_line_named_with_no_pieces_stays(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE, TWO)
    cards, envelopes = make.items_of(order_id)
    send(app, order_id, {cards: 5, envelopes: 0})
    assert [p.inside for p in parcels(app)] == [{cards: 5}]


def test_the_sale_is_shipped_once_no_goods_are_left(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE, TWO)
    cards, envelopes = make.items_of(order_id)
    send(app, order_id, {cards: 5})
    sale = make.sale_row(order_id)
    assert (int(sale.shipping), sale.desk_state) == (0, "to_ship")
    send(app, order_id, {envelopes: 2})
    sale = make.sale_row(order_id)
    assert (int(sale.shipping), sale.desk_state) == (1, "shipped")


def test_a_shipped_sale_is_found_by_its_tracking_number_with_and_without_blanks(
    app: Flask, make: Factory
) -> None:
    from app.queries import sales
    from app.queries.filters import Conditions

    order_id = make.sale(FIVE)
    send(app, order_id, {make.items_of(order_id)[0]: 5}, Tracking("DHL", "JD01 4600 003"))
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        for words in ("jd014600003", "JD01 4600"):
            found = sales.page(
                store_id,
                Conditions(words=words),
                tab=None,
                sort="newest",
                after=None,
                before=None,
                only_deals=False,
            )
            assert [row.id for row in found.rows] == [order_id], words


def test_a_mail_is_owed_only_where_the_buyer_is_to_be_told(app: Flask, make: Factory) -> None:
    from app.models import Outbox

    told, untold = make.sale(FIVE), make.sale(FIVE)
    at = datetime(2026, 11, 21, 10, tzinfo=UTC)
    with app.app_context():
        store_id = db.session.get_one(Order, told).store_id
        for order_id, is_told in ((told, True), (untold, False)):
            item_id = make.items_of(order_id)[0]
            ship(order_id, {item_id: 5}, actor=SYSTEM, store_id=store_id, is_buyer_told=is_told, at=at)
            db.session.commit()
        (mail,) = db.session.query(Outbox).all()
        assert mail.order_id == told
        assert mail.due_at == datetime(2026, 11, 21, 10, 10, tzinfo=UTC)  # the undo window of 10 minutes


# What is refused leaves nothing behind.


def refuses(app: Flask, kind: type[Refused], order_id: int, pieces: dict[int, int], **more: int) -> str:
    """Ship, expect the refusal, and check that not one row differs."""
    before = everything(app)
    with pytest.raises(kind) as refusal:
        send(app, order_id, pieces, **more)
    assert everything(app) == before
    return refusal.value.sentence


def test_more_than_is_left_is_refused(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    send(app, order_id, {item_id: 2})
    sentence = refuses(app, TooManyPieces, order_id, {item_id: 4})
    assert sentence == "Only 3 of “Letterpress card, thank you” are left to ship, not 4."


def test_one_line_too_many_refuses_the_whole_parcel(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE, TWO)
    cards, envelopes = make.items_of(order_id)
    refuses(app, TooManyPieces, order_id, {cards: 5, envelopes: 3})


def test_nothing_is_no_parcel(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    refuses(app, NothingToShip, order_id, {})
    refuses(app, NothingToShip, order_id, {item_id: 0})


def test_a_negative_number_of_pieces_takes_nothing_back(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE, TWO)
    cards, envelopes = make.items_of(order_id)
    send(app, order_id, {cards: 3})
    refuses(app, NothingToShip, order_id, {cards: -1})
    refuses(app, NothingToShip, order_id, {cards: -1, envelopes: 1})


def test_an_item_of_another_sale_does_not_go_along(app: Flask, make: Factory) -> None:
    order_id, other_id = make.sale(FIVE), make.sale(FIVE)
    mine, other = make.items_of(order_id)[0], make.items_of(other_id)[0]
    refuses(app, NotFound, order_id, {mine: 1, other: 1})


def test_a_sale_of_another_store_is_not_found(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE, store="othershop")
    (item_id,) = make.items_of(order_id)
    papershop = make.sale_row(make.sale(FIVE)).store_id
    before = everything(app)
    with app.app_context(), pytest.raises(NotFound):
        ship(order_id, {item_id: 1}, actor=SYSTEM, store_id=papershop)
    assert everything(app) == before


@pytest.mark.parametrize("line", [PICKUP, SERVICE, DEAL, DIGITAL, DONATION])
def test_only_goods_go_in_a_parcel(app: Flask, make: Factory, line: object) -> None:
    item_id = make.item(line, 2)  # type: ignore[arg-type]
    refuses(app, StatusChangeProhibited, make.item_row(item_id).order_id, {item_id: 1})


@pytest.mark.parametrize("state", [n for n in range(12) if n != 2])
def test_goods_go_only_while_they_wait_to_be_shipped(app: Flask, make: Factory, state: int) -> None:
    item_id = make.item(AUCTION, state)
    refuses(app, StatusChangeProhibited, make.item_row(item_id).order_id, {item_id: 1})


def test_a_stale_version_ships_nothing(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    seen = make.sale_row(order_id).version
    send(app, order_id, {item_id: 1}, version=seen)
    refuses(app, ChangedMeanwhile, order_id, {item_id: 1}, version=seen)


# Drafts: a number kept for a parcel that is not sent yet.


def draft(move: Moved, item_id: int, carrier: str = "DHL", number: str = "D-1") -> None:
    """Keep a number for an item before it is shipped."""
    move("staff", item_id, carrier=carrier, number=number)


def test_shipping_sends_the_draft_under_its_number(app: Flask, make: Factory, move: Moved) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    draft(move, item_id)
    send(app, order_id, {item_id: 5})
    (parcel,) = parcels(app)
    assert parcel[1:] == ("shipped", "DHL", "D-1", {item_id: 5})


def test_a_number_given_at_shipping_replaces_that_of_the_draft(
    app: Flask, make: Factory, move: Moved
) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    draft(move, item_id)
    send(app, order_id, {item_id: 5}, Tracking("UPS", "N-2"))
    (parcel,) = parcels(app)
    assert parcel[1:] == ("shipped", "UPS", "N-2", {item_id: 5})


def test_a_draft_sent_in_part_holds_the_pieces_that_went(app: Flask, make: Factory, move: Moved) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    draft(move, item_id)
    send(app, order_id, {item_id: 2})
    send(app, order_id, {item_id: 3}, Tracking("UPS", "N-2"))
    assert [p[1:] for p in parcels(app)] == [
        ("shipped", "DHL", "D-1", {item_id: 2}),
        ("shipped", "UPS", "N-2", {item_id: 3}),
    ]


def test_each_draft_takes_its_own_lines(app: Flask, make: Factory, move: Moved) -> None:
    order_id = make.sale(FIVE, TWO)
    cards, envelopes = make.items_of(order_id)
    draft(move, cards, number="D-1")
    draft(move, envelopes, number="D-2")
    send(app, order_id, {cards: 5, envelopes: 2})
    assert [(p.state, p.number, p.inside) for p in parcels(app)] == [
        ("shipped", "D-1", {cards: 5}),
        ("shipped", "D-2", {envelopes: 2}),
    ]


def test_a_draft_whose_lines_went_under_another_number_is_voided(
    app: Flask, make: Factory, move: Moved
) -> None:
    order_id = make.sale(FIVE, TWO)
    cards, envelopes = make.items_of(order_id)
    draft(move, cards, number="D-1")
    draft(move, envelopes, number="D-2")
    send(app, order_id, {cards: 5, envelopes: 2}, Tracking("UPS", "N-3"))
    assert [(p.state, p.number, p.inside) for p in parcels(app)] == [
        ("shipped", "N-3", {cards: 5, envelopes: 2}),
        ("voided", "D-2", {envelopes: 2}),
    ]


def test_a_line_without_a_draft_goes_beside_one_that_has_it(app: Flask, make: Factory, move: Moved) -> None:
    order_id = make.sale(FIVE, TWO)
    cards, envelopes = make.items_of(order_id)
    draft(move, cards)
    send(app, order_id, {cards: 5, envelopes: 2})
    assert [(p.state, p.number, p.inside) for p in parcels(app)] == [
        ("shipped", "D-1", {cards: 5}),
        ("shipped", "", {envelopes: 2}),
    ]


# Two at once: two threads, two sessions, one SQLite file.


def shares(app: Flask, order_id: int, *pieces: dict[int, int]) -> list[Callable[[], object]]:
    """Return acts that each ship a share of one sale."""
    return [partial(send, app, order_id, share) for share in pieces]


def test_of_two_who_ship_the_same_item_at_once_exactly_one_succeeds(app: Flask, make: Factory) -> None:
    for _ in range(6):
        order_id = make.sale(FIVE)
        (item_id,) = make.items_of(order_id)
        refusals = at_once(*shares(app, order_id, {item_id: 5}, {item_id: 5}))
        assert names(refusals) == ["StatusChangeProhibited", "done"]
        assert [p.inside for p in parcels(app) if item_id in p.inside] == [{item_id: 5}]
        assert make.item_row(item_id).shipped == 5


def test_of_four_who_ship_the_same_item_at_once_exactly_one_succeeds(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    refusals = at_once(*shares(app, order_id, *[{item_id: 5}] * 4))
    assert refusals.count(None) == 1
    assert len(parcels(app)) == 1


def test_shares_that_do_not_fit_together_do_not_both_go(app: Flask, make: Factory) -> None:
    for _ in range(6):
        order_id = make.sale(FIVE)
        (item_id,) = make.items_of(order_id)
        refusals = at_once(*shares(app, order_id, {item_id: 3}, {item_id: 4}))
        assert names(refusals) == ["TooManyPieces", "done"]
        went = 3 if refusals[0] is None else 4
        assert [p.inside for p in parcels(app) if item_id in p.inside] == [{item_id: went}]
        assert make.item_row(item_id).shipped == went


def test_shares_that_fit_together_both_go(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    assert at_once(*shares(app, order_id, {item_id: 2}, {item_id: 3})) == [None, None]
    assert sorted(p.inside[item_id] for p in parcels(app)) == [2, 3]
    assert status(make, item_id) == 3


def test_different_lines_of_one_sale_both_go(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE, TWO)
    cards, envelopes = make.items_of(order_id)
    assert at_once(*shares(app, order_id, {cards: 5}, {envelopes: 2})) == [None, None]
    assert make.sale_row(order_id).desk_state == "shipped"


def test_whoever_waits_for_the_lock_judges_the_sale_as_the_other_left_it(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        ship(order_id, {item_id: 2}, actor=SYSTEM, store_id=store_id)
        late = Hand(partial(send, app, order_id, {item_id: 4}), threading.Barrier(1))
        late.start()
        late.join(timeout=0.3)
        assert late.is_alive()  # it waits: this act holds the lock until it is committed
        db.session.commit()
    late.join(timeout=10)
    assert isinstance(late.refusal, TooManyPieces)
    assert [p.inside for p in parcels(app)] == [{item_id: 2}]


def test_the_loser_leaves_no_event(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    (item_id,) = make.items_of(order_id)
    at_once(*shares(app, order_id, {item_id: 5}, {item_id: 5}))
    assert len({e.act_id for e in events(app, order_id) if e.verb == "ship"}) == 1


# --- without the locks: what is left of them is that the database says no


LATE = {
    "a line that has gone on": "UPDATE order_item SET version = version + 1",
    "pieces that are gone": "UPDATE order_item SET cancelled = 5",
    "a sale that has gone on": "UPDATE orders SET version = version + 1",
}


@pytest.mark.parametrize("is_midway", [False, True])
@pytest.mark.parametrize("meanwhile", LATE.values(), ids=LATE)
def test_a_write_that_comes_too_late_is_refused_and_leaves_nothing(
    app: Flask, make: Factory, meanwhile: str, is_midway: bool
) -> None:
    order_id = make.sale(FIVE, TWO)
    item_id, _ = make.items_of(order_id)
    before = everything(app)
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        with pytest.raises(ChangedMeanwhile), Act("ship", actor=SYSTEM, store_id=store_id) as act:
            order = act.hold(order_id)
            db.session.connection().exec_driver_sql(meanwhile)  # as if another's act had gone between
            send_held(act, order, {item_id: 5, order.items[1].id: 2}, NO_TRACKING)
            if is_midway:
                db.session.flush()
        db.session.rollback()
    assert everything(app) == before


def test_a_row_that_another_wrote_already_is_refused(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE, gateway_code="g-1")
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        with pytest.raises(ChangedMeanwhile), Act("pay", actor=SYSTEM, store_id=store_id) as act:
            order = act.hold(order_id)
            for _ in range(2):
                act.leave(
                    Payment(
                        store_id=store_id,
                        order_id=order.id,
                        kind="fee",
                        status="done",
                        amount_minor=1,
                        currency="USD",
                        code="g-1",
                        at=act.at,
                    )
                )


def test_a_fault_of_the_desks_own_is_no_refusal(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        with pytest.raises(IntegrityError), Act("put", actor=SYSTEM, store_id=store_id) as act:
            act.change(act.hold(order_id), currency=None)
        db.session.rollback()


def test_a_refund_makes_a_form_stale_that_was_open_before(app: Flask, make: Factory) -> None:
    order_id = make.sale(FIVE)
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        by = {"reason": Reason.OTHER, "actor": SYSTEM, "store_id": store_id}
        refund(order_id, 100, **by)
        version = refund(order_id, 100, **by).version
        refund(order_id, 100, version=version, **by)
        with pytest.raises(ChangedMeanwhile):
            refund(order_id, 100, version=version, **by)
        db.session.rollback()
