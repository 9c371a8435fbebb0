"""The loading of the demo: people and stores, sales written down, then played in the order of time."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, zip_longest
from random import Random
from typing import NamedTuple

from app.actions.bulk import BulkWriter, make_room
from app.config import is_loopback
from app.db import db, take_write_lock
from app.demo.bulk import COPIED, Copier
from app.demo.cast import DOMAIN, PEOPLE, Shop, enter, invite_somebody
from app.demo.customers import NEW_OF_HUNDRED, customers
from app.demo.ordinary import drawn_sale
from app.demo.sales import Sale
from app.demo.showcase import SHOWPIECES
from app.demo.taking import Unfit, pattern_of
from app.errors import Refused
from app.queries import people
from app.queries.whole import whole_sales

# So many sales are played by the acts; whatever is asked for beyond them is copied from them.
PLAYED = 1200
# How long a sale takes to be played, to be copied, and to be put in its place at the end, against each other.
TO_PLAY, TO_COPY, TO_PLACE = 90, 3, 1

Told = Callable[[int, int], None]


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
    progress: Told | None = None,
    most_played: int = PLAYED,
) -> Loaded:
    """Load the demo as it stands at this moment; the same arguments make the same rows.

    At most `most_played` sales, some hundreds, are played by the acts; all others are copies of them. It is
    one transaction, the door's: where it is cut off, the database is as empty as before.
    NoDemo where the desk listens to others than this machine, or where the database is in use.
    `progress` hears (how much is done, of how much).
    """
    refuse_beyond_loopback(host)
    now = now.astimezone(UTC)
    rng = Random(seed)
    played, copied = min(orders, most_played), max(orders - most_played, 0)
    if copied:
        make_room()
    take_write_lock()
    if is_in_use():
        raise NoDemo(
            "The demo is for an empty database, and this one holds a store or one of the demo's people."
        )
    shops = enter(stores, password_hash, now)
    shown, drawn = write_down(rng, shops, played, now)
    told = shared(progress, TO_PLAY * played, TO_COPY * copied, TO_PLACE * copied)
    play([*shown, *drawn], now, told[0])
    if copied:
        multiply(rng, drawn, copied, now, copying=told[1], placing=told[2])
    invite_somebody(shops, now)
    return Loaded(len(shops), orders)


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


def write_down(rng: Random, shops: list[Shop], n: int, now: datetime) -> tuple[list[Sale], list[Sale]]:
    """Return n sales: each store's showpieces in turn, then sales drawn by chance."""
    showpieces = [SHOWPIECES[s.slug](rng, s, now) if s.slug in SHOWPIECES else [] for s in shops]
    shown = [sale for sale in chain.from_iterable(zip_longest(*showpieces)) if sale][:n]
    shares = [shop.said.share for shop in shops]
    buyers = [
        customers(rng, shop, 1 + n * share * NEW_OF_HUNDRED // (100 * sum(shares)))
        for shop, share in zip(shops, shares, strict=True)
    ]
    drawn: list[Sale] = []
    while len(shown) + len(drawn) < n:
        shop, known = rng.choices(list(zip(shops, buyers, strict=True)), shares)[0]
        drawn.append(drawn_sale(rng, shop, known, now))
    return shown, drawn


def play(sales: list[Sale], now: datetime, told: Told) -> None:
    """Do every step that lies before this moment, the oldest first."""
    steps = sorted(
        (step for sale in sales for step in sale.steps if step.at <= now), key=lambda step: step.at
    )
    for n, step in enumerate(steps, start=1):
        step.do(step.at)
        told(n, len(steps))
    db.session.flush()


def multiply(rng: Random, sales: list[Sale], n: int, now: datetime, *, copying: Told, placing: Told) -> None:
    """Make n copies of these played sales, by the bulk writer."""
    rows = whole_sales([sale.order_id for sale in sales])
    patterns = []
    with BulkWriter(*COPIED, told=placing) as writer:
        for sale in sales:
            with suppress(Unfit):
                patterns.append(pattern_of(sale.shop, rows[sale.order_id], writer))
        copier = Copier(rng, patterns, writer, now)
        copier.copy(n, copying)
        copier.settle()


def shared(progress: Told | None, *sizes: int) -> list[Told]:
    """Share a progress out among parts of the work, each as long as its size says."""

    def of_part(before: int, size: int) -> Told:
        def told(done: int, of: int) -> None:
            if progress:
                progress(before + size * done // of, sum(sizes))

        return told

    return [of_part(sum(sizes[:n]), size) for n, size in enumerate(sizes)]
