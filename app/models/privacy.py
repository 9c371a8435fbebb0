"""Who may look without an account, and what was forgotten: guest links, and the orders without a person."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class GuestLink(Base):
    """A link by which a buyer without an account follows one order.

    Its secret is derived from the desk's key and `public_id`, and stands nowhere.
    """

    __tablename__ = "guest_link"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    order_id: Mapped[int] = mapped_column(BigInteger, index=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        ForeignKeyConstraint(["order_id", "store_id"], ["orders.id", "orders.store_id"]),
        {"sqlite_autoincrement": True},
    )


class Forgotten(Base):
    """An order whose buyer was forgotten: nothing personal stands in it any more."""

    __tablename__ = "forgotten"

    order_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    store_id: Mapped[int] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        ForeignKeyConstraint(["order_id", "store_id"], ["orders.id", "orders.store_id"]),
        Index(None, "store_id"),
    )
