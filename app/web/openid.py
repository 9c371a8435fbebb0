"""Signing in elsewhere, by OpenID Connect: away to the issuer that the operator named, and back.

The way out begins with a form of ours (POST, with its token), so nobody is sent on it from another site; the
way back holds only in the browser that began it, once, for some minutes. Where no issuer is set, nothing of
this is there.
"""

import hmac
import time
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, current_app, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from app import logs, openid
from app.actions.ways import account_said
from app.config import BadSetting
from app.db import db
from app.errors import Refused
from app.forms.base import body
from app.forms.elsewhere import BackForm, GoingForm
from app.forms.values import read_email
from app.openid import Flow, Issuer, IssuerAway, NotBelieved, Said
from app.web.signin import bring_in

blueprint = Blueprint("openid", __name__, url_prefix="/login/openid")

# What the cookie keeps of the one try that is under way in a browser.
TRY = "openid"
# Seconds: how long one may take at the issuer, for how long its own description is kept, and for how long it
# is taken to be away.
PATIENCE = 600
KNOWN_FOR = 600
AWAY_FOR = 5


class NotBegun(Refused):
    """Somebody comes back who did not go out from here, or comes a second time."""

    title = "You are not signed in"
    sentence = (
        "This sign-in was not begun in this browser, was used already, or took too long. "
        "Begin anew on the sign-in page."
    )


class NotSignedIn(Refused):
    """The issuer says that it did not sign them in."""

    status = 403
    title = "You are not signed in"
    sentence = "You were not signed in there, hence not here either. Begin anew, or use your password."


def init_app(app: Flask) -> None:
    """Open this way in where an issuer is set; BadSetting where its library is missing."""
    if not app.config["OIDC_ISSUER"]:
        return
    if not openid.is_installed():
        raise BadSetting(
            "TRADEPOST_OIDC_ISSUER is set, and the library Authlib is not installed: `make setup` installs "
            "it, or `pip install --require-hashes -r requirements-oidc.lock`."
        )
    app.register_blueprint(blueprint)


@blueprint.post("")
def start() -> ResponseReturnValue:
    """Begin, and lead on to the issuer, by a page: a form's policy lets it be sent to ourselves alone."""
    form = GoingForm(body())
    issuer = issuer_set()
    flow = openid.new_flow()
    away = openid.way_out(issuer, about(issuer), flow, way_back())
    session[TRY] = {**flow._asdict(), "until": int(time.time()) + PATIENCE, "next": form.way_on()}
    logs.note(did="went to sign in elsewhere")
    return render_template("openid/going.html", away=away, name=current_app.config["OIDC_NAME"])


@blueprint.get("/back")
def back() -> ResponseReturnValue:
    """Take in whom the issuer sends back, or say why not."""
    form = BackForm(request.args)
    kept, flow = begun(form)
    if form.error.data:
        logs.note(issuer_said=form.error.data[:64])
        raise IssuerAway if form.error.data in {"server_error", "temporarily_unavailable"} else NotSignedIn
    if not form.code.data:
        raise NotSignedIn
    issuer = issuer_set()
    try:
        described = about(issuer)
        if form.iss.data not in {None, described["issuer"]}:  # RFC 9207
            raise NotBelieved("an answer of another issuer")
        said = with_plain_email(openid.told_of(issuer, described, flow, form.code.data, way_back()))
    except NotBelieved as refusal:
        logs.note(fault=refusal.fault)
        raise
    account = account_said(said, may_open=current_app.config["OIDC_OPEN"], now=datetime.now(UTC))
    db.session.commit()
    return bring_in(account, way="openid", to=str(kept["next"]))


def begun(form: BackForm) -> tuple[dict[str, Any], Flow]:
    """Return the try that this is the answer to, which is over with that; NotBegun where there is none."""
    kept = session.get(TRY)
    is_plain = form.validate() and all(len(texts) == 1 for _, texts in request.args.lists())
    if not (is_plain and form.state.data and isinstance(kept, dict)):
        raise NotBegun
    if not hmac.compare_digest(form.state.data.encode(), str(kept["state"]).encode()):
        raise NotBegun
    session.pop(TRY)
    if kept["until"] < time.time():
        raise NotBegun
    return kept, Flow(*(str(kept[name]) for name in Flow._fields))


def with_plain_email(said: Said) -> Said:
    """Return what was said with the e-mail as the desk writes them; none where it is no address."""
    try:
        return said._replace(email=read_email(said.email) if said.email else None)
    except ValueError:
        return said._replace(email=None)


def issuer_set() -> Issuer:
    """Return the issuer that the settings name."""
    config = current_app.config
    return Issuer(
        config["OIDC_ISSUER"], config["OIDC_CLIENT_ID"], config["OIDC_CLIENT_SECRET"], config["OIDC_TIMEOUT"]
    )


def about(issuer: Issuer) -> dict[str, Any]:
    """Return what the issuer says of itself, asked for every ten minutes at most.

    One that is away is left alone for some seconds: otherwise everybody who asks would wait for it.
    """
    kept: tuple[Any, dict[str, Any] | None] = current_app.extensions.get(TRY, (0, None))
    until, known = kept
    if until < time.monotonic():
        current_app.extensions[TRY] = (time.monotonic() + AWAY_FOR, known)
        try:
            known = openid.metadata(issuer)
        except NotBelieved as refusal:
            logs.note(fault=refusal.fault)
            raise IssuerAway from refusal
        current_app.extensions[TRY] = (time.monotonic() + KNOWN_FOR, known)
    if known is None:
        raise IssuerAway
    return known


def way_back() -> str:
    """Return the address that the issuer leads back to, as it must be written down there."""
    base = str(current_app.config["BASE_URL"]).rstrip("/") or request.root_url.rstrip("/")
    return f"{base}{url_for('openid.back').removeprefix(request.script_root)}"
