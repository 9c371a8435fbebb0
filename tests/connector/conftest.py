"""A marketplace, and a desk that may call it although it is on the same machine."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.connector.market import Market, opened
from tests.connector.shop import Shop


@pytest.fixture(scope="session")
def server() -> Iterator[Market]:
    """A marketplace."""
    with opened() as market:
        yield market


@pytest.fixture
def market(server: Market) -> Market:
    """The same, empty."""
    server.empty()
    return server


@pytest.fixture
def desk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The desk, which may call private addresses and need not wait between calls, and its context."""
    monkeypatch.setattr("app.postman.hip_calls.SECONDS_BETWEEN", 0)
    kept = {name: app.config[name] for name in ("WEBHOOK_PRIVATE", "MARKET_TIMEOUT")}
    app.config.update(WEBHOOK_PRIVATE=True, MARKET_TIMEOUT=5)
    with app.app_context():
        yield app
    app.config.update(kept)


@pytest.fixture
def shop(desk: Flask, market: Market) -> Shop:
    """The paper shop, connected to the marketplace; nothing is pulled yet."""
    shop = Shop(desk)
    shop.connect(market.url)
    return shop
