"""A store's order items: the list (seed 000's), and moving one item."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.access import Desk, find_item, find_sale
from app.actions.moves import Asked, move_item
from app.db import db
from app.errors import ChangedMeanwhile, NotAllowed, NotFound, Refused
from app.forms.base import body
from app.forms.filters import ItemListForm, place_text
from app.forms.sales import ItemMoveForm
from app.models import OrderItem
from app.queries import items
from app.web import display, htmx
from app.web.clock import Clock
from app.web.desk import open_desk
from app.web.filter_panel import panel
from app.web.sale_page import answer, shown

blueprint = Blueprint("items", __name__, url_prefix="/stores/<slug>/items")

# label, query, whether a deal can stand there
TABS = (
    ("All", "", True),
    ("Unpaid", "status=1", True),
    ("To ship", "status=2", False),
    ("To redeem", "status=8", True),
    ("Shipped", "status=3", False),
)


@blueprint.get("")
def index(slug: str) -> ResponseReturnValue:
    """Show the list of items."""
    desk = open_desk(slug)
    form = ItemListForm(request.args)
    is_valid = form.validate()
    g.search = form.q.data or ""
    return htmx.page(
        "items/index.html",
        "items/_list.html",
        status=200 if is_valid else 422,
        **listed(desk, form, is_valid),
    )


def listed(desk: Desk, form: ItemListForm, is_valid: bool) -> dict[str, Any]:
    """Return what the list shows; no rows where the form is wrong."""
    base = url_for("items.index", slug=desk.store.slug)
    given: dict[str, Any] = {
        "desk": desk,
        "form": form,
        "rows": [],
        "newer": None,
        "older": None,
        "is_wrong": not is_valid,
        "base": base,
        "tabs": [
            {"label": label, "href": f"{base}?{q}" if q else base, "is_current": form.query() == q}
            for label, q, is_for_deals in TABS
            if is_for_deals or not desk.only_deals
        ],
        **panel(form, base),
    }
    if is_valid:
        found = items.page(
            desk.store.id,
            form.conditions_in(desk.store.zone, desk.sight),
            sort=form.sort.data or "newest",
            after=form.after.data,
            before=form.before.data,
            only_deals=desk.only_deals,
        )
        given["rows"] = rows(desk, found.rows)
        given["newer"] = f"{base}?{form.query(before=place_text(found.before))}" if found.before else None
        given["older"] = f"{base}?{form.query(after=place_text(found.after))}" if found.after else None
    return given


def rows(desk: Desk, found: Sequence[Any]) -> list[display.ItemRow]:
    """Format rows of the list."""
    base, clock = url_for("sales.index", slug=desk.store.slug), Clock(desk.store.zone)
    return [display.item_row(item, base=base, clock=clock) for item in found]


@blueprint.post("/<id:item_id>")
def update(slug: str, item_id: int) -> ResponseReturnValue:
    """Do to an item what the form asks: its status, its parcel's number, who redeemed it."""
    desk = open_desk(slug)
    item = find_item(desk, item_id, to_move=True)
    form = ItemMoveForm(body())
    refusal: tuple[int, str] | None = None
    if not form.validate():
        refusal = 422, form.first_fault()[1]
    elif too_much := form.too_much():
        refusal = 422, too_much
    else:
        refusal = carried_out(desk, item, form.asked())
    return said(desk, item_id) if refusal is None else refused(desk, item, form, *refusal)


def refused(
    desk: Desk, item: OrderItem, form: ItemMoveForm, status: int, sentence: str
) -> ResponseReturnValue:
    """Show what was refused with what was typed: in the row it was asked from, else on the sale's page."""
    if request.args.get("in") == "row" and htmx.wants_part():
        flash(sentence, "error")
        return htmx.page(
            "items/index.html",
            "items/_row_said.html",
            status=status,
            target=f"#item-{item.id}",
            desk=desk,
            rows=rows(desk, [items.row(desk.store.id, item.id)]),
            typed_ack=form.product_deal_vendor_ack._value(),
        )
    given = shown(
        desk,
        find_sale(desk, item.order_id),
        wrong_item={"id": item.id, "sentence": sentence, "sent": form},
    )
    # The message stands at the item's own form; where the page has none (any more), above the others.
    has_form = any(line.id == item.id and line.asks for line in given["lines"]) or (
        form.status.data is None and any(parcel.item_id == item.id for parcel in given["parcels"])
    )
    if status == ChangedMeanwhile.status or not has_form:
        given["conflict"] = sentence
    return htmx.page("sales/show.html", "sales/_sale.html", status=status, target="#sale", **given)


def carried_out(desk: Desk, item: OrderItem, asked: Asked) -> tuple[int, str] | None:
    """Move the item; return (status, sentence) of a refusal, None where it was done."""
    try:
        move_item(item, asked, desk=desk)
        db.session.commit()
    except (NotAllowed, NotFound):
        raise
    except ChangedMeanwhile as late:
        db.session.rollback()
        return late.status, late.sentence
    except Refused as refusal:
        db.session.rollback()
        return 422, refusal.sentence
    return None


def said(desk: Desk, item_id: int) -> ResponseReturnValue:
    """Say what happened: in the row of the list it was asked from, else on the sale's page."""
    item = items.row(desk.store.id, item_id)
    word = display.item_badge(display.kind(item), item.status).text
    sentence = f"“{item.title}” of sale {item.number}: {word.lower()}."
    if request.args.get("in") == "row":
        flash(sentence)
        if htmx.wants_part():
            return render_template("items/_row_said.html", desk=desk, rows=rows(desk, [item]), typed_ack="")
        return htmx.go_to(url_for("items.index", slug=desk.store.slug))
    return answer(desk, item.order_id, sentence)
