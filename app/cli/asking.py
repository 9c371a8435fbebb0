"""What all commands share: a database that is ready, things found by the names typed, a last sentence."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click
from flask.cli import with_appcontext

from app.db import db
from app.errors import Refused
from app.models import Account
from app.queries import people
from app.queries.people import StoreFacts
from app.standing import Unready, refusal_of, require_ready


class Stop(click.ClickException):
    """The command ends here, with this sentence: it was refused."""

    exit_code = 1


class AskedWrongly(Stop):
    """The command was not asked in a way that it understands."""

    exit_code = 2


def on_the_desk(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command on a database that is ready; what an act refuses ends it with the refusal's sentence."""

    @with_appcontext
    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            require_ready()
            return command(*args, **kwargs)
        except Unready as fault:
            raise Stop(f"{fault} {fault.detail}".rstrip()) from fault
        except Refused as refused:
            db.session.rollback()
            raise Stop(refused.sentence) from refused
        except Exception as error:
            if outage := refusal_of(error, method="POST"):
                raise Stop(outage.sentence) from error
            raise

    return run


def store_called(slug: str) -> StoreFacts:
    """Return the store of this slug; Stop where there is none."""
    found = people.place(slug, None)
    if found is None:
        known = ", ".join(store.slug for store in people.all_stores()[:20])
        there = f"Stores: {known}." if known else "There is none yet."
        raise AskedWrongly(f"There is no store “{slug}”. {there}")
    return found.store


def account_of(email: str) -> Account:
    """Return the account with this e-mail; Stop where there is none."""
    account = people.account_by_email(email)
    if account is None:
        raise AskedWrongly(f"{email} has no account: make one with `flask --app app account {email}`.")
    return account


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give what draws how far some long work is; None where nobody looks at a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        percent = done * 100 // max(total, 1)
        if percent != shown:
            click.echo(f"\r{what}: {percent} %", nl=False, err=True)
            shown = percent

    try:
        yield show
    finally:
        click.echo("\r\033[K", nl=False, err=True)
