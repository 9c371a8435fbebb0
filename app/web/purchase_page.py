"""What the page of one purchase shows, put together for every door that shows it."""

from typing import Any

from flask import flash, render_template, url_for
from flask.typing import ResponseReturnValue

from app.access import Actor, find_purchase
from app.models import Order
from app.queries import people
from app.web import htmx
from app.web.purchase_view import view


def shown(order: Order, **given: Any) -> dict[str, Any]:
    """Return all that the page of a purchase shows; `given` replaces parts (a form that was refused)."""
    place = people.place(order.store_id, None)
    assert place is not None
    return {
        "order": order,
        "store": place.store,
        "open_form": None,
        "with_said": False,
        **view(order, place.store),
        **given,
    }


def answer(actor: Actor, order_id: int, sentence: str, file: str = "") -> ResponseReturnValue:
    """Say what happened to a purchase, and hand a file's address out: in place by htmx, else on its page."""
    flash(sentence)
    if file:
        flash(file, "file")
    if htmx.wants_part():
        order = find_purchase(actor, order_id)
        return render_template("purchases/_purchase.html", **shown(order, with_said=True))
    return htmx.go_to(url_for("purchases.show", order_id=order_id))
