"""A marketplace that speaks Hip's interface as seed 003 has it, and does what a test asks of it."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

KEY = "k-5f0c/secret"
USER = "JoeTheSeller"
SALE = re.compile(r"(?:/stores/[^/]+)?/sales/(\d+)")


class Call(NamedTuple):
    """A call as it came."""

    method: str
    path: str
    asked: dict[str, str]
    headers: dict[str, str]
    sent: Any
    at: float


def line(line_id: int, price: str = "5.00", quantity: int = 1, **more: Any) -> dict[str, Any]:
    """Return a SaleListing."""
    return {
        "id": str(line_id),
        "listing_id": str(line_id + 1000),
        "price": price,
        "quantity": str(quantity),
        "listing_name": f"Stamp {line_id}",
        "private_id": f"M{line_id}",
        **more,
    }


def sale(sale_id: int, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a Sale: unpaid, of one line where none is named, made on the fifth of November."""
    told = lines or (line(sale_id * 10),)
    amount = round(sum(float(one["price"]) * int(one["quantity"]) for one in told), 2)
    return {
        "id": str(sale_id),
        "buyer_id": "11111",
        "buyer_username": "BobTheBuyer",
        "buyer_email": " bob@example.com ",
        "seller_id": "12345",
        "seller_username": USER,
        "flag_payment": "0",
        "flag_shipping": "0",
        "flag_buyer_payment": "0",
        "flag_buyer_shipping": "0",
        "currency": "USD",
        "created_at": "2026-11-05 10:00:00",
        "shipping_address_id": "104262",
        "postage_method": "First Class Mail",
        "sales_listings_amount": amount,
        "postage_amount": 2,
        "tax_amount": 0,
        "total": amount + 2,
        "ShippingAddress": {
            "id": "104262",
            "name_first": "Bob",
            "name_last": "Buyer",
            "address": "123 Main Street",
            "city": "Brooklyn",
            "country": "2084",
            "state": "2197",
            "postal_code": "11234",
            "country_name": "United States",
            "country_iso_code": "US",
            "state_name": "New York",
            "state_abbreviation": "NY",
        },
        "SaleListings": list(told),
        **more,
    }


class Market(ThreadingHTTPServer):
    """A marketplace with one seller."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.empty()

    def empty(self) -> None:
        """Begin anew."""
        self.sales: dict[int, dict[str, Any]] = {}
        self.calls: list[Call] = []
        self.answers: list[bytes | None] = []  # whole answers, for the next calls; None: the usual one
        self.before: Callable[[Call], Any] = lambda _: None  # called before it answers
        self.after: Callable[[Call], Any] = lambda _: None  # called before the answer is sent, all done
        self.refuses: dict[int, tuple[int, str]] = {}  # a PUT of these sales
        self.most = 100

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://127.0.0.1:{self.server_port}/api"

    def add(self, *told: dict[str, Any]) -> None:
        """Have these sales."""
        self.sales |= {int(one["id"]): deepcopy(one) for one in told}

    def calls_of(self, method: str) -> list[Call]:
        """Return the calls of one kind."""
        return [call for call in self.calls if call.method == method]

    def puts(self) -> list[tuple[str, Any]]:
        """Return what was put: the id of the sale, and the flags."""
        return [(call.path.rsplit("/", 1)[1], call.sent) for call in self.calls_of("PUT")]

    def list(self, asked: dict[str, str]) -> tuple[int, list[dict[str, Any]]]:
        """Return a page of the sales that were made in a window, newest first."""
        begin, end = asked.get("created_time_from", ""), asked.get("created_time_to", "9")
        found = [one for one in self.sales.values() if begin <= str(one.get("created_at", "")) <= end]
        found.sort(key=lambda one: (str(one.get("created_at", "")), int(one["id"])), reverse=True)
        limit = min(int(asked.get("limit", 25)), self.most)
        start = (int(asked.get("page", 1)) - 1) * limit
        return len(found), found[start : start + limit]

    def handle_error(self, *_: Any) -> None:
        """Say nothing where the desk hung up."""


class Handler(BaseHTTPRequestHandler):
    """Answers one call."""

    server: Market

    def do_GET(self) -> None:
        call = self._came()
        if found := SALE.fullmatch(call.path):
            one = self.server.sales.get(int(found[1]))
            self._answer(
                call, *((404, {"error": "Not found."}) if one is None else (200, _wrapped(1, [one])))
            )
        else:
            self._answer(call, 200, _wrapped(*self.server.list(call.asked)))

    def do_PUT(self) -> None:
        call = self._came()
        found = SALE.fullmatch(call.path)
        one = self.server.sales.get(int(found[1])) if found else None
        if one is None:
            self._answer(call, 404, {"error": "Not found."})
        elif (refusal := self.server.refuses.get(int(one["id"]))) is not None:
            self._answer(call, refusal[0], {"error": refusal[1]})
        else:
            one.update({name: str(value) for name, value in call.sent.items()})
            self._answer(call, 200, _wrapped(1, [one]))

    def _came(self) -> Call:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = Call(
            self.command,
            parts.path.removeprefix("/api"),
            {name: values[0] for name, values in parse_qs(parts.query).items()},
            {name.lower(): value for name, value in self.headers.items()},
            json.loads(body) if body else None,
            time.monotonic(),
        )
        self.server.calls.append(call)
        self.server.before(call)
        return call

    def _answer(self, call: Call, status: int, told: Any) -> None:
        self.server.after(call)
        prepared = self.server.answers.pop(0) if self.server.answers else None
        body = json.dumps(told).encode()
        head = (
            f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + body if prepared is None else prepared)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _wrapped(count: int, results: list[Any]) -> dict[str, Any]:
    return {"count": count, "type": "sale", "results": results, "params": {}}


def raw(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return a whole answer."""
    more = "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in headers.items())
    return f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


@contextmanager
def opened() -> Iterator[Market]:
    """Open a marketplace, and close it."""
    market = Market()
    thread = threading.Thread(target=market.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield market
    market.shutdown()
    market.server_close()
    thread.join()
