"""A store's connection to a Hip account: made after one call, watched, paused, pulled at once, ended."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, flash, render_template, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.access import Desk, Permission, find_sale
from app.actions.connections import connect, disconnect, pause, pull_now, tell_again
from app.db import db
from app.errors import NotFound, Refused
from app.forms.base import body
from app.forms.connections import DAYS, ConnectionForm
from app.forms.settings import zones
from app.postman.connector import key_purpose
from app.postman.hip_calls import Hip, Trouble
from app.queries import connections
from app.seals import encrypted
from app.web import htmx
from app.web.clock import Clock
from app.web.connection_view import connection_view, pull_rows, untold_rows
from app.web.desk import open_desk

blueprint = Blueprint("connections", __name__, url_prefix="/stores/<slug>/settings/connections")


@blueprint.get("")
def index(slug: str) -> ResponseReturnValue:
    """Show the connection with what came and what is not told yet, and the form for an account."""
    return asking(open_desk(slug, Permission.SETTINGS), 200)


@blueprint.post("")
def make(slug: str) -> ResponseReturnValue:
    """Connect the store, once a call of the account was answered as it should be."""
    desk = open_desk(slug, Permission.SETTINGS)
    settings = current_app.config
    form = ConnectionForm(body(), may_be_private=settings["WEBHOOK_PRIVATE"])
    if not form.validate():
        return asking(desk, 422, form=form)
    account, key, store = form.account(), form.api_key.data, desk.store
    db.session.rollback()  # nothing of the database is held while the server is spoken to
    try:
        Hip(
            *account,
            key,
            seconds=settings["MARKET_TIMEOUT"],
            may_be_private=settings["WEBHOOK_PRIVATE"],
        ).check()
    except Trouble as trouble:
        logs.note(reason="the marketplace did not answer as it should")
        return asking(desk, 422, form=form, refusal=trouble.words)
    sealed = encrypted(settings["SECRET_KEY"], key_purpose(store.id), key.encode())

    def act(**by: Any) -> None:
        connect(account, sealed, form.since_in(store.zone), **by)

    return carry_out(desk, act, "The store is connected: its sales come in now.", "connected the store", form)


@blueprint.post("/pull")
def pull(slug: str) -> ResponseReturnValue:
    """Let the next pull begin at once."""
    desk = open_desk(slug, Permission.SETTINGS)
    body()
    said = "The sales are read in a moment: open this page anew."
    return carry_out(desk, pull_now, said, "asked for a pull")


@blueprint.post("/pause")
def halt(slug: str) -> ResponseReturnValue:
    """Let nothing be pulled or told until the store goes on."""
    desk = open_desk(slug, Permission.SETTINGS)
    body()
    return carry_out(desk, pause, "The connection is paused.", "paused the connection")


@blueprint.post("/resume")
def go_on(slug: str) -> ResponseReturnValue:
    """Go on."""
    desk = open_desk(slug, Permission.SETTINGS)
    body()
    did = "let the connection go on"
    return carry_out(desk, lambda **by: pause(is_paused=False, **by), "The connection goes on.", did)


@blueprint.post("/end")
def end(slug: str) -> ResponseReturnValue:
    """End the connection and forget the key."""
    desk = open_desk(slug, Permission.SETTINGS)
    body()
    said = "The store is disconnected, and its key is forgotten."
    return carry_out(desk, disconnect, said, "disconnected the store")


@blueprint.post("/sales/<id:order_id>/again")
def again(slug: str, order_id: int) -> ResponseReturnValue:
    """Tell the marketplace of a sale once more."""
    desk = open_desk(slug, Permission.SETTINGS)
    body()
    find_sale(desk, order_id)
    said = "The marketplace is told in a moment."
    return carry_out(desk, lambda **by: tell_again(order_id, **by), said, "told a sale again")


def carry_out(
    desk: Desk, act: Callable[..., object], said: str, did: str, form: ConnectionForm | None = None
) -> ResponseReturnValue:
    """Carry an act out and lead back to the page; what is refused stands on it."""
    try:
        act(actor=desk.acting, store_id=desk.store.id)
        db.session.commit()
    except NotFound:
        raise
    except Refused as refusal:
        db.session.rollback()
        return asking(desk, refusal.status, form=form, refusal=refusal.sentence)
    logs.note(did=did)
    flash(said)
    return htmx.go_to(url_for("connections.index", slug=desk.store.slug))


def asking(
    desk: Desk, status: int, *, form: ConnectionForm | None = None, refusal: str = ""
) -> ResponseReturnValue:
    """Show the page, with this form where one was refused."""
    clock, is_private = Clock(desk.store.zone), current_app.config["WEBHOOK_PRIVATE"]
    standing = connections.of_store(desk.store.id)
    pulls = connections.pulls_of(standing.id) if standing else []
    untold, in_all = connections.untold_of(desk.store.id) if standing else ([], 0)
    if form is None:
        day = (clock.now.astimezone(ZoneInfo(desk.store.zone)) - timedelta(days=DAYS)).date()
        shown: dict[str, Any] = {"zone": desk.store.zone, "since": day}
        if standing:
            shown = {name: getattr(standing, name) for name in ("base_url", "username", "zone")}
            shown["since"] = standing.since.astimezone(ZoneInfo(desk.store.zone)).date()
        form = ConnectionForm(may_be_private=is_private, shown=shown)
    given = {
        "desk": desk,
        "connection": connection_view(standing, pulls, clock) if standing else None,
        "form": form,
        "is_open": bool(form.errors or form.form_errors or refusal),
        "pulls": pull_rows(desk, pulls, clock),
        "untold": untold_rows(desk, untold, clock),
        "more_untold": in_all - len(untold),
        "refusal": refusal,
        "is_private": is_private,
        "undo_minutes": desk.store.undo_minutes,
        "zones": zones(),
    }
    return render_template("connections/index.html", **given), status
