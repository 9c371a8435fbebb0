"""The guest link of a sale, as its seller makes and ends it."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app import logs
from app.access import Desk, Permission, find_sale
from app.actions.guests import end_links, make_link
from app.db import db
from app.errors import NotAllowed
from app.forms.base import body
from app.web.desk import open_desk
from app.web.guest_view import may_have
from app.web.sale_page import answer

blueprint = Blueprint("guest_links", __name__, url_prefix="/stores/<slug>/sales/<id:order_id>/guest-link")


def desk_for_links(slug: str) -> Desk:
    """Return the desk of whoever may have a sale's link; NotAllowed."""
    desk = open_desk(slug, Permission.SHIP)
    if not may_have(desk):
        raise NotAllowed
    return desk


@blueprint.post("")
def make(slug: str, order_id: int) -> ResponseReturnValue:
    """Make the link; one that was there ends."""
    desk = desk_for_links(slug)
    number = find_sale(desk, order_id).number
    body()
    link = make_link(order_id, actor=desk.acting, store_id=desk.store.id)
    db.session.commit()
    logs.note(did="made a guest link", link=link.id)
    return answer(desk, order_id, f"Sale {number}: the guest link is made.")


@blueprint.post("/end")
def end(slug: str, order_id: int) -> ResponseReturnValue:
    """End the link: it opens nothing from the next request on."""
    desk = desk_for_links(slug)
    number = find_sale(desk, order_id).number
    body()
    is_ended = end_links(order_id, actor=desk.acting, store_id=desk.store.id)
    db.session.commit()
    logs.note(did="ended a guest link", order=order_id)
    said = "the guest link is ended" if is_ended else "there was no guest link to end"
    return answer(desk, order_id, f"Sale {number}: {said}.")
