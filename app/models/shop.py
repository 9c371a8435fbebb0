"""A store, what it sells, the causes it gives to, and the addresses it sends to."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Code, Id, UtcDateTime
from app.statuses import ProductType

# Where nothing ships, ship-by lies here: sort columns are never NULL.
FAR_FUTURE = datetime(9999, 12, 31, tzinfo=UTC)


class Store(Base):
    """One seller's shop."""

    __tablename__ = "store"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(255))
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    zone: Mapped[str] = mapped_column(String(64), default="UTC")
    is_vendor: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    undo_minutes: Mapped[int] = mapped_column(default=10)
    handling_days: Mapped[int] = mapped_column(default=2)
    workdays: Mapped[str] = mapped_column(String(7), default="12345")  # ISO weekdays, Monday is 1
    cut_off: Mapped[int] = mapped_column(default=14)  # hour of the local day
    holidays: Mapped[list[str]] = mapped_column(JSON, default=list)  # days as 2026-12-25
    cancel_days: Mapped[int] = mapped_column(default=30)
    unpaid_days: Mapped[int] = mapped_column(default=5)
    received_days: Mapped[int] = mapped_column(default=14)  # shipped so long ago and not received: look at it
    carriers: Mapped[list[str]] = mapped_column(JSON, default=list)  # those offered first
    mails_all: Mapped[bool] = mapped_column(default=False)  # also for orders of other channels
    guest_days: Mapped[int] = mapped_column(default=180)  # so long after the last change a guest link works
    forget_months: Mapped[int] = mapped_column(default=0)  # after a sale was closed; 0: never
    mail_from: Mapped[str] = mapped_column(String(320), default="")
    mail_texts: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)  # kind -> the store's own words
    has_webhooks: Mapped[bool] = mapped_column(default=False)  # acts ask nobody else
    legal_name: Mapped[str] = mapped_column(String(255), default="")
    address: Mapped[str] = mapped_column(Text, default="")
    vat_id: Mapped[str] = mapped_column(String(32), default="")
    commission_bp: Mapped[int] = mapped_column(default=0)
    next_number: Mapped[int] = mapped_column(BigInteger, default=1001)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = (
        Index("uq_store_slug", func.lower(slug), unique=True),
        CheckConstraint("commission_bp BETWEEN 0 AND 10000", name="commission_bp"),
        {"sqlite_autoincrement": True},
    )

    def ship_by(self, since: datetime) -> datetime:
        """Return the end of the last local day on which an order of `since` is sent in time.

        The day itself counts only before the cut-off hour and on a working day; then follow the store's
        handling days, working days only (law: "Small answers", Ship-by).
        """
        zone = ZoneInfo(self.zone)
        local = since.astimezone(zone)
        day, left = local.date(), self.handling_days
        if local.hour >= self.cut_off and self._works_on(day):
            left += 1
        while not self._works_on(day):
            day += timedelta(days=1)
        while left:
            day += timedelta(days=1)
            left -= self._works_on(day)
        return datetime.combine(day, time(23, 59, 59), zone).astimezone(UTC)

    def _works_on(self, day: date) -> bool:
        """Tell whether the store sends on a day; one that never works would never be due."""
        return str(day.isoweekday()) in (self.workdays or "1234567") and day.isoformat() not in (
            self.holidays or ()
        )


class Product(Base):
    """What a store sells, as far as the desk knows it."""

    __tablename__ = "product"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    channel: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str | None] = mapped_column(String(255))
    type: Mapped[ProductType] = mapped_column(Code(ProductType))
    delivery: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(Text, default="")
    sku: Mapped[str] = mapped_column(String(255), default="")
    price_minor: Mapped[int] = mapped_column(BigInteger)
    sale_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    stock: Mapped[int | None] = mapped_column(Integer)
    weight: Mapped[str | None] = mapped_column(String(32))
    unit: Mapped[str | None] = mapped_column(String(16))
    url: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (
        UniqueConstraint("id", "store_id"),
        UniqueConstraint("store_id", "channel", "external_id"),
        {"sqlite_autoincrement": True},
    )


class Media(Base):
    """A picture of a product."""

    __tablename__ = "media"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(default=1)

    __table_args__ = ({"sqlite_autoincrement": True},)


class Cause(Base):
    """Whom a share of a sale may be pledged to."""

    __tablename__ = "cause"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    place: Mapped[str] = mapped_column(String(255), default="")
    status: Mapped[int] = mapped_column(default=3)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = ({"sqlite_autoincrement": True},)


class Address(Base):
    """Where something goes. Never edited: a correction is a new row."""

    __tablename__ = "address"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    name: Mapped[str] = mapped_column(String(255))
    given_name: Mapped[str | None] = mapped_column(String(255))
    family_name: Mapped[str | None] = mapped_column(String(255))
    company: Mapped[str] = mapped_column(String(255), default="")
    street: Mapped[str] = mapped_column(String(255), default="")
    street2: Mapped[str] = mapped_column(String(255), default="")
    city: Mapped[str] = mapped_column(String(255), default="")
    region: Mapped[str] = mapped_column(String(255), default="")
    region_code: Mapped[str] = mapped_column(String(16), default="")
    postal_code: Mapped[str] = mapped_column(String(32), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    phone: Mapped[str] = mapped_column(String(64), default="")
    email: Mapped[str] = mapped_column(String(320), default="")
    destination_key: Mapped[str] = mapped_column(String(64))

    __table_args__ = (UniqueConstraint("id", "store_id"), {"sqlite_autoincrement": True})
