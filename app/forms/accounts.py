"""What people set for themselves."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from wtforms.validators import AnyOf, Optional, ValidationError

from app.access import READ, SITE, WRITE
from app.forms.base import Form, StrictForm
from app.forms.fields import IdField, PlainField, TickField, WordsField
from app.forms.values import needed
from app.models import Store
from app.queries.people import StoreFacts

LONGEST_TOKEN_NAME = 64
# Bytes of a path as the cookie keeps it: a browser drops a cookie of more than four thousand.
LONGEST_WAY = 1500
# For how many days a token works, as it is sent, and in words; the third is what a new form proposes.
LASTS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "365 days", "never": "Until you end it"}


def is_of_this_site(path: str) -> bool:
    """Tell whether a path leads to a page of ours: one slash, and nothing a browser could read otherwise."""
    return path.startswith("/") and not path.startswith("//") and not set(path) & set("\\\r\n\t\x00")


def is_short_way(path: str) -> bool:
    """Tell whether a cookie can keep a path until somebody is signed in: longer ones browsers drop."""
    return len(path.encode("ascii", "backslashreplace")) <= LONGEST_WAY


class ThemeForm(Form):
    """Light, dark or as the system has it, and the page to go back to."""

    theme = WordsField("Theme", most=8, validators=[Optional(), AnyOf(["auto", "light", "dark"])])
    next = WordsField(most=2000)

    def way_back(self) -> str | None:
        """Return the page it was chosen on, where it is one of ours."""
        path = self.next.data
        return path if path and is_of_this_site(path) else None


class LastsField(PlainField):
    """For how long a token works: one of LASTS."""

    def read(self, text: str) -> str:
        """Return it as it was sent; ValueError where it is not offered."""
        if text not in LASTS:
            raise ValueError("Choose how long it works.")
        return text


class TokenForm(StrictForm):
    """A new token: what it is called, which stores it reaches, what it may do and for how long."""

    name = WordsField("Name", [needed], most=LONGEST_TOKEN_NAME)
    store = IdField("Reaches")
    read = TickField("See sales and purchases")
    write = TickField("Change them: ship, note, say paid")
    site = TickField("Run the site: make stores and accounts, hand people over")
    lasts = LastsField("Works for", [needed], default="90")

    def __init__(
        self, sent: Any = None, *, stores: Sequence[Store | StoreFacts], runs_site: bool = False
    ) -> None:
        """Offer these stores; without one, a token reaches all that its person can. Site admins: the site."""
        self.stores, self.runs_site = stores, runs_site
        super().__init__(sent, data={"read": True})
        if not runs_site:
            del self.site

    def validate_store(self, field: IdField) -> None:
        """Refuse a store that is not offered."""
        if field.data is not None and self.chosen_store is None:
            raise ValidationError("Choose one of these.")

    def validate_write(self, field: TickField) -> None:
        """Refuse a token that may do nothing."""
        if not self.scopes:
            raise ValidationError("Tick one at least: a token without them may do nothing.")

    def validate_site(self, field: TickField) -> None:
        """Refuse one store's token for the whole site."""
        if field.data and self.store.data is not None:
            raise ValidationError("A token of one store cannot run the site: let it reach all.")

    @property
    def chosen_store(self) -> Store | StoreFacts | None:
        """Return the one store that it is for; None for all."""
        return next((store for store in self.stores if store.id == self.store.data), None)

    @property
    def scopes(self) -> list[str]:
        """Return what the token may do."""
        ticks = {READ: self.read, WRITE: self.write, **({SITE: self.site} if self.runs_site else {})}
        return [scope for scope, tick in ticks.items() if tick.data]

    @property
    def how_long(self) -> timedelta | None:
        """Return for how long it works; None for ever. Only after `validate`."""
        return None if self.lasts.data == "never" else timedelta(days=int(self.lasts.data))
