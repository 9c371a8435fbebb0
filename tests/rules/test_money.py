"""Money: minor units and currencies, read and written without a float."""

import random
from decimal import Decimal

import pytest

from app.money import amount_text, decimals, known_currencies, money_text, parse_amount


@pytest.mark.parametrize(
    ("currency", "places"),
    [
        ("USD", 2),
        ("EUR", 2),
        ("PLN", 2),
        ("GBP", 2),
        ("MXN", 2),
        ("JPY", 0),
        ("KRW", 0),
        ("CLP", 0),
        ("ISK", 0),
        ("VND", 0),
        ("XAF", 0),
        ("KWD", 3),
        ("BHD", 3),
        ("TND", 3),
        # ISO 4217's word where its readers differ: coins out of use still count.
        ("HUF", 2),
        ("RSD", 2),
        ("ALL", 2),
        ("LBP", 2),
        ("IQD", 3),
    ],
)
def test_a_currency_has_the_decimals_of_iso_4217(currency: str, places: int) -> None:
    assert decimals(currency) == places


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("17.50", "USD", 1750),
        ("17.5", "USD", 1750),
        ("17", "USD", 1700),
        ("17.500", "USD", 1750),
        ("0.01", "USD", 1),
        ("0", "USD", 0),
        ("-3.25", "USD", -325),
        ("1280", "JPY", 1280),
        ("1280.00", "JPY", 1280),
        ("1.234", "KWD", 1234),
        ("1.2", "KWD", 1200),
        (" 17.50 ", "USD", 1750),
        ("9999999999999.99", "USD", 999999999999999),
    ],
)
def test_an_amount_is_read_as_minor_units(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "1,50",
        "1,280.00",
        "1_000",
        "+1",
        "1e3",
        "1E400",
        "NaN",
        "Infinity",
        "0x10",
        ".5",
        "5.",
        "--1",
        "1.2.3",
        "$5",
        "５",
        "٥",
        "1" * 5000,
    ],
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        parse_amount(text, "USD")


@pytest.mark.parametrize(
    ("text", "currency"), [("0.001", "USD"), ("1.5", "JPY"), ("1.2345", "KWD"), ("0.125", "EUR")]
)
def test_more_decimals_than_the_currency_has_are_refused_not_rounded(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=f"more decimals than {currency} knows"):
        parse_amount(text, currency)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1750, "USD", "17.50"),
        (5, "USD", "0.05"),
        (0, "USD", "0.00"),
        (-325, "USD", "-3.25"),
        (1280, "JPY", "1280"),
        (1234, "KWD", "1.234"),
        (10**15, "USD", "10000000000000.00"),
    ],
)
def test_minor_units_are_written_as_a_plain_decimal(minor: int, currency: str, text: str) -> None:
    assert amount_text(minor, currency) == text


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (128000, "EUR", "€1,280.00"),
        (1280, "JPY", "¥1,280"),
        (123456789, "USD", "$1,234,567.89"),
        (-325, "USD", "−$3.25"),
        (1500, "KWD", "KWD 1.500"),
    ],
)
def test_an_amount_is_said_as_people_read_it(minor: int, currency: str, text: str) -> None:
    assert money_text(minor, currency).replace("\xa0", " ") == text


def test_no_cent_is_lost_on_the_way_out_and_in() -> None:
    dice = random.Random(4217)
    for _ in range(3000):
        currency = dice.choice(("USD", "JPY", "KWD", "EUR", "RSD"))
        minor = dice.randrange(-(10**13), 10**13)
        text = amount_text(minor, currency)
        assert parse_amount(text, currency) == minor
        assert Decimal(text).scaleb(decimals(currency)) == minor


def test_an_amount_past_what_a_float_can_hold_is_exact() -> None:
    assert parse_amount("9007199254740.93", "USD") == 900719925474093
    assert amount_text(9007199254740993, "USD") == "90071992547409.93"
    assert money_text(9007199254740993, "USD") == "$90,071,992,547,409.93"


def test_every_known_currency_can_be_written() -> None:
    assert {"USD", "EUR", "PLN", "JPY", "KWD"} <= known_currencies()
    for currency in known_currencies():
        assert parse_amount(amount_text(123456, currency), currency) == 123456
        assert money_text(123456, currency)
