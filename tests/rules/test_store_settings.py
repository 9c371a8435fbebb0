"""A store's settings as an act: who was quicker, and sales that follow a change of the calendar."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app.access import SYSTEM
from app.actions.audit import audit
from app.actions.due import Days
from app.actions.problems import report_problem
from app.actions.stores import CurrencyStays, Settings, SettingsChanged, fingerprint, set_store
from app.db import db
from app.models import Order, Store
from app.models.shop import FAR_FUTURE
from app.queries import stores as kept
from tests.factories import GOODS, PICKUP, Factory
from tests.rules.books import events, recount, tally
from tests.rules.together import at_once, names

MONDAY = datetime(2026, 11, 16, 8, tzinfo=UTC)  # 9:00 in Berlin


def settings_of(store: Store, **changes: Any) -> Settings:
    """Return a store's settings as they are, but for these."""
    return Settings(**{name: getattr(store, name) for name in Settings._fields})._replace(**changes)


def let(app: Flask, **changes: Any) -> bool:
    """Set some settings of the paper shop as somebody who sees it as it is."""
    with app.app_context():
        store = kept.one(1)
        is_changed = set_store(
            settings_of(store, **changes), seen=fingerprint(store), actor=SYSTEM, store_id=1
        )
        db.session.commit()
        return is_changed


def due(app: Flask) -> dict[int, datetime]:
    """Return until when each sale is to be shipped."""
    with app.app_context():
        return dict(db.session.query(Order.id, Order.ship_by))


def test_sales_that_wait_follow_the_calendar_and_no_others(app: Flask, make: Factory) -> None:
    waits = make.sale(GOODS, placed_at=MONDAY)
    part = make.sale(GOODS, placed_at=MONDAY)
    make.ship(part, {make.items_of(part)[0]: 2})
    gone = make.sale(GOODS, placed_at=MONDAY)
    make.ship(gone, {make.items_of(gone)[0]: 5})
    pickup, unpaid = make.sale(PICKUP, placed_at=MONDAY), make.sale(GOODS, paid=None, placed_at=MONDAY)
    elsewhere = make.sale(GOODS, store="othershop", placed_at=MONDAY)
    before, told = due(app), tally(app)
    assert let(app, handling_days=3, holidays=["2026-11-18"])
    friday = datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC)
    assert due(app) == {**before, waits: friday, part: friday}
    assert {before[x] for x in (gone, pickup, unpaid)} == {FAR_FUTURE}
    assert due(app)[elsewhere] == before[elsewhere]
    assert tally(app) == told == recount(app)


@pytest.mark.parametrize(
    ("changes", "by"),
    [
        ({"zone": "America/New_York"}, "2026-11-19 04:59:59"),
        ({"handling_days": 0}, "2026-11-16 22:59:59"),
        ({"workdays": "12"}, "2026-11-23 22:59:59"),
        ({"cut_off": 9}, "2026-11-19 22:59:59"),
        ({"holidays": ["2026-11-17", "2026-11-18"]}, "2026-11-20 22:59:59"),
    ],
)
def test_each_part_of_the_calendar_moves_the_day(
    app: Flask, make: Factory, changes: dict[str, Any], by: str
) -> None:
    sale = make.sale(GOODS, placed_at=MONDAY)
    let(app, **changes)
    assert due(app)[sale] == datetime.fromisoformat(f"{by}+00:00")


def test_what_is_no_part_of_the_calendar_touches_no_sale(app: Flask, make: Factory) -> None:
    sale = make.sale(GOODS, placed_at=MONDAY)
    before = len(events(app, sale))
    let(app, name="Another name", undo_minutes=1, carriers=["DHL"], unpaid_days=3)
    assert len(events(app, sale)) == before


def test_the_history_tells_of_the_new_day_and_a_form_that_is_open_stays_good(
    app: Flask, make: Factory
) -> None:
    sale = make.sale(GOODS, placed_at=MONDAY)
    version = make.sale_row(sale).version
    let(app, handling_days=3)
    event = events(app, sale)[-1]
    assert (event.verb, event.before, event.after) == (
        "set_store",
        {"ship_by": "2026-11-18T22:59:59+00:00"},
        {"ship_by": "2026-11-19T22:59:59+00:00"},
    )
    of_store = events(app)[-1]
    assert (of_store.order_id, of_store.act_id, of_store.after) == (None, event.act_id, {"handling_days": 3})
    assert make.sale_row(sale).version == version


def test_the_books_hold_after_a_change_of_the_calendar(app: Flask, make: Factory) -> None:
    for hour in range(7):
        make.sale(GOODS, placed_at=MONDAY.replace(hour=8 + hour))
    let(app, handling_days=5, workdays="135", cut_off=12)
    let(app, zone="Asia/Tokyo")
    first = next(iter(due(app)))
    make.ship(first, {make.items_of(first)[0]: 1})
    with app.app_context():
        assert [proof for proof in audit() if proof.broken] == []


def test_the_books_hold_after_a_store_waits_longer_for_its_buyers(app: Flask, make: Factory) -> None:
    sent, disputed = make.sale(GOODS, placed_at=MONDAY), make.sale(GOODS, placed_at=MONDAY)
    for sale in (sent, disputed):
        make.ship(sale, {make.items_of(sale)[0]: 5})
    with app.app_context():
        report_problem(disputed, actor=SYSTEM, store_id=1)
        db.session.commit()
    begins = {sale: make.sale_row(sale).attention_at for sale in (sent, disputed)}
    let(app, received_days=20)
    row = make.sale_row(sent)
    assert row.attention_at == row.sent_at + timedelta(days=20) != begins[sent]
    assert make.sale_row(disputed).attention_at == begins[disputed]
    with app.app_context():
        assert [proof for proof in audit() if proof.broken] == []


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Europe/Berlin", datetime(2026, 10, 24, 20, 17, 31, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 28, 20, 17, 31, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 1, tzinfo=UTC)),
        ("America/St_Johns", datetime(2010, 11, 6, 12, tzinfo=UTC)),  # a minute after midnight: a day twice
    ],
)
@pytest.mark.parametrize("cut_off", [0, 2, 14, 24])
def test_a_stretch_of_the_calendar_is_due_as_each_of_its_minutes_is(
    zone: str, first: datetime, cut_off: int
) -> None:
    store = Store(slug="s", name="S", zone=zone, handling_days=1, workdays="123567", cut_off=cut_off)
    found = list(Days(store).stretches(first, first + timedelta(days=3)))
    assert [end for _, end, _ in found[:-1]] == [begin for begin, _, _ in found[1:]]
    assert (found[0][0] <= first, found[-1][1] > first + timedelta(days=3)) == (True, True)
    wrong = [
        (minute, by)
        for begin, end, by in found
        for minute in (begin + n * timedelta(minutes=1) for n in range((end - begin) // timedelta(minutes=1)))
        if store.ship_by(minute) != by
    ]
    assert wrong == []


def test_a_sale_counts_from_its_payment(app: Flask, make: Factory) -> None:
    sale = make.sale(GOODS, paid=None, placed_at=MONDAY)
    let(app, handling_days=1)
    assert due(app)[sale] == FAR_FUTURE


def test_whoever_saw_other_settings_sets_nothing(app: Flask) -> None:
    with app.app_context():
        store = kept.one(1)
        seen, mine = fingerprint(store), settings_of(store, cut_off=9)
    let(app, vat_id="DE1")
    for stale in (seen, None, ""):
        with app.app_context(), pytest.raises(SettingsChanged):
            set_store(mine, seen=stale, actor=SYSTEM, store_id=1)
    with app.app_context():
        assert (kept.one(1).cut_off, kept.one(1).vat_id) == (14, "DE1")


def test_of_two_who_save_at_once_one_does(app: Flask) -> None:
    with app.app_context():
        store = kept.one(1)
        seen, now = fingerprint(store), settings_of(store)

    def saver(days: int) -> Callable[[], object]:
        def save() -> None:
            with app.app_context():
                set_store(now._replace(cancel_days=days), seen=seen, actor=SYSTEM, store_id=1)
                db.session.commit()

        return save

    assert names(at_once(saver(7), saver(8))) == ["SettingsChanged", "done"]
    assert [event.verb for event in events(app)] == ["set_store"]


def test_a_currency_stays_once_there_is_a_sale(app: Flask, make: Factory) -> None:
    assert let(app, currency="KWD")
    make.sale(currency="KWD")
    with pytest.raises(CurrencyStays):
        let(app, currency="EUR")
    assert not let(app, currency="KWD")
    assert not let(app, currency=None, commission_bp=None)


def test_holidays_are_no_working_days(make: Factory) -> None:
    shop = Store(
        slug="s", name="S", zone="UTC", handling_days=2, workdays="12345", cut_off=14, holidays=["2026-11-18"]
    )
    assert shop.ship_by(MONDAY) == datetime(2026, 11, 19, 23, 59, 59, tzinfo=UTC)
    shop.holidays = ["2026-11-16", "2026-11-17", "2026-11-18"]
    assert shop.ship_by(MONDAY.replace(hour=20)) == datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
