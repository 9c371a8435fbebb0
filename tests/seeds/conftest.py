"""What the tests by the seeds share."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.api.caller import Caller


@pytest.fixture
def okanjo(app: Flask, token: Callable[..., dict[str, str]]) -> Caller:
    """A program that calls the Okanjo dialect as any of the cast."""
    return Caller(app, token)
