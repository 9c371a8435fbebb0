"""The intake's calls as the document tells of them: what they take and answer, and their objects."""

from app.actions.intake import Verdict
from app.api.openapi import Call, Described, Schema, Taken, kinds
from app.api.openapi.kinds import (
    AMOUNT,
    COUNT,
    CURRENCY,
    ID,
    TEXT,
    TRUTH,
    code,
    listed,
    or_null,
    ref,
    said,
    thing,
)
from app.forms.aftersale import NoteForm, RefundForm
from app.forms.intake import CancellationForm, IntakeForm, PaymentForm
from app.statuses import ItemStatus, OrderKind, Payment, Shipping

SALE: dict[str, Schema] = {
    "id": ID,
    "number": said(TEXT, "The number by which the store knows it."),
    "external_id": or_null(TEXT, "The marketplace’s own id of the purchase."),
    "combined_sales_ids": said(listed(ID), "Every sale that went into this one."),
    "kind": kinds.one_of(OrderKind),
    "currency": CURRENCY,
    "items": AMOUNT,
    "discount": AMOUNT,
    "postage": AMOUNT,
    "tax": AMOUNT,
    "adjustment": said(AMOUNT, "What the stated total has beyond its parts."),
    "total": AMOUNT,
    "status": code(ItemStatus, "Rolled up from the lines:"),
    "flag_payment": code(Payment),
    "flag_shipping": code(Shipping),
    "placed_at": {"type": "string", "format": "date-time"},
    "lines": listed(ref("IntakeLine")),
}
LINE: dict[str, Schema] = {
    "id": ID,
    "external_id": or_null(TEXT),
    "title": TEXT,
    "sku": TEXT,
    "quantity": COUNT,
    "cancelled": said(COUNT, "How many of these pieces are cancelled."),
    "price": AMOUNT,
    "total": AMOUNT,
    "status": code(ItemStatus),
}
LINES_OF: Schema = {
    "type": ["array", "null"],
    "minItems": 1,
    "items": thing({"id": ID}),
    "description": "The lines that it is for.",
}
LINE_ID = {"anyOf": [ID, {"type": "string", "pattern": "^[1-9][0-9]{0,18}$"}]}
PIECES_OF: Schema = {
    "type": ["array", "null"],
    "minItems": 1,
    "items": thing({"id": LINE_ID, "quantity": {"type": "integer", "minimum": 1}}, without={"quantity"}),
    "description": "How many pieces of which lines, one where nothing is said; all that can be cancelled "
    "where no lines are named.",
}
MONEY: Schema = {
    "anyOf": [
        {"type": "string", "pattern": r"^[0-9]{1,13}(\.[0-9]{1,12})?$"},
        {"type": "number", "minimum": 0},
    ],
    "description": "An amount in the sale’s currency, greater than nothing.",
}
SALE_ANSWERS = {201: ref("IntakeSale")}

DESCRIBED = Described(
    "Intake",
    "How purchases come in from elsewhere: a marketplace tells of what was bought, paid, cancelled, "
    "refunded. A *purchase* is what a buyer bought at once; it becomes a sale of the store, or a part of "
    "one that waits for payment and goes to the same buyer and place. The token needs the scope "
    "`write:store-orders`. Money is a decimal text.",
    {
        "purchases": Call(
            {201: ref("IntakeTaken"), 200: ref("IntakeTaken")},
            body=Taken(IntakeForm, required=("lines",), is_json_alone=True),
            refuses=(409, 422),
            needs_key=True,
            words="201 for a purchase that is new, 200 for one that was told before. Postage that is not "
            "stated is reckoned from the lines.",
        ),
        "payments": Call(
            {201: ref("IntakeSale"), 200: ref("IntakeSale")},
            body=Taken(PaymentForm, is_json_alone=True),
            refuses=(409, 422),
            needs_key=True,
            words="The amount must be the sale’s total. A sale that went into another one answers 409 with "
            "the id of that one as `heir`.",
        ),
        "cancellations": Call(
            SALE_ANSWERS,
            body=Taken(
                lambda: CancellationForm(most={}), {"lines": PIECES_OF}, ("reason",), is_json_alone=True
            ),
            refuses=(409, 422),
            needs_key=True,
        ),
        "refunds_": Call(
            SALE_ANSWERS,
            body=Taken(
                lambda: RefundForm(currency="USD", lines={}),
                {"amount": MONEY, "lines": {**LINES_OF, "items": thing({"id": LINE_ID})}},
                ("amount", "reason"),
                is_json_alone=True,
            ),
            refuses=(409, 422),
            needs_key=True,
        ),
        "notes": Call(
            {201: ref("IntakeNote")},
            body=Taken(NoteForm, required=("body",), is_json_alone=True),
            refuses=(409, 422),
            needs_key=True,
            words="A note that the buyer is to read needs both `is_visible` and `confirmed`.",
        ),
    },
    {
        "IntakeSale": thing(SALE),
        "IntakeTaken": thing(
            {
                **SALE,
                "verdict": kinds.one_of(Verdict, "What became of the telling."),
                "differences": said(listed(TEXT), "Where it differs from what is kept."),
            }
        ),
        "IntakeLine": thing(LINE),
        "IntakeNote": thing({"id": ID, "order_id": ID, "is_private": TRUTH, "body": TEXT}),
        "IntakeError": thing(
            {
                "error": TEXT,
                "field": said(TEXT, "The field that is meant; empty for the whole."),
                "heir": said(ID, "The sale that this one went into."),
            },
            without={"field", "heir"},
        ),
    },
    {
        "slug": said(kinds.STEP, "The store’s name in addresses."),
        "order": ID,
    },
    (("bearer",),),
    {},
    ref("IntakeError"),
    (400, 401, 403, 404, 429, 500, 503),
)
