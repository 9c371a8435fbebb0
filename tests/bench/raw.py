"""The driver's own connection, without the app: for the floors, and for what an answer must show."""

from typing import Any

from sqlalchemy import make_url

from app.db import sqlite

PRAGMAS = ("cache_size=-65536", "mmap_size=1073741824", "temp_store=MEMORY", "busy_timeout=5000")


class Raw:
    """A connection; `?` stands for a parameter in either database."""

    def __init__(self, url: str) -> None:
        named = make_url(url)
        self.is_sqlite = named.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self.connection: Any = sqlite.connect(str(named.database), isolation_level=None)
            for pragma in PRAGMAS:
                self.connection.execute(f"PRAGMA {pragma}")
        else:
            import psycopg

            plain = named.set(drivername="postgresql").render_as_string(hide_password=False)
            self.connection = psycopg.connect(plain, autocommit=True)

    def worded(self, sql: str) -> str:
        """Return a statement with the parameters as this driver writes them."""
        return sql if self.is_sqlite else sql.replace("?", "%s")

    def all(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return list(self.connection.execute(self.worded(sql), parameters))

    def one(self, sql: str, *parameters: Any) -> Any:
        """Return the first value of the first row."""
        return self.all(sql, *parameters)[0][0]

    def version(self) -> str:
        """Return what the database is."""
        if self.is_sqlite:
            return f"SQLite {sqlite.sqlite_version}"
        return f"PostgreSQL {self.one('SHOW server_version')}"

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
