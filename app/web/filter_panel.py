"""The filters of a list as the page shows them: what may be chosen, and chips that say what is chosen."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from flask import get_template_attribute
from werkzeug.datastructures import MultiDict

from app.forms.filters import DeskListForm
from app.statuses import Channel, ItemStatus, ProductType

_STATUSES = [(int(s), s.label) for s in ItemStatus]
CHOICES: dict[str, list[tuple[int | str, str]]] = {
    "status": [*_STATUSES],
    "not_status": [*_STATUSES],
    "order_status": [*_STATUSES],
    "not_order_status": [*_STATUSES],
    "product_type": [(int(t), t.label) for t in ProductType],
    "channel": [(c.value, c.label) for c in Channel],
}
SORT_WORDS = {"newest": "Newest first", "oldest": "Oldest first", "ship_by": "Ship-by date"}


# A panel is drawn once for what is asked; longer questions are rare, and may hold a person's name.
LONGEST_KEPT = 60


def panel(form: DeskListForm, base: str) -> dict[str, Any]:
    """Return a list's filter panel, drawn, and its chips; `base` is the list's path."""
    query = form.query()
    is_plain = not form.errors and not form.form_errors and form.q.data is None and len(query) <= LONGEST_KEPT
    form_class: Any = type(form)
    drawn = _drawn_once(form_class, query) if is_plain else _drawn(form)
    return {"filter_panel": drawn, "chips": chips(form, base)}


@lru_cache(256)
def _drawn_once(form_class: type[DeskListForm], query: str) -> str:
    """Return the panel of a form that asks for this and is right."""
    return _drawn(form_class(MultiDict(parse_qsl(query))))


def _drawn(form: DeskListForm) -> str:
    """Return the panel of a form, escaped as its macro escapes it."""
    choices = {**CHOICES, "sort": [(sort, SORT_WORDS[sort]) for sort in form.sorts]}
    draw: Callable[..., str] = get_template_attribute("macros/filters.html", "panel")
    return draw(form, choices)


def chips(form: DeskListForm, base: str) -> list[dict[str, str]]:
    """Return the filters in words, each with the link that takes it away."""
    found = [(f.label.text, f.words(), f.name) for f in form.filters() if f.name != "tab" and not f.errors]
    found += [
        (f.label.text, str(f.data), f.name)
        for f in (form.placed_from, form.placed_to, form.q)
        if f.data is not None
    ]
    return [
        {"label": label, "words": words, "href": f"{base}?{form.query(**{name: None})}"}
        for label, words, name in found
    ]
