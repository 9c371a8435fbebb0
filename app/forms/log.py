"""What the log of a store, or of the site, may be asked."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from wtforms.validators import ValidationError

from app.forms.base import StrictForm
from app.forms.fields import IdField, WordsField
from app.forms.filters import DayField, midnight
from app.queries.log import Asked


class NumberField(IdField):
    """The number of a sale."""

    def read(self, text: str) -> int:
        """Return the number; ValueError in words of its own: people know it, other than ids."""
        try:
            return super().read(text)
        except ValueError:
            raise ValueError("The number of a sale has digits alone, such as 10412.") from None


class LogForm(StrictForm):
    """Who did what to which sale on which day; `before` is where the list goes on."""

    person = IdField("Person")
    verb = WordsField("What", most=32)
    number = NumberField("Sale number")
    day = DayField("Day")
    before = IdField()

    def __init__(self, sent: Any = None, *, verbs: Collection[str]) -> None:
        """Offer these acts."""
        self.verbs = verbs
        super().__init__(sent)

    def validate_verb(self, field: WordsField) -> None:
        """Refuse what nobody ever does."""
        if field.data and field.data not in self.verbs:
            raise ValidationError("Choose one of these.")

    def asked(self, zone: str, store_id: int | None) -> Asked:
        """Return what is asked for; the day is one of this time zone. Only after `validate`."""
        day = self.day.data
        return Asked(
            store_id=store_id,
            person=self.person.data,
            verb=self.verb.data,
            number=self.number.data,
            begin=midnight(day, zone) if day else None,
            end=midnight(day + timedelta(days=1), zone) if day else None,
        )

    def query(self, **changes: Any) -> str:
        """Return the query string as it is, with these fields changed (None: taken away)."""
        fields = {field.name: field._value() for field in self if field.name != "before"}
        fields.update(changes)
        return urlencode({name: value for name, value in fields.items() if value})


class SiteLogForm(LogForm):
    """The same, and in which store."""

    store = WordsField("Store", most=64)

    def asked(self, zone: str, store_id: int | None) -> Asked:
        """Return what is asked for."""
        return super().asked(zone, store_id)._replace(slug=self.store.data)
