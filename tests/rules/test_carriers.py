"""Tracking numbers: which carrier a number fits, by format and check digit; never a guess."""

import pytest
from flask import Flask

from app.actions.parcels import Tracking
from app.carriers import CARRIERS, recognise, tracking_url
from app.forms.sales import ShipForm


def names(number: str) -> list[str]:
    return [fit.carrier for fit in recognise(number)]


@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        ("1Z5R89390357567127", "UPS"),
        ("1Z 5R8 939 03 5756 7127", "UPS"),
        ("1z5r89390357567127", "UPS"),
        ("986578788855", "FedEx"),
        ("9400 1112 0108 0805 4830 16", "USPS"),
        ("RB123456785GB", "Royal Mail"),
        ("RB123456785DE", "Deutsche Post"),
        ("RB123456785SE", "PostNord"),
    ],
)
def test_a_number_with_its_check_digit_is_recognised(number: str, carrier: str) -> None:
    assert carrier in names(number)


@pytest.mark.parametrize(
    "number",
    ["1Z5R89390357567128", "RB123456784GB", "RB123456785G", "986578788856", "9400111201080805483017"],
)
def test_a_number_with_a_wrong_check_digit_is_not_that_carriers(number: str) -> None:
    assert names(number) == []


@pytest.mark.parametrize(
    "number", ["", "1", "no number", "x" * 65, "1Z", "\x00" * 12, "<script>alert(1)</script>"]
)
def test_what_is_no_number_is_nobodys(number: str) -> None:
    assert recognise(number) == ()


def test_a_post_is_told_by_the_country_at_the_end() -> None:
    assert names("RB123456785PL") == ["Post (S10)"]


def test_each_carrier_is_told_once() -> None:
    for number in ("1Z5R89390357567127", "986578788855", "9400111201080805483016", "RB123456785US"):
        assert len(names(number)) == len(set(names(number)))


AMBIGUOUS = "9261292700768711948021"  # right by the check digits of two carriers


def tracking(app: Flask, number: str, **more: str) -> Tracking:
    """Return what the ship form takes for carrier and number."""
    with app.test_request_context():
        form = ShipForm({"pieces-1": "1", "tracking_number": number, **more}, left={1: 1})
        assert form.validate(), form.errors
        return form.tracking()


def test_where_a_number_fits_several_all_are_told_and_none_is_chosen(app: Flask) -> None:
    assert len(names(AMBIGUOUS)) > 1
    assert tracking(app, AMBIGUOUS) == Tracking(None, AMBIGUOUS, None)


def test_where_a_number_fits_one_carrier_it_is_filled_in(app: Flask) -> None:
    assert tracking(app, "1Z5R89390357567127") == Tracking("UPS", "1Z5R89390357567127", None)


def test_a_carrier_that_was_typed_is_never_overruled(app: Flask) -> None:
    assert tracking(app, "1Z5R89390357567127", tracking_carrier="My cousin").carrier == "My cousin"


def test_a_number_of_no_known_carrier_is_kept_as_typed(app: Flask) -> None:
    assert tracking(app, "by bicycle") == Tracking(None, "by bicycle", None)


def test_a_number_is_followed_only_at_a_carrier_that_it_fits() -> None:
    url = tracking_url("UPS", "1Z5R89390357567127")
    assert url is not None
    assert url.startswith("https://") and "1Z5R89390357567127" in url
    assert tracking_url("ups", "1Z5R89390357567127") == url
    assert tracking_url("DHL", "1Z5R89390357567127") is None
    assert tracking_url("UPS", "paper boat") is None


def test_the_form_offers_names_that_recognition_gives() -> None:
    assert {"UPS", "USPS", "FedEx", "DHL", "Royal Mail"} <= set(CARRIERS)
