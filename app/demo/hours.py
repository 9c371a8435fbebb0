"""When things happen in the demo: hours at which people buy, and days on which a store works."""

from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from app.models import Store

# How much is bought in each hour of the store's day, from midnight on.
BUYING = (3, 2, 1, 1, 1, 2, 4, 6, 8, 9, 10, 10, 11, 10, 9, 9, 10, 12, 14, 17, 20, 18, 12, 6)
HOURS = tuple(range(24))

# The oldest sale of the demo is a year and a half old; most are young.
OLDEST_DAYS = 548
YOUTH = 1.8
# In minutes of the day.
OPENS, CLOSES = 8 * 60 + 30, 17 * 60 + 30
LOOK_BACK = 24 * 11


def bought_at(rng: Random, store: Store, now: datetime) -> datetime:
    """Return when something was bought: within 18 months, more of it lately, mostly in the evening."""
    zone = ZoneInfo(store.zone)
    passed = timedelta(days=OLDEST_DAYS * rng.random() ** YOUTH)
    day = (now - passed).astimezone(zone).date()
    hour = rng.choices(HOURS, BUYING)[0]
    at = datetime.combine(day, time(hour, rng.randrange(60), rng.randrange(60)), zone).astimezone(now.tzinfo)
    return at if at <= now else now - passed


def at_work(rng: Random, store: Store, since: datetime, days: int) -> datetime:
    """Return a moment in working hours, so many working days after another one, and later than it."""
    zone = ZoneInfo(store.zone)
    local = since.astimezone(zone)
    day = local.date()
    left = days if local.hour < 16 else max(days, 1)
    while left or str(day.isoweekday()) not in store.workdays:
        day += timedelta(days=1)
        left -= bool(left) and str(day.isoweekday()) in store.workdays
    minutes = rng.randrange(OPENS, CLOSES)
    at = datetime.combine(day, time(minutes // 60, minutes % 60, rng.randrange(60)), zone)
    return max(at.astimezone(since.tzinfo), since + timedelta(minutes=rng.randint(15, 50)))


def on_a_day(rng: Random, store: Store, now: datetime, days: int) -> datetime:
    """Return some moment in open hours of the day so many days ago."""
    zone = ZoneInfo(store.zone)
    day = now.astimezone(zone).date() - timedelta(days=days)
    minutes = rng.randrange(OPENS, CLOSES)
    at = datetime.combine(day, time(minutes // 60, minutes % 60, rng.randrange(60)), zone)
    return at.astimezone(now.tzinfo)


def due_in(rng: Random, store: Store, now: datetime, days: int) -> datetime:
    """Return a moment in the past at which a payment means: ship in so many working days (-1: it is late).

    Where today is none, today's work is done on the next working day.
    """
    zone = ZoneInfo(store.zone)
    wanted = _working_day(store, now.astimezone(zone).date(), days)
    past = [now - timedelta(hours=h, minutes=rng.randrange(60)) for h in range(1, LOOK_BACK, 2)]
    off = [abs((store.ship_by(at).astimezone(zone).date() - wanted).days) for at in past]
    nearest = min(off)
    return rng.choice([at for at, n in zip(past, off, strict=True) if n == nearest])


def _working_day(store: Store, day: date, days: int) -> date:
    """Return the working day so many working days from a day on."""
    step = timedelta(days=1 if days >= 0 else -1)
    while str(day.isoweekday()) not in store.workdays:
        day += timedelta(days=1)
    for _ in range(abs(days)):
        day += step
        while str(day.isoweekday()) not in store.workdays:
            day += step
    return day


def midnight(store: Store, at: datetime) -> datetime:
    """Return the beginning of the store's day: where a file knows the day alone."""
    zone = ZoneInfo(store.zone)
    return datetime.combine(at.astimezone(zone).date(), time(), zone).astimezone(at.tzinfo)
