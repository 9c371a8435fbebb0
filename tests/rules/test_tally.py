"""The tally: after whatever happened it says what a recount says."""

from collections.abc import Callable

from flask import Flask

from app.queries import counts
from tests.factories import DEAL, GOODS, Factory
from tests.rules.books import recount, tally
from tests.rules.busy import Busy
from tests.rules.conftest import desk_of

Moved = Callable[..., int]


def test_after_many_acts_the_tally_equals_a_recount(app: Flask) -> None:
    shop = Busy(app, 11)
    shop.work(150)
    assert shop.done > 40 and shop.refused > 15  # both happened
    kept = tally(app)
    assert kept == recount(app)
    assert {grain for _, grain, _ in kept} == {"order", "item", "deal_order", "deal_item"}


def test_a_new_sale_counts_in_its_tab(app: Flask, make: Factory) -> None:
    make.sale(GOODS, paid=None)
    make.sale(GOODS)
    with app.app_context():
        store_id = desk_of("owner").store.id
        assert counts.tabs(store_id, False) == {
            "all": 2,
            "unpaid": 1,
            "to_ship": 1,
            "shipped": 0,
            "closed": 0,
        }


def test_a_sale_with_two_deals_is_one_sale_of_deals(app: Flask, make: Factory) -> None:
    make.sale(DEAL, DEAL, GOODS, store="vendorshop")
    make.sale(GOODS, store="vendorshop")
    with app.app_context():
        store_id = desk_of("vendor", "vendorshop").store.id
        assert counts.tabs(store_id, True)["all"] == 1
        assert counts.tabs(store_id, False)["all"] == 2


def test_stores_are_counted_apart(app: Flask, make: Factory) -> None:
    make.sale(GOODS)
    make.sale(GOODS, store="othershop")
    with app.app_context():
        assert counts.tabs(desk_of("owner").store.id, False)["all"] == 1
        assert counts.tabs(desk_of("owner2", "othershop").store.id, False)["all"] == 1


def test_a_sale_moves_from_tab_to_tab(app: Flask, make: Factory, move: Moved) -> None:
    item_id = make.item(GOODS, 2)
    move("staff", item_id, 3)
    with app.app_context():
        found = counts.tabs(desk_of("owner").store.id, False)
    assert (found["to_ship"], found["shipped"], found["all"]) == (0, 1, 1)
