"""What needs somebody in a store: each sale with its reasons, each reason with the act that ends it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue

from app.access import Desk, Permission
from app.carriers import tracking_url
from app.forms.filters import place_text
from app.forms.parcels import AttentionForm
from app.queries import attention, parcels, sales
from app.queries.attention import Attention
from app.statuses import BuyerShipping
from app.web import display, htmx
from app.web.clock import Clock
from app.web.desk import open_desk
from app.web.frame import capped

blueprint = Blueprint("attention", __name__, url_prefix="/stores/<slug>/attention")

TONES = {Attention.PROBLEM: "bad", Attention.LATE: "bad", Attention.WAITING: "wait"}
# From here a sale is shipped with the way back to the same tab of the list.
BACK = "?list=tab%3Dattention"


class Need(NamedTuple):
    """One reason why a sale needs somebody; `number` is that of the parcel under way, where it has one."""

    kind: Attention
    label: str
    tone: str
    words: str
    number: str = ""
    number_href: str = ""
    is_outside: bool = False
    open_href: str = ""


class AttentionRow(NamedTuple):
    """One sale of the list, as its template prints it."""

    id: int
    number: int
    version: int
    age: str
    exact: str
    buyer: str
    place: str
    lines: list[tuple[int, str]]
    more: int
    href: str
    ship_href: str
    needs: list[Need]


class Told(NamedTuple):
    """What is known beside the rows: since when flags stand so, and which parcels are under way."""

    since: Mapping[tuple[int, str], datetime]
    parcels: Mapping[int, Any]


@blueprint.get("")
def index(slug: str) -> ResponseReturnValue:
    """Show what needs somebody, what came up last first."""
    desk = open_desk(slug, Permission.SEE_EVERYTHING)
    form, now = AttentionForm(request.args), datetime.now(UTC)
    is_valid = form.validate()
    days, base = desk.store.received_days, url_for("attention.index", slug=slug)
    counts = attention.counts(desk.store.id, days, now)
    g.attention = counts["all"]
    given: dict[str, Any] = {
        "desk": desk,
        "form": form,
        "base": base,
        "tabs": tabs(form, base, counts),
        "rows": [],
        "received_days": days,
        "earlier": None,
        "further": None,
        "is_wrong": not is_valid,
    }
    if is_valid:
        found = attention.page(
            desk.store.id,
            form.kind.data,
            received_days=days,
            now=now,
            after=form.after.data,
            before=form.before.data,
        )
        given["rows"] = rows(desk, found.rows, Clock(desk.store.zone, now))
        given["earlier"] = f"{base}?{form.query(before=place_text(found.before))}" if found.before else None
        given["further"] = f"{base}?{form.query(after=place_text(found.after))}" if found.after else None
    status = 200 if is_valid else 422
    return htmx.page("attention/index.html", "attention/_list.html", status=status, **given)


def tabs(form: AttentionForm, base: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    """Return all and each reason with its count."""
    named = [("all", "All", base), *((k.value, k.label, f"{base}?kind={k}") for k in Attention)]
    current = form.kind.data or "all"
    return [
        {"label": label, "href": href, "count": capped(counts[code]), "is_current": code == current}
        for code, label, href in named
    ]


def rows(desk: Desk, found: Sequence[Any], clock: Clock) -> list[AttentionRow]:
    """Format rows of the list, each with its reasons."""
    ids = [order.id for order in found]
    lines = sales.lines_of(ids, only_deals=False)
    told = Told(attention.since(ids), parcels.under_way([order.id for order in found if order.is_waiting]))
    base = url_for("sales.index", slug=desk.store.slug)
    made = []
    for order in found:
        age, exact = clock.age_and_exact(order.placed_at, order.is_day_only)
        href = f"{base}/{order.id}"
        made.append(
            AttentionRow(
                id=order.id,
                number=order.number,
                version=order.version,
                age=age,
                exact=exact,
                buyer=order.buyer_name or order.buyer_username or "Guest",
                place=display.place_of(order) if desk.sight.personal else "",
                lines=[(line.quantity, line.title) for line in lines[order.id][: display.LINES_SHOWN]],
                more=max(0, len(lines[order.id]) - display.LINES_SHOWN),
                href=f"{href}{BACK}",
                ship_href=f"{href}/ship{BACK}",
                needs=[
                    need(kind, order, told, clock, href)
                    for kind in Attention
                    if getattr(order, f"is_{kind.value}")
                ],
            )
        )
    return made


def need(kind: Attention, order: Any, told: Told, clock: Clock, href: str) -> Need:
    """Format one reason of a sale."""
    fresh = Need(kind, kind.label, TONES.get(kind, "info"), "")
    if kind is Attention.LATE:
        return fresh._replace(words=f"{clock.late(order.ship_by)}, by your calendar.")
    if kind is Attention.PAID:
        since = _since(told, order, "buyer_payment", clock)
        return fresh._replace(words=f"The buyer says it is paid{since}; here it is unpaid.")
    if kind is Attention.RECEIVED:
        since = _since(told, order, "buyer_shipping", clock)
        return fresh._replace(words=f"The buyer says it is there{since}; here it is still to ship.")
    if kind is Attention.PROBLEM:
        is_buyers = order.buyer_shipping == BuyerShipping.PROBLEM
        since = _since(told, order, "buyer_shipping" if is_buyers else "shipping", clock)
        words = "The buyer says that something is wrong" if is_buyers else "Something is wrong with it"
        return fresh._replace(words=f"{words}{since}.")
    parcel = told.parcels.get(order.id)
    words = f"Sent {clock.ago(order.sent_at)}"
    if parcel is None:
        return fresh._replace(words=f"{words}.", open_href=href)
    opened, outside = f"{href}#parcel-{parcel.id}", parcel.url or tracking_url(parcel.carrier, parcel.number)
    by = parcel.carrier or ("number" if parcel.number else "")
    return fresh._replace(
        words=f"{words}, {by}" if by else f"{words}.",
        number=parcel.number,
        number_href=outside or opened,
        is_outside=bool(outside),
        open_href=opened,
    )


def _since(told: Told, order: Any, flag: str, clock: Clock) -> str:
    """Say since when a flag of a sale stands so; nothing where the history does not tell."""
    at = told.since.get((order.id, flag))
    return f", {clock.ago(at)}" if at else ""
