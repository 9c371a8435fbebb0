"""What the history keeps of rows: which columns of a new one, and in what form. Nothing personal is kept."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, bindparam, insert

from app.models import Event, Feedback, GuestLink, Note, Order, OrderItem, Parcel, Payment, Payout

# What the history keeps of a new row.
KEPT_WHEN_NEW: dict[Any, tuple[str, ...]] = {
    Order: ("number", "channel", "kind", "currency", "total_minor", "payment", "shipping", "status"),
    OrderItem: ("quantity", "status", "type", "line_total_minor"),
    Parcel: ("state", "carrier", "number"),
    Payment: ("kind", "status", "amount_minor", "currency"),
    Payout: ("kind", "status", "amount_minor", "item_id", "cause_id"),
    Note: ("is_private",),
    Feedback: ("item_id", "direction", "value"),
    GuestLink: ("made_at",),
}
# What every new row has, so that the history need not say it: until it tells otherwise, this stands.
# "inside" is what is in a parcel: item id -> pieces.
STANDS_WHEN_NEW: dict[Any, dict[str, Any]] = {
    Order: {"paid_at": None, "buyer_payment": 0, "buyer_shipping": 0, "heir_id": None},
    OrderItem: {"shipped": 0, "cancelled": 0, "returned": 0, "held_from": None, "ack": False},
    Parcel: {"voided_at": None, "inside": {}},
    GuestLink: {"revoked_at": None},
}
# Rows that hang on an order or a line: an Event names them by their kind and id.
BESIDE: dict[str, Any] = {
    model.__tablename__: model for model in (Payment, Payout, Note, Feedback, GuestLink)
}

# What the history keeps of these is only whether they were set: people write names there, and in the key by
# which open orders find each other stands a place.
PERSONAL = frozenset({"ack", "legal_name", "address", "vat_id", "mail_from", "mail_texts", "open_key"})

_EVENT: Any = Event.__table__
_NOTHING = JSON(none_as_null=True)
# One statement for them all: the history is read in the sequence of its ids.
WRITE_EVENTS = insert(_EVENT).values(
    {
        c.name: bindparam(c.name, type_=_NOTHING if isinstance(c.type, JSON) else c.type)
        for c in _EVENT.c
        if not c.primary_key
    }
)


def snapshot(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the named columns of a row as plain values, the way the history keeps them."""
    kept: dict[str, Any] = {}
    for name in names:
        value = getattr(row, name)
        if name in PERSONAL:
            value = bool(value)
        kept[name] = value.isoformat() if isinstance(value, datetime) else value
    return kept
