"""What stands around every page: whose desk it is, where one can go, and the chosen theme."""

from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from flask import Flask, g, get_template_attribute, request, url_for
from werkzeug.local import LocalProxy

from app.access import Actor, Desk, Permission
from app.queries import attention, people
from app.web import cookies
from app.web.signin import actor_or_none

THEMES = ("auto", "light", "dark")


class Entry(NamedTuple):
    """One entry of the menu; `key` is the letter that goes there after g."""

    label: str
    href: str
    icon: str
    key: str
    is_current: bool
    is_more: bool = False
    to_do: int | None = None


class StoreEntry(NamedTuple):
    """One store of the switcher."""

    name: str
    href: str
    is_current: bool


class Person(NamedTuple):
    """Who is signed in."""

    name: str
    initials: str
    email: str


class Pressing(NamedTuple):
    """How many sales need somebody, as the top bar says it, and where they stand."""

    href: str
    shown: str
    is_any: bool


class Frame(NamedTuple):
    """Everything the layout shows around the work."""

    person: Person
    store: Any
    stores: list[StoreEntry]
    menu: list[Entry]
    search_href: str | None
    search: str
    attention: Pressing | None
    is_visit: bool  # a site admin looks into a store that they are no member of

    @property
    def itself(self) -> "Frame":
        """Return the frame: whoever reads much of it gets rid of the proxy that made it."""
        return self


# label, endpoint, icon, key letter, right, whether a phone keeps it for the account menu
STORE_MENU = (
    ("Sales", "sales.index", "sales", "s", Permission.SEE_SALES, False),
    ("Items", "items.index", "items", "i", Permission.SEE_SALES, False),
    ("Parcels", "parcels.index", "parcels", "l", Permission.SEE_EVERYTHING, False),
    ("Import", "imports.index", "import", "m", Permission.IMPORT, True),
    ("Staff", "staff.index", "staff", "f", Permission.STAFF, True),
    ("Log", "logbook.index", "log", "o", Permission.SEE_LOG, True),
    ("Settings", "settings.show", "store", "e", Permission.SETTINGS, True),
)
SITE = frozenset({"site", "site_people", "site_log", "persons"})
# What stands under an entry of the menu besides its own pages, by its key: under Sales, pages about one sale
# or for a new one.
UNDER = {
    "s": frozenset({"ship", "aftersale", "new_sale"}),
    "e": frozenset({"webhooks", "connections"}),
    "f": frozenset({"store_tokens"}),
}


def init_app(app: Flask) -> None:
    """Give every template its frame and theme, and the token that its forms carry."""
    app.jinja_env.globals["hidden_csrf"] = hidden_csrf
    app.jinja_env.globals["path"] = path

    @app.context_processor
    def around() -> dict[str, Any]:
        theme = request.cookies.get(cookies.called(cookies.THEME), "auto")
        # Made by the layout that shows it: parts have none.
        return {"frame": LocalProxy(cache(frame)), "theme": theme if theme in THEMES else "auto"}


def hidden_csrf() -> str:
    """Return the field that carries a form's token, drawn once a request: a page holds many."""
    if "hidden_csrf" not in g:
        g.hidden_csrf = get_template_attribute("macros/forms.html", "hidden_csrf")()
    return g.hidden_csrf  # type: ignore[no-any-return]


def frame() -> Frame | None:
    """Return the frame for whoever is signed in, in the store that the page is about."""
    actor = actor_or_none()
    if actor is None:
        return None
    desk: Desk | None = g.get("desk")
    return Frame(
        person=Person(actor.name, initials(actor.name), actor.email),
        store=desk.store if desk else None,
        stores=stores(actor, desk),
        menu=menu(actor, desk),
        search_href=path("sales.index", desk.store.slug) if desk else None,
        search=g.get("search", ""),
        attention=pressing(desk) if desk and not desk.only_deals else None,
        is_visit=desk is not None and desk.is_visit,
    )


def path(endpoint: str, slug: str = "") -> str:
    """Return where a page is, a store's where one is named."""
    return _path(request.script_root, endpoint, slug)


@lru_cache(4096)
def _path(_root: str, endpoint: str, slug: str) -> str:
    """Return a path below where the desk is mounted, put together once."""
    return url_for(endpoint, slug=slug) if slug else url_for(endpoint)


def pressing(desk: Desk) -> Pressing:
    """Return how many sales need somebody: as the page counted them, or counted here."""
    n = g.get("attention")
    if n is None:
        n = attention.count(desk.store.id, datetime.now(UTC))
    href = path("attention.index", desk.store.slug)
    return Pressing(href, capped(n), n > 0)


def capped(n: int) -> str:
    """Say a number that was counted to 100 at most."""
    return "100+" if n >= attention.CAP else str(n)


def initials(name: str) -> str:
    """Return at most two letters that stand for a name."""
    return "".join(part[0] for part in name.split()[:2]).upper() or "?"


def stores(actor: Actor, desk: Desk | None) -> list[StoreEntry]:
    """Return the stores that the person can switch to."""
    known = desk.stores if desk else people.stores_of(actor.account_id) if actor.account_id else ()
    return [
        StoreEntry(s.name, path("sales.index", s.slug), desk is not None and s.id == desk.store.id)
        for s in known
    ]


def menu(actor: Actor, desk: Desk | None) -> list[Entry]:
    """Return where the person may go, by the table of rights."""
    entries = []
    if desk:
        entries = [
            Entry(
                label,
                path(endpoint, desk.store.slug),
                icon,
                key,
                request.blueprint == endpoint.split(".")[0] or request.blueprint in UNDER.get(key, ()),
                is_more,
                g.get("to_ship") if key == "s" else None,
            )
            for label, endpoint, icon, key, right, is_more in STORE_MENU
            if desk.may(right)
        ]
    is_bought = request.blueprint in {"purchases", "buyers_word"}
    entries.append(Entry("Purchases", path("purchases.index"), "purchases", "p", is_bought))
    if actor.is_site_admin:
        entries.append(Entry("Site", path("site.index"), "site", "t", request.blueprint in SITE))
    return entries
