"""The ring in which requests race: the running desk, the cast's keys and the clients."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.db import db
from app.queries import people
from tests.conftest import csrf_token
from tests.factories import Factory
from tests.races.ring import CROWD, Ring
from tests.races.server import SECRET, Clients, Server


@pytest.fixture
def ring(
    app: Flask,
    token: Callable[..., dict[str, str]],
    sign_in: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Ring]:
    """The running desk, the cast's keys and the clients."""
    monkeypatch.setitem(app.config, "SECRET_KEY", SECRET)  # the one under which the server reads them
    signed_in = {}
    for who in ("owner", "buyer"):
        browser = sign_in(who)
        browser.get("/purchases")
        page = browser.get("/purchases")
        signed_in[who] = (page.request.headers["Cookie"], csrf_token(page.text))
    bearer = {who: token(who) for who in ("owner", "vendor")}
    with app.app_context():
        stores = {place.slug: place.id for place in people.all_stores()}
        db.session.remove()
        db.engine.dispose()
    server = Server(app.config["SQLALCHEMY_DATABASE_URI"], tmp_path)
    try:
        clients = Clients(server, CROWD)
        try:
            yield Ring(app, Factory(app), clients, server.port, bearer, signed_in, stores)
        finally:
            clients.close()
    finally:
        server.end()
