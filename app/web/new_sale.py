"""A sale that a seller types in."""

from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.access import Desk, Permission, find_sale
from app.actions.intake import Verdict, take_in
from app.actions.payment import PAYS, confirm_payment
from app.db import db
from app.errors import Refused
from app.forms.base import body
from app.forms.new_sale import MOST_TYPED, SENT_AS, NewSaleForm
from app.forms.values import known_countries
from app.money import money_text
from app.queries import stores
from app.statuses import Channel
from app.web import display, fresh, htmx
from app.web.desk import open_desk

blueprint = Blueprint("new_sale", __name__, url_prefix="/stores/<slug>/sales/new")

KIND_WORDS = {"goods": "Goods, sent", "pickup": "Picked up", "service": "Service", "digital": "Digital"}


@blueprint.get("")
def show(slug: str) -> ResponseReturnValue:
    """Show an empty form; to a list that asks what came in `after` it was drawn, say that."""
    if "after" in request.args:
        return fresh.answer(slug)
    desk = open_desk(slug, Permission.TYPE_IN)
    return render_template("sales/new.html", **given(desk, asked_of(desk)))


@blueprint.post("")
def keep(slug: str) -> ResponseReturnValue:
    """Make a sale of what was typed, once; or show the form with a line more or less, or added up."""
    desk = open_desk(slug, Permission.TYPE_IN)
    form = asked_of(desk, body())
    if form.line:
        return again(desk, form, 200)
    if not form.validate():
        return again(desk, form, 422)
    try:
        order_id, sentence = taken_in(desk, form)
        db.session.commit()
    except Refused as refusal:
        db.session.rollback()
        return again(desk, form, 422, refusal.sentence)
    flash(sentence)
    if form.buyer.form.name.data and form.buyer.form.email.data:
        known = find_sale(desk, order_id).buyer
        if known.name != form.buyer.form.name.data:
            flash(f"{known.email} is known here as {known.shown_name}: the sale is theirs.")
    return htmx.go_to(url_for("sales.show", slug=slug, order_id=order_id))


def asked_of(desk: Desk, sent: Any = None) -> NewSaleForm:
    """Return the form as this person gets it."""
    may_mark_paid = desk.may(Permission.MARK_PAID)
    return NewSaleForm(sent, currency=desk.store.currency, may_mark_paid=may_mark_paid)


def taken_in(desk: Desk, form: NewSaleForm) -> tuple[int, str]:
    """Make the sale and, where it is paid, confirm that too; return its id and what to say of it."""
    by: dict[str, Any] = {"actor": desk.acting, "store_id": desk.store.id}
    told = take_in(form.purchase(Channel.DESK), **by)
    order = told.order
    if told.verdict is not Verdict.NEW:
        sentence = f"Sale {order.number} was made of this page already; nothing was done a second time."
        differing = "".join(f" What you typed was not taken: {x}." for x in told.differences)
        return order.id, sentence + differing
    if form.payment.data is None:
        return order.id, f"Sale {order.number} is made; it waits for its payment."
    confirm_payment(order.id, code=form.payment.data, **by)
    return order.id, f"Sale {order.number} is made: {display.PAYMENT_BADGES[form.payment.data].text.lower()}."


def again(desk: Desk, form: NewSaleForm, status: int, sentence: str = "") -> ResponseReturnValue:
    """Show the form with what was typed, and what is wrong."""
    shown = given(desk, form, sentence)
    return htmx.page("sales/new.html", "sales/_new.html", status=status, target="#new-sale", **shown)


def given(desk: Desk, form: NewSaleForm, conflict: str = "") -> dict[str, Any]:
    """Return what the form is shown with."""
    return {
        "desk": desk,
        "form": form,
        "conflict": conflict,
        "total": total(desk, form) if form.line else "",
        "kinds": [(kind, KIND_WORDS[kind]) for kind in SENT_AS],
        "pays": [(int(code), display.PAYMENT_BADGES[code].text) for code in sorted(PAYS)],
        "countries": [(code, display.country_name(code)) for code in sorted(known_countries())],
        "buyers": stores.typed_buyers(desk.store.id),
        "may_add": len(form.lines.entries) < MOST_TYPED,
    }


def total(desk: Desk, form: NewSaleForm) -> str:
    """Return what the sale comes to as far as it is typed; nothing while that cannot be read."""
    judged = asked_of(desk, {**form.typed, "line": ""})
    judged.validate()
    minor = judged.comes_to()
    return "" if minor is None else money_text(minor, desk.store.currency)
