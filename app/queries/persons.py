"""What the desk holds of a person, known by an e-mail address: who they are here, and all that is theirs."""

from collections.abc import Collection, Iterable
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select

from app.db import db
from app.models import (
    Account,
    Address,
    ApiToken,
    Buyer,
    Event,
    Feedback,
    GuestLink,
    Identity,
    Invitation,
    Member,
    Note,
    Order,
    OrderItem,
    Outbox,
    Parcel,
    ParcelLine,
    Payment,
    Signin,
    Store,
)
from app.models.personal import SECRET
from app.queries.combined import absorbed_by
from app.statuses import DeskState, ParcelState, Role

# What of a row is the store's own: where a file lies, who fetched a deal.
STORES_OWN = {"order_item": ("ack", "url"), "outbox": ("payload", "dedupe"), "guest_link": ("public_id",)}


class Known(NamedTuple):
    """A person: their account, those whom stores know by their address, and what these bought.

    `orders`: store id -> the sales that live, and so have all that went into them.
    """

    email: str
    account: Account | None
    buyers: dict[int, int]  # buyer id -> store id
    orders: dict[int, list[int]]

    @property
    def is_nobody(self) -> bool:
        """Tell whether the desk knows nobody by this address."""
        return self.account is None and not self.buyers and not self.orders

    @property
    def many(self) -> int:
        """Return how many living sales they bought."""
        return sum(map(len, self.orders.values()))

    @property
    def ids(self) -> dict[str, Any]:
        """Return whom an event names: ids alone."""
        account_id = self.account.id if self.account else None
        return {"account_id": account_id, "buyer_ids": sorted(self.buyers), "sales": self.many}


def known(email: str) -> Known:
    """Return whom the desk knows by an e-mail address, whatever its case.

    A buyer is theirs by account, by their own address, by a key that is the address, or where the address
    stands on the parcel and the buyer has none.
    """
    email = email.strip()
    account = db.session.scalar(select(Account).where(func.lower(Account.email) == email.lower()))
    by_parcel = (
        select(Order.buyer_id)
        .join(Address, Address.id == Order.address_id)
        .where(func.lower(Address.email) == email.lower())
    )
    mine = [
        func.lower(Buyer.email) == email.lower(),
        Buyer.external_ref == email.casefold(),
        Buyer.email.is_(None) & Buyer.id.in_(by_parcel),
    ]
    if account is not None:
        mine.append(Buyer.account_id == account.id)
    found = db.session.execute(select(Buyer.id, Buyer.store_id).where(or_(*mine)).order_by(Buyer.id))
    buyers = {row.id: row.store_id for row in found}
    sold = select(Order.id, Order.store_id).where(Order.buyer_id.in_(buyers), Order.heir_id.is_(None))
    orders: dict[int, list[int]] = {store_id: [] for store_id in sorted(set(buyers.values()))}
    for row in db.session.execute(sold.order_by(Order.id)):
        orders.setdefault(row.store_id, []).append(row.id)
    return Known(email, account, buyers, orders)


def stores_alone(account_id: int) -> list[str]:
    """Return the slugs of the stores that this account owns and nobody else does."""
    others = select(Member.store_id).where(Member.role == Role.OWNER.value, Member.account_id != account_id)
    asked = (
        select(Store.slug)
        .join(Member, Member.store_id == Store.id)
        .where(Member.account_id == account_id, Member.role == Role.OWNER.value, Store.id.not_in(others))
        .order_by(Store.slug)
    )
    return list(db.session.scalars(asked))


def places_of(account_id: int) -> list[int]:
    """Return the stores in which an account has a place."""
    asked = select(Member.store_id).where(Member.account_id == account_id)
    return list(db.session.scalars(asked.order_by(Member.store_id)))


def to_ship(person: Known) -> list[str]:
    """Return which of a person's sales are still to be sent, as "number (store)"."""
    ids = [order_id for ids in person.orders.values() for order_id in ids]
    asked = (
        select(Order.number, Store.slug)
        .join(Store, Store.id == Order.store_id)
        .where(Order.id.in_(ids), Order.desk_state == DeskState.TO_SHIP.value)
        .order_by(Order.id)
    )
    return [f"{row.number} ({row.slug})" for row in db.session.execute(asked)]


def everything(person: Known) -> dict[str, Any]:
    """Return all that the desk holds of a person and may give them, as plain values.

    Every column of a row is told but secrets, and what is the stores' own: private notes, acknowledgements.
    """
    account = person.account
    told: dict[str, Any] = {
        "email": person.email,
        "account": plain(account) if account else None,
        "invitations": _rows(Invitation, Invitation.email == person.email.lower()),
    }
    if account is not None:
        told["places"] = _rows(Member, Member.account_id == account.id)
        told["sign_ins"] = _rows(Signin, Signin.account_id == account.id)
        told["known_elsewhere"] = _rows(Identity, Identity.account_id == account.id)
        told["tokens"] = _rows(ApiToken, ApiToken.account_id == account.id)
        told["acts"] = _acts(account.id)
    names = select(Store.id, Store.name).where(Store.id.in_(person.orders))
    stores = dict(db.session.execute(names).tuples().all())
    told["stores"] = [
        {
            "store": stores[store_id],
            "known_as": _rows(Buyer, Buyer.id.in_([b for b, at in person.buyers.items() if at == store_id])),
            "sales": [_sale(order_id) for order_id in order_ids],
        }
        for store_id, order_ids in person.orders.items()
    ]
    return told


def _sale(order_id: int) -> dict[str, Any]:
    """Return one sale with all that hangs on it and its buyer may know."""
    order = db.session.get_one(Order, order_id)
    went_in = [row.id for row in absorbed_by(order_id)]
    parts = [order_id, *went_in]
    items = select(OrderItem.id).where(OrderItem.order_id == order_id)
    inside = select(ParcelLine.parcel_id).where(ParcelLine.item_id.in_(items))
    was_sent = Parcel.state.not_in((ParcelState.DRAFT.value, ParcelState.VOIDED.value))
    return {
        **plain(order),
        "went_in": _rows(Order, Order.id.in_(went_in)),
        "addresses": _rows(Address, Address.id.in_(addresses_of(parts))),
        "lines": _rows(OrderItem, OrderItem.order_id == order_id),
        "feedback": _rows(Feedback, Feedback.item_id.in_(items)),
        "notes": _rows(Note, Note.order_id.in_(parts), Note.is_private.is_(False)),
        "payments": _rows(Payment, Payment.order_id == order_id),
        "parcels": _rows(Parcel, Parcel.id.in_(inside), was_sent),
        "mails": _rows(Outbox, Outbox.order_id == order_id, Outbox.webhook_id.is_(None)),
        "guest_links": _rows(GuestLink, GuestLink.order_id.in_(parts)),
    }


def addresses_of(order_ids: Collection[int]) -> set[int]:
    """Return the addresses that sales have, and those that they had before these were corrected."""
    found = set(db.session.scalars(select(Order.address_id).where(Order.id.in_(order_ids))))
    told = select(Event.before, Event.after).where(
        Event.order_id.in_(order_ids),
        Event.item_id.is_(None),
        Event.verb.in_(("correct_address", "follow")),
    )
    for before, after in db.session.execute(told):
        found |= {side.get("address_id") for side in (before, after) if side}
    return {address_id for address_id in found if address_id is not None}


def _acts(account_id: int) -> list[dict[str, Any]]:
    """Return what an account did: what, when, by which door, to which sale."""
    asked = select(Event.act_id, Event.verb, Event.door, Event.at, Event.store_id, Event.order_id)
    asked = asked.where(Event.actor_id == account_id).order_by(Event.id)
    acts = {row.act_id: row for row in db.session.execute(asked)}
    return [
        {name: _value(value) for name, value in act._mapping.items() if name != "act_id"}
        for act in acts.values()
    ]


def _rows(model: Any, *which: Any) -> list[dict[str, Any]]:
    """Return such rows of a table as plain values."""
    return [plain(row) for row in db.session.scalars(select(model).where(*which).order_by(*_key(model)))]


def _key(model: Any) -> Iterable[Any]:
    """Return the columns by which the rows of a table are told apart."""
    return list(model.__table__.primary_key.columns)


def plain(row: Any) -> dict[str, Any]:
    """Return the columns of a row that may be given out, as JSON has values."""
    table = row.__table__
    left_out = {*SECRET.get(table.name, ()), *STORES_OWN.get(table.name, ())}
    names = {row.__mapper__.get_property_by_column(column).key: column.name for column in table.columns}
    return {name: _value(getattr(row, key)) for key, name in names.items() if name not in left_out}


def _value(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
