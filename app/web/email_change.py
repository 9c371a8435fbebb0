"""Another e-mail: it counts once a link that went there was used; the old one is told."""

from datetime import UTC, datetime

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.actions.account_mails import owe_link
from app.actions.accounts import NameTaken, change_email
from app.db import db
from app.errors import ChangedMeanwhile
from app.forms.base import body
from app.forms.credentials import ChangeEmailForm, LinkForm
from app.models import Account
from app.postman.account_words import CONFIRM
from app.web import guesses, htmx, mail_link
from app.web.mail_link import Link, link_of
from app.web.signin import own_account, own_account_to_change

blueprint = Blueprint("email_change", __name__, url_prefix="/account/email")


@blueprint.get("")
def show() -> ResponseReturnValue:
    """Show the form for another e-mail; the same one may be proved too."""
    account = own_account_to_change()
    email = "" if account.email_proved_at else account.email
    return shown(account, ChangeEmailForm(account=account, data={"email": email}))


@blueprint.post("")
def ask() -> ResponseReturnValue:
    """Send the link; whether another account has the address is told to nobody."""
    account = own_account_to_change()
    guesses.take("own", account.id, account_id=account.id)
    form = ChangeEmailForm(body(), account=account)
    if not form.validate():
        if not ("current" in form and form.current.errors):
            guesses.give_back()
        logs.note(reason="EmailRefused")
        return shown(account, form, 422)
    owe_link(account.id, form.email.data, now=datetime.now(UTC))
    db.session.commit()
    logs.note(did="asked for another e-mail")
    flash("A link is on its way to the new address. It works for one hour; until then nothing changes.")
    return htmx.go_to(url_for("account.index"))


def shown(account: Account, form: ChangeEmailForm, status: int = 200) -> ResponseReturnValue:
    """Show the form."""
    return render_template("account/email.html", form=form, email=account.email or ""), status


def own_link(form: LinkForm) -> Link | None:
    """Return what a link says to whoever asked for it; None for everybody else.

    Whoever reads an address's mail could otherwise be led to give it, and what was bought under it, to
    somebody else.
    """
    account = own_account()
    link = link_of(CONFIRM, form.token.data or "") if form.validate() else None
    return link if link is not None and link.account.id == account.id else None


@blueprint.get("/confirm")
def confirm() -> ResponseReturnValue:
    """Show what a link would do, and the button that lets it: looking changes nothing."""
    form = LinkForm(request.args)
    link = own_link(form)
    if link is None:
        return mail_link.dead()
    return render_template("account/confirm.html", token=form.token.data, email=link.email)


@blueprint.post("/confirm")
def change() -> ResponseReturnValue:
    """Let the new address count."""
    form = LinkForm(body())
    guesses.take("link", None)
    link = own_link(form)
    if link is None:
        return mail_link.dead()
    guesses.give_back()
    account = link.account
    try:
        change_email(account.id, link.email, was=account.fs_uniquifier, now=datetime.now(UTC))
    except (NameTaken, ChangedMeanwhile):
        db.session.rollback()
        return mail_link.dead()
    db.session.commit()
    logs.note(did="changed the e-mail", account=account.id)
    flash("Your e-mail is confirmed.")
    return htmx.go_to(url_for("account.index"))
