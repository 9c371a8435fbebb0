"""The demo's people, stores and causes; who they are is promised to everybody who tries the desk."""

from datetime import datetime, timedelta
from typing import NamedTuple

from app.access import Actor, Desk, Permission, find_desk, person
from app.actions.people import join, open_account, open_store
from app.actions.places import Place
from app.actions.staff import invite
from app.db import db
from app.demo.wares import DEALS, JAPANESE, PAPER, Ware
from app.models import Account, Cause, Store
from app.statuses import ActorKind, Channel, Door, Role

DOMAIN = "example.com"
# Stores and their people are there before the first sale.
BEFORE_ALL = timedelta(days=600)

# Role in the demo -> name.
PEOPLE = {
    "admin": "Robin Adler",
    "owner": "Petra Oswald",
    "staff": "Sami Lindner",
    "vendor": "Viola Renner",
    "buyer": "Bea Buchner",
    "buyer2": "Bruno Okafor",
    "owner2": "Olga Winter",
}

CAUSES = (("River Trust", "Ely"), ("Suppenküche Süd", "Berlin"), ("Shelter for Old Cats", "Marietta"))

PAPER_CHANNELS = {
    Channel.INTAKE: 38,
    Channel.ETSY: 24,
    Channel.EBAY: 12,
    Channel.DESK: 9,
    Channel.SHOPIFY: 6,
    Channel.WOOCOMMERCE: 4,
    Channel.AMAZON: 3,
    Channel.HIP: 2,
    Channel.FILE: 2,
}


class StoreSaid(NamedTuple):
    """A store of the demo, before it is opened."""

    slug: str
    name: str
    currency: str
    zone: str
    home: str
    members: dict[str, Role]
    wares: tuple[Ware, ...] = PAPER
    channels: dict[Channel, int] = PAPER_CHANNELS
    share: int = 10  # of the sales, against the other stores
    is_vendor: bool = False
    commission_bp: int = 0
    first_number: int = 1001


OTHERS = {"owner2": Role.OWNER}
STORES = (
    StoreSaid(
        "papershop",
        "Paper Shop",
        "EUR",
        "Europe/Berlin",
        "DE",
        {"owner": Role.OWNER, "staff": Role.STAFF},
        share=68,
        commission_bp=600,
        first_number=10101,
    ),
    StoreSaid(
        "vendorshop",
        "Vendor Shop",
        "USD",
        "America/Chicago",
        "US",
        {"owner": Role.OWNER, "staff": Role.STAFF, "vendor": Role.VENDOR},
        DEALS,
        {Channel.INTAKE: 60, Channel.WEEBLY: 16, Channel.SQUARE: 16, Channel.DESK: 8},
        share=20,
        is_vendor=True,
        commission_bp=1200,
    ),
    StoreSaid(
        "othershop",
        "Other Shop",
        "JPY",
        "Asia/Tokyo",
        "JP",
        OTHERS,
        JAPANESE,
        {Channel.INTAKE: 55, Channel.EBAY: 30, Channel.SHOPIFY: 15},
        share=12,
    ),
    StoreSaid("mapshop", "Map Shop", "GBP", "Europe/London", "GB", OTHERS),
    StoreSaid("cardshop", "Card Shop", "USD", "America/New_York", "US", OTHERS),
    StoreSaid("inkshop", "Ink Shop", "EUR", "Europe/Vienna", "DE", OTHERS),
)


class Shop(NamedTuple):
    """A store of the demo as the sales see it: its row, and everybody who acts in it."""

    said: StoreSaid
    store: Store
    members: dict[str, Actor]
    buyers: dict[str, Account]
    causes: tuple[int, ...]
    taken_ids: set[str]  # outside ids that are given away
    waiting: set[str]  # user names of those drawn whose purchase may combine: one a person

    @property
    def slug(self) -> str:
        """Return the store's slug."""
        return self.said.slug

    @property
    def owner(self) -> Actor:
        """Return whoever owns the store."""
        return next(a for who, a in self.members.items() if self.said.members[who] is Role.OWNER)

    @property
    def staff(self) -> Actor:
        """Return whoever packs: the staff, or the owner where there is none."""
        return self.members.get("staff", self.owner)

    @property
    def counter(self) -> Desk:
        """Return the desk of whoever redeems deals."""
        who = "vendor" if "vendor" in self.members else next(iter(self.members))
        return Desk(self.members[who], self.store, self.said.members[who])

    @property
    def bench(self) -> Desk:
        """Return the desk of whoever hands over pickups and sees to services."""
        who = "staff" if "staff" in self.members else next(iter(self.members))
        return Desk(self.members[who], self.store, self.said.members[who])

    @property
    def program(self) -> Actor:
        """Return the marketplace's own program, which tells what was bought, paid and received."""
        owner = self.owner
        return Actor(owner.account_id, owner.name, owner.email, kind=ActorKind.TOKEN, door=Door.API)


IMPORT = Actor(None, "Import", kind=ActorKind.IMPORT, door=Door.IMPORT)


def stores_said(n: int) -> list[StoreSaid]:
    """Return n stores: those of the contract first, then more, in the end numbered ones."""
    more = (
        StoreSaid(f"shop{i}", f"Shop {i}", "EUR", "Europe/Berlin", "DE", OTHERS)
        for i in range(len(STORES) + 1, n + 1)
    )
    return [*STORES[:n], *more]


def enter(stores: int, password_hash: str, now: datetime) -> list[Shop]:
    """Write accounts, causes and stores with their members, and return the stores."""
    accounts = {
        who: open_account(
            f"{who}@{DOMAIN}", name=name, password_hash=password_hash, is_site_admin=who == "admin"
        )
        for who, name in PEOPLE.items()
    }
    causes = [Cause(name=name, place=place, created_at=now - BEFORE_ALL) for name, place in CAUSES]
    db.session.add_all(causes)
    db.session.flush()
    return [_open(said, accounts, tuple(c.id for c in causes), now) for said in stores_said(stores)]


def _open(said: StoreSaid, accounts: dict[str, Account], causes: tuple[int, ...], now: datetime) -> Shop:
    """Open one store and give its members their places."""
    store = open_store(
        said.slug,
        said.name,
        currency=said.currency,
        zone=said.zone,
        is_vendor=said.is_vendor,
        commission_bp=said.commission_bp,
    )
    store.next_number = said.first_number
    for who, role in said.members.items():
        join(store, accounts[who], role, at=now - BEFORE_ALL)
    members = {who: person(accounts[who]) for who in said.members}
    buyers = {who: accounts[who] for who in ("buyer", "buyer2")}
    return Shop(said, store, members, buyers, causes, set(), set())


def invite_somebody(shops: list[Shop], now: datetime) -> None:
    """Let the first store's owner invite somebody who has not answered yet."""
    desk = find_desk(shops[0].members["owner"], shops[0].store.id, to=Permission.STAFF)
    invite(f"newcomer@{DOMAIN}", Place.of(Role.STAFF), desk=desk, at=now)


def everybody() -> list[tuple[str, str]]:
    """Return (e-mail, what they are) of the demo's people, for the doors to print."""
    found: dict[str, list[str]] = {who: [] for who in PEOPLE}
    for said in STORES[:3]:
        for who, role in said.members.items():
            found[who].append(f"{role.value} of {said.name}")
    found["admin"].append("runs the site")
    found["buyer"].append("bought in Paper Shop and Vendor Shop")
    found["buyer2"].append("bought in Paper Shop and Other Shop")
    return [(f"{who}@{DOMAIN}", ", ".join(what)) for who, what in found.items()]
