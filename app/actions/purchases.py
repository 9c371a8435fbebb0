"""What a purchase is, as whoever sends it tells it: made by a form, read by the acts."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.statuses import Delivery, ProductType
from app.words import fold

# The outside id of the one line that stands for lines a file does not list.
STAND_IN = "not-listed"
# What a column for an outside key or id holds.
LONGEST_KEY = 255


class DownloadLimit(StrEnum):
    """What limits the downloads of a digital item (Weebly's download_limit_type)."""

    DOWNLOADS = "downloads"
    DAYS = "days"


def buyer_key(email: str | None, username: str | None = None) -> str | None:
    """Return the key of a buyer whom the sender has none for: the e-mail, else the user name.

    None where there is neither, or none that is short enough to be kept whole: two people never share one.
    """
    if email:
        key = email.casefold()
    elif username:
        key = f"user name {username.casefold()}"  # no e-mail has a blank
    else:
        return None
    return key if len(key) <= LONGEST_KEY else None


@dataclass(frozen=True)
class BuyerSaid:
    """Who bought, as the sender knows them; `ref` is the sender's own key for the person, if it has one."""

    name: str = ""
    username: str = ""
    email: str | None = None
    ref: str | None = None


@dataclass(frozen=True)
class AddressSaid:
    """Where the purchase goes."""

    name: str
    street: str = ""
    street2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""  # ISO 3166 alpha-2
    phone: str = ""
    given_name: str | None = None
    family_name: str | None = None
    region_code: str = ""  # where the source has both: "NY" beside "New York"

    @property
    def destination_key(self) -> str:
        """Return a key that is equal for the same place, however it is spelled in case or accents."""
        place = "|".join(
            fold(part).strip()
            for part in (self.name, self.street, self.street2, self.city, self.postal_code, self.country)
        )
        return hashlib.sha256(place.encode()).hexdigest()


@dataclass(frozen=True)
class DiscountSaid:
    """A reduction of the whole order, or of one line of it."""

    kind: str  # markdown, coupon, shipping
    code: str
    amount: int


@dataclass(frozen=True)
class LineSaid:
    """One line of a purchase; money in minor units."""

    title: str
    quantity: int
    price: int
    external_id: str | None = None
    listing_id: str | None = None
    sku: str = ""
    description: str = ""
    url: str = ""
    image: str = ""
    condition: str = "New"
    personalisation: str = ""
    options: dict[str, str] = field(default_factory=dict)
    type: ProductType = ProductType.REGULAR
    delivery: Delivery = Delivery.PHYSICAL
    is_pickup: bool = False
    sale_price: int | None = None
    postage: int = 0
    additional: int = 0
    additional_per: int = 1
    weight: str | None = None
    unit: str | None = None
    cause_id: int | None = None
    donation_pct: int = 0
    deal_start: datetime | None = None
    deal_end: datetime | None = None
    promo_start: datetime | None = None
    promo_end: datetime | None = None
    deal_value: int | None = None
    deal_number: int | None = None
    short_description: str = ""
    cause_name: str | None = None  # of a cause that is found by its name, where no id says which
    download_limit_type: str | None = None  # downloads, days
    download_units: int | None = None
    discounts: tuple[DiscountSaid, ...] = ()

    @property
    def total(self) -> int:
        """Return what the line costs: quantity times the price it was sold at."""
        return self.quantity * (self.price if self.sale_price is None else self.sale_price)


@dataclass(frozen=True)
class Purchase:
    """What one buyer bought at once, as the sender tells it; money in minor units of `currency`."""

    channel: str
    external_id: str | None
    kind: str
    currency: str
    buyer: BuyerSaid
    address: AddressSaid | None
    lines: tuple[LineSaid, ...]
    placed_at: datetime
    is_day_only: bool = False
    discount: int = 0
    postage: int = 0
    tax: int = 0
    total: int | None = None  # where the sender states one: what the parts don't explain is `adjustment`
    discounts: tuple[DiscountSaid, ...] = ()
    postage_method: str = ""
    gateway_code: str | None = None
    buyer_note: str = ""
    gift_message: str = ""

    @property
    def is_stand_in(self) -> bool:
        """Tell whether the lines are not listed: one line stands for them."""
        return any(line.external_id == STAND_IN for line in self.lines)

    @property
    def items_total(self) -> int:
        """Return the sum of the lines."""
        return sum(line.total for line in self.lines)

    @property
    def money(self) -> dict[str, int]:
        """Return the order's money columns."""
        parts = self.items_total - self.discount + self.postage + self.tax
        total = parts if self.total is None else self.total
        return {
            "items_minor": self.items_total,
            "discount_minor": self.discount,
            "postage_minor": self.postage,
            "tax_minor": self.tax,
            "adjustment_minor": total - parts,
            "total_minor": total,
        }
