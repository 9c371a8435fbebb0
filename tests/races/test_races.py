"""Real requests at the same moment, against the running desk with two workers, on both databases.

A round counts when all of its requests were on their way before one of them was answered. Who won is
counted and printed: a race that always ends the same is a sequence. `make races ROUNDS=1000` runs many.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.actions.purchases import BuyerSaid
from tests.factories import DEAL, GOODS
from tests.races.ring import CROWD, Race, Ring, race
from tests.races.server import Answer
from tests.rules.books import events

pytestmark = pytest.mark.both

# A form that is refused is answered 409 or 422: 400 were one that nobody read.
FORMS = frozenset({"cancel", "receive", "refund", "undo"})


def only_one(answers: list[Answer]) -> str:
    """Hold that one request was done and the others were refused; return whose it was."""
    won = [answer for answer in answers if answer.is_done]
    assert len(won) == 1, answers
    assert {answer.status for answer in answers if not answer.is_done} <= {400, 409, 422}, answers
    assert not any(answer.status == 400 for answer in answers if answer.name in FORMS), answers
    return won[0].name if len({answer.name for answer in answers}) > 1 else f"client {won[0].client}"


def sale(ring: Ring, *lines: Any, **how: Any) -> tuple[int, int]:
    """Make a sale that was bought just now; return its id and its first line's."""
    order_id = ring.make.sale(*lines, placed_at=datetime.now(UTC), **how)
    return order_id, ring.make.items_of(order_id)[0]


def ship_and_ship(ring: Ring) -> Any:
    _, item_id = sale(ring, GOODS)
    return [ring.move("ship", item_id, status=3) for _ in range(CROWD)], only_one


def ship_and_cancel(ring: Ring) -> Any:
    order_id, item_id = sale(ring, GOODS)
    cancel = {f"pieces_no_{item_id}": 5, "reason": "buyer"}
    ships = [ring.move("ship", item_id, status=3) for _ in range(CROWD // 2)]
    cancels = [ring.form("cancel", order_id, "/cancel", **cancel) for _ in range(CROWD // 2)]
    return ships + cancels, only_one


def redeem_and_redeem(ring: Ring) -> Any:
    _, item_id = sale(ring, DEAL, store="vendorshop")
    return [
        ring.move("redeem", item_id, "vendorshop", status=4, product_deal_vendor_ack=f"by {n}")
        for n in range(CROWD)
    ], only_one


def undo_and_ship_the_rest(ring: Ring) -> Any:
    order_id, item_id = sale(ring, GOODS)
    parcel_id = ring.make.ship(order_id, {item_id: 2})
    undo = [ring.form("undo", order_id, f"/parcels/{parcel_id}/void") for _ in range(CROWD // 2)]
    rest = [ring.move("ship", item_id, status=3) for _ in range(CROWD // 2)]

    def judge(answers: list[Answer]) -> str:
        done = sorted(answer.name for answer in answers if answer.is_done)
        verbs = [event.verb for event in events(ring.app, order_id) if event.item_id == item_id]
        first = next(verb for verb in verbs[3:] if verb in {"void", "ship"})
        shipped = ring.make.item_row(item_id).shipped
        # Whoever undoes it first leaves all five to ship. Whoever ships first leaves nothing: the undone
        # two wait again, and a second who comes after that ships them.
        assert done.count("undo") == 1, answers
        assert (done.count("ship"), shipped) in {(1, 5 if first == "void" else 3), (2, 5)}, answers
        return "undo" if first == "void" else "ship"

    return undo + rest, judge


def undo_and_receive(ring: Ring) -> Any:
    order_id, item_id = sale(
        ring, GOODS, account="buyer", buyer=BuyerSaid("Maja Kowalczyk", "maja", ref="maja")
    )
    parcel_id = ring.make.ship(order_id, {item_id: 5})
    undo = [ring.form("undo", order_id, f"/parcels/{parcel_id}/void") for _ in range(CROWD // 2)]
    receive = [ring.buyers_form("receive", order_id, "/received") for _ in range(CROWD // 2)]
    return undo + receive, only_one


def refund_and_refund(ring: Ring) -> Any:
    order_id, _ = sale(ring, GOODS)
    sent = {"amount": "22.50", "reason": "other"}
    return [ring.form("refund", order_id, "/refund", **sent) for _ in range(CROWD)], only_one


RACES: tuple[Race, ...] = (
    ship_and_ship,
    ship_and_cancel,
    redeem_and_redeem,
    undo_and_ship_the_rest,
    undo_and_receive,
    refund_and_refund,
)


def test_of_those_who_ask_at_the_same_moment_the_books_hold(
    ring: Ring, kind_of_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [race(ring, of, kind_of_database) for of in RACES]
    with capsys.disabled():
        print("", *told, sep="\n")
