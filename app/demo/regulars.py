"""Who buys a copy: somebody new, or one of those who bought in the same channel before."""

from random import Random
from typing import Any, NamedTuple

from app.actions.bulk import BulkWriter, Row
from app.demo.crowd import Crowd
from app.demo.customers import NEW_OF_HUNDRED
from app.demo.patterns import BUYER, OF_ADDRESS, OF_BUYER, AddressCells, BuyerCells, Pattern

# How many of a channel's buyers in one country may come back.
REMEMBERED = 500


class Regular(NamedTuple):
    """Somebody who bought: the id of their row, and what stands of them in buyer and address."""

    id: int
    buyer: BuyerCells
    address: AddressCells


class Regulars:
    """The buyers of all stores, as far as they may come back."""

    def __init__(self, rng: Random, writer: BulkWriter) -> None:
        self.rng = rng
        self.rows: list[Row] = []
        self._crowd = Crowd(rng)
        self._ids = writer.ids("buyer")
        self._known: dict[tuple[Any, ...], list[Regular]] = {}

    def draw(self, pattern: Pattern, cells: list[Any]) -> Regular:
        """Draw who buys a copy and fill their cells; the row of a new buyer waits in `rows`."""
        known = self._known.setdefault(
            (pattern.shop.slug, pattern.channel, pattern.country, pattern.region), []
        )
        if known and self.rng.random() * 100 >= NEW_OF_HUNDRED:
            one = known[int(len(known) * self.rng.random())]
            # Whom the channel has no key for is a new buyer each time.
            is_new = one.buyer.external_ref is None
        else:
            one, is_new = self._new(pattern), True
            if len(known) < REMEMBERED:
                known.append(one)
            else:
                known[int(REMEMBERED * self.rng.random())] = one
        cells[OF_BUYER], cells[OF_ADDRESS] = one.buyer, one.address
        cells[BUYER] = one.id or next(self._ids)
        if is_new:
            self.rows.append(pattern.buyer_row(cells))
        return one

    def _new(self, pattern: Pattern) -> Regular:
        """Return somebody who never bought before; no id is theirs where the channel has no key for them."""
        customer = self._crowd.somebody(pattern.shop, pattern.country, pattern.region)
        said, address = customer.said(pattern.channel), customer.address
        return Regular(
            0 if said.ref is None else next(self._ids),
            BuyerCells(said.ref, said.username, said.name, said.email),
            AddressCells(*(getattr(address, column) for column in AddressCells._fields)),
        )
