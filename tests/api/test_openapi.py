"""The OpenAPI document: valid, complete, of the forms and presenters themselves, and for everybody.

That answers are as it says is held by `witness`, in all tests of the APIs and of the seeds.
"""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.api import DESCRIBED, MOUNT
from app.api.hip.asked import LARGEST_LIMIT
from app.api.okanjo import described as okanjo_described
from app.api.okanjo.item import ITEM
from app.api.okanjo.objects import EMBEDS
from app.api.openapi.described import Call
from app.api.openapi.document import PLACE, document
from app.api.openapi.places import MADE, OWN
from app.api.weebly import described as weebly_described
from app.api.weebly.items import ITEM as WEEBLY_ITEM
from app.forms.purchases import MOST_LINES
from app.forms.sales import LONGEST_TRACKING
from app.statuses import SETTABLE
from app.web.headers import POLICY


@pytest.fixture
def told(client: FlaskClient) -> dict[str, Any]:
    """The document as a program gets it."""
    answer = client.get("/api/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    return dict(answer.json or {})


def parameters(told: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the parameters of a GET by name."""
    return {one["name"]: one for one in told["paths"][path]["get"]["parameters"]}


def test_it_is_valid_openapi_3_1(told: dict[str, Any]) -> None:
    assert told["openapi"] == "3.1.0"
    assert [str(error) for error in OpenAPIV31SpecValidator(told).iter_errors()] == []


def test_it_tells_of_every_call_that_is_mounted_and_of_no_other(app: Flask, told: dict[str, Any]) -> None:
    mounted = {
        (PLACE.sub(r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(f"{MOUNT}/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {
        (path, method) for path, of in told["paths"].items() for method in of if method != "parameters"
    } == mounted


def test_every_operation_has_a_name_of_its_own_and_words(told: dict[str, Any]) -> None:
    operations = [of[method] for of in told["paths"].values() for method in of if method != "parameters"]
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all(one["summary"] for one in operations)
    named = {ref for one in operations for ref in one["tags"]}
    assert named == {tag["name"] for tag in told["tags"] if tag["description"]}


def test_a_call_that_is_not_described_and_a_description_without_a_call_are_found(app: Flask) -> None:
    intake = DESCRIBED["intake"]
    fewer = {name: call for name, call in intake.calls.items() if name != "notes"}
    more = {**intake.calls, "nowhere": Call({200: {}})}
    with app.test_request_context():
        with pytest.raises(KeyError, match="notes"):
            document(app, {**DESCRIBED, "intake": intake._replace(calls=fewer)}, base="/")
        with pytest.raises(ValueError, match="nowhere"):
            document(app, {**DESCRIBED, "intake": intake._replace(calls=more)}, base="/")


def test_parameters_are_those_of_the_forms(told: dict[str, Any]) -> None:
    hip = parameters(told, "/api/hip/stores/{slug}/sales/paid")
    assert set(hip) == {
        "limit",
        "page",
        "created_time_from",
        "created_time_to",
        "gateway_transaction_code",
        "sort",
    }
    assert hip["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT}
    assert hip["sort"]["schema"]["enum"] == ["created_desc", "created_asc"]
    sales = parameters(told, "/api/okanjo/stores/{store}/sales")
    assert sales["!status"]["schema"]["items"]["enum"] == list(range(12))
    assert sales["embed"]["schema"]["items"]["enum"] == list(EMBEDS)
    assert parameters(told, "/api/hip/stores/{slug}/listings/closed")["show"]["required"] is True


def test_bodies_are_those_of_the_forms(told: dict[str, Any]) -> None:
    move = told["paths"]["/api/okanjo/stores/{store}/sales/{item}"]["put"]["requestBody"]["content"]
    assert set(move) == {"application/json", "application/x-www-form-urlencoded"}
    of_json = move["application/json"]["schema"]["properties"]
    assert set(of_json) == {"tracking_carrier", "tracking_number", "status", "product_deal_vendor_ack"}
    assert of_json["tracking_number"]["anyOf"][0]["maxLength"] == LONGEST_TRACKING
    assert of_json["status"]["anyOf"][0]["enum"] == sorted(SETTABLE)
    purchase = told["paths"]["/api/intake/stores/{slug}/purchases"]["post"]
    (media,) = purchase["requestBody"]["content"].values()
    assert media["schema"]["required"] == ["currency", "lines"]
    lines = media["schema"]["properties"]["lines"]
    assert (lines["minItems"], lines["maxItems"]) == (1, MOST_LINES)
    assert lines["items"]["required"] == ["title", "quantity", "price"]
    (key,) = purchase["parameters"]
    assert (key["name"], key["in"], key["required"]) == ("Idempotency-Key", "header", True)


def test_the_kinds_of_fields_stand_for_the_fields_of_the_presenters() -> None:
    assert okanjo_described.ITEM.keys() == ITEM.keys()
    assert {name: list(of) for name, of in okanjo_described.OBJECTS.items()} == {
        name: list(embed.table) for name, embed in EMBEDS.items()
    }
    assert list(weebly_described.ITEM) == list(WEEBLY_ITEM)


def test_each_dialect_names_its_ways_to_sign_in_its_errors_and_headers(told: dict[str, Any]) -> None:
    for path, of in told["paths"].items():
        dialect = path.split("/")[2].replace("site", "site_api")
        for operation in (of[method] for method in of if method != "parameters"):
            if dialect not in DESCRIBED:
                assert "security" not in operation
                continue
            assert operation["security"][0] == {"bearer": []}
            assert {"400", "401", "403", "404", "429", "503"} <= operation["responses"].keys()
    assert "X-COLLECTION-COUNT" in told["paths"]["/api/okanjo/orders"]["get"]["responses"]["200"]["headers"]
    weebly = told["paths"]["/api/weebly/v1/user/sites/{site}/store/orders"]["get"]
    assert {"Link", "X-Resultset-Total", "X-RateLimit-Remaining"} <= weebly["responses"]["200"][
        "headers"
    ].keys()
    assert "Retry-After" in told["components"]["responses"]["Hip429"]["headers"]


def test_it_is_for_everybody_and_made_once(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client.get("/api/openapi.json")
    assert "Set-Cookie" not in first.headers
    made = app.extensions[MADE][1]
    kept = dict(made)
    assert client.get("/api/openapi.json").data == first.data
    assert {base: id(of) for base, of in made.items()} == {base: id(of) for base, of in kept.items()}
    monkeypatch.setitem(app.config, "BASE_URL", "https://desk.example/shop/")
    assert client.get("/api/openapi.json").json["servers"] == [{"url": "https://desk.example/shop"}]  # type: ignore[index]


def test_it_names_no_store_and_no_person(told: dict[str, Any]) -> None:
    text = str(told)
    assert not any(name in text for name in ("papershop", "example.com", "Maja"))


def test_the_page_stands_without_a_script_and_has_a_line_for_each_call(
    client: FlaskClient, told: dict[str, Any]
) -> None:
    page = client.get("/api/docs")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert all(f"<code>{path}</code>" in page.text for path in told["paths"])
    assert OWN.title in page.text


def test_the_page_has_the_policy_of_all_pages_and_no_script_or_style_inside(client: FlaskClient) -> None:
    page = client.get("/api/docs")
    assert page.headers["Content-Security-Policy"] == POLICY
    assert "<script>" not in page.text and "style=" not in page.text
