"""`flask serve`, which `make run` starts: set the database up, tell the address, mind web and worker."""

import gc
import socket
import sys
from functools import partial

import click
from flask import current_app
from flask.cli import with_appcontext
from flask.helpers import get_debug_flag
from flask_migrate import upgrade

from app import assets, standing
from app.cli.asking import Stop
from app.cli.demo import load_demo, sign_ins
from app.cli.supervising import GRACE, Child, supervise
from app.cli.worker import work
from app.config import ROOT, is_loopback
from app.db import db
from app.demo.build import NoDemo, refuse_beyond_loopback
from app.queries import people

# Seconds. A worker that shows no life for so long is replaced; a connection is kept open so long.
TIMEOUT = 60
KEEP_ALIVE = 5
THREADS = 2
# Connections of one worker, below the 1,024 files that a process may usually open; further ones wait.
CONNECTIONS = 900
BACKLOG = 1024
PORTS = range(65536)


@click.command("serve")
@click.option(
    "--orders", type=click.IntRange(0), default=400, show_default=True, help="How many the demo has."
)
@with_appcontext
def serve(orders: int) -> None:
    """Run the desk: migrate, load the demo into an empty database, listen until Ctrl-C."""
    refuse_debugging()
    if absent := assets.missing():
        raise Stop(f"The browser's files are not there ({', '.join(absent)}): run `make setup`.")
    listener = listen(current_app.config["HOST"], current_app.config["PORT"])
    set_up_database()
    fill_when_empty(orders)
    click.echo(f"Tradepost is at {_address(listener)}; Ctrl-C ends it.")
    if known := sign_ins():
        click.echo(known)
    sys.stdout.flush()
    db.session.remove()
    db.engine.dispose()
    gc.freeze()  # what was loaded so far is looked through for garbage no more, not even at the end
    web = Child("web", partial(_serve, listener), is_needed=True)
    worker = Child("worker", partial(_work, listener), is_needed=False)
    code = supervise([web, worker], listener)
    if code:
        click.echo("The web server does not start; what it says stands above.", err=True)
    sys.exit(code)


def refuse_debugging() -> None:
    """Stop where the desk would show its inside to others."""
    config = current_app.config
    if not (current_app.debug or current_app.testing or get_debug_flag()):
        return
    if not is_loopback(config["HOST"]) or config["IS_HTTPS"]:
        raise Stop(
            "Debugging is on (FLASK_DEBUG, DEBUG or TESTING) and would show others the desk's inside: "
            f"HOST is {config['HOST']}, BASE_URL {config['BASE_URL'] or 'empty'}. Turn it off."
        )


def set_up_database() -> None:
    """Bring the database to this version; Stop where it cannot be opened, is newer, or may lose writes."""
    try:
        standing.make_file()
        standing.require_not_newer()
        if current_app.config["DURABLE"]:
            standing.require_durable()
        upgrade()
    except standing.Unready as fault:
        raise Stop(f"{fault} {fault.detail}".rstrip()) from fault
    except Exception as error:
        if outage := standing.refusal_of(error, method="POST"):
            raise Stop(f"The database cannot be set up. {outage.sentence}") from error
        raise


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there, for gunicorn to take over; Stop where it cannot be had."""
    try:
        if port not in PORTS:
            raise OSError(f"ports go to {PORTS[-1]}")
        named = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, place = named[0]
        return socket.create_server(place[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise Stop(
            f"The desk cannot listen on {host}, port {port}: {error.strerror or error}. "
            "Stop what runs there, or set TRADEPOST_PORT (and TRADEPOST_HOST)."
        ) from error


def fill_when_empty(orders: int) -> None:
    """Load the demo once, where the database holds no store and DEMO is on."""
    if people.all_stores():
        return
    if not current_app.config["DEMO"]:
        click.echo("There is no store yet: `flask --app app setup` makes the first one with its owner.")
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


def _serve(listener: socket.socket) -> None:
    """Be the web server, which takes the socket over."""
    from gunicorn.app.wsgiapp import run as gunicorn

    options = {
        "--bind": f"fd://{listener.detach()}",
        "--workers": current_app.config["WORKERS"],
        "--worker-class": "app.cli.web_server.PatientWorker",
        "--threads": THREADS,
        "--worker-connections": CONNECTIONS,
        "--timeout": TIMEOUT,
        "--graceful-timeout": GRACE,
        "--keep-alive": KEEP_ALIVE,
        "--logger-class": "app.cli.web_server.ServerLog",
        "--log-level": "warning",
        "--pythonpath": ROOT,
    }
    named = [str(part) for option in options.items() for part in option]
    sys.argv = ["gunicorn", "app:create_app()", "--preload", "--no-control-socket", *named]
    gunicorn()


def _work(listener: socket.socket) -> None:
    """Be the worker, as `flask worker` is; nobody is to knock at its copy of the socket."""
    listener.close()
    work.main([], "flask worker")
