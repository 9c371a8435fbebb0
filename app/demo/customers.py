"""Who buys in the demo: people drawn from all countries, each with an address of their own."""

from random import Random
from typing import NamedTuple

from app.actions.purchases import AddressSaid, BuyerSaid
from app.demo.cast import DOMAIN, PEOPLE, Shop
from app.demo.places import BY_CODE, COUNTRIES, City, Country, phone, street
from app.statuses import Channel

# How many of a store's buyers live in its own country, of a hundred.
AT_HOME = 38
# Of a hundred sales so many have a buyer of their own; the rest are bought by people who came back.
NEW_OF_HUNDRED = 62
# Channels that tell no e-mail address.
SILENT = frozenset({Channel.ETSY, Channel.AMAZON, Channel.HIP})


class Customer(NamedTuple):
    """One person who buys; `account` names one of the demo's people, whose purchases are joined."""

    name: str
    username: str
    address: AddressSaid
    account: str = ""

    def said(self, channel: Channel) -> BuyerSaid:
        """Return the buyer as a channel tells them; a sale typed in has no key for the person."""
        email = None if channel in SILENT else f"{self.account or self.username}@{DOMAIN}"
        ref = None if channel in {Channel.DESK, Channel.FILE} else self.username
        username = "" if channel in {Channel.DESK, Channel.SHOPIFY, Channel.SQUARE} else self.username
        return BuyerSaid(self.name, username, email, ref)


def someone(rng: Random, code: str, *, name: str = "", city: str = "", username: str = "") -> Customer:
    """Draw a person of this country; what is named is taken, the rest is drawn.

    `city` names one of the country's, or tells another as name|region|postcode.
    """
    country = BY_CODE[code]
    given, family = rng.choice(country.given), rng.choice(country.family)
    order = (family, given) if country.is_family_first else (given, family)
    said = name or " ".join(n.written for n in order)
    login = username or f"{given.plain}.{family.plain}{rng.randint(2, 99)}"
    place = rng.choice([c for c in country.cities if c.name == city] or country.cities)
    if "|" in city:
        place = City(*city.split("|"))
    return Customer(said, login, lives_at(rng, country, said, place))


def lives_at(rng: Random, country: Country, name: str, city: City) -> AddressSaid:
    """Draw where somebody lives."""
    floor = rng.choice(("Flat 3", "c/o Becker", "2nd floor", "Hinterhof")) if rng.random() < 0.12 else ""
    return AddressSaid(
        name=name,
        street=street(rng, country),
        street2=floor,
        city=city.name,
        region=city.region,
        postal_code=city.postal_code,
        country=country.code,
        phone=phone(rng, country) if rng.random() < 0.6 else "",
    )


def account_holder(rng: Random, who: str, code: str, city: str) -> Customer:
    """Return one of the demo's people as a buyer: the same in every store."""
    return someone(rng, code, name=PEOPLE[who], city=city, username=who)._replace(account=who)


def customers(rng: Random, shop: Shop, n: int) -> list[Customer]:
    """Draw n people who buy in a store, more of them from its own country."""
    codes = [c.code for c in COUNTRIES]
    weights = [c.weight for c in COUNTRIES]
    return [
        someone(rng, shop.said.home if rng.random() * 100 < AT_HOME else rng.choices(codes, weights)[0])
        for _ in range(n)
    ]
