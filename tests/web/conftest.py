"""What the tests of the pages share: browsers signed in and ready to send forms, and desks stocked once."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import db
from app.models import Signin
from tests.postgres import Refilled
from tests.web.pages import Browser


class Session(NamedTuple):
    """A sign-in that was made through the page once: the browser's side and the server's row."""

    cookie: str
    token: str
    row: dict[str, Any]


@pytest.fixture(scope="session")
def sessions() -> dict[tuple[str, str], Session]:
    """The sign-ins of the cast, by database, kept over the tests."""
    return {}


@pytest.fixture
def browse(
    app: Flask, sign_in: Callable[[str], FlaskClient], sessions: dict[tuple[str, str], Session]
) -> Callable[[str], Browser]:
    """Return a browser signed in as one of the cast that knows its CSRF token.

    Each person signs in through the page once; later desks get the row of that sign-in.
    """

    def browser_of(who: str) -> Browser:
        place = app.config["SQLALCHEMY_DATABASE_URI"], who
        if place not in sessions:
            browser = Browser(sign_in(who))
            sessions[place] = kept_session(app, browser)
            return browser
        kept = sessions[place]
        with app.app_context():
            if not db.session.query(Signin).filter_by(token_hash=kept.row["token_hash"]).count():
                db.session.add(Signin(**kept.row, seen_at=datetime.now(UTC)))
                db.session.commit()
        client = app.test_client()
        client.set_cookie(app.config["SESSION_COOKIE_NAME"], kept.cookie)
        return Browser(client, kept.token)

    return browser_of


def kept_session(app: Flask, browser: Browser) -> Session:
    """Return the sign-in that a browser just made."""
    cookie = browser.client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    with app.app_context():
        row = db.session.query(Signin).order_by(Signin.id.desc()).first()
        assert row is not None
        names = ("token_hash", "account_id", "created_at", "expires_at")
        return Session(cookie.value, browser.token, {name: getattr(row, name) for name in names})


class Stocked(NamedTuple):
    """A database with sales in it, and what was told of them when they were made."""

    path: Path
    told: Any
    build: Callable[[Flask], Any]
    on_postgresql: list[tuple[Refilled, Any]]  # one, once it was asked for

    def put_into(self, app: Flask) -> Any:
        """Give the fresh desk a copy of this database; return what was told of its sales."""
        if not is_on_sqlite(app):
            if self.on_postgresql:
                self.on_postgresql[0][0].refill()
            else:
                told = self.build(app)
                self.on_postgresql.append((Refilled(app), told))
            return self.on_postgresql[0][1]
        with app.app_context():
            db.engine.dispose()
        shutil.copy(self.path, path_of(app))
        return self.told


def is_on_sqlite(app: Flask) -> bool:
    """Tell which of the two databases the desk is on."""
    return app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")


def path_of(app: Flask) -> Path:
    """Return where the desk's database lies."""
    return Path(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))


@pytest.fixture(scope="session")
def stock(
    desk_app: Flask, database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Callable[[Flask], Any]], Stocked]:
    """Return what stocks a desk once for many tests, each of which gets a copy."""

    def stocked(build: Callable[[Flask], Any]) -> Stocked:
        Stocked(database, None, build, []).put_into(desk_app)
        told = build(desk_app)
        with desk_app.app_context():
            db.session.remove()
            db.engine.dispose()
        path = Path(shutil.copy(path_of(desk_app), tmp_path_factory.mktemp("stocked")))
        return Stocked(path, told, build, [])

    return stocked
