"""Weebly's store API, "Order Item" (seed 004), and the orders around it: sales, for programs to read.

Glossary, theirs and ours: a *site* is a Store, by its id; its *user* the account that owns it. An *order* is
a sale, an *order item* a line of one, by its place in the order (1, 2, ...); a line keeps its place, and one
that came in with another sale keeps it too. A *product* and its *SKU* are both our product. A *shipment* is a
Parcel, a *billing* the money that moved. *Platform* and *Cloud* are Weebly's two spellings of one path; both
stand here, and either way to sign in opens both. Amounts are numbers of major units, times Unix seconds, and
what is not known is null, never left out. `order_status` is rolled up from the lines (reference 4.3).

Lists show `list` fields alone. Orders are paged by `page` and `limit`; items come all at once unless one of
the two is sent.
"""

from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.exceptions import NotFound as NoSuchPath

from app.access import Permission
from app.access.sites import Site, find_owned_desk, find_told_lines, find_told_order
from app.api.shape import BadField, Dialect, answer, judged_query, row_id, store_id
from app.api.tokens import TokenNeeded, TokenRefused
from app.api.weebly.items import item_json, lines_told
from app.api.weebly.orders import order_json, orders_json
from app.api.weebly.pages import paged
from app.api.weebly.signing import BadHash, asking
from app.errors import ForeignStore, ForeignUser, NotAllowed, NotFound, Refused
from app.forms.base import Form
from app.forms.fields import read_id
from app.forms.weebly import OrdersForm, PageForm
from app.queries import counts, site_orders

DEFAULT_LIMIT = 25

# Weebly's own codes (reference 3.6), each with the HTTP status that it goes out with.
INVALID_HASH = (401, 100, "Invalid hash.")
UNKNOWN_KEY = (401, 101, "Unknown API key or access token.")
NO_USER = (403, 200, "No access to this user.")
NO_SITE = (403, 201, "No access to this site.")
NOT_ROUTED = (404, 300, "Query cannot be routed.")
INVALID, UNKNOWN, NO_METHOD = 900, 999, 32601


def fault(error: Exception) -> tuple[int, object]:
    """Return the status and the error object of a failure (reference 3.6)."""
    status, code, message = _told(error)
    return status, {"error": {"code": code, "message": message}}


def _told(error: Exception) -> tuple[int, int, str]:
    """Return the status of a failure, Weebly's code, and a message."""
    match error:
        case BadHash():
            return INVALID_HASH
        case TokenNeeded() | TokenRefused():
            return UNKNOWN_KEY
        case ForeignUser():
            return NO_USER
        case ForeignStore() | NotAllowed():
            return NO_SITE
        case NotFound() | NoSuchPath():
            return NOT_ROUTED
        case BadField():
            return 400, INVALID, error.sentence
        case Refused():
            return error.status, INVALID if error.status < 500 else UNKNOWN, error.sentence
        case MethodNotAllowed():
            return 405, NO_METHOD, "Method not found."
        case HTTPException(code=int(code)) if code < 500:
            return code, INVALID, type(error).description or error.name
        case _:
            return 500, UNKNOWN, "Unknown error."


blueprint = Dialect("weebly", __name__, fault=fault)

PLATFORM = "/v1/user/sites/<site>/store/orders"
CLOUD = "/user/<user>/site/<site>/store/order"


@blueprint.get(PLATFORM)
@blueprint.get(CLOUD)
def orders(site: str, user: str | None = None) -> Response:
    """Answer a page of a store's orders, newest first unless sorted."""
    place = _site(site, user)
    desk = place.desk
    form = judged_query(OrdersForm)
    page, limit = form.page.data or 1, form.limit.data or DEFAULT_LIMIT
    at = site_orders.Page((page - 1) * limit, limit, form.is_newest_first)
    conditions = form.conditions()._replace(sight=desk.sight)
    total, found = site_orders.page(desk.store.id, conditions, at, only_deals=desk.only_deals)
    return paged(answer(orders_json(found, place)), total=total, page=page, limit=limit)


@blueprint.get(f"{PLATFORM}/count")
@blueprint.get(f"{CLOUD}/count")
def orders_count(site: str, user: str | None = None) -> Response:
    """Answer how many orders a store has."""
    desk = _site(site, user).desk
    judged_query(Form)
    return answer({"count": counts.tabs(desk.store.id, desk.only_deals)["all"]})


@blueprint.get(f"{PLATFORM}/<order>")
@blueprint.get(f"{CLOUD}/<order>")
def order(site: str, order: str, user: str | None = None) -> Response:
    """Answer one order with all that belongs to it."""
    at = _site(site, user)
    found = find_told_order(at.desk, row_id(order))
    judged_query(Form)
    return answer(order_json(found.row, found.lines, at))


@blueprint.get(f"{PLATFORM}/<order>/items")
@blueprint.get(f"{CLOUD}/<order>/item")
def items(site: str, order: str, user: str | None = None) -> Response:
    """Answer the items of an order, by their place (seed 004, "Retrieve a List of Order Items")."""
    at = _site(site, user)
    lines = find_told_lines(at.desk, row_id(order))
    form = judged_query(PageForm)
    if not form.is_asked:
        return answer(_items_json(lines, at))
    page, limit = form.page.data or 1, form.limit.data or DEFAULT_LIMIT
    some = lines[(page - 1) * limit : page * limit]
    return paged(answer(_items_json(some, at)), total=len(lines), page=page, limit=limit)


@blueprint.get(f"{PLATFORM}/<order>/items/count")
@blueprint.get(f"{CLOUD}/<order>/item/count")
def items_count(site: str, order: str, user: str | None = None) -> Response:
    """Answer how many items an order has (seed 004, "Retrieve the Number of Order Items for an Order")."""
    at = _site(site, user)
    lines = find_told_lines(at.desk, row_id(order))
    judged_query(Form)
    return answer({"count": len(lines)})


@blueprint.get(f"{PLATFORM}/<order>/items/<item>")
@blueprint.get(f"{CLOUD}/<order>/item/<item>")
def item(site: str, order: str, item: str, user: str | None = None) -> Response:
    """Answer one item with all its fields (seed 004, "Retrieve Details for an Order Item")."""
    at = _site(site, user)
    lines = find_told_lines(at.desk, row_id(order))
    place = row_id(item)
    found = [line for line in lines if line.position == place]
    if not found:
        raise NotFound
    judged_query(Form)
    return answer(item_json(lines_told(found, at)[0]))


def _items_json(lines: Any, at: Site) -> list[dict[str, object]]:
    """Return items as lists show them."""
    return [item_json(line, only_listed=True) for line in lines_told(lines, at)]


def _site(site: str, user: str | None) -> Site:
    """Return the caller's desk in the store of a path, under the user that it names (None: none)."""
    actor = asking()
    owner_id: int | None = None
    if user is not None:
        try:
            owner_id = read_id(user)
        except ValueError:
            raise ForeignUser from None
    return find_owned_desk(actor, owner_id, store_id(site), to=Permission.SEE_SALES)
