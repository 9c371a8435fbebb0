"""One form, one act: whatever is sent about an item has the same outcome at every door.

A table of bodies goes through the item's form (as a page and by htmx), Okanjo's PUT (as a form, as JSON, as
JSON with plain numbers), Hip's PUT (as a form, as JSON) where it has a name for all of it, and the ship form
where it ships.
Afterwards all rows of the database must be the same but for who came by which door. What the outcome must be
is the law's table, "Setting an item's status": goods, service in 2, pickup in 3, deal in 8; the owner of a
vendor store asks.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import pytest
import time_machine
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from app.errors import InvalidStatus, StatusChangeProhibited
from tests.house.conftest import HTMX, House
from tests.house.doors import DONE, NOTHING, REFUSED, Came, Sending, send_through

STORES = {"papershop": 1, "vendorshop": 2}
KINDS = ("goods", "deal", "pickup", "service")
PIECES = {"goods": 5}
INVALID, PROHIBITED = InvalidStatus.sentence, StatusChangeProhibited.sentence
JSON_WORD = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|true|null", re.ASCII)
# What Hip's PUT calls it; who redeemed a deal and carriers it has no name for.
OF_HIP = {"status": "flag_shipping", "tracking_number": "tracking_link"}
OF_OTHERS = {"tracking_carrier", "product_deal_vendor_ack"}


Pairs = tuple[tuple[str, str], ...]


class Body(NamedTuple):
    """What is sent, and the outcome for each of KINDS; a refusal in words stands in every answer."""

    title: str
    pairs: Pairs
    outcomes: tuple[str, str, str, str]


def body(title: str, *outcomes: str, **fields: str) -> Body:
    """Make a row of the table; one outcome stands for all kinds."""
    return Body(title, tuple(fields.items()), outcomes * 4 if len(outcomes) == 1 else outcomes)  # type: ignore[arg-type]


SPELT = ("3 ", " 3", "+3", "-3", "٣", "３", "3.0", "3e0")
NO_PARCEL = (DONE, REFUSED, REFUSED, REFUSED)  # only goods have a parcel that could carry a number
SENT_AWAY = (DONE, PROHIBITED, PROHIBITED, REFUSED)  # 3 with a number: a service is done without a parcel
REDEEMED = (REFUSED, DONE, REFUSED, REFUSED)  # only deals are redeemed

BODIES = (
    body("3", DONE, PROHIBITED, PROHIBITED, DONE, status="3"),
    body("4", PROHIBITED, DONE, PROHIBITED, PROHIBITED, status="4"),
    body("9", PROHIBITED, PROHIBITED, DONE, PROHIBITED, status="9"),
    *(body(f"the code {n}", INVALID, status=n) for n in ("0", "2", "5", "8", "12", "99")),
    body("an empty status", NOTHING, status=""),
    body("nothing at all", NOTHING),
    *(body(f"3 spelt {text!r}", INVALID, status=text) for text in SPELT),
    *(body(f"a status {text!r}", INVALID, status=text) for text in ("true", "null", "9" * 20, "\x003")),
    body("64 characters of a number", *NO_PARCEL, tracking_number="N" * 64),
    body("65 characters of a number", REFUSED, tracking_number="N" * 65),
    body("64 accents", *NO_PARCEL, tracking_number="é" * 64),
    body("65 accents", REFUSED, tracking_number="é" * 65),
    body("64 signs beyond the first plane", *NO_PARCEL, tracking_number="😀" * 64),
    body("64 characters of a carrier", *NO_PARCEL, tracking_carrier="C" * 64),
    body("65 characters of a carrier", REFUSED, tracking_carrier="C" * 65),
    body("blanks around a number", *NO_PARCEL, tracking_number="  AB 1  "),
    body("only blanks", NOTHING, tracking_number="   "),
    body("3 with only blanks", DONE, PROHIBITED, PROHIBITED, DONE, status="3", tracking_number="   "),
    body("3 with a number", *SENT_AWAY, status="3", tracking_number="AB 1"),
    body(
        "3 with a carrier and a number",
        *SENT_AWAY,
        status="3",
        tracking_carrier="DHL",
        tracking_number="AB 1",
    ),
    body("3 with 64 characters", *SENT_AWAY, status="3", tracking_number="N" * 64),
    body("3 with 65 characters", REFUSED, status="3", tracking_number="N" * 65),
    body("3 with accents", *SENT_AWAY, status="3", tracking_number="Ñandú-Ω-1"),
    body("3 with a long carrier", REFUSED, status="3", tracking_carrier="C" * 65, tracking_number="N"),
    body("4 with a number", PROHIBITED, REFUSED, PROHIBITED, PROHIBITED, status="4", tracking_number="N"),
    body("a wrong code with a number", REFUSED, status="99", tracking_number="N"),
    *(
        body(f"3 with {character!r} in its number", REFUSED, status="3", tracking_number=f"A{character}B")
        for character in ("\0", "\x1f", "\x7f", "\n", "\t", "\u2028")
    ),
    body("a control character in a carrier", REFUSED, tracking_carrier="D\0HL"),
    body("255 characters of who redeemed", *REDEEMED, product_deal_vendor_ack="A" * 255),
    body("256 characters of who redeemed", REFUSED, product_deal_vendor_ack="A" * 256),
    body("255 accents of who redeemed", *REDEEMED, product_deal_vendor_ack="é" * 255),
    body("256 accents of who redeemed", REFUSED, product_deal_vendor_ack="é" * 256),
    body("a control character in who redeemed", REFUSED, product_deal_vendor_ack="A\x1bB"),
    body("nobody who redeemed", NOTHING, product_deal_vendor_ack=""),
    body("4 with who redeemed", *REDEEMED, status="4", product_deal_vendor_ack="Ana"),
    body("3 with who redeemed", REFUSED, status="3", product_deal_vendor_ack="Ana"),
    body("a field that nobody knows", REFUSED, colour="red"),
    body("3 with a field that nobody knows", REFUSED, status="3", colour=""),
    Body("3 twice", (("status", "3"), ("status", "3")), (REFUSED,) * 4),
    Body("3 and 4", (("status", "3"), ("status", "4")), (REFUSED,) * 4),
    Body("a number twice", (("tracking_number", "A"), ("tracking_number", "B")), (REFUSED,) * 4),
)


class Sender(NamedTuple):
    """Who sends, and the item it is about."""

    house: House
    who: str
    store: str
    kind: str

    @property
    def item(self) -> str:
        """Return the item's id as an address names it."""
        return str(self.house.ids[f"{self.store}'s {self.kind}"])

    def page(self, body: Body, headers: dict[str, str] | None = None, place: str = "") -> TestResponse:
        """Send the item's form."""
        return self.post(f"items/{self.item}{place}", body.pairs, headers)

    def post(self, path: str, pairs: Pairs, headers: dict[str, str] | None = None) -> TestResponse:
        """Send a form of a page of the store."""
        browser = self.house.browser(self.who)
        sent = MultiDict([*pairs, ("csrf_token", self.house.csrf(browser, self.who))])
        return browser.post(f"/stores/{self.store}/{path}", data=sent, headers=headers)

    def htmx(self, body: Body) -> TestResponse:
        """Send the item's form as htmx does from a row of the list."""
        return self.page(body, HTMX, "?in=row")

    def put(self, **sent: Any) -> TestResponse:
        """Send Okanjo's PUT."""
        address = f"/api/okanjo/stores/{STORES[self.store]}/sales/{self.item}"
        return self.house.browser("signed_out").put(address, headers=self.house.bearer(self.who), **sent)

    def okanjo_form(self, body: Body) -> TestResponse:
        """Send Okanjo's PUT as a form."""
        return self.put(data=MultiDict(body.pairs))

    def okanjo_json(self, body: Body) -> TestResponse:
        """Send Okanjo's PUT as JSON, all values as text; a name that comes twice stands in it twice."""
        return self.put(data=as_json(body.pairs), content_type="application/json")

    def okanjo_numbers(self, body: Body) -> TestResponse:
        """Send Okanjo's PUT as JSON, a status as the number or word that it is in JSON."""
        value = dict(body.pairs)["status"]
        return self.put(data=f'{{"status": {value}}}', content_type="application/json")

    def ship_form(self, body: Body) -> TestResponse:
        """Send the ship form with all that is left and the same number."""
        sent = [(name, text) for name, text in body.pairs if name != "status"]
        sent.append((f"pieces-{self.item}", str(PIECES[self.kind])))
        if not dict(sent).get("tracking_number", "").strip():
            sent.append(("no_number", "1"))
        sale = self.house.ids[f"{self.store}'s {self.kind} sale"]
        return self.post(f"sales/{sale}/ship", tuple(sent))

    def hip(self, **sent: Any) -> TestResponse:
        """Send Hip's PUT."""
        sale = self.house.ids[f"{self.store}'s {self.kind} sale"]
        address = f"/api/hip/stores/{self.store}/sales/{sale}"
        return self.house.browser("signed_out").put(address, headers=self.house.bearer(self.who), **sent)

    def hip_form(self, body: Body) -> TestResponse:
        """Send Hip's PUT as a form."""
        return self.hip(data=MultiDict(hips_words(body)))

    def hip_json(self, body: Body) -> TestResponse:
        """Send it as JSON."""
        return self.hip(data=as_json(hips_words(body)), content_type="application/json")

    def doors(self, body: Body) -> Iterator[tuple[str, Sending]]:
        """Yield the doors that can take this body."""
        for door, send in self.senders(body):
            yield door, partial(send, body)

    def senders(self, body: Body) -> Iterator[tuple[str, Callable[[Body], TestResponse]]]:
        """Yield what sends it."""
        yield from (("page", self.page), ("htmx", self.htmx))
        yield from (("Okanjo, form", self.okanjo_form), ("Okanjo, JSON", self.okanjo_json))
        names = [name for name, _ in body.pairs]
        if names == ["status"] and JSON_WORD.fullmatch(body.pairs[0][1]):
            yield "Okanjo, JSON numbers", self.okanjo_numbers
        ships = self.kind in PIECES and names.count("status") == 1 and ("status", "3") in body.pairs
        if ships and "product_deal_vendor_ack" not in names:
            yield "ship form", self.ship_form
        # Alone, an empty link is nothing for Hip, which is refused (law 2).
        says = "".join(text for name, text in body.pairs if name != "status").strip()
        if not OF_OTHERS & {*names} and (ships or ("status" not in names and says)):
            yield from (("Hip, form", self.hip_form), ("Hip, JSON", self.hip_json))


def as_json(pairs: Pairs) -> str:
    """Return pairs as a JSON object, all values as text; a name that comes twice stands in it twice."""
    return "{" + ", ".join(f"{json.dumps(name)}: {json.dumps(text)}" for name, text in pairs) + "}"


def hips_words(body: Body) -> Pairs:
    """Return what Hip's PUT has for it; asked to be in 3, all that is left is shipped."""
    return tuple((OF_HIP.get(name, name), "1" if name == "status" else text) for name, text in body.pairs)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    """Let every door do its act at the same instant."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


def sent_as(sender: Sender, body: Body, restore: Callable[[], None]) -> Came:
    """Send a body through every door that can take it."""
    return send_through(sender.house, sender.doors(body), restore)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sent", BODIES, ids=[b.title for b in BODIES])
def test_it_has_the_same_outcome_at_every_door(
    house: House, restore: Callable[[], None], sent: Body, kind: str
) -> None:
    outcome = sent.outcomes[KINDS.index(kind)]
    came = sent_as(Sender(house, "owner", "vendorshop", kind), sent, restore)
    assert (came.unlike(outcome), {*came.statuses.values()} - {200, 422}) == ({}, set())
    assert (came.has_changed, came.elsewhere) == (outcome == DONE, [])
    if outcome in {INVALID, PROHIBITED}:
        assert [door for door, text in came.texts.items() if outcome not in text] == []


# Law, "Who": only the acknowledgement needs vendor level.
ACKNOWLEDGING = (
    ("vendor", "vendorshop", 200),
    ("owner", "vendorshop", 200),
    ("staff", "vendorshop", 403),
    ("owner", "papershop", 403),
    ("vendor", "papershop", 403),
    ("site_admin", "papershop", 403),
    ("site_admin", "vendorshop", 200),
    ("stranger", "vendorshop", 404),
)


@pytest.mark.parametrize(("who", "store", "status"), ACKNOWLEDGING)
def test_who_may_note_who_redeemed_is_the_same_at_every_door(
    house: House, restore: Callable[[], None], who: str, store: str, status: int
) -> None:
    sent = body("who redeemed", DONE, status="4", product_deal_vendor_ack="Ana")
    came = sent_as(Sender(house, who, store, "deal"), sent, restore)
    # A foreign store is not there for a page, and forbidden for a program (law, "Whose is it").
    assert {404 if status == 404 and code == 403 else code for code in came.statuses.values()} == {status}
    assert (came.has_changed, came.elsewhere) == (status == 200, [])


def test_a_number_is_corrected_to_the_same_at_every_door(house: House, restore: Callable[[], None]) -> None:
    # "sent" has two pieces in a parcel: its newest number is replaced.
    ids = {"papershop's sent": house.ids["sent's item"], "papershop's sent sale": house.ids["sent"]}
    house.ids = {**house.ids, **ids}
    corrected = body("another number", DONE, tracking_number="Z 9")
    came = sent_as(Sender(house, "owner", "papershop", "sent"), corrected, restore)
    assert set(came.statuses.values()) == {200}
    assert (came.has_changed, came.elsewhere) == (True, [])
