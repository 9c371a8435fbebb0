"""How instants are said on pages: in the store's zone, as long ago or as late as people count it."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.models.shop import FAR_FUTURE

MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Times(NamedTuple):
    """What a row says of time: how long ago, when exactly, by when it ships, and whether that is past."""

    age: str
    exact: str
    by: str
    is_late: bool


class Clock:
    """The present in one time zone; it is asked many times for one page, so it looks each zone up once."""

    def __init__(self, zone: str, now: datetime | None = None) -> None:
        self.name = zone
        self.now = now or datetime.now(UTC)
        self._zone = _zone(zone)
        self._today = self.now.astimezone(self._zone).date()
        self._due: dict[datetime, tuple[str, bool]] = {}

    def age(self, at: datetime, is_day_only: bool = False) -> str:
        """Say how long ago something was: "12 min", "2 h", "yesterday", "3 days", then the day."""
        return self.age_and_exact(at, is_day_only)[0]

    def exact(self, at: datetime, is_day_only: bool = False) -> str:
        """Say an instant to the minute with its zone; a day alone where no more is known."""
        return self.age_and_exact(at, is_day_only)[1]

    def age_and_exact(self, at: datetime, is_day_only: bool = False) -> tuple[str, str]:
        """Say both: how long ago, and when exactly."""
        local = at.astimezone(self._zone)
        day = _day(local)
        exact = day if is_day_only else f"{day}, {local.hour:02}:{local.minute:02} ({self.name})"
        return self._age(at, local, is_day_only), exact

    def said(self, placed_at: datetime, is_day_only: bool, ship_by: datetime) -> Times:
        """Say all that a row of a list says of time."""
        return Times(*self.age_and_exact(placed_at, is_day_only), *self.ship_by(ship_by))

    def _age(self, at: datetime, local: datetime, is_day_only: bool) -> str:
        """Say how long ago something was."""
        passed = self.now - at
        if not is_day_only and passed < HOUR:
            return "now" if passed < MINUTE else f"{passed // MINUTE} min"
        days = (self._today - local.date()).days
        if days <= 0:
            return "today" if is_day_only else f"{passed // HOUR} h"
        if days == 1:
            return "yesterday"
        return f"{days} days" if days < 7 else self._day(local)

    def ago(self, at: datetime) -> str:
        """Say how long ago something was, within a sentence: "3 days ago", "yesterday", "on 2 Nov"."""
        age = self.age(at)
        if age in {"now", "yesterday"}:
            return "just now" if age == "now" else age
        return f"{age} ago" if age.endswith((" min", " h", " days")) else f"on {age}"

    def late(self, at: datetime) -> str:
        """Say how late something is that was due then: in days, or that it is since today."""
        words, is_past = self.ship_by(at)
        return words if is_past else "Late since today"

    def ship_by(self, at: datetime) -> tuple[str, bool]:
        """Say by when to ship, and whether that is past; nothing where nothing ships."""
        if at == FAR_FUTURE:
            return "", False
        if at not in self._due:
            local = at.astimezone(self._zone)
            days = (local.date() - self._today).days
            late = f"{-days} day{'s' if days < -1 else ''} late"
            by = {0: "Today", 1: "Tomorrow"}.get(days) or self._day(local)
            self._due[at] = (late, True) if days < 0 else (by, False)
        return self._due[at]

    def _day(self, local: datetime) -> str:
        """Say a day, the year only where it is not this one."""
        return f"{local.day} {MONTHS[local.month]}" if local.year == self._today.year else _day(local)


def _day(local: date) -> str:
    """Say a day with its year."""
    return f"{local.day} {MONTHS[local.month]} {local.year}"


@cache
def _zone(name: str) -> ZoneInfo:
    """Return a time zone, read once."""
    return ZoneInfo(name)
