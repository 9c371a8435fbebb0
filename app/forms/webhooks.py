"""What the page of a store's webhooks sends: an address with what it is told, and where the log goes on."""

import re
import secrets
from typing import Any

from wtforms import Form as PartForm
from wtforms import FormField
from wtforms.validators import ValidationError

from app.actions.hooks import Happening
from app.actions.webhooks import Wanted
from app.forms.base import StrictForm
from app.forms.fields import IdField, NumberField, TickField, WordsField
from app.forms.values import needed
from app.outward import LONGEST_URL, target_of

KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)

# A tick for each thing that a webhook may be told of.
HappeningsForm = type(
    "HappeningsForm", (PartForm,), {kind.name.lower(): TickField(kind.label) for kind in Happening}
)


class WantedForm(StrictForm):
    """What a webhook is told."""

    events: Any = FormField(HappeningsForm)
    is_for_all = TickField("Also sales of other channels")

    events_error = ""

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge every field; one tick at least, and nothing that is no field."""
        is_valid = super().validate(extra_validators)
        wrong = [str(fault) for tick in (*self.events.form, self.is_for_all) for fault in tick.errors]
        if wrong:
            self.events_error = wrong[0]
        elif not any(tick.data for tick in self.events.form):
            self.events_error = "Tick one thing at least: otherwise nothing would ever be told."
            is_valid = False
        return is_valid

    def wanted(self) -> Wanted:
        """Return what was ticked; only after `validate`."""
        ticked = (kind.value for kind in Happening if self.events.form[kind.name.lower()].data)
        return Wanted(tuple(ticked), self.is_for_all.data)


class WebhookForm(WantedForm):
    """A new webhook. `key` comes with the page: sent twice, it adds one alone."""

    url = WordsField("Address", [needed], most=LONGEST_URL)
    key = WordsField(most=64)

    def __init__(self, sent: Any = None, *, may_be_private: bool) -> None:
        """Show an empty form with all ticked, or what was sent."""
        self.may_be_private = may_be_private
        ticked = {"events": {kind.name.lower(): True for kind in Happening}}
        super().__init__(sent, data=ticked if sent is None else None)

    @property
    def page_key(self) -> str:
        """Return the key that the page carries: the one that was sent, else a new one."""
        return self.key.data if KEY.fullmatch(self.key.data or "") else secrets.token_hex(16)

    def validate_url(self, field: WordsField) -> None:
        """Refuse what is no address that may be called."""
        if field.data:
            try:
                target_of(field.data, may_be_private=self.may_be_private)
            except ValueError as wrong:
                raise ValidationError(str(wrong)) from wrong

    def validate_key(self, field: WordsField) -> None:
        """Refuse a key that no page gave out."""
        if not KEY.fullmatch(field.data or ""):
            raise ValidationError("Open the page anew and send the form again.")


class RotateForm(StrictForm):
    """Which secret is made anew: sent twice, the form makes one alone."""

    number: Any = NumberField(validators=[needed], least=0)


class MessageLogForm(StrictForm):
    """Where the log goes on."""

    before = IdField()
