"""What the APIs are, told to programs and to people: the OpenAPI document and a page that shows it.

Each dialect describes itself in a module `described`, with the words of `kinds` and the tuples of `described`
here; parameters and bodies are read off its forms (`fields`). `document` puts it all together, `places`
answers it. Neither needs a token: they tell nothing of any store.
"""

from app.api.openapi.described import Call, Described, Taken
from app.api.openapi.fields import text_schema, whole
from app.api.openapi.kinds import Schema
from app.api.openapi.places import init_app

__all__ = ["Call", "Described", "Schema", "Taken", "init_app", "text_schema", "whole"]
