"""`flask backup, restore`: the whole desk into one file while it runs, and back again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask.cli import with_appcontext

from app import backup as copies
from app import standing
from app.cli.asking import Stop


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
def backup(file: Path) -> None:
    """Write all that is in the database into FILE, while the desk runs.

    Everything acknowledged before is inside, as it stood at one moment. FILE appears whole or not at all,
    for its owner's eyes alone, in place of an older backup of that name; never of anything else. Nobody who
    writes waits for it.

    Not inside: the secret key (instance/secret_key, or TRADEPOST_SECRET_KEY), the settings, mails that were
    written as files. Keep the key elsewhere: with another one all people sign in anew, and a mail sent twice
    is not known as the same. The queue is not needed.
    """
    with sentences(file):
        if not standing.require_not_newer():
            raise standing.Unready(standing.NOT_THERE)
        facts = copies.take(file.absolute())
    click.echo(f"{file}: {_size(facts.size)}, of migration {facts.revision}, {facts.made_at}.")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", "is_replacing", is_flag=True, help="Give up the rows that the desk has now.")
@with_appcontext
def restore(file: Path, is_replacing: bool) -> None:
    """Let the desk be what the backup in FILE holds, brought to this version's migration.

    Stop the desk first. The backup is proved whole and built beside what is there, then takes its place in
    one step: cut off at any moment, the desk is the old or the new one. A desk that has rows is refused
    without --replace; a backup is of SQLite or of PostgreSQL, and restored on the same.

    The secret key is not inside: put instance/secret_key back too. Mails that were due when the backup was
    made are due again.
    """
    with sentences(file):
        facts = copies.restore(file.absolute(), is_replacing=is_replacing)
    click.echo(f"Restored the desk of {facts.made_at} (version {facts.version}).")
    if facts.revision != standing.newest():
        click.echo(f"Brought from migration {facts.revision} to {standing.newest()}.")
    click.echo("`flask verify` proves it; then start the desk.")


@contextmanager
def sentences(file: Path) -> Iterator[None]:
    """End the command with one sentence, whatever kept it from doing its work."""
    try:
        yield
    except copies.CannotCopy as refused:
        raise Stop(str(refused)) from refused
    except standing.Unready as fault:
        raise Stop(f"{fault} {fault.detail}".rstrip()) from fault
    except OSError as error:
        raise Stop(f"{error.filename or file}: {error.strerror or error}.") from error


def _size(n: int) -> str:
    """Return a number of bytes in words."""
    return f"{n / 1e6:.1f} MB"
