"""`flask serve`, which `make run` starts: it sets the database up, tells the address, becomes gunicorn."""

import os
import socket
import sys

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade

from app import assets
from app.cli.asking import Stop, stand_of_database
from app.cli.demo import load_demo, sign_ins
from app.config import ROOT
from app.db import db
from app.demo.build import NoDemo, refuse_beyond_loopback
from app.queries import people

# Seconds. A request that takes longer is lost with its worker; on Ctrl-C running ones may end.
TIMEOUT = 60
GRACE = 10
KEEP_ALIVE = 5
PORTS = range(65536)


@click.command("serve")
@click.option(
    "--orders", type=click.IntRange(0), default=400, show_default=True, help="How many the demo has."
)
@with_appcontext
def serve(orders: int) -> None:
    """Run the desk: migrate, load the demo into an empty database, listen until Ctrl-C."""
    if absent := assets.missing():
        raise Stop(f"The browser's files are not there ({', '.join(absent)}): run `make setup`.")
    listener = listen(current_app.config["HOST"], current_app.config["PORT"])
    stand_of_database()
    upgrade()
    fill_when_empty(orders)
    click.echo(f"Tradepost is at {_address(listener)}; Ctrl-C ends it.")
    if known := sign_ins():
        click.echo(known)
    sys.stdout.flush()
    db.session.rollback()
    db.engine.dispose()
    os.execv(sys.executable, _command(listener))


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there, for gunicorn to take over; Stop where it cannot be had."""
    try:
        if port not in PORTS:
            raise OSError(f"ports go to {PORTS[-1]}")
        named = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, place = named[0]
        listener = socket.create_server(place[:2], family=family)
    except OSError as error:
        raise Stop(
            f"The desk cannot listen on {host}, port {port}: {error.strerror or error}. "
            "Stop what runs there, or set TRADEPOST_PORT (and TRADEPOST_HOST)."
        ) from error
    listener.set_inheritable(True)
    return listener


def fill_when_empty(orders: int) -> None:
    """Load the demo once, where the database holds no store and DEMO is on."""
    if people.all_stores():
        return
    if not current_app.config["DEMO"]:
        click.echo(
            "There is no store yet: make one with `flask --app app account` and `flask --app app store`."
        )
        return
    try:
        refuse_beyond_loopback(current_app.config["HOST"])
        click.echo(f"Loading the demo, {orders} invented sales; this is done once.")
        load_demo(orders)
    except NoDemo as refused:
        db.session.rollback()
        click.echo(f"No demo was loaded. {refused.sentence}", err=True)


def _address(listener: socket.socket) -> str:
    """Return the address to open in a browser."""
    if base := current_app.config["BASE_URL"]:
        return str(base)
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _command(listener: socket.socket) -> list[str]:
    """Return the command line of the server that takes the socket over."""
    options = {
        "--bind": f"fd://{listener.fileno()}",
        "--workers": current_app.config["WORKERS"],
        "--threads": 2,
        "--timeout": TIMEOUT,
        "--graceful-timeout": GRACE,
        "--keep-alive": KEEP_ALIVE,
        "--log-level": "warning",
        "--pythonpath": ROOT,
    }
    named = [str(part) for option in options.items() for part in option]
    return [sys.executable, "-m", "gunicorn", "app:create_app()", "--no-control-socket", *named]
