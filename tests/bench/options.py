"""What `python -m tests.bench` may be asked."""

import argparse
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.goals import PATHS

SIZES = {"k": 1000, "m": 1_000_000}
LEAST = 200  # orders, so that every list has a middle
IMPORTED = 1000
# What runs in this process, and in a database.
INSIDE = [name for name in PATHS if not name.startswith(("F0", "http:"))]


@dataclass(frozen=True)
class Options:
    """What was asked."""

    orders: list[int]
    rounds: int
    seconds: float
    database: str
    data: Path
    imported: int
    json: Path | None
    servers: bool
    profile: str | None


def size(text: str) -> int:
    """Read a number of orders: 300, 10k, 1m."""
    digits, times = (text[:-1], SIZES[text[-1]]) if text[-1:] in SIZES else (text, 1)
    if not (digits.isascii() and digits.isdigit() and int(digits) * times >= LEAST):
        raise argparse.ArgumentTypeError(f"write at least {LEAST} orders, as 300, 10k or 1m: {text}")
    return int(digits) * times


def sizes(text: str) -> list[int]:
    """Read numbers of orders, the smallest first."""
    return sorted({size(part) for part in text.split(",")})


def default_data() -> Path:
    """Return where databases are kept unless another place is named."""
    return Path(tempfile.gettempdir()) / f"tradepost-bench-{os.getuid()}"


def read(arguments: Sequence[str] | None) -> Options:
    """Read the command line; a mistake in it ends the program with a message."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure the desk's paths beside their floors and a peer."
    )
    parser.add_argument("--orders", type=sizes, default="10k,100k", help="database sizes (10k,100k)")
    parser.add_argument("--rounds", type=int, default=24, help="rounds (24)")
    parser.add_argument("--seconds", type=float, default=0.12, help="of a turn in a round (0.12)")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--data", type=Path, default=default_data(), help="where the databases are kept")
    parser.add_argument("--imported", type=int, default=IMPORTED, help="orders of the imported file (1000)")
    parser.add_argument("--json", type=Path, help="write the table there, too, as JSON")
    parser.add_argument("--servers", action="store_true", help="compare gunicorn with granian, too")
    parser.add_argument(
        "--profile", choices=INSIDE, metavar="PATH", help=f"only profile this path: {', '.join(INSIDE)}"
    )
    given = parser.parse_args(arguments)
    if given.rounds < 1 or given.seconds < 0 or given.imported < 1:
        parser.error("--rounds and --imported start at 1")
    return Options(**vars(given))
