"""One purchase for whoever holds its link: a buyer without an account.

The link's token is given once, in an address that shows nothing; from then on a cookie of a few hours opens
the one purchase, below its own path and nowhere else. The session knows nothing of it.
"""

from datetime import timedelta

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.access.guests import GUEST, LinkRefused, find_guests_purchase, find_link
from app.errors import Absorbed
from app.models import Order
from app.seals import said_by, signed
from app.web import cookies, htmx
from app.web.errors import page as error_page
from app.web.invoice_view import view as invoice
from app.web.purchase_page import Reader, page
from app.web.purchase_words import say_received, say_what_is_wrong

blueprint = Blueprint("guest", __name__, url_prefix="/guest")

# For so long an opened link need not be opened again.
LASTS = timedelta(hours=12)
PURPOSE = "guest's cookie"


def cookie() -> str:
    """Return the name of the cookie that opens a purchase."""
    return cookies.called(cookies.GUEST, has_path=True)


def opened(link_id: int) -> tuple[Reader, Order]:
    """Return the guest and the purchase of the link, as the cookie of its path opens it; LinkRefused."""
    said = said_by(current_app.config["SECRET_KEY"], PURPOSE, request.cookies.get(cookie(), ""), LASTS)
    if said is None:
        raise LinkRefused
    public_id = str(said["link"])
    order = find_guests_purchase(link_id, public_id)
    base = url_for("guest.show", link_id=link_id)
    reader = Reader(GUEST, lambda: find_guests_purchase(link_id, public_id), base, None, "guest/show.html")
    return reader, order


@blueprint.errorhandler(LinkRefused)
def refuse(error: LinkRefused) -> ResponseReturnValue:
    """Answer every link that opens nothing alike."""
    logs.note(reason=type(error).__name__)
    return error_page(error.status, error.sentence)


@blueprint.errorhandler(Absorbed)
def look_again(_: Absorbed) -> ResponseReturnValue:
    """Show what the purchase became part of, just now."""
    return htmx.go_to(url_for("guest.show", link_id=(request.view_args or {})["link_id"]))


@blueprint.after_request
def keep_the_token(answer: Response) -> Response:
    """Let no page learn the address that holds the token."""
    if request.endpoint == "guest.enter":
        answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@blueprint.get("/<token>")
def enter(token: str) -> ResponseReturnValue:
    """Take a link's token, give the cookie for it, and go on to the purchase."""
    link = find_link(token, current_app.config["SECRET_KEY"])
    there = url_for("guest.show", link_id=link.id)
    answer = redirect(there, 303)
    answer.set_cookie(
        cookie(),
        signed(current_app.config["SECRET_KEY"], PURPOSE, {"link": link.public_id}),
        max_age=int(LASTS.total_seconds()),
        path=there,
        secure=current_app.config["IS_HTTPS"],
        httponly=True,
        samesite="Lax",
    )
    return answer


@blueprint.get("/<id:link_id>")
def show(link_id: int) -> ResponseReturnValue:
    """Show the purchase."""
    reader, order = opened(link_id)
    return page(order, reader)


@blueprint.get("/<id:link_id>/invoice")
def bill(link_id: int) -> ResponseReturnValue:
    """Show the invoice of the purchase."""
    reader, order = opened(link_id)
    back_words = f"Purchase {order.number}"
    return render_template("guest/invoice.html", back=reader.base, back_words=back_words, **invoice(order))


@blueprint.post("/<id:link_id>/received")
def received(link_id: int) -> ResponseReturnValue:
    """Say that lines are there."""
    return say_received(*opened(link_id))


@blueprint.post("/<id:link_id>/problem")
def problem(link_id: int) -> ResponseReturnValue:
    """Say that something is wrong."""
    return say_what_is_wrong(*opened(link_id))
