"""How the databases read the lists: along an index, whatever is asked, on both of them.

The plans are asked for on a crowded store, after the databases have counted its rows.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert, select, text

from app.db import db
from app.forms.filters import ItemListForm, SaleListForm
from app.models import Order, OrderItem, Parcel, ParcelLine, SearchTerm
from app.models.shop import FAR_FUTURE
from app.queries import attention, counts, items, parcels, sales
from app.queries.attention import Attention
from app.queries.filters import Conditions
from app.queries.keyset import Cursor
from app.queries.parcels import ParcelTab, Wanted
from app.queries.sales import Tab
from app.statuses import DeskState, ItemStatus
from tests.factories import Factory
from tests.stocked import Stocked

MANY = 3000
STATES = (DeskState.UNPAID, DeskState.TO_SHIP, DeskState.SHIPPED, DeskState.CLOSED)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABLES = r"(orders|order_item|search_term|parcel|parcel_line)"

Asked = Callable[[], object]


def crowd(app: Flask) -> None:
    """Fill a store with thousands of sales, a minute apart, over all tabs.

    Two terms are common, one is rare.
    """
    make = Factory(app)
    order_id = make.sale()
    (item_id,) = make.items_of(order_id)
    parcel_id = make.ship(order_id, {item_id: 1})
    with app.app_context():
        order = _copied(Order, order_id)
        item = _copied(OrderItem, item_id)
        parcel = _copied(Parcel, parcel_id)
        tables = (Order, OrderItem, SearchTerm, Parcel, ParcelLine)
        rows: dict[Any, list[dict[str, Any]]] = {table: [] for table in tables}
        for n in range(MANY):
            new, at = 100_000 + n, NOW - timedelta(minutes=n)
            state = STATES[n % 50 % 4] if n % 50 < 4 else DeskState.CLOSED
            by = at if n % 300 < 4 else FAR_FUTURE
            changes = {"id": new, "number": new, "external_id": f"many-{n}", "placed_at": at, "ship_by": by}
            changes["attention_at"] = at if n % 50 < 2 else None
            rows[Order].append({**order, **changes, "desk_state": state.value})
            status = ItemStatus(n % 50 % 4 + 1) if n % 50 < 4 else ItemStatus.COMPLETE
            rows[OrderItem].append({**item, "id": new, "order_id": new, "placed_at": at, "status": status})
            box = {
                "id": new,
                "dated_at": at,
                "number": f"N-{n}",
                "state": "draft" if n % 50 == 1 else "shipped",
            }
            rows[Parcel].append({**parcel, **box})
            rows[ParcelLine].append(
                {"parcel_id": new, "item_id": new, "store_id": order["store_id"], "quantity": 1}
            )
            terms = [f"x{k}y{n % 97}" for k in range(8)]
            terms += ["common", "frequent"][: 1 + n % 2] + (["rare"] if n % 500 == 7 else [])
            of_order = {"store_id": order["store_id"], "placed_at": at, "order_id": new}
            rows[SearchTerm] += [{**of_order, "term": term} for term in terms]
        for table, of_table in rows.items():
            db.session.execute(insert(table.__table__), of_table)
        db.session.commit()
        db.session.remove()


@pytest.fixture(scope="module")
def stocked(stock: Callable[[Callable[[Flask], Any]], Stocked]) -> Stocked:
    """A crowded store, made once."""
    return stock(crowd)


@pytest.fixture
def crowded(app: Flask, stocked: Stocked) -> Flask:
    """A crowded store whose rows the database has counted."""
    stocked.put_into(app)
    with app.app_context():
        is_sqlite = db.engine.dialect.name == "sqlite"
        # In full: pages that the rows of earlier tests have left behind would count.
        db.session.execute(text("ANALYZE" if is_sqlite else "VACUUM FULL ANALYZE"))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    return app


def _copied(table: Any, row_id: int) -> dict[str, Any]:
    """Return a row by its columns."""
    row = db.session.execute(select(table.__table__).where(table.__table__.c.id == row_id)).one()
    return dict(row._mapping)


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Write down the SELECTs within the block."""
    seen: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, _many: bool) -> None:
        seen.append((re.sub(r"\s+", " ", sql), parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def slow_steps(sql: str, parameters: Any) -> list[str]:
    """Return the steps of a statement's plan that read one of the tables whole, or sort what was read."""
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        steps = [str(row[-1]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        # Along the index that sorts them rows may be met one by one; SQLite calls that a scan too.
        return [s for s in steps if re.match(rf"SCAN {TABLES}\b(?! USING)", s) or "TEMP B-TREE" in s]
    steps = [str(row[0]).strip() for row in connection.exec_driver_sql(f"EXPLAIN {sql}", parameters)]
    return [s for s in steps if re.search(rf"Seq Scan on {TABLES}\b", s) or re.match(r"(-> +)?Sort\b", s)]


def lists(
    store_id: int, conditions: Conditions, place: Cursor, tabs: tuple[Tab | None, ...] = (None, *Tab)
) -> Iterator[Asked]:
    """Yield every way to look at the list of sales under these conditions."""
    for tab in tabs:
        for sort in sales.SORTS if tab is None else ("newest", "oldest"):
            for after, before in ((None, None), (place, None), (None, place)):
                yield lambda t=tab, s=sort, a=after, b=before: sales.page(  # type: ignore[misc]
                    store_id, conditions, tab=t, sort=s, after=a, before=b, only_deals=False
                )


def store_of(app: Flask) -> int:
    """Return the crowded store."""
    return int(db.session.scalars(select(Order.store_id).limit(1)).one())


def slow(asked: Iterator[Asked]) -> list[tuple[list[str], str]]:
    """Return the slow steps of everything asked, with their statements; each statement is judged once."""
    with statements() as seen:
        for ask in asked:
            ask()
    assert seen
    judged = {sql: (slow_steps(sql, parameters), sql[-400:]) for sql, parameters in seen}
    return [(steps, sql) for steps, sql in judged.values() if steps]


def test_lists_tabs_counts_and_neighbours_are_read_along_an_index_at_any_depth(crowded: Flask) -> None:
    with crowded.app_context():
        store_id = store_of(crowded)
        middle = Cursor(NOW - timedelta(minutes=MANY // 2), 100_000 + MANY // 2)
        order = sales.one(store_id, middle.id)
        assert order is not None

        def others() -> Iterator[Asked]:
            for query in ({}, {"status": "2"}):
                for sort in items.SORTS:
                    yield lambda q=query, s=sort: items.page(  # type: ignore[misc]
                        store_id,
                        ItemListForm(q).conditions(),
                        sort=s,
                        after=None,
                        before=None,
                        only_deals=False,
                    )
            yield lambda: counts.tabs(store_id, False)
            yield lambda: attention.count(store_id, NOW)
            yield lambda: attention.counts(store_id, 14, NOW)
            yield lambda: counts.pressing(store_id, NOW)
            for tab in (None, Tab.CLOSED, Tab.ATTENTION):
                yield lambda t=tab: sales.neighbours(  # type: ignore[misc]
                    store_id, Conditions(), order, tab=t, sort="newest", only_deals=False
                )

        assert slow(lists(store_id, SaleListForm({}).conditions(), middle)) == []

        def needing(kinds: tuple[Attention | None, ...]) -> Iterator[Asked]:
            for kind in kinds:
                for after, before in ((None, None), (middle, None), (None, middle)):
                    yield lambda k=kind, a=after, b=before: attention.page(  # type: ignore[misc]
                        store_id, k, received_days=14, now=NOW, after=a, before=b
                    )

        assert slow(others()) == []
        assert slow(needing((None,))) == []
        # Of one reason there may be so few that they are sorted; nothing is read whole for them.
        steps = [step for found, _ in slow(needing(tuple(Attention))) for step in found]
        assert [step for step in steps if "Seq Scan" in step or "SCAN" in step] == []


def test_parcels_are_read_along_their_day_whatever_is_asked(crowded: Flask) -> None:
    with crowded.app_context():
        store_id = store_of(crowded)
        place = Cursor(NOW - timedelta(minutes=100), 100_100)
        days = (Wanted("DHL"), Wanted(None, NOW - timedelta(days=1), NOW), Wanted())

        def pages() -> Iterator[Asked]:
            for tab in (None, ParcelTab.DRAFTS, ParcelTab.SENT):
                for wanted in days:
                    for after, before in ((None, None), (place, None), (None, place)):
                        yield lambda t=tab, w=wanted, a=after, b=before: parcels.page(  # type: ignore[misc]
                            store_id, t, w, after=a, before=b
                        )
            yield lambda: parcels.counts(store_id)

        assert slow(pages()) == []


def found(store_id: int, words: str) -> list[int]:
    """Return the sales that a search finds, newest first."""
    page = sales.page(
        store_id, Conditions(words=words), tab=None, sort="newest", after=None, before=None, only_deals=False
    )
    return [row.id for row in page.rows]


def test_a_common_word_is_met_along_the_list_and_a_rare_one_looked_up(
    crowded: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with crowded.app_context():
        store_id = store_of(crowded)
        place = Cursor(NOW - timedelta(minutes=MANY // 2), 100_000 + MANY // 2)
        monkeypatch.setattr("app.queries.search.RARE", 200)
        # What needs attention is little: what of it has the words may be sorted.
        tabs = (None, Tab.UNPAID, Tab.TO_SHIP, Tab.SHIPPED, Tab.CLOSED)
        for words in ("common", "common frequent"):
            assert slow(lists(store_id, Conditions(words=words), place, tabs)) == []
        with statements() as seen:
            assert found(store_id, "rare common") == [100_007 + n for n in range(0, MANY, 500)]
        # The few sales found are sorted; nothing is read whole.
        steps = [step for sql, parameters in seen for step in slow_steps(sql, parameters)]
        assert [step for step in steps if "Seq Scan" in step or "SCAN" in step] == []
        for words in ("common", "rare", "rare frequent", "common frequent", "com fre"):
            monkeypatch.setattr("app.queries.search.RARE", 0)
            walked = found(store_id, words)
            monkeypatch.setattr("app.queries.search.RARE", 10 * MANY)
            assert found(store_id, words) == walked != []
