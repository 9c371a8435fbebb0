"""What site admins see: every store, and each of them as its owner sees it."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import db
from app.models import Store
from tests.factories import Factory
from tests.web.pages import Browser, listed, words

Browse = Callable[[str], Browser]


def test_every_store_is_listed_with_its_people_and_its_work(make: Factory, browse: Browse) -> None:
    make.sale()
    make.sale(paid=None)
    make.sale(store="othershop")
    said = words(browse("site_admin").get("/site").text)
    assert "3 stores." in said
    assert "Paper Shop papershop Owner owner , Staff staff , Vendor vendor 2 1 USD Open" in said
    assert "Other Shop othershop Owner2 owner 1 1 USD Open" in said
    assert "Vendor Shop vendorshop" in said and "Redeems deals" in said


@pytest.mark.parametrize("who", ["owner", "staff", "vendor", "buyer", "stranger"])
def test_nobody_else_sees_the_site(browse: Browse, who: str) -> None:
    browser = browse(who)
    assert browser.get("/site").status_code == 403
    assert 'href="/site"' not in browser.get("/purchases").text


def test_signed_out_one_is_sent_to_sign_in(client: FlaskClient) -> None:
    assert client.get("/site").location == "/login?next=/site"


def test_a_site_admin_opens_any_store(make: Factory, browse: Browse) -> None:
    order_id = make.sale(store="othershop")
    admin = browse("site_admin")
    page = admin.get("/stores/othershop/sales").text
    assert listed(page) == [order_id]
    assert "Other Shop" in words(page)
    assert admin.get(f"/stores/othershop/sales/{order_id}").status_code == 200


def test_what_a_site_admin_does_is_written_down_as_such(make: Factory, browse: Browse) -> None:
    order_id = make.sale(store="othershop", paid=None)
    browse("site_admin").post(f"/stores/othershop/sales/{order_id}/paid", {"payment": "1"})
    said = words(browse("owner2").get(f"/stores/othershop/sales/{order_id}").text)
    assert "Site admin, as site admin confirmed the payment" in said


def test_a_closed_store_is_shown_as_closed_and_opens_to_site_admins_alone(
    app: Flask, make: Factory, browse: Browse
) -> None:
    make.sale()
    with app.app_context():
        db.session.query(Store).filter_by(slug="papershop").one().is_active = False
        db.session.commit()
    admin = browse("site_admin")
    assert "Closed" in words(admin.get("/site").text)
    assert admin.get("/stores/papershop/sales").status_code == 200
    owner = browse("owner")
    assert owner.get("/stores/papershop/sales").status_code == 404
    assert "Paper Shop" not in words(owner.get("/purchases").text)


def test_a_site_admin_who_is_taken_the_right_is_out_at_the_next_request(app: Flask, browse: Browse) -> None:
    from app.queries import people

    admin = browse("site_admin")
    with app.app_context():
        account = people.account_by_email("site_admin@example.com")
        assert account is not None
        account.is_site_admin = False
        db.session.commit()
    assert admin.get("/site").status_code == 403
    assert admin.get("/stores/papershop/sales").status_code == 404


def test_a_store_that_is_not_there_is_not_found(browse: Browse) -> None:
    assert browse("site_admin").get("/stores/nowhere/sales").status_code == 404
