"""`flask worker`: the background process, which does what takes long behind the pages."""

import click
from flask import Flask, current_app

from app import worker
from app.cli.asking import Stop, on_the_desk


@click.command("worker")
@on_the_desk
def work() -> None:
    """Do what the pages ask for, such as long imports, until Ctrl-C.

    `make run` starts one; more than one may run. What was cut off goes on by itself.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    try:
        consumer = worker.consumer_of(app)
    except worker.NoQueue as lacking:
        raise Stop(str(lacking)) from lacking
    click.echo("The worker is ready.")
    worker.run(app, consumer)
