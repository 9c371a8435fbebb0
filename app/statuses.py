"""The code lists of the desk and the moves between them.

Here stand the integers that the database keeps, their labels, and the table of what may be asked of an
item in which state (law: "Setting an item's status"). Standard library only; nothing here reads a row.
"""

from enum import IntEnum, StrEnum
from functools import cache
from typing import NamedTuple


class ItemStatus(IntEnum):
    """Where one order item stands (Okanjo's OrderStatus; an order's own status uses the same codes)."""

    NOT_SUBMITTED = 0
    PENDING_PAYMENT = 1
    PENDING_FULFILMENT = 2
    PENDING_ACQUISITION = 3
    COMPLETE = 4
    REFUNDED = 5
    VOIDED = 6
    EXPIRED = 7
    PENDING_REDEMPTION = 8
    COMPLETED_BY_SELLER = 9
    PENDING_REFUND = 10
    PENDING_DISPUTE = 11

    @property
    def label(self) -> str:
        """Return the word that pages, exports and mails show."""
        return STATUS_LABELS[self]


STATUS_LABELS = {
    ItemStatus.NOT_SUBMITTED: "Not submitted",
    ItemStatus.PENDING_PAYMENT: "Unpaid",
    ItemStatus.PENDING_FULFILMENT: "To ship",
    ItemStatus.PENDING_ACQUISITION: "Shipped",
    ItemStatus.COMPLETE: "Complete",
    ItemStatus.REFUNDED: "Refunded",
    ItemStatus.VOIDED: "Cancelled",
    ItemStatus.EXPIRED: "Expired",
    ItemStatus.PENDING_REDEMPTION: "To redeem",
    ItemStatus.COMPLETED_BY_SELLER: "Handed over",
    ItemStatus.PENDING_REFUND: "Refund pending",
    ItemStatus.PENDING_DISPUTE: "In dispute",
}

AWAITING_PAYMENT = frozenset({ItemStatus.NOT_SUBMITTED, ItemStatus.PENDING_PAYMENT})
AWAITING_SELLER = frozenset({ItemStatus.PENDING_FULFILMENT, ItemStatus.PENDING_REDEMPTION})
DEAD = frozenset({ItemStatus.REFUNDED, ItemStatus.VOIDED, ItemStatus.EXPIRED})
DONE = frozenset({ItemStatus.COMPLETE, ItemStatus.COMPLETED_BY_SELLER})
HELD = frozenset({ItemStatus.PENDING_REFUND, ItemStatus.PENDING_DISPUTE})


class ProductType(IntEnum):
    """What kind of product was sold (Okanjo's ProductType)."""

    REGULAR = 0
    AUCTION = 1
    DEAL = 2
    DONATION = 3

    @property
    def label(self) -> str:
        """Return the word that pages and filters show."""
        return ("Regular", "Auction", "Deal", "Donation")[self]


class Delivery(StrEnum):
    """How the product reaches its buyer (Weebly's product_type)."""

    PHYSICAL = "physical"
    DIGITAL = "digital"
    SERVICE = "service"


class Kind(StrEnum):
    """How an item is fulfilled: the row of the law's table that it stands in."""

    GOODS = "goods"
    PICKUP = "pickup"
    SERVICE = "service"
    DEAL = "deal"
    DIGITAL = "digital"
    DONATION = "donation"


@cache
def kind_of(product_type: int, delivery: str, is_pickup: bool) -> Kind:
    """Tell how an item is fulfilled from its product type, delivery and pickup mark."""
    if product_type == ProductType.DEAL:
        return Kind.DEAL
    if product_type == ProductType.DONATION:
        return Kind.DONATION
    if delivery == Delivery.DIGITAL:
        return Kind.DIGITAL
    if delivery == Delivery.SERVICE:
        return Kind.SERVICE
    return Kind.PICKUP if is_pickup else Kind.GOODS


class Move(StrEnum):
    """What the seller's side does to an item when it asks for a status."""

    SHIP = "ship"
    READY = "ready"
    HAND_OVER = "hand_over"
    FINISH = "finish"
    REDEEM = "redeem"


class Step(NamedTuple):
    """One allowed move: what is done, and the status the item has afterwards."""

    move: Move
    to: ItemStatus


_S = ItemStatus
SETTABLE = frozenset({_S.PENDING_ACQUISITION, _S.COMPLETE, _S.COMPLETED_BY_SELLER})

# (kind, status now, status asked) -> step. What is not here is prohibited.
MOVES: dict[tuple[Kind, ItemStatus, ItemStatus], Step] = {
    (Kind.GOODS, _S.PENDING_FULFILMENT, _S.PENDING_ACQUISITION): Step(Move.SHIP, _S.PENDING_ACQUISITION),
    (Kind.PICKUP, _S.PENDING_FULFILMENT, _S.PENDING_ACQUISITION): Step(Move.READY, _S.PENDING_ACQUISITION),
    (Kind.PICKUP, _S.PENDING_ACQUISITION, _S.COMPLETED_BY_SELLER): Step(
        Move.HAND_OVER, _S.COMPLETED_BY_SELLER
    ),
    # A service has nothing on its way: asking for 3 says "done", and the item is complete.
    (Kind.SERVICE, _S.PENDING_FULFILMENT, _S.PENDING_ACQUISITION): Step(Move.FINISH, _S.COMPLETE),
    (Kind.DEAL, _S.PENDING_FULFILMENT, _S.COMPLETE): Step(Move.REDEEM, _S.COMPLETE),
    (Kind.DEAL, _S.PENDING_REDEMPTION, _S.COMPLETE): Step(Move.REDEEM, _S.COMPLETE),
}

# Where an item goes once its order is paid.
PAID_TO: dict[Kind, ItemStatus] = {
    Kind.GOODS: _S.PENDING_FULFILMENT,
    Kind.SERVICE: _S.PENDING_FULFILMENT,
    Kind.PICKUP: _S.PENDING_ACQUISITION,
    Kind.DEAL: _S.PENDING_REDEMPTION,
    Kind.DONATION: _S.COMPLETE,
    Kind.DIGITAL: _S.COMPLETE,
}

# Where an item of each kind may stand at all.
STANDS: dict[Kind, frozenset[ItemStatus]] = {
    kind: AWAITING_PAYMENT
    | DEAD
    | HELD
    | {_S.COMPLETE, PAID_TO[kind]}
    | {status for (of, now, _), step in MOVES.items() if of is kind for status in (now, step.to)}
    for kind in Kind
}


def next_step(kind: Kind, status: int) -> tuple[ItemStatus, Step] | None:
    """Return the one status that may be asked of an item in this state, with its step; None where none."""
    return next(
        ((asked, step) for (of, now, asked), step in MOVES.items() if of is kind and now == status), None
    )


class Payment(IntEnum):
    """Hip's flag_payment, kept on the order."""

    UNPAID = 0
    PAID = 1
    PAID_PAYPAL = 2
    ON_ARRIVAL = 3
    CANCELED = 4
    REFUNDED = 5

    @property
    def label(self) -> str:
        """Return the word that pages show."""
        return ("Unpaid", "Paid", "Paid (PayPal)", "Pay on arrival", "Canceled", "Refunded")[self]


class Shipping(IntEnum):
    """Hip's flag_shipping, kept on the order."""

    NOT_APPLICABLE = -1
    PROCESSING = 0
    SHIPPED = 1
    PROBLEM = 2


class BuyerShipping(IntEnum):
    """Hip's flag_buyer_shipping: the buyer's own word."""

    WAITING = 0
    RECEIVED = 1
    PROBLEM = 2


class WeeblyStatus(StrEnum):
    """Weebly's order_status, rolled up from an order's lines (reference 4.3)."""

    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    SENT = "sent"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    RETURNED = "returned"


class DeskState(StrEnum):
    """The tab an order stands in."""

    UNPAID = "unpaid"
    TO_SHIP = "to_ship"
    SHIPPED = "shipped"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """Return the word that the tab shows."""
        return {"unpaid": "Unpaid", "to_ship": "To ship", "shipped": "Shipped", "closed": "Closed"}[self]


class ParcelState(StrEnum):
    """Where a parcel stands."""

    DRAFT = "draft"
    SHIPPED = "shipped"
    RECEIVED = "received"
    RETURNED = "returned"
    VOIDED = "voided"


class OrderKind(StrEnum):
    """How an order came about."""

    AUCTION = "auction"
    OFFER = "offer"
    FIXED_PRICE = "fixed_price"
    PAY_LATER = "pay_later"
    TYPED = "typed"
    IMPORTED = "imported"

    @property
    def label(self) -> str:
        """Return the word that pages show."""
        return self.value.replace("_", " ").capitalize()


class Channel(StrEnum):
    """Where an order came from."""

    DESK = "desk"
    INTAKE = "intake"
    ETSY = "etsy"
    EBAY = "ebay"
    HIP = "hip"
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    AMAZON = "amazon"
    SQUARE = "square"
    WEEBLY = "weebly"
    FILE = "file"

    @property
    def label(self) -> str:
        """Return the name that pages show."""
        return {"ebay": "eBay", "woocommerce": "WooCommerce"}.get(self.value, self.value.capitalize())


# The desk's own: only their orders combine, and the world hears of them unasked (law 5).
OWN_CHANNELS = frozenset({Channel.DESK.value, Channel.INTAKE.value})


class Role(StrEnum):
    """What a person is in a store."""

    OWNER = "owner"
    STAFF = "staff"
    VENDOR = "vendor"


class ActorKind(StrEnum):
    """Who did an act, for the history."""

    PERSON = "person"
    TOKEN = "token"
    IMPORT = "import"
    ADMIN = "admin"
    GUEST = "guest"
    SYSTEM = "system"


class Door(StrEnum):
    """By which door an act came in."""

    PAGE = "page"
    API = "api"
    IMPORT = "import"
    SYSTEM = "system"
