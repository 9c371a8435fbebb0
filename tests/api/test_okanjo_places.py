"""Whose is it, and is there such a thing: paths, ids, methods (law 3, Okanjo's row)."""

import json

import pytest
from flask import Flask
from sqlalchemy import text

from app.db import db
from app.models import Store
from tests.api.caller import Caller, told
from tests.factories import DEAL, GOODS, Factory

NO_RIGHT = (403, "Insufficient privileges for this operation.")
NO_SALE = (404, "Sale item not found.")
NO_ITEM = (404, "Order item not found.")

# No second name for an id that exists: {0} stands for the right one.
NO_IDS = (
    "0",
    "-1",
    "+{0}",
    "{0}.0",
    "1e0",
    "0x1",
    "0{0}",
    "%20{0}",
    "{0}%20",
    "{0}%0A",
    "１",
    "١",
    "null",
    "9223372036854775808",
    "18446744073709551617",
    "1" * 40,
    "9" * 3000,
    "{0},{0}",
    "papershop",
    "..%5C1",
    "{0};",
    "{0}%00",
)


def test_a_foreign_store_and_one_that_is_not_answer_alike(app: Flask, okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS, store="othershop")
    with app.app_context():
        db.session.add(Store(slug="closed", name="Closed", is_active=False))
        db.session.commit()
    for store in ("othershop", "closed", 999, "9" * 19, "papershop2", "null"):
        assert told(okanjo.sales(store=store)) == NO_RIGHT
        assert told(okanjo.one(item, store=store)) == NO_SALE
        assert told(okanjo.put(item, store=store, status=3)) == NO_RIGHT
        assert told(okanjo.put(item, store=store, status="abc")) == NO_RIGHT
        assert told(okanjo.put("abc", store=store)) == NO_RIGHT


def test_an_absent_item_and_another_stores_answer_alike(okanjo: Caller, make: Factory) -> None:
    mine, foreign = make.item(GOODS), make.item(GOODS, store="othershop")
    for item in (foreign, foreign + 100, 2**63 - 1):
        assert told(okanjo.one(item)) == NO_SALE
        assert told(okanjo.put(item, status=3)) == NO_ITEM
        assert told(okanjo.put(item, status="abc")) == NO_ITEM
    assert told(okanjo.one(mine, store="vendorshop")) == NO_SALE
    assert told(okanjo.put(mine, store="vendorshop", status=3)) == NO_ITEM


def test_a_text_that_is_no_id_is_no_item(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    for pattern in NO_IDS:
        path = pattern.format(item)
        assert told(okanjo.one(path)) == NO_SALE, path
        assert told(okanjo.put(path, status=3)) == NO_ITEM, path
    assert okanjo.shown(item)["status"] == 2


def test_a_text_that_is_no_id_is_a_foreign_store(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    right = okanjo.path().split("/")[-2]
    for pattern in NO_IDS:
        store = pattern.format(right) if pattern != "papershop" else "Papershop"
        assert told(okanjo.sales(store=store)) == NO_RIGHT, store
        assert told(okanjo.one(item, store=store)) == NO_SALE, store
        assert told(okanjo.put(item, store=store, status=3)) == NO_RIGHT, store


def test_a_vendor_sees_deals_alone(okanjo: Caller, make: Factory) -> None:
    for store in ("papershop", "vendorshop"):
        goods, deal = make.items_of(make.sale(GOODS, DEAL, store=store))
        answer = okanjo.sales(who="vendor", store=store)
        assert [item["id"] for item in answer.json] == [deal]
        assert answer.headers["X-COLLECTION-COUNT"] == "1"
        assert okanjo.ids({"id": f"{goods},{deal}"}, who="vendor", store=store) == [deal]
        assert okanjo.sales({"id": goods}, who="vendor", store=store).headers["X-COLLECTION-COUNT"] == "0"
        assert told(okanjo.one(goods, who="vendor", store=store)) == NO_RIGHT
        assert okanjo.shown(deal, who="vendor", store=store)["id"] == deal


def test_a_site_admin_sees_and_moves_what_an_owner_may(okanjo: Caller, make: Factory) -> None:
    for store in ("papershop", "othershop"):
        item = make.item(GOODS, store=store)
        assert okanjo.ids(who="site_admin", store=store) == [item]
        assert okanjo.put(item, who="site_admin", store=store, status=3).status_code == 200
    assert told(okanjo.sales(who="site_admin", store=999)) == NO_RIGHT


@pytest.mark.parametrize("method", ["PATCH", "POST", "DELETE", "TRACE", "FOO"])
def test_other_methods_are_not_allowed(okanjo: Caller, make: Factory, method: str) -> None:
    item = make.item(GOODS)
    for path, allowed in (
        (okanjo.path(), {"GET", "HEAD", "OPTIONS"}),
        (okanjo.path(item=item), {"GET", "HEAD", "OPTIONS", "PUT"}),
    ):
        answer = okanjo.client.open(path, method=method, headers=okanjo.headers("owner"))
        assert told(answer)[0] == 405
        assert set(answer.headers["Allow"].split(", ")) == allowed
    assert okanjo.shown(item)["status"] == 2


def test_a_list_cannot_be_put(okanjo: Caller) -> None:
    assert told(okanjo.client.put(okanjo.path(), headers=okanjo.headers("owner")))[0] == 405


def test_a_header_that_names_another_method_is_not_looked_at(okanjo: Caller, make: Factory) -> None:
    item = make.item(GOODS)
    answer = okanjo.client.get(
        okanjo.path(item=item), headers={**okanjo.headers("owner"), "X-HTTP-Method-Override": "PUT"}
    )
    assert answer.json["status"] == 2


def test_head_answers_as_get_without_a_body(okanjo: Caller, make: Factory) -> None:
    make.item(GOODS)
    answer = okanjo.client.head(okanjo.path(), headers=okanjo.headers("owner"))
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["X-COLLECTION-COUNT"] == "1"


def test_where_no_call_stands_the_answer_is_json_nonetheless(okanjo: Caller) -> None:
    for path in (
        "/api/okanjo",
        "/api/okanjo/nothing",
        "/api/okanjo/stores/1/sales/1/2",
        "/api/okanjo//stores/1/sales",
    ):
        assert told(okanjo.client.get(path)) == (404, "Not found.")
    for path in ("/api", "/api/", "/api/nothing", "/api/okanjos", "/api//okanjo/stores/1/sales"):
        answer = okanjo.client.get(path)
        assert (answer.status_code, answer.json) == (404, {"error": "Not Found"})


def test_a_host_that_is_not_ours_is_refused_in_json(okanjo: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(okanjo.app.config, "TRUSTED_HOSTS", ["localhost"])
    assert okanjo.sales().status_code == 200
    answer = okanjo.client.get(okanjo.path(), headers={**okanjo.headers("owner"), "Host": "evil.example"})
    assert told(answer)[0] == 400
    assert "evil" not in answer.text


def test_pages_beside_the_api_keep_their_own_errors(okanjo: Caller) -> None:
    assert okanjo.client.get("/apis").mimetype == "text/html"


def test_a_trailing_slash_is_answered_with_the_path_that_is_meant(okanjo: Caller) -> None:
    for path in (okanjo.path(), okanjo.path(item=1)):
        assert told(okanjo.client.get(f"{path}/")) == (
            404,
            f"Don’t use trailing slashes. Try instead: {path}",
        )


def test_what_nobody_foresaw_is_logged_and_tells_nothing_of_the_inside(
    app: Flask, okanjo: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    okanjo.headers("owner")
    with app.app_context():
        db.session.execute(text("ALTER TABLE api_token RENAME TO broken"))
        db.session.commit()
    capsys.readouterr()
    for answer, sentence in (
        (okanjo.sales(), "Failed to retrieve sale items."),
        (okanjo.one(1), "Failed to retrieve sale item."),
        (okanjo.put(1, status=3), "System error."),
    ):
        assert told(answer) == (500, sentence)
        assert answer.headers["Cache-Control"] == "no-store"
    written = capsys.readouterr().err
    failed = [line for line in map(json.loads, written.splitlines()) if line["event"] == "failed"]
    assert ["no such table" in line["exception"] for line in failed] == [True, True, True]
    secret = okanjo.headers("owner")["Authorization"].removeprefix("Bearer ")
    assert secret not in written
