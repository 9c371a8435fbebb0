"""Calls the Weebly dialect as one of the cast, in both spellings of its paths."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.actions.people import public_id_of, signing_secret
from app.db import db
from app.queries import people

KEY, HASH, TOKEN = "X-Public-Key", "X-Signed-Request-Hash", "X-Weebly-Access-Token"
MOUNT = "/api/weebly"


class WeeblyCaller:
    """A program with tokens of the whole cast; `who=None` signs in by nothing."""

    def __init__(self, app: Flask, token: Callable[..., dict[str, str]]) -> None:
        self.app, self.client, self._token = app, app.test_client(), token
        self._secrets: dict[str, str] = {}
        with app.app_context():
            self.stores = {place.slug: place.id for place in people.all_stores()}
            self.owners = {slug: people.owners_of(store_id)[0] for slug, store_id in self.stores.items()}
            db.session.remove()

    def secret(self, who: str) -> str:
        """Return the token of one of the cast, always the same one."""
        if who not in self._secrets:
            self._secrets[who] = self._token(who)["Authorization"].removeprefix("Bearer ")
        return self._secrets[who]

    def headers(self, who: str | None) -> dict[str, str]:
        """Return the header by which Platform signs in."""
        return {} if who is None else {TOKEN: self.secret(who)}

    def platform(self, *steps: object, store: str | int = "papershop") -> str:
        """Return Platform's path of a store's orders, and of what stands below them."""
        site = self.stores.get(str(store), store)
        return "/".join(map(str, (f"{MOUNT}/v1/user/sites", site, "store/orders", *steps)))

    def cloud(self, *steps: object, store: str | int = "papershop", user: object = None) -> str:
        """Return Cloud's path of the same; the user is the store's owner where none is named."""
        user = self.owners[str(store)] if user is None else user
        site = self.stores.get(str(store), store)
        words = ["item" if step == "items" else step for step in steps]
        return "/".join(map(str, (f"{MOUNT}/user/{user}/site/{site}/store/order", *words)))

    def get(
        self, *steps: object, query: Any = None, who: str | None = "owner", store: str | int = "papershop"
    ) -> TestResponse:
        """GET a path of Platform's."""
        return self.client.get(
            self.platform(*steps, store=store), query_string=query, headers=self.headers(who)
        )

    def told(self, *steps: object, query: Any = None, **where: Any) -> Any:
        """Return what must be answered."""
        answer = self.get(*steps, query=query, **where)
        assert answer.status_code == 200, answer.text
        assert answer.mimetype == "application/json"
        return answer.json

    def sign(self, who: str, path: str, body: bytes = b"", method: str = "GET") -> dict[str, str]:
        """Return the headers by which Cloud signs a request, as its official clients make them."""
        public_id = public_id_of(self.secret(who))
        secret = signing_secret(self.app.config["SECRET_KEY"], public_id)
        return {KEY: public_id, HASH: signed(secret, path.removeprefix(f"{MOUNT}/"), body, method)}


def signed(secret: str, path: str, body: bytes = b"", method: str = "GET") -> str:
    """Return Weebly's signature of a request: base64 of the hex of HMAC-SHA-256."""
    text = f"{method}\n{path}\n".encode() + body
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).hexdigest().encode()).decode()


def failed(answer: TestResponse) -> tuple[int, int]:
    """Return status and code of an error, which must have the dialect's shape."""
    assert answer.mimetype == "application/json", answer.text
    assert answer.json is not None and answer.json.keys() == {"error"}, answer.text
    assert answer.json["error"].keys() == {"code", "message"}
    assert isinstance(answer.json["error"]["message"], str)
    return answer.status_code, answer.json["error"]["code"]
