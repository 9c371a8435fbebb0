"""What Okanjo's calls may be asked: filters, which fields and objects to show, which part of a list."""

from typing import Any, ClassVar

from wtforms.validators import StopValidation, ValidationError

from app.actions.buyers_word import LONGEST_FEEDBACK
from app.actions.moves import Asked
from app.api.okanjo.objects import BOUGHT, SALE, Shape, Shown
from app.api.okanjo.orders import ORDERED, WITHIN_ITEMS
from app.errors import InvalidStatus
from app.forms.base import Form
from app.forms.fields import CodeField, NumberField, PlainField, WordsField
from app.forms.filters import CodesFilter, FilterForm, IdFilter, IdsFilter, SaleFilterForm
from app.forms.sales import ItemMoveForm
from app.models import Order, OrderItem
from app.queries.told_purchases import Part
from app.statuses import ItemStatus

PAGE_SIZE, LARGEST_PAGE = 25, 100
REQUIRE_RATING = "Require rating."


class NamesField(PlainField):
    """Names, comma-separated (seed 000: `string csv`)."""

    def read(self, text: str) -> list[str]:
        """Return the names, each once."""
        return list(dict.fromkeys(part.strip(" ") for part in text.split(",")))


class ShowForm(Form):
    """What to show of each object (seed 000, "Fields & Includes"): only what it has."""

    shape: ClassVar[Shape] = SALE

    embed = NamesField()
    fields = NamesField()

    def validate_embed(self, field: NamesField) -> None:
        """Refuse an object that is none of these."""
        if not self.shape.embeds.keys() >= set(field.data or ()):
            raise ValidationError("Name only what the object has.")

    def validate_fields(self, field: NamesField) -> None:
        """Refuse a field that there is not, and one of an object that is not embedded."""
        embedded = set(self.embed.data or ())
        for name in field.data or ():
            if name not in self.shape.names:
                raise ValidationError("Name only what the object has.")
            whole = name.partition(".")[0]
            if whole in self.shape.embeds and whole not in embedded:
                raise ValidationError("Embed the object whose field is asked for.")

    def shown(self) -> Shown:
        """Return what to show, as the presenters take it."""
        return Shown.of(self.shape, self.fields.data, self.embed.data or ())


class PartForm(Form):
    """Which part of a list (reference 1.2)."""

    page_size = NumberField(least=1, most=LARGEST_PAGE)
    page_start_index = NumberField()

    def part(self) -> Part:
        """Return the part that is asked for: the first rows where nothing is said."""
        return Part(self.page_start_index.data or 0, self.page_size.data or PAGE_SIZE)


class SalesForm(SaleFilterForm, ShowForm, PartForm):
    """What the collection of sales may be asked (seed 000)."""


class BoughtShowForm(ShowForm):
    """What to show of an item to who bought it."""

    shape = BOUGHT


class BoughtItemsForm(SaleFilterForm, BoughtShowForm, PartForm):
    """What the collection of order items may be asked: a store's filters but for the buyer, and the store."""

    buyer_id = None  # type: ignore[assignment]
    product_seller_store_id = IdFilter("Store", where=OrderItem.store_id.in_)


class OrderShowForm(ShowForm):
    """What to show of an order: what lies in items needs the items."""

    shape = ORDERED

    def validate_embed(self, field: NamesField) -> None:
        """Refuse an object that is none of these, and one that would have no item to lie in."""
        super().validate_embed(field)
        asked = set(field.data or ())
        if asked & WITHIN_ITEMS and "items" not in asked:
            raise ValidationError("Embed the items that it lies in.")


class OrdersForm(FilterForm, OrderShowForm, PartForm):
    """What the collection of orders may be asked."""

    id = IdsFilter("Order", where=Order.id.in_, of_order=True)
    buyer_id = IdFilter("Buyer", where=Order.buyer_id.in_, of_order=True)
    status = CodesFilter("Status", of=ItemStatus, where=Order.status.in_, of_order=True)
    not_status = CodesFilter(
        "Status is not",
        of=ItemStatus,
        where=Order.status.not_in,
        of_order=True,
        name="!status",
        id="not-status",
    )


class SaleMoveForm(ItemMoveForm):
    """The seed's "Entity NVP Parameters": the desk's form without the page's version."""

    version = None  # type: ignore[assignment]

    def asked(self) -> Asked:
        """Return what was sent, as the act takes it."""
        return Asked(self.status.data, self.tracking(), self.product_deal_vendor_ack.data)


class BoughtMoveForm(Form):
    """What a buyer may say of an item: that it is there (law 1: "The buyer may set 4")."""

    status = CodeField(
        "Status", of=ItemStatus, only=frozenset({ItemStatus.COMPLETE}), sentence=InvalidStatus.sentence
    )


class ReviewForm(Form):
    """What a buyer says of an item: 1 to 5, and a few words."""

    rating = NumberField(least=1, most=5)
    feedback = WordsField(most=LONGEST_FEEDBACK)

    def validate_rating(self, field: Any) -> None:
        """Ask for a rating."""
        if field.data is None and not field.errors:
            raise StopValidation(REQUIRE_RATING)
