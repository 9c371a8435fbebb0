"""An invoice to print, without script: for the buyer of a purchase, and for the seller of a sale."""

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app.access import Permission, find_purchase, find_sale
from app.models import Order
from app.web.desk import open_desk
from app.web.invoice_view import view
from app.web.signin import current_actor

blueprint = Blueprint("invoices", __name__)


@blueprint.get("/purchases/<id:order_id>/invoice")
def of_purchase(order_id: int) -> ResponseReturnValue:
    """Show the invoice of a purchase to its buyer."""
    order = find_purchase(current_actor(), order_id)
    back = url_for("purchases.show", order_id=order.id)
    return render_template(
        "invoices/show.html", back=back, back_words=f"Purchase {order.number}", **view(order)
    )


@blueprint.get("/stores/<slug>/sales/<id:order_id>/invoice")
def of_sale(slug: str, order_id: int) -> ResponseReturnValue:
    """Show the invoice of a sale to its seller."""
    desk = open_desk(slug, Permission.SEE_EVERYTHING)
    desk.ask(Permission.SEE_PERSONAL)
    desk.ask(Permission.SEE_MONEY)
    order = find_sale(desk, order_id)
    back = url_for("sales.show", slug=slug, order_id=order.id)
    return shown(order, back, "Sale")


def shown(order: Order, back: str, of: str) -> str:
    """Render an invoice; `back` leads to the page that it was opened from."""
    return render_template("invoices/show.html", back=back, back_words=f"{of} {order.number}", **view(order))
