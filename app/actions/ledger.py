"""One act in progress: the write lock, the history it writes, and the books it settles at its end.

Every act runs inside `with Act(...)`. Rows it changes go through `change`, rows it makes through `add`;
at the end orders are rolled up, one Event a changed row is written, and tally and revision follow.
"""

import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from app.access import Actor
from app.actions.rollup import attention_at, desk_state, may_combine, order_status, ship_by, shipping_flag
from app.actions.tally import keep_tally, standing
from app.db import UtcDateTime, db, take_write_lock
from app.errors import Absorbed, ChangedMeanwhile, NotFound
from app.models import Event, Order, OrderItem, Parcel, SearchTerm, Store
from app.queries.combined import heir_of

# What the history keeps of a new row; nothing personal stands here.
KEPT_WHEN_NEW = {
    Order: ("number", "channel", "kind", "currency", "total_minor", "payment", "shipping", "status"),
    OrderItem: ("quantity", "status", "type", "line_total_minor"),
    Parcel: ("state", "carrier", "number"),
}
# What every new row has, so that the history need not say it: until it tells otherwise, this stands.
STANDS_WHEN_NEW: dict[Any, dict[str, Any]] = {
    Order: {"paid_at": None, "buyer_payment": 0, "buyer_shipping": 0, "heir_id": None},
    OrderItem: {"shipped": 0, "cancelled": 0, "returned": 0, "held_from": None, "ack": False},
    Parcel: {"voided_at": None},
}

# What the history keeps of these is only whether they were set: people write names there.
# Of the key by which open orders find each other too: a place stands in it.
PERSONAL = frozenset({"ack", "legal_name", "address", "vat_id", "mail_from", "mail_texts", "open_key"})

FIND = text(
    "INSERT INTO search_term (store_id, term, placed_at, order_id)"
    " VALUES (:store_id, :term, :placed_at, :order_id) ON CONFLICT DO NOTHING"
).bindparams(bindparam("placed_at", type_=UtcDateTime()))


class Act:
    """One act by one actor on one store; use as a context manager."""

    def __init__(self, verb: str, *, actor: Actor, store_id: int, at: datetime | None = None) -> None:
        self.verb = verb
        self.actor = actor
        self.store_id = store_id
        self.at = at or datetime.now(UTC)
        self.id = secrets.randbits(62)
        self._held: dict[int, Order] = {}
        self._made: set[int] = set()
        self._stood: Counter[tuple[str, str]] = Counter()
        self._gone: list[tuple[OrderItem, dict[str, Any]]] = []
        self._changes: dict[int, tuple[Any, dict[str, Any] | None, dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        """Take the write lock, then the store's row as it is now."""
        take_write_lock()
        self.store = db.session.scalars(
            select(Store)
            .where(Store.id == self.store_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Settle the books, unless the act was refused."""
        if kind is None:
            try:
                self._settle()
            except StaleDataError as late:
                raise ChangedMeanwhile from late

    def hold(self, order_id: int, version: int | None = None) -> Order:
        """Return an order as it is now, locked, with its lines; it is rolled up at the act's end.

        NotFound where the store has none (Absorbed where it went into another one); ChangedMeanwhile
        where it is no longer the version seen.
        """
        order = db.session.scalar(
            select(Order)
            .where(Order.id == order_id, Order.store_id == self.store_id)
            .options(selectinload(Order.items))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if order is None:
            raise NotFound
        if order.heir_id is not None:
            raise Absorbed(heir_of(order.id), order.number)
        if version is not None and order.version != version:
            raise ChangedMeanwhile
        if order.id not in self._held:
            self._held[order.id] = order
            self._stood.update(standing(order, order.items))
        return order

    def admit(self, order: Order, items: Iterable[OrderItem]) -> None:
        """Take up a new order with its lines: they count, and are written, from this act on."""
        self.add(order)
        self._add_lines(order, items)
        self._held[order.id] = order
        self._made.add(order.id)

    def has_made(self, order: Order) -> bool:
        """Tell whether the order was not there before: nobody else has hung anything on it yet."""
        return order.id in self._made

    def replace_lines(self, order: Order, items: Iterable[OrderItem]) -> None:
        """Put new lines in the place of all that the order has; the old ones leave an Event."""
        for item in order.items:
            self._gone.append((item, snapshot(item, KEPT_WHEN_NEW[OrderItem])))
            self._changes.pop(id(item), None)
            db.session.delete(item)
        db.session.flush()
        self._add_lines(order, items)

    def move_lines(self, old: Order, heir: Order) -> None:
        """Hang the lines of an order, changed already to be the heir's, on its heir, before those it has."""
        db.session.flush()
        set_committed_value(heir, "items", sorted([*old.items, *heir.items], key=lambda i: i.position))
        set_committed_value(old, "items", [])

    def _add_lines(self, order: Order, items: Iterable[OrderItem]) -> None:
        """Write the lines of an order and hang them on it."""
        lines = list(items)
        for item in lines:
            item.order_id, item.placed_at = order.id, order.placed_at
        self.add(*lines)
        set_committed_value(order, "items", lines)

    def add(self, *rows: Any) -> None:
        """Write new rows, with an Event for each whose kind stands in the history."""
        db.session.add_all(rows)
        db.session.flush()
        for row in rows:
            if type(row) in KEPT_WHEN_NEW:
                self._changes[id(row)] = (row, None, snapshot(row, KEPT_WHEN_NEW[type(row)]))

    def change(self, row: Any, **values: Any) -> bool:
        """Set columns of a row and remember what they were; tell whether anything differed."""
        differing = {k: v for k, v in values.items() if getattr(row, k) != v}
        if not differing:
            return False
        if id(row) not in self._changes and hasattr(row, "version"):
            row.version += 1
        _, before, after = self._changes.get(id(row), (row, {}, {}))
        if before is not None:
            before = {**snapshot(row, tuple(differing)), **before}
        for name, value in differing.items():
            setattr(row, name, value)
        self._changes[id(row)] = (row, before, {**after, **snapshot(row, tuple(differing))})
        return True

    def tell(self, order: Order) -> None:
        """Let the history of an order that is held tell of this act, although no row of it changes."""
        self._changes.setdefault(id(order), (order, {}, {}))

    def index(self, order: Order, terms: Iterable[str]) -> None:
        """Let the order be found under these terms too."""
        rows = [
            {"store_id": self.store_id, "term": t, "placed_at": order.placed_at, "order_id": order.id}
            for t in sorted(terms)
        ]
        if rows:
            db.session.execute(FIND, rows)

    def forget_terms(self, order: Order, terms: Iterable[str] | None = None) -> None:
        """Take away these terms of the order (None: every one, before it is indexed anew)."""
        gone = delete(SearchTerm).where(SearchTerm.order_id == order.id)
        db.session.execute(gone if terms is None else gone.where(SearchTerm.term.in_(sorted(terms))))

    def _settle(self) -> None:
        """Roll up the held orders, write events, tally and revision."""
        stands: Counter[tuple[str, str]] = Counter()
        for order in self._held.values():
            if order.heir_id is not None:
                continue  # it went into another one in this act, and stands nowhere any more
            self._roll_up(order)
            stands.update(standing(order, order.items))
        db.session.flush()
        self._write_events()
        stands.subtract(self._stood)
        if self._changes or self._held:
            db.session.execute(
                update(Store).where(Store.id == self.store_id).values(revision=Store.revision + 1)
            )
        keep_tally(self.store_id, stands)

    def _roll_up(self, order: Order) -> None:
        """Bring the order's own codes up to its lines and its payment."""
        items = order.items
        for item in items:
            if id(item) in self._changes and item.updated_at != self.at:
                item.updated_at = self.at
        changed = self.change(
            order,
            status=order_status(items),
            desk_state=desk_state(order.payment, items),
            shipping=shipping_flag(order.shipping, items),
            ship_by=ship_by(self.store, order.paid_at or order.placed_at, items),
        )
        if order.open_key is not None and not may_combine(order, items):
            changed = self.change(order, open_key=None)
        if not changed and any(id(item) in self._changes for item in items):
            # A change of a line is a change of the sale: a form that was open before it is stale.
            order.version += 1
        # What follows from the rest, with the parcels' times, the history need not tell.
        order.sent_at = self._sent_at(order)
        order.attention_at = attention_at(order, items, self.store.received_days)

    def _sent_at(self, order: Order) -> datetime | None:
        """Return when the last pieces of an order left: now, where this act sent some."""
        if not any(item.shipped for item in order.items):
            return None
        is_told_anew = any(item.order_id == order.id for item, _ in self._gone)
        has_sent = any(_rose(self._changes.get(id(item)), "shipped") for item in order.items)
        return self.at if has_sent and not (is_told_anew and order.sent_at) else order.sent_at

    def _write_events(self) -> None:
        """Write one Event for each row that was made, changed or taken away."""
        told = [(item, before, None) for item, before in self._gone] + list(self._changes.values())
        if told:
            db.session.execute(insert(Event), [self._event(*change) for change in told])

    def _event(self, row: Any, before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
        """Return the Event of one row."""
        return self.event(
            before,
            after,
            order_id=self._order_of(row),
            item_id=row.id if isinstance(row, OrderItem) else None,
            parcel_id=row.id if isinstance(row, Parcel) else None,
        )

    def event(
        self, before: dict[str, Any] | None, after: dict[str, Any] | None, **of: int | None
    ) -> dict[str, Any]:
        """Return an Event of this act; `of` names its row: order_id, item_id or parcel_id, or none."""
        return {
            "store_id": self.store_id,
            "order_id": None,
            "item_id": None,
            "parcel_id": None,
            **of,
            "act_id": self.id,
            "actor_id": self.actor.account_id,
            "actor_kind": self.actor.kind.value,
            "door": self.actor.door.value,
            "verb": self.verb,
            "before": before,
            "after": after,
            "at": self.at,
        }

    def _order_of(self, row: Any) -> int | None:
        """Return the order in whose history a row stands (a parcel: that it was made for; a store: none)."""
        if isinstance(row, Store):
            return None
        if isinstance(row, Order):
            return row.id
        if isinstance(row, OrderItem):
            return row.order_id
        return next(iter(self._held), None)


def _rose(change: tuple[Any, dict[str, Any] | None, dict[str, Any]] | None, name: str) -> bool:
    """Tell whether a number of a changed row is greater than it was."""
    if change is None:
        return False
    _, before, after = change
    return int(after.get(name, 0)) > int((before or {}).get(name, 0))


def snapshot(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the named columns of a row as plain values, the way the history keeps them."""
    kept: dict[str, Any] = {}
    for name in names:
        value = getattr(row, name)
        if name in PERSONAL:
            value = bool(value)
        kept[name] = value.isoformat() if isinstance(value, datetime) else value
    return kept
