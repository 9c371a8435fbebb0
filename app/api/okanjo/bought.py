"""What the caller bought, in Okanjo's words: order items, orders, and saying that an item is there."""

from flask import Response

from app.access import READ, WRITE
from app.access.bought import find_bought_item, find_bought_order, find_purchaser
from app.actions.buyers_word import receive as receive_item
from app.api.okanjo.asked import (
    BoughtItemsForm,
    BoughtMoveForm,
    BoughtShowForm,
    OrdersForm,
    OrderShowForm,
)
from app.api.okanjo.faults import blueprint, counted
from app.api.okanjo.objects import bought_json
from app.api.okanjo.orders import orders_json
from app.api.okanjo.signing import asking
from app.api.shape import answer, judged_body, judged_query, row_id
from app.db import db
from app.queries import told_purchases


@blueprint.get("/order-items")
def bought_items() -> Response:
    """Answer the order items that the caller bought, most recent first."""
    who = find_purchaser(asking(), scope=READ)
    form = judged_query(BoughtItemsForm)
    count, found = told_purchases.items(who, form.conditions(), form.part())
    return counted(answer(bought_json(found, form.shown())), count)


@blueprint.get("/order-items/<item>")
def bought_item(item: str) -> Response:
    """Answer one of the order items that the caller bought."""
    who = find_purchaser(asking(), scope=READ)
    found = find_bought_item(who, row_id(item))
    form = judged_query(BoughtShowForm)
    return answer(bought_json([found], form.shown())[0])


@blueprint.put("/order-items/<item>")
def receive(item: str) -> Response:
    """Say that an item is there: status 4, of an item in 3 or of a pickup in 2."""
    actor = asking()
    found = find_bought_item(find_purchaser(actor, scope=WRITE), row_id(item)).row
    form = judged_body(BoughtMoveForm)
    if form.status.data is not None:
        receive_item(found.order_id, [found.id], actor=actor, store_id=found.store_id)
        db.session.commit()
    return answer({"type": "success"})


@blueprint.get("/orders")
def orders() -> Response:
    """Answer the orders that the caller placed, most recent first."""
    who = find_purchaser(asking(), scope=READ)
    form = judged_query(OrdersForm)
    count, found = told_purchases.orders(who, form.conditions(), form.part())
    return counted(answer(orders_json(found, form.shown())), count)


@blueprint.get("/orders/<order>")
def order(order: str) -> Response:
    """Answer one of the orders that the caller placed."""
    who = find_purchaser(asking(), scope=READ)
    found = find_bought_order(who, row_id(order))
    form = judged_query(OrderShowForm)
    return answer(orders_json([found], form.shown())[0])
