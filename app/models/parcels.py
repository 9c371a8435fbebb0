"""Parcels and what is in them."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, Id, UtcDateTime, index_of
from app.statuses import ParcelState

# Which rows the index of drafts holds: a query that says the same is read along it.
IS_DRAFT = "state = 'draft'"


class Parcel(Base):
    """What leaves the house under one tracking number; it may carry items of several orders."""

    __tablename__ = "parcel"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    buyer_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    carrier: Mapped[str] = mapped_column(String(64), default="")
    number: Mapped[str] = mapped_column(String(64), default="")
    url: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    shipped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dated_at: Mapped[datetime] = mapped_column(UtcDateTime)  # when it left; until then, when it was made
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    lines: Mapped[list["ParcelLine"]] = relationship(
        lazy="raise", order_by="ParcelLine.item_id", viewonly=True
    )

    __table_args__ = (
        UniqueConstraint("id", "store_id"),
        ForeignKeyConstraint(["buyer_id", "store_id"], ["buyer.id", "buyer.store_id"]),
        CheckConstraint(f"state IN {tuple(s.value for s in ParcelState)}", name="state"),
        Index(None, "store_id", "number"),
        Index("ix_parcel_dated_at", "store_id", "dated_at", "id"),
        index_of("ix_parcel_draft", ("store_id", "dated_at", "id"), IS_DRAFT),
        {"sqlite_autoincrement": True},
    )
    # Acts count the version up; every UPDATE asks for the one that was read.
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class ParcelLine(Base):
    """So many pieces of one order item in one parcel."""

    __tablename__ = "parcel_line"

    parcel_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    item_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, index=True)
    store_id: Mapped[int] = mapped_column(Id)
    quantity: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(["parcel_id", "store_id"], ["parcel.id", "parcel.store_id"]),
        ForeignKeyConstraint(["item_id", "store_id"], ["order_item.id", "order_item.store_id"]),
        CheckConstraint("quantity >= 1", name="quantity"),
    )
