"""What a person bought: the list, and one purchase."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.access import find_purchase
from app.forms.bought import PurchaseListForm
from app.forms.fields import number_in
from app.forms.filters import place_text
from app.money import money_text
from app.queries import combined, purchases, sales
from app.queries.keyset import Slice
from app.queries.purchases import Counts, Tab
from app.web import display, htmx
from app.web.clock import Clock
from app.web.purchase_page import page, reader_of
from app.web.purchase_view import badge, payment_badge
from app.web.signin import current_actor

blueprint = Blueprint("purchases", __name__, url_prefix="/purchases")


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Show what the person bought: the tab, the words and the place of it that the query string names."""
    actor = current_actor()
    assert actor.account_id is not None
    form = PurchaseListForm(request.args)
    is_valid = form.validate()
    found = (
        purchases.page(
            actor.account_id,
            tab=form.tab.data,
            text=form.q.data or "",
            after=form.after.data,
            before=form.before.data,
        )
        if is_valid
        else Slice((), None, None)
    )
    base = url_for("purchases.index")
    kept = {"tab": form.tab._value(), "q": form.q._value()}
    return htmx.page(
        "purchases/index.html",
        "purchases/_list.html",
        status=200 if is_valid else 422,
        form=form,
        is_wrong=not is_valid,
        went_into=went_into(actor.account_id, form.q.data or "") if is_valid else [],
        tabs=tab_links(form, purchases.counts(actor.account_id)),
        rows=rows(found.rows),
        newer=at(base, kept, before=place_text(found.before)) if found.before else None,
        older=at(base, kept, after=place_text(found.after)) if found.after else None,
    )


def went_into(account_id: int, searched: str) -> Sequence[Any]:
    """Return the purchases whose number was searched for, where they are part of other ones now."""
    number = number_in(searched)
    return combined.own_named(account_id, number) if number else []


def at(base: str, kept: dict[str, str], **place: str) -> str:
    """Return the list's address with what is kept of its query, and a place."""
    return f"{base}?{urlencode({name: text for name, text in (kept | place).items() if text})}"


def tab_links(form: PurchaseListForm, counts: Counts) -> list[dict[str, Any]]:
    """Return the tabs with their counts; a tab is a fresh view, so the words stay behind."""
    base = url_for("purchases.index")
    named = [("all", "All", base), *((t.value, t.label, f"{base}?tab={t.value}") for t in Tab)]
    current = form.tab.data.value if form.tab.data else "all"
    more = "+" if counts.is_capped else ""
    return [
        {"label": label, "href": href, "count": f"{counts.tabs[code]:,}{more}", "is_current": code == current}
        for code, label, href in named
    ]


def rows(found: Any) -> list[dict[str, Any]]:
    """Format rows of the list."""
    lines = sales.lines_of([order.id for order in found], only_deals=False)
    base, clocks = url_for("purchases.index"), {o.zone: Clock(o.zone) for o in found}
    return [
        {
            "id": order.id,
            "number": order.number,
            "store": order.store_name,
            "age": clocks[order.zone].age(order.placed_at, order.is_day_only),
            "exact": clocks[order.zone].exact(order.placed_at, order.is_day_only),
            "lines": [(x.quantity, x.title) for x in lines[order.id][: display.LINES_SHOWN]],
            "more": max(0, len(lines[order.id]) - display.LINES_SHOWN),
            "total": money_text(order.total_minor, order.currency),
            "payment": payment_badge(order),
            "shipping": badge(order, lines[order.id]),
            "href": f"{base}/{order.id}",
        }
        for order in found
    ]


@blueprint.get("/<id:order_id>")
def show(order_id: int) -> ResponseReturnValue:
    """Show one purchase: its lines, its parcels, what may be said of it, where it goes and what it cost."""
    actor = current_actor()
    return page(find_purchase(actor, order_id), reader_of(actor, order_id))
