"""What came in since the list of sales was drawn: the list asks, and says it in one line."""

import html
import re
from collections.abc import Callable

import pytest

from tests.factories import DEAL, GOODS, Factory
from tests.web.pages import Browser, listed, words

pytestmark = pytest.mark.both

Browse = Callable[[str], Browser]
SALES = "/stores/papershop/sales"


def asks(page: str) -> str:
    """Return the address that a page or a part asks at."""
    found = re.search(r'id="fresh" hx-get="([^"]*)"', page)
    assert found, page
    return html.unescape(found[1])


def test_nothing_is_said_while_nothing_changes(make: Factory, browse: Browse) -> None:
    make.sale()
    owner = browse("owner")
    answer = owner.get(asks(owner.get(SALES).text), part=True)
    assert (answer.status_code, answer.text) == (204, "")


def test_new_sales_are_counted_from_when_the_list_was_drawn(make: Factory, browse: Browse) -> None:
    make.sale()
    owner = browse("owner")
    page = owner.get(f"{SALES}?tab=closed").text
    make.sale(store="othershop")
    first = make.sale()
    said = owner.get(asks(page), part=True).text
    assert words(said) == "1 new sale Show it"
    # The line asks on, still from where the list was drawn.
    assert owner.get(asks(said), part=True).status_code == 204
    second = make.sale()
    assert words(owner.get(asks(said), part=True).text) == "2 new sales Show them"
    assert f'href="{SALES}"' in said
    anew = owner.get(SALES).text
    assert listed(anew)[:2] == [second, first]
    assert owner.get(asks(anew), part=True).status_code == 204


def test_what_changed_without_a_new_sale_shows_nothing_and_is_not_asked_about_again(
    make: Factory, browse: Browse
) -> None:
    sale = make.sale()
    owner = browse("owner")
    page = owner.get(SALES).text
    make.ship(sale, {make.items_of(sale)[0]: 1})
    said = owner.get(asks(page), part=True)
    assert (said.status_code, words(said.text)) == (200, "")
    assert owner.get(asks(said.text), part=True).status_code == 204


def test_a_vendor_hears_of_sales_with_a_deal_alone(make: Factory, browse: Browse) -> None:
    vendor = browse("vendor")
    page = vendor.get("/stores/vendorshop/sales").text
    make.sale(GOODS, store="vendorshop")
    assert words(vendor.get(asks(page), part=True).text) == ""
    make.sale(DEAL, GOODS, store="vendorshop")
    assert words(vendor.get(asks(page), part=True).text) == "1 new sale Show it"


@pytest.mark.parametrize(
    "query", ["after=", "after=1", "after=x.1", "after=1.0", f"after=1.{2**63}", "after=1.1&tab=closed"]
)
def test_an_address_that_was_cut_says_so(browse: Browse, query: str) -> None:
    answer = browse("owner").get(f"{SALES}/new?{query}", part=True)
    assert answer.status_code == 422
    assert "new sale" not in words(answer.text)


def test_whoever_may_not_see_the_store_hears_nothing_of_it(browse: Browse) -> None:
    assert browse("owner2").get(f"{SALES}/new?after=0.1", part=True).status_code == 404
