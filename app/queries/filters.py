"""What narrows a list: conditions on orders and on items, and how each list puts them together."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, false, func, or_, select

from app.models import Order, OrderItem, SearchTerm
from app.statuses import ProductType
from app.words import asked_terms


class Conditions(NamedTuple):
    """What a filter form asks for, by grain; `words` is the search."""

    on_orders: tuple[ColumnElement[bool], ...] = ()
    on_items: tuple[ColumnElement[bool], ...] = ()
    words: str = ""

    @property
    def are_empty(self) -> bool:
        """Tell whether nothing is asked for."""
        return not (self.on_orders or self.on_items or self.words)

    @property
    def need_orders(self) -> bool:
        """Tell whether a list of items has to read their orders to judge them."""
        return bool(self.on_orders or self.words)


NOTHING = Conditions()


def of_orders(store_id: int, asked: Conditions, only_deals: bool) -> list[ColumnElement[bool]]:
    """Return the conditions for a list of orders.

    One and the same item must meet all conditions on items (law: "Parameters").
    """
    on_items = list(asked.on_items)
    if only_deals:
        on_items.append(OrderItem.type == ProductType.DEAL)
    found: list[ColumnElement[bool]] = [Order.store_id == store_id, *asked.on_orders]
    if on_items:
        found.append(exists().where(OrderItem.order_id == Order.id, *on_items))
    return found + _search(store_id, asked.words, only_deals)


def of_items(store_id: int, asked: Conditions, only_deals: bool) -> list[ColumnElement[bool]]:
    """Return the conditions for a list of items; conditions on orders hold for the item's order."""
    found: list[ColumnElement[bool]] = [OrderItem.store_id == store_id, *asked.on_items]
    if only_deals:
        found.append(OrderItem.type == ProductType.DEAL)
    return found + list(asked.on_orders) + _search(store_id, asked.words, only_deals)


def _search(store_id: int, words: str, only_deals: bool) -> list[ColumnElement[bool]]:
    """Return one condition a word: some term of the order begins with it.

    A search without any word in it ("%") finds nothing: never a wider list.
    """
    words_asked = asked_terms(words)
    if words and not words_asked:
        return [false()]
    if only_deals:
        return [_in_a_deal(term) for term in words_asked]
    return [
        Order.id.in_(
            select(SearchTerm.order_id).where(
                SearchTerm.store_id == store_id,
                SearchTerm.term >= term,
                SearchTerm.term < term + "\U0010ffff",
            )
        )
        for term in words_asked
    ]


def _in_a_deal(term: str) -> ColumnElement[bool]:
    """Return the condition that a sale is found by what a vendor sees of it: its number, or a deal's words.

    The order's own terms would tell a vendor of the lines and the buyer that are hidden from them.
    """
    number = int(term) if term.isascii() and term.isdigit() and len(term) <= 18 else 0
    shown = (OrderItem.title, OrderItem.sku)
    return exists().where(
        OrderItem.order_id == Order.id,
        OrderItem.type == ProductType.DEAL,
        or_(
            Order.number == number,
            OrderItem.deal_number == number,
            *(func.lower(text).contains(term, autoescape=True) for text in shown),
        ),
    )
