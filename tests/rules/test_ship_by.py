"""Ship-by (law 6): the store's handling days over its working days, its cut-off hour, in its own zone."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.models import Store
from tests.factories import Factory

BERLIN = ZoneInfo("Europe/Berlin")


def store(**settings: Any) -> Store:
    """Return a store in Berlin with two handling days, Monday to Friday, cut-off at 14."""
    kept = {"zone": "Europe/Berlin", "handling_days": 2, "workdays": "12345", "cut_off": 14, **settings}
    return Store(slug="s", name="S", **kept)


def due(shop: Store, *since: int) -> str:
    """Return the local day and second by which an order of this local time is to be shipped."""
    zone = ZoneInfo(shop.zone)
    at = datetime(*since, tzinfo=zone)  # type: ignore[arg-type,misc]
    return f"{shop.ship_by(at.astimezone(UTC)).astimezone(zone):%a %Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("since", "by"),
    [
        # 16 November 2026 is a Monday.
        ((2026, 11, 16, 9), "Wed 2026-11-18 23:59:59"),
        ((2026, 11, 16, 13, 59), "Wed 2026-11-18 23:59:59"),
        ((2026, 11, 16, 14), "Thu 2026-11-19 23:59:59"),  # the cut-off hour is too late for the day itself
        ((2026, 11, 16, 23, 59), "Thu 2026-11-19 23:59:59"),
        ((2026, 11, 19, 9), "Mon 2026-11-23 23:59:59"),  # Thursday: Friday, then over the weekend
        ((2026, 11, 20, 9), "Tue 2026-11-24 23:59:59"),  # Friday
        ((2026, 11, 20, 15), "Wed 2026-11-25 23:59:59"),  # Friday, too late
        ((2026, 11, 21, 9), "Wed 2026-11-25 23:59:59"),  # Saturday counts as early on Monday
        ((2026, 11, 21, 20), "Wed 2026-11-25 23:59:59"),  # and has no cut-off
        ((2026, 11, 22, 9), "Wed 2026-11-25 23:59:59"),  # Sunday likewise
    ],
)
def test_two_working_days_later(since: tuple[int, ...], by: str) -> None:
    assert due(store(), *since) == by


@pytest.mark.parametrize(
    ("days", "by"),
    [(0, "Mon 2026-11-16"), (1, "Tue 2026-11-17"), (5, "Mon 2026-11-23"), (10, "Mon 2026-11-30")],
)
def test_handling_days_are_the_stores(days: int, by: str) -> None:
    assert due(store(handling_days=days), 2026, 11, 16, 9).startswith(by)


def test_a_store_that_ships_at_once_ships_what_comes_late_tomorrow() -> None:
    assert due(store(handling_days=0), 2026, 11, 16, 14).startswith("Tue 2026-11-17")
    assert due(store(handling_days=0), 2026, 11, 21, 9).startswith("Mon 2026-11-23")


def test_working_days_are_the_stores() -> None:
    assert due(store(workdays="1234567"), 2026, 11, 20, 9).startswith("Sun 2026-11-22")
    assert due(store(workdays="6"), 2026, 11, 16, 9).startswith("Sat 2026-12-05")


def test_the_cut_off_is_the_stores() -> None:
    assert due(store(cut_off=18), 2026, 11, 16, 17, 59).startswith("Wed 2026-11-18")
    assert due(store(cut_off=0), 2026, 11, 16, 0).startswith("Thu 2026-11-19")


def test_the_day_is_the_stores_own() -> None:
    at = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)  # Tuesday in Berlin and Auckland, Monday in New York
    ends = {
        zone: store(zone=zone).ship_by(at).astimezone(ZoneInfo(zone)).strftime("%a %d %H:%M")
        for zone in ("Europe/Berlin", "Pacific/Auckland", "America/New_York")
    }
    assert ends == {
        "Europe/Berlin": "Thu 19 23:59",
        "Pacific/Auckland": "Thu 19 23:59",
        "America/New_York": "Thu 19 23:59",  # 18:30 there is past the cut-off of Monday
    }


@pytest.mark.parametrize(
    ("since", "end"),
    [
        # Clocks go back on Sunday 25 October 2026: before it Berlin is two hours ahead, after it one.
        ((2026, 10, 21, 9), datetime(2026, 10, 23, 21, 59, 59, tzinfo=UTC)),
        ((2026, 10, 23, 9), datetime(2026, 10, 27, 22, 59, 59, tzinfo=UTC)),
        # Clocks go forward on Sunday 28 March 2027.
        ((2027, 3, 24, 9), datetime(2027, 3, 26, 22, 59, 59, tzinfo=UTC)),
        ((2027, 3, 26, 9), datetime(2027, 3, 30, 21, 59, 59, tzinfo=UTC)),
    ],
)
def test_the_day_ends_at_local_midnight_across_a_change_of_clocks(
    since: tuple[int, ...], end: datetime
) -> None:
    at = datetime(*since, tzinfo=BERLIN)  # type: ignore[arg-type,misc]
    assert store().ship_by(at) == end


def test_a_sale_is_due_from_the_moment_it_is_paid(make: Factory) -> None:
    placed = datetime(2026, 11, 16, 8, tzinfo=UTC)  # Monday, 9:00 in Berlin
    sale = make.sale_row(make.sale(placed_at=placed))
    assert sale.ship_by == datetime(2026, 11, 18, 22, 59, 59, tzinfo=UTC)
