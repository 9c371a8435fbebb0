"""What a person sends to come in, and to change how they do: passwords, codes, e-mail, names."""

import re
import secrets
from collections.abc import Iterable
from functools import cache
from typing import Any

from flask import current_app
from flask_security.forms import LoginForm
from flask_security.utils import hash_password, verify_password
from wtforms import StringField
from wtforms.validators import ValidationError

from app.forms.base import Form
from app.forms.fields import PlainField, WordsField
from app.forms.passwords import LONGEST, fault_of, normal
from app.forms.values import LONGEST_NAME, EmailField, needed
from app.models import Account
from app.queries import accounts

USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{2,63}", re.ASCII)


class PasswordField(PlainField):
    """A password: taken as it is, blanks too; what stands in it is never shown again."""

    def __init__(self, label: str | None = None, *args: Any, autocomplete: str, **kwargs: Any) -> None:
        super().__init__(label, *args, **kwargs)
        self.render_kw = {"type": "password", "autocomplete": autocomplete}

    def _value(self) -> str:
        """Return nothing."""
        return ""


@cache
def nobodys(_scheme: str) -> str:
    """Return the hash that is compared where an account has none, so that it takes as long."""
    return str(hash_password(secrets.token_hex(16)))


def fits(account: Account | None, password: str | None) -> bool:
    """Tell whether this is the account's password; for nobody's account that takes as long."""
    kept = account.password if account else None
    typed = password if password and len(password) <= LONGEST * 2 else ""
    to_compare = kept or nobodys(str(current_app.config["SECURITY_PASSWORD_HASH"]))
    is_right = verify_password(normal(typed), to_compare)
    return bool(is_right and kept and typed)


class SignInForm(LoginForm):
    """The library's sign-in form, by e-mail or username; what is wrong is the same for all that is wrong."""

    email = StringField("E-mail or username")  # type: ignore[assignment]

    def validate(self, **kwargs: Any) -> bool:
        """Judge name and password, in the same time whoever is named."""
        named = accounts.by_name(self.email.data or "")
        is_right = fits(named, self.password.data)
        if not super(LoginForm, self).validate(**kwargs) or not is_right or named is None or not named.active:
            self.password.errors = [*self.password.errors, "refused"]  # the view says it in its own words
            return False
        self.user = named
        return True


class ChosenPasswordForm(Form):
    """A new password; `about` is what it must not lean on (see `passwords`)."""

    password = PasswordField("Password", [needed], autocomplete="new-password")

    def __init__(self, sent: Any = None, *, about: Iterable[str | None] = (), **kwargs: Any) -> None:
        self.about = about
        super().__init__(sent, **kwargs)

    def validate_password(self, field: PasswordField) -> None:
        """Refuse a weak one."""
        if field.data and (fault := fault_of(field.data, self.about)):
            raise ValidationError(fault)


class NewPasswordForm(ChosenPasswordForm):
    """Another password, typed twice."""

    password = PasswordField("New password", [needed], autocomplete="new-password")
    again = PasswordField("The same once more", [needed], autocomplete="new-password")

    def validate_again(self, field: PasswordField) -> None:
        """Refuse another one."""
        if field.data != self.password.data:
            raise ValidationError("This is not the same.")


class ResetForm(NewPasswordForm):
    """A new password, and the link's token that allows it."""

    token = WordsField(most=1000)


class SureForm(Form):
    """What only whoever knows the account's password does to it; where it has none, none is asked for."""

    current = PasswordField("Your password", autocomplete="current-password")

    def __init__(self, sent: Any = None, *, account: Account, **kwargs: Any) -> None:
        self.account = account
        super().__init__(sent, **kwargs)
        if account.password is None:
            del self.current

    def validate_current(self, field: PasswordField) -> None:
        """Refuse a wrong one."""
        if not fits(self.account, field.data):
            raise ValidationError("This is not your password.")


class ChangePasswordForm(SureForm, NewPasswordForm):
    """The password that is, and the one that is to be."""


class ChangeEmailForm(SureForm):
    """The e-mail that is to be."""

    email = EmailField("New e-mail", [needed])


class LinkForm(Form):
    """A link's token."""

    token = WordsField(most=1000)


class ForgotForm(Form):
    """The e-mail to which a link is to be sent."""

    email = EmailField("E-mail", [needed])


class ProfileForm(Form):
    """What a person is called."""

    name = WordsField("Name", most=LONGEST_NAME)
    username = WordsField("Username", most=64)

    def validate_username(self, field: WordsField) -> None:
        """Refuse what could be an e-mail, or be read as another's name."""
        if field.data and not USERNAME.fullmatch(field.data):
            raise ValidationError("3 to 64 of a-z, 0-9, point, - and _, a letter first.")


class CodeForm(Form):
    """A code of the app, or a recovery code."""

    code = WordsField("Code", [needed], most=64)


class ChangeFactorForm(SureForm, CodeForm):
    """What only whoever has password and second factor does to the second factor."""


class TurnOnForm(SureForm):
    """The first code of an app, and the sealed secret that the page gave it."""

    code = WordsField("Code from the app", [needed], most=16)
    sealed = WordsField(most=1000)
