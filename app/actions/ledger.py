"""One act in progress: the write lock, the history it writes, and the books it settles at its end.

Every act runs inside `with Act(...)`. Rows it changes go through `change`, rows it makes through `add`;
at the end orders are rolled up, one Event a changed row is written, and tally and revision follow.
"""

import logging
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from app.access import Actor
from app.actions.kept import BESIDE, KEPT_WHEN_NEW, WRITE_EVENTS, snapshot
from app.actions.owing import owe_outside
from app.actions.rollup import attention_at, desk_state, may_combine, order_status, ship_by, shipping_flag
from app.actions.statements import FIND, LOCKED_ORDER, LOCKED_STORE, REVISE
from app.actions.tally import keep_tally, standing
from app.db import db, take_write_lock
from app.errors import Absorbed, ChangedMeanwhile, NotFound
from app.models import Order, OrderItem, Parcel, Payment, SearchTerm, Store
from app.outages import may_be_late
from app.queries.combined import heir_of


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
        self._gone: list[tuple[Any, dict[str, Any]]] = []
        self._changes: dict[int, tuple[Any, dict[str, Any] | None, dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        """Take the write lock, then the store's row as it is now."""
        take_write_lock()
        self.store = db.session.scalars(LOCKED_STORE, {"store": self.store_id}).one()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Settle the books, unless the act was refused.

        What ran into the write of somebody quicker is refused as well, wherever in the act that was:
        ChangedMeanwhile.
        """
        if error is None:
            try:
                self._settle()
            except (StaleDataError, IntegrityError) as late:
                refuse_late(late)
                raise
        elif isinstance(error, StaleDataError | IntegrityError):
            refuse_late(error)

    def hold(self, order_id: int, version: int | None = None) -> Order:
        """Return an order as it is now, locked, with its lines; it is rolled up at the act's end.

        NotFound where the store has none (Absorbed where it went into another one); ChangedMeanwhile
        where it is no longer the version seen.
        """
        found = db.session.scalars(LOCKED_ORDER, {"order": order_id, "store": self.store_id})
        order = found.unique().one_or_none()
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
        self.remove(*order.items)
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
        self._tell_new(rows)

    def leave(self, *rows: Any) -> None:
        """Write new rows with the rest of the act, for which nobody asks before; each has its Event."""
        db.session.add_all(rows)
        self._tell_new(rows)

    def _tell_new(self, rows: Iterable[Any]) -> None:
        """Remember what new rows are."""
        for row in rows:
            if type(row) in KEPT_WHEN_NEW:
                self._changes[id(row)] = (row, None, snapshot(row, KEPT_WHEN_NEW[type(row)]))

    def remove(self, *rows: Any) -> None:
        """Take rows away; each leaves an Event that says what it was."""
        for row in rows:
            self._gone.append((row, snapshot(row, KEPT_WHEN_NEW[type(row)])))
            self._changes.pop(id(row), None)
            db.session.delete(row)
        db.session.flush()

    def change(self, row: Any, **values: Any) -> bool:
        """Set columns of a row and remember what they were; tell whether anything differed."""
        differing = {k: v for k, v in values.items() if getattr(row, k) != v}
        if not differing:
            return False
        was = snapshot(row, differing)
        for name, value in differing.items():
            setattr(row, name, value)
        self._tell(row, was, snapshot(row, differing))
        return True

    def pack(self, parcel: Parcel, pieces: Mapping[int, int], was: Mapping[int, int] | None = None) -> None:
        """Remember what is put into a parcel, or changed in it: item id -> pieces, 0 for none any more.

        `was` is all that was in it before this act.
        """
        told = self._changes.get(id(parcel), (parcel, None, {}))[2]
        stood = told.get("inside", {str(item_id): n for item_id, n in (was or {}).items()})
        inside = {**stood, **{str(item_id): n for item_id, n in pieces.items()}}
        inside = {item_id: n for item_id, n in inside.items() if n}
        if inside != stood:
            self._tell(parcel, {"inside": stood}, {"inside": inside})

    def _tell(self, row: Any, was: dict[str, Any], now: dict[str, Any]) -> None:
        """Remember what values of a row were before and are now; the first change counts its version up."""
        if id(row) not in self._changes and hasattr(row, "version"):
            row.version += 1
        _, before, after = self._changes.get(id(row), (row, {}, {}))
        self._changes[id(row)] = (row, None if before is None else {**was, **before}, {**after, **now})

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
            db.session.connection().execute(REVISE, {"store": self.store_id})
        keep_tally(self.store_id, stands)
        owe_outside(self, self._held, self._changes.values())

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
        rows = (row for row, _, _ in self._changes.values() if isinstance(row, OrderItem | Payment))
        if not changed and any(row.order_id == order.id for row in rows):
            # A line or money that changed is a change of the sale: a form that was open before it is stale.
            order.version += 1
        # What follows from the rest, with the parcels' times, the history need not tell.
        order.sent_at = self._sent_at(order)
        order.attention_at = attention_at(order, items, self.store.received_days)

    def _sent_at(self, order: Order) -> datetime | None:
        """Return when the last pieces of an order left: now, where this act sent some."""
        if not any(item.shipped for item in order.items):
            return None
        is_told_anew = any(isinstance(x, OrderItem) and x.order_id == order.id for x, _ in self._gone)
        has_sent = any(_rose(self._changes.get(id(item)), "shipped") for item in order.items)
        return self.at if has_sent and not (is_told_anew and order.sent_at) else order.sent_at

    def _write_events(self) -> None:
        """Write one Event for each row that was made, changed or taken away."""
        told = [(row, before, None) for row, before in self._gone] + list(self._changes.values())
        if told:
            db.session.connection().execute(WRITE_EVENTS, [self._event(*change) for change in told])

    def _event(self, row: Any, before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
        """Return the Event of one row."""
        return self.event(
            before,
            after,
            order_id=self._order_of(row),
            item_id=row.id if isinstance(row, OrderItem) else None,
            parcel_id=row.id if isinstance(row, Parcel) else None,
            **({"row_kind": kind, "row_id": row.id} if (kind := row.__tablename__) in BESIDE else {}),
        )

    def event(self, before: dict[str, Any] | None, after: dict[str, Any] | None, **of: Any) -> dict[str, Any]:
        """Return an Event of this act; `of` says which columns name its row."""
        return {
            "store_id": self.store_id,
            "order_id": None,
            "item_id": None,
            "parcel_id": None,
            "row_kind": None,
            "row_id": None,
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
        if isinstance(row, Order | Store):
            return row.id if isinstance(row, Order) else None
        return getattr(row, "order_id", None) or next(iter(self._held), None)


def refuse_late(error: StaleDataError | IntegrityError) -> None:
    """Refuse a write that another's came before (ChangedMeanwhile); return where it is another fault.

    The locks of an act let none come between: that the database had to say so is told to the log.
    """
    if isinstance(error, StaleDataError) or may_be_late(error):
        logging.getLogger(__name__).error("An act ran into another's write", exc_info=error)
        raise ChangedMeanwhile from error


def _rose(change: tuple[Any, dict[str, Any] | None, dict[str, Any]] | None, name: str) -> bool:
    """Tell whether a number of a changed row is greater than it was."""
    if change is None:
        return False
    _, before, after = change
    return int(after.get(name, 0)) > int((before or {}).get(name, 0))
