"""What hangs on a Weebly order (reference 3.3): its shipments, its billings, its coupons."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from app.access.sites import Site
from app.api.weebly.items import seconds, text_id
from app.money import amount_number
from app.queries import history
from app.queries.history import EventSeen, ParcelSeen
from app.queries.site_orders import Charge, payments_of
from app.statuses import ParcelState

SHIPMENT_STATUSES = {
    ParcelState.DRAFT: "label_created",
    ParcelState.SHIPPED: "shipped",
    ParcelState.RECEIVED: "shipped",
    ParcelState.RETURNED: "label_returned",
}
BILLING_METHODS = frozenset({"purchase", "void", "refund"})
# Money that is on its way needs the store's hand: Weebly calls that a note.
BILLING_STATUSES = {"done": "success", "withdrawn": "failure"}
NOTE = "note"


def shipments_json(row: Any, lines: Sequence[Any], at: Site) -> list[dict[str, object]]:
    """Return the parcels that carry something of an order, oldest first; voided ones are none.

    The first one carries the postage of the whole order.
    """
    parcels = history.parcels_of([line.id for line in lines])
    parcels = [parcel for parcel in parcels if parcel.state != ParcelState.VOIDED]
    if not parcels:
        return []
    events: defaultdict[int | None, list[EventSeen]] = defaultdict(list)
    for event in reversed(history.events_of(row.id, [parcel.id for parcel in parcels])):
        events[event.parcel_id].append(event)
    return [
        _shipment_json(row, parcel, events[parcel.id], at, postage=0 if n else row.postage_minor)
        for n, parcel in enumerate(parcels)
    ]


def _shipment_json(
    row: Any, parcel: ParcelSeen, events: Sequence[EventSeen], at: Site, *, postage: int
) -> dict[str, object]:
    """Return one shipment; height, width, depth and weight of a parcel the desk does not keep."""
    price = amount_number(postage, row.currency)
    return {
        "order_id": text_id(row.id),
        "order_shipment_id": parcel.id,
        "shipping_provider": parcel.carrier or None,
        "weight": None,
        "weight_unit": None,
        "height": None,
        "width": None,
        "depth": None,
        **_address_json(row, at),
        "shipment_tax_total": 0,
        "shipment_tax_rates": None,
        "price": price,
        "shipment_total": price,
        "charge_taxes_on_shipping": False,
        "title": row.postage_method or parcel.carrier or None,
        "shipment_date": seconds(parcel.shipped_at),
        "tracking_number": parcel.number or None,
        "status": SHIPMENT_STATUSES[ParcelState(parcel.state)],
        **_whose(at),
        "created_date": seconds(events[0].at if events else parcel.shipped_at),
        "updated_date": seconds(events[-1].at if events else parcel.shipped_at),
        "transactions": [
            {
                "order_id": text_id(row.id),
                "order_shipment_id": parcel.id,
                "order_shipment_transaction_id": event.id,
                "tx_id": parcel.number or None,
                "tx_type": parcel.carrier or None,
                "tx_date": seconds(event.at),
                "tx_status": status,
                **_whose(at),
                "created_date": seconds(event.at),
                "updated_date": seconds(event.at),
            }
            for event, status in _moves(events)
        ],
    }


def _moves(events: Sequence[EventSeen]) -> list[tuple[EventSeen, str]]:
    """Return the events by which a parcel came to another status of Weebly's, with that status."""
    found: list[tuple[EventSeen, str]] = []
    for event in events:
        state = (event.after or {}).get("state")
        status = SHIPMENT_STATUSES.get(state) if state else None
        if status and (not found or found[-1][1] != status):
            found.append((event, status))
    return found


def _address_json(row: Any, at: Site) -> dict[str, object]:
    """Return where an order goes; nothing but nulls where the desk has no address, or may not tell it."""
    found = {
        "full_name": row.to_name or None,
        "email": row.to_email or row.buyer_email or None,
        "phone": row.to_phone or None,
        "business_name": row.to_company or None,
        "street": row.to_street or None,
        "street2": row.to_street2 or None,
        "city": row.to_city or None,
        "region": row.to_region_code or row.to_region or None,
        "country": row.to_country or None,
        "postal_code": row.to_postal_code or None,
    }
    return found if at.desk.sight.personal else dict.fromkeys(found)


def billings_json(row: Any, at: Site) -> list[dict[str, object]]:
    """Return what was paid and given back of an order as its one billing; none where nothing moved yet.

    The address is the payer's, of whom the desk knows name and e-mail; cards and fees it knows nothing of.
    """
    sight = at.desk.sight
    moved = [payment for payment in payments_of(row.id) if payment.kind in BILLING_METHODS]
    if not (moved and sight.money):
        return []
    return [
        {
            "order_id": text_id(row.id),
            "order_billing_id": 1,
            "gateway": moved[0].method or None,
            "full_name": row.buyer_name or (row.to_name if sight.personal else None) or None,
            "email": (row.buyer_email or None) if sight.personal else None,
            **dict.fromkeys(
                (
                    "phone",
                    "business_name",
                    "street",
                    "street2",
                    "city",
                    "region",
                    "country",
                    "postal_code",
                )
            ),
            **_whose(at),
            "created_date": seconds(moved[0].at),
            "updated_date": seconds(moved[-1].at),
            "transactions": [
                {
                    "order_id": text_id(row.id),
                    "order_billing_id": 1,
                    "order_billing_transaction_id": payment.id,
                    "method": payment.kind,
                    "status": BILLING_STATUSES.get(payment.status, NOTE),
                    "amount": payment.amount_minor,  # in minor units, here alone (reference 3.3)
                    "currency": payment.currency,
                    "tx_fee": 0,
                    "tx_id": payment.code,
                    "tx_message": None,
                    "cc_type": False,
                    "cc_last_4": False,
                    **_whose(at),
                    "created_date": seconds(payment.at),
                    "updated_date": seconds(payment.at),
                }
                for payment in moved
            ],
        }
    ]


def coupons_json(row: Any, charges: dict[int | None, list[Charge]], at: Site) -> list[dict[str, object]]:
    """Return the coupons that were used on an order; markdowns stand with the items."""
    return [
        {
            **_whose(at),
            "code": charge.name or None,
            "type": "shipping" if charge.kind == "shipping" else "absolute",
            "amount": amount_number(charge.amount_minor, row.currency),
        }
        for of_one in charges.values()
        for charge in of_one
        if charge.kind in {"coupon", "shipping"}
    ]


def _whose(at: Site) -> dict[str, object]:
    """Return whose an object is."""
    return {"user_id": text_id(at.owner_id), "site_id": text_id(at.desk.store.id)}
