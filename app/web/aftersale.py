"""What a seller does to a sale after it was made: one small form each, on the sale's own page."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.access import Desk, Permission, find_sale
from app.actions import aftersale, problems, refunds
from app.actions.addresses import correct_address
from app.actions.buyers_word import review
from app.actions.mails import send_again
from app.actions.payment import unpay
from app.actions.undo import void_parcel
from app.db import db
from app.errors import ChangedMeanwhile, NotFound, Refused
from app.forms.aftersale import (
    CancelForm,
    CorrectAddressForm,
    NoteForm,
    RefundForm,
    ReturnForm,
    SettleForm,
    VersionForm,
    WordsForm,
)
from app.forms.base import Form, body
from app.forms.bought import LineFeedbackForm
from app.models import Order
from app.money import money_text
from app.web import htmx
from app.web.desk import open_desk
from app.web.sale_page import answer, shown

blueprint = Blueprint("aftersale", __name__, url_prefix="/stores/<slug>/sales/<id:order_id>")

# What an act is told of who does it.
By = dict[str, Any]


class Sent(NamedTuple):
    """A form that was sent about a sale; `name` is its place on the page."""

    name: str
    form: Form


def carry_out(
    desk: Desk, order: Order, sent: Sent, act: Callable[[By], object], sentence: str
) -> ResponseReturnValue:
    """Judge a form, do its act, and show the sale as it is now; a refusal keeps what was typed."""
    name, form = sent
    is_valid, status, conflict = form.validate(), 422, form.too_much()
    number, order_id = order.number, order.id
    if is_valid and not conflict:
        try:
            act({"actor": desk.acting, "store_id": desk.store.id})
            db.session.commit()
            return answer(desk, order_id, sentence.format(number=number))
        except (NotFound, ChangedMeanwhile) as late:
            db.session.rollback()
            if isinstance(late, NotFound):
                raise
            status, conflict = 409, late.sentence
        except Refused as refusal:
            db.session.rollback()
            status, conflict = (refusal.status if refusal.status == 409 else 422), refusal.sentence
        order = find_sale(desk, order_id)
    return htmx.page(
        "sales/show.html",
        "sales/_sale.html",
        status=status,
        target="#sale",
        **shown(desk, order, open_form={"name": name, "form": form, "sentence": conflict}),
    )


@blueprint.post("/cancel")
def cancel(slug: str, order_id: int) -> ResponseReturnValue:
    """Cancel pieces of lines."""
    desk = open_desk(slug, Permission.CANCEL)
    order = find_sale(desk, order_id)
    form = CancelForm(body(), most={i.id: i.left for i in order.items if aftersale.is_cancellable(i)})

    def act(by: By) -> object:
        return aftersale.cancel(
            order_id,
            form.pieces,
            reason=form.reason.data,
            is_stock_back=form.stock_back.data,
            is_buyer_told=form.notify.data,
            version=form.version.data,
            **by,
        )

    return carry_out(desk, order, Sent("cancel", form), act, "Sale {number}: cancelled what you named.")


@blueprint.post("/refund")
def refund(slug: str, order_id: int) -> ResponseReturnValue:
    """Record money given back."""
    desk = open_desk(slug, Permission.REFUND)
    order = find_sale(desk, order_id)
    form = RefundForm(body(), currency=order.currency, lines={i.id: i.title for i in order.items})

    def act(by: By) -> object:
        return refunds.refund(
            order_id,
            form.amount or 0,
            form.items,
            reason=form.reason.data,
            is_done=not form.is_pending.data,
            is_buyer_told=form.notify.data,
            version=form.version.data,
            **by,
        )

    is_read = form.validate() and form.amount is not None
    amount = money_text(form.amount or 0, order.currency) if is_read else ""
    how = "is to go back" if form.is_pending.data else "went back"
    return carry_out(desk, order, Sent("refund", form), act, f"Sale {{number}}: {amount} {how}.")


@blueprint.post("/refund/done")
def refund_done(slug: str, order_id: int) -> ResponseReturnValue:
    """Say that the money has gone back."""
    return _settle(slug, order_id, is_done=True)


@blueprint.post("/refund/withdraw")
def refund_withdraw(slug: str, order_id: int) -> ResponseReturnValue:
    """Take a refund back that is under way."""
    return _settle(slug, order_id, is_done=False)


def _settle(slug: str, order_id: int, *, is_done: bool) -> ResponseReturnValue:
    """End a refund that is under way."""
    desk = open_desk(slug, Permission.REFUND)
    order, form = find_sale(desk, order_id), SettleForm(body())
    said = "the money has gone back" if is_done else "the refund is taken back"

    def act(by: By) -> object:
        return refunds.settle_refund(
            order_id, is_done=is_done, is_buyer_told=form.notify.data, version=form.version.data, **by
        )

    return carry_out(desk, order, Sent("settle", form), act, f"Sale {{number}}: {said}.")


@blueprint.post("/return")
def take_back(slug: str, order_id: int) -> ResponseReturnValue:
    """Note that pieces came back."""
    desk = open_desk(slug, Permission.ANSWER)
    order = find_sale(desk, order_id)
    form = ReturnForm(body(), most={i.id: i.shipped - i.returned for i in order.items})

    def act(by: By) -> object:
        return aftersale.return_items(
            order_id, form.pieces, is_stock_back=form.stock_back.data, version=form.version.data, **by
        )

    return carry_out(desk, order, Sent("return", form), act, "Sale {number}: noted what came back.")


@blueprint.post("/problem")
def problem(slug: str, order_id: int) -> ResponseReturnValue:
    """Mark that something is wrong with what was sent."""
    desk = open_desk(slug, Permission.ANSWER)
    order, form = find_sale(desk, order_id), VersionForm(body())

    def act(by: By) -> object:
        return problems.report_problem(order_id, version=form.version.data, **by)

    return carry_out(desk, order, Sent("problem", form), act, "Sale {number} is marked as a problem.")


@blueprint.post("/resolve")
def resolve(slug: str, order_id: int) -> ResponseReturnValue:
    """Answer a problem or a dispute."""
    desk = open_desk(slug, Permission.ANSWER)
    order, form = find_sale(desk, order_id), WordsForm(body())

    def act(by: By) -> object:
        return problems.resolve(order_id, form.words.data or "", version=form.version.data, **by)

    return carry_out(desk, order, Sent("resolve", form), act, "Sale {number}: the problem is answered.")


@blueprint.post("/expire")
def expire(slug: str, order_id: int) -> ResponseReturnValue:
    """Let what was never paid, or deals past their window, run out."""
    desk = open_desk(slug, Permission.CANCEL)
    order, form = find_sale(desk, order_id), VersionForm(body())

    def act(by: By) -> object:
        return problems.expire(order_id, version=form.version.data, **by)

    return carry_out(desk, order, Sent("expire", form), act, "Sale {number}: what was open ran out.")


@blueprint.post("/notes")
def note(slug: str, order_id: int) -> ResponseReturnValue:
    """Write a note: for the store alone, or for the buyer too."""
    desk = open_desk(slug, Permission.NOTE)
    order, form = find_sale(desk, order_id), NoteForm(body())

    def act(by: By) -> object:
        return problems.note(order_id, form.body.data, is_private=not form.is_visible.data, **by)

    who = "the buyer reads it" if form.is_visible.data else "the store alone reads it"
    return carry_out(desk, order, Sent("note", form), act, f"Sale {{number}}: noted, {who}.")


@blueprint.post("/address")
def address(slug: str, order_id: int) -> ResponseReturnValue:
    """Correct where the sale goes."""
    desk = open_desk(slug, Permission.SHIP)
    desk.ask(Permission.SEE_PERSONAL)
    order, form = find_sale(desk, order_id), CorrectAddressForm(body())

    def act(by: By) -> object:
        told = form.told()
        assert told is not None  # the form asks for a place
        return correct_address(order_id, told, version=form.version.data, **by)

    return carry_out(desk, order, Sent("address", form), act, "Sale {number}: the address is corrected.")


@blueprint.post("/unpaid")
def unpaid(slug: str, order_id: int) -> ResponseReturnValue:
    """Take a payment back that was marked by mistake."""
    desk = open_desk(slug, Permission.MARK_PAID)
    order, form = find_sale(desk, order_id), VersionForm(body())

    def act(by: By) -> object:
        return unpay(order_id, version=form.version.data, **by)

    return carry_out(desk, order, Sent("unpaid", form), act, "Sale {number} is unpaid again.")


@blueprint.post("/parcels/<id:parcel_id>/void")
def void(slug: str, order_id: int, parcel_id: int) -> ResponseReturnValue:
    """Take a parcel back: its pieces are to ship again."""
    desk = open_desk(slug, Permission.SHIP)
    order, form = find_sale(desk, order_id), Form(body())

    def act(by: By) -> object:
        return void_parcel(parcel_id, **by)

    return carry_out(
        desk, order, Sent(f"void-{parcel_id}", form), act, "Sale {number}: the parcel is taken back."
    )


@blueprint.post("/mails/<id:mail_id>/again")
def mail_again(slug: str, order_id: int, mail_id: int) -> ResponseReturnValue:
    """Send a mail to the buyer once more."""
    desk = open_desk(slug, Permission.SHIP)
    order, form = find_sale(desk, order_id), Form(body())

    def act(by: By) -> object:
        return send_again(order_id, mail_id, **by)

    return carry_out(desk, order, Sent("mails", form), act, "Sale {number}: the mail is sent again.")


@blueprint.post("/feedback")
def feedback(slug: str, order_id: int) -> ResponseReturnValue:
    """Say how the buyer of one line was."""
    desk = open_desk(slug, Permission.ANSWER)
    order, form = find_sale(desk, order_id), LineFeedbackForm(body())

    def act(by: By) -> object:
        told = form.value.data, form.text.data or ""
        return review(order_id, form.item.data, *told, direction="to_buyer", **by)

    name = f"feedback-{form.item._value()}"
    return carry_out(desk, order, Sent(name, form), act, "Sale {number}: your feedback is kept.")
