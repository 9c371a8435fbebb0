"""What the tests of the JSON doors share."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from tests.api.caller import Caller
from tests.api.hip_caller import HipCaller
from tests.api.weebly import WeeblyCaller
from tests.api.witness import watched


@pytest.fixture
def okanjo(app: Flask, token: Callable[..., dict[str, str]]) -> Caller:
    """A program that calls the Okanjo dialect as any of the cast."""
    return Caller(app, token)


@pytest.fixture
def weebly(app: Flask, token: Callable[..., dict[str, str]]) -> WeeblyCaller:
    """A program that calls the Weebly dialect as any of the cast."""
    return WeeblyCaller(app, token)


@pytest.fixture
def hip(app: Flask, token: Callable[..., dict[str, str]]) -> HipCaller:
    """A program that calls the Hip dialect as any of the cast."""
    return HipCaller(app, token)


@pytest.fixture(autouse=True)
def as_the_document_says() -> Iterator[None]:
    """Hold every answer of every test here against the OpenAPI document."""
    with watched():
        yield
