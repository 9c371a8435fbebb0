"""A buyer says their words, in a real browser, with script and without, and the seller reads them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.actions.purchases import BuyerSaid
from tests.browser.conftest import ALSO_WITHOUT_SCRIPT, IN_BOTH_WAYS, Desk
from tests.browser.eyes import faults_of
from tests.factories import AUCTION, DIGITAL, GOODS, LineSaid

ONE = BuyerSaid("Maja Kowalczyk", ref="one")


@pytest.fixture
def bought(desk: Desk) -> Callable[..., int]:
    """Return what makes a purchase of the buyer's."""

    def made(*lines: LineSaid, **sale: object) -> int:
        return desk.make.sale(*lines, buyer=ONE, account="buyer", **sale)

    return made


@IN_BOTH_WAYS
def test_the_word_on_the_payment_is_said_seen_and_taken_back(
    visit: Callable[..., Page], bought: Callable[..., int], has_script: bool
) -> None:
    order_id = bought(GOODS, paid=None)
    page = visit("buyer", java_script_enabled=has_script)
    page.goto(f"/purchases/{order_id}")
    page.get_by_role("button", name="I have paid").click()
    expect(page.locator("#said")).to_contain_text("The store reads that it is paid.")
    expect(page.locator(".head")).to_contain_text("You said: paid")
    seller = visit("owner", java_script_enabled=has_script)
    seller.goto(f"/stores/papershop/sales/{order_id}")
    expect(seller.locator("#buyer-said")).to_have_text("The buyer says it is paid")
    page.get_by_role("button", name="Take my word back").click()
    expect(page.locator(".head")).to_contain_text("Unpaid")
    seller.reload()
    expect(seller.locator("#buyer-said")).to_have_count(0)


@ALSO_WITHOUT_SCRIPT
def test_one_line_is_received_the_other_is_wrong_and_the_store_answers(
    desk: Desk, visit: Callable[..., Page], bought: Callable[..., int], has_script: bool
) -> None:
    order_id = bought(GOODS, AUCTION)
    cards, album = desk.make.items_of(order_id)
    desk.make.ship(order_id, {cards: 5, album: 1}, "UPS", "1Z5R89390357567127")
    page = visit("buyer", java_script_enabled=has_script)
    page.goto("/purchases?tab=on_the_way")
    page.locator(f"#purchase-{order_id} a.no").click()
    page.get_by_role("button", name="Received Letterpress card").click()
    expect(page.locator("#said")).to_contain_text("Noted: you have it.")
    expect(page.locator(f"#line-{cards}")).to_contain_text("Complete")
    page.get_by_text("Something is wrong").click()
    page.get_by_role("checkbox", name="Stamp album").check()
    page.get_by_role("button", name="Tell the store").click()
    expect(page.get_by_text("Write what is wrong.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Stamp album")).to_be_checked()
    page.get_by_label("What is wrong").fill("Two stamps are missing.")
    page.get_by_role("button", name="Tell the store").click()
    expect(page.locator(f"#line-{album}")).to_contain_text("In dispute")
    seller = visit("owner", java_script_enabled=has_script)
    seller.goto(f"/stores/papershop/sales/{order_id}")
    expect(seller.locator("#buyer-said")).to_have_text("The buyer says something is wrong")
    expect(seller.get_by_text("Two stamps are missing.")).to_be_visible()
    seller.get_by_label("What you tell the buyer").fill("They follow tomorrow.")
    seller.get_by_role("button", name="It is answered").click()
    expect(seller.locator("#buyer-said")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("They follow tomorrow.")).to_be_visible()
    page.get_by_role("button", name="I have it").click()
    expect(page.locator(f"#line-{album}")).to_contain_text("Complete")
    seller.reload()
    expect(seller.locator("#buyer-said")).to_have_text("The buyer has it")


@ALSO_WITHOUT_SCRIPT
def test_feedback_goes_both_ways(
    desk: Desk, visit: Callable[..., Page], bought: Callable[..., int], has_script: bool
) -> None:
    order_id = bought(DIGITAL)
    page = visit("buyer", java_script_enabled=has_script)
    page.goto(f"/purchases/{order_id}")
    page.get_by_text("Leave feedback").click()
    page.get_by_label("In a few words").fill("Clear drawings")
    page.get_by_role("button", name="Send the feedback").click()
    expect(page.get_by_text("Choose 1 to 5.")).to_be_visible()
    expect(page.get_by_label("In a few words")).to_have_value("Clear drawings")
    page.get_by_label("4, positive").check()
    page.get_by_role("button", name="Send the feedback").click()
    expect(page.locator("#items")).to_contain_text("Positive, 4 of 5: “Clear drawings”")
    seller = visit("owner", java_script_enabled=has_script)
    seller.goto(f"/stores/papershop/sales/{order_id}")
    expect(seller.locator("#feedback")).to_contain_text("Positive, 4 of 5: “Clear drawings”")
    seller.get_by_text("Say how the buyer was").click()
    seller.get_by_label("5, positive").check()
    seller.get_by_role("button", name="Send the feedback").click()
    expect(seller.locator("#feedback")).to_contain_text("You: ★★★★★ Positive, 5 of 5")


def test_ones_own_are_searched_and_opened_with_the_keyboard(
    visit: Callable[..., Page], bought: Callable[..., int]
) -> None:
    order_id = bought(LineSaid("Marbled endpapers, a quire", 1, 900))
    page = visit("buyer")
    page.goto("/purchases")
    page.keyboard.press("/")
    page.keyboard.type("marbled")
    page.keyboard.press("Enter")
    page.wait_for_url("**/purchases?q=marbled")
    assert page.locator("tbody[data-row]").count() == 1
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/purchases/{order_id}")


def test_axe_finds_nothing_where_forms_are_open_and_wrong_and_nothing_scrolls_sideways(
    desk: Desk, visit: Callable[..., Page], bought: Callable[..., int]
) -> None:
    order_id = bought(GOODS, DIGITAL)
    desk.make.ship(order_id, {desk.make.items_of(order_id)[0]: 5})
    page, found = visit("buyer"), []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(f"/purchases/{order_id}")
        page.get_by_text("Something is wrong").click()
        page.get_by_role("button", name="Tell the store").click()
        page.get_by_text("Write what is wrong.").wait_for()
        page.get_by_text("Leave feedback").click()
        found += faults_of(page)
        page.set_viewport_size({"width": 320, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"/purchases/{order_id}/invoice")
        found += faults_of(page)
    assert found == []


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_an_invoice_prints_without_the_frame_and_cuts_no_line(
    visit: Callable[..., Page], bought: Callable[..., int], paper: str
) -> None:
    lines = (LineSaid(f"Card number {n}, with a name that takes some room", 2, 450) for n in range(60))
    order_id = bought(*lines)
    page = visit("buyer", java_script_enabled=False)
    page.goto(f"/purchases/{order_id}/invoice")
    page.emulate_media(media="print")
    for hidden in (".rail", ".top", ".crumbs"):
        expect(page.locator(hidden)).to_be_hidden()
    # A long table is on several pages, its head on each; neither a row nor the sums are cut.
    assert page.pdf(format=paper).count(b"/Type /Page\n") > 1
    kept = {"thead": "table-header-group", "tbody tr": "avoid", ".closing": "avoid", "header": "avoid"}
    style = "e => [getComputedStyle(e).display, getComputedStyle(e).breakInside]"
    told = {part: page.locator(f".invoice {part}").first.evaluate(style) for part in kept}
    assert [part for part, wanted in kept.items() if wanted not in told[part]] == []
