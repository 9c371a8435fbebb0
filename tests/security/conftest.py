"""The walls: who tries what, how each answer is judged, and what stands in the house that they surround."""

import pytest
from flask import Flask

from tests.house.conftest import House, Template, house, restore, template
from tests.security.probe import Probe
from tests.security.world import World, plant

__all__ = ["house", "restore", "template"]


@pytest.fixture
def probe(house: House) -> Probe:
    """What asks in the furnished house, and judges every answer."""
    return Probe(house)


@pytest.fixture(scope="session")
def world(desk_app: Flask, template: Template, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The furnished house with a mark in every text of every row."""
    return plant(desk_app, template, tmp_path_factory.mktemp("walls") / "planted.db")
