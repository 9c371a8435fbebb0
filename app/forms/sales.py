"""What may be asked of a sale and its items: seed 000's PUT, and the ship form that widens it."""

from collections.abc import Collection, Mapping
from typing import Any

from wtforms.validators import ValidationError

from app.actions.moves import Asked
from app.actions.parcels import Tracking
from app.actions.payment import PAYS
from app.carriers import recognise
from app.errors import InvalidStatus
from app.forms.base import Form
from app.forms.fields import CodeField, NumberField, TickField, WordsField, read_id
from app.statuses import SETTABLE, ItemStatus, Payment

LONGEST_TRACKING = 64
LONGEST_ACK = 255


class ParcelForm(Form):
    """Carrier and number, as every way to ship takes them (seed 000, PUT: 64 characters each)."""

    tracking_carrier = WordsField("Carrier", most=LONGEST_TRACKING)
    tracking_number = WordsField("Tracking number", most=LONGEST_TRACKING)

    def tracking(self) -> Tracking:
        """Return what came of carrier and number."""
        return Tracking(self.tracking_carrier.data, self.tracking_number.data)


class ItemMoveForm(ParcelForm):
    """What may be asked of one item (seed 000, PUT; the desk's item form)."""

    status = CodeField("Status", of=ItemStatus, only=SETTABLE, sentence=InvalidStatus.sentence)
    product_deal_vendor_ack = WordsField("Redeemed by", most=LONGEST_ACK)
    version = NumberField(least=1)

    def asked(self) -> Asked:
        """Return what was sent, as the act takes it."""
        return Asked(self.status.data, self.tracking(), self.product_deal_vendor_ack.data, self.version.data)


class ShipForm(ParcelForm):
    """What the desk's ship form sends: pieces of each line, carrier, number or "no number", notify.

    Ticked `with-<sale>` another sale goes in the same parcel; its value is the version that was seen.
    """

    later = TickField("Keep the number, send later")
    no_number = TickField("No number")
    notify = TickField("Tell the buyer")
    version = NumberField(least=1)

    def __init__(
        self,
        sent: Any = None,
        *,
        left: dict[int, int],
        pieces: Mapping[int, int] | None = None,
        beside: Collection[int] = (),
        **kwargs: Any,
    ) -> None:
        """Take what was sent for these lines: `left` is item id -> pieces that may go now.

        `pieces` is what a fresh form begins with (all that is left, where nothing is said); `beside` names
        the sales that may go along.
        """
        super().__init__(sent, **kwargs)
        self.left = left
        self.beside = beside
        self.together: dict[int, int] = {}
        self.pieces: dict[int, int] = {}
        self.pieces_errors: dict[int, str] = {}
        self.typed = {i: self.was_sent.get(f"pieces-{i}", str((pieces or left)[i])) for i in left}

    def tracking(self) -> Tracking:
        """Return carrier and number; a carrier left open is filled in where the number fits just one.

        "No number" is an empty one: a draft's number goes away with it.
        """
        carrier, number, _ = super().tracking()
        fits = recognise(number) if number and not carrier else ()
        number = "" if self.no_number.data else number
        return Tracking(fits[0].carrier if len(fits) == 1 else carrier, number)

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge the fields and the pieces of each line."""
        is_valid = super().validate(extra_validators)
        for item_id, left in self.left.items():
            self._judge_pieces(item_id, left)
        if not self.pieces_errors and not any(self.pieces.values()):
            self.form_errors.append("Say how many pieces to ship: at least one.")
        self._judge_together()
        return is_valid and not self.pieces_errors and not self.form_errors

    def _judge_together(self) -> None:
        """Read which other sales go along; one that no longer may is named."""
        for name, text in self.was_sent.items():
            if not name.startswith("with-"):
                continue
            try:
                order_id, version = read_id(name.removeprefix("with-")), read_id(text)
            except ValueError:
                order_id, version = 0, 0
            if order_id not in self.beside:
                self.form_errors.append("A sale that you ticked can no longer go along: look again.")
                return
            self.together[order_id] = version

    def own_names(self) -> Collection[str]:
        """Return the names of pieces and of sales that go along."""
        return [name for name in self.was_sent if name.startswith(("pieces-", "with-"))]

    def is_ticked(self, order_id: int) -> bool:
        """Tell whether another sale was ticked to go along."""
        return f"with-{order_id}" in self.was_sent

    def _judge_pieces(self, item_id: int, left: int) -> None:
        """Read how many pieces of one line go now; a line that was not sent stays."""
        typed = self.was_sent.get(f"pieces-{item_id}", "")
        number = typed.strip() or "0"
        if not (number.isascii() and number.isdigit() and len(number) <= 9):
            self.pieces_errors[item_id] = "Write a whole number of pieces, or leave it empty."
        elif int(number) > left:
            self.pieces_errors[item_id] = f"Only {left} left to ship."
        else:
            self.pieces[item_id] = int(number)

    def validate_no_number(self, field: TickField) -> None:
        """Ask for a number, or for the word that there is none; not for both."""
        if field.data and self.tracking_number.data:
            raise ValidationError("Take the tick away, or the number.")
        if not field.data and not self.tracking_number.data and not self.tracking_number.errors:
            raise ValidationError("Type the number, or tick “No number”.")


class PaidForm(Form):
    """What "mark paid" sends."""

    payment = CodeField(
        "Paid how",
        of=Payment,
        only=PAYS,
        sentence="Choose how it is paid.",
    )
    version = NumberField(least=1)

    def validate_payment(self, field: CodeField) -> None:
        """Ask for a choice."""
        if field.data is None:
            raise ValidationError("Choose how it is paid.")


class DraftForm(Form):
    """What "send" and "void" of a parcel send: the version of the parcel that was seen."""

    version = NumberField(least=1)
