"""What a dialect says of itself beyond its forms and addresses: what its calls take and answer."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from app.api.openapi.kinds import Schema
from app.forms.base import Form


class Taken(NamedTuple):
    """What a call takes: a form, and what it reads besides that form's fields (a schema by name).

    `required` names what the form asks for by a rule of its own. `is_json_alone`: no body as a form. `least`:
    so many names must come.
    """

    form: Callable[[], Form]
    besides: Mapping[str, Schema] = {}
    required: tuple[str, ...] = ()
    is_json_alone: bool = False
    least: int = 0


class Call(NamedTuple):
    """What one call of a dialect takes and answers.

    `answers`: what it gives with each good status. `refuses`: the statuses of its refusals, beyond those of
    the whole dialect. `headers`: what its good answers carry beside the dialect's, by name. `words`: what is
    to be said beyond its first line.
    """

    answers: Mapping[int, Schema]
    query: Taken | None = None
    body: Taken | None = None
    refuses: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    words: str = ""
    needs_key: bool = False  # an Idempotency-Key
    media: str = "application/json"


class Described(NamedTuple):
    """A dialect as the document tells of it."""

    title: str
    words: str  # what it is for, and what its words mean
    calls: Mapping[str, Call]  # by endpoint, without the blueprint's name
    schemas: Mapping[str, Schema] = {}
    path: Mapping[str, Schema] = {}  # what stands in its paths, by name
    security: tuple[tuple[str, ...], ...] = ()  # the ways to sign in, each by the schemes that it needs
    schemes: Mapping[str, Schema] = {}
    error: Schema = {}
    refuses: tuple[int, ...] = ()  # the statuses with which any of its calls may be refused
    headers: Mapping[str, str] = {}  # what the headers mean that its calls name
