"""Orders as their buyer sees them: the tabs, the search over one's own, one purchase.

The tabs are said by the flags: to pay (unpaid and live), on the way (something is to come), received (all
that lives is done), problems (one of the shipping flags says so). What ended otherwise stands in All alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased, joinedload

from app.db import db, rows_of
from app.models import Buyer, Combined, Order, OrderItem, Store
from app.queries import sales
from app.queries.keyset import PAGE, Cursor, Slice, Way, along, cut, place, way
from app.statuses import BuyerShipping, DeskState, ItemStatus, Shipping
from app.words import asked_terms, terms

# A tab counts so many purchases exactly; who has more reads "1,000+".
COUNTED = 1000


class Tab(StrEnum):
    """What of their purchases a buyer looks at."""

    TO_PAY = "to_pay"
    ON_THE_WAY = "on_the_way"
    RECEIVED = "received"
    PROBLEMS = "problems"

    @property
    def label(self) -> str:
        """Return the word that the tab shows."""
        return {
            "to_pay": "To pay",
            "on_the_way": "On the way",
            "received": "Received",
            "problems": "Problems",
        }[self.value]


COLUMNS = (
    Order.id,
    Order.number,
    Order.currency,
    Order.total_minor,
    Order.payment,
    Order.shipping,
    Order.buyer_payment,
    Order.buyer_shipping,
    Order.status,
    Order.desk_state,
    Order.placed_at,
    Order.is_day_only,
    Store.name.label("store_name"),
    Store.zone,
)


def _says(of: Any) -> dict[Tab, ColumnElement[bool]]:
    """Return what each tab asks of an order, or of a row with these columns of orders."""
    is_wrong = or_(of.shipping == Shipping.PROBLEM, of.buyer_shipping == BuyerShipping.PROBLEM)
    is_coming = of.desk_state.in_((DeskState.TO_SHIP.value, DeskState.SHIPPED.value))
    is_done = and_(of.desk_state == DeskState.CLOSED.value, of.status == ItemStatus.COMPLETE)
    return {
        Tab.TO_PAY: and_(of.desk_state == DeskState.UNPAID.value, ~is_wrong),
        Tab.ON_THE_WAY: and_(is_coming, ~is_wrong),
        Tab.RECEIVED: and_(is_done, ~is_wrong),
        Tab.PROBLEMS: is_wrong,
    }


_IN = _says(Order)
_OWN = Buyer.account_id == bindparam("account")
_LISTED = and_(_OWN, Order.heir_id.is_(None))


def _in_tab(rows: Select[Any], tab: Tab | None) -> Select[Any]:
    """Narrow a select of orders to a tab (None: all)."""
    return rows if tab is None else rows.where(_IN[tab])


_ROWS = (
    select(*COLUMNS)
    .join(Buyer, Buyer.id == Order.buyer_id)
    .join(Store, Store.id == Order.store_id)
    .where(_LISTED)
)
_NEWEST = sales.SORTS["newest"]
_TABS: tuple[Tab | None, ...] = (None, *Tab)
_PAGES = {(tab, how): along(_in_tab(_ROWS, tab), _NEWEST, how) for tab in _TABS for how in Way}
_NAMED = _ROWS.where(Order.id.in_(bindparam("orders", expanding=True))).order_by(
    Order.placed_at.desc(), Order.id.desc()
)


def page(
    account_id: int,
    *,
    tab: Tab | None = None,
    text: str = "",
    after: Cursor | None,
    before: Cursor | None,
) -> Slice:
    """Return one page of what this account bought, newest first, at most 25 rows of COLUMNS."""
    how = way(after, before)
    if not text:
        found = rows_of(_PAGES[tab, how], {"account": account_id, **place(before or after)})
        return cut(found, _NEWEST, how)
    at = cut(_beyond(_found(account_id, tab, text), before or after, how), _NEWEST, how)
    ids = [row.id for row in at.rows]
    return at._replace(rows=rows_of(_NAMED, {"account": account_id, "orders": ids}) if ids else ())


class Found(NamedTuple):
    """A purchase that a search found, and its place in the list."""

    placed_at: datetime
    id: int


_WORDS = (
    select(Order.placed_at, Order.id, Order.number, Store.name.label("store_name"), OrderItem.title)
    .join(Buyer, Buyer.id == Order.buyer_id)
    .join(Store, Store.id == Order.store_id)
    .join(OrderItem, OrderItem.order_id == Order.id)
    .where(_LISTED)
)
# Those that went into a purchase are looked for by their old numbers.
_PART = aliased(Order)
_PARTS = (
    select(Order.placed_at, Order.id, _PART.number, literal(""), literal(""))
    .join(Buyer, Buyer.id == Order.buyer_id)
    .join(Combined, Combined.heir_id == Order.id)
    .join(_PART, _PART.id == Combined.order_id)
    .where(_LISTED)
)
_WORDS_IN = {tab: select(union_all(_in_tab(_WORDS, tab), _in_tab(_PARTS, tab)).subquery()) for tab in _TABS}


def _found(account_id: int, tab: Tab | None, text: str) -> list[Found]:
    """Return the purchases of a tab whose numbers, store and titles have every word of a text, newest first.

    Numbers are its own and those of the purchases that went into it. Words are folded and compared here, so
    every database finds the same; a person has few purchases. A text without any word in it finds nothing.
    """
    asked = asked_terms(text)
    if not asked:
        return []
    texts: defaultdict[Found, set[str]] = defaultdict(set)
    for row in rows_of(_WORDS_IN[tab], {"account": account_id}):
        texts[Found(row.placed_at, row.id)].update((str(row.number), row.store_name, row.title))
    return sorted((found for found in texts if _has(asked, terms(*texts[found]))), reverse=True)


def _has(asked: Sequence[str], there: Iterable[str]) -> bool:
    """Tell whether each word begins one of the terms."""
    return all(any(term.startswith(word) for term in there) for word in asked)


def _beyond(found: list[Found], at: Cursor | None, how: Way) -> list[Found]:
    """Return what lies past a place in the direction of travel, one row more than a page at most."""
    if at is None:
        return found[: PAGE + 1]
    here = Found(*at)
    if how is Way.BACK:
        return [row for row in reversed(found) if row > here][: PAGE + 1]
    return [row for row in found if row < here][: PAGE + 1]


_SOME = (
    select(Order.desk_state, Order.status, Order.shipping, Order.buyer_shipping)
    .join(Buyer, Buyer.id == Order.buyer_id)
    .where(_LISTED)
    .limit(COUNTED + 1)
    .subquery()
)


_COUNTED = select(
    func.count().label("all"),
    *(func.count(case((says, 1))).label(tab.value) for tab, says in _says(_SOME.c).items()),
).select_from(_SOME)


class Counts(NamedTuple):
    """How many purchases stand in each tab, and in all as "all"; whether there are more than counted."""

    tabs: dict[str, int]
    is_capped: bool


def counts(account_id: int) -> Counts:
    """Return how many purchases of this account stand in each tab; one statement, exact up to COUNTED."""
    found = rows_of(_COUNTED, {"account": account_id})[0]._mapping
    tabs = {name: min(found[name], COUNTED) for name in ("all", *(tab.value for tab in Tab))}
    return Counts(tabs, found["all"] > COUNTED)


_WHOLE = (
    select(Order)
    .join(Buyer, Buyer.id == Order.buyer_id)
    .where(Order.id == bindparam("order"), _OWN)
    .options(joinedload(Order.buyer), joinedload(Order.address), joinedload(Order.items))
    .execution_options(populate_existing=True)
)


def one(account_id: int, order_id: int) -> Order | None:
    """Return an order that this account bought, with its lines and address; None where there is none."""
    found = db.session.scalars(_WHOLE, {"account": account_id, "order": order_id})
    return found.unique().one_or_none()
