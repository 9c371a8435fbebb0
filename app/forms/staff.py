"""What the pages of a store's people send: a place, an invitation, a new person's name and password."""

from collections.abc import Collection, Iterable
from typing import Any

from wtforms.validators import ValidationError

from app.access.rights import BEYOND, ORDINARY, Permission
from app.actions.places import Place
from app.forms.base import StrictForm
from app.forms.credentials import ChosenPasswordForm
from app.forms.fields import PlainField, TickField, WordsField
from app.forms.values import LONGEST_NAME, EmailField, WordField, needed
from app.statuses import Role

RIGHTS = {**ORDINARY, **BEYOND}


def tick_of(permission: Permission) -> str:
    """Return the name of the tick that gives or takes a right."""
    return permission.name.lower()


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

    email = EmailField("E-mail", [needed])


class NewPersonForm(StrictForm, ChosenPasswordForm):
    """What somebody without an account says of themselves to take a place that they are invited to."""

    name = WordsField("Name", [needed], most=LONGEST_NAME)

    def __init__(self, sent: Any = None, *, about: Iterable[str | None]) -> None:
        """Judge a password of the person of whom this is known, and their name."""
        super().__init__(sent)
        self.about = [*about, self.name.data]
