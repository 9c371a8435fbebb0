"""Etsy's columns in our words: days, money, buyers, options, countries."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.exchange.cells import amount, cut, day_month_first, one_line
from app.exchange.countries import country_code
from app.exchange.etsy import options
from app.exchange.importing import read
from app.exchange.kinds import Told
from tests.exchange.conftest import (
    ITEM,
    ITEM_HEADER,
    ITEMS,
    ORDER_HEADER,
    ORDERS,
    csv_bytes,
    fixture,
    items_file,
    orders_file,
)

LAST_FOUR = ["InPerson Discount", "InPerson Location", "VAT Paid by Buyer", "SKU"]


def told(data: bytes, zone: str = "UTC") -> Told:
    """Return what a file of one order says of it."""
    (order,) = read(data, zone, "USD").orders
    return order.told()


def body(data: bytes, zone: str = "UTC") -> dict[str, str]:
    return told(data, zone).body


@pytest.mark.parametrize(
    ("name", "kind", "orders", "items"),
    [(ITEMS, "Etsy sold order items", 6, 8), (ORDERS, "Etsy sold orders", 8, 12)],
)
def test_a_file_is_known_by_its_header(name: str, kind: str, orders: int, items: int) -> None:
    file = read(fixture(name), "UTC", "USD")
    assert (file.kind.name, len(file.orders), sum(o.items for o in file.orders)) == (kind, orders, items)


@pytest.mark.parametrize(
    "header",
    [
        [name.upper() for name in ITEM_HEADER],
        list(reversed(ITEM_HEADER)),
        [*ITEM_HEADER, "Something New", ""],
        [name for name in ITEM_HEADER if name not in LAST_FOUR],
        [name for name in ITEM_HEADER if name != "Ship Address2"],
        [f"  {name.replace(' ', '  ')} " for name in ITEM_HEADER],
    ],
    ids=["capitals", "another sequence", "unknown columns", "an older file", "no second line", "blanks"],
)
def test_case_sequence_and_further_columns_do_not_matter(header: list[str]) -> None:
    by_plain = {" ".join(name.split()).casefold(): value for name, value in ITEM.items()}
    row = {name: by_plain.get(" ".join(name.split()).casefold(), "") for name in header}
    found = body(csv_bytes(header, [row]))
    assert (found["external_id"], found["lines-0-title"], found["address-city"]) == (
        "90001",
        "Letterpress card",
        "Poznań",
    )


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_file_that_a_spreadsheet_saved_is_known_too(delimiter: str) -> None:
    data = b"\xef\xbb\xbf" + csv_bytes(ITEM_HEADER, [ITEM], delimiter)
    assert body(data)["lines-0-price"] == "4.50"


def test_the_british_wording_is_known() -> None:
    british = {
        "Date Shipped": "Date Posted",
        "Ship City": "Delivery City",
        "Ship State": "Delivery State",
        "Ship Zipcode": "Delivery Zipcode",
        "Ship Country": "Delivery Country",
        "Shipping Discount": "Delivery Discount",
        "Shipping": "Delivery",
        "Sales Tax": "Sales tax",
        "Order Total": "Order total",
    }
    data = orders_file({"Date Shipped": "12/30/26"}).decode()
    header, rows = data.split("\n", 1)
    theirs = ",".join(british.get(name, name) for name in header.split(","))
    found = body(f"{theirs}\n{rows}".encode())
    assert (found["postage"], found["total"], found["address-city"]) == ("1.5", "10.5", "Poznań")
    assert found["lines-0-shipped_at"] == "2026-12-30T00:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("12/31/20", "UTC", datetime(2020, 12, 31, tzinfo=UTC)),
        ("12/31/2020", "UTC", datetime(2020, 12, 31, tzinfo=UTC)),
        ("1/2/26", "America/New_York", datetime(2026, 1, 2, 5, tzinfo=UTC)),
        ("03/29/2026", "Europe/Berlin", datetime(2026, 3, 28, 23, tzinfo=UTC)),
        ("03/30/2026", "Europe/Berlin", datetime(2026, 3, 29, 22, tzinfo=UTC)),
        ("02/29/24", "Asia/Tokyo", datetime(2024, 2, 28, 15, tzinfo=UTC)),
    ],
)
def test_a_day_begins_at_the_stores_midnight(text: str, zone: str, instant: datetime) -> None:
    assert datetime.fromisoformat(day_month_first(text, zone)) == instant


@pytest.mark.parametrize(
    "text", ["", "13/01/26", "02/30/26", "2026-01-02", "1/2", "1/2/026", "٠١/٠٢/٢٦", "0/0/0000"]
)
def test_what_is_no_day_is_left_for_the_form_to_refuse(text: str) -> None:
    assert day_month_first(text, "UTC") == text


@pytest.mark.parametrize(
    ("said", "name", "username"),
    [
        ("Maja Kowalczyk (majapapier)", "Maja Kowalczyk", "majapapier"),
        ("Ana (Bee) Silva (anab)", "Ana (Bee) Silva", "anab"),
        ("majapapier", None, "majapapier"),
        ("maja kowalczyk", "maja kowalczyk", None),
        ("", None, None),
        ("M*** K*** (m****)", "M*** K***", None),
        ("m*****", None, None),
        ("Tess  White (tess)", "Tess  White", "tess"),
        ("李明 (liming)", "李明", "liming"),
    ],
)
def test_a_buyer_has_three_shapes(said: str, name: str | None, username: str | None) -> None:
    found = body(items_file({"Buyer": said}))
    assert (found.get("buyer-name"), found.get("buyer-username")) == (name, username)
    assert found.get("buyer-external_ref") == username


@pytest.mark.parametrize(
    ("changes", "name", "ref"),
    [
        ({}, "Maja Kowalczyk", "majapapier"),
        ({"Buyer User ID": "m*********", "Full Name": "M*** K***"}, "M*** K***", None),
        ({"Buyer User ID": ""}, "Maja Kowalczyk", None),
        ({"Buyer User ID": "", "Buyer": "Maja Kowalczyk (majapapier)"}, "Maja Kowalczyk", "majapapier"),
    ],
)
def test_a_masked_name_or_id_of_the_orders_file_is_no_key(
    changes: dict[str, str], name: str, ref: str | None
) -> None:
    found = body(orders_file(changes))
    assert (found["buyer-name"], found.get("buyer-external_ref")) == (name, ref)


@pytest.mark.parametrize(
    ("values", "total"),
    [
        (["1.5", "0"], "1.5"),
        (["0", "1.5"], "1.5"),
        (["3.90", "3.9"], "3.90"),
        (["", ""], "0"),
        (["1.00", "0.50"], "1.50"),
        (["2", "2", "2"], "2"),
        (["1,250.00", "0"], "1250.00"),
    ],
)
def test_a_value_of_the_order_stands_on_one_row_or_on_all(values: list[str], total: str) -> None:
    rows = [{"Order Shipping": v, "Transaction ID": str(n)} for n, v in enumerate(values)]
    assert body(items_file(*rows))["postage"] == total


def test_a_coupon_that_is_repeated_for_each_line_is_one() -> None:
    rows = [
        {"Coupon Code": "TEN;TEN", "Discount Amount": "0.88"},
        {"Coupon Code": "TEN;TEN", "Discount Amount": "0", "Transaction ID": "5002"},
    ]
    found = body(items_file(*rows))
    assert {k: v for k, v in found.items() if k.startswith("discounts")} == {
        "discounts-0-kind": "coupon",
        "discounts-0-code": "TEN",
        "discounts-0-amount": "0.88",
    }


def test_several_coupons_are_named_together() -> None:
    assert body(orders_file({"Coupon Code": "A;B;A", "Discount Amount": "2.0"}))["discounts-0-code"] == "A, B"


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", {}),
        ("Size:Small", {"Size": "Small"}),
        ("Size:Small,Color:Red", {"Size": "Small", "Color": "Red"}),
        ("Style: Matte", {"Style": "Matte"}),
        ("Colour:Kraft, unbleached,Size:C6", {"Colour": "Kraft, unbleached", "Size": "C6"}),
        ("Small", {"Variation": "Small"}),
        ("Time:10:30", {"Time": "10:30"}),
        ("Größe:groß,色:赤", {"Größe": "groß", "色": "赤"}),
        ("For:Tom &amp; Ana", {"For": "Tom & Ana"}),
    ],
)
def test_options_are_names_and_values(text: str, chosen: dict[str, str]) -> None:
    assert options(text) == chosen


def test_a_personalisation_is_kept_as_the_buyers_text() -> None:
    found = body(items_file({"Variations": "Size:S,Personalization:For Ana\nwith love"}))
    assert (found["lines-0-options-Size"], found["lines-0-personalisation"]) == ("S", "For Ana\nwith love")


def test_a_long_title_is_cut_with_an_ellipsis() -> None:
    title = body(items_file({"Item Name": "x" * 300}))["lines-0-title"]
    assert (len(title), title[-2:]) == (255, "x…")
    assert cut("x" * 255, 255) == "x" * 255


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("United States", "US"),
        ("Puerto Rico", "PR"),
        ("The Netherlands", "NL"),
        ("Netherlands", "NL"),
        ("Czech Republic", "CZ"),
        ("South Korea", "KR"),
        ("Hong Kong", "HK"),
        ("United Kingdom", "GB"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("Côte d'Ivoire", "CI"),
        ("Saint Kitts and Nevis", "KN"),
        ("Bosnia and Herzegovina", "BA"),
        ("united states", "US"),
        ("us", "US"),
        ("Freedonia", "Freedonia"),
        ("", ""),
    ],
)
def test_countries_are_known_by_their_names(name: str, code: str) -> None:
    assert country_code(name) == code


@pytest.mark.parametrize(
    ("text", "read_as"), [("1,250.00", "1250.00"), ("12,00", "12,00"), ("3.3", "3.3"), ("-1,000", "-1000")]
)
def test_thousands_are_read_and_nothing_is_guessed(text: str, read_as: str) -> None:
    assert amount(text) == read_as


def test_signs_that_etsy_writes_as_html_are_read_once() -> None:
    assert one_line("O&#39;Hara &amp;quot; &quot;x&quot; &#27; a\r\nb") == 'O\'Hara &quot; "x" &#27; a b'


def test_numbers_that_pandas_wrote_with_a_point_are_read() -> None:
    found = body(items_file({"Order ID": "90001.0", "Transaction ID": "5001.0", "Quantity": "2.0"}))
    assert (found["external_id"], found["lines-0-external_id"], found["lines-0-quantity"]) == (
        "90001",
        "5001",
        "2",
    )


def test_the_orders_file_has_one_line_for_those_it_does_not_list() -> None:
    found = body(orders_file({"Number of Items": "4"}))
    line = {k.removeprefix("lines-0-"): v for k, v in found.items() if k.startswith("lines-")}
    assert line == {
        "external_id": "not-listed",
        "title": "4 items, not listed",
        "quantity": "1",
        "price": "9.0",
    }
    assert body(orders_file({"Number of Items": "1"}))["lines-0-title"] == "1 item, not listed"


def test_what_was_sold_in_person_was_handed_over_with_the_sale() -> None:
    found = body(
        items_file({"Order Type": "in_person", "InPerson Discount": "1.00", "Sale Date": "12/28/26"})
    )
    assert (found["lines-0-is_pickup"], found["lines-0-shipped_at"]) == ("1", "2026-12-28T00:00:00+00:00")
    assert (found["discounts-0-kind"], found["discounts-0-amount"]) == ("markdown", "1.00")


@pytest.mark.parametrize(
    ("changes", "is_paid"),
    [
        ({}, True),
        ({"Payment Method": "Other"}, False),
        ({"Payment Method": ""}, False),
        ({"Payment Method": "Other", "Date Shipped": "12/30/26"}, True),
        ({"Payment Method": "PayPal"}, True),
    ],
)
def test_the_orders_file_names_no_payment_day_and_is_believed(changes: dict[str, str], is_paid: bool) -> None:
    assert ("paid_at" in body(orders_file(changes))) == is_paid


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"Order ID": ""}], ["Line 2: Order ID: this is empty."]),
        ([{"Sale Date": ""}], ["Line 2: Sale Date: this is empty."]),
        (
            [{"Order ID": "2.82E+09"}],
            ["Line 2: Order ID: a spreadsheet has rounded this number; take the file as Etsy gave it."],
        ),
        (
            [{}, {"Transaction ID": "5002", "Currency": "EUR"}],
            ["Line 3: Currency: line 2 of the same order says otherwise."],
        ),
        (
            [{}, {"Transaction ID": "2", "Order Shipping": "x"}],
            ["Line 3: Order Shipping: “x” is not an amount."],
        ),
    ],
)
def test_what_only_the_file_can_get_wrong_is_told_with_its_line(
    rows: list[dict[str, str]], said: list[str]
) -> None:
    assert [str(fault) for fault in told(items_file(*rows)).faults] == said


@pytest.mark.parametrize("count", ["", "0", "two", "-1", "1.5"])
def test_an_order_of_no_items_is_a_fault(count: str) -> None:
    assert [str(f) for f in told(orders_file({"Number of Items": count})).faults] == [
        "Line 2: Number of Items: write a whole number from 1."
    ]


def test_the_same_order_told_otherwise_in_the_orders_file_is_a_fault() -> None:
    assert [str(f) for f in told(orders_file({}, {"Order Total": "11.0"})).faults] == [
        "Line 3: Order ID: line 2 tells of the same order and says otherwise."
    ]


def test_rows_that_stand_in_the_file_twice_are_one() -> None:
    data = items_file({}, {"Transaction ID": "5002"}, {}, {"Transaction ID": "5002"})
    (order,) = read(data, "UTC", "USD").orders
    assert (order.items, [row.line for row in order.rows]) == (2, [2, 3])
    (order,) = read(orders_file({}, {}), "UTC", "USD").orders
    assert order.told().faults == []


def test_lines_of_an_order_are_found_wherever_they_stand() -> None:
    data = items_file({}, {"Order ID": "90002", "Transaction ID": "6001"}, {"Transaction ID": "5002"})
    orders = read(data, "UTC", "USD").orders
    assert [(o.external_id, [row.line for row in o.rows]) for o in orders] == [
        ("90001", [2, 4]),
        ("90002", [3]),
    ]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (["Date", "Type", "Title"], "has “Date”, “Type”, “Title”; known files are Etsy sold order items and"),
        ([n for n in ITEM_HEADER if n != "Order ID"], "“Etsy sold order items”, but has no column Order ID"),
        (
            [n for n in ORDER_HEADER if n not in {"Order Total", "Shipping"}],
            "“Etsy sold orders”, but has no column Shipping, Order Total",
        ),
    ],
)
def test_a_header_that_is_not_known_says_what_it_has_and_lacks(header: list[str], said: str) -> None:
    data: Any = csv_bytes(header, [{}])
    with pytest.raises(Exception, match="Line 1: ") as refused:
        read(data, "UTC", "USD")
    assert said in refused.value.sentence  # type: ignore[attr-defined]


def test_a_file_of_a_month_without_sales_has_no_orders() -> None:
    assert list(read(items_file(), "UTC", "USD").orders) == []
