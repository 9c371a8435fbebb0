"""Rows of the list of sales, and the way back from a sale to the list it was opened from."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import request, url_for
from werkzeug.datastructures import MultiDict

from app.access import Desk
from app.forms.filters import SaleListForm
from app.queries import sales
from app.web import display
from app.web.clock import Clock


def rows(desk: Desk, found: Sequence[Any], query: str) -> list[display.SaleRow]:
    """Format rows of the list, each leading to its sale and back to this list."""
    only_deals = desk.only_deals
    lines = sales.lines_of([order.id for order in found], only_deals)
    clock, base = Clock(desk.store.zone), url_for("sales.index", slug=desk.store.slug)
    back = way_back(query)
    return [
        display.sale_row(
            order,
            lines[order.id],
            base=base,
            back=back,
            clock=clock,
            only_deals=only_deals,
        )
        for order in found
    ]


def way_back(query: str) -> str:
    """Return what a link to a sale carries so that the sale leads back to the list it was opened from."""
    return "?" + urlencode({"list": query}) if query else ""


def opened_from() -> SaleListForm:
    """Return the list that a sale was opened from; the whole list where the link says none."""
    form = SaleListForm(MultiDict(parse_qsl(request.args.get("list", "")[:2000])))
    return form if form.validate() else SaleListForm({})


def one_row(desk: Desk, order_id: int) -> list[display.SaleRow]:
    """Return one row of the list as it is now, as a list of one."""
    return rows(desk, [sales.row(desk.store.id, order_id)], opened_from().query())
