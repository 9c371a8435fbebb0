"""Where the link of an invitation leads: to accept or decline it, with an account or with a new one."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import hash_password
from flask_security.utils import url_for_security

from app import logs
from app.access import Actor
from app.access.invited import Invited, NoInvitation, find_invited
from app.actions.staff import accept, accept_as_new, decline
from app.db import db
from app.errors import NotAllowed
from app.forms.base import body
from app.forms.passwords import ADVICE, normal
from app.forms.staff import NewPersonForm
from app.web import errors, htmx
from app.web.clock import Clock
from app.web.signin import actor_or_none, bring_in, current_actor
from app.web.staff_view import ABOUT, ROLES, said

blueprint = Blueprint("invitations", __name__, url_prefix="/invitations")


@blueprint.errorhandler(NoInvitation)
def does_not_hold(refusal: NoInvitation) -> ResponseReturnValue:
    """Say the same of every link that does not hold."""
    logs.note(reason=type(refusal).__name__)
    return errors.page(refusal.status, refusal.sentence)


@blueprint.get("/<token>")
def show(token: str) -> ResponseReturnValue:
    """Show what is offered, and how this person can answer."""
    offer = offered(token)
    return asking(token, offer, NewPersonForm(about=known_of(offer)), 200)


@blueprint.post("/<token>/accept")
def accept_it(token: str) -> ResponseReturnValue:
    """Take the place, signed in as the person who was invited."""
    offer, actor = offered(token), current_actor()
    body()
    if not offer.is_for(actor):
        raise NotAllowed
    accept(offer, actor=actor)
    db.session.commit()
    return htmx.go_to(welcome(offer))


@blueprint.post("/<token>/join")
def join(token: str) -> ResponseReturnValue:
    """Make an account with this name and password, and take the place; the link proves the address."""
    offer = offered(token)
    form = NewPersonForm(body(), about=known_of(offer))
    if actor_or_none() is not None or offer.is_known:
        raise NotAllowed
    if not form.validate():
        return asking(token, offer, form, 422)
    hashed = str(hash_password(normal(form.password.data)))
    account = accept_as_new(offer, name=form.name.data, password_hash=hashed, actor=Actor(None))
    db.session.commit()
    return bring_in(account, way="invitation", to=welcome(offer))


@blueprint.post("/<token>/decline")
def decline_it(token: str) -> ResponseReturnValue:
    """Answer with no: whoever has the link may."""
    offer, actor = offered(token), actor_or_none()
    body()
    decline(offer, actor=actor or Actor(None))
    db.session.commit()
    logs.note(did="declined an invitation", invitation=offer.row.id)
    flash("You declined the invitation.")
    return htmx.go_to(url_for("account.home") if actor else url_for_security("login"))


def offered(token: str) -> Invited:
    """Return what the link offers; NoInvitation where it does not hold."""
    return find_invited(str(current_app.config["SECRET_KEY"]), token, datetime.now(UTC))


def known_of(offer: Invited) -> list[str | None]:
    """Return what a password of the invited person may not lean on."""
    return [offer.row.email, offer.store.name]


def welcome(offer: Invited) -> str:
    """Welcome a new member, and return where the store is."""
    logs.note(did="joined a store", invitation=offer.row.id, store=offer.store.slug)
    flash(f"Welcome to {offer.store.name}.")
    return url_for("sales.index", slug=offer.store.slug)


def asking(token: str, offer: Invited, form: NewPersonForm, status: int) -> ResponseReturnValue:
    """Show the offer, as far as this person can answer it."""
    actor = actor_or_none()
    also, without = said(offer.row.role, offer.row.rights)
    here = url_for("invitations.show", token=token)
    given = {
        "token": token,
        "form": form,
        "advice": ADVICE,
        "store": offer.store.name,
        "inviter": offer.row.inviter,
        "email": offer.row.email,
        "role": ROLES[offer.role],
        "about": ABOUT[offer.role],
        "also": also,
        "without": without,
        "until": Clock(offer.store.zone).exact(offer.row.expires_at),
        "who": how(offer, actor),
        "signed_in_as": (actor.email or actor.name) if actor else "",
        "sign_in": url_for_security("login", next=here),
        "sign_out": url_for_security("logout", next=here),
    }
    return render_template("invitations/show.html", **given), status


def how(offer: Invited, actor: Actor | None) -> str:
    """Say how the person who looks can answer: "accept", "other", "sign in" or "new"."""
    if actor is not None:
        return "accept" if offer.is_for(actor) else "other"
    return "sign in" if offer.is_known else "new"
