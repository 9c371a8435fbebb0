"""Hip's Sale (seed 003) as our form takes it: one JSON object of its lists, told as a purchase.

Ids and amounts come as texts or as numbers; numbers are read as their text. Times without a zone are those of
the zone that the connection names. What is missing or of another kind is said in a sentence, and its sale
alone is refused: an interface may change, and all other sales still come in.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from app.actions.flags import LONGEST_URL, BadFlag, read_link
from app.actions.imports import Telling
from app.actions.parcels import NO_TRACKING, Tracking
from app.actions.pulled import SaleTold
from app.errors import Refused
from app.exchange.cells import cut, one_line
from app.exchange.countries import country_code
from app.forms.fields import read_id
from app.forms.purchases import MOST_LINES, PurchaseForm
from app.statuses import BuyerShipping, Channel, OrderKind, Payment, Shipping

LONGEST = 255
MOST_COMBINED = 1000

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_NOISE = re.compile(r"-?\d{1,12}\.\d{9,}", re.ASCII)
_EXPONENT = re.compile(r"\d(\.\d{1,20})?[eE][+-]?\d{1,2}", re.ASCII)

# Their names of an address -> ours.
ADDRESS = {
    "address-given_name": "name_first",
    "address-family_name": "name_last",
    "address-street": "address",
    "address-city": "city",
    "address-postal_code": "postal_code",
}
MONEY = {"postage": "postage_amount", "tax": "tax_amount", "total": "total"}
# Their names of a line's values -> ours.
LINE = {"external_id": "id", "listing_id": "listing_id", "sku": "private_id", "quantity": "quantity"}
# Where a value of our form stands in their sale, for what is said of it.
PLACES = {
    **{ours: f"ShippingAddress.{theirs}" for ours, theirs in ADDRESS.items()},
    **MONEY,
    "external_id": "id",
    "placed_at": "created_at",
    "buyer-email": "buyer_email",
    "buyer-username": "buyer_username",
    "buyer-external_ref": "buyer_id",
    "address-country": "ShippingAddress.country_iso_code",
    "address-region": "ShippingAddress.state_name",
    "address-name": "ShippingAddress.name_first",
}
LINE_PLACES = {**LINE, "title": "listing_name", "price": "price"}
_OF_LINE = re.compile(r"lines-(\d+)-(.+)", re.ASCII)


class NotASale(Refused):
    """What was told is no sale that can be taken in; the sentence names what is wrong with it."""


class Sale(NamedTuple):
    """A sale as it was told: the object, and the id by which it is spoken of ("" where it has none)."""

    id: str
    said: Mapping[str, Any]


def sale_of(value: object) -> Sale:
    """Return an entry of a list of sales with its id, if it has one."""
    said = value if isinstance(value, dict) else {}
    try:
        return Sale(str(read_id(_text(said, "id"))), said)
    except (Refused, ValueError):
        return Sale("", said)


def read_sale(sale: Sale, zone: str, now: datetime, *, is_known: bool = False) -> SaleTold:
    """Return a sale as the acts take it; NotASale says what is wrong, in the marketplace's own names.

    When it was paid or sent is told nowhere: of one that is told for the first time, when it was bought; of
    one that `is_known`, now.
    """
    if not sale.id:
        raise NotASale("id: a sale without a number cannot be taken in.")
    said = sale.said
    payment = _flag(said, "flag_payment", Payment)
    shipping = _flag(said, "flag_shipping", Shipping)
    form = PurchaseForm(_body(sale, zone))
    if not form.validate():
        raise NotASale(" ".join(f"{_place(name)}: {text}" if name else text for name, text in form.faults()))
    purchase = form.purchase(Channel.HIP)
    at = now if is_known else min(purchase.placed_at, now)
    link = _link(said)
    was_paid = payment in {Payment.PAID, Payment.PAID_PAYPAL, Payment.ON_ARRIVAL, Payment.REFUNDED}
    went_out = at if shipping == Shipping.SHIPPED and payment != Payment.CANCELED else None
    telling = Telling(
        purchase,
        at if was_paid else None,
        tuple(went_out for _ in purchase.lines),
        Payment.PAID if payment == Payment.REFUNDED else payment,
        _tracking(link),
    )
    return SaleTold(
        telling,
        payment,
        shipping,
        _flag(said, "flag_buyer_payment", Payment, 0),
        _flag(said, "flag_buyer_shipping", BuyerShipping, 0),
        link,
        _combined(said, sale.id),
    )


def known_there(sale: Sale) -> tuple[int, str]:
    """Return what a sale says of its shipping: the flag and the tracking link; NotASale where it does not."""
    return int(_flag(sale.said, "flag_shipping", Shipping)), _link(sale.said)


def _body(sale: Sale, zone: str) -> dict[str, str]:
    """Return a sale as names and texts of our form."""
    said = sale.said
    body = {
        "external_id": sale.id,
        "kind": OrderKind.IMPORTED.value,
        "currency": _text(said, "currency"),
        "buyer-username": cut(one_line(_text(said, "buyer_username")), LONGEST),
        "buyer-email": _text(said, "buyer_email").strip(),
        "buyer-external_ref": _text(said, "buyer_id"),
        "placed_at": _instant(_text(said, "created_at"), zone),
        "postage_method": cut(one_line(_text(said, "postage_method")), LONGEST),
        "gateway_transaction_code": one_line(_text(said, "gateway_transaction_code")),
        **{ours: _amount(_text(said, theirs)) for ours, theirs in MONEY.items()},
        **_address(_part(said, "ShippingAddress", dict)),
    }
    lines = _part(said, "SaleListings", list)
    for n, line in enumerate(lines[: MOST_LINES + 1]):
        if not isinstance(line, dict):
            raise NotASale("SaleListings: an entry is no object.")
        prefix = f"lines-{n}-"
        body |= {prefix + ours: one_line(_text(line, theirs)) for ours, theirs in LINE.items()}
        body[prefix + "title"] = (
            cut(one_line(_text(line, "listing_name")), LONGEST) or "Listing without a name"
        )
        body[prefix + "price"] = _amount(_text(line, "price"))
    return {name: text for name, text in body.items() if text}


def _address(said: Mapping[str, Any]) -> dict[str, str]:
    """Return where a sale goes; a country's number is the marketplace's own, so its code or name counts."""
    found = {ours: one_line(_text(said, theirs)) for ours, theirs in ADDRESS.items()}
    names = [found["address-given_name"], found["address-family_name"]]
    found["address-name"] = " ".join(name for name in names if name)
    found["address-region"] = one_line(_text(said, "state_name") or _text(said, "state_abbreviation"))
    country = _text(said, "country_iso_code") or country_code(one_line(_text(said, "country_name")))
    found["address-country"] = country.strip()
    return found


def _text(said: Mapping[str, Any], name: str) -> str:
    """Return a value as its text, "" where there is none; NotASale for a list, an object, true or false."""
    value = said.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NotASale(f"{name}: a text or a number belongs here.")
    return value


def _part(said: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    """Return an object or a list inside a sale, an empty one where there is none."""
    value = said.get(name)
    # PHP writes an object without anything in it as a list.
    if value is None or value == []:
        return kind()
    if not isinstance(value, kind):
        raise NotASale(f"{name}: {'a list' if kind is list else 'an object'} belongs here.")
    return value


def _flag(said: Mapping[str, Any], name: str, of: type[Any], otherwise: int | None = None) -> Any:
    """Return a flag; NotASale for one that is missing (unless something else is meant) or is unknown."""
    text = _text(said, name)
    if not text and otherwise is not None:
        return of(otherwise)
    known = {str(int(code)): code for code in of}
    if text not in known:
        raise NotASale(f"{name}: “{text[:32]}” is none of {', '.join(known)}.")
    return known[text]


def _link(said: Mapping[str, Any]) -> str:
    """Return where a sale is followed, as it is told."""
    return cut(_text(said, "tracking_link").strip(), LONGEST_URL)


def _combined(said: Mapping[str, Any], own_id: str) -> tuple[str, ...]:
    """Return the ids of the sales that went into this one, each once and never its own."""
    ids = _part(said, "combined_sales_ids", list)[:MOST_COMBINED]
    if not all(isinstance(one, str) for one in ids):
        raise NotASale("combined_sales_ids: numbers of sales belong here.")
    return tuple(one for one in dict.fromkeys(ids) if one != own_id)


def _instant(text: str, zone: str) -> str:
    """Return a time as an instant with its zone; what is none as it is, which the form will say."""
    if not _TIME.fullmatch(text):
        return text
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text


def _amount(text: str) -> str:
    """Return an amount without the noise of one that was kept as a binary fraction (17.489999999999998)."""
    if _NOISE.fullmatch(text) or _EXPONENT.fullmatch(text):
        plain = f"{Decimal(text).quantize(Decimal('0.000001')):f}"
        return plain.rstrip("0").rstrip(".")
    return text


def _tracking(link: str) -> Tracking:
    """Return what a tracking link says; nothing where it is neither a page's address nor a number."""
    try:
        return read_link(link) if link else NO_TRACKING
    except BadFlag:
        return NO_TRACKING


def _place(name: str) -> str:
    """Return where in their sale a value of our form stands."""
    if found := _OF_LINE.fullmatch(name):
        return f"SaleListings[{found[1]}].{LINE_PLACES.get(found[2], found[2])}"
    return PLACES.get(name, name)
