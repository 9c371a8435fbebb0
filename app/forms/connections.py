"""What the page of a connection sends: the account with its key, and from when its sales are wanted."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from wtforms.validators import ValidationError
from wtforms.widgets import PasswordInput

from app.actions.connections import Account
from app.forms.base import StrictForm
from app.forms.fields import PlainField, WordsField
from app.forms.settings import ZoneField
from app.forms.values import needed
from app.outward import target_of

KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
# What is asked stands behind it in one address.
LONGEST_BASE = 500
# Sales of so many days are brought in where no day is named.
DAYS = 90
FIRST_DAY = date(1990, 1, 1)

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class KeyField(WordsField):
    """A secret: what was typed is never sent back."""

    widget = PasswordInput(hide_value=True)

    def read(self, text: str) -> str | None:
        """Return the key; ValueError for one that no header can carry."""
        text = super().read(text) or ""
        if text and not KEY.fullmatch(text):
            raise ValueError("A key is made of plain letters, digits and signs, without blanks.")
        return text or None


class PastDayField(PlainField):
    """A day that has been, such as 2026-08-01."""

    def read(self, text: str) -> date:
        """Return the day; ValueError where it is none, or has not come yet."""
        try:
            day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
        except ValueError:
            day = None
        # Somewhere on earth it is tomorrow already.
        if day is None or not FIRST_DAY <= day <= datetime.now(UTC).date() + timedelta(days=1):
            raise ValueError("Write a day that has been, such as 2026-08-01.")
        return day


class ConnectionForm(StrictForm):
    """An account on a marketplace."""

    base_url = WordsField("Address of the interface", [needed], most=LONGEST_BASE)
    username = WordsField("User name there", [needed], most=100)
    api_key = KeyField("API key", [needed], most=255)
    zone = ZoneField("Time zone of its times", [needed])
    since = PastDayField("Bring in sales since")

    def __init__(self, sent: Any = None, *, may_be_private: bool, shown: Any = None) -> None:
        """Show an empty form, one of the connection that there is, or what was sent."""
        self.may_be_private = may_be_private
        super().__init__(sent, data=shown)

    def validate_base_url(self, field: WordsField) -> None:
        """Refuse what is no address that may be called."""
        if not field.data:
            return
        try:
            target_of(field.data, may_be_private=self.may_be_private)
        except ValueError as wrong:
            raise ValidationError(str(wrong)) from wrong
        if urlsplit(field.data).query or field.data.endswith("?"):
            raise ValidationError("Leave out what begins with ?: the desk asks by itself.")

    def account(self) -> Account:
        """Return the account; only after `validate`."""
        return Account(self.base_url.data.rstrip("/"), self.username.data, self.zone.data)

    def since_in(self, zone: str) -> datetime:
        """Return from when on sales are wanted: a day begins in this zone."""
        day = self.since.data or datetime.now(ZoneInfo(zone)).date() - timedelta(days=DAYS)
        return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
