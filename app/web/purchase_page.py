"""What the page of one purchase shows, put together for every door that shows it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import flash, render_template, url_for
from flask.typing import ResponseReturnValue

from app.access import Actor, find_purchase
from app.models import Order
from app.queries import people
from app.web import htmx
from app.web.purchase_view import for_guests, view


class Reader(NamedTuple):
    """Who reads a purchase, how they find it as it is now, and where it stands for them.

    `list_href` leads to all that they bought: a guest has one purchase alone, and says less of it.
    """

    actor: Actor
    find: Callable[[], Order]
    base: str
    list_href: str | None
    page: str


def reader_of(actor: Actor, order_id: int) -> Reader:
    """Return a signed-in person as the reader of a purchase of theirs."""
    return Reader(
        actor,
        lambda: find_purchase(actor, order_id),
        url_for("purchases.show", order_id=order_id),
        url_for("purchases.index"),
        "purchases/show.html",
    )


def shown(order: Order, reader: Reader, **given: Any) -> dict[str, Any]:
    """Return all that the page of a purchase shows; `given` replaces parts (a form that was refused)."""
    place = people.place(order.store_id, None)
    assert place is not None
    told = view(order, place.store)
    return {
        "order": order,
        "store": place.store,
        "base": reader.base,
        "list_href": reader.list_href,
        "open_form": None,
        "with_said": False,
        **(told if reader.list_href else for_guests(told)),
        **given,
    }


def page(order: Order, reader: Reader, **given: Any) -> ResponseReturnValue:
    """Show a purchase: its page, or the part that htmx asked for."""
    return htmx.page(reader.page, "purchases/_purchase.html", **shown(order, reader, **given))


def answer(reader: Reader, sentence: str, file: str = "") -> ResponseReturnValue:
    """Say what happened to a purchase, and hand a file's address out: in place by htmx, else on its page."""
    flash(sentence)
    if file:
        flash(file, "file")
    if htmx.wants_part():
        return render_template("purchases/_purchase.html", **shown(reader.find(), reader, with_said=True))
    return htmx.go_to(reader.base)
