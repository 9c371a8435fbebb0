"""What site admins send: a new store, who it goes to, and what is searched for among people."""

import re
from typing import Any

from app.actions.site import NewStore
from app.forms.base import Form, StrictForm
from app.forms.fields import IdField, PlainField, TickField, WordsField
from app.forms.settings import ZoneField
from app.forms.values import LONGEST_NAME, CurrencyField, EmailField, needed

SLUG = re.compile(r"[a-z][a-z0-9-]{1,62}", re.ASCII)
LONGEST_ASKED = 100


class SlugField(PlainField):
    """A store's name in addresses."""

    def read(self, text: str) -> str:
        """Return the slug; ValueError where it is none."""
        if not SLUG.fullmatch(text):
            raise ValueError("2 to 63 of a-z, 0-9 and -, a letter first.")
        return text


class TypedCurrencyField(CurrencyField):
    """A currency as people type it: in small letters too."""

    def read(self, text: str) -> str:
        """Return the ISO 4217 code; ValueError where it is none that is known."""
        return super().read(text.upper())


class StoreOpenForm(Form):
    """A new store."""

    slug = SlugField("Name in addresses", [needed])
    name = WordsField("Name", [needed], most=LONGEST_NAME)
    currency = CurrencyField("Currency", [needed], default="USD")
    zone = ZoneField("Time zone", default="UTC")
    is_vendor = TickField("It redeems deals")

    def new_store(self) -> NewStore:
        """Return what is said of the store; only after `validate`."""
        return NewStore(
            self.slug.data,
            self.name.data,
            self.currency.data,
            self.zone.data or "UTC",
            self.is_vendor.data,
        )


class StoreForm(StoreOpenForm, StrictForm):
    """A new store and whose it is."""

    owner = EmailField("Owner’s e-mail", [needed])
    currency = TypedCurrencyField("Currency", [needed], default="USD")


class HandOverForm(StrictForm):
    """To whom a store goes."""

    email = EmailField("E-mail of the new owner", [needed])


class StoresForm(StrictForm):
    """Which stores a site admin looks for, or which one, and where the list goes on."""

    q = WordsField("Search", most=LONGEST_ASKED)
    after = IdField()
    only = IdField()


class PeopleForm(StrictForm):
    """Whom a site admin looks for, and where the list goes on."""

    q = WordsField("Search", most=LONGEST_ASKED)
    before = IdField()

    def words(self) -> dict[str, Any]:
        """Return what is asked for."""
        return {"asked": self.q.data or "", "before": self.before.data}
