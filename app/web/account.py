"""The way in (`/` leads to one's desk), one's own account at a glance, and what a person is called."""

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.actions.accounts import NameTaken, name_account
from app.db import db
from app.forms.accounts import ThemeForm
from app.forms.base import body
from app.forms.credentials import ProfileForm
from app.models import Account
from app.queries import people
from app.web import cookies, htmx
from app.web.signin import current_actor, must_have_second_factor, own_account

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


@blueprint.get("/account")
def index() -> ResponseReturnValue:
    """Show one's own account."""
    account = own_account()
    return shown(account, ProfileForm(data={"name": account.name, "username": account.username}))


@blueprint.post("/account")
def save() -> ResponseReturnValue:
    """Change what one is called, and the username by which one signs in."""
    account = own_account()
    form = ProfileForm(body())
    if not form.validate():
        return shown(account, form, 422)
    try:
        name_account(account.id, name=form.name.data or "", username=form.username.data)
        db.session.commit()
    except NameTaken as taken:
        db.session.rollback()
        form.username.errors = [taken.sentence]
        return shown(account, form, 422)
    logs.note(did="changed names")
    flash("Saved.")
    return htmx.go_to(url_for("account.index"))


def shown(account: Account, form: ProfileForm, status: int = 200) -> ResponseReturnValue:
    """Show the page."""
    given = {
        "form": form,
        "email": account.email or "",
        "is_proved": account.email_proved_at is not None,
        "has_password": account.password is not None,
        "has_second_factor": account.second_factor_at is not None,
        "must_have_it": must_have_second_factor(account),
        "codes_left": len(account.mf_recovery_codes or []),
    }
    return render_template("account/index.html", **given), status


@blueprint.post("/theme")
def theme() -> ResponseReturnValue:
    """Keep light, dark or automatic in a cookie, and go back to the page it was chosen on."""
    form = ThemeForm(body())
    form.validate()
    answer = redirect(form.way_back() or url_for("account.home"), 303)
    if form.theme.data:
        answer.set_cookie(
            cookies.called(cookies.THEME),
            form.theme.data,
            max_age=YEAR,
            httponly=True,
            samesite="Lax",
            secure=current_app.config["IS_HTTPS"],
        )
    return answer
