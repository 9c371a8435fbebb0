"""`flask worker`: the background process, which does what takes long behind the pages."""

import time

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from app import standing, worker
from app.cli.asking import Stop, on_the_desk

# Seconds between two looks for a database that is away.
MOMENT = 0.2


@click.command("worker")
@with_appcontext
def work() -> None:
    """Do what the pages ask for, such as long imports, until Ctrl-C.

    `make run` starts one; more than one may run. What was cut off goes on by itself. A database that
    cannot be reached is waited for.
    """
    wait_for_database()
    do_jobs()


def wait_for_database() -> None:
    """Return once the database is there: to end, and be started again and again, would cost it much more."""
    is_told = False
    while True:
        try:
            return standing.require_ready()
        except standing.Away as away:
            if not is_told:
                click.echo(f"{away} {away.detail} The worker waits for it.")
            is_told = True
            time.sleep(MOMENT)
        except standing.Unready:
            return  # it will not mend itself: the command says what is to be done


@on_the_desk
def do_jobs() -> None:
    """Work until a signal asks for the end."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    try:
        consumer = worker.consumer_of(app)
    except worker.NoQueue as lacking:
        raise Stop(str(lacking)) from lacking
    click.echo("The worker is ready.")
    worker.run(app, consumer)
