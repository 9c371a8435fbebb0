"""What watches over the desk hears whether it lives and whether it can work, in plain text."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import text

from app import create_app
from app.db import db
from app.standing import NOT_CURRENT, NOT_THERE, TOO_NEW
from tests.conftest import TEST_SETTINGS
from tests.web.pages import Browser
from tests.web.test_outages import gone

Browse = Callable[[str], Browser]
HEALTH = ("/healthz", "/readyz")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Flask]:
    """A desk whose database is not there yet."""
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'fresh.db'}"})
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def is_unready(client: FlaskClient, because: str) -> None:
    """Check that the desk says that it lives, and why it cannot work."""
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, f"not ready: {because}\n")
    assert answer.content_type == "text/plain; charset=utf-8"


@pytest.mark.both
def test_a_desk_that_works_says_so_in_a_word(app: Flask, client: FlaskClient) -> None:
    assert [client.get(path).text for path in HEALTH] == ["alive\n", "ready\n"]


def test_nobody_is_asked_who_they_are(browse: Browse) -> None:
    for path in HEALTH:
        answer = browse("owner").get(path)
        assert answer.content_type == "text/plain; charset=utf-8"
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


def test_without_a_database_it_says_what_to_do(fresh: Flask) -> None:
    is_unready(fresh.test_client(), NOT_THERE)
    upgrade()
    assert fresh.test_client().get("/readyz").status_code == 200


def test_with_tables_of_another_version_it_is_not_ready(fresh: Flask) -> None:
    upgrade(revision="0001")
    is_unready(fresh.test_client(), NOT_CURRENT)


@pytest.mark.both
def test_with_a_database_of_a_newer_version_it_is_not_ready(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), db.engine.begin() as connection:
        (here,) = connection.execute(text("SELECT version_num FROM alembic_version")).one()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    is_unready(client, TOO_NEW)
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :here"), {"here": here})
    assert client.get("/readyz").status_code == 200


def test_it_heals_when_the_database_is_back(app: Flask, client: FlaskClient) -> None:
    assert client.get("/readyz").status_code == 200
    with gone(app):
        is_unready(client, NOT_THERE)
    assert client.get("/readyz").status_code == 200


def test_a_server_that_does_not_answer_is_not_named() -> None:
    url = "postgresql://somebody:hidden@127.0.0.1:1/desk"
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": url})
    is_unready(app.test_client(), "The database cannot be reached.")
