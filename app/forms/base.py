"""How the desk reads what is sent: the bodies of requests, and the form that all forms are.

Request bodies are read here and nowhere else. Fields take plain text only; JSON numbers arrive as the
digits that were sent, so that 3.0 and true are no 3.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NoReturn

from flask import current_app, request
from flask_wtf import FlaskForm
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from wtforms import FieldList, FormField

from app.errors import BadBody
from app.forms.fields import Compound, Many, MapField, Null, TickField, Truth

MOST_FIELDS = 1000
MOST_DEPTH = 8


def body() -> MultiDict[str, str]:
    """Return the request's body as names and texts, whether it was sent as a form or as JSON.

    Nested JSON becomes names joined by "-". BadBody: 400 for what cannot be read, 413 for too many
    fields, 415 for a type that is not taken.
    """
    if request.mimetype == "application/json":
        return flat(strict_json(request.get_data()))
    if request.mimetype in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        if len(request.form) > MOST_FIELDS:
            raise BadBody(f"More than {MOST_FIELDS} fields were sent.", 413)
        # Werkzeug holds multipart fields alone to this length.
        longest = current_app.config["MAX_FORM_MEMORY_SIZE"]
        if any(len(text) > longest for texts in request.form.listvalues() for text in texts):
            raise BadBody(f"A field holds at most {longest} characters.", 413)
        if request.mimetype == "multipart/form-data" and not (request.form or request.files):
            # Werkzeug says nothing of a boundary that is missing: it gives an empty form.
            raise BadBody("The body is not valid multipart/form-data.")
        return request.form
    if request.get_data():
        raise BadBody("Send a form or JSON (application/json).", 415)
    return MultiDict()


def json_body() -> MultiDict[str, str]:
    """Return a body that must be JSON as names and texts; BadBody else."""
    if request.mimetype != "application/json":
        raise BadBody("Send JSON (application/json).", 415)
    return flat(strict_json(request.get_data()))


def raw_body() -> bytes:
    """Return the bytes of the body as they came."""
    return request.get_data()


def forget_unless(name: str, is_right: Callable[[str], bool]) -> None:
    """Take a name out of query and body unless its text is right: for views of libraries, which read both."""
    if not all(is_right(text) for sent in (request.args, request.form) for text in sent.getlist(name)):
        request.args = _without(name, request.args)
        request.form = _without(name, request.form)


def forget(names: Collection[str]) -> None:
    """Take names out of the query, for whatever reads it later."""
    for name in names:
        request.args = _without(name, request.args)


def _without(name: str, sent: MultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    """Return what was sent but for this name."""
    return ImmutableMultiDict((key, text) for key, text in sent.items(multi=True) if key != name)


def strict_json(raw: bytes) -> Any:
    """Return the JSON value of UTF-8 bytes, numbers as their text; BadBody for anything doubtful."""
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text, parse_int=str, parse_float=str, parse_constant=_no_constant, object_pairs_hook=_no_doubles
        )
    except (UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise BadBody("The body is not valid JSON in UTF-8.") from error
    return value


def _no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity."""
    raise BadBody(f"{name} is not a JSON number.")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object; BadBody where a name stands in it twice."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadBody(f"“{name[:64]}” is sent twice.")
        found[name] = value
    return found


def flat(value: Any) -> MultiDict[str, str]:
    """Return a JSON object as names and texts; BadBody unless it is one."""
    if not isinstance(value, dict):
        raise BadBody("The body must be a JSON object.")
    found: MultiDict[str, str] = MultiDict()
    for n, (name, text) in enumerate(_flat(value, "", 1)):
        if n >= MOST_FIELDS * 10:
            raise BadBody("Too many fields were sent.", 413)
        found.add(name, text)
    return found


def _flat(value: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of everything inside a JSON value."""
    if depth > MOST_DEPTH:
        raise BadBody("The body is nested too deeply.")
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        if depth > 1:
            yield name, Compound() if isinstance(value, dict) else Many()
        for key, inner in pairs:
            yield from _flat(inner, f"{name}-{key}" if depth > 1 else str(key), depth + 1)
    elif value is None:
        yield name, Null()
    elif isinstance(value, bool):
        yield name, Truth("true" if value else "false")
    else:
        yield name, value


class Form(FlaskForm):
    """The base of all forms. CSRF is checked once for the whole desk, not by each form."""

    class Meta:
        """FlaskForm's switches."""

        csrf = False

    def __init__(self, sent: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        self.was_sent = sent if isinstance(sent, MultiDict) else MultiDict(sent or {})
        super().__init__(None if sent is None else self.was_sent, **kwargs)

    def sent(self) -> dict[str, Any]:
        """Return the values of those fields that came and are not empty."""
        return {field.name: field.data for field in self if field.raw_data and field.data is not None}

    def strangers(self) -> list[str]:
        """Return the names that were sent and that no field has, and those that were sent twice."""
        known, open_ended = _names(self)
        return [
            name
            for name in self.was_sent
            if not (name in known or name.startswith(open_ended)) or len(self.was_sent.getlist(name)) > 1
        ]

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge every field, and refuse one value, or a list, where an object's fields belong."""
        return bool(super().validate(extra_validators)) and not self.misshapen()

    def misshapen(self) -> list[tuple[str, str]]:
        """Return (name, message) of what came in another shape than that of its parts."""
        kinds = dict(_shapes(self))
        return [
            (name, "Send a list of objects here." if kinds[name] is Many else "Send an object here.")
            for name, text in self.was_sent.items()
            if name in kinds and type(text) not in {kinds[name], Null}
        ]

    def own_names(self) -> Collection[str]:
        """Return the names that a form reads though no field has them."""
        return ()

    def too_much(self) -> str:
        """Say what no browser sends of a page's form: a name that it does not read, or that came twice.

        Or what ticks and hidden fields cannot hold: pages have no place for it beside them. "" for nothing.
        """
        known = {"csrf_token", *self.own_names()}
        for name in self.strangers():
            if name not in known or len(self.was_sent.getlist(name)) > 1:
                return f"“{name[:64]}” is no field of this form, or came twice."
        unseen = (field for field in self if isinstance(field, TickField) or field.name == "version")
        return next((str(said) for field in unseen for said in field.process_errors), "")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield (name, message) of all that is wrong, however deep; the name is empty for the whole."""
        yield from self.misshapen()
        yield from _faults(self)
        yield from (("", str(text)) for text in self.form_errors)

    def first_fault(self) -> tuple[str, str]:
        """Return (field name, message) of the first thing that is wrong."""
        return next(self.faults(), ("", ""))


class StrictForm(Form):
    """A form that refuses, as a fault of its own, what no browser sends of it (`too_much`)."""

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge every field; what is no field of this form is refused."""
        is_valid, too_much = super().validate(extra_validators), self.too_much()
        if too_much:
            self.form_errors.append(too_much)
        return is_valid and not too_much


def _faults(form: Any) -> Iterator[tuple[str, str]]:
    """Yield (name, message) of the fields of a form and of the forms inside it."""
    for field in form:
        if isinstance(field, FormField):
            yield from _faults(field.form)
            continue
        if isinstance(field, FieldList):
            for entry in field.entries:
                yield from _faults(entry.form)
        yield from ((field.name, text) for text in field.errors if isinstance(text, str))


def _shapes(form: Any) -> Iterator[tuple[str, type[Compound]]]:
    """Yield (name, what JSON sends there) of all that has parts of its own, however deep."""
    for field in form:
        inner = [field] if isinstance(field, FormField) else []
        if isinstance(field, FieldList):
            yield field.name, Many
            inner = [entry for entry in field.entries if isinstance(entry, FormField)]
        elif isinstance(field, MapField):
            yield field.name, Compound
        for part in inner:
            yield part.name, Compound
            yield from _shapes(part.form)


def _names(form: Any) -> tuple[set[str], tuple[str, ...]]:
    """Return the names of all fields of a form, however deep, and how the names begin that senders choose."""
    known, open_ended = set(), []
    for field in form:
        known.add(field.name)
        if isinstance(field, MapField):
            open_ended.append(field.name + "-")
        inner = [field.form] if isinstance(field, FormField) else []
        if isinstance(field, FieldList):
            known.update(entry.name for entry in field.entries)
            inner = [entry.form for entry in field.entries if isinstance(entry, FormField)]
        for part in inner:
            names, begin = _names(part)
            known |= names
            open_ended += begin
    return known, tuple(open_ended)
