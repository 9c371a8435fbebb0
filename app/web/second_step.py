"""The second step of signing in: whoever knew the password gives a code."""

from flask import Blueprint, render_template, session
from flask.typing import ResponseReturnValue
from flask_security.utils import url_for_security

from app import logs
from app.db import db
from app.forms.base import body
from app.forms.credentials import CodeForm
from app.web import guesses, htmx
from app.web.second_code import NOT_COUNTED, counts
from app.web.signin import SECOND, let_in, pending

blueprint = Blueprint("second_step", __name__, url_prefix="/login/code")


@blueprint.get("")
def show() -> ResponseReturnValue:
    """Show the form for the code to whoever has just given the password."""
    if pending() is None:
        return begin_anew()
    return render_template("account/code.html", form=CodeForm())


@blueprint.post("")
def enter() -> ResponseReturnValue:
    """Let in whose code counts."""
    waiting = pending()
    if waiting is None:
        return begin_anew()
    account = waiting.account
    guesses.take("code", account.id, account_id=account.id)
    form = CodeForm(body())
    is_right = form.validate() and counts(account, form.code.data)
    db.session.commit()
    if not is_right:
        logs.note(reason="CodeRefused", tried=account.id)
        if not form.code.errors:
            form.code.errors = [NOT_COUNTED]
        return render_template("account/code.html", form=form), 422
    guesses.give_back()
    return let_in(account, remember=waiting.remember, wanted=waiting.next)


def begin_anew() -> ResponseReturnValue:
    """Lead back to the first step."""
    session.pop(SECOND, None)
    return htmx.go_to(url_for_security("login"))
