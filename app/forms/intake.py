"""What a program tells of a purchase, and of what came after it: the bodies of the intake API.

A purchase is that of every other door (`purchases`), with all that the three sources show of a line. Money
is a decimal text. Names are those of the JSON; nested ones are joined by "-", and lists are numbered from 0.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form as PartForm
from wtforms import FormField
from wtforms.validators import ValidationError

from app.actions.postage import Posted, postage_of
from app.actions.purchases import DownloadLimit, LineSaid, Purchase, buyer_key
from app.forms.aftersale import CancelForm
from app.forms.base import Form
from app.forms.fields import Compound, Many, Null, NumberField, TextsField, WordsField
from app.forms.purchases import (
    LONGEST_TEXT,
    MOST_DISCOUNTS,
    MOST_LINES,
    DiscountForm,
    LineForm,
    PartsField,
    PurchaseForm,
    Reduction,
)
from app.forms.values import CurrencyField, InstantField, LinkField, MoneyField, WordField, needed
from app.statuses import Channel, ProductType
from app.statuses import Payment as PaymentCode

LONGEST_SHORT = 500
MOST_DOWNLOADS = 1_000_000
# How a payment that is told by its method counts (Hip's flag_payment); every other method is plainly paid.
CODES = {"paypal": PaymentCode.PAID_PAYPAL, "on_arrival": PaymentCode.ON_ARRIVAL}

_OF_LINE = re.compile(r"lines-([0-9]{1,4})-(id|quantity)", re.ASCII)


class DealForm(PartForm):
    """A deal: when it can be had and redeemed, what it is worth, the number on its voucher."""

    money_in = ""

    start = InstantField("Begins")
    end = InstantField("Ends")
    promo_start = InstantField("Redeemable from")
    promo_end = InstantField("Redeemable until")
    value = MoneyField("Worth")
    number = NumberField("Voucher", least=1)


class DownloadForm(PartForm):
    """How often, or for how many days, a file can be downloaded."""

    limit_type = WordField("Limit", of=DownloadLimit)
    units = NumberField("Units", most=MOST_DOWNLOADS)

    def validate_units(self, field: NumberField) -> None:
        """Ask for both or none."""
        if (field.data is None) != (self.limit_type.data is None):
            raise ValidationError("Send limit_type and units together.")


class CauseForm(PartForm):
    """Whom a share of a line is pledged to."""

    name = WordsField("Cause", most=255)
    percentage = NumberField("Share", most=100)

    def validate_percentage(self, field: NumberField) -> None:
        """Ask for both or none."""
        if (field.data is None) != (self.name.data is None):
            raise ValidationError("Send name and percentage together.")


class IntakeLineForm(LineForm):
    """One line, with all that the sources show of it."""

    shipped_at = None  # type: ignore[assignment]

    description = TextsField("Description", most=LONGEST_TEXT)
    short_description = WordsField("Short description", most=LONGEST_SHORT)
    url = LinkField("Page", most=2000)
    image = LinkField("Picture", most=2000)
    condition = WordsField("Condition", most=16)
    deal = FormField(DealForm)
    download = FormField(DownloadForm)
    cause = FormField(CauseForm)
    discounts = PartsField(FormField(DiscountForm), max_entries=MOST_DISCOUNTS + 1)

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge every field, the money of its parts in the order's currency."""
        for part in (self.deal, *self.discounts.entries):
            part.form.money_in = self.money_in
        return super().validate(extra_validators)

    def validate_product_type(self, field: Any) -> None:
        """Refuse a deal's facts on what is none."""
        if field.data != ProductType.DEAL and any(f.data is not None for f in self.deal.form):
            raise ValidationError("Only a line with product_type 2 has a deal.")

    def validate_discounts(self, field: PartsField) -> None:
        """Refuse what is too much, or no discount of one line."""
        if len(field.entries) > MOST_DISCOUNTS:
            raise ValidationError(f"At most {MOST_DISCOUNTS} discounts are one line's.")
        if any(entry.form.kind.data is Reduction.MARKDOWN for entry in field.entries):
            raise ValidationError("A markdown is the line's sale_price.")

    def said(self) -> LineSaid:
        """Return the line as the acts take it."""
        deal, download, cause = self.deal.form, self.download.form, self.cause.form
        limit = download.limit_type.data
        return replace(
            super().said(),
            description=self.description.data or "",
            short_description=self.short_description.data or "",
            url=self.url.data or "",
            image=self.image.data or "",
            condition=self.condition.data or "New",
            deal_start=deal.start.data,
            deal_end=deal.end.data,
            promo_start=deal.promo_start.data,
            promo_end=deal.promo_end.data,
            deal_value=deal.value.minor,
            deal_number=deal.number.data,
            download_limit_type=limit.value if limit else None,
            download_units=download.units.data,
            cause_name=cause.name.data,
            donation_pct=cause.percentage.data or 0,
            discounts=tuple(discount.form.said() for discount in self.discounts.entries),
        )


class IntakeForm(PurchaseForm):
    """A purchase as a program tells it; its payment is told apart."""

    paid_at = None  # type: ignore[assignment]

    lines = PartsField(FormField(IntakeLineForm), max_entries=MOST_LINES + 1)

    def purchase(self, channel: Channel) -> Purchase:
        """Return the purchase.

        A buyer is known by the key that is sent, else by e-mail, else by user name. Postage that is not
        stated is reckoned from the lines; discounts of lines are discounts of the order.
        """
        told = super().purchase(channel)
        buyer, discount = told.buyer, told.discount + sum(d.amount for x in told.lines for d in x.discounts)
        if buyer.ref is None:
            buyer = replace(buyer, ref=buyer_key(buyer.email, buyer.username))
        postage = told.postage
        if self.postage.minor is None:
            postage = postage_of(
                Posted(x.quantity, x.postage, x.additional, x.additional_per) for x in told.lines
            )
        return replace(told, buyer=buyer, discount=discount, postage=postage)


class PaymentForm(Form):
    """Money that came in for a sale, as a gateway tells it."""

    amount = MoneyField("Amount", [needed])
    currency = CurrencyField("Currency", [needed])
    method = WordsField("Method", most=64)
    gateway_transaction_code = WordsField("Transaction code", most=255)

    money_in = ""

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge the amount in the currency that was sent."""
        self.money_in = self.currency.data or ""
        return bool(super().validate(extra_validators))

    @property
    def code(self) -> PaymentCode:
        """Return how the payment counts."""
        return CODES.get((self.method.data or "").casefold(), PaymentCode.PAID)


class CancellationForm(CancelForm):
    """Pieces that are cancelled: all that can be, where no line is named."""

    def __init__(self, sent: Any = None, **given: Any) -> None:
        super().__init__(sent, **given)
        self.names_lines = any(name.startswith("pieces-") for name in self.was_sent)

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge the fields, and the pieces of the lines named; what all is, the act sees when it is done."""
        if self.names_lines:
            return super().validate(extra_validators)
        return bool(Form.validate(self, extra_validators))


def named_lines(sent: Mapping[str, str], as_one: str) -> MultiDict[str, str]:
    """Return a body whose list of lines is told as pages tell it.

    `{"lines": [{"id": 12, "quantity": 2}]}` becomes `pieces-12=2`, or `item-12=2` where `as_one` is "item".
    What does not fit stays as it came, and is refused as a name that nobody knows: a list that names no line
    must not be taken for none, which means all of them.
    """
    if isinstance(sent.get("lines"), Null):
        return MultiDict((name, text) for name, text in sent.items() if name != "lines")
    if not isinstance(sent.get("lines"), Many):
        return MultiDict(sent)
    found: dict[str, dict[str, str]] = {}
    rest: MultiDict[str, str] = MultiDict()
    for name, text in sent.items():
        of_line = _OF_LINE.fullmatch(name)
        is_read = of_line and (as_one == "pieces" or of_line[2] == "id") and not isinstance(text, Compound)
        if of_line and is_read:
            found.setdefault(of_line[1], {})[of_line[2]] = text
        else:
            rest.add(name, text)
    for n, line in found.items():
        rest.poplist(f"lines-{n}")
        rest.add(f"{as_one}-{line.get('id', '')}", line.get("quantity", "1"))
    if found:
        rest.poplist("lines")
    return rest
