"""The search: which orders have terms that begin with every word that was typed.

A rare word is looked up, and its few orders sorted. A word that many orders have is not: the list is walked
in its own sequence and each order is asked for the word, so the first page is soon full. Which way is the
shorter one is told by a count that stops early; both find the same rows.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, String, bindparam, func, literal_column, select

from app.db import rows_of
from app.models import SearchTerm
from app.queries.sight import ALL, Sight, seen_begins
from app.words import asked_terms, deal_term

# As many orders can be looked up and sorted in the time of a walk that meets one in some dozens.
RARE = 500
LAST_SIGN = "\U0010ffff"


class Search(NamedTuple):
    """How a search narrows a list: how many words it has, whether the first of them is rare, who asks."""

    words: int = 0
    is_rare: bool = False
    sight: Sight = ALL


NO_SEARCH = Search()


class Searched(NamedTuple):
    """A search with the parameters that it reads: each word, the rarest first."""

    shape: Search
    values: dict[str, Any]


def searched(store_id: int, text: str, only_deals: bool, sight: Sight = ALL) -> Searched | None:
    """Return how the words of a text narrow a list of this store; None where nothing can be found.

    A text without any word in it ("%") finds nothing: never a wider list. Who sees deals alone finds a
    sale by its number and its deals' words.
    """
    if not text:
        return Searched(NO_SEARCH, {})
    words = asked_terms(text)
    if only_deals:
        words = [deal_term(word) for word in words]
    if not words:
        return None
    numbers = rows_of(_how_many(len(words), RARE + 1), {"store": store_id, **_ranges(words)})[0]
    by_rarity = sorted(zip(numbers, words, strict=True))
    if by_rarity[0][0] == 0:
        return None
    # What those find who see deals alone hides nothing from them.
    shape = Search(len(words), by_rarity[0][0] <= RARE, ALL if only_deals else sight)
    return Searched(shape, _ranges([word for _, word in by_rarity]))


def conditions(shape: Search, order_id: Any, store_id: Any) -> list[ColumnElement[bool]]:
    """Return the conditions of a search on the columns that name the row's order and store."""
    if not shape.words:
        return [store_id == bindparam("store")]
    is_here = SearchTerm.store_id == bindparam("store")
    # The empty offset keeps PostgreSQL from turning the question round: it would read all that have the word.
    found: list[ColumnElement[bool]] = [
        select(SearchTerm.order_id)
        .where(SearchTerm.order_id == order_id, *_begins(n), is_here)
        .offset(0)
        .exists()
        for n in range(int(shape.is_rare), shape.words)
    ]
    if shape.sight != ALL:
        words = (bindparam(f"word_{n}", type_=String) for n in range(shape.words))
        found += [seen_begins(word, order_id, shape.sight) for word in words]
    if not shape.is_rare:
        return [store_id == bindparam("store"), *found]
    looked_up = select(SearchTerm.order_id).where(is_here, *_begins(0))
    # The sign keeps both databases from walking the store's index instead: they cannot know how rare it is.
    of_store: ColumnElement[Any] = literal_column(f"+{store_id.table.name}.{store_id.key}", store_id.type)
    return [of_store == bindparam("store"), order_id.in_(looked_up), *found]


@cache
def _how_many(words: int, most: int) -> Select[Any]:
    """Return the statement that counts the terms of each word, up to so many."""
    some = (
        select(SearchTerm.order_id)
        .where(SearchTerm.store_id == bindparam("store"), *_begins(n))
        .limit(most)
        .subquery()
        for n in range(words)
    )
    return select(*(select(func.count()).select_from(rows).scalar_subquery() for rows in some))


def _begins(n: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions that a term begins with the nth word."""
    return SearchTerm.term >= bindparam(f"word_{n}"), SearchTerm.term < bindparam(f"word_{n}_end")


def _ranges(words: Sequence[str]) -> dict[str, str]:
    """Return the words as the parameters that `_begins` reads."""
    found = {f"word_{n}": word for n, word in enumerate(words)}
    return found | {f"word_{n}_end": word + LAST_SIGN for n, word in enumerate(words)}
