"""What the bench ran on: figures mean nothing without it."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench.goals import short
from tests.bench.stock import Database

LIBRARIES = ("Flask", "Werkzeug", "SQLAlchemy", "gunicorn", "granian", "Flask-Admin")
BUSY = 1.0


def processor() -> str:
    """Return what the processor calls itself, where the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    return next((row.partition(":")[2].strip() for row in text.splitlines() if "model name" in row), "")


def described(database: str, databases: Sequence[Database]) -> dict[str, str]:
    """Return the facts by name; `database` is its kind with its version."""
    return {
        "cores": f"{os.cpu_count()}, {processor()}",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "database": database,
        "files": ", ".join(f"{short(d.orders)} orders {d.megabytes} MB" for d in databases),
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def warning() -> str:
    """Return a warning where others work on this machine, too; "" where it is quiet."""
    load = os.getloadavg()[0]
    if load <= BUSY:
        return ""
    return (
        f"WARNING: the load average is {load:.1f}, so others work here, too."
        " Trust quiet values and ratios; a p50 is an upper bound."
    )
