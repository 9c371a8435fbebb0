"""One's password: changed by whoever knows it, set anew by a link that came by mail."""

from datetime import UTC, datetime

from flask import Blueprint, flash, g, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security.utils import hash_password, url_for_security

from app import logs
from app.actions.account_mails import ask_for_reset
from app.actions.accounts import set_password
from app.db import db
from app.errors import ChangedMeanwhile
from app.forms.base import body
from app.forms.credentials import ChangePasswordForm, ForgotForm, ResetForm
from app.forms.passwords import ADVICE, normal
from app.models import Account
from app.postman.account_words import RESET
from app.queries import people
from app.web import guesses, htmx, mail_link
from app.web.mail_link import link_of
from app.web.signin import actor_or_none, let_in, own_account_to_change

blueprint = Blueprint("passwords", __name__)


@blueprint.get("/account/password")
def show() -> ResponseReturnValue:
    """Show the form for another password."""
    account = own_account_to_change()
    return shown(ChangePasswordForm(account=account))


@blueprint.post("/account/password")
def change() -> ResponseReturnValue:
    """Take another password, and end every other sign-in."""
    account = own_account_to_change()
    guesses.take("own", account.id, account_id=account.id)
    form = ChangePasswordForm(body(), account=account, about=known_of(account))
    if not form.validate():
        logs.note(reason="PasswordRefused")
        if not ("current" in form and form.current.errors):
            guesses.give_back()
        return shown(form, 422)
    guesses.give_back()
    is_kept, was = session.permanent, account.fs_uniquifier
    hashed = hash_password(normal(form.password.data))
    set_password(account.id, hashed, was=was, now=datetime.now(UTC))
    db.session.commit()
    changed = people.account(account.id)
    assert changed is not None
    answer = let_in(changed, remember=is_kept, wanted=url_for("account.index"))
    logs.note(did="password changed")
    flash("Your password is changed. You are signed out everywhere else.")
    return answer


def shown(form: ChangePasswordForm, status: int = 200) -> ResponseReturnValue:
    """Show the form."""
    return render_template("account/password.html", form=form, advice=ADVICE), status


def known_of(account: Account) -> list[str | None]:
    """Return what a password of this account may not lean on."""
    stores = [store.name for store in people.stores_of(account.id)]
    return [account.email, account.username, account.name, *stores]


@blueprint.get("/forgot")
def forgot() -> ResponseReturnValue:
    """Show the form that asks for a link."""
    actor = actor_or_none()
    return render_template(
        "account/forgot.html", form=ForgotForm(data={"email": actor.email} if actor else None)
    )


@blueprint.post("/forgot")
def ask() -> ResponseReturnValue:
    """Note that a link is wanted; the answer is the same whoever has the address, and so is its time."""
    form = ForgotForm(body())
    if not form.validate():
        return render_template("account/forgot.html", form=form), 422
    guesses.take("reset", form.email.data)
    ask_for_reset(form.email.data, now=datetime.now(UTC))
    db.session.commit()
    logs.note(did="reset asked")
    flash("If an account has this e-mail, a link is on its way there. It works for one hour.")
    return htmx.go_to(url_for("passwords.forgot"))


@blueprint.get("/reset")
def reset() -> ResponseReturnValue:
    """Show the form for a new password to whoever has a link that holds."""
    form = ResetForm(request.args)
    if link_of(RESET, form.token.data or "") is None:
        return mail_link.dead()
    return render_template(
        "account/reset.html", form=ResetForm(data={"token": form.token.data}), advice=ADVICE
    )


@blueprint.post("/reset")
def set_anew() -> ResponseReturnValue:
    """Set the password; the link has done its work, every sign-in ends, and one signs in anew."""
    form = ResetForm(body())
    guesses.take("link", None)
    link = link_of(RESET, form.token.data or "")
    if link is None:
        return mail_link.dead()
    guesses.give_back()
    account, was = link.account, link.account.fs_uniquifier
    form.about = known_of(account)
    if not form.validate():
        return render_template("account/reset.html", form=form, advice=ADVICE), 422
    try:
        set_password(
            account.id,
            hash_password(normal(form.password.data)),
            was=was,
            now=datetime.now(UTC),
            proves_email=True,
        )
    except ChangedMeanwhile:  # the same link was used at the same time
        db.session.rollback()
        return mail_link.dead()
    db.session.commit()
    session.clear()
    g.pop("actor", None)
    logs.note(did="reset used", account=account.id)
    flash("Your password is set. Sign in with it.")
    # Whoever gets the account's mail is its owner: guesses made elsewhere keep this browser out no longer.
    return guesses.remember(htmx.go_to(url_for_security("login")), account.id)
