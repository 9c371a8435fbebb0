"""The lines of an order that arrives: items as snapshots, and the products they are of."""

from sqlalchemy import bindparam, select

from app.actions.ledger import Act
from app.actions.purchases import LineSaid, Purchase
from app.db import db
from app.models import Cause, Media, OrderItem, Product
from app.statuses import ItemStatus

# Built once: building it for each line would cost more than running it.
KNOWN_PRODUCT = select(Product.id).where(
    Product.store_id == bindparam("store"),
    Product.channel == bindparam("channel"),
    Product.external_id == bindparam("key"),
)

KNOWN_CAUSE = select(Cause.id).where(Cause.name == bindparam("name")).order_by(Cause.id).limit(1)


def new_item(act: Act, purchase: Purchase, line: LineSaid, position: int) -> OrderItem:
    """Return a line of a purchase as an order item that waits for payment; it is not written yet."""
    return OrderItem(
        store_id=act.store_id,
        position=position,
        external_id=line.external_id,
        product_id=_product(act, purchase, line),
        title=line.title,
        description=line.description,
        short_description=line.short_description,
        sku=line.sku,
        options=dict(line.options),
        url=line.url,
        image=line.image,
        condition=line.condition,
        personalisation=line.personalisation,
        type=line.type,
        delivery=line.delivery.value,
        is_pickup=line.is_pickup,
        quantity=line.quantity,
        shipped=0,
        cancelled=0,
        returned=0,
        status=ItemStatus.PENDING_PAYMENT,
        price_minor=line.price,
        sale_price_minor=line.sale_price,
        line_total_minor=line.total,
        postage_minor=line.postage,
        additional_minor=line.additional,
        additional_per=line.additional_per,
        weight=line.weight,
        unit=line.unit,
        cause_id=line.cause_id or _cause(act, line.cause_name),
        donation_pct=line.donation_pct,
        deal_start=line.deal_start,
        deal_end=line.deal_end,
        promo_start=line.promo_start,
        promo_end=line.promo_end,
        deal_value_minor=line.deal_value,
        deal_number=line.deal_number,
        download_limit_type=line.download_limit_type,
        download_units=line.download_units,
        placed_at=purchase.placed_at,
        updated_at=act.at,
    )


def _cause(act: Act, name: str | None) -> int | None:
    """Return the id of the cause of this name, made where there is none yet."""
    if name is None:
        return None
    known = db.session.scalar(KNOWN_CAUSE, {"name": name})
    if known is not None:
        return known
    cause = Cause(name=name, created_at=act.at)
    act.add(cause)
    return cause.id


def _product(act: Act, purchase: Purchase, line: LineSaid) -> int | None:
    """Return the id of the product with the line's listing id, made where the store has none yet."""
    if line.listing_id is None:
        return None
    key = {"store": act.store_id, "channel": purchase.channel, "key": line.listing_id}
    known = db.session.scalar(KNOWN_PRODUCT, key)
    if known is not None:
        return known
    product = Product(
        store_id=act.store_id,
        channel=purchase.channel,
        external_id=line.listing_id,
        type=line.type,
        delivery=line.delivery.value,
        title=line.title,
        description=line.description,
        sku=line.sku,
        price_minor=line.price,
        sale_price_minor=line.sale_price,
        weight=line.weight,
        unit=line.unit,
        url=line.url,
    )
    act.add(product)
    if line.image:
        db.session.add(Media(store_id=act.store_id, product_id=product.id, url=line.image))
    return product.id
