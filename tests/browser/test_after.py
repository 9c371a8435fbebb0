"""What comes after the sale, walked through by seller and buyer in a real browser: script on and off."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Locator, Page, expect

from app.actions.purchases import BuyerSaid
from tests.browser.conftest import ALSO_WITHOUT_SCRIPT, IN_BOTH_WAYS, Desk
from tests.factories import DIGITAL, GOODS, LineSaid

ONE = BuyerSaid("Maja Kowalczyk", ref="one")
PEN = LineSaid("Fountain pen, green", 2, 3100)


def unfold(page: Page, title: str) -> Locator:
    """Open one of the forms under "Something changed?" and return it, once htmx listens to it."""
    expect(page.locator(".htmx-added")).to_have_count(0)
    fold = page.locator("#after details").filter(has=page.locator("summary", has_text=title))
    fold.locator("summary").click()
    return fold


@IN_BOTH_WAYS
def test_a_sale_goes_in_two_parcels_one_comes_back_and_the_rest_is_cancelled_and_refunded(
    desk: Desk, visit: Callable[..., Page], has_script: bool
) -> None:
    # Not long ago: what is cancelled later than the store's window is refused.
    sale = desk.make.sale(GOODS, PEN, placed_at=datetime.now(UTC) - timedelta(days=1))
    page = visit("owner", java_script_enabled=has_script)
    page.goto(f"/stores/papershop/sales/{sale}")
    said = page.locator("#said")
    fold = unfold(page, "Correct the address")
    fold.get_by_label("Street").fill("")
    fold.get_by_label("Country").fill("Utopia")
    fold.get_by_role("button").click()
    expect(fold.locator("[aria-invalid=true]")).to_be_visible()
    expect(page.locator(".htmx-added")).to_have_count(0)  # what is typed before it has settled is lost
    fold.get_by_label("Street").fill("ul. Krótka 7")
    fold.get_by_label("Country").fill("PL")
    fold.get_by_role("button").click()
    expect(said).to_contain_text("the address is corrected")
    expect(page.locator("#address")).to_contain_text("ul. Krótka 7")
    for n, number in enumerate(("FIRST-1", "SECOND-2"), 1):
        expect(page.locator(".htmx-added")).to_have_count(0)
        pieces = page.get_by_label("pieces to ship now")
        pieces.nth(0).fill(str(n))
        pieces.nth(1).fill("0" if n == 1 else "1")
        page.locator("#ship-form [name=tracking_number]").fill(number)
        page.locator("#ship-form .btn-main").click()
        expect(page.get_by_role("heading", name=f"Parcel {n}")).to_be_visible()
    said.get_by_role("button", name="Undo").click()
    expect(said).to_contain_text("the parcel is taken back")
    assert [i.shipped for i in desk.make.sale_row(sale).items] == [1, 0]
    fold = unfold(page, "Cancel pieces")
    fold.get_by_label("Fountain pen, green: pieces").fill("3")
    fold.get_by_role("button").click()
    expect(fold.get_by_text("Choose why.")).to_be_visible()
    expect(fold.get_by_label("Fountain pen, green: pieces")).to_have_value("3")
    fold.get_by_label("Fountain pen, green: pieces").fill("2")
    fold.get_by_label("Why").select_option(index=1)
    fold.get_by_role("button").click()
    expect(said).to_contain_text("cancelled what you named")
    fold = unfold(page, "Give money back")
    fold.get_by_label("Amount").fill("62.00")
    fold.get_by_label("Why").select_option(index=1)
    fold.get_by_role("button").click()
    expect(said).to_contain_text("$62.00 went back")
    fold = unfold(page, "Pieces came back")
    fold.get_by_label("Letterpress card, thank you: pieces").fill("1")
    fold.get_by_role("button").click()
    expect(said).to_contain_text("noted what came back")
    cards, pen = desk.make.sale_row(sale).items
    assert (cards.shipped, cards.returned, pen.cancelled) == (1, 1, 2)


@ALSO_WITHOUT_SCRIPT
def test_a_note_is_private_and_one_for_the_buyer_is_asked_about_again(
    desk: Desk, visit: Callable[..., Page], has_script: bool
) -> None:
    sale = desk.make.sale(GOODS, buyer=ONE, account="buyer")
    page = visit("owner", java_script_enabled=has_script)
    page.goto(f"/stores/papershop/sales/{sale}")
    write = page.locator("#write-note")
    write.locator("summary").click()
    write.get_by_label("Note").fill("Asked twice already.")
    write.get_by_role("button").click()
    expect(page.locator("#said")).to_contain_text("the store alone reads it")
    expect(page.locator(".htmx-added")).to_have_count(0)
    write.locator("summary").click()
    write.get_by_label("Note").fill("It leaves tomorrow.")
    write.get_by_label("The buyer reads this").check()
    write.get_by_role("button").click()
    expect(write.get_by_text("tick once more, and send it")).to_be_visible()
    expect(write.get_by_label("Note")).to_have_value("It leaves tomorrow.")
    write.get_by_label("Yes, the buyer is to read this").check()
    write.get_by_role("button", name="Write to the buyer").click()
    expect(page.locator("#said")).to_contain_text("the buyer reads it")
    theirs = visit("buyer", java_script_enabled=has_script)
    theirs.goto(f"/purchases/{sale}")
    expect(theirs.get_by_text("It leaves tomorrow.")).to_be_visible()
    expect(theirs.get_by_text("Asked twice already.")).to_have_count(0)


@ALSO_WITHOUT_SCRIPT
def test_a_buyer_downloads_a_file_and_opens_the_invoice(
    desk: Desk, visit: Callable[..., Page], has_script: bool
) -> None:
    sale = desk.make.sale(DIGITAL, buyer=ONE, account="buyer")
    page = visit("buyer", java_script_enabled=has_script)
    page.goto(f"/purchases/{sale}")
    page.get_by_role("button", name="Download").click()
    expect(page.locator("#said")).to_contain_text("Your download is counted.")
    page.get_by_role("link", name="Invoice").click()
    expect(page.get_by_role("heading", name=f"Invoice {desk.make.sale_row(sale).number}")).to_be_visible()
    expect(page.locator(".invoice")).to_contain_text("$7.00")


def test_a_list_says_what_came_in_while_it_is_looked_at_and_moves_no_row(
    desk: Desk, visit: Callable[..., Page]
) -> None:
    desk.make.sale(GOODS, store="othershop")
    page = visit("owner2")
    page.goto("/stores/othershop/sales")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/sales/new" in request.url else None)
    rows = page.locator("tbody[data-row]")
    before = rows.count()
    new = desk.make.sale(GOODS, store="othershop")
    turn = "is => { Object.defineProperty(document, 'visibilityState', { value: is, configurable: true });"
    turn += " document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(turn, "hidden")
    assert asked == []
    page.evaluate(turn, "visible")
    expect(page.locator("#fresh")).to_have_text("1 new sale Show it")
    expect(rows).to_have_count(before)
    page.get_by_role("link", name="Show it").click()
    expect(page.locator(f"#sale-{new}")).to_be_visible()
    expect(page.locator("#fresh")).to_be_empty()
