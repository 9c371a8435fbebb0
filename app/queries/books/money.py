"""Money: totals, payments and what of them goes to whom."""

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from app.models import Order, OrderItem, Payment, Payout
from app.queries.books.rules import plain, rule
from app.statuses import DEAD, ItemStatus
from app.statuses import Payment as PaymentCode

# A payment came in, be it given back since.
CAME_IN = (PaymentCode.PAID, PaymentCode.PAID_PAYPAL, PaymentCode.REFUNDED)
# Okanjo's PayoutStatus 4: nobody is paid this any more.
VOIDED = 4
DONE = "done"
WITHDRAWN = "withdrawn"

is_paid = plain(Order.payment).in_(CAME_IN)


def came_to(kind: str) -> ColumnElement[int]:
    """Return the sum of an order's payments of a kind."""
    return func.coalesce(func.sum(case((Payment.kind == kind, Payment.amount_minor))), 0)


TOTAL = rule(
    "A total is items less discount, with postage, tax and adjustment",
    "order",
    Order,
    select(Order.id).where(
        Order.total_minor
        != Order.items_minor
        - Order.discount_minor
        + Order.postage_minor
        + Order.tax_minor
        + Order.adjustment_minor
    ),
)

ITEMS = rule(
    "What the items of an order come to is the sum of its lines",
    "order",
    Order,
    select(Order.id)
    .join(OrderItem, OrderItem.order_id == Order.id)
    .group_by(Order.id)
    .having(func.sum(OrderItem.line_total_minor) != func.max(Order.items_minor)),
)

LINE = rule(
    "A line comes to its quantity times the price it was sold at",
    "item",
    OrderItem,
    select(OrderItem.id).where(
        OrderItem.line_total_minor
        != OrderItem.quantity * func.coalesce(OrderItem.sale_price_minor, OrderItem.price_minor)
    ),
)

PAID_AT = rule(
    "An order has a time of payment when it was paid, and only then",
    "order",
    Order,
    select(Order.id).where(is_paid != Order.paid_at.is_not(None)),
)

PAYMENTS = rule(
    "The payments of a paid order, less those taken back, come to its total; others have none",
    "order",
    Order,
    select(Order.id)
    .outerjoin(Payment, and_(Payment.order_id == Order.id, Payment.status == DONE))
    .group_by(Order.id)
    .having(
        came_to("purchase") - came_to("void")
        != func.max(case((and_(is_paid, Order.total_minor > 0), Order.total_minor), else_=0))
    ),
)

REFUNDS = rule(
    "No more is given back than was paid",
    "order",
    Order,
    select(Payment.order_id)
    .where(Payment.status != WITHDRAWN)
    .group_by(Payment.order_id)
    .having(came_to("refund") > came_to("purchase") - came_to("void")),
)

CURRENCY = rule(
    "Money moves in the currency of its order",
    "payment",
    Payment,
    select(Payment.id).join(Order, Order.id == Payment.order_id).where(Payment.currency != Order.currency),
)

PAYOUTS = rule(
    "The payouts of a paid order come to its total, and others have none",
    "order",
    Order,
    select(Order.id)
    .outerjoin(Payout, Payout.order_id == Order.id)
    .group_by(Order.id)
    .having(
        func.coalesce(func.sum(Payout.amount_minor), 0)
        != func.max(case((is_paid, Order.total_minor), else_=0))
    ),
)

# What was cancelled before the payment is paid out to nobody; after it, the rows stay as they were.
unit = func.coalesce(OrderItem.sale_price_minor, OrderItem.price_minor)
short = func.max(OrderItem.line_total_minor) - func.sum(Payout.amount_minor)
SHARES = rule(
    "The payouts of a line come to the line, or to those of its pieces that were not cancelled",
    "item",
    OrderItem,
    select(Payout.item_id)
    .join(OrderItem, OrderItem.id == Payout.item_id)
    .group_by(Payout.item_id)
    .having(
        or_(
            short < 0,
            short > func.max(case((OrderItem.cancelled > 0, OrderItem.cancelled * unit), else_=0)),
            short % func.max(case((unit > 0, unit), else_=1)) != 0,
        )
    ),
)

CAUSES = rule(
    "A donation goes to the cause of its line, and nothing else does",
    "payout",
    Payout,
    select(Payout.id)
    .outerjoin(OrderItem, OrderItem.id == Payout.item_id)
    .where(
        or_(
            and_(Payout.kind == "cause", Payout.cause_id.is_distinct_from(OrderItem.cause_id)),
            (Payout.kind == "cause") != Payout.cause_id.is_not(None),
        )
    ),
)

is_refunded = plain(Order.payment) == PaymentCode.REFUNDED
of_status = func.coalesce(plain(OrderItem.status), -1)
VOIDED_PAYOUTS = rule(
    "Nobody is paid for what was refunded, and everybody for what lives",
    "payout",
    Payout,
    select(Payout.id)
    .join(Order, Order.id == Payout.order_id)
    .outerjoin(OrderItem, OrderItem.id == Payout.item_id)
    .where(
        or_(
            and_(Payout.status != VOIDED, or_(is_refunded, of_status == ItemStatus.REFUNDED)),
            and_(Payout.status == VOIDED, ~is_refunded, of_status.not_in(sorted(DEAD))),
        )
    ),
)

RULES = (
    TOTAL,
    ITEMS,
    LINE,
    PAID_AT,
    PAYMENTS,
    REFUNDS,
    CURRENCY,
    PAYOUTS,
    SHARES,
    CAUSES,
    VOIDED_PAYOUTS,
)
