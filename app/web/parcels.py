"""A store's parcels: labels made, parcels sent, and what may be done to each."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.access import Desk, Permission, find_parcel
from app.actions.labels import send_draft
from app.actions.undo import void_parcel
from app.carriers import CARRIERS, tracking_url
from app.db import db
from app.errors import ChangedMeanwhile, NotFound, Refused, StatusChangeProhibited
from app.forms.base import body
from app.forms.fields import read_id
from app.forms.filters import place_text
from app.forms.parcels import ParcelListForm
from app.forms.sales import DraftForm
from app.queries import parcels
from app.queries.parcels import ParcelTab
from app.statuses import ParcelState
from app.web import htmx
from app.web.clock import Clock
from app.web.desk import open_desk
from app.web.display import Badge
from app.web.frame import capped
from app.web.parcel_view import BADGES, undo

blueprint = Blueprint("parcels", __name__, url_prefix="/stores/<slug>/parcels")

CHANGED = (
    "This cannot be done any more: somebody was quicker, or goods in the parcel were received, came back or "
    "are disputed."
)


class Inside(NamedTuple):
    """What a parcel holds of one sale."""

    number: int
    href: str
    lines: list[tuple[int, str]]


class ParcelRow(NamedTuple):
    """One row of the list, as its template prints it."""

    id: int
    carrier: str
    number: str
    url: str | None
    inside: list[Inside]
    buyer: str
    when: str
    exact: str
    badge: Badge
    may_send: bool
    undo: str
    fix_href: str
    version: int


@blueprint.get("")
def index(slug: str) -> ResponseReturnValue:
    """Show the page of the list that the query string names."""
    desk = open_desk(slug, Permission.SEE_EVERYTHING)
    form = ParcelListForm(request.args)
    is_valid = form.validate()
    return htmx.page(
        "parcels/index.html",
        "parcels/_list.html",
        status=200 if is_valid else 422,
        **listed(desk, form, is_valid),
    )


def listed(desk: Desk, form: ParcelListForm, is_valid: bool) -> dict[str, Any]:
    """Return what the list shows; no rows where the form is wrong."""
    base = url_for("parcels.index", slug=desk.store.slug)
    n = {tab: capped(count) for tab, count in parcels.counts(desk.store.id).items()}
    named = [("All", None), *((tab.label, tab) for tab in ParcelTab)]
    given: dict[str, Any] = {
        "desk": desk,
        "form": form,
        "base": base,
        "carriers": CARRIERS,
        "tabs": [
            {
                "label": label,
                "href": f"{base}?tab={tab}" if tab else base,
                "count": n.get(tab or ""),
                "is_current": form.tab.data == tab,
            }
            for label, tab in named
        ],
        "rows": [],
        "newer": None,
        "older": None,
        "is_wrong": not is_valid,
    }
    if is_valid:
        found = parcels.page(
            desk.store.id,
            form.tab.data,
            form.wanted_in(desk.store.zone),
            after=form.after.data,
            before=form.before.data,
        )
        given["rows"] = rows(desk, found.rows)
        given["newer"] = f"{base}?{form.query(before=place_text(found.before))}" if found.before else None
        given["older"] = f"{base}?{form.query(after=place_text(found.after))}" if found.after else None
    return given


def rows(desk: Desk, found: Sequence[Any]) -> list[ParcelRow]:
    """Format rows of the list with what is in each parcel."""
    clock, base = Clock(desk.store.zone), url_for("sales.index", slug=desk.store.slug)
    contents = parcels.contents([row.id for row in found])
    return [_row(desk, row, inside_of(contents[row.id], base), clock) for row in found]


def inside_of(lines: Sequence[Any], base: str) -> list[Inside]:
    """Format what is in a parcel, sale by sale; `base` is the path of the sales."""
    sales: dict[int, Inside] = {}
    for line in lines:
        sale = sales.setdefault(line.id, Inside(line.number, f"{base}/{line.id}", []))
        sale.lines.append((line.quantity, line.title))
    return list(sales.values())


def _row(desk: Desk, row: Any, inside: list[Inside], clock: Clock) -> ParcelRow:
    """Format one row."""
    may_ship, state = desk.may(Permission.SHIP), ParcelState(row.state)
    age, exact = clock.age_and_exact(row.dated_at)
    may_fix = may_ship and inside and state is not ParcelState.VOIDED
    return ParcelRow(
        id=row.id,
        carrier=row.carrier,
        number=row.number,
        url=row.url or tracking_url(row.carrier, row.number),
        inside=inside,
        buyer=row.buyer_name or row.buyer_username or "Guest",
        when=age,
        exact=exact,
        badge=BADGES[state],
        may_send=may_ship and bool(inside) and state is ParcelState.DRAFT,
        undo=undo(row.state, row.shipped_at, desk.store.undo_minutes, clock) if may_ship else "",
        fix_href=f"{inside[0].href}#parcel-{row.id}" if may_fix else "",
        version=row.version,
    )


@blueprint.post("/<id:parcel_id>/send")
def send(slug: str, parcel_id: int) -> ResponseReturnValue:
    """Send a parcel whose label was made before."""

    def act(desk: Desk, version: int | None) -> str:
        parcel = send_draft(parcel_id, version=version, actor=desk.acting, store_id=desk.store.id)
        return f"Parcel {parcel.number or 'without a number'} is sent."

    return carry_out(slug, parcel_id, act)


@blueprint.post("/<id:parcel_id>/void")
def void(slug: str, parcel_id: int) -> ResponseReturnValue:
    """Take a parcel back: its pieces are to ship again."""

    def act(desk: Desk, version: int | None) -> str:
        parcel = void_parcel(parcel_id, version=version, actor=desk.acting, store_id=desk.store.id)
        return f"Parcel {parcel.number or 'without a number'} is taken back: its pieces are to ship again."

    return carry_out(slug, parcel_id, act)


def carry_out(slug: str, parcel_id: int, act: Callable[[Desk, int | None], str]) -> ResponseReturnValue:
    """Do something to a parcel; say what came of it, or why not, in its row or where it was asked."""
    desk = open_desk(slug, Permission.SHIP)
    find_parcel(desk, parcel_id)
    form = DraftForm(body())
    status, sentence = 422, form.first_fault()[1]
    if form.validate():
        try:
            status, sentence = 200, act(desk, form.version.data)
            db.session.commit()
        except NotFound:
            raise
        except (ChangedMeanwhile, StatusChangeProhibited):
            db.session.rollback()
            status, sentence = 409, CHANGED
        except Refused as refusal:
            db.session.rollback()
            status, sentence = 422, refusal.sentence
    return said(desk, parcel_id, status, sentence)


def said(desk: Desk, parcel_id: int, status: int, sentence: str) -> ResponseReturnValue:
    """Answer with the parcel as it is now, and what is said of it."""
    flash(sentence, "message" if status == 200 else "error")
    if htmx.wants_part():
        shown = rows(desk, [find_parcel(desk, parcel_id)])
        return render_template("parcels/_row_said.html", desk=desk, rows=shown, query=back_query()), status
    if status == 200:
        return htmx.go_to(came_from(desk))
    form = ParcelListForm(MultiDict(parse_qsl(back_query())))
    form.validate()
    return render_template("parcels/index.html", **listed(desk, form, True)), status


def back_query() -> str:
    """Return the list's query string that an act was asked from; empty where there is none that is right."""
    form = ParcelListForm(request.args)
    return form.query() if form.validate() else ""


def came_from(desk: Desk) -> str:
    """Return the page that an act was asked from: a sale's, or the list."""
    try:
        order_id = read_id(request.args.get("in", ""))
    except ValueError:
        query = back_query()
        return url_for("parcels.index", slug=desk.store.slug) + (f"?{query}" if query else "")
    return url_for("sales.show", slug=desk.store.slug, order_id=order_id)
