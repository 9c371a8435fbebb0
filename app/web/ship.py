"""The ship form: in a row of the list, in the page of a sale, and alone."""

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.access import Desk, Permission, find_sale, seen_items
from app.actions.parcels import ship
from app.carriers import recognise
from app.db import db
from app.errors import ChangedMeanwhile, Refused
from app.forms.base import body
from app.forms.sales import ShipForm
from app.models import Order
from app.web import display, htmx, sale_view
from app.web.desk import open_desk
from app.web.sale_list import one_row, opened_from
from app.web.sale_page import answer, shown

blueprint = Blueprint("ship", __name__, url_prefix="/stores/<slug>/sales/<id:order_id>/ship")


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
    form = ShipForm(body(), left=sale_view.shippable(seen_items(desk, order)))
    seen = form.version.data
    if seen is not None and seen != order.version:
        return again(desk, order, form, 409)
    if not form.validate():
        return again(desk, order, form, 422)
    try:
        parcel = ship(
            order_id,
            form.pieces,
            tracking=form.tracking(),
            is_buyer_told=form.notify.data,
            version=seen,
            actor=desk.acting,
            store_id=desk.store.id,
        )
        sentence = f"Sale {order.number}: {display.pieces(sum(form.pieces.values()))} shipped"
        sentence += f" with {parcel.carrier}" if parcel.carrier else ""
        sentence += f", number {parcel.number}." if parcel.number else ", no number."
        db.session.commit()
    except ChangedMeanwhile:
        db.session.rollback()
        return again(desk, find_sale(desk, order_id), form, 409)
    except Refused as refusal:
        db.session.rollback()
        return again(desk, find_sale(desk, order_id), form, 422, refusal.sentence)
    return shipped(desk, order_id, sentence)


def conflict_sentence(newest: sale_view.Entry) -> str:
    """Say who was quicker, and that nothing of the form was done."""
    return (
        f"{newest.who} {newest.what} ({newest.when}). Nothing of yours was done: "
        "look at what is left now and send it again if it is still right."
    )


def again(desk: Desk, order: Order, form: ShipForm, status: int, sentence: str = "") -> ResponseReturnValue:
    """Show the form again with what was typed, what is wrong, and the sale as it is now."""
    given = shown(desk, order, ship_form=form, conflict=sentence, place=place())
    if status == ChangedMeanwhile.status:
        given["conflict"] = conflict_sentence(given["entries"][0])
    form.left = given["to_ship"]
    form.typed = {i: form.typed.get(i, "") for i in form.left}
    parts = {"row": ("sales/_ship_row.html", f"#ship-{order.id}"), "page": ("sales/_sale.html", "#sale")}
    part, target = parts.get(place(), ("sales/_ship_form.html", "#ship-form"))
    if place() == "page" and not htmx.wants_part():
        return render_template("sales/show.html", **given), status
    return htmx.page("sales/ship.html", part, status=status, target=target, **given)


def shipped(desk: Desk, order_id: int, sentence: str) -> ResponseReturnValue:
    """Say that it went out: in the row or the page where the form stood, else back in the list."""
    if not htmx.wants_part() or place() == "alone":
        flash(sentence)
        came_from = opened_from().query()
        if came_from:
            return htmx.go_to(f"{url_for('sales.index', slug=desk.store.slug)}?{came_from}")
        return htmx.go_to(url_for("sales.show", slug=desk.store.slug, order_id=order_id))
    if place() == "page":
        return answer(desk, order_id, sentence)
    flash(sentence)
    return render_template("sales/_row_said.html", rows=one_row(desk, order_id))


@blueprint.get("/number")
def number(slug: str, order_id: int) -> ResponseReturnValue:
    """Say which carrier a typed number belongs to, while it is typed."""
    desk = open_desk(slug, Permission.SHIP)
    find_sale(desk, order_id)
    typed = request.args.get("tracking_number", "")[:64]
    return render_template("sales/_number_hint.html", fits=recognise(typed), typed=typed)
