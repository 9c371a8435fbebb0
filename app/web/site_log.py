"""The log of the whole site: what was done in every store, and with the site itself."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.access import find_site
from app.forms.log import SiteLogForm
from app.queries import site_people
from app.web import errors, log_view
from app.web.clock import Clock
from app.web.signin import current_actor

blueprint = Blueprint("site_log", __name__, url_prefix="/site")

ZONE = "UTC"  # stores have zones of their own


@blueprint.get("/log")
def index() -> ResponseReturnValue:
    """Show the newest of the log, or what of it is asked for."""
    find_site(current_actor())
    form = SiteLogForm(request.args, verbs=log_view.VERBS)
    asked = form.asked(ZONE, None) if form.validate() else None
    return log_view.page(
        "site/log.html",
        form,
        asked,
        Clock(ZONE),
        base=url_for("site_log.index"),
        people=site_people.admins(),
        export=url_for("site_log.export"),
    )


@blueprint.get("/log.csv")
def export() -> ResponseReturnValue:
    """Give out what of the log is asked for, as a file."""
    find_site(current_actor())
    form = SiteLogForm(request.args, verbs=log_view.VERBS)
    if not form.validate():
        return errors.page(422, form.first_fault()[1])
    logs.note(did="exported the site's log")
    return log_view.file(form.asked(ZONE, None), "log-site.csv")
