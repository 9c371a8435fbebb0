"""Hip eCommerce's API, "Sale" (seed 003): whole orders, for the programs of their sellers and buyers.

Glossary, theirs and ours: a *Sale* is an Order, a *SaleListing* one of its OrderItems, a *Listing* the
Product that it was. The *username* of a seller is the store's slug, seller_id its id; a buyer is the Buyer as
that store knows them. The four *flags* are codes of the order (`statuses`), number for number; to send one is
to ask for an act (`actions.flags`). *combined_sales_ids* name the orders that went into this one; they answer
404 for ever. Times are those of the store's zone. Pages are counted from 1.
"""

from typing import Any, NamedTuple

from flask import Response
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoSuchPath

from app.access import Actor, Desk, Permission, find_desk, find_sale
from app.access.programs import find_buyers, find_own_purchase, find_told_sale
from app.actions.flags import Side, put_flags, rights_for
from app.api import tokens
from app.api.hip.asked import KEY, FlagsForm, KeyForm, ListingsForm, SalesForm, narrowed
from app.api.hip.objects import listing_json, sale_json
from app.api.shape import BadField, Dialect, answer, judged_body, judged_query, row_id
from app.db import db
from app.errors import ForeignStore, NotAllowed, NotFound, Refused
from app.forms.base import Form
from app.queries import counts, told_items, told_sales
from app.queries.filters import Asked, Condition, Conditions
from app.queries.sight import ALL, Sight
from app.queries.told_items import SOLD
from app.queries.told_sales import NOT_SENT, PAID, SENT, SETTLED, UNPAID, Purchases

# The lists of a store's sales, and what each asks of a sale's flags.
LISTS: dict[str, tuple[tuple[Condition, Any], ...]] = {
    "all": (),
    "paid": (PAID,),
    "unpaid": (UNPAID,),
    "paid_not_shipped": (SETTLED, NOT_SENT),
    "posted_sent": (SENT,),
}


def fault(error: Exception) -> tuple[int, object]:
    """Return the status and the error object of a failure."""
    status, sentence = _status_and_sentence(error)
    return status, {"error": sentence}


def _status_and_sentence(error: Exception) -> tuple[int, str]:
    """Return the status and the sentence of a failure; what is wrong with a parameter names it."""
    match error:
        case tokens.TokenNeeded():
            return error.status, "An API key is required: send it as X-ApiKey or as a Bearer token."
        case tokens.TokenRefused():
            return error.status, "Invalid or expired API key."
        case BadField():
            said = error.said or "Not a parameter of this call, or sent twice, or empty."
            return error.status, f"{error.name}: {said}"
        case ForeignStore():
            return NotAllowed.status, NotAllowed.sentence
        case Refused():
            return error.status, error.sentence
        case NoSuchPath():
            return 404, NotFound.sentence
        case HTTPException(code=int(code)) if code < 500:
            # The kind's own words: an instance's may repeat what was sent.
            return code, type(error).description or error.name
        case _:
            return 500, "Something went wrong on our side. Nothing was changed."


blueprint = Dialect("hip", __name__, fault=fault)


@blueprint.get("/sales/<order>")
def sale(order: str) -> Response:
    """Answer a sale to its seller or its buyer (seed 003, getSale)."""
    found = find_told_sale(_asking(), row_id(order))
    form = judged_query(KeyForm)
    return _wrapped("sale", 1, [sale_json(found)], form, id=order)


@blueprint.put("/sales/<order>")
def put_buyers(order: str) -> Response:
    """Set the buyer's flags of a sale (seed 003, updateSaleBuyerStatus)."""
    actor = _asking()
    purchase = find_own_purchase(actor, row_id(order))
    form = judged_body(FlagsForm, beside=[KEY])
    return _put(purchase.id, form, Flagging(Side.BUYER, actor, purchase.store_id), id=order)


@blueprint.put("/stores/<slug>/sales/<order>")
def put_sellers(slug: str, order: str) -> Response:
    """Set the seller's flags of a sale (seed 003, updateSaleSellerStatus)."""
    # The widest circle of those who may set something; the flags then say which rights they need.
    desk = find_desk(_asking(), slug, to=Permission.SHIP)
    found = find_sale(desk, row_id(order))
    form = judged_body(FlagsForm, beside=[KEY])
    if not all(desk.may(right) for right in rights_for(form.flags())):
        raise NotAllowed
    seller = Flagging(Side.SELLER, desk.acting, desk.store.id, desk.sight)
    return _put(found.id, form, seller, id=order, username=slug)


class Flagging(NamedTuple):
    """Who sets a sale's flags: on which side, in which store, and what they see of it."""

    side: Side
    actor: Actor
    store_id: int
    sight: Sight = ALL


def _put(order_id: int, form: FlagsForm, by: Flagging, **path: str) -> Response:
    """Do what the flags say, and answer the sale as it is then."""
    put_flags(order_id, form.flags(), side=by.side, actor=by.actor, store_id=by.store_id)
    db.session.commit()
    found = told_sales.one(order_id)
    shown = [sale_json(found._replace(sight=by.sight))] if found else []
    return _wrapped("sale", 1, shown, form, **path)


@blueprint.get("/sales")
def purchases() -> Response:
    """Answer what the caller bought, in every store (seed 003, findAllSales)."""
    buyers = find_buyers(_asking())
    form = judged_query(SalesForm)
    windows = form.windows({buyer.zone for buyer in buyers})
    asked = Purchases([buyer.id for buyer in buyers], form.conditions(), windows)
    count = asked.count() if buyers else 0
    at = form.sorted_part()
    found = asked.page(at) if at.start < count else []
    return _wrapped("sale", count, [sale_json(one) for one in found], form)


def sales(slug: str, which: str) -> Response:
    """Answer a store's sales, newest first (seed 003, findAllStoresSalesAll and its sisters)."""
    desk = _desk(slug)
    form = judged_query(SalesForm)
    asked = narrowed(form.conditions_in(desk.store.zone), *LISTS[which])
    count = counts.orders(desk.store.id, asked, desk.only_deals)
    at = form.sorted_part()
    found = told_sales.page(desk.store.id, asked, at, only_deals=desk.only_deals) if at.start < count else []
    shown = [sale_json(one._replace(sight=desk.sight)) for one in found]
    return _wrapped("sale", count, shown, form, sales=which, username=slug)


for name in LISTS:
    blueprint.add_url_rule(f"/stores/<slug>/sales/{name}", view_func=sales, defaults={"which": name})


@blueprint.get("/stores/<slug>/listings/closed")
def sold_listings(slug: str) -> Response:
    """Answer the listings that a store sold (seed 003, findAllStoresListingsClosed with show=sold)."""
    desk = _desk(slug)
    form = judged_query(ListingsForm)
    asked = Conditions(Asked(on_items=(SOLD[0],)), {SOLD[0].name: SOLD[1]})
    count = counts.items(desk.store.id, asked, desk.only_deals)
    at = form.part()
    found = []
    if at.start < count:
        found = told_items.page(
            desk.store.id, asked, start=at.start, limit=at.limit, only_deals=desk.only_deals
        )
    shown = [listing_json(one, desk.store.slug, desk.store.zone) for one in found]
    return _wrapped("listing", count, shown, form, listings="closed", username=slug)


def _asking() -> Actor:
    """Return who asks, by any of Hip's ways to send a key (reference 2.4)."""
    return tokens.asking(header="X-ApiKey", parameter=KEY)


def _desk(slug: str) -> Desk:
    """Return the caller's desk in a store whose sales they may see."""
    return find_desk(_asking(), slug, to=Permission.SEE_SALES)


def _wrapped(kind: str, count: int, results: list[Any], form: Form, **path: str) -> Response:
    """Answer the envelope (seed 003, Response): how many there are, and what was asked, the key left out."""
    sent = {name: str(text) for name, text in form.was_sent.items() if name != KEY}
    return answer({"count": count, "type": kind, "results": results, "params": sent | path})
