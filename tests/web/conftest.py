"""What the tests of the pages share: browsers signed in and ready to send forms, and desks stocked once."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import db
from tests.web.pages import Browser


@pytest.fixture
def browse(sign_in: Callable[[str], FlaskClient]) -> Callable[[str], Browser]:
    """Return a browser signed in as one of the cast that knows its CSRF token."""
    return lambda who: Browser(sign_in(who))


class Stocked(NamedTuple):
    """A database with sales in it, and what was told of them when they were made."""

    path: Path
    told: Any

    def put_into(self, app: Flask) -> Any:
        """Give the desk a copy of this database; return what was told of its sales."""
        with app.app_context():
            db.engine.dispose()
        shutil.copy(self.path, path_of(app))
        return self.told


def path_of(app: Flask) -> Path:
    """Return where the desk's database lies."""
    return Path(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))


@pytest.fixture(scope="session")
def stock(
    desk_app: Flask, database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Callable[[Flask], Any]], Stocked]:
    """Return what stocks a desk once for many tests, each of which gets a copy."""

    def stocked(build: Callable[[Flask], Any]) -> Stocked:
        Stocked(database, None).put_into(desk_app)
        told = build(desk_app)
        with desk_app.app_context():
            db.session.remove()
            db.engine.dispose()
        return Stocked(Path(shutil.copy(path_of(desk_app), tmp_path_factory.mktemp("stocked"))), told)

    return stocked
