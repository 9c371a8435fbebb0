"""The few words in which schemas are written: kinds of values, objects, lists, and what may be null."""

from collections.abc import Collection, Iterable, Mapping
from enum import IntEnum, StrEnum
from typing import Any

Schema = dict[str, Any]

ID: Schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
TEXT: Schema = {"type": "string"}
STEP: Schema = {"type": "string", "pattern": "^[a-z0-9-]+$"}
ID_TEXT: Schema = {"type": "string", "pattern": "^[1-9][0-9]{0,18}$"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
TRUTH: Schema = {"type": "boolean"}
ZERO_OR_ONE: Schema = {"type": "integer", "enum": [0, 1]}
AMOUNT: Schema = {
    "type": "string",
    "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
    "description": "An amount of money as a decimal, with as many decimals as its currency has.",
}
CURRENCY: Schema = {"type": "string", "pattern": "^[A-Z]{3}$", "description": "An ISO 4217 code."}
UTC_TIME: Schema = {
    "type": "string",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$",
    "description": "A time in UTC, as 2014-11-06 14:39:43.",
}
UNIX: Schema = {"type": "integer", "description": "A time in Unix seconds."}


def said(schema: Schema, description: str) -> Schema:
    """Return a schema with what is to be said of it."""
    return {**schema, "description": description}


def or_null(schema: Schema, description: str = "") -> Schema:
    """Return a schema that takes null too."""
    if "$ref" in schema:
        found: Schema = {"anyOf": [schema, {"type": "null"}]}
    else:
        found = {**schema, "type": [schema["type"], "null"]}
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
    return said(found, description) if description else found


def one_of(words: Iterable[str] | type[StrEnum], description: str = "") -> Schema:
    """Return the schema of one word of a list."""
    found: Schema = {"type": "string", "enum": [str(word) for word in words]}
    return said(found, description) if description else found


def code(of: type[IntEnum], description: str = "") -> Schema:
    """Return the schema of a code of a list, the meaning of each in words."""
    return {"type": "integer", "enum": [int(one) for one in of], "description": meanings(of, description)}


def meanings(of: Iterable[IntEnum], description: str = "") -> str:
    """Return what each code of a list means."""
    words = ", ".join(f"{int(one)} {one.name.lower().replace('_', ' ')}" for one in of)
    return f"{description} {words}.".strip()


def listed(schema: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": schema}


def thing(
    properties: Mapping[str, Schema], description: str = "", *, without: Collection[str] = ()
) -> Schema:
    """Return the schema of an object: these names and no other; `without` may be left out."""
    found: Schema = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in without],
        "additionalProperties": False,
    }
    return said(found, description) if description else found


def some_of(whole: Schema) -> Schema:
    """Return the schema of an object of which any names may be left out."""
    return {name: value for name, value in whole.items() if name != "required"}


def ref(name: str) -> Schema:
    """Return a reference to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}
