"""Rows of the list of sales, and the way back from a sale to the list it was opened from."""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from flask import get_template_attribute, request, url_for
from werkzeug.datastructures import MultiDict

from app.access import Desk
from app.forms.filters import SaleListForm
from app.queries import sales
from app.web import display
from app.web.clock import Clock, Times

# So many drawn rows are kept, a kilobyte each.
KEPT_ROWS = 4096


class Around(NamedTuple):
    """What the rows of one list share: its path, what leads back to it, and what of sales is seen."""

    base: str
    back: str
    only_deals: bool
    sees_place: bool


def rows(desk: Desk, found: Sequence[Any], query: str) -> list[str]:
    """Return rows of the list, drawn, each leading to its sale and back to this list."""
    base, sees_place = url_for("sales.index", slug=desk.store.slug), desk.sight.personal
    around = Around(base, way_back(query), desk.only_deals, sees_place)
    lines = sales.lines_of([order.id for order in found], around.only_deals)
    clock = Clock(desk.store.zone)
    return [
        _drawn(
            order,
            tuple(lines[order.id]),
            clock.said(order.placed_at, order.is_day_only, order.ship_by),
            around,
        )
        for order in found
    ]


@lru_cache(KEPT_ROWS)
def _drawn(order: Any, lines: tuple[Any, ...], times: Times, around: Around) -> str:
    """Return one row, drawn once for what it shows: everything that it is drawn from is given."""
    draw: Callable[[display.SaleRow], str] = get_template_attribute("macros/sale_row.html", "sale_row")
    return draw(display.sale_row(order, lines, times=times, **around._asdict()))


def way_back(query: str) -> str:
    """Return what a link to a sale carries so that the sale leads back to the list it was opened from."""
    return "?" + urlencode({"list": query}) if query else ""


def opened_from() -> SaleListForm:
    """Return the list that a sale was opened from; the whole list where the link says none."""
    query = request.args.get("list", "")[:2000]
    if not query:
        return _whole_list()
    form = SaleListForm(MultiDict(parse_qsl(query)))
    return form if form.validate() else _whole_list()


@cache
def _whole_list() -> SaleListForm:
    """Return the list that is narrowed to nothing, which nobody changes."""
    return SaleListForm({})


def one_row(desk: Desk, order_id: int) -> list[str]:
    """Return one row of the list as it is now, as a list of one."""
    return rows(desk, [sales.row(desk.store.id, order_id)], opened_from().query())
