"""What Hip's calls may be asked and sent: seed 003's parameters, as the desk's queries and acts take them."""

import re
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from wtforms.validators import ValidationError

from app.actions.flags import LONGEST_URL, Flags
from app.forms.base import Form
from app.forms.fields import CodeField, NumberField, PlainField, WordsField
from app.forms.filters import EARLIEST, LATEST, PLACED_FROM, PLACED_TO
from app.forms.values import DAY, MINUTE, WordField
from app.queries.filters import NOTHING, Asked, Condition, Conditions
from app.queries.told_sales import PAID_WITH, Page, Window
from app.statuses import BuyerShipping, Payment, Shipping

LIMIT, LARGEST_LIMIT = 25, 100
LONGEST_CODE = 255
KEY = "api_key"

TIME = re.compile(
    rf"{DAY}([T ]{MINUTE}(?P<seconds>:[0-5]\d(?P<part>\.\d{{1,6}})?)?(Z|[+-]\d{{2}}:?\d{{2}})?)?",
    re.ASCII,
)
_CODE = re.compile(r"0|-?[1-9][0-9]{0,3}", re.ASCII)


class Sort(StrEnum):
    """Which end of a list comes first."""

    CREATED_DESC = "created_desc"
    CREATED_ASC = "created_asc"


class Show(StrEnum):
    """Which of the closed listings are asked for: those that the desk knows of."""

    SOLD = "sold"


class Moment(NamedTuple):
    """A time as it was written: its first instant, naive where no zone stands there, and how long it lasts.

    A day lasts as a whole, a time until its last digit would count on.
    """

    at: datetime
    lasts: timedelta

    def begin(self, zone: str) -> datetime:
        """Return its first instant; without a zone of its own it is of this one."""
        return _in_zone(self.at, zone, 0)

    def end(self, zone: str) -> datetime:
        """Return the instant just after it."""
        return _in_zone(self.at + self.lasts, zone, 1)


def _in_zone(at: datetime, zone: str, fold: int) -> datetime:
    """Return a time as an instant; of an hour that a zone has twice, `fold` names which."""
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


class MomentField(PlainField):
    """A time: 2017-11-16, 2017-11-16 21:01:02, or ISO 8601 with a zone."""

    def read(self, text: str) -> Moment:
        """Return it; ValueError shows the forms that are taken."""
        found = TIME.fullmatch(text)
        try:
            at = datetime.fromisoformat(text) if found else None
        except ValueError:
            at = None
        if found is None or at is None or not EARLIEST <= at.date() <= LATEST:
            raise ValueError("Write 2017-11-16, 2017-11-16 21:01:02 or 2017-11-16T21:01:02Z.")
        if found["part"]:
            return Moment(at, timedelta(microseconds=1))
        if found["seconds"]:
            return Moment(at, timedelta(seconds=1))
        return Moment(at, timedelta(minutes=1) if found[1] else timedelta(days=1))


class FlagField(CodeField):
    """A code of one of Hip's lists, as a number that may be below 0."""

    def __init__(self, *args: Any, of: type[IntEnum], **kwargs: Any) -> None:
        codes = ", ".join(str(int(code)) for code in sorted(of))
        super().__init__(*args, of=of, sentence=f"Send one of {codes}.", **kwargs)

    def read(self, text: str) -> IntEnum:
        """Return the member of the list; ValueError where there is none."""
        if not _CODE.fullmatch(text):
            raise ValueError(self.sentence)
        return self.of(int(text))


class KeyForm(Form):
    """What every call may carry in its query: the key, which is read elsewhere (`tokens`)."""

    api_key = PlainField()


class PagedForm(KeyForm):
    """Which part of a list is asked for."""

    limit = NumberField(least=1, most=LARGEST_LIMIT)
    page = NumberField(least=1)

    def part(self, *, is_newest_first: bool = True) -> Page:
        """Return it as the queries take it."""
        limit = self.limit.data or LIMIT
        return Page(((self.page.data or 1) - 1) * limit, limit, is_newest_first)


class SalesForm(PagedForm):
    """What each list of sales may be asked (seed 003, Parameters, and `sort` of its text)."""

    created_time_from = MomentField()
    created_time_to = MomentField()
    gateway_transaction_code = WordsField(most=LONGEST_CODE)
    sort = WordField(of=Sort)

    def sorted_part(self) -> Page:
        """Return which part of the list is asked for, from which end."""
        return self.part(is_newest_first=self.sort.data is not Sort.CREATED_ASC)

    def conditions(self) -> Conditions:
        """Return what is asked for besides times."""
        code = self.gateway_transaction_code.data
        return narrowed(NOTHING, (PAID_WITH, code)) if code else NOTHING

    def conditions_in(self, zone: str) -> Conditions:
        """Return all that is asked for; times without a zone are those of this one, both ends in."""
        begin, end = self.created_time_from.data, self.created_time_to.data
        times = [(PLACED_FROM, begin.begin(zone))] if begin else []
        times += [(PLACED_TO, end.end(zone))] if end else []
        return narrowed(self.conditions(), *times)

    def windows(self, zones: set[str]) -> list[Window]:
        """Return which times are asked for, for stores of each of these zones; none where all are."""
        begin, end = self.created_time_from.data, self.created_time_to.data
        if not (begin or end):
            return []
        first, last = (datetime(day.year, 1, 1, tzinfo=UTC) for day in (EARLIEST, LATEST))
        return [
            Window(zone, begin.begin(zone) if begin else first, end.end(zone) if end else last)
            for zone in sorted(zones)
        ]


def narrowed(conditions: Conditions, *more: tuple[Condition, Any]) -> Conditions:
    """Return conditions with more of them on orders, each with its value."""
    on_orders = (*conditions.asked.on_orders, *(condition for condition, _ in more))
    values = {**conditions.values, **{condition.name: value for condition, value in more}}
    return Conditions(Asked(on_orders), values)


class ListingsForm(PagedForm):
    """What the list of closed listings may be asked: the desk knows of those that were sold."""

    show = WordField(of=Show)

    def validate_show(self, field: WordField) -> None:
        """Ask for the listings that were sold; the desk knows of no others."""
        if field.data is None and not field.errors:
            raise ValidationError("Ask for show=sold: this desk knows the listings that were sold.")


class FlagsForm(Form):
    """What a PUT on a sale sends: the flags of both sides, each of which may set its own."""

    flag_payment = FlagField(of=Payment)
    flag_shipping = FlagField(of=Shipping)
    tracking_link = WordsField(most=LONGEST_URL)
    flag_buyer_payment = FlagField(of=Payment)
    flag_buyer_shipping = FlagField(of=BuyerShipping)

    def flags(self) -> Flags:
        """Return what was sent, as the act takes it."""
        return Flags(**{name: getattr(self, name).data for name in Flags._fields})
