"""What the tests of the rules share: the cast at their desks, and one item moved by one of them."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.access import Desk, Permission, find_desk, person
from app.actions.moves import Asked, move_item
from app.actions.parcels import Tracking
from app.db import db
from app.queries import items, people
from app.statuses import ItemStatus
from tests.conftest import email_of


def desk_of(who: str, store: str = "papershop") -> Desk:
    """Return the desk of one of the cast in a store; needs an application context."""
    account = people.account_by_email(email_of(who))
    assert account is not None
    return find_desk(person(account), store, to=Permission.SEE_SALES)


@pytest.fixture
def move(app: Flask) -> Callable[..., int]:
    """Return what asks for a move as one of the cast and commits it: the item's status afterwards."""

    def moved(
        who: str,
        item_id: int,
        status: int | None = None,
        *,
        store: str = "papershop",
        carrier: str | None = None,
        number: str | None = None,
        ack: str | None = None,
        version: int | None = None,
    ) -> int:
        with app.app_context():
            desk = desk_of(who, store)
            item = items.one(desk.store.id, item_id)
            assert item is not None
            asked = Asked(
                None if status is None else ItemStatus(status), Tracking(carrier, number), ack, version
            )
            now = int(move_item(item, asked, desk=desk).status)
            db.session.commit()
            return now

    return moved
