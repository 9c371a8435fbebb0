"""What the dialects share: JSON answers, times as text, the judging of what was sent, and failures.

A dialect is a blueprint that knows how its own errors look. No select, status rule or right stands here.
"""

import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.exceptions import NotFound as NoSuchPath

from app import logs
from app.api import rates
from app.db import db
from app.errors import ForeignStore, NotFound, Refused, TooManyCalls, Unavailable
from app.forms.base import Form, body, json_body
from app.forms.fields import read_id
from app.standing import refusal_of

# The largest body that a call of the seeds can need is some kilobytes; pages take files, these do not.
LARGEST_BODY = 1024 * 1024
LONGEST_NAME = 64  # of what a sender wrote, so much is told back
KEPT_HEADERS = ("Allow", "Retry-After")

AnyForm = TypeVar("AnyForm", bound=Form)


class BadField(Refused):
    """What was sent under a name cannot be taken; `said` is what the field says of it."""

    def __init__(self, name: str, said: str = "", *, is_too_long: bool = False) -> None:
        name = name[:LONGEST_NAME]
        super().__init__(f"Invalid field: {name}", name)
        self.name, self.said, self.is_too_long = name, said, is_too_long


class Dialect(Blueprint):
    """A dialect's blueprint; `fault` gives the status and the JSON value of each of its failures."""

    def __init__(
        self, name: str, import_name: str, *, fault: Callable[[Exception], tuple[int, object]]
    ) -> None:
        super().__init__(name, import_name)
        self.fault = fault
        self.before_request(_take_little)
        self.after_request(rates.tell)
        self.register_error_handler(Exception, self.fail)
        for code in default_exceptions:  # by code too: pages may have an error page for one
            self.register_error_handler(code, self.fail)

    def fail(self, error: Exception) -> Response:
        """Undo what was begun and answer in the dialect's words; log what nobody foresaw."""
        error = refusal_of(error, method=request.method) or error
        db.session.rollback()
        status, value = self.fault(error)
        logs.note(reason=type(error).__name__)
        if status == 500:
            logs.failed(error)
        response = keep_headers(answer(value, status), error)
        if status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response


def plain_fault(error: Exception) -> tuple[int, object]:
    """Return the status and the error object of a failure in our own words, with the field that is meant."""
    match error:
        case BadField():
            said = error.said or "There is no field of this name here, or it came twice."
            return 400, {"error": said, "field": error.name.replace("-", ".")}
        case NotFound() | NoSuchPath():
            return 404, {"error": NotFound.sentence}
        case Refused():
            return error.status, {"error": error.sentence}
        case HTTPException(code=int(code)) if code < 500:
            return code, {"error": type(error).description or error.name}
        case _:
            return 500, {"error": "Something went wrong on our side. Nothing was changed."}


def _take_little() -> None:
    """Take no larger body than a call can need."""
    request.max_content_length = LARGEST_BODY


def keep_headers(response: Response, error: Exception) -> Response:
    """Give an answer the headers that its status needs (405: Allow, 429 and 503: Retry-After)."""
    if isinstance(error, TooManyCalls | Unavailable):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, HTTPException):
        headers = dict(error.get_headers())
        response.headers.update({name: headers[name] for name in KEPT_HEADERS if name in headers})
    return response


def answer(value: object, status: int = 200) -> Response:
    """Return a JSON answer, names in the order they were written.

    Only ASCII leaves here: a lone surrogate that a sender named has no UTF-8.
    """
    return Response(as_json(value), status, mimetype="application/json")


def as_json(value: object) -> str:
    """Write a value as JSON; a Decimal is a number, digit for digit."""
    try:
        return json.dumps(value, separators=(",", ":"))
    except TypeError:  # a Decimal: the library knows no number that is neither int nor float
        return _written(value)


def _written(value: object) -> str:
    """Write a value that may hold a Decimal."""
    match value:
        case Decimal():
            return f"{value:f}"
        case dict():
            return f"{{{','.join(f'{json.dumps(name)}:{_written(inner)}' for name, inner in value.items())}}}"
        case list():
            return f"[{','.join(map(_written, value))}]"
        case _:
            return json.dumps(value)


def first_and_last(name: str, given: str | None, family: str | None) -> tuple[str | None, str | None]:
    """Return somebody's two names; a name in one piece parts at its last blank."""
    if given or family:
        return given, family
    first, _, last = name.rpartition(" ")
    return first, last


def utc_text(at: datetime | None) -> str | None:
    """Write an instant as the seeds do: "2014-11-06 14:39:43", in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat(" ", "seconds")[:19]


def store_id(text: str) -> int:
    """Return the store's id of a path; a text that is none is a foreign store like any other."""
    try:
        return read_id(text)
    except ValueError:
        raise ForeignStore from None


def row_id(text: str) -> int:
    """Return an id of a path; NotFound where the text is none."""
    try:
        return read_id(text)
    except ValueError:
        raise NotFound from None


def judged_query(form_class: type[AnyForm]) -> AnyForm:
    """Return the query string as a form that holds; BadField for what is wrong, unknown, empty or doubled.

    Law, "Parameters": the list is never a wider one than was asked for.
    """
    form = form_class(request.args)
    for name, text in request.args.items():
        if text == "":
            raise BadField(name)
    return judged(form)


def judged_body(form_class: type[AnyForm], *, beside: Collection[str] = ()) -> AnyForm:
    """Return the body as a form that holds; BadField for what is wrong, unknown or doubled.

    `beside` names what may stand in the query nonetheless.
    """
    _take_nothing_else(beside)
    return judged(form_class(body()))


def told() -> MultiDict[str, str]:
    """Return a body of JSON, and of nothing else, as names and texts."""
    _take_nothing_else()
    return json_body()


def _take_nothing_else(beside: Collection[str] = ()) -> None:
    """Refuse what came beside a body (BadField): these calls take nothing from the query, and no files."""
    for name in (*request.args, *request.files):
        if name not in beside:
            raise BadField(name)


def judged(form: AnyForm, besides: Collection[str] = ()) -> AnyForm:
    """Return the form; BadField for the first thing that is wrong with it.

    `besides` names what it reads that is no field of its own.
    """
    for name in form.was_sent:
        if len(form.was_sent.getlist(name)) > 1:
            raise BadField(name)
    if not form.validate():
        name, said = form.first_fault()
        is_too_long = any(getattr(field, "is_too_long", False) for field in form if field.name == name)
        raise BadField(name, said, is_too_long=is_too_long)
    for name in form.strangers():
        if name not in besides:
            raise BadField(name)
    return form
