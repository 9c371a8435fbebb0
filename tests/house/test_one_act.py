"""One form, one act: what is sent about a whole sale has the same outcome by page, by intake and by Hip.

Tables of bodies, for each thing that can be done by more doors than one: cancelled, refunded, noted, paid,
and the buyer's word. Where a body cannot be taken, the intake says why in the page's own sentence.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import pytest
import time_machine
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from app.statuses import Payment
from tests.house.conftest import House
from tests.house.doors import DONE, NOTHING, REFUSED, Came, Sending, seen, send_through

Words = Mapping[str, str]
# What is said of a name that nobody knows: pages name it in the sentence, the intake beside it.
STRANGER = "There is no field of this name here, or it came twice."
OF_PAGES = "is no field of this form, or came twice."
TICKS = {"stock_back", "notify", "is_pending", "is_visible", "confirmed"}


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    """Let every door do its act at the same instant."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


class Sender(NamedTuple):
    """Who sends, about which sale of which store."""

    house: House
    who: str
    store: str
    sale: str

    @property
    def at(self) -> str:
        """Return the sale's id."""
        return str(self.house.ids[self.sale])

    def page(self, path: str, sent: Words) -> TestResponse:
        """Send a form of a page."""
        browser = self.house.browser(self.who)
        body = MultiDict([*sent.items(), ("csrf_token", self.house.csrf(browser, self.who))])
        return browser.post(path, data=body)

    def of_sale(self, act: str, sent: Words) -> TestResponse:
        """Send a form of the sale's page."""
        return self.page(f"/stores/{self.store}/sales/{self.at}/{act}", sent)

    def intake(self, act: str, told: Any) -> TestResponse:
        """Tell the intake of the sale."""
        headers = {**self.house.bearer(self.who), "Idempotency-Key": f"{act}-1"}
        return self.house.browser("signed_out").post(
            f"/api/intake/orders/{self.at}/{act}",
            data=json.dumps(told),
            content_type="application/json",
            headers=headers,
        )

    def put(self, path: str, **sent: Any) -> TestResponse:
        """PUT as a program does."""
        return self.house.browser("signed_out").put(
            f"/api{path}", headers=self.house.bearer(self.who), **sent
        )

    def hip(self, sent: Words, *, as_json: bool = False, is_buyers: bool = False) -> TestResponse:
        """Send Hip's PUT, the seller's or the buyer's."""
        path = f"/hip/sales/{self.at}" if is_buyers else f"/hip/stores/{self.store}/sales/{self.at}"
        return self.put(path, **({"json": dict(sent)} if as_json else {"data": dict(sent)}))

    def by_hip(self, sent: Words, *, is_buyers: bool = False) -> Iterator[tuple[str, Sending]]:
        """Yield Hip's two ways."""
        yield "Hip, form", partial(self.hip, sent, is_buyers=is_buyers)
        yield "Hip, JSON", partial(self.hip, sent, as_json=True, is_buyers=is_buyers)


class Row(NamedTuple):
    """What is sent, by the names that pages have, and its outcome."""

    outcome: str
    sent: Words


def told(sent: Words) -> dict[str, Any]:
    """Return a body as the intake is told it: JSON's own numbers and truths."""
    return {name: True if name in TICKS and text == "1" else text for name, text in sent.items()}


def check(came: Came, outcome: str) -> None:
    """Hold every door to the outcome, and the intake to the page's sentence."""
    assert came.unlike(outcome) == {}
    assert (came.has_changed, came.elsewhere) == (outcome == DONE, [])
    if outcome == REFUSED and "intake" in came.texts:
        sentence, page = json.loads(came.texts["intake"])["error"], seen(came.texts["page"])
        assert (OF_PAGES if sentence == STRANGER else sentence) in page


def title(row: Row) -> str:
    """Return what is sent as a test's name."""
    return " ".join(f"{name}={text[:12]!r}" for name, text in row.sent.items()) or "nothing"


CANCELLED = (
    Row(DONE, {"pieces": "2", "reason": "sold_out"}),
    Row(DONE, {"pieces": "2", "reason": "buyer", "stock_back": "1", "notify": "1"}),
    Row(DONE, {"pieces": "5", "reason": "other"}),
    Row(REFUSED, {"pieces": "6", "reason": "other"}),
    Row(REFUSED, {"pieces": "0", "reason": "other"}),
    Row(REFUSED, {"pieces": "-1", "reason": "other"}),
    Row(REFUSED, {"pieces": "2.5", "reason": "other"}),
    Row(REFUSED, {"pieces": "٣", "reason": "other"}),
    Row(REFUSED, {"pieces": "two", "reason": "other"}),
    Row(REFUSED, {"pieces": "2"}),
    Row(REFUSED, {"pieces": "2", "reason": ""}),
    Row(REFUSED, {"pieces": "2", "reason": "boredom"}),
    Row(REFUSED, {"pieces": "2", "reason": "oth\0er"}),
    Row(REFUSED, {"pieces": "2", "reason": "other", "stock_back": "perhaps"}),
    Row(REFUSED, {"pieces": "2", "reason": "other", "colour": "red"}),
    Row(REFUSED, {"pieces": "2", "reason": "other", "version": "99"}),
    Row(REFUSED, {"pieces": "2", "reason": "other", "version": "new"}),
)


@pytest.mark.parametrize("row", CANCELLED, ids=title)
def test_pieces_are_cancelled_or_not_by_every_door(
    house: House, restore: Callable[[], None], row: Row
) -> None:
    by = Sender(house, "owner", "papershop", "papershop's goods sale")
    item = house.ids["papershop's goods"]
    rest = {name: text for name, text in row.sent.items() if name != "pieces"}
    lines = [{"id": item, "quantity": row.sent["pieces"]}]
    doors: list[tuple[str, Sending]] = [
        ("page", partial(by.of_sale, "cancel", {f"pieces-{item}": row.sent["pieces"], **rest})),
        ("intake", partial(by.intake, "cancellations", {**told(rest), "lines": lines})),
    ]
    if row.sent == {"pieces": "5", "reason": "other"}:
        doors.append(("intake, all", partial(by.intake, "cancellations", told(rest))))
        doors += by.by_hip({"flag_payment": "4"})
    check(send_through(house, doors, restore), row.outcome)


REFUNDED = (
    Row(DONE, {"amount": "1.00", "reason": "other"}),
    Row(DONE, {"amount": "4.50", "reason": "returned", "item": "1", "notify": "1"}),
    Row(DONE, {"amount": "22.5", "reason": "other"}),
    Row(DONE, {"amount": "22.50", "reason": "other", "item": "1"}),
    Row(DONE, {"amount": " 1 ", "reason": "buyer", "is_pending": "1"}),
    Row(REFUSED, {"amount": "22.51", "reason": "other"}),
    Row(REFUSED, {"amount": "0", "reason": "other"}),
    Row(REFUSED, {"amount": "-1", "reason": "other"}),
    Row(REFUSED, {"amount": "1.005", "reason": "other"}),
    Row(REFUSED, {"amount": "1e1", "reason": "other"}),
    Row(REFUSED, {"amount": "９", "reason": "other"}),
    Row(REFUSED, {"amount": "9" * 30, "reason": "other"}),
    Row(REFUSED, {"amount": "", "reason": "other"}),
    Row(REFUSED, {"reason": "other"}),
    Row(REFUSED, {"amount": "1"}),
    Row(REFUSED, {"amount": "1", "reason": "boredom"}),
    Row(REFUSED, {"amount": "1", "reason": "other", "is_pending": "later"}),
    Row(REFUSED, {"amount": "1", "reason": "other", "colour": "red"}),
    Row(REFUSED, {"amount": "1", "reason": "other", "version": "99"}),
)


@pytest.mark.parametrize("row", REFUNDED, ids=title)
def test_money_goes_back_or_not_by_every_door(house: House, restore: Callable[[], None], row: Row) -> None:
    by = Sender(house, "owner", "papershop", "papershop's goods sale")
    item = house.ids["papershop's goods"]
    rest = {name: text for name, text in row.sent.items() if name != "item"}
    typed: dict[str, str] = {f"item-{item}": "1"} if "item" in row.sent else {}
    lines: dict[str, Any] = {"lines": [{"id": item}]} if "item" in row.sent else {}
    doors: list[tuple[str, Sending]] = [
        ("page", partial(by.of_sale, "refund", {**rest, **typed})),
        ("intake", partial(by.intake, "refunds", {**told(rest), **lines})),
    ]
    if row.sent == {"amount": "22.50", "reason": "other", "item": "1"}:
        doors += by.by_hip({"flag_payment": "5"})
    check(send_through(house, doors, restore), row.outcome)


NOTED = (
    Row(DONE, {"body": "Pack it flat"}),
    Row(DONE, {"body": "Pack it\r\nflat «和紙» 😀"}),
    Row(DONE, {"body": "é" * 4000}),
    Row(DONE, {"body": "For you", "is_visible": "1", "confirmed": "1"}),
    Row(REFUSED, {"body": "For you", "is_visible": "1"}),
    Row(REFUSED, {"body": "é" * 4001}),
    Row(REFUSED, {"body": ""}),
    Row(REFUSED, {"body": "   "}),
    Row(REFUSED, {}),
    Row(REFUSED, {"body": "a\0b"}),
    Row(REFUSED, {"body": "a", "is_visible": "perhaps"}),
    Row(REFUSED, {"body": "a", "version": "1"}),
)


@pytest.mark.parametrize("row", NOTED, ids=title)
def test_a_note_is_kept_or_not_by_every_door(house: House, restore: Callable[[], None], row: Row) -> None:
    by = Sender(house, "staff", "papershop", "sale")
    doors: list[tuple[str, Sending]] = [
        ("page", partial(by.of_sale, "notes", row.sent)),
        ("intake", partial(by.intake, "notes", told(row.sent))),
    ]
    check(send_through(house, doors, restore), row.outcome)


METHODS = {"1": "card", "2": "paypal", "3": "on_arrival"}
PAID = (
    *(Row(DONE, {"payment": code}) for code in METHODS),
    *(Row(REFUSED, {"payment": text}) for text in ("6", "-1", "1 ", "+1", "１", "1.0", "paid", "1\0")),
    Row(REFUSED, {"payment": ""}),
    Row(REFUSED, {"payment": "1", "colour": "red"}),
)


@pytest.mark.parametrize("sale", ["unpaid", "unpaid deal", "sale"])
@pytest.mark.parametrize("row", PAID, ids=title)
def test_a_sale_is_paid_or_not_by_every_door(
    house: House, restore: Callable[[], None], row: Row, sale: str
) -> None:
    by = Sender(house, "staff", "papershop", sale)
    code = row.sent["payment"]
    rest = {name: text for name, text in row.sent.items() if name != "payment"}
    doors: list[tuple[str, Sending]] = [("page", partial(by.of_sale, "paid", row.sent))]
    doors += by.by_hip({"flag_payment": code, **rest})
    if code in METHODS:
        total = {"unpaid": "22.50", "unpaid deal": "20.00", "sale": "150.50"}[sale]
        money = {"amount": total, "currency": "USD", "method": METHODS[code]}
        doors.append(("intake", partial(by.intake, "payments", {**money, **rest})))
    came = send_through(house, doors, restore, payment=("method",))
    outcome = REFUSED if sale == "sale" else row.outcome
    # Paid before: pages and intake answer that somebody was quicker, Hip that it cannot be.
    statuses = {409: 422}
    came = came._replace(statuses={door: statuses.get(n, n) for door, n in came.statuses.items()})
    assert (came.unlike(outcome), came.elsewhere) == ({}, [])
    assert came.has_changed == (outcome == DONE)


SAID = (
    *(Row(DONE, {"code": code}) for code in ("1", "3")),
    Row(NOTHING, {"code": "0"}),
    *(Row(REFUSED, {"code": text}) for text in ("2", "4", "5", "6", "1 ", "+1", "１", "yes", "1\0")),
    Row(REFUSED, {"code": ""}),
    Row(REFUSED, {"code": "1", "colour": "red"}),
)


@pytest.mark.parametrize("row", SAID, ids=title)
def test_what_a_buyer_says_of_the_payment_is_taken_or_not_by_every_door(
    house: House, restore: Callable[[], None], row: Row
) -> None:
    by = Sender(house, "buyer", "papershop", "combined")
    rest = {name: text for name, text in row.sent.items() if name != "code"}
    doors: list[tuple[str, Sending]] = [("page", partial(by.page, f"/purchases/{by.at}/paid", row.sent))]
    doors += by.by_hip({"flag_buyer_payment": row.sent["code"], **rest}, is_buyers=True)
    # The count by which lists know that something was done goes up even so.
    check(send_through(house, doors, restore, store=("revision",)), row.outcome)


@pytest.mark.parametrize(
    ("item", "outcome"), [("bought goods", DONE), ("bought kit", DONE), ("bought file", REFUSED)]
)
def test_an_item_is_received_or_not_by_every_door(
    house: House, restore: Callable[[], None], item: str, outcome: str
) -> None:
    by = Sender(house, "buyer", "vendorshop", "bought")
    item_id = house.ids[item]
    doors: list[tuple[str, Sending]] = [
        ("page", partial(by.page, f"/purchases/{by.at}/received", {f"item-{item_id}": "1"})),
        ("Okanjo, form", partial(by.put, f"/okanjo/order-items/{item_id}", data={"status": "4"})),
        ("Okanjo, JSON", partial(by.put, f"/okanjo/order-items/{item_id}", json={"status": 4})),
    ]
    check(send_through(house, doors, restore), outcome)


def test_all_that_is_there_is_received_by_every_door(house: House, restore: Callable[[], None]) -> None:
    by = Sender(house, "buyer", "vendorshop", "bought")
    doors: list[tuple[str, Sending]] = [("page", partial(by.page, f"/purchases/{by.at}/received", {}))]
    doors += by.by_hip({"flag_buyer_shipping": "1"}, is_buyers=True)
    check(send_through(house, doors, restore), DONE)


def test_every_code_of_a_payment_has_its_method() -> None:
    assert {*METHODS} == {str(int(code)) for code in (Payment.PAID, Payment.PAID_PAYPAL, Payment.ON_ARRIVAL)}
