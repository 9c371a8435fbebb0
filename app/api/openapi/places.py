"""Where the document stands: as JSON for programs, as a page for people."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flask import Blueprint, Flask, Response, current_app, render_template, request

from app.api.openapi.described import Call, Described
from app.api.openapi.document import document

MADE = "openapi"

blueprint = Blueprint("openapi", __name__)
OWN = Described(
    "This document",
    "What is told here, for programs and for people. No token is needed.",
    {
        "whole": Call({200: {"type": "object", "description": "An OpenAPI document."}}),
        "page": Call({200: {"type": "string"}}, media="text/html"),
    },
)


class Line(NamedTuple):
    """A call as the page without script tells of it."""

    method: str
    path: str
    summary: str


def init_app(app: Flask, mount: str, dialects: Mapping[str, Described]) -> None:
    """Put the document of these dialects under a mount."""
    app.extensions[MADE] = ({**dialects, blueprint.name: OWN}, {})
    app.register_blueprint(blueprint, url_prefix=mount)


@blueprint.get("/openapi.json")
def whole() -> Response:
    """Answer this document."""
    return Response(_made()[1], mimetype="application/json")


@blueprint.get("/docs")
def page() -> str:
    """Answer the page on which the document is read, and its calls are tried."""
    return render_template("api/docs.html", calls=_by_tag(_made()[0]))


def _made() -> tuple[dict[str, Any], str]:
    """Return the document and its text, made once a process for each address that the desk goes by."""
    dialects, made = current_app.extensions[MADE]
    base = str(current_app.config["BASE_URL"]).rstrip("/") or request.root_path or "/"
    if base not in made:
        found = document(current_app, dialects, base=base)
        made[base] = found, json.dumps(found, separators=(",", ":"))
    return made[base]  # type: ignore[no-any-return]


def _by_tag(found: dict[str, Any]) -> list[tuple[str, list[Line]]]:
    """Return all calls, those of each API by themselves."""
    lines = list(_lines(found))
    return [(tag["name"], [line for of, line in lines if of == tag["name"]]) for tag in found["tags"]]


def _lines(found: dict[str, Any]) -> Iterator[tuple[str, Line]]:
    """Yield (name of the API, call) of all calls."""
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield operation["tags"][0], Line(method.upper(), path, operation["summary"])
