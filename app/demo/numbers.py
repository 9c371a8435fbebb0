"""Tracking numbers as carriers write them: right by length, prefix and check digit, and of no real parcel."""

from collections.abc import Callable
from random import Random

from app.actions.parcels import Tracking

S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
FEDEX_WEIGHTS = (3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1)


def digits(rng: Random, n: int) -> str:
    """Return n random digits."""
    return "".join(rng.choice("0123456789") for _ in range(n))


def ups(rng: Random) -> str:
    """Return a UPS number: 1Z, shipper, service, package, and a digit that makes the sum whole."""
    body = "".join(rng.choice("0123456789AEWXY") for _ in range(6)) + rng.choice(("03", "04", "68"))
    body += digits(rng, 7)
    values = [int(c) if c.isdigit() else (ord(c) - 63) % 10 for c in body]
    total = sum(values[0::2]) + 2 * sum(values[1::2])
    return f"1Z{body}{-total % 10}"


def s10(rng: Random, country: str) -> str:
    """Return a postal number of the UPU's S10, such as RB123456785GB."""
    serial = digits(rng, 8)
    check = 11 - sum(w * int(d) for w, d in zip(S10_WEIGHTS, serial, strict=True)) % 11
    service = rng.choice(("RR", "LX", "CP", "RB"))
    return f"{service}{serial}{ {10: 0, 11: 5}.get(check, check) }{country}"


def usps(rng: Random) -> str:
    """Return a USPS number of 22 digits."""
    body = "94001" + digits(rng, 16)
    total = 3 * sum(int(d) for d in body[::-2]) + sum(int(d) for d in body[-2::-2])
    return f"{body}{-total % 10}"


def dhl(rng: Random) -> str:
    """Return a DHL waybill of ten digits, the last of them the rest by seven."""
    body = rng.choice("123456789") + digits(rng, 8)
    return f"{body}{int(body) % 7}"


def fedex(rng: Random) -> str:
    """Return a FedEx number of twelve digits."""
    body = digits(rng, 11)
    return f"{body}{sum(w * int(d) for w, d in zip(FEDEX_WEIGHTS, body, strict=True)) % 11 % 10}"


# Carrier -> how its numbers are made; the last five have no check digit that the desk knows.
MAKERS: dict[str, Callable[[Random], str]] = {
    "UPS": ups,
    "USPS": usps,
    "DHL": dhl,
    "FedEx": fedex,
    "Deutsche Post": lambda rng: s10(rng, "DE"),
    "Royal Mail": lambda rng: s10(rng, "GB"),
    "La Poste": lambda rng: s10(rng, "FR"),
    "PostNL": lambda rng: s10(rng, "NL"),
    "Swiss Post": lambda rng: s10(rng, "CH"),
    "Canada Post": lambda rng: s10(rng, "CA"),
    "Japan Post": lambda rng: s10(rng, "JP"),
    "DPD": lambda rng: "0" + digits(rng, 13),
    "GLS": lambda rng: digits(rng, 11),
    "Hermes": lambda rng: "H" + digits(rng, 13),
    "Yamato": lambda rng: f"{digits(rng, 4)}-{digits(rng, 4)}-{digits(rng, 4)}",
    "Bike courier": lambda rng: f"tour {rng.randint(1, 40)}",
}

# Where a store is -> carriers for its own country and for all others; "" is a letter without a number.
CARRIERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "DE": (
        ("DHL", "DHL", "DHL", "Deutsche Post", "DPD", "GLS", "Hermes", "Bike courier", ""),
        ("Deutsche Post", "Deutsche Post", "Deutsche Post", "DHL", "UPS", "FedEx", ""),
    ),
    "US": (("USPS", "USPS", "USPS", "UPS", "FedEx", ""), ("USPS", "UPS", "FedEx", "DHL")),
    "JP": (
        ("Japan Post", "Japan Post", "Yamato", "Yamato", ""),
        ("Japan Post", "Japan Post", "DHL", "FedEx"),
    ),
    "GB": (("Royal Mail", "Royal Mail", "DPD", ""), ("Royal Mail", "Royal Mail", "UPS", "DHL")),
}


def tracking(rng: Random, carrier: str) -> Tracking:
    """Return this carrier with a number of its own; the carrier "" sends letters that have none."""
    if not carrier:
        return Tracking(rng.choice(("", "Letter")), "")
    return Tracking(carrier, MAKERS[carrier](rng))


def sent_from(rng: Random, home: str, to: str) -> Tracking:
    """Return carrier and number of a parcel from one country to another."""
    at_home, abroad = CARRIERS[home]
    return tracking(rng, rng.choice(at_home if home == to else abroad))
