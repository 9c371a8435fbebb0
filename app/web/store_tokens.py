"""All tokens by which programs reach a store, whoever's they are: seen, and those for it alone ended.

A member's token for all that is theirs reaches other stores too, where this one has no say: here it ends with
the member's place or right.
"""

from datetime import UTC, datetime

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.access import SCOPES, Permission
from app.access.tokens import PUBLIC_ID
from app.actions.staff import end_reaching_token
from app.db import db
from app.errors import NotFound
from app.forms.base import body
from app.queries import staff
from app.web import htmx
from app.web.clock import Clock
from app.web.desk import open_desk

blueprint = Blueprint("store_tokens", __name__, url_prefix="/stores/<slug>/tokens")


@blueprint.get("")
def index(slug: str) -> ResponseReturnValue:
    """Show the tokens that work here."""
    desk = open_desk(slug, Permission.TOKENS)
    clock = Clock(desk.store.zone)
    rows = [
        {
            "public_id": token.public_id,
            "name": token.name,
            "person": token.person,
            "is_for_all": token.store_id is None,
            "may": [words for scope, words in SCOPES.items() if scope in token.scopes],
            "made": clock.age_and_exact(token.created_at),
            "used": clock.age_and_exact(token.used_at) if token.used_at else None,
        }
        for token in staff.tokens_reaching(desk.store.id, clock.now)
    ]
    return render_template("staff/tokens.html", desk=desk, rows=rows, zone=clock.name)


@blueprint.post("/<public_id>/end")
def end(slug: str, public_id: str) -> ResponseReturnValue:
    """End a token that is for this store alone: the next call with it is refused."""
    desk = open_desk(slug, Permission.TOKENS)
    body()
    is_id = PUBLIC_ID.fullmatch(public_id)
    token = staff.token_reaching(desk.store.id, public_id, datetime.now(UTC)) if is_id else None
    if token is None:
        raise NotFound
    end_reaching_token(token.id, desk=desk)
    db.session.commit()
    logs.note(did="ended a token", token=public_id)
    flash(f"“{token.name or public_id}” of {token.person} is ended: calls with it are refused.")
    return htmx.go_to(url_for("store_tokens.index", slug=slug))
