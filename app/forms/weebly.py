"""What Weebly's lists may be asked: which page, words to look for, one filter, the way they are sorted."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from wtforms.validators import ValidationError

from app.forms.base import Form
from app.forms.fields import LARGEST_ID, NumberField, PlainField, WordsField, plain_number
from app.forms.values import WordField
from app.queries.filters import Asked, Condition, Conditions
from app.queries.site_orders import ID_BEFORE, ID_FROM, PLACED_BEFORE, PLACED_FROM
from app.words import LONGEST_SEARCH

LARGEST_LIMIT = 200
LATEST = 253402214400  # 9999-12-31 in Unix seconds
SOUGHT = re.compile(r"(<=|>=|<|>|)([0-9]{1,19})", re.ASCII)


class SortBy(StrEnum):
    """What orders are sorted by."""

    ORDER_DATE = "order_date"


class SortDirection(StrEnum):
    """Which end of a list comes first."""

    ASC = "asc"
    DESC = "desc"


class FilterBy(StrEnum):
    """Which field of orders may be filtered."""

    ORDER_DATE = "order_date"
    ORDER_ID = "order_id"

    @property
    def most(self) -> int:
        """Return the largest value that may be sought."""
        return LATEST if self is FilterBy.ORDER_DATE else LARGEST_ID - 1


class Sought(NamedTuple):
    """What a field must be: `=`, `<`, `>`, `<=` or `>=` a number."""

    sign: str
    number: int

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """Return the first number that fits, and the first one past all that do; None where there is none."""
        n = self.number
        return {"": (n, n + 1), "<": (None, n), "<=": (None, n + 1), ">": (n + 1, None), ">=": (n, None)}[
            self.sign
        ]


class SoughtField(PlainField):
    """A number, with one of Weebly's signs before it."""

    def read(self, text: str) -> Sought:
        """Return what is sought; ValueError where it is no number."""
        found = SOUGHT.fullmatch(text)
        if not found:
            raise ValueError("Write a whole number, or one after <, >, <= or >=.")
        return Sought(found[1], plain_number(found[2]))


class PageForm(Form):
    """Which page of a list, and how many on each."""

    page = NumberField("Page", least=1)
    limit = NumberField("Limit", least=1, most=LARGEST_LIMIT)

    @property
    def is_asked(self) -> bool:
        """Tell whether a page is asked for."""
        return self.page.data is not None or self.limit.data is not None


class OrdersForm(PageForm):
    """What the list of orders may be asked."""

    query = WordsField("Query", most=LONGEST_SEARCH)
    filterby = WordField("Filter by", of=FilterBy)
    filterfor = SoughtField("Filter for")
    sortby = WordField("Sort by", of=SortBy)
    sortdir = WordField("Sort direction", of=SortDirection)

    def validate_filterby(self, field: WordField) -> None:
        """Refuse a filter that says not for what."""
        if field.data and self.filterfor.raw_data == []:
            raise ValidationError("Say what to filter for.")

    def validate_filterfor(self, field: SoughtField) -> None:
        """Refuse a value for no field, and one that no such field can have."""
        if field.data is None:
            return
        if self.filterby.raw_data == []:
            raise ValidationError("Say what to filter by.")
        if self.filterby.data and field.data.number > self.filterby.data.most:
            raise ValidationError("This is too large a number.")

    @property
    def is_newest_first(self) -> bool:
        """Tell whether the newest order comes first; it does where nothing is said."""
        return self.sortdir.data is not SortDirection.ASC

    def conditions(self) -> Conditions:
        """Return what is asked for as the queries take it."""
        conditions, values = [], {}
        for condition, value in self._bounds():
            conditions.append(condition)
            values[condition.name] = value
        return Conditions(Asked(on_orders=tuple(conditions)), values, self.query.data or "")

    def _bounds(self) -> list[tuple[Condition, Any]]:
        """Return the conditions of the filter, each with its value."""
        if self.filterby.data is None:
            return []
        bounds = self.filterfor.data.bounds
        if self.filterby.data is FilterBy.ORDER_ID:
            return [(c, n) for c, n in zip((ID_FROM, ID_BEFORE), bounds, strict=True) if n is not None]
        return [
            (c, datetime.fromtimestamp(0, UTC) + timedelta(seconds=n))
            for c, n in zip((PLACED_FROM, PLACED_BEFORE), bounds, strict=True)
            if n is not None
        ]
