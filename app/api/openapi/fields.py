"""Schemas of what may be sent, read off the fields of the forms themselves.

In a query, and in a body that is a form, every value is one text. In JSON most of them may come as a text or
as the number or truth that it spells; an empty text is as good as none, and so is null, for most.
"""

import re
from collections.abc import Collection
from functools import singledispatch
from typing import Any

from wtforms import Field, FieldList, FormField

from app.actions.aftersale import Reason
from app.api.openapi.kinds import ID, NUMBER, Schema, meanings, ref, said
from app.forms.aftersale import ReasonField
from app.forms.fields import (
    CodeField,
    IdField,
    MapField,
    NumberField,
    TickField,
    WordsField,
)
from app.forms.filters import CodesFilter, IdFilter, IdsFilter
from app.forms.purchases import EMAIL, EmailField
from app.forms.values import (
    ADDITIONAL,
    INSTANT,
    LINK,
    AdditionalField,
    CountryField,
    CurrencyField,
    InstantField,
    LinkField,
    MoneyField,
    WordField,
    known_countries,
    needed,
)
from app.money import AMOUNT, known_currencies

# As every text may be. Line breaks around it are taken off.
PLAIN = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
PRINTABLE = f"^{PLAIN}*$"
FILLED = rf"^{PLAIN}*[^\s\x00-\x1f\x7f]{PLAIN}*$"
ABSENT: Schema = {"enum": ["", None]}
WORDS_OF_COUNTRY = {"Currency": known_currencies, "Country": known_countries}


def whole(pattern: re.Pattern[str], begin: str = "") -> str:
    """Return a pattern of ours, which a text matches as a whole, as JSON Schema writes it.

    `begin` narrows how the text may begin: years that the form asks for besides.
    """
    text = re.sub(r"\(\?P<\w+>", "(", pattern.pattern)
    return f"^(?={begin})({text})$" if begin else f"^({text})$"


@singledispatch
def text_schema(field: Field, form: Any) -> Schema:
    """Return the schema of what a field takes where all is text; dialects register fields of their own."""
    raise TypeError(f"nothing is said of {type(field).__name__}")


@text_schema.register
def _(field: WordsField, form: Any) -> Schema:
    return {"type": "string", "maxLength": field.most, "pattern": PRINTABLE}


@text_schema.register
def _(field: LinkField, form: Any) -> Schema:
    pattern = whole(LINK).replace("https?", "[Hh][Tt][Tt][Pp][Ss]?")
    return {"type": "string", "maxLength": field.most, "pattern": pattern}


@text_schema.register
def _(field: EmailField, form: Any) -> Schema:
    return {"type": "string", "maxLength": field.most, "pattern": whole(EMAIL)}


@text_schema.register
def _(field: NumberField, form: Any) -> Schema:
    return {"type": "integer", "minimum": field.least, "maximum": field.most}


@text_schema.register(IdField)
@text_schema.register(IdFilter)
def _(field: Field, form: Any) -> Schema:
    return ID


@text_schema.register
def _(field: IdsFilter, form: Any) -> Schema:
    return {"type": "array", "items": ID, "minItems": 1, "maxItems": field.most}


@text_schema.register
def _(field: CodeField, form: Any) -> Schema:
    codes = sorted(field.only)
    return {"type": "integer", "enum": [int(one) for one in codes], "description": meanings(codes)}


@text_schema.register
def _(field: CodesFilter, form: Any) -> Schema:
    codes = sorted(field.of)
    found = {"type": "integer", "enum": [int(one) for one in codes]}
    return {"type": "array", "items": found, "minItems": 1, "description": meanings(codes)}


@text_schema.register
def _(field: WordField, form: Any) -> Schema:
    return {"type": "string", "enum": [str(word) for word in field.of]}


@text_schema.register
def _(field: ReasonField, form: Any) -> Schema:
    return {"type": "string", "enum": [str(reason) for reason in Reason]}


@text_schema.register
def _(field: TickField, form: Any) -> Schema:
    return {"type": "string", "enum": [*field.words]}


@text_schema.register
def _(field: CurrencyField, form: Any) -> Schema:
    return ref("Currency")


@text_schema.register
def _(field: CountryField, form: Any) -> Schema:
    return ref("Country")


@text_schema.register
def _(field: InstantField, form: Any) -> Schema:
    words = "A point in time with its zone, as 2026-11-21T10:30:00Z; from 1990 to 2099."
    return {"type": "string", "pattern": whole(INSTANT, "199|20"), "description": words}


@text_schema.register
def _(field: MoneyField, form: Any) -> Schema:
    words = "An amount from 0, as 17.50: no more decimals than its currency has."
    return {"type": "string", "pattern": whole(AMOUNT).replace("-?", ""), "description": words}


@text_schema.register
def _(field: AdditionalField, form: Any) -> Schema:
    pattern = whole(ADDITIONAL).replace("[^/]+", AMOUNT.pattern.replace("-?", ""))
    words = "Postage of each further piece, as 0.50, or of every n further ones, as 0.50/3."
    return {"type": "string", "pattern": pattern, "description": words}


def json_schema(field: Field, form: Any, *, is_needed: bool) -> Schema:
    """Return the schema of what a field takes in JSON."""
    match field:
        case FieldList():
            return {"type": "array", "items": _entry(field), "maxItems": (field.max_entries or 1) - 1}
        case FormField():
            return {"anyOf": [body_schema(field.form), {"type": "null"}]}
        case MapField():
            text = {"type": ["string", "number", "boolean", "null"], "maxLength": field.most}
            return {
                "type": ["object", "null"],
                "additionalProperties": text,
                "propertyNames": {"maxLength": field.most, "pattern": PRINTABLE},
                "maxProperties": field.most_pairs,
            }
    schema = dict(text_schema(field, form))
    words = schema.pop("description", "")
    if is_needed and schema.get("pattern") == PRINTABLE:
        schema["pattern"] = FILLED
    spelt = [schema, *_spelt(field, schema)]
    if not is_needed:
        spelt.append({"const": ""} if isinstance(field, CodeField) else ABSENT)
    found = spelt[0] if len(spelt) == 1 else {"anyOf": spelt}
    return said(found, words) if words else found


def _spelt(field: Field, schema: Schema) -> list[Schema]:
    """Return what else of JSON's own kinds spells the same values."""
    match field:
        case CodeField():
            codes = "|".join(str(code).replace("-", "\\-") for code in schema["enum"])
            return [{"type": "string", "pattern": f"^({codes})$"}]
        case NumberField() | IdField():
            return [{"type": "string", "pattern": "^[0-9]{1,19}$"}]
        case TickField():
            return [{"type": "boolean"}, {"enum": [0, 1]}]
        case MoneyField():
            return [{**NUMBER, "minimum": 0}]
        case WordsField() if not isinstance(field, LinkField | EmailField):
            return [NUMBER]
    return []


def _entry(field: Any) -> Schema:
    """Return the schema of one entry of a list of parts."""
    part = field.unbound_field.bind(form=None, name="0", prefix="", _meta=field.meta)
    part.process(None)
    return body_schema(part.form)


def body_schema(form: Any, required: Collection[str] = ()) -> Schema:
    """Return the schema of a JSON body that is this form; `required` names what it asks for itself."""
    names = [_name(field) for field in form if needed in field.validators or _name(field) in required]
    return {
        "type": "object",
        "properties": {
            _name(field): titled(json_schema(field, form, is_needed=_name(field) in names), field)
            for field in form
        },
        "required": names,
        "additionalProperties": False,
    }


def form_schema(form: Any, required: Collection[str] = ()) -> Schema:
    """Return the schema of a body that is a form, as browsers send them; an empty text is as good as none."""
    found: Schema = body_schema(form, required)
    for field in form:
        schema = text_schema(field, form)
        if _name(field) not in found["required"]:
            words = schema.get("description", "")
            empty: Schema = {"anyOf": [schema, {"const": ""}]}
            schema = said(empty, words) if words else empty
        found["properties"][_name(field)] = titled(schema, field)
    return found


def query_parameters(form: Any, required: Collection[str], without: Collection[str]) -> list[dict[str, Any]]:
    """Return the parameters of a query that is this form; a list is one text with commas in it.

    `without` names what stands elsewhere: the keys by which programs sign in.
    """
    found = []
    for field in form:
        if field.name in without:
            continue
        schema = dict(text_schema(field, form))
        words = " ".join(filter(None, (label_of(field), schema.pop("description", ""))))
        if schema.get("type") == "string" and "enum" not in schema and "pattern" in schema:
            schema["minLength"] = 1
        parameter: dict[str, Any] = {"name": field.name, "in": "query", "schema": schema}
        if words:
            parameter["description"] = words
        if schema.get("type") == "array":
            parameter |= {"style": "form", "explode": False}
        if needed in field.validators or field.name in required:
            parameter["required"] = True
        found.append(parameter)
    return found


def label_of(field: Field) -> str:
    """Return what a page calls a field, where it has a label of its own."""
    text = str(field.label.text)
    return "" if text == field.short_name.replace("_", " ").title() else f"{text}."


def titled(schema: Schema, field: Field) -> Schema:
    """Return a schema with the field's label before what is said of it."""
    words = " ".join(filter(None, (label_of(field), schema.get("description", ""))))
    return said(schema, words) if words and "$ref" not in schema else schema


def _name(field: Field) -> str:
    """Return what a field is called where it stands, without the names around it."""
    return str(field.short_name)
