"""What all tests share: a desk on a fresh database, and one fixed cast named by role."""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from app import create_app
from app.actions.people import join, make_token, open_account, open_store
from app.db import db
from app.queries import people
from app.statuses import Role
from tests import postgres
from tests.factories import Factory
from tests.postgres import Refilled
from tests.stocked import Stocked, path_of

DATABASES = ("sqlite", "postgresql")
PASSWORD = "paper boats on a pond"

# name -> (is site admin, {store: role})
CAST: dict[str, tuple[bool, dict[str, Role]]] = {
    "site_admin": (True, {}),
    "owner": (False, {"papershop": Role.OWNER, "vendorshop": Role.OWNER}),
    "staff": (False, {"papershop": Role.STAFF, "vendorshop": Role.STAFF}),
    "vendor": (False, {"vendorshop": Role.VENDOR, "papershop": Role.VENDOR}),
    "owner2": (False, {"othershop": Role.OWNER}),
    "buyer": (False, {}),
    "other_buyer": (False, {}),
    "stranger": (False, {}),
}

TEST_SETTINGS = {
    "TESTING": True,
    "SECRET_KEY": "tests only",
    "DURABLE": False,
    "API_PER_SECOND": 0,
    "API_PER_DAY": 0,
    "TRIES_PER_MINUTE": 0,
    "SECURITY_PASSWORD_HASH": "plaintext",
    "SECURITY_PASSWORD_SCHEMES": ["plaintext"],
    "SECURITY_PASSWORD_SALT": "tests only",
}


# Folders and files whose tests start browsers or desks, or load many sales.
SLOW = frozenset(
    {"bench", "browser", "demo", "kill", "races", "test_backup", "test_demo", "test_serve", "test_worker"}
)


def email_of(who: str) -> str:
    """Return the e-mail of one of the cast."""
    return f"{who}@example.com"


def set_the_stage(app: Flask) -> None:
    """Migrate a desk's empty database, and let the cast and three stores in."""
    with app.app_context():
        upgrade()
        stores = {
            "papershop": open_store("papershop", "Paper Shop", zone="Europe/Berlin", commission_bp=600),
            "vendorshop": open_store("vendorshop", "Vendor Shop", is_vendor=True),
            "othershop": open_store("othershop", "Other Shop", zone="America/New_York"),
        }
        for who, (is_admin, roles) in CAST.items():
            account = open_account(
                email_of(who),
                name=who.replace("_", " ").capitalize(),
                password_hash=PASSWORD,
                is_site_admin=is_admin,
            )
            for slug, role in roles.items():
                join(stores[slug], account, role)
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with the cast and three stores, and no sales."""
    path = tmp_path_factory.mktemp("database") / "template.db"
    set_the_stage(create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"}))
    return path


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> str:
    """The address of an empty PostgreSQL database of this worker's own."""
    shared = tmp_path_factory.getbasetemp()
    server = postgres.server_url((shared.parent if worker_id != "master" else shared) / "postgres")
    return postgres.fresh_database(server, f"tradepost_{worker_id}")


@pytest.fixture(scope="session")
def postgres_desk(postgres_url: str) -> Iterator[Refilled]:
    """The desk on PostgreSQL with the cast and three stores, made once."""
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": postgres_url})
    set_the_stage(app)
    yield Refilled(app)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let tests of the rules but for those marked `either`, and all marked `both`, run on both databases."""
    marked = metafunc.definition.get_closest_marker
    is_of_rules = "rules" in metafunc.definition.path.parts and not marked("either")
    if "app" in metafunc.fixturenames and (is_of_rules or marked("both")):
        kinds = [DATABASES[0], pytest.param(DATABASES[1], marks=pytest.mark.postgresql)]
        metafunc.parametrize("kind_of_database", kinds, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that wait most (browsers, running desks): in the end none is waited for alone."""
    items.sort(key=lambda item: SLOW.isdisjoint({*item.path.parts, item.path.stem}))


def pytest_collection_finish() -> None:
    """Spare the collector of garbage all that is there by now: it would look through it for nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture
def kind_of_database(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on."""
    return str(getattr(request, "param", DATABASES[0]))


@pytest.fixture(scope="session")
def desk_app(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The desk, made once; `app` gives it a fresh database for each test."""
    path = tmp_path_factory.mktemp("desk") / "desk.db"
    shutil.copy(database, path)
    return create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"})


@pytest.fixture
def app(
    desk_app: Flask, database: Path, kind_of_database: str, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """The desk with the cast, three stores and no sales."""
    if kind_of_database == "postgresql":
        desk: Refilled = request.getfixturevalue("postgres_desk")
        desk.refill()
        yield desk.app
        with desk.app.app_context():
            db.session.remove()
        return
    path = Path(desk_app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))
    with desk_app.app_context():
        db.engine.dispose()
    for beside in ("-wal", "-shm"):
        Path(f"{path}{beside}").unlink(missing_ok=True)
    shutil.copy(database, path)
    yield desk_app
    with desk_app.app_context():
        db.session.remove()


@pytest.fixture(scope="session")
def other_desks(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, request: pytest.FixtureRequest
) -> Callable[[str], Flask]:
    """Return what makes a desk whose database, of this kind, is new: a file that is not there, or empty."""
    made: dict[str, Flask] = {}

    def new(kind: str) -> Flask:
        if kind == "postgresql":
            if kind in made:
                with made[kind].app_context():
                    db.engine.dispose()
            url = postgres.fresh_database(request.getfixturevalue("postgres_url"), f"elsewhere_{worker_id}")
        else:
            url = f"sqlite:///{tmp_path_factory.mktemp('elsewhere') / 'desk.db'}"
        made[kind] = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": url})
        return made[kind]

    return new


@pytest.fixture
def elsewhere(other_desks: Callable[[str], Flask], kind_of_database: str) -> Iterator[Flask]:
    """Another desk, whose database is new and has no tables."""
    desk = other_desks(kind_of_database)
    yield desk
    with desk.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def stock(
    desk_app: Flask, database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Callable[[Flask], Any]], Stocked]:
    """Return what stocks a desk once for many tests, each of which gets a copy."""

    def stocked(build: Callable[[Flask], Any]) -> Stocked:
        Stocked(database, None, build, []).put_into(desk_app)
        told = build(desk_app)
        with desk_app.app_context():
            db.session.remove()
            db.engine.dispose()
        path = Path(shutil.copy(path_of(desk_app), tmp_path_factory.mktemp("stocked")))
        return Stocked(path, told, build, [])

    return stocked


@pytest.fixture
def make(app: Flask) -> Factory:
    """What makes sales for tests, by the acts."""
    return Factory(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is signed out."""
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask) -> Callable[[str], FlaskClient]:
    """Return a browser signed in as one of the cast, through the page."""

    def signed_in(who: str) -> FlaskClient:
        browser = app.test_client()
        token = csrf_token(browser.get("/login").text)
        answer = browser.post(
            "/login", data={"email": email_of(who), "password": PASSWORD, "csrf_token": token}
        )
        assert answer.status_code in {302, 303}, answer.text
        return browser

    return signed_in


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Return what counts something for the summary at the end of the run."""
    return lambda name, n: record_property(f"wall: {name}", n)


def csrf_token(page: str) -> str:
    """Return the CSRF token that stands in a page."""
    return page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]


@pytest.fixture
def token(app: Flask) -> Callable[..., dict[str, str]]:
    """Return the Authorization header of a token of one of the cast."""

    def header(
        who: str,
        *,
        store: str | None = None,
        scopes: tuple[str, ...] = ("read:store-orders", "write:store-orders"),
    ) -> dict[str, str]:
        with app.app_context():
            account = people.account_by_email(email_of(who))
            assert account is not None
            place = people.place(store, account.id) if store else None
            secret = make_token(account, place.store if place else None, list(scopes))
            db.session.commit()
        return {"Authorization": f"Bearer {secret}"}

    return header


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the PostgreSQL that the workers shared."""
    factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
    if not hasattr(session.config, "workerinput"):
        postgres.stop(factory.getbasetemp() / "postgres")


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    """With CI=true a skipped browser or PostgreSQL test is a failure, not a silence."""
    if (
        os.environ.get("CI") == "true"
        and (item.get_closest_marker("browser") or item.get_closest_marker("postgresql"))
        and call.excinfo is not None
        and call.excinfo.errisinstance(pytest.skip.Exception)
    ):
        call.excinfo = pytest.ExceptionInfo.from_exception(
            AssertionError(f"test skipped in CI: {call.excinfo.value}")
        )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how much was tried at the walls, where tests counted it."""
    counts: dict[str, int] = {}
    for report in terminalreporter.getreports(""):  # each part of a test; the last one has all counts
        for name, n in report.user_properties:
            if name.startswith("wall: ") and report.when == "teardown":
                counts[name[6:]] = counts.get(name[6:], 0) + int(n)
    if counts:
        terminalreporter.section("walls")
        for name, n in counts.items():
            terminalreporter.write_line(f"{n:>8,} {name}")
