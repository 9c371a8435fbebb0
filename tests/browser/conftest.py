"""A real desk for a real browser: gunicorn with two workers on a fresh database, and Chromium."""

import os
import shutil
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask_security.utils import hash_password
from playwright.sync_api import Browser, Error, Page

from app import create_app
from app.db import db
from app.queries import people
from tests.conftest import CAST, PASSWORD, email_of
from tests.factories import Factory
from tests.processes import Process
from tests.security.scale import WHOLE
from tests.signins import newest, put_back

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)

# Pages without script are plain forms, which tests/web sends by the thousand. The main journeys are made
# without it in each run all the same, the others in `make walls`.
IN_BOTH_WAYS = pytest.mark.parametrize("has_script", [True, False])
ALSO_WITHOUT_SCRIPT = pytest.mark.parametrize("has_script", [True, False] if WHOLE else [True])

VIEWPORT = {"width": 1280, "height": 720}
NO_MEDIA = {"media": "null", "color_scheme": "null", "reduced_motion": "null"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder as browser tests; without a Chromium they are skipped."""
    for item in items:
        if "browser" in Path(str(item.path)).parts:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="browser test: there is no Chromium here"))


class Desk(NamedTuple):
    """A running desk: its address, and what makes sales in it."""

    url: str
    make: Factory


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def running(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Path]]:
    """A desk that runs as it is shipped, and the database that it begins with: the cast and no sales."""
    folder = tmp_path_factory.mktemp("running")
    path, kept = folder / "desk.db", folder / "kept.db"
    shutil.copy(database, path)
    url = f"sqlite:///{path}"
    app = create_app({"SQLALCHEMY_DATABASE_URI": url, "SECRET_KEY": "browser tests only"})
    with app.app_context():
        hashed = hash_password(PASSWORD)
        for who in CAST:
            account = people.account_by_email(email_of(who))
            assert account is not None
            account.password = hashed
        db.session.commit()
        db.session.remove()
        copy_database(path, kept)
    port = free_port()
    words = ("--preload", "--workers=2", "--threads=2", f"--bind=127.0.0.1:{port}", "--log-level=warning")
    settings = {
        "TRADEPOST_DATABASE_URL": url,
        "TRADEPOST_INSTANCE": str(folder),
        "TRADEPOST_SECRET_KEY": "browser tests only",
    }
    server = Process("gunicorn", "app:create_app()", *words, env=os.environ | settings)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address + "/login")
        yield Desk(address, Factory(app)), kept
    finally:
        server.terminate()
        server.communicate(10)
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(scope="module")
def desk(running: tuple[Desk, Path]) -> Desk:
    """Return the running desk, filled anew for each module: to start one takes seconds."""
    desk, kept = running
    with desk.make.app.app_context():
        db.session.remove()
        copy_database(kept, kept.with_name("desk.db"))
    shutil.rmtree(kept.with_name("calls"), ignore_errors=True)  # what was counted for tokens that are gone
    return Desk(desk.url, Factory(desk.make.app))


def copy_database(source: Path, target: Path) -> None:
    """Copy a whole SQLite database into another one, also while a desk runs on it."""
    connect = db.engine.dialect.dbapi.connect
    with closing(connect(source)) as read, closing(connect(target)) as written:
        read.backup(written)


def wait_for(url: str) -> None:
    """Wait until the desk answers, ten seconds at most."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the desk does not answer")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the Chromium of the system, and let it talk to nobody but the desk."""
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }


class Windows:
    """Chromium's windows, kept open over the tests: a new one takes both processors half a second."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url
        self.idle: dict[bool, list[Page]] = {True: [], False: []}
        self.complaints: list[str] = []

    def open(
        self, cookies: Any = (), *, has_script: bool = True, viewport: Any = VIEWPORT, **media: Any
    ) -> Page:
        """Return a window in which nothing is open, and that has these cookies alone."""
        page = self.idle[has_script].pop() if self.idle[has_script] else self.new(has_script)
        page.context.clear_cookies()
        page.context.add_cookies(cookies)
        page.set_viewport_size(viewport)
        page.emulate_media(**NO_MEDIA | media)
        return page

    def new(self, has_script: bool) -> Page:
        """Open a window in which an error or a breach of the policy is written down."""
        context = self.browser.new_context(base_url=self.url, java_script_enabled=has_script)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if "Content Security" in said.text else None,
        )
        return page

    def leave(self, page: Page, *, has_script: bool) -> None:
        """Close what is open in a window, and keep the window."""
        for other in page.context.pages:
            if other != page:
                other.close()
        try:
            page.goto("about:blank")
        except Error:  # something else is on its way there
            page.context.close()
        else:
            self.idle[has_script].append(page)


@pytest.fixture(scope="session")
def windows(browser: Browser, running: tuple[Desk, Path]) -> Windows:
    """The windows of the tests that one worker runs."""
    return Windows(browser, running[0].url)


@pytest.fixture(scope="session")
def signed_in(windows: Windows, running: tuple[Desk, Path]) -> Callable[[str], Any]:
    """Return the cookies of one of the cast, signed in once through the page."""
    app = running[0].make.app
    kept: dict[str, tuple[Any, dict[str, Any]]] = {}

    def cookies(who: str) -> Any:
        if who not in kept:
            page = windows.open()
            page.goto("/login")
            page.fill("input[name=email]", email_of(who))
            page.fill("input[name=password]", PASSWORD)
            page.press("input[name=password]", "Enter")
            page.wait_for_url(lambda url: "/login" not in url)
            kept[who] = page.context.cookies(), newest(app)
            windows.leave(page, has_script=True)
        put_back(app, kept[who][1])
        return kept[who][0]

    return cookies


@pytest.fixture
def visit(windows: Windows, desk: Desk, signed_in: Callable[[str], Any]) -> Iterator[Callable[..., Page]]:
    """Return what opens a window as one of the cast, or signed out.

    An error or a breach of the policy fails the test.
    """
    opened: list[tuple[Page, bool]] = []

    def open_as(who: str | None = None, *, java_script_enabled: bool = True, **options: Any) -> Page:
        page = windows.open(signed_in(who) if who else (), has_script=java_script_enabled, **options)
        opened.append((page, java_script_enabled))
        return page

    windows.complaints.clear()
    yield open_as
    for page, has_script in opened:
        windows.leave(page, has_script=has_script)
    assert windows.complaints == []
