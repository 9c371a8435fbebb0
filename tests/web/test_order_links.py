"""Links by a shop's own order id: its people come to the sale, its buyer to the purchase, others nowhere."""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.actions.purchases import BuyerSaid
from app.db import db
from app.models import Member, Store
from tests.factories import AUCTION, DEAL, GOODS, Factory
from tests.web.pages import Browser

Browse = Callable[[str], Browser]
AT = "/stores/papershop/orders/desk"
STRANGE = (
    "lot-771",
    "a/b",
    "a/b/c/",
    "/a",
    "a//b",
    "a b",
    " a ",
    "..",
    "../../site",
    "a?b=c&d#e",
    "100%",
    "%2F",
    "ÄÖ — 注文 🧾",
    "x" * 255,
    "';--",
    "<script>",
    "+",
)


def sale_with(make: Factory, outside_id: str, **told: object) -> int:
    """Make a sale that has this id outside, bought by the cast's buyer."""
    return make.sale(external_id=outside_id, account="buyer", **told)  # type: ignore[arg-type]


def by_query(browser: Browser, outside_id: str, at: str = AT) -> TestResponse:
    """Follow the link whose query holds the id."""
    return browser.get(f"{at}?id={quote(outside_id, safe='')}")


@pytest.mark.both
def test_members_come_to_the_sale_and_the_buyer_to_the_purchase(make: Factory, browse: Browse) -> None:
    order = sale_with(make, "lot-771")
    for path in (f"{AT}/lot-771", f"{AT}?id=lot-771", f"{AT.replace('papershop', 'PaperShop')}/lot-771"):
        for who in ("owner", "staff", "site_admin"):
            answer = browse(who).get(path)
            assert answer.status_code == 303
            assert answer.location.lower() == f"/stores/papershop/sales/{order}"
            assert browse(who).get(answer.location).status_code == 200
        answer = browse("buyer").get(path)
        assert (answer.status_code, answer.location) == (303, f"/purchases/{order}")


@pytest.mark.both
def test_an_id_may_hold_any_signs(make: Factory, browse: Browse) -> None:
    owner = browse("owner")
    for outside_id in STRANGE:
        sale = f"/stores/papershop/sales/{make.sale(external_id=outside_id)}"
        assert by_query(owner, outside_id).location == sale, outside_id
        if not outside_id.startswith(("/", "..")):  # such a path would be another one
            assert owner.get(f"{AT}/{quote(outside_id, safe='/')}").location == sale, outside_id


def evened(answer: TestResponse) -> tuple[int, str]:
    """Return status and page, but for tokens and ids of requests."""
    return answer.status_code, re.sub(r'(csrf_token" value="|X-CSRFToken": ")[^"]*', r"\1", answer.text)


def test_everybody_else_is_told_the_same_whether_it_is_there_or_not(
    app: Flask, make: Factory, browse: Browse
) -> None:
    sale_with(make, "there")
    make.sale(DEAL, external_id="deal")
    for who in ("stranger", "other_buyer", "owner2", "vendor"):
        told = {evened(browse(who).get(f"{AT}/{which}")) for which in ("there", "absent")}
        told.add(evened(browse(who).get("/stores/nowhere/orders/desk/there")))
        assert len(told) == 1, who
        assert told.pop()[0] == 404
    assert browse("vendor").get(f"{AT}/deal").status_code == 303  # a deal is the vendor's to see
    absent = evened(browse("owner").get(f"{AT}/absent"))
    for path in (
        f"{AT}x/there",
        f"{AT.replace('desk', 'etsy')}/there",
        f"{AT.replace('desk', 'DESK')}/there",
    ):
        assert evened(browse("owner").get(path)) == absent
    assert evened(browse("owner").get("/stores/othershop/orders/desk/there")) == absent


@pytest.mark.both
def test_an_id_that_no_sale_can_have_is_not_there(make: Factory, browse: Browse) -> None:
    sale_with(make, "a")
    for outside_id in ("", "x" * 256, "x" * 5000, "\0", "a\0b", "\ud800"):
        sent = quote(outside_id.encode("utf-8", "surrogatepass"), safe="")
        for who in ("owner", "buyer"):
            assert browse(who).get(f"{AT}?id={sent}").status_code == 404
            assert browse(who).get(f"{AT}/{sent}").status_code == 404


def test_an_id_that_is_missing_or_comes_twice_is_not_there(make: Factory, browse: Browse) -> None:
    sale_with(make, "a")
    for query in ("", "?id=a&id=a", "?ID=a", "?x=1"):
        assert browse("owner").get(f"{AT}{query}").status_code == 404


def test_who_is_signed_out_comes_there_by_the_sign_in(app: Flask, make: Factory, client: FlaskClient) -> None:
    sale_with(make, "a/b c")
    for path in (f"{AT}/a/b%20c", f"{AT}?id=a/b%20c", f"{AT}/absent", f"{AT}"):
        answer = client.get(path)
        assert answer.status_code == 303
        assert answer.location.startswith("/login?next=/stores/papershop/orders/desk")


def test_what_was_combined_leads_to_the_heir(app: Flask, make: Factory, browse: Browse) -> None:
    told = {
        "channel": "intake",
        "buyer": BuyerSaid("Maja", "maja", ref="maja"),
        "kind": "auction",
        "paid": None,
    }
    old = make.sale(AUCTION, external_id="one", account="buyer", **told)
    new = make.sale(AUCTION, external_id="two", **told)
    at = AT.replace("desk", "intake")
    for who, heir in (("owner", f"/stores/papershop/sales/{new}"), ("buyer", f"/purchases/{new}")):
        first = browse(who).get(f"{at}/one")
        assert first.status_code == 303
        assert first.location.endswith(f"/{old}")
        assert browse(who).get(first.location).location == heir
        assert browse(who).get(f"{at}/two").location == heir


def test_a_buyer_who_also_works_there_sees_the_sale(app: Flask, make: Factory, browse: Browse) -> None:
    order = sale_with(make, "a")
    with app.app_context():
        db.session.add(Member(store_id=1, account_id=6, role="staff", rights=[]))
        db.session.commit()
    assert browse("buyer").get(f"{AT}/a").location == f"/stores/papershop/sales/{order}"
    with app.app_context():  # its store is shut to its people, and what was bought stays
        db.session.get_one(Store, 1).is_active = False
        db.session.commit()
    assert browse("buyer").get(f"{AT}/a").location == f"/purchases/{order}"
    assert browse("owner").get(f"{AT}/a").status_code == 404


def test_of_two_channels_the_named_one_is_meant(make: Factory, browse: Browse) -> None:
    here, there = make.sale(GOODS, external_id="7"), make.sale(GOODS, external_id="7", channel="intake")
    assert browse("owner").get(f"{AT}/7").location.endswith(f"/{here}")
    assert browse("owner").get(f"{AT.replace('desk', 'intake')}/7").location.endswith(f"/{there}")
