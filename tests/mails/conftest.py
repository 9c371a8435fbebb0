"""A mail server, its box, and a desk that sends by it."""

from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from flask import Flask

from tests.mails.outbox import Box, by_server, free_port, sending_by


@pytest.fixture(scope="session")
def server() -> Iterator[Controller]:
    """A mail server."""
    controller = Controller(Box(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def box(server: Controller) -> Box:
    """The mail server's box, empty."""
    handler: Box = server.handler
    handler.empty()
    return handler


@pytest.fixture
def desk(app: Flask, box: Box, server: Controller) -> Iterator[Flask]:
    """The desk, which sends by the server, and its context."""
    with sending_by(app, by_server(server)), app.app_context():
        yield app
