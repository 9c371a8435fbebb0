"""What a buyer says: received, paid, something is wrong, how it was; downloads counted down."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access import Actor, person
from app.actions import buyers_word, problems
from app.actions.buyers_word import AlreadySaid, downloads_left
from app.actions.parcels import ship_together
from app.actions.purchases import BuyerSaid
from app.db import db
from app.errors import ChangedMeanwhile, NotFound, StatusChangeProhibited
from app.models import Feedback, Note, Order, OrderItem
from app.queries import people
from app.statuses import Payment
from tests.conftest import email_of
from tests.factories import DEAL, DIGITAL, GOODS, PICKUP, SERVICE, Factory
from tests.rules.books import events, everything, parcels, present, recount, replayed, tally

PAID_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)

Do = Callable[..., Any]


@pytest.fixture
def do(app: Flask) -> Do:
    """Return what lets the buyer do an act on an order, and commits it."""

    def done(act: Callable[..., Any], order_id: int, *given: Any, who: str = "buyer", **named: Any) -> Any:
        with app.app_context():
            store_id = db.session.get_one(Order, order_id).store_id
            result = act(order_id, *given, actor=actor_of(who), store_id=store_id, **named)
            db.session.commit()
            return result if isinstance(result, int) else None

    return done


def actor_of(who: str) -> Actor:
    """Return one of the cast as an actor."""
    account = people.account_by_email(email_of(who))
    assert account is not None
    return person(account)


def statuses(make: Factory, order_id: int) -> list[int]:
    """Return the statuses of a sale's lines."""
    return [int(item.status) for item in make.sale_row(order_id).items]


def flags(make: Factory, order_id: int) -> tuple[int, int]:
    """Return a sale's two shipping flags: the seller's and the buyer's."""
    row = make.sale_row(order_id)
    return int(row.shipping), int(row.buyer_shipping)


# (line, status before, whether the buyer may say that it is there): law 1
RECEIVABLE = [
    *((GOODS, status, status == 3) for status in (1, 2, 3, 4, 5, 6, 7)),
    *((PICKUP, status, status in {2, 3}) for status in (1, 2, 3, 4, 6, 9)),
    (SERVICE, 2, False),
    (DEAL, 2, False),
    (DEAL, 8, False),
    (DIGITAL, 4, False),
]


@pytest.mark.parametrize("case", RECEIVABLE)
def test_what_is_under_way_is_received_and_a_pickup_before_it_is_ready_too(
    app: Flask, make: Factory, do: Do, case: tuple[Any, int, bool]
) -> None:
    line, status, may = case
    item_id = make.item(line, status, account="buyer")
    order_id = make.item_row(item_id).order_id
    before = everything(app)
    if may:
        do(buyers_word.receive, order_id, [item_id])
        assert (statuses(make, order_id), flags(make, order_id)[1]) == ([4], 1)
        assert tally(app) == recount(app)
    else:
        with pytest.raises(StatusChangeProhibited):
            do(buyers_word.receive, order_id, [item_id])
        assert everything(app) == before


def test_a_line_named_that_cannot_be_received_keeps_the_others_back(
    app: Flask, make: Factory, do: Do
) -> None:
    order_id = make.sale(GOODS, SERVICE, account="buyer")
    cards, lesson = make.items_of(order_id)
    make.ship(order_id, {cards: 5})
    before = everything(app)
    with pytest.raises(StatusChangeProhibited):
        do(buyers_word.receive, order_id, [cards, lesson])
    with pytest.raises(NotFound):
        do(buyers_word.receive, order_id, [cards, 999999])
    assert everything(app) == before


def test_a_parcel_is_received_once_nothing_in_it_is_under_way(app: Flask, make: Factory, do: Do) -> None:
    order_id = make.sale(GOODS, GOODS, account="buyer")
    first, second = make.items_of(order_id)
    make.ship(order_id, {first: 3, second: 5})
    make.ship(order_id, {first: 2})
    do(buyers_word.receive, order_id, [first])
    assert [p.state for p in parcels(app)] == ["shipped", "received"]
    assert flags(make, order_id) == (1, 0)
    do(buyers_word.receive, order_id, [second])
    assert [p.state for p in parcels(app)] == ["received", "received"]
    assert flags(make, order_id) == (1, 1)
    assert make.sale_row(order_id).desk_state == "closed"
    assert replayed(app) == present(app)


def test_a_parcel_of_two_sales_waits_for_both(app: Flask, make: Factory, do: Do) -> None:
    one = BuyerSaid("Maja Kowalczyk", ref="one")
    ids = [make.sale(GOODS, buyer=one, account="buyer"), make.sale(GOODS, buyer=one)]
    pieces = {order_id: {make.items_of(order_id)[0]: 5} for order_id in ids}
    with app.app_context():
        store_id = db.session.get_one(Order, ids[0]).store_id
        ship_together(pieces, actor=actor_of("owner"), store_id=store_id)
        db.session.commit()
    do(buyers_word.receive, ids[0], None)
    assert [p.state for p in parcels(app)] == ["shipped"]
    do(buyers_word.receive, ids[1], None)
    assert [p.state for p in parcels(app)] == ["received"]


def test_the_flag_says_received_once_nothing_is_to_come_or_all_was_meant(make: Factory, do: Do) -> None:
    order_id = make.sale(GOODS, PICKUP, account="buyer")
    cards, kit = make.items_of(order_id)
    do(buyers_word.receive, order_id, [kit])
    assert flags(make, order_id) == (0, 0)
    make.ship(order_id, {cards: 5})
    do(buyers_word.receive, order_id, [cards])
    assert flags(make, order_id) == (1, 1)
    whole = make.sale(GOODS, PICKUP, store="othershop", account="buyer")
    do(buyers_word.receive, whole)
    assert flags(make, whole) == (0, 1)


def test_who_receives_by_a_stale_page_changes_nothing(app: Flask, make: Factory, do: Do) -> None:
    order_id = make.sale(GOODS, GOODS, account="buyer")
    first, second = make.items_of(order_id)
    make.ship(order_id, {first: 5})
    seen = make.sale_row(order_id).version
    make.ship(order_id, {second: 5})
    before = everything(app)
    with pytest.raises(ChangedMeanwhile):
        do(buyers_word.receive, order_id, [first], version=seen)
    assert everything(app) == before


@pytest.mark.parametrize(("line", "status"), [(GOODS, 2), (GOODS, 3), (GOODS, 4), (PICKUP, 9), (DIGITAL, 4)])
def test_a_problem_holds_the_line_and_the_answer_gives_it_back(
    app: Flask, make: Factory, do: Do, line: Any, status: int
) -> None:
    order_id = make.item_row(make.item(line, status, account="buyer")).order_id
    was, said = flags(make, order_id), 1 if status == 4 and line is GOODS else 0
    do(problems.dispute, order_id, None, "It is torn.")
    row = make.sale_row(order_id)
    assert (int(row.items[0].status), int(row.items[0].held_from or 0)) == (11, status)
    assert flags(make, order_id) == (-1 if was[0] == -1 else 2, 2)
    do(problems.resolve, order_id, "A new one is on its way.", who="owner")
    row = make.sale_row(order_id)
    assert (int(row.items[0].status), row.items[0].held_from) == (status, None)
    assert flags(make, order_id) == (was[0], said)
    with app.app_context():
        notes = [(n.body, n.is_private) for n in db.session.scalars(select(Note).order_by(Note.id))]
    assert notes == [("It is torn.", False), ("A new one is on its way.", False)]
    assert tally(app) == recount(app)
    assert replayed(app) == present(app)


@pytest.mark.parametrize("status", [1, 5, 6, 7, 10, 11])
def test_what_is_over_or_held_is_not_disputed(app: Flask, make: Factory, do: Do, status: int) -> None:
    order_id = make.item_row(make.item(GOODS, status, account="buyer")).order_id
    before = everything(app)
    with pytest.raises(StatusChangeProhibited):
        do(problems.dispute, order_id, None, "It is torn.")
    assert everything(app) == before


def test_a_held_line_does_not_move_and_the_problem_stands_while_others_are_received(
    make: Factory, do: Do
) -> None:
    order_id = make.sale(GOODS, GOODS, account="buyer")
    first, second = make.items_of(order_id)
    make.ship(order_id, {first: 5, second: 5})
    do(problems.dispute, order_id, [first], "It is torn.")
    with pytest.raises(StatusChangeProhibited):
        do(buyers_word.receive, order_id, [first])
    do(buyers_word.receive, order_id)
    assert (statuses(make, order_id), flags(make, order_id)) == ([11, 4], (2, 2))


@pytest.mark.parametrize("code", [Payment.PAID, Payment.ON_ARRIVAL])
def test_the_word_on_the_payment_is_a_word_and_can_be_taken_back(
    make: Factory, do: Do, code: Payment
) -> None:
    order_id = make.sale(GOODS, paid=None, account="buyer")
    do(buyers_word.say_paid, order_id, code)
    row = make.sale_row(order_id)
    assert (row.buyer_payment, int(row.payment), statuses(make, order_id)) == (code, 0, [1])
    do(buyers_word.say_paid, order_id, Payment.UNPAID)
    assert int(make.sale_row(order_id).buyer_payment) == 0


@pytest.mark.parametrize("code", [Payment.PAID_PAYPAL, Payment.CANCELED, Payment.REFUNDED])
def test_a_buyer_says_no_other_code(make: Factory, do: Do, code: Payment) -> None:
    order_id = make.sale(GOODS, paid=None, account="buyer")
    with pytest.raises(StatusChangeProhibited):
        do(buyers_word.say_paid, order_id, code)


def test_there_is_one_feedback_a_line_and_direction(app: Flask, make: Factory, do: Do) -> None:
    order_id = make.item_row(make.item(GOODS, 4, account="buyer")).order_id
    (cards,) = make.items_of(order_id)
    do(buyers_word.review, order_id, cards, 4, "Lovely")
    with pytest.raises(AlreadySaid):
        do(buyers_word.review, order_id, cards, 1, "On second thoughts")
    do(buyers_word.review, order_id, cards, 5, "Quick to pay", direction="to_buyer", who="owner")
    with pytest.raises(AlreadySaid):
        do(buyers_word.review, order_id, cards, 2, direction="to_buyer", who="owner")
    with app.app_context():
        said = [(f.direction, f.value, f.text) for f in db.session.scalars(select(Feedback))]
    assert sorted(said) == [("to_buyer", 5, "Quick to pay"), ("to_seller", 4, "Lovely")]


@pytest.mark.parametrize("status", [1, 2, 3, 5, 6, 7, 11])
def test_only_a_complete_line_is_reviewed(app: Flask, make: Factory, do: Do, status: int) -> None:
    item_id = make.item(GOODS, status, account="buyer")
    before = everything(app)
    with pytest.raises(StatusChangeProhibited):
        do(buyers_word.review, make.item_row(item_id).order_id, item_id, 5)
    assert everything(app) == before


def limit(app: Flask, item_id: int, kind: str, units: int) -> None:
    """Give a digital line its limit."""
    with app.app_context():
        item = db.session.get_one(OrderItem, item_id)
        item.download_limit_type, item.download_units, item.version = kind, units, item.version + 1
        db.session.commit()


def test_downloads_by_number_are_counted_down_and_refused_beyond(app: Flask, make: Factory, do: Do) -> None:
    order_id = make.sale(DIGITAL, account="buyer")
    (pattern,) = make.items_of(order_id)
    limit(app, pattern, "downloads", 2)
    for left in (1, 0):
        do(buyers_word.download, order_id, pattern)
        assert downloads_left(make.item_row(pattern), PAID_AT, PAID_AT) == left
    with pytest.raises(StatusChangeProhibited):
        do(buyers_word.download, order_id, pattern)
    assert make.item_row(pattern).downloaded == 2
    assert [e.verb for e in events(app, order_id)].count("download") == 2


def test_downloads_by_days_end_with_the_last_day(app: Flask, make: Factory, do: Do) -> None:
    order_id = make.sale(DIGITAL, account="buyer")
    (pattern,) = make.items_of(order_id)
    limit(app, pattern, "days", 3)
    do(buyers_word.download, order_id, pattern, at=PAID_AT + timedelta(days=2, hours=23))
    with pytest.raises(StatusChangeProhibited):
        do(buyers_word.download, order_id, pattern, at=PAID_AT + timedelta(days=3))
    assert make.item_row(pattern).downloaded == 1


def test_a_file_without_limit_is_downloaded_as_often_as_one_likes(make: Factory, do: Do) -> None:
    order_id = make.sale(DIGITAL, account="buyer")
    (pattern,) = make.items_of(order_id)
    for _ in range(3):
        do(buyers_word.download, order_id, pattern)
    assert make.item_row(pattern).downloaded == 3


def test_nothing_is_downloaded_of_what_is_unpaid_held_or_no_file(make: Factory, do: Do) -> None:
    unpaid = make.sale(DIGITAL, paid=None, account="buyer")
    with pytest.raises(StatusChangeProhibited):
        do(buyers_word.download, unpaid, make.items_of(unpaid)[0])
    goods = make.sale(GOODS, store="othershop", account="buyer")
    with pytest.raises(NotFound):
        do(buyers_word.download, goods, make.items_of(goods)[0])
