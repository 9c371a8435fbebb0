"""After the sale: lines are cancelled, goods come back. Money goes back by `refunds`."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update

from app.access import Actor
from app.actions.drafts import trim_drafts
from app.actions.ledger import Act
from app.actions.mails import Mail, owe
from app.actions.payment import end_when_refunded, owe_less
from app.db import db
from app.errors import NotFound, Refused, StatusChangeProhibited
from app.models import Order, OrderItem, Parcel, ParcelLine, Product
from app.statuses import DEAD, ItemStatus, Kind, ParcelState
from app.statuses import Payment as PaymentCode

_S = ItemStatus
CANCELLABLE = frozenset({_S.NOT_SUBMITTED, _S.PENDING_PAYMENT, _S.PENDING_FULFILMENT, _S.PENDING_REDEMPTION})


class Reason(StrEnum):
    """Why lines are cancelled or money goes back."""

    BUYER = "buyer"
    SOLD_OUT = "sold_out"
    UNPAID = "unpaid"
    ADDRESS = "address"
    RETURNED = "returned"
    OTHER = "other"

    @property
    def label(self) -> str:
        """Return the words that pages show."""
        return {
            "buyer": "The buyer asked for it",
            "sold_out": "Sold out, or cannot be sent",
            "unpaid": "It was never paid",
            "address": "The address is wrong",
            "returned": "It came back",
            "other": "Another reason",
        }[self.value]


class TooLate(Refused):
    """The store's window for cancelling is over, or has not begun."""


class NothingNamed(Refused):
    """No pieces were named, or none of the lines named can be dealt with so."""

    sentence = "Say how many pieces: at least one."


class TooMany(Refused):
    """More pieces were named than there are."""


def is_cancellable(item: OrderItem) -> bool:
    """Tell whether pieces of an item may be cancelled: nothing of them has gone out or been used."""
    waits = item.fulfilled_as is Kind.PICKUP and item.status == _S.PENDING_ACQUISITION
    return (item.status in CANCELLABLE or waits) and item.left > 0


def cancel(
    order_id: int,
    pieces: Mapping[int, int] | None,
    *,
    reason: Reason,
    actor: Actor,
    store_id: int,
    is_stock_back: bool = False,
    is_buyer_told: bool = False,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """Cancel pieces of an order's lines (item id -> how many; None: all that can be) and return the order.

    A line of which nothing else is left is voided. With `is_buyer_told` the outbox owes the buyer a mail.
    Refuses: after the store's window, as never paid before its days are over, more pieces than are left, a
    line that went out or is over (reference 4.5; law, "Small answers": 30 days, 5 days unpaid are the
    defaults).
    """
    with Act("cancel", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        _judge_window(act, order, reason)
        going = _named(order, pieces, {i.id: i.left for i in order.items if is_cancellable(i)})
        was_unpaid = order.payment == PaymentCode.UNPAID
        for item, n in going.items():
            act.change(item, cancelled=item.cancelled + n)
            if not item.left:
                act.change(item, status=_S.PENDING_ACQUISITION if item.shipped else _S.VOIDED)
        trim_drafts(act, going)
        if is_stock_back:
            _give_stock_back(going)
        act.change(order, end_reason=reason.value)
        _settle_cancelled(act, order, going, was_unpaid)
        if is_buyer_told:
            counts = {str(item.id): n for item, n in going.items()}
            owe(act, order, Mail.CANCELLED, pieces=counts, reason=reason.value)
        return order


def _judge_window(act: Act, order: Order, reason: Reason) -> None:
    """Refuse to cancel outside the store's windows."""
    store = act.store
    if act.at > order.placed_at + timedelta(days=store.cancel_days):
        raise TooLate(f"A sale can be cancelled within {store.cancel_days} days of being bought.")
    if reason is not Reason.UNPAID:
        return
    if order.payment != PaymentCode.UNPAID:
        raise TooLate("This sale is paid: choose another reason.")
    if act.at < order.placed_at + timedelta(days=store.unpaid_days):
        raise TooLate(f"A sale counts as never paid {store.unpaid_days} days after it was bought.")


def _settle_cancelled(act: Act, order: Order, going: Mapping[OrderItem, int], was_unpaid: bool) -> None:
    """Bring the money to what is left: nothing is owed for a dead order, less for a smaller unpaid one."""
    if all(item.status in DEAD for item in order.items):
        if order.payment in {PaymentCode.UNPAID, PaymentCode.ON_ARRIVAL}:
            act.change(order, payment=PaymentCode.CANCELED)
        end_when_refunded(act, order)
        return
    if was_unpaid or order.payment == PaymentCode.ON_ARRIVAL:
        owe_less(act, order, sum(item.unit_minor * n for item, n in going.items()))


def _named(order: Order, pieces: Mapping[int, int] | None, most: Mapping[int, int]) -> dict[OrderItem, int]:
    """Return the lines named with their pieces; NotFound, NothingNamed or TooMany where they do not fit.

    `most` says for each line that can be named how many pieces of it can.
    """
    asked = dict(most) if pieces is None else {i: n for i, n in pieces.items() if n}
    lines = {item.id: item for item in order.items}
    if not asked.keys() <= lines.keys():
        raise NotFound
    if not asked or min(asked.values()) < 1:
        raise NothingNamed
    for item_id, n in asked.items():
        if item_id not in most:
            raise StatusChangeProhibited
        if n > most[item_id]:
            raise TooMany(f"Only {most[item_id]} of “{lines[item_id].title}” are left, not {n}.")
    return {lines[item_id]: n for item_id, n in asked.items()}


def _give_stock_back(pieces: Mapping[OrderItem, int]) -> None:
    """Count pieces back into the stock of those products whose stock is known."""
    for item, n in pieces.items():
        db.session.execute(
            update(Product)
            .where(Product.id == item.product_id, Product.stock.is_not(None))
            .values(stock=Product.stock + n)
        )


def return_items(
    order_id: int,
    pieces: Mapping[int, int],
    *,
    actor: Actor,
    store_id: int,
    is_stock_back: bool = False,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """Note that pieces that had gone out came back (item id -> how many); a refund is an act of its own."""
    with Act("return_items", actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id, version)
        most = {i.id: i.shipped - i.returned for i in order.items if i.shipped > i.returned}
        back = _named(order, pieces, most)
        for item, n in back.items():
            act.change(item, returned=item.returned + n)
        _close_returned(act, back)
        if is_stock_back:
            _give_stock_back(back)
        return order


def _close_returned(act: Act, items: Iterable[OrderItem]) -> None:
    """Mark the parcels all of whose pieces came back."""
    parcels = select(ParcelLine.parcel_id).where(ParcelLine.item_id.in_([item.id for item in items]))
    db.session.flush()
    for parcel in db.session.scalars(
        select(Parcel).where(
            Parcel.id.in_(parcels), Parcel.state.in_((ParcelState.SHIPPED.value, ParcelState.RECEIVED.value))
        )
    ):
        inside = db.session.scalars(
            select(OrderItem)
            .join(ParcelLine, ParcelLine.item_id == OrderItem.id)
            .where(ParcelLine.parcel_id == parcel.id)
        )
        if all(item.returned == item.shipped for item in inside):
            act.change(parcel, state=ParcelState.RETURNED.value)
