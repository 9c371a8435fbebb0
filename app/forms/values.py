"""Fields that read one value of a purchase: words of a list, codes, instants, amounts of money."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from babel import Locale
from email_validator import EmailNotValidError, validate_email
from wtforms.validators import StopValidation, ValidationError

from app.forms.fields import PlainField, WordsField, read_word
from app.money import known_currencies, parse_amount

# In minor units: what all sums of an order stay within, so that any database can count them.
MOST_MONEY = 10**15
# Of an account: an address as mail knows it (RFC 5321), and a name to show.
LONGEST_EMAIL, LONGEST_NAME = 254, 255
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

LINK = re.compile(r"https?://[^\s/\x00-\x1f\x7f][^\s\x00-\x1f\x7f]*", re.IGNORECASE)
ADDITIONAL = re.compile(r"([^/]+)(?:/([1-9][0-9]{0,5}))?", re.ASCII)
DAY, MINUTE = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", r"(?:[01]\d|2[0-3]):[0-5]\d"
INSTANT = re.compile(
    rf"{DAY}[T ]{MINUTE}(:[0-5]\d(\.\d{{1,6}})?)?(Z|[+-]{MINUTE})",
    re.ASCII,
)
# Codes that CLDR knows beside those of countries and territories.
_NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


@cache
def known_countries() -> frozenset[str]:
    """Return the ISO 3166 codes that may stand in an address."""
    codes = {str(code) for code in Locale("en").territories if re.fullmatch("[A-Z]{2}", str(code))}
    return frozenset(codes - _NO_COUNTRIES)


def needed(_form: Any, field: Any) -> None:
    """Refuse an absent value."""
    if field.data is None and not field.process_errors:
        raise StopValidation("This is empty.")


class WordField(PlainField):
    """One word of a list."""

    def __init__(self, label: str | None = None, *args: Any, of: type[StrEnum], **kwargs: Any) -> None:
        super().__init__(label, *args, **kwargs)
        self.of = of

    def read(self, text: str) -> StrEnum:
        """Return the member; ValueError names those that the list has."""
        return read_word(text, self.of)


def read_email(text: str) -> str:
    """Return an e-mail address as the sign-in looks it up, in small letters; ValueError for what is none."""
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise ValueError("Write an e-mail address, such as ada@example.com.") from None


class EmailField(WordsField):
    """The e-mail address of an account, as the sign-in looks it up."""

    def __init__(self, label: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(label, *args, most=LONGEST_EMAIL, **kwargs)

    def read(self, text: str) -> str | None:
        """Return the address in small letters; ValueError for what is none."""
        line = super().read(text)
        return read_email(line) if line else None


class LinkField(WordsField):
    """The address of a page or a picture."""

    def read(self, text: str) -> str | None:
        """Return the address; ValueError for one that does not begin with http:// or https://."""
        text = super().read(text) or ""
        if text and not LINK.fullmatch(text):
            raise ValueError("Write an address that begins with https://.")
        return text or None


class CurrencyField(PlainField):
    """An ISO 4217 code."""

    def read(self, text: str) -> str:
        """Return the code; ValueError where there is no such currency."""
        if text not in known_currencies():
            raise ValueError(f"“{text[:64]}” is no currency that we know: write its code, such as USD.")
        return text


class CountryField(PlainField):
    """An ISO 3166 code of two letters."""

    def read(self, text: str) -> str:
        """Return the code; ValueError where there is no such country."""
        if text.upper() not in known_countries():
            raise ValueError(f"“{text[:64]}” is no country that we know: write its code, such as US.")
        return text.upper()


class InstantField(PlainField):
    """A point in time: ISO 8601 with a zone (2026-11-21T10:30:00Z)."""

    def read(self, text: str) -> datetime:
        """Return the instant; ValueError where it is none, or lies too far away."""
        try:
            at = datetime.fromisoformat(text) if INSTANT.fullmatch(text) else None
        except ValueError:
            at = None
        if at is None:
            raise ValueError(f"“{text[:64]}” is not a date.")
        if not EARLIEST <= at < LATEST:
            raise ValueError("Dates lie between 1990 and 2100.")
        return at


class MoneyField(PlainField):
    """An amount from 0, in the currency that the form around it names in `money_in`."""

    minor: int | None = None

    def pre_validate(self, form: Any) -> None:
        """Read the amount once the currency is known."""
        if self.data is not None and form.money_in:
            self.minor = read_money(self.data, form.money_in)


class AdditionalField(MoneyField):
    """Postage of each further piece, 0.50, or of every n further ones, 0.50/3."""

    per = 1

    def pre_validate(self, form: Any) -> None:
        """Read amount and number of pieces once the currency is known."""
        if self.data is not None and form.money_in:
            found = ADDITIONAL.fullmatch(self.data)
            if not found:
                raise ValidationError("Write an amount, or an amount and for how many pieces: 0.50/3.")
            self.minor, self.per = read_money(found[1], form.money_in), int(found[2] or 1)


def read_money(text: str, currency: str) -> int:
    """Return minor units; ValidationError for what is no amount, is below 0 or too much."""
    try:
        minor = parse_amount(text, currency)
    except ValueError as error:
        raise ValidationError(str(error)) from None
    if not 0 <= minor <= MOST_MONEY:
        raise ValidationError("Write an amount from 0 on." if minor < 0 else "This amount is too large.")
    return minor
