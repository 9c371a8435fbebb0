"""`python -m tests.bench`: options, one run, and its table."""

import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing, redirect_stderr
from http.client import HTTPException
from pathlib import Path

from tests.bench import machine, options
from tests.bench.calls import Wrong
from tests.bench.options import Options
from tests.bench.run import Progress, profiled, run
from tests.bench.servers import Servers, said_last
from tests.bench.stock import PostgresStock, SqliteStock, Stock


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; 1 where an answer is not the right one, 2 where it was asked wrongly."""
    asked = options.read(arguments)
    scratch = make_ready(asked.data)
    busy, terminal = machine.warning(), sys.stderr
    if busy:
        print(busy, file=terminal)
    with Servers(scratch) as servers, ExitStack() as stack:
        # The desk writes a line a request: into a file, as under a server.
        log = stack.enter_context((scratch / "bench.log").open("w"))
        stack.enter_context(redirect_stderr(log))
        try:
            stock = stack.enter_context(closing(opened(asked, servers)))
            if asked.profile:
                print(profiled(asked.profile, asked, stock, servers))
            else:
                show(run(asked, stock, servers, Progress(terminal)), asked, busy)
        except (Wrong, OSError, HTTPException) as error:
            log.flush()
            print(f"\nNot measured. {type(error).__name__}: {error}", file=terminal)
            print(*(said_last(path) for path in sorted(scratch.glob("*.log"))), sep="", file=terminal)
            return 1
    return 0


def make_ready(data: Path) -> Path:
    """Let nothing of the surroundings into the run; return a fresh folder, beside the kept databases."""
    for name in [name for name in os.environ if name.startswith("TRADEPOST_")]:
        del os.environ[name]
    # Ended by a signal, too, the servers are ended in peace.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by a signal."))
    data.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=data))
    os.environ |= {
        "TRADEPOST_INSTANCE": str(scratch),
        "TRADEPOST_SECRET_KEY": "the bench alone signs with this",
        "TRADEPOST_DURABLE": "1",
        "TRADEPOST_API_PER_SECOND": "0",
        "TRADEPOST_API_PER_DAY": "0",
    }
    return scratch


def opened(asked: Options, servers: Servers) -> Stock:
    """Return the stock of databases."""
    if asked.database == "sqlite":
        return SqliteStock(asked.data, servers.scratch)
    stock = PostgresStock(asked.data, servers.scratch)
    servers.end_at_last(stock.pid())
    return stock


def show(said: dict[str, object], asked: Options, busy: str) -> None:
    """Print the table with what it was measured on, and write the file that was asked for."""
    facts: dict[str, str] = said["machine"]  # type: ignore[assignment]
    for name, fact in facts.items():
        print(f"{name:10}  {fact}")
    print(f"\n{said['table']}\n")
    if "servers" in said:
        print(f"{said['servers']}\n")
    print(
        f"Quiet: the best of {asked.rounds} rounds' medians; p50: their median; core: the time on a core."
        "\nRatios are of quiet values; what is to be reached one day stands in parentheses."
        "\nDisturbed: even in the best round others had the core, so ratios to and from it are of core times."
    )
    if busy:
        print(busy)
    if asked.json:
        asked.json.write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
