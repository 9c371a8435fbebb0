"""Asking for a page: in process by the WSGI call alone, and over HTTP on one connection kept open."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.test import EnvironBuilder

LOOPBACK = "127.0.0.1"
LONGEST = 60.0  # seconds that a call may take


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class Ask(NamedTuple):
    """What is sent."""

    address: str
    headers: dict[str, str] = {}
    method: str = "GET"
    body: bytes = b""


Call = Callable[[], Any]


class Wrong(Exception):
    """An answer is not the one that was to be measured."""


def in_process(app: Flask, ask: Ask) -> Callable[[], Answer]:
    """Return the WSGI call alone: the environ is built once, the answer is read to its end.

    What has a body can be called once.
    """
    headers, origin = ask.headers.items(), f"http://{LOOPBACK}/"
    builder = EnvironBuilder(ask.address, origin, method=ask.method, headers=headers, data=ask.body or None)
    environ = builder.get_environ()
    builder.close()

    began: list[str] = []

    def start(status: str, *_: object) -> Any:
        began.append(status)

    def call() -> Answer:
        # What the app keeps of a request it keeps in the environ: each call gets its own.
        body: Any = app.wsgi_app(dict(environ), start)
        try:
            read = b"".join(body)
        finally:
            body.close()
        return Answer(int(began.pop()[:3]), read)

    return call


@contextmanager
def over_http(port: int) -> Iterator[Callable[[Ask], Answer]]:
    """Give what asks a server on this machine, on one connection that is kept open."""
    connection = HTTPConnection(LOOPBACK, port, timeout=LONGEST)

    def call(ask: Ask) -> Answer:
        connection.request(ask.method, ask.address, ask.body or None, ask.headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())

    try:
        yield call
    finally:
        connection.close()
