"""Labels, several sales in one parcel, what needs attention: in a real browser, with script and without."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from app.actions.purchases import BuyerSaid
from tests.browser.conftest import ALSO_WITHOUT_SCRIPT, IN_BOTH_WAYS, Desk
from tests.factories import GOODS


@IN_BOTH_WAYS
def test_two_sales_go_in_one_parcel_and_come_back(
    desk: Desk, visit: Callable[..., Page], has_script: bool
) -> None:
    buyer = BuyerSaid("Ada Byron", "ada", ref=f"ada-{has_script}")
    first, second = (desk.make.sale(GOODS, buyer=buyer) for _ in range(2))
    page = visit("owner", java_script_enabled=has_script)
    page.goto(f"/stores/papershop/sales/{first}")
    page.get_by_label("In this parcel too").check()
    page.get_by_label("Tracking number").first.fill("TOGETHER1")
    page.get_by_role("button", name="Ship", exact=False).first.click()
    expect(page.get_by_text("10 pieces shipped")).to_be_visible()
    page.get_by_text("In it too: goods of").get_by_role("link").click()
    expect(page.get_by_text("shipped 5 pieces under TOGETHER1")).to_be_visible()
    page.goto("/stores/papershop/parcels?tab=sent")
    row = page.locator("tbody", has_text="TOGETHER1")
    row.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Parcel TOGETHER1 is taken back")).to_be_visible()
    assert [desk.make.sale_row(sale).desk_state for sale in (first, second)] == ["to_ship", "to_ship"]


@IN_BOTH_WAYS
def test_a_label_is_made_now_and_sent_later(desk: Desk, visit: Callable[..., Page], has_script: bool) -> None:
    sale = desk.make.sale(GOODS)
    number = f"LATER{int(has_script)}"
    page = visit("staff", java_script_enabled=has_script, viewport={"width": 320, "height": 700})
    page.goto(f"/stores/papershop/sales/{sale}/ship")
    page.get_by_label("pieces to ship now").fill("2")
    page.get_by_label("Tracking number").fill(number)
    page.get_by_role("button", name="Keep the number, send later").click()
    expect(page.get_by_text("2 pieces packed, to send later")).to_be_visible()
    page.goto("/stores/papershop/parcels?tab=drafts")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    row = page.locator("tbody", has_text=number)
    row.get_by_role("button", name="Send").press("Enter")
    expect(page.get_by_text(f"Parcel {number} is sent.")).to_be_visible()
    assert desk.make.sale_row(sale).items[0].shipped == 2


@ALSO_WITHOUT_SCRIPT
def test_what_needs_attention_is_dealt_with_from_its_list(
    desk: Desk, visit: Callable[..., Page], has_script: bool
) -> None:
    sale = desk.make.sale(GOODS, store="othershop", placed_at=datetime.now(UTC) - timedelta(days=20))
    page = visit("owner2", java_script_enabled=has_script)
    page.goto("/stores/othershop/sales")
    page.get_by_role("banner").get_by_role("link", name="Needs attention 1").click()
    row = page.locator(f"#sale-{sale}")
    expect(row.get_by_text("days late, by your calendar.")).to_be_visible()
    row.get_by_role("link", name="Ship").click()
    page.get_by_label("No number").check()
    page.get_by_role("button", name="Ship 5 pieces").click()
    expect(page.get_by_text("5 pieces shipped, no number.")).to_be_visible()
    page.goto("/stores/othershop/attention")
    expect(page.get_by_text("Nothing needs attention")).to_be_visible()
