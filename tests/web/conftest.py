"""What the tests of the pages share: browsers signed in and ready to send forms."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.signins import newest, put_back
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
        put_back(app, kept.row)
        client = app.test_client()
        client.set_cookie(app.config["SESSION_COOKIE_NAME"], kept.cookie)
        return Browser(client, kept.token)

    return browser_of


def kept_session(app: Flask, browser: Browser) -> Session:
    """Return the sign-in that a browser just made."""
    cookie = browser.client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    return Session(cookie.value, browser.token, newest(app))
