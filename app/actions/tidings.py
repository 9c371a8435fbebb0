"""What marketplaces are to be told of their sales: shipped, under which number, and taken back.

A row of `sale_there` says how a sale stands here and what its marketplace knows. An act that changes the
first writes it with its own rows, due once the store's undo window is over; undone before, nothing is owed.
A worker tells how the sale stands then, once for all that happened meanwhile. It writes down beforehand that
it tries: cut off, the next one asks the marketplace what it knows before it says anything again.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, case, false, func, null, select, update

from app.actions.outbox import WAITS
from app.db import db, take_write_lock
from app.models import Order, OrderItem, Parcel, ParcelLine, SaleThere
from app.statuses import Channel, Door, ParcelState, Shipping

if TYPE_CHECKING:
    from app.actions.ledger import Act

# So many are told in a row.
AT_ONCE = 50
LONGEST_TROUBLE = 255
GONE_OUT = (ParcelState.SHIPPED.value, ParcelState.RECEIVED.value)

_NEWEST = (
    select(OrderItem.order_id, func.max(ParcelLine.parcel_id).label("parcel_id"))
    .join(OrderItem, OrderItem.id == ParcelLine.item_id)
    .join(Parcel, Parcel.id == ParcelLine.parcel_id)
    .where(OrderItem.order_id.in_(bindparam("orders", expanding=True)), Parcel.state.in_(GONE_OUT))
    .group_by(OrderItem.order_id)
    .subquery()
)
_LINKS = select(_NEWEST.c.order_id, Parcel.url, Parcel.number).join(Parcel, Parcel.id == _NEWEST.c.parcel_id)


class Owed(NamedTuple):
    """A sale that its marketplace is to be told of: how it stands here and what is known there."""

    order_id: int
    external_id: str
    own_shipping: int
    own_link: str
    shipping: int
    link: str
    is_unsure: bool
    revision: int
    tries: int

    @property
    def says_shipping(self) -> bool:
        """Tell whether it is known otherwise there that it went out."""
        return not agrees(self.own_shipping, self.shipping)

    @property
    def says_link(self) -> bool:
        """Tell whether it has another number there; one that was taken back says itself by the shipping."""
        return bool(self.own_link) and self.own_link != self.link


def agrees(own: int, theirs: int) -> bool:
    """Tell whether two flags say the same of whether a sale went out."""
    return (own == Shipping.SHIPPED) == (theirs == Shipping.SHIPPED)


def links_of(order_ids: Collection[int]) -> dict[int, str]:
    """Return by what the newest parcel of each order that went out is followed: an address, or a number."""
    rows = db.session.execute(_LINKS, {"orders": sorted(order_ids)})
    return {order_id: url or number for order_id, url, number in rows}


def shipping_of(shipping: int, otherwise: int) -> int:
    """Return whether a sale went out, as its marketplace is told; where its flag does not say: as before."""
    return int(shipping) if shipping in {Shipping.PROCESSING, Shipping.SHIPPED} else otherwise


def owe_tidings(act: "Act", orders: Mapping[int, Order]) -> None:
    """Write down what is new about sales of connected marketplaces; an import owes nothing of it (law 5)."""
    held = {o.id: o for o in orders.values() if o.channel == Channel.HIP and o.heir_id is None}
    if not held:
        return
    rows = db.session.scalars(
        select(SaleThere)
        .where(SaleThere.order_id.in_(sorted(held)))
        .order_by(SaleThere.order_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    links = links_of([row.order_id for row in rows]) if rows else {}
    for row in rows:
        shipping = shipping_of(held[row.order_id].shipping, row.own_shipping)
        _write(act, row, shipping, links.get(row.order_id, ""))
    db.session.flush()


def _write(act: "Act", row: SaleThere, shipping: int, link: str) -> None:
    """Write how a sale stands here; where that is new and not known there, it is owed."""
    if (shipping, link) == (row.own_shipping, row.own_link):
        return
    row.own_shipping, row.own_link = shipping, link
    row.revision += 1
    is_known = agrees(shipping, row.shipping) and link in {"", row.link} and not row.is_unsure
    if act.actor.door is Door.IMPORT:
        row.is_owed = row.is_owed and not is_known
        return
    row.is_owed, row.changed_at, row.tries, row.trouble = not is_known, act.at, 0, ""
    row.due_at = None if is_known else act.at + timedelta(minutes=act.store.undo_minutes)


def due(store_id: int, now: datetime | None = None) -> list[int]:
    """Return the orders of a store of which its marketplace is to be told now, oldest first."""
    found = (
        select(SaleThere.order_id)
        .where(
            SaleThere.store_id == store_id, SaleThere.is_owed, SaleThere.due_at <= (now or datetime.now(UTC))
        )
        .order_by(SaleThere.due_at, SaleThere.order_id)
        .limit(AT_ONCE)
    )
    return list(db.session.scalars(found))


def owed(order_id: int) -> Owed | None:
    """Return what is owed of an order; None where nothing is any more."""
    columns = [getattr(SaleThere, name) for name in Owed._fields if name != "external_id"]
    columns.insert(1, Order.external_id)
    found = (
        select(*columns)
        .join(Order, Order.id == SaleThere.order_id)
        .where(SaleThere.order_id == order_id, SaleThere.is_owed, Order.external_id.is_not(None))
    )
    row = db.session.execute(found).first()
    return Owed(*row) if row else None


def note_try(owed: Owed) -> None:
    """Note that the marketplace may hear of it from now on."""
    _set(owed, is_unsure=True)


def note_heard(owed: Owed, shipping: int, link: str) -> None:
    """Note what the marketplace says that it knows; what is owed stays owed."""
    _set(owed, shipping=shipping, link=link, is_unsure=False, heard_at=datetime.now(UTC))


def note_told(owed: Owed) -> None:
    """Note that the marketplace knows it now, unless something else happened here meanwhile."""
    is_latest = SaleThere.revision == owed.revision
    _set(
        owed,
        shipping=owed.own_shipping if owed.says_shipping else owed.shipping,
        link=owed.own_link or owed.link,
        is_unsure=False,
        heard_at=datetime.now(UTC),
        trouble="",
        tries=0,
        is_owed=case((is_latest, false()), else_=SaleThere.is_owed),
        due_at=case((is_latest, null()), else_=SaleThere.due_at),
    )


def note_refusal(owed: Owed, why: str) -> None:
    """Note that the marketplace does not take it, and why: it waits for somebody to say it again."""
    is_latest = SaleThere.revision == owed.revision
    _set(owed, trouble=cut(why), due_at=case((is_latest, null()), else_=SaleThere.due_at))


def note_failure(owed: Owed, why: str, wait: timedelta | None = None) -> None:
    """Note that it did not come through; it is said again later, a few times."""
    tries = owed.tries + 1
    later = WAITS[tries - 1] if tries <= len(WAITS) else None
    due_at = None if later is None else datetime.now(UTC) + max(later, wait or later)
    is_latest = SaleThere.revision == owed.revision
    _set(owed, trouble=cut(why), tries=tries, due_at=case((is_latest, due_at), else_=SaleThere.due_at))


def say_again(store_id: int, order_id: int, now: datetime) -> bool:
    """Let a marketplace be told at once of what it is owed; tell whether there was anything."""
    take_write_lock()
    mine = db.session.execute(
        update(SaleThere)
        .where(SaleThere.order_id == order_id, SaleThere.store_id == store_id, SaleThere.is_owed)
        .values(due_at=now, tries=0)
        .returning(SaleThere.order_id)
        .execution_options(synchronize_session=False)
    ).first()
    return mine is not None


def _set(owed: Owed, **values: Any) -> None:
    """Change the row of an order."""
    take_write_lock()
    db.session.execute(
        update(SaleThere)
        .where(SaleThere.order_id == owed.order_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


class Heard(NamedTuple):
    """What a marketplace said of an order's shipping, in a list that was asked for at `at`."""

    order_id: int
    shipping: int
    link: str
    at: datetime


def hear(heard: Iterable[Heard], store_id: int) -> None:
    """Write what a marketplace says that it knows of these orders, unless it was told otherwise since.

    Of one that it never spoke of, how it stands here is known from then on too.
    """
    said = {one.order_id: one for one in heard}
    known = db.session.scalars(
        select(SaleThere)
        .where(SaleThere.order_id.in_(sorted(said)))
        .order_by(SaleThere.order_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for row in known:
        one = said.pop(row.order_id)
        if one.at >= row.heard_at:
            row.shipping, row.link, row.heard_at, row.is_unsure = one.shipping, one.link, one.at, False
            if row.is_owed and agrees(row.own_shipping, row.shipping) and row.own_link in {"", row.link}:
                row.is_owed, row.due_at, row.trouble = False, None, ""
    db.session.add_all(_new_rows(said, store_id))
    db.session.flush()


def _new_rows(said: Mapping[int, Heard], store_id: int) -> list[SaleThere]:
    """Return a row for each order of which its marketplace spoke for the first time."""
    links = links_of(said) if said else {}
    stand = db.session.execute(select(Order.id, Order.shipping).where(Order.id.in_(sorted(said)))).all()
    return [
        SaleThere(
            order_id=order_id,
            store_id=store_id,
            shipping=said[order_id].shipping,
            link=said[order_id].link,
            heard_at=said[order_id].at,
            own_shipping=shipping_of(shipping, int(Shipping.PROCESSING)),
            own_link=links.get(order_id, ""),
        )
        for order_id, shipping in stand
    ]


def cut(words: str) -> str:
    """Return words as the column for troubles holds them."""
    return words if len(words) <= LONGEST_TROUBLE else f"{words[: LONGEST_TROUBLE - 1]}…"
