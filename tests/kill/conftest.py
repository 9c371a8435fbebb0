"""What tests of durability share: a database that keeps what it is given, a program that may write."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask

from app import create_app
from app.actions.people import make_token
from app.db import db
from app.queries import people
from tests import postgres
from tests.conftest import TEST_SETTINGS, email_of, set_the_stage
from tests.kill.siege import Postmaster

SECRET = "of these kills only"


class Place(NamedTuple):
    """A database that the desk will run on, and what reads it from outside."""

    app: Flask
    url: str
    postmaster: Postmaster | None


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def place(request: pytest.FixtureRequest, database: Path, tmp_path: Path) -> Iterator[Place]:
    """The cast and three stores, in a database that keeps what it is given."""
    if request.param == "sqlite":
        url = f"sqlite:///{shutil.copy(database, tmp_path / 'desk.db')}"
        yield Place(create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": url}), url, None)
        return
    postmaster = Postmaster(tmp_path / "pg")
    try:
        url = postgres.fresh_database(postmaster.url, "kill")
        app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": url})
        set_the_stage(app)
        yield Place(app, url, postmaster)
        with app.app_context():
            db.engine.dispose()
    finally:
        postmaster.end()


def bearer_of(app: Flask) -> tuple[dict[str, str], int]:
    """Return the header of a program that may write for the paper shop, and that shop's id."""
    with app.app_context():
        account, shop = people.account_by_email(email_of("owner")), people.place("papershop", None)
        assert account is not None and shop is not None
        bearer = {"Authorization": f"Bearer {make_token(account, None, ['write:store-orders'])}"}
        store_id = shop.store.id
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
        return bearer, store_id
