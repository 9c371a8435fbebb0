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
from wtforms.validators import StopValidation, ValidationError

from app.actions.purchases import AddressSaid, BuyerSaid, DiscountSaid, LineSaid, Purchase
from app.forms.base import (
    CodeField,
    Form,
    MapField,
    NumberField,
    PlainField,
    TextsField,
    TickField,
    WordsField,
)
from app.money import known_currencies, parse_amount
from app.queries.places import known_countries
from app.statuses import Delivery, OrderKind, ProductType

MOST_LINES = 500
MOST_DISCOUNTS = 20
MOST_PIECES = 1_000_000
LONGEST_TEXT = 5000
# In minor units. 500 lines of this sum stay within what a database counts in.
MOST_MONEY = 10**15
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def needed(_form: Any, field: Any) -> None:
    """Refuse an absent value."""
    if field.data is None and not field.process_errors:
        raise StopValidation("This is empty.")
