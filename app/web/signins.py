"""Where one is signed in: one's own sign-ins, each to be ended by itself, or all but this one."""

from datetime import UTC, datetime
from typing import NamedTuple

from flask import Blueprint, current_app, flash, g, render_template, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.actions.people import end_signins
from app.db import db
from app.errors import NotFound
from app.queries import accounts, people
from app.web import htmx
from app.web.clock import Clock
from app.web.signin import own_account

blueprint = Blueprint("signins", __name__, url_prefix="/account/sessions")


class Row(NamedTuple):
    """A sign-in as the list shows it; of a time: the words that are read first, and when exactly."""

    id: int
    browser: str
    address: str
    began: tuple[str, str]
    seen: tuple[str, str]
    is_this: bool


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Show one's sign-ins."""
    account = own_account()
    stores = people.stores_of(account.id)
    clock = Clock(stores[0].zone if stores else "UTC")
    found = accounts.signins_of(account.id, clock.now, clock.now - current_app.config["SIGNIN_IDLE"])
    rows = [
        Row(
            known.id,
            known.browser or "A browser",
            known.address,
            clock.age_and_exact(known.created_at),
            clock.age_and_exact(known.seen_at),
            known.id == g.signin_id,
        )
        for known in found
    ]
    return render_template("account/sessions.html", rows=rows, zone=clock.name, **limits())


def limits() -> dict[str, int]:
    """Return for how many hours a sign-in may lie idle, and for how many days it lasts."""
    config = current_app.config
    return {"idle": int(config["SIGNIN_IDLE"].total_seconds() // 3600), "lasts": config["SIGNIN_LASTS"].days}


@blueprint.post("/<id:signin_id>/end")
def end(signin_id: int) -> ResponseReturnValue:
    """End one of one's own, else NotFound; the next request of that browser is a stranger's."""
    account = own_account()
    ended = end_signins(account.id, now=datetime.now(UTC), one=signin_id)
    if not ended:
        raise NotFound
    db.session.commit()
    logs.note(did="ended a session", session=signin_id)
    if signin_id != g.signin_id:
        flash("That browser is signed out.")
    return htmx.go_to(url_for("signins.index"))


@blueprint.post("/end-others")
def end_others() -> ResponseReturnValue:
    """End all but this one."""
    account = own_account()
    ended = end_signins(account.id, now=datetime.now(UTC), but=g.signin_id)
    db.session.commit()
    logs.note(did="ended all other sessions", sessions=len(ended))
    flash("You are signed out everywhere else.")
    return htmx.go_to(url_for("signins.index"))
