"""What site admins send: a new store, who it goes to, and what is searched for among people."""

import re
from typing import Any
from zoneinfo import available_timezones

from wtforms.validators import ValidationError

from app.actions.site import NewStore
from app.forms.fields import IdField, TickField, WordsField
from app.forms.staff import LONGEST_EMAIL, LONGEST_NAME, EmailField, StrictForm
from app.forms.values import needed
from app.money import known_currencies

SLUG = re.compile(r"[a-z][a-z0-9-]{1,62}", re.ASCII)
LONGEST_ASKED = 100


class StoreForm(StrictForm):
    """A new store and whose it is."""

    slug = WordsField("Name in addresses", [needed], most=63)
    name = WordsField("Name", [needed], most=LONGEST_NAME)
    owner = EmailField("Owner’s e-mail", [needed], most=LONGEST_EMAIL)
    currency = WordsField("Currency", [needed], most=3, default="USD")
    zone = WordsField("Time zone", [needed], most=64, default="UTC")
    is_vendor = TickField("It redeems deals")

    def validate_slug(self, field: WordsField) -> None:
        """Refuse what cannot stand in addresses."""
        if field.data and not SLUG.fullmatch(field.data):
            raise ValidationError("2 to 63 of a-z, 0-9 and -, a letter first.")

    def validate_currency(self, field: WordsField) -> None:
        """Refuse what is no currency."""
        field.data = (field.data or "").upper() or None
        if field.data and field.data not in known_currencies():
            raise ValidationError("Write its ISO 4217 code, such as EUR.")

    def validate_zone(self, field: WordsField) -> None:
        """Refuse what is no time zone."""
        if field.data and field.data not in available_timezones():
            raise ValidationError("Write one such as Europe/Berlin.")

    def new_store(self) -> NewStore:
        """Return what is said of the store; only after `validate`."""
        return NewStore(
            self.slug.data, self.name.data, self.currency.data, self.zone.data, self.is_vendor.data
        )


class HandOverForm(StrictForm):
    """To whom a store goes."""

    email = EmailField("E-mail of the new owner", [needed], most=LONGEST_EMAIL)


class PeopleForm(StrictForm):
    """Whom a site admin looks for, and where the list goes on."""

    q = WordsField("Search", most=LONGEST_ASKED)
    before = IdField()

    def words(self) -> dict[str, Any]:
        """Return what is asked for."""
        return {"asked": self.q.data or "", "before": self.before.data}
