"""The books proved: clean after whatever the acts did, and no invariant is broken without being named.

What is broken here is broken by SQL, past all acts, and often past the database's own rules.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from app.access import SYSTEM, Actor
from app.actions.audit import audit
from app.actions.audit.proofs import Proof
from app.actions.elsewhere import Past, Rating, Remark, arrive
from app.actions.intake import take_in
from app.actions.labels import draft, set_tracking
from app.actions.ledger import Act
from app.actions.parcels import Tracking
from app.actions.purchases import STAND_IN, BuyerSaid, Purchase
from app.db import db
from app.models import Order
from app.queries.books import money, pieces, stores, tables, told
from app.statuses import ActorKind, Door, ItemStatus, Payment
from tests.factories import (
    ADDRESS,
    AUCTION,
    DEAL,
    DIGITAL,
    DONATION,
    GOODS,
    PICKUP,
    SERVICE,
    Factory,
)
from tests.rules.books import everything
from tests.rules.busy import Busy
from tests.stocked import Stocked, is_on_sqlite

S = ItemStatus
TALLY = "The tally says"
STATUS = "The status of an order"
TAB = "An order stands in the tab"
FLAG = "The shipping flag"
DUE = "An order is to leave by"
NEEDS = "An order needs somebody"
MISSING = "Every order is found by all of its words"
KINDS = "A line stands where"
PAID = "A line goes on once"
GONE = "Nothing is left to ship"
IN_PARCELS = "Only goods go out"
STEPS = "Every event begins"
PRESENT = "The history, replayed"
PLACES = "An act tells of a row once"
FOUND = "Every order is found"
STRANGE = "No order is found"
UNDER = "Words stand under"
PERSON_STEPS = "What happened to a person"
PERSON_NOW = "People, places and invitations"
KEYS = "Every key leads"
SOUND = "The database's file"
CODES, RULES = (rule.name for rule in tables.RULES)


# --- the books to break


def books(app: Flask) -> dict[str, int]:
    """Make a sale of every sort; return their ids by what they show, and those of their lines."""
    make = Factory(app)
    given = replace(GOODS, cause_id=make.cause(), donation_pct=10)
    sales = {
        "open": make.sale(GOODS, DIGITAL, paid=None),
        "waits": make.sale(GOODS),
        "sent": make.sale(given, DIGITAL, postage=300),
        "got": make.sale(GOODS, AUCTION),
        "free": make.sale(replace(GOODS, price=0)),
        "held": make.sale(GOODS),
        "back": make.sale(GOODS),
        "labelled": make.sale(GOODS),
        "kinds": make.sale(PICKUP, SERVICE, DIGITAL, DONATION),
        "deal": make.sale(DEAL, GOODS, store="vendorshop"),
        "listed": listed_later(app),
    }
    lines = {name: make.items_of(order_id) for name, order_id in sales.items()}
    for n, number in ((2, "JD 01"), (3, "JD 02")):
        make.ship(sales["sent"], {lines["sent"][0]: n}, number=number)
    make.ship(sales["free"], {lines["free"][0]: 5})
    make.ship(sales["back"], {lines["back"][0]: 5})
    with app.app_context():
        store_id = db.session.get_one(Order, sales["got"]).store_id

        def comes(name: str, past: Past) -> None:
            arrive(sales[name], past, actor=SYSTEM, store_id=store_id)

        got = Past(
            items=dict.fromkeys(lines["got"], S.COMPLETE),
            ratings=(Rating(lines["got"][0], 5),),
            remarks=(Remark("Ask for the receipt.", True),),
        )
        comes("got", got)
        comes("held", Past(items={lines["held"][0]: S.PENDING_REFUND}))
        comes("back", Past({lines["back"][0]: S.REFUNDED}, payment=Payment.REFUNDED, refund=2250))
        for number in ("L1", "L2"):
            set_tracking(
                sales["labelled"],
                lines["labelled"][0],
                Tracking("DHL", number),
                actor=SYSTEM,
                store_id=store_id,
            )
        db.session.commit()
    return sales | {f"{name}_{n}": i for name, ids in lines.items() for n, i in enumerate(ids, start=1)}


def listed_later(app: Flask) -> int:
    """Take a sale in whose lines are not listed at first, and are replaced once they are."""
    told = Purchase(
        channel="etsy",
        external_id="90001",
        kind="imported",
        currency="USD",
        buyer=BuyerSaid("Maja Kowalczyk", ref="maja"),
        address=ADDRESS,
        lines=(replace(GOODS, external_id=STAND_IN, quantity=1, price=2250),),
        placed_at=Factory(app).sale_row(1).placed_at,
    )
    importer = Actor(None, "Import", kind=ActorKind.IMPORT, door=Door.IMPORT)
    with app.app_context():
        store_id = db.session.get_one(Order, 1).store_id
        for lines in (told.lines, (replace(GOODS, external_id="5001"),)):
            order = take_in(replace(told, lines=lines), actor=importer, store_id=store_id).order
        db.session.commit()
        return order.id


@pytest.fixture(scope="session")
def stocked_books(stock: Callable[[Callable[[Flask], Any]], Stocked]) -> Stocked:
    """The books of a store with a sale of every sort."""
    return stock(books)


@pytest.fixture
def ids(app: Flask, stocked_books: Stocked) -> dict[str, int]:
    """The ids of the sales and lines on this desk, by what they show."""
    found: dict[str, int] = stocked_books.put_into(app)
    return found


def proofs(app: Flask) -> list[Proof]:
    """Return every proof."""
    with app.app_context():
        return list(audit())


def broken(app: Flask) -> dict[str, tuple[str, ...]]:
    """Return the invariants that are broken, each with the rows it names."""
    return {proof.name: proof.first for proof in proofs(app) if proof.broken}


@contextmanager
def past_all_rules(app: Flask) -> Iterator[Callable[[str], object]]:
    """Give what runs SQL with foreign keys off, and on SQLite without the rules of the tables."""
    off = ("PRAGMA foreign_keys=OFF", "PRAGMA ignore_check_constraints=ON")
    with app.app_context(), db.engine.connect() as connection:
        for statement in off if is_on_sqlite(app) else ("SET session_replication_role = replica",):
            connection.exec_driver_sql(statement)
        yield connection.exec_driver_sql
        connection.invalidate()


# --- clean


def test_books_that_the_acts_wrote_hold(app: Flask, ids: dict[str, int]) -> None:
    assert broken(app) == {}
    assert all(proof.rows for proof in proofs(app))
    assert len({proof.name for proof in proofs(app)}) == len(proofs(app)) > 40


def test_after_many_acts_the_books_hold(app: Flask) -> None:
    shop = Busy(app, 5)
    shop.work(140)
    assert shop.done > 50 and shop.refused > 15  # both happened
    assert broken(app) == {}


def test_verifying_changes_nothing(app: Flask, ids: dict[str, int]) -> None:
    before = everything(app)
    proofs(app)
    assert everything(app) == before


def test_nothing_can_be_written_while_the_books_are_proved(app: Flask) -> None:
    with app.app_context():
        running = audit()
        next(running)
        with pytest.raises(Exception, match=r"readonly|read-only"):
            db.session.connection().exec_driver_sql("DELETE FROM note")
        running.close()
        db.session.connection().exec_driver_sql("DELETE FROM note")


def test_the_desk_may_run_meanwhile(app: Flask, make: Factory) -> None:
    make.sale(GOODS)
    with app.app_context():
        running = audit()
        before = [next(running) for _ in range(5)]
        hand = threading.Thread(target=make.sale, args=(GOODS,))
        hand.start()
        hand.join(timeout=20)
        after = list(running)
    assert [proof.name for proof in before + after if proof.broken] == []
    orders = {proof.rows for proof in after if proof.name in {money.ITEMS.name, pieces.LINES.name}}
    assert orders == {1}  # as it was when it began
    assert {p.rows for p in proofs(app) if p.name == money.ITEMS.name} == {2}


# --- stories that stand in the histories of two orders


def test_a_line_that_moved_to_another_order_has_one_story(app: Flask, make: Factory) -> None:
    first, second = make.sale(GOODS, AUCTION), make.sale(GOODS)
    (_, album), (cards,) = make.items_of(first), make.items_of(second)
    with app.app_context():
        with Act("combine", actor=SYSTEM, store_id=1) as act:
            moving = next(item for item in act.hold(first).items if item.id == album)
            act.hold(second)
            act.change(moving, order_id=second, position=2)
        db.session.commit()
    make.ship(second, {cards: 5, album: 1})
    assert of_history(app) == {}
    with past_all_rules(app) as run:
        run(f"UPDATE order_item SET returned = 1 WHERE id = {album}")
    assert of_history(app) == {PRESENT: 1}


def test_a_parcel_of_two_orders_has_one_story(app: Flask, make: Factory) -> None:
    buyer = BuyerSaid("Maja Kowalczyk", ref="maja")
    first, second = make.sale(GOODS, buyer=buyer), make.sale(GOODS, buyer=buyer)
    (cards,), (more,) = make.items_of(first), make.items_of(second)
    with app.app_context():
        draft(
            {first: {cards: 5}, second: {more: 5}},
            tracking=Tracking("DHL", "JD 01"),
            actor=SYSTEM,
            store_id=1,
        )
        set_tracking(first, cards, Tracking("DHL", "JD 02"), actor=SYSTEM, store_id=1)
        set_tracking(second, more, Tracking("UPS", "JD 02"), actor=SYSTEM, store_id=1)
        db.session.commit()
    assert of_history(app) == {}
    with past_all_rules(app) as run:
        run("UPDATE parcel SET number = 'JD 03'")
    assert of_history(app) == {PRESENT: 1}


def of_history(app: Flask) -> dict[str, int]:
    """Return which invariants of the history are broken, and how often."""
    begins = (STEPS, PRESENT, PLACES, told.BIRTHS.name, told.ACTS.name)
    return {
        next(begin for begin in begins if proof.name.startswith(begin)): proof.broken
        for proof in proofs(app)
        if proof.broken and proof.name.startswith(begins)
    }


# --- broken

# The invariants that a statement breaks, the statement, whether the database refuses it where it can.
Break = tuple[tuple[str, ...], str]
BREAKS: list[Break] = [
    ((TALLY,), "UPDATE tally SET n = n + 1 WHERE store_id = 1 AND grain = 'order' AND code = 'closed'"),
    ((TALLY,), "DELETE FROM tally WHERE grain = 'deal_item' AND n > 0"),
    ((TALLY,), "INSERT INTO tally (store_id, grain, code, n) VALUES (1, 'order', 'nowhere', 1)"),
    (
        (money.ITEMS.name,),
        "UPDATE orders SET items_minor = items_minor + 1, adjustment_minor = adjustment_minor - 1"
        " WHERE id = {sent}",
    ),
    ((money.LINE.name,), "UPDATE order_item SET price_minor = price_minor + 1 WHERE id = {sent_1}"),
    ((money.PAID_AT.name, PRESENT), "UPDATE orders SET paid_at = NULL WHERE id = {sent}"),
    (
        (money.PAYMENTS.name, PRESENT),
        "UPDATE payment SET amount_minor = amount_minor + 1 WHERE order_id = {sent}",
    ),
    ((money.PAYMENTS.name, PRESENT), "DELETE FROM payment WHERE order_id = {sent}"),
    ((money.REFUNDS.name, PRESENT), "UPDATE payment SET amount_minor = 2251 WHERE kind = 'refund'"),
    ((money.CURRENCY.name, PRESENT), "UPDATE payment SET currency = 'EUR' WHERE order_id = {sent}"),
    (
        (money.PAYOUTS.name, PRESENT),
        "UPDATE payout SET amount_minor = amount_minor + 1 WHERE order_id = {sent} AND item_id IS NULL",
    ),
    (
        (money.SHARES.name, PRESENT),
        "UPDATE payout SET amount_minor = amount_minor + CASE WHEN item_id IS NULL THEN 1 ELSE -1 END"
        " WHERE order_id = {sent} AND kind = 'store' AND (item_id IS NULL OR item_id = {sent_1})",
    ),
    ((money.CAUSES.name, PRESENT), "UPDATE payout SET cause_id = NULL WHERE kind = 'cause'"),
    ((money.VOIDED_PAYOUTS.name, PRESENT), "UPDATE payout SET status = 0 WHERE order_id = {back}"),
    ((PERSON_NOW,), "UPDATE member SET role = 'owner' WHERE store_id = 1 AND role = 'staff'"),
    ((PERSON_NOW,), "DELETE FROM member WHERE store_id = 1 AND role = 'vendor'"),
    (
        (PERSON_STEPS,),
        "INSERT INTO event (store_id, row_kind, row_id, act_id, actor_kind, door, verb, before, after, at)"
        " SELECT e.store_id, e.row_kind, e.row_id, 77, e.actor_kind, e.door, 'change_place',"
        " (SELECT v.after FROM event v JOIN member m ON m.account_id = v.row_id AND m.store_id = v.store_id"
        " WHERE v.row_kind = 'member' AND v.store_id = 1 AND m.role = 'vendor'), e.after, e.at"
        " FROM event e JOIN member s ON s.account_id = e.row_id AND s.store_id = e.store_id"
        " WHERE e.row_kind = 'member' AND e.store_id = 1 AND s.role = 'staff'",
    ),
    ((pieces.LINES.name,), "UPDATE order_item SET position = 3 WHERE id = {sent_2}"),
    ((pieces.PLACED.name,), "UPDATE order_item SET placed_at = '2020-01-01 00:00:00' WHERE id = {sent_1}"),
    (
        (pieces.SHIPPED.name, PRESENT),
        "UPDATE parcel_line SET quantity = 4 WHERE quantity = 3 AND item_id = {sent_1}",
    ),
    ((pieces.PACKED.name, PRESENT), "UPDATE parcel_line SET quantity = 6 WHERE item_id = {labelled_1}"),
    (
        (pieces.BUYERS.name, told.BIRTHS.name),
        "UPDATE parcel SET buyer_id = buyer_id - 1"
        " WHERE id = (SELECT parcel_id FROM parcel_line WHERE item_id = {free_1})",
    ),
    ((pieces.LEFT_AT.name,), "UPDATE parcel SET shipped_at = created_at WHERE state = 'draft'"),
    ((pieces.HELD_FROM.name, PRESENT), "UPDATE order_item SET held_from = NULL WHERE id = {held_1}"),
    ((stores.NUMBERS.name,), "UPDATE store SET next_number = 1005 WHERE id = 1"),
    ((stores.OPEN.name,), "UPDATE orders SET open_key = 'x' WHERE id = {sent}"),
    (
        (stores.HEIRS.name, MISSING),
        "INSERT INTO combined (order_id, heir_id, direct_heir_id) VALUES ({open}, {sent}, {sent})",
    ),
    ((stores.TOGETHER.name, PLACES), "UPDATE feedback SET store_id = 2"),
    ((stores.TOGETHER.name, PLACES), "UPDATE note SET store_id = 2"),
    ((CODES,), "UPDATE buyer SET channel = 'nowhere'"),
    ((CODES, NEEDS, PRESENT), "UPDATE orders SET buyer_shipping = 9 WHERE id = {sent}"),
    (
        (told.BIRTHS.name,),
        "DELETE FROM event WHERE before IS NULL AND item_id IS NULL AND parcel_id IS NULL"
        " AND row_kind IS NULL AND order_id = {sent}",
    ),
    ((told.BIRTHS.name,), "DELETE FROM event WHERE row_kind = 'payment' AND order_id = {sent}"),
    ((told.BIRTHS.name,), "DELETE FROM event WHERE row_kind = 'payout' AND order_id = {sent}"),
    ((told.BIRTHS.name,), "DELETE FROM event WHERE row_kind = 'note'"),
    ((told.BIRTHS.name,), "DELETE FROM event WHERE row_kind = 'feedback'"),
    ((PRESENT,), "UPDATE note SET is_private = false"),
    ((PRESENT,), "UPDATE feedback SET value = 1"),
    ((PRESENT,), "DELETE FROM feedback"),
    ((PRESENT,), "UPDATE parcel_line SET quantity = 4 WHERE item_id = {labelled_1}"),
    ((told.BIRTHS.name,), "DELETE FROM event WHERE before IS NULL AND item_id = {sent_2}"),
    ((told.BIRTHS.name,), "DELETE FROM event WHERE before IS NULL AND parcel_id IS NOT NULL"),
    ((told.ACTS.name,), "UPDATE event SET verb = 'dream' WHERE item_id = {open_2}"),
    ((STATUS, PRESENT), "UPDATE orders SET status = 4 WHERE id = {sent}"),
    ((TAB, NEEDS, TALLY, PRESENT), "UPDATE orders SET desk_state = 'closed' WHERE id = {sent}"),
    ((FLAG, NEEDS, PRESENT), "UPDATE orders SET shipping = 0 WHERE id = {sent}"),
    ((DUE, NEEDS, PRESENT), "UPDATE orders SET ship_by = '2026-12-24 22:59:59' WHERE id = {waits}"),
    ((NEEDS,), "UPDATE orders SET attention_at = NULL WHERE id = {waits}"),
    ((NEEDS,), "UPDATE orders SET sent_at = '2026-12-24 22:59:59' WHERE id = {sent}"),
    ((KINDS,), "UPDATE order_item SET delivery = 'service' WHERE id = {kinds_1}"),
    ((PAID, TALLY, PRESENT), "UPDATE order_item SET status = 4 WHERE id = {open_2}"),
    ((GONE, PRESENT), "UPDATE order_item SET quantity = 6 WHERE id = {free_1}"),
    ((IN_PARCELS,), "UPDATE order_item SET is_pickup = true WHERE id = {got_1}"),
    (
        (STEPS,),
        """UPDATE event SET before = '{{"shipped": 1}}' WHERE item_id = {sent_1} AND verb = 'ship'"""
        " AND id = (SELECT min(id) FROM event WHERE item_id = {sent_1} AND verb = 'ship')",
    ),
    ((PRESENT,), "UPDATE parcel SET carrier = 'UPS' WHERE state = 'draft'"),
    ((PRESENT,), "UPDATE order_item SET ack = 'Anna' WHERE id = {deal_1}"),
    (
        (PLACES,),
        "UPDATE event SET act_id = (SELECT min(act_id) FROM event WHERE item_id = {free_1}"
        " AND before IS NULL) WHERE item_id = {free_1} AND verb = 'ship'",
    ),
    ((FOUND,), "DELETE FROM search_term WHERE order_id = {sent} AND term = 'jd'"),
    ((FOUND,), "DELETE FROM search_term WHERE order_id = {deal} AND substr(term, 1, 1) = '='"),
    ((FOUND,), "DELETE FROM search_term WHERE order_id = {listed}"),
    (
        (STRANGE,),
        "INSERT INTO search_term (store_id, term, placed_at, order_id)"
        " SELECT store_id, 'zzz', placed_at, id FROM orders WHERE id = {sent}",
    ),
    ((UNDER,), "UPDATE search_term SET store_id = 3 WHERE order_id = {sent} AND term = 'jd'"),
    ((UNDER,), "UPDATE search_term SET placed_at = '2020-01-01 00:00:00' WHERE order_id = {sent}"),
]

# What PostgreSQL refuses whoever asks, and SQLite but for a switch.
REFUSED: list[Break] = [
    ((TALLY,), "UPDATE tally SET n = -1 WHERE store_id = 1 AND grain = 'order' AND code = 'closed'"),
    ((money.TOTAL.name,), "UPDATE orders SET postage_minor = postage_minor + 1 WHERE id = {sent}"),
    ((pieces.PIECES.name, PRESENT), "UPDATE order_item SET returned = 6 WHERE id = {sent_1}"),
    ((pieces.PIECES.name, PRESENT), "UPDATE order_item SET cancelled = -1 WHERE id = {waits_1}"),
    ((RULES, PRESENT), "UPDATE feedback SET value = 9"),
    ((RULES,), "UPDATE order_item SET additional_per = 0 WHERE id = {sent_1}"),
]


def named(names: tuple[str, ...], found: dict[str, tuple[str, ...]]) -> bool:
    """Tell whether exactly these invariants are broken, each named by how it begins."""
    return sorted(names) == sorted(
        next((begin for begin in names if name.startswith(begin)), name) for name in found
    )


@pytest.mark.parametrize(("names", "statement"), BREAKS)
def test_what_is_broken_is_named(
    app: Flask, ids: dict[str, int], names: tuple[str, ...], statement: str
) -> None:
    with past_all_rules(app) as run:
        run(statement.format(**ids))
    found = broken(app)
    assert named(names, found), found


@pytest.mark.parametrize(("names", "statement"), REFUSED)
def test_what_the_database_refuses_is_named_where_it_did_not(
    app: Flask, ids: dict[str, int], names: tuple[str, ...], statement: str
) -> None:
    with past_all_rules(app) as run:
        if not is_on_sqlite(app):
            with pytest.raises(IntegrityError):
                run(statement.format(**ids))
            return
        run(statement.format(**ids))
    found = broken(app)
    assert named(names, found), found


def test_every_invariant_was_broken(app: Flask) -> None:
    tried = {name for names, _ in BREAKS + REFUSED for name in names} | {KEYS, SOUND}
    never = [p.name for p in proofs(app) if not any(p.name.startswith(begin) for begin in tried)]
    assert never == []
