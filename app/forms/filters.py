"""What narrows a list of sales or items: seed 000's parameters, and what the desk adds.

A filter is one line: its name (the seed's), label, how it is read, and its SQL. Pages, the JSON list and
the counts use the same form.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement
from wtforms.validators import InputRequired, ValidationError

from app.forms.base import Form
from app.forms.fields import PlainField, WordsField, plain_number, read_id, read_word
from app.models import Order, OrderItem
from app.queries.filters import Asked, Condition, Conditions
from app.queries.keyset import Cursor
from app.queries.sales import SORTS, Tab
from app.queries.sight import Sight
from app.statuses import Channel, ItemStatus, ProductType
from app.words import LONGEST_SEARCH

MOST_VALUES = 100
PLACED_FROM = Condition("placed_from", lambda day: Order.placed_at >= day)
PLACED_TO = Condition("placed_to", lambda day: Order.placed_at < day)
# Days outside these cannot be turned into an instant of every time zone.
EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)


class FilterField(PlainField):
    """A field that narrows a list: `where` makes the condition, on the item or (of_order) its order."""

    def __init__(
        self,
        label: str,
        *args: Any,
        where: Callable[[Any], ColumnElement[bool]],
        of_order: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, *args, **kwargs)
        self.where, self.of_order = where, of_order

    @property
    def condition(self) -> Condition:
        """Return what is asked for, without its value."""
        return Condition(self.parameter, self.where, isinstance(self.data, list))

    @property
    def parameter(self) -> str:
        """Return the name under which the value goes to the database."""
        return str(self.name.replace("!", "not_"))

    def words(self) -> str:
        """Return the value as the chip on the page says it."""
        return self._value()


class IdsFilter(FilterField):
    """Ids, comma-separated (seed 000: `int csv`)."""

    most = MOST_VALUES

    def read(self, text: str) -> list[int]:
        """Return the ids; ValueError for a bad one or too many."""
        parts = text.split(",")
        if len(parts) > self.most:
            raise ValueError(f"At most {self.most} at once.")
        return [read_id(part.strip(" ")) for part in parts]


class IdFilter(IdsFilter):
    """One id (seed 000: `int`)."""

    most = 1


class CodesFilter(FilterField):
    """Codes of a list, comma-separated."""

    def __init__(self, label: str, *args: Any, of: type[IntEnum], **kwargs: Any) -> None:
        super().__init__(label, *args, **kwargs)
        self.of = of

    def read(self, text: str) -> list[IntEnum]:
        """Return the codes; ValueError names those that the list has."""
        try:
            # Each code once: the list of what a filter asks for stays as short as the list of codes.
            return list(dict.fromkeys(self.of(plain_number(part.strip(" "))) for part in text.split(",")))
        except ValueError:
            raise ValueError(f"Use codes from {min(self.of):d} to {max(self.of):d}.") from None

    def words(self) -> str:
        """Return the codes' labels."""
        return " or ".join(code.label for code in self.data)


class WordFilter(FilterField):
    """One word of a list."""

    def __init__(self, label: str, *args: Any, of: type[StrEnum], **kwargs: Any) -> None:
        super().__init__(label, *args, **kwargs)
        self.of = of

    def read(self, text: str) -> StrEnum:
        """Return the member; ValueError names those that the list has."""
        return read_word(text, self.of)

    def words(self) -> str:
        """Return the member's label."""
        return str(getattr(self.data, "label", self.data))


class DayField(PlainField):
    """A day, as 2026-11-21."""

    def read(self, text: str) -> date:
        """Return the day; ValueError shows the form."""
        try:
            day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) else None
        except ValueError:
            day = None
        if day is None or not EARLIEST <= day <= LATEST:
            raise ValueError("Write a day as 2026-11-21.")
        return day


class PlaceField(PlainField):
    """A place in a list, as the links to newer and older rows carry it."""

    def read(self, text: str) -> Cursor:
        """Return the place; ValueError where a link was cut or changed."""
        micros, _, row_id = text.partition(".")
        try:
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=plain_number(micros))
            return Cursor(at, read_id(row_id))
        except (ValueError, OverflowError):
            raise ValueError("This link is incomplete: start from the first page.") from None


def place_text(place: Cursor) -> str:
    """Return a place as the links carry it."""
    micros = (place.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return f"{micros}.{place.id}"


class Seen(NamedTuple):
    """Up to where a list of sales was seen: the store's revision, and the number its next sale was to get."""

    revision: int
    number: int


class SeenField(PlainField):
    """Up to where a list was seen, as its page carries it: revision, dot, number."""

    def read(self, text: str) -> Seen:
        """Return it; ValueError where a link was cut or changed."""
        revision, _, number = text.partition(".")
        try:
            return Seen(plain_number(revision), read_id(number))
        except ValueError:
            raise ValueError("This link is incomplete: open the list of sales anew.") from None


class FreshForm(Form):
    """What a page of the list asks with: whether there is anything new since it was drawn."""

    after = SeenField(validators=[InputRequired()])


class FilterForm(Form):
    """A form that narrows a list by its filters."""

    def filters(self) -> Iterator[FilterField]:
        """Yield the filters that are asked for."""
        for field in self:
            if isinstance(field, FilterField) and field.data is not None:
                yield field

    def conditions(self) -> Conditions:
        """Return what is asked for as the queries take it."""
        fields = list(self.filters())
        asked = Asked(
            tuple(f.condition for f in fields if f.of_order),
            tuple(f.condition for f in fields if not f.of_order),
        )
        return Conditions(asked, {f.parameter: f.data for f in fields})


class SaleFilterForm(FilterForm):
    """Seed 000's filters of a list, for every door."""

    id = IdsFilter("Item", where=OrderItem.id.in_)
    order_id = IdsFilter("Sale id", where=OrderItem.order_id.in_)
    buyer_id = IdFilter("Buyer", where=Order.buyer_id.in_, of_order=True)
    status = CodesFilter("Status", of=ItemStatus, where=OrderItem.status.in_)
    not_status = CodesFilter(
        "Status is not", of=ItemStatus, where=OrderItem.status.not_in, name="!status", id="not-status"
    )
    product_cause_id = IdFilter("Cause", where=OrderItem.cause_id.in_)
    order_status = CodesFilter("Sale's status", of=ItemStatus, where=Order.status.in_, of_order=True)
    not_order_status = CodesFilter(
        "Sale's status is not",
        of=ItemStatus,
        where=Order.status.not_in,
        of_order=True,
        name="!order_status",
        id="not-order-status",
    )
    product_type = CodesFilter("Product type", of=ProductType, where=OrderItem.type.in_)
    product_id = IdsFilter("Product", where=OrderItem.product_id.in_)


class DeskListForm(SaleFilterForm):
    """What a list page of the desk may be asked: the filters, channel, days, search, sort and place."""

    sorts: tuple[str, ...] = tuple(SORTS)

    channel = WordFilter("Channel", of=Channel, where=lambda c: Order.channel == c, of_order=True)
    placed_from = DayField("Ordered from")
    placed_to = DayField("Ordered to")
    q = WordsField("Search", most=LONGEST_SEARCH)
    sort = WordsField("Sort", most=16)
    after = PlaceField()
    before = PlaceField()

    def validate_sort(self, field: WordsField) -> None:
        """Refuse a sort that this list has not."""
        if field.data and field.data not in self.sorts:
            raise ValidationError(f"Sort by one of {', '.join(self.sorts)}.")

    def validate_before(self, field: PlaceField) -> None:
        """Refuse two places at once."""
        if field.data and self.after.data:
            raise ValidationError("Go on from one place, not two.")

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge all fields, and refuse names that no field has or that came twice."""
        is_valid = super().validate(extra_validators)
        strangers = self.strangers()
        if strangers:
            self.form_errors.append(f"“{strangers[0][:64]}” is no filter of this list, or stands here twice.")
        return is_valid and not strangers

    def conditions_in(self, zone: str, sight: Sight) -> Conditions:
        """Return what is asked for by who sees this; days are whole days of a time zone, both ends in."""
        conditions = self.conditions()
        asked, values = conditions.asked, dict(conditions.values)
        if self.placed_from.data:
            asked = asked._replace(on_orders=(*asked.on_orders, PLACED_FROM))
            values[PLACED_FROM.name] = midnight(self.placed_from.data, zone)
        if self.placed_to.data:
            asked = asked._replace(on_orders=(*asked.on_orders, PLACED_TO))
            values[PLACED_TO.name] = midnight(self.placed_to.data + timedelta(days=1), zone)
        return Conditions(asked, values, self.q.data or "", sight)

    def query(self, **changes: Any) -> str:
        """Return the list's query string as it is, with these fields changed (None: taken away)."""
        fields = {f.name: f._value() for f in self if f.name not in {"after", "before"}}
        fields.update(changes)
        return urlencode({name: value for name, value in fields.items() if value})


class SaleListForm(DeskListForm):
    """What the list of sales may be asked."""

    tab = WordFilter("Tab", of=Tab, where=lambda t: Order.desk_state == t, of_order=True)

    def conditions(self) -> Conditions:
        """Return the filters; the tab is none of them, it is a place in the list's index."""
        tab, self.tab.data = self.tab.data, None
        conditions = super().conditions()
        self.tab.data = tab
        return conditions


class ItemListForm(DeskListForm):
    """What the list of items may be asked."""

    sorts = ("newest", "oldest")


def midnight(day: date, zone: str) -> datetime:
    """Return the instant at which a day begins in a time zone."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
