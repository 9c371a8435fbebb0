"""A rule of the books, and how its breaches are found."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, Table, type_coerce

from app.db import Code, db

# So many rows are in memory at once.
AT_ONCE = 2000


class Search(NamedTuple):
    """A select that yields the ids of rows of a table that break a rule; `word` is what a row is called."""

    word: str
    of: type[Any]
    broken: Select[Any]


class Rule(NamedTuple):
    """What must hold, in plain words, and the searches for what breaks it."""

    name: str
    searches: tuple[Search, ...]


def rule(name: str, word: str, of: type[Any], broken: Select[Any]) -> Rule:
    """Return a rule with one search."""
    return Rule(name, (Search(word, of, broken),))


def breaches(rule: Rule) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the rows that break a rule, as the database comes upon them: what each is called, and its ids."""
    for search in rule.searches:
        for ids in rows(search.broken):
            yield search.word, tuple(ids)


def looked_at(rule: Rule, sizes: Mapping[str, int]) -> int:
    """Return how many rows a rule is about, of tables of these sizes."""
    return sum(sizes[search.of.__tablename__] for search in rule.searches)


def rows(found: Select[Any]) -> Iterator[Any]:
    """Yield the rows of a select one after the other, few of them in memory at once."""
    yield from db.session.execute(found, execution_options={"yield_per": AT_ONCE})


def plain(column: Any) -> Any:
    """Return a column of codes as its bare number: the books may hold one that no list has."""
    if isinstance(column.type, Code):
        return type_coerce(column, Integer).label(column.name)
    return column


def key_of(table: Table) -> list[ColumnElement[Any]]:
    """Return the columns by which a row of a table is named."""
    return list(table.primary_key.columns)
