"""What htmx swaps is a part, and the page shows it by including the same file: it stands there verbatim.

CSRF tokens are left out of the comparison, and time stands still between the two answers.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from app.api import DIALECTS
from tests.house.conftest import HTMX, House

RESTORE = {**HTMX, "HX-History-Restore-Request": "true"}

# endpoint -> who asks, and addresses that answer with the page or, by htmx, with the part of it
BOTH: dict[str, tuple[str, tuple[str, ...]]] = {
    "imports.show": (
        "owner",
        (
            "/stores/papershop/import/{import}",
            "/stores/papershop/import/{import}?verdict=refused",
            "/stores/papershop/import/{import}?verdict=x",
            "/stores/papershop/import/999999",
        ),
    ),
    "items.index": (
        "owner",
        ("/stores/papershop/items", "/stores/papershop/items?status=2", "/stores/papershop/items?status=x"),
    ),
    "attention.index": (
        "owner",
        (
            "/stores/papershop/attention",
            "/stores/papershop/attention?kind=problem",
            "/stores/papershop/attention?kind=x",
        ),
    ),
    "parcels.index": (
        "owner",
        (
            "/stores/papershop/parcels",
            "/stores/papershop/parcels?tab=drafts&carrier=DHL",
            "/stores/papershop/parcels?day=x",
        ),
    ),
    "purchases.index": (
        "buyer",
        (
            "/purchases",
            "/purchases?after=x",
            "/purchases?tab=on_the_way&q=letterpress",
            "/purchases?tab=received",
            "/purchases?colour=red",
        ),
    ),
    "guest.show": ("guest", ("/guest/{guest link}",)),
    "purchases.show": ("buyer", ("/purchases/{sale}", "/purchases/{bought}", "/purchases/999999")),
    "sales.index": (
        "owner",
        (
            "/stores/papershop/sales",
            "/stores/papershop/sales?tab=to_ship&sort=oldest",
            "/stores/papershop/sales?q=nowhere",
            "/stores/papershop/sales?status=x",
            "/stores/nowhere/sales",
        ),
    ),
    "sales.show": (
        "owner",
        (
            "/stores/papershop/sales/{sale}",
            "/stores/papershop/sales/{sent}",
            "/stores/papershop/sales/{unpaid}?list=tab%3Dunpaid",
            "/stores/papershop/sales/{papershop's service sale}",
            "/stores/papershop/sales/999999",
        ),
    ),
}
# endpoint -> who asks, the part's address, the page it stands in, and what of it stands there
INSIDE = {
    "sales.row": ("owner", "/stores/papershop/sales/{sale}/row", "/stores/papershop/sales", r".*"),
    # an empty line: its address alone says what was seen
    "new_sale.show": (
        "owner",
        "/stores/papershop/sales/new?after=0.999999",
        "/stores/papershop/sales",
        r'hx-trigger="look".*</div>',
    ),
    "ship.show": (
        "owner",
        "/stores/papershop/sales/{sale}/ship?in=row",
        "/stores/papershop/sales/{sale}/ship?in=row",
        r"<form .*</form>",
    ),
}
# No page has these before somebody types, or at all.
NOT_IN_A_PAGE = {"ship.number"}
# Lines of plain text, for programs that watch over the desk; the document of the APIs; and files.
NO_PAGE = {"health.alive", "health.ready", "openapi.whole", "logbook.export", "site_log.export"}
# These answer htmx with the whole page, or send it elsewhere.
ALWAYS_WHOLE = {
    "account.home",
    "account.index",
    "email_change.confirm",
    "email_change.show",
    "passwords.forgot",
    "passwords.reset",
    "passwords.show",
    "second_factor.show",
    "second_step.show",
    "signins.index",
    "guest.bill",
    "guest.enter",
    "imports.index",
    "new_sale.show",
    "openapi.page",
    "handoff.ask",
    "order_links.by_path",
    "order_links.by_query",
    "settings.show",
    "webhooks.index",
    "connections.index",
    "invoices.of_purchase",
    "invoices.of_sale",
    "security.login",
    "invitations.show",
    "logbook.index",
    "persons.index",
    "site.index",
    "site_log.index",
    "site_people.index",
    "staff.ask_to_leave",
    "staff.index",
    "staff.show",
    "store_tokens.index",
    "tokens.index",
}
WAYS = [(endpoint, who, address) for endpoint, (who, addresses) in BOTH.items() for address in addresses]


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    """Let no minute pass between a page and its part."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


def plain(text: str) -> str:
    """Return an answer without its CSRF tokens."""
    return re.sub(r'(name="csrf_token" value=")[^"]*', r"\1", text).strip()


def is_whole(text: str) -> bool:
    """Tell whether an answer is a whole page."""
    return text.lstrip().lower().startswith("<!doctype html>")


def test_every_route_that_shows_something_is_compared_here(house: House) -> None:
    dialects = {dialect.name for dialect, _ in DIALECTS}
    shown = {
        rule.endpoint
        for rule in house.app.url_map.iter_rules()
        if "GET" in (rule.methods or set()) and rule.endpoint.split(".")[0] not in dialects
    } - {"static", "security.static"}
    assert shown == {*BOTH, *INSIDE, *NOT_IN_A_PAGE, *NO_PAGE, *ALWAYS_WHOLE}


@pytest.mark.parametrize(("endpoint", "who", "address"), WAYS, ids=[w[2] for w in WAYS])
def test_a_part_stands_verbatim_in_its_page(house: House, endpoint: str, who: str, address: str) -> None:
    browser = house.browser(who)
    whole = browser.get(house.path(address))
    part = browser.get(house.path(address), headers=HTMX)
    assert (is_whole(whole.text), is_whole(part.text)) == (True, False)
    assert whole.status_code == part.status_code
    assert plain(part.text)
    assert plain(whole.text).count(plain(part.text)) == 1
    assert "HX-Request" in part.headers["Vary"]
    assert "HX-Request" in whole.headers["Vary"]


@pytest.mark.parametrize("endpoint", INSIDE)
def test_a_part_of_another_address_stands_verbatim_where_it_goes(house: House, endpoint: str) -> None:
    who, address, page, which = INSIDE[endpoint]
    browser = house.browser(who)
    part = browser.get(house.path(address), headers=HTMX)
    inside = re.search(which, plain(part.text), re.DOTALL)
    assert not is_whole(part.text)
    assert inside
    assert plain(browser.get(house.path(page)).text).count(inside[0]) == 1
    assert "HX-Request" in part.headers["Vary"]


@pytest.mark.parametrize(("endpoint", "who", "address"), WAYS, ids=[w[2] for w in WAYS])
def test_when_the_browser_goes_back_it_gets_the_whole_page(
    house: House, endpoint: str, who: str, address: str
) -> None:
    browser = house.browser(who)
    restored = browser.get(house.path(address), headers=RESTORE)
    assert is_whole(restored.text)
    assert restored.status_code == browser.get(house.path(address)).status_code


@pytest.mark.parametrize(
    ("who", "address"),
    [
        ("site_admin", "/site"),
        ("owner", "/account/tokens"),
        ("owner", "/account"),
        ("half_way", "/login/code"),
        ("signed_out", "/login"),
        ("owner", "/stores/papershop/import"),
        ("owner", "/stores/papershop/sales/new"),
        ("owner", "/stores/papershop/settings"),
    ],
)
def test_a_page_without_parts_answers_htmx_with_the_whole(house: House, who: str, address: str) -> None:
    answer = house.browser(who).get(address, headers=HTMX)
    assert answer.status_code == 200
    assert is_whole(answer.text)


def test_htmx_is_sent_to_the_sign_in_page_not_given_it(house: House) -> None:
    answer = house.browser("signed_out").get("/stores/papershop/sales", headers=HTMX)
    assert (answer.status_code, answer.text) == (204, "")
    assert answer.headers["HX-Redirect"].startswith("/login")
