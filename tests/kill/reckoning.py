"""What must be found when a desk was killed: all that was answered, nothing twice, and whole books."""

from collections import Counter
from typing import NamedTuple

from flask import Flask
from sqlalchemy import func, select, text

from app.actions.audit import audit
from app.db import db
from app.models import Note, Order, OrderItem, Parcel, ParcelLine, Payment
from tests.kill.writers import Answered
from tests.rules import invariants
from tests.stocked import is_on_sqlite


class Found(NamedTuple):
    """What is wrong: what was answered and is not there, and what is there twice."""

    lost: list[str]
    doubled: list[str]


def broken(app: Flask) -> list[str]:
    """Return what is wrong with the database: its file, its keys, its books, its sales."""
    found = []
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
        if is_on_sqlite(app):
            for pragma in ("integrity_check", "foreign_key_check"):
                rows = db.session.execute(text(f"PRAGMA {pragma}")).all()
                found += [f"{pragma}: {row}" for row in rows if tuple(row) != ("ok",)]
        found += [f"{proof.name}: {proof.first}" for proof in audit() if proof.broken]
        db.session.remove()
    return found + invariants.broken(invariants.dump(app))


def let_claims_grow_old(app: Flask) -> None:
    """Let a key whose request was cut off be taken over now, instead of in a quarter of a minute."""
    with app.app_context():
        db.session.execute(
            text("UPDATE idempotency SET claimed_at = '2026-01-01 00:00:00' WHERE status IS NULL")
        )
        db.session.commit()
        db.session.remove()


def compare(app: Flask, answered: list[Answered]) -> Found:
    """Return which of the answered writes are not there, and which are there more than once."""
    with app.app_context():
        items = db.session.execute(
            select(
                OrderItem.sku, OrderItem.id, OrderItem.status, Order.payment, Order.id, Order.heir_id
            ).join(Order, Order.id == OrderItem.order_id)
        ).all()
        rows = {row[0]: row for row in items}
        payments = dict(
            db.session.execute(
                select(Payment.order_id, func.count())
                .where(Payment.kind == "purchase")
                .group_by(Payment.order_id)
            ).all()
        )
        parcels = dict(
            db.session.execute(
                select(ParcelLine.item_id, func.count())
                .join(Parcel, Parcel.id == ParcelLine.parcel_id)
                .where(Parcel.state == "shipped")
                .group_by(ParcelLine.item_id)
            ).all()
        )
        notes = dict(db.session.execute(select(Note.body, func.count()).group_by(Note.body)).all())
        db.session.remove()
    shipped = {row[1] for row in items if row[2] == 3}
    paid = {row[4] for row in items if row[3] == 2}
    there = {
        "purchase": lambda about: about in rows and rows[about][5] is None,
        "payment": lambda about: about in paid and about in payments,
        "ship": lambda about: about in shipped and about in parcels,
        "note": lambda about: about in notes,
    }
    lost = [str(one.call) for one in answered if not there[one.call.name](one.call.about)]
    twice = Counter(row[0] for row in items)
    doubled = [
        f"{name} {about}: {n}"
        for name, counted in (("article", twice), ("payment", payments), ("parcel", parcels), ("note", notes))
        for about, n in counted.items()
        if n > 1
    ]
    return Found(lost, doubled)
