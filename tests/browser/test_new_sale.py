"""A seller types a sale in and sets the store, in a real browser: with script and without."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import ALSO_WITHOUT_SCRIPT, IN_BOTH_WAYS, Desk
from tests.factories import GOODS


@IN_BOTH_WAYS
def test_a_sale_of_two_lines_is_typed_in(desk: Desk, visit: Callable[..., Page], has_script: bool) -> None:
    page = visit("staff", java_script_enabled=has_script)
    page.goto("/stores/papershop/sales")
    page.get_by_role("link", name="New sale").click()
    page.get_by_label("Title").fill("Notebook, dotted")
    page.get_by_label("Pieces").fill("2")
    page.get_by_label("Price each").fill("7.50")
    page.get_by_role("button", name="One more line").click()
    second = page.get_by_role("group", name="Line 2")
    second.get_by_label("Title").fill("Bookbinding lesson")
    second.get_by_label("Kind").select_option("Service")
    second.get_by_label("Price each").fill("40")
    page.get_by_role("button", name="One more line").click()
    page.get_by_role("button", name="Take line 3 away").click()
    expect(page.get_by_role("group", name="Line 3")).to_have_count(0)
    page.get_by_label("Postage").fill("3.2")
    page.get_by_role("button", name="Add it up").click()
    expect(page.get_by_text("Total $58.20")).to_be_visible()
    page.get_by_role("button", name="Make the sale").first.click()
    expect(page.get_by_text("Write who bought")).to_be_visible()
    page.get_by_role("region", name="Buyer").get_by_label("Name", exact=True).fill(f"Ada Lind {has_script}")
    page.get_by_label("Paid already").select_option("Paid")
    # Enter in a field makes the sale: it takes no line away.
    page.get_by_role("region", name="Buyer").get_by_label("Name", exact=True).press("Enter")
    expect(page.get_by_text("is made: paid.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sale")
    expect(page.get_by_text("Bookbinding lesson").first).to_be_visible()


@ALSO_WITHOUT_SCRIPT
def test_settings_are_changed_and_a_stale_form_is_told(
    desk: Desk, visit: Callable[..., Page], has_script: bool
) -> None:
    sale = desk.make.sale(GOODS)
    page, colleague = visit("owner", java_script_enabled=has_script), visit("site_admin")
    page.goto("/stores/papershop/settings")
    colleague.goto("/stores/papershop/settings")
    page.get_by_label("Time zone").fill("Europe/Lisbon" if has_script else "Europe/Madrid")
    page.get_by_label("Saturday").check()
    page.get_by_label("Carriers offered first").fill("Bike courier")
    page.get_by_role("button", name="Save the settings").last.click()
    expect(page.get_by_text("The settings are saved.")).to_be_visible()
    colleague.get_by_label("VAT id").fill("DE1")
    colleague.get_by_role("button", name="Save the settings").first.click()
    expect(colleague.get_by_role("alert")).to_contain_text("Time zone is now: Europe/")
    expect(colleague.get_by_label("VAT id")).to_have_value("DE1")
    page.goto(f"/stores/papershop/sales/{sale}/ship")
    assert page.locator("datalist option").first.get_attribute("value") == "Bike courier"
    page.goto("/stores/papershop/settings")
    page.get_by_label("Saturday").uncheck()
    page.get_by_label("Holidays").fill("2026-12-25\nChristmas")
    page.get_by_role("button", name="Save the settings").last.click()
    expect(page.get_by_text("“Christmas” is not a day")).to_be_visible()
    expect(page.get_by_label("Holidays")).to_have_value("2026-12-25\nChristmas")
    page.get_by_label("Holidays").fill("2026-12-25")
    page.get_by_label("Carriers offered first").fill("")
    page.get_by_role("button", name="Save the settings").last.click()
    expect(page.get_by_text("The settings are saved.")).to_be_visible()
