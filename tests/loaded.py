"""What a process of the desk has loaded when it answers; those of `tests.processes` go on from here."""

import gc
import importlib
import os
from contextlib import suppress

os.environ |= {"TRADEPOST_SECRET_KEY": "of nobody's desk at all", "TRADEPOST_DATABASE_URL": "sqlite://"}

from app import create_app

create_app()
for late in ("gunicorn.app.wsgiapp", "app.cli.web_server", "alembic.command", "psycopg"):
    with suppress(ImportError):
        importlib.import_module(late)
gc.freeze()
