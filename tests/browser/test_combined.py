"""A purchase combines while its old page is open, in a real browser, with script and without."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.actions.purchases import BuyerSaid, LineSaid
from tests.browser.conftest import ALSO_WITHOUT_SCRIPT, Desk
from tests.browser.eyes import faults_of


@pytest.fixture
def win(desk: Desk) -> Callable[[str], int]:
    """Return what lets the buyer win a lot before paying for what they won already."""

    def won(title: str) -> int:
        return desk.make.sale(
            LineSaid(title, 1, 900, postage=200, additional=50),
            buyer=BuyerSaid("Maja Kowalczyk", "maja", ref="maja"),
            channel="intake",
            kind="auction",
            postage=200,
            paid=None,
            account="buyer",
        )

    return won


@ALSO_WITHOUT_SCRIPT
def test_a_form_that_was_open_leads_to_the_sale_that_lives_and_nothing_is_done(
    desk: Desk, visit: Callable[..., Page], win: Callable[[str], int], has_script: bool
) -> None:
    old = win("Stamp of 1961")
    number = desk.make.number_of(old)
    buyer, seller = (visit(who, java_script_enabled=has_script) for who in ("buyer", "owner"))
    buyer.goto(f"/purchases/{old}")
    seller.goto(f"/stores/papershop/sales/{old}")
    heir = win("Stamp of 1962")
    buyer.get_by_role("button", name="I have paid").click()
    buyer.wait_for_url(f"**/purchases/{heir}")
    expect(buyer.locator("#said")).to_contain_text(f"Purchase {number} was combined")
    expect(buyer.locator("#said")).to_contain_text("Nothing of what you sent was done.")
    expect(buyer.locator(".head")).to_contain_text("Unpaid")
    seller.get_by_role("button", name="Mark paid").click()
    seller.wait_for_url(f"**/stores/papershop/sales/{heir}")
    expect(seller.locator("#said")).to_contain_text("Nothing of what you sent was done.")
    expect(seller.locator(".head")).to_contain_text("Unpaid")
    seller.goto(f"/stores/papershop/sales?q={number}")
    seller.get_by_role("link", name=f"sale {desk.make.number_of(heir)}", exact=True).click()
    expect(seller.locator(".head")).to_contain_text("Combined from sale")
    expect(seller.get_by_text(f"and combined it with sale {number}")).to_be_visible()
    seller.get_by_role("button", name="Mark paid").click()
    expect(seller.locator(".head")).to_contain_text("Paid")
    buyer.reload()
    expect(buyer.locator(".head")).to_contain_text("Paid")


def test_axe_finds_nothing_where_an_old_number_was_searched_and_nothing_scrolls_sideways(
    desk: Desk, visit: Callable[..., Page], win: Callable[[str], int]
) -> None:
    number = desk.make.number_of(win("Stamp of 1963"))
    heir = win("Stamp of 1964")
    found = []
    for who, pages in (
        ("owner", (f"/stores/papershop/sales?q={number}", f"/stores/papershop/sales/{heir}")),
        ("buyer", (f"/purchases?q={number}", f"/purchases/{heir}")),
    ):
        page = visit(who)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for address in pages:
                page.set_viewport_size({"width": 1440, "height": 900})
                page.goto(address)
                found += faults_of(page)
                page.set_viewport_size({"width": 320, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert found == []
