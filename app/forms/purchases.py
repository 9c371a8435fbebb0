"""What a purchase may be: one form for every file that brings orders, and for the intake API.

Its fields have the names of the intake's JSON; nested ones are joined by "-" ("lines-0-title"). Money is
sent as a decimal text and read in the order's currency. The form makes a `Purchase`; whether the desk has
it already is for the act to say.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from wtforms import FieldList, FormField
from wtforms import Form as PartForm
from wtforms.validators import ValidationError

from app.actions.purchases import AddressSaid, BuyerSaid, DiscountSaid, LineSaid, Purchase
from app.forms.base import Form
from app.forms.fields import CodeField, MapField, NumberField, TextsField, TickField, WordsField
from app.forms.values import (
    MOST_MONEY,
    AdditionalField,
    CountryField,
    CurrencyField,
    InstantField,
    MoneyField,
    WordField,
    needed,
)
from app.statuses import Channel, Delivery, OrderKind, ProductType

MOST_LINES = 500
MOST_DISCOUNTS = 20
MOST_PIECES = 1_000_000
LONGEST_TEXT = 5000

EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class EmailField(WordsField):
    """Somebody's e-mail."""

    def read(self, text: str) -> str | None:
        """Return it; ValueError for what cannot be an address."""
        text = super().read(text) or ""
        if text and not EMAIL.fullmatch(text):
            raise ValueError("Write an address such as name@example.com.")
        return text or None


class BuyerForm(PartForm):
    """Who bought."""

    name = WordsField("Buyer's name", most=255)
    username = WordsField("Buyer's user name", most=255)
    email = EmailField("Buyer's e-mail", most=320)
    external_ref = WordsField("Buyer's key", most=255)


class AddressForm(PartForm):
    """Where it goes."""

    name = WordsField("Name", most=255)
    given_name = WordsField("Given name", most=255)
    family_name = WordsField("Family name", most=255)
    street = WordsField("Street", most=255)
    street2 = WordsField("Second line", most=255)
    city = WordsField("City", most=255)
    region = WordsField("Region", most=255)
    region_code = WordsField("Region's code", most=16)
    postal_code = WordsField("Postcode", most=32)
    country = CountryField("Country")
    phone = WordsField("Telephone", most=64)

    def said(self) -> AddressSaid | None:
        """Return the address, None where no place is named."""
        if not any(f.data for f in (self.street, self.city, self.postal_code, self.country)):
            return None
        texts = {f.short_name: f.data or "" for f in self}
        texts.update(given_name=self.given_name.data, family_name=self.family_name.data)
        return AddressSaid(**texts)


class Reduction(StrEnum):
    """What was taken off: a lower price, a coupon's worth, the postage."""

    MARKDOWN = "markdown"
    COUPON = "coupon"
    SHIPPING = "shipping"


class DiscountForm(PartForm):
    """A reduction of the whole order."""

    money_in = ""

    kind = WordField("Kind", [needed], of=Reduction)
    code = WordsField("Code", most=255)
    amount = MoneyField("Amount", [needed])

    def said(self) -> DiscountSaid:
        """Return the discount as the acts take it."""
        return DiscountSaid(self.kind.data.value, self.code.data or "", self.amount.minor or 0)


class LineForm(PartForm):
    """One line."""

    money_in = ""
    is_double = False

    title = WordsField("Title", [needed], most=255)
    quantity = NumberField("Quantity", [needed], least=1, most=MOST_PIECES)
    price = MoneyField("Price", [needed])
    sale_price = MoneyField("Sale price")
    external_id = WordsField("Line id", most=255)
    listing_id = WordsField("Listing id", most=255)
    sku = WordsField("SKU", most=255)
    options = MapField("Options")
    personalisation = TextsField("Personalisation", most=LONGEST_TEXT)
    product_type = CodeField("Product type", of=ProductType)
    delivery = WordField("Delivery", of=Delivery)
    is_pickup = TickField("Picked up")
    postage = MoneyField("Postage")
    postage_additional = AdditionalField("Additional postage")
    weight = WordsField("Weight", most=32)
    weight_unit = WordsField("Unit of weight", most=16)
    shipped_at = InstantField("Shipped")

    def validate_external_id(self, field: WordsField) -> None:
        """Refuse an id that another line of the purchase has."""
        if self.is_double:
            raise ValidationError(f"“{field.data}” stands on another line of the same order.")

    def said(self) -> LineSaid:
        """Return the line as the acts take it."""
        return LineSaid(
            title=self.title.data,
            quantity=self.quantity.data,
            price=self.price.minor or 0,
            external_id=self.external_id.data,
            listing_id=self.listing_id.data,
            sku=self.sku.data or "",
            personalisation=self.personalisation.data or "",
            options=self.options.data,
            type=self.product_type.data or ProductType.REGULAR,
            delivery=self.delivery.data or Delivery.PHYSICAL,
            is_pickup=self.is_pickup.data,
            sale_price=self.sale_price.minor,
            postage=self.postage.minor or 0,
            additional=self.postage_additional.minor or 0,
            additional_per=self.postage_additional.per,
            weight=self.weight.data,
            unit=self.weight_unit.data,
        )


class PartsField(FieldList):  # type: ignore[type-arg]
    """Parts in a row, numbered from 0; numbers in other digits than ours are no parts."""

    def _extract_indices(self, prefix: str, formdata: Any) -> Iterator[int]:
        begins = f"{prefix}-"
        for name in formdata:
            if name.startswith(begins):
                number = name[len(begins) :].split("-", 1)[0]
                if number.isascii() and number.isdigit() and len(number) <= 4:
                    yield int(number)


class PurchaseForm(Form):
    """One purchase."""

    external_id = WordsField("Outside id", most=255)
    kind = WordField("Kind", of=OrderKind)
    currency = CurrencyField("Currency", [needed])
    buyer = FormField(BuyerForm)
    address = FormField(AddressForm)
    # One more than may come: a list that is too long is refused, never cut.
    lines = PartsField(FormField(LineForm), max_entries=MOST_LINES + 1)
    discounts = PartsField(FormField(DiscountForm), max_entries=MOST_DISCOUNTS + 1)
    discount = MoneyField("Discount")
    postage = MoneyField("Postage")
    tax = MoneyField("Tax")
    total = MoneyField("Total")
    placed_at = InstantField("Ordered")
    is_day_only = TickField("The day alone is known")
    paid_at = InstantField("Paid")
    postage_method = WordsField("Postage method", most=255)
    gateway_transaction_code = WordsField("Transaction code", most=255)
    buyer_note = TextsField("Note of the buyer", most=LONGEST_TEXT)
    gift_message = TextsField("Gift message", most=LONGEST_TEXT)

    money_in = ""

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge every field, each amount in the order's currency, and then their sum."""
        self.money_in = self.currency.data or ""
        for entry in (*self.lines.entries, *self.discounts.entries):
            entry.form.money_in = self.money_in
        seen: set[str] = set()
        for entry in self.lines.entries:
            line_id = entry.form.external_id.data
            entry.form.is_double = line_id in seen
            seen.update({line_id} if line_id else ())
        is_valid = super().validate(extra_validators)
        if not self.lines.entries:
            self.form_errors.append("A purchase needs at least one line.")
        elif len(self.lines.entries) > MOST_LINES:
            self.form_errors.append(f"At most {MOST_LINES} lines are one purchase.")
        if len(self.discounts.entries) > MOST_DISCOUNTS:
            self.form_errors.append(f"At most {MOST_DISCOUNTS} discounts are one purchase's.")
        if is_valid and not self.form_errors:
            self._judge_sum()
        return is_valid and not self.form_errors

    def _judge_sum(self) -> None:
        """Refuse a sum below nothing, or beyond what is counted."""
        money = self.purchase(Channel.INTAKE).money
        if money["total_minor"] < 0:
            self.form_errors.append("The discount is more than everything else together.")
        if money["items_minor"] > MOST_MONEY:
            self.form_errors.append("The lines add up to more than can be counted here.")

    def purchase(self, channel: Channel) -> Purchase:
        """Return what was sent as the acts take it; only after `validate`."""
        discounts = tuple(e.form.said() for e in self.discounts.entries)
        buyer = self.buyer.form
        return Purchase(
            channel=channel.value,
            external_id=self.external_id.data,
            kind=(self.kind.data or OrderKind.FIXED_PRICE).value,
            currency=self.currency.data,
            buyer=BuyerSaid(
                buyer.name.data or "", buyer.username.data or "", buyer.email.data, buyer.external_ref.data
            ),
            address=self.address.form.said(),
            lines=tuple(e.form.said() for e in self.lines.entries),
            placed_at=self.placed_at.data or datetime.now(UTC),
            is_day_only=self.is_day_only.data,
            discount=sum(d.amount for d in discounts) if self.discount.minor is None else self.discount.minor,
            discounts=discounts,
            postage=self.postage.minor or 0,
            tax=self.tax.minor or 0,
            total=self.total.minor,
            postage_method=self.postage_method.data or "",
            gateway_code=self.gateway_transaction_code.data,
            buyer_note=self.buyer_note.data or "",
            gift_message=self.gift_message.data or "",
        )
