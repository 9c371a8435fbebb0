"""The PUT beyond its status table: bodies, tracking, and what it refuses to read."""

import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import select

from app.db import db
from app.models import Parcel
from tests.api.caller import Caller, is_success, told
from tests.factories import DEAL, GOODS, PICKUP, SERVICE, Factory

pytestmark = pytest.mark.both

INVALID = (400, "Invalid status.")
PROHIBITED = (400, "Order status change prohibited.")
NO_PARCEL = (400, "This item has no parcel that could carry a tracking number.")


def parcels(app: Flask) -> list[tuple[str, str, str]]:
    """Return state, carrier and number of all parcels, oldest first."""
    with app.app_context():
        return [
            (p.state, p.carrier, p.number) for p in db.session.scalars(select(Parcel).order_by(Parcel.id))
        ]


# Bodies as (names and values, answer, status afterwards): sent as a form and as JSON they do the same.
BODIES: tuple[tuple[dict[str, str], tuple[int, str] | None, int], ...] = (
    ({}, None, 2),
    ({"status": ""}, None, 2),
    ({"status": "3"}, None, 3),
    ({"status": "3", "tracking_carrier": "DHL", "tracking_number": "1Z"}, None, 3),
    ({"status": "", "tracking_carrier": "", "tracking_number": "1Z"}, None, 2),
    ({"tracking_number": "  1Z  "}, None, 2),
    ({"status": "4"}, PROHIBITED, 2),
    ({"status": "9", "tracking_number": "1Z"}, PROHIBITED, 2),
    ({"status": "7"}, INVALID, 2),
    ({"status": " 3"}, INVALID, 2),
    ({"status": "03 "}, INVALID, 2),
    ({"status": "-3"}, INVALID, 2),
    ({"status": "true"}, INVALID, 2),
    ({"status": "1180591620717411303424"}, INVALID, 2),
    ({"status": "3", "tracking_number": "x" * 65}, (400, "tracking_number too long."), 2),
    ({"status": "3", "tracking_carrier": "x" * 65}, (400, "tracking_carrier too long."), 2),
    ({"status": "3", "tracking_carrier": "x" * 100_000}, (400, "tracking_carrier too long."), 2),
    ({"product_deal_vendor_ack": "x" * 256}, (400, "product_deal_vendor_ack too long."), 2),
    ({"status": "3", "tracking_number": "a\x00b"}, (400, "Invalid field: tracking_number"), 2),
    ({"status": "3", "tracking_number": "\x1b[2J"}, (400, "Invalid field: tracking_number"), 2),
    ({"status": "3", "tracking_number": "a\r\nSet-Cookie: a=b"}, (400, "Invalid field: tracking_number"), 2),
    ({"status": "3", "tracking_carrier": "a\tb"}, (400, "Invalid field: tracking_carrier"), 2),
    ({"status": "3", "version": "1"}, (400, "Invalid field: version"), 2),
    ({"status": "3", "cents": "1"}, (400, "Invalid field: cents"), 2),
    ({"status": "3", "order_id": "1"}, (400, "Invalid field: order_id"), 2),
    ({"status": "3", "quantity": "1"}, (400, "Invalid field: quantity"), 2),
    ({"status": "3", "product_price": "0.01"}, (400, "Invalid field: product_price"), 2),
    ({"status": "3", "__class__": "x"}, (400, "Invalid field: __class__"), 2),
    ({"status": "3", "": "x"}, (400, "Invalid field: "), 2),
    ({"status": "3", "csrf_token": "x"}, (400, "Invalid field: csrf_token"), 2),
)


@pytest.mark.parametrize("is_json", [False, True], ids=["form", "json"])
def test_a_form_and_json_with_the_same_names_do_the_same(
    app: Flask, okanjo: Caller, make: Factory, is_json: bool
) -> None:
    item = make.item(GOODS)
    untouched = make.item_row(item)
    for names, awaited, status in BODIES:
        answer = okanjo.put_json(item, names) if is_json else okanjo.put(item, **names)
        assert is_success(answer) if awaited is None else told(answer) == awaited, names
        row = make.item_row(item)
        assert row.status == status, names
        if awaited is not None:
            assert (row.version, row.price_minor, row.quantity) == (untouched.version, 450, 5)
        if status != 2:
            item = make.item(GOODS)
            untouched = make.item_row(item)
    assert ("shipped", "DHL", "1Z") in parcels(app)
    assert ("draft", "", "1Z") in parcels(app)


def test_a_json_status_is_a_number_or_its_digits(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    for status in (
        3.0,
        True,
        False,
        [3],
        [],
        {},
        {"3": 3},
        None,
        -3,
        2**70,
        "٣",
        "3 ",
        "+3",
        9001,
        3.7,
        "null",
    ):
        assert told(okanjo.put_json(item, {"status": status})) == INVALID, status
    for raw in (b"1e400", b"3e0", b"-0", b"1" * 5000):
        assert told(okanjo.put_json(item, b'{"status": %s}' % raw)) == INVALID, raw[:9]
    assert okanjo.shown(item)["status"] == 2
    for status in (3, "3"):
        assert is_success(okanjo.put_json(make.item(GOODS), {"status": status}))


def test_json_null_leaves_a_text_as_it_is(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    assert is_success(okanjo.put_json(item, {"tracking_carrier": "DHL", "tracking_number": 12}))
    assert is_success(okanjo.put_json(item, {"tracking_carrier": None, "tracking_number": None}))
    shown = okanjo.shown(item)
    assert (shown["tracking_carrier"], shown["tracking_number"]) == ("DHL", "12")


def test_what_is_no_json_object_is_refused(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    for raw in (
        b"",
        b"{",
        b"\xff\xfe",
        b"status=3",
        b"{'status': 3}",
        b'{"status": 3}}',
        b'{"status": 03}',
        b'{"status": NaN}',
        b'{"status": -Infinity}',
        b'{"status": 99, "status": 98}',
        b'{"status": 7, "status": 3}',
        b'\xef\xbb\xbf{"status": 3}',
        '{"status": 3}'.encode("utf-16"),
        b"[]",
        b'"3"',
        b"3",
        b"null",
        b"true",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"status": 3, "tracking_number": "\xff"}',
    ):
        status, sentence = told(okanjo.put_json(item, raw))
        assert status == 400 and sentence, raw[:30]
    assert okanjo.shown(item)["status"] == 2


def test_json_texts_that_no_database_keeps_are_named(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    for bad in (r"\ud800", r"\u0000", r"a\u0000b", r"\u001b[2J", r"a\r\nb", r"a\u2028b"):
        raw = f'{{"status": 3, "tracking_number": "{bad}"}}'.encode()
        assert told(okanjo.put_json(item, raw)) == (400, "Invalid field: tracking_number"), bad
    assert told(okanjo.put_json(item, rb'{"\ud800": 1}')) == (400, "Invalid field: \ud800")
    for nameless in ({"": []}, {"": {}}, {"": {"status": 3}}, {"": 3}):
        assert told(okanjo.put_json(item, nameless)) == (400, "Invalid field: "), nameless
    assert told(okanjo.put_json(item, {"tracking_number": ["1Z"]})) == (400, "Invalid field: tracking_number")
    assert told(okanjo.put_json(item, {"buyer": {"id": 1}})) == (400, "Invalid field: buyer")
    assert okanjo.shown(item)["status"] == 2


def test_a_name_sent_twice_is_named(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    path, headers = okanjo.path(item=item), okanjo.headers("owner")
    for name, raw in (("status", "status=3&status=3"), ("status", "status=99&status=3"), ("x", "x=1&x=1")):
        answer = okanjo.client.put(
            path, data=raw, content_type="application/x-www-form-urlencoded", headers=headers
        )
        assert told(answer) == (400, f"Invalid field: {name}")
    assert told(okanjo.put_json(item, b'{"status":3,"status":3}')) == (400, "“status” is sent twice.")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("text/plain", 415),
        ("text/xml", 415),
        ("application/octet-stream", 415),
        ("", 415),
        ("application/json-patch+json", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=x", 400),
        ("application/x-www-form-urlencoded", 400),
    ],
)
def test_json_under_another_name_is_refused(
    okanjo: Caller, make: Factory, content_type: str, status: int
) -> None:
    item = make.item(GOODS)
    answer = okanjo.client.put(
        okanjo.path(item=item),
        data=b'{"status":3}',
        content_type=content_type,
        headers=okanjo.headers("owner"),
    )
    assert told(answer)[0] == status
    assert okanjo.shown(item)["status"] == 2


def test_a_multipart_form_is_a_form_and_takes_no_files(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    path, headers = okanjo.path(item=item), okanjo.headers("owner")
    as_file = {"status": (BytesIO(b"3"), "status.txt")}
    answer = okanjo.client.put(path, data=as_file, content_type="multipart/form-data", headers=headers)
    assert told(answer) == (400, "Invalid field: status")
    form = {"status": "3"}
    assert is_success(okanjo.client.put(path, data=form, content_type="multipart/form-data", headers=headers))


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"]
)
def test_a_large_body_is_refused(okanjo: Caller, make: Factory, content_type: str) -> None:
    item = make.item(GOODS)
    answer = okanjo.client.put(
        okanjo.path(item=item),
        data=b"tracking_number=" + b"x" * 2_000_000,
        content_type=content_type,
        headers=okanjo.headers("owner"),
    )
    assert told(answer)[0] == 413


def test_too_many_fields_are_refused(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    names = {f"f{n}": "1" for n in range(2000)}
    assert told(okanjo.put(item, **names))[0] in {400, 413}
    assert told(okanjo.put_json(item, names))[0] in {400, 413}
    assert told(okanjo.put_json(item, {"status": [3] * 20_000}))[0] in {400, 413}


def test_a_put_takes_nothing_from_the_query_string(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    path = okanjo.path(item=item)
    answer = okanjo.client.put(f"{path}?status=3", headers=okanjo.headers("owner"))
    assert told(answer) == (400, "Invalid field: status")
    assert okanjo.shown(item)["status"] == 2


def test_an_empty_put_succeeds_and_changes_nothing(okanjo: Caller, make: Factory) -> None:
    order = make.sale(GOODS)
    (item,) = make.items_of(order)
    before = (okanjo.shown(item, {"embed": "history"}), make.sale_row(order).version)
    answer = okanjo.client.put(okanjo.path(item=item), headers=okanjo.headers("owner"))
    assert is_success(answer)
    assert is_success(okanjo.put_json(item, {}))
    assert (okanjo.shown(item, {"embed": "history"}), make.sale_row(order).version) == before


def test_tracking_is_corrected_on_the_newest_parcel(app: Flask, okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    okanjo.put(item, status=3, tracking_carrier="DHL", tracking_number="wrong")
    assert is_success(okanjo.put(item, tracking_number="right"))
    assert parcels(app) == [("shipped", "DHL", "right")]
    assert okanjo.shown(item)["tracking_number"] == "right"


def test_a_number_before_shipping_waits_on_a_draft_that_shipping_sends(
    app: Flask, okanjo: Caller, make: Factory
) -> None:
    item = make.item(GOODS)
    assert is_success(okanjo.put(item, tracking_number="early"))
    assert parcels(app) == [("draft", "", "early")]
    assert okanjo.shown(item)["tracking_number"] == "early"
    assert is_success(okanjo.put(item, status=3, tracking_carrier="DHL"))
    assert parcels(app) == [("shipped", "DHL", "early")]


def test_tracking_for_what_no_parcel_carries_is_refused_as_a_whole(okanjo: Caller, make: Factory) -> None:
    for line, status, asked in ((PICKUP, 2, 3), (SERVICE, 2, 3), (DEAL, 8, 4), (GOODS, 1, "")):
        item = make.item(line, status)
        assert told(okanjo.put(item, status=asked, tracking_number="1Z")) == NO_PARCEL
        assert make.item_row(item).status == status


def test_an_acknowledgement_alone_is_kept_and_moves_nothing(okanjo: Caller, make: Factory) -> None:
    item = make.item(DEAL, store="vendorshop")
    assert is_success(okanjo.put(item, product_deal_vendor_ack="Ann", who="vendor", store="vendorshop"))
    shown = okanjo.shown(item, who="vendor", store="vendorshop")
    assert (shown["status"], shown["product_deal_vendor_ack"]) == (8, "Ann")


def test_of_many_who_ship_the_same_item_at_once_one_succeeds(
    app: Flask, okanjo: Caller, make: Factory
) -> None:
    item = make.item(GOODS)
    path, headers = okanjo.path(item=item), okanjo.headers("owner")
    okanjo.one(item)

    def ship(n: int) -> tuple[int, str]:
        answer = app.test_client().put(
            path, data={"status": "3", "tracking_number": f"N{n}"}, headers=headers
        )
        return (200, "") if is_success(answer) else told(answer)

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(ship, range(6)))
    assert answers == [(200, "")] + [PROHIBITED] * 5
    assert len(parcels(app)) == 1
    assert make.item_row(item).shipped == 5


def test_refusals_are_small_and_plain(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    answer = okanjo.put_json(item, {"x" * 5000: 1})
    assert told(answer)[0] == 400
    assert len(answer.data) < 200
    assert json.loads(answer.data.decode("ascii"))["description"].startswith("Invalid field: xxx")
