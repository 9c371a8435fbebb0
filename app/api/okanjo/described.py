"""Okanjo's calls as the document tells of them: what they take and answer, and what their objects hold.

The names of each object are those of its presenter's table; what stands here beside is the kind of each.
"""

from collections.abc import Mapping

from app.api.okanjo import asked, item, objects
from app.api.okanjo.asked import NamesField, ShowForm
from app.api.openapi import Call, Described, Schema, Taken, kinds, text_schema
from app.api.openapi.kinds import (
    AMOUNT,
    COUNT,
    ID,
    TEXT,
    UNIX,
    UTC_TIME,
    ZERO_OR_ONE,
    code,
    listed,
    or_null,
    ref,
    said,
    some_of,
    thing,
)
from app.forms.base import Form
from app.statuses import ItemStatus, ProductType

MAYBE = or_null(TEXT)
UNKNOWN: Schema = {"type": "null", "description": "Not known to this desk."}

ITEM: dict[str, Schema] = {
    "id": ID,
    "order_id": ID,
    "product_id": or_null(ID),
    "created": UTC_TIME,
    "updated": UTC_TIME,
    "quantity": COUNT,
    "status": code(ItemStatus, "Where the item stands:"),
    "product_type": code(ProductType),
    "product_brand_id": UNKNOWN,
    "product_donation_perc": or_null(COUNT, "The share that goes to the cause, in percent."),
    "product_seller_store_id": ID,
    "product_cause_id": or_null(ID),
    "product_location_zip": UNKNOWN,
    "product_is_local_pickup": ZERO_OR_ONE,
    "product_is_free_shipping": ZERO_OR_ONE,
    "product_thumbnail_media_id": or_null(ID),
    "product_media_id_csv": said(TEXT, "The ids of the product’s pictures, with commas between them."),
    "product_price": said(AMOUNT, "What one piece was sold at, without what came off by coupons."),
    "product_title": TEXT,
    "product_description": TEXT,
    "product_condition": kinds.one_of(item.CONDITIONS),
    "shipping_description": or_null(TEXT, f"The way to the buyer; “{item.LOCAL_PICKUP}” of a pickup."),
    "shipping_price": or_null(AMOUNT),
    "tracking_carrier": or_null(TEXT, "Of the item’s newest parcel."),
    "tracking_number": or_null(TEXT, "Of the item’s newest parcel."),
    "product_deal_start": or_null(UTC_TIME, "From when a deal (a Giving Reward) was sold."),
    "product_deal_end": or_null(UTC_TIME),
    "product_promo_start": or_null(UTC_TIME, "From when a deal can be redeemed."),
    "product_promo_end": or_null(UTC_TIME),
    "product_deal_value": or_null(AMOUNT, "What a deal is worth where it is redeemed."),
    "product_deal_vendor_ack": or_null(TEXT, "Who redeemed a deal; for its seller alone."),
    "deal_number": or_null({"type": "integer"}, "The number on a deal’s voucher."),
}
OBJECTS: dict[str, dict[str, Schema]] = {
    "order": {
        "id": ID,
        "buyer_id": ID,
        "created": UTC_TIME,
        "shipping_first_name": MAYBE,
        "shipping_last_name": MAYBE,
        "shipping_address_1": MAYBE,
        "shipping_address_2": MAYBE,
        "shipping_city": MAYBE,
        "shipping_state": MAYBE,
        "shipping_zip": MAYBE,
        "shipping_country": MAYBE,
        "shipping_phone": MAYBE,
        "status": code(ItemStatus, "Rolled up from the items:"),
        "type": {"type": "integer", "enum": [1, 2], "description": "1 things, 2 nothing but donations."},
    },
    "media": {"id": ID, "url": TEXT},
    "seller": {"id": ID, "user_name": TEXT, "avatar_media_id": UNKNOWN},
    "buyer": {"id": ID, "user_name": TEXT, "avatar_media_id": UNKNOWN},
    "store": {
        "id": ID,
        "name": TEXT,
        "status": said(ZERO_OR_ONE, "Whether it is open."),
        "type": {"const": 1},
        "flags": said(ZERO_OR_ONE, "1: it redeems deals itself."),
    },
    "cause": {
        "id": ID,
        "status": COUNT,
        "name": TEXT,
        "local_name": TEXT,
        "city": MAYBE,
        "state": UNKNOWN,
        "created": UTC_TIME,
        "product_count": UNKNOWN,
    },
    "feedback": {
        "id": ID,
        "created": UTC_TIME,
        "reviewee_id": said(ID, "The store."),
        "reviewer_id": said(ID, "The buyer."),
        "order_item_id": ID,
        "value": {"type": "integer", "minimum": 1, "maximum": 5},
        "feedback": MAYBE,
        "reviewer": thing({"user_name": TEXT}),
        "reviewee": thing({"name": TEXT}),
    },
    "history": {
        "id": ID,
        "order_item_id": or_null(ID),
        "status": code(ItemStatus, "What it became:"),
        "updated": UNIX,
    },
    "payouts": {
        "id": ID,
        "status": COUNT,
        "user_id": or_null(ID, "The store that gets it; null where it goes to somebody else."),
        "cause_id": or_null(ID),
        "is_okanjo_commission": ZERO_OR_ONE,
        "amount": or_null(AMOUNT),
        "estimated_fee": UNKNOWN,
        "fee": UNKNOWN,
        "associated_payment_fee": UNKNOWN,
    },
}


def named(name: str) -> str:
    """Return the name of an object's schema."""
    return f"Okanjo{name.capitalize()}"


def _embedded(name: str, schema: Schema) -> Schema:
    """Return how an object stands inside an item."""
    match name:
        case "media":
            return {"type": "object", "additionalProperties": schema, "description": "Pictures by their id."}
        case "history" | "payouts":
            return listed(schema)
        case "cause" | "feedback":
            return or_null(schema)
    return schema


def _item(shape: objects.Shape) -> Schema:
    """Return an item's schema: its own fields as far as they are shown, objects where they are embedded."""
    fields = {name: ITEM[name] for name in shape.fields}
    return some_of(
        thing(
            {**fields, **{name: _embedded(name, ref(named(name))) for name in shape.embeds}},
            "The fields that `fields` names, or all of them; the objects that `embed` names.",
        )
    )


SCHEMAS: dict[str, Schema] = {
    "OkanjoItem": _item(objects.SALE),
    "OkanjoBoughtItem": _item(objects.BOUGHT),
    "OkanjoBoughtOrder": some_of(
        thing(
            {
                **OBJECTS["order"],
                "items": listed(ref("OkanjoBoughtItem")),
                "buyer": ref(named("buyer")),
                "seller": ref(named("seller")),
                "stores": listed(ref(named("store"))),
            }
        )
    ),
    "OkanjoFeedbackGiven": thing(OBJECTS["feedback"]),
    "OkanjoSuccess": thing({"type": {"const": "success"}}),
    "OkanjoError": thing({"type": {"const": "error"}, "description": TEXT}),
    **{
        named(name): some_of(thing({key: OBJECTS[name][key] for key in embed.table}))
        for name, embed in objects.EMBEDS.items()
    },
}


@text_schema.register
def _(field: NamesField, form: ShowForm) -> Schema:
    """Return the names that a field may list: of the objects, or of fields, those of objects with a dot."""
    own = [*form.shape.embeds] if field.name == "embed" else [*form.shape.fields, *form.shape.embeds]
    name: Schema = kinds.one_of(own)
    if field.name == "fields":
        within = [name for name in sorted(form.shape.names) if "." in name]
        name = {"anyOf": [name, kinds.one_of(within)]}
        words = "What is shown of each; `order.id` of an object that is embedded."
    else:
        words = "Objects that are shown inside each."
    return {"type": "array", "items": name, "minItems": 1, "description": words}


COUNTED = ("X-COLLECTION-COUNT",)
SUCCESS: Mapping[int, Schema] = {200: ref("OkanjoSuccess")}


def _many(name: str, form: type[Form]) -> Call:
    """Return a call that answers a list."""
    return Call({200: listed(ref(name))}, Taken(form), headers=COUNTED)


def _one(name: str, form: type[Form]) -> Call:
    """Return a call that answers one object."""
    return Call({200: ref(name)}, Taken(form))


DESCRIBED = Described(
    "Okanjo",
    "Okanjo’s marketplace API: the order items of a store, and what the caller bought. A *sale* is an order "
    "item, a *seller* a store, a *Giving Reward* a deal. Lists come newest first, in parts of `page_size` "
    "from `page_start_index` on, which counts from 0. Okanjo’s clients sign in by `key`, `signature` and "
    "`user_token`; a Bearer token does as well.",
    {
        "sales": _many("OkanjoItem", asked.SalesForm),
        "sale": _one("OkanjoItem", asked.ShowForm),
        "move": Call(
            SUCCESS,
            body=Taken(asked.SaleMoveForm),
            refuses=(409,),
            words="3 is sent, 4 redeemed or done, 9 handed over: what an item may become follows from what "
            "it is and where it stands. Carrier and number alone are kept for later.",
        ),
        "bought_items": _many("OkanjoBoughtItem", asked.BoughtItemsForm),
        "bought_item": _one("OkanjoBoughtItem", asked.BoughtShowForm),
        "receive": Call(SUCCESS, body=Taken(asked.BoughtMoveForm), refuses=(409,)),
        "orders": _many("OkanjoBoughtOrder", asked.OrdersForm),
        "order": _one("OkanjoBoughtOrder", asked.OrderShowForm),
        "feedback_received": _many("OkanjoFeedbackGiven", asked.PartForm),
        "one_received": _one("OkanjoFeedbackGiven", Form),
        "feedback_given": _many("OkanjoFeedbackGiven", asked.PartForm),
        "one_given": _one("OkanjoFeedbackGiven", Form),
        "give": Call(SUCCESS, body=Taken(asked.ReviewForm, required=("rating",)), refuses=(409,)),
    },
    SCHEMAS,
    {"store": ID, "item": ID, "order": ID, "user": said(ID, "The caller’s own account.")},
    (("bearer",), ("okanjoKey", "okanjoSignature", "okanjoUserToken")),
    {
        "okanjoKey": {
            "type": "apiKey",
            "in": "query",
            "name": "key",
            "description": "The public id of the token that signs.",
        },
        "okanjoSignature": {
            "type": "apiKey",
            "in": "query",
            "name": "signature",
            "description": "Last in the query: HMAC-SHA-256 in lower-case hex over path, `?`, the query "
            "before it and the body, unless that is multipart. Missing or wrong is a 400, as Okanjo has it.",
        },
        "okanjoUserToken": {
            "type": "apiKey",
            "in": "query",
            "name": "user_token",
            "description": "The token of the person whose rights are used.",
        },
    },
    ref("OkanjoError"),
    (400, 401, 403, 404, 413, 429, 500, 503),
    {"X-COLLECTION-COUNT": "How many there are in all, whichever part is asked for."},
)
