"""Names of countries as marketplaces write them, to ISO 3166 codes.

The names are CLDR's English ones (Babel), and beside them those that marketplaces write differently.
"""

from functools import cache

from babel import Locale

from app.words import fold

# As Etsy writes them (and, below, as other English lists do), where CLDR has another name.
ALIASES = {
    "The Netherlands": "NL",
    "Hong Kong": "HK",
    "Macao": "MO",
    "Macau": "MO",
    "Czech Republic": "CZ",
    "Korea, Republic of": "KR",
    "Republic of Korea": "KR",
    "Russian Federation": "RU",
    "Turkey": "TR",
    "Viet Nam": "VN",
    "Macedonia": "MK",
    "Macedonia, the former Yugoslav Republic of": "MK",
    "Moldova, Republic of": "MD",
    "Ivory Coast": "CI",
    "Myanmar": "MM",
    "Burma": "MM",
    "Swaziland": "SZ",
    "Cape Verde": "CV",
    "Vatican": "VA",
    "Holy See (Vatican City State)": "VA",
    "Brunei Darussalam": "BN",
    "Bolivia, Plurinational State of": "BO",
    "Venezuela, Bolivarian Republic of": "VE",
    "Iran, Islamic Republic of": "IR",
    "Syrian Arab Republic": "SY",
    "Tanzania, United Republic of": "TZ",
    "Lao People's Democratic Republic": "LA",
    "Palestine": "PS",
    "Palestine, State of": "PS",
    "Palestinian Territory, Occupied": "PS",
    "Democratic Republic of the Congo": "CD",
    "Congo, Democratic Republic of": "CD",
    "Congo, Republic of": "CG",
    "Congo": "CG",
    "The Bahamas": "BS",
    "The Gambia": "GM",
    "East Timor": "TL",
    "Micronesia, Federated States of": "FM",
    "Virgin Islands, U.S.": "VI",
    "Virgin Islands (U.S.)": "VI",
    "Virgin Islands, British": "VG",
    "Virgin Islands (British)": "VG",
    "Falkland Islands (Malvinas)": "FK",
    "Reunion Island": "RE",
    "USA": "US",
    "UK": "GB",
    "Great Britain": "GB",
    "England": "GB",
    "Scotland": "GB",
    "Wales": "GB",
    "Northern Ireland": "GB",
}


def _plain(name: str) -> str:
    """Return a country's name as it is compared: "St. Kitts & Nevis" is "Saint Kitts and Nevis"."""
    words = fold(name).replace("’", "'").replace("&", " and ").replace(".", " ").split()
    return " ".join("saint" if word == "st" else word for word in words)


@cache
def _codes() -> dict[str, str]:
    """Return codes by plain name."""
    named = {name: code for code, name in Locale("en").territories.items() if len(code) == 2}
    return {_plain(name): code for name, code in {**named, **ALIASES}.items()}


def country_code(name: str) -> str:
    """Return the code of a country's name; a name that is not known comes back as it is."""
    if len(name) == 2:
        return name.upper()
    return _codes().get(_plain(name), name)
