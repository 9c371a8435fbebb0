"""Calls the Okanjo dialect as one of the cast."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.db import db
from app.queries import people
from tests.conftest import email_of

BOTH = ("read:store-orders", "write:store-orders")


class Caller:
    """A program with tokens of the whole cast; `who=None` sends none."""

    def __init__(self, app: Flask, token: Callable[..., dict[str, str]]) -> None:
        self.app, self.client, self._token = app, app.test_client(), token
        self._headers: dict[str | None, dict[str, str]] = {None: {}}
        self._stores: dict[Any, Any] = {}

    def headers(self, who: str | None) -> dict[str, str]:
        """Return the Authorization header of one of the cast, always the same one."""
        if who not in self._headers:
            self._headers[who] = self._token(who)
        return self._headers[who]

    def path(self, store: str | int = "papershop", item: object = None) -> str:
        """Return the seed's path for a store (its slug, or what stands there) and an item."""
        if not self._stores:
            with self.app.app_context():
                self._stores = {place.slug: place.id for place in people.all_stores()}
                db.session.remove()
        store = self._stores.get(store, store)
        return f"/api/okanjo/stores/{store}/sales" + ("" if item is None else f"/{item}")

    def sales(
        self, query: Any = None, *, who: str | None = "owner", store: str | int = "papershop"
    ) -> TestResponse:
        """GET /stores/{store_id}/sales."""
        return self.client.get(self.path(store), query_string=query, headers=self.headers(who))

    def ids(self, query: Any = None, **where: Any) -> list[int]:
        """Return the ids of a list that must be answered, and check that the header counts them."""
        answer = self.sales(query, **where)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json]

    def one(
        self, item: object, query: Any = None, *, who: str | None = "owner", store: str | int = "papershop"
    ) -> TestResponse:
        """GET /stores/{store_id}/sales/{item_id}."""
        return self.client.get(self.path(store, item), query_string=query, headers=self.headers(who))

    def shown(self, item: object, query: Any = None, **where: Any) -> dict[str, Any]:
        """Return an item that must be answered."""
        answer = self.one(item, query, **where)
        assert answer.status_code == 200, answer.text
        return answer.json

    def put(
        self, item: object, *, who: str | None = "owner", store: str | int = "papershop", **fields: Any
    ) -> TestResponse:
        """PUT /stores/{store_id}/sales/{item_id} as a form."""
        return self.client.put(self.path(store, item), data=fields, headers=self.headers(who))

    def put_json(
        self, item: object, value: Any, *, who: str | None = "owner", store: str | int = "papershop"
    ) -> TestResponse:
        """PUT the same with a JSON body: a value, or bytes as they are."""
        headers = self.headers(who)
        if isinstance(value, bytes):
            return self.client.put(
                self.path(store, item), data=value, content_type="application/json", headers=headers
            )
        return self.client.put(self.path(store, item), json=value, headers=headers)

    def get(self, path: str, query: Any = None, *, who: str | None = "buyer") -> TestResponse:
        """GET any path of the dialect."""
        return self.client.get(f"/api/okanjo{path}", query_string=query, headers=self.headers(who))

    def answered(self, path: str, query: Any = None, *, who: str | None = "buyer") -> Any:
        """Return what any path must answer."""
        answer = self.get(path, query, who=who)
        assert answer.status_code == 200, answer.text
        return answer.json

    def send(self, path: str, *, who: str | None = "buyer", **fields: Any) -> TestResponse:
        """PUT any path of the dialect as a form."""
        return self.client.put(f"/api/okanjo{path}", data=fields, headers=self.headers(who))

    def user(self, who: str) -> int:
        """Return the account of one of the cast."""
        with self.app.app_context():
            account = people.account_by_email(email_of(who))
            assert account is not None
            db.session.remove()
            return account.id


def told(answer: TestResponse) -> tuple[int, str]:
    """Return status and sentence of an error, which must have the dialect's shape."""
    assert answer.mimetype == "application/json", answer.text
    assert answer.json is not None and answer.json.keys() == {"type", "description"}, answer.text
    assert answer.json["type"] == "error"
    return answer.status_code, answer.json["description"]


def is_success(answer: TestResponse) -> bool:
    """Tell whether an answer is the generic success object."""
    return answer.status_code == 200 and answer.json == {"type": "success"}
