"""The books of a desk, read for tests: all rows, the tally counted anew, parcels, the history replayed."""

from collections import Counter
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import select

from app.db import Base, db
from app.models import Combined, Event, Order, OrderItem, Parcel, ParcelLine, Tally


class Packed(NamedTuple):
    """A parcel with what is in it (item id -> pieces)."""

    id: int
    state: str
    carrier: str
    number: str
    inside: dict[int, int]


def everything(app: Flask) -> dict[str, list[Any]]:
    """Return every row of every table: two of these are equal when nothing was changed in between."""
    with app.app_context():
        run = db.session.connection().exec_driver_sql
        return {
            table.name: sorted(map(repr, run(f"SELECT * FROM {table.name}").all()))
            for table in Base.metadata.sorted_tables
        }


def parcels(app: Flask) -> list[Packed]:
    """Return all parcels, oldest first."""
    with app.app_context():
        inside: dict[int, dict[int, int]] = {}
        for line in db.session.scalars(select(ParcelLine).order_by(ParcelLine.item_id)):
            inside.setdefault(line.parcel_id, {})[line.item_id] = line.quantity
        rows = db.session.scalars(select(Parcel).order_by(Parcel.id))
        return [Packed(p.id, p.state, p.carrier, p.number, inside.get(p.id, {})) for p in rows]


def events(app: Flask, order_id: int | None = None) -> list[Event]:
    """Return the events (of one order), oldest first, but for who joined; cut off from their session."""
    with app.app_context():
        rows = select(Event).where(Event.row_kind.is_distinct_from("member")).order_by(Event.id)
        found = list(db.session.scalars(rows if order_id is None else rows.where(Event.order_id == order_id)))
        db.session.expunge_all()
        return found


def tally(app: Flask) -> dict[tuple[int, str, str], int]:
    """Return what the tally says, without its zeros."""
    with app.app_context():
        rows = db.session.execute(select(Tally.store_id, Tally.grain, Tally.code, Tally.n))
        return {(store, grain, code): n for store, grain, code, n in rows if n}


def recount(app: Flask) -> dict[tuple[int, str, str], int]:
    """Count orders by tab and items by status, all and those of deals, from the rows themselves."""
    found: Counter[tuple[int, str, str]] = Counter()
    with app.app_context():
        tabs = {o.id: o.desk_state for o in db.session.scalars(select(Order))}
        stores = {o.id: o.store_id for o in db.session.scalars(select(Order))}
        gone = set(db.session.scalars(select(Combined.order_id)))
        for order_id, tab in tabs.items():
            if order_id not in gone:
                found[stores[order_id], "order", tab] += 1
        with_deals = set()
        for item in db.session.scalars(select(OrderItem)):
            found[item.store_id, "item", str(int(item.status))] += 1
            if int(item.type) == 2:
                found[item.store_id, "deal_item", str(int(item.status))] += 1
                with_deals.add(item.order_id)
        for order_id in with_deals:
            found[stores[order_id], "deal_order", tabs[order_id]] += 1
    return dict(found)


# What is told of parcels and of what hangs on an order: as many columns as say the same of a row.
TOLD = {
    "order_item": ("status", "shipped", "cancelled", "returned"),
    "parcel": ("state", "carrier", "number"),
    "payment": ("kind", "status", "amount_minor", "currency"),
    "payout": ("kind", "status", "amount_minor", "item_id", "cause_id"),
    "note": ("is_private",),
    "feedback": ("item_id", "direction", "value"),
}


def row_of(event: Any) -> tuple[str, int | None]:
    """Return the table and the id of the row that an event is of."""
    if event.row_kind:
        return event.row_kind, event.row_id
    if event.item_id:
        return "order_item", event.item_id
    return ("parcel", event.parcel_id) if event.parcel_id else ("orders", event.order_id)


def replayed(app: Flask) -> dict[tuple[str, int | None], dict[str, Any]]:
    """Return what stands of every row but orders as the events alone tell it; of a parcel what is in it."""
    told: dict[tuple[str, int | None], dict[str, Any]] = {}
    for event in events(app):
        table, row_id = row_of(event)
        if table not in TOLD:
            continue
        if event.after is None:
            told.pop((table, row_id))
            continue
        if table == "order_item":
            kept = told.setdefault((table, row_id), {"shipped": 0, "cancelled": 0, "returned": 0})
        else:
            kept = told.setdefault((table, row_id), {})
        kept.update({k: v for k, v in event.after.items() if k in {*TOLD[table], "inside"}})
    return told


def present(app: Flask) -> dict[tuple[str, int | None], dict[str, Any]]:
    """Return what stands of every row but orders, as it is in the row."""
    packed = {parcel.id: parcel.inside for parcel in parcels(app)}
    found: dict[tuple[str, int | None], dict[str, Any]] = {}
    with app.app_context():
        for name, columns in TOLD.items():
            table = Base.metadata.tables[name]
            for row in db.session.execute(select(table)).mappings():
                found[name, row["id"]] = {column: row[column] for column in columns}
    for parcel_id, inside in packed.items():
        found["parcel", parcel_id]["inside"] = {str(item_id): n for item_id, n in inside.items()}
    return found
