"""What narrows a list: conditions on orders and on items, and how each list puts them together.

A condition is a name, what it says of a parameter, and the value asked for. Statements are built once for
each set of names: the values come with the call.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, bindparam, exists

from app.models import Order, OrderItem
from app.queries.search import Search, conditions
from app.queries.sight import ALL, Sight
from app.statuses import ProductType

NO_VALUES: Mapping[str, Any] = MappingProxyType({})


class Condition(NamedTuple):
    """One thing that may be asked for: its name, what it says of a parameter, whether that is a list."""

    name: str
    says: Callable[[BindParameter[Any]], ColumnElement[bool]]
    is_list: bool = False

    def clause(self) -> ColumnElement[bool]:
        """Return the condition as SQL, of the parameter of its name."""
        return self.says(bindparam(self.name, expanding=self.is_list))


class Asked(NamedTuple):
    """Which things are asked for, by grain: what a statement is built of."""

    on_orders: tuple[Condition, ...] = ()
    on_items: tuple[Condition, ...] = ()

    @property
    def of_orders(self) -> list[ColumnElement[bool]]:
        """Return the conditions on an order."""
        return _clauses(self.on_orders)

    @property
    def of_items(self) -> list[ColumnElement[bool]]:
        """Return the conditions on an item."""
        return _clauses(self.on_items)


class Conditions(NamedTuple):
    """What a filter form asks for: which things, their values by name, the words of the search, who asks."""

    asked: Asked = Asked()
    values: Mapping[str, Any] = NO_VALUES
    words: str = ""
    sight: Sight = ALL

    @property
    def are_empty(self) -> bool:
        """Tell whether nothing is asked for."""
        return not (any(self.asked) or self.words)

    @property
    def need_orders(self) -> bool:
        """Tell whether a list of items has to read their orders to judge them."""
        return bool(self.asked.on_orders)


NOTHING = Conditions()


def of_orders(asked: Asked, search: Search, only_deals: bool) -> list[ColumnElement[bool]]:
    """Return the conditions for a list of orders; the parameter `store` names whose.

    What went into another order is none any more.

    One and the same item must meet all conditions on items (law: "Parameters").
    """
    on_items = asked.of_items + _of_deals(only_deals)
    found = [*conditions(search, Order.id, Order.store_id), Order.heir_id.is_(None), *asked.of_orders]
    return [*found, exists().where(OrderItem.order_id == Order.id, *on_items)] if on_items else found


def of_items(asked: Asked, search: Search, only_deals: bool) -> list[ColumnElement[bool]]:
    """Return the conditions for a list of items; conditions on orders hold for the item's order."""
    found = conditions(search, OrderItem.order_id, OrderItem.store_id)
    return found + asked.of_items + _of_deals(only_deals) + asked.of_orders


def _clauses(asked: Iterable[Condition]) -> list[ColumnElement[bool]]:
    """Return these conditions as SQL."""
    return [condition.clause() for condition in asked]


def _of_deals(only_deals: bool) -> list[ColumnElement[bool]]:
    """Return the condition that an item is a deal, for who sees nothing else."""
    return [OrderItem.type == ProductType.DEAL] if only_deals else []
