"""Hip's objects (seed 003, Fields and Examples): what each shows of a sale, keys in the seed's order.

Ids, flags, prices of lines and times are texts, sums of a sale are numbers, as in the seed's example. What
there is none of is null, but for the two fields that the seed leaves out.
"""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.api.hip.places import country_name, country_number
from app.api.shape import first_and_last
from app.money import amount_number, amount_text
from app.queries.told_items import Told as ToldItem
from app.queries.told_sales import Told
from app.statuses import BuyerShipping, Payment, ProductType, Shipping

# Theirs and ours are the same numbers; these are Hip's names for them (reference 2.3).
PAYMENT_NAMES = {
    Payment.UNPAID: "Unpaid",
    Payment.PAID: "Paid",
    Payment.PAID_PAYPAL: "Paid (PayPal)",
    Payment.ON_ARRIVAL: "Payment on Arrival",
    Payment.CANCELED: "Canceled",
    Payment.REFUNDED: "Refunded",
}
SHIPPING_NAMES = {
    Shipping.NOT_APPLICABLE: "N/A",
    Shipping.PROCESSING: "Processing",
    Shipping.SHIPPED: "Shipped",
    Shipping.PROBLEM: "Problem",
}
BUYER_SHIPPING_NAMES = {
    BuyerShipping.WAITING: "Waiting",
    BuyerShipping.RECEIVED: "Received",
    BuyerShipping.PROBLEM: "Problem",
}

# A region written so is its own abbreviation.
ABBREVIATION = re.compile(r"[A-Z]{2,3}", re.ASCII)


def sale_json(told: Told) -> dict[str, object]:
    """Return a Sale. Who sees deals alone sees their sum, and nothing of where the whole goes."""
    row, sees_personal = told.row, told.sight.personal and not told.only_deals
    link = "" if told.only_deals else row.tracking_url or row.tracking_number or ""
    return {
        "id": str(row.id),
        "buyer_id": str(row.buyer_id),
        "buyer_username": row.buyer_username or row.buyer_name or f"Buyer {row.buyer_id}",
        "buyer_email": (row.buyer_email or "") if sees_personal else "",
        "seller_id": str(row.store_id),
        "seller_username": row.slug,
        "seller_email": row.mail_from,
        "flag_payment": _flag(row.payment),
        "flag_shipping": _flag(row.shipping),
        "flag_buyer_payment": _flag(row.buyer_payment),
        "flag_buyer_shipping": _flag(row.buyer_shipping),
        "flag_payment_name": PAYMENT_NAMES[row.payment],
        "flag_shipping_name": SHIPPING_NAMES[row.shipping],
        "flag_buyer_payment_name": PAYMENT_NAMES[row.buyer_payment],
        "flag_buyer_shipping_name": BUYER_SHIPPING_NAMES[row.buyer_shipping],
        "currency": row.currency,
        **({"tracking_link": link} if link else {}),
        "created_at": time_text(row.placed_at, row.zone),
        "shipping_address_id": id_text(row.address_id) if sees_personal else None,
        **({"combined_sales_ids": [str(one) for one in told.absorbed]} if told.absorbed else {}),
        "postage_method": row.postage_method,
        **_sums(told),
        "ShippingAddress": _address_json(row) if sees_personal else None,
        "SaleListings": [_line_json(line, row.currency) for line in told.lines],
    }


def _sums(told: Told) -> dict[str, object]:
    """Return the four sums: the total is that of the other three, so reductions stand in the first."""
    row = told.row
    listings = row.items_minor - row.discount_minor + row.adjustment_minor
    sums = (listings, row.postage_minor, row.tax_minor, row.total_minor)
    if told.only_deals:
        deals = sum(line.line_total_minor for line in told.lines)
        sums = (deals, 0, 0, deals)
    names = ("sales_listings_amount", "postage_amount", "tax_amount", "total")
    return {name: amount_number(n, row.currency) for name, n in zip(names, sums, strict=True)}


def _address_json(row: Any) -> dict[str, object] | None:
    """Return a sale's ShippingAddress, None where it goes nowhere; no abbreviation where none is known."""
    if row.address_id is None:
        return None
    first, last = first_and_last(row.to_name, row.to_given_name, row.to_family_name)
    short = row.to_region_code or (row.to_region if ABBREVIATION.fullmatch(row.to_region) else "")
    return {
        "id": str(row.address_id),
        "user_id": str(row.buyer_id),
        "name_last": last or "",
        "name_first": first or "",
        "address": ", ".join(part for part in (row.to_street, row.to_street2) if part),
        "city": row.to_city,
        "country": country_number(row.to_country),
        "state": "",
        "postal_code": row.to_postal_code,
        "country_name": country_name(row.to_country),
        "country_iso_code": row.to_country,
        "state_name": row.to_region or row.to_region_code,
        **({"state_abbreviation": short} if short else {}),
    }


def _line_json(line: Any, currency: str) -> dict[str, object]:
    """Return a SaleListing."""
    return {
        "id": str(line.id),
        "listing_id": id_text(line.product_id),
        "sale_id": str(line.order_id),
        "price": _unit_price(line, currency),
        "quantity": str(line.quantity),
        "listing_name": line.title,
        "private_id": line.sku,
    }


def listing_json(told: ToldItem, username: str, zone: str) -> dict[str, object]:
    """Return a Listing that was sold (reference 2.2), with the sale that it is in."""
    row = told.row
    return {
        "id": id_text(row.product_id),
        "listing_type": "auction" if row.type == ProductType.AUCTION else "product",
        "name": row.title,
        "user_id": str(row.store_id),
        "username": username,
        "private_id": row.sku,
        "currency": row.currency,
        "quantity": str(row.quantity),
        "price": _unit_price(row, row.currency),
        "created_at": time_text(row.placed_at, zone),
        "sale_id": str(row.order_id),
        "sale_listing_id": str(row.id),
    }


def _unit_price(line: Any, currency: str) -> str:
    """Return what one piece was sold at."""
    minor = line.price_minor if line.sale_price_minor is None else line.sale_price_minor
    return amount_text(minor, currency)


def _flag(code: int) -> str:
    """Return a flag's number as a text."""
    return str(int(code))


def id_text(row_id: int | None) -> str | None:
    """Return an id as a text; None where there is none."""
    return None if row_id is None else str(row_id)


def time_text(at: datetime, zone: str) -> str:
    """Write an instant as the seed does: "2017-11-16 21:01:02", in a store's time zone."""
    return at.astimezone(ZoneInfo(zone)).isoformat(" ", "seconds")[:19]
