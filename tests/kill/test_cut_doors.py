"""Requests that write, cut off at each statement behind their door: refused and nothing kept, or done.

What is sent again under its key afterwards is done once, whatever became of the first try.
"""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.db import db
from tests.conftest import csrf_token
from tests.factories import GOODS, Factory
from tests.kill.test_cuts import Blade, Cut, differing, full, locked, name_of, nothing, rows

FAULTS = (nothing, full, locked)
# What is noted beside a request, in transactions of their own.
BESIDE = {"idempotency", "api_token", "signin"}

PURCHASE = {
    "external_id": "lot-2",
    "kind": "auction",
    "currency": "USD",
    "buyer": {"email": "maja@example.com"},
    "address": {
        "name": "Maja",
        "street": "ul. Długa 5",
        "city": "Poznań",
        "postal_code": "61-001",
        "country": "PL",
    },
    "lines": [{"title": "Stamp", "quantity": 2, "price": "5.00", "delivery": "physical", "postage": "2.00"}],
}


class Doors:
    """Who sends requests, each the same one as often as it is asked."""

    def __init__(self, app: Flask, bearer: dict[str, str], browser: FlaskClient) -> None:
        self.app, self.make, self.bearer, self.browser = app, Factory(app), bearer, browser
        self.program = app.test_client()
        self.csrf = csrf_token(browser.get("/purchases").text)
        self.program.get("/api/okanjo/stores/1/sales", headers=bearer)  # from now on nobody notes its use

    def told(self, path: str, body: dict[str, Any]) -> Callable[[], TestResponse]:
        headers = {**self.bearer, "Idempotency-Key": "k-1"}
        return lambda: self.program.post(f"/api/intake{path}", json=body, headers=headers)

    def form(self, order_id: int, path: str, **sent: str) -> Callable[[], TestResponse]:
        body = {"csrf_token": self.csrf, **{k.replace("_no_", "-"): v for k, v in sent.items()}}
        return lambda: self.browser.post(f"/stores/papershop/sales/{order_id}{path}", data=body)

    def sale(self, **how: Any) -> tuple[int, int]:
        order_id = self.make.sale(GOODS, **how)
        return order_id, self.make.items_of(order_id)[0]


def a_purchase_that_combines(doors: Doors) -> Callable[[], TestResponse]:
    first = {**PURCHASE, "external_id": "lot-1"}
    headers = {**doors.bearer, "Idempotency-Key": "k-0"}
    answer = doors.program.post("/api/intake/stores/papershop/purchases", json=first, headers=headers)
    assert answer.status_code == 201, answer.text
    return doors.told("/stores/papershop/purchases", PURCHASE)


def a_payment(doors: Doors) -> Callable[[], TestResponse]:
    order_id, _ = doors.sale(paid=None)
    return doors.told(
        f"/orders/{order_id}/payments", {"amount": "22.50", "currency": "USD", "method": "card"}
    )


def a_cancellation(doors: Doors) -> Callable[[], TestResponse]:
    order_id, _ = doors.sale()
    return doors.told(f"/orders/{order_id}/cancellations", {"reason": "buyer"})


def a_refund(doors: Doors) -> Callable[[], TestResponse]:
    order_id, _ = doors.sale()
    return doors.told(f"/orders/{order_id}/refunds", {"amount": "1.00", "reason": "other"})


def a_note(doors: Doors) -> Callable[[], TestResponse]:
    order_id, _ = doors.sale()
    return doors.told(f"/orders/{order_id}/notes", {"body": "Hello"})


def a_put_of_okanjo(doors: Doors) -> Callable[[], TestResponse]:
    _, item_id = doors.sale()
    path = f"/api/okanjo/stores/1/sales/{item_id}"
    return lambda: doors.program.put(path, data={"status": "3"}, headers=doors.bearer)


def the_form_that_ships(doors: Doors) -> Callable[[], TestResponse]:
    order_id, item_id = doors.sale()
    return doors.form(order_id, "/ship", **{f"pieces_no_{item_id}": "5", "no_number": "1"})


def the_form_that_cancels(doors: Doors) -> Callable[[], TestResponse]:
    order_id, item_id = doors.sale()
    return doors.form(order_id, "/cancel", **{f"pieces_no_{item_id}": "2", "reason": "buyer"})


SENT = (
    a_purchase_that_combines,
    a_payment,
    a_cancellation,
    a_refund,
    a_note,
    a_put_of_okanjo,
    the_form_that_ships,
    the_form_that_cancels,
)


@pytest.mark.parametrize("sent", SENT, ids=name_of)
def test_a_request_that_is_cut_off_anywhere_is_refused_and_nothing_of_it_is_kept(
    app: Flask,
    sent: Callable[[Doors], Callable[[], TestResponse]],
    token: Callable[..., dict[str, str]],
    sign_in: Callable[[str], FlaskClient],
) -> None:
    request = sent(Doors(app, token("owner"), sign_in("owner")))
    before = rows(app)
    with app.app_context():
        engine = db.engine
    n, is_done = 0, False
    while not is_done:
        n += 1
        fault = FAULTS[n % len(FAULTS)]
        with Blade(n, fault).on(engine) as blade:
            try:
                status = request().status_code
            except Cut:
                status = 500
        is_done = blade.steps < n
        if is_done:
            assert status in {200, 201, 303}, (n, status)
        else:
            assert status == (500 if fault is nothing else 503), (n, name_of(fault), status)
            assert differing(before, rows(app)).keys() <= BESIDE, (n, name_of(fault))
    assert n > 5
    after = rows(app)
    assert differing(before, after).keys() - BESIDE
    if "idempotency" in differing(before, after):
        assert request().headers["Idempotency-Replayed"] == "true"
        assert differing(after, rows(app)) == {}
