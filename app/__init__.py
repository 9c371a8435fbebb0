"""Tradepost, the sales desk of a marketplace.

The map of the house, from the doors down; a floor calls the floors below it, never up:

    web, api, cli   doors: pages, JSON dialects, commands. They find, validate, act, commit, answer.
    worker          the door behind them: what takes long is done in a process of its own
    postman         writes and sends the mails that the outbox owes; the worker lets it go round
    exchange        files in and out: a module a marketplace
    backup          the whole desk in one file, and back again
    forms           what may be sent, judged once for all doors
    actions         the acts, the only writers: they change rows, record events, keep the tally
    access          who may what: one table, and the loaders by which doors get rows
    queries         every select
    models          the tables
    statuses, errors, money, words, carriers    codes, refusals, amounts, folded text, tracking numbers
    signing, seals, totp                        what the desk's own key makes and seals; codes of apps
    standing, outages                           whether the database is there, and what is told if not
    db, config, assets, logs, ring              the ground

Words: an Order is what one buyer bought from one Store and pays at once; doors call it a sale (its
seller's view) or a purchase (its buyer's). An OrderItem is one line of it with a status of its own. A
Parcel leaves the house under one tracking number. An Event is one changed row of the history. A Desk is
an actor's place in one store.

This module only wires.
"""

from typing import Any

from flask import Flask
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from app import config as settings
from app import logs
from app.db import db, engine_options, set_up_engine, with_driver

csrf = CSRFProtect()


def create_app(config: dict[str, Any] | None = None) -> Flask:
    """Make the application from the environment's settings and these."""
    logs.set_up()
    app = Flask(
        __name__,
        template_folder=str(settings.ROOT / "templates"),
        static_folder=str(settings.ROOT / "static"),
    )
    app.config.update(settings.from_environment())
    app.config.update(config or {})
    url = app.config["SQLALCHEMY_DATABASE_URI"] = with_driver(app.config["SQLALCHEMY_DATABASE_URI"])
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(url)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    db.init_app(app)
    set_up_engine(app)
    Migrate(app, db, directory=str(settings.ROOT / "migrations"), render_as_batch=False)

    from app import api, cli, postman, web, worker
    from app.web import overload

    overload.init_app(app)  # before all others: it saves their work
    csrf.init_app(app)
    web.init_app(app)
    api.init_app(app, csrf)
    cli.init_app(app)
    worker.init_app(app)
    postman.init_app(app)
    if app.config["PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=app.config["PROXIES"], x_proto=0)  # type: ignore[method-assign]
    app.wsgi_app = logs.Logged(app.wsgi_app)  # type: ignore[method-assign]
    return app
