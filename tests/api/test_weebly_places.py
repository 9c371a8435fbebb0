"""Whose is it (law 3), and what is answered to paths and parameters that are wrong, at Weebly's door."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.actions.people import join
from app.actions.purchases import BuyerSaid
from app.db import db
from app.models import Account, Member, Store
from app.statuses import Role
from tests.api.weebly import TOKEN, WeeblyCaller, failed
from tests.factories import DEAL, GOODS, PICKUP, Factory

NO_USER, NO_SITE, NOT_ROUTED, INVALID = (403, 200), (403, 201), (404, 300), (400, 900)
NO_IDS = (
    "0",
    "-1",
    "+1",
    "1.0",
    "1e0",
    "0x1",
    "１",
    "١",
    "1%0A",
    "%201",
    "null",
    "01",
    "1%00",
    "9223372036854775808",
    "18446744073709551617",
    "9" * 40,
    "9" * 3000,
)


@pytest.mark.both
def test_a_foreign_site_and_one_that_is_not_answer_alike(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS, store="othershop")
    foreign, absent = weebly.stores["othershop"], 987654
    for steps in ((), ("count",), (order,), (order, "items"), (order, "items", "count"), (order, "items", 1)):
        told = [weebly.get(*steps, store=site) for site in (foreign, absent, 2**63 - 1)]
        assert {failed(answer) for answer in told} == {NO_SITE}
        assert len({answer.text for answer in told}) == 1


@pytest.mark.both
def test_a_foreign_user_and_one_that_is_not_answer_alike(weebly: WeeblyCaller) -> None:
    foreign, absent = weebly.owners["othershop"], 987654
    for site in ("papershop", "othershop", 987654):
        told = [
            weebly.client.get(weebly.cloud(store=site, user=user), headers=weebly.headers("owner"))
            for user in (foreign, absent, 2**63 - 1, "0", "null", "9" * 40)
        ]
        assert {failed(answer) for answer in told} == {NO_USER}
        assert len({answer.text for answer in told}) == 1


def test_the_user_of_a_path_owns_its_site(app: Flask, weebly: WeeblyCaller) -> None:
    owner = weebly.owners["papershop"]

    def ask(user: int, site: str, who: str) -> Any:
        return weebly.client.get(weebly.cloud(store=site, user=user), headers=weebly.headers(who))

    with app.app_context():
        known = {a.name: a.id for a in db.session.query(Account)}
    assert ask(owner, "papershop", "owner").status_code == 200
    assert ask(owner, "papershop", "staff").status_code == 200
    assert failed(ask(known["Staff"], "papershop", "staff")) == NO_SITE  # known, and no owner
    assert failed(ask(known["Staff"], "papershop", "owner")) == NO_USER
    assert failed(ask(owner, "othershop", "owner")) == NO_SITE
    assert failed(ask(owner, "papershop", "stranger")) == NO_USER
    assert failed(ask(known["Stranger"], "papershop", "stranger")) == NO_SITE
    assert ask(weebly.owners["othershop"], "othershop", "site_admin").status_code == 200
    assert failed(ask(owner, "othershop", "site_admin")) == NO_SITE
    assert failed(ask(known["Buyer"], "othershop", "site_admin")) == NO_USER


def test_a_site_of_two_owners_stands_under_either_and_names_the_first(
    app: Flask, weebly: WeeblyCaller, make: Factory
) -> None:
    make.sale(GOODS)
    first = weebly.owners["papershop"]
    with app.app_context():
        store = db.session.get_one(Store, weebly.stores["papershop"])
        second = db.session.query(Account).filter_by(email="other_buyer@example.com").one()
        join(store, second, Role.OWNER)
        db.session.commit()
        second_id = second.id
    for user in (first, second_id):
        answer = weebly.client.get(weebly.cloud(user=user), headers=weebly.headers("owner"))
        assert answer.json[0]["user_id"] == str(first)


def test_a_site_that_nobody_owns_has_no_user(app: Flask, weebly: WeeblyCaller, make: Factory) -> None:
    make.sale(GOODS)
    with app.app_context():
        db.session.query(Member).filter_by(store_id=weebly.stores["papershop"], role="owner").delete()
        db.session.commit()
    assert weebly.told(who="staff")[0]["user_id"] is None


def test_a_token_of_one_store_knows_no_user_beyond_it(
    app: Flask, weebly: WeeblyCaller, token: Callable[..., dict[str, str]]
) -> None:
    secret = token("staff", store="papershop")["Authorization"].removeprefix("Bearer ")
    with app.app_context():
        third = db.session.query(Account).filter_by(email="owner2@example.com").one()
        staff = db.session.query(Account).filter_by(email="staff@example.com").one()
        store = db.session.get_one(Store, weebly.stores["othershop"])
        join(store, staff, Role.STAFF)
        db.session.commit()
        user = third.id
    path = weebly.cloud(store="othershop", user=user)
    assert weebly.client.get(path, headers=weebly.headers("staff")).status_code == 200
    assert failed(weebly.client.get(path, headers={TOKEN: secret})) == NO_USER
    assert failed(weebly.client.get(weebly.platform(store="othershop"), headers={TOKEN: secret})) == NO_SITE
    assert weebly.client.get(weebly.cloud(), headers={TOKEN: secret}).status_code == 200


@pytest.mark.both
def test_an_absent_order_and_another_stores_answer_alike(weebly: WeeblyCaller, make: Factory) -> None:
    make.sale(GOODS)
    foreign = make.sale(GOODS, store="othershop")
    for steps in ((), ("items",), ("items", "count"), ("items", 1)):
        told = [weebly.get(order, *steps) for order in (foreign, foreign + 100, 2**63 - 1)]
        assert {failed(answer) for answer in told} == {NOT_ROUTED}
        assert len({answer.text for answer in told}) == 1


@pytest.mark.parametrize("text", NO_IDS)
def test_a_text_that_is_no_id_is_nothing_here(weebly: WeeblyCaller, make: Factory, text: str) -> None:
    order = make.sale(GOODS)
    assert order == 1
    assert failed(weebly.get(text)) == NOT_ROUTED
    assert failed(weebly.get(text, "items")) == NOT_ROUTED
    assert failed(weebly.get(order, "items", text)) == NOT_ROUTED
    assert failed(weebly.get(store=text)) in {NO_SITE, NOT_ROUTED}


@pytest.mark.both
def test_an_item_is_named_by_its_place_alone(weebly: WeeblyCaller, make: Factory) -> None:
    make.sale(GOODS)
    order = make.sale(GOODS, DEAL)
    for place in (3, make.items_of(order)[1] + 5, 2**31, 2**40, 2**63 - 1):
        assert failed(weebly.get(order, "items", place)) == NOT_ROUTED


def absorbed_and_heir(make: Factory) -> tuple[int, int]:
    """Make two purchases that become one; return the one that went and the one that lives."""
    lots = {
        "paid": None,
        "channel": "intake",
        "kind": "auction",
        "buyer": BuyerSaid("Maja", "maja", ref="maja"),
    }
    first = make.sale(GOODS, **lots)
    return first, make.sale(PICKUP, **lots)


@pytest.mark.both
def test_an_order_that_went_into_another_one_appears_nowhere(weebly: WeeblyCaller, make: Factory) -> None:
    gone, heir = absorbed_and_heir(make)
    for steps in ((), ("items",), ("items", "count"), ("items", 1)):
        assert failed(weebly.get(gone, *steps)) == NOT_ROUTED
    assert [order["order_id"] for order in weebly.told()] == [str(heir)]
    assert weebly.told(query={"filterby": "order_id", "filterfor": str(gone)}) == []
    assert weebly.told("count") == {"count": 1}
    items = weebly.told(heir, "items")
    assert len(items) == len({item["order_item_id"] for item in items}) == 2
    for item in items:
        assert weebly.told(heir, "items", item["order_item_id"])["name"] == item["name"]


def test_a_vendor_sees_deals_alone(weebly: WeeblyCaller, make: Factory) -> None:
    plain = make.sale(GOODS)
    mixed = make.sale(
        GOODS, DEAL, postage=500, tax=100, buyer_note="leave it at the door", postage_method="DHL"
    )
    make.ship(mixed, {make.items_of(mixed)[0]: 5}, number="X 1")
    assert [order["order_id"] for order in weebly.told(who="vendor")] == [str(mixed)]
    assert weebly.told(who="vendor")[0]["order_total"] == 20
    assert weebly.told("count", who="vendor") == {"count": 1}
    for steps in ((), ("items",), ("items", "count"), ("items", 1)):
        assert failed(weebly.get(plain, *steps, who="vendor")) == NO_SITE
    assert [x["order_item_id"] for x in weebly.told(mixed, "items", who="vendor")] == ["2"]
    assert weebly.told(mixed, "items", "count", who="vendor") == {"count": 1}
    assert failed(weebly.get(mixed, "items", 1, who="vendor")) == NOT_ROUTED
    whole = weebly.told(mixed, who="vendor")
    assert (whole["order_total"], whole["order_subtotal"], whole["order_shipping_total"]) == (20, 20, 0)
    assert (whole["order_notes"], whole["order_shipping_method"]) == (None, None)
    assert (whole["shipments"], whole["billings"], whole["coupons"]) == ([], [], [])
    assert len(whole["items"]) == 1


@pytest.mark.parametrize("name", ["page", "limit"])
@pytest.mark.parametrize(
    "value", ["", "abc", "1.5", "0", "-1", "+1", "[]", "१", "1 ", "01x", str(10**30), "9" * 5000]
)
def test_a_page_that_cannot_be_is_named(weebly: WeeblyCaller, make: Factory, name: str, value: str) -> None:
    order = make.sale(GOODS)
    for steps in ((), (order, "items")):
        answer = weebly.get(*steps, query={name: value})
        assert failed(answer) == INVALID
        assert name in answer.json["error"]["message"]


def test_a_limit_goes_up_to_200(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS)
    for steps in ((), (order, "items")):
        assert weebly.get(*steps, query={"limit": 200}).status_code == 200
        for limit in (201, 10**9, 2**31, 2**63):
            assert failed(weebly.get(*steps, query={"limit": limit})) == INVALID


@pytest.mark.both
def test_a_page_behind_the_last_is_empty(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS)
    for steps in ((), (order, "items")):
        for page in (2, 10**9, 2**31, 2**63 - 1):
            answer = weebly.get(*steps, query={"page": page})
            assert (answer.status_code, answer.json) == (200, [])
            assert answer.headers["X-Resultset-Total"] == "1"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("status=99", "status"),
        ("page[]=1", "page[]"),
        ("page[$gt]=0", "page[$gt]"),
        ("page=1&page=2", "page"),
        ("limit=5&limit=5", "limit"),
        ("sortby=password", "sortby"),
        ("sortby=order_date;drop", "sortby"),
        ("sortdir=up", "sortdir"),
        ("sortby=", "sortby"),
        ("filterby=order_status&filterfor=paid", "filterby"),
        ("filterby=__class__&filterfor=1", "filterby"),
        ("filterby=order_date", "filterby"),
        ("filterfor=1", "filterfor"),
        ("filterby=order_date&filterfor=", "filterfor"),
        ("filterby=order_date&filterfor=yesterday", "filterfor"),
        ("filterby=order_date&filterfor=%3C%3C1", "filterfor"),
        ("filterby=order_date&filterfor=-1", "filterfor"),
        ("filterby=order_date&filterfor=99999999999999", "filterfor"),
        ("filterby=order_id&filterfor=9223372036854775807", "filterfor"),
        ("filterby=order_id&filterfor=99999999999999999999", "filterfor"),
        ("filterby=order_id&filterfor=1,2", "filterfor"),
        ("query=a%00b", "query"),
        ("query=" + "a" * 5000, "query"),
        ("fields=order_id", "fields"),
        ("key=abc", "key"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(
    weebly: WeeblyCaller, make: Factory, query: str, name: str
) -> None:
    make.sale(GOODS)
    answer = weebly.get(query=query)
    assert failed(answer) == INVALID
    assert answer.json["error"]["message"] == f"Invalid field: {name}"


def test_calls_of_one_thing_take_no_parameter(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS)
    for steps in (("count",), (order,), (order, "items", "count"), (order, "items", 1)):
        for query in ("page=1", "limit=1", "x="):
            assert failed(weebly.get(*steps, query=query)) == INVALID
    for query in ("query=a", "sortby=order_date", "filterby=order_id&filterfor=1"):
        assert failed(weebly.get(order, "items", query=query)) == INVALID


def test_thousands_of_parameters_are_refused(weebly: WeeblyCaller) -> None:
    assert failed(weebly.get(query="&".join(f"p{n}=1" for n in range(2000)))) == INVALID
    assert failed(weebly.get(query="&".join("page=1" for n in range(2000)))) == INVALID


@pytest.mark.both
@pytest.mark.parametrize(
    "text", ["%", "_", "\\", "' OR 1=1 --", "'; DROP TABLE orders;--", "%ff", "a%", "<script>", "{{7*7}}"]
)
def test_a_query_is_taken_as_words_and_finds_nothing_else(
    weebly: WeeblyCaller, make: Factory, text: str
) -> None:
    make.sale(GOODS, external_id="outside")  # no word of it begins as one that is asked for
    answer = weebly.get(query={"query": text})
    assert (answer.status_code, answer.json) == (200, [])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_there_is_nothing_to_write(weebly: WeeblyCaller, make: Factory, method: str) -> None:
    order = make.sale(GOODS)
    for path in (weebly.platform(), weebly.platform(order), weebly.cloud(order, "items", 1)):
        answer = weebly.client.open(path, method=method, headers=weebly.headers("owner"), json={})
        assert failed(answer) == (405, 32601)
        assert "GET" in answer.headers["Allow"]


def test_where_no_call_stands_the_answer_has_the_dialects_shape(weebly: WeeblyCaller) -> None:
    for path in ("", "/", "/v1", "/v1/user", "/v1/user/sites/1/store", "/user/1/site/1", "/v1/user/sites/1/"):
        assert failed(weebly.client.get(f"/api/weebly{path}")) == NOT_ROUTED
    assert failed(weebly.client.get(f"{weebly.platform()}/", headers=weebly.headers("owner"))) == NOT_ROUTED
    doubled = weebly.platform().replace("/v1/", "//v1/")
    assert failed(weebly.client.get(doubled, headers=weebly.headers("owner"))) == NOT_ROUTED


def test_what_nobody_foresaw_tells_nothing_of_the_inside(weebly: WeeblyCaller, make: Factory) -> None:
    order = make.sale(GOODS)
    weebly.told(order, "items")
    with weebly.app.app_context():
        db.session.execute(db.text("ALTER TABLE discount RENAME TO broken"))
        db.session.commit()
    answer = weebly.get(order, "items")
    assert failed(answer) == (500, 999)
    assert answer.json["error"]["message"] == "Unknown error."


def test_a_body_that_is_too_large_is_refused(weebly: WeeblyCaller) -> None:
    path = weebly.cloud()
    body = b"x" * (2 * 1024 * 1024)
    answer = weebly.client.get(path, data=body, headers=weebly.sign("owner", path, body))
    assert failed(answer) == (413, 900)
