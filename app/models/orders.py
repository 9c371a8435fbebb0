"""Orders and their lines, money in and out, and what became of orders that were combined."""

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, Code, Id, UtcDateTime, index_of
from app.models.people import Buyer
from app.models.shop import Address, Product
from app.statuses import BuyerShipping, DeskState, ItemStatus, Kind, ProductType, Shipping, kind_of
from app.statuses import Payment as PaymentCode

# Which rows the partial indexes hold: a query that says the same, word for word, is read along them.
NEEDS_SOMEBODY = "attention_at IS NOT NULL"
HAS_PROBLEM = "shipping = 2 OR buyer_shipping = 2"


class Order(Base):
    """What one buyer bought from one store and pays at once."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    number: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str | None] = mapped_column(String(255))
    buyer_id: Mapped[int] = mapped_column(BigInteger)
    address_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(16))
    currency: Mapped[str] = mapped_column(String(3))
    items_minor: Mapped[int] = mapped_column(BigInteger)
    discount_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    postage_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    tax_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    adjustment_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    payment: Mapped[PaymentCode] = mapped_column(Code(PaymentCode), default=PaymentCode.UNPAID)
    shipping: Mapped[Shipping] = mapped_column(Code(Shipping), default=Shipping.PROCESSING)
    buyer_payment: Mapped[PaymentCode] = mapped_column(Code(PaymentCode), default=PaymentCode.UNPAID)
    buyer_shipping: Mapped[BuyerShipping] = mapped_column(Code(BuyerShipping), default=BuyerShipping.WAITING)
    status: Mapped[ItemStatus] = mapped_column(Code(ItemStatus))
    desk_state: Mapped[str] = mapped_column(String(16))
    open_key: Mapped[str | None] = mapped_column(String(128), unique=True)
    heir_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    gateway_code: Mapped[str | None] = mapped_column(String(255))
    postage_method: Mapped[str] = mapped_column(String(255), default="")
    buyer_note: Mapped[str] = mapped_column(Text, default="")
    gift_message: Mapped[str] = mapped_column(Text, default="")
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_day_only: Mapped[bool] = mapped_column(default=False)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ship_by: Mapped[datetime] = mapped_column(UtcDateTime)
    is_past: Mapped[bool] = mapped_column(default=False)  # over before it came in: it never needs attention
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when the last pieces left
    attention_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # from when on somebody is needed
    end_reason: Mapped[str] = mapped_column(String(16), default="")
    printed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    buyer: Mapped[Buyer] = relationship(lazy="raise", viewonly=True)
    address: Mapped[Address | None] = relationship(lazy="raise", viewonly=True)
    items: Mapped[list["OrderItem"]] = relationship(
        lazy="raise", order_by="OrderItem.position", viewonly=True
    )

    __table_args__ = (
        UniqueConstraint("id", "store_id"),
        UniqueConstraint("store_id", "number"),
        UniqueConstraint("store_id", "channel", "external_id"),
        ForeignKeyConstraint(["buyer_id", "store_id"], ["buyer.id", "buyer.store_id"]),
        ForeignKeyConstraint(["address_id", "store_id"], ["address.id", "address.store_id"]),
        CheckConstraint(
            "total_minor = items_minor - discount_minor + postage_minor + tax_minor + adjustment_minor",
            name="total",
        ),
        CheckConstraint("heir_id IS NULL OR heir_id <> id", name="heir"),
        CheckConstraint(f"desk_state IN {tuple(s.value for s in DeskState)}", name="desk_state"),
        # With what lists by page numbers ask: what these skip, and count, is read from the index alone.
        Index(None, "store_id", "placed_at", "id", "payment", "shipping", "heir_id"),
        Index(None, "store_id", "desk_state", "placed_at", "id"),
        Index(None, "store_id", "ship_by", "id"),
        Index(None, "buyer_id", "placed_at", "id"),
        Index(None, "store_id", "gateway_code"),
        index_of("ix_orders_attention_at", ("store_id", "attention_at", "id"), NEEDS_SOMEBODY),
        index_of("ix_orders_attention_placed_at", ("store_id", "placed_at", "id"), NEEDS_SOMEBODY),
        index_of("ix_orders_problem", ("store_id", "id"), HAS_PROBLEM),
        {"sqlite_autoincrement": True},
    )
    # Acts count the version up; every UPDATE asks for the one that was read.
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}


class Combined(Base):
    """An order that was taken up by another one: it points to the order that lives on."""

    __tablename__ = "combined"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    heir_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    direct_heir_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))

    __table_args__ = (CheckConstraint("order_id <> heir_id", name="heir"),)


class OrderItem(Base):
    """One line of an order: a snapshot of the product when it was bought, with a status of its own."""

    __tablename__ = "order_item"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_id: Mapped[int] = mapped_column(BigInteger)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    position: Mapped[int]
    external_id: Mapped[str | None] = mapped_column(String(255))
    product_id: Mapped[int | None] = mapped_column(BigInteger)
    title: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(Text, default="")
    short_description: Mapped[str] = mapped_column(String(500), default="")
    sku: Mapped[str] = mapped_column(String(255), default="")
    options: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    url: Mapped[str] = mapped_column(Text, default="")
    image: Mapped[str] = mapped_column(Text, default="")
    condition: Mapped[str] = mapped_column(String(16), default="New")
    personalisation: Mapped[str] = mapped_column(Text, default="")
    type: Mapped[ProductType] = mapped_column(Code(ProductType), default=ProductType.REGULAR)
    delivery: Mapped[str] = mapped_column(String(16), default="physical")
    is_pickup: Mapped[bool] = mapped_column(default=False)
    quantity: Mapped[int]
    shipped: Mapped[int] = mapped_column(default=0)
    cancelled: Mapped[int] = mapped_column(default=0)
    returned: Mapped[int] = mapped_column(default=0)
    status: Mapped[ItemStatus] = mapped_column(Code(ItemStatus))
    held_from: Mapped[ItemStatus | None] = mapped_column(Code(ItemStatus))
    price_minor: Mapped[int] = mapped_column(BigInteger)
    sale_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    line_total_minor: Mapped[int] = mapped_column(BigInteger)
    postage_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    additional_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    additional_per: Mapped[int] = mapped_column(default=1)
    weight: Mapped[str | None] = mapped_column(String(32))
    unit: Mapped[str | None] = mapped_column(String(16))
    cause_id: Mapped[int | None] = mapped_column(ForeignKey("cause.id"))
    donation_pct: Mapped[int] = mapped_column(default=0)
    deal_start: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deal_end: Mapped[datetime | None] = mapped_column(UtcDateTime)
    promo_start: Mapped[datetime | None] = mapped_column(UtcDateTime)
    promo_end: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deal_value_minor: Mapped[int | None] = mapped_column(BigInteger)
    deal_number: Mapped[int | None] = mapped_column(BigInteger)
    ack: Mapped[str | None] = mapped_column(String(255))
    downloaded: Mapped[int] = mapped_column(default=0)
    download_limit_type: Mapped[str | None] = mapped_column(String(16))
    download_units: Mapped[int | None]
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    order: Mapped[Order] = relationship(lazy="raise", viewonly=True)
    product: Mapped[Product | None] = relationship(lazy="raise", viewonly=True)

    __table_args__ = (
        UniqueConstraint("id", "store_id"),
        UniqueConstraint("order_id", "position"),
        UniqueConstraint("order_id", "external_id"),
        ForeignKeyConstraint(["order_id", "store_id"], ["orders.id", "orders.store_id"]),
        ForeignKeyConstraint(["product_id", "store_id"], ["product.id", "product.store_id"]),
        CheckConstraint("quantity >= 1", name="quantity"),
        CheckConstraint(
            "shipped >= 0 AND cancelled >= 0 AND returned >= 0"
            " AND shipped + cancelled <= quantity AND returned <= shipped",
            name="pieces",
        ),
        CheckConstraint("additional_per >= 1", name="additional_per"),
        CheckConstraint("donation_pct BETWEEN 0 AND 100", name="donation_pct"),
        CheckConstraint("ack IS NULL OR type = 2", name="ack"),
        Index(None, "store_id", "placed_at", "id"),
        Index(None, "store_id", "status", "placed_at", "id"),
        Index(None, "cause_id"),
        {"sqlite_autoincrement": True},
    )
    # Acts count the version up; every UPDATE asks for the one that was read.
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}

    @property
    def fulfilled_as(self) -> Kind:
        """Return the row of the law's table that this item stands in."""
        return kind_of(self.type, self.delivery, self.is_pickup)

    @property
    def unit_minor(self) -> int:
        """Return what one piece was sold at."""
        return self.price_minor if self.sale_price_minor is None else self.sale_price_minor

    @property
    def live_minor(self) -> int:
        """Return what the pieces that are not cancelled were sold at."""
        return self.line_total_minor - self.cancelled * self.unit_minor

    @property
    def left(self) -> int:
        """Return how many pieces are neither shipped nor cancelled."""
        return self.quantity - self.shipped - self.cancelled


class Discount(Base):
    """A reduction of an order or one of its lines."""

    __tablename__ = "discount"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    order_id: Mapped[int] = mapped_column(BigInteger, index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("order_item.id"))
    kind: Mapped[str] = mapped_column(String(16))
    code: Mapped[str] = mapped_column(String(255), default="")
    amount_minor: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        ForeignKeyConstraint(["order_id", "store_id"], ["orders.id", "orders.store_id"]),
        CheckConstraint("kind IN ('markdown', 'coupon', 'shipping')", name="kind"),
        {"sqlite_autoincrement": True},
    )


class TaxLine(Base):
    """One tax of an order."""

    __tablename__ = "tax_line"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    order_id: Mapped[int] = mapped_column(BigInteger, index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("order_item.id"))
    name: Mapped[str] = mapped_column(String(255))
    rate: Mapped[str] = mapped_column(String(32), default="")
    amount_minor: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        ForeignKeyConstraint(["order_id", "store_id"], ["orders.id", "orders.store_id"]),
        {"sqlite_autoincrement": True},
    )


class Payment(Base):
    """Money that moved for an order, or a fee taken from it."""

    __tablename__ = "payment"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    order_id: Mapped[int] = mapped_column(BigInteger, index=True)
    kind: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16), default="done")
    method: Mapped[str] = mapped_column(String(64), default="")
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    code: Mapped[str | None] = mapped_column(String(255))
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        ForeignKeyConstraint(["order_id", "store_id"], ["orders.id", "orders.store_id"]),
        UniqueConstraint("order_id", "kind", "code"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("kind IN ('purchase', 'refund', 'void', 'fee')", name="kind"),
        {"sqlite_autoincrement": True},
    )


class Payout(Base):
    """What of an order goes to whom: the store, a cause, the marketplace's commission."""

    __tablename__ = "payout"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    order_id: Mapped[int] = mapped_column(BigInteger, index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("order_item.id"), index=True)
    cause_id: Mapped[int | None] = mapped_column(ForeignKey("cause.id"))
    kind: Mapped[str] = mapped_column(String(16))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        ForeignKeyConstraint(["order_id", "store_id"], ["orders.id", "orders.store_id"]),
        CheckConstraint("kind IN ('store', 'cause', 'commission')", name="kind"),
        CheckConstraint("status BETWEEN 0 AND 5", name="status"),
        {"sqlite_autoincrement": True},
    )
