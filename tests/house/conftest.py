"""What the house's own tests share: a desk with something of every kind in it, and everybody signed in.

It is furnished once; each test gets a fresh copy of it. Also here: what reads the whole database, and what
writes down every statement that reaches it.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, update

from app import totp
from app.access import SYSTEM
from app.actions.accounts import new_recovery_codes, turn_on_second_factor
from app.actions.buyers_word import say_paid
from app.actions.people import make_token
from app.actions.purchases import BuyerSaid
from app.actions.stores import fingerprint
from app.actions.ways import offer_handoff
from app.db import db
from app.models import ApiToken, Order, Signin
from app.postman.account_words import CONFIRM, RESET, link_to
from app.queries import people, stores
from app.seals import encrypted
from app.statuses import Payment
from tests.conftest import CAST, PASSWORD, csrf_token, email_of
from tests.connector.market import Market, opened
from tests.factories import AUCTION, DEAL, DIGITAL, GOODS, PICKUP, SERVICE, Factory

WHO = ("signed_out", "stranger", "buyer", "other_buyer", "vendor", "staff", "owner", "owner2", "site_admin")
COOKIE = "tradepost"
HTMX = {"HX-Request": "true"}
A_DAY = timedelta(days=1)
ORDER_FILE = Path(__file__).parents[1] / "exchange" / "files" / "etsy_items.csv"


class Statement(NamedTuple):
    """One statement as it reached the database."""

    sql: str
    parameters: Any


class House:
    """A furnished desk; `ids` names what stands in it, such as "sale" or "vendorshop's deal"."""

    def __init__(self, app: Flask, template: "Template") -> None:
        self.app, self.ids, self.keys = app, template.ids, template.keys
        self.be_seen()

    def be_seen(self) -> None:
        """Let every sign-in and token be in use just now: in a slow run none is noted as seen anew."""
        now = datetime.now(UTC)
        with self.app.app_context():
            db.session.execute(update(Signin).values(seen_at=now))
            db.session.execute(update(ApiToken).where(ApiToken.used_at.is_not(None)).values(used_at=now))
            db.session.commit()
            db.session.remove()

    def browser(self, who: str) -> FlaskClient:
        """Return a browser in which one of the cast is signed in ("signed_out": nobody), or a guest's."""
        browser = self.app.test_client()
        if who == "guest":
            browser.get(self.path("/guest/{guest link's token}"))
        elif who != "signed_out":
            browser.set_cookie(COOKIE, self.keys[who].cookie)
        return browser

    def bearer(self, who: str) -> dict[str, str]:
        """Return the header by which a program has somebody's rights; none for "signed_out" and guests."""
        return {} if who in {"signed_out", "guest"} else {"Authorization": f"Bearer {self.keys[who].token}"}

    def csrf(self, browser: FlaskClient, who: str) -> str:
        """Return a CSRF token of a browser's session."""
        return (
            csrf_token(browser.get("/login").text) if who in {"signed_out", "guest"} else self.keys[who].csrf
        )

    def path(self, address: str) -> str:
        """Fill the names of what stands here into an address: "/purchases/{sale}"."""
        return re.sub(r"\{([^}]+)\}", lambda name: self._called(name[1]), address)

    def _called(self, name: str) -> str:
        """Return what a name stands for; what hangs on the time is made now."""
        found = self.ids[name]
        return str(found() if callable(found) else found)

    def dump(self, **without: tuple[str, ...]) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table, but for these columns of these tables."""
        found = {}
        with self.app.app_context(), db.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            for table in db.metadata.sorted_tables:
                left_out = without.get(table.name, ())
                columns = ", ".join(c.name for c in table.columns if c.name not in left_out)
                key = ", ".join(c.name for c in table.primary_key)
                rows = driver.execute(f"SELECT {columns} FROM {table.name} ORDER BY {key}")
                found[table.name] = rows.fetchall()
        return found

    @contextmanager
    def statements(self) -> Iterator[list[Statement]]:
        """Write down what reaches the database within the block."""
        seen: list[Statement] = []

        def note(_conn: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, _many: bool) -> None:
            seen.append(Statement(re.sub(r"\s+", " ", sql), parameters))

        with self.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)


class Keys(NamedTuple):
    """How one of the cast gets in: a signed-in session's cookie and CSRF token, and a program's token."""

    cookie: str
    csrf: str
    token: str


class Template(NamedTuple):
    """The furnished database, and how everybody gets in."""

    path: Path
    ids: dict[str, Any]
    keys: dict[str, Keys]


def database_of(app: Flask) -> Path:
    """Return the file that an application keeps its rows in."""
    return Path(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))


def put_in_place(app: Flask, template: Path) -> None:
    """Replace an application's database by a copy of this one."""
    path = database_of(app)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    for beside in ("-wal", "-shm"):
        Path(f"{path}{beside}").unlink(missing_ok=True)
    shutil.copy(template, path)


def furnish(make: Factory) -> dict[str, Any]:
    """Make something of every kind, in every store; return the ids by name, and what settings saw."""
    told: dict[str, Any] = {"channel": "intake", "buyer": BuyerSaid("Maja Kowalczyk", "maja", ref="maja")}
    ids: dict[str, Any] = {
        "sale": make.sale(GOODS, AUCTION, account="buyer", **told),
        "unpaid": make.sale(paid=None),
    }
    ids["unpaid deal"] = make.sale(DEAL, paid=None)
    ids["sent"] = make.sale(GOODS)
    make.ship(ids["sent"], {make.items_of(ids["sent"])[0]: 2}, number="X 1")
    ids["parcel"] = make.ship(ids["sent"], {make.items_of(ids["sent"])[0]: 1}, number="X 2")
    ids["mail"] = make.mail(ids["sent"])
    ids["refunding"] = make.refunding()
    say(make.app, ids["unpaid"])
    # A buyer's own: cards on their way, a kit to fetch, a file that is there.
    ids["bought"] = make.sale(GOODS, PICKUP, DIGITAL, store="vendorshop", account="buyer")
    ids["bought goods"], ids["bought kit"], ids["bought file"] = make.items_of(ids["bought"])
    make.ship(ids["bought"], {ids["bought goods"]: 5}, number="X 2")
    ids["elsewhere"] = make.sale(GOODS, AUCTION, store="othershop", account="other_buyer")
    ids["elsewhere's parcel"] = make.ship(ids["elsewhere"], {make.items_of(ids["elsewhere"])[0]: 1})
    for name in ("sale", "unpaid", "sent", "elsewhere"):
        ids[f"{name}'s item"] = make.items_of(ids[name])[0]
    for store in ("papershop", "vendorshop"):
        for kind, line in (("goods", GOODS), ("deal", DEAL), ("pickup", PICKUP), ("service", SERVICE)):
            sale = make.sale(line, store=store)
            ids[f"{store}'s {kind} sale"], ids[f"{store}'s {kind}"] = sale, make.items_of(sale)[0]
    ids["absorbed"], ids["combined"] = (make.sale(AUCTION, kind="auction", paid=None, **told) for _ in "12")
    ids["outside id"] = make.sale_row(ids["sale"]).external_id
    ids["absorbed's number"] = make.number_of(ids["absorbed"])
    ids["draft"] = make.label(ids["papershop's goods sale"], {ids["papershop's goods"]: 2}, number="D 1")
    for name, store_id in (("", 2), ("elsewhere's ", 3)):
        ids[f"{name}webhook"], ids[f"{name}message"] = make.webhook(store_id)
        ids[f"{name}untold"] = make.connection(store_id)
    ids["invitation"], ids["link"] = make.invitation("stranger@example.com", by=email_of("site_admin"))
    ids["link of a new one"] = make.invitation("newcomer@example.com", by=email_of("site_admin"))[1]
    ids["elsewhere's invitation"], _ = make.invitation(
        "newcomer@example.com", store="othershop", by="owner2@example.com"
    )
    ids["guest link"], ids["guest link's token"] = make.link(ids["bought"])
    ids["elsewhere's guest link"], _ = make.link(ids["elsewhere"])
    with make.app.app_context():
        ids["settings"] = fingerprint(stores.one(1))
        buyer = people.account_by_email(email_of("buyer"))
        assert buyer is not None
        ids["hand-off"] = offer_handoff(buyer, "/purchases", by=1, now=datetime.now(UTC), lasts=A_DAY).key
        db.session.commit()
    return ids


def say(app: Flask, order_id: int) -> None:
    """Let a sale's buyer say that it is paid."""
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        say_paid(order_id, Payment.PAID, actor=SYSTEM, store_id=store_id)
        db.session.commit()


@pytest.fixture(scope="session")
def template(database: Path, desk_app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The furnished database, made once."""
    put_in_place(desk_app, database)
    ids, keys = furnished(desk_app)
    with desk_app.app_context():
        db.session.remove()
        db.engine.dispose()
    path = tmp_path_factory.mktemp("house") / "furnished.db"
    shutil.copy(database_of(desk_app), path)
    return Template(path, ids, keys)


def furnished(app: Flask) -> tuple[dict[str, Any], dict[str, Keys]]:
    """Furnish a desk that has the cast alone; return the ids by name, and how everybody gets in."""
    ids = furnish(Factory(app))
    keys = {who: keys_of(app, who) for who in CAST}
    for who in ("owner", "buyer", "staff"):
        ids[f"the {who}"] = account_of(app, who)
    ids["elsewhere's member"] = account_of(app, "owner2")
    ids["owner's token"] = keys["owner"].token.split("_")[1]
    ids["token for papershop"] = token_for(app, "staff", 1)
    for name, who in (("owner's", "owner"), ("elsewhere's", "owner2")):
        ids[f"{name} session"] = session_of(app, who)
    ids |= ways_in(app)
    keys["half_way"] = half_way(app, "stranger")
    ids["import"] = preview(House(app, Template(Path(), ids, keys)), "owner", "papershop")
    ids["elsewhere's import"] = preview(House(app, Template(Path(), ids, keys)), "owner2", "othershop")
    return ids, keys


def account_of(app: Flask, who: str) -> int:
    """Return the account of one of the cast."""
    with app.app_context():
        account = people.account_by_email(email_of(who))
        assert account is not None
        return account.id


def ways_in(app: Flask) -> dict[str, Any]:
    """Give the stranger a second factor; return what opens it, what would give the owner one, and links."""
    key, codes = str(app.config["SECRET_KEY"]), new_recovery_codes()
    stranger, owner, staff = (account_of(app, who) for who in ("stranger", "owner", "staff"))
    secret, now = totp.new_secret(), datetime.now(UTC)
    with app.test_request_context():
        sealed = encrypted(key, "second factor", secret)
        theirs, whose = people.account(stranger), people.account(staff)
        assert theirs is not None and whose is not None
        was, but = theirs.fs_uniquifier, latest_signin(stranger)
        turn_on_second_factor(stranger, sealed, codes, was=was, step=0, now=now, but=but)
        db.session.commit()
        links = [
            link_to("", RESET, whose).partition("=")[2],
            link_to("", CONFIRM, whose, "new@example.com").partition("=")[2],
        ]
    return {
        "recovery code": codes[0],
        "owner's offer": encrypted(key, f"second factor offered to {owner}", secret),
        "code of now": lambda: totp.code(secret, int(datetime.now(UTC).timestamp()) // totp.STEP),
        "staff's reset": links[0],
        "staff's new e-mail": links[1],
    }


def latest_signin(account_id: int) -> int:
    """Return the newest sign-in of an account."""
    return int(
        db.session.query(Signin.id).filter_by(account_id=account_id).order_by(Signin.id.desc()).first()[0]
    )


def half_way(app: Flask, who: str) -> Keys:
    """Return a browser's cookie in which one of the cast gave the password, and no code yet."""
    browser = app.test_client()
    token = csrf_token(browser.get("/login").text)
    sent = {"email": email_of(who), "password": PASSWORD, "csrf_token": token}
    assert browser.post("/login", data=sent).location == "/login/code"
    cookie = browser.get_cookie(COOKIE)
    assert cookie is not None
    return Keys(cookie.value, token, "")


def token_for(app: Flask, who: str, store_id: int) -> str:
    """Let one of the cast make a token for one store alone; return its public id."""
    with app.app_context():
        account = people.account_by_email(email_of(who))
        assert account is not None
        secret = make_token(account, stores.one(store_id), ["read:store-orders"])
        db.session.commit()
        return secret.split("_")[1]


def session_of(app: Flask, who: str) -> int:
    """Sign one of the cast in once more, and return the sign-in."""
    keys_of(app, who)
    with app.app_context():
        found = db.session.query(Signin.id).order_by(Signin.id.desc()).first()
        assert found is not None
        return int(found.id)


def keys_of(app: Flask, who: str) -> Keys:
    """Sign one of the cast in, and make a token that may read and write."""
    browser = app.test_client()
    sent = {
        "email": email_of(who),
        "password": PASSWORD,
        "csrf_token": csrf_token(browser.get("/login").text),
    }
    assert browser.post("/login", data=sent).status_code in {302, 303}
    csrf = csrf_token(browser.get("/purchases").text)
    cookie = browser.get_cookie(COOKIE)
    assert cookie is not None
    with app.app_context():
        account = people.account_by_email(email_of(who))
        assert account is not None
        site = ["write:site"] if account.is_site_admin else []
        secret = make_token(account, None, ["read:store-orders", "write:store-orders", *site])
        db.session.commit()
    return Keys(cookie.value, csrf, secret)


def preview(house: House, who: str, store: str) -> int:
    """Let one of the cast send a file of orders that is not brought in yet; return the import's id."""
    browser = house.browser(who)
    sent = {"csrf_token": house.csrf(browser, who), "file": (BytesIO(ORDER_FILE.read_bytes()), "orders.csv")}
    answer = browser.post(f"/stores/{store}/import", data=sent)
    assert answer.status_code == 303, answer.text
    return int(answer.location.rsplit("/", 1)[1])


@pytest.fixture
def house(app: Flask, template: Template) -> House:
    """The furnished desk, fresh."""
    put_in_place(app, template.path)
    return House(app, template)


@pytest.fixture(scope="session")
def market() -> Iterator[Market]:
    """A marketplace to connect a store to."""
    with opened() as market:
        yield market


@pytest.fixture
def reached(market: Market, monkeypatch: pytest.MonkeyPatch) -> Callable[[House], None]:
    """Return what lets a furnished desk call the marketplace, which is on the same machine."""

    def let(house: House) -> None:
        monkeypatch.setitem(house.app.config, "WEBHOOK_PRIVATE", True)
        monkeypatch.setitem(house.ids, "market", market.url)

    return let


@pytest.fixture
def restore(app: Flask, template: Template) -> Callable[[], None]:
    """Bring the furnished desk back to how it stood at the beginning."""
    return lambda: put_in_place(app, template.path)
