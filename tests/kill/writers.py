"""Programs that tell a desk of purchases while it is killed: each call until it is answered.

A call that was sent and not answered may be done or not: it is put aside and comes again under its key, like
a marketplace's program would do. What was answered is kept, to be looked for afterwards.
"""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Generator
from itertools import count
from typing import Any, NamedTuple

SLOWEST = 20
# Seconds: between two tries of one that found nobody, and of one that was cut off.
MOMENT, A_WHILE = 0.02, 1.0
STILL_RUNNING = "still at work"


class Call(NamedTuple):
    """One write: what it is called, where it goes, and what of it must be found afterwards.

    `about` is the article's number of a purchase, the sale's id of a payment, the item's id of a shipment,
    the words of a note. A call without a key is known as done by what it is refused for.
    """

    name: str
    path: str
    body: dict[str, Any]
    about: Any
    key: str = ""


class Answered(NamedTuple):
    """A call that was answered as done, and the bytes of the answer."""

    call: Call
    answer: bytes


class Story:
    """A purchase and what becomes of it, call by call."""

    def __init__(self, steps: Generator[Call, Any, None]) -> None:
        self.steps = steps
        self.call: Call | None = next(steps)
        self.tries = 0
        self.due = 0.0

    def go_on(self, answer: bytes) -> None:
        """Take up the next call."""
        self.tries = 0
        try:
            self.call = self.steps.send(json.loads(answer) if answer else None)
        except StopIteration:
            self.call = None


class Ledger:
    """What all writers know together."""

    def __init__(self, store_id: int) -> None:
        self.store_id = store_id
        self.numbers = count(1)
        self.answered: list[Answered] = []
        self.cut = self.replayed = 0
        self.names: Counter[str] = Counter()
        self.faults: list[str] = []
        self.aside: list[Story] = []
        self.last_sent = 0.0  # when the last one was sent that was answered

    def stories(self, dice: random.Random) -> Generator[Call, Any, None]:
        """Tell of a purchase, mostly paid and shipped; every third buyer buys again before paying."""
        name = f"s-{next(self.numbers)}"
        sale = yield self._purchase(f"{name}-a", name)
        if dice.random() < 1 / 3:
            sale = yield self._purchase(f"{name}-b", name)
            if [line["sku"] for line in sale["lines"]] != [f"{name}-a", f"{name}-b"]:
                self.faults.append(f"{name}: two purchases did not become one: {sale}")
        if dice.random() < 0.1:
            return
        orders = f"/api/intake/orders/{sale['id']}"
        paid = {"amount": sale["total"], "currency": "USD", "method": "paypal"}
        yield Call("payment", f"{orders}/payments", paid, sale["id"], f"{name}-pay")
        if dice.random() < 1 / 3:
            words = f"{name}: thank you"
            yield Call(
                "note",
                f"{orders}/notes",
                {"body": words, "is_visible": True, "confirmed": True},
                words,
                f"{name}-note",
            )
        for line in sale["lines"]:
            if dice.random() < 0.8:
                path = f"/api/okanjo/stores/{self.store_id}/sales/{line['id']}"
                yield Call("ship", path, {"status": 3}, line["id"])

    def _purchase(self, article: str, buyer: str) -> Call:
        """Return the call that tells of a purchase of one card by this buyer."""
        body = {
            "external_id": article,
            "kind": "auction",
            "currency": "USD",
            "buyer": {"email": f"{buyer}@example.com", "name": "Maja Kowalczyk"},
            "address": {
                "name": "Maja Kowalczyk", "street": "ul. Długa 5", "city": "Poznań", "postal_code": "61-001",
                "country": "PL",
            },
            "lines": [
                {
                    "title": "Card", "sku": article, "quantity": 2, "price": "4.50", "product_type": 1,
                    "delivery": "physical", "postage": "2.00", "postage_additional": "0.50/1",
                }
            ],
        }  # fmt: skip
        return Call("purchase", "/api/intake/stores/papershop/purchases", body, article, f"{article}-buy")


class Writer(threading.Thread):
    """One program, with one connection."""

    def __init__(self, ledger: Ledger, port: int, bearer: dict[str, str], seed: object) -> None:
        super().__init__(daemon=True)
        self.ledger, self.port, self.bearer = ledger, port, bearer
        self.dice = random.Random(str(seed))
        self.ended = threading.Event()
        self.connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Tell one story after the other until it is ended."""
        try:
            while not self.ended.is_set():
                self.tell(self.due() or Story(self.ledger.stories(self.dice)))
        except Exception as error:
            self.ledger.faults.append(f"a writer fell: {error!r}")
        finally:
            self.hang_up()

    def due(self) -> Story | None:
        """Take up one that was cut off and waited long enough."""
        now = time.monotonic()
        for story in list(self.ledger.aside):
            if story.due <= now:
                try:
                    self.ledger.aside.remove(story)
                except ValueError:  # another writer took it
                    continue
                return story
        return None

    def tell(self, story: Story) -> None:
        """Send the calls of a story, until it ends or one of them gets no answer."""
        while story.call is not None:
            status, answer, is_replayed = self.send(story.call)
            story.tries += 1
            is_known = not story.call.key and story.tries > 1 and status == 400
            if status in {200, 201} or is_known:
                self.note(story.call, answer, is_replayed or is_known)
                story.go_on(answer if story.call.key else b"")
            elif status == 503:
                self.ended.wait(0.1)
                if self.ended.is_set():
                    break
            elif status == 0 or (status == 409 and STILL_RUNNING in answer.decode()):
                break
            else:
                self.ledger.faults.append(f"{story.call}: {status} {answer!r}")
                return
        if story.call is not None:
            story.due = time.monotonic() + A_WHILE
            self.ledger.aside.append(story)

    def note(self, call: Call, answer: bytes, is_late: bool) -> None:
        """Keep that a call was answered; one in twenty comes again, for the same answer."""
        ledger = self.ledger
        ledger.answered.append(Answered(call, answer))
        ledger.names[f"{call.name}, at another try" if is_late else call.name] += 1
        if call.key and self.dice.random() < 0.05:
            self.ask_again(Answered(call, answer))

    def ask_again(self, one: Answered) -> None:
        """Send a call that was answered once more, and hold that the answer is the same."""
        status, answer, is_replayed = self.send(one.call)
        if status in {200, 201}:
            self.ledger.replayed += 1
            if answer != one.answer or not is_replayed:
                self.ledger.faults.append(f"{one.call}: {one.answer!r} became {answer!r}")

    def send(self, call: Call) -> tuple[int, bytes, bool]:
        """Return status, answer, and whether that was given before; 0 where it was sent and not answered."""
        body = json.dumps(call.body).encode()
        headers = {**self.bearer, "Host": "desk.example", "Content-Type": "application/json"}
        if call.key:
            headers["Idempotency-Key"] = call.key
        connection = self.connect()
        if connection is None:
            return 0, b"", False
        sent_at = time.monotonic()
        try:
            connection.request("POST" if call.key else "PUT", call.path, body, headers)
            reply = connection.getresponse()
            answer = reply.read()
        except (OSError, http.client.HTTPException):
            self.hang_up()
            self.ledger.cut += 1
            return 0, b"", False
        if reply.status in {200, 201}:
            self.ledger.last_sent = max(self.ledger.last_sent, sent_at)
        if reply.will_close:
            self.hang_up()
        return reply.status, answer, "Idempotency-Replayed" in reply.headers

    def connect(self) -> http.client.HTTPConnection | None:
        """Return the connection; where nobody listens it is tried until this is ended."""
        while self.connection is None:
            fresh = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SLOWEST)
            try:
                fresh.connect()
            except OSError:
                fresh.close()
                if self.ended.wait(MOMENT):
                    return None
            else:
                self.connection = fresh
        return self.connection

    def hang_up(self) -> None:
        """Close the connection."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
