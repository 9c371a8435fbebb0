"""A person makes a token, uses it and ends it, in a real browser: with script and without."""

import urllib.error
import urllib.request
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import ALSO_WITHOUT_SCRIPT, Desk
from tests.browser.eyes import faults_of


def call(desk: Desk, token: str) -> tuple[int, str | None]:
    """Return how a program's call is answered, and how many more it has today."""
    asked = urllib.request.Request(
        f"{desk.url}/api/okanjo/stores/1/sales", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, answer.headers["X-RateLimit-Remaining"]
    except urllib.error.HTTPError as refused:
        return refused.code, None


@ALSO_WITHOUT_SCRIPT
def test_a_token_is_made_used_and_ended_by_keyboard(
    desk: Desk, visit: Callable[..., Page], has_script: bool
) -> None:
    page = visit("owner", java_script_enabled=has_script)
    page.goto("/purchases")
    page.locator("details.account summary").press("Enter")
    page.get_by_role("link", name="Tokens").press("Enter")
    page.get_by_role("button", name="Make the token").press("Enter")
    expect(page).to_have_url(f"{desk.url}/account/tokens")  # the browser itself asks for the name
    name = f"Till {has_script}"
    page.get_by_label("Name").fill(name)
    page.get_by_label("Reaches").select_option("Paper Shop")
    page.get_by_label("Works for").select_option("7 days")
    page.get_by_label("Name").press("Enter")
    secret = page.locator("#secret").inner_text()
    if has_script:  # without, nothing reads what has the focus
        expect(page.locator(".made-token")).to_be_focused()
        assert faults_of(page) == []
    assert secret not in page.url
    assert [call(desk, secret) for _ in range(2)] == [(200, "9999"), (200, "9998")]

    page.goto("/account/tokens")
    expect(page.locator("#secret")).to_have_count(0)
    row = page.locator("tbody", has_text=name)
    expect(row).to_contain_text("Paper Shop")
    row.locator("summary").press("Enter")
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    row.get_by_role("button", name="End it now").press("Enter")
    expect(page.get_by_text(f"“{name}” is ended: calls with it are refused.")).to_be_visible()
    expect(row).to_contain_text("Ended")
    expect(row.locator("form")).to_have_count(0)
    if has_script:
        expect(row.locator("[data-focus]")).to_be_focused()
    assert call(desk, secret) == (401, None)
