"""Okanjo's objects (reference 1.4): what each field shows of an item and of what hangs on it.

Tables from field to value, in the order of the reference; a field that is not asked for is not computed.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, Self

from app.api.okanjo.beside import Beside, gather
from app.api.shape import utc_text
from app.models import Feedback, Order, OrderItem, Payout, Store
from app.money import amount_text
from app.queries.people import StoreFacts
from app.statuses import Kind

LOCAL_PICKUP = "Local Pickup"
LONGEST_SHIPPING_DESCRIPTION = 32
CONDITIONS = ("New", "Used", "Other")
ORDER_OF_THINGS, ORDER_OF_DONATIONS = 1, 2  # OrderType
STORE_OF_SELLER = 1  # StoreType
IS_VENDOR = 1  # StoreFlag


Give = Callable[[Any], object]


def amount(minor: int | None, currency: str) -> str | None:
    """Write minor units as a decimal, None as null."""
    return None if minor is None else amount_text(minor, currency)


def is_sent_or_fetched(item: OrderItem) -> bool:
    """Tell whether a way to the buyer belongs to the item: it is posted, or picked up."""
    return item.fulfilled_as in {Kind.GOODS, Kind.PICKUP}


def shipping_description(item: OrderItem) -> str | None:
    """Return the chosen way to the buyer; "Local Pickup" is reserved for pickups."""
    if item.fulfilled_as is Kind.PICKUP:
        return LOCAL_PICKUP
    chosen = item.order.postage_method[:LONGEST_SHIPPING_DESCRIPTION]
    return chosen or None if is_sent_or_fetched(item) else None


def is_free_shipping(item: OrderItem) -> bool:
    """Tell whether the item is posted and neither it nor its order was charged postage."""
    return item.fulfilled_as is Kind.GOODS and not item.postage_minor and not item.order.postage_minor


# Each is given (item, beside). What the desk does not know is null: brand, and where the product lay.
ITEM: dict[str, Callable[[OrderItem, Beside], object]] = {
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
    "product_thumbnail_media_id": lambda i, b: next((m.id for m in b.pictures_of(i)), None),
    "product_media_id_csv": lambda i, b: ",".join(str(m.id) for m in b.pictures_of(i)),
    # What one piece was sold at: price times quantity is the line, reductions included.
    "product_price": lambda i, _: amount(
        i.price_minor if i.sale_price_minor is None else i.sale_price_minor, i.order.currency
    ),
    "product_title": lambda i, _: i.title,
    "product_description": lambda i, _: i.description,
    "product_condition": lambda i, _: i.condition if i.condition in CONDITIONS else "Other",
    "shipping_description": lambda i, _: shipping_description(i),
    "shipping_price": lambda i, _: (
        amount(i.postage_minor, i.order.currency) if is_sent_or_fetched(i) else None
    ),
    "tracking_carrier": lambda i, b: b.tracking(i, "carrier"),
    "tracking_number": lambda i, b: b.tracking(i, "number"),
    "product_deal_start": lambda i, _: utc_text(i.deal_start),
    "product_deal_end": lambda i, _: utc_text(i.deal_end),
    "product_promo_start": lambda i, _: utc_text(i.promo_start),
    "product_promo_end": lambda i, _: utc_text(i.promo_end),
    "product_deal_value": lambda i, _: amount(i.deal_value_minor, i.order.currency),
    "product_deal_vendor_ack": lambda i, _: i.ack,
    "deal_number": lambda i, _: i.deal_number,
}


class PlacedOrder(NamedTuple):
    """An order with its OrderType."""

    row: Order
    type: int


def _names(order: Order) -> tuple[str | None, str | None]:
    """Return first and last name of whom the order goes to; a name in one piece parts at its last blank."""
    if order.address is None:
        return None, None
    address = order.address
    if address.given_name or address.family_name:
        return address.given_name, address.family_name
    first, _, last = address.name.rpartition(" ")
    return first, last


ORDER: dict[str, Give] = {
    "id": lambda o: o.row.id,
    "buyer_id": lambda o: o.row.buyer_id,
    "created": lambda o: utc_text(o.row.placed_at),
    "shipping_first_name": lambda o: _names(o.row)[0],
    "shipping_last_name": lambda o: _names(o.row)[1],
    "shipping_address_1": lambda o: o.row.address and o.row.address.street,
    "shipping_address_2": lambda o: o.row.address and o.row.address.street2,
    "shipping_city": lambda o: o.row.address and o.row.address.city,
    "shipping_state": lambda o: o.row.address and (o.row.address.region_code or o.row.address.region),
    "shipping_zip": lambda o: o.row.address and o.row.address.postal_code,
    "shipping_country": lambda o: o.row.address and o.row.address.country,
    "shipping_phone": lambda o: o.row.address and o.row.address.phone,
    "status": lambda o: int(o.row.status),
    "type": lambda o: o.type,
}
MEDIA: dict[str, Give] = {"id": lambda m: m.id, "url": lambda m: m.url}
# UserProfile, of a store and of a buyer.
SELLER: dict[str, Give] = {
    "id": lambda s: s.id,
    "user_name": lambda s: s.slug,
    "avatar_media_id": lambda _: None,
}
BUYER: dict[str, Give] = {
    "id": lambda b: b.id,
    "user_name": lambda b: b.username or b.shown_name,
    "avatar_media_id": lambda _: None,
}
STORE: dict[str, Give] = {
    "id": lambda s: s.id,
    "name": lambda s: s.name,
    "status": lambda s: int(s.is_active),
    "type": lambda _: STORE_OF_SELLER,
    "flags": lambda s: IS_VENDOR if s.is_vendor else 0,
}
CAUSE: dict[str, Give] = {
    "id": lambda c: c.id,
    "status": lambda c: c.status,
    "name": lambda c: c.name,
    "local_name": lambda c: f"{c.name}, {c.place}" if c.place else c.name,
    "city": lambda c: c.place or None,
    "state": lambda _: None,
    "created": lambda c: utc_text(c.created_at),
    "product_count": lambda _: None,
}


class Said(NamedTuple):
    """A buyer's feedback with the item it is about and the store it is for."""

    row: Feedback
    item: OrderItem
    store: Store | StoreFacts


FEEDBACK: dict[str, Give] = {
    "id": lambda f: f.row.id,
    "created": lambda f: utc_text(f.row.created_at),
    "reviewee_id": lambda f: f.store.id,
    "reviewer_id": lambda f: f.item.order.buyer_id,
    "order_item_id": lambda f: f.item.id,
    "value": lambda f: f.row.value,
    "feedback": lambda f: f.row.text or None,
    "reviewer": lambda f: {"user_name": BUYER["user_name"](f.item.order.buyer)},
    "reviewee": lambda f: {"name": f.store.name},
}
HISTORY: dict[str, Give] = {  # OrderItemStatus
    "id": lambda e: e.id,
    "order_item_id": lambda e: e.item_id,
    "status": lambda e: e.after["status"],
    "updated": lambda e: int(e.at.timestamp()),
}


class PaidOut(NamedTuple):
    """A payout with its order's currency."""

    row: Payout
    currency: str


# Fees are the payment processor's: the desk moves no money and knows none.
PAYOUT: dict[str, Give] = {
    "id": lambda p: p.row.id,
    "status": lambda p: p.row.status,
    "user_id": lambda p: p.row.store_id if p.row.kind == "store" else None,
    "cause_id": lambda p: p.row.cause_id,
    "is_okanjo_commission": lambda p: int(p.row.kind == "commission"),
    "amount": lambda p: amount(p.row.amount_minor, p.currency),
    "estimated_fee": lambda _: None,
    "fee": lambda _: None,
    "associated_payment_fee": lambda _: None,
}


class Embed(NamedTuple):
    """An object that may stand inside an item: its fields, and where it comes from (one, list, map, None)."""

    table: dict[str, Give]
    find: Callable[[OrderItem, Beside], Any]


def _order(item: OrderItem, beside: Beside) -> PlacedOrder:
    """Return the item's order."""
    is_given = item.order_id in beside.donations
    return PlacedOrder(item.order, ORDER_OF_DONATIONS if is_given else ORDER_OF_THINGS)


def _feedback(item: OrderItem, beside: Beside) -> Said | None:
    """Return what the buyer said of the item."""
    row = beside.feedback.get(item.id)
    return Said(row, item, beside.store) if row else None


# Seed 000's words for `embed`; the sister page of the same day says `store` for the seller's shop.
EMBEDS: dict[str, Embed] = {
    "order": Embed(ORDER, _order),
    "media": Embed(MEDIA, lambda i, b: {str(m.id): m for m in b.pictures_of(i)}),
    "seller": Embed(SELLER, lambda _i, b: b.store),
    "store": Embed(STORE, lambda _i, b: b.store),
    "buyer": Embed(BUYER, lambda i, _: i.order.buyer),
    "cause": Embed(CAUSE, lambda i, b: b.causes.get(i.cause_id or 0)),
    "feedback": Embed(FEEDBACK, _feedback),
    "history": Embed(HISTORY, lambda i, b: b.events.get(i.id, [])),
    "payouts": Embed(PAYOUT, lambda i, b: [PaidOut(p, i.order.currency) for p in b.payouts.get(i.id, [])]),
}
FIELDS = frozenset(
    {*ITEM, *EMBEDS, *(f"{name}.{inner}" for name, embed in EMBEDS.items() for inner in embed.table)}
)


class Shown(NamedTuple):
    """What is shown: the item's fields, and for each embedded object its own."""

    fields: frozenset[str]
    embeds: dict[str, frozenset[str]]

    @classmethod
    def of(cls, fields: Sequence[str] | None, embeds: Collection[str]) -> Self:
        """Make it from `fields` (None: all) and `embed`; a field such as "order.id" lies in an object."""
        whole = {name: frozenset(EMBEDS[name].table) for name in EMBEDS if name in embeds}
        if fields is None:
            return cls(frozenset(ITEM), whole)
        inner: defaultdict[str, set[str]] = defaultdict(set)
        for name in fields:
            outer, _, within = name.partition(".")
            inner[outer].update({within} if within else EMBEDS[outer].table if outer in EMBEDS else ())
        return cls(
            frozenset(inner).intersection(ITEM),
            {name: frozenset(inner[name]) for name in whole if name in inner},
        )

    @property
    def names(self) -> frozenset[str]:
        """Return all that is shown by name: "status", "order", "order.type"."""
        inner = (f"{name}.{key}" for name, keys in self.embeds.items() for key in keys)
        return self.fields.union(self.embeds, inner)


def items_json(
    items: Sequence[OrderItem], store: Store | StoreFacts, shown: Shown
) -> list[dict[str, object]]:
    """Return the OrderItem objects of these items, with exactly what is shown."""
    beside = gather(items, store, shown.names)
    return [item_json(item, beside, shown) for item in items]


def item_json(item: OrderItem, beside: Beside, shown: Shown) -> dict[str, object]:
    """Return one OrderItem object."""
    found = {name: give(item, beside) for name, give in ITEM.items() if name in shown.fields}
    for name, inner in shown.embeds.items():
        embed = EMBEDS[name]
        table = {key: give for key, give in embed.table.items() if key in inner}
        found[name] = _inner_json(embed.find(item, beside), table)
    return found


def _inner_json(thing: Any, table: dict[str, Give]) -> object:
    """Return an embedded object, list or map of objects; null where there is none."""
    match thing:
        case None:
            return None
        case list():
            return [_inner_json(one, table) for one in thing]
        case dict():
            return {key: _inner_json(one, table) for key, one in thing.items()}
        case _:
            return {key: give(thing) for key, give in table.items()}
