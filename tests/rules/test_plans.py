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
from app.models import Order, OrderItem, SearchTerm
from app.models.shop import FAR_FUTURE
from app.queries import counts, items, sales
from app.queries.filters import Conditions
from app.queries.keyset import Cursor
from app.statuses import DeskState, ItemStatus
from tests.factories import Factory

MANY = 3000
STATES = (DeskState.UNPAID, DeskState.TO_SHIP, DeskState.SHIPPED, DeskState.CLOSED)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABLES = r"(orders|order_item|search_term)"

Asked = Callable[[], object]


@pytest.fixture
def crowded(app: Flask, make: Factory) -> Flask:
    """A store with thousands of sales, a minute apart, over all tabs; two terms are common, one is rare."""
    order_id = make.sale()
    (item_id,) = make.items_of(order_id)
    with app.app_context():
        order = _copied(Order, order_id)
        item = _copied(OrderItem, item_id)
        rows: dict[Any, list[dict[str, Any]]] = {Order: [], OrderItem: [], SearchTerm: []}
        for n in range(MANY):
            new, at = 100_000 + n, NOW - timedelta(minutes=n)
            state = STATES[n % 50 % 4] if n % 50 < 4 else DeskState.CLOSED
            by = at if n % 300 < 4 else FAR_FUTURE
            changes = {"id": new, "number": new, "external_id": f"many-{n}", "placed_at": at, "ship_by": by}
            rows[Order].append({**order, **changes, "desk_state": state.value})
            status = ItemStatus(n % 50 % 4 + 1) if n % 50 < 4 else ItemStatus.COMPLETE
            rows[OrderItem].append({**item, "id": new, "order_id": new, "placed_at": at, "status": status})
            terms = [f"x{k}y{n % 97}" for k in range(8)]
            terms += ["common", "frequent"][: 1 + n % 2] + (["rare"] if n % 500 == 7 else [])
            of_order = {"store_id": order["store_id"], "placed_at": at, "order_id": new}
            rows[SearchTerm] += [{**of_order, "term": term} for term in terms]
        for table, of_table in rows.items():
            db.session.execute(insert(table.__table__), of_table)
        db.session.commit()
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


def lists(store_id: int, conditions: Conditions, place: Cursor) -> Iterator[Asked]:
    """Yield every way to look at the list of sales under these conditions."""
    for tab in (None, *DeskState):
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
            yield lambda: counts.late(store_id, NOW)
            for tab in (None, DeskState.CLOSED):
                yield lambda t=tab: sales.neighbours(  # type: ignore[misc]
                    store_id, Conditions(), order, tab=t, sort="newest", only_deals=False
                )

        assert slow(lists(store_id, SaleListForm({}).conditions(), middle)) == []
        assert slow(others()) == []


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
        for words in ("common", "common frequent"):
            assert slow(lists(store_id, Conditions(words=words), place)) == []
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
