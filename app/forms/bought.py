"""What buyers send: what of their purchases they look for, and their word on one of them."""

from collections.abc import Collection
from typing import Any

from wtforms.validators import ValidationError

from app.forms.aftersale import FeedbackForm, VersionForm, WordsForm
from app.forms.base import Form
from app.forms.fields import IdField, WordsField
from app.forms.filters import PlaceField
from app.forms.values import WordField
from app.queries.purchases import Tab
from app.words import LONGEST_SEARCH


class PurchaseListForm(Form):
    """What the list of purchases may be asked: a tab, words to look for, a place."""

    tab = WordField("Tab", of=Tab)
    q = WordsField("Search", most=LONGEST_SEARCH)
    after = PlaceField()
    before = PlaceField()

    def validate_before(self, field: PlaceField) -> None:
        """Refuse two places at once."""
        if field.data and self.after.data:
            raise ValidationError("Go on from one place, not two.")

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge all fields, and refuse names that no field has or that came twice."""
        is_valid = super().validate(extra_validators)
        strangers = self.strangers()
        if strangers:
            self.form_errors.append(f"“{strangers[0][:64]}” narrows no purchases, or stands here twice.")
        return is_valid and not strangers


class LinesForm(VersionForm):
    """Lines of a purchase, ticked as `item-<id>`."""

    def __init__(self, sent: Any = None, *, lines: Collection[int], **kwargs: Any) -> None:
        super().__init__(sent, **kwargs)
        self.items = [item_id for item_id in lines if f"item-{item_id}" in self.was_sent]
        self.ticked = sum(name.startswith("item-") for name in self.was_sent)

    def own_names(self) -> Collection[str]:
        """Return the names of lines, of whichever purchase: `validate` has its own word for strangers."""
        return [name for name in self.was_sent if name.startswith("item-")]

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge the fields, and refuse lines that are not of this purchase."""
        is_valid = super().validate(extra_validators)
        if self.ticked > len(self.items):
            self.form_errors.append("One of these is no item of this purchase.")
        return is_valid and not self.form_errors


class DisputeForm(LinesForm, WordsForm):
    """What is wrong, and with which lines."""

    def validate_words(self, field: WordsField) -> None:
        """Ask for words."""
        if not field.data and not field.errors:
            raise ValidationError("Write what is wrong.")

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge the fields, and ask for a line."""
        is_valid = super().validate(extra_validators)
        if not self.ticked:
            self.form_errors.append("Tick what it is about: at least one.")
        return is_valid and not self.form_errors


class LineForm(Form):
    """One line of a purchase."""

    item = IdField("Item")

    def validate_item(self, field: IdField) -> None:
        """Ask for a line."""
        if field.data is None and not field.errors:
            raise ValidationError("Say which item.")


class LineFeedbackForm(FeedbackForm, LineForm):
    """Feedback on the line it names."""
