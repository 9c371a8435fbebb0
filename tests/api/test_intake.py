"""The intake API: a marketplace tells of purchases, payments, cancellations, refunds and notes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.access import SYSTEM
from app.actions.payment import unpay
from app.db import db
from app.models import Address, Buyer, Cause, Discount, Idempotency, Media, Note, Order, OrderItem
from app.models import Payment as PaymentRow
from tests.factories import Factory
from tests.rules.books import everything

PURCHASE: dict[str, Any] = {
    "external_id": "lot-771",
    "kind": "auction",
    "currency": "USD",
    "buyer": {"email": "maja@example.com", "username": "maja", "name": "Maja Kowalczyk"},
    "address": {
        "name": "Maja Kowalczyk",
        "street": "ul. Długa 5",
        "street2": "",
        "city": "Poznań",
        "region": "",
        "postal_code": "61-001",
        "country": "PL",
        "phone": "",
    },
    "lines": [
        {
            "title": "Stamp of 1961",
            "sku": "ST-61",
            "listing_id": "771",
            "quantity": 2,
            "price": "5.00",
            "product_type": 1,
            "delivery": "physical",
            "postage": "2.00",
            "postage_additional": "0.50/1",
            "options": {"Colour": "red"},
            "cause": None,
            "weight": None,
            "weight_unit": None,
        }
    ],
    "postage_method": "First Class",
    "postage": None,
    "tax": "0.00",
    "placed_at": None,
    "gateway_transaction_code": None,
    "buyer_note": "",
    "gift_message": "",
}


class Teller:
    """A marketplace's program: tells, under a new key each time unless one is named."""

    def __init__(self, app: Flask, token: Callable[..., dict[str, str]]) -> None:
        self.client, self.token, self.keys = app.test_client(), token, 0

    def post(
        self, path: str, body: Any, *, who: str | None = "owner", key: str | None = "", **headers: str
    ) -> TestResponse:
        self.keys += 1
        sent = {**(self.token(who) if who else {}), **headers}
        if key is not None:
            sent["Idempotency-Key"] = key or f"k-{self.keys}"
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(f"/api/intake{path}", data=raw, content_type="application/json", headers=sent)

    def buys(self, store: str = "papershop", /, **changes: Any) -> TestResponse:
        given = {name: changes.pop(name) for name in ("who", "key") if name in changes}
        return self.post(f"/stores/{store}/purchases", {**PURCHASE, **changes}, **given)

    def sale(self, **changes: Any) -> dict[str, Any]:
        """Return a sale that is taken in."""
        answer = self.buys(**changes)
        assert answer.status_code == 201, answer.text
        return answer.json

    def pays(self, sale: Any, amount: str | None = None, **sent: Any) -> TestResponse:
        given = {name: sent.pop(name) for name in ("who", "key") if name in sent}
        body = {"amount": amount or sale["total"], "currency": "USD", "method": "paypal", **sent}
        return self.post(f"/orders/{sale['id']}/payments", body, **given)


@pytest.fixture
def tells(app: Flask, token: Callable[..., dict[str, str]]) -> Teller:
    return Teller(app, token)


def rows(app: Flask, table: Any) -> list[Any]:
    with app.app_context():
        found = db.session.query(table).all()
        db.session.expunge_all()
        return found


@pytest.mark.both
def test_a_purchase_of_the_contracts_example_becomes_a_sale(app: Flask, tells: Teller) -> None:
    answer = tells.buys()
    assert answer.status_code == 201
    sale = answer.json
    assert (sale["items"], sale["postage"], sale["tax"], sale["total"]) == ("10.00", "2.50", "0.00", "12.50")
    assert (sale["combined_sales_ids"], sale["verdict"], sale["external_id"]) == ([], "new", "lot-771")
    assert [(x["title"], x["quantity"], x["price"], x["total"]) for x in sale["lines"]] == [
        ("Stamp of 1961", 2, "5.00", "10.00")
    ]
    (order,) = rows(app, Order)
    assert (order.channel, order.kind, order.postage_method) == ("intake", "auction", "First Class")


@pytest.mark.both
def test_the_next_purchase_names_the_sales_that_it_took_up(tells: Teller) -> None:
    first, second, third = (tells.sale(external_id=f"lot-{n}") for n in (1, 2, 3))
    assert second["combined_sales_ids"] == [first["id"]]
    assert third["combined_sales_ids"] == [first["id"], second["id"]]
    assert (third["items"], third["postage"], third["total"]) == ("30.00", "4.50", "34.50")


def test_a_purchase_told_again_under_a_new_key_is_the_sale_that_it_is_part_of(tells: Teller) -> None:
    tells.sale(external_id="lot-1")
    second = tells.sale(external_id="lot-2")
    for external_id in ("lot-1", "lot-2"):
        again = tells.buys(external_id=external_id)
        assert (again.status_code, again.json["id"], again.json["verdict"]) == (200, second["id"], "same")


# --- what a line may carry


def test_whatever_the_sources_show_of_a_line_comes_in(app: Flask, tells: Teller) -> None:
    line = {
        **PURCHASE["lines"][0],
        "external_id": "line-1",
        "product_type": 2,
        "description": "Two\nlines",
        "short_description": "Short",
        "url": "https://example.com/771",
        "image": "https://example.com/771.jpg",
        "condition": "Used",
        "personalisation": "For Ana",
        "sale_price": "4.00",
        "discounts": [{"kind": "coupon", "code": "WELCOME", "amount": "1.00"}],
        "deal": {
            "start": "2026-11-01T00:00:00Z",
            "end": "2026-12-01T00:00:00Z",
            "promo_start": "2026-11-02T00:00:00+01:00",
            "promo_end": None,
            "value": "40.00",
            "number": 771,
        },
        "cause": {"name": "River Trust", "percentage": 10},
        "weight": 0.5,
        "weight_unit": "kg",
    }
    digital = {
        "title": "Pattern",
        "quantity": 1,
        "price": "7.00",
        "delivery": "digital",
        "download": {"limit_type": "downloads", "units": 3},
    }
    sale = tells.sale(lines=[line, digital], kind="fixed_price")
    assert (sale["items"], sale["discount"], sale["total"]) == ("15.00", "1.00", "16.50")
    first, second = rows(app, OrderItem)
    assert (first.description, first.short_description, first.condition) == ("Two\nlines", "Short", "Used")
    assert (first.url, first.image) == ("https://example.com/771", "https://example.com/771.jpg")
    assert (first.price_minor, first.sale_price_minor, first.personalisation) == (500, 400, "For Ana")
    assert (first.deal_value_minor, first.deal_number, first.promo_end) == (4000, 771, None)
    assert str(first.promo_start) == "2026-11-01 23:00:00+00:00"
    assert (first.weight, first.unit, first.options, first.donation_pct) == (
        "0.5",
        "kg",
        {"Colour": "red"},
        10,
    )
    assert (second.download_limit_type, second.download_units) == ("downloads", 3)
    assert {c.id: c.name for c in rows(app, Cause)}[first.cause_id] == "River Trust"
    assert [(d.item_id, d.kind, d.code, d.amount_minor) for d in rows(app, Discount)] == [
        (first.id, "coupon", "WELCOME", 100)
    ]
    assert [m.url for m in rows(app, Media)] == ["https://example.com/771.jpg"]


def changed(line: dict[str, Any]) -> dict[str, Any]:
    return {"lines": [{**PURCHASE["lines"][0], **line}]}


# what is sent instead -> the field that the answer names
WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"currency": "dollars"}, "currency"),
    ({"currency": None}, "currency"),
    ({"kind": "gift"}, "kind"),
    ({"lines": []}, ""),
    ({"lines": None}, ""),
    ({"buyer": {"email": "nobody"}}, "buyer.email"),
    ({"buyer": {"e_mail": "maja@example.com"}}, "buyer.e_mail"),
    ({"placed_at": "yesterday"}, "placed_at"),
    ({"paid_at": "2026-11-01T00:00:00Z"}, "paid_at"),
    ({"satus": 2}, "satus"),
    ({"tax": "-1.00"}, "tax"),
    (changed({"price": "5.001"}), "lines.0.price"),
    (changed({"price": "1e2"}), "lines.0.price"),
    (changed({"price": True}), "lines.0.price"),
    (changed({"quantity": 0}), "lines.0.quantity"),
    (changed({"quantity": 1.0}), "lines.0.quantity"),
    (changed({"title": ""}), "lines.0.title"),
    (changed({"shipped_at": "2026-11-01T00:00:00Z"}), "lines.0.shipped_at"),
    (changed({"status": 3}), "lines.0.status"),
    (changed({"url": "javascript:alert(1)"}), "lines.0.url"),
    (changed({"image": "//evil"}), "lines.0.image"),
    (changed({"postage_additional": "0.50/0"}), "lines.0.postage_additional"),
    (changed({"product_type": 9}), "lines.0.product_type"),
    (changed({"deal": {"number": 1}}), "lines.0.product_type"),
    (changed({"product_type": 2, "deal": {"start": "soon"}}), "lines.0.deal.start"),
    (changed({"product_type": 2, "deal": {"value": "x"}}), "lines.0.deal.value"),
    (changed({"download": {"units": 3}}), "lines.0.download.units"),
    (changed({"download": {"limit_type": "weeks", "units": 3}}), "lines.0.download.limit_type"),
    (changed({"cause": {"name": "River Trust", "percentage": 101}}), "lines.0.cause.percentage"),
    (changed({"cause": {"name": "River Trust", "percentage": 1, "share": 1}}), "lines.0.cause.share"),
    (changed({"discounts": [{"kind": "gift", "amount": "1.00"}]}), "lines.0.discounts.0.kind"),
    (changed({"discounts": [{"kind": "markdown", "amount": "1.00"}]}), "lines.0.discounts"),
    (changed({"discounts": [{"kind": "coupon", "amount": "9999.00"}]}), ""),
)


@pytest.mark.parametrize(("sent", "field"), WRONG, ids=lambda x: str(x)[:60])
def test_what_is_wrong_is_named_and_nothing_is_kept(
    app: Flask, tells: Teller, sent: dict[str, Any], field: str
) -> None:
    before = everything(app)
    answer = tells.buys(**sent)
    assert (answer.status_code, answer.json["field"]) == (400, field), answer.text
    assert answer.json["error"]
    after = everything(app)
    assert {name for name in after if after[name] != before[name]} <= {"api_token"}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"kind": "auction", "kind": "offer"}', 400),
        (b"[" * 99999, 400),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(tells: Teller, raw: bytes, status: int) -> None:
    assert tells.post("/stores/papershop/purchases", raw).status_code == status


def test_a_form_is_not_taken(tells: Teller) -> None:
    headers = {**tells.token("owner"), "Idempotency-Key": "k"}
    answer = tells.client.post("/api/intake/stores/papershop/purchases", data={"a": "1"}, headers=headers)
    assert answer.status_code == 415


# --- who may


def test_who_may_not_write_here_learns_nothing(app: Flask, tells: Teller) -> None:
    assert tells.buys(who=None).status_code == 401
    assert tells.buys(who="owner2").status_code == 404
    assert tells.buys("nowhere").status_code == 404
    assert tells.buys("vendorshop", who="vendor").status_code == 403
    only_reads = tells.token("owner", scopes=("read:store-orders",))
    assert tells.post("/stores/papershop/purchases", PURCHASE, who=None, **only_reads).status_code == 403
    assert rows(app, Order) == rows(app, Idempotency) == []


def test_no_purchase_gives_an_account_anything(app: Flask, tells: Teller) -> None:
    tells.sale(buyer={"email": "buyer@example.com"})
    (buyer,) = rows(app, Buyer)
    assert (buyer.account_id, buyer.external_ref) == (None, "buyer@example.com")


# --- payments


@pytest.mark.both
def test_a_payment_of_the_total_confirms_the_sale(app: Flask, tells: Teller) -> None:
    sale = tells.sale()
    paid = tells.pays(sale, gateway_transaction_code="PP-1")
    assert (paid.status_code, paid.json["flag_payment"], paid.json["status"]) == (201, 2, 2)
    (row,) = rows(app, PaymentRow)
    assert (row.amount_minor, row.method, row.code) == (1250, "paypal", "PP-1")


@pytest.mark.both
@pytest.mark.parametrize(
    ("sent", "flag"),
    [
        ({"method": "paypal", "gateway_transaction_code": "PP-1"}, 2),
        ({"method": "card", "gateway_transaction_code": "CH-1"}, 1),
        ({"method": "paypal"}, 0),
        ({"method": "on_arrival", "gateway_transaction_code": "PP-1"}, 0),
    ],
)
def test_a_gateways_payment_sets_the_buyers_flag_too(
    app: Flask, tells: Teller, sent: dict[str, str], flag: int
) -> None:
    tells.pays(tells.sale(), **sent)
    (sale,) = rows(app, Order)
    assert sale.buyer_payment == flag
    with app.app_context():
        unpay(sale.id, actor=SYSTEM, store_id=sale.store_id)
        db.session.commit()
    (sale,) = rows(app, Order)
    assert sale.buyer_payment == (0 if flag == 2 else flag)


def test_a_region_may_come_with_its_code(app: Flask, tells: Teller) -> None:
    home = {**PURCHASE["address"], "region": "New York", "region_code": "NY", "country": "US"}
    sale = tells.sale(address=home)
    (kept,) = rows(app, Address)
    assert (kept.region, kept.region_code) == ("New York", "NY")
    client, headers = app.test_client(), tells.token("owner")
    (told,) = client.get(f"/api/hip/sales/{sale['id']}", headers=headers).json["results"]
    place = told["ShippingAddress"]
    assert (place["state_name"], place["state_abbreviation"]) == ("New York", "NY")
    shown = client.get(f"/api/okanjo/stores/1/sales?embed=order&order_id={sale['id']}", headers=headers)
    assert shown.json[0]["order"]["shipping_state"] == "NY"


@pytest.mark.parametrize(("method", "code"), [("paypal", 2), ("PayPal", 2), ("card", 1), ("on_arrival", 3)])
def test_the_method_tells_how_it_counts(tells: Teller, method: str, code: int) -> None:
    assert tells.pays(tells.sale(), method=method).json["flag_payment"] == code


def test_a_payment_of_another_sum_is_refused_with_what_is_owed(app: Flask, tells: Teller) -> None:
    sale = tells.sale()
    short = tells.pays(sale, "12.49")
    assert (short.status_code, short.json["error"]) == (422, "This sale comes to $12.50, not $12.49.")
    assert tells.pays(sale, currency="EUR").status_code == 422
    assert rows(app, PaymentRow) == []


def test_a_payment_told_again_under_its_code_is_answered_and_not_doubled(app: Flask, tells: Teller) -> None:
    sale = tells.sale()
    assert tells.pays(sale, gateway_transaction_code="PP-1").status_code == 201
    assert tells.pays(sale, gateway_transaction_code="PP-1").status_code == 200
    assert tells.pays(sale, gateway_transaction_code="PP-2").status_code == 409
    assert tells.pays(sale).status_code == 409
    assert len(rows(app, PaymentRow)) == 1


@pytest.mark.both
def test_a_payment_for_an_absorbed_sale_names_the_heir_and_is_never_moved(app: Flask, tells: Teller) -> None:
    first, second = tells.sale(external_id="lot-1"), tells.sale(external_id="lot-2")
    answer = tells.pays(first)
    assert (answer.status_code, answer.json["heir"]) == (409, second["id"])
    assert tells.pays(first, who="owner2").status_code == 404
    assert tells.pays(first, who="buyer").status_code == 404
    assert rows(app, PaymentRow) == []


def test_the_buyer_is_told_of_the_heir_and_may_not_confirm_what_is_theirs(
    app: Flask, tells: Teller, make: Factory
) -> None:
    from app.actions.people import join_buyer
    from app.queries import people

    first = tells.sale(external_id="lot-1")
    with app.app_context():
        account = people.account_by_email("buyer@example.com")
        assert account is not None
        join_buyer(db.session.query(Buyer).one(), account)
        db.session.commit()
    assert tells.pays(first, who="buyer").status_code == 403
    second = tells.sale(external_id="lot-2")
    answer = tells.pays(first, who="buyer")
    assert (answer.status_code, answer.json["heir"]) == (409, second["id"])
    assert tells.pays({"id": 999999, "total": "1.00"}, who="buyer").status_code == 404


# --- what comes after


def test_lines_are_cancelled_by_piece_or_all_of_them(tells: Teller) -> None:
    sale = tells.sale(lines=[PURCHASE["lines"][0], {**PURCHASE["lines"][0], "title": "Another"}])
    first = sale["lines"][0]["id"]
    path = f"/orders/{sale['id']}/cancellations"
    one = tells.post(path, {"reason": "buyer", "lines": [{"id": first, "quantity": 1}]})
    assert one.status_code == 201
    assert [line["cancelled"] for line in one.json["lines"]] == [1, 0]
    rest = tells.post(path, {"reason": "sold_out"})
    assert (rest.status_code, rest.json["status"], rest.json["flag_payment"]) == (201, 6, 4)
    assert tells.post(path, {"reason": "buyer"}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reason": "whim"},
        {"reason": "buyer", "lines": [{"id": 999999, "quantity": 1}]},
        {"reason": "buyer", "lines": [{"quantity": 1}]},
        {"reason": "buyer", "lines": [7]},
        {"reason": "buyer", "lines": "all"},
        {"reason": "buyer", "lines": []},
        {"reason": "buyer", "lines": {}},
        {"reason": "buyer", "lines": [{}]},
        {"reason": "buyer", "lines": [None]},
        {"reason": "buyer", "lines": {"0": {"id": 1}}},
        {"reason": "buyer", "stock": True},
    ],
    ids=str,
)
def test_a_cancellation_that_does_not_fit_changes_nothing(tells: Teller, body: dict[str, Any]) -> None:
    sale = tells.sale()
    assert tells.post(f"/orders/{sale['id']}/cancellations", body).status_code == 400
    assert tells.pays(sale).status_code == 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"buyer": "Maja"}, "buyer"),
        ({"address": ["ul. Długa 5"]}, "address"),
        ({"discounts": {"0": {"kind": "coupon", "amount": "1.00"}}}, "discounts"),
        (changed({"options": "blue"}), "lines.0.options"),
        (changed({"options": ["blue"]}), "lines.0.options"),
        (changed({"options": {"Ink": {"colour": "blue"}}}), "lines.0.options"),
        (changed({"deal": 7}), "lines.0.deal"),
        (changed({"title": True}), "lines.0.title"),
        ({"postage_method": False}, "postage_method"),
    ],
    ids=str,
)
def test_a_value_of_another_shape_than_its_field_is_refused_by_name(
    tells: Teller, changes: dict[str, Any], field: str
) -> None:
    answer = tells.buys(**changes)
    assert (answer.status_code, answer.json["field"]) == (400, field)


def test_a_part_that_is_null_is_as_good_as_none(tells: Teller) -> None:
    assert (
        tells.buys(address=None, discounts=None, **changed({"deal": None, "options": None})).status_code
        == 201
    )


def test_money_goes_back_in_part_and_for_lines(tells: Teller) -> None:
    sale = tells.sale()
    path, line = f"/orders/{sale['id']}/refunds", sale["lines"][0]["id"]
    assert tells.post(path, {"amount": "1.00", "reason": "other"}).status_code == 400  # nothing was paid
    tells.pays(sale)
    assert tells.post(path, {"amount": "1.00", "reason": "other"}).status_code == 201
    whole = tells.post(path, {"amount": "11.50", "reason": "buyer", "lines": [{"id": line}]})
    assert (whole.status_code, whole.json["flag_payment"], whole.json["status"]) == (201, 5, 5)
    assert tells.post(path, {"amount": "0.01", "reason": "other"}).status_code == 400


def test_a_note_is_the_stores_alone_unless_it_is_said_twice(app: Flask, tells: Teller) -> None:
    path = f"/orders/{tells.sale()['id']}/notes"
    assert tells.post(path, {"body": "Pack it flat"}).json["is_private"] is True
    assert tells.post(path, {"body": "Thank you", "is_visible": True}).status_code == 400
    said = tells.post(path, {"body": "Thank you", "is_visible": True, "confirmed": True})
    assert (said.status_code, said.json["is_private"]) == (201, False)
    assert [n.body for n in rows(app, Note)] == ["Pack it flat", "Thank you"]


# --- the same request again


@pytest.mark.both
def test_the_same_request_under_its_key_is_done_once_and_answered_alike(app: Flask, tells: Teller) -> None:
    first, again = tells.buys(key="a"), tells.buys(key="a")
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert len(rows(app, Order)) == 1


def test_what_was_done_is_answered_alike_although_it_could_not_be_done_now(tells: Teller) -> None:
    sale = tells.sale()
    path = f"/orders/{sale['id']}/cancellations"
    first = tells.post(path, {"reason": "buyer"}, key="c")
    assert tells.post(path, {"reason": "buyer"}, key="c").data == first.data


@pytest.mark.parametrize("key", [None, "", " ", "a b", "é", "x" * 256])
def test_a_request_without_a_key_that_can_be_kept_is_refused(tells: Teller, key: str | None) -> None:
    if key == "":
        answer = tells.post("/stores/papershop/purchases", PURCHASE, key=None, **{"Idempotency-Key": ""})
    else:
        answer = tells.buys(key=key)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json["error"]


def test_a_key_that_came_with_another_request_is_refused(tells: Teller) -> None:
    sale = tells.sale(key="a")
    assert tells.buys(key="a", external_id="lot-772").status_code == 422
    assert tells.pays(sale, key="a").status_code == 422


def test_keys_of_two_people_are_strangers(tells: Teller) -> None:
    assert tells.buys(key="a").status_code == 201
    assert tells.buys(key="a", who="staff", external_id="lot-772").status_code == 201


def test_what_was_refused_may_come_again_mended_under_its_key(tells: Teller) -> None:
    assert tells.buys(key="a", currency="dollars").status_code == 400
    assert tells.buys(key="a").status_code == 201


def test_while_the_first_is_at_work_the_second_is_told_so_and_takes_over_what_was_cut_off(
    app: Flask, tells: Teller
) -> None:
    from datetime import timedelta

    from app.actions.idempotency import LOST_AFTER

    done = tells.buys(key="a")
    with app.app_context():
        row = db.session.query(Idempotency).one()
        row.status, row.answer = None, ""
        db.session.commit()
    running = tells.buys(key="a")
    assert (running.status_code, running.headers["Retry-After"]) == (409, "2")
    with app.app_context():
        row = db.session.query(Idempotency).one()
        row.claimed_at -= LOST_AFTER + timedelta(seconds=1)
        db.session.commit()
    again = tells.buys(key="a")
    assert (again.status_code, again.json["id"]) == (200, done.json["id"])


def test_two_buyers_with_long_addresses_that_begin_alike_are_two(tells: Teller) -> None:
    long = "m" * 300
    first, second = (
        tells.sale(external_id=f"lot-{n}", buyer={"email": f"{long}@{n}.com"}) for n in ("a", "b")
    )
    assert second["combined_sales_ids"] == [] and first["id"] != second["id"]
