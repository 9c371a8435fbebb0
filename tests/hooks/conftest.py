"""A program that takes messages, and a desk that may call it although it is on the same machine."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.hooks.receiver import Receiver, serve


@pytest.fixture(scope="session")
def server() -> Iterator[Receiver]:
    """A program that takes messages."""
    receiver = Receiver()
    thread = serve(receiver)
    yield receiver
    receiver.shutdown()
    receiver.server_close()
    thread.join()


@pytest.fixture
def receiver(server: Receiver) -> Receiver:
    """The same, empty."""
    server.empty()
    return server


@pytest.fixture
def desk(app: Flask) -> Iterator[Flask]:
    """The desk, which may call private addresses, and its context."""
    kept = {name: app.config[name] for name in ("WEBHOOK_PRIVATE", "WEBHOOK_TIMEOUT")}
    app.config["WEBHOOK_PRIVATE"] = True
    with app.app_context():
        yield app
    app.config.update(kept)
