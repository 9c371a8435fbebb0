"""The document of the API in a real browser: read, tried with a token, and there without a script too."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.actions.people import make_token
from app.db import db
from app.queries import people
from tests.browser.conftest import Desk
from tests.conftest import email_of

CALL = "#operations-Okanjo-okanjo_bought_items"


@pytest.fixture
def token(desk: Desk) -> str:
    """A token of the buyer's."""
    with desk.make.app.app_context():
        account = people.account_by_email(email_of("buyer"))
        assert account is not None
        secret = make_token(account, None, ["read:store-orders"])
        db.session.commit()
        db.session.remove()
    return secret


@pytest.fixture
def quiet(visit: Callable[..., Page]) -> Callable[..., Page]:
    """Return a page on which whatever the console complains of is kept as `complaints`."""

    def opened(**options: Any) -> Page:
        page = visit("buyer", **options)
        page.complaints = []  # type: ignore[attr-defined]
        page.on(
            "console",
            lambda said: page.complaints.append(said.text) if said.type in {"error", "warning"} else None,  # type: ignore[attr-defined]
        )
        return page

    return opened


def test_a_call_is_tried_with_a_token_and_nothing_is_complained_of(
    desk: Desk, quiet: Callable[..., Page], token: str
) -> None:
    page = quiet()
    page.goto("/account/tokens")
    page.get_by_role("link", name="documentation of the API").click()
    expect(page).to_have_url(f"{desk.url}/api/docs")
    page.get_by_role("button", name="Authorize").click()
    box = page.locator(".auth-container", has_text="bearer (http")
    box.locator("input").fill(token)
    box.get_by_role("button", name="Apply credentials").click()
    page.locator(".close-modal").click()
    page.locator(f"{CALL} .opblock-summary-control").click()
    page.locator(f"{CALL} .try-out__btn").click()
    page.locator(f"{CALL} .execute").click()
    expect(page.locator(f"{CALL} .live-responses-table .response-col_status").nth(1)).to_contain_text("200")
    assert token not in page.url
    assert page.complaints == []  # type: ignore[attr-defined]


def test_the_page_follows_the_theme_and_scrolls_nowhere_sideways(quiet: Callable[..., Page]) -> None:
    page = quiet(color_scheme="dark")
    page.goto("/api/docs")
    page.locator(f"{CALL} .opblock-summary-control").click()
    page.locator(f"{CALL} .try-out__btn").wait_for()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    for width in (320, 390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).not_to_have_class("dark-mode")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    assert page.complaints == []  # type: ignore[attr-defined]


def test_without_a_script_every_call_stands_in_a_table(quiet: Callable[..., Page]) -> None:
    page = quiet(java_script_enabled=False)
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto("/api/docs")
    expect(page.get_by_role("cell", name="/api/intake/orders/{order}/refunds")).to_be_visible()
    expect(page.get_by_role("link", name="openapi.json").first).to_have_attribute("href", "/api/openapi.json")
