"""The books after imports: what files brought, again and together, holds as what the desk did itself."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.actions.audit import audit
from app.exchange.importing import Report
from tests.exchange.conftest import ITEMS, ORDERS, fixture, items_file, orders_file

pytestmark = pytest.mark.both


def broken(app: Flask) -> dict[str, tuple[str, ...]]:
    """Return the invariants that are broken, each with the rows it names."""
    with app.app_context():
        return {proof.name: proof.first for proof in audit() if proof.broken}


@pytest.mark.parametrize("files", [(ITEMS, ORDERS, ITEMS), (ORDERS, ITEMS, ORDERS)])
def test_after_both_files_of_a_shop_the_books_hold(
    app: Flask, bring: Callable[..., Report], files: tuple[str, ...]
) -> None:
    for name in files:
        assert bring(fixture(name)).orders
    assert broken(app) == {}


def test_lines_that_are_listed_later_with_another_day_are_of_the_day_of_their_order(
    app: Flask, bring: Callable[..., Report]
) -> None:
    bring(orders_file({"Sale Date": "12/27/26", "Date Shipped": "12/29/26"}))
    report = bring(items_file({"Sale Date": "12/28/26"}))
    assert report.orders[0].outcome == "changed"
    assert broken(app) == {}
