"""Desks with sales in them, made once for many tests, each of which gets a copy."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask

from app.db import db
from tests.postgres import Refilled


class Stocked(NamedTuple):
    """A database with sales in it, and what was told of them when they were made."""

    path: Path
    told: Any
    build: Callable[[Flask], Any]
    on_postgresql: list[tuple[Refilled, Any]]  # one, once it was asked for

    def put_into(self, app: Flask) -> Any:
        """Give the fresh desk a copy of this database; return what was told of its sales."""
        if not is_on_sqlite(app):
            if self.on_postgresql:
                self.on_postgresql[0][0].refill()
            else:
                told = self.build(app)
                self.on_postgresql.append((Refilled(app), told))
            return self.on_postgresql[0][1]
        with app.app_context():
            db.engine.dispose()
        shutil.copy(self.path, path_of(app))
        return self.told


def is_on_sqlite(app: Flask) -> bool:
    """Tell which of the two databases the desk is on."""
    return app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")


def path_of(app: Flask) -> Path:
    """Return where the desk's database lies."""
    return Path(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))
