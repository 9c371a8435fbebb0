"""What the pages of a store's people send: a place, an invitation, a new person's name and password."""

from collections.abc import Collection
from typing import Any

from flask import current_app
from wtforms.validators import ValidationError

from app.access.rights import BEYOND, ORDINARY, Permission
from app.actions.places import Place
from app.forms.base import Form
from app.forms.fields import PlainField, TickField, WordsField
from app.forms.values import WordField, needed
from app.statuses import Role

LONGEST_EMAIL = 254
LONGEST_NAME = 255
LONGEST_PASSWORD = 256
RIGHTS = {**ORDINARY, **BEYOND}


def tick_of(permission: Permission) -> str:
    """Return the name of the tick that gives or takes a right."""
    return permission.name.lower()


class StrictForm(Form):
    """A form that takes no name that no field has."""

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge every field; what is no field of this form is refused."""
        is_valid = super().validate(extra_validators)
        strangers = [name for name in self.strangers() if name != "csrf_token"]
        if strangers:
            self.form_errors.append(f"“{strangers[0][:64]}” is no field of this form, or came twice.")
        return is_valid and not strangers


def read_email(text: str) -> str:
    """Return an e-mail address as the sign-in looks it up, in small letters; ValueError for what is none."""
    try:
        return str(current_app.extensions["security"].mail_util.validate(text)).lower()
    except ValueError:
        raise ValueError("Write an e-mail address, such as ada@example.com.") from None


class EmailField(WordsField):
    """An e-mail address, as the sign-in looks it up."""

    def read(self, text: str) -> str | None:
        """Return the address in small letters; ValueError for what is none."""
        text = super().read(text) or ""
        if not text:
            return None
        return read_email(text)


class PlaceForm(StrictForm):
    """A role, and a tick for each right that staff may be given or have taken away.

    `offers`: those that may be ticked here; the others stay as they are in `kept`.
    """

    role = WordField("Role", [needed], of=Role)
    see_money = TickField()
    see_personal = TickField()
    export = TickField()
    cancel = TickField()
    refund = TickField()
    staff = TickField()
    tokens = TickField()
    settings = TickField()
    see_log = TickField()
    seen = PlainField()

    def __init__(
        self,
        sent: Any = None,
        *,
        roles: Collection[Role],
        offers: Collection[Permission],
        stands: Place,
        seen: str = "",
    ) -> None:
        """Show a place as it stands, and offer these roles and rights."""
        self.roles, self.offers, self.stands = roles, offers, stands
        shown = stands.rights if stands.role is Role.STAFF else frozenset(ORDINARY)
        ticked = {tick_of(right): right in shown for right in RIGHTS}
        super().__init__(sent, data={"role": stands.role, "seen": seen, **ticked})

    def validate_role(self, field: WordField) -> None:
        """Refuse a role that is not offered."""
        if field.data is not None and field.data not in self.roles:
            raise ValidationError("Only an owner can give this place.")

    def place(self) -> Place:
        """Return what was asked for; only after `validate`."""
        role: Role = self.role.data
        if role is not Role.STAFF:
            return Place.of(role)
        ticked = {right for right in self.offers if self[tick_of(right)].data}
        was = self.stands.rights if self.stands.role is Role.STAFF else frozenset(ORDINARY)
        return Place(role, frozenset(ticked | (was - {*self.offers})))


class InviteForm(PlaceForm):
    """An invitation: to whom it goes, and the place that it offers."""

    email = EmailField("E-mail", [needed], most=LONGEST_EMAIL)


class NewPersonForm(StrictForm):
    """What somebody without an account says of themselves to take a place that they are invited to."""

    name = WordsField("Name", [needed], most=LONGEST_NAME)
    password = PlainField("Password", [needed])

    def __init__(self, sent: Any = None, *, email: str) -> None:
        """Judge a password of the person with this address."""
        self.email = email
        super().__init__(sent)

    def validate_password(self, field: PlainField) -> None:
        """Refuse a password that the desk's one rule for passwords refuses; keep it as the rule writes it."""
        if field.data is None:
            return
        if len(field.data) > LONGEST_PASSWORD:
            raise ValidationError(f"At most {LONGEST_PASSWORD} characters.")
        judge = current_app.extensions["security"].password_util.validate
        faults, field.data = judge(field.data, True, email=self.email)
        if faults:
            raise ValidationError(str(faults[0]))
