"""What a person bought: the list, and one purchase."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.access import find_purchase
from app.carriers import tracking_url
from app.forms.filters import PlaceForm, place_text
from app.models import OrderItem
from app.money import money_text
from app.queries import history, people, purchases, sales
from app.queries.history import ParcelSeen
from app.queries.keyset import Slice
from app.statuses import DEAD, DONE, ItemStatus, Kind, ParcelState
from app.web import display, htmx, sale_view
from app.web.clock import Clock
from app.web.display import Badge
from app.web.signin import current_actor

blueprint = Blueprint("purchases", __name__, url_prefix="/purchases")


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Show what the person bought, newest first."""
    actor = current_actor()
    assert actor.account_id is not None
    form = PlaceForm(request.args)
    is_valid = form.validate()
    found = (
        purchases.page(actor.account_id, after=form.after.data, before=form.before.data)
        if is_valid
        else Slice((), None, None)
    )
    lines = sales.lines_of([order.id for order in found.rows], only_deals=False)
    base, clocks = url_for("purchases.index"), {o.zone: Clock(o.zone) for o in found.rows}
    rows = [
        {
            "id": order.id,
            "number": order.number,
            "store": order.store_name,
            "age": clocks[order.zone].age(order.placed_at, order.is_day_only),
            "exact": clocks[order.zone].exact(order.placed_at, order.is_day_only),
            "lines": [(x.quantity, x.title) for x in lines[order.id][: display.LINES_SHOWN]],
            "more": max(0, len(lines[order.id]) - display.LINES_SHOWN),
            "total": money_text(order.total_minor, order.currency),
            "payment": display.PAYMENT_BADGES[order.payment],
            "shipping": badge(lines[order.id], order.status),
            "href": f"{base}/{order.id}",
        }
        for order in found.rows
    ]
    return htmx.page(
        "purchases/index.html",
        "purchases/_list.html",
        status=200 if is_valid else 422,
        form=form,
        rows=rows,
        newer=f"{base}?before={place_text(found.before)}" if found.before else None,
        older=f"{base}?after={place_text(found.after)}" if found.after else None,
    )


@blueprint.get("/<id:order_id>")
def show(order_id: int) -> ResponseReturnValue:
    """Show one purchase: its lines, its parcels, where it goes and what it cost."""
    order = find_purchase(current_actor(), order_id)
    place = people.place(order.store_id, None)
    assert place is not None
    clock = Clock(place.store.zone)
    store, titles = place.store, {i.id: i.title for i in order.items}
    parcels = [
        {
            "name": f"Parcel {n}",
            "badge": sale_view.PARCEL_BADGES[ParcelState(p.state)],
            "when": clock.exact(p.shipped_at) if p.shipped_at else "",
            "carrier": p.carrier,
            "number": p.number,
            "url": p.url or tracking_url(p.carrier, p.number),
            "lines": [f"{x.quantity} × {titles[x.item_id]}" for x in p.lines if x.item_id in titles],
        }
        for n, p in enumerate(sent_parcels(order.items), start=1)
    ]
    return htmx.page(
        "purchases/show.html",
        "purchases/_purchase.html",
        order=order,
        store=store,
        placed=clock.exact(order.placed_at, order.is_day_only),
        payment=display.PAYMENT_BADGES[order.payment],
        shipping=badge(order.items, order.status),
        lines=[
            {
                "title": i.title,
                "quantity": i.quantity,
                "badge": item_badge(i.fulfilled_as, i.status),
                "total": money_text(i.line_total_minor, order.currency),
            }
            for i in order.items
        ],
        parcels=parcels,
        address=sale_view.address_lines(order.address),
        money=sale_view.money(order, history.money_of(order.id) if order.discount_minor else []),
        notes=history.notes_of(order.id, for_buyer=True),
    )


def sent_parcels(items: list[OrderItem]) -> list[ParcelSeen]:
    """Return the parcels that the buyer may know of: those that were sent."""
    hidden = {ParcelState.DRAFT.value, ParcelState.VOIDED.value}
    return [p for p in history.parcels_of([i.id for i in items]) if p.state not in hidden]


def item_badge(how: Kind, status: ItemStatus) -> Badge:
    """Return the word for an item's status as its buyer reads it."""
    if status == ItemStatus.PENDING_FULFILMENT:
        return Badge("Being prepared", "wait", "ring")
    if status == ItemStatus.PENDING_ACQUISITION and how is Kind.GOODS:
        return Badge("On its way", "info")
    return display.item_badge(how, status)


def badge(lines: list[Any], status: ItemStatus) -> Badge:
    """Return the one word for where a purchase stands."""
    live = [line for line in lines if line.status not in DEAD]
    if not live:
        return display.ITEM_BADGES.get(status, Badge("Closed", "plain"))
    first = min(live, key=lambda line: line.status in DONE)
    return item_badge(display.kind(first), first.status)
