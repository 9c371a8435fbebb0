"""Every act in every sequence: sales that hypothesis moves about, and what must hold after each step.

The invariants are a second opinion (`invariants`); the desk's own proof is asked at the end of each run.
A few runs stand in the suite, always the same; `make races` makes many, and new ones each time.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.access import SYSTEM
from app.actions.addresses import correct_address
from app.actions.aftersale import Reason, cancel, return_items
from app.actions.audit import audit
from app.actions.buyers_word import download, receive, review, say_paid
from app.actions.flags import Flags, Side, put_flags
from app.actions.intake import take_in
from app.actions.labels import draft, send_draft, set_tracking
from app.actions.moves import Asked, move_item
from app.actions.parcels import NO_TRACKING, Tracking, ship, ship_together
from app.actions.payment import confirm_payment, unpay
from app.actions.problems import dispute, expire, note, report_problem, resolve
from app.actions.purchases import BuyerSaid, LineSaid, Purchase
from app.actions.refunds import refund, settle_refund
from app.actions.undo import void_parcel
from app.db import db
from app.errors import Refused
from app.models import Order, OrderItem, Parcel
from app.queries import items
from app.statuses import Delivery, ItemStatus, Payment, ProductType
from tests.factories import ADDRESS, Factory
from tests.hooks.receiver import hook
from tests.rules import invariants
from tests.rules.conftest import desk_of
from tests.stocked import is_on_sqlite, path_of

ROUNDS = int(os.environ.get("TRADEPOST_RACES", "0"))
FIRST_DAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
STORE = "vendorshop"

# In a long run each of these is done and refused; the others are never refused, or hardly ever done.
MAY_BE_REFUSED = (
    "pay", "unpay", "ship", "ship_together", "draft", "send_draft", "void", "move_item",
    "receive", "cancel", "refund", "refund, pending", "return", "problem", "review", "correct_address",
    "flags", "buyer's flags",
)  # fmt: skip
CARD = LineSaid("Card", 1, 450)

some = st.integers(0, 5)
maybe = st.booleans()
few = st.integers(0, 4)


def lines(cause_id: int) -> st.SearchStrategy[LineSaid]:
    """Return lines of every kind; goods most often."""
    end = FIRST_DAY + timedelta(days=4)
    plain = CARD
    kinds = st.sampled_from([
        plain,
        plain,
        replace(plain, cause_id=cause_id, donation_pct=15),
        replace(plain, type=ProductType.AUCTION),
        replace(plain, is_pickup=True),
        replace(plain, delivery=Delivery.SERVICE),
        replace(plain, delivery=Delivery.DIGITAL),
        replace(plain, type=ProductType.DEAL, promo_end=end),
        replace(plain, type=ProductType.DEAL, cause_id=cause_id, donation_pct=100),
        replace(plain, type=ProductType.DONATION),
    ])  # fmt: skip
    prices = st.sampled_from([(450, None), (999, 333), (1, None), (0, None), (12800, 1)])
    return st.builds(
        lambda line, quantity, price: replace(line, quantity=quantity, price=price[0], sale_price=price[1]),
        kinds,
        st.integers(1, 4),
        prices,
    )


class Sales(RuleBasedStateMachine):
    """A store's sales; each rule is an act, done or refused as a whole."""

    app: Flask
    fresh: Callable[[], None]
    done: Counter[str]
    refused: Counter[str]

    @initialize()
    def begin(self) -> None:
        self.fresh()
        self.now = FIRST_DAY
        self.cause_id = Factory(self.app).cause()
        with self.app.app_context():
            self.desk = desk_of("owner", STORE)
            self.store_id = self.desk.store.id
            hook("https://program.example/", is_for_all=True, store_id=self.store_id)
            db.session.expunge_all()
        self.orders: list[int] = []
        self.absorbed: list[int] = []
        self.told = 0
        self.rows = invariants.dump(self.app)
        self.bought((replace(CARD, quantity=3), replace(CARD, cause_id=self.cause_id, donation_pct=15)))
        pattern, deal = replace(CARD, delivery=Delivery.DIGITAL), replace(CARD, type=ProductType.DEAL)
        self.bought((pattern, replace(CARD, quantity=2), deal), postage=300)
        self.pay(0, 1, False)

    def act(self, name: str, what: Callable[[dict[str, Any]], object]) -> None:
        """Do an act, committed or rolled back, and hold what must be."""
        self.now += timedelta(minutes=1)
        with self.app.app_context():
            try:
                what({"actor": SYSTEM, "store_id": self.store_id, "at": self.now})
                db.session.commit()
                is_done = True
            except Refused:
                db.session.rollback()
                is_done = False
        (self.done if is_done else self.refused)[name] += 1
        after = invariants.dump(self.app)
        assert invariants.broken(after) == []
        assert invariants.thawed(self.rows, after) == []
        assert is_done or after == self.rows, "refused, and something was changed"
        self.rows = after
        self.absorbed = [row["order_id"] for row in after["combined"]]
        self.orders = [id for id in self.orders if id not in self.absorbed]

    def order(self, n: int, *statuses: int) -> Order:
        """Return one of the orders, the newest first: mostly one that has a line in one of these statuses."""
        fit = [i["order_id"] for i in self.rows["order_item"] if i["status"] in statuses]
        pool = [id for id in self.orders if id in fit and n < 4] or self.orders
        return db.session.get_one(Order, pool[-1 - n % len(pool)])

    def lines_of(self, n: int, *statuses: int) -> list[OrderItem]:
        """Return the lines of one of the orders (see `order`)."""
        order = self.order(n, *statuses)
        rows = db.session.query(OrderItem).filter_by(order_id=order.id).order_by(OrderItem.position)
        return rows.all()

    def line(self, n: int, m: int, *statuses: int) -> OrderItem:
        """Return a line of one of the orders, mostly one that stands so."""
        found = self.lines_of(n, *statuses)
        pool = [item for item in found if item.status in statuses and m < 4] or found
        return pool[m % len(pool)]

    def pieces(self, n: int, counts: list[int], *statuses: int) -> dict[int, int]:
        """Return pieces of lines that stand so, of each at most what is left: 0 is all of it, 5 any line."""
        return {
            item.id: min(count, item.left) or item.left
            for item, count in zip(self.lines_of(n, *statuses), counts, strict=False)
            if (count < 4 and item.status in statuses) or count == 5
        }

    def has(self, *statuses: int) -> bool:
        """Tell whether any line stands in one of these."""
        return any(item["status"] in statuses for item in self.rows["order_item"])

    def has_gone(self) -> bool:
        """Tell whether pieces are out."""
        return any(item["shipped"] > item["returned"] for item in self.rows["order_item"])

    def has_drafts(self) -> bool:
        """Tell whether labels are made whose goods have not left."""
        return any(parcel["state"] == "draft" for parcel in self.rows["parcel"])

    def has_paid(self, *payments: int) -> bool:
        """Tell whether any sale is paid so."""
        return any(order["payment"] in payments for order in self.rows["orders"])

    def is_refunding(self) -> bool:
        """Tell whether a refund is under way."""
        return any(payment["status"] == "pending" for payment in self.rows["payment"])

    @precondition(lambda self: len(self.orders) < 4)
    @rule(n=st.integers(1, 3), line_data=st.data(), extra=st.integers(0, 3))
    def take_in(self, n: int, line_data: st.DataObject, extra: int) -> None:
        said = tuple(line_data.draw(lines(self.cause_id)) for _ in range(n))
        half = sum(line.total for line in said) // 2
        self.bought(said, (0, 0, half, 2 * half)[extra], (0, 300, 0, 0)[extra], (0, 41, 0, 0)[extra])

    def bought(
        self,
        said: tuple[LineSaid, ...],
        discount: int = 0,
        postage: int = 0,
        tax: int = 0,
        kind: str = "fixed_price",
    ) -> None:
        """Take a sale of these lines in."""
        self.told += 1
        purchase = Purchase(
            channel="desk",
            external_id=f"m-{self.told}",
            kind=kind,
            currency="USD",
            buyer=BuyerSaid("Maja", ref="maja"),
            address=ADDRESS,
            lines=said,
            placed_at=self.now,
            discount=discount,
            postage=postage,
            tax=tax,
        )
        self.act("take_in", lambda by: self.orders.append(take_in(purchase, **by).order.id))

    @precondition(lambda self: len(self.orders) < 5 and self.told < 12)
    @rule(line_data=st.data(), kind=st.sampled_from(["auction", "offer", "pay_later"]), postage=few)
    def win(self, line_data: st.DataObject, kind: str, postage: int) -> None:
        line = line_data.draw(lines(self.cause_id))
        line = replace(line, postage=100 * postage, additional=25, additional_per=2)
        self.bought((line,), postage=100 * postage, kind=kind)

    @precondition(lambda self: bool(self.absorbed))
    @rule(n=few, is_paid=maybe)
    def touch_the_absorbed(self, n: int, is_paid: bool) -> None:
        dead = self.absorbed[n % len(self.absorbed)]

        def act(by: dict[str, Any]) -> None:
            if is_paid:
                confirm_payment(dead, code=Payment.PAID, **by)
            else:
                cancel(dead, None, reason=Reason.BUYER, **by)

        self.act("touch the absorbed", act)
        assert not self.done["touch the absorbed"]

    @precondition(lambda self: self.has_paid(0, 3))
    @rule(n=few, code=st.sampled_from([1, 1, 2, 3, 0]), gateway=maybe)
    def pay(self, n: int, code: int, gateway: bool) -> None:
        self.act(
            "pay",
            lambda by: confirm_payment(
                self.order(n, 1, 2).id, code=Payment(code), gateway_code="g-1" if gateway else None, **by
            ),
        )

    @precondition(lambda self: self.has_paid(1, 2, 3))
    @rule(n=few)
    def unpay(self, n: int) -> None:
        self.act("unpay", lambda by: unpay(self.order(n, 2, 8).id, **by))

    @precondition(lambda self: self.has(2))
    @rule(n=few, counts=st.lists(some, min_size=3, max_size=3), number=few, told=maybe)
    def ship(self, n: int, counts: list[int], number: int, told: bool) -> None:
        tracking = Tracking("DHL", f"T{number}") if number else NO_TRACKING

        def act(by: dict[str, Any]) -> None:
            ship(self.order(n, 2).id, self.pieces(n, counts, 2), tracking=tracking, is_buyer_told=told, **by)

        self.act("ship", act)

    @precondition(lambda self: self.has(2))
    @rule(n=few, m=few, counts=st.lists(some, min_size=3, max_size=3))
    def ship_together(self, n: int, m: int, counts: list[int]) -> None:
        def act(by: dict[str, Any]) -> None:
            pieces = {self.order(k, 2).id: self.pieces(k, counts, 2) for k in (n, m)}
            ship_together(pieces, tracking=Tracking("DHL", "S1"), is_buyer_told=True, **by)

        self.act("ship_together", act)

    @precondition(lambda self: self.has(2, 3))
    @rule(n=few, m=few, number=few)
    def label(self, n: int, m: int, number: int) -> None:
        def act(by: dict[str, Any]) -> None:
            set_tracking(self.order(n, 2, 3).id, self.line(n, m, 2, 3).id, Tracking(None, f"L{number}"), **by)

        self.act("label", act)

    @precondition(lambda self: self.has(2))
    @rule(n=few, m=few, counts=st.lists(some, min_size=3, max_size=3), number=few)
    def draft(self, n: int, m: int, counts: list[int], number: int) -> None:
        def act(by: dict[str, Any]) -> None:
            pieces = {self.order(k, 2).id: self.pieces(k, counts, 2) for k in (n, m)}
            draft(pieces, tracking=Tracking("DHL", f"D{number}") if number else NO_TRACKING, **by)

        self.act("draft", act)

    @precondition(lambda self: self.has_drafts())
    @rule(n=few, m=few, seen=some)
    def send_draft(self, n: int, m: int, seen: int) -> None:
        def act(by: dict[str, Any]) -> None:
            drafts = [p for p in self.rows["parcel"] if p["state"] == "draft" or m == 4]
            parcel = drafts[n % len(drafts)]
            send_draft(parcel["id"], version=parcel["version"] - (seen == 5), **by)

        self.act("send_draft", act)

    @precondition(lambda self: self.has_gone() or self.has_drafts())
    @rule(n=few)
    def void(self, n: int) -> None:
        def act(by: dict[str, Any]) -> None:
            ids = [id for (id,) in db.session.query(Parcel.id).order_by(Parcel.id.desc())]
            void_parcel(ids[n % len(ids)] if ids else 1, **by)

        self.act("void", act)

    @precondition(lambda self: self.has(2, 3, 8))
    @rule(n=few, m=few, status=st.sampled_from([3, 4, 9]))
    def move(self, n: int, m: int, status: int) -> None:
        def act(by: dict[str, Any]) -> None:
            item = items.one(self.store_id, self.line(n, m, 2, 3, 8).id)
            assert item is not None
            move_item(item, Asked(ItemStatus(status)), desk=self.desk, at=by["at"])

        self.act("move_item", act)

    @precondition(lambda self: self.has(2, 3))
    @rule(n=few, m=some)
    def receive(self, n: int, m: int) -> None:
        self.act(
            "receive",
            lambda by: receive(self.order(n, 3).id, [self.line(n, m, 3).id] if m < 3 else None, **by),
        )

    @rule(
        n=few,
        counts=st.none() | st.lists(some, min_size=3, max_size=3),
        reason=st.sampled_from([Reason.BUYER, Reason.BUYER, Reason.UNPAID]),
        back=maybe,
    )
    def cancel(self, n: int, counts: list[int] | None, reason: Reason, back: bool) -> None:
        def act(by: dict[str, Any]) -> None:
            pieces = None if counts is None else self.pieces(n, counts, 1, 2, 8)
            cancel(self.order(n, 1, 2, 8).id, pieces, reason=reason, is_stock_back=back, **by)

        self.act("cancel", act)

    @precondition(lambda self: self.has_paid(1, 2))
    @rule(n=few, part=st.sampled_from([None, None, 1, 2, 3]), which=some, is_done=maybe)
    def refund(self, n: int, part: int | None, which: int, is_done: bool) -> None:
        def act(by: dict[str, Any]) -> None:
            order = self.order(n, 2, 3, 4, 6, 8)
            amount = None if part is None else order.total_minor // part
            named = {3: [], 4: None, 5: None}.get(which, [self.line(n, which, 2, 3, 4, 8).id])
            refund(order.id, amount, named, reason=Reason.OTHER, is_done=is_done, **by)

        self.act("refund" if is_done else "refund, pending", act)

    @precondition(lambda self: self.is_refunding())
    @rule(n=few, is_done=maybe)
    def settle_refund(self, n: int, is_done: bool) -> None:
        self.act(
            "settle" if is_done else "withdraw",
            lambda by: settle_refund(self.order(n, 10).id, is_done=is_done, **by),
        )

    @precondition(lambda self: self.has_gone())
    @rule(n=few, m=few, count=st.integers(1, 3), back=maybe)
    def return_items(self, n: int, m: int, count: int, back: bool) -> None:
        def act(by: dict[str, Any]) -> None:
            item = self.line(n, m, 3, 4)
            most = max(1, item.shipped - item.returned)
            return_items(self.order(n, 3, 4).id, {item.id: min(count, most)}, is_stock_back=back, **by)

        self.act("return", act)

    @precondition(lambda self: self.has_gone())
    @rule(n=few, is_buyers=maybe)
    def problem(self, n: int, is_buyers: bool) -> None:
        self.act("problem", lambda by: report_problem(self.order(n, 3, 4).id, is_buyers=is_buyers, **by))

    @precondition(lambda self: self.has(2, 3, 4, 9))
    @rule(n=few, m=some)
    def dispute(self, n: int, m: int) -> None:
        self.act(
            "dispute",
            lambda by: dispute(
                self.order(n, 2, 3, 4, 9).id,
                [self.line(n, m, 2, 3, 4, 9).id] if m < 3 else None,
                "Torn.",
                **by,
            ),
        )

    @precondition(lambda self: self.has(11) or any(o["shipping"] == 2 for o in self.rows["orders"]))
    @rule(n=few)
    def resolve(self, n: int) -> None:
        self.act("resolve", lambda by: resolve(self.order(n, 11).id, "Sent anew.", **by))

    @rule(n=few, chance=st.integers(0, 5))
    def expire(self, n: int, chance: int) -> None:
        if chance == 5:
            self.act("expire", lambda by: expire(self.order(n, 1, 8).id, **by))

    @rule(n=few, is_private=maybe)
    def note(self, n: int, is_private: bool) -> None:
        self.act("note", lambda by: note(self.order(n).id, "Hello.", is_private=is_private, **by))

    @precondition(lambda self: self.has(4, 9))
    @rule(n=few, m=few, direction=st.sampled_from(["to_seller", "to_buyer"]))
    def review(self, n: int, m: int, direction: str) -> None:
        self.act(
            "review",
            lambda by: review(self.order(n, 4, 9).id, self.line(n, m, 4, 9).id, 5, direction=direction, **by),
        )

    @precondition(lambda self: self.has(4, 9))
    @rule(n=few, m=few)
    def download(self, n: int, m: int) -> None:
        def act(by: dict[str, Any]) -> None:
            found = [i for i in self.lines_of(n, 4) if i.delivery == "digital"] or self.lines_of(n, 4)
            download(self.order(n, 4).id, found[m % len(found)].id, **by)

        self.act("download", act)

    @rule(n=few, house=few)
    def correct_address(self, n: int, house: int) -> None:
        there = replace(ADDRESS, name=f"Jan {house}", postal_code=f"61-00{house}")
        self.act("correct_address", lambda by: correct_address(self.order(n).id, there, **by))

    @rule(n=few, code=st.sampled_from([0, 1, 3]))
    def say_paid(self, n: int, code: int) -> None:
        self.act("say_paid", lambda by: say_paid(self.order(n).id, Payment(code), **by))

    @rule(
        n=few,
        payment=st.none() | st.sampled_from([0, 1, 3, 4, 5]),
        shipping=st.none() | st.sampled_from([0, 1, 2, -1]),
        link=st.none() | st.sampled_from(["F1", "https://dhl.example/1"]),
    )
    def flags(self, n: int, payment: int | None, shipping: int | None, link: str | None) -> None:
        sent = Flags(flag_payment=payment, flag_shipping=shipping, tracking_link=link)
        self.act("flags", lambda by: put_flags(self.order(n, 2, 3).id, sent, side=Side.SELLER, **by))

    @rule(n=few, paid=st.none() | st.sampled_from([0, 1]), shipping=st.none() | st.sampled_from([0, 1, 2]))
    def buyers_flags(self, n: int, paid: int | None, shipping: int | None) -> None:
        sent = Flags(flag_buyer_payment=paid, flag_buyer_shipping=shipping)
        self.act("buyer's flags", lambda by: put_flags(self.order(n, 3).id, sent, side=Side.BUYER, **by))

    @rule(days=st.sampled_from([1, 5, 31]))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    def teardown(self) -> None:
        if not hasattr(self, "rows"):
            return
        with self.app.app_context():
            found = {proof.name: proof.first for proof in audit() if proof.broken}
            db.session.rollback()
        assert found == {}


@pytest.fixture
def fresh(app: Flask, database: Path, request: pytest.FixtureRequest) -> Callable[[], None]:
    """What gives the desk back the rows that it began with."""
    if not is_on_sqlite(app):
        refill: Callable[[], None] = request.getfixturevalue("postgres_desk").refill
        return refill

    def copied() -> None:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        for beside in ("-wal", "-shm"):
            Path(f"{path_of(app)}{beside}").unlink(missing_ok=True)
        shutil.copy(database, path_of(app))

    return copied


def test_whatever_is_done_in_whatever_sequence_the_books_hold(
    app: Flask, fresh: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    done: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    of_this = {"app": app, "fresh": staticmethod(fresh), "done": done, "refused": refused}
    machine = type("Sales", (Sales,), of_this)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=ROUNDS or 6,
            stateful_step_count=50 if ROUNDS else 20,
            deadline=None,
            database=None,
            derandomize=not ROUNDS,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    with capsys.disabled():
        if ROUNDS:
            print(f"\n{'act':<18}{'done':>8}{'refused':>9}")
            for name in sorted(done | refused):
                print(f"{name:<18}{done[name]:>8}{refused[name]:>9}")
    assert ROUNDS < 200 or all(done[name] and refused[name] for name in MAY_BE_REFUSED)
