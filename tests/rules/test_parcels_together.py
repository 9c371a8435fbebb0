"""Several orders in one parcel, and labels made before it leaves: orders stay orders, and undo is whole."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access import SYSTEM
from app.actions.aftersale import Reason, cancel
from app.actions.audit import audit
from app.actions.labels import draft, send_draft, set_tracking
from app.actions.parcels import ElsewhereBound, TooManyPieces, Tracking, ship, ship_together
from app.actions.purchases import BuyerSaid
from app.actions.undo import void_parcel
from app.db import db
from app.errors import ChangedMeanwhile, NotFound, Refused, StatusChangeProhibited
from app.models import Order, Outbox, SearchTerm
from app.queries import history
from app.queries import parcels as parcels_listed
from app.queries.sales import one
from app.web import sale_view
from app.web.clock import Clock
from app.web.parcel_view import shared
from tests.factories import ADDRESS, GOODS, PICKUP, Factory
from tests.rules.books import events, parcels, present, replayed
from tests.rules.together import at_once, names

BUYER = BuyerSaid("Maja Kowalczyk", "maja", ref="m-1")


@pytest.fixture
def two(make: Factory) -> tuple[int, int]:
    """Two paid sales of one buyer to the same address, five cards each."""
    return make.sale(GOODS, buyer=BUYER), make.sale(GOODS, buyer=BUYER)


def act(app: Flask, deed: Callable[..., Any], *args: Any, **given: Any) -> int:
    """Do an act in papershop and commit it; return the id of what it returns."""
    with app.app_context():
        order = db.session.scalars(select(Order).order_by(Order.id)).first()
        assert order is not None
        done = deed(*args, actor=SYSTEM, store_id=order.store_id, **given)
        db.session.commit()
        return int(done.id)


def refusal(app: Flask, deed: Callable[..., Any], *args: Any, **given: Any) -> type[Refused]:
    """Return what an act is refused for."""
    with pytest.raises(Refused) as refused:
        act(app, deed, *args, **given)
    with app.app_context():
        db.session.rollback()
    return refused.type


def all_of(make: Factory, *order_ids: int, n: int = 5) -> dict[int, dict[int, int]]:
    """Return so many pieces of every line of these sales."""
    return {order_id: dict.fromkeys(make.items_of(order_id), n) for order_id in order_ids}


def told(app: Flask, order_id: int) -> list[str]:
    """Return what the history of a sale says, newest first."""
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        order = one(store_id, order_id)
        assert order is not None
        found = history.parcels_of([item.id for item in order.items])
        events = history.events_of(order_id, shared(order, found))
        return [entry.what for entry in sale_view.entries(events, {}, Clock("UTC"), sees_money=True)]


def is_found(app: Flask, order_id: int, term: str) -> bool:
    """Tell whether a sale is found by a word."""
    with app.app_context():
        which = SearchTerm.order_id == order_id, SearchTerm.term == term
        return db.session.scalar(select(SearchTerm.term).where(*which)) is not None


def prove_books(app: Flask) -> None:
    """Hold every invariant of the books."""
    with app.app_context():
        assert [proof for proof in audit() if proof.broken] == []


def standing(make: Factory, order_id: int) -> tuple[Any, ...]:
    """Return what undo must bring back."""
    row = make.sale_row(order_id)
    money = row.total_minor, int(row.payment), row.number
    lines = [(i.shipped, i.cancelled, int(i.status)) for i in row.items]
    return (*money, int(row.shipping), row.desk_state, row.ship_by, row.attention_at, row.sent_at, *lines)


def test_two_orders_go_in_one_parcel_and_stay_two(app: Flask, make: Factory, two: tuple[int, int]) -> None:
    first, second = two
    act(app, ship_together, all_of(make, *two), tracking=Tracking("DHL", "T-1"), is_buyer_told=True)
    (parcel,) = parcels(app)
    assert parcel.inside == dict.fromkeys(make.items_of(first) + make.items_of(second), 5)
    rows = [make.sale_row(order_id) for order_id in two]
    assert [(r.desk_state, int(r.shipping), r.total_minor) for r in rows] == [("shipped", 1, 2250)] * 2
    assert rows[0].number != rows[1].number
    for order_id in two:
        assert told(app, order_id)[0] == "shipped 5 pieces under T-1"
        assert is_found(app, order_id, "t")
    with app.app_context():
        assert sorted(db.session.scalars(select(Outbox.order_id))) == sorted(two)
    prove_books(app)


def test_undo_gives_both_orders_back_as_they_were(app: Flask, make: Factory, two: tuple[int, int]) -> None:
    before = [standing(make, order_id) for order_id in two]
    parcel_id = act(
        app, ship_together, all_of(make, *two), tracking=Tracking("DHL", "T-1"), is_buyer_told=True
    )
    assert [standing(make, order_id) for order_id in two] != before
    act(app, void_parcel, parcel_id)
    assert [standing(make, order_id) for order_id in two] == before
    for order_id in two:
        assert told(app, order_id)[:2] == ["took a parcel back", "shipped 5 pieces under T-1"]
    with app.app_context():
        assert set(db.session.scalars(select(Outbox.state))) == {"dropped"}
    prove_books(app)


def test_a_corrected_number_is_told_and_found_in_both(
    app: Flask, make: Factory, two: tuple[int, int]
) -> None:
    act(app, ship_together, all_of(make, *two), tracking=Tracking("DHL", "WRONG"))
    for order_id, number in zip(two, ("RIGHT1", "RIGHT2"), strict=True):
        act(app, set_tracking, order_id, make.items_of(order_id)[0], Tracking(number=number))
    for order_id in two:
        assert told(app, order_id)[:2] == [
            "set the tracking number: RIGHT1 → RIGHT2",
            "set the tracking number: WRONG → RIGHT1",
        ]
        assert all(is_found(app, order_id, word) for word in ("wrong", "right1", "right2"))
    prove_books(app)


def test_orders_of_others_or_to_elsewhere_never_share_a_parcel(
    app: Flask, make: Factory, two: tuple[int, int]
) -> None:
    stranger = make.sale(GOODS)
    moved = make.sale(GOODS, buyer=BUYER, address=replace(ADDRESS, street="Elsewhere 1"))
    foreign = make.sale(GOODS, buyer=BUYER, store="othershop")
    for other in (stranger, moved):
        for deed in (ship_together, draft):
            assert refusal(app, deed, all_of(make, two[0], other)) is ElsewhereBound
    assert refusal(app, ship_together, all_of(make, two[0], foreign)) is NotFound
    assert parcels(app) == []


def test_the_other_sales_that_could_go_along_are_known(
    app: Flask, make: Factory, two: tuple[int, int]
) -> None:
    first, second = two
    make.sale(PICKUP, buyer=BUYER)
    make.sale(GOODS, buyer=BUYER, paid=None)
    make.sale(GOODS, buyer=BUYER, address=replace(ADDRESS, street="Elsewhere 1"))
    make.sale(GOODS)
    make.ship(second, {make.items_of(second)[0]: 2})
    with app.app_context():
        order = one(db.session.get_one(Order, first).store_id, first)
        assert order is not None
        (other,) = parcels_listed.beside(order)
    assert (other.id, other.left) == (second, {make.items_of(second)[0]: 3})


def test_a_stale_one_among_them_stops_all(app: Flask, make: Factory, two: tuple[int, int]) -> None:
    versions = {order_id: make.sale_row(order_id).version for order_id in two}
    make.ship(two[1], {make.items_of(two[1])[0]: 1})
    before = standing(make, two[0])
    assert refusal(app, ship_together, all_of(make, *two, n=4), versions=versions) is ChangedMeanwhile
    assert standing(make, two[0]) == before


def test_labels_of_part_quantities_are_made_and_sent_one_by_one(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    ids = [
        act(app, draft, {order_id: {cards: n}}, tracking=Tracking("DHL", number))
        for n, number in ((2, "D-1"), (2, "D-2"))
    ]
    assert [p.state for p in parcels(app)] == ["draft", "draft"]
    assert make.sale_row(order_id).items[0].shipped == 0
    assert refusal(app, draft, {order_id: {cards: 2}}) is TooManyPieces
    act(app, send_draft, ids[1])
    assert (make.sale_row(order_id).items[0].shipped, make.sale_row(order_id).desk_state) == (2, "to_ship")
    # What has no label goes beside those that have one.
    act(app, ship, order_id, {cards: 1}, tracking=Tracking("UPS", "U-1"))
    assert [(p.state, p.number, p.inside) for p in parcels(app)] == [
        ("draft", "D-1", {cards: 2}),
        ("shipped", "D-2", {cards: 2}),
        ("shipped", "U-1", {cards: 1}),
    ]
    act(app, send_draft, ids[0])
    assert make.sale_row(order_id).desk_state == "shipped"
    assert refusal(app, send_draft, ids[0]) is StatusChangeProhibited
    prove_books(app)


def test_what_goes_out_otherwise_leaves_no_draft_that_holds_too_much(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    for n, number in ((3, "D-1"), (2, "D-2")):
        act(app, draft, {order_id: {cards: n}}, tracking=Tracking("DHL", number))
    act(app, ship, order_id, {cards: 4}, tracking=Tracking("UPS", "U-1"))
    assert [(p.state, p.number, p.inside) for p in parcels(app)] == [
        ("shipped", "U-1", {cards: 4}),
        ("draft", "D-2", {cards: 1}),
    ]
    act(app, cancel, order_id, {cards: 1}, reason=Reason.BUYER, at=datetime(2026, 11, 21, tzinfo=UTC))
    assert [p.state for p in parcels(app)] == ["shipped", "voided"]
    prove_books(app)


def test_a_label_for_two_orders_is_sent_for_both_and_undone_for_both(
    app: Flask, make: Factory, two: tuple[int, int]
) -> None:
    parcel_id = act(app, draft, all_of(make, *two, n=3), tracking=Tracking("DHL", "D-1"))
    for order_id in two:
        assert told(app, order_id)[0] == "made a label under D-1, to send later"
    act(app, send_draft, parcel_id)
    for order_id in two:
        assert told(app, order_id)[0] == "shipped 3 pieces"
        assert make.sale_row(order_id).items[0].left == 2
    act(app, void_parcel, parcel_id)
    assert [make.sale_row(order_id).items[0].left for order_id in two] == [5, 5]
    prove_books(app)


def test_one_of_two_orders_goes_alone_and_takes_the_label(
    app: Flask, make: Factory, two: tuple[int, int]
) -> None:
    act(app, draft, all_of(make, *two), tracking=Tracking("DHL", "D-1"))
    act(app, ship, two[1], all_of(make, two[1])[two[1]])
    (parcel,) = parcels(app)
    assert (parcel.state, parcel.inside) == ("shipped", dict.fromkeys(make.items_of(two[1]), 5))
    assert make.sale_row(two[0]).items[0].left == 5
    prove_books(app)


def test_of_two_who_send_a_draft_and_two_who_void_it_one_does(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    parcel_id = act(app, draft, {order_id: {cards: 5}})
    version = db_version(app, parcel_id)
    deeds = [lambda: act(app, send_draft, parcel_id, version=version)] * 2
    deeds += [lambda: act(app, void_parcel, parcel_id, version=version)] * 2
    assert names(at_once(*deeds)).count("done") == 1
    prove_books(app)


def db_version(app: Flask, parcel_id: int) -> int:
    """Return the version of a parcel."""
    with app.app_context():
        store_id = db.session.scalars(select(Order.store_id)).first()
        assert store_id is not None
        row = parcels_listed.row(store_id, parcel_id)
        assert row is not None
        return int(row.version)


def test_a_sale_waits_since_its_last_pieces_left(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    days = [datetime(2026, 11, day, 12, tzinfo=UTC) for day in (21, 22)]
    act(app, ship, order_id, {cards: 2}, at=days[0])
    assert make.sale_row(order_id).sent_at == days[0]
    last = act(app, ship, order_id, {cards: 3}, at=days[1])
    row = make.sale_row(order_id)
    assert (row.sent_at, row.attention_at) == (days[1], days[1] + timedelta(days=14))
    act(app, void_parcel, last)
    assert make.sale_row(order_id).attention_at == make.sale_row(order_id).ship_by


# --- one label over several orders, of which one goes


def test_a_sale_that_goes_under_a_shared_label_takes_it_alone(
    app: Flask, make: Factory, two: tuple[int, int]
) -> None:
    first, second = two
    (cards,), (more,) = make.items_of(first), make.items_of(second)
    label = act(app, draft, {first: {cards: 5}, second: {more: 3}}, tracking=Tracking("DHL", "S-1"))
    assert act(app, ship, first, {cards: 5}) == label
    assert [(p.state, p.number, p.inside) for p in parcels(app)] == [("shipped", "S-1", {cards: 5})]
    assert (make.item_row(cards).shipped, make.item_row(more).shipped) == (5, 0)
    (event,) = [e for e in events(app) if e.parcel_id and e.verb == "ship"]
    assert event.before is not None and event.before["inside"] == {str(cards): 5, str(more): 3}
    assert event.after is not None and event.after["inside"] == {str(cards): 5}
    assert replayed(app) == present(app)
    # What is left behind may go by itself, and has no label any more.
    other = act(app, ship, second, {more: 5})
    assert other != label
    assert [p.inside for p in parcels(app)] == [{cards: 5}, {more: 5}]


def test_a_number_given_when_one_sale_goes_stands_for_what_goes_with_it(
    app: Flask, make: Factory, two: tuple[int, int]
) -> None:
    first, second = two
    (cards,), (more,) = make.items_of(first), make.items_of(second)
    act(app, draft, {first: {cards: 2}, second: {more: 3}}, tracking=Tracking("DHL", "S-1"))
    act(app, ship, first, {cards: 4}, tracking=Tracking("UPS", "S-2"))
    assert [(p.state, p.carrier, p.number, p.inside) for p in parcels(app)] == [
        ("shipped", "UPS", "S-2", {cards: 4})
    ]
    assert replayed(app) == present(app)


def test_pieces_that_a_shared_label_does_not_hold_leave_it_as_it_is(
    app: Flask, make: Factory, two: tuple[int, int]
) -> None:
    first, second = two
    (cards,), (more,) = make.items_of(first), make.items_of(second)
    label = act(app, draft, {first: {cards: 2}, second: {more: 3}}, tracking=Tracking("DHL", "S-1"))
    other = act(app, ship, first, {cards: 3})
    assert [(p.id, p.state, p.inside) for p in parcels(app)] == [
        (label, "draft", {cards: 2, more: 3}),
        (other, "shipped", {cards: 3}),
    ]
    assert replayed(app) == present(app)
