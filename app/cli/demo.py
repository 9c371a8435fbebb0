"""`flask demo`: three stores with their people and sales, for trying the desk out."""

import os
import secrets
from datetime import UTC, date, datetime, time
from pathlib import Path

import click
from flask import current_app
from flask_security import hash_password

from app.cli.asking import on_the_desk, progress
from app.db import db
from app.demo.build import Loaded, is_loaded, load, refuse_beyond_loopback
from app.demo.cast import everybody

# Letters and digits that nobody mistakes for one another.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
# A day alone stands for its afternoon, when the stores have worked.
HOUR_OF_A_DAY = time(17, tzinfo=UTC)
YEARS = range(2000, 2200)


def moment(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime:
    """Read a day, or a day and time; this minute where nothing is said."""
    if text is None:
        return datetime.now(UTC).replace(second=0, microsecond=0)
    try:
        at = datetime.fromisoformat(text)
        if len(text) <= len("2026-11-21"):
            at = datetime.combine(date.fromisoformat(text), HOUR_OF_A_DAY)
    except ValueError as wrong:
        raise click.BadParameter(
            f"“{text}” is no day: write it as 2026-11-21 or 2026-11-21T14:30."
        ) from wrong
    if at.year not in YEARS:
        raise click.BadParameter(f"The demo plays between {YEARS[0]} and {YEARS[-1]}.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@click.command("demo")
@click.option("--orders", type=click.IntRange(0), default=400, show_default=True, help="How many sales.")
@click.option("--stores", type=click.IntRange(1, 200), default=3, show_default=True, help="How many stores.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed draws other sales.")
@click.option(
    "--today", callback=moment, help="The demo's present: a day, or day and time; else this minute."
)
@on_the_desk
def demo(orders: int, stores: int, seed: int, today: datetime) -> None:
    """Fill an empty database with invented stores, people and sales.

    The same numbers and the same --today make the same sales.
    """
    loaded = load_demo(orders, stores, seed, today)
    click.echo(f"{loaded.orders} sales in {loaded.stores} stores.")
    click.echo(sign_ins())


def load_demo(orders: int = 400, stores: int = 3, seed: int = 1, now: datetime | None = None) -> Loaded:
    """Load the demo and commit it; its password is made here and kept beside the database."""
    refuse_beyond_loopback(current_app.config["HOST"])
    password = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))
    with progress("Loading the demo") as show:
        loaded = load(
            orders=orders,
            stores=stores,
            seed=seed,
            now=now or datetime.now(UTC),
            host=current_app.config["HOST"],
            password_hash=hash_password(password),
            progress=show,
        )
    _keep(password)
    db.session.commit()
    return loaded


def sign_ins() -> str:
    """Return who may sign in to the demo and with which password; "" where no demo is loaded."""
    if not is_loaded():
        return ""
    try:
        password = password_file().read_text().strip()
    except OSError:
        return f"The demo's password is not known any more: {password_file()} is gone."
    width = max(len(email) for email, _ in everybody())
    people = [f"  {email:{width}}  {what}" for email, what in everybody()]
    return "\n".join([f"Demo sign-ins, all with the password {password}", *people])


def password_file() -> Path:
    """Return where the demo's password is kept: beside the database, or in the instance folder."""
    url = db.engine.url
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return Path(url.database).parent / "demo_password"
    return Path(current_app.instance_path) / "demo_password"


def _keep(password: str) -> None:
    """Write the password down where its owner alone can read it."""
    path = password_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{password}\n")
