"""Under which terms an order is found: by all who see it whole, and by those who see its deals alone."""

from collections.abc import Collection, Iterable
from typing import Protocol

from app.models import Buyer
from app.statuses import ProductType
from app.words import deal_term, terms


class Line(Protocol):
    """What the search knows of a line."""

    @property
    def title(self) -> str:
        """What was bought."""

    @property
    def sku(self) -> str:
        """The seller's own code for it."""

    @property
    def type(self) -> ProductType:
        """Whether it is a deal."""

    @property
    def deal_number(self) -> int | None:
        """The number on a deal's voucher."""


class Place(Protocol):
    """What the search knows of an address."""

    @property
    def name(self) -> str:
        """Who lives there."""

    @property
    def postal_code(self) -> str:
        """Its postcode."""


class Named(Protocol):
    """What an order is called."""

    @property
    def number(self) -> int:
        """Its number in its store."""

    @property
    def external_id(self) -> str | None:
        """Its outside id."""

    @property
    def gateway_code(self) -> str | None:
        """Its transaction code."""


def order_terms(
    order: Named,
    buyer: Buyer,
    address: Place | None,
    lines: Iterable[Line],
    absorbed: Collection[Named] = (),
) -> set[str]:
    """Return the terms of an order: number, outside id, payment code, buyer, postcode, items, SKUs, vouchers.

    By the numbers, outside ids and codes of those that went into it (`absorbed`) it is found too.

    The terms of what a vendor sees (the number and the deals' own lines) stand apart, so that a vendor's
    search cannot tell of what is hidden from vendors.
    """
    lines = list(lines)
    numbers = [str(named.number) for named in (order, *absorbed)]
    postcode = address.postal_code if address else ""
    found = terms(
        *numbers,
        *(named.external_id for named in (order, *absorbed)),
        *(named.gateway_code for named in (order, *absorbed)),
        buyer.name,
        buyer.username,
        buyer.email,
        address.name if address else "",
        postcode,
        postcode.replace(" ", ""),
        *_words(lines),
    )
    deals = [line for line in lines if line.type == ProductType.DEAL]
    if deals:
        found |= {deal_term(term) for term in terms(*numbers, *_words(deals))}
    return found


def tracking_terms(number: str) -> set[str]:
    """Return the terms of a tracking number, with and without its blanks."""
    return terms(number, number.replace(" ", ""))


def _words(lines: Iterable[Line]) -> Iterable[str]:
    """Yield the texts of lines that the search knows."""
    for line in lines:
        yield line.title
        yield line.sku
        yield str(line.deal_number or "")
