"""The way in (`/` leads to one's desk), and what a person sets for themselves."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.forms.accounts import ThemeForm
from app.forms.base import body
from app.queries import people
from app.web.signin import current_actor

blueprint = Blueprint("account", __name__)

YEAR = 365 * 24 * 3600


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Lead a person to their desk: their first store, the site for its admins, else their purchases."""
    actor = current_actor()
    stores = people.stores_of(actor.account_id) if actor.account_id else []
    if stores:
        return redirect(url_for("sales.index", slug=stores[0].slug), 303)
    return redirect(url_for("site.index" if actor.is_site_admin else "purchases.index"), 303)


@blueprint.post("/theme")
def theme() -> ResponseReturnValue:
    """Keep light, dark or automatic in a cookie, and go back to the page it was chosen on."""
    form = ThemeForm(body())
    form.validate()
    answer = redirect(form.way_back() or url_for("account.home"), 303)
    if form.theme.data:
        answer.set_cookie(
            "theme", form.theme.data, max_age=YEAR, httponly=True, samesite="Lax", secure=request.is_secure
        )
    return answer
