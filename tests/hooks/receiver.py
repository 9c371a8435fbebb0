"""What the tests of webhooks share: a program that takes messages, and what looks at what it was owed."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import select, update

from app.access import SYSTEM
from app.actions.hooks import Happening
from app.actions.webhooks import Wanted, add_webhook
from app.db import db
from app.models import Outbox
from app.postman import hooks
from app.queries.webhooks import address_of
from app.signing import secret_text, webhook_secret

ALL = tuple(kind.value for kind in Happening)


class Got(NamedTuple):
    """A message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        """What stands in it."""
        return json.loads(self.body)

    @property
    def id(self) -> str:
        """Its id."""
        return self.headers["webhook-id"]


class Receiver(ThreadingHTTPServer):
    """A program that takes messages; it may be told to answer otherwise."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.empty()

    def empty(self) -> None:
        """Begin anew."""
        self.got: list[Got] = []
        self.answers: list[bytes] = []  # whole answers, for the next requests
        self.before: Callable[[], Any] = lambda: None  # called before it answers

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/hooks?shop=7"

    @property
    def types(self) -> list[str]:
        """What the messages tell of."""
        return [got.said["type"] for got in self.got]

    def handle_error(self, *_: Any) -> None:
        """Say nothing where the desk hung up."""


class Handler(BaseHTTPRequestHandler):
    """Takes one message."""

    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(
            Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        )
        self.server.before()
        answer = self.server.answers.pop(0) if self.server.answers else b"HTTP/1.1 204 No Content\r\n\r\n"
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve(receiver: Receiver) -> threading.Thread:
    """Let a receiver listen."""
    thread = threading.Thread(target=receiver.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    return thread


def hook(url: str, *events: str, is_for_all: bool = False, store_id: int = 1) -> int:
    """Add a webhook to a store (of all happenings where none is named); return its id."""
    wanted = Wanted(events or ALL, is_for_all)
    added = add_webhook(url, wanted, secrets.token_hex(16), actor=SYSTEM, store_id=store_id)
    db.session.commit()
    return added.id


def go_round() -> None:
    """Let the postman of webhooks go round, as the worker does."""
    db.session.rollback()
    hooks.go_round()


def rows() -> list[Outbox]:
    """Return the messages of the outbox."""
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Outbox).where(Outbox.webhook_id.is_not(None)).order_by(Outbox.id)))


def owed(order_id: int | None = None) -> list[str]:
    """Return what is owed to webhooks, of one order where one is named."""
    return [
        row.kind
        for row in rows()
        if row.state == "due" and order_id in {None, row.payload["body"]["data"].get("order_id")}
    ]


def states() -> list[tuple[str, str]]:
    """Return (kind, state) of all messages."""
    return [(row.kind, row.state) for row in rows()]


def change(**values: Any) -> None:
    """Change all messages of the outbox, behind everybody's back."""
    db.session.execute(update(Outbox).where(Outbox.webhook_id.is_not(None)).values(**values))
    db.session.commit()


def is_signed(got: Got, app: Flask, webhook_id: int, number: int = 0) -> bool:
    """Tell whether a message is signed by the rule's own words, reckoned here from the secret as it is shown.

    `number`: by which of the webhook's secrets.

    Standard Webhooks: base64 of HMAC-SHA256 over "id.timestamp.payload", the key being the base64 behind
    "whsec_".
    """
    found = address_of(webhook_id)
    assert found is not None
    text = secret_text(webhook_secret(app.config["SECRET_KEY"], found.store_id, found.public_id, number))
    key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    signed = b".".join([got.id.encode(), got.headers["webhook-timestamp"].encode(), got.body])
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    return len(key) == 32 and expected in got.headers["webhook-signature"].encode().split(b" ")
