"""How purchases arrive: a marketplace tells of what was bought, paid, cancelled, refunded, noted.

Every call is a POST in strict JSON under an Idempotency-Key (`once`); its token needs the scope
`write:store-orders`. Glossary: a *purchase* is what a buyer bought at once and becomes an Order, or a part
of one where it combines; `external_id` is the marketplace's own id of it, and tells it from all others.
"""

from flask import Response

from app.access import Desk, Permission, find_desk, find_desk_of_sale, find_sale
from app.actions import aftersale, problems, refunds
from app.actions.intake import Verdict, take_in
from app.actions.payment import NotPayable, Sum, confirm_payment, is_told_again
from app.api import tokens
from app.api.intake.objects import note_json, sale_json, taken_json
from app.api.once import once
from app.api.shape import Dialect, judged, plain_fault, row_id, told
from app.errors import Absorbed
from app.forms.aftersale import NoteForm, RefundForm
from app.forms.intake import CancellationForm, IntakeForm, PaymentForm, named_lines
from app.statuses import Channel


def fault(error: Exception) -> tuple[int, object]:
    """Return the status and the error object of a failure: a sentence, and the field that is meant."""
    match error:
        case Absorbed():
            return 409, {"error": error.sentence, "heir": error.heir_id}
        case NotPayable():
            return 409, {"error": error.sentence}
        case _:
            return plain_fault(error)


blueprint = Dialect("intake", __name__, fault=fault)


@blueprint.post("/stores/<slug>/purchases")
def purchases(slug: str) -> Response:
    """Take a purchase in; told again it is answered with the sale that it is, or is a part of, now."""
    desk = find_desk(tokens.asking(), slug, to=Permission.TAKE_IN)

    def work() -> tuple[int, object]:
        form = judged(IntakeForm(told()))
        taken = take_in(form.purchase(Channel.INTAKE), actor=desk.acting, store_id=desk.store.id)
        return (201 if taken.verdict is Verdict.NEW else 200), taken_json(taken)

    return once(desk.actor, work)


@blueprint.post("/orders/<order>/payments")
def payments(order: str) -> Response:
    """Confirm that a sale was paid, whole; a payment told again under its code is answered, not doubled."""
    desk = _desk(order, Permission.MARK_PAID)

    def work() -> tuple[int, object]:
        sale = find_sale(desk, row_id(order))
        form = judged(PaymentForm(told()))
        gateway_code = form.gateway_transaction_code.data
        paid = Sum(form.amount.minor or 0, form.currency.data)
        if is_told_again(sale, paid, gateway_code):
            return 200, sale_json(sale)
        sale = confirm_payment(
            sale.id,
            code=form.code,
            actor=desk.acting,
            store_id=desk.store.id,
            method=form.method.data or "",
            gateway_code=gateway_code,
            told=paid,
        )
        return 201, sale_json(sale)

    return once(desk.actor, work)


@blueprint.post("/orders/<order>/cancellations")
def cancellations(order: str) -> Response:
    """Cancel pieces of a sale's lines; all that can be where none are named."""
    desk = _desk(order, Permission.CANCEL)

    def work() -> tuple[int, object]:
        sale = find_sale(desk, row_id(order))
        most = {i.id: i.left for i in sale.items if aftersale.is_cancellable(i)}
        form = CancellationForm(named_lines(told(), "pieces"), most=most)
        judged(form, besides={f"pieces-{item_id}" for item_id in most})
        cancelled = aftersale.cancel(
            sale.id,
            form.pieces if form.names_lines else None,
            reason=form.reason.data,
            is_stock_back=form.stock_back.data,
            is_buyer_told=form.notify.data,
            version=form.version.data,
            actor=desk.acting,
            store_id=desk.store.id,
        )
        return 201, sale_json(cancelled)

    return once(desk.actor, work)


@blueprint.post("/orders/<order>/refunds")
def refunds_(order: str) -> Response:
    """Record money that went back, and which lines it is for."""
    desk = _desk(order, Permission.REFUND)

    def work() -> tuple[int, object]:
        sale = find_sale(desk, row_id(order))
        titles = {i.id: i.title for i in sale.items}
        form = RefundForm(named_lines(told(), "item"), currency=sale.currency, lines=titles)
        judged(form, besides={"amount", *(f"item-{item_id}" for item_id in titles)})
        refunded = refunds.refund(
            sale.id,
            form.amount or 0,
            form.items,
            reason=form.reason.data,
            is_done=not form.is_pending.data,
            is_buyer_told=form.notify.data,
            version=form.version.data,
            actor=desk.acting,
            store_id=desk.store.id,
        )
        return 201, sale_json(refunded)

    return once(desk.actor, work)


@blueprint.post("/orders/<order>/notes")
def notes(order: str) -> Response:
    """Write a note on a sale: for the store alone, unless `is_visible` is true."""
    desk = _desk(order, Permission.NOTE)

    def work() -> tuple[int, object]:
        sale = find_sale(desk, row_id(order))
        form = judged(NoteForm(told()))
        written = problems.note(
            sale.id,
            form.body.data,
            is_private=not form.is_visible.data,
            actor=desk.acting,
            store_id=desk.store.id,
        )
        return 201, note_json(written)

    return once(desk.actor, work)


def _desk(order: str, to: Permission) -> Desk:
    """Return the caller's desk in the store of the sale that a path names."""
    return find_desk_of_sale(tokens.asking(), row_id(order), to=to)
