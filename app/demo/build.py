"""The loading of the demo: people and stores, sales written down, then played in the order of time."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain, zip_longest
from random import Random
from typing import NamedTuple

from app.config import is_loopback
from app.db import db, take_write_lock
from app.demo.cast import DOMAIN, PEOPLE, Shop, enter
from app.demo.customers import customers
from app.demo.ordinary import drawn_sale
from app.demo.sales import Sale
from app.demo.showcase import SHOWPIECES
from app.errors import Refused
from app.queries import people

# Of a hundred sales so many have a buyer of their own; the rest are bought by people who came back.
NEW_BUYERS = 62


class NoDemo(Refused):
    """The demo is for trying the desk out, in an empty database, on a machine that nobody else reaches."""


class Loaded(NamedTuple):
    """What the demo consists of."""

    stores: int
    orders: int


def load(
    *,
    orders: int,
    stores: int,
    seed: int,
    now: datetime,
    host: str,
    password_hash: str,
    progress: Callable[[int, int], None] | None = None,
) -> Loaded:
    """Load the demo as it stands at this moment; the same arguments make the same rows.

    NoDemo where the desk listens to others than this machine, or where the database is in use.
    `progress` is told (steps done, steps in all).
    """
    refuse_beyond_loopback(host)
    now = now.astimezone(UTC)
    rng = Random(seed)
    take_write_lock()
    if is_in_use():
        raise NoDemo(
            "The demo is for an empty database, and this one holds a store or one of the demo's people."
        )
    shops = enter(stores, password_hash, now)
    sales = write_down(rng, shops, orders, now)
    play(sales, now, progress)
    return Loaded(len(shops), len(sales))


def refuse_beyond_loopback(host: str) -> None:
    """Raise NoDemo where others than this machine could sign in with the demo's password."""
    if not is_loopback(host):
        raise NoDemo(
            f"The demo is only for a desk that listens to this machine alone, and HOST is {host}: "
            "set TRADEPOST_HOST=127.0.0.1, or TRADEPOST_DEMO=0 to go without it."
        )


def is_in_use() -> bool:
    """Tell whether the database holds a store, or an account with one of the demo's addresses."""
    return bool(people.all_stores()) or any(people.account_by_email(f"{who}@{DOMAIN}") for who in PEOPLE)


def is_loaded() -> bool:
    """Tell whether the demo's people are there."""
    return people.account_by_email(f"owner@{DOMAIN}") is not None


def write_down(rng: Random, shops: list[Shop], n: int, now: datetime) -> list[Sale]:
    """Return n sales: each store's showpieces in turn, then sales drawn by chance."""
    shown = [SHOWPIECES[s.slug](rng, s, now) if s.slug in SHOWPIECES else [] for s in shops]
    sales = [sale for sale in chain.from_iterable(zip_longest(*shown)) if sale][:n]
    shares = [shop.said.share for shop in shops]
    buyers = [
        customers(rng, shop, 1 + n * share * NEW_BUYERS // (100 * sum(shares)))
        for shop, share in zip(shops, shares, strict=True)
    ]
    while len(sales) < n:
        shop, known = rng.choices(list(zip(shops, buyers, strict=True)), shares)[0]
        sales.append(drawn_sale(rng, shop, known, now))
    return sales


def play(sales: list[Sale], now: datetime, progress: Callable[[int, int], None] | None = None) -> None:
    """Do every step that lies before this moment, the oldest first."""
    steps = sorted(
        (step for sale in sales for step in sale.steps if step.at <= now), key=lambda step: step.at
    )
    for n, step in enumerate(steps, start=1):
        step.do(step.at)
        if progress:
            progress(n, len(steps))
    db.session.flush()
