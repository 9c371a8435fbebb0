"""Money as integer minor units with an ISO 4217 currency: reading and writing amounts.

No float passes here: text is read by Decimal and kept as an integer. How many decimals a currency has is
ISO 4217's word, taken from CLDR's table (Babel) where the two agree.
"""

import re
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.numbers import format_currency, get_currency_precision

# CLDR counts the decimals in use: for currencies whose small coins are gone, fewer than ISO 4217.
BEYOND_CLDR = {
    "IQD": 3,
    **dict.fromkeys(("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD"), 2),
    **dict.fromkeys(("SLL", "SOS", "SYP", "YER"), 2),
}

AMOUNT = re.compile(r"-?\d{1,13}(\.\d{1,12})?", re.ASCII)


@cache
def decimals(currency: str) -> int:
    """Return how many decimals the currency is written with (USD 2, JPY 0, KWD 3)."""
    return BEYOND_CLDR.get(currency) or int(get_currency_precision(currency))


@cache
def known_currencies() -> frozenset[str]:
    """Return every ISO 4217 code that may stand on an order."""
    return frozenset(Locale("en").currencies)


def parse_amount(text: str, currency: str) -> int:
    """Read a decimal such as "17.50" as minor units; ValueError says what is wrong with it."""
    if not AMOUNT.fullmatch(text.strip()):
        raise ValueError(f"“{text}” is not an amount: write digits with a point, such as 17.50.")
    minor = Decimal(text.strip()).scaleb(decimals(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"“{text}” has more decimals than {currency} knows.")
    return int(minor)


def amount_text(minor: int, currency: str) -> str:
    """Write minor units as a plain decimal: (1750, "USD") is "17.50"."""
    sign, places = "-" if minor < 0 else "", decimals(currency)
    whole, part = divmod(abs(minor), 10**places)
    return f"{sign}{whole}.{part:0{places}}" if places else f"{sign}{whole}"


def amount_number(minor: int, currency: str) -> int | Decimal:
    """Return minor units as a number of major ones, exact: (800, "USD") is 8, (850, "USD") is 8.5."""
    amount = Decimal(minor).scaleb(-decimals(currency))
    return int(amount) if amount == amount.to_integral_value() else amount.normalize()


@cache
def _sample(currency: str) -> tuple[str, str]:
    """Return what stands before and after the digits of an amount in this currency."""
    text = format_currency(Decimal(0), currency, locale="en")
    digits = re.search(r"[\d.,]+", text)
    if digits is None:  # pragma: no cover - no locale writes zero without digits
        return f"{currency} ", ""
    before, after = text[: digits.start()], text[digits.end() :]
    # CLDR sets letters apart from the digits; Babel leaves that out.
    return f"{before}\xa0" if before[-1:].isalpha() else before, after


def money_text(minor: int, currency: str) -> str:
    """Write an amount as people read it: (128000, "EUR") is "€1,280.00"."""
    before, after = _sample(currency)
    sign, places = "−" if minor < 0 else "", decimals(currency)
    whole, part = divmod(abs(minor), 10**places)
    return f"{sign}{before}{whole:,}.{part:0{places}}{after}" if places else f"{sign}{before}{whole:,}{after}"
