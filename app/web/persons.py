"""A person's data, given out or erased by a site admin."""

import json
from dataclasses import replace

from flask import Blueprint, Response, flash, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.access import Actor, find_site
from app.actions.persons import ERASE, EXPORT, erase_person, export_person
from app.db import db
from app.errors import Refused
from app.forms.base import body
from app.forms.persons import EraseForm, NamedForm, PersonForm
from app.queries import site_people
from app.statuses import ActorKind
from app.web import htmx
from app.web.signin import current_actor

blueprint = Blueprint("persons", __name__, url_prefix="/site/persons")


def site_admin() -> Actor:
    """Return the site admin who asks, as one; NotAllowed for everybody else."""
    actor = current_actor()
    find_site(actor)
    return replace(actor, kind=ActorKind.ADMIN)


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Ask whose data it is about; the address of a person who is named by their id stands there already."""
    site_admin()
    form = NamedForm(request.args)
    named = site_people.one(form.person.data) if form.validate() and form.person.data else None
    given = {"email": named.email} if named else None
    return asking(PersonForm(data=given), EraseForm(data=given), 200)


def asking(person: PersonForm, erased: EraseForm, status: int) -> ResponseReturnValue:
    """Show both forms."""
    return render_template("persons/index.html", person=person, erased=erased), status


@blueprint.post("/export")
def export() -> ResponseReturnValue:
    """Give out all that the desk holds of a person, as a file."""
    actor, form = site_admin(), PersonForm(body())
    if not form.validate():
        return asking(form, EraseForm(), 422)
    try:
        told = export_person(form.email.data, actor=actor)
        db.session.commit()
    except Refused as refusal:
        db.session.rollback()
        form.email.errors = [refusal.sentence]
        return asking(form, EraseForm(), 422)
    logs.note(did=EXPORT, **told.ids)
    return as_file(json.dumps(told.everything, ensure_ascii=False, indent=2))


def as_file(text: str) -> Response:
    """Return JSON as a file to keep."""
    answer = make_response(text)
    answer.mimetype = "application/json"
    answer.headers["Content-Disposition"] = "attachment; filename=person.json"
    return answer


@blueprint.post("/erase")
def erase() -> ResponseReturnValue:
    """Erase a person, for good."""
    actor, form = site_admin(), EraseForm(body())
    if not form.validate():
        return asking(PersonForm(), form, 422)
    try:
        erased = erase_person(form.email.data, actor=actor, is_anyway=form.anyway.data)
        db.session.commit()
    except Refused as refusal:
        db.session.rollback()
        form.email.errors = [refusal.sentence]
        return asking(PersonForm(), form, 422)
    logs.note(did=ERASE, **erased)
    flash("The person is erased: money, numbers and history stay.")
    return htmx.go_to(url_for("persons.index"))
