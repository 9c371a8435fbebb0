"""A person sets a second factor up and signs in with it, in a real browser: with script and without."""

import re
import time
from base64 import b32decode
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app import totp
from tests.browser.conftest import Desk
from tests.browser.eyes import faults_of
from tests.conftest import PASSWORD, email_of
from tests.security.scale import WHOLE


def sign_in(page: Page, who: str) -> None:
    """Give name and password."""
    page.goto("/login")
    page.get_by_label("E-mail or username").fill(email_of(who))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")


def code_of(secret: bytes, ahead: int = 0) -> str:
    """Return the code that an app shows now, or some steps ahead."""
    return totp.code(secret, int(time.time()) // totp.STEP + ahead)


def is_fine(page: Page, has_script: bool) -> None:
    """Look at a page: it fits a phone, and a screen reader finds its way."""
    if has_script:
        assert faults_of(page) == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.mark.parametrize(
    ("has_script", "who"), [(True, "stranger"), *([(False, "other_buyer")] if WHOLE else [])]
)
def test_a_second_factor_is_set_up_and_asked_for(
    *, desk: Desk, visit: Callable[..., Page], has_script: bool, who: str
) -> None:
    page = visit(java_script_enabled=has_script)
    sign_in(page, who)
    page.locator("details.account summary").press("Enter")
    page.get_by_role("link", name="Your account").press("Enter")
    is_fine(page, has_script)
    page.get_by_role("link", name="Set it up").press("Enter")
    is_fine(page, has_script)
    picture = page.locator("svg.qr")
    expect(picture.locator(".dark")).to_have_css("fill", "rgb(0, 0, 0)")
    secret = b32decode(page.locator("#secret").inner_text().replace(" ", ""))
    page.get_by_label("Code from the app").fill(code_of(secret, -1))
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Your password").press("Enter")
    codes = page.locator("#codes code").all_inner_texts()
    assert len(codes) == 10
    is_fine(page, has_script)

    # Out, and Back shows nothing of what was there.
    page.goto("/account/sessions")
    expect(page.get_by_text("This one")).to_be_visible()
    is_fine(page, has_script)
    page.locator("details.account summary").press("Enter")
    page.locator(".account").get_by_role("button", name="Sign out").press("Enter")
    expect(page).to_have_url(f"{desk.url}/login")
    page.go_back()
    expect(page).to_have_url(re.compile("/login"))
    expect(page.get_by_text("This one")).to_have_count(0)

    sign_in(page, who)
    expect(page).to_have_url(f"{desk.url}/login/code")
    is_fine(page, has_script)
    page.get_by_label("Code").fill("000000")
    page.get_by_label("Code").press("Enter")
    expect(page.get_by_text("This code does not count.")).to_be_visible()
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_label("Code").press("Enter")
    expect(page).to_have_url(f"{desk.url}/purchases")
    page.context.clear_cookies()
    sign_in(page, who)
    page.get_by_label("Code").fill(codes[3])
    page.get_by_label("Code").press("Enter")
    expect(page).to_have_url(f"{desk.url}/purchases")


def test_a_session_that_is_ended_elsewhere_is_over_where_it_was(visit: Callable[..., Page]) -> None:
    elsewhere = visit()
    sign_in(elsewhere, "vendor")
    expect(elsewhere).not_to_have_url(re.compile("/login"))
    page = visit("vendor")
    page.goto("/account/sessions")
    page.get_by_role("button", name="End all others").click()
    expect(page.get_by_text("You are signed out everywhere else.")).to_be_visible()
    expect(page.locator("tbody")).to_have_count(1)
    elsewhere.goto("/purchases")
    expect(elsewhere).to_have_url(re.compile("/login"))
