"""The ship form: in a row of the list, in the page of a sale, and alone."""

from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.access import Desk, Permission, find_sale, seen_items
from app.actions.labels import draft
from app.actions.parcels import ship, ship_together
from app.carriers import recognise
from app.db import db
from app.errors import ChangedMeanwhile, Refused
from app.forms.base import body
from app.forms.sales import ShipForm
from app.models import Order, Parcel
from app.queries import parcels
from app.web import display, htmx, sale_view
from app.web.desk import open_desk
from app.web.sale_list import one_row, opened_from, way_back
from app.web.sale_page import answer, shown

blueprint = Blueprint("ship", __name__, url_prefix="/stores/<slug>/sales/<id:order_id>/ship")

OTHER_CHANGED = (
    "A sale that you ticked was changed meanwhile. Nothing of yours was done: look again, and send it again."
)


def place() -> str:
    """Return where the form stands: in a row, in the page, or alone."""
    asked = request.args.get("in", "")
    return asked if asked in {"row", "page"} else "alone"


@blueprint.get("")
def show(slug: str, order_id: int) -> ResponseReturnValue:
    """Show the form: alone as a page, or as the row that htmx opens in the list."""
    desk = open_desk(slug, Permission.SHIP)
    given = shown(desk, find_sale(desk, order_id), place=place())
    return htmx.page("sales/ship.html", "sales/_ship_row.html", **given)


@blueprint.post("")
def send(slug: str, order_id: int) -> ResponseReturnValue:
    """Ship what the form says; on a refusal show it again with what was typed."""
    desk = open_desk(slug, Permission.SHIP)
    order = find_sale(desk, order_id)
    sent = body()
    has_others = any(name.startswith("with-") for name in sent)
    others = {sale.id: sale for sale in parcels.beside(order)} if has_others else {}
    form = ShipForm(sent, left=sale_view.shippable(seen_items(desk, order)), beside=others)
    seen = form.version.data
    if seen is not None and seen != order.version:
        return again(desk, order, form, 409)
    if not form.validate() or form.too_much():
        return again(desk, order, form, 422, form.too_much())
    going = {order_id: form.pieces} | {other: others[other].left for other in form.together}
    try:
        parcel = send_off(desk, form, going, order_id)
        sales = [order.number, *(others[other].number for other in form.together)]
        sentence = f"Sale{'s' if form.together else ''} {' and '.join(map(str, sales))}: "
        sentence += display.pieces(sum(n for pieces in going.values() for n in pieces.values()))
        sentence += " packed, to send later" if form.later.data else " shipped"
        sentence += f" with {parcel.carrier}" if parcel.carrier else ""
        sentence += f", number {parcel.number}." if parcel.number else ", no number."
        undo = "" if form.later.data else undo_at(desk, order_id, parcel.id)
        db.session.commit()
    except ChangedMeanwhile:
        db.session.rollback()
        now = find_sale(desk, order_id)
        sentence = OTHER_CHANGED if form.together and now.version == seen else ""
        return again(desk, now, form, 409, sentence)
    except Refused as refusal:
        db.session.rollback()
        return again(desk, find_sale(desk, order_id), form, 422, refusal.sentence)
    return shipped(desk, order_id, sentence, undo)


def send_off(desk: Desk, form: ShipForm, going: dict[int, dict[int, int]], order_id: int) -> Parcel:
    """Ship what the form says, alone or together with other sales, or make a label for it; the parcel."""
    by: dict[str, Any] = {"actor": desk.acting, "store_id": desk.store.id, "tracking": form.tracking()}
    versions = {k: n for k, n in {**form.together, order_id: form.version.data}.items() if n is not None}
    if form.later.data:
        return draft(going, versions=versions, **by)
    if form.together:
        return ship_together(going, versions=versions, is_buyer_told=form.notify.data, **by)
    return ship(
        order_id, going[order_id], version=versions.get(order_id), is_buyer_told=form.notify.data, **by
    )


def conflict_sentence(newest: sale_view.Entry) -> str:
    """Say who was quicker, and that nothing of the form was done."""
    return (
        f"{newest.who} {newest.what} ({newest.when}). Nothing of yours was done: "
        "look at what is left now and send it again if it is still right."
    )


def again(desk: Desk, order: Order, form: ShipForm, status: int, sentence: str = "") -> ResponseReturnValue:
    """Show the form again with what was typed, what is wrong, and the sale as it is now."""
    given = shown(desk, order, ship_form=form, conflict=sentence, place=place())
    if status == ChangedMeanwhile.status and not sentence:
        given["conflict"] = conflict_sentence(given["entries"][0])
    form.left = given["to_ship"]
    form.typed = {i: form.typed.get(i, "") for i in form.left}
    parts = {"row": ("sales/_ship_row.html", f"#ship-{order.id}"), "page": ("sales/_sale.html", "#sale")}
    part, target = parts.get(place(), ("sales/_ship_form.html", "#ship-form"))
    if place() == "page" and not htmx.wants_part():
        return render_template("sales/show.html", **given), status
    return htmx.page("sales/ship.html", part, status=status, target=target, **given)


def undo_at(desk: Desk, order_id: int, parcel_id: int) -> str:
    """Return where a parcel that just left is undone; "" where the store keeps no time for that."""
    if not desk.store.undo_minutes:
        return ""
    at = url_for("aftersale.void", slug=desk.store.slug, order_id=order_id, parcel_id=parcel_id)
    return at + way_back(opened_from().query())


def shipped(desk: Desk, order_id: int, sentence: str, undo: str) -> ResponseReturnValue:
    """Say that it went out, with Undo: in the row or the page where the form stood, else back in the list."""
    flash(sentence)
    if undo:
        flash(undo, "undo")
    if not htmx.wants_part() or place() == "alone":
        came_from = opened_from().query()
        if came_from:
            return htmx.go_to(f"{url_for('sales.index', slug=desk.store.slug)}?{came_from}")
        return htmx.go_to(url_for("sales.show", slug=desk.store.slug, order_id=order_id))
    if place() == "page":
        return answer(desk, order_id)
    return render_template("sales/_row_said.html", rows=one_row(desk, order_id))


@blueprint.get("/number")
def number(slug: str, order_id: int) -> ResponseReturnValue:
    """Say which carrier a typed number belongs to, while it is typed."""
    desk = open_desk(slug, Permission.SHIP)
    find_sale(desk, order_id)
    typed = request.args.get("tracking_number", "")[:64]
    return render_template("sales/_number_hint.html", fits=recognise(typed), typed=typed)
