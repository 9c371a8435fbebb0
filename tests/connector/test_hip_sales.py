"""Hip's Sale as our form takes it: the seed's example key by key, the real file, and what may be strange."""

import json
import re
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.actions.pulled import SaleTold
from app.exchange.hip import NotASale, known_there, read_sale, sale_of
from app.forms.base import strict_json
from app.statuses import BuyerShipping, Payment, Shipping
from tests.connector.market import line, sale
from tests.exchange.conftest import REAL as ETSY

NOW = datetime(2026, 11, 28, tzinfo=UTC)
SEED = Path(__file__).parents[1] / "seeds" / "examples" / "003_find_all_stores_sales_paid.json"
REAL = ETSY.parent / "hipecommerce" / "find_all_stores_sales_paid.json.txt"


@pytest.fixture(autouse=True)
def _desk(desk_app: Flask) -> Any:
    with desk_app.app_context():
        yield


def read(told: Any, zone: str = "UTC", *, is_known: bool = False) -> SaleTold:
    """Read a sale as the connector gets it."""
    return read_sale(sale_of(strict_json(json.dumps(told).encode())), zone, NOW, is_known=is_known)


def refusal(told: Any) -> str:
    """Return why a sale is refused."""
    with pytest.raises(NotASale) as refused:
        read(told)
    return refused.value.sentence


def examples() -> list[Any]:
    """Return the seed's example, and the file as it was published where it is beside us."""
    found = [pytest.param(SEED.read_text(), id="seed")]
    missing = pytest.mark.skipif(not REAL.exists(), reason="the published file is not here")
    # Its comma too many is a slip of the page.
    text = re.sub(r",(\s*})", r"\1", REAL.read_text()) if REAL.exists() else ""
    return [*found, pytest.param(text, id="published", marks=missing)]


@pytest.mark.parametrize("text", examples())
def test_the_seeds_example_is_read_to_the_cent(text: str) -> None:
    (one,) = strict_json(text.encode())["results"]
    found = read_sale(sale_of(one), "America/New_York", NOW)
    purchase = found.telling.purchase
    assert (purchase.channel, purchase.external_id, purchase.currency) == ("hip", "12345678", "USD")
    assert purchase.placed_at == datetime(2017, 11, 17, 2, 1, 2, tzinfo=UTC)
    assert purchase.money == {
        "items_minor": 1550,
        "discount_minor": 0,
        "postage_minor": 200,
        "tax_minor": 0,
        "adjustment_minor": 0,
        "total_minor": 1750,
    }
    assert [(x.external_id, x.listing_id, x.sku, x.title, x.quantity, x.price) for x in purchase.lines] == [
        ("6353659", "16669896", "M162814", "Sample Listing #1", 1, 500),
        ("6353773", "16669923", "M190047", "Sample Listing #1", 1, 1050),
    ]
    buyer, address = purchase.buyer, purchase.address
    assert (buyer.ref, buyer.username, buyer.email) == ("11111", "BobTheBuyer", "bob@example.com")
    assert address is not None
    assert {address.given_name, address.family_name} == {"Bob", "Buyer"}
    assert (address.street, address.city, address.region) == ("123 Main Street", "Brooklyn", "New York")
    assert (address.postal_code, address.country) == ("11234", "US")
    assert purchase.postage_method == "First Class Mail"
    assert (found.payment, found.shipping) == (Payment.PAID_PAYPAL, Shipping.PROCESSING)
    assert (found.buyer_payment, found.buyer_shipping) == (Payment.PAID_PAYPAL, BuyerShipping.WAITING)
    assert (found.absorbed, found.link) == (("1059452",), "")
    assert (found.telling.paid_as, found.telling.paid_at) == (Payment.PAID_PAYPAL, purchase.placed_at)
    assert found.telling.sent_at == (None, None)


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-07-01 12:00:00", "UTC", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("2026-07-01 12:00:00", "America/New_York", datetime(2026, 7, 1, 16, tzinfo=UTC)),
        ("2026-11-01 01:30:00", "America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("2026-03-29 02:30:00", "Europe/Berlin", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-07-01T12:00:00Z", "America/New_York", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("2026-07-01T12:00:00.5+0200", "UTC", datetime(2026, 7, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-07-01", "Asia/Tokyo", datetime(2026, 6, 30, 15, tzinfo=UTC)),
    ],
)
def test_a_time_is_one_of_the_accounts_zone_unless_it_names_its_own(
    text: str, zone: str, instant: datetime
) -> None:
    assert read(sale(7, created_at=text), zone).telling.purchase.placed_at == instant


@pytest.mark.parametrize(
    ("told", "cents"),
    [(17.5, 1750), (17, 1700), ("17.50", 1750), ("17.500", 1750), (17.489999999999998, 1749), (1e1, 1000)],
)
def test_an_amount_is_read_to_the_cent(told: object, cents: int) -> None:
    assert read(sale(7, total=told)).telling.purchase.total == cents


def test_an_amount_with_more_decimals_than_the_currency_knows_is_refused() -> None:
    assert refusal(sale(7, tax_amount="1.005")) == "tax_amount: “1.005” has more decimals than USD knows."
    assert read(sale(7, line(70, "1500"), currency="JPY")).telling.purchase.items_total == 1500


def test_a_total_that_its_parts_do_not_explain_is_taken() -> None:
    money = read(sale(7, line(70, "10.00"), total=11.5)).telling.purchase.money
    assert (money["items_minor"], money["total_minor"], money["adjustment_minor"]) == (1000, 1150, -50)


def test_a_country_is_known_by_its_code_or_its_name() -> None:
    told = sale(7)
    place = told["ShippingAddress"]
    del place["country_iso_code"]
    assert read(told).telling.purchase.address.country == "US"  # type: ignore[union-attr]
    place.update(country_name="The Netherlands", state_name=None, state_abbreviation="UT")
    address = read(told).telling.purchase.address
    assert address is not None
    assert (address.country, address.region) == ("NL", "UT")


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_a_sale_may_go_nowhere(nothing: object) -> None:
    assert read(sale(7, ShippingAddress=nothing)).telling.purchase.address is None


@pytest.mark.parametrize(
    ("link", "url", "number"),
    [
        ("https://carrier.example/t?n=1", "https://carrier.example/t?n=1", None),
        (" 9400 1 ", None, "9400 1"),
        ("javascript:alert(1)", None, None),
        ("x" * 65, None, None),
        ("", None, None),
    ],
)
def test_a_tracking_link_is_a_page_or_a_number_and_nothing_else(
    link: str, url: str | None, number: str | None
) -> None:
    told = sale(7, tracking_link=link, flag_shipping="1", flag_payment="1")
    assert read(told).telling.tracking == (None, number, url)
    assert known_there(sale_of(told)) == (1, link.strip())


def test_a_sale_is_sent_when_it_is_first_told_so() -> None:
    told = sale(7, line(70), line(71), flag_payment="1", flag_shipping="1")
    placed_at = datetime(2026, 11, 5, 10, tzinfo=UTC)
    assert read(told).telling.sent_at == (placed_at, placed_at)
    assert read(told, is_known=True).telling.sent_at == (NOW, NOW)
    assert read(told, is_known=True).telling.paid_at == NOW


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"id": None}, "id: a sale without a number cannot be taken in."),
    "an id of words": ({"id": "../7"}, "id: a sale without a number cannot be taken in."),
    "no flag": ({"flag_payment": None}, "flag_payment: “” is none of 0, 1, 2, 3, 4, 5."),
    "a flag that is new": ({"flag_shipping": "9"}, "flag_shipping: “9” is none of -1, 0, 1, 2."),
    "no time": ({"created_at": "yesterday"}, "placed_at"),
    "a time far off": ({"created_at": "0001-01-01 00:00:00"}, "created_at: Dates lie between 1990 and 2100."),
    "ids of others": ({"combined_sales_ids": [["7"]]}, "combined_sales_ids: numbers of sales belong here."),
    "lines of texts": ({"SaleListings": ["a"]}, "SaleListings: an entry is no object."),
    "lines by number": ({"SaleListings": {"0": {}}}, "SaleListings: a list belongs here."),
    "an e-mail": ({"buyer_email": "bob"}, "buyer_email: Write an address such as name@example.com."),
    "no currency": ({"currency": ""}, "currency: This is empty."),
    "a loss": ({"total": "-1.00"}, "total: Write an amount from 0 on."),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_with_a_sale_is_said_in_its_own_words(kind: str) -> None:
    more, sentence = WRONG[kind]
    if sentence == "placed_at":
        sentence = "created_at: “yesterday” is not a date."
    assert refusal({**deepcopy(sale(7)), **more}) == sentence


def test_lines_of_one_number_are_refused() -> None:
    assert refusal(sale(7, line(70), line(70))) == (
        "SaleListings[1].id: “70” stands on another line of the same order."
    )
