"""Countries as Hip's addresses name them: a number beside the code. Ours is that of ISO 3166 (law 6)."""

from functools import cache

from babel import Locale
from babel.core import get_global

# Where a country had several numbers in turn, or other countries before it had theirs: the one it has now.
NUMBERS_NOW = {"DE": "276", "ET": "231", "FR": "250", "SD": "729", "YE": "887"}


@cache
def _numbers() -> dict[str, str]:
    """Return the numbers of all countries by their codes, from CLDR."""
    known = get_global("territory_aliases").items()
    return {codes[0]: number for number, codes in known if number.isdigit() and len(codes) == 1} | NUMBERS_NOW


@cache
def _names() -> dict[str, str]:
    """Return the names of all countries by their codes, from CLDR."""
    return dict(Locale("en").territories)


def country_number(code: str) -> str:
    """Return a country's number, three digits; "" where it has none."""
    return _numbers().get(code, "")


def country_name(code: str) -> str:
    """Return a country's name; the code where it has none."""
    return _names().get(code, code)
