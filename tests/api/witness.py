"""Holds every answer of the APIs against the document: its status, its value key by key, its headers.

And every good answer's request: what was taken must be told of, else a call is described by another form than
it reads.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import jsonschema_rs
from flask import Flask, Response, request, request_finished

from app.api.openapi.document import PLACE
from app.api.openapi.places import _made

# What a dialect's answers carry beside what all of the desk's do.
TOLD = {"link", "www-authenticate", "retry-after", "idempotency-replayed", "x-collection-count"}
BEGIN = ("x-ratelimit-", "x-resultset-")


@contextmanager
def watched() -> Iterator[None]:
    """Watch all answers under /api within the block; what is not as the document says fails at its end."""
    faults: list[str] = []

    def look(sender: Flask, response: Response, **_: Any) -> None:
        if request.url_rule is not None and request.path.startswith("/api/"):
            faults.extend(f"{request.method} {request.full_path}: {x}" for x in wrong(response))

    request_finished.connect(look)
    try:
        yield
    finally:
        request_finished.disconnect(look)
    assert faults == []


def wrong(response: Response) -> Iterator[str]:
    """Yield what is not as the document says, of the present request and its answer."""
    found, text = _made()
    operation = found["paths"][PLACE.sub(r"{\1}", str(request.url_rule))].get(request.method.lower())
    if operation is None:  # HEAD and OPTIONS are Flask's
        return
    told = operation["responses"].get(str(response.status_code))
    if told is None:
        yield f"{response.status_code} is not told of"
        return
    if "$ref" in told:
        told = found["components"]["responses"][told["$ref"].rpartition("/")[2]]
    media = told["content"].get(response.mimetype)
    if media is None:
        yield f"{response.mimetype} is not told of"
    elif response.mimetype == "application/json":
        value = json.loads(response.get_data())
        for error in validator(text, json.dumps(media["schema"])).iter_errors(value):
            yield f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
    carried = {name.lower() for name, _ in response.headers}
    carried = {name for name in carried if name in TOLD or name.startswith(BEGIN)}
    if unnamed := carried - {name.lower() for name in told.get("headers", ())}:
        yield f"headers that are not told of: {sorted(unnamed)}"
    if response.status_code < 300:
        yield from _taken(found, operation)


def _taken(found: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    """Yield what was taken and is not told of."""
    named = {x["name"] for x in operation.get("parameters", ())}
    schemes = found["components"]["securitySchemes"]
    named |= {schemes[name].get("name") for way in operation.get("security", ()) for name in way}
    if unnamed := set(request.args) - named:
        yield f"parameters that are not told of: {sorted(unnamed)}"
    media = operation.get("requestBody", {}).get("content", {}).get(request.mimetype)
    if request.mimetype == "application/json" and media:
        unnamed = set(json.loads(request.get_data())) - set(media["schema"]["properties"])
        if unnamed:
            yield f"names in the body that are not told of: {sorted(unnamed)}"


@cache
def validator(document: str, schema: str) -> Any:
    """Return what judges a value by a schema of the document."""
    return jsonschema_rs.Draft202012Validator(
        {**json.loads(schema), "components": json.loads(document)["components"]}
    )
