"""Accounts on marketplaces that stores are connected to, what came from there, and what is owed there."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime, index_of


class Connection(Base):
    """A store's account on a marketplace that speaks Hip's interface.

    The key stands here sealed (`app.seals`), and not at all once the connection is ended. All sales made
    before `pulled_to` were taken in once.
    """

    __tablename__ = "connection"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), index=True)
    base_url: Mapped[str] = mapped_column(String(1000))
    username: Mapped[str] = mapped_column(String(255))
    zone: Mapped[str] = mapped_column(String(64))  # of the times that the marketplace writes
    sealed_key: Mapped[str | None] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcDateTime)  # sales bought before are not wanted
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_paused: Mapped[bool] = mapped_column(default=False)
    pulled_to: Mapped[datetime | None] = mapped_column(UtcDateTime)
    looked_back_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # older sales were read anew then
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)  # of the next pull
    waits_until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the marketplace asked for quiet
    tries: Mapped[int] = mapped_column(default=0)  # that failed in a row
    trouble: Mapped[str] = mapped_column(String(255), default="")
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # a worker is at it since

    __table_args__ = ({"sqlite_autoincrement": True},)


class Pull(Base):
    """One reading of a marketplace's sales: from where it began to `until`; all before `at` is taken in.

    `remarks` tells of sales that were refused or differ: {"id", "order", "verdict", "said"}.
    """

    __tablename__ = "pull"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    is_look_back: Mapped[bool]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    new: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    same: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    remarks: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "connection_id", "id"), {"sqlite_autoincrement": True})


class SaleThere(Base):
    """What a marketplace knows of an order that came from there, and what it is owed: an outbox of one row.

    `shipping` and `link` are what it last said or accepted; the `own_` ones how things stand here. They are
    written with the act that changes them. What is owed and has no `due_at` was refused there.
    """

    __tablename__ = "sale_there"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    shipping: Mapped[int]
    link: Mapped[str] = mapped_column(Text, default="")
    heard_at: Mapped[datetime] = mapped_column(UtcDateTime)
    own_shipping: Mapped[int]
    own_link: Mapped[str] = mapped_column(Text, default="")
    is_owed: Mapped[bool] = mapped_column(default=False)
    is_unsure: Mapped[bool] = mapped_column(default=False)  # a message may have arrived: ask first
    revision: Mapped[int] = mapped_column(default=0)  # counts what changed here
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    trouble: Mapped[str] = mapped_column(String(255), default="")

    __table_args__ = (index_of("ix_sale_there_owed", ("store_id", "due_at"), "is_owed"),)
