"""Sales of the other stores that show one thing each: deals in every state, causes, and a store abroad."""

from collections.abc import Callable
from datetime import datetime
from random import Random

from app.demo.baskets import with_windows
from app.demo.cast import Shop
from app.demo.customers import account_holder, someone
from app.demo.sales import Sale
from app.demo.showpieces import HOUR, MINUTE, S, Stage, of_paper
from app.statuses import Channel, OrderKind, Payment


def of_deals(rng: Random, shop: Shop, now: datetime) -> list[Sale]:
    """Return the vendor store's showpieces."""
    stage = Stage(rng, shop, now)
    for scene in (deals_open, deals_over, beside_deals, bea_and_deals):
        scene(stage)
    return stage.sales


def deals_open(on: Stage) -> None:
    """Show deals that wait: for a person, for money, to be confirmed; the promotion on, ending, over."""
    on.paid("US", on.some("D-01"), ago=20 * MINUTE)
    on.paid("US", on.some("D-02"), ago=30 * HOUR, channel=Channel.SQUARE)
    for ago, days in ((40, 42), (60, 57)):  # the promotion ends the day after tomorrow; it has ended
        ending = with_windows(on.rng, on.some("D-04"), on.day(ago), days)
        on.paid("US", ending, days=ago)
    on.sale("CA", on.some("D-05"), ago=6 * HOUR)
    on.sale("US", on.some("D-03"), ago=90 * MINUTE).told(on.now - HOUR, "draft", {0: S.NOT_SUBMITTED})
    sale = on.paid("MX", on.some("D-01"), days=25)
    sale.told(on.day(2), "dispute", {0: S.PENDING_DISPUTE})


def deals_over(on: Stage) -> None:
    """Show deals that were redeemed, paid back, cancelled, or never used."""
    tyrone = someone(on.rng, "US", name="Tyrone Jefferson", city="Chicago", username="tyrone")
    sale = on.paid(tyrone, on.some("D-01"), days=9)
    sale.moved(on.day(2), 0, S.COMPLETE, at_desk=on.shop.counter, ack="Table 4, both courses.")
    sale.told(on.day(1), "review", by=sale.buyer, ratings=[(0, 5, "The soup alone was worth it.")])
    sale = on.paid("US", on.some("D-02"), days=33)
    sale.told(on.day(20), "refund", {0: S.REFUNDED}, payment=Payment.REFUNDED, refund=3500)
    sale = on.sale("US", on.some("D-03"), days=15)
    sale.told(on.day(9), "cancel", {0: S.VOIDED}, payment=Payment.CANCELED)
    sale = on.paid("US", on.some("D-05"), days=400)
    sale.told(on.day(200), "expire", {0: S.EXPIRED}, by=on.shop.owner)


def beside_deals(on: Stage) -> None:
    """Show what the store sells besides: baskets, a pickup, a service, a gift of money, a download."""
    on.paid("US", on.some("G-01"), on.some("C-01"), due=0, gift_message="Get well soon, from all of us")
    on.paid("US", on.some("G-02", 4), due=-1)
    on.paid("US", on.some("P-01"), ago=28 * HOUR)
    on.paid("US", on.some("S-01"), days=4)
    on.paid("IN", on.some("A-01"), on.some("C-01", 3), days=5)
    sale = on.paid("US", on.some("G-03"), days=6, channel=Channel.WEEBLY)
    sale.shipped(on.day(5), on.number("UPS"))


def bea_and_deals(on: Stage) -> None:
    """Show what the first of the two people with accounts bought here."""
    bea = account_holder(on.rng, "buyer", "DE", "Görlitz")
    on.paid(bea, on.some("D-04"), days=4)
    sale = on.paid(bea, on.some("D-03"), days=70)
    sale.moved(on.day(50), 0, S.COMPLETE, at_desk=on.shop.counter, ack="Seen and stamped.")
    on.paid(bea, on.some("G-03"), due=1)


def of_japan(rng: Random, shop: Shop, now: datetime) -> list[Sale]:
    """Return the showpieces of the store abroad, whose money has no decimals."""
    on = Stage(rng, shop, now)
    on.paid("JP", on.some("WS-01", 2), on.some("WS-05"), ago=70 * MINUTE)
    on.paid("TW", on.some("WS-07"), due=-1)
    on.paid("TH", on.some("WS-08"), days=5).shipped(on.day(4), on.number("Japan Post"))
    sale = on.paid("JP", on.some("WS-02", 3), days=9).shipped(on.day(8), on.number("Yamato"))
    sale.received(on.day(6), [(0, 5, "とても丁寧な梱包でした。")])
    on.sale("KR", on.some("WS-06"), kind=OrderKind.OFFER.value, ago=7 * HOUR)
    bruno = account_holder(rng, "buyer2", "GB", "Glasgow")
    for ago, sku, price in ((8, "WS-07", 2900), (6, "WS-05", 2000), (3, "WS-03", 400)):
        line = on.some(sku, price=price, postage=1200, additional=200)
        on.sale(bruno, line, kind=OrderKind.OFFER.value, ago=ago * HOUR, postage=1200)
    on.paid(bruno, on.some("WS-04", 2), ago=11 * HOUR)
    on.paid(bruno, on.some("WS-09"), days=40)
    on.paid(bruno, on.some("WS-03"), days=7).shipped(on.day(6), on.number("Japan Post"))
    return on.sales


# Store -> what makes its showpieces; the other stores have none.
SHOWPIECES: dict[str, Callable[[Random, Shop, datetime], list[Sale]]] = {
    "papershop": of_paper,
    "vendorshop": of_deals,
    "othershop": of_japan,
}
