"""What is sent about a sale after it was made: cancelled, refunded, come back, wrong, noted, readdressed."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from wtforms.validators import ValidationError

from app.actions.aftersale import Reason
from app.actions.purchases import AddressSaid
from app.forms.base import Form
from app.forms.fields import CodeField, NumberField, PlainField, TextsField, TickField, WordsField, read_word
from app.forms.purchases import AddressForm
from app.money import parse_amount
from app.statuses import Payment

LONGEST_NOTE = 4000
LONGEST_FEEDBACK = 140


class ReasonField(PlainField):
    """Why lines are cancelled or money goes back."""

    def read(self, text: str) -> Reason:
        """Return the reason; ValueError names those that there are."""
        found = read_word(text, Reason)
        assert isinstance(found, Reason)
        return found


class VersionForm(Form):
    """What every form of a sale's page carries: the version of the sale that its sender saw."""

    version = NumberField(least=1)


class PiecesForm(VersionForm):
    """Pieces of lines, sent as `pieces-<item id>`; `most` says how many of each line there can be."""

    of = "left"

    def __init__(self, sent: Any = None, *, most: Mapping[int, int], **kwargs: Any) -> None:
        super().__init__(sent, **kwargs)
        self.most = dict(most)
        self.pieces: dict[int, int] = {}
        self.pieces_errors: dict[int, str] = {}
        self.typed = {i: self.was_sent.get(f"pieces-{i}", "") for i in self.most}

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge the fields and the pieces of each line."""
        is_valid = super().validate(extra_validators)
        for item_id, most in self.most.items():
            self._judge_pieces(item_id, most)
        if not self.pieces_errors and not self.pieces:
            self.form_errors.append("Say how many pieces: at least one.")
        return is_valid and not self.pieces_errors and not self.form_errors

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield (name, message) of all that is wrong, a line's pieces under the name they came by."""
        yield from ((f"pieces-{item_id}", text) for item_id, text in self.pieces_errors.items())
        yield from super().faults()

    def own_names(self) -> Collection[str]:
        """Return the names of pieces, of whichever line."""
        return [name for name in self.was_sent if name.startswith("pieces-")]

    def too_much(self) -> str:
        """Say what the form does not read; pieces of a line that has none any more are no others'."""
        for name in self.own_names():
            known = {f"pieces-{item_id}" for item_id in self.most}
            if name not in known and self.was_sent[name].strip() not in {"", "0"}:
                return "One of these lines has none any more: look at them as they are now."
        return super().too_much()

    def _judge_pieces(self, item_id: int, most: int) -> None:
        """Read how many pieces of one line are meant; a line that was not sent is not."""
        number = self.typed[item_id].strip() or "0"
        if not (number.isascii() and number.isdigit() and len(number) <= 9):
            self.pieces_errors[item_id] = "Write a whole number of pieces, or leave it empty."
        elif int(number) > most:
            self.pieces_errors[item_id] = f"Only {most} {self.of}."
        elif int(number):
            self.pieces[item_id] = int(number)


class CancelForm(PiecesForm):
    """What "cancel" sends."""

    reason = ReasonField("Why")
    stock_back = TickField("Put the pieces back into stock")
    notify = TickField("Tell the buyer")

    def validate_reason(self, field: ReasonField) -> None:
        """Ask for a reason."""
        if field.data is None and not field.errors:
            raise ValidationError("Choose why.")


class ReturnForm(PiecesForm):
    """What "it came back" sends."""

    of = "out"
    stock_back = TickField("Put the pieces back into stock")


class RefundForm(VersionForm):
    """What "give money back" sends: an amount, and which lines it is for (`item-<id>`)."""

    reason = ReasonField("Why")
    is_pending = TickField("It has not gone back yet")
    notify = TickField("Tell the buyer")

    def __init__(self, sent: Any = None, *, currency: str, lines: Mapping[int, str], **kwargs: Any) -> None:
        super().__init__(sent, **kwargs)
        self.currency = currency
        self.items = [item_id for item_id in lines if f"item-{item_id}" in self.was_sent]
        self.amount: int | None = None
        self.amount_error = ""

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield (name, message) of all that is wrong, the amount first."""
        if self.amount_error:
            yield "amount", self.amount_error
        yield from super().faults()

    def own_names(self) -> Collection[str]:
        """Return the names of the amount and of the lines that it is for."""
        return ["amount", *(f"item-{item_id}" for item_id in self.items)]

    @property
    def typed_amount(self) -> str:
        """Return what was typed for the amount."""
        return self.was_sent.get("amount", "")

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge the fields and the amount."""
        is_valid = super().validate(extra_validators)
        try:
            self.amount = parse_amount(self.typed_amount.strip(), self.currency)
            if self.amount <= 0:
                raise ValueError("Write an amount greater than nothing.")
        except ValueError as wrong:
            self.amount_error = str(wrong)
        return is_valid and not self.amount_error

    def validate_reason(self, field: ReasonField) -> None:
        """Ask for a reason."""
        if field.data is None and not field.errors:
            raise ValidationError("Choose why.")


class SettleForm(VersionForm):
    """What "the money has gone back" sends."""

    notify = TickField("Tell the buyer")


class NoteForm(Form):
    """A note, and whether the buyer reads it."""

    body = TextsField("Note", most=LONGEST_NOTE)
    is_visible = TickField("The buyer reads this")
    confirmed = TickField("Yes, the buyer is to read this")

    def validate_body(self, field: TextsField) -> None:
        """Ask for words."""
        if not field.data and not field.errors:
            raise ValidationError("Write something first.")

    def validate_confirmed(self, field: TickField) -> None:
        """Ask once more before words go to the buyer: private and visible are never mixed up."""
        if self.is_visible.data and not field.data:
            raise ValidationError("The buyer will read this: tick once more, and send it.")


class WordsForm(VersionForm):
    """Words that go with an act: an answer, what is wrong."""

    words = TextsField("In your words", most=LONGEST_NOTE)


class CorrectAddressForm(AddressForm, VersionForm):
    """A corrected address."""

    def validate_name(self, field: WordsField) -> None:
        """Ask for a name."""
        if not field.data and not field.errors:
            raise ValidationError("Write whom it goes to.")

    def validate_street(self, field: WordsField) -> None:
        """Ask for a place."""
        if self.told() is None and not field.errors:
            raise ValidationError("Write where it goes.")

    def told(self) -> AddressSaid | None:
        """Return the address; the version is none of it."""
        texts = {f.short_name: f.data or "" for f in self if f.short_name != "version"}
        if not any(texts[name] for name in ("street", "city", "postal_code", "country")):
            return None
        texts.update(given_name=self.given_name.data, family_name=self.family_name.data)
        return AddressSaid(**texts)


class PaidWordForm(VersionForm):
    """A buyer's word on the payment."""

    code = CodeField(
        "Payment",
        of=Payment,
        only=frozenset({Payment.UNPAID, Payment.PAID, Payment.ON_ARRIVAL}),
        sentence="Choose one.",
    )

    def validate_code(self, field: CodeField) -> None:
        """Ask for a choice."""
        if field.data is None and not field.errors:
            raise ValidationError("Choose one.")


class FeedbackForm(Form):
    """Feedback on one line."""

    value = NumberField("Stars", least=1, most=5)
    text = WordsField("In a few words", most=LONGEST_FEEDBACK)

    def validate_value(self, field: NumberField) -> None:
        """Ask for stars."""
        if field.data is None and not field.errors:
            raise ValidationError("Choose 1 to 5.")
