"""Okanjo's marketplace API, "Sales" (seed 000): a store's order items, for programs.

Glossary, theirs and ours: a *sale*, *sale item* or *order item* is an OrderItem. A *seller* is a Store,
by its id; a *buyer* is the Buyer as that store knows them. A *Giving Reward* is a deal. *Vendor level* is
the right ACKNOWLEDGE. The *tracking* of an item is that of its newest parcel. A *media* is a picture of
the product. *OrderStatus* and *ProductType* are ItemStatus and ProductType, number for number: the desk
keeps Okanjo's codes as they are, so there is no table between them. Okanjo pages by `page_size` and
`page_start_index`, which counts rows from zero (reference 1.2).
"""

from typing import Any, NamedTuple

from flask import Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoSuchPath
from wtforms.validators import ValidationError

from app.access import Permission, find_desk, find_item, find_told_item
from app.actions.moves import Asked, move_item
from app.api import tokens
from app.api.okanjo.objects import EMBEDS, FIELDS, Shown, items_json
from app.api.shape import BadField, Dialect, answer, judged_body, judged_query, row_id, store_id
from app.db import db
from app.errors import ForeignStore, InvalidStatus, NotAllowed, NotFound, Refused
from app.forms.base import Form
from app.forms.fields import NumberField, PlainField
from app.forms.filters import SaleFilterForm
from app.forms.sales import ItemMoveForm
from app.queries import counts, told_items
from app.queries.told_items import Told

PAGE_SIZE, LARGEST_PAGE = 25, 100


class NamesField(PlainField):
    """Names out of a fixed list, comma-separated (seed 000: `string csv`)."""

    def __init__(self, *args: Any, of: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.of = of

    def read(self, text: str) -> list[str]:
        """Return the names, each once; ValueError for one that is not in the list."""
        names = dict.fromkeys(part.strip(" ") for part in text.split(","))
        if not names.keys() <= self.of:
            raise ValueError("Name only what the object has.")
        return list(names)


class SaleShowForm(Form):
    """What to show of each item (seed 000, "Fields & Includes")."""

    embed = NamesField(of=frozenset(EMBEDS))
    fields = NamesField(of=FIELDS)

    def validate_fields(self, field: NamesField) -> None:
        """Refuse a field of an object that is not embedded."""
        embedded = set(self.embed.data or ())
        for name in field.data or ():
            whole = name.partition(".")[0]
            if whole in EMBEDS and whole not in embedded:
                raise ValidationError("Embed the object whose field is asked for.")

    def shown(self) -> Shown:
        """Return what to show, as the presenters take it."""
        return Shown.of(self.fields.data, self.embed.data or ())


class SalesForm(SaleFilterForm, SaleShowForm):
    """What the collection may be asked: the seed's filters, what to show, and which page."""

    page_size = NumberField(least=1, most=LARGEST_PAGE)
    page_start_index = NumberField()


class SaleMoveForm(ItemMoveForm):
    """The seed's "Entity NVP Parameters": the desk's form without the page's version."""

    version = None  # type: ignore[assignment]

    def asked(self) -> Asked:
        """Return what was sent, as the act takes it."""
        return Asked(self.status.data, self.tracking(), self.product_deal_vendor_ack.data)


class Says(NamedTuple):
    """What one call answers where it cannot do its work."""

    foreign: tuple[int, str]  # the store in the path is not the caller's
    absent: str  # 404
    broken: str  # 500


NO_RIGHT = (NotAllowed.status, NotAllowed.sentence)
SAYS = {
    "okanjo.sales": Says(NO_RIGHT, "Sale item not found.", "Failed to retrieve sale items."),
    "okanjo.sale": Says(
        (404, "Sale item not found."), "Sale item not found.", "Failed to retrieve sale item."
    ),
    "okanjo.move": Says(NO_RIGHT, "Order item not found.", "System error."),
}
ELSEWHERE = Says(NO_RIGHT, "Not found.", "There was a problem with your request.")


def fault(error: Exception) -> tuple[int, object]:
    """Return the status and the error object of a failure (reference 1.6)."""
    status, sentence = _status_and_sentence(error, SAYS.get(request.endpoint or "", ELSEWHERE))
    return status, {"type": "error", "description": sentence}


def _status_and_sentence(error: Exception, says: Says) -> tuple[int, str]:
    """Return the status and the seed's sentence of a failure."""
    match error:
        case BadField(is_too_long=True):
            return 400, f"{error.name} too long."
        case BadField(said=InvalidStatus.sentence):
            return 400, error.said
        case ForeignStore():
            return says.foreign
        case NotFound():
            return 404, says.absent
        case Refused():
            return error.status, error.sentence
        case NoSuchPath() if request.path.endswith("/"):
            return 404, f"Don’t use trailing slashes. Try instead: {request.path.rstrip('/')}"
        case NoSuchPath():
            return 404, "Not found."
        case HTTPException(code=int(code)) if code < 500:
            # The kind's own words: an instance's may repeat what was sent.
            return code, type(error).description or error.name
        case _:
            return 500, says.broken


blueprint = Dialect("okanjo", __name__, fault=fault)


@blueprint.get("/stores/<store>/sales")
def sales(store: str) -> Response:
    """Answer a store's order items, most recent first (seed 000, GET /stores/{store_id}/sales)."""
    desk = find_desk(tokens.asking(), store_id(store), to=Permission.SEE_SALES)
    form = judged_query(SalesForm)
    asked = form.conditions()
    count = counts.items(desk.store.id, asked, desk.only_deals)
    start, limit = form.page_start_index.data or 0, form.page_size.data or PAGE_SIZE
    found: list[Told] = []
    if start < count:
        found = told_items.page(desk.store.id, asked, start=start, limit=limit, only_deals=desk.only_deals)
    response = answer(items_json(found, desk.store, form.shown()))
    response.headers["X-COLLECTION-COUNT"] = str(count)
    return response


@blueprint.get("/stores/<store>/sales/<item>")
def sale(store: str, item: str) -> Response:
    """Answer one order item (seed 000, GET /stores/{store_id}/sales/{item_id})."""
    desk = find_desk(tokens.asking(), store_id(store), to=Permission.SEE_SALES)
    found = find_told_item(desk, row_id(item))
    form = judged_query(SaleShowForm)
    return answer(items_json([found], desk.store, form.shown())[0])


@blueprint.put("/stores/<store>/sales/<item>")
def move(store: str, item: str) -> Response:
    """Move an item, or keep its tracking (seed 000, PUT /stores/{store_id}/sales/{item_id})."""
    # The widest circle of those who may move something; the item itself then says which right it needs.
    desk = find_desk(tokens.asking(), store_id(store), to=Permission.REDEEM)
    found = find_item(desk, row_id(item), to_move=True)
    form = judged_body(SaleMoveForm)
    move_item(found, form.asked(), desk=desk)
    db.session.commit()
    return answer({"type": "success"})
