"""The document of all calls: the routes that are mounted, each with what its dialect says of it.

Addresses, methods and first lines are those of the routes; parameters and bodies those of the forms. A route
that no dialect describes fails here, and so does a description without a route.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from flask import Flask
from werkzeug.routing import Rule

from app.api.openapi.described import Call, Described, Taken
from app.api.openapi.fields import WORDS_OF_COUNTRY, body_schema, form_schema, query_parameters
from app.api.openapi.kinds import Schema
from app.config import VERSION

OPENAPI = "3.1.0"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
SOURCE = re.compile(r" \(seed [^)]*\)")
BEARER: Schema = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token, made on the page “Tokens” of one’s account. Every API takes it so.",
}
WORDS = """\
Programs use the same desk as people do: whatever is sent here goes through the same forms and the same acts \
as on the pages, and a token may do what its person may, as far as its scopes go.

There are four APIs. Three speak as the marketplaces do whose programs they serve, to the letter; the fourth \
takes in what was bought elsewhere. Each answers in JSON, and its errors have one shape. A parameter that a \
call does not have, that came twice or is empty is refused by name, never passed over. Calls with a token \
are limited per second and per day; each answer says how many are left."""
REFUSALS = {
    400: "What was sent cannot be taken; the answer says what of it.",
    401: "No token came, or one that is none or has ended.",
    403: "The token may not do this, or the store is not its person’s.",
    404: "There is no such thing, or none that this token’s person may know of.",
    409: "The state of the sale does not allow it (any more).",
    413: "More was sent than a call can need.",
    415: "A body of this type is not taken.",
    422: "The key came with another request before, or the sum is not that of the sale.",
    429: "Too many calls with this token.",
    500: "Something went wrong on the desk’s side; nothing was changed.",
    503: "The desk cannot do this at the moment; nothing was changed unless the answer says otherwise.",
}
HEADERS = {
    "X-RateLimit-Limit": "How many calls this token has in 24 hours (or a second, where days have no limit).",
    "X-RateLimit-Remaining": "How many of these are left.",
    "Retry-After": "After how many seconds it may be asked again.",
    "WWW-Authenticate": "How to sign in.",
    "Idempotency-Replayed": "`true` where this answer was given before, under the same key.",
}
ON_REFUSAL = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",), 409: ("Retry-After",)}
RATES = ("X-RateLimit-Limit", "X-RateLimit-Remaining")
KEY_PARAMETER: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Another one for each request. The same key with the same request gets the same answer, "
    "and nothing is done twice.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
}


def document(app: Flask, dialects: Mapping[str, Described], *, base: str) -> dict[str, Any]:
    """Return the document of what is mounted; `dialects` by the name of their blueprint.

    KeyError for a route that is not described; ValueError for a description that has no route.
    """
    spec = APISpec(
        "Tradepost",
        VERSION,
        OPENAPI,
        info={"description": WORDS, "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": base}],
        tags=[{"name": of.title, "description": of.words} for of in dialects.values()],
    )
    _add_components(spec, dialects)
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in dialects]
    for rule in sorted(rules, key=lambda rule: (list(dialects).index(_names(rule)[0]), rule.rule)):
        dialect = dialects[_names(rule)[0]]
        spec.path(
            PLACE.sub(r"{\1}", rule.rule),
            operations=dict(_operations(app, rule, dialect, rules)),
            parameters=[
                {"name": name, "in": "path", "required": True, "schema": dialect.path[name]}
                for name in PLACE.findall(rule.rule)
            ],
        )
    lost = {(name, call) for name, of in dialects.items() for call in of.calls} - set(map(_names, rules))
    if lost:
        raise ValueError(f"described, and not mounted: {sorted(lost)}")
    return spec.to_dict()


def _names(rule: Rule) -> tuple[str, str]:
    """Return the names of a route's blueprint and of its view."""
    blueprint, _, view = rule.endpoint.partition(".")
    return blueprint, view


def _add_components(spec: APISpec, dialects: Mapping[str, Described]) -> None:
    """Add all that is referred to by name."""
    add = spec.components
    add.security_scheme("bearer", BEARER)
    for name, words in HEADERS.items():
        kind = "string" if name in {"WWW-Authenticate", "Idempotency-Replayed"} else "integer"
        add.header(name, {"description": words, "schema": {"type": kind}})
    for name, known in WORDS_OF_COUNTRY.items():
        add.schema(name, {"type": "string", "enum": sorted(known())})
    for of in dialects.values():
        for name, schema in of.schemas.items():
            add.schema(name, schema)
        for name, scheme in of.schemes.items():
            add.security_scheme(name, scheme)
        for name, words in of.headers.items():
            add.header(name, {"description": words, "schema": {"type": "string"}})
        for status in sorted({status for call in of.calls.values() for status in _statuses(call, of)}):
            add.response(_refusal(of, status), _refused(of, status))


def _statuses(call: Call, of: Described) -> frozenset[int]:
    """Return the statuses with which a call may be refused."""
    return frozenset((*of.refuses, *call.refuses, *((413, 415) if call.body else ())))


def _refusal(of: Described, status: int) -> str:
    """Return the name of a dialect's refusal with a status."""
    return f"{of.title}{status}"


def _refused(of: Described, status: int) -> dict[str, Any]:
    """Return what a dialect answers with the status of a refusal."""
    return {
        "description": REFUSALS[status],
        "headers": _headers((*RATES, *ON_REFUSAL.get(status, ()))),
        "content": {JSON: {"schema": of.error}},
    }


def _headers(names: Iterable[str]) -> dict[str, Any]:
    """Return headers by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _operations(
    app: Flask, rule: Rule, of: Described, rules: Iterable[Rule]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (method, operation) of a route."""
    call = of.calls[_names(rule)[1]]
    first = (app.view_functions[rule.endpoint].__doc__ or "").strip().splitlines()[0]
    said = SOURCE.sub("", first).rstrip(".")
    if rule.defaults:
        said = f"{said}: {', '.join(rule.defaults.values())}"
    for method in sorted(METHODS & (rule.methods or set())):
        operation: dict[str, Any] = {
            "operationId": _operation_id(rule, rules),
            "tags": [of.title],
            "summary": said,
            "responses": dict(_responses(call, of)),
        }
        if of.security:
            operation["security"] = [{name: [] for name in way} for way in of.security]
        if call.words:
            operation["description"] = call.words
        if parameters := _parameters(call, of):
            operation["parameters"] = parameters
        if call.body:
            operation["requestBody"] = _body(call.body)
        yield method.lower(), operation


def _operation_id(rule: Rule, rules: Iterable[Rule]) -> str:
    """Return a name for a route: its endpoint's, and what tells it from others of the same one."""
    name = rule.endpoint.replace(".", "_").rstrip("_")
    among = [other for other in rules if other.endpoint == rule.endpoint]
    if rule.defaults:
        return "_".join((name, *map(str, rule.defaults.values())))
    places = Counter(place for other in among for place in other.arguments)
    own = [place for place in PLACE.findall(rule.rule) if places[place] < len(among)]
    return "_by_".join((name, *own))


def _responses(call: Call, of: Described) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (status, response) of all that a call may answer."""
    names = (*(RATES if of.security else ()), *call.headers)
    names = (*names, "Idempotency-Replayed") if call.needs_key else names
    for status, schema in call.answers.items():
        phrase = HTTPStatus(status).phrase
        content = {call.media: {"schema": schema}}
        given = {"headers": _headers(names)} if names else {}
        yield str(status), {"description": phrase, **given, "content": content}
    for status in sorted(_statuses(call, of)):
        yield str(status), {"$ref": f"#/components/responses/{_refusal(of, status)}"}


def _parameters(call: Call, of: Described) -> list[dict[str, Any]]:
    """Return the parameters of a call beside those of its path; what signs in stands elsewhere."""
    found = [KEY_PARAMETER] if call.needs_key else []
    if call.query is None:
        return found
    keys = {scheme["name"] for scheme in of.schemes.values() if scheme.get("in") == "query"}
    return [*found, *query_parameters(call.query.form(), call.query.required, keys)]


def _body(taken: Taken) -> dict[str, Any]:
    """Return the body of a call."""
    made = {JSON: body_schema} if taken.is_json_alone else {FORM: form_schema, JSON: body_schema}
    content = {}
    for media, schema_of in made.items():
        schema = schema_of(taken.form(), taken.required)
        schema["properties"] |= taken.besides
        asked = {*schema["required"], *taken.required}
        schema["required"] = [name for name in schema["properties"] if name in asked]
        for name in taken.required:
            if schema["properties"][name].get("type") == "array":
                schema["properties"][name]["minItems"] = 1
        if taken.least:
            schema["minProperties"] = taken.least
        content[media] = {"schema": schema}
    return {"required": bool(taken.least or taken.required or taken.is_json_alone), "content": content}
