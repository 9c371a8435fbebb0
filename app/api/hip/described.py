"""Hip's calls as the document tells of them: what they take and answer, and what their objects hold."""

from app.api.hip import objects
from app.api.hip.asked import TIME, FlagsForm, KeyForm, ListingsForm, MomentField, SalesForm
from app.api.openapi import Call, Described, Schema, Taken, kinds, text_schema, whole
from app.api.openapi.kinds import (
    AMOUNT,
    COUNT,
    CURRENCY,
    ID,
    ID_TEXT,
    NUMBER,
    TEXT,
    listed,
    or_null,
    ref,
    said,
    thing,
)
from app.forms.base import Form
from app.statuses import BuyerShipping, Payment, Shipping

ZONED: Schema = {
    **kinds.UTC_TIME,
    "description": "A time as 2017-11-16 21:01:02, in the store’s time zone.",
}


def _flag(names: dict[Payment, str] | dict[Shipping, str] | dict[BuyerShipping, str]) -> Schema:
    """Return the schema of a flag's number, which goes out as a text."""
    words = ", ".join(f"{int(flag)} {name}" for flag, name in names.items())
    return {"type": "string", "enum": [str(int(flag)) for flag in names], "description": f"{words}."}


def _name(names: dict[Payment, str] | dict[Shipping, str] | dict[BuyerShipping, str]) -> Schema:
    """Return the schema of a flag's name."""
    return {"type": "string", "enum": [*names.values()]}


SALE: dict[str, Schema] = {
    "id": ID_TEXT,
    "buyer_id": ID_TEXT,
    "buyer_username": TEXT,
    "buyer_email": TEXT,
    "seller_id": ID_TEXT,
    "seller_username": TEXT,
    "seller_email": or_null(TEXT),
    "flag_payment": _flag(objects.PAYMENT_NAMES),
    "flag_shipping": _flag(objects.SHIPPING_NAMES),
    "flag_buyer_payment": _flag(objects.PAYMENT_NAMES),
    "flag_buyer_shipping": _flag(objects.BUYER_SHIPPING_NAMES),
    "flag_payment_name": _name(objects.PAYMENT_NAMES),
    "flag_shipping_name": _name(objects.SHIPPING_NAMES),
    "flag_buyer_payment_name": _name(objects.PAYMENT_NAMES),
    "flag_buyer_shipping_name": _name(objects.BUYER_SHIPPING_NAMES),
    "currency": CURRENCY,
    "tracking_link": said(TEXT, "A page or a number; left out where there is none."),
    "created_at": ZONED,
    "shipping_address_id": or_null(ID_TEXT),
    "combined_sales_ids": said(
        listed(ID_TEXT),
        "The sales that went into this one, which answer 404 for ever; left out where none did.",
    ),
    "postage_method": TEXT,
    "sales_listings_amount": NUMBER,
    "postage_amount": NUMBER,
    "tax_amount": NUMBER,
    "total": NUMBER,
    "ShippingAddress": or_null(ref("HipShippingAddress")),
    "SaleListings": listed(ref("HipSaleListing")),
}
ADDRESS: dict[str, Schema] = {
    "id": ID_TEXT,
    "user_id": ID_TEXT,
    "name_last": TEXT,
    "name_first": TEXT,
    "address": TEXT,
    "city": TEXT,
    "country": said(TEXT, "The country’s number by ISO 3166."),
    "state": TEXT,
    "postal_code": TEXT,
    "country_name": TEXT,
    "country_iso_code": TEXT,
    "state_name": TEXT,
    "state_abbreviation": said(TEXT, "Left out where none is known."),
}
LINE: dict[str, Schema] = {
    "id": ID_TEXT,
    "listing_id": or_null(ID_TEXT),
    "sale_id": ID_TEXT,
    "price": said(AMOUNT, "Of one piece."),
    "quantity": ID_TEXT,
    "listing_name": TEXT,
    "private_id": said(TEXT, "The seller’s own number, the SKU."),
}
LISTING: dict[str, Schema] = {
    "id": or_null(ID_TEXT),
    "listing_type": kinds.one_of(("auction", "product")),
    "name": TEXT,
    "user_id": ID_TEXT,
    "username": TEXT,
    "private_id": TEXT,
    "currency": CURRENCY,
    "quantity": ID_TEXT,
    "price": AMOUNT,
    "created_at": ZONED,
    "sale_id": ID_TEXT,
    "sale_listing_id": ID_TEXT,
}


def _envelope(kind: str, results: str) -> Schema:
    """Return what stands around every answer."""
    return thing(
        {
            "count": said(COUNT, "How many there are in all."),
            "type": {"const": kind},
            "results": listed(ref(results)),
            "params": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "What was asked for, the key left out.",
            },
        }
    )


@text_schema.register
def _(field: MomentField, form: Form) -> Schema:
    """Return the schema of a time."""
    words = "2017-11-16, 2017-11-16 21:01:02 or 2017-11-16T21:01:02Z; without a zone it is the store’s time."
    return {"type": "string", "pattern": whole(TIME, "19|2"), "description": words}


SALES = Call({200: _envelope("sale", "HipSale")}, Taken(SalesForm))
PUTS = {200: _envelope("sale", "HipSale")}


class SellersFlags(FlagsForm):
    """What the seller may set."""

    flag_buyer_payment = flag_buyer_shipping = None  # type: ignore[assignment]


class BuyersFlags(FlagsForm):
    """What the buyer may set."""

    flag_payment = flag_shipping = tracking_link = None  # type: ignore[assignment]


DESCRIBED = Described(
    "Hip",
    "Hip eCommerce’s API: whole sales, for programs of their sellers and buyers. A *sale* is an order, a "
    "*SaleListing* one of its lines, a seller’s *username* the store’s name in addresses. The four *flags* "
    "say what each side says of payment and shipping; setting one does what it says. Pages count from 1.",
    {
        "sale": Call({200: _envelope("sale", "HipSale")}, Taken(KeyForm)),
        "put_buyers": Call(PUTS, body=Taken(BuyersFlags, least=1), refuses=(409,)),
        "put_sellers": Call(PUTS, body=Taken(SellersFlags, least=1), refuses=(409,)),
        "purchases": SALES,
        "sales": SALES,
        "sold_listings": Call(
            {200: _envelope("listing", "HipListing")}, Taken(ListingsForm, required=("show",))
        ),
    },
    {
        "HipSale": thing(SALE, without={"tracking_link", "combined_sales_ids"}),
        "HipShippingAddress": thing(ADDRESS, without={"state_abbreviation"}),
        "HipSaleListing": thing(LINE),
        "HipListing": thing(LISTING),
        "HipError": thing({"error": TEXT}),
    },
    {"slug": said(kinds.STEP, "The seller’s username."), "order": ID},
    (("bearer",), ("hipKey",), ("hipKeyInQuery",)),
    {
        "hipKey": {"type": "apiKey", "in": "header", "name": "X-ApiKey", "description": "A token."},
        "hipKeyInQuery": {"type": "apiKey", "in": "query", "name": "api_key", "description": "A token."},
    },
    ref("HipError"),
    (400, 401, 403, 404, 429, 500, 503),
)
