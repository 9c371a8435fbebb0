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
        return {
            table.name: sorted(map(repr, db.session.execute(select(table)).all()))
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
    """Return the events (of one order), oldest first, cut off from their session."""
    with app.app_context():
        rows = select(Event).order_by(Event.id)
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


def replayed(app: Flask) -> dict[int, dict[str, Any]]:
    """Return status and shipped pieces of every item as the events alone tell them."""
    told: dict[int, dict[str, Any]] = {}
    for event in events(app):
        if event.item_id is None:
            continue
        if event.after is None:
            told.pop(event.item_id)
            continue
        kept = told.setdefault(event.item_id, {"shipped": 0, "cancelled": 0, "returned": 0})
        kept.update({k: v for k, v in event.after.items() if k in {*kept, "status"}})
    return told


def present(app: Flask) -> dict[int, dict[str, Any]]:
    """Return status and pieces of every item as they stand in its row."""
    with app.app_context():
        return {
            item.id: {
                "shipped": item.shipped,
                "cancelled": item.cancelled,
                "returned": item.returned,
                "status": int(item.status),
            }
            for item in db.session.scalars(select(OrderItem))
        }
