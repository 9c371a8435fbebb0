"""Sales of a marketplace taken in as it tells them: by the acts that bring files in, and by no others.

What a file never says is done here: which sales went into this one, that it was cancelled or given back, what
its buyer says. While nobody but imports touched an order it follows its marketplace; afterwards it is only
said where the two differ (law 5).
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from app.access import Actor
from app.actions.combining import drop
from app.actions.elsewhere import Past, arrive
from app.actions.following import has_moved, is_touched
from app.actions.found_by import order_terms
from app.actions.imports import Brought, Telling, bring_each
from app.actions.intake import Verdict
from app.actions.labels import label_sale
from app.actions.ledger import Act
from app.actions.tidings import Heard, hear
from app.db import db, take_write_lock
from app.errors import Refused
from app.models import Address, Buyer, Order, OrderItem, SaleThere
from app.queries.combined import absorbed_by
from app.statuses import ActorKind, BuyerShipping, Channel, Door, ItemStatus, Kind, Payment, Shipping

# Who takes them in: the history says that it was an import.
MARKETPLACE = Actor(None, "Hip", kind=ActorKind.IMPORT, door=Door.IMPORT)
ENDINGS = {Payment.CANCELED: "it is cancelled there", Payment.REFUNDED: "it is refunded there"}


class CannotGoIn(Refused):
    """A sale took others up of which one is more than unpaid here."""


class SaleTold(NamedTuple):
    """A sale as its marketplace tells it: the purchase with what it went through, and its flags."""

    telling: Telling
    payment: Payment
    shipping: Shipping
    buyer_payment: Payment
    buyer_shipping: BuyerShipping
    link: str = ""
    absorbed: tuple[str, ...] = ()

    @property
    def external_id(self) -> str:
        """Return its id there."""
        return self.telling.purchase.external_id or ""


class Stand(NamedTuple):
    """How an order stands here."""

    id: int
    external_id: str
    payment: Payment
    shipping: Shipping
    buyer_payment: Payment
    buyer_shipping: BuyerShipping


_STAND = select(*(getattr(Order, name) for name in Stand._fields))


def take_sales(sales: Sequence[SaleTold], *, store_id: int, asked_at: datetime) -> list[Brought | Refused]:
    """Take these sales in, each whole or not at all, and say of each what became of it.

    `asked_at`: when the marketplace was asked. The same sale may not be told of twice. The door commits.
    """
    take_write_lock()
    open_ids = _open_among(store_id, {other for sale in sales for other in sale.absorbed})
    plain = [sale for sale in sales if not open_ids.keys() & {*sale.absorbed}]
    brought = _together(plain, store_id)
    for sale in sales:
        if sale.external_id not in brought:
            brought[sale.external_id] = _with_others(sale, store_id)
    stands = _stands(outcome.order_id for outcome in brought.values() if isinstance(outcome, Brought))
    heard = []
    for sale in sales:
        outcome = brought[sale.external_id]
        if isinstance(outcome, Refused):
            continue
        stand = stands[outcome.order_id]
        # What went into another one is told of there.
        if stand.external_id == sale.external_id:
            brought[sale.external_id] = _follow(sale, stand, outcome, store_id)
            heard.append(Heard(outcome.order_id, int(sale.shipping), sale.link, asked_at))
    hear(heard, store_id)
    return [brought[sale.external_id] for sale in sales]


def _together(sales: Sequence[SaleTold], store_id: int) -> dict[str, Brought | Refused]:
    """Take in sales that no others went into."""
    tellings = [sale.telling for sale in sales]
    done = bring_each(tellings, actor=MARKETPLACE, store_id=store_id) if tellings else []
    return {sale.external_id: outcome for sale, outcome in zip(sales, done, strict=True)}


def _with_others(sale: SaleTold, store_id: int) -> Brought | Refused:
    """Take in a sale and let those go into it that its marketplace says it took up."""
    try:
        with db.session.begin_nested():
            (outcome,) = bring_each([sale.telling], actor=MARKETPLACE, store_id=store_id)
            if isinstance(outcome, Refused):
                return outcome
            has_grown = _let_in(sale, outcome.order_id, store_id)
    except Refused as refused:
        return refused
    if outcome.verdict is Verdict.NEW or not has_grown:
        return outcome
    return Brought(outcome.order_id, Verdict.CHANGED, (*outcome.said, "others went into it"))


def _let_in(sale: SaleTold, order_id: int, store_id: int) -> bool:
    """Let the orders that a sale took up go into it, and tell whether there were any.

    CannotGoIn where one is more than unpaid here.
    """
    old_ids = {*_open_among(store_id, sale.absorbed).values()} - {order_id}
    with Act("took_earlier_sales_in", actor=MARKETPLACE, store_id=store_id) as act:
        heir = act.hold(order_id)
        for old_id in sorted(old_ids):
            old = act.hold(old_id)
            if old.buyer_id != heir.buyer_id:
                raise CannotGoIn(
                    f"It says that sale {old.external_id} went into it, which another buyer has."
                )
            if old.payment != Payment.UNPAID or old.paid_at is not None or has_moved(old):
                raise CannotGoIn(
                    f"Sale {old.external_id} went into it there, and is paid, sent or cancelled here "
                    f"(number {old.number}): undo that, or settle both by hand."
                )
            drop(act, old, heir)
        db.session.flush()
        buyer = db.session.get_one(Buyer, heir.buyer_id)
        address = db.session.get(Address, heir.address_id) if heir.address_id else None
        act.index(heir, order_terms(heir, buyer, address, heir.items, absorbed_by(heir.id)))
    return bool(old_ids)


def _open_among(store_id: int, external_ids: Iterable[str]) -> dict[str, int]:
    """Return those of these outside ids under which an order stands for itself, with its id."""
    rows = db.session.execute(
        select(Order.external_id, Order.id).where(
            Order.store_id == store_id,
            Order.channel == Channel.HIP.value,
            Order.external_id.in_(sorted(external_ids)),
            Order.heir_id.is_(None),
        )
    )
    return {str(external_id): order_id for external_id, order_id in rows}


def _stands(order_ids: Iterable[int]) -> Mapping[int, Stand]:
    """Return how these orders stand now."""
    rows = db.session.execute(_STAND.where(Order.id.in_(sorted({*order_ids}))))
    return {row.id: Stand(*row) for row in rows}


def _follow(sale: SaleTold, stand: Stand, outcome: Brought, store_id: int) -> Brought:
    """Bring an order to where its marketplace says that it stands, as far as that may be."""
    past, said, differing = _past(sale, stand)
    if past is not None:
        try:
            with db.session.begin_nested():
                arrive(stand.id, past, actor=MARKETPLACE, store_id=store_id, verb=_verb(past))
        except Refused:
            differing, said = (*differing, *said), ()
    if _has_new_link(sale, stand):
        if _is_ours(stand.id):
            differing = (*differing, "its tracking differs")
        else:
            with suppress(Refused), db.session.begin_nested():
                label_sale(stand.id, tracking=sale.telling.tracking, actor=MARKETPLACE, store_id=store_id)
                said = (*said, "its tracking changed")
    verdict = outcome.verdict
    if said and verdict is Verdict.SAME:
        verdict = Verdict.CHANGED
    # How a sale is that comes in, its row says itself.
    told = differing if outcome.verdict is Verdict.NEW else (*said, *differing)
    return Brought(outcome.order_id, verdict, (*outcome.said, *told))


def _verb(past: Past) -> str:
    """Return the history's word for what happened there."""
    if past.payment is not None:
        return "refund" if past.payment == Payment.REFUNDED else "cancel"
    if past.shipping is not None:
        return "problem"
    return "receive" if past.buyer_shipping == BuyerShipping.RECEIVED else "say_paid"


def _past(sale: SaleTold, stand: Stand) -> tuple[Past | None, tuple[str, ...], tuple[str, ...]]:
    """Return what happened to an order there that is to happen here, in words too; and what may not."""
    given: dict[str, Any] = {}
    said: list[str] = []
    differing: list[str] = []
    if sale.payment in ENDINGS and stand.payment not in ENDINGS:
        if _is_ours(stand.id):
            differing.append(ENDINGS[sale.payment])
        else:
            given |= _ending(stand)
            said.append(ENDINGS[sale.payment])
    if sale.shipping == Shipping.PROBLEM and stand.shipping != Shipping.PROBLEM and not _is_ours(stand.id):
        given["shipping"] = Shipping.PROBLEM
        said.append("there is a problem")
    if sale.buyer_payment != stand.buyer_payment:
        given["buyer_payment"] = sale.buyer_payment
        said.append("its buyer speaks of the payment")
    if sale.buyer_shipping != stand.buyer_shipping:
        given["buyer_shipping"] = sale.buyer_shipping
        said.append("its buyer speaks of the shipping")
        if sale.buyer_shipping == BuyerShipping.RECEIVED and "items" not in given:
            given["items"] = {
                item.id: ItemStatus.COMPLETE
                for item in _items(stand.id)
                if item.status == ItemStatus.PENDING_ACQUISITION and item.fulfilled_as is Kind.GOODS
            }
    return (Past(**given) if given else None), tuple(said), tuple(differing)


def _ending(stand: Stand) -> dict[str, Any]:
    """Return how an order ends: what was never paid is cancelled, what was is given back as a whole.

    Whether pieces that went out came back nobody knows: they stay with the buyer.
    """
    items = _items(stand.id)
    order = db.session.get_one(Order, stand.id, populate_existing=True)
    if order.paid_at is None:
        return {"items": {i.id: ItemStatus.VOIDED for i in items}, "payment": Payment.CANCELED}
    return {
        "items": {i.id: ItemStatus.REFUNDED for i in items},
        "payment": Payment.REFUNDED,
        "refund": order.total_minor,
        "kept": frozenset(i.id for i in items if i.shipped),
    }


def _items(order_id: int) -> Sequence[OrderItem]:
    """Return the lines of an order as they are now."""
    found = select(OrderItem).where(OrderItem.order_id == order_id).order_by(OrderItem.position)
    return db.session.scalars(found.execution_options(populate_existing=True)).all()


def _is_ours(order_id: int) -> bool:
    """Tell whether anybody but an import touched an order."""
    return is_touched(db.session.get_one(Order, order_id))


def _has_new_link(sale: SaleTold, stand: Stand) -> bool:
    """Tell whether a sale that went out is followed by something else there than it was before."""
    has_both_sent = sale.shipping == stand.shipping == Shipping.SHIPPED
    if not (has_both_sent and sale.telling.tracking.is_sent):
        return False
    known = select(SaleThere.link, SaleThere.own_link).where(SaleThere.order_id == stand.id)
    row = db.session.execute(known).first()
    return row is not None and sale.link not in {row.link, row.own_link}
