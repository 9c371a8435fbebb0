"""Workers that are started by the dozen and killed, and a desk where they find it."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app import create_app
from app.actions.outbox import LOST_AFTER
from app.config import ROOT
from app.db import db
from app.models import Outbox
from tests.conftest import TEST_SETTINGS
from tests.postgres import Refilled

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

# What starts a worker at each line that it reads, and says its number, and when it is gone.
MOTHER = """
import os, sys
from app import create_app
from flask.cli import main
create_app()  # loads what is loaded late
for line in sys.stdin:
    worker = os.fork()
    if not worker:
        sys.argv = ["flask", "--app", "app", "worker"]
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        sys.exit(main())
    print(worker, flush=True)
    os.waitpid(worker, 0)
    print("gone", flush=True)
"""


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
    """Starts workers of a desk, one after the other; one that has the libraries loaded forks them all."""

    def __init__(self, desk: Flask, folder: Path, **settings: Any) -> None:
        settings |= {
            "INSTANCE": folder,
            "DATABASE_URL": desk.config["SQLALCHEMY_DATABASE_URI"],
            "SECRET_KEY": SECRET,
            "DURABLE": 0,
        }
        env = os.environ | {f"TRADEPOST_{name}": str(value) for name, value in settings.items()}
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.mother = subprocess.Popen([sys.executable, "-c", MOTHER], cwd=ROOT, env=env, text=True, **pipes)
        self.living: int | None = None

    def _said(self) -> str:
        """Return the next line of what the mother says."""
        assert self.mother.stdout is not None
        return self.mother.stdout.readline().strip()

    def hire(self) -> None:
        """Start a worker."""
        assert self.mother.stdin is not None
        self.mother.stdin.write("one more\n")
        self.mother.stdin.flush()
        self.living = int(self._said())

    def kill(self) -> None:
        """Kill the worker, if it lives, and wait until it is gone."""
        if self.living is not None:
            with suppress(ProcessLookupError):
                os.kill(self.living, signal.SIGKILL)
            assert self._said() == "gone"
            self.living = None

    def end(self) -> None:
        """Let nobody be left."""
        self.kill()
        self.mother.communicate(timeout=LONGEST_WAIT)


def forget_who_is_at_it() -> None:
    """Let what a killed worker was at be as old as what is taken up again."""
    cut_off = update(Outbox).where(Outbox.state == "sending")
    db.session.execute(cut_off.values(claimed_at=datetime.now(UTC) - LOST_AFTER))
    db.session.commit()
