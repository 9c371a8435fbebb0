"""Okanjo's objects (reference 1.4): what each field shows of an item and of what hangs on it.

Tables from field to value, in the order of the reference; a field that is not asked for is not computed.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Self

from app.api.okanjo.beside import Beside, gather
from app.api.okanjo.item import ITEM, amount
from app.api.shape import first_and_last, utc_text
from app.models import Payout, Store
from app.queries import people
from app.queries.people import StoreFacts
from app.queries.sight import ALL, Sight
from app.queries.told_items import Told

ORDER_OF_THINGS, ORDER_OF_DONATIONS = 1, 2  # OrderType
STORE_OF_SELLER = 1  # StoreType
IS_VENDOR = 1  # StoreFlag

Give = Callable[[Any], object]


class PlacedOrder(NamedTuple):
    """An order, as a row of one of its items tells of it, with its OrderType."""

    row: Any
    type: int


def _names(row: Any) -> tuple[str | None, str | None]:
    """Return first and last name of whom the order goes to; None where it goes nowhere."""
    if row.address_id is None:
        return None, None
    return first_and_last(row.to_name, row.to_given_name, row.to_family_name)


ORDER: dict[str, Give] = {
    "id": lambda o: o.row.order_id,
    "buyer_id": lambda o: o.row.buyer_id,
    "created": lambda o: utc_text(o.row.ordered_at),
    "shipping_first_name": lambda o: _names(o.row)[0],
    "shipping_last_name": lambda o: _names(o.row)[1],
    "shipping_address_1": lambda o: o.row.to_street,
    "shipping_address_2": lambda o: o.row.to_street2,
    "shipping_city": lambda o: o.row.to_city,
    "shipping_state": lambda o: o.row.to_region_code or o.row.to_region,
    "shipping_zip": lambda o: o.row.to_postal_code,
    "shipping_country": lambda o: o.row.to_country,
    "shipping_phone": lambda o: o.row.to_phone,
    "status": lambda o: int(o.row.order_status),
    "type": lambda o: o.type,
}
MEDIA: dict[str, Give] = {"id": lambda m: m.id, "url": lambda m: m.url}
# UserProfile, of a store and of a buyer (by a row of one of their items).
SELLER: dict[str, Give] = {
    "id": lambda s: s.id,
    "user_name": lambda s: s.slug,
    "avatar_media_id": lambda _: None,
}
BUYER: dict[str, Give] = {
    "id": lambda i: i.buyer_id,
    "user_name": lambda i: i.buyer_username or i.buyer_name or f"Buyer {i.buyer_id}",
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


class Author(NamedTuple):
    """Who said something of an item: its buyer, with the item's id."""

    id: int
    buyer_id: int
    buyer_username: str
    buyer_name: str


class Said(NamedTuple):
    """A buyer's feedback with the item it is about (and its buyer), and the store it is for."""

    row: Any
    item: Any
    store_id: int
    store_name: str


FEEDBACK: dict[str, Give] = {
    "id": lambda f: f.row.id,
    "created": lambda f: utc_text(f.row.created_at),
    "reviewee_id": lambda f: f.store_id,
    "reviewer_id": lambda f: f.item.buyer_id,
    "order_item_id": lambda f: f.item.id,
    "value": lambda f: f.row.value,
    "feedback": lambda f: f.row.text or None,
    "reviewer": lambda f: {"user_name": BUYER["user_name"](f.item)},
    "reviewee": lambda f: {"name": f.store_name},
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
    find: Callable[[Told, Beside], Any]


def _order(item: Told, beside: Beside) -> PlacedOrder:
    """Return the item's order."""
    is_given = item.row.order_id in beside.donations
    return PlacedOrder(item.row, ORDER_OF_DONATIONS if is_given else ORDER_OF_THINGS)


def _feedback(item: Told, beside: Beside) -> Said | None:
    """Return what the buyer said of the item."""
    row, store = beside.feedback.get(item.row.id), beside.stores[item.row.store_id]
    return Said(row, item.row, store.id, store.name) if row else None


def _payouts(item: Told, beside: Beside) -> list[PaidOut]:
    """Return what of the item goes to whom."""
    return [PaidOut(payout, item.row.currency) for payout in beside.payouts.get(item.row.id, [])]


# What an order shows of where it goes: personal data.
SHIPPING = frozenset(name for name in ORDER if name.startswith("shipping_"))

# Seed 000's words for `embed`; the sister page of the same day says `store` for the seller's shop.
EMBEDS: dict[str, Embed] = {
    "order": Embed(ORDER, _order),
    "media": Embed(MEDIA, lambda i, _: {str(picture.id): picture for picture in i.pictures}),
    "seller": Embed(SELLER, lambda i, b: b.stores[i.row.store_id]),
    "store": Embed(STORE, lambda i, b: b.stores[i.row.store_id]),
    "buyer": Embed(BUYER, lambda i, _: i.row),
    "cause": Embed(CAUSE, lambda i, b: b.causes.get(i.row.cause_id or 0)),
    "feedback": Embed(FEEDBACK, _feedback),
    "history": Embed(HISTORY, lambda i, b: b.events.get(i.row.id, [])),
    "payouts": Embed(PAYOUT, _payouts),
}


class Shape(NamedTuple):
    """What an object has: its fields, and the fields of what may lie in it."""

    fields: Mapping[str, Callable[..., object]]
    embeds: Mapping[str, Mapping[str, Callable[..., object]]]

    @property
    def names(self) -> frozenset[str]:
        """Return all that may be named: "status", "order", "order.type"."""
        inner = (f"{name}.{key}" for name, table in self.embeds.items() for key in table)
        return frozenset({*self.fields, *self.embeds, *inner})


def _shape(without: Collection[str] = ()) -> Shape:
    """Return what an OrderItem has, but for these names."""
    return Shape(
        {name: give for name, give in ITEM.items() if name not in without},
        {name: embed.table for name, embed in EMBEDS.items() if name not in without},
    )


SALE = _shape()
# The acknowledgement is the seller's alone (reference 1.4), and so is what goes to whom.
BOUGHT = _shape({"product_deal_vendor_ack", "payouts"})


class Shown(NamedTuple):
    """What is shown: the object's fields, and for each embedded object its own."""

    fields: frozenset[str]
    embeds: dict[str, frozenset[str]]

    @classmethod
    def of(cls, shape: Shape, fields: Sequence[str] | None, embeds: Collection[str]) -> Self:
        """Make it from `fields` (None: all) and `embed`; a field such as "order.id" lies in an object."""
        whole = {name: frozenset(table) for name, table in shape.embeds.items() if name in embeds}
        if fields is None:
            return cls(frozenset(shape.fields), whole)
        inner: defaultdict[str, set[str]] = defaultdict(set)
        for name in fields:
            outer, _, within = name.partition(".")
            inner[outer].update({within} if within else shape.embeds.get(outer, ()))
        return cls(
            frozenset(inner).intersection(shape.fields),
            {name: frozenset(inner[name]) for name in whole if name in inner},
        )

    @property
    def names(self) -> frozenset[str]:
        """Return all that is shown by name: "status", "order", "order.type"."""
        inner = (f"{name}.{key}" for name, keys in self.embeds.items() for key in keys)
        return self.fields.union(self.embeds, inner)


def bought_json(items: Sequence[Told], shown: Shown) -> list[dict[str, object]]:
    """Return the OrderItem objects of items that somebody bought, of whichever stores."""
    is_shop_shown = bool({"seller", "store", "feedback"} & shown.embeds.keys())
    stores = people.stores_by_id({item.row.store_id for item in items}) if is_shop_shown else {}
    return items_json(items, stores, shown)


def items_json(
    items: Sequence[Told], stores: Mapping[int, Store | StoreFacts], shown: Shown, sight: Sight = ALL
) -> list[dict[str, object]]:
    """Return the OrderItem objects of these items, with exactly what is shown.

    `stores` are those that sold them, where something of the store is shown. What `sight` hides is null,
    and there are no payouts.
    """
    beside = gather(items, stores, shown.names if sight.money else shown.names - {"payouts"})
    fields = [(name, give) for name, give in ITEM.items() if name in shown.fields]
    embeds = [
        (name, EMBEDS[name].find, {key: give for key, give in _seen(name, sight).items() if key in inner})
        for name, inner in shown.embeds.items()
    ]
    found = []
    for item in items:
        shown_of_item = {name: give(item.row, item.pictures) for name, give in fields}
        shown_of_item |= {name: _inner_json(find(item, beside), table) for name, find, table in embeds}
        found.append(shown_of_item)
    return found


def _seen(name: str, sight: Sight) -> Mapping[str, Give]:
    """Return the table of an embedded object, with null for personal data that is hidden."""
    table = EMBEDS[name].table
    if name != "order" or sight.personal:
        return table
    return {key: (lambda _: None) if key in SHIPPING else give for key, give in table.items()}


def given_json(thing: Any, table: dict[str, Give], names: frozenset[str]) -> dict[str, object]:
    """Return these fields of an object, in the sequence of its table."""
    return {name: give(thing) for name, give in table.items() if name in names}


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
