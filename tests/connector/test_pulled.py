"""Sales of a marketplace come in: once, as they are told, following it while nothing moved here."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from app.actions.connections import pull_now
from app.actions.hooks import HOOKS
from app.actions.problems import note
from app.actions.pulling import LOOK_BACK_EVERY
from app.db import db
from app.models import Address, Buyer, Combined, Event, Outbox, SearchTerm
from app.postman import connector
from app.statuses import BuyerShipping, ItemStatus, Payment, Shipping
from tests.connector.market import Market, line, sale
from tests.connector.shop import AGO, Shop
from tests.hooks.receiver import hook

BOTH = pytest.mark.both


@BOTH
def test_a_sale_comes_in_as_it_is_told(shop: Shop, market: Market) -> None:
    market.add(sale(7, line(70, "5.00", 2), line(71, "10.50"), flag_payment="2", flag_buyer_payment="2"))
    shop.visit()
    order, items = shop.order(7), shop.lines(7)
    assert (order.channel, order.currency, order.postage_method) == ("hip", "USD", "First Class Mail")
    assert order.placed_at == order.paid_at == datetime(2026, 11, 5, 10, tzinfo=UTC)
    assert (order.items_minor, order.postage_minor, order.tax_minor, order.adjustment_minor) == (
        2050,
        200,
        0,
        0,
    )
    assert (order.total_minor, order.payment, order.buyer_payment) == (2250, Payment.PAID_PAYPAL, 2)
    assert [(i.external_id, i.title, i.sku, i.quantity, i.price_minor) for i in items] == [
        ("70", "Stamp 70", "M70", 2, 500),
        ("71", "Stamp 71", "M71", 1, 1050),
    ]
    buyer, address = db.session.get_one(Buyer, order.buyer_id), db.session.get_one(Address, order.address_id)
    assert (buyer.external_ref, buyer.username, buyer.email) == ("11111", "BobTheBuyer", "bob@example.com")
    assert (address.name, address.street, address.city) == ("Bob Buyer", "123 Main Street", "Brooklyn")
    assert (address.region, address.postal_code, address.country) == ("New York", "11234", "US")
    assert shop.counts == (1, 0, 0, 0)
    assert shop.faults() == []


def test_the_same_sales_again_change_nothing(shop: Shop, market: Market) -> None:
    market.add(
        sale(7), sale(8, flag_payment="1"), sale(9, flag_payment="1", flag_shipping="1", tracking_link="X 9")
    )
    shop.visit()
    before = [order.version for order in shop.orders()]
    shop.visit()
    assert [order.version for order in shop.orders()] == before
    assert shop.counts == (0, 0, 3, 0)
    assert shop.said == {}


def test_nobody_is_mailed_or_told_of_what_comes_in(shop: Shop, market: Market) -> None:
    hook("https://program.example/", is_for_all=True)
    market.add(sale(7, flag_payment="1", flag_shipping="1"), sale(8))
    shop.visit()
    market.sales[8].update(flag_payment="4")
    shop.visit()
    assert db.session.query(Outbox).filter(HOOKS).count() == 0
    assert db.session.query(Outbox).count() == 0
    doors = {door for (door,) in db.session.query(Event.door).filter(Event.order_id.is_not(None))}
    assert doors == {"import"}


@BOTH
def test_a_sale_follows_its_marketplace_while_nothing_moved_here(shop: Shop, market: Market) -> None:
    market.add(sale(7))
    shop.visit()
    assert shop.order(7).payment == Payment.UNPAID
    market.add(sale(7, line(70), line(72, "3.00")))
    shop.visit()
    assert [item.external_id for item in shop.lines(7)] == ["70", "72"]
    market.sales[7].update(flag_payment="1")
    shop.visit()
    order = shop.order(7)
    assert (order.payment, order.total_minor) == (Payment.PAID, 1000)
    assert datetime.now(UTC) - order.paid_at < timedelta(minutes=1)
    market.sales[7].update(flag_shipping="1", tracking_link="https://carrier.example/t/1")
    shop.visit()
    assert shop.order(7).shipping == Shipping.SHIPPED
    (parcel,) = shop.parcels(7)
    assert (parcel.url, parcel.number) == ("https://carrier.example/t/1", "")
    market.sales[7].update(tracking_link="https://carrier.example/t/2")
    shop.visit()
    (parcel,) = shop.parcels(7)
    assert parcel.url == "https://carrier.example/t/2"
    market.sales[7].update(flag_buyer_shipping="1")
    shop.visit()
    assert {item.status for item in shop.lines(7)} == {ItemStatus.COMPLETE}
    assert shop.order(7).buyer_shipping == BuyerShipping.RECEIVED
    assert shop.counts == (0, 1, 0, 0)
    assert shop.faults() == []


def test_what_moved_here_is_only_said_to_differ_and_never_goes_back(shop: Shop, market: Market) -> None:
    market.add(sale(7, flag_payment="1"), sale(8, flag_payment="1"))
    shop.visit()
    shop.ship(7, "X 1")
    note(shop.order(8).id, "Call first.", is_private=True, **shop.by)
    db.session.commit()
    market.add(sale(7, line(70, "9.00"), flag_payment="0"), sale(8, flag_payment="4"))
    shop.visit()
    order = shop.order(7)
    assert (order.total_minor, order.payment, order.shipping) == (700, Payment.PAID, Shipping.SHIPPED)
    assert shop.order(8).payment == Payment.PAID
    assert shop.said == {"7": "the money differs", "8": "it is cancelled there"}
    assert shop.counts == (0, 0, 2, 0)
    assert shop.faults() == []


@BOTH
@pytest.mark.parametrize("is_known", [False, True])
def test_a_sale_ends_as_it_ended_there(shop: Shop, market: Market, is_known: bool) -> None:
    told = [sale(7), sale(8, flag_payment="1"), sale(9, flag_payment="2", flag_shipping="1")]
    if is_known:
        market.add(*told)
        shop.visit()
    for one, payment in zip(told, "455", strict=True):
        market.add({**one, "flag_payment": payment})
    shop.visit()
    assert [shop.order(n).payment for n in (7, 8, 9)] == [
        Payment.CANCELED,
        Payment.REFUNDED,
        Payment.REFUNDED,
    ]
    assert {i.status for n in (8, 9) for i in shop.lines(n)} == {ItemStatus.REFUNDED}
    assert {i.status for i in shop.lines(7)} == {ItemStatus.VOIDED}
    assert [i.returned for i in shop.lines(9)] == [0]
    assert shop.counts == ((0, 3, 0, 0) if is_known else (3, 0, 0, 0))
    shop.visit()
    assert shop.counts == (0, 0, 3, 0)
    assert shop.faults() == []


def test_a_problem_there_is_one_here(shop: Shop, market: Market) -> None:
    market.add(sale(7, flag_payment="1", flag_shipping="2"))
    shop.visit()
    assert shop.order(7).shipping == Shipping.PROBLEM


@BOTH
def test_sales_that_went_into_one_are_one_here(shop: Shop, market: Market) -> None:
    market.add(sale(7), sale(8), sale(5, flag_payment="1"))
    shop.visit()
    old = {n: shop.order(n).id for n in (7, 8)}
    for n in old:
        del market.sales[n]
    market.add(
        sale(9, line(70), line(80), line(90, "1.50"), combined_sales_ids=["7", "8", "6"], flag_payment="1")
    )
    shop.visit()
    heir = shop.order(9)
    assert [order.external_id for order in shop.orders()] == ["5", "9"]
    assert sorted(i.external_id for i in shop.lines(9)) == ["70", "80", "90"]
    assert (heir.total_minor, heir.payment) == (1350, Payment.PAID)
    rows = db.session.query(Combined.order_id, Combined.heir_id).order_by(Combined.order_id).all()
    assert [tuple(row) for row in rows] == [(old[7], heir.id), (old[8], heir.id)]
    assert shop.counts == (1, 0, 1, 0)
    # One goes into another in turn: all are known under the last.
    del market.sales[9]
    market.add(sale(10, line(70), line(80), line(90), line(100), combined_sales_ids=["7", "8", "9"]))
    shop.visit()
    assert shop.said == {
        "10": "Sale 9 went into it there, and is paid, sent or cancelled here (number "
        f"{heir.number}): undo that, or settle both by hand."
    }
    assert shop.counts == (0, 0, 1, 1)
    assert shop.faults() == []


@BOTH
def test_sales_go_on_going_into_each_other(shop: Shop, market: Market) -> None:
    for n in range(7, 11):
        market.sales.clear()
        before = [str(old) for old in range(7, n)]
        more = {"combined_sales_ids": before} if before else {}
        market.add(sale(n, *(line(i * 10) for i in range(7, n + 1)), **more))
        shop.visit()
    (order,) = shop.orders()
    assert (order.external_id, order.total_minor) == ("10", 2200)
    assert db.session.query(Combined).filter(Combined.heir_id == order.id).count() == 3
    # A sale that is gone and told of once more stays gone, whatever it says of its heir.
    market.add(sale(8), sale(9, combined_sales_ids=["10"]))
    shop.visit()
    assert len(shop.orders()) == 1
    assert shop.counts == (0, 0, 3, 0)
    del market.sales[8], market.sales[9]
    # The heir is found by what went into it, whatever else changes.
    market.sales[10]["SaleListings"][0]["listing_name"] = "Stamp of another name"
    shop.visit()
    assert shop.lines(10)[0].title == "Stamp of another name"
    terms = {term for (term,) in db.session.query(SearchTerm.term).filter(SearchTerm.order_id == order.id)}
    assert terms >= {"7", "8", "9", "10"}
    assert shop.faults() == []


def test_a_sale_that_says_it_took_up_anothers_is_refused(shop: Shop, market: Market) -> None:
    market.add(sale(7))
    shop.visit()
    market.add(sale(8, buyer_id="2", combined_sales_ids=["7"]), sale(9, combined_sales_ids=["9"]))
    shop.visit()
    assert shop.said == {"8": "It says that sale 7 went into it, which another buyer has."}
    assert [order.external_id for order in shop.orders()] == ["7", "9"]
    assert shop.faults() == []


@BOTH
def test_a_bad_sale_is_refused_and_the_others_come_in(shop: Shop, market: Market) -> None:
    market.add(*(sale(n) for n in range(1, 21)))
    market.sales[3]["currency"] = "XQQ"
    market.sales[5]["SaleListings"][0]["price"] = "a lot"
    market.sales[9]["SaleListings"] = []
    market.sales[11]["flag_payment"] = "77"
    market.sales[13]["ShippingAddress"] = "Brooklyn"
    market.sales[15]["created_at"] = "2026-11-05 25:00:00"
    market.sales[17]["total"] = {"amount": 7}
    market.sales[19]["SaleListings"][0]["quantity"] = True
    shop.visit()
    assert shop.counts == (12, 0, 0, 8)
    assert shop.said == {
        "3": "currency: “XQQ” is no currency that we know: write its code, such as USD.",
        "5": "SaleListings[0].price: “a lot” is not an amount: write digits with a point, such as 17.50.",
        "9": "A purchase needs at least one line.",
        "11": "flag_payment: “77” is none of 0, 1, 2, 3, 4, 5.",
        "13": "ShippingAddress: an object belongs here.",
        "15": "created_at: “2026-11-05 25:00:00” is not a date.",
        "17": "total: a text or a number belongs here.",
        "19": "quantity: a text or a number belongs here.",
    }
    market.sales[3]["currency"] = "USD"
    shop.visit()
    assert shop.counts == (1, 0, 12, 7)


@BOTH
def test_no_sale_falls_between_two_pulls(shop: Shop, market: Market) -> None:
    def made(n: int, hours: int, **more: str) -> None:
        at = datetime.now(UTC) - timedelta(hours=hours)
        market.add(sale(n, created_at=at.strftime("%Y-%m-%d %H:%M:%S"), **more))

    def pull(**more: object) -> list[str | None]:
        shop.change(next_at=AGO, **more)
        connector.go_round()
        return [order.external_id for order in shop.orders()]

    shop.change(since=datetime.now(UTC) - timedelta(days=400))
    made(1, 24 * 80)
    assert pull() == ["1"]
    # Made a day before the last pull ended, and told late: it is seen all the same.
    made(2, 30)
    market.sales[1]["flag_payment"] = "1"
    assert pull() == ["1", "2"]
    assert shop.order(1).payment == Payment.UNPAID
    # Now and then all is read again that may change, and whatever is younger than a month.
    made(3, 24 * 25)
    made(4, 24 * 100)
    assert pull(looked_back_at=datetime.now(UTC) - LOOK_BACK_EVERY) == ["1", "2", "3"]
    assert shop.order(1).payment == Payment.PAID
    assert [shop.pulls[-1].is_look_back, shop.pulls[-1].new] == [True, 1]


@BOTH
def test_who_asks_for_a_pull_while_one_is_under_way_gets_another(shop: Shop, market: Market) -> None:
    def ask(_: object) -> None:
        market.before = lambda _: None
        with shop.app.app_context():
            pull_now(**shop.by)
            db.session.commit()

    market.before = ask
    shop.visit()
    connection = shop.connection
    assert connection.next_at <= datetime.now(UTC)
    assert connection.looked_back_at is None
    connector.go_round()
    assert shop.connection.next_at > datetime.now(UTC) + timedelta(minutes=8)


@BOTH
def test_pulls_that_brought_nothing_are_forgotten(shop: Shop, market: Market) -> None:
    market.add(sale(7))
    for n in range(6):
        if n == 3:
            market.add(sale(8), sale(9, currency="?"))
        shop.visit(is_look_back=n % 2 == 0)
    assert [(pull.new, pull.refused) for pull in shop.pulls][:2] == [(1, 0), (1, 1)]
    assert len(shop.pulls) <= 4


def test_a_list_that_changes_while_it_is_read_hides_no_sale(shop: Shop, market: Market) -> None:
    market.add(*(sale(n, created_at=f"2026-11-05 10:00:{n:02}") for n in range(1, 16)))
    market.most = 10

    def shift(call: object) -> None:
        if len(market.calls) == 2:  # the newest is gone: what stood first on the second page is on the first
            del market.sales[15]

    market.before = shift
    shop.visit()
    assert [int(order.external_id or 0) for order in shop.orders()] == [*range(1, 16)]


def test_a_long_history_is_read_in_windows(
    shop: Shop, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.postman.connector.MOST_AT_ONCE", 5)
    monkeypatch.setattr("app.postman.connector.BATCH", 7)
    market.add(*(sale(n, created_at=f"2026-11-{1 + n % 20:02} 10:00:{n % 3:02}") for n in range(1, 31)))
    market.most = 4  # a server that gives fewer than it is asked for
    shop.visit()
    assert Counter(int(order.external_id or 0) for order in shop.orders()) == Counter(range(1, 31))
    assert shop.counts == (30, 0, 0, 0)


def test_a_tenth_of_a_second_passes_between_two_calls(
    shop: Shop, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.postman.hip_calls.SECONDS_BETWEEN", 0.1)
    market.add(*(sale(n) for n in range(1, 5)))
    market.most = 1
    shop.visit()
    gaps = [later.at - call.at for call, later in pairwise(market.calls)]
    assert len(gaps) == 3
    assert min(gaps) >= 0.1
