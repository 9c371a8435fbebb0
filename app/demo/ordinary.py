"""Sales drawn by chance: bought, paid, sent, received, and now and then gone wrong."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from app.actions.combining import COMBINING
from app.actions.parcels import NO_TRACKING
from app.demo.baskets import bought, code, drawn_lines, purchase, with_extras
from app.demo.cast import Shop
from app.demo.customers import Customer
from app.demo.hours import at_work, bought_at, midnight
from app.demo.numbers import sent_from
from app.demo.sales import LIVE, Sale
from app.demo.wares import LOTS
from app.demo.words import ACKNOWLEDGEMENTS, PRIVATE_NOTES, REVIEWS, VISIBLE_NOTES
from app.statuses import Channel, ItemStatus, Kind, OrderKind, Payment

MINUTES = timedelta(minutes=1)
HOURS = timedelta(hours=1)
DAYS = timedelta(days=1)

# Working days until goods are sent, and of a hundred sales how many take so long: some are late.
PACKING_DAYS = (0, 1, 2, 3, 5)
PACKING_OF_HUNDRED = (30, 43, 21, 4, 2)


def drawn_sale(rng: Random, shop: Shop, customers: list[Customer], now: datetime) -> Sale:
    """Draw one sale with all that will ever happen to it."""
    at = bought_at(rng, shop.store, now)
    channels = shop.said.channels
    channel = rng.choices(list(channels), list(channels.values()))[0]
    lines = drawn_lines(rng, shop)
    if channel in {Channel.INTAKE, Channel.EBAY} and shop.slug == "papershop" and rng.random() < 0.12:
        lines = (bought(rng, shop, rng.choice(LOTS), price=rng.randrange(2400, 24000, 50)),)
    customer = rng.choice(customers)
    said = purchase(rng, shop, customer, lines, at, channel=channel)
    said = replace(said, **with_extras(rng, said))
    if said.kind in COMBINING:
        # What becomes of a sale is written down beforehand: of two that became one, neither's would fit.
        if customer.username in shop.waiting:
            said = replace(said, kind=OrderKind.FIXED_PRICE.value)
        shop.waiting.add(customer.username)
    if said.is_day_only:
        said = replace(said, placed_at=midnight(shop.store, at))
    sale = Sale(shop, said, told_at=at)
    if channel in LIVE | {Channel.DESK} and rng.random() < 0.045:
        _never_paid(rng, sale, at)
    else:
        _pay(rng, sale, at)
        _live(rng, sale)
    return sale


def _never_paid(rng: Random, sale: Sale, at: datetime) -> None:
    """Let the payment never come: after a week the sale is cancelled."""
    _cancel(sale, at_work(rng, sale.shop.store, at + 6 * DAYS, rng.randint(0, 3)))


def _cancel(sale: Sale, at: datetime) -> None:
    """Let a sale of which nothing was paid be cancelled."""
    voided = dict.fromkeys(range(len(sale.purchase.lines)), ItemStatus.VOIDED)
    sale.told(at, "cancel", voided, by=sale.shop.owner, payment=Payment.CANCELED)


def _pay(rng: Random, sale: Sale, at: datetime) -> None:
    """Let the payment come as it does for its channel."""
    said = sale.purchase
    if said.kind == OrderKind.IMPORTED:
        if said.channel == Channel.EBAY:
            sale.paid(at, Payment.PAID_PAYPAL, "paypal", code(rng, 17))
        else:
            sale.paid(at, method=said.channel)
        return
    slowly = said.kind in {OrderKind.AUCTION, OrderKind.OFFER, OrderKind.PAY_LATER, OrderKind.TYPED}
    at += rng.randint(30, 90 * 60) * MINUTES if slowly else rng.randint(1, 6) * MINUTES
    chance = rng.random()
    if chance < 0.42:
        sale.paid(at, Payment.PAID_PAYPAL, "paypal", code(rng, 17))
    elif chance < 0.82:
        sale.paid(at, gateway_code=f"ch_{code(rng, 20)}")
    elif chance < 0.97 or len(sale.of_kind(Kind.GOODS)) < len(said.lines):
        sale.paid(at_work(rng, sale.shop.store, at, 1), method="bank transfer")
    else:
        sale.paid(at, Payment.ON_ARRIVAL)


def _live(rng: Random, sale: Sale) -> None:
    """Let the store do its part, line by line as each is fulfilled, and the buyer theirs."""
    shop, at = sale.shop, sale.paid_at
    if rng.random() < 0.08:
        is_private = rng.random() < 0.7
        sale.noted(at, rng.choice(PRIVATE_NOTES if is_private else VISIBLE_NOTES), is_private=is_private)
    for line in sale.of_kind(Kind.PICKUP):
        when = at_work(rng, shop.store, at, rng.randint(1, 5))
        sale.moved(when, line, ItemStatus.COMPLETED_BY_SELLER, at_desk=shop.bench)
    for line in sale.of_kind(Kind.SERVICE):
        when = at_work(rng, shop.store, at, rng.randint(2, 8))
        sale.moved(when, line, ItemStatus.PENDING_ACQUISITION, at_desk=shop.bench)
    for line in sale.of_kind(Kind.DEAL):
        _redeemed(rng, sale, at, line)
    if sale.of_kind(Kind.GOODS):
        _goods(rng, sale, at)


def _redeemed(rng: Random, sale: Sale, at: datetime, line: int) -> None:
    """Let a deal be redeemed, mostly within its window, or run out."""
    if rng.random() < 0.12:
        sale.told(at + 180 * DAYS, "expire", {line: ItemStatus.EXPIRED}, by=sale.shop.owner)
        return
    ack = rng.choice((*ACKNOWLEDGEMENTS, None))
    when = at_work(rng, sale.shop.store, at + rng.randint(1, 50) * DAYS, 0)
    sale.moved(when, line, ItemStatus.COMPLETE, at_desk=sale.shop.counter, ack=ack)


def _goods(rng: Random, sale: Sale, at: datetime) -> None:
    """Let the goods leave, or be sold out; then be received, or not."""
    store, home = sale.shop.store, sale.shop.said.home
    if rng.random() < 0.02:
        _give_up(rng, sale, at_work(rng, store, at, 1))
        return
    address = sale.purchase.address
    to = address.country if address else home
    at = _sent(rng, sale, at_work(rng, store, at, rng.choices(PACKING_DAYS, PACKING_OF_HUNDRED)[0]), to)
    at += (rng.randint(1, 4) if to == home else rng.randint(4, 18)) * DAYS
    if sale.is_unsettled:
        sale.paid(at, method="cash")
    chance = rng.random()
    if chance < 0.02:
        _give_up(rng, sale, at + 3 * DAYS)
    elif chance < 0.9:
        reviews = [(sale.of_kind(Kind.GOODS)[0], *rng.choice(REVIEWS))] if rng.random() < 0.3 else []
        sale.received(at + rng.randint(0, 70) * HOURS, reviews)


def _sent(rng: Random, sale: Sale, at: datetime, to: str) -> datetime:
    """Let the goods leave in one parcel or two; return when the last one left."""
    home, goods = sale.shop.said.home, sale.of_kind(Kind.GOODS)
    pieces = {n: sale.purchase.lines[n].quantity for n in goods}
    first = {n: (quantity + 1) // 2 for n, quantity in pieces.items()}
    rest = {n: quantity - first[n] for n, quantity in pieces.items() if quantity > first[n]}
    if rest and rng.random() < 0.25:
        sale.shipped(at, sent_from(rng, home, to), first)
        at = at_work(rng, sale.shop.store, at, rng.randint(1, 3))
        sale.shipped(at, sent_from(rng, home, to), rest)
    elif len(goods) == 1 and rng.random() < 0.1:
        sale.labelled(at - rng.randint(1, 5) * HOURS, goods[0], sent_from(rng, home, to))
        sale.shipped(at, NO_TRACKING)
    else:
        sale.shipped(at, sent_from(rng, home, to))
    return sale.steps[-1].at


def _give_up(rng: Random, sale: Sale, at: datetime) -> None:
    """Let the goods be paid back (or cancelled, unpaid): the whole sale where nothing else is in it."""
    said, lines = sale.purchase, sale.of_kind(Kind.GOODS)
    if sale.is_unsettled:
        _cancel(sale, at)
        return
    is_all = len(lines) == len(said.lines)
    total = said.money["total_minor"]
    sale.told(
        at,
        "refund",
        dict.fromkeys(lines, ItemStatus.REFUNDED),
        by=sale.shop.owner,
        kept=lines if rng.random() < 0.4 else (),
        payment=Payment.REFUNDED if is_all else None,
        refund=total if is_all else min(total, sum(said.lines[n].total for n in lines)),
    )
