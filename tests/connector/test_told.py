"""A marketplace is told what is shipped here: after the undo window, once, again after a failure."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.actions.connections import tell_again
from app.actions.imports import bring_each
from app.actions.labels import label_sale
from app.actions.outbox import WAITS
from app.actions.parcels import Tracking, ship
from app.actions.problems import note
from app.actions.pulled import MARKETPLACE
from app.db import db
from app.errors import NotFound
from app.exchange.hip import read_sale, sale_of
from app.forms.base import strict_json
from app.models import SaleThere
from app.postman import connector
from app.postman.hip_calls import Hip, Trouble
from app.statuses import Payment, Shipping
from tests.connector.market import KEY, Market, line, raw, sale
from tests.connector.shop import Shop

BOTH = pytest.mark.both


@pytest.fixture
def paid(shop: Shop, market: Market) -> Shop:
    """The shop with two sales that are paid."""
    market.add(sale(7, line(70, quantity=3), flag_payment="1"), sale(8, flag_payment="1"))
    shop.visit()
    return shop


@BOTH
def test_what_is_shipped_is_told_once_it_cannot_be_undone(paid: Shop, market: Market) -> None:
    before = datetime.now(UTC)
    paid.ship(7, "1Z 5")
    there = paid.there(7)
    assert there.is_owed
    assert timedelta(minutes=10) <= there.due_at - before < timedelta(minutes=11)
    paid.visit()
    assert market.puts() == []
    paid.ripen()
    paid.visit()
    assert market.puts() == [("7", {"flag_shipping": 1, "tracking_link": "1Z 5"})]
    (call,) = market.calls_of("PUT")
    assert (call.path, call.headers["x-apikey"]) == ("/stores/JoeTheSeller/sales/7", KEY)
    assert not paid.there(7).is_owed
    paid.visit()
    assert len(market.puts()) == 1
    assert paid.counts == (0, 0, 2, 0)
    assert paid.faults() == []


def test_it_is_told_although_no_pull_is_due(paid: Shop, market: Market) -> None:
    paid.ship(7)
    paid.ripen()
    lists = len(market.calls_of("GET"))
    connector.go_round()
    assert market.puts() == [("7", {"flag_shipping": 1})]
    assert len(market.calls_of("GET")) == lists


def test_what_is_undone_before_is_never_told(paid: Shop, market: Market) -> None:
    paid.ship(7, "1Z 5")
    paid.undo(7)
    assert not paid.there(7).is_owed
    paid.ripen()
    paid.visit()
    assert market.puts() == []


@BOTH
def test_what_is_undone_later_is_taken_back(paid: Shop, market: Market) -> None:
    paid.ship(7, "1Z 5")
    paid.ripen()
    paid.visit()
    paid.undo(7)
    paid.ripen()
    paid.visit()
    assert market.puts()[1:] == [("7", {"flag_shipping": 0})]
    assert not paid.there(7).is_owed
    paid.visit()
    assert paid.order(7).shipping == Shipping.PROCESSING


def test_a_number_that_changes_is_told_by_itself(paid: Shop, market: Market) -> None:
    paid.ship(7, "1Z 5")
    paid.ripen()
    paid.visit()
    order_id = paid.order(7).id
    label_sale(order_id, tracking=Tracking(url="https://carrier.example/6"), **paid.by)
    note(order_id, "No more.", is_private=True, **paid.by)
    db.session.commit()
    paid.ripen()
    paid.visit()
    assert market.puts()[1:] == [("7", {"tracking_link": "https://carrier.example/6"})]
    paid.visit()
    assert (paid.counts, paid.said) == ((0, 0, 2, 0), {})


def test_a_sale_is_shipped_there_with_its_last_piece(paid: Shop, market: Market) -> None:
    order = paid.order(7)
    (item,) = paid.lines(7)
    for n, number in ((1, "A 1"), (2, "B 2")):
        ship(order.id, {item.id: n}, tracking=Tracking(number=number), **paid.by)
        db.session.commit()
        paid.ripen()
        paid.visit()
    assert market.puts() == [
        ("7", {"tracking_link": "A 1"}),
        ("7", {"flag_shipping": 1, "tracking_link": "B 2"}),
    ]


def test_what_happens_several_times_is_told_as_it_is_in_the_end(paid: Shop, market: Market) -> None:
    for number in ("A 1", "B 2", "C 3"):
        paid.ship(7, number)
        paid.undo(7)
    paid.ship(7, "D 4")
    paid.ripen()
    paid.visit()
    assert market.puts() == [("7", {"flag_shipping": 1, "tracking_link": "D 4"})]


@BOTH
def test_a_refusal_is_kept_with_its_sentence_until_somebody_says_it_again(paid: Shop, market: Market) -> None:
    market.refuses[7] = 400, f"Locked for {KEY}."
    paid.ship(7)
    paid.ship(8)
    paid.ripen()
    paid.visit()
    there = paid.there(7)
    assert (there.is_owed, there.due_at) == (True, None)
    assert there.trouble == "The server refused (it answered 400). It says: “Locked for ….”"
    assert not paid.there(8).is_owed
    assert (paid.connection.trouble, paid.connection.tries) == ("", 0)
    paid.visit()
    assert [n for n, _ in market.puts()] == ["7", "8"]
    market.refuses.clear()
    tell_again(paid.order(7).id, **paid.by)
    db.session.commit()
    connector.go_round()
    assert [n for n, _ in market.puts()] == ["7", "8", "7"]
    assert not paid.there(7).is_owed
    with pytest.raises(NotFound):
        tell_again(paid.order(7).id, **paid.by)
    db.session.rollback()


def test_a_failure_is_tried_again_later_each_time_and_then_left_to_people(paid: Shop, market: Market) -> None:
    paid.ship(7)
    for n, wait in enumerate([*WAITS, None]):
        paid.ripen()
        market.answers = [raw(503)]
        began = datetime.now(UTC)
        paid.visit()
        there = paid.there(7)
        assert there.trouble == "The server has trouble of its own (it answered 503)."
        if wait is None:
            assert (there.is_owed, there.due_at, there.tries) == (True, None, len(WAITS) + 1)
        else:
            assert there.due_at is not None
            assert wait <= there.due_at - began < wait + timedelta(minutes=1)
            assert there.tries == n + 1


def test_a_server_that_wants_quiet_gets_it(paid: Shop, market: Market) -> None:
    paid.ship(7)
    paid.ripen()
    market.answers = [raw(429, Retry_After="7200")]
    began = datetime.now(UTC)
    paid.visit()
    connection = paid.connection
    for at in (connection.waits_until, connection.next_at, paid.there(7).due_at):
        assert timedelta(hours=2) <= at - began < timedelta(hours=2, minutes=1)
    calls = len(market.calls)
    paid.ripen()
    connector.go_round()
    assert len(market.calls) == calls


@BOTH
def test_an_answer_that_was_lost_is_asked_for_before_it_is_said_again(paid: Shop, market: Market) -> None:
    paid.ship(7, "1Z 5")
    paid.ripen()
    market.after = lambda call: market.answers.append(b"") if call.method == "PUT" else None
    paid.visit()
    assert market.sales[7]["flag_shipping"] == "1"
    there = paid.there(7)
    assert (there.is_owed, there.is_unsure, there.shipping) == (True, True, 0)
    market.after = lambda _: None
    paid.ripen()
    calls = len(market.calls)
    connector.go_round()
    paid.visit()
    assert market.calls[calls].path == "/sales/7"
    assert len(market.puts()) == 1
    there = paid.there(7)
    assert (there.is_owed, there.is_unsure, there.shipping, there.link) == (False, False, 1, "1Z 5")


def test_what_is_undone_while_nobody_knows_whether_it_arrived_is_taken_back(
    paid: Shop, market: Market
) -> None:
    paid.ship(7)
    paid.ripen()
    market.after = lambda call: market.answers.append(b"") if call.method == "PUT" else None
    paid.visit()
    market.after = lambda _: None
    paid.undo(7)
    paid.ripen()
    paid.visit()
    assert market.puts() == [("7", {"flag_shipping": 1}), ("7", {"flag_shipping": 0})]
    assert market.sales[7]["flag_shipping"] == "0"
    assert not paid.there(7).is_owed


@BOTH
def test_what_happens_while_it_is_told_is_told_next(paid: Shop, market: Market) -> None:
    paid.ship(7, "A 1")
    paid.ripen()
    order_id = paid.order(7).id

    def correct(call: object) -> None:
        if len(market.puts()) == 1:
            market.after = lambda _: None
            with paid.app.app_context():
                label_sale(order_id, tracking=Tracking(number="B 2"), **paid.by)
                db.session.commit()

    market.after = correct
    paid.visit()
    there = paid.there(7)
    assert (there.is_owed, there.link, there.own_link) == (True, "A 1", "B 2")
    paid.ripen()
    paid.visit()
    assert market.puts() == [
        ("7", {"flag_shipping": 1, "tracking_link": "A 1"}),
        ("7", {"tracking_link": "B 2"}),
    ]


def test_what_is_known_there_from_elsewhere_is_owed_no_more(paid: Shop, market: Market) -> None:
    market.refuses[7] = 409, "Not now."
    paid.ship(7)
    paid.ripen()
    paid.visit()
    assert paid.there(7).is_owed
    market.sales[7]["flag_shipping"] = "1"
    paid.visit()
    assert not paid.there(7).is_owed


def test_what_comes_in_shipped_is_not_told_back(shop: Shop, market: Market) -> None:
    market.add(sale(7, flag_payment="1", flag_shipping="1", tracking_link=" X 1 "))
    shop.visit()
    market.add(sale(8, flag_payment="1"))
    shop.visit()
    market.sales[8].update(flag_shipping="1", tracking_link="X 2")
    shop.visit()
    assert db.session.query(SaleThere).filter(SaleThere.is_owed).count() == 0
    assert market.puts() == []


def test_an_import_owes_nothing_even_before_the_marketplace_is_heard(paid: Shop) -> None:
    order = paid.order(8)
    told = sale_of(strict_json(json.dumps(sale(8, flag_payment="1", flag_shipping="1")).encode()))
    telling = read_sale(told, "UTC", datetime.now(UTC)).telling
    bring_each([telling], actor=MARKETPLACE, store_id=1)
    db.session.commit()
    there = paid.there(8)
    assert paid.order(8).shipping == Shipping.SHIPPED
    assert (order.id, there.own_shipping, there.is_owed, there.due_at) == (there.order_id, 1, False, None)


def test_a_sale_that_is_gone_there_is_refused_and_kept(paid: Shop, market: Market) -> None:
    paid.ship(7)
    paid.ripen()
    del market.sales[7]
    paid.visit()
    assert "404" in paid.there(7).trouble
    assert paid.there(7).is_owed
    assert paid.order(7).payment == Payment.PAID


def test_a_call_goes_nowhere_private_unless_that_is_allowed(market: Market) -> None:
    hip = Hip(market.url.replace("http:", "https:"), "joe", "UTC", KEY, seconds=5, may_be_private=False)
    with pytest.raises(Trouble, match="private network"):
        hip.check()
    assert market.calls == []
