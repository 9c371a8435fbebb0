"""What the demo's stores sell: a paper shop, a shop of deals, and a shop that writes Japanese."""

from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from app.actions.purchases import LineSaid
from app.statuses import Delivery, Kind, ProductType


class Ware(NamedTuple):
    """One thing that a store sells; money in minor units of the store's currency."""

    sku: str
    title: str
    price: int
    kind: Kind = Kind.GOODS
    grams: int = 0
    options: str = ""  # "Color: Green, Rust": one of the values is bought
    about: str = ""
    sale_price: int | None = None
    value: int | None = None  # of a deal: what it is worth where it is redeemed
    donation_pct: int = 0
    is_auction: bool = False


PAPER = (
    Ware("SF-001", "A starry christmas | sticker flakes", 335, grams=12),
    Ware("SF-002", "Journey into outer space | sticker flakes", 325, grams=12),
    Ware("SF-009", "Mushrooms & moss | sticker flakes", 335, grams=12),
    Ware("WT-015", "Washi tape, gold dots, 15 mm", 290, grams=18),
    Ware("WT-022", "Washi tape, wild geese, 20 mm", 340, grams=21),
    Ware("LC-014", "Letterpress card, thank you", 450, grams=22, options="Color: Green, Rust, Ink blue"),
    Ware("LC-021", "Letterpress card, get well", 450, grams=22, options="Color: Green, Rose"),
    Ware("LC-030", "Letterpress card, happy birthday 🎂", 480, grams=22),
    Ware("EN-006", "Envelope C6, kraft", 90, grams=5),
    Ware("EN-011", "Envelope C6, silk lined", 160, grams=7, options="Lining: Gold, Marble, Night"),
    Ware("SW-221", "Sealing wax, bottle green", 600, grams=48),
    Ware("SW-300", "Brass seal with your initials", 2450, grams=95, about="Cut to order in two days."),
    Ware("PS-104", "Planner stickers, winter", 420, grams=15),
    Ware("PS-105", "Planner stickers, to-do", 420, grams=15, sale_price=290),
    Ware("PP-003", "Pen pal set", 1450, grams=210, about="Twelve sheets, six envelopes, one pen."),
    Ware("FP-101", "Fountain pen, fine, green", 3100, grams=40, options="Nib: Extra fine, Fine, Medium"),
    Ware("IN-012", "Ink, 50 ml, iron gall", 980, grams=160),
    Ware("SB-005", "Sketchbook A5, dotted", 1190, grams=320, options="Cover: Linen grey, Brick, Moss"),
    Ware("BP-001", "Brush pen, black", 380, grams=11),
    Ware("VC-300", "Visiting card, 300 g", 180, grams=2),
    Ware("PC-012", "Postcards from nowhere, set of 12", 1200, grams=70),
    Ware("NB-044", "Notebook, stitched, 96 pages", 890, grams=180, options="Ruling: Blank, Lined, Squared"),
    Ware("GW-007", "Gift wrap, 5 sheets, paper cranes", 750, grams=110),
    Ware("WC-027", "Wall calendar, twelve lighthouses", 1990, grams=380, sale_price=1490),
    Ware("OP-001", "Origami paper, 100 sheets", 690, grams=90),
    Ware("PD-001", "Origami crane, pattern as PDF", 350, Kind.DIGITAL),
    Ware("PD-004", "Printable week planner, PDF", 490, Kind.DIGITAL),
    Ware("WK-001", "Letterpress workshop kit", 2000, Kind.PICKUP, grams=2400),
    Ware("WK-002", "Offcuts by the kilo", 400, Kind.PICKUP, grams=1000),
    Ware("LS-001", "Bookbinding lesson, one evening", 4800, Kind.SERVICE),
    Ware("DN-001", "Plant a willow by the river", 500, Kind.DONATION),
)

LOTS = (
    Ware("", "Auction: 1961 stamp album, 214 stamps", 12800, grams=900, is_auction=True),
    Ware("", "Auction: type case with 90 lead letters", 8450, grams=3800, is_auction=True),
    Ware("", "Auction: hand press, cast iron, about 1920", 41500, grams=24000, is_auction=True),
    Ware("", "Auction: 38 letters from a lighthouse keeper", 6200, grams=350, is_auction=True),
    Ware("", "Auction: marbled endpapers, box of 60", 5100, grams=1500, is_auction=True),
)

DEALS = (
    Ware("D-01", "Dinner for two at the Harbour Kitchen", 2000, Kind.DEAL, value=4000, donation_pct=10),
    Ware("D-02", "Climbing lesson with rope and shoes", 3500, Kind.DEAL, value=7000, donation_pct=5),
    Ware("D-03", "An hour in the salt room", 1800, Kind.DEAL, value=3000, donation_pct=20),
    Ware("D-04", "Family ticket, Museum of Clocks", 2400, Kind.DEAL, value=3600),
    Ware("D-05", "Bicycle service, spring check", 2900, Kind.DEAL, value=5500, donation_pct=15),
    Ware("G-01", "Gift basket, jams and crackers", 5200, grams=2100),
    Ware("G-02", "Tote bag, Eat Near Home", 1500, grams=160, options="Color: Natural, Navy"),
    Ware("G-03", "Cookbook of the quarter", 2800, grams=950),
    Ware("P-01", "Cheese board for six", 4400, Kind.PICKUP, grams=1800),
    Ware("S-01", "Piano tuning at your house", 14000, Kind.SERVICE),
    Ware("A-01", "Audio walk through the old town", 650, Kind.DIGITAL),
    Ware("C-01", "Ten school lunches", 2500, Kind.DONATION),
)

JAPANESE = (
    Ware("WS-01", "和紙便箋セット「朝霧」", 1200, grams=140),
    Ware("WS-02", "千代紙 折り紙 100枚", 880, grams=120),
    Ware("WS-03", "一筆箋「金魚」", 450, grams=60, options="柄: 赤, 青"),
    Ware("WS-04", "Washi tape, waves, set of 3", 760, grams=55),
    Ware("WS-05", "万年筆インク「月夜」50ml", 2200, grams=170),
    Ware("WS-06", "手漉き和紙の葉書 10枚", 950, grams=80),
    Ware("WS-07", "風呂敷 70cm「市松」", 3300, grams=90, options="Color: Indigo, Persimmon"),
    Ware("WS-08", "Calligraphy set with ink stone", 6800, grams=850),
    Ware("WS-09", "Furoshiki folds, a guide as PDF", 500, Kind.DIGITAL),
)

TYPES = {Kind.DEAL: ProductType.DEAL, Kind.DONATION: ProductType.DONATION}
DELIVERIES = {Kind.DIGITAL: Delivery.DIGITAL, Kind.SERVICE: Delivery.SERVICE}


def line(ware: Ware, quantity: int = 1, *, slug: str, rng: Random, **changes: Any) -> LineSaid:
    """Return a line of a purchase; the store's slug makes the addresses of page and picture."""
    name, _, values = ware.options.partition(": ")
    options = {name: rng.choice(values.split(", "))} if values else {}
    page = f"https://example.com/{slug}/{ware.sku.lower()}" if ware.sku else ""
    said: dict[str, Any] = {
        "title": ware.title,
        "quantity": quantity,
        "price": ware.price,
        "sku": ware.sku,
        "listing_id": f"L-{ware.sku}" if ware.sku else None,
        "description": ware.about,
        "url": page,
        "image": f"{page}.jpg" if page else "",
        "condition": "Used" if ware.is_auction else "New",
        "options": options,
        "type": ProductType.AUCTION if ware.is_auction else TYPES.get(ware.kind, ProductType.REGULAR),
        "delivery": DELIVERIES.get(ware.kind, Delivery.PHYSICAL),
        "is_pickup": ware.kind is Kind.PICKUP,
        "sale_price": ware.sale_price,
        "weight": str(Decimal(ware.grams) / 1000) if ware.grams else None,
        "unit": "kg" if ware.grams else None,
        "deal_value": ware.value,
        "donation_pct": ware.donation_pct,
    }
    return LineSaid(**{**said, **changes})
