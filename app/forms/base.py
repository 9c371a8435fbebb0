"""How the desk reads what is sent: bodies, the base form, and the fields that pages and programs share.

Request bodies are read here and nowhere else. A field takes plain text only; JSON numbers arrive as the
digits that were sent, so that 3.0 and true are no 3.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from typing import Any, NoReturn

from flask import current_app, request
from flask_wtf import FlaskForm
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from wtforms import Field, FieldList, FormField
from wtforms.validators import StopValidation
from wtforms.widgets import CheckboxInput, TextInput

from app.errors import BadBody

MOST_FIELDS = 1000
MOST_DEPTH = 8
LARGEST_ID = 2**63 - 1
ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
LINE_BREAK = re.compile(r"[\r\n\t\x85\u2028\u2029]")


class Null(str):
    """JSON's null where text is expected: as good as absent for most fields."""


class Compound(str):
    """A JSON list or object where text is expected: wrong for every plain field."""


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


def forget_unless(name: str, is_right: Callable[[str], bool]) -> None:
    """Take a name out of query and body unless its text is right: for views of libraries, which read both."""
    if not all(is_right(text) for sent in (request.args, request.form) for text in sent.getlist(name)):
        request.args = _without(name, request.args)
        request.form = _without(name, request.form)


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
        if name:
            yield name, Compound()
        for key, inner in pairs:
            yield from _flat(inner, f"{name}-{key}" if name else str(key), depth + 1)
    elif value is None:
        yield name, Null()
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
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
        known = {field.name for field in self}
        return [
            name
            for name in self.was_sent
            if not _is_known(name, self, known) or len(self.was_sent.getlist(name)) > 1
        ]

    def first_fault(self) -> tuple[str, str]:
        """Return (field name, message) of the first thing that is wrong."""
        for field in self:
            if field.errors:
                return field.name, _first_text(field.errors)
        return "", str(self.form_errors[0]) if self.form_errors else ""


def _first_text(errors: Any) -> str:
    """Return the first message among a field's errors, however deep it lies."""
    while not isinstance(errors, str):
        errors = next(iter(errors.values() if isinstance(errors, dict) else errors))
    return str(errors)


def _is_known(name: str, form: Any, known: set[str]) -> bool:
    """Tell whether a sent name belongs to a field, or to a field inside it."""
    if name in known:
        return True
    for field in form:
        if isinstance(field, FormField) and name.startswith(field.name + "-"):
            return _is_known(name, field.form, {f.name for f in field.form})
        if isinstance(field, FieldList) and name.startswith(field.name + "-"):
            rest = name[len(field.name) + 1 :].split("-", 1)
            inner = field.entries[0] if field.entries else None
            if not rest[0].isdigit() or inner is None:
                return False
            return (
                len(rest) == 1 or not isinstance(inner, FormField) or rest[1] in {f.name for f in inner.form}
            )
        if isinstance(field, MapField) and name.startswith(field.name + "-"):
            return True
    return False


class PlainField(Field):
    """A field of one text. Empty is absent; a JSON list or object is refused."""

    widget: Any = TextInput()

    def _value(self) -> str:
        """Return what stands in the page's field: what was typed, right or wrong."""
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.shown(self.data)

    def shown(self, value: Any) -> str:
        """Return a value of ours as it is typed."""
        return str(value)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the one text that was sent."""
        self.data = None
        if valuelist and isinstance(valuelist[0], Compound):  # as a text it is empty, so it is asked for first
            raise ValueError("Send one plain value here.")
        if not valuelist or valuelist[0] == "" or isinstance(valuelist[0], Null):
            if valuelist and isinstance(valuelist[0], Null):
                self.read_null()
            return
        if CONTROL.search(valuelist[0]):
            raise ValueError("Leave out control characters.")
        self.data = self.read(valuelist[0])

    def read_null(self) -> None:
        """Take JSON's null as absent."""

    def read(self, text: str) -> Any:
        """Return the value of a text; ValueError says how to mend it."""
        return text


class WordsField(PlainField):
    """Text on one line, of at most `most` characters; blanks around it are taken away."""

    is_too_long = False

    def __init__(self, label: str | None = None, *args: Any, most: int, **kwargs: Any) -> None:
        super().__init__(label, *args, **kwargs)
        self.most = most

    def read(self, text: str) -> str | None:
        """Return the text; ValueError where it is longer than the limit or has line breaks."""
        text = text.strip()
        if len(text) > self.most:
            self.is_too_long = True
            raise ValueError(f"At most {self.most} characters fit here; these are {len(text)}.")
        if LINE_BREAK.search(text):
            raise ValueError("Write this on one line.")
        return text or None


class TextsField(WordsField):
    """Text on several lines, of at most `most` characters."""

    def read(self, text: str) -> str | None:
        """Return the text with plain line breaks; ValueError where it is longer than the limit."""
        text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
        if len(text) > self.most:
            self.is_too_long = True
            raise ValueError(f"At most {self.most} characters fit here; these are {len(text)}.")
        return text or None


def plain_number(text: str) -> int:
    """Return a plain decimal number; ValueError for signs, blanks, points and other digits."""
    if not DIGITS.fullmatch(text):
        raise ValueError("Write a whole number in plain digits.")
    return int(text)


class NumberField(PlainField):
    """A whole number from `least` to `most`."""

    def __init__(
        self, label: str | None = None, *args: Any, least: int = 0, most: int = LARGEST_ID, **kwargs: Any
    ) -> None:
        super().__init__(label, *args, **kwargs)
        self.least, self.most = least, most

    def read(self, text: str) -> int:
        """Return the number; ValueError where it is out of bounds."""
        number = plain_number(text)
        if not self.least <= number <= self.most:
            raise ValueError(f"Write a number from {self.least} to {self.most}.")
        return number


class CodeField(PlainField):
    """A member of a code list, sent as its number; `only` narrows which ones may be sent."""

    def __init__(
        self,
        label: str | None = None,
        *args: Any,
        of: type[IntEnum],
        only: frozenset[Any] | None = None,
        sentence: str = "This is no code of the list.",
        **kwargs: Any,
    ) -> None:
        super().__init__(label, *args, **kwargs)
        self.of, self.only, self.sentence = of, only or frozenset(of), sentence

    def read_null(self) -> NoReturn:
        """Refuse null: it is no code."""
        raise ValueError(self.sentence)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the code; every fault has the field's one sentence."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(self.sentence) from None

    def read(self, text: str) -> IntEnum:
        """Return the member; ValueError where the number is none that may be sent."""
        code = self.of(plain_number(text))
        if code not in self.only:
            raise ValueError(self.sentence)
        return code


def read_id(text: str) -> int:
    """Return an id; ValueError unless it is 1 to 2^63-1 in plain digits, without a leading zero."""
    if not ID.fullmatch(text) or int(text) > LARGEST_ID:
        raise ValueError("An id is a whole number from 1, in plain digits.")
    return int(text)


class IdField(PlainField):
    """One id."""

    def read(self, text: str) -> int:
        """Return the id."""
        return read_id(text)


class TickField(PlainField):
    """A tick: sent as y, 1, true or on; absent means no."""

    widget = CheckboxInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the tick; absent is no."""
        super().process_formdata(valuelist)
        self.data = bool(self.data)

    def read(self, text: str) -> bool:
        """Return yes or no; ValueError for any other word."""
        if text not in {"y", "1", "true", "on", "0", "false"}:
            raise ValueError("Tick it or leave it.")
        return text not in {"0", "false"}

    def _value(self) -> str:
        """Return what a ticked box sends."""
        return "1"


class MapField(Field):
    """Names and short texts that the sender chooses (options of a product)."""

    most_pairs = 50
    most = 255

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        """Read all `<name>-<key>` that were sent."""
        self.process_errors = []
        self.raw_data = []
        self.data = {}
        for name in formdata or ():
            if name.startswith(self.name + "-"):
                self.data[name[len(self.name) + 1 :]] = str(formdata[name])

    def pre_validate(self, form: Any) -> None:
        """Refuse too many pairs, or texts that are too long."""
        texts = [*self.data, *self.data.values()]
        if len(self.data) > self.most_pairs or any(len(t) > self.most or CONTROL.search(t) for t in texts):
            raise StopValidation("At most 50 pairs of texts up to 255 characters.")
