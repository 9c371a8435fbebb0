"""What a buyer says of a purchase, by whichever door: one small form each, judged and done in one way."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask.typing import ResponseReturnValue

from app.actions import buyers_word, problems
from app.db import db
from app.errors import ChangedMeanwhile, NotFound, Refused, StatusChangeProhibited
from app.forms.base import Form, body
from app.forms.bought import DisputeForm, LinesForm
from app.models import Order
from app.web import htmx
from app.web.purchase_page import Reader, answer, shown

CHANGED = "This purchase was changed meanwhile. Nothing was done; look at it as it is now and try again."
DOES_NOT_FIT = "This does not fit how your purchase stands now. Nothing was done."

# What an act is told of who does it.
By = dict[str, Any]


class Sent(NamedTuple):
    """A form that was sent about a purchase.

    `name` is its place on the page, `file` the address of what is handed out once its act is done.
    """

    name: str
    form: Form
    file: str = ""


def carry_out(
    reader: Reader, order: Order, sent: Sent, act: Callable[[By], object], sentence: str
) -> ResponseReturnValue:
    """Judge a form, do its act as the buyer, and show the purchase; a refusal keeps what was typed."""
    is_valid, status, conflict = sent.form.validate(), 422, sent.form.too_much()
    if is_valid and not conflict:
        try:
            act({"actor": reader.actor, "store_id": order.store_id})
            db.session.commit()
            return answer(reader, sentence, sent.file)
        except NotFound:
            db.session.rollback()
            raise
        except Refused as refusal:
            db.session.rollback()
            status, conflict = refused(refusal)
        order = reader.find()
    return htmx.page(
        reader.page,
        "purchases/_purchase.html",
        status=status,
        target="#purchase",
        **shown(order, reader, open_form={"name": sent.name, "form": sent.form, "sentence": conflict}),
    )


def refused(refusal: Refused) -> tuple[int, str]:
    """Return the status of a refusal, and its sentence in words for buyers."""
    if isinstance(refusal, ChangedMeanwhile):
        return 409, CHANGED
    if isinstance(refusal, StatusChangeProhibited):
        return 422, DOES_NOT_FIT
    return (refusal.status if refusal.status == 409 else 422), refusal.sentence


def say_received(reader: Reader, order: Order) -> ResponseReturnValue:
    """Say that lines are there: those that were named, else all that can be."""
    order_id = order.id
    form = LinesForm(body(), lines=[i.id for i in order.items])
    # Said of lines each time: of what is not sent yet the buyer says nothing.
    named = form.items or [i.id for i in order.items if buyers_word.is_receivable(i)]

    def act(by: By) -> object:
        return buyers_word.receive(order_id, named, version=form.version.data, **by)

    return carry_out(reader, order, Sent("received", form), act, "Noted: you have it.")


def say_what_is_wrong(reader: Reader, order: Order) -> ResponseReturnValue:
    """Say that something is wrong, and with which lines."""
    order_id = order.id
    form = DisputeForm(body(), lines=[i.id for i in order.items])

    def act(by: By) -> object:
        return problems.dispute(order_id, form.items, form.words.data, version=form.version.data, **by)

    said = "The store reads what is wrong, and will answer."
    return carry_out(reader, order, Sent("problem", form), act, said)
