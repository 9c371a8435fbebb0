"""What is bought together in the demo: lines, postage, and the words that come with a purchase."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.actions.purchases import DiscountSaid, LineSaid, Purchase
from app.demo.cast import Shop
from app.demo.customers import Customer
from app.demo.numbers import digits
from app.demo.wares import Ware, line
from app.demo.words import BUYER_NOTES, GIFT_MESSAGES
from app.money import decimals
from app.statuses import Channel, Kind, OrderKind, ProductType, kind_of

# How many different things are in a basket, and of a hundred baskets how many have so many.
SIZES = (1, 2, 3, 4, 6)
SIZES_OF_HUNDRED = (52, 24, 13, 7, 4)
INTAKE_KINDS = (OrderKind.FIXED_PRICE, OrderKind.OFFER, OrderKind.PAY_LATER)
DAY_ONLY = frozenset({Channel.ETSY, Channel.FILE})
LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"

# What postage is called and costs in minor units, at home and abroad, in currencies of two decimals.
POSTAGE = {"DE": ("Brief", 180, 370), "US": ("First Class", 450, 1490), "JP": ("ゆうパケット", 250, 900)}
OTHER_POSTAGE = ("Standard", 320, 790)


def code(rng: Random, n: int) -> str:
    """Return n letters and digits, as gateways make them."""
    return "".join(rng.choice(LETTERS) for _ in range(n))


def outside_id(rng: Random, shop: Shop, channel: Channel) -> str | None:
    """Return an order's id in the shape of its channel, new to the store; what was typed in has none."""
    if channel is Channel.DESK:
        return None
    while (found := _any_id(rng, channel)) in shop.taken_ids:
        pass
    shop.taken_ids.add(found)
    return found


def _any_id(rng: Random, channel: Channel) -> str:
    """Return an id in the shape of this channel."""
    return {
        Channel.INTAKE: lambda: f"lot-{digits(rng, 6)}",
        Channel.ETSY: lambda: f"3{digits(rng, 9)}",
        Channel.EBAY: lambda: f"{rng.randint(10, 27)}-{digits(rng, 5)}-{digits(rng, 5)}",
        Channel.AMAZON: lambda: f"30{rng.randint(2, 6)}-{digits(rng, 7)}-{digits(rng, 7)}",
        Channel.SHOPIFY: lambda: f"#{digits(rng, 5)}",
        Channel.SQUARE: lambda: code(rng, 22),
    }.get(channel, lambda: digits(rng, 7))()


def drawn_lines(rng: Random, shop: Shop) -> tuple[LineSaid, ...]:
    """Draw what is in a basket: a deal is always bought alone."""
    wares = shop.said.wares
    chosen = rng.sample(wares, k=min(len(wares), rng.choices(SIZES, SIZES_OF_HUNDRED)[0]))
    deals = [w for w in chosen if w.kind is Kind.DEAL]
    if deals:
        chosen = deals[:1]
    return tuple(bought(rng, shop, ware, _quantity(rng, ware)) for ware in chosen)


def _quantity(rng: Random, ware: Ware) -> int:
    """Draw how many pieces of one thing are bought."""
    if ware.kind is not Kind.GOODS:
        return 1
    if ware.title.startswith(("Envelope", "Visiting")):
        return rng.choice((5, 10, 10, 20, 50))
    return rng.choices((1, 2, 3, 5, 8), (62, 22, 9, 5, 2))[0]


def bought(rng: Random, shop: Shop, ware: Ware, quantity: int = 1, **changes: Any) -> LineSaid:
    """Return a line of a purchase in this store; a pledged share goes to one of the demo's causes."""
    if ware.donation_pct or ware.kind is Kind.DONATION:
        changes = {
            "cause_id": shop.causes[len(ware.sku + ware.title) % len(shop.causes)],
            "donation_pct": ware.donation_pct or 100,
            **changes,
        }
    return line(ware, quantity, slug=shop.slug, rng=rng, **changes)


def with_windows(rng: Random, said: LineSaid, placed_at: datetime, days: int = 60) -> LineSaid:
    """Return a deal with its number and its windows: bought while it was on, worth more for so many days."""
    start = placed_at - timedelta(days=rng.randint(1, 20))
    return LineSaid(
        **{
            **vars(said),
            "deal_start": start,
            "deal_end": start + timedelta(days=30),
            "promo_start": start,
            "promo_end": placed_at + timedelta(days=days),
            "deal_number": rng.randint(100_000, 999_999),
        }
    )


def purchase(
    rng: Random,
    shop: Shop,
    customer: Customer,
    lines: Iterable[LineSaid],
    placed_at: datetime,
    *,
    channel: Channel = Channel.INTAKE,
    **changes: Any,
) -> Purchase:
    """Return a purchase of these lines by this person, with postage where something is sent."""
    wanted = tuple(
        with_windows(rng, said, placed_at) if said.type == ProductType.DEAL and not said.deal_number else said
        for said in lines
    )
    is_sent = any(kind_of(x.type, x.delivery, x.is_pickup) is Kind.GOODS for x in wanted)
    method, postage = _postage(shop, customer, wanted) if is_sent else ("", 0)
    said: dict[str, Any] = {
        "channel": channel.value,
        "external_id": outside_id(rng, shop, channel),
        "kind": _kind(rng, channel, wanted).value,
        "currency": shop.said.currency,
        "buyer": customer.said(channel),
        "address": customer.address if is_sent else None,
        "lines": wanted,
        "placed_at": placed_at,
        "is_day_only": channel in DAY_ONLY,
        "postage": postage,
        "postage_method": method,
    }
    return Purchase(**{**said, **changes})


def _kind(rng: Random, channel: Channel, lines: tuple[LineSaid, ...]) -> OrderKind:
    """Return how an order of this channel came about."""
    if channel is Channel.DESK:
        return OrderKind.TYPED
    if channel is not Channel.INTAKE:
        return OrderKind.IMPORTED
    if any(x.type == ProductType.AUCTION for x in lines):
        return OrderKind.AUCTION
    return rng.choices(INTAKE_KINDS, (86, 9, 5))[0]


def _postage(shop: Shop, customer: Customer, lines: tuple[LineSaid, ...]) -> tuple[str, int]:
    """Return what the postage is called and what it costs."""
    name, at_home, abroad = POSTAGE.get(shop.said.home, OTHER_POSTAGE)
    is_heavy = sum(float(x.weight or 0) * x.quantity for x in lines) > 1
    base = at_home if customer.address.country == shop.said.home else abroad
    return ("Parcel", base * 3) if is_heavy else (name, base)


def with_extras(rng: Random, said: Purchase) -> dict[str, Any]:
    """Draw what some purchases carry besides: a coupon, tax, a gift message, a note, odd cents."""
    found: dict[str, Any] = {}
    if rng.random() < 0.06:
        off = said.items_total // 10
        found |= {"discount": off, "discounts": (DiscountSaid("coupon", "PAPER10", off),)}
    if said.currency == "USD" and said.address and said.address.region == "IL":
        found["tax"] = said.items_total * 625 // 10_000
    if rng.random() < 0.05:
        found["gift_message"] = rng.choice(GIFT_MESSAGES)
    if rng.random() < 0.08:
        found["buyer_note"] = rng.choice(BUYER_NOTES)
    if said.channel == Channel.EBAY and rng.random() < 0.2 and decimals(said.currency):
        parts = said.items_total - found.get("discount", 0) + said.postage + found.get("tax", 0)
        found["total"] = parts + rng.choice((-50, 25, 50))
    return found
