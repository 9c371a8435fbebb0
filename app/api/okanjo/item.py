"""Okanjo's OrderItem (reference 1.4): each of its own fields, and what it shows of an item's row."""

from collections.abc import Callable
from typing import Any

from app.api.shape import utc_text
from app.money import amount_text
from app.queries.told_items import Picture
from app.statuses import Kind, kind_of

LOCAL_PICKUP = "Local Pickup"
LONGEST_SHIPPING_DESCRIPTION = 32
CONDITIONS = ("New", "Used", "Other")


def amount(minor: int | None, currency: str) -> str | None:
    """Write minor units as a decimal, None as null."""
    return None if minor is None else amount_text(minor, currency)


def kind(item: Any) -> Kind:
    """Return how an item is fulfilled."""
    return kind_of(item.type, item.delivery, item.is_pickup)


def is_sent_or_fetched(item: Any) -> bool:
    """Tell whether a way to the buyer belongs to the item: it is posted, or picked up."""
    return kind(item) in {Kind.GOODS, Kind.PICKUP}


def shipping_description(item: Any) -> str | None:
    """Return the chosen way to the buyer; "Local Pickup" is reserved for pickups."""
    if kind(item) is Kind.PICKUP:
        return LOCAL_PICKUP
    return item.postage_method[:LONGEST_SHIPPING_DESCRIPTION] or None if is_sent_or_fetched(item) else None


def is_free_shipping(item: Any) -> bool:
    """Tell whether the item is posted and neither it nor its order was charged postage."""
    return kind(item) is Kind.GOODS and not item.postage_minor and not item.order_postage_minor


# Each is given an item as a row of told_items.COLUMNS, and its pictures.
# What the desk does not know is null: brand, and where the product lay.
ITEM: dict[str, Callable[[Any, tuple[Picture, ...]], object]] = {
    "id": lambda i, _: i.id,
    "order_id": lambda i, _: i.order_id,
    "product_id": lambda i, _: i.product_id,
    "created": lambda i, _: utc_text(i.placed_at),
    "updated": lambda i, _: utc_text(i.updated_at),
    "quantity": lambda i, _: i.quantity,
    "status": lambda i, _: int(i.status),
    "product_type": lambda i, _: int(i.type),
    "product_brand_id": lambda _i, _: None,
    "product_donation_perc": lambda i, _: i.donation_pct if i.cause_id else None,
    "product_seller_store_id": lambda i, _: i.store_id,
    "product_cause_id": lambda i, _: i.cause_id,
    "product_location_zip": lambda _i, _: None,
    "product_is_local_pickup": lambda i, _: int(i.is_pickup),
    "product_is_free_shipping": lambda i, _: int(is_free_shipping(i)),
    "product_thumbnail_media_id": lambda _, pictures: pictures[0].id if pictures else None,
    "product_media_id_csv": lambda _, pictures: ",".join(str(picture.id) for picture in pictures),
    # What one piece was sold at: price times quantity is the line, reductions included.
    "product_price": lambda i, _: amount(
        i.price_minor if i.sale_price_minor is None else i.sale_price_minor, i.currency
    ),
    "product_title": lambda i, _: i.title,
    "product_description": lambda i, _: i.description,
    "product_condition": lambda i, _: i.condition if i.condition in CONDITIONS else "Other",
    "shipping_description": lambda i, _: shipping_description(i),
    "shipping_price": lambda i, _: amount(i.postage_minor, i.currency) if is_sent_or_fetched(i) else None,
    "tracking_carrier": lambda i, _: i.tracking_carrier or None,
    "tracking_number": lambda i, _: i.tracking_number or None,
    "product_deal_start": lambda i, _: utc_text(i.deal_start),
    "product_deal_end": lambda i, _: utc_text(i.deal_end),
    "product_promo_start": lambda i, _: utc_text(i.promo_start),
    "product_promo_end": lambda i, _: utc_text(i.promo_end),
    "product_deal_value": lambda i, _: amount(i.deal_value_minor, i.currency),
    "product_deal_vendor_ack": lambda i, _: i.ack,
    "deal_number": lambda i, _: i.deal_number,
}
