"""The peer: Flask-Admin's list over the same orders, in the same order, 25 a page.

It is spared what it could not do well: it shows no lines of the orders, has no sign-in, and runs on the
desk's own engine with its pragmas and indexes. It counts all rows and skips to a page by OFFSET, as it
comes.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView

from app import config as settings
from app.db import db, engine_options, set_up_engine, with_driver
from app.models import Order, Store
from tests.bench.calls import Answer, Ask, Wrong
from tests.bench.facts import PAGE, SLUG, Facts

ROW = re.compile(rb'<input type="checkbox" name="rowid"[^>]*value="(\d+)"')


class Orders(ModelView):
    """The list of one store's orders, newest first: what the desk's list shows but for the lines."""

    page_size = PAGE
    can_create = can_edit = False
    can_delete = True  # it brings the ticks at the rows, as a desk has them
    column_list = (
        "number",
        "channel",
        "buyer.name",
        "address.city",
        "address.country",
        "total_minor",
        "currency",
        "payment",
        "shipping",
        "desk_state",
        "placed_at",
        "ship_by",
    )
    column_select_related_list = (Order.buyer, Order.address)
    column_default_sort = [("placed_at", True), ("id", True)]
    form_columns = ("number",)
    store_id = 0

    def get_query(self) -> Any:
        """Return the store's orders."""
        return super().get_query().filter(Order.store_id == self.store_id, Order.heir_id.is_(None))

    def get_count_query(self) -> Any:
        """Return how many there are."""
        return super().get_count_query().filter(Order.store_id == self.store_id, Order.heir_id.is_(None))


def create_peer(url: str | None = None) -> Flask:
    """Make the peer on this database, or on the one that the environment names."""
    app = Flask(__name__)
    app.config.update(settings.from_environment())
    url = with_driver(url or app.config["SQLALCHEMY_DATABASE_URI"])
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(url)
    db.init_app(app)
    set_up_engine(app)
    admin = Admin(app)
    view = Orders(Order, db.session, endpoint="orders")
    with app.app_context():
        view.store_id = db.session.query(Store.id).filter(Store.slug == SLUG).scalar()
        db.session.remove()
    admin.add_view(view)
    return app


def asks(facts: Facts) -> list[tuple[str, Ask, Callable[[Answer], None]]]:
    """Return what is asked of the peer: the first page and the one in the middle, each with its judge."""
    middle = facts.middle()
    return [
        ("admin", Ask("/admin/orders/"), shows(facts.sales())),
        ("admin-middle", Ask(f"/admin/orders/?page={middle}"), shows(facts.sales(offset=middle * PAGE))),
    ]


def shows(ids: Sequence[int]) -> Callable[[Answer], None]:
    """Judge a page of the peer: these orders in this sequence."""

    def check(answer: Answer) -> None:
        found = [int(row) for row in ROW.findall(answer.body)]
        if answer.status != 200 or found != ids:
            raise Wrong(f"{answer.status}, shows {found}, expected {ids}: {answer.body[:300]!r}")

    return check
