"""Calls the Hip dialect as one of the cast."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

ENVELOPE = ["count", "type", "results", "params"]


class HipCaller:
    """A program with tokens of the whole cast; `who=None` sends none."""

    def __init__(self, app: Flask, token: Callable[..., dict[str, str]]) -> None:
        self.app, self.client, self._token = app, app.test_client(), token
        self._headers: dict[str | None, dict[str, str]] = {None: {}}

    def headers(self, who: str | None) -> dict[str, str]:
        """Return the Authorization header of one of the cast, always the same one."""
        if who not in self._headers:
            self._headers[who] = self._token(who)
        return self._headers[who]

    def key(self, who: str = "owner") -> str:
        """Return the bare key of one of the cast."""
        return self.headers(who)["Authorization"].removeprefix("Bearer ")

    def get(self, path: str, query: Any = None, *, who: str | None = "owner") -> TestResponse:
        """GET a path behind /api/hip."""
        return self.client.get(f"/api/hip{path}", query_string=query, headers=self.headers(who))

    def listed(
        self, which: str = "all", query: Any = None, *, who: str | None = "owner", store: str = "papershop"
    ) -> TestResponse:
        """GET /stores/:username/sales/<which>."""
        return self.get(f"/stores/{store}/sales/{which}", query, who=who)

    def ids(self, which: str = "all", query: Any = None, **where: Any) -> list[int]:
        """Return the ids of a list of sales that must be answered."""
        return ids_of(self.listed(which, query, **where))

    def bought(self, query: Any = None, *, who: str = "buyer") -> list[int]:
        """Return the ids of GET /sales, which must be answered."""
        return ids_of(self.get("/sales", query, who=who))

    def sale(self, order: object, *, who: str | None = "owner") -> dict[str, Any]:
        """Return the one Sale of GET /sales/:id, which must be answered."""
        return the_one(self.get(f"/sales/{order}", who=who))

    def put(
        self, order: object, *, who: str | None = "owner", store: str | None = "papershop", **sent: Any
    ) -> TestResponse:
        """PUT a sale: the seller's in a store, the buyer's where `store` is None; `sent` is the request's."""
        path = f"/sales/{order}" if store is None else f"/stores/{store}/sales/{order}"
        return self.client.put(f"/api/hip{path}", headers=self.headers(who), **sent)

    def says(self, order: object, *, who: str | None = "buyer", **sent: Any) -> TestResponse:
        """PUT /sales/:id, as its buyer."""
        return self.put(order, who=who, store=None, **sent)


def envelope(answer: TestResponse, kind: str = "sale") -> dict[str, Any]:
    """Return an answer that must be an envelope, its keys in the seed's order."""
    assert answer.status_code == 200, answer.text
    found = answer.json
    assert found is not None and list(found) == ENVELOPE and found["type"] == kind, answer.text
    assert isinstance(found["count"], int)
    assert all(isinstance(text, str) for text in found["params"].values())
    return dict(found)


def ids_of(answer: TestResponse) -> list[int]:
    """Return the ids of an envelope's sales."""
    return [int(sale["id"]) for sale in envelope(answer)["results"]]


def the_one(answer: TestResponse) -> dict[str, Any]:
    """Return an envelope's one result."""
    found = envelope(answer)
    assert found["count"] == 1
    (sale,) = found["results"]
    return dict(sale)


def failure(answer: TestResponse) -> tuple[int, str]:
    """Return status and sentence of an error, which must have the dialect's shape."""
    assert answer.mimetype == "application/json", answer.text
    assert answer.json is not None and answer.json.keys() == {"error"}, answer.text
    return answer.status_code, answer.json["error"]
