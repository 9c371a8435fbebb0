"""A link by which a marketplace hands its signed-in person over: it asks for one press, then lets them in.

Opening the link signs nobody in, so nothing that fetches it ahead uses it up, and nobody gets into somebody
else's account without having read whose it is.
"""

from datetime import UTC, datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app import logs
from app.actions.people import secret_hash
from app.actions.ways import take_handoff
from app.db import db
from app.errors import Refused
from app.forms.base import body
from app.forms.site_calls import KeyForm
from app.queries import ways
from app.web.signin import actor_or_none, bring_in

blueprint = Blueprint("handoff", __name__, url_prefix="/login/handoff")


class LinkIsOver(Refused):
    """A link that never was, is too old, or was used."""

    status = 410
    sentence = "It works once, and for a minute. Go back to where you came from and follow it anew."


@blueprint.get("")
def ask() -> ResponseReturnValue:
    """Say whom the link signs in, and who would be signed out, and ask for a press."""
    form = KeyForm(request.args)
    handed = ways.handed(secret_hash(form.key.data), datetime.now(UTC)) if form.validate() else None
    if handed is None:
        raise LinkIsOver
    here = actor_or_none()
    other = here.name if here is not None and here.account_id != handed.account_id else ""
    return render_template("handoff/ask.html", key=form.key.data, name=handed.name, other=other)


@blueprint.post("")
def enter() -> ResponseReturnValue:
    """Use the link up and sign its person in."""
    form = KeyForm(body())
    taken = take_handoff(form.key.data, now=datetime.now(UTC)) if form.validate() else None
    db.session.commit()
    if taken is None:
        raise LinkIsOver
    logs.note(handoff=taken.id)
    return bring_in(taken.account, way="handoff", to=taken.path)
