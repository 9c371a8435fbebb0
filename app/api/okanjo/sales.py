"""A store's order items (seed 000): the collection, one of them, and moving it."""

from flask import Response

from app.access import Permission, find_desk, find_item
from app.access.programs import find_told_item
from app.actions.moves import move_item
from app.api.okanjo.asked import SaleMoveForm, SalesForm, ShowForm
from app.api.okanjo.faults import blueprint, counted
from app.api.okanjo.objects import items_json
from app.api.okanjo.signing import asking
from app.api.shape import answer, judged_body, judged_query, row_id, store_id
from app.db import db
from app.queries import counts, told_items
from app.queries.told_items import Told


@blueprint.get("/stores/<store>/sales")
def sales(store: str) -> Response:
    """Answer a store's order items, most recent first (seed 000, GET /stores/{store_id}/sales)."""
    desk = find_desk(asking(), store_id(store), to=Permission.SEE_SALES)
    form = judged_query(SalesForm)
    asked, part = form.conditions(), form.part()
    count = counts.items(desk.store.id, asked, desk.only_deals)
    found: list[Told] = []
    if part.start < count:
        found = told_items.page(
            desk.store.id, asked, start=part.start, limit=part.limit, only_deals=desk.only_deals
        )
    return counted(answer(items_json(found, {desk.store.id: desk.store}, form.shown(), desk.sight)), count)


@blueprint.get("/stores/<store>/sales/<item>")
def sale(store: str, item: str) -> Response:
    """Answer one order item (seed 000, GET /stores/{store_id}/sales/{item_id})."""
    desk = find_desk(asking(), store_id(store), to=Permission.SEE_SALES)
    found = find_told_item(desk, row_id(item))
    form = judged_query(ShowForm)
    return answer(items_json([found], {desk.store.id: desk.store}, form.shown(), desk.sight)[0])


@blueprint.put("/stores/<store>/sales/<item>")
def move(store: str, item: str) -> Response:
    """Move an item, or keep its tracking (seed 000, PUT /stores/{store_id}/sales/{item_id})."""
    # The widest circle of those who may move something; the item itself then says which right it needs.
    desk = find_desk(asking(), store_id(store), to=Permission.REDEEM)
    found = find_item(desk, row_id(item), to_move=True)
    form = judged_body(SaleMoveForm)
    move_item(found, form.asked(), desk=desk)
    db.session.commit()
    return answer({"type": "success"})
