"""A sale that a seller types in: the purchase of every other door, asked for in a page's own few fields.

What the page does not ask for it does not take either; what it leaves out (channel, currency, the buyer's
key) is filled in here. A key that is made with the page and sent with it is the sale's outside id, so that
one page makes one sale however often it is sent.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from werkzeug.datastructures import MultiDict

from app.actions.payment import PAYS
from app.actions.purchases import Purchase, buyer_key
from app.forms.fields import CodeField, WordsField
from app.forms.purchases import PurchaseForm
from app.statuses import Channel, Delivery, Kind, OrderKind, Payment

MOST_TYPED = 100

# What a line may be, as the purchase says it.
SENT_AS: dict[str, dict[str, str]] = {
    Kind.GOODS: {"delivery": Delivery.PHYSICAL},
    Kind.PICKUP: {"delivery": Delivery.PHYSICAL, "is_pickup": "1"},
    Kind.SERVICE: {"delivery": Delivery.SERVICE},
    Kind.DIGITAL: {"delivery": Delivery.DIGITAL},
}
LINE = ("title", "sku", "quantity", "price", "kind")
BUYER = ("name", "username", "email")
PLACE = ("name", "street", "street2", "postal_code", "city", "region", "country", "phone")
ASKED = frozenset(
    {
        *(f"buyer-{name}" for name in BUYER),
        *(f"address-{name}" for name in PLACE),
        *("discount", "postage", "tax", "buyer_note", "payment", "key", "line", "csrf_token"),
    }
)

_OF_LINE = re.compile(rf"lines-([0-9]{{1,4}})-({'|'.join(LINE)})", re.ASCII)
_KEY = re.compile("[0-9a-f]{32}", re.ASCII)
_DROP = re.compile("drop-([0-9]{1,4})", re.ASCII)


class NewSaleForm(PurchaseForm):
    """A purchase as a seller types it in; `line` asks for another shape of the form instead of a sale."""

    payment = CodeField("Payment", of=Payment, only=PAYS, sentence="Choose how it is paid, or leave it open.")
    key = WordsField(most=64)

    buyer_error = ""
    address_error = ""

    def __init__(self, sent: Any = None, *, currency: str, may_mark_paid: bool) -> None:
        """Take what was typed, in the store's currency."""
        typed: MultiDict[str, str] = MultiDict(sent or {})
        self.typed = typed.to_dict()
        self.line = typed.get("line", "")
        rows = list(_lines(typed))
        dropped = _DROP.fullmatch(self.line)
        if dropped and len(rows) > int(dropped[1]):
            del rows[int(dropped[1])]
        if not rows or (self.line == "more" and len(rows) < MOST_TYPED):
            rows.append({})
        if not self.line:
            rows = [row for row in rows if _is_typed(row)] or rows[:1]
        self.kinds = [row.get("kind", "") or Kind.GOODS.value for row in rows]
        self.unasked = [name for name in typed if not _is_asked(name) or len(typed.getlist(name)) > 1]
        if not may_mark_paid and "payment" in typed:
            self.unasked.append("payment")
        super().__init__(_as_purchase(typed, rows, currency))
        self.may_mark_paid = may_mark_paid

    @property
    def page_key(self) -> str:
        """Return the key that the page carries: the one that was sent, else a new one."""
        return self.key.data if _KEY.fullmatch(self.key.data or "") else secrets.token_hex(16)

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge the purchase as every door does, and what only a typed one can lack."""
        is_valid = super().validate(extra_validators)
        if self.unasked:
            self.form_errors.append(f"“{self.unasked[0][:64]}” is no field of this form, or came twice.")
        elif not _KEY.fullmatch(self.key.data or ""):
            self.form_errors.append("This page is not complete: look it over and send it again.")
        if any(kind not in SENT_AS for kind in self.kinds):
            self.form_errors.append(f"A line is one of {', '.join(SENT_AS)}.")
        self._judge_parts()
        return is_valid and not (self.form_errors or self.buyer_error or self.address_error)

    def _judge_parts(self) -> None:
        """Ask who bought, and for a place where something of an address was typed."""
        if not any(self.buyer.form[name].data or self.buyer.form[name].errors for name in BUYER):
            self.buyer_error = "Write who bought: a name, a user name or an e-mail."
        address = self.address.form
        is_begun = any(address[name].data for name in PLACE)
        if is_begun and not any(address[name].errors for name in PLACE) and address.said() is None:
            self.address_error = "Write where it goes, or leave the address empty."

    def comes_to(self) -> int | None:
        """Return what it comes to in minor units; None where an amount cannot be read. After `validate`."""
        lines = [entry.form for entry in self.lines.entries]
        counted = [f for line in lines for f in (line.quantity, line.price)]
        if any(field.errors for field in (*counted, self.discount, self.postage, self.tax)):
            return None
        return self.purchase(Channel.DESK).money["total_minor"]

    def purchase(self, channel: Channel) -> Purchase:
        """Return the purchase; a parcel without a name of its own goes to the buyer."""
        said = super().purchase(channel)
        if said.address and not said.address.name:
            return replace(said, address=replace(said.address, name=said.buyer.name or said.buyer.username))
        return said


def _lines(typed: MultiDict[str, str]) -> Iterator[dict[str, str]]:
    """Yield what was typed for each line, in the sequence of their numbers."""
    found: dict[int, dict[str, str]] = {}
    for name in typed:
        if of_line := _OF_LINE.fullmatch(name):
            found.setdefault(int(of_line[1]), {})[of_line[2]] = typed[name]
    for number in sorted(found):
        yield found[number]


def _is_typed(row: dict[str, str]) -> bool:
    """Tell whether anything was typed into a line; a quantity stands there from the beginning."""
    return any(row.get(name, "").strip() for name in ("title", "sku", "price"))


def _is_asked(name: str) -> bool:
    """Tell whether the page has a field of this name."""
    return name in ASKED or _OF_LINE.fullmatch(name) is not None


def _as_purchase(
    typed: MultiDict[str, str], rows: list[dict[str, str]], currency: str
) -> MultiDict[str, str]:
    """Return what was typed by the names of a purchase, with what the page does not ask for."""
    asked: MultiDict[str, str] = MultiDict({name: typed[name] for name in typed if name in ASKED})
    asked["kind"], asked["currency"] = OrderKind.TYPED.value, currency
    asked["external_id"] = typed.get("key", "")[:64]
    if ref := buyer_key(typed.get("buyer-email", "").strip()):
        asked["buyer-external_ref"] = ref
    for number, row in enumerate(rows):
        line = {"quantity": "1", **{name: row[name] for name in LINE[:-1] if name in row}}
        line |= SENT_AS.get(row.get("kind", ""), {})
        for name, text in line.items():
            asked[f"lines-{number}-{name}"] = str(text)
    return asked
