"""Every page, as eyes, fingers and screen readers meet it: axe finds nothing, nothing scrolls sideways."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from app.actions.purchases import AddressSaid, BuyerSaid
from app.statuses import Payment
from tests.browser.conftest import Desk
from tests.browser.eyes import faults_of
from tests.factories import AUCTION, DEAL, GOODS, PICKUP, SERVICE, LineSaid
from tests.security.scale import WHOLE

LONG = LineSaid(
    "A fountain pen whose name goes on and on, " * 5, 3, 3100, sku="SKU-" + "9" * 40, options={"Ink": "green"}
)
LONG_BUYER = BuyerSaid("Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh the Third")
ARABIC = AddressSaid("كريم السيد", "شارع النيل ١٢", "", "القاهرة", "", "11511", "EG")

PAGES = [
    ("owner", "/stores/papershop/sales"),
    ("owner", "/stores/papershop/sales?tab=to_ship&sort=ship_by"),
    ("owner", "/stores/papershop/sales?q=nothing+like+this"),
    ("owner", "/stores/papershop/sales?status=99"),
    ("owner", "/stores/papershop/sales/{long}"),
    ("owner", "/stores/papershop/sales/{mixed}"),
    ("owner", "/stores/papershop/sales/{unpaid}"),
    ("owner", "/stores/papershop/sales/{long}/ship"),
    ("owner", "/stores/papershop/items"),
    ("vendor", "/stores/vendorshop/items"),
    ("vendor", "/stores/vendorshop/sales/{deal}"),
    ("owner", "/stores/papershop/import"),
    ("owner", "/stores/papershop/sales/new"),
    ("owner", "/stores/papershop/settings"),
    ("owner", "/stores/vendorshop/settings/webhooks"),
    ("owner", "/stores/vendorshop/settings/connections"),
    ("owner", "/stores/papershop/attention"),
    ("owner", "/stores/papershop/parcels"),
    ("owner", "/stores/papershop/parcels?day=x"),
    ("owner", "/stores/othershop/sales"),
    ("buyer", "/purchases"),
    ("buyer", "/purchases?q=nothing+like+this"),
    ("buyer", "/purchases/{mine}"),
    ("buyer", "/purchases/{mine}/invoice"),
    ("owner", "/stores/papershop/sales/{long}/invoice"),
    ("owner", "/account/tokens"),
    ("buyer", "/account/tokens"),
    ("site_admin", "/site"),
    ("site_admin", "/site/people"),
    ("site_admin", "/site/log"),
    ("site_admin", "/site/persons"),
    ("owner", "/account"),
    ("owner", "/stores/papershop/staff"),
    ("owner", "/stores/papershop/log"),
    ("owner", "/stores/papershop/settings/connections"),
    ("buyer", "/guest/{link}"),
]

# `make walls` looks at all of them, in the dark and at four widths. Otherwise in the dark only at those that
# between them have every kind of colour, and not at these, which differ from others in a sentence.
DARK = {
    "/stores/papershop/sales?tab=to_ship&sort=ship_by",
    "/stores/papershop/sales/{long}",
    "/stores/papershop/attention",
    "/stores/papershop/settings",
    "/stores/papershop/log",
    "/purchases/{mine}",
    "/account/tokens",
    "/site/people",
    "/guest/{link}",
}
SELDOM = {
    "/stores/papershop/sales?status=99",
    "/stores/papershop/parcels?day=x",
    "/stores/othershop/sales",
    "/purchases?q=nothing+like+this",
    "/stores/papershop/sales/{unpaid}",
    "/stores/papershop/settings/connections",
}
LOOKED_AT = [(who, path) for who, path in PAGES if WHOLE or path not in SELDOM]


@pytest.fixture(scope="module")
def sales(desk: Desk) -> dict[str, Any]:
    """Sales of all sorts: long names, other scripts, part shipped, unpaid, deals, a buyer's own."""
    make = desk.make
    found: dict[str, Any] = {
        "long": make.sale(LONG, GOODS, buyer=LONG_BUYER, address=ARABIC, gift_message="Happy birthday " * 9),
        "mixed": make.sale(GOODS, PICKUP, SERVICE, DEAL),
        "unpaid": make.sale(AUCTION, paid=None),
        "deal": make.sale(DEAL, store="vendorshop"),
        "mine": make.sale(GOODS, LONG, account="buyer", paid=Payment.ON_ARRIVAL),
    }
    make.webhook(2)
    make.connection(2)
    make.invitation("a.very.long.name.that.goes.on.and.on.and.on@example.com")
    found["link"] = make.link(found["long"])[1]
    for name in ("long", "mine"):
        make.ship(found[name], {make.items_of(found[name])[0]: 1}, "UPS", "1Z5R89390357567127")
    return found


@pytest.mark.parametrize("who", sorted({who for who, _ in LOOKED_AT}))
def test_axe_finds_nothing_on_any_page_and_none_scrolls_sideways(
    desk: Desk, visit: Callable[..., Page], sales: dict[str, Any], who: str
) -> None:
    # Colours change at once, not by and by: what is asked is the page as it stays.
    page, found = visit(who, color_scheme="light", reduced_motion="reduce"), []
    for path in (path for of, path in LOOKED_AT if of == who):
        page.goto(path.format(**sales))
        found += [(path, *fault) for fault in faults_of(page)]
        for width in (320, 390, 768, 1440) if WHOLE else (320, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append((path, "scrolls sideways", width))
        if WHOLE or path in DARK:
            # The dark is the same page in other colours: there only the contrast is asked anew.
            page.emulate_media(color_scheme="dark")
            found += [(path, *fault) for fault in faults_of(page, only="color-contrast")]
            page.emulate_media(color_scheme="light")
    assert found == []


def test_axe_finds_nothing_where_the_ship_form_is_open_and_wrong(
    desk: Desk, visit: Callable[..., Page], sales: dict[str, Any]
) -> None:
    page = visit("owner")
    page.goto("/stores/papershop/sales?tab=to_ship")
    row = page.locator(f"#sale-{sales['long']}")
    row.get_by_role("link", name="Ship").click()
    row.locator("form button").click()
    row.locator("[aria-invalid=true]").first.wait_for()
    assert faults_of(page) == []


def test_axe_finds_nothing_where_all_forms_of_a_sale_are_open(
    desk: Desk, visit: Callable[..., Page], sales: dict[str, Any]
) -> None:
    page, found = visit("owner"), []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"/stores/papershop/sales/{sales['long']}")
        page.get_by_text("Cancel pieces").click()
        page.get_by_role("button", name="Cancel these pieces").click()
        page.get_by_text("Choose why.").wait_for()
        page.evaluate("document.querySelectorAll('#sale details').forEach(fold => (fold.open = true))")
        found += faults_of(page)
        page.set_viewport_size({"width": 320, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert found == []


def test_the_theme_that_was_chosen_is_remembered_without_script(
    desk: Desk, visit: Callable[..., Page]
) -> None:
    page = visit("owner", java_script_enabled=False, color_scheme="light")
    page.goto("/stores/papershop/items")
    page.locator("details.account summary").click()
    page.get_by_role("button", name="Dark").click()
    assert page.url.endswith("/stores/papershop/items")
    assert page.locator("html").get_attribute("data-theme") == "dark"
