"""Migrations run on a connection of one's own, not on the desk's."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from app.config import ROOT


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the database of this connection to a migration, in one transaction that it commits."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
