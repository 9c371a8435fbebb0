"""How programs sign in at the Hip dialect: Bearer, X-ApiKey, api_key; and that a key is never told again."""

import logging
from collections.abc import Callable

import pytest

from tests.api.hip_caller import HipCaller, envelope, failure
from tests.factories import Factory

READ, WRITE = "read:store-orders", "write:store-orders"
NEEDS_KEY = (401, "An API key is required: send it as X-ApiKey or as a Bearer token.")
BAD_KEY = (401, "Invalid or expired API key.")
NO_RIGHT = (403, "Insufficient privileges for this operation.")
LIST = "/api/hip/stores/papershop/sales/all"


def test_a_key_is_taken_from_the_header_the_query_and_as_bearer(hip: HipCaller) -> None:
    key = hip.key()
    for sent in (
        {"headers": {"Authorization": f"Bearer {key}"}},
        {"headers": {"X-ApiKey": key}},
        {"headers": {"x-apikey": key}},
        {"query_string": {"api_key": key}},
    ):
        assert envelope(hip.client.get(LIST, **sent))["count"] == 0


def test_without_a_key_the_answer_names_the_ways(hip: HipCaller) -> None:
    answer = hip.client.get(LIST)
    assert failure(answer) == NEEDS_KEY
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("name", ["X-ApiKey", "api_key"])
def test_what_is_no_key_is_refused(hip: HipCaller, name: str) -> None:
    key = hip.key()
    for text in (
        "",
        " ",
        "null",
        key + "x",
        key[:-1],
        key.upper(),
        f"Bearer {key}",
        f"{key},{key}",
        "a" * 7000,
    ):
        sent = {"headers": {name: text}} if name == "X-ApiKey" else {"query_string": {name: text}}
        assert failure(hip.client.get(LIST, **sent)) == BAD_KEY, text


def test_one_key_in_one_way(hip: HipCaller) -> None:
    key = hip.key()
    for headers, query in (
        ([("X-ApiKey", key), ("Authorization", f"Bearer {key}")], ""),
        ([("X-ApiKey", key)], f"api_key={key}"),
        ([("Authorization", "Bearer")], f"api_key={key}"),
        ([], f"api_key={key}&api_key={key}"),
        ([("X-ApiKey", key), ("X-ApiKey", key)], ""),
    ):
        assert failure(hip.client.get(f"{LIST}?{query}", headers=headers)) == BAD_KEY


def test_other_names_are_no_way_to_sign_in(hip: HipCaller) -> None:
    key = hip.key()
    for name in ("user_token", "key", "access_token", "apikey", "API_KEY"):
        assert failure(hip.client.get(LIST, query_string={name: key})) == NEEDS_KEY
    for name in ("X-Api-Key", "x-weebly-access-token", "Api-Key"):
        assert failure(hip.client.get(LIST, headers={name: key})) == NEEDS_KEY


def test_other_dialects_take_no_key_of_hips_ways(hip: HipCaller) -> None:
    key = hip.key()
    address = "/api/okanjo/stores/1/sales"
    assert hip.client.get(address, headers={"X-ApiKey": key}).status_code == 401
    assert hip.client.get(address, query_string={"api_key": key}).status_code == 401


def test_a_key_stands_in_no_answer_and_no_log(
    hip: HipCaller, make: Factory, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    order, key = make.sale(), hip.key()
    caplog.set_level(logging.DEBUG)
    query = {"api_key": key}
    calls = (
        ("GET", LIST, {}, 200),
        ("GET", LIST, {"limit": "x"}, 400),
        ("GET", LIST, {"colour": "red"}, 400),
        ("GET", "/api/hip/sales", {}, 200),
        ("GET", f"/api/hip/sales/{order}", {}, 200),
        ("GET", "/api/hip/sales/999999", {}, 404),
        ("GET", "/api/hip/stores/othershop/sales/all", {}, 403),
        ("GET", "/api/hip/nowhere", {}, 404),
        ("GET", "/api/hip/stores/papershop/listings/closed", {"show": "sold"}, 200),
    )
    for method, address, beside, status in calls:
        answer = hip.client.open(address, method=method, query_string=query | beside)
        assert answer.status_code == status
        assert key not in answer.text + str(answer.headers)
        answer.close()
    put = f"/api/hip/stores/papershop/sales/{order}"
    for body, status in (({"flag_shipping": 1}, 200), ({"flag_shipping": 9}, 400), ({}, 400)):
        answer = hip.client.put(put, query_string=query, json=body)
        assert answer.status_code == status
        assert key not in answer.text
        answer.close()
    assert "api_key" not in envelope(hip.client.get(LIST, query_string=query))["params"]
    written = "".join(capsys.readouterr())
    assert written.count('"path": "/api/hip/') == len(calls) + 3
    assert key not in written + caplog.text


def test_a_put_takes_a_key_in_its_query_and_nothing_else(hip: HipCaller, make: Factory) -> None:
    order = make.sale()
    path = f"/api/hip/stores/papershop/sales/{order}"
    query = {"api_key": hip.key(), "flag_shipping": "1"}
    assert failure(hip.client.put(path, query_string=query))[1].startswith("flag_shipping: ")
    answer = hip.client.put(
        path, data={"api_key": hip.key(), "flag_shipping": "1"}, headers=hip.headers("owner")
    )
    assert failure(answer)[1].startswith("api_key: ")


def test_a_key_needs_the_scope_of_what_it_asks(
    hip: HipCaller, make: Factory, token: Callable[..., dict[str, str]]
) -> None:
    order = make.sale(account="buyer", paid=None)
    sellers = {
        "list": ("GET", "/stores/papershop/sales/all", {}),
        "one": ("GET", f"/sales/{order}", {}),
        "sold": ("GET", "/stores/papershop/listings/closed?show=sold", {}),
        "put": ("PUT", f"/stores/papershop/sales/{order}", {"flag_payment": "1"}),
    }
    buyers = {
        "list": ("GET", "/sales", {}),
        "one": ("GET", f"/sales/{order}", {}),
        "put": ("PUT", f"/sales/{order}", {"flag_buyer_payment": "1"}),
    }
    for who, calls in (("owner", sellers), ("buyer", buyers)):
        for scopes, may in (((), set()), ((READ,), calls.keys() - {"put"}), ((WRITE,), {"put"})):
            headers = token(who, scopes=scopes)
            for name, (method, path, body) in calls.items():
                answer = hip.client.open(f"/api/hip{path}", method=method, data=body, headers=headers)
                if name in may:
                    assert answer.status_code == 200, (who, scopes, name)
                else:
                    assert failure(answer) == NO_RIGHT, (who, scopes, name)


def test_a_key_of_one_store_opens_no_other(
    hip: HipCaller, make: Factory, token: Callable[..., dict[str, str]]
) -> None:
    order = make.sale(store="vendorshop")
    headers = token("owner", store="papershop")
    for path in ("/stores/vendorshop/sales/all", "/stores/vendorshop/listings/closed?show=sold"):
        assert failure(hip.client.get(f"/api/hip{path}", headers=headers)) == NO_RIGHT
    assert failure(hip.client.get(f"/api/hip/sales/{order}", headers=headers))[0] == 404
    path = f"/api/hip/stores/vendorshop/sales/{order}"
    assert failure(hip.client.put(path, json={"flag_shipping": 1}, headers=headers)) == NO_RIGHT


def test_a_key_of_one_store_tells_its_person_what_they_bought_there(
    hip: HipCaller, make: Factory, token: Callable[..., dict[str, str]]
) -> None:
    here = make.sale(account="buyer")
    there = make.sale(store="othershop", account="buyer")
    headers = token("buyer", store="papershop")
    found = envelope(hip.client.get("/api/hip/sales", headers=headers))
    assert [sale["id"] for sale in found["results"]] == [str(here)]
    assert hip.client.get(f"/api/hip/sales/{here}", headers=headers).status_code == 200
    assert failure(hip.client.get(f"/api/hip/sales/{there}", headers=headers)) == (404, "Not found.")
    put = hip.client.put(f"/api/hip/sales/{there}", json={"flag_buyer_payment": 1}, headers=headers)
    assert failure(put) == (404, "Not found.")
