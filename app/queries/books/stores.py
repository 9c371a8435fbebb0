"""What holds in a store as a whole: numbers, heirs, and that what hangs together stands together."""

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from app.models import (
    Combined,
    Discount,
    Feedback,
    Job,
    JobRow,
    Media,
    Note,
    Order,
    OrderItem,
    Payout,
    Product,
    Store,
    TaxLine,
)
from app.queries.books.rules import Rule, Search, plain, rule
from app.statuses import DeskState, Payment

Heir = aliased(Order)
Passed = aliased(Combined)

NUMBERS = rule(
    "The next number of a store lies beyond all that it has given",
    "store",
    Store,
    select(Store.id)
    .join(Order, Order.store_id == Store.id)
    .group_by(Store.id)
    .having(func.max(Order.number) >= func.max(Store.next_number)),
)

OPEN = rule(
    "Only a live, unpaid order waits to be combined",
    "order",
    Order,
    select(Order.id).where(
        Order.open_key.is_not(None),
        or_(
            Order.heir_id.is_not(None),
            plain(Order.payment) != Payment.UNPAID,
            Order.desk_state != DeskState.UNPAID.value,
        ),
    ),
)

HEIRS = Rule(
    "An order that was combined points to the one that lives on, of the same store, buyer and currency",
    (
        Search(
            "order",
            Order,
            select(Order.id)
            .outerjoin(Combined, Combined.order_id == Order.id)
            .where(Order.heir_id.is_distinct_from(Combined.direct_heir_id)),
        ),
        Search(
            "order",
            Combined,
            select(Combined.order_id)
            .join(Order, Order.id == Combined.order_id)
            .join(Heir, Heir.id == Combined.heir_id)
            .outerjoin(
                Passed,
                and_(Passed.order_id == Combined.direct_heir_id, Passed.heir_id == Combined.heir_id),
            )
            .where(
                or_(
                    Heir.heir_id.is_not(None),
                    Heir.store_id != Order.store_id,
                    Heir.buyer_id != Order.buyer_id,
                    Heir.currency != Order.currency,
                    and_(Combined.direct_heir_id != Combined.heir_id, Passed.order_id.is_(None)),
                )
            ),
        ),
    ),
)

TOGETHER = Rule(
    "What hangs on an order, a line or a product is of the same order and store",
    (
        *(
            Search(
                word,
                of,
                select(of.id)
                .join(OrderItem, OrderItem.id == of.item_id)
                .where(of.order_id != OrderItem.order_id),
            )
            for word, of in (("discount", Discount), ("tax line", TaxLine), ("payout", Payout))
        ),
        Search(
            "feedback",
            Feedback,
            select(Feedback.id)
            .join(OrderItem, OrderItem.id == Feedback.item_id)
            .where(Feedback.store_id != OrderItem.store_id),
        ),
        Search(
            "note",
            Note,
            select(Note.id).join(Order, Order.id == Note.order_id).where(Note.store_id != Order.store_id),
        ),
        Search(
            "picture",
            Media,
            select(Media.id)
            .join(Product, Product.id == Media.product_id)
            .where(Media.store_id != Product.store_id),
        ),
        Search(
            "job and line",
            JobRow,
            select(JobRow.job_id, JobRow.line)
            .join(Job, Job.id == JobRow.job_id)
            .outerjoin(Order, Order.id == JobRow.order_id)
            .where(JobRow.order_id.is_not(None), Job.store_id.is_distinct_from(Order.store_id)),
        ),
    ),
)

RULES = (NUMBERS, OPEN, HEIRS, TOGETHER)
