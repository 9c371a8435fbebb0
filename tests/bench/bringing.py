"""Imports: an export of Etsy's with N orders, brought in by the desk, and the floors under that."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask

from app.access import Permission, find_desk, person
from app.actions.imports import Outcome
from app.db import db
from app.exchange.importing import Report, bring_in, read
from app.queries import people
from tests.bench.calls import Call, Wrong
from tests.bench.etsy_file import File
from tests.bench.facts import OWNER, SLUG, Facts
from tests.bench.import_floors import Floors, highest, written
from tests.bench.measure import Candidate, Key
from tests.bench.raw import Raw

PATHS = ("import", "F-import", "F-written")
TURNS = 6  # an import takes about a second, and its database grows


def newest_day(facts: Facts) -> datetime:
    """Return a day before which a store has sold for long: three weeks before its newest sale."""
    micros = int(facts.place(facts.sales()[0]).text().partition(".")[0])
    return datetime(1970, 1, 1) + timedelta(microseconds=micros) - timedelta(days=21)


@contextmanager
def importer(app: Flask) -> Iterator[Callable[[File], Report]]:
    """Give what reads a file and brings it in, as the command does for the store's owner."""
    with app.app_context():
        account = people.account_by_email(OWNER)
        assert account is not None
        desk = find_desk(person(account), SLUG, to=Permission.IMPORT)
        zone, currency = desk.store.zone, desk.store.currency

        def bring(file: File) -> Report:
            return bring_in(
                read(file.bytes, zone, currency),
                desk,
                is_dry_run=False,
                commit=db.session.commit,
                rollback=db.session.rollback,
            )

        yield bring


def stock_to_ship(app: Flask, facts: Facts, orders: int) -> list[int]:
    """Bring in sales that are paid and to be shipped; return their outside ids."""
    file = File(orders, newest_day(facts), is_to_ship=True)
    with importer(app) as bring:
        all_new(file, bring(file))
    return file.ids


def all_new(file: File, report: Report) -> None:
    """Judge an import: every order of the file is new, with all its lines."""
    new = report.count(Outcome.NEW)
    if (new, report.items) != (len(file.ids), file.lines):
        reasons = [order.reasons for order in report.orders if order.reasons][:3]
        raise Wrong(
            f"{new} of {len(file.ids)} orders are new, {report.items} of {file.lines} lines: {reasons}"
        )


def candidates(app: Flask, raw: Raw, orders: int, n: int, scratch: Path) -> list[Candidate]:
    """Return the import of n orders into a database of so many, and the two floors under it."""
    day = newest_day(Facts(raw))

    @contextmanager
    def ours() -> Iterator[Call]:
        file = File(n, day)
        with importer(app) as bring:
            yield lambda: (file, bring(file))

    # The first import is not measured: it shows which rows are written.
    before = highest(raw)
    file = File(n, day)
    with importer(app) as bring:
        all_new(file, bring(file))
    floors = Floors(raw, file, written(raw, before), scratch / f"floors-{orders}.db")

    def candidate(path: str, opened: Any, check: Callable[[Any], None], turns: int | None) -> Candidate:
        return Candidate(
            Key(path, orders),
            opened,
            check,
            most_calls=1,
            most_turns=turns,
            is_warmed=False,
            pieces=n,
            is_inside=raw.is_sqlite,
        )

    return [
        candidate("import", ours, lambda answer: all_new(*answer), TURNS),
        candidate("F-import", floors.orders_and_lines, floors.is_counted, None),
        candidate("F-written", floors.every_row, floors.is_counted, None),
    ]
