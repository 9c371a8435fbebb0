"""Workers that are started by the dozen and killed, and a desk where they find it."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app import create_app
from app.actions.outbox import LOST_AFTER
from app.db import db
from app.models import Outbox
from tests.conftest import TEST_SETTINGS
from tests.postgres import Refilled
from tests.processes import Process

# How many are killed: a few in the suite, more where TRADEPOST_KILLS asks for them.
KILLS = int(os.environ.get("TRADEPOST_KILLS") or 3)
# From so many kills on, what became of it all is printed.
LONG = 50
# Seconds: how long a worker lives on at most after its first deed, and how long one is waited for.
LONGEST_LIFE = 0.02
LONGEST_WAIT = 30
# Of workers and desk alike: ids of mails and secrets of webhooks are made of it.
SECRET = "a secret of the killed"
ON_BOTH = pytest.mark.parametrize(
    "kind_of_database",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
    indirect=True,
)


def desk_of_their_own(request: pytest.FixtureRequest, folder: Path, **settings: Any) -> Flask:
    """Return a desk where workers find it: in a folder of its own, or on PostgreSQL."""
    if request.getfixturevalue("kind_of_database") == "postgresql":
        stage: Refilled = request.getfixturevalue("postgres_desk")
        stage.refill()
        url = stage.app.config["SQLALCHEMY_DATABASE_URI"]
    else:
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('database'), folder / 'tradepost.db')}"
    return create_app({**TEST_SETTINGS, "SECRET_KEY": SECRET, "SQLALCHEMY_DATABASE_URI": url, **settings})


class Workers:
    """Starts workers of a desk, one after the other."""

    def __init__(self, desk: Flask, folder: Path, **settings: Any) -> None:
        settings |= {
            "INSTANCE": folder,
            "DATABASE_URL": desk.config["SQLALCHEMY_DATABASE_URI"],
            "SECRET_KEY": SECRET,
            "DURABLE": 0,
        }
        self.env = os.environ | {f"TRADEPOST_{name}": str(value) for name, value in settings.items()}
        self.living: Process | None = None

    def hire(self) -> None:
        """Start a worker."""
        self.living = Process("flask", "--app", "app", "worker", env=self.env)

    def kill(self) -> None:
        """Kill the worker, if it lives, and wait until it is gone."""
        if self.living is not None:
            self.living.kill()
            self.living.communicate(LONGEST_WAIT)
            self.living = None


def forget_who_is_at_it() -> None:
    """Let what a killed worker was at be as old as what is taken up again."""
    cut_off = update(Outbox).where(Outbox.state == "sending")
    db.session.execute(cut_off.values(claimed_at=datetime.now(UTC) - LOST_AFTER))
    db.session.commit()
