"""What programs are owed by webhook: rows of the outbox that an act writes at its end, from what it changed.

Where a store has no webhook, nothing is asked. Like mails, messages wait for the store's undo window; what
is undone meanwhile is taken back. An import owes none (law 5). A message holds ids and codes alone, as they
were when the act ended, and nothing personal.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, String, and_, bindparam, cast, insert, or_, select

from app.actions import outbox
from app.actions.outbox import State
from app.actions.rollup import SETTLED
from app.db import Id, UtcDateTime, db
from app.models import Order, OrderItem, Outbox, Parcel, Payment, Store, Webhook
from app.statuses import OWN_CHANNELS, Door, ItemStatus, ParcelState
from app.statuses import Payment as PaymentCode

if TYPE_CHECKING:
    from app.actions.ledger import Act

# The rows of the outbox that are messages to webhooks.
HOOKS = Outbox.webhook_id.is_not(None)
UNDONE = "It was undone before."


class Happening(StrEnum):
    """What a webhook may be told of an order."""

    CREATED = "order.created"
    UPDATED = "order.updated"
    PAID = "order.paid"
    SHIPPED = "order.shipped"
    CANCELLED = "order.cancelled"
    REFUNDED = "order.refunded"
    COMBINED = "order.combined"

    @property
    def label(self) -> str:
        """Return the words that the page shows."""
        return HAPPENING_LABELS[self]


HAPPENING_LABELS = {
    Happening.CREATED: "A sale came in",
    Happening.UPDATED: "It changed in another way",
    Happening.PAID: "It was paid",
    Happening.SHIPPED: "A parcel left",
    Happening.CANCELLED: "Pieces were cancelled",
    Happening.REFUNDED: "Money went back",
    Happening.COMBINED: "It went into a later one",
}
PING = "ping"

# A row that an act changed: what it was (None: it was not there) and what it is.
Change = tuple[Any, dict[str, Any] | None, dict[str, Any]]

_HOOK: Any = Webhook.__table__
# One statement for all that an act owes: a row for each webhook that is told of such a thing.
OWE = insert(Outbox.__table__).from_select(  # type: ignore[arg-type]
    ["store_id", "webhook_id", "order_id", "kind", "due_at", "state", "payload", "dedupe"],
    select(
        _HOOK.c.store_id,
        _HOOK.c.id,
        bindparam("of_order", type_=Id),
        bindparam("as_kind", type_=String),
        bindparam("then", type_=UtcDateTime),
        bindparam("as_state", type_=String),
        bindparam("saying", type_=JSON),
        "hook:" + cast(_HOOK.c.id, String) + bindparam("mark", type_=String),
    ).where(
        _HOOK.c.store_id == bindparam("store"),
        _HOOK.c.ended_at.is_(None),
        _HOOK.c.events.like(bindparam("asked_for", type_=String)),
        or_(_HOOK.c.is_for_all, bindparam("is_own")),
    ),
)


def between_commas(kinds: Iterable[str]) -> str:
    """Return kinds as a webhook keeps them."""
    return f",{','.join(kinds)},"


def owe_hooks(act: "Act", orders: Mapping[int, Order], changes: Iterable[Change]) -> None:
    """Write what the store's webhooks are owed of an act; `orders` are those that it held."""
    if not act.store.has_webhooks or act.actor.door is Door.IMPORT:
        return
    told, parcels = happened(orders, changes := list(changes))
    for order_id in _undone(orders, changes):
        told[order_id].discard(Happening.UPDATED)
    rows = [
        _row(act, orders[order_id], kind, parcels if kind is Happening.SHIPPED else [])
        for order_id, kinds in sorted(told.items())
        for kind in Happening
        if kind in kinds
    ]
    if rows:
        db.session.connection().execute(OWE, rows)


def happened(
    orders: Mapping[int, Order], changes: Iterable[Change]
) -> tuple[dict[int, set[Happening]], list[int]]:
    """Return what happened to which order, and the ids of the parcels that left.

    What has a name of its own is no update besides; an order that went into another one did nothing else.
    """
    told: dict[int, set[Happening]] = defaultdict(set)
    parcels = []
    for row, before, after in changes:
        if isinstance(row, Parcel):
            # It may carry goods of each order that the act held; what left of which, its lines say.
            for order_id in orders:
                told[order_id].add(Happening.UPDATED)
            if after.get("state") == ParcelState.SHIPPED.value:
                parcels.append(row.id)
        elif (order_id := row.id if isinstance(row, Order) else getattr(row, "order_id", 0)) in orders:
            told[order_id] |= _kinds(row, before, after)
    for kinds in told.values():
        if Happening.COMBINED in kinds:
            kinds.intersection_update({Happening.COMBINED})
        elif len(kinds) > 1:
            kinds.discard(Happening.UPDATED)
    return told, sorted(parcels)


def _kinds(row: Any, before: dict[str, Any] | None, after: dict[str, Any]) -> set[Happening]:
    """Return what the change of one row means for its order; nothing where it is only beside it."""
    was = before or {}
    match row:
        case Order():
            if after.get("heir_id") is not None:
                return {Happening.COMBINED}
            kinds = {Happening.CREATED} if before is None else set()
            if after.get("payment") in SETTLED and was.get("payment") not in SETTLED:
                kinds.add(Happening.PAID)
            if after.get("payment") == PaymentCode.REFUNDED:
                kinds.add(Happening.REFUNDED)
        case OrderItem():
            more = {n for n in ("cancelled", "shipped") if after.get(n, 0) > was.get(n, 0)}
            kinds = {Happening.SHIPPED} if "shipped" in more else set()
            # What is refunded counts as cancelled too: nothing of it goes out any more.
            if "cancelled" in more and after.get("status") != ItemStatus.REFUNDED:
                kinds.add(Happening.CANCELLED)
        case Payment():
            is_back = after.get("status") == "done" and row.kind == "refund"
            kinds = {Happening.REFUNDED} if is_back else set()
        case _:
            return set()
    return kinds or ({Happening.UPDATED} if after else set())


def _undone(orders: Mapping[int, Order], changes: Iterable[Change]) -> set[int]:
    """Take back what was owed of parcels and payments that this act undid.

    Return the orders of which no webhook was told: for them it is as if nothing had been.
    """
    voided = {
        row.id
        for row, before, after in changes
        if isinstance(row, Parcel) and before and after.get("state") == ParcelState.VOIDED.value
    }
    unpaid = {
        row.id
        for row, before, after in changes
        if isinstance(row, Order)
        and (before or {}).get("payment") in SETTLED
        and after.get("payment") == PaymentCode.UNPAID
    }
    if not voided and not unpaid:
        return set()
    dropped, told = set(), set()
    for row in _owed(orders):
        left = [parcel_id for parcel_id in row.payload["parcels"] if parcel_id not in voided]
        is_voided = row.kind == Happening.SHIPPED and len(left) < len(row.payload["parcels"])
        if not is_voided and not (row.kind == Happening.PAID and row.order_id in unpaid):
            continue
        if row.is_doubtful or row.state in {State.SENT, State.SENDING} or left:
            told.add(row.order_id)
        if row.state == State.DUE and not left:
            row.state, row.trouble = State.DROPPED.value, UNDONE
            dropped.add(row.order_id)
    db.session.flush()
    return {order_id for order_id in dropped - told if order_id is not None}


def _owed(orders: Mapping[int, Order]) -> list[Outbox]:
    """Return what webhooks were owed of parcels and payments of these orders, locked."""
    found = (
        select(Outbox)
        .where(
            Outbox.order_id.in_(sorted(orders)),
            Outbox.kind.in_([Happening.SHIPPED.value, Happening.PAID.value]),
            HOOKS,
        )
        .order_by(Outbox.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(found))


def _row(act: "Act", order: Order, kind: Happening, parcels: list[int]) -> dict[str, Any]:
    """Return what `OWE` needs for one thing that happened to an order."""
    return {
        "store": act.store_id,
        "of_order": order.id,
        "as_kind": kind.value,
        "then": act.at + timedelta(minutes=act.store.undo_minutes),
        "as_state": State.DUE.value,
        "asked_for": f"%{between_commas([kind.value])}%",
        "is_own": order.channel in OWN_CHANNELS,
        "mark": f":{act.id}:{order.id}:{kind.value}",
        "saying": {"parcels": parcels, "body": body_of(act, order, kind, parcels)},
    }


def body_of(act: "Act", order: Order, kind: Happening, parcels: list[int]) -> dict[str, Any]:
    """Return a message: its type, when it happened, and the order's ids and codes."""
    told: dict[str, Any] = {
        "store_id": act.store_id,
        "order_id": order.id,
        "order_number": order.number,
        "channel": order.channel,
        "status": int(order.status),
        "desk_state": order.desk_state,
        "flag_payment": int(order.payment),
        "flag_shipping": int(order.shipping),
        "flag_buyer_payment": int(order.buyer_payment),
        "flag_buyer_shipping": int(order.buyer_shipping),
    }
    if kind is Happening.SHIPPED:
        told["parcel_ids"] = parcels
    if kind is Happening.COMBINED:
        told["heir_id"] = order.heir_id
    return {"type": kind.value, "timestamp": act.at.isoformat(), "data": told}


def ripe(but: Collection[int] = ()) -> list[int]:
    """Return the ids of messages that are to be sent now, but for those to these webhooks.

    A disabled store's wait until it is open again.
    """
    is_open = Outbox.store_id.in_(select(Store.id).where(Store.is_active))
    return outbox.ripe(and_(HOOKS, is_open, Outbox.webhook_id.not_in(sorted(but))))
