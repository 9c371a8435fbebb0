"""`flask verify` and `flask recount`: what they say, and that the second mends what the first names."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import event, text

from app.access import SYSTEM
from app.actions.audit import audit
from app.actions.labels import set_tracking
from app.actions.parcels import Tracking, ship
from app.actions.recount import recount
from app.db import db
from app.models import SearchTerm, Tally
from tests.factories import DEAL, GOODS, Factory
from tests.stocked import is_on_sqlite, path_of

Run = Callable[..., Result]
PAGE = 4096


@pytest.fixture
def run(app: Flask) -> Run:
    """Run a command on the desk with the cast."""

    def run_command(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=list(words))

    return run_command


def change(app: Flask, *statements: str) -> None:
    """Change the database by SQL, for good."""
    with app.app_context(), db.engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def broken(said: Result) -> list[str]:
    """Return the lines of what is broken."""
    return [line for line in said.stdout.splitlines()[:-1] if not line.endswith(", ok")]


# --- verify


@pytest.mark.both
def test_verify_says_a_line_an_invariant_and_then_that_all_hold(run: Run, make: Factory) -> None:
    make.sale(GOODS)
    said = run("verify")
    assert (said.exit_code, said.stderr) == (0, "")
    *lines, last = said.stdout.splitlines()
    assert last == f"{len(lines)} invariants: all hold"
    assert len({line.split(":")[0] for line in lines}) == len(lines) > 40
    assert "What the items of an order come to is the sum of its lines: 1 row, ok" in lines


@pytest.mark.both
def test_verify_names_the_first_few_rows_by_id_and_fails(app: Flask, run: Run, make: Factory) -> None:
    lines = [row for _ in range(7) for row in make.items_of(make.sale(GOODS))]
    # PostgreSQL puts a changed row behind the others, and reads them as they lie: the last comes first.
    change(app, *(f"UPDATE order_item SET held_from = 3 WHERE id = {row}" for row in reversed(lines)))
    said = run("verify")
    assert said.exit_code == 1
    first = "; ".join(f"item {row}" for row in lines[:5])
    assert broken(said) == [
        f"{name}: {n} rows, 7 broken: {first}, ..."
        for name, n in (
            ("A held line knows where it was held, and no other line does", 7),
            ("The history, replayed, gives the present", 35),
        )
    ]
    assert said.stdout.splitlines()[-1].endswith(" invariants: 2 broken")


def test_verify_tells_nothing_of_a_person(app: Flask, run: Run, make: Factory) -> None:
    make.ship(make.sale(GOODS), {1: 5}, number="JD 01")
    change(app, "DELETE FROM search_term", "DELETE FROM event", "UPDATE order_item SET title = 'Kowalczyk'")
    said = run("verify")
    assert len(broken(said)) == 2
    told = said.output.casefold()
    assert [word for word in ("maja", "kowalczyk", "61-001", "poznań", "długa", "jd") if word in told] == []


def test_an_index_that_is_not_there_is_named(app: Flask, run: Run) -> None:
    change(app, "DROP INDEX ix_note_order_id")
    (line,) = broken(run("verify"))
    assert line.startswith("Tables and indexes are those of this version")
    assert line.endswith("add_index ix_note_order_id")


@pytest.mark.both
def test_a_key_that_leads_nowhere_is_named(app: Flask, run: Run, make: Factory) -> None:
    make.sale(GOODS)
    if is_on_sqlite(app):
        change(
            app, "PRAGMA foreign_keys=OFF", "UPDATE order_item SET product_id = 9", "PRAGMA foreign_keys=ON"
        )
        names = ["order_item 1 to product"]
    else:
        change(
            app,
            "ALTER TABLE note DISABLE TRIGGER ALL",
            "ALTER TABLE note ADD CONSTRAINT short CHECK (length(body) < 9) NOT VALID",
        )
        names = ["rule short", "trigger of note"]
    try:
        (line,) = broken(run("verify"))
        assert line.startswith("Every key leads to a row")
        assert [name for name in names if name not in line] == []
    finally:
        if not is_on_sqlite(app):
            change(app, "ALTER TABLE note DROP CONSTRAINT short", "ALTER TABLE note ENABLE TRIGGER ALL")


def test_of_an_unsound_file_nothing_else_is_said(app: Flask, run: Run, make: Factory) -> None:
    make.sale(GOODS)
    with app.app_context():
        db.session.connection().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        index = "SELECT rootpage FROM sqlite_master WHERE name = 'ix_media_product_id'"
        page = db.session.scalar(text(index))
        db.session.remove()
        db.engine.dispose()
    spoil(path_of(app), page)
    said = run("verify")
    (line,) = broken(said)
    assert line.startswith("The database's file and indexes are sound")
    assert said.stdout.splitlines()[-1] == "2 invariants: 1 broken"


def spoil(path: Path, page: int) -> None:
    """Write nonsense over a page of a database."""
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xff" * PAGE)


def test_a_database_of_another_version_is_refused(app: Flask, run: Run) -> None:
    change(app, "DELETE FROM alembic_version")
    for command in ("verify", "recount"):
        said = run(command)
        assert said.exit_code == 1
        assert "not for this version" in said.stderr


def test_nothing_that_grows_is_sorted_in_memory(app: Flask, make: Factory) -> None:
    make.sale(GOODS)
    make.sale(DEAL)
    asked: dict[str, object] = {}
    with app.app_context():

        def note(*call: object) -> None:
            asked[str(call[2])] = call[3]

        event.listen(db.engine, "before_cursor_execute", note)
        list(audit())
        event.remove(db.engine, "before_cursor_execute", note)
        plans = {
            statement: " ".join(
                row[3]
                for row in db.session.connection().exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {statement}",
                    values,  # type: ignore[arg-type]
                )
            )
            for statement, values in asked.items()
            if statement.startswith("SELECT") and "FROM store ORDER BY" not in statement.replace("\n", "")
        }
    assert len(plans) > 60
    assert [s for s, plan in plans.items() if "TEMP B-TREE" in plan or "AUTOMATIC" in plan] == []


# --- recount


def test_recount_of_right_books_changes_nothing(run: Run, make: Factory) -> None:
    make.sale(GOODS)
    said = run("recount")
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout.splitlines() == [
        f"{slug}: 0 tallies put right, 0 search terms added, 0 taken away"
        for slug in ("othershop", "papershop", "vendorshop")
    ]


@pytest.mark.both
def test_recount_mends_tally_and_terms_and_says_what_differed(app: Flask, run: Run, make: Factory) -> None:
    found, moved, alone = make.sale(GOODS), make.sale(GOODS), make.sale(DEAL, store="vendorshop")
    with app.app_context():
        n = db.session.query(SearchTerm).filter_by(order_id=moved).count()
        of_deal = db.session.query(SearchTerm).filter_by(order_id=alone).count()
    change(
        app,
        "UPDATE tally SET n = n + 3 WHERE store_id = 1 AND grain = 'order' AND code = 'to_ship'",
        "INSERT INTO tally (store_id, grain, code, n) VALUES (1, 'item', '77', 2)",
        "DELETE FROM tally WHERE store_id = 2 AND grain = 'deal_order'",
        "INSERT INTO search_term (store_id, term, placed_at, order_id)"
        f" SELECT store_id, 'zzz', placed_at, id FROM orders WHERE id = {found}",
        f"UPDATE search_term SET placed_at = '2020-01-01 00:00:00' WHERE order_id = {moved}",
        f"DELETE FROM search_term WHERE order_id = {alone}",
    )
    assert len(broken(run("verify"))) == 4
    assert run("recount").stdout.splitlines() == [
        "othershop: 0 tallies put right, 0 search terms added, 0 taken away",
        f"papershop: 2 tallies put right, {n} search terms added, {n + 1} taken away",
        f"vendorshop: 1 tally put right, {of_deal} search terms added, 0 taken away",
    ]
    assert broken(run("verify")) == []


@pytest.mark.both
def test_a_sale_is_found_by_a_number_that_its_parcel_had_once(app: Flask, run: Run, make: Factory) -> None:
    order_id = make.sale(GOODS)
    (item_id,) = make.items_of(order_id)
    with app.app_context():
        for number in ("OLD1", "NEW2"):
            set_tracking(order_id, item_id, Tracking("DHL", number), actor=SYSTEM, store_id=1)
        db.session.commit()
    assert broken(run("verify")) == []
    change(app, "UPDATE search_term SET store_id = 3")
    run("recount")
    with app.app_context():
        terms = set(db.session.scalars(db.select(SearchTerm.term).where(SearchTerm.store_id == 1)))
    assert {"old1", "new2"} <= terms


@pytest.mark.both
def test_recount_waits_for_an_act_and_counts_what_it_did(app: Flask, make: Factory) -> None:
    sent, waits = make.sale(GOODS), make.sale(GOODS)
    (item_id,) = make.items_of(sent)
    change(app, "DELETE FROM search_term", "UPDATE tally SET n = n + 1")
    failures: list[Exception] = []

    def count() -> None:
        try:
            with app.app_context():
                recount(1, commit=db.session.commit)
                db.session.commit()
        except Exception as failure:
            failures.append(failure)

    counting = threading.Thread(target=count)
    with app.app_context():
        ship(sent, {item_id: 5}, actor=SYSTEM, store_id=1, tracking=Tracking("DHL", "JD 01"))
        counting.start()
        counting.join(timeout=0.5)
        assert counting.is_alive()
        db.session.commit()
    counting.join(timeout=30)
    assert failures == []
    with app.app_context():
        assert [proof.name for proof in audit() if proof.broken] == []
        assert db.session.get_one(Tally, (1, "order", "shipped")).n == 1
        assert db.session.query(SearchTerm).filter_by(order_id=waits).count() > 0


@pytest.mark.both
def test_others_may_write_between_the_parts_of_a_long_recount(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.actions.recount.AT_ONCE", 2)
    for _ in range(5):
        make.sale(GOODS)
    change(app, "DELETE FROM search_term")
    made: list[int] = []

    def commit() -> None:
        db.session.commit()
        made.append(make.sale(GOODS))

    with app.app_context():
        recount(1, commit=commit)
        db.session.commit()
        assert len(made) == 2
        assert [proof.name for proof in audit() if proof.broken] == []
