"""A store's sales: the list, one row of it, and one sale."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.access import Desk, Permission, find_sale
from app.actions.payment import NotPayable, confirm_payment
from app.db import db
from app.errors import ChangedMeanwhile
from app.forms.base import body
from app.forms.fields import number_in
from app.forms.filters import SaleListForm, place_text
from app.forms.sales import PaidForm
from app.queries import combined, counts, sales
from app.queries.sales import Tab
from app.web import fresh, htmx
from app.web.desk import open_desk
from app.web.filter_panel import panel
from app.web.frame import capped
from app.web.sale_list import one_row, rows
from app.web.sale_page import answer, shown

blueprint = Blueprint("sales", __name__, url_prefix="/stores/<slug>/sales")


@blueprint.get("")
def index(slug: str) -> ResponseReturnValue:
    """Show the list: the page of it that the query string names."""
    desk = open_desk(slug)
    form = SaleListForm(request.args)
    is_valid = form.validate()
    tabs = counts.tabs(desk.store.id, desk.only_deals)
    late, g.attention = (0, 0) if desk.only_deals else counts.pressing(desk.store.id, datetime.now(UTC))
    g.to_ship, g.search = tabs["to_ship"], form.q.data or ""
    given = {
        "desk": desk,
        "form": form,
        "tabs": tab_links(desk, form, tabs),
        "late": late,
        **panel(form, url_for("sales.index", slug=slug)),
        **table(desk, form, is_valid),
        **fresh.given(desk, desk.store.next_number),
    }
    return htmx.page("sales/index.html", "sales/_list.html", status=200 if is_valid else 422, **given)


def table(desk: Desk, form: SaleListForm, is_valid: bool) -> dict[str, Any]:
    """Return the rows of a list with its ways to newer and older ones; none where the form is wrong."""
    if not is_valid:
        return {"rows": [], "newer": None, "older": None, "is_wrong": True, "went_into": None}
    found = sales.page(
        desk.store.id,
        form.conditions_in(desk.store.zone, desk.sight),
        tab=form.tab.data,
        sort=form.sort.data or "newest",
        after=form.after.data,
        before=form.before.data,
        only_deals=desk.only_deals,
    )
    base = url_for("sales.index", slug=desk.store.slug)
    return {
        "rows": rows(desk, found.rows, form.query()),
        "newer": f"{base}?{form.query(before=place_text(found.before))}" if found.before else None,
        "older": f"{base}?{form.query(after=place_text(found.after))}" if found.after else None,
        "is_wrong": False,
        "went_into": went_into(desk, form.q.data or ""),
    }


def went_into(desk: Desk, searched: str) -> Any:
    """Return the sale whose number was searched for, where it is part of another one now; else None."""
    number = None if desk.only_deals else number_in(searched)
    return combined.named(desk.store.id, number) if number else None


def tab_links(desk: Desk, form: SaleListForm, tabs: dict[str, int]) -> list[dict[str, Any]]:
    """Return the tabs with their counts; a tab is a fresh view, so filters stay behind."""
    base = url_for("sales.index", slug=desk.store.slug)
    shown = [tab for tab in Tab if tab is not Tab.ATTENTION or not desk.only_deals]
    named = [("all", "All", base), *((t.value, t.label, f"{base}?tab={t.value}") for t in shown)]
    current = form.tab.data.value if form.tab.data else "all"
    words = {code: f"{n:,}" for code, n in tabs.items()} | {Tab.ATTENTION.value: capped(g.attention)}
    return [
        {"label": label, "href": href, "count": words[code], "is_current": code == current}
        for code, label, href in named
    ]


@blueprint.get("/<id:order_id>/row")
def row(slug: str, order_id: int) -> ResponseReturnValue:
    """Show one row of the list as it is now (what closing its ship form brings back)."""
    desk = open_desk(slug)
    find_sale(desk, order_id)
    return render_template("sales/_rows.html", rows=one_row(desk, order_id))


@blueprint.get("/<id:order_id>")
def show(slug: str, order_id: int) -> ResponseReturnValue:
    """Show one sale."""
    desk = open_desk(slug)
    return htmx.page("sales/show.html", "sales/_sale.html", **shown(desk, find_sale(desk, order_id)))


@blueprint.post("/<id:order_id>/paid")
def paid(slug: str, order_id: int) -> ResponseReturnValue:
    """Mark a sale as paid."""
    desk = open_desk(slug, Permission.MARK_PAID)
    order = find_sale(desk, order_id)
    form = PaidForm(body())
    is_valid, status, conflict = form.validate(), 422, form.too_much()
    if is_valid and not conflict:
        try:
            confirm_payment(
                order_id,
                code=form.payment.data,
                actor=desk.acting,
                store_id=desk.store.id,
                version=form.version.data,
            )
            sentence = f"Sale {order.number} is marked as paid."
            db.session.commit()
        except (ChangedMeanwhile, NotPayable) as late:
            db.session.rollback()
            status, conflict, order = 409, late.sentence, find_sale(desk, order_id)
        else:
            return answer(desk, order_id, sentence)
    return htmx.page(
        "sales/show.html",
        "sales/_sale.html",
        status=status,
        target="#sale",
        **shown(desk, order, paid_form=form, conflict=conflict),
    )
