"""What the page of one sale shows, put together for every door that shows it."""

from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.access import Desk, find_sale, seen_items
from app.carriers import offered
from app.forms.sales import PaidForm, ShipForm
from app.models import Order
from app.queries import parcels, sales
from app.queries.history import ParcelSeen
from app.web import feedback_view, guest_view, htmx, mail_view, sale_view
from app.web.sale_list import opened_from, way_back


def shown(desk: Desk, order: Order, **given: Any) -> dict[str, Any]:
    """Return all that the page of a sale shows; `given` replaces parts of it (a form that was refused)."""
    items = seen_items(desk, order)
    view = sale_view.view(desk, order, items)
    is_page = given.get("place", "page") == "page"
    # Forms that the page does not show are not made.
    has_form = view["to_ship"] or not is_page or given.get("conflict")
    ship_form = fresh_ship_form(view["to_ship"], view["draft"], view["begin_with"]) if has_form else None
    came_from = opened_from()
    before, after = sales.neighbours(
        desk.store.id,
        came_from.conditions_in(desk.store.zone, desk.sight),
        order,
        tab=came_from.tab.data,
        sort=came_from.sort.data or "newest",
        only_deals=desk.only_deals,
    )
    query = came_from.query()
    return {
        "desk": desk,
        "order": order,
        "back": way_back(query),
        "list_href": url_for("sales.index", slug=desk.store.slug) + (f"?{query}" if query else ""),
        "list_name": came_from.tab.data.label if came_from.tab.data else "",
        "before": before,
        "after": after,
        "ship_form": ship_form,
        "carriers": offered(desk.store.carriers),
        "undo_minutes": desk.store.undo_minutes,
        "place": "page",
        # In a row there is no room to choose others.
        "beside": parcels.beside(order) if view["to_ship"] and given.get("place") != "row" else [],
        "paid_form": PaidForm({}) if view["may_mark_paid"] else None,
        "wrong_item": None,
        "conflict": "",
        "open_form": None,
        "buyer_says": feedback_view.buyer_says(desk, order),
        "feedback": feedback_view.of_lines(desk, items),
        "with_said": False,
        **(mail_view.panel(desk, order) | guest_view.panel(desk, order) if is_page else {}),
        **view,
        **given,
    }


def fresh_ship_form(left: dict[int, int], draft: ParcelSeen | None, pieces: dict[int, int]) -> ShipForm:
    """Return a ship form that sends these pieces of what is left, under the draft's number if any."""
    return ShipForm(
        left=left,
        pieces=pieces,
        data={
            "tracking_carrier": draft.carrier if draft else None,
            "tracking_number": draft.number if draft else None,
            "notify": True,
        },
    )


def answer(desk: Desk, order_id: int, sentence: str = "") -> ResponseReturnValue:
    """Say what happened to a sale (if not said yet): in place by htmx, else on its page."""
    if sentence:
        flash(sentence)
    if request.args.get("in") == "attention":
        return htmx.go_to(url_for("attention.index", slug=desk.store.slug))
    if htmx.wants_part():
        return render_template("sales/_sale.html", **shown(desk, find_sale(desk, order_id), with_said=True))
    return htmx.go_to(
        url_for("sales.show", slug=desk.store.slug, order_id=order_id, list=request.args.get("list"))
    )
