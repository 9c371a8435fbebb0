"""Tracking without status: the law's last paragraph of section 1."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.actions.labels import NoParcel
from app.db import db
from app.models import Parcel
from tests.factories import AUCTION, DEAL, DIGITAL, DONATION, GOODS, PICKUP, SERVICE, Factory
from tests.rules.books import everything, parcels

Moved = Callable[..., int]


def test_an_item_to_ship_keeps_the_number_on_a_draft(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(GOODS, 2)
    assert move("staff", item_id, carrier="DHL", number="JD014600003SE") == 2
    (parcel,) = parcels(app)
    assert parcel[1:] == ("draft", "DHL", "JD014600003SE", {item_id: 5})


def test_a_draft_ships_nothing(make: Factory, move: Moved) -> None:
    item_id = make.item(GOODS, 2)
    move("staff", item_id, number="JD014600003SE")
    item = make.item_row(item_id)
    assert (item.shipped, item.left) == (0, 5)
    assert make.sale_row(item.order_id).desk_state == "to_ship"


def test_a_second_number_corrects_the_draft(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(GOODS, 2)
    move("staff", item_id, carrier="DHL", number="1")
    move("staff", item_id, number="2")
    assert [(p.state, p.carrier, p.number) for p in parcels(app)] == [("draft", "DHL", "2")]


def test_a_carrier_alone_leaves_the_number(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(GOODS, 2)
    move("staff", item_id, 3, carrier="DHL", number="1")
    move("staff", item_id, carrier="UPS")
    assert [(p.carrier, p.number) for p in parcels(app)] == [("UPS", "1")]


def test_the_number_of_a_shipped_parcel_is_corrected(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(GOODS, 2)
    move("staff", item_id, 3, carrier="DHL", number="1")
    assert move("staff", item_id, number="2") == 3
    assert [(p.state, p.number, p.inside) for p in parcels(app)] == [("shipped", "2", {item_id: 5})]


def test_the_newest_parcel_is_the_one_that_is_corrected(app: Flask, make: Factory, move: Moved) -> None:
    order_id = make.sale(GOODS)
    (item_id,) = make.items_of(order_id)
    make.ship(order_id, {item_id: 2}, number="1")
    make.ship(order_id, {item_id: 3}, number="2")
    move("staff", item_id, number="3")
    assert [p.number for p in parcels(app)] == ["1", "3"]


def test_a_voided_parcel_is_not_corrected(app: Flask, make: Factory, move: Moved) -> None:
    order_id = make.sale(GOODS)
    (item_id,) = make.items_of(order_id)
    make.ship(order_id, {item_id: 2}, number="1")
    newest = make.ship(order_id, {item_id: 3}, number="2")
    with app.app_context():
        parcel = db.session.get_one(Parcel, newest)
        parcel.state, parcel.version = "voided", parcel.version + 1
        db.session.commit()
    move("staff", item_id, number="3")
    assert [p.number for p in parcels(app)] == ["3", "2"]


@pytest.mark.parametrize("state", [3, 4, 5, 6, 10, 11])
def test_a_parcel_is_corrected_whatever_became_of_its_item(
    app: Flask, make: Factory, move: Moved, state: int
) -> None:
    order_id = make.sale(AUCTION)
    (item_id,) = make.items_of(order_id)
    make.ship(order_id, {item_id: 1}, number="1")
    make.put(item_id, state)
    assert move("owner", item_id, number="2") == state
    assert [p.number for p in parcels(app)] == ["2"]


@pytest.mark.parametrize("state", [n for n in range(12) if n != 2])
def test_an_item_that_does_not_wait_to_be_shipped_has_no_place_for_a_number(
    app: Flask, make: Factory, move: Moved, state: int
) -> None:
    item_id = make.item(GOODS, state)
    before = everything(app)
    with pytest.raises(NoParcel):
        move("owner", item_id, number="1")
    assert everything(app) == before


@pytest.mark.parametrize("line", [PICKUP, SERVICE, DEAL, DIGITAL, DONATION])
def test_what_is_never_sent_has_no_place_for_a_number(
    app: Flask, make: Factory, move: Moved, line: object
) -> None:
    item_id = make.item(line, 2, store="vendorshop")  # type: ignore[arg-type]
    before = everything(app)
    with pytest.raises(NoParcel):
        move("owner", item_id, store="vendorshop", number="1")
    assert everything(app) == before


def test_a_move_with_a_number_that_has_no_place_moves_nothing(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(PICKUP, 2)
    before = everything(app)
    with pytest.raises(NoParcel):
        move("owner", item_id, 3, number="1")
    assert everything(app) == before


def test_a_correction_is_no_second_draft_for_a_part_shipped_item(
    app: Flask, make: Factory, move: Moved
) -> None:
    order_id = make.sale(GOODS)
    (item_id,) = make.items_of(order_id)
    make.ship(order_id, {item_id: 2}, number="1")
    move("staff", item_id, number="2")
    assert [(p.state, p.number) for p in parcels(app)] == [("shipped", "2")]
