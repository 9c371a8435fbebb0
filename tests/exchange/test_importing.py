"""Files brought in: each order whole or not at all, once, never backwards, and every fault told."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from app.access import SYSTEM
from app.actions.imports import Outcome
from app.actions.payment import confirm_payment
from app.db import db
from app.errors import ChangedMeanwhile
from app.exchange.importing import Report, bring_in, read, summary
from app.models import Event, Order, OrderItem, Outbox, Parcel
from app.queries import people
from app.statuses import ActorKind, Door, Payment
from tests.conftest import email_of
from tests.exchange.conftest import ITEMS, ORDERS, fixture, items_file, orders_file
from tests.factories import Factory
from tests.rules.books import everything, present, recount, replayed, tally
from tests.rules.conftest import desk_of

pytestmark = pytest.mark.both

Bring = Callable[..., Report]
Kept = Callable[[str], dict[str, Any]]


def outcomes(report: Report) -> dict[str, str]:
    return {order.external_id: order.outcome.value for order in report.orders}


def reasons(report: Report) -> dict[str, tuple[str, ...]]:
    return {order.external_id: order.reasons for order in report.orders if order.reasons}


def money(order: Order) -> tuple[int, ...]:
    """Return items, discount, postage, tax, adjustment and total."""
    return (
        order.items_minor,
        order.discount_minor,
        order.postage_minor,
        order.tax_minor,
        order.adjustment_minor,
        order.total_minor,
    )


def assert_books_are_right(app: Flask) -> None:
    assert tally(app) == recount(app)
    told = replayed(app)
    assert {i: {k: v for k, v in told[i].items() if k in row} for i, row in present(app).items()} == present(
        app
    )


# One file.


def test_the_items_file_becomes_orders(app: Flask, bring: Bring, kept: Kept) -> None:
    report = bring(fixture(ITEMS))
    assert summary(report) == "6 orders, 8 items: 6 new, 0 changed, 0 same, 0 refused"
    two = kept("90001")
    assert money(two["order"]) == (1230, 123, 150, 0, 0, 1257)
    assert [(i.external_id, i.title, i.quantity, i.price_minor, int(i.status)) for i in two["items"]] == [
        ("5001", "Letterpress card | thank you, stationery", 2, 450, 3),
        ("5002", "Planner stickers, winter", 1, 330, 3),
    ]
    assert (two["items"][0].sku, two["items"][0].options) == ("LC-014", {"Size": "Small"})
    assert [(d.kind, d.code, d.amount_minor) for d in two["discounts"]] == [("coupon", "TEN", 123)]
    assert (two["order"].desk_state, int(two["order"].payment), two["order"].is_day_only) == (
        "shipped",
        1,
        True,
    )
    assert two["order"].placed_at.isoformat() == "2026-12-27T23:00:00+00:00"
    assert (two["buyer"].username, two["buyer"].external_ref) == ("majapapier", "majapapier")
    assert money(kept("90002")["order"]) == (2000, 0, 390, 85, 0, 2475)
    assert kept("90002")["order"].currency == "GBP"
    assert_books_are_right(app)


def test_orders_stand_where_the_file_says(app: Flask, bring: Bring, kept: Kept) -> None:
    bring(fixture(ITEMS))
    stands = {
        n: (kept(n)["order"].desk_state, int(kept(n)["order"].payment)) for n in ("90002", "90005", "90006")
    }
    assert stands == {"90002": ("to_ship", 1), "90005": ("unpaid", 0), "90006": ("closed", 1)}
    assert int(kept("90006")["items"][0].status) == 9  # sold in person: handed over
    assert kept("90006")["address"] is None


def test_a_parcel_of_the_file_has_its_day_and_no_number(app: Flask, bring: Bring) -> None:
    bring(fixture(ITEMS))
    with app.app_context():
        parcels = db.session.scalars(select(Parcel).order_by(Parcel.id)).all()
        assert [(p.state, p.carrier, p.number, str(p.shipped_at)) for p in parcels] == [
            ("shipped", "", "", "2027-01-03 23:00:00+00:00"),
            ("shipped", "", "", "2026-12-29 23:00:00+00:00"),
        ]


def test_the_orders_file_becomes_orders_of_one_line(app: Flask, bring: Bring, kept: Kept) -> None:
    report = bring(fixture(ORDERS))
    assert summary(report) == "8 orders, 12 items: 8 new, 0 changed, 0 same, 0 refused"
    # What buyer paid and the parts do not explain is Etsy's tax.
    assert money(kept("90001")["order"]) == (1230, 123, 150, 0, 100, 1357)
    assert [(i.title, i.quantity, i.price_minor) for i in kept("90001")["items"]] == [
        ("3 items, not listed", 1, 1230)
    ]
    assert (kept("90005")["order"].desk_state, kept("90002")["order"].desk_state) == ("unpaid", "to_ship")
    assert kept("90001")["payments"][0].amount_minor == 1357
    assert_books_are_right(app)


def test_masked_buyers_are_never_taken_for_one_another(bring: Bring, kept: Kept) -> None:
    bring(fixture(ORDERS))
    one, other = kept("90007")["buyer"], kept("90008")["buyer"]
    assert one.name == other.name == "J******* M*******"
    assert one.id != other.id
    assert (one.external_ref, one.username) == (None, "")


def test_a_buyer_is_known_by_the_user_name_within_a_file_and_across_both(bring: Bring, kept: Kept) -> None:
    bring(items_file({}, {"Order ID": "90002", "Transaction ID": "5002", "Ship Name": "A Friend"}))
    bring(orders_file({"Order ID": "90003"}))
    assert len({kept(n)["buyer"].id for n in ("90001", "90002", "90003")}) == 1


def test_what_people_wrote_is_kept_as_they_typed_it(bring: Bring, kept: Kept) -> None:
    bring(fixture(ITEMS))
    fan = kept("90004")
    assert (fan["buyer"].name, fan["address"].name, fan["address"].street) == (
        "=1+1",
        "=cmd|' /C calc'!A0",
        "+1 Willow Road",
    )
    assert fan["items"][0].title == '=HYPERLINK("http://example.com";"Sketchbook")'
    assert (fan["items"][0].sku, fan["items"][0].price_minor) == ("-SK-1", 125000)
    li = kept("90003")
    assert (li["buyer"].name, li["address"].region, li["address"].country) == ("李明", "東京都", "JP")
    assert li["items"][0].personalisation == "For 明\nwith love, always"
    assert (len(li["items"][0].title), li["items"][0].title[-1]) == (255, "…")
    assert kept("90005")["address"].name == "Zeynep O'Aydın"
    assert kept("90005")["items"][0].title == 'Brush pen "black" & ink'


def test_lines_may_go_out_on_different_days(app: Flask, bring: Bring, kept: Kept) -> None:
    rows = [
        {"Date Shipped": "01/02/2027"},
        {"Transaction ID": "5002", "Date Shipped": "01/05/2027"},
        {"Transaction ID": "5003"},
    ]
    bring(items_file(*rows))
    assert [int(i.status) for i in kept("90001")["items"]] == [3, 3, 2]
    assert kept("90001")["order"].desk_state == "to_ship"
    with app.app_context():
        assert db.session.scalar(select(func.count(Parcel.id))) == 2
    assert_books_are_right(app)


def test_what_went_out_unpaid_is_to_be_paid_on_arrival(bring: Bring, kept: Kept) -> None:
    unpaid = {"Date Paid": "", "Date Shipped": "01/02/2027"}
    bring(items_file(unpaid))
    assert (int(kept("90001")["order"].payment), kept("90001")["order"].desk_state) == (3, "shipped")
    report = bring(items_file(unpaid | {"Date Paid": "01/09/2027"}))
    assert outcomes(report) == {"90001": "changed"}
    assert (int(kept("90001")["order"].payment), len(kept("90001")["payments"])) == (1, 1)


def test_the_history_tells_each_act_with_its_day_and_the_file_as_actor(
    app: Flask, bring: Bring, kept: Kept
) -> None:
    bring(items_file({"Date Shipped": "01/04/2027"}))
    order_id = kept("90001")["order"].id
    with app.app_context():
        staff = people.account_by_email(email_of("staff"))
        events = db.session.scalars(select(Event).where(Event.order_id == order_id).order_by(Event.id)).all()
        assert staff is not None
        assert {(e.actor_kind, e.door, e.actor_id) for e in events} == {("import", "import", staff.id)}
        days = {e.verb: str(e.at.date()) for e in events if e.verb != "take_in"}
        assert days == {"confirm_payment": "2026-12-27", "ship": "2027-01-03"}
        assert [e.verb for e in events][:: len(events) - 1] == ["take_in", "ship"]
        assert len({e.act_id for e in events}) == 3


def test_nobody_is_written_to(app: Flask, bring: Bring) -> None:
    bring(fixture(ITEMS))
    bring(fixture(ORDERS))
    with app.app_context():
        assert db.session.scalar(select(func.count(Outbox.id))) == 0


def test_an_import_is_what_the_single_acts_would_have_done(
    app: Flask, bring: Bring, make: Factory, kept: Kept
) -> None:
    bring(items_file({"Date Shipped": "12/28/2026", "Listing ID": "L-14"}))
    told = kept("90001")
    by_hand = make.sale(placed_at=told["order"].placed_at)
    make.ship(by_hand, {make.items_of(by_hand)[0]: 5}, carrier="")
    one, other = make.sale_row(told["order"].id), make.sale_row(by_hand)
    names = ("status", "desk_state", "payment", "shipping", "ship_by", "paid_at", "version", "placed_at")
    assert [getattr(one, n) for n in names] == [getattr(other, n) for n in names]
    of_line = (
        "status",
        "delivery",
        "is_pickup",
        "condition",
        "held_from",
        "version",
        "cancelled",
        "returned",
    )
    assert [getattr(one.items[0], n) for n in of_line] == [getattr(other.items[0], n) for n in of_line]


# Again, and both files.


@pytest.mark.parametrize("name", [ITEMS, ORDERS])
def test_brought_in_again_nothing_is_new(app: Flask, bring: Bring, name: str) -> None:
    first = bring(fixture(name))
    before = everything(app)
    again = bring(fixture(name))
    assert again.count(Outcome.SAME) == len(first.orders)
    assert reasons(again) == {}
    after = everything(app)
    assert {t: r for t, r in after.items() if t != "store"} == {
        t: r for t, r in before.items() if t != "store"
    }


@pytest.mark.parametrize("names", [(ITEMS, ORDERS), (ORDERS, ITEMS)])
def test_both_files_in_either_sequence_become_the_same_orders(
    app: Flask, bring: Bring, kept: Kept, names: tuple[str, str]
) -> None:
    for name in names:
        assert bring(fixture(name)).refused == 0
    found = {n: kept(n) for n in ("90001", "90002", "90003", "90004", "90005", "90006")}
    assert {n: money(f["order"]) for n, f in found.items()} == {
        "90001": (1230, 123, 150, 0, 100, 1357),
        "90002": (2000, 0, 390, 85, 0, 2475),
        "90003": (330, 0, 0, 0, 33, 363),
        "90004": (125000, 0, 0, 0, 0, 125000),
        "90005": (600, 0, 0, 0, 0, 600),
        "90006": (1000, 100, 0, 0, 0, 900),
    }
    assert {n: [i.external_id for i in f["items"]] for n, f in found.items()} == {
        "90001": ["5001", "5002"],
        "90002": ["5003", "5004"],
        "90003": ["5005"],
        "90004": ["5006"],
        "90005": ["5007"],
        "90006": ["5008"],
    }
    states = {n: (f["order"].desk_state, [int(i.status) for i in f["items"]]) for n, f in found.items()}
    assert states == {
        "90001": ("shipped", [3, 3]),
        "90002": ("to_ship", [2, 2]),
        "90003": ("shipped", [3]),
        "90004": ("to_ship", [2]),
        "90005": ("unpaid", [1]),
        "90006": ("closed", [9]),
    }
    assert [p.amount_minor for p in found["90001"]["payments"]] == [1357]
    assert_books_are_right(app)
    for name in (*names, *names):
        again = bring(fixture(name))
        assert again.count(Outcome.SAME) == len(again.orders)
        assert reasons(again) == {}


def test_lines_that_are_listed_later_are_in_the_parcel_that_went_out(
    app: Flask, bring: Bring, make: Factory
) -> None:
    bring(fixture(ORDERS))
    report = bring(fixture(ITEMS))
    (two,) = [order for order in report.orders if order.external_id == "90001"]
    assert (two.outcome, two.reasons) == (Outcome.CHANGED, ("the lines are listed now",))
    with app.app_context():
        order = db.session.get_one(Order, two.order_id)
        items = db.session.scalars(select(OrderItem).where(OrderItem.order_id == order.id)).all()
        assert [(i.shipped, i.quantity) for i in items] == [(2, 2), (1, 1)]
    assert_books_are_right(app)


def test_a_later_export_brings_what_moved_there(bring: Bring, kept: Kept) -> None:
    bring(items_file({"Date Paid": ""}))
    paid = bring(items_file({}))
    assert (outcomes(paid), reasons(paid)) == ({"90001": "changed"}, {"90001": ("it is paid",)})
    sent = bring(items_file({"Date Shipped": "01/04/2027"}))
    assert (outcomes(sent), reasons(sent)) == ({"90001": "changed"}, {"90001": ("it is shipped",)})
    assert kept("90001")["order"].desk_state == "shipped"


def test_an_import_never_goes_backwards(app: Flask, bring: Bring, kept: Kept) -> None:
    bring(items_file({"Date Shipped": "01/04/2027"}))
    before = everything(app)
    report = bring(items_file({"Date Paid": "", "Date Shipped": ""}))
    assert outcomes(report) == {"90001": "same"}
    after = everything(app)
    assert {t: r for t, r in after.items() if t != "store"} == {
        t: r for t, r in before.items() if t != "store"
    }


def test_an_order_follows_the_file_while_nothing_moved(bring: Bring, kept: Kept) -> None:
    bring(items_file({"Date Paid": ""}))
    report = bring(items_file({"Date Paid": "", "Price": "5.00"}))
    assert reasons(report) == {"90001": ("the money differs",)}
    assert outcomes(report) == {"90001": "changed"}
    assert kept("90001")["order"].total_minor == 1150


def test_what_moved_here_is_only_reported_as_different(
    app: Flask, bring: Bring, make: Factory, kept: Kept
) -> None:
    bring(items_file({}))
    order_id = kept("90001")["order"].id
    make.ship(order_id, {make.items_of(order_id)[0]: 1})
    report = bring(items_file({"Price": "5.00", "Ship City": "Gdańsk"}))
    assert outcomes(report) == {"90001": "same"}
    assert reasons(report) == {"90001": ("the money differs", "the address differs")}
    assert kept("90001")["order"].total_minor == 1050


def test_what_was_paid_by_hand_is_not_paid_again(app: Flask, bring: Bring, kept: Kept) -> None:
    bring(items_file({"Date Paid": ""}))
    with app.app_context():
        order = kept("90001")["order"]
        confirm_payment(order.id, code=Payment.PAID_PAYPAL, actor=SYSTEM, store_id=order.store_id)
        db.session.commit()
    bring(items_file({"Date Shipped": "01/04/2027"}))
    assert (int(kept("90001")["order"].payment), len(kept("90001")["payments"])) == (2, 1)
    assert kept("90001")["order"].desk_state == "shipped"


def test_the_rest_is_shipped_when_the_file_says_so(
    app: Flask, bring: Bring, make: Factory, kept: Kept
) -> None:
    bring(items_file({}))
    order_id = kept("90001")["order"].id
    make.ship(order_id, {make.items_of(order_id)[0]: 1})
    bring(items_file({"Date Shipped": "01/04/2027"}))
    assert [(i.shipped, int(i.status)) for i in kept("90001")["items"]] == [(2, 3)]


def test_the_same_file_in_two_stores_is_two_shops_orders(app: Flask, bring: Bring) -> None:
    bring(fixture(ITEMS))
    assert bring(fixture(ITEMS), who="owner2", store="othershop").count(Outcome.NEW) == 6


# Faults.


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Price": ""}, "Price: This is empty."),
        ({"Price": "4.567"}, "Price: “4.567” has more decimals than USD knows."),
        ({"Price": "-1"}, "Price: Write an amount from 0 on."),
        ({"Price": "$4.50"}, "Price: “$4.50” is not an amount: write digits with a point, such as 17.50."),
        ({"Price": "12,00"}, "Price: “12,00” is not an amount: write digits with a point, such as 17.50."),
        ({"Quantity": "0"}, "Quantity: Write a number from 1 to 1000000."),
        ({"Quantity": "1.5"}, "Quantity: Write a whole number in plain digits."),
        ({"Quantity": "٣"}, "Quantity: Write a whole number in plain digits."),
        ({"Item Name": ""}, "Item Name: This is empty."),
        ({"Item Name": "a\x0bb"}, "Item Name: Leave out control characters."),
        ({"Currency": "XYZ"}, "Currency: “XYZ” is no currency that we know: write its code, such as USD."),
        ({"Sale Date": "31/12/26"}, "Sale Date: “31/12/26” is not a date."),
        ({"Sale Date": "12/31/1900"}, "Sale Date: Dates lie between 1990 and 2100."),
        ({"Date Shipped": "soon"}, "Date Shipped: “soon” is not a date."),
        (
            {"Ship Country": "Freedonia"},
            "Ship Country: “Freedonia” is no country that we know: write its code, such as US.",
        ),
        ({"Ship City": "x" * 256}, "Ship City: At most 255 characters fit here; these are 256."),
        ({"Discount Amount": "99"}, "The discount is more than everything else together."),
        (
            {"Quantity": "1000000", "Price": "1000000000000"},
            "The lines add up to more than can be counted here.",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_order_with_a_fault_is_refused_with_its_line_and_the_others_go_on(
    app: Flask, bring: Bring, changes: dict[str, str], said: str
) -> None:
    report = bring(
        items_file({"Order ID": "1"}, {"Order ID": "2"} | changes, {"Order ID": "3", "Transaction ID": "9"})
    )
    assert outcomes(report) == {"1": "new", "2": "refused", "3": "new"}
    assert reasons(report) == {"2": (f"Line 3: {said}",)}
    assert report.refused == 1
    with app.app_context():
        assert db.session.scalar(select(func.count(Order.id))) == 2


def test_every_fault_of_an_order_is_told_in_the_files_sequence(bring: Bring) -> None:
    report = bring(
        items_file(
            {"Quantity": "0", "Ship Country": "Freedonia"},
            {"Order ID": "2", "Transaction ID": "7"},
            {"Transaction ID": "5002", "Price": "x", "Item Name": ""},
            {"Transaction ID": "5001", "Price": "1.00"},
        )
    )
    assert reasons(report) == {
        "90001": (
            "Line 2: Quantity: Write a number from 1 to 1000000.",
            "Line 2: Ship Country: “Freedonia” is no country that we know: write its code, such as US.",
            "Line 4: Item Name: This is empty.",
            "Line 4: Price: “x” is not an amount: write digits with a point, such as 17.50.",
            "Line 5: Transaction ID: “5001” stands on another line of the same order.",
        )
    }


def test_one_faulty_line_keeps_the_whole_order_out(app: Flask, bring: Bring) -> None:
    before = everything(app)
    report = bring(items_file({}, {"Transaction ID": "5002", "Quantity": "none"}))
    assert outcomes(report) == {"90001": "refused"}
    assert everything(app) == before


def test_more_than_500_lines_are_no_order(app: Flask, bring: Bring) -> None:
    report = bring(items_file(*({"Transaction ID": str(n), "Price": "1"} for n in range(501))))
    assert reasons(report) == {"90001": ("Line 2: At most 500 lines are one purchase.",)}
    assert bring(items_file(*({"Transaction ID": str(n)} for n in range(500)))).count(Outcome.NEW) == 1


def test_a_row_without_an_order_is_refused_alone(bring: Bring) -> None:
    report = bring(items_file({"Order ID": ""}, {"Order ID": "", "Transaction ID": "2"}, {"Order ID": "3"}))
    assert [(o.line, o.outcome.value) for o in report.orders] == [(2, "refused"), (3, "refused"), (4, "new")]


def test_what_an_act_refuses_is_refused_alone(app: Flask, bring: Bring) -> None:
    """No file brings an act to refuse what the form let pass; so the database is made to, for one order."""

    def refuse(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        values = parameters.values() if isinstance(parameters, dict) else parameters
        if statement.startswith("SELECT orders.id") and "2" in values:
            raise ChangedMeanwhile("Not this one.")

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", refuse)
    try:
        report = bring(items_file({"Order ID": "1"}, {"Order ID": "2"}, {"Order ID": "3"}))
    finally:
        event.remove(engine, "before_cursor_execute", refuse)
    assert outcomes(report) == {"1": "new", "2": "refused", "3": "new"}
    assert reasons(report) == {"2": ("Line 3: Not this one.",)}
    assert_books_are_right(app)


# Dry runs, batches, and runs that are cut.


def many(n: int) -> bytes:
    """Return a file of n orders."""
    return items_file(*({"Order ID": str(1000 + k), "Transaction ID": str(k)} for k in range(n)))


@pytest.mark.parametrize("name", [ITEMS, ORDERS])
def test_a_dry_run_says_the_same_and_leaves_nothing(app: Flask, bring: Bring, name: str) -> None:
    before = everything(app)
    dry = bring(fixture(name), is_dry_run=True)
    assert everything(app) == before
    assert all(order.order_id is None for order in dry.orders)
    real = bring(fixture(name))
    assert [o._replace(order_id=None) for o in real.orders] == list(dry.orders)


@pytest.mark.parametrize(
    ("is_dry_run", "steps"),
    [(True, [25, 50, 75, 100, 125, 130]), (False, [100, 130])],
    ids=["dry", "for good"],
)
def test_the_lock_is_let_go_every_so_many_orders(app: Flask, is_dry_run: bool, steps: list[int]) -> None:
    ends: list[str] = []
    heard: list[tuple[int, int]] = []
    with app.app_context():
        bring_in(
            read(many(130), "UTC", "USD"),
            desk_of("staff"),
            is_dry_run=is_dry_run,
            commit=lambda: ends.append("commit") or db.session.commit(),  # type: ignore[func-returns-value]
            rollback=lambda: ends.append("rollback") or db.session.rollback(),  # type: ignore[func-returns-value]
            progress=lambda done, total: heard.append((done, total)),
        )
    assert ends == ["rollback" if is_dry_run else "commit"] * len(steps)
    assert heard == [(step, 130) for step in steps]


class Cut(Exception):
    """The process died here."""


@pytest.mark.parametrize("at", ["in the middle of a batch", "before a commit", "after a commit"])
def test_a_run_that_was_cut_is_taken_up_again_and_nothing_is_doubled(
    app: Flask, bring: Bring, at: str
) -> None:
    data = many(130)
    commits = writes = 0

    def cut_here(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal writes
        writes += statement.startswith("INSERT INTO orders")
        if writes == 2 and at == "in the middle of a batch":
            raise Cut

    def commit() -> None:
        nonlocal commits
        commits += 1
        if commits == 2 and at == "before a commit":
            raise Cut
        db.session.commit()
        if at == "after a commit":
            raise Cut

    with app.app_context():
        engine = db.engine
        event.listen(engine, "before_cursor_execute", cut_here)
        with pytest.raises(Cut):
            bring_in(
                read(data, "UTC", "USD"),
                desk_of("staff"),
                is_dry_run=False,
                commit=commit,
                rollback=db.session.rollback,
            )
        event.remove(engine, "before_cursor_execute", cut_here)
        db.session.remove()
    assert_books_are_right(app)
    again = bring(data)
    assert (again.count(Outcome.SAME), again.count(Outcome.NEW)) == (100, 30)
    with app.app_context():
        assert db.session.scalar(select(func.count(Order.id))) == 130
        assert db.session.scalar(select(func.max(Order.number))) == 1130
    assert_books_are_right(app)


def test_the_actor_of_an_import_is_the_person_who_brought_it(app: Flask, bring: Bring) -> None:
    bring(items_file({}), who="site_admin")
    with app.app_context():
        admin = people.account_by_email(email_of("site_admin"))
        (first, *_) = db.session.scalars(select(Event).where(Event.order_id.is_not(None))).all()
        assert admin is not None
        assert (first.actor_id, first.actor_kind, first.door) == (
            admin.id,
            ActorKind.IMPORT.value,
            Door.IMPORT.value,
        )
