"""Every act that writes, each with a desk made ready for it: a table of what can be cut off.

A deed makes its desk ready, and returns what does the act, as often as it is asked: by ids alone.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask

from app.access import SYSTEM
from app.actions import (
    idempotency,
    jobs,
    labels,
    mails,
    outbox,
    parcels,
    problems,
    undo,
)
from app.actions.addresses import correct_address
from app.actions.aftersale import Reason, cancel, return_items
from app.actions.buyers_word import download, receive, review, say_paid, say_waiting
from app.actions.elsewhere import Past, Rating, Remark, arrive
from app.actions.flags import Flags, Side, put_flags
from app.actions.imports import Outcome, Telling, bring
from app.actions.intake import take_in
from app.actions.jobs import Kept
from app.actions.moves import Asked, move_item
from app.actions.parcels import Tracking
from app.actions.payment import confirm_payment, unpay
from app.actions.purchases import BuyerSaid, LineSaid, Purchase
from app.actions.recount import recount
from app.actions.refunds import refund, settle_refund
from app.actions.stores import fingerprint, set_store
from app.db import db
from app.models import Job, Tally
from app.queries import items
from app.queries import people as known
from app.queries import stores as kept_stores
from app.statuses import ItemStatus, Payment
from tests.factories import ADDRESS, DEAL, DIGITAL, GOODS, Factory
from tests.rules.conftest import desk_of
from tests.rules.test_store_settings import settings_of

LONG_AGO = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 13, tzinfo=UTC)
LABEL = Tracking("DHL", "00340434161094")
LOT = Purchase(
    channel="intake",
    external_id="lot-1",
    kind="auction",
    currency="USD",
    buyer=BuyerSaid("Maja Kowalczyk", "maja", ref="maja"),
    address=ADDRESS,
    lines=(LineSaid("Stamp of 1961", 2, 500, sku="ST", external_id="1", postage=200, additional=50),),
    placed_at=LONG_AGO,
    postage=250,
    tax=10,
)

Deed = Callable[[], object]


class Scene:
    """A desk, what makes sales on it, and what every act is told."""

    def __init__(self, app: Flask) -> None:
        self.app, self.make = app, Factory(app)
        with app.app_context():
            place = known.place("papershop", None)
            assert place is not None
            self.store_id = place.store.id
            db.session.remove()
        self.by: dict[str, Any] = {"actor": SYSTEM, "store_id": self.store_id, "at": NOW}

    def sale(self, *lines: LineSaid, **how: Any) -> tuple[int, int]:
        """Make a sale; return its id and its first line's."""
        order_id = self.make.sale(*lines, **how)
        return order_id, self.make.items_of(order_id)[0]

    def shipped(self, *lines: LineSaid) -> tuple[int, int, int]:
        """Make a sale all of which is on its way; return its id, its first line's and the parcel's."""
        order_id, item_id = self.sale(*lines)
        pieces = {i.id: i.left for i in self.make.sale_row(order_id).items}
        return order_id, item_id, self.make.ship(order_id, pieces, number="7001")

    def done(self, what: Callable[[], Any]) -> Any:
        """Do something beforehand, and commit it."""
        with self.app.app_context():
            result = what()
            db.session.commit()
            db.session.remove()
            return result


def a_first_purchase(s: Scene) -> Deed:
    return lambda: take_in(LOT, **s.by)


def one_told_again_otherwise(s: Scene) -> Deed:
    s.done(lambda: take_in(LOT, **s.by))
    again = replace(LOT, lines=(replace(LOT.lines[0], quantity=3), LineSaid("Hinge", 1, 90)), postage=0)
    return lambda: take_in(again, **s.by)


def three_purchases_combine(s: Scene) -> Deed:
    for n in (1, 2):
        s.done(lambda n=n: take_in(replace(LOT, external_id=f"lot-{n}"), **s.by))
    return lambda: take_in(replace(LOT, external_id="lot-3"), **s.by)


def confirm(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS, DIGITAL, DEAL, paid=None)
    return lambda: confirm_payment(order_id, code=Payment.PAID, gateway_code="g-1", method="card", **s.by)


def take_payment_back(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)
    return lambda: unpay(order_id, **s.by)


def ship(s: Scene) -> Deed:
    order_id, item_id = s.sale(GOODS)
    return lambda: parcels.ship(order_id, {item_id: 3}, tracking=LABEL, is_buyer_told=True, **s.by)


def ship_together(s: Scene) -> Deed:
    (one, first), (two, second) = (s.sale(GOODS, buyer=LOT.buyer) for _ in range(2))
    pieces = {one: {first: 5}, two: {second: 5}}
    return lambda: parcels.ship_together(pieces, tracking=LABEL, is_buyer_told=True, **s.by)


def redeem(s: Scene) -> Deed:
    _, item_id = s.sale(DEAL, store="vendorshop")

    def deed() -> object:
        desk = desk_of("vendor", "vendorshop")
        item = items.one(desk.store.id, item_id)
        assert item is not None
        return move_item(item, Asked(ItemStatus.COMPLETE, ack="by hand"), desk=desk, at=NOW)

    return deed


def ship_an_item(s: Scene) -> Deed:
    _, item_id = s.sale(GOODS)

    def deed() -> object:
        desk, item = desk_of("owner"), items.one(s.store_id, item_id)
        assert item is not None
        return move_item(item, Asked(ItemStatus.PENDING_ACQUISITION, LABEL), desk=desk, at=NOW)

    return deed


def cancel_pieces(s: Scene) -> Deed:
    order_id, item_id = s.sale(GOODS)
    s.make.label(order_id, {item_id: 5})
    given = {"reason": Reason.BUYER, "is_stock_back": True, "is_buyer_told": True}
    return lambda: cancel(order_id, {item_id: 2}, **given, **s.by)


def cancel_all(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS, DEAL, paid=None)
    return lambda: cancel(order_id, None, reason=Reason.BUYER, is_stock_back=True, **s.by)


def refund_all(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)
    return lambda: refund(order_id, None, None, reason=Reason.OTHER, is_buyer_told=True, **s.by)


def refund_later(s: Scene) -> Deed:
    order_id, item_id = s.sale(GOODS)
    return lambda: refund(order_id, 100, [item_id], reason=Reason.OTHER, is_done=False, **s.by)


def settle(s: Scene) -> Deed:
    order_id = s.make.refunding()
    return lambda: settle_refund(order_id, is_done=True, **s.by)


def withdraw_refund(s: Scene) -> Deed:
    order_id, item_id = s.sale(GOODS)
    given = {"reason": Reason.OTHER, "is_done": False}
    s.done(lambda: refund(order_id, 100, [item_id], **given, **s.by))
    return lambda: settle_refund(order_id, is_done=False, **s.by)


def take_back(s: Scene) -> Deed:
    order_id, item_id, _ = s.shipped()
    return lambda: return_items(order_id, {item_id: 5}, is_stock_back=True, **s.by)


def problem(s: Scene) -> Deed:
    order_id, _, _ = s.shipped()
    return lambda: problems.report_problem(order_id, is_buyers=True, **s.by)


def say_waiting_again(s: Scene) -> Deed:
    order_id, _, _ = s.shipped()
    s.done(lambda: problems.report_problem(order_id, is_buyers=True, **s.by))
    return lambda: say_waiting(order_id, **s.by)


def dispute(s: Scene) -> Deed:
    order_id, _, _ = s.shipped()
    return lambda: problems.dispute(order_id, None, "Torn.", **s.by)


def resolve(s: Scene) -> Deed:
    order_id, _, _ = s.shipped()
    s.done(lambda: problems.dispute(order_id, None, "Torn.", **s.by))
    return lambda: problems.resolve(order_id, "Sent anew.", **s.by)


def expire(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS, paid=None, placed_at=LONG_AGO)
    return lambda: problems.expire(order_id, **s.by)


def receive_all(s: Scene) -> Deed:
    order_id, _, _ = s.shipped()
    return lambda: receive(order_id, None, **s.by)


def review_a_line(s: Scene) -> Deed:
    order_id, item_id, _ = s.shipped()
    s.done(lambda: receive(order_id, None, **s.by))
    return lambda: review(order_id, item_id, 5, "Lovely.", **s.by)


def void(s: Scene) -> Deed:
    _, _, parcel_id = s.shipped()
    return lambda: undo.void_parcel(parcel_id, **s.by)


def void_the_latest(s: Scene) -> Deed:
    order_id, item_id = s.sale(GOODS)
    s.done(lambda: parcels.ship(order_id, {item_id: 3}, tracking=LABEL, **s.by))
    return lambda: undo.void_latest(order_id, **s.by)


def label(s: Scene) -> Deed:
    order_id, item_id = s.sale(GOODS)
    return lambda: labels.draft({order_id: {item_id: 2}}, tracking=LABEL, **s.by)


def send_draft(s: Scene) -> Deed:
    order_id, item_id = s.sale(GOODS)
    parcel_id = s.make.label(order_id, {item_id: 5}, "7001")
    return lambda: labels.send_draft(parcel_id, **s.by)


def number_a_line(s: Scene) -> Deed:
    order_id, item_id, _ = s.shipped()
    return lambda: labels.set_tracking(order_id, item_id, LABEL, **s.by)


def number_a_sale(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)
    return lambda: labels.label_sale(order_id, tracking=LABEL, **s.by)


def ship_the_rest(s: Scene) -> Deed:
    order_id, item_id = s.sale(GOODS)
    s.make.ship(order_id, {item_id: 2})
    return lambda: parcels.ship_rest(order_id, tracking=LABEL, **s.by)


def mail_again(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)
    mail_id = s.make.mail(order_id)
    return lambda: mails.send_again(order_id, mail_id, **s.by)


def arrive_from_elsewhere(s: Scene) -> Deed:
    order_id, item_id = s.sale(GOODS, paid=None)
    past = Past(
        items={item_id: ItemStatus.COMPLETE},
        payment=Payment.PAID,
        tracking=LABEL,
        remarks=(Remark("Quick, please", is_private=False),),
        ratings=(Rating(item_id, 5),),
    )
    return lambda: arrive(order_id, past, **s.by)


def correct(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)
    there = replace(ADDRESS, name="Jan Nowak", postal_code="61-007")
    return lambda: correct_address(order_id, there, **s.by)


def note(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)
    return lambda: problems.note(order_id, "Thank you", is_private=False, **s.by)


def say_it_is_paid(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS, paid=None)
    return lambda: say_paid(order_id, Payment.PAID, **s.by)


def download_one(s: Scene) -> Deed:
    order_id, item_id = s.sale(DIGITAL)
    return lambda: download(order_id, item_id, **s.by)


def flags(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS, paid=None)
    sent = Flags(flag_payment=1, flag_shipping=1, tracking_link="https://dhl.example/7001")
    return lambda: put_flags(order_id, sent, side=Side.SELLER, **s.by)


def settings(s: Scene) -> Deed:
    s.sale(GOODS), s.sale(GOODS)
    s.shipped()

    def deed() -> object:
        store = kept_stores.one(s.store_id)
        wanted = settings_of(store, handling_days=3, holidays=["2026-11-24"], received_days=5)
        return set_store(wanted, seen=fingerprint(store), **s.by)

    return deed


def told_of(n: int) -> Telling:
    """Return an order as a file tells it: paid, and sent."""
    return Telling(
        replace(LOT, channel="etsy", kind="fixed_price", external_id=f"e-{n}"),
        LONG_AGO + timedelta(hours=1),
        (LONG_AGO + timedelta(days=1),),
    )


def a_job(s: Scene, state: str) -> int:
    """Keep a file, in this state; return the job's id."""
    job_id: int = s.done(lambda: jobs.keep_file(b"a,b", {}, total=3, account_id=1, store_id=s.store_id))
    s.done(lambda: setattr(db.session.get_one(Job, job_id), "state", state))
    return job_id


def a_batch_of_a_file(s: Scene) -> Deed:
    job_id = a_job(s, "waiting")
    run = s.done(lambda: jobs.start(job_id))

    def deed() -> object:
        brought = bring([told_of(n) for n in range(3)], actor=SYSTEM, store_id=s.store_id)
        return jobs.keep(run, [Kept(n, f"e-{n}", Outcome.NEW, "", b.order_id) for n, b in enumerate(brought)])

    return deed


def keep_a_file(s: Scene) -> Deed:
    return lambda: jobs.keep_file(b"a,b", {}, total=3, account_id=1, store_id=s.store_id)


def ask_for_a_file(s: Scene) -> Deed:
    job_id = a_job(s, "previewed")
    return lambda: jobs.ask(job_id, account_id=1, store_id=s.store_id)


def take_a_file_up(s: Scene) -> Deed:
    job_id = a_job(s, "waiting")
    return lambda: jobs.start(job_id)


def end_a_file(s: Scene) -> Deed:
    job_id = a_job(s, "waiting")
    run = s.done(lambda: jobs.start(job_id))
    return lambda: jobs.finish(run)


def take_a_mail_up(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)
    s.done(lambda: problems.note(order_id, "Thank you", is_private=False, **s.by))
    tomorrow = NOW + timedelta(days=1)
    (mail_id,) = s.done(lambda: mails.ripe(tomorrow))
    return lambda: outbox.claim(mail_id, tomorrow)


def a_key(s: Scene) -> Deed:
    return lambda: idempotency.claim(1, "k-1", "f" * 64, now=NOW)


def an_answer_with_its_act(s: Scene) -> Deed:
    claimed = s.done(a_key(s))

    def deed() -> None:
        take_in(LOT, **s.by)
        idempotency.keep(claimed, idempotency.Kept(201, "{}"))

    return deed


def give_a_key_back(s: Scene) -> Deed:
    claimed = s.done(a_key(s))
    return lambda: idempotency.give_back(claimed)


def forget_old_keys(s: Scene) -> Deed:
    s.done(a_key(s))
    return lambda: idempotency.forget_old(now=NOW + timedelta(days=99))


def count_anew(s: Scene) -> Deed:
    s.sale(GOODS)

    def wrong() -> None:
        row = db.session.query(Tally).filter(Tally.store_id == s.store_id, Tally.n > 0).first()
        assert row is not None
        row.n += 7

    s.done(wrong)
    return lambda: recount(s.store_id, commit=db.session.flush)


SALES: tuple[Callable[[Scene], Deed], ...] = (
    a_first_purchase,
    one_told_again_otherwise,
    three_purchases_combine,
    confirm,
    take_payment_back,
    ship,
    ship_together,
    redeem,
    ship_an_item,
    cancel_pieces,
    cancel_all,
    refund_all,
    refund_later,
    settle,
    withdraw_refund,
    take_back,
    problem,
    say_waiting_again,
    dispute,
    resolve,
    expire,
    receive_all,
    review_a_line,
    void,
    void_the_latest,
    label,
    send_draft,
    number_a_line,
    number_a_sale,
    ship_the_rest,
    mail_again,
    arrive_from_elsewhere,
    correct,
    note,
    say_it_is_paid,
    download_one,
    flags,
    settings,
    a_batch_of_a_file,
    keep_a_file,
    ask_for_a_file,
    take_a_file_up,
    end_a_file,
    take_a_mail_up,
    a_key,
    an_answer_with_its_act,
    give_a_key_back,
    forget_old_keys,
    count_anew,
)
