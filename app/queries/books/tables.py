"""What the tables themselves promise: codes of their lists, rules of their rows, keys that lead somewhere."""

from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, TextClause, or_, select, text

from app.db import Base, Code
from app.models import Buyer, Event, Order, OrderItem, Product
from app.queries.books.rules import Rule, Search, key_of, plain
from app.statuses import ActorKind, Channel, Delivery, Door, OrderKind

# Columns of words from a list that the database does not hold to it.
WORDS: tuple[tuple[Any, type[StrEnum]], ...] = (
    (Order.channel, Channel),
    (Order.kind, OrderKind),
    (OrderItem.delivery, Delivery),
    (Buyer.channel, Channel),
    (Product.channel, Channel),
    (Product.delivery, Delivery),
    (Event.actor_kind, ActorKind),
    (Event.door, Door),
)
# What a rule of the books says of its own, and tells of its rows.
SAID_ELSEWHERE = frozenset({"ck_orders_total", "ck_order_item_pieces", "ck_tally_n"})


def _strays(model: type[Base]) -> list[ColumnElement[bool]]:
    """Return the conditions under which a row has a code or a word that its list has not."""
    kinds = [(column, column.type) for column in model.__table__.columns]
    codes = [plain(c).not_in([int(code) for code in of.codes]) for c, of in kinds if isinstance(of, Code)]
    words = [c.not_in([word.value for word in known]) for c, known in WORDS if c.class_ is model]
    return codes + words


def _checks(model: type[Base]) -> list[TextClause]:
    """Return the conditions under which a row breaks a rule that its table has for every row."""
    checks = [c for c in model.__table__.constraints if isinstance(c, CheckConstraint)]  # type: ignore[attr-defined]
    return [text(f"NOT ({c.sqltext})") for c in checks if c.name not in SAID_ELSEWHERE]


def _searches(conditions: Any) -> tuple[Search, ...]:
    """Return a search in each table that has such conditions."""
    models = sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda m: m.__tablename__)
    return tuple(
        Search(model.__tablename__, model, select(*key_of(model.__table__)).where(or_(*found)))
        for model in models
        if (found := conditions(model))
    )


RULES = (
    Rule("Every code and every word of a list is one of its list", _searches(_strays)),
    Rule("Every row keeps the rules of its table", _searches(_checks)),
)
