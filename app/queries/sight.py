"""What of a sale somebody sees, and the search of those who do not see all of it.

The words under which a sale is found do not say where they stand. Whoever may not see personal data, or
money that moves, is therefore shown what was found only where each word begins one of the sale's texts that
they do see: nothing can be guessed by asking whether it is found.
"""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, cast, func, or_, select
from sqlalchemy.orm import aliased

from app.models import Address, Buyer, Order, OrderItem, Parcel, ParcelLine


class Sight(NamedTuple):
    """What is seen of a sale: addresses, e-mails and telephones; payments, their codes and payouts."""

    personal: bool = True
    money: bool = True


ALL = Sight()

_Order, _Item, _Line = aliased(Order), aliased(OrderItem), aliased(ParcelLine)
_Parcel, _Buyer, _Address = aliased(Parcel), aliased(Buyer), aliased(Address)


def seen_begins(word: ColumnElement[str], order_id: Any, sight: Sight) -> ColumnElement[bool]:
    """Return the condition that some text of an order, of those that are seen, has a word that begins so."""

    def in_one(*texts: Any) -> ColumnElement[bool]:
        return or_(*(_plain(text).like("% " + word + "%") for text in texts))

    buyer = [_Buyer.name, _Buyer.username, *([_Buyer.email] if sight.personal else [])]
    home = [_Address.name, _Address.postal_code] if sight.personal else []
    own = [_Order.external_id, *([_Order.gateway_code] if sight.money else [])]
    lines = (
        select(_Item.id)
        .outerjoin(_Line, _Line.item_id == _Item.id)
        .outerjoin(_Parcel, _Parcel.id == _Line.parcel_id)
        .where(
            _Item.order_id == _Order.id,
            in_one(_Item.title, _Item.sku, cast(_Item.deal_number, String), _Parcel.number),
        )
        .correlate(_Order)
        .exists()
    )
    seen = or_(in_one(cast(_Order.number, String), *own, *buyer, *home), lines)
    return (
        select(_Order.id)
        .join(_Buyer, _Buyer.id == _Order.buyer_id)
        .outerjoin(_Address, _Address.id == _Order.address_id)
        .where(_Order.id == order_id, seen)
        .exists()
    )


def _plain(text: Any) -> ColumnElement[str]:
    """Return a text in small letters, each of its words after a blank."""
    return " " + func.replace(func.lower(func.coalesce(text, "")), "-", " ")
