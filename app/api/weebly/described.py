"""Weebly's calls as the document tells of them: what they answer, and what their objects hold.

The names of an item are those of its presenter's table; what stands here beside is the kind of each.
"""

from app.api.openapi import Call, Described, Schema, Taken, kinds, text_schema
from app.api.openapi.kinds import (
    COUNT,
    CURRENCY,
    ID,
    ID_TEXT,
    NUMBER,
    TEXT,
    TRUTH,
    UNIX,
    WHOLE,
    listed,
    or_null,
    ref,
    said,
    thing,
)
from app.api.weebly.hanging import BILLING_METHODS, BILLING_STATUSES, NOTE, SHIPMENT_STATUSES
from app.api.weebly.items import DETAILS, PRODUCT_TYPES, UNITS
from app.api.weebly.items import ITEM as GIVES
from app.forms.base import Form
from app.forms.weebly import SOUGHT, OrdersForm, PageForm, SoughtField
from app.statuses import WeeblyStatus

MAYBE, WHEN = or_null(TEXT), or_null(UNIX)
WHOSE = {"user_id": or_null(ID_TEXT, "The account that owns the store."), "site_id": ID_TEXT}
MOMENTS = {"created_date": WHEN, "updated_date": WHEN}
UNKNOWN: Schema = {"type": "null", "description": "Not known to this desk."}
WHERE = dict.fromkeys(
    (
        "full_name",
        "email",
        "phone",
        "business_name",
        "street",
        "street2",
        "city",
        "region",
        "country",
        "postal_code",
    ),
    MAYBE,
)

ITEM: dict[str, Schema] = {
    **WHOSE,
    "discounted_price": said(NUMBER, "Of one piece, everything taken off."),
    "track_inventory": TRUTH,
    "order_id": ID_TEXT,
    "order_item_id": said(ID_TEXT, "The item’s place in its order."),
    "site_product_id": or_null(ID_TEXT),
    "site_product_sku_id": or_null(ID_TEXT),
    "name": TEXT,
    "short_description": MAYBE,
    "quantity": COUNT,
    "product_type": kinds.one_of(sorted(set(PRODUCT_TYPES.values()))),
    "download_limit_type": MAYBE,
    "download_units_remaining": or_null(WHOLE),
    "price": NUMBER,
    "sale_price": or_null(NUMBER),
    "total_price": NUMBER,
    "weight": or_null(NUMBER),
    "weight_unit": or_null(kinds.one_of(sorted({unit for unit, _ in UNITS.values()}))),
    "sku": MAYBE,
    "options": {"type": "object", "additionalProperties": TEXT},
    "returned": or_null(TRUTH),
    "discounts": listed(
        thing(
            {
                "discount_type": TEXT,
                "price": said(NUMBER, "What one piece cost then."),
                "discount": said(NUMBER, "What came off one piece."),
            }
        )
    ),
    "original_product_url": MAYBE,
    "created_date": UNIX,
    "updated_date": UNIX,
}
LISTED_ORDER: dict[str, Schema] = {
    **WHOSE,
    "order_id": ID_TEXT,
    "order_date": UNIX,
    "full_name": MAYBE,
    "order_status": kinds.one_of(WeeblyStatus, "Rolled up from the items."),
    "order_currency": CURRENCY,
    "order_total": NUMBER,
}
ORDER: dict[str, Schema] = {
    **LISTED_ORDER,
    "is_marketing_updates_subscribed": TRUTH,
    "order_item_tax_total": NUMBER,
    "order_tax_total": NUMBER,
    "order_tax_rates": thing(
        {
            "total_tax": NUMBER,
            "rates": listed(thing({"name": TEXT, "rate": or_null(NUMBER), "amount": NUMBER})),
        }
    ),
    "order_shipping_total": NUMBER,
    "order_shipping_taxes_total": NUMBER,
    "order_shipping_subtotal": NUMBER,
    "order_shipping_method": MAYBE,
    "order_subtotal": NUMBER,
    "order_notes": MAYBE,
    "created_date": UNIX,
    "updated_date": UNIX,
    "items": listed(ref("WeeblyOrderItem")),
    "shipments": listed(ref("WeeblyShipment")),
    "billings": listed(ref("WeeblyBilling")),
    "coupons": listed(
        thing({**WHOSE, "code": MAYBE, "type": kinds.one_of(("absolute", "shipping")), "amount": NUMBER})
    ),
}
SHIPMENT: dict[str, Schema] = {
    "order_id": ID_TEXT,
    "order_shipment_id": ID,
    "shipping_provider": MAYBE,
    **dict.fromkeys(("weight", "weight_unit", "height", "width", "depth"), UNKNOWN),
    **WHERE,
    "shipment_tax_total": NUMBER,
    "shipment_tax_rates": UNKNOWN,
    "price": NUMBER,
    "shipment_total": NUMBER,
    "charge_taxes_on_shipping": TRUTH,
    "title": MAYBE,
    "shipment_date": WHEN,
    "tracking_number": MAYBE,
    "status": kinds.one_of(sorted(set(SHIPMENT_STATUSES.values()))),
    **WHOSE,
    **MOMENTS,
    "transactions": listed(
        thing(
            {
                "order_id": ID_TEXT,
                "order_shipment_id": ID,
                "order_shipment_transaction_id": ID,
                "tx_id": MAYBE,
                "tx_type": MAYBE,
                "tx_date": UNIX,
                "tx_status": kinds.one_of(sorted(set(SHIPMENT_STATUSES.values()))),
                **WHOSE,
                **MOMENTS,
            }
        )
    ),
}
BILLING: dict[str, Schema] = {
    "order_id": ID_TEXT,
    "order_billing_id": ID,
    "gateway": MAYBE,
    **WHERE,
    **WHOSE,
    **MOMENTS,
    "transactions": listed(
        thing(
            {
                "order_id": ID_TEXT,
                "order_billing_id": ID,
                "order_billing_transaction_id": ID,
                "method": kinds.one_of(sorted(BILLING_METHODS)),
                "status": kinds.one_of(sorted({*BILLING_STATUSES.values(), NOTE})),
                "amount": said(WHOLE, "In minor units, here alone."),
                "currency": CURRENCY,
                "tx_fee": NUMBER,
                "tx_id": MAYBE,
                "tx_message": UNKNOWN,
                "cc_type": {"const": False},
                "cc_last_4": {"const": False},
                **WHOSE,
                **MOMENTS,
            }
        )
    ),
}


@text_schema.register
def _(field: SoughtField, form: Form) -> Schema:
    """Return the schema of a number that may have a sign before it."""
    words = "A number, or one after <, >, <= or >=."
    return {"type": "string", "pattern": f"^({SOUGHT.pattern})$", "description": words}


PAGED = ("X-Resultset-Total", "X-Resultset-Page", "X-Resultset-Limit", "Link")
COUNTS = Call({200: ref("WeeblyCount")}, Taken(Form))

DESCRIBED = Described(
    "Weebly",
    "Weebly’s store API: orders and their items, to read. A *site* is a store, its *user* the account that "
    "owns it; an item’s id is its place in the order. Platform and Cloud spell the same paths in two ways. "
    "Amounts are numbers, times Unix seconds, and what is not known is null.",
    {
        "orders": Call({200: listed(ref("WeeblyListedOrder"))}, Taken(OrdersForm), headers=PAGED),
        "orders_count": COUNTS,
        "order": Call({200: ref("WeeblyOrder")}, Taken(Form)),
        "items": Call(
            {200: listed(ref("WeeblyListedItem"))},
            Taken(PageForm),
            headers=PAGED,
            words="All of them at once, unless a page or a limit is asked for: then the headers tell of it.",
        ),
        "items_count": COUNTS,
        "item": Call({200: ref("WeeblyOrderItem")}, Taken(Form)),
    },
    {
        "WeeblyOrderItem": thing({name: ITEM[name] for name in GIVES}),
        "WeeblyListedItem": thing({name: ITEM[name] for name in GIVES if name not in DETAILS}),
        "WeeblyListedOrder": thing(LISTED_ORDER),
        "WeeblyOrder": thing(ORDER),
        "WeeblyShipment": thing(SHIPMENT),
        "WeeblyBilling": thing(BILLING),
        "WeeblyCount": thing({"count": COUNT}),
        "WeeblyError": thing({"error": thing({"code": said(WHOLE, "Weebly’s own code."), "message": TEXT})}),
    },
    {
        "site": ID,
        "user": said(ID, "The account that owns the store."),
        "order": ID,
        "item": said(ID, "The item’s place in its order, from 1."),
    },
    (("bearer",), ("weeblyToken",), ("weeblyPublicKey", "weeblySignature")),
    {
        "weeblyToken": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Weebly-Access-Token",
            "description": "A token.",
        },
        "weeblyPublicKey": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Public-Key",
            "description": "The public id of the token that signs.",
        },
        "weeblySignature": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Signed-Request-Hash",
            "description": "Base64 of the lower-case hex of HMAC-SHA-256 over method, path and body, a "
            "line feed between them; the path begins with `v1/user/` or `user/`.",
        },
    },
    ref("WeeblyError"),
    (400, 401, 403, 404, 413, 429, 500, 503),
    {
        "X-Resultset-Total": "How many there are in all.",
        "X-Resultset-Page": "Which page this is, from 1.",
        "X-Resultset-Limit": "How many are on a page.",
        "Link": "The first, previous, next and last page, where there are several.",
    },
)
