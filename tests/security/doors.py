"""Every door of the desk, from the tables that name them all: who may come by it, and what it takes.

Addresses stand in the table of rights, forms of pages in that of CSRF; of programs' writes a body stands
here. A route without one fails.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.api.test_intake import PURCHASE
from tests.conftest import email_of
from tests.house.conftest import WHO, House
from tests.house.test_csrf import WRITES, Write
from tests.house.test_permissions import LINES, Line

SAFE = {"GET", "HEAD", "OPTIONS"}
# What programs may do here is told to everybody; nothing of the database is.
OF_EVERYBODY = {"/api/openapi.json", "/api/docs"}


class Call(NamedTuple):
    """A write of a program: where, by whom, and a body that does something."""

    method: str
    rule: str
    address: str
    body: dict[str, Any]
    who: str = "owner"
    headers: dict[str, str] = {}


ONCE = {"Idempotency-Key": "k-1"}
INTAKE = "/api/intake/orders/<order>"
CALLS = (
    Call(
        "PUT",
        "/api/okanjo/stores/<store>/sales/<item>",
        "/api/okanjo/stores/1/sales/{sale's item}",
        {"status": 3, "tracking_carrier": "DHL", "tracking_number": "X 9"},
    ),
    Call(
        "PUT",
        "/api/okanjo/order-items/<item>",
        "/api/okanjo/order-items/{bought goods}",
        {"status": 4},
        "buyer",
    ),
    Call(
        "PUT",
        "/api/okanjo/users/<user>/feedback/<item>",
        "/api/okanjo/users/{the buyer}/feedback/{bought file}",
        {"rating": 5, "feedback": "Good"},
        "buyer",
    ),
    Call("PUT", "/api/hip/sales/<order>", "/api/hip/sales/{sale}", {"flag_buyer_payment": 1}, "buyer"),
    Call(
        "PUT",
        "/api/hip/stores/<slug>/sales/<order>",
        "/api/hip/stores/papershop/sales/{sale}",
        {"flag_shipping": 1, "tracking_link": "X 9"},
    ),
    Call(
        "POST",
        "/api/intake/stores/<slug>/purchases",
        "/api/intake/stores/papershop/purchases",
        PURCHASE,
        headers=ONCE,
    ),
    Call(
        "POST",
        f"{INTAKE}/payments",
        "/api/intake/orders/{unpaid}/payments",
        {"amount": "22.50", "currency": "USD", "method": "card", "gateway_transaction_code": "G 1"},
        headers=ONCE,
    ),
    Call(
        "POST",
        f"{INTAKE}/cancellations",
        "/api/intake/orders/{sale}/cancellations",
        {"reason": "buyer"},
        headers=ONCE,
    ),
    Call(
        "POST",
        f"{INTAKE}/refunds",
        "/api/intake/orders/{sale}/refunds",
        {"amount": "1.00", "reason": "other"},
        headers=ONCE,
    ),
    Call("POST", f"{INTAKE}/notes", "/api/intake/orders/{sale}/notes", {"body": "Fragile"}, headers=ONCE),
    Call(
        "POST",
        "/api/site/stores",
        "/api/site/stores",
        {"slug": "newshop", "name": "New", "currency": "USD", "zone": "UTC", "is_vendor": True},
        "site_admin",
        ONCE,
    ),
    Call(
        "POST",
        "/api/site/stores/<slug>",
        "/api/site/stores/papershop",
        {"is_active": False},
        "site_admin",
        ONCE,
    ),
    Call(
        "POST",
        "/api/site/stores/<slug>/members",
        "/api/site/stores/papershop/members",
        {"email": email_of("buyer"), "role": "staff"},
        "site_admin",
        ONCE,
    ),
    Call(
        "POST",
        "/api/site/accounts",
        "/api/site/accounts",
        {"email": "ada@example.com", "name": "Ada", "is_email_proved": True},
        "site_admin",
        ONCE,
    ),
    Call(
        "POST",
        "/api/site/accounts/<account>",
        "/api/site/accounts/{the buyer}",
        {"is_active": False},
        "site_admin",
        ONCE,
    ),
    Call(
        "POST",
        "/api/site/handoffs",
        "/api/site/handoffs",
        {"email": email_of("buyer"), "path": "/purchases"},
        "site_admin",
    ),
)


def unsafe_calls() -> set[tuple[str, str]]:
    """Return the writes of programs that the table of rights names."""
    return {(x.method, x.rule) for x in LINES if x.rule.startswith("/api/") and x.method not in SAFE}


def comer(line: Line) -> str:
    """Return who gets furthest by a line: with a page or an answer, or with what is wrong in the form."""
    statuses = dict(zip(WHO, line.statuses, strict=True))
    preferred = ("owner", "buyer", "staff", "site_admin", "owner2", "stranger", "signed_out")
    for good in ({200, 204}, {422, 400}, {302, 303, 409}, {403, 404}):
        for who in preferred:
            if statuses[who] in good:
                return who
    return "owner"


def one_a_rule(*, reads: bool) -> list[Line]:
    """Return a line of each rule and method, the first in the table, of reads or of writes."""
    found: dict[tuple[str, str], Line] = {}
    for line in LINES:
        if (line.method in SAFE) == reads:
            found.setdefault((line.method, line.rule), line)
    return list(found.values())


def steps_named(line: Line) -> Iterator[int]:
    """Yield which steps of an address stand for something that its rule leaves open."""
    for n, step in enumerate(line.rule.split("/")):
        if re.search(r"<[^>]*>", step):
            yield n


def with_query(address: str, query: str) -> str:
    """Return an address with more in its query."""
    return f"{address}{'&' if '?' in address else '?'}{query}"


def sent_to(house: House, write: Write) -> dict[str, str]:
    """Return the form of a page's write, with the ids of what stands in the house."""
    return {house.path(name): house.path(value) for name, value in write.body.items()}


__all__ = [
    "CALLS",
    "OF_EVERYBODY",
    "SAFE",
    "WRITES",
    "Call",
    "Write",
    "comer",
    "one_a_rule",
    "sent_to",
    "steps_named",
    "unsafe_calls",
    "with_query",
]
