"""Acts of what a store is connected to: webhooks that are told, a marketplace whose sales are taken in.

As in tests/kill/acts.py.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from app.actions import connections, outbox, parcels, pulling, undo, webhooks
from app.actions.imports import Brought, Telling
from app.actions.pulled import SaleTold, take_sales
from app.statuses import BuyerShipping, Payment, Shipping
from tests.factories import GOODS
from tests.kill.acts import LABEL, LONG_AGO, LOT, NOW, Deed, Scene, ship

ACCOUNT = connections.Account("https://hip.example", "joe", "UTC")


def ship_where_a_webhook_is_told(s: Scene) -> Deed:
    a_webhook(s)
    return ship(s)


def void_where_a_webhook_was_to_be_told(s: Scene) -> Deed:
    a_webhook(s)
    order_id, item_id = s.sale(GOODS)
    parcel = s.done(lambda: parcels.ship(order_id, {item_id: 3}, tracking=LABEL, **s.by).id)
    return lambda: undo.void_parcel(parcel, **s.by)


def a_webhook(s: Scene) -> int:
    """Add a webhook; return its id."""
    key, everything = "a" * 32, webhooks.Wanted(("order.shipped", "order.updated"), is_for_all=True)
    return int(s.done(lambda: webhooks.add_webhook("https://a.example/", everything, key, **s.by).id))


def add_a_webhook(s: Scene) -> Deed:
    told = webhooks.Wanted(("order.paid",), is_for_all=False)
    return lambda: webhooks.add_webhook("https://program.example/", told, "b" * 32, **s.by)


def change_a_webhook(s: Scene) -> Deed:
    webhook_id, told = a_webhook(s), webhooks.Wanted(("order.paid",), is_for_all=False)
    return lambda: webhooks.change_webhook(webhook_id, told, **s.by)


def rotate_a_secret(s: Scene) -> Deed:
    webhook_id = a_webhook(s)
    return lambda: webhooks.rotate_secret(webhook_id, 0, **s.by)


def forget_messages(s: Scene) -> Deed:
    webhook_id = a_webhook(s)

    def taken() -> None:
        for _ in range(3):
            webhooks.ping(webhook_id, **s.by).state = "sent"

    s.done(taken)
    return lambda: webhooks.forget_messages(now=NOW + timedelta(days=99), most=1)


def end_a_webhook(s: Scene) -> Deed:
    webhook_id = a_webhook(s)
    return lambda: webhooks.end_webhook(webhook_id, **s.by)


def try_a_webhook(s: Scene) -> Deed:
    webhook_id = a_webhook(s)
    return lambda: webhooks.ping(webhook_id, **s.by)


def message_again(s: Scene) -> Deed:
    webhook_id = a_webhook(s)
    message_id = s.done(lambda: webhooks.ping(webhook_id, **s.by).id)

    def failed() -> None:
        claim = outbox.claim(message_id)
        assert claim is not None
        outbox.put_off(claim, "No.", is_final=True)

    s.done(failed)
    return lambda: webhooks.send_message_again(message_id, **s.by)


def connected(s: Scene) -> int:
    """Connect the store; return the connection's id."""
    return int(s.done(lambda: connections.connect(ACCOUNT, "sealed", LONG_AGO, **s.by).id))


def a_visit(s: Scene) -> pulling.Visit:
    """Let a worker hold the store's connection."""
    connection_id = connected(s)
    visit = s.done(lambda: pulling.claim(connection_id, NOW))
    assert isinstance(visit, pulling.Visit)
    return visit


def there(n: int, payment: Payment = Payment.UNPAID, absorbed: tuple[str, ...] = ()) -> SaleTold:
    """Return a sale as its marketplace tells it: not sent."""
    purchase = replace(LOT, channel="hip", kind="imported", external_id=f"{n}")
    paid_at = LONG_AGO + timedelta(hours=1) if payment == Payment.PAID else None
    told = Telling(purchase, paid_at, (None,))
    flags = (payment, Shipping.PROCESSING, Payment.UNPAID, BuyerShipping.WAITING)
    return SaleTold(told, *flags, absorbed=absorbed)


def taken_in(s: Scene, *sales: SaleTold) -> list[int]:
    """Take sales of the marketplace in; return the ids of their orders."""
    brought = s.done(lambda: take_sales(sales, store_id=s.store_id, asked_at=NOW))
    assert all(isinstance(one, Brought) for one in brought), brought
    return [one.order_id for one in brought]


def connect_a_store(s: Scene) -> Deed:
    return lambda: connections.connect(ACCOUNT, "sealed", LONG_AGO, **s.by)


def connect_it_otherwise(s: Scene) -> Deed:
    visit = a_visit(s)
    s.done(lambda: pulling.begin(visit))  # it ends
    other = ACCOUNT._replace(zone="Europe/Warsaw")
    return lambda: connections.connect(other, "anew", LONG_AGO, **s.by)


def pause_a_connection(s: Scene) -> Deed:
    connected(s)
    return lambda: connections.pause(**s.by)


def pull_at_once(s: Scene) -> Deed:
    connected(s)
    return lambda: connections.pull_now(**s.by)


def end_a_connection(s: Scene) -> Deed:
    a_visit(s)
    return lambda: connections.disconnect(**s.by)


def tell_a_marketplace_again(s: Scene) -> Deed:
    connected(s)
    (order_id,) = taken_in(s, there(1, Payment.PAID))
    s.done(lambda: parcels.ship_rest(order_id, tracking=LABEL, **s.by))
    return lambda: connections.tell_again(order_id, **s.by)


def visit_a_marketplace(s: Scene) -> Deed:
    connection_id = connected(s)
    return lambda: pulling.claim(connection_id, NOW)


def begin_a_pull(s: Scene) -> Deed:
    visit = a_visit(s)
    return lambda: pulling.begin(pulling.hold_on(visit))


def a_batch_of_a_pull(s: Scene) -> Deed:
    visit = a_visit(s)
    run = s.done(lambda: pulling.begin(visit))
    taken_in(s, there(1), there(2))
    sales = [there(2, Payment.CANCELED), there(3, absorbed=("1",))]

    def deed() -> object:
        brought = take_sales(sales, store_id=s.store_id, asked_at=NOW)
        assert all(isinstance(one, Brought) for one in brought), brought
        remarks = [pulling.Remark("2", None, "changed", ("it is cancelled there",))]
        return pulling.keep(visit, run, Counter(new=1, changed=1), remarks, run.until)

    return deed


def end_a_pull(s: Scene) -> Deed:
    visit = a_visit(s)
    run = s.done(lambda: pulling.begin(visit))
    return lambda: pulling.finish(visit, run)


CONNECTIONS: tuple[Callable[[Scene], Deed], ...] = (
    ship_where_a_webhook_is_told,
    void_where_a_webhook_was_to_be_told,
    add_a_webhook,
    change_a_webhook,
    rotate_a_secret,
    forget_messages,
    end_a_webhook,
    try_a_webhook,
    message_again,
    connect_a_store,
    connect_it_otherwise,
    pause_a_connection,
    pull_at_once,
    end_a_connection,
    tell_a_marketplace_again,
    visit_a_marketplace,
    begin_a_pull,
    a_batch_of_a_pull,
    end_a_pull,
)
