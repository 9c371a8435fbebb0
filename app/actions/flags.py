"""Hip's four flags are acts: what a PUT on a sale sends, carried out (law, "Hip's flags are acts").

The flags of one call are done in turn, in one transaction that the door commits or rolls back: all or
nothing. Of a sale's lines those that can move do; where none can, the flag is refused.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

from app.access import Actor, Permission
from app.actions.aftersale import Reason, cancel
from app.actions.buyers_word import receive, say_paid, say_waiting
from app.actions.labels import label_sale
from app.actions.parcels import NO_TRACKING, Tracking, ship_rest
from app.actions.payment import PAYS, confirm_payment, unpay
from app.actions.problems import report_problem
from app.actions.refunds import refund
from app.actions.undo import void_latest
from app.errors import NotAllowed, NotFound, Refused, StatusChangeProhibited
from app.models import Order
from app.queries import sales
from app.statuses import BuyerShipping, Payment, Shipping

LONGEST_NUMBER = 64
LONGEST_URL = 2000
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE | re.ASCII)
_WEB = re.compile(r"https?://[^/?#\s@]+([/?#]\S*)?", re.IGNORECASE | re.ASCII)


class Side(StrEnum):
    """Whose flags they are: each side has its own."""

    SELLER = "seller"
    BUYER = "buyer"


class NothingSent(Refused):
    """A PUT that carries none of the flags."""

    sentence = "Nothing was sent that could be changed: name at least one flag."


class BadFlag(Refused):
    """A flag's value is none of its list, or none that can be set."""

    def __init__(self, field: str) -> None:
        super().__init__(f"Invalid field: {field}", field)


class Flags(NamedTuple):
    """What a PUT sends; None where a field did not come."""

    flag_payment: int | None = None
    flag_shipping: int | None = None
    flag_buyer_payment: int | None = None
    flag_buyer_shipping: int | None = None
    tracking_link: str | None = None


Step = Callable[..., object]


def put_flags(
    order_id: int,
    sent: Flags,
    *,
    side: Side,
    actor: Actor,
    store_id: int,
    version: int | None = None,
    at: datetime | None = None,
) -> Order:
    """Do what the flags say and return the order as it is then.

    Refuses as a whole: nothing sent, a value of no list (BadFlag), the other side's flags (NotAllowed),
    whatever the acts refuse. Rights of the store's people are asked by the door (`rights_for`).
    """
    steps = list(_steps(sent, side))
    if not steps:
        raise NothingSent
    by: dict[str, Any] = {"actor": actor, "store_id": store_id, "at": at}
    for n, step in enumerate(steps):
        # The version seen holds for the first: each step makes a new one.
        step(order_id, version=None if n else version, **by)
    return _sale(store_id, order_id)


def rights_for(sent: Flags) -> frozenset[Permission]:
    """Return the rights of the store that the seller's flags need."""
    needed = set()
    if sent.flag_payment is not None:
        special = {int(Payment.CANCELED): Permission.CANCEL, int(Payment.REFUNDED): Permission.REFUND}
        needed.add(special.get(sent.flag_payment, Permission.MARK_PAID))
    if sent.flag_shipping is not None or sent.tracking_link is not None:
        needed.add(Permission.SHIP)
    return frozenset(needed)


def read_link(sent: str) -> Tracking:
    """Return what Hip's tracking_link says: a page's address, or a number; BadFlag for all else."""
    link = sent.strip()
    is_web = _WEB.fullmatch(link) is not None
    longest = LONGEST_URL if is_web else LONGEST_NUMBER
    if len(link) > longest or not link.isprintable() or (_SCHEME.match(link) and not is_web):
        raise BadFlag("tracking_link")
    return Tracking(url=link) if is_web else Tracking(number=link)


def _steps(sent: Flags, side: Side) -> Iterator[Step]:
    """Yield what is to be done, in turn: money in, parcels, money back; or the buyer's word."""
    sellers = (sent.flag_payment, sent.flag_shipping, sent.tracking_link)
    buyers = (sent.flag_buyer_payment, sent.flag_buyer_shipping)
    if any(value is not None for value in (buyers if side is Side.SELLER else sellers)):
        raise NotAllowed
    tracking = NO_TRACKING if sent.tracking_link is None else read_link(sent.tracking_link)
    pays = _one_of(_PAYMENT, sent.flag_payment, "flag_payment")
    ships = _one_of(_SHIPPING, sent.flag_shipping, "flag_shipping")
    is_money_in = sent.flag_payment in PAYS
    if pays and is_money_in:
        yield pays
    if ships is ship_rest:
        yield partial(ship_rest, tracking=tracking)
    else:
        if ships:
            yield ships
        if tracking.is_sent:
            yield partial(label_sale, tracking=tracking)
    if pays and not is_money_in:
        yield pays
    if says := _one_of(_BUYER_PAYMENT, sent.flag_buyer_payment, "flag_buyer_payment"):
        yield says
    if has := _one_of(_BUYER_SHIPPING, sent.flag_buyer_shipping, "flag_buyer_shipping"):
        yield has


def _one_of(acts: Mapping[int, Step], value: int | None, field: str) -> Step | None:
    """Return the act that a flag's value asks for, None where the flag was not sent; BadFlag for no such."""
    if value is None:
        return None
    if value not in acts:
        raise BadFlag(field)
    return acts[value]


def _sale(store_id: int, order_id: int) -> Order:
    """Return the sale as it is now."""
    order = sales.one(store_id, order_id)
    if order is None:
        raise NotFound
    return order


def _nothing_ships(order_id: int, *, store_id: int, **_: Any) -> None:
    """Agree that nothing of a sale is sent; StatusChangeProhibited where something is."""
    if _sale(store_id, order_id).shipping != Shipping.NOT_APPLICABLE:
        raise StatusChangeProhibited


_PAYMENT: Mapping[int, Step] = {
    Payment.UNPAID: unpay,
    **{code: partial(confirm_payment, code=code) for code in PAYS},
    Payment.CANCELED: partial(cancel, pieces=None, reason=Reason.OTHER),
    Payment.REFUNDED: partial(refund, amount=None, items=None, reason=Reason.OTHER),
}
_SHIPPING: Mapping[int, Step] = {
    Shipping.NOT_APPLICABLE: _nothing_ships,
    Shipping.PROCESSING: void_latest,
    Shipping.SHIPPED: ship_rest,
    Shipping.PROBLEM: report_problem,
}
_BUYER_PAYMENT: Mapping[int, Step] = {
    code: partial(say_paid, code=code) for code in (Payment.UNPAID, Payment.PAID, Payment.ON_ARRIVAL)
}
_BUYER_SHIPPING: Mapping[int, Step] = {
    BuyerShipping.WAITING: say_waiting,
    BuyerShipping.RECEIVED: receive,
    BuyerShipping.PROBLEM: partial(report_problem, is_buyers=True),
}
