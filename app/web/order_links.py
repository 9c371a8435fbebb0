"""Links by a shop's own order id: whoever keeps that id alone gets to the sale or purchase that it is."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.access.outside import find_by_outside_id
from app.errors import NotFound
from app.web.signin import current_actor

blueprint = Blueprint("order_links", __name__, url_prefix="/stores/<slug>/orders/<channel>")


# An id keeps its slashes; one that begins with a slash comes by the query.
@blueprint.get("/<path:outside_id>")
def by_path(slug: str, channel: str, outside_id: str) -> ResponseReturnValue:
    """Lead to the order whose id stands in the path."""
    return led(slug, channel, outside_id)


@blueprint.get("")
def by_query(slug: str, channel: str) -> ResponseReturnValue:
    """Lead to the order whose id stands in the query, whatever signs it has."""
    sent = request.args.getlist("id")
    current_actor()
    if len(sent) != 1:
        raise NotFound
    return led(slug, channel, sent[0])


def led(slug: str, channel: str, outside_id: str) -> ResponseReturnValue:
    """Lead to the page of an order that the person is a party to."""
    found = find_by_outside_id(current_actor(), slug, channel, outside_id)
    if found.is_sale:
        return redirect(url_for("sales.show", slug=slug, order_id=found.order_id), 303)
    return redirect(url_for("purchases.show", order_id=found.order_id), 303)
