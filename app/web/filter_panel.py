"""The filters of a list as the page shows them: what may be chosen, and chips that say what is chosen."""

from typing import Any

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


def panel(form: DeskListForm, base: str) -> dict[str, Any]:
    """Return the choices of a list's filter panel, and its chips; `base` is the list's path."""
    return {
        "choices": {**CHOICES, "sort": [(sort, SORT_WORDS[sort]) for sort in form.sorts]},
        "chips": chips(form, base),
    }


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
