"""The log of a store: all that was done in it, by whom, and as a file."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.access import Permission
from app.forms.log import LogForm
from app.queries import staff
from app.web import errors, log_view
from app.web.clock import Clock
from app.web.desk import open_desk

blueprint = Blueprint("logbook", __name__, url_prefix="/stores/<slug>")


@blueprint.get("/log")
def index(slug: str) -> ResponseReturnValue:
    """Show the newest of the log, or what of it is asked for."""
    desk = open_desk(slug, Permission.SEE_LOG)
    form = LogForm(request.args, verbs=log_view.VERBS)
    asked = form.asked(desk.store.zone, desk.store.id) if form.validate() else None
    return log_view.page(
        "log/index.html",
        form,
        asked,
        Clock(desk.store.zone),
        base=url_for("logbook.index", slug=slug),
        desk=desk,
        people=[(m.account_id, m.shown_name) for m in staff.members(desk.store.id)],
        export=url_for("logbook.export", slug=slug) if desk.may(Permission.EXPORT) else "",
    )


@blueprint.get("/log.csv")
def export(slug: str) -> ResponseReturnValue:
    """Give out what of the log is asked for, as a file."""
    desk = open_desk(slug, Permission.SEE_LOG)
    desk.ask(Permission.EXPORT)
    form = LogForm(request.args, verbs=log_view.VERBS)
    if not form.validate():
        return errors.page(422, form.first_fault()[1])
    logs.note(did="exported the log")
    return log_view.file(form.asked(desk.store.zone, desk.store.id), f"log-{desk.store.slug}.csv")
