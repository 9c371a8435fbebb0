"""A seller ships, in a real browser: with script and without, by mouse and by keyboard."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from app.errors import Unavailable
from tests.browser.conftest import ALSO_WITHOUT_SCRIPT, IN_BOTH_WAYS, Desk
from tests.factories import GOODS, PICKUP, SERVICE, LineSaid
from tests.web.test_outages import gone

UPS = "1Z5R89390357567127"
PEN = LineSaid("Fountain pen, green", 2, 3100, sku="FP-2")


def test_a_row_is_shipped_in_place_and_the_next_one_after_it(desk: Desk, visit: Callable[..., Page]) -> None:
    first, second = desk.make.sale(GOODS, PEN), desk.make.sale(PEN)
    page = visit("owner")
    page.goto("/stores/papershop/sales?tab=to_ship")
    row = page.locator(f"#sale-{first}")
    row.get_by_role("link", name="Ship").click()
    number = row.locator("[name=tracking_number]")
    expect(number).to_be_visible()
    expect(page.locator(".htmx-added")).to_have_count(0)  # before that, htmx does not hear what is typed
    number.fill(UPS)
    expect(row.get_by_text("UPS, check digit right")).to_be_visible(timeout=20_000)
    row.get_by_role("button", name="Ship 7 pieces").click()
    expect(row.locator(".badge-state", has_text="Shipped")).to_be_visible()
    expect(page.locator("#said")).to_contain_text("7 pieces shipped with UPS")
    assert page.url.endswith("?tab=to_ship")
    next_row = page.locator(f"#sale-{second}")
    next_row.get_by_role("link", name="Ship").click()
    next_row.get_by_label("No number").check()
    next_row.get_by_role("button", name="Ship 2 pieces").click()
    expect(next_row.locator(".badge-state", has_text="Shipped")).to_be_visible()
    assert {i.status for i in desk.make.sale_row(first).items + desk.make.sale_row(second).items} == {3}


@IN_BOTH_WAYS
def test_a_part_is_shipped_from_the_page_of_the_sale(
    desk: Desk, visit: Callable[..., Page], has_script: bool
) -> None:
    sale = desk.make.sale(GOODS)
    page = visit("staff", java_script_enabled=has_script)
    page.goto(f"/stores/papershop/sales/{sale}")
    page.get_by_label("pieces to ship now").fill("2")
    page.get_by_label("Carrier").first.fill("DHL")
    page.get_by_label("Tracking number").first.fill("00340434161094")
    page.locator("#ship-form .btn-main").click()
    expect(page.get_by_text("2 pieces shipped with DHL")).to_be_visible()
    expect(page.get_by_text("Part shipped 2 of 5")).to_be_visible()
    expect(page.get_by_role("heading", name="Parcel 1")).to_be_visible()
    expect(page.get_by_label("pieces to ship now")).to_have_value("3")


def test_without_script_the_list_leads_to_the_form_and_back(desk: Desk, visit: Callable[..., Page]) -> None:
    sale = desk.make.sale(PEN)
    page = visit("owner", java_script_enabled=False)
    page.goto("/stores/papershop/sales?tab=to_ship")
    page.locator(f"#sale-{sale}").get_by_role("link", name="Ship").click()
    page.locator("#ship-form .btn-main").click()
    expect(page.get_by_text("Type the number, or tick “No number”.")).to_be_visible()
    page.get_by_label("No number").check()
    page.locator("#ship-form .btn-main").click()
    expect(page.get_by_text("2 pieces shipped, no number.")).to_be_visible()
    assert page.url.endswith("/sales?tab=to_ship")
    assert page.locator(f"#sale-{sale}").count() == 0


@IN_BOTH_WAYS
def test_what_was_typed_stays_when_the_desk_cannot_write(
    desk: Desk, visit: Callable[..., Page], has_script: bool
) -> None:
    sale = desk.make.sale(PEN)
    page = visit("owner", java_script_enabled=has_script)
    page.goto("/stores/papershop/sales?tab=to_ship")
    page.locator(f"#sale-{sale}").get_by_role("link", name="Ship").click()
    page.locator("[name=tracking_number]").fill(UPS)
    with gone(desk.make.app):
        page.locator("#ship-form .btn-main" if not has_script else f"#sale-{sale} form button").click()
        expect(page.get_by_text(Unavailable.sentence)).to_be_visible()
    if has_script:
        expect(page.locator("[name=tracking_number]")).to_have_value(UPS)
        page.locator(f"#sale-{sale} form button").click()
    else:
        page.get_by_role("button", name="Send it again").click()
    expect(page.locator("#said")).to_contain_text(f"2 pieces shipped with UPS, number {UPS}")


def test_what_was_typed_stays_when_something_is_wrong(desk: Desk, visit: Callable[..., Page]) -> None:
    sale = desk.make.sale(PEN)
    page = visit("owner")
    page.goto("/stores/papershop/sales?tab=to_ship")
    row = page.locator(f"#sale-{sale}")
    row.get_by_role("link", name="Ship").click()
    # What is typed goes where the focus is: the form takes it as it opens, and must not take it from the 9.
    expect(row.locator("[name=tracking_number]")).to_be_focused()
    row.get_by_label("pieces to ship now").fill("9")
    row.locator("[name=tracking_number]").fill("x" * 65)
    row.locator("button").click()
    expect(row.get_by_text("Only 2 left to ship.")).to_be_visible()
    expect(row.get_by_text("At most 64 characters fit here; these are 65.")).to_be_visible()
    expect(row.get_by_label("pieces to ship now")).to_have_value("9")
    expect(row.get_by_label("pieces to ship now")).to_be_focused()
    assert desk.make.sale_row(sale).items[0].shipped == 0


def test_whoever_comes_second_hears_who_did_what_and_loses_nothing(
    desk: Desk, visit: Callable[..., Page]
) -> None:
    sale = desk.make.sale(GOODS)
    page = visit("owner")
    page.goto(f"/stores/papershop/sales/{sale}/ship")
    page.get_by_label("Tracking number").fill("MINE-1")
    colleague = visit("staff")
    colleague.goto(f"/stores/papershop/sales/{sale}/ship")
    colleague.get_by_label("pieces to ship now").fill("2")
    colleague.get_by_label("No number").check()
    colleague.locator("#ship-form .btn-main").click()
    expect(colleague.get_by_text("2 pieces shipped")).to_be_visible()
    page.locator("#ship-form .btn-main").click()
    expect(page.get_by_role("alert")).to_contain_text("Staff shipped 2 pieces")
    expect(page.get_by_label("Tracking number")).to_have_value("MINE-1")
    assert desk.make.sale_row(sale).items[0].shipped == 2


def test_ten_sales_are_shipped_with_the_keyboard_alone(desk: Desk, visit: Callable[..., Page]) -> None:
    sales = [desk.make.sale(PEN, store="othershop") for _ in range(10)]
    page = visit("owner2")
    page.goto("/stores/othershop/sales?tab=to_ship")
    for n, sale in enumerate(reversed(sales)):
        page.keyboard.press("j")
        page.keyboard.press("s")
        number = page.locator(f"#sale-{sale} [name=tracking_number]")
        expect(number).to_be_focused()
        number.press_sequentially(f"PAPER{n:04}")
        number.press("Enter")
        expect(page.locator(f"#sale-{sale} .badge-state", has_text="Shipped")).to_be_visible()
    assert {desk.make.sale_row(sale).desk_state for sale in sales} == {"shipped"}


@IN_BOTH_WAYS
def test_a_pickup_is_handed_over_and_a_service_is_done(
    desk: Desk, visit: Callable[..., Page], has_script: bool
) -> None:
    sale = desk.make.sale(PICKUP, SERVICE)
    page = visit("owner", java_script_enabled=has_script)
    page.goto(f"/stores/papershop/sales/{sale}")
    page.get_by_role("button", name="Hand over").click()
    expect(page.get_by_text("Handed over").first).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.locator("#sale .head").get_by_text("Complete")).to_be_visible()
    assert [i.status for i in desk.make.sale_row(sale).items] == [9, 4]


@ALSO_WITHOUT_SCRIPT
def test_an_unpaid_sale_is_marked_as_paid(desk: Desk, visit: Callable[..., Page], has_script: bool) -> None:
    sale = desk.make.sale(GOODS, paid=None)
    page = visit("owner", java_script_enabled=has_script)
    page.goto(f"/stores/papershop/sales/{sale}")
    page.get_by_label("Paid how").select_option("Paid (PayPal)")
    page.get_by_role("button", name="Mark paid").click()
    expect(page.get_by_text("is marked as paid")).to_be_visible()
    assert desk.make.sale_row(sale).payment == 2


@ALSO_WITHOUT_SCRIPT
def test_a_number_is_corrected(desk: Desk, visit: Callable[..., Page], has_script: bool) -> None:
    sale = desk.make.sale(PEN)
    desk.make.ship(sale, {desk.make.items_of(sale)[0]: 2}, "DHL", "WRONG")
    page = visit("staff", java_script_enabled=has_script)
    page.goto(f"/stores/papershop/sales/{sale}")
    page.get_by_text("Correct the number").click()
    page.locator("details.correct [name=tracking_number]").fill("RIGHT")
    page.get_by_role("button", name="Correct").click()
    expect(page.get_by_text("WRONG → RIGHT")).to_be_visible()
