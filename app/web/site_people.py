"""The people of the site, for its admins: found, disabled, made site admins, signed out."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.access import Actor, find_site
from app.actions.site import set_active, set_site_admin, sign_out_everywhere
from app.db import db
from app.errors import NotAllowed, NotFound, Refused
from app.forms.base import body
from app.forms.site import PeopleForm
from app.queries import site_people
from app.queries.site_people import PersonRow
from app.web import htmx
from app.web.clock import Clock
from app.web.signin import current_actor

blueprint = Blueprint("site_people", __name__, url_prefix="/site/people")


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Show people, all or those who are searched for."""
    actor = current_actor()
    find_site(actor)
    form = PeopleForm(request.args)
    return listed(actor, form, 200 if form.validate() else 422)


@blueprint.post("/<id:account_id>/disable")
def disable(account_id: int) -> ResponseReturnValue:
    """Let somebody in no more: their sign-ins and tokens are dead at once."""
    return carry_out(account_id, lambda by: set_active(account_id, False, actor=by), "disabled")


@blueprint.post("/<id:account_id>/enable")
def enable(account_id: int) -> ResponseReturnValue:
    """Let somebody in again."""
    return carry_out(account_id, lambda by: set_active(account_id, True, actor=by), "enabled")


@blueprint.post("/<id:account_id>/make-admin")
def make_admin(account_id: int) -> ResponseReturnValue:
    """Make somebody a site admin."""
    return carry_out(account_id, lambda by: set_site_admin(account_id, True, actor=by), "a site admin now")


@blueprint.post("/<id:account_id>/unmake-admin")
def unmake_admin(account_id: int) -> ResponseReturnValue:
    """Take the site from a site admin."""
    return carry_out(account_id, lambda by: set_site_admin(account_id, False, actor=by), "no site admin now")


@blueprint.post("/<id:account_id>/sign-out")
def sign_out(account_id: int) -> ResponseReturnValue:
    """End all sign-ins of somebody."""
    return carry_out(
        account_id, lambda by: sign_out_everywhere(account_id, actor=by), "signed out everywhere"
    )


def carry_out(account_id: int, act: Callable[[Actor], object], became: str) -> ResponseReturnValue:
    """Do something to a person and lead back to the list as it was asked for."""
    actor = current_actor()
    find_site(actor)
    form = PeopleForm(body())
    is_valid = form.validate()
    person = site_people.one(account_id)
    if person is None:
        raise NotFound
    try:
        act(actor)
        db.session.commit()
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        db.session.rollback()
        return listed(actor, form, refusal.status, refusal.sentence)
    logs.note(did=f"{became} (person)", person=account_id)
    flash(f"{person.shown_name} is {became}.")
    asked = {"q": form.q.data} if is_valid and form.q.data else {}
    return htmx.go_to(url_for("site_people.index", **asked))


def listed(actor: Actor, form: PeopleForm, status: int, refusal: str = "") -> ResponseReturnValue:
    """Show the people that a form asks for."""
    is_right = not (form.errors or form.form_errors)
    found, has_more = site_people.page(**form.words()) if is_right else ([], False)
    places = site_people.places_of([row.id for row in found])
    clock, base, asked = Clock("UTC"), url_for("site_people.index"), {"q": form.q.data} if form.q.data else {}
    older = f"{base}?{urlencode({**asked, 'before': found[-1].id})}" if has_more else ""
    return render_template(
        "site/people.html",
        form=form,
        refusal=refusal,
        rows=[person_view(row, places.get(row.id, []), clock, actor) for row in found],
        older=older,
        newest=f"{base}?{urlencode(asked)}" if form.before.data else "",
    ), status


def person_view(row: PersonRow, places: list[tuple[str, str]], clock: Clock, actor: Actor) -> dict[str, Any]:
    """Return a person as the list shows them."""
    return {
        "id": row.id,
        "name": row.shown_name,
        "email": row.email or "",
        "places": places,
        "is_active": row.active,
        "is_admin": row.is_site_admin,
        "is_you": row.id == actor.account_id,
        "has_password": row.has_password,
        "seen": clock.age_and_exact(row.seen_at) if row.seen_at else None,
    }
