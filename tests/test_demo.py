"""The demo: the same every time, all acts kept, and something of everything."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app import create_app
from app.access import SYSTEM, Desk, person
from app.actions.audit import audit
from app.actions.combining import COMBINING
from app.actions.elsewhere import Past, arrive
from app.actions.purchases import LineSaid
from app.actions.tally import standing
from app.carriers import recognise
from app.config import ROOT
from app.db import db
from app.demo.build import NoDemo, load, write_down
from app.demo.cast import enter
from app.demo.numbers import MAKERS
from app.errors import NotFound, StatusChangeProhibited
from app.models import Account, Order, OrderItem, Parcel, Payout, Tally
from app.queries import people, purchases, sales
from app.queries.combined import absorbed_by
from app.queries.filters import Conditions
from app.statuses import Channel, ItemStatus, Kind, Payment, Role, Shipping
from tests.conftest import TEST_SETTINGS
from tests.factories import AUCTION, DEAL, DIGITAL, DONATION, GOODS, PICKUP, SERVICE, Factory

TODAY = "2026-11-20"
NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
ORDERS = 120

# What is drawn anew each time, and meant to be.
SECRETS = {("account", "password"), ("account", "fs_uniquifier"), ("event", "act_id")}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database that holds nothing."""
    path = tmp_path_factory.mktemp("empty") / "tradepost.db"
    app = desk_on(path)
    with app.app_context():
        upgrade()
        db.engine.dispose()
    return path


def desk_on(path: Path) -> Flask:
    """Return a desk on this database."""
    return create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"})


@pytest.fixture
def bare(empty: Path, tmp_path: Path) -> Iterator[Flask]:
    """A desk on a database of its own that holds nothing."""
    app = desk_on(Path(shutil.copy(empty, tmp_path)))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def demo(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A database with the demo, and the desk's context on it."""
    path = Path(shutil.copy(empty, tmp_path_factory.mktemp("demo")))
    with desk_on(path).app_context():
        load_with(orders=ORDERS)
        db.session.commit()
        yield path
        db.session.remove()
        db.engine.dispose()


def load_with(**changes: Any) -> Any:
    """Load the demo with these arguments, the others as they mostly are."""
    usual = {"orders": 9, "stores": 3, "seed": 1, "now": NOW, "host": "127.0.0.1", "password_hash": "x"}
    return load(**{**usual, **changes})


def rows_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a database by table, without what is secret."""
    found = {}
    connection = sqlite3.connect(path)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in names:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        kept = ", ".join(c for c in columns if (table, c) not in SECRETS)
        found[table] = sorted(connection.execute(f"SELECT {kept} FROM {table}").fetchall(), key=repr)
    connection.close()
    return found


def all_orders() -> list[Order]:
    """Return every order with its lines, buyer and address."""
    hung = (selectinload(Order.items), selectinload(Order.buyer), selectinload(Order.address))
    return list(db.session.scalars(select(Order).options(*hung)))


def test_the_same_numbers_make_the_same_rows_in_another_process(
    demo: Path, empty: Path, tmp_path: Path
) -> None:
    twin = Path(shutil.copy(empty, tmp_path))
    command = [
        sys.executable,
        "-m",
        "flask",
        "--app",
        "app",
        "demo",
        "--orders",
        str(ORDERS),
        "--today",
        TODAY,
    ]
    settings = {"TRADEPOST_INSTANCE": str(tmp_path), "TRADEPOST_DURABLE": "0", "PYTHONHASHSEED": "77"}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, check=True
    )
    assert f"{ORDERS} sales in 3 stores." in done.stdout
    assert rows_of(twin) == rows_of(demo)


def test_another_seed_draws_other_sales(bare: Flask) -> None:
    load_with(seed=2)
    names = {order.buyer.name for order in all_orders()}
    db.session.rollback()
    load_with(seed=3)
    assert names != {order.buyer.name for order in all_orders()}


@pytest.mark.parametrize(("orders", "stores"), [(0, 1), (1, 2), (30, 8)])
def test_there_are_as_many_sales_and_stores_as_asked(bare: Flask, orders: int, stores: int) -> None:
    assert load_with(orders=orders, stores=stores) == (stores, orders)
    assert len(all_orders()) == orders
    assert len(people.all_stores()) == stores


def test_the_people_and_stores_are_those_of_the_contract(demo: Path) -> None:
    places = {
        "owner": {"papershop": Role.OWNER, "vendorshop": Role.OWNER},
        "staff": {"papershop": Role.STAFF, "vendorshop": Role.STAFF},
        "vendor": {"vendorshop": Role.VENDOR},
        "owner2": {"othershop": Role.OWNER},
        "admin": {},
        "buyer": {},
        "buyer2": {},
    }
    stores = {store.slug: store for store in people.all_stores()}
    assert {s.slug: (s.currency, s.is_vendor) for s in stores.values()} == {
        "papershop": ("EUR", False),
        "vendorshop": ("USD", True),
        "othershop": ("JPY", False),
    }
    assert len({s.zone for s in stores.values()}) == 3
    for who, roles in places.items():
        account = the(who)
        assert {s.slug for s in people.stores_of(account.id)} == set(roles)
        for slug, role in roles.items():
            assert Desk(person(account), stores[slug], role).role == people.place(slug, account.id).role  # type: ignore[union-attr]
        assert account.is_site_admin == (who == "admin")


def the(who: str) -> Account:
    """Return the account of one of the demo's people."""
    account = people.account_by_email(f"{who}@example.com")
    assert account is not None
    return account


@pytest.mark.parametrize("who", ["buyer", "buyer2"])
def test_the_two_buyers_have_purchases_in_two_stores(demo: Path, who: str) -> None:
    rows = purchases.page(the(who).id, after=None, before=None).rows
    bought = Counter(row.store_name for row in rows)
    assert len(bought) == 2
    assert min(bought.values()) >= 3


def test_lots_that_were_won_before_paying_are_one_sale_with_one_postage(demo: Path) -> None:
    heirs = [o for o in all_orders() if o.heir_id is None and absorbed_by(o.id)]
    assert {(o.buyer.name, o.store_id) for o in heirs} == {
        ("Zeynep Aydın", 1),
        ("Bea Buchner", 1),
        ("Bruno Okafor", 3),
    }
    for order in heirs:
        assert (len(absorbed_by(order.id)), len(order.items), order.payment) == (2, 3, Payment.UNPAID)
        one = order.items[0]
        assert order.postage_minor == one.postage_minor + 2 * one.additional_minor
    rows = purchases.page(the("buyer").id, tab=purchases.Tab.TO_PAY, after=None, before=None).rows
    assert [row.number for row in rows] == [o.number for o in heirs if o.buyer.name == "Bea Buchner"]


def test_no_sale_drawn_by_chance_is_part_of_another(empty: Path, tmp_path: Path) -> None:
    with desk_on(Path(shutil.copy(empty, tmp_path))).app_context():
        shops = enter(3, "x", NOW)
        _, drawn = write_down(Random(1), shops, 3000, NOW)
        db.session.rollback()
    waiting = [(sale.shop.slug, sale.purchase.buyer.ref) for sale in drawn if sale.purchase.kind in COMBINING]
    assert len(waiting) > 100
    assert len(set(waiting)) == len(waiting)


@pytest.mark.usefixtures("demo")
def test_the_books_of_the_demo_hold() -> None:
    assert [(proof.name, proof.first) for proof in audit() if proof.broken] == []


def test_every_status_every_kind_and_every_flag_is_there(demo: Path) -> None:
    orders = all_orders()
    items = [item for order in orders for item in order.items]
    assert {i.status for i in items} == set(ItemStatus)
    assert {i.fulfilled_as for i in items} == set(Kind)
    assert {i.type for i in items} == {0, 1, 2, 3}
    assert {i.status for i in items if i.fulfilled_as is Kind.DEAL} >= {0, 1, 4, 5, 6, 7, 8, 11}
    assert {o.payment for o in orders} == set(Payment)
    assert {o.shipping for o in orders} == set(Shipping)
    assert {o.desk_state for o in orders} == {"unpaid", "to_ship", "shipped", "closed"}
    assert len({o.channel for o in orders}) >= len(Channel) - 3
    assert {i.held_from for i in items if i.status in {10, 11}} >= {2, 3, 8}


def test_there_is_something_of_everything(demo: Path) -> None:
    orders = all_orders()
    items = [item for order in orders for item in order.items]
    assert len({o.address.country for o in orders if o.address}) >= 30
    assert max(len(i.title) for i in items) == 255
    assert max(len(o.buyer.name) for o in orders) > 80
    assert any(o.gift_message for o in orders)
    assert any(o.buyer_note for o in orders)
    assert any(o.adjustment_minor for o in orders)
    assert any(o.discount_minor for o in orders)
    assert any(o.tax_minor for o in orders)
    assert any(o.total_minor == 0 for o in orders)
    assert any(o.payment == Payment.PAID_PAYPAL and o.gateway_code for o in orders)
    assert any(0 < i.shipped < i.quantity for i in items)
    assert any(i.returned for i in items)
    assert any(i.ack for i in items)
    assert any(i.options for i in items)
    assert all(i.deal_number and i.deal_end and i.promo_end for i in items if i.fulfilled_as is Kind.DEAL)
    assert any(o.is_day_only for o in orders)
    assert {row[0] for row in query(demo, "SELECT is_private FROM note")} == {0, 1}
    assert query(demo, "SELECT 1 FROM feedback")
    assert query(demo, "SELECT 1 FROM media")
    assert query(demo, "SELECT 1 FROM payout WHERE kind = 'cause'")


def test_names_are_written_in_many_scripts(demo: Path) -> None:
    letters = {
        c for order in all_orders() for c in f"{order.buyer.name}{order.address and order.address.city}"
    }
    scripts = {unicodedata.name(c).split()[0] for c in letters if c.isalpha()}
    european, asian = ("LATIN", "CYRILLIC", "GREEK"), ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI")
    assert scripts >= {*european, *asian, "ARABIC", "HEBREW", "DEVANAGARI"}


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Return what a plain select finds."""
    connection = sqlite3.connect(path)
    found = connection.execute(sql).fetchall()
    connection.close()
    return found


def test_some_must_leave_today_some_tomorrow_and_a_few_are_late(demo: Path) -> None:
    due = Counter((o.ship_by.date() - NOW.date()).days for o in all_orders() if o.ship_by.year < 9999)
    late = sum(n for days, n in due.items() if days < 0)
    assert 3 <= late <= 12
    assert sum(due.values()) >= 20
    assert due[0] >= 3
    assert due[3] >= 3  # TODAY is a Friday: the next working day is Monday


def test_parcels_are_of_many_kinds_and_their_numbers_are_right(demo: Path) -> None:
    parcels = query(demo, "SELECT carrier, number, state FROM parcel")
    assert {state for _, _, state in parcels} == {"draft", "shipped", "received", "returned"}
    assert any(number for _, number, state in parcels if state == "draft")
    assert any(not number for _, number, _ in parcels)
    checked = [
        carrier for carrier in MAKERS if carrier not in {"DPD", "GLS", "Hermes", "Yamato", "Bike courier"}
    ]
    found = [(carrier, number) for carrier, number, _ in parcels if carrier in checked]
    assert len({carrier for carrier, _ in found}) >= 8
    for carrier, number in found:
        assert carrier in {fit.carrier for fit in recognise(number)}, number
    most = "SELECT max(n) FROM (SELECT count(*) AS n FROM parcel_line GROUP BY item_id)"
    assert query(demo, most)[0][0] >= 2


def test_the_tally_equals_a_recount(demo: Path) -> None:
    assert kept_tally() == recount()


def test_money_adds_up(demo: Path) -> None:
    for order in all_orders():
        assert order.items_minor == sum(i.line_total_minor for i in order.items)
        parts = order.items_minor - order.discount_minor + order.postage_minor + order.tax_minor
        assert order.total_minor == parts + order.adjustment_minor
    paid = dict(
        query(demo, "SELECT order_id, sum(amount_minor) FROM payment WHERE kind = 'purchase' GROUP BY 1")
    )
    back = dict(
        query(demo, "SELECT order_id, sum(amount_minor) FROM payment WHERE kind = 'refund' GROUP BY 1")
    )
    shared = dict(query(demo, "SELECT order_id, sum(amount_minor) FROM payout GROUP BY 1"))
    totals = {order.id: order.total_minor for order in all_orders()}
    assert back
    assert all(amount == totals[order_id] for order_id, amount in paid.items())
    assert all(amount <= paid[order_id] for order_id, amount in back.items())
    assert all(shared[order_id] == amount for order_id, amount in paid.items())


def test_pieces_add_up(demo: Path) -> None:
    gone = "SELECT item_id, sum(quantity) FROM parcel_line JOIN parcel ON parcel.id = parcel_id"
    sent = dict(query(demo, f"{gone} WHERE state <> 'draft' GROUP BY 1"))
    for item in db.session.scalars(select(OrderItem)):
        assert item.shipped == sent.get(item.id, 0)
        if item.status in {5, 6, 7}:
            assert item.left == 0
        if item.status == ItemStatus.PENDING_FULFILMENT:
            assert item.left > 0
        assert (item.held_from is not None) == (item.status in {10, 11})


def test_the_history_of_every_item_ends_where_it_stands(demo: Path) -> None:
    last: dict[int, int] = {}
    for item_id, after in query(
        demo, "SELECT item_id, after FROM event WHERE item_id IS NOT NULL ORDER BY id"
    ):
        last[item_id] = (json.loads(after) or {}).get("status", last.get(item_id))
    assert last == {item.id: item.status for item in db.session.scalars(select(OrderItem))}
    told = {row[0] for row in query(demo, "SELECT order_id FROM event WHERE verb IN ('take_in', 'combine')")}
    assert told == {order.id for order in all_orders()}


def test_nothing_lies_in_the_future_and_history_runs_forward(demo: Path) -> None:
    times = [row[0] for row in query(demo, "SELECT at FROM event ORDER BY id")]
    assert times == sorted(times)
    assert times[-1] <= f"{NOW:%Y-%m-%d %H:%M}:01"
    oldest = min(order.placed_at for order in all_orders())
    newest = max(order.placed_at for order in all_orders())
    assert (NOW - oldest).days > 365
    assert (NOW - newest).seconds < 3600


def test_a_sale_is_found_by_the_words_of_its_showpiece(demo: Path) -> None:
    store = people.place("papershop", None)
    assert store is not None
    for words in ("李", "asa lindqvist", "SB-005", "zeynep"):
        found = sales.page(
            store.store.id,
            Conditions(words=words),
            tab=None,
            sort="newest",
            after=None,
            before=None,
            only_deals=False,
        )
        assert found.rows, words


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "desk.example.com"])
def test_the_demo_refuses_to_load_where_others_reach_it(bare: Flask, host: str) -> None:
    with pytest.raises(NoDemo, match="HOST is"):
        load_with(host=host)
    assert not people.all_stores()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.1.1", "::1", "[::1]", "localhost"])
def test_the_demo_loads_where_nobody_else_reaches_it(bare: Flask, host: str) -> None:
    assert load_with(host=host, orders=0, stores=1) == (1, 0)


def test_the_demo_refuses_a_database_in_use(bare: Flask) -> None:
    load_with(orders=0, stores=1)
    with pytest.raises(NoDemo, match="empty database"):
        load_with(orders=0)


# --- what an order has been through elsewhere


def arrived(make: Factory, item_id: int, past: dict[str, Any] | ItemStatus) -> OrderItem:
    """Let an item's order arrive with this past, and return the item as it is then."""
    status = {"items": {item_id: past}} if isinstance(past, ItemStatus) else past
    with make.app.app_context():
        item = db.session.get_one(OrderItem, item_id)
        arrive(item.order_id, Past(**status), actor=SYSTEM, store_id=item.store_id)
        db.session.commit()
        assert recount() == kept_tally()
    return make.item_row(item_id)


def recount() -> Counter[tuple[int, str, str]]:
    """Return how many rows stand under each code, counted anew."""
    counted: Counter[tuple[int, str, str]] = Counter()
    for order in all_orders():
        if order.heir_id is not None:
            continue
        for (grain, code), n in standing(order, order.items).items():
            counted[order.store_id, grain, code] += n
    return counted


def kept_tally() -> dict[tuple[int, str, str], int]:
    """Return how many rows stand under each code, as the tally has it."""
    return {(t.store_id, t.grain, t.code): t.n for t in db.session.scalars(select(Tally)) if t.n}


S = ItemStatus


@pytest.mark.parametrize(
    ("line", "now", "to"),
    [
        (GOODS, 1, S.NOT_SUBMITTED),
        (GOODS, 1, S.VOIDED),
        (GOODS, 1, S.EXPIRED),
        (GOODS, 2, S.REFUNDED),
        (GOODS, 2, S.PENDING_REFUND),
        (GOODS, 2, S.PENDING_ACQUISITION),
        (GOODS, 2, S.COMPLETE),
        (GOODS, 4, S.PENDING_DISPUTE),
        (GOODS, 4, S.REFUNDED),
        (PICKUP, 3, S.COMPLETED_BY_SELLER),
        (SERVICE, 2, S.COMPLETE),
        (DEAL, 8, S.EXPIRED),
        (DEAL, 8, S.COMPLETE),
        (DIGITAL, 4, S.REFUNDED),
        (DONATION, 4, S.REFUNDED),
    ],
)
def test_an_item_arrives_where_it_stands_elsewhere(
    make: Factory, line: LineSaid, now: int, to: ItemStatus
) -> None:
    item = arrived(make, make.item(line, now), to)
    assert item.status == to
    assert item.left == 0 or to not in {5, 6, 7}
    assert item.held_from == (now if to in {10, 11} else None)


@pytest.mark.parametrize(
    ("line", "now", "to"),
    [
        (GOODS, 1, S.COMPLETE),
        (GOODS, 1, S.REFUNDED),
        (GOODS, 1, S.PENDING_REFUND),
        (GOODS, 1, S.PENDING_FULFILMENT),
        (GOODS, 2, S.NOT_SUBMITTED),
        (GOODS, 2, S.PENDING_PAYMENT),
        (GOODS, 2, S.COMPLETED_BY_SELLER),
        (GOODS, 2, S.PENDING_REDEMPTION),
        (GOODS, 4, S.PENDING_ACQUISITION),
        (GOODS, 5, S.COMPLETE),
        (GOODS, 6, S.PENDING_FULFILMENT),
        (GOODS, 7, S.PENDING_PAYMENT),
        (GOODS, 10, S.PENDING_DISPUTE),
        (SERVICE, 2, S.PENDING_ACQUISITION),
        (DEAL, 8, S.PENDING_ACQUISITION),
    ],
)
def test_nothing_arrives_backwards_or_where_only_money_leads(
    make: Factory, line: LineSaid, now: int, to: ItemStatus
) -> None:
    item_id = make.item(line, now)
    with pytest.raises(StatusChangeProhibited):
        arrived(make, item_id, to)
    assert make.item_row(item_id).status == now


def test_goods_that_are_there_have_left_in_a_parcel_that_is_received(make: Factory) -> None:
    item = arrived(make, make.item(GOODS, 2), S.COMPLETE)
    assert (item.shipped, item.left) == (item.quantity, 0)
    with make.app.app_context():
        parcel = db.session.scalars(select(Parcel)).one()
        assert parcel.state == "received"


@pytest.mark.parametrize(("kept", "returned", "state"), [(False, 5, "returned"), (True, 0, "shipped")])
def test_refunded_goods_come_back_unless_they_stay(
    make: Factory, *, kept: bool, returned: int, state: str
) -> None:
    order_id = make.sale(GOODS)
    item_id = make.items_of(order_id)[0]
    make.ship(order_id, {item_id: 5})
    past = {"items": {item_id: S.REFUNDED}, "kept": frozenset([item_id] if kept else [])}
    assert arrived(make, item_id, past).returned == returned
    with make.app.app_context():
        assert db.session.scalars(select(Parcel)).one().state == state


def test_what_was_shipped_is_not_voided(make: Factory) -> None:
    order_id = make.sale(GOODS)
    item_id = make.items_of(order_id)[0]
    make.ship(order_id, {item_id: 2})
    with pytest.raises(StatusChangeProhibited):
        arrived(make, item_id, S.VOIDED)


def test_a_refund_gives_money_back_and_voids_the_payouts(make: Factory) -> None:
    item_id = make.item(GOODS, 2)
    past = {"items": {item_id: S.REFUNDED}, "payment": Payment.REFUNDED, "refund": 2250}
    item = arrived(make, item_id, past)
    assert make.sale_row(item.order_id).payment == Payment.REFUNDED
    with make.app.app_context():
        assert {p.status for p in db.session.scalars(select(Payout))} == {4}


@pytest.mark.parametrize(
    ("now", "past"),
    [
        (1, {"payment": Payment.REFUNDED}),
        (1, {"payment": Payment.CANCELED}),
        (1, {"refund": 100}),
        (2, {"payment": Payment.CANCELED}),
        (2, {"payment": Payment.REFUNDED}),
        (2, {"refund": 10**9}),
    ],
)
def test_money_goes_back_only_where_it_came_from(make: Factory, now: int, past: dict[str, Any]) -> None:
    item_id = make.item(GOODS, now)
    with pytest.raises(StatusChangeProhibited):
        arrived(make, item_id, past)


def test_no_more_is_given_back_in_two_times_than_was_paid(make: Factory) -> None:
    item_id = make.item(GOODS, 2)
    arrived(make, item_id, {"refund": 2000})
    with pytest.raises(StatusChangeProhibited):
        arrived(make, item_id, {"refund": 251})
    arrived(make, item_id, {"refund": 250})


def test_nobody_is_paid_for_a_line_refunded_before_its_order_is_settled(make: Factory) -> None:
    order_id = make.sale(GOODS, AUCTION, paid=Payment.ON_ARRIVAL)
    cards, album = make.items_of(order_id)
    make.ship(order_id, {cards: 5})
    arrived(make, cards, S.REFUNDED)
    arrived(make, cards, {"payment": Payment.PAID})
    with make.app.app_context():
        statuses = {(p.item_id, p.status) for p in db.session.scalars(select(Payout))}
        assert statuses == {(cards, 4), (album, 0)}
        assert [proof.name for proof in audit() if proof.broken] == []


def test_an_order_may_arrive_paid(make: Factory) -> None:
    item_id = make.item(GOODS, 1)
    past = {"payment": Payment.PAID, "items": {item_id: S.PENDING_ACQUISITION}}
    item = arrived(make, item_id, past)
    assert (item.status, item.shipped) == (S.PENDING_ACQUISITION, 5)
    assert make.sale_row(item.order_id).paid_at is not None


def test_only_the_orders_own_lines_arrive(make: Factory) -> None:
    mine, other = make.item(GOODS, 2), make.item(GOODS, 2)
    with pytest.raises(NotFound):
        arrived(make, mine, {"items": {other: S.COMPLETE}})
