"""What an account bought, as programs are told of it: items, orders, and the feedback on them.

Read from whom the stores know the account as: a person has few purchases. `store` narrows to one store's.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from app.db import rows_of
from app.models import Address, Buyer, Feedback, Order, OrderItem, Store
from app.queries.filters import Asked, Conditions
from app.queries.sales import KEPT
from app.queries.told_items import NEWEST_FIRST, ROWS, TO, Told, told
from app.statuses import ProductType


class Purchaser(NamedTuple):
    """Who bought: an account, and the one store that is looked at (None: all)."""

    account_id: int
    store_id: int | None

    @property
    def values(self) -> dict[str, int | None]:
        """Return the parameters of the statements."""
        return {"account": self.account_id, "store": self.store_id}


class Part(NamedTuple):
    """Which part of a list: so many rows are skipped, so many follow."""

    start: int
    limit: int

    @property
    def values(self) -> dict[str, int]:
        """Return the parameters of a page's statement."""
        return {"start": self.start, "limit": self.limit}


def _bought(asked: Asked, is_in_one_store: bool) -> list[ColumnElement[bool]]:
    """Return the conditions of what an account bought: of orders that live, joined to their buyer."""
    found = [Buyer.account_id == bindparam("account"), Order.heir_id.is_(None), *asked.of_orders]
    return [*found, Order.store_id == bindparam("store")] if is_in_one_store else found


@lru_cache(KEPT)
def _items(asked: Asked, is_in_one_store: bool) -> tuple[Select[Any], Select[Any]]:
    """Return the statements that count items, and that read a page of them."""
    where = (*_bought(asked, is_in_one_store), *asked.of_items)

    def some(what: Any) -> Select[Any]:
        joined = select(what).select_from(OrderItem).join(Order, Order.id == OrderItem.order_id)
        return joined.join(Buyer, Buyer.id == Order.buyer_id).where(*where)

    ids = some(OrderItem.id).order_by(*NEWEST_FIRST)
    page = ids.offset(bindparam("start")).limit(bindparam("limit"))
    return some(func.count(OrderItem.id)), ROWS.where(OrderItem.id.in_(page))


def items(who: Purchaser, conditions: Conditions, part: Part) -> tuple[int, list[Told]]:
    """Return how many items that were bought match, and a part of them, newest first."""
    counting, page = _items(conditions.asked, who.store_id is not None)
    values = {**who.values, **conditions.values}
    total = int(rows_of(counting, values)[0][0])
    return total, told(rows_of(page, {**values, **part.values})) if part.start < total else []


_ONE_ITEM = {
    is_in_one_store: ROWS.where(
        OrderItem.id == bindparam("item"),
        OrderItem.order_id.in_(
            select(Order.id).join(Buyer, Buyer.id == Order.buyer_id).where(*_bought(Asked(), is_in_one_store))
        ),
    )
    for is_in_one_store in (False, True)
}


def item(who: Purchaser, item_id: int) -> Told | None:
    """Return an item that was bought; None where there is none."""
    statement = _ONE_ITEM[who.store_id is not None]
    return next(iter(told(rows_of(statement, {**who.values, "item": item_id}))), None)


_OF_ORDERS = ROWS.where(OrderItem.order_id.in_(bindparam("orders", expanding=True)))


def items_of(order_ids: Sequence[int]) -> list[Told]:
    """Return the items of these orders."""
    return told(rows_of(_OF_ORDERS, {"orders": order_ids})) if order_ids else []


_ORDERS = (
    select(
        Order.id.label("order_id"),
        Order.store_id,
        Order.buyer_id,
        Order.placed_at.label("ordered_at"),
        Order.status.label("order_status"),
        Order.address_id,
        Buyer.name.label("buyer_name"),
        Buyer.username.label("buyer_username"),
        *TO,
    )
    .join(Buyer, Buyer.id == Order.buyer_id)
    .outerjoin(Address, Address.id == Order.address_id)
)


@lru_cache(KEPT)
def _orders(asked: Asked, is_in_one_store: bool) -> tuple[Select[Any], Select[Any]]:
    """Return the statements that count orders, and that read a page of them."""
    where = _bought(asked, is_in_one_store)
    counting = select(func.count(Order.id)).join(Buyer, Buyer.id == Order.buyer_id).where(*where)
    found = _ORDERS.where(*where).order_by(Order.placed_at.desc(), Order.id.desc())
    return counting, found.offset(bindparam("start")).limit(bindparam("limit"))


def orders(who: Purchaser, conditions: Conditions, part: Part) -> tuple[int, Sequence[Any]]:
    """Return how many orders of an account match, and a part of them, newest first."""
    counting, page = _orders(conditions.asked, who.store_id is not None)
    values = {**who.values, **conditions.values}
    total = int(rows_of(counting, values)[0][0])
    return total, rows_of(page, {**values, **part.values}) if part.start < total else ()


_ONE_ORDER = {
    is_in_one_store: _ORDERS.where(Order.id == bindparam("order"), *_bought(Asked(), is_in_one_store))
    for is_in_one_store in (False, True)
}


def order(who: Purchaser, order_id: int) -> Any:
    """Return an order that was bought; None where there is none."""
    statement = _ONE_ORDER[who.store_id is not None]
    return next(iter(rows_of(statement, {**who.values, "order": order_id})), None)


class Reviewed(NamedTuple):
    """What a buyer said of an item, with the item's buyer and store."""

    id: int
    value: int
    text: str
    created_at: Any
    item_id: int
    buyer_id: int
    buyer_name: str
    buyer_username: str
    store_id: int
    store_name: str


def _reviews(columns: Sequence[Any], where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Return a statement of what buyers said."""
    return (
        select(*columns)
        .select_from(Feedback)
        .join(OrderItem, OrderItem.id == Feedback.item_id)
        .join(Order, Order.id == OrderItem.order_id)
        .join(Buyer, Buyer.id == Order.buyer_id)
        .join(Store, Store.id == Order.store_id)
        .where(Feedback.direction == "to_seller", *where)
    )


_REVIEW = (
    Feedback.id,
    Feedback.value,
    Feedback.text,
    Feedback.created_at,
    Feedback.item_id,
    Order.buyer_id,
    Buyer.name,
    Buyer.username,
    Store.id,
    Store.name,
)
_COUNT = (func.count(Feedback.id),)


class _Reviews(NamedTuple):
    """The three statements of a list of reviews: its count, a page of it, the one of an item."""

    counting: Select[Any]
    page: Select[Any]
    one: Select[Any]


def _statements(where: Sequence[ColumnElement[bool]]) -> _Reviews:
    """Return the statements of what these conditions leave."""
    found = _reviews(_REVIEW, where)
    page = found.order_by(Feedback.id.desc()).offset(bindparam("start")).limit(bindparam("limit"))
    return _Reviews(_reviews(_COUNT, where), page, found.where(Feedback.item_id == bindparam("item")))


_GIVEN = {one: _statements(_bought(Asked(), one)) for one in (False, True)}
_OF_STORE = (Feedback.store_id == bindparam("store"),)
_RECEIVED = {
    False: _statements(_OF_STORE),
    True: _statements((*_OF_STORE, OrderItem.type == ProductType.DEAL)),
}


class Reviews:
    """What was said: by who bought, or to a store (of its deals alone, where the reader sees no more)."""

    def __init__(self, statements: _Reviews, values: dict[str, Any]) -> None:
        self._statements, self._values = statements, values

    @classmethod
    def given(cls, who: Purchaser) -> "Reviews":
        """Return what was said by who bought."""
        return cls(_GIVEN[who.store_id is not None], who.values)

    @classmethod
    def received(cls, store_id: int, *, only_deals: bool) -> "Reviews":
        """Return what was said to a store."""
        return cls(_RECEIVED[only_deals], {"store": store_id})

    def part(self, part: Part) -> tuple[int, list[Reviewed]]:
        """Return how many there are, and a part of them, newest first."""
        total = int(rows_of(self._statements.counting, self._values)[0][0])
        if part.start >= total:
            return total, []
        rows = rows_of(self._statements.page, {**self._values, **part.values})
        return total, [Reviewed(*row) for row in rows]

    def one(self, item_id: int) -> Reviewed | None:
        """Return what was said of an item; None where there is nothing."""
        rows = rows_of(self._statements.one, {**self._values, "item": item_id})
        return next((Reviewed(*row) for row in rows), None)
