"""What a buyer says of a purchase: one small form each, on the purchase's own page."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.access import find_purchase
from app.actions import buyers_word
from app.forms.aftersale import PaidWordForm
from app.forms.base import body
from app.forms.bought import LineFeedbackForm, LineForm
from app.models import Order
from app.statuses import Payment
from app.web.purchase_page import Reader, reader_of
from app.web.purchase_words import By, Sent, carry_out, say_received, say_what_is_wrong
from app.web.signin import current_actor

blueprint = Blueprint("buyers_word", __name__, url_prefix="/purchases/<id:order_id>")

PAID_SAID = {
    Payment.UNPAID: "Your word on the payment is taken back.",
    Payment.PAID: "The store reads that it is paid.",
    Payment.ON_ARRIVAL: "The store reads that you pay on arrival.",
}


def bought(order_id: int) -> tuple[Reader, Order]:
    """Return the person, and the purchase of theirs that the address names."""
    actor = current_actor()
    return reader_of(actor, order_id), find_purchase(actor, order_id)


@blueprint.post("/paid")
def paid(order_id: int) -> ResponseReturnValue:
    """Say how it is paid, or take that back."""
    reader, order = bought(order_id)
    form = PaidWordForm(body())

    def act(by: By) -> object:
        return buyers_word.say_paid(order_id, form.code.data, **by)

    said = PAID_SAID.get(form.code.data, "")
    return carry_out(reader, order, Sent("paid", form), act, said)


@blueprint.post("/received")
def received(order_id: int) -> ResponseReturnValue:
    """Say that lines are there."""
    return say_received(*bought(order_id))


@blueprint.post("/problem")
def problem(order_id: int) -> ResponseReturnValue:
    """Say that something is wrong."""
    return say_what_is_wrong(*bought(order_id))


@blueprint.post("/feedback")
def feedback(order_id: int) -> ResponseReturnValue:
    """Say how one line was."""
    reader, order = bought(order_id)
    form = LineFeedbackForm(body())

    def act(by: By) -> object:
        return buyers_word.review(
            order_id, form.item.data, form.value.data, form.text.data or "", direction="to_seller", **by
        )

    sent = Sent(f"feedback-{form.item._value()}", form)
    return carry_out(reader, order, sent, act, "Thank you for your feedback.")


@blueprint.post("/download")
def download(order_id: int) -> ResponseReturnValue:
    """Count one download, and hand the file's address out."""
    reader, order = bought(order_id)
    form = LineForm(body())

    def act(by: By) -> object:
        return buyers_word.download(order_id, form.item.data, **by)

    url = next((i.url for i in order.items if i.id == form.item.data), "")
    file = url if url.startswith(("https://", "http://")) else ""
    sent = Sent(f"download-{form.item._value()}", form, file)
    return carry_out(reader, order, sent, act, "Your download is counted.")
