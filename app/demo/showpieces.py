"""Sales of the paper shop that show one thing each: what an empty chance might leave out.

`Stage` makes them short to write; the deals and the stores abroad have theirs in `showcase`.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.actions.combining import COMBINING
from app.actions.parcels import NO_TRACKING, Tracking
from app.actions.purchases import STAND_IN, AddressSaid, DiscountSaid, LineSaid
from app.demo.baskets import bought, code, purchase
from app.demo.cast import Shop
from app.demo.customers import Customer, account_holder, someone
from app.demo.hours import due_in, midnight, on_a_day
from app.demo.numbers import sent_from, tracking
from app.demo.sales import Sale
from app.demo.wares import LOTS
from app.demo.words import LONG_CITY, LONG_LOGIN, LONG_NAME, LONG_TITLE, LONG_WORD
from app.statuses import BuyerShipping, Channel, ItemStatus, OrderKind, Payment, Shipping

S = ItemStatus
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Stage:
    """One store in which showpieces are set up, at the demo's moment."""

    def __init__(self, rng: Random, shop: Shop, now: datetime) -> None:
        self.rng, self.shop, self.now = rng, shop, now
        self.wares = {ware.sku: ware for ware in shop.said.wares}
        self.sales: list[Sale] = []

    def some(self, sku: str, quantity: int = 1, /, **changes: Any) -> LineSaid:
        """Return a line of one of the store's wares."""
        return bought(self.rng, self.shop, self.wares[sku], quantity, **changes)

    def day(self, n: int) -> datetime:
        """Return some time of the day n days ago at which a store is open."""
        return on_a_day(self.rng, self.shop.store, self.now, n)

    def due(self, n: int) -> datetime:
        """Return when something was bought that is to leave in n working days."""
        return due_in(self.rng, self.shop.store, self.now, n)

    def lot(self, n: int, **changes: Any) -> LineSaid:
        """Return a line of one of the things that are auctioned."""
        return bought(self.rng, self.shop, LOTS[n], **changes)

    def sale(
        self,
        who: str | Customer,
        *lines: LineSaid,
        ago: timedelta | None = None,
        days: int = 0,
        due: int = 0,
        **changes: Any,
    ) -> Sale:
        """Set up a sale to a person, or to somebody of this country.

        It was bought so long or so many days ago, or so that it ships in `due` working days.
        """
        at = self.now - ago if ago else self.day(days) if days else self.due(due)
        buyer = someone(self.rng, who) if isinstance(who, str) else who
        said = purchase(self.rng, self.shop, buyer, lines, at, **changes)
        if said.is_day_only:
            said = replace(said, placed_at=midnight(self.shop.store, at))
        sale = Sale(self.shop, said, account=buyer.account, told_at=at)
        self.sales.append(sale)
        return sale

    def paid(self, who: str | Customer, *lines: LineSaid, **changes: Any) -> Sale:
        """Set up a sale that was paid a minute later: it joins no other one, and no other one joins it."""
        sale = self.sale(who, *lines, **changes)
        if "kind" not in changes and sale.purchase.kind in COMBINING:
            sale.changed(kind=OrderKind.FIXED_PRICE.value)
        return sale.paid(sale.told_at + MINUTE, gateway_code=f"ch_{code(self.rng, 20)}")

    def won(self, who: Customer, prices: dict[int, int], *, ago: timedelta) -> None:
        """Set up lots (place in LOTS -> price) that a person won one an hour, and has not paid yet."""
        for n, (lot, price) in enumerate(prices.items()):
            line = self.lot(lot, price=price, postage=690, additional=150)
            self.sale(who, line, ago=ago - n * HOUR, postage=690)

    def number(self, carrier: str) -> Tracking:
        """Return a carrier with a number of its own."""
        return tracking(self.rng, carrier)


def of_paper(rng: Random, shop: Shop, now: datetime) -> list[Sale]:
    """Return the paper shop's showpieces, the most telling first."""
    stage = Stage(rng, shop, now)
    for scene in SCENES:
        scene(stage)
    return stage.sales


def today(on: Stage) -> None:
    """Show what came in since yesterday."""
    rng = on.rng
    maja = someone(rng, "PL", name="Maja Kowalczyk", city="Poznań", username="maja.kowalczyk")
    on.paid(maja, on.some("SF-001", 2), on.some("WT-015"), ago=12 * MINUTE)
    ming = someone(rng, "CN", name="李 明", city="上海", username="li.ming")
    sale = on.sale(ming, on.some("SF-002"), ago=40 * MINUTE)
    sale.paid(on.now - 38 * MINUTE, Payment.PAID_PAYPAL, "paypal", code(rng, 17))
    owen = someone(rng, "GB", name="Owen Fairchild-Montgomery", city=LONG_CITY, username="owen")
    lines = (on.some("LC-014", 5), on.some("EN-006", 2), on.some("SW-221", 3))
    sale = on.paid(owen, *lines, on.some("BP-001"), on.some("PD-001"), ago=26 * HOUR)
    sale.shipped(on.now - 2 * HOUR, on.number("Royal Mail"), {0: 2, 1: 1})
    sale.noted(on.now - HOUR, "Gift, no invoice in the parcel.")
    zeynep = someone(rng, "TR", name="Zeynep Aydın", city="İzmir", username="zeynep")
    on.won(zeynep, {0: 12800, 3: 4100, 4: 3850}, ago=5 * HOUR)
    lily = someone(rng, "DE", name="Lily Hill", city="Berlin", username="lily")
    on.paid(lily, on.some("WK-001"), ago=27 * HOUR)


def due(on: Stage) -> None:
    """Show what is late, and what must leave today and tomorrow."""
    asa = someone(on.rng, "SE", name="Åsa Lindqvist", city="Växjö", username="asa")
    on.paid(asa, on.some("PS-104", 3), on.some("PP-003"), due=-1)
    hoa = someone(on.rng, "VN", name="Nguyễn Thị Hòa", city="Huế", username="hoa.nguyen")
    sale = on.sale(hoa, on.some("FP-101"), due=-2, buyer_note="Tôi trả tiền khi nhận hàng.")
    sale.paid(sale.told_at + MINUTE, Payment.ON_ARRIVAL)
    on.paid("UA", on.some("SB-005", 2), on.some("IN-012"), due=-4).noted(
        on.day(1), "Ink arrives on Monday, buyer knows.", is_private=False
    )
    for country, sku in (("GR", "NB-044"), ("IL", "GW-007"), ("DE", "EN-011"), ("US", "WC-027")):
        on.paid(country, on.some(sku, 2), due=0)
    for country, sku in (("KR", "OP-001"), ("EG", "LC-021"), ("FI", "PC-012")):
        on.paid(country, on.some(sku), due=1)


def labels(on: Stage) -> None:
    """Show labels made and parcels not gone yet, parcels in threes, and letters without a number."""
    on.paid("FR", on.some("SB-005"), due=1).labelled(on.now - HOUR, 0, on.number("UPS"))
    on.paid("CH", on.some("FP-101"), due=0).labelled(on.now - 3 * HOUR, 0, on.number("DHL"))
    sale = on.paid("US", on.some("VC-300", 250), on.some("EN-006", 250), days=9)
    sale.shipped(on.day(8), on.number("DHL"), {0: 100})
    sale.shipped(on.day(7), on.number("FedEx"), {0: 150, 1: 50})
    sale.shipped(on.day(6), on.number("USPS"), {1: 200})
    sale.labelled(on.day(5), 1, on.number("USPS"))
    on.paid("IE", on.some("LC-030"), days=5).shipped(on.day(4), Tracking("", ""))
    on.paid("NL", on.some("WT-022", 4), days=4).shipped(on.day(3), NO_TRACKING)
    for carrier, country in (("Canada Post", "CA"), ("La Poste", "FR"), ("Swiss Post", "CH"), ("GLS", "DE")):
        sale = on.paid(country, on.some("SB-005"), days=8)
        sale.shipped(on.day(7), on.number(carrier))
    amelia = someone(on.rng, "US", name="Amelia", city="Marietta", username="amelia")
    on.paid(amelia, on.some("SF-001", 2), days=3).shipped(on.day(2), on.number("USPS"))


def trouble(on: Stage) -> None:
    """Show what went wrong: a problem, a dispute, refunds running and done, things that came back."""
    karim = someone(on.rng, "EG", name="Karim El-Sayed", city="القاهرة", username="karim")
    sale = on.paid(karim, on.some("SB-005"), on.some("BP-001", 4), days=30)
    sale.shipped(on.day(28), on.number("Deutsche Post"))
    flags: dict[str, Any] = {"shipping": Shipping.PROBLEM, "buyer_shipping": BuyerShipping.PROBLEM}
    sale.told(on.day(3), "problem", **flags).noted(on.day(2), "Asked the post for a search.")
    sale = on.paid("BR", on.some("FP-101"), on.some("IN-012"), days=21)
    sale.shipped(on.day(20), on.number("UPS"))
    sale.told(on.day(4), "dispute", {0: S.PENDING_DISPUTE}, by=sale.buyer, **flags)
    sale = on.paid("IT", on.some("SW-300"), on.some("SW-221"), days=15)
    sale.shipped(on.day(13), on.number("DHL"))
    sale.refunding(on.day(2), 0)
    on.paid("DK", on.some("WC-027"), due=1).refunding(on.now - HOUR, 0)
    noa = someone(on.rng, "IL", name="Noa Ben-Ami", city="חיפה", username="noa")
    sale = on.paid(noa, on.some("PC-012"), days=19).shipped(on.day(18), on.number("UPS"))
    total = sale.purchase.money["total_minor"]
    sale.told(on.day(4), "refund", {0: S.REFUNDED}, payment=Payment.REFUNDED, refund=total)
    sale = on.paid("PT", on.some("NB-044", 2), on.some("LC-014"), days=14)
    sale.told(on.day(12), "refund", {1: S.REFUNDED}, by=on.shop.owner, refund=450)
    sale.shipped(on.day(11), on.number("DPD"), {0: 2})
    sale = on.paid("MX", on.some("GW-007"), days=50).shipped(on.day(48), Tracking("", ""))
    sale.told(on.day(9), "refund", {0: S.REFUNDED}, kept=[0], payment=Payment.REFUNDED, refund=1120)


def never(on: Stage) -> None:
    """Show what was never paid: carts, expired ones, cancelled ones, offers and sales typed in."""
    on.sale("DE", on.some("PP-003"), channel=Channel.DESK, ago=2 * HOUR).told(
        on.now - HOUR, "draft", {0: S.NOT_SUBMITTED}
    )
    on.sale("HU", on.some("OP-001"), days=30).told(on.day(23), "expire", {0: S.EXPIRED})
    sale = on.sale("RO", on.lot(1), days=12)
    sale.told(on.day(6), "cancel", {0: S.VOIDED}, by=on.shop.owner, payment=Payment.CANCELED)
    on.sale("CZ", on.some("FP-101", price=2700), kind=OrderKind.OFFER.value, ago=20 * HOUR)
    on.sale("AT", on.some("LS-001"), kind=OrderKind.PAY_LATER.value, days=3)
    on.sale("DE", on.some("VC-300", 500), channel=Channel.DESK, ago=50 * HOUR, postage=0)
    sale = on.paid("ES", on.some("WC-027"), on.some("PS-105", 2), days=10)
    sale.told(on.day(9), "cancel", {0: S.VOIDED}, by=on.shop.owner)
    sale.shipped(on.day(8), on.number("DHL"), {1: 2})


def done(on: Stage) -> None:
    """Show what is finished: received, handed over, taught, given, downloaded; and every kind in one sale."""
    hans = someone(on.rng, "DE", name="Hans-Jürgen Schmitz", city="Köln", username="hjs")
    sale = on.paid(hans, on.some("VC-300", 10, personalisation="H.-J. Schmitz, Orgelbau"), days=12)
    sale.shipped(on.day(11), on.number("DHL"))
    sale.received(on.day(8), [(0, 5, "Wunderschön, gerne wieder!")])
    on.paid("AE", on.some("PD-001"), on.some("DN-001"), days=6)
    on.paid("DE", on.some("WK-002", 3), days=8).moved(
        on.day(5), 0, S.COMPLETED_BY_SELLER, at_desk=on.shop.bench
    )
    on.paid("DE", on.some("LS-001"), days=20).moved(
        on.day(9), 0, S.PENDING_ACQUISITION, at_desk=on.shop.bench
    )
    on.paid("BE", on.some("LS-001"), days=2)
    kinds = ("SB-005", "PD-004", "WK-001", "LS-001", "DN-001")
    on.paid("DE", *(on.some(sku) for sku in kinds), due=1, gift_message="Zum Ruhestand von uns allen!")


def tongues(on: Stage) -> None:
    """Show names and addresses in scripts of all sorts."""
    names = (
        ("JP", "小鳥遊 さくら"),
        ("JP", "髙橋 リョウ"),
        ("KR", "남궁 하늘"),
        ("TH", "กมลชนก ศรีสุข"),
        ("IN", "प्रिया कुलकर्णी"),
        ("UA", "Їлля Ґудзь"),
        ("GR", "Δέσποινα Παπαδοπούλου"),
        ("AE", "مريم الهاشمي"),
        ("IL", "אורי כהן־צדק"),
    )
    for days, (country, name) in enumerate(names, start=3):
        buyer = someone(on.rng, country, name=name)
        on.paid(buyer, on.some("WT-022"), on.some("EN-011", 5), days=days, channel=Channel.ETSY).shipped(
            on.day(days - 1), sent_from(on.rng, on.shop.said.home, country)
        )


def joined(on: Stage) -> None:
    """Show the purchases of the two people who have accounts."""
    bea = account_holder(on.rng, "buyer", "DE", "Görlitz")
    on.paid(bea, on.some("IN-012"), on.some("FP-101"), due=1)
    on.won(bea, {4: 3300, 3: 5900, 1: 7250}, ago=9 * HOUR)
    on.paid(bea, on.some("PP-003"), days=6).shipped(on.day(5), on.number("DHL"))
    sale = on.paid(bea, on.some("LC-014", 3), on.some("PD-004"), days=80)
    sale.shipped(on.day(79), on.number("Hermes")).received(on.day(75), [(0, 5, "")])
    on.paid(bea, on.some("WK-001"), days=2)
    bruno = account_holder(on.rng, "buyer2", "GB", "Glasgow")
    on.paid(bruno, on.some("NB-044", 2), ago=5 * HOUR)
    on.paid(bruno, on.some("SW-221"), days=9).shipped(on.day(8), on.number("Royal Mail"))
    on.paid(bruno, on.some("DN-001"), days=200)


def odd(on: Stage) -> None:
    """Show what strains a page: long names, many lines, odd cents, nothing to pay, a guest, no lines told."""
    long = someone(on.rng, "PT", name=LONG_NAME, username=LONG_LOGIN)
    lines = (on.some("SB-005", title=LONG_TITLE), on.some("OP-001", title=LONG_WORD, sku=LONG_WORD.upper()))
    on.paid(long, *lines, due=1, gift_message=" ".join([LONG_WORD] * 9), buyer_note=LONG_TITLE)
    many = tuple(on.some(sku, 1 + n % 4) for n, sku in enumerate(sorted(on.wares)[:14]))
    off = (DiscountSaid("coupon", "THANKS15", 1500), DiscountSaid("shipping", "FREE", 370))
    on.paid("AU", *many, days=1, discount=1870, discounts=off)
    on.paid("ZA", on.some("SF-009", price=0, title="Sample of our stickers"), days=3, postage=0).shipped(
        on.day(2), Tracking("", "")
    )
    guest = Customer("", "", AddressSaid("Someone", "1 Harbour Road", city="Ely", country="GB"))
    on.paid(guest, on.some("WT-015"), channel=Channel.FILE, days=6)
    some = on.some("LC-014", title="6 items, not listed", sku="", price=2790, listing_id=None)
    not_listed = LineSaid(**{**vars(some), "external_id": STAND_IN, "options": {}, "url": "", "image": ""})
    on.paid("NZ", not_listed, channel=Channel.ETSY, days=2, currency="USD")
    on.paid("NO", on.some("FP-101"), channel=Channel.EBAY, days=4, total=3512, currency="USD")
    on.paid("JP", on.some("FP-101", 120), due=1, tax=24_681, kind=OrderKind.OFFER.value)


SCENES: tuple[Callable[[Stage], None], ...] = (today, due, labels, trouble, never, done, joined, tongues, odd)
