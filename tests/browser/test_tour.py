"""The whole tour, as a person takes it after `make run`: with script and without."""

import csv
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import ALSO_WITHOUT_SCRIPT, IN_BOTH_WAYS, Desk
from tests.factories import DEAL, GOODS

COLUMNS = (
    "Sale Date,Item Name,Buyer,Quantity,Price,Coupon Code,Coupon Details,Discount Amount,Shipping Discount,"
    "Order Shipping,Order Sales Tax,Item Total,Currency,Transaction ID,Listing ID,Date Paid,Date Shipped,"
    "Ship Name,Ship Address1,Ship Address2,Ship City,Ship State,Ship Zipcode,Ship Country,Order ID,"
    "Variations,Order Type,Listings Type,Payment Type,InPerson Discount,InPerson Location,"
    "VAT Paid by Buyer,SKU"
)


def etsy_file(folder: Path, mark: str) -> Path:
    """Write an export of three orders with invented people; the second waits to be shipped."""
    path = folder / "EtsySoldOrderItems2026.csv"
    with path.open("w", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS.split(","), restval="")
        rows.writeheader()
        for n in (1, 2, 3):
            rows.writerow(
                {
                    "Sale Date": f"11/0{n}/26",
                    "Item Name": "Washi tape, gold dots",
                    "Buyer": f"Ada Lind{mark} (ada{mark}{n})",
                    "Quantity": n,
                    "Price": "3.00",
                    "Discount Amount": "0.00",
                    "Shipping Discount": "0.00",
                    "Order Shipping": "1.5",
                    "Order Sales Tax": "0",
                    "Item Total": f"{3 * n}.0",
                    "Currency": "USD",
                    "Transaction ID": f"77{mark}{n}",
                    "Listing ID": f"88{n}",
                    "Date Paid": f"11/0{n}/2026",
                    "Date Shipped": "" if n == 2 else "11/09/2026",
                    "Ship Name": f"Ada Lind{mark}",
                    "Ship Address1": "1 Mill Lane",
                    "Ship City": "Ely",
                    "Ship Zipcode": "CB7 4AA",
                    "Ship Country": "United Kingdom",
                    "Order ID": f"99{mark}{n}",
                    "SKU": f"WT-{n}",
                }
            )
    return path


@IN_BOTH_WAYS
def test_a_seller_brings_in_an_export_finds_a_sale_and_ships_it(
    desk: Desk, visit: Callable[..., Page], tmp_path: Path, has_script: bool
) -> None:
    mark = "1" if has_script else "2"
    page = visit("owner", java_script_enabled=has_script)
    page.goto("/stores/papershop/sales")
    page.get_by_role("link", name="Import").last.click()
    page.set_input_files("input[type=file]", etsy_file(tmp_path, mark))
    page.locator("main form button").first.click()
    page.get_by_role("button", name="Bring in 3 orders").click()
    expect(page.locator("#said")).to_contain_text("3 orders, 3 items: 3 new")
    page.fill("#search", f"Lind{mark}")
    page.press("#search", "Enter")
    expect(page.locator("tbody[data-row]")).to_have_count(3)
    page.get_by_role("link", name="To ship").click()
    page.fill("#search", f"99{mark}2")
    page.press("#search", "Enter")
    expect(page.locator("tbody[data-row]")).to_have_count(1)
    page.locator("tbody[data-row] a.no").click()
    page.get_by_label("Tracking number").first.fill("RB123456785GB")
    page.locator("#ship-form .btn-main").click()
    expect(page.get_by_text("2 pieces shipped with Royal Mail")).to_be_visible()
    page.goto("/stores/papershop/import")
    page.set_input_files("input[type=file]", etsy_file(tmp_path, mark))
    page.locator("main form button").first.click()
    expect(page.get_by_text("3 orders, 3 items: 3 same").first).to_be_visible()


@ALSO_WITHOUT_SCRIPT
def test_a_vendor_redeems_a_deal(desk: Desk, visit: Callable[..., Page], has_script: bool) -> None:
    sale = desk.make.sale(DEAL, GOODS, store="vendorshop")
    deal = desk.make.items_of(sale)[0]
    page = visit("vendor", java_script_enabled=has_script)
    page.goto("/stores/vendorshop/items")
    row = page.locator(f"#item-{deal}")
    row.get_by_label("Redeemed by").fill("Zoë at the bar")
    row.get_by_role("button", name="Redeem").click()
    expect(page.locator(f"#item-{deal}").get_by_text("Redeemed")).to_be_visible()
    kept = desk.make.item_row(deal)
    assert (kept.status, kept.ack) == (4, "Zoë at the bar")
    assert page.locator(f"#item-{deal + 1}").count() == 0


@IN_BOTH_WAYS
def test_a_buyer_follows_a_purchase(desk: Desk, visit: Callable[..., Page], has_script: bool) -> None:
    account = "buyer" if has_script else "other_buyer"
    sale = desk.make.sale(GOODS, account=account)
    desk.make.ship(sale, {desk.make.items_of(sale)[0]: 2}, "UPS", "1Z5R89390357567127")
    page = visit(account, java_script_enabled=has_script)
    page.goto("/")
    expect(page.get_by_role("heading", name="Purchases")).to_be_visible()
    page.locator("a.no").first.click()
    expect(page.get_by_role("heading", name="Parcel 1")).to_be_visible()
    expect(page.get_by_role("link", name="1Z5R89390357567127")).to_be_visible()


def test_a_site_admin_sees_the_stores_and_acts_as_an_admin(desk: Desk, visit: Callable[..., Page]) -> None:
    sale = desk.make.sale(GOODS, store="othershop")
    page = visit("site_admin")
    page.goto("/")
    expect(page.get_by_role("heading", name="Stores")).to_be_visible()
    page.get_by_role("link", name="Other Shop").click()
    page.locator(f"#sale-{sale} a.no").click()
    page.get_by_label("No number").check()
    page.locator("#ship-form .btn-main").click()
    expect(page.get_by_text("Site admin, as site admin")).to_be_visible()


def test_after_signing_out_nothing_is_shown_any_more(desk: Desk, visit: Callable[..., Page]) -> None:
    page = visit("owner2")
    page.goto("/stores/othershop/sales")
    page.locator("details.account summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(lambda url: "/login" in url)
    page.go_back()
    page.wait_for_load_state()
    assert page.locator("tbody[data-row]").count() == 0
