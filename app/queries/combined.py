"""Sales that went into another one, and the one that lives on."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased

from app.db import db, rows_of
from app.models import Buyer, Combined, Order

_Heir = aliased(Order)
_HEIR = select(Combined.heir_id).where(Combined.order_id == bindparam("order"))
_ABSORBED = (
    select(Order.id, Order.number, Order.external_id, Order.gateway_code)
    .join(Combined, Combined.order_id == Order.id)
    .where(Combined.heir_id == bindparam("heir"))
    .order_by(Order.id)
)


_NUMBERED = (
    select(Order.number, Combined.heir_id, _Heir.number.label("heir_number"))
    .join(Combined, Combined.order_id == Order.id)
    .join(_Heir, _Heir.id == Combined.heir_id)
    .where(Order.number == bindparam("number"))
)
_NAMED = _NUMBERED.where(Order.store_id == bindparam("store"))
_OWN = (
    _NUMBERED.join(Buyer, Buyer.id == Order.buyer_id)
    .where(Buyer.account_id == bindparam("account"))
    .order_by(Combined.heir_id)
)


def heir_of(order_id: int) -> int:
    """Return the sale that lives on of one that went into another, or into several in turn."""
    return int(rows_of(_HEIR, {"order": order_id})[0][0])


def absorbed_by(heir_id: int) -> Sequence[Any]:
    """Return id, number, outside id and code of every sale that went into this one, however far back."""
    db.session.flush()
    return rows_of(_ABSORBED, {"heir": heir_id})


def named(store_id: int, number: int) -> Any:
    """Return what became of the sale that had this number (number, heir_id, heir_number); None: nothing."""
    return next(iter(rows_of(_NAMED, {"store": store_id, "number": number})), None)


def own_named(account_id: int, number: int) -> Sequence[Any]:
    """Return what became of the purchases of an account that had this number, each in another store."""
    return rows_of(_OWN, {"account": account_id, "number": number})
