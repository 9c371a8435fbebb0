"""One form, one act: whatever is sent about an item has the same outcome at every door.

A table of bodies goes through the item's form (as a page and by htmx), Okanjo's PUT (as a form, as JSON, as
JSON with plain numbers) and, where it only ships, the ship form and Hip's PUT (as a form, as JSON).
Afterwards all rows of the database must be the same but for who came by which door. What the outcome must be
is the law's table, "Setting an item's status": goods, service in 2, pickup in 3, deal in 8; the owner of a
vendor store asks.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
import time_machine
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from app.errors import InvalidStatus, StatusChangeProhibited
from tests.house.conftest import HTMX, House

STORES = {"papershop": 1, "vendorshop": 2}
KINDS = ("goods", "deal", "pickup", "service")
PIECES = {"goods": 5}
INVALID, PROHIBITED = InvalidStatus.sentence, StatusChangeProhibited.sentence
DONE, NOTHING, REFUSED = "done", "done, and nothing changed", "refused"
JSON_WORD = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|true|null", re.ASCII)
# The names that come where a body says no more than the ship form can.
SHIPS = (["status"], ["status", "tracking_number"], ["status", "tracking_carrier", "tracking_number"])


class Body(NamedTuple):
    """What is sent, and the outcome for each of KINDS; a refusal in words stands in every answer."""

    title: str
    pairs: tuple[tuple[str, str], ...]
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
        browser = self.house.browser(self.who)
        sent = MultiDict([*body.pairs, ("csrf_token", self.house.csrf(browser, self.who))])
        return browser.post(f"/stores/{self.store}/items/{self.item}{place}", data=sent, headers=headers)

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
        pairs = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in body.pairs)
        return self.put(data="{" + ", ".join(pairs) + "}", content_type="application/json")

    def okanjo_numbers(self, body: Body) -> TestResponse:
        """Send Okanjo's PUT as JSON, a status as the number or word that it is in JSON."""
        value = dict(body.pairs)["status"]
        return self.put(data=f'{{"status": {value}}}', content_type="application/json")

    def ship_form(self, body: Body) -> TestResponse:
        """Send the ship form with all that is left and the same number."""
        browser = self.house.browser(self.who)
        sent = {name: value for name, value in body.pairs if name != "status"}
        sent |= {
            f"pieces-{self.item}": str(PIECES[self.kind]),
            "csrf_token": self.house.csrf(browser, self.who),
        }
        if not sent.get("tracking_number", "").strip():
            sent["no_number"] = "1"
        sale = self.house.ids[f"{self.store}'s {self.kind} sale"]
        return browser.post(f"/stores/{self.store}/sales/{sale}/ship", data=sent)

    def hip(self, **sent: Any) -> TestResponse:
        """Send Hip's PUT."""
        sale = self.house.ids[f"{self.store}'s {self.kind} sale"]
        address = f"/api/hip/stores/{self.store}/sales/{sale}"
        return self.house.browser("signed_out").put(address, headers=self.house.bearer(self.who), **sent)

    def hip_form(self, body: Body) -> TestResponse:
        """Send Hip's PUT as a form: all that is left goes, with the same number."""
        return self.hip(data=hips_words(body))

    def hip_json(self, body: Body) -> TestResponse:
        """Send it as JSON."""
        return self.hip(json=hips_words(body))

    def doors(self, body: Body) -> Iterator[tuple[str, Callable[[Body], TestResponse]]]:
        """Yield the doors that can take this body."""
        yield from (("page", self.page), ("htmx", self.htmx))
        yield from (("Okanjo, form", self.okanjo_form), ("Okanjo, JSON", self.okanjo_json))
        names = sorted(name for name, _ in body.pairs)
        if names == ["status"] and JSON_WORD.fullmatch(body.pairs[0][1]):
            yield "Okanjo, JSON numbers", self.okanjo_numbers
        if self.kind in PIECES and ("status", "3") in body.pairs and names in SHIPS:
            yield "ship form", self.ship_form
            if "tracking_carrier" not in names:
                yield from (("Hip, form", self.hip_form), ("Hip, JSON", self.hip_json))


def hips_words(body: Body) -> dict[str, str]:
    """Return what Hip's PUT has for "ship all, with this number"."""
    return {"flag_shipping": "1", "tracking_link": dict(body.pairs).get("tracking_number", "")}


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    """Let every door do its act at the same instant."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


def rows(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows, but for what tells one door from another: an act's id and door, and last uses."""
    by_act = {"event": ("act_id", "actor_kind", "door"), "outbox": ("dedupe",)}
    return house.dump(**by_act, api_token=("used_at",), signin=("seen_at",))


class Came(NamedTuple):
    """What came of a body at every door: status (as a page has it), text, and whether rows changed."""

    statuses: dict[str, int]
    texts: dict[str, str]
    has_changed: bool
    elsewhere: list[str]  # the doors after which the rows are others than after the first


def send_through(sender: Sender, body: Body, restore: Callable[[], None]) -> Came:
    """Send a body through every door, each on the same desk."""
    before, statuses, texts, afters = rows(sender.house), {}, {}, {}
    for door, send in sender.doors(body):
        answer = send(body)
        statuses[door] = {400: 422, 303: 200}.get(answer.status_code, answer.status_code)
        texts[door], afters[door] = answer.text, rows(sender.house)
        if afters[door] != before:
            restore()
    first = afters["page"]
    return Came(statuses, texts, first != before, [door for door in afters if afters[door] != first])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sent", BODIES, ids=[b.title for b in BODIES])
def test_it_has_the_same_outcome_at_every_door(
    house: House, restore: Callable[[], None], sent: Body, kind: str
) -> None:
    outcome = sent.outcomes[KINDS.index(kind)]
    came = send_through(Sender(house, "owner", "vendorshop", kind), sent, restore)
    is_done = outcome in {DONE, NOTHING}
    assert came.statuses == dict.fromkeys(came.statuses, 200 if is_done else 422)
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
    came = send_through(Sender(house, who, store, "deal"), sent, restore)
    # A foreign store is not there for a page, and forbidden for a program (law, "Whose is it").
    assert {404 if status == 404 and code == 403 else code for code in came.statuses.values()} == {status}
    assert (came.has_changed, came.elsewhere) == (status == 200, [])


def test_a_number_is_corrected_to_the_same_at_every_door(house: House, restore: Callable[[], None]) -> None:
    # "sent" has two pieces in a parcel: its newest number is replaced.
    house.ids = {**house.ids, "papershop's sent": house.ids["sent's item"]}
    corrected = body("another number", DONE, tracking_number="Z 9")
    came = send_through(Sender(house, "owner", "papershop", "sent"), corrected, restore)
    assert set(came.statuses.values()) == {200}
    assert (came.has_changed, came.elsewhere) == (True, [])
