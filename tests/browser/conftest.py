"""A real desk for a real browser: gunicorn with two workers on a fresh database, and Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask_security.utils import hash_password
from playwright.sync_api import Browser, BrowserContext, Page

from app import create_app
from app.db import db
from app.queries import people
from tests.conftest import CAST, PASSWORD, email_of
from tests.factories import Factory

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


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


@pytest.fixture(scope="module")
def desk(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk that runs as it is shipped, with the cast and no sales; one a module."""
    folder = tmp_path_factory.mktemp("running")
    path = folder / "desk.db"
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
    port = free_port()
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "app:create_app()",
            "--workers=2",
            "--threads=2",
            f"--bind=127.0.0.1:{port}",
            "--log-level=warning",
        ],
        env={
            **os.environ,
            "TRADEPOST_DATABASE_URL": url,
            "TRADEPOST_INSTANCE": str(folder),
            "TRADEPOST_SECRET_KEY": "browser tests only",
        },
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address + "/login")
        yield Desk(address, Factory(app))
    finally:
        server.terminate()
        server.wait(10)
        with app.app_context():
            db.engine.dispose()


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


@pytest.fixture(scope="module")
def signed_in(browser: Browser, desk: Desk) -> Callable[[str], Any]:
    """Return the cookies of one of the cast, signed in once a module through the page."""

    @cache
    def cookies(who: str) -> Any:
        context = browser.new_context(base_url=desk.url)
        page = context.new_page()
        page.goto("/login")
        page.fill("input[name=email]", email_of(who))
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        kept = context.storage_state()
        context.close()
        return kept

    return cookies


@pytest.fixture
def visit(browser: Browser, desk: Desk, signed_in: Callable[[str], Any]) -> Iterator[Callable[..., Page]]:
    """Return a page signed in as one of the cast; an error or a breach of the policy fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_as(who: str, **options: Any) -> Page:
        context = browser.new_context(base_url=desk.url, storage_state=signed_in(who), **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None
        )
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert complaints == []
