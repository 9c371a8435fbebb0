"""The database's bad days: writes are told to come again, reads go on where they can, and it heals by itself.

The faults are real ones: a lock that another connection holds, a file that is gone or another one, a file
that opens for reading alone, a limit beyond which no file may grow.
"""

import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.actions.people import USED_EVERY
from app.db import db, sqlite
from app.errors import PerhapsDone
from app.models import ApiToken, Signin
from app.outages import is_outage
from app.standing import NOT_THERE
from tests.factories import GOODS, Factory
from tests.house.conftest import database_of
from tests.rules.books import everything
from tests.web.pages import Browser, value_of, words

Browse = Callable[[str], Browser]
SALES = "/stores/papershop/sales"
ITEMS = "/stores/papershop/items"
API = "/api/okanjo/stores/1/sales"
WRITE = "The desk cannot write at the moment; nothing was changed. Try again in a minute."
READ = "The desk cannot reach its data at the moment. Try again in a minute."
IN_VAIN = 100  # milliseconds that a write waits here


@pytest.fixture(autouse=True)
def impatient(app: Flask) -> Iterator[None]:
    """Let writes wait for a moment alone, and every test begin and end with connections of its own."""
    with app.app_context():
        engine = db.engine

    def hurry(connection: Any, _record: object) -> None:
        if engine.dialect.name == "sqlite":
            connection.execute(f"PRAGMA busy_timeout={IN_VAIN}")

    engine.dispose()
    event.listen(engine, "connect", hurry)
    yield
    event.remove(engine, "connect", hurry)
    engine.dispose()


@contextmanager
def locked(app: Flask) -> Iterator[None]:
    """Somebody else writes and does not end."""
    with sqlite.connect(database_of(app), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    other.close()


@contextmanager
def gone(app: Flask) -> Iterator[None]:
    """The file lies elsewhere for a while; the desk has connections to it."""
    path = database_of(app)
    aside = path.with_name("aside")
    aside.mkdir()
    beside = [Path(f"{path}{end}") for end in ("", "-wal", "-shm")]
    for file in beside:
        with suppress(FileNotFoundError):
            file.rename(aside / file.name)
    yield
    for file in aside.iterdir():
        file.rename(path.with_name(file.name))
    aside.rmdir()


@contextmanager
def read_only(app: Flask) -> Iterator[None]:
    """The file opens for reading alone; the desk has just been started."""
    with app.app_context():
        engine = db.engine

    def open_for_reading(_dialect: object, _record: object, given: list[str], _named: object) -> None:
        given[0] = given[0].replace("mode=rw", "mode=ro")

    engine.dispose()
    event.listen(engine, "do_connect", open_for_reading)
    yield
    event.remove(engine, "do_connect", open_for_reading)


@contextmanager
def full(app: Flask) -> Iterator[None]:
    """No file may grow beyond what the log of the database has by now."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (Path(f"{database_of(app)}-wal").stat().st_size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


Fault = Callable[[Flask], AbstractContextManager[None]]
READABLE: list[Fault] = [locked, read_only, full]
FAULTS: list[Fault] = [*READABLE, gone]


def is_told(answer: TestResponse, sentence: str) -> None:
    """Check that an answer says that it cannot be done now, and when to ask again."""
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert sentence in (answer.json["description"] if answer.is_json else words(answer.text))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_is_told_to_come_again_and_then_it_is_done(
    app: Flask, make: Factory, browse: Browse, token: Callable[..., dict[str, str]], fault: Fault
) -> None:
    items = [make.item(GOODS) for _ in range(2)]
    owner, program, header = browse("owner"), app.test_client(), token("owner")
    # Nothing is noted besides, and there are connections.
    assert owner.get(SALES).status_code == program.get(API, headers=header).status_code == 200
    before = everything(app)
    with fault(app):
        is_told(owner.post(f"{ITEMS}/{items[0]}", {"status": "3"}), WRITE)
        is_told(owner.post(f"{ITEMS}/{items[0]}?in=row", {"status": "3"}, part=True), WRITE)
        is_told(program.put(f"{API}/{items[1]}", data={"status": "3"}, headers=header), WRITE)
    assert everything(app) == before
    assert owner.post(f"{ITEMS}/{items[0]}", {"status": "3"}).status_code == 303
    assert program.put(f"{API}/{items[1]}", data={"status": "3"}, headers=header).status_code == 200


@pytest.mark.parametrize("fault", READABLE)
def test_reads_go_on_although_it_cannot_be_noted_that_somebody_reads(
    app: Flask, make: Factory, browse: Browse, token: Callable[..., dict[str, str]], fault: Fault
) -> None:
    order_id = make.sale(account="owner")
    owner, program, header = browse("owner"), app.test_client(), token("owner")
    long_ago = datetime.now(UTC) - USED_EVERY * 2
    with app.app_context():
        db.session.query(Signin).update({"seen_at": long_ago})
        db.session.query(ApiToken).update({"used_at": long_ago})
        db.session.commit()
    with fault(app):
        for path in (SALES, f"{SALES}/{order_id}", ITEMS, "/purchases", "/readyz"):
            assert owner.get(path).status_code == 200, path
        assert program.get(API, headers=header).status_code == 200
        assert seen(app) == (long_ago, long_ago)
    for _ in range(2):  # a connection that was opened for reading alone is found out once
        assert owner.get(SALES).status_code == program.get(API, headers=header).status_code == 200
    assert min(seen(app)) > long_ago + timedelta(hours=1)


def seen(app: Flask) -> tuple[datetime, datetime]:
    """Return when the browser and the program were last noted."""
    with app.app_context():
        used = db.session.query(ApiToken.used_at).scalar()
        return db.session.query(Signin.seen_at).order_by(Signin.seen_at.desc()).limit(1).scalar(), used


def test_of_a_database_that_is_gone_every_reader_is_told(
    app: Flask, browse: Browse, client: FlaskClient, token: Callable[..., dict[str, str]]
) -> None:
    owner, header = browse("owner"), token("owner")
    assert owner.get(SALES).status_code == 200
    with gone(app):
        is_told(owner.get(SALES), READ)
        is_told(owner.get(SALES, part=True), READ)
        is_told(client.get(API, headers=header), READ)
        assert client.get("/healthz").status_code == client.get("/login").status_code == 200
        assert client.get("/readyz").text == f"not ready: {NOT_THERE}\n"
        assert not database_of(app).exists()  # nobody made an empty one
    assert owner.get(SALES).status_code == client.get("/readyz").status_code == 200


def test_what_is_put_in_its_place_is_read_and_written_from_then_on(
    app: Flask, make: Factory, browse: Browse
) -> None:
    item_id = make.item(GOODS)
    owner, path = browse("owner"), database_of(app)
    with app.app_context():
        db.engine.dispose()
    restored = Path(shutil.copy(path, path.with_name("restored.db")))
    assert owner.get(SALES).status_code == 200  # a connection to the first one
    restored.replace(path)
    assert owner.post(f"{ITEMS}/{item_id}", {"status": "3"}).status_code == 303
    with sqlite.connect(path) as other:
        assert other.execute("SELECT status FROM order_item WHERE id = ?", (item_id,)).fetchone() == (3,)
    other.close()


def test_a_write_is_not_said_to_be_done_when_its_file_goes_in_its_midst(
    app: Flask, make: Factory, browse: Browse
) -> None:
    item_id = make.item(GOODS)
    owner = browse("owner")
    assert owner.get(SALES).status_code == 200
    with app.app_context():
        engine = db.engine
    is_away = Event()
    with ExitStack() as away:

        def take_away(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("INSERT INTO event") and not is_away.is_set():
                is_away.set()
                away.enter_context(gone(app))

        event.listen(engine, "before_cursor_execute", take_away)
        is_told(owner.post(f"{ITEMS}/{item_id}", {"status": "3"}), WRITE)
    event.remove(engine, "before_cursor_execute", take_away)
    assert is_away.is_set()
    assert owner.post(f"{ITEMS}/{item_id}", {"status": "3"}).status_code == 303


def test_what_was_typed_is_not_lost(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    (item_id,) = make.items_of(order_id)
    owner = browse("owner")
    typed = {f"pieces-{item_id}": "1", "tracking_number": '1Z "5R"', "tracking_carrier": "UPS"}
    with locked(app):
        page = owner.post(f"{SALES}/{order_id}/ship?in=alone", typed)
        part = owner.post(f"{SALES}/{order_id}/ship?in=row", typed, part=True)
    assert {name: value_of(page.text, name) for name in typed} == typed
    assert f'action="{SALES}/{order_id}/ship?in=alone"' in page.text
    again = {**typed, "csrf_token": value_of(page.text, "csrf_token")}
    assert owner.client.post(f"{SALES}/{order_id}/ship?in=alone", data=again).status_code == 303
    assert "<form" not in part.text  # htmx leaves the form where it stands


def test_a_password_stands_in_no_page(app: Flask, client: FlaskClient) -> None:
    page = client.get("/login").text
    sent = {"email": "owner@example.com", "password": "paper boats on a pond"}
    with locked(app):
        answer = client.post("/login", data={**sent, "csrf_token": value_of(page, "csrf_token")})
    is_told(answer, WRITE)
    assert "paper boats" not in answer.text


@pytest.mark.parametrize("secret", ["current", "api_key"])
def test_no_page_gives_back_what_a_page_never_shows(app: Flask, browse: Browse, secret: str) -> None:
    # Whose names have no “password” in them.
    owner = browse("owner")
    with locked(app):
        answer = owner.post("/account/sessions/end-others", {secret: "paper boats on a pond"})
    is_told(answer, WRITE)
    assert "paper boats" not in answer.text


def test_a_note_left_out_does_not_make_later_writes_impatient(
    app: Flask, make: Factory, browse: Browse
) -> None:
    browse("owner").get(SALES)
    with app.app_context():
        db.session.query(Signin).update({"seen_at": datetime.now(UTC) - timedelta(minutes=6)})
        db.session.commit()
    with locked(app):
        browse("owner").get(SALES)
    with app.app_context():
        connection: Any = db.session.connection()
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == IN_VAIN


on_postgresql = pytest.mark.parametrize(
    "kind_of_database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def drop_connections(app: Flask, *before: str) -> None:
    """Let the server end every connection of this desk, as it does when it is started anew."""
    with app.app_context():
        name, alone = db.engine.url.database, create_engine(db.engine.url, isolation_level="AUTOCOMMIT")
    with alone.connect() as connection:
        for statement in (*before, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"):
            ours = f" datname = '{name}' AND pid <> pg_backend_pid()"
            connection.exec_driver_sql(statement + (ours if statement.endswith("WHERE") else ""))
    alone.dispose()


@on_postgresql
def test_a_server_that_was_started_anew_is_missed_once_and_found_again(
    app: Flask, make: Factory, browse: Browse
) -> None:
    item_id = make.item(GOODS)
    owner = browse("owner")
    assert owner.get(SALES).status_code == 200
    drop_connections(app)
    is_told(owner.post(f"{ITEMS}/{item_id}", {"status": "3"}), WRITE)
    assert owner.post(f"{ITEMS}/{item_id}", {"status": "3"}).status_code == 303


@on_postgresql
def test_a_commit_of_which_nobody_heard_is_not_said_to_be_undone(
    app: Flask, make: Factory, browse: Browse
) -> None:
    item_id = make.item(GOODS)
    owner = browse("owner")
    assert owner.get(SALES).status_code == 200
    with app.app_context():
        engine = db.engine

    def break_off(_connection: object) -> None:
        drop_connections(app)

    event.listen(engine, "commit", break_off)
    try:
        is_told(owner.post(f"{ITEMS}/{item_id}", {"status": "3"}), PerhapsDone.sentence)
    finally:
        event.remove(engine, "commit", break_off)
    assert owner.post(f"{ITEMS}/{item_id}", {"status": "3"}).status_code == 303


@on_postgresql
def test_a_server_that_only_reads_is_read(app: Flask, make: Factory, browse: Browse) -> None:
    item_id = make.item(GOODS)
    owner = browse("owner")
    with app.app_context():
        name = db.engine.url.database
        db.session.query(Signin).update({"seen_at": datetime.now(UTC) - timedelta(minutes=6)})
        db.session.commit()
    switch = f"ALTER DATABASE {name} SET default_transaction_read_only TO"
    drop_connections(app, f"{switch} on")
    owner.get(SALES)
    try:
        assert owner.get(SALES).status_code == 200
        is_told(owner.post(f"{ITEMS}/{item_id}", {"status": "3"}), WRITE)
    finally:
        drop_connections(app, "SET default_transaction_read_only TO off", f"{switch} off")
    owner.get(SALES)
    assert owner.post(f"{ITEMS}/{item_id}", {"status": "3"}).status_code == 303


class DriverError(Exception):
    """An error as psycopg raises them, with PostgreSQL's code."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("words of the server")
        self.sqlstate = sqlstate


class OperationalError(DriverError):
    """psycopg's own: without a code, there was no server to give one."""


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (OperationalError(None), True),  # no server answers
        (DriverError("57P01"), True),  # it is shut down
        (DriverError("08006"), True),
        (DriverError("53100"), True),  # disk full
        (DriverError("53300"), True),  # too many connections
        (DriverError("25006"), True),  # read only
        (DriverError("55P03"), True),  # the lock was not to be had
        (DriverError("40P01"), True),
        (DriverError("23505"), False),  # a duplicate
        (DriverError("42P01"), False),  # no such table
        (DriverError("22P02"), False),
        (ValueError("no database at all"), False),
    ],
)
def test_what_is_an_outage_on_postgresql(error: Exception, is_one: bool) -> None:
    assert is_outage(DBAPIError("SELECT 1", None, error)) is is_one
    assert not is_outage(error)
