"""A second factor: an app's codes, set up, taken away, and the recovery codes for a day without the app."""

from datetime import UTC, datetime
from typing import NamedTuple

import segno
from flask import Blueprint, flash, g, render_template, url_for
from flask.typing import ResponseReturnValue

from app import logs, totp
from app.actions.accounts import (
    new_recovery_codes,
    replace_recovery_codes,
    turn_off_second_factor,
    turn_on_second_factor,
)
from app.db import db
from app.forms.base import body
from app.forms.credentials import ChangeFactorForm, TurnOnForm
from app.models import Account
from app.seals import decrypted, encrypted
from app.web import guesses, htmx
from app.web.second_code import NOT_COUNTED, PURPOSE, counts, key
from app.web.signin import must_have_second_factor, own_account_to_change

blueprint = Blueprint("second_factor", __name__, url_prefix="/account/second-factor")


class Offer(NamedTuple):
    """A secret as the page shows it: a picture for the app (the path of its dark squares, on a square of this
    size), words to type, and sealed, to be sent back.
    """

    size: int
    path: str
    words: str
    sealed: str


@blueprint.get("")
def show() -> ResponseReturnValue:
    """Show whether there is a second factor, and the way to one or away from it."""
    account = own_account_to_change()
    if account.second_factor_at is not None:
        return shown_on(account, ChangeFactorForm(account=account))
    return shown_off(account, TurnOnForm(account=account), totp.new_secret())


@blueprint.post("")
def turn_on() -> ResponseReturnValue:
    """Take the secret that the page gave, once a code shows that an app has it; show the recovery codes."""
    account = own_account_to_change()
    if account.second_factor_at is not None:
        return htmx.go_to(url_for("second_factor.show"))
    was = account.fs_uniquifier
    guesses.take("own", account.id, account_id=account.id)
    form = TurnOnForm(body(), account=account)
    secret = opened(account, form.sealed.data or "")
    is_valid = form.validate()
    step = totp.step_of(secret, form.code.data or "", datetime.now(UTC)) if secret else None
    if step is None and not form.code.errors:
        form.code.errors = ["This is not the code of now. Is the clock of the phone right?"]
    if secret is None or step is None or not is_valid:
        logs.note(reason="SecondFactorRefused")
        return shown_off(account, form, secret or totp.new_secret(), 422)
    guesses.give_back()
    codes = new_recovery_codes()
    sealed = encrypted(key(), PURPOSE, secret)
    now = datetime.now(UTC)
    turn_on_second_factor(account.id, sealed, codes, was=was, step=step, now=now, but=g.signin_id)
    db.session.commit()
    logs.note(did="second factor on")
    return shown_codes(codes, is_new=True)


@blueprint.post("/off")
def turn_off() -> ResponseReturnValue:
    """Take the second factor away, from whoever knows the password and has a code."""
    account = own_account_to_change()
    was = account.fs_uniquifier
    if (refused := sure(account)) is not None:
        return refused
    if turn_off_second_factor(account.id, was=was, now=datetime.now(UTC), but=g.signin_id):
        db.session.commit()
        logs.note(did="second factor off")
        flash("Signing in asks for no code any more. You are signed out everywhere else.")
    return htmx.go_to(url_for("second_factor.show" if must_have_second_factor(account) else "account.index"))


@blueprint.post("/codes")
def make_codes() -> ResponseReturnValue:
    """Make new recovery codes, which stand for all that were made before."""
    account = own_account_to_change()
    if account.second_factor_at is None:
        return htmx.go_to(url_for("second_factor.show"))
    was = account.fs_uniquifier
    if (refused := sure(account)) is not None:
        return refused
    codes = new_recovery_codes()
    replace_recovery_codes(account.id, codes, was=was)
    db.session.commit()
    logs.note(did="made recovery codes")
    return shown_codes(codes, is_new=False)


def sure(account: Account) -> ResponseReturnValue | None:
    """Return the page again where password or code are not right; None where they are: the code is used up.

    Whoever finds an open browser, or knows the password alone, takes no second factor away.
    """
    guesses.take("own", account.id, account_id=account.id)
    form = ChangeFactorForm(body(), account=account)
    if not form.validate():
        logs.note(reason="PasswordRefused")
        return shown_on(account, form, 422)
    is_right = counts(account, form.code.data)
    db.session.commit()
    if not is_right:
        logs.note(reason="CodeRefused")
        form.code.errors = [NOT_COUNTED]
        return shown_on(account, form, 422)
    guesses.give_back()
    return None


def opened(account: Account, sealed: str) -> bytes | None:
    """Return the secret that this account's page was given; None for everything else."""
    return decrypted(key(), f"{PURPOSE} offered to {account.id}", sealed)


def offer(account: Account, secret: bytes) -> Offer:
    """Return a secret as the page shows it."""
    code = segno.make(totp.address(secret, account.email or account.shown_name), error="m", micro=False)
    rows = list(code.matrix_iter(border=4))
    path = "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark
    )
    sealed = encrypted(key(), f"{PURPOSE} offered to {account.id}", secret)
    return Offer(len(rows), path, totp.in_words(secret), sealed)


def shown_on(account: Account, form: ChangeFactorForm, status: int = 200) -> ResponseReturnValue:
    """Show that it is on."""
    left = len(account.mf_recovery_codes or [])
    given = {"form": form, "codes_left": left, "must_have_it": must_have_second_factor(account)}
    return render_template("account/second_factor_on.html", **given), status


def shown_off(account: Account, form: TurnOnForm, secret: bytes, status: int = 200) -> ResponseReturnValue:
    """Show how to turn it on."""
    given = {
        "form": form,
        "offer": offer(account, secret),
        "must_have_it": must_have_second_factor(account),
        "has_password": account.password is not None,
    }
    return render_template("account/second_factor_off.html", **given), status


def shown_codes(codes: list[str], *, is_new: bool) -> ResponseReturnValue:
    """Show recovery codes, this once."""
    return render_template("account/recovery_codes.html", codes=codes, is_new=is_new), 201
