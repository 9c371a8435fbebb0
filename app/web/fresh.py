"""Whether a list of sales is still the newest: its page asks now and then, while somebody looks at it."""

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.access import Desk
from app.forms.filters import FreshForm, Seen
from app.queries import counts
from app.web import errors
from app.web.desk import open_desk
from app.web.frame import capped


def answer(slug: str) -> ResponseReturnValue:
    """Say how many sales came in since a page was drawn; 204 where nothing at all changed in the store."""
    desk = open_desk(slug)
    form = FreshForm(request.args)
    if not form.validate() or form.strangers():
        return errors.page(422, form.first_fault()[1])
    seen: Seen = form.after.data
    if seen.revision == desk.store.revision:
        return "", 204
    found = counts.fresh(desk.store.id, seen.number, desk.only_deals)
    return render_template("sales/_fresh.html", desk=desk, **given(desk, seen.number, found))


def given(desk: Desk, number: int, found: int = 0) -> dict[str, Any]:
    """Return what the line over a list is shown with: it tells of sales from this number on."""
    return {"seen": f"{desk.store.revision}.{number}", "fresh": found, "fresh_words": capped(found)}
