"""The walls: who tries what, how each answer is judged, and what stands in the house that they surround."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.house.conftest import House, Template, furnished, house, market, reached, restore, template
from tests.postgres import Refilled
from tests.security.probe import Probe
from tests.security.world import World, plant

__all__ = ["house", "market", "reached", "restore", "template"]


@pytest.fixture
def probe(house: House, reached: Callable[[House], None]) -> Probe:
    """What asks in the furnished house, and judges every answer."""
    reached(house)
    return Probe(house)


@pytest.fixture
def probe_on_postgresql(postgres_desk: Refilled, reached: Callable[[House], None]) -> Probe:
    """The same in a house on PostgreSQL, which refuses more by itself."""
    postgres_desk.refill()
    house = House(postgres_desk.app, Template(Path(), *furnished(postgres_desk.app)))
    reached(house)
    return Probe(house)


@pytest.fixture(scope="session")
def world(desk_app: Flask, template: Template, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The furnished house with a mark in every text of every row."""
    return plant(desk_app, template, tmp_path_factory.mktemp("walls") / "planted.db")
