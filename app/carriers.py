"""Tracking numbers: which carriers they fit by format and check digit, and where to follow them.

The formats come from the `tracking-numbers` package; where a number fits several carriers all are told,
and nothing is chosen silently.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from tracking_numbers import DEFINITIONS

# What the ship form offers; any other name may be typed.
CARRIERS = (
    "Canada Post",
    "Deutsche Post",
    "DHL",
    "DPD",
    "FedEx",
    "GLS",
    "Hermes",
    "La Poste",
    "PostNL",
    "PostNord",
    "Royal Mail",
    "UPS",
    "USPS",
)

OUR_NAMES = {"United States Postal Service": "USPS", "FedEx": "FedEx", "DHL Express": "DHL"}

# The country that ends an S10 number (UPU) tells the post that took the parcel.
POSTS = {
    "AU": "Australia Post",
    "CA": "Canada Post",
    "CH": "Swiss Post",
    "DE": "Deutsche Post",
    "FR": "La Poste",
    "GB": "Royal Mail",
    "JP": "Japan Post",
    "NL": "PostNL",
    "SE": "PostNord",
    "US": "USPS",
}

LONGEST = 64


class Recognised(NamedTuple):
    """A carrier that a number fits, and the page on which it can be followed (None: none known)."""

    carrier: str
    url: str | None


def offered(first: Iterable[str]) -> list[str]:
    """Return the carriers that a form offers: a store's own choice first, each once."""
    chosen = list(first)
    known = {name.casefold() for name in chosen}
    return [*chosen, *(name for name in CARRIERS if name.casefold() not in known)]


@lru_cache(maxsize=4096)
def recognise(number: str) -> tuple[Recognised, ...]:
    """Return every carrier whose format and check digit the number fits, each once."""
    found: dict[str, Recognised] = {}
    if not 8 <= len(number) <= LONGEST:
        return ()
    for definition in DEFINITIONS:
        match = definition.test(number.upper())
        if match is None or not match.valid:
            continue
        plain = "".join(number.split()).upper()
        name = OUR_NAMES.get(definition.courier.name, definition.courier.name)
        if definition.courier.code == "s10":
            name = POSTS.get(plain[-2:], "Post (S10)")
        template = definition.tracking_url_template
        url = template.replace("%s", quote(plain, safe="")) if template else None
        found.setdefault(name, Recognised(name, url))
    return tuple(found.values())


def tracking_url(carrier: str, number: str) -> str | None:
    """Return where a parcel can be followed; None where the carrier or the number is not known."""
    for fit in recognise(number):
        if fit.carrier.casefold() == carrier.casefold():
            return fit.url
    return None
