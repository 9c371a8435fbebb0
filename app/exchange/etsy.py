"""Etsy's two order files: "Sold Order Items", a row a line, and "Sold Orders", a row an order.

Shop Manager > Settings > Options > Download Data gives both. Dates are days without a time zone, taken
as days of the store; money is written with any number of decimals; neither file has an e-mail, a
telephone or a tracking number. Each may come without the other, before it or after it.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from app.actions.purchases import STAND_IN
from app.exchange.cells import amount, cut, day_month_first, is_rounded, is_some, one_line, unescaped, whole
from app.exchange.countries import country_code
from app.exchange.kinds import FileKind, FileOrder, Told, by_order
from app.exchange.tables import Row, Table
from app.statuses import Channel, OrderKind

LONGEST = 255  # of a title and of an option

# Our name of a value -> Etsy's column. What is more than its text taken over stands in the functions.
ITEM_ADDRESS = {
    "address-name": "Ship Name",
    "address-street": "Ship Address1",
    "address-street2": "Ship Address2",
    "address-city": "Ship City",
    "address-region": "Ship State",
    "address-postal_code": "Ship Zipcode",
}
ORDER_ADDRESS = {
    "address-name": "Full Name",
    "address-given_name": "First Name",
    "address-family_name": "Last Name",
    "address-street": "Street 1",
    "address-street2": "Street 2",
    "address-city": "Ship City",
    "address-region": "Ship State",
    "address-postal_code": "Ship Zipcode",
}
ITEM_MONEY = {"postage": "Order Shipping", "tax": "Order Sales Tax"}
ORDER_MONEY = {"postage": "Shipping", "tax": "Sales Tax", "total": "Order Total"}
DISCOUNTS = (("coupon", "Discount Amount"), ("markdown", "InPerson Discount"))

# Etsy lists an order once it is paid, unless buyer and seller settle it between them.
SETTLED_BETWEEN_THEM = frozenset({"", "other", "check", "cheque", "money order", "bank transfer"})

_BUYER = re.compile(r"(.*\S)\s*\((\S+)\)")
_AMOUNT = re.compile(r"\d{1,13}(?:\.\d{1,12})?", re.ASCII)
_NEXT_OPTION = re.compile(r",(?=[^,:]+:)")


def item_orders(table: Table, zone: str, currency: str) -> list[FileOrder]:
    """Return the orders of a "Sold Order Items" file."""
    tell = partial(tell_items, table, zone, currency)
    found = by_order(table, "Order ID")
    return [FileOrder(table.cell(rows[0], "Order ID"), rows, len(rows), tell) for rows in found]


def orders(table: Table, zone: str, currency: str) -> list[FileOrder]:
    """Return the orders of a "Sold Orders" file."""
    tell = partial(tell_order, table, zone, currency)
    found = by_order(table, "Order ID")
    return [
        FileOrder(table.cell(rows[0], "Order ID"), rows, _count(table.cell(rows[0], "Number of Items")), tell)
        for rows in found
    ]


def tell_items(table: Table, zone: str, currency: str, rows: Sequence[Row]) -> Told:
    """Return what the rows of one order say, line by line."""
    told, first = Told(table), rows[0]
    _tell_head(told, first, zone, currency)
    _tell_address(told, first, ITEM_ADDRESS)
    _tell_buyer(told, first, "Buyer", table.cell(first, "Buyer"))
    told.take("paid_at", first, "Date Paid", partial(day_month_first, zone=zone))
    for name, column in ITEM_MONEY.items():
        told.tell(name, _of_order(told, rows, column), first, column)
    _tell_discounts(told, rows)
    for n, row in enumerate(rows):
        _tell_line(told, row, f"lines-{n}-", zone)
        for column in ("Sale Date", "Currency"):
            if table.cell(row, column) != table.cell(first, column):
                told.fault(row, column, f"line {first.line} of the same order says otherwise.")
    return told


def tell_order(table: Table, zone: str, currency: str, rows: Sequence[Row]) -> Told:
    """Return what the row of one order says; one line stands for those that the file does not list."""
    told, row = Told(table), rows[0]
    _tell_head(told, row, zone, currency)
    _tell_address(told, row, ORDER_ADDRESS)
    _tell_buyer(told, row, "Full Name", table.cell(row, "Buyer"))
    for name, column in ORDER_MONEY.items():
        told.take(name, row, column, amount)
    _tell_discounts(told, rows[:1])
    is_settled = table.cell(row, "Payment Method").casefold() not in SETTLED_BETWEEN_THEM
    if is_settled or table.cell(row, "Date Shipped"):
        told.take("paid_at", row, "Sale Date", partial(day_month_first, zone=zone))
    items = _count(table.cell(row, "Number of Items"))
    if not items:
        told.fault(row, "Number of Items", "write a whole number from 1.")
    told.tell("lines-0-external_id", STAND_IN, row, "Order ID")
    told.tell("lines-0-title", f"{items} item{'' if items == 1 else 's'}, not listed", row, "Number of Items")
    told.tell("lines-0-quantity", "1", row, "Number of Items")
    told.take("lines-0-price", row, "Order Value", amount)
    _tell_shipped(told, row, "lines-0-", zone)
    for other in rows[1:]:
        told.fault(other, "Order ID", f"line {row.line} tells of the same order and says otherwise.")
    return told


def _tell_head(told: Told, row: Row, zone: str, currency: str) -> None:
    """Tell which order it is, of which day and in which currency."""
    for column in ("Order ID", "Sale Date"):
        if not told.table.cell(row, column):
            told.fault(row, column, "this is empty.")
    _tell_id(told, "external_id", row, "Order ID")
    told.tell("kind", OrderKind.IMPORTED.value, row, "Order ID")
    told.take("placed_at", row, "Sale Date", partial(day_month_first, zone=zone))
    told.tell("is_day_only", "1", row, "Sale Date")
    told.tell("currency", told.table.cell(row, "Currency") or currency, row, "Currency")


def _tell_id(told: Told, name: str, row: Row, column: str) -> None:
    """Tell an id; one that a spreadsheet has rounded would be shared by several orders."""
    told.take(name, row, column, whole)
    if is_rounded(told.body.get(name, "")):
        told.fault(row, column, "a spreadsheet has rounded this number; take the file as Etsy gave it.")


def _tell_address(told: Told, row: Row, names: dict[str, str]) -> None:
    """Tell where the order goes."""
    for name, column in names.items():
        told.take(name, row, column)
    told.take("address-country", row, "Ship Country", lambda name: country_code(one_line(name)))


def _tell_buyer(told: Told, row: Row, name_column: str, buyer: str) -> None:
    """Tell who bought: "Full Name (username)", a bare username, or nothing for a guest.

    The user name is the buyer's key. A masked one (with *) is none: many people share it, as they share
    masked names, so each order has a buyer of its own.
    """
    said = one_line(buyer)
    found = _BUYER.fullmatch(said)
    name, username = found.groups() if found else (said, "")
    if name_column != "Buyer":
        name = one_line(told.table.cell(row, name_column)) or name
        username = one_line(told.table.cell(row, "Buyer User ID")) or username
    elif not found and " " not in said:
        name, username = "", said
    told.tell("buyer-name", name, row, name_column)
    if "*" not in username:
        told.tell("buyer-username", username, row, "Buyer")
        told.tell("buyer-external_ref", username, row, "Buyer")


def _tell_discounts(told: Told, rows: Sequence[Row]) -> None:
    """Tell the reductions of the order: a coupon once, though Etsy repeats its code for each line."""
    first = rows[0]
    said = one_line(told.table.cell(first, "Coupon Code")).split(";")
    codes = ", ".join(dict.fromkeys(code.strip() for code in said if code.strip()))
    n = 0
    for kind, column in DISCOUNTS:
        less = _of_order(told, rows, column)
        code = codes if kind == "coupon" else ""
        if code or is_some(less):
            told.tell(f"discounts-{n}-kind", kind, first, column)
            told.tell(f"discounts-{n}-code", cut(code, LONGEST), first, "Coupon Code")
            told.tell(f"discounts-{n}-amount", less, first, column)
            n += 1


def _tell_line(told: Told, row: Row, prefix: str, zone: str) -> None:
    """Tell one line of an order."""
    _tell_id(told, prefix + "external_id", row, "Transaction ID")
    _tell_id(told, prefix + "listing_id", row, "Listing ID")
    told.take(prefix + "sku", row, "SKU")
    told.take(prefix + "title", row, "Item Name", lambda title: cut(one_line(title), LONGEST))
    told.take(prefix + "quantity", row, "Quantity", whole)
    told.take(prefix + "price", row, "Price", amount)
    told.tell(prefix + "options", "", row, "Variations")
    for name, value in options(told.table.cell(row, "Variations")).items():
        if name.casefold() in {"personalization", "personalisation"}:
            told.tell(prefix + "personalisation", value, row, "Variations")
        else:
            told.tell(f"{prefix}options-{name}", cut(value, LONGEST), row, "Variations")
    _tell_shipped(told, row, prefix, zone)


def _tell_shipped(told: Told, row: Row, prefix: str, zone: str) -> None:
    """Tell when a line went out; what was sold in person was handed over with the sale."""
    column = "Date Shipped"
    how = told.table.cell(row, "Order Type") + told.table.cell(row, "Payment Type")
    if "inperson" in re.sub(r"[\s_-]", "", how.casefold()):
        told.tell(prefix + "is_pickup", "1", row, "Order Type")
        column = column if told.table.cell(row, column) else "Sale Date"
    told.take(prefix + "shipped_at", row, column, partial(day_month_first, zone=zone))


def options(text: str) -> dict[str, str]:
    """Return the chosen options: "Size:Small,Color:Red" is {"Size": "Small", "Color": "Red"}."""
    chosen = {}
    for part in _NEXT_OPTION.split(unescaped(text)):
        name, colon, value = part.partition(":")
        if colon and name.strip():
            chosen[cut(name.strip(), LONGEST)] = value.strip()
        elif part.strip():
            chosen["Variation"] = part.strip()
    return chosen


def _of_order(told: Told, rows: Sequence[Row], column: str) -> str:
    """Return a value of the whole order, which stands on one of its rows or is repeated on all.

    In the real files we have it stands on the first row and the others say 0; other shops' files repeat
    it on each. So: equal on all rows it is one value, otherwise the rows add up (to the one that has it).
    """
    amounts = [amount(told.table.cell(row, column)) or "0" for row in rows]
    for row, text in zip(rows, amounts, strict=True):
        if not _AMOUNT.fullmatch(text):
            told.fault(row, column, f"“{cut(text, 64)}” is not an amount.")
            return ""
    values = [Decimal(text) for text in amounts]
    return str(values[0] if len(set(values)) == 1 else sum(values))


def _count(text: str) -> int:
    """Return a number of items, 0 where it is none."""
    digits = whole(text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 6 else 0


ITEMS_FILE = FileKind(
    "Etsy sold order items",
    Channel.ETSY,
    (
        *(
            "Sale Date",
            "Item Name",
            "Buyer",
            "Quantity",
            "Price",
            "Discount Amount",
            "Order Shipping",
            "Currency",
        ),
        *("Transaction ID", "Date Paid", "Date Shipped", "Ship Name", "Ship Country", "Order ID"),
    ),
    item_orders,
)

ORDERS_FILE = FileKind(
    "Etsy sold orders",
    Channel.ETSY,
    (
        *(
            "Sale Date",
            "Order ID",
            "Full Name",
            "Number of Items",
            "Payment Method",
            "Date Shipped",
            "Street 1",
        ),
        *(
            "Ship Country",
            "Currency",
            "Order Value",
            "Discount Amount",
            "Shipping",
            "Sales Tax",
            "Order Total",
        ),
    ),
    orders,
    # As the file is worded in the United Kingdom.
    also={
        "date posted": "date shipped",
        "delivery city": "ship city",
        "delivery state": "ship state",
        "delivery zipcode": "ship zipcode",
        "delivery country": "ship country",
        "delivery discount": "shipping discount",
        "delivery": "shipping",
    },
)
