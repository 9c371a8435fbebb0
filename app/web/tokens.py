"""One's own tokens, by which programs use the desk: made, shown once, ended."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from flask import Blueprint, current_app, flash, render_template, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.access import SCOPES, Actor
from app.access.tokens import find_token, stores_within_reach
from app.actions.people import TooManyTokens, end_token, make_token, public_id_of, signing_secret
from app.db import db
from app.forms.accounts import LASTS, LONGEST_TOKEN_NAME, TokenForm
from app.forms.base import body
from app.models import Store
from app.queries import people, tokens
from app.queries.people import StoreFacts
from app.queries.tokens import Own
from app.web import htmx
from app.web.clock import Clock
from app.web.display import Badge
from app.web.signin import current_actor

blueprint = Blueprint("tokens", __name__, url_prefix="/account/tokens")


class Row(NamedTuple):
    """A token as the list shows it; of a time: the words that are read first, and when exactly."""

    public_id: str
    name: str
    reaches: str
    may: list[str]
    made: tuple[str, str]
    used: tuple[str, str] | None
    expires: tuple[str, str] | None
    badge: Badge
    works: bool


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Show one's tokens and the form for a new one."""
    actor = current_actor()
    stores = stores_within_reach(actor)
    return shown(actor, TokenForm(stores=stores, runs_site=actor.is_site_admin), 200)


@blueprint.post("")
def make() -> ResponseReturnValue:
    """Make a token and show it, this once; on a refusal show the form again with what was typed."""
    actor = current_actor()
    stores = stores_within_reach(actor)
    form = TokenForm(body(), stores=stores, runs_site=actor.is_site_admin)
    account = people.account(actor.account_id or 0)
    if account is None or not form.validate():
        return shown(actor, form, 422)
    try:
        secret = make_token(account, form.chosen_store, form.scopes, name=form.name.data, lasts=form.how_long)
        db.session.commit()
    except TooManyTokens as refusal:
        db.session.rollback()
        form.form_errors.append(refusal.sentence)
        return shown(actor, form, 422)
    logs.note(did="made a token", token=public_id_of(secret), scopes=" ".join(form.scopes))
    new = TokenForm(stores=stores, runs_site=actor.is_site_admin)
    return shown(actor, new, 201, name=form.name.data, secret=secret)


@blueprint.post("/<public_id>/end")
def end(public_id: str) -> ResponseReturnValue:
    """End a token: the next call with it is refused."""
    actor = current_actor()
    token = find_token(actor, public_id)
    has_ended_now = end_token(token.id, now=datetime.now(UTC))
    db.session.commit()
    if has_ended_now:
        logs.note(did="ended a token", token=public_id)
    called = token.name or public_id
    flash(f"“{called}” {'is ended: calls with it are refused' if has_ended_now else 'had ended before'}.")
    if not htmx.wants_part():
        return htmx.go_to(url_for("tokens.index"))
    row = row_of(find_token(actor, public_id), Clock(zone_of(stores_within_reach(actor))))
    return render_template("tokens/_row_said.html", rows=[row])


def shown(
    actor: Actor, form: TokenForm, status: int, *, name: str = "", secret: str = ""
) -> ResponseReturnValue:
    """Show the page with this form, and the secret of a token that was just made."""
    clock = Clock(zone_of(form.stores))
    found = tokens.of_account(actor.account_id or 0, clock.now)
    given = {
        "form": form,
        "rows": [row_of(token, clock) for token in found],
        "lasts": LASTS,
        "longest_name": LONGEST_TOKEN_NAME,
        "limits": limits(),
        "zone": clock.name,
        "made_name": name,
        "secret": secret,
        "key": public_id_of(secret) if secret else "",
        "signing_secret": signing_secret(str(current_app.secret_key), public_id_of(secret)) if secret else "",
    }
    return render_template("tokens/index.html", **given), status


def zone_of(stores: Sequence[Store | StoreFacts]) -> str:
    """Return the time zone in which a person reads times that are no store's: that of their first store."""
    return stores[0].zone if stores else "UTC"


def limits() -> str:
    """Say how often a token may call; nothing where there is no limit."""
    per_second, per_day = current_app.config["API_PER_SECOND"], current_app.config["API_PER_DAY"]
    said = [(per_second, "a second"), (per_day, "in 24 hours")]
    return " and ".join(f"{most:,} calls {span}" for most, span in said if most)


def row_of(token: Own, clock: Clock) -> Row:
    """Format a token of the list."""
    is_past = token.expires_at is not None and token.expires_at <= clock.now
    works = not is_past and token.revoked_at is None
    return Row(
        public_id=token.public_id,
        name=token.name,
        reaches=token.store or "",
        may=[words for scope, words in SCOPES.items() if scope in token.scopes],
        made=clock.age_and_exact(token.created_at),
        used=clock.age_and_exact(token.used_at) if token.used_at else None,
        expires=(clock.exact(token.expires_at, True), clock.exact(token.expires_at))
        if token.expires_at
        else None,
        badge=badge(token, is_past=is_past),
        works=works,
    )


def badge(token: Own, *, is_past: bool) -> Badge:
    """Say whether a token works."""
    if token.revoked_at is not None:
        return Badge("Ended", "plain", "ring")
    return Badge("Expired", "plain", "ring") if is_past else Badge("Works", "good")
