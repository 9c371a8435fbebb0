"""What a buyer says of a purchase: one small form each, on the purchase's own page."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.access import Actor, find_purchase
from app.actions import buyers_word, problems
from app.db import db
from app.errors import ChangedMeanwhile, NotFound, Refused, StatusChangeProhibited
from app.forms.aftersale import PaidWordForm
from app.forms.base import Form, body
from app.forms.bought import DisputeForm, LineFeedbackForm, LineForm, LinesForm
from app.models import Order
from app.statuses import Payment
from app.web import htmx
from app.web.purchase_page import answer, shown
from app.web.signin import current_actor

blueprint = Blueprint("buyers_word", __name__, url_prefix="/purchases/<id:order_id>")

CHANGED = "This purchase was changed meanwhile. Nothing was done; look at it as it is now and try again."
DOES_NOT_FIT = "This does not fit how your purchase stands now. Nothing was done."
PAID_SAID = {
    Payment.UNPAID: "Your word on the payment is taken back.",
    Payment.PAID: "The store reads that it is paid.",
    Payment.ON_ARRIVAL: "The store reads that you pay on arrival.",
}

# What an act is told of who does it.
By = dict[str, Any]


class Sent(NamedTuple):
    """A form that was sent about a purchase.

    `name` is its place on the page, `file` the address of what is handed out once its act is done.
    """

    name: str
    form: Form
    file: str = ""


def carry_out(order: Order, sent: Sent, act: Callable[[By], object], sentence: str) -> ResponseReturnValue:
    """Judge a form, do its act as the buyer, and show the purchase; a refusal keeps what was typed."""
    actor, order_id = current_actor(), order.id
    is_valid, status, conflict = sent.form.validate(), 422, sent.form.too_much()
    if is_valid and not conflict:
        try:
            act({"actor": actor, "store_id": order.store_id})
            db.session.commit()
            return answer(actor, order_id, sentence, sent.file)
        except NotFound:
            db.session.rollback()
            raise
        except Refused as refusal:
            db.session.rollback()
            status, conflict = refused(refusal)
        order = find_purchase(actor, order_id)
    return htmx.page(
        "purchases/show.html",
        "purchases/_purchase.html",
        status=status,
        target="#purchase",
        **shown(order, open_form={"name": sent.name, "form": sent.form, "sentence": conflict}),
    )


def refused(refusal: Refused) -> tuple[int, str]:
    """Return the status of a refusal, and its sentence in words for buyers."""
    if isinstance(refusal, ChangedMeanwhile):
        return 409, CHANGED
    if isinstance(refusal, StatusChangeProhibited):
        return 422, DOES_NOT_FIT
    return (refusal.status if refusal.status == 409 else 422), refusal.sentence


def bought(order_id: int) -> tuple[Actor, Order]:
    """Return the person and the purchase of theirs that the address names."""
    actor = current_actor()
    return actor, find_purchase(actor, order_id)


@blueprint.post("/paid")
def paid(order_id: int) -> ResponseReturnValue:
    """Say how it is paid, or take that back."""
    _, order = bought(order_id)
    form = PaidWordForm(body())

    def act(by: By) -> object:
        return buyers_word.say_paid(order_id, form.code.data, **by)

    said = PAID_SAID.get(form.code.data, "")
    return carry_out(order, Sent("paid", form), act, said)


@blueprint.post("/received")
def received(order_id: int) -> ResponseReturnValue:
    """Say that lines are there: those that were named, else all that can be."""
    _, order = bought(order_id)
    form = LinesForm(body(), lines=[i.id for i in order.items])
    # Said of lines each time: of what is not sent yet the buyer says nothing.
    named = form.items or [i.id for i in order.items if buyers_word.is_receivable(i)]

    def act(by: By) -> object:
        return buyers_word.receive(order_id, named, version=form.version.data, **by)

    return carry_out(order, Sent("received", form), act, "Noted: you have it.")


@blueprint.post("/problem")
def problem(order_id: int) -> ResponseReturnValue:
    """Say that something is wrong."""
    _, order = bought(order_id)
    form = DisputeForm(body(), lines=[i.id for i in order.items])

    def act(by: By) -> object:
        return problems.dispute(order_id, form.items, form.words.data, version=form.version.data, **by)

    return carry_out(order, Sent("problem", form), act, "The store reads what is wrong, and will answer.")


@blueprint.post("/feedback")
def feedback(order_id: int) -> ResponseReturnValue:
    """Say how one line was."""
    _, order = bought(order_id)
    form = LineFeedbackForm(body())

    def act(by: By) -> object:
        return buyers_word.review(
            order_id, form.item.data, form.value.data, form.text.data or "", direction="to_seller", **by
        )

    return carry_out(order, Sent(f"feedback-{form.item._value()}", form), act, "Thank you for your feedback.")


@blueprint.post("/download")
def download(order_id: int) -> ResponseReturnValue:
    """Count one download, and hand the file's address out."""
    _, order = bought(order_id)
    form = LineForm(body())

    def act(by: By) -> object:
        return buyers_word.download(order_id, form.item.data, **by)

    url = next((i.url for i in order.items if i.id == form.item.data), "")
    file = url if url.startswith(("https://", "http://")) else ""
    sent = Sent(f"download-{form.item._value()}", form, file)
    return carry_out(order, sent, act, "Your download is counted.")
