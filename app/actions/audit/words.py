"""The words that orders are found by, held against what orders are found by."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement

from app.actions.audit.proofs import Proof, Question
from app.actions.found_by import order_terms, tracking_terms
from app.queries.books import streams
from app.words import terms


class Home(NamedTuple):
    """An address as the search knows it."""

    name: str
    postal_code: str


class Found(NamedTuple):
    """An order, the words it should be found by, those it is found by, and whether they stand in place.

    `right` holds the words of its past tracking numbers where it is found by them.
    """

    order: Any
    right: set[str]
    there: set[str]
    is_in_place: bool

    @property
    def is_right(self) -> bool:
        """Tell whether the order is found as it should be."""
        return self.is_in_place and self.right == self.there


def proofs() -> Iterator[Proof]:
    """Yield the proofs of what the search promises."""
    missing = Question("Every order is found by all of its words")
    strange = Question("No order is found by a word that it never had")
    place = Question("Words stand under the store and the time of their order")
    for found in compared():
        for question, is_so in (
            (missing, found.right <= found.there),
            (strange, found.there <= found.right),
            (place, found.is_in_place),
        ):
            question.rows += 1
            if not is_so:
                question.breach(f"order {found.order.id}")
    yield from (question.proof() for question in (missing, strange, place))


def compared(which: ColumnElement[bool] | None = None) -> Iterator[Found]:
    """Yield every order, or those that meet a condition, with its words compared."""
    for _, (heads, absorbed, lines, kept) in streams.beside(*streams.found_by(which)):
        for order in heads:
            place = None if order.postal_code is None else Home(order.address_name, order.postal_code)
            right = order_terms(order, order, place, lines, absorbed)
            for number in {line.number for line in lines if line.number}:
                right |= tracking_terms(number)
            there = set(kept[0].terms.split(" ")) if kept else set()
            if others := there - right:
                # By the number that its parcel had once, or a code of its own, it is still found.
                right |= others & _terms_of_past(order.id)
            yield Found(order, right, there, not kept or is_in_place(order, kept[0]))


def _terms_of_past(order_id: int) -> set[str]:
    """Return the words of every tracking number that parcels of an order have had, and of every code."""
    numbers = set().union(*map(tracking_terms, streams.told_numbers(order_id)))
    return numbers | terms(*streams.told_codes(order_id))


def is_in_place(order: Any, kept: Any) -> bool:
    """Tell whether all words of an order stand under its store and its time."""
    return bool(
        kept.first_store == kept.last_store == order.store_id
        and kept.first_at == kept.last_at == order.placed_at
    )
