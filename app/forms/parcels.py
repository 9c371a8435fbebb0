"""What the lists of parcels and of what needs somebody may be asked."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from app.forms.base import Form
from app.forms.fields import WordsField
from app.forms.filters import DayField, PlaceField, midnight
from app.forms.sales import LONGEST_TRACKING
from app.forms.values import WordField
from app.queries.attention import Attention
from app.queries.parcels import ParcelTab, Wanted


class WalkForm(Form):
    """A list that is walked from place to place; it refuses names that it has no field of."""

    after = PlaceField()
    before = PlaceField()

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge all fields, names that no field has or that came twice, and two places at once."""
        is_valid = super().validate(extra_validators)
        strangers = self.strangers()
        if strangers:
            self.form_errors.append(f"“{strangers[0][:64]}” is no filter of this list, or stands here twice.")
        elif self.after.data and self.before.data:
            self.form_errors.append("Go on from one place, not two.")
        return is_valid and not self.form_errors

    def query(self, **changes: Any) -> str:
        """Return the list's query string as it is, with these fields changed (None: taken away)."""
        fields = {f.name: f._value() for f in self if f.name not in {"after", "before"}}
        fields.update(changes)
        return urlencode({name: value for name, value in fields.items() if value})


class AttentionForm(WalkForm):
    """What the list of what needs somebody may be asked: one reason of them all."""

    kind = WordField("Reason", of=Attention)


class ParcelListForm(WalkForm):
    """What the list of parcels may be asked: a tab, a carrier, a day of the store's zone."""

    tab = WordField("Tab", of=ParcelTab)
    carrier = WordsField("Carrier", most=LONGEST_TRACKING)
    day = DayField("Day")

    def wanted_in(self, zone: str) -> Wanted:
        """Return what is asked for; the day is a whole day of this time zone."""
        day = self.day.data
        if day is None:
            return Wanted(self.carrier.data)
        return Wanted(self.carrier.data, midnight(day, zone), midnight(day + timedelta(days=1), zone))
