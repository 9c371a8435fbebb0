"""An export of Etsy's sold order items with as many orders as are wanted; no two files share an id."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

from tests.bench.servers import ROOT

HEADER = (ROOT / "tests" / "exchange" / "files" / "etsy_items.csv").read_text().splitlines()[0].split(",")
ORDER_ID, SALE_DATE, LINE_ID = (HEADER.index(name) for name in ("Order ID", "Sale Date", "Transaction ID"))
TITLE, QUANTITY, PRICE = (HEADER.index(name) for name in ("Item Name", "Quantity", "Price"))
TITLES = (
    "Washi tape, wild geese, 20 mm",
    "Brass seal with your initials",
    "Notebook, stitched, 96 pages",
    "Gift wrap, 5 sheets, paper cranes",
    "Planner stickers, winter",
    "Sealing wax, bottle green",
)
LINES = (1, 1, 2, 2, 3)  # of one order and the next
SENT = 4  # of five orders

_ids = count(700_001)


class File:
    """An export of sold order items; no two files share an id or a buyer."""

    def __init__(self, orders: int, day: datetime, *, is_to_ship: bool = False) -> None:
        """Make a file of paid orders of this day and before; `is_to_ship`: one line each, nothing sent."""
        self.ids = [next(_ids) for _ in range(orders)]
        self.lines = 0
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, HEADER, restval="", lineterminator="\n")
        table.writeheader()
        for n, order_id in enumerate(self.ids):
            head = self._head(order_id, day - timedelta(days=n % 300))
            for line in range(1 if is_to_ship else LINES[n % len(LINES)]):
                self.lines += 1
                is_sent = not is_to_ship and n % (SENT + 1) < SENT
                table.writerow(
                    head
                    | {
                        "Item Name": TITLES[(n + line) % len(TITLES)],
                        "Quantity": "2",
                        "Price": "4.50",
                        "Item Total": "9.00",
                        "Transaction ID": f"{order_id}{line}",
                        "Listing ID": str(900 + (n + line) % len(TITLES)),
                        "Date Shipped": head["Date Paid"] if is_sent else "",
                        "SKU": f"BE-{(n + line) % len(TITLES)}",
                    }
                )
        self.bytes = text.getvalue().encode()

    def _head(self, order_id: int, day: datetime) -> dict[str, str]:
        """Return what every row of an order repeats."""
        return {
            "Sale Date": f"{day:%m/%d/%y}",
            "Date Paid": f"{day:%m/%d/%Y}",
            "Buyer": f"Jo Example{order_id} (jo{order_id})",
            "Discount Amount": "0.00",
            "Order Shipping": "1.50",
            "Order Sales Tax": "0.00",
            "Currency": "EUR",
            "Ship Name": f"Jo Example{order_id}",
            "Ship Address1": f"Example Street {order_id % 200}",
            "Ship City": "Berlin",
            "Ship Zipcode": f"1{order_id % 10000:04}",
            "Ship Country": "Germany",
            "Order ID": str(order_id),
            "Order Type": "online",
            "Payment Type": "online_cc",
        }


def parsed(file: bytes) -> Iterator[list[str]]:
    """Return the rows of a file, as cheaply as it can be read."""
    found = csv.reader(io.StringIO(file.decode(), newline=""))
    next(found)
    return found
