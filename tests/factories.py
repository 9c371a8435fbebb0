"""Sales for tests, made by the acts that make them in life."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from flask import Flask

from app import postman
from app.access import SYSTEM, Permission, find_desk, person
from app.access.invited import PURPOSE
from app.actions import mails
from app.actions.aftersale import Reason
from app.actions.connections import Account, connect
from app.actions.guests import make_link
from app.actions.intake import take_in
from app.actions.labels import draft
from app.actions.ledger import Act
from app.actions.parcels import Tracking, ship, ship_rest
from app.actions.payment import confirm_payment
from app.actions.people import join_buyer
from app.actions.places import Place
from app.actions.problems import note, report_problem
from app.actions.purchases import AddressSaid, BuyerSaid, LineSaid, Purchase
from app.actions.refunds import refund
from app.actions.staff import invite
from app.actions.tidings import Heard, hear
from app.actions.webhooks import Wanted, add_webhook, ping
from app.db import db
from app.models import Buyer, Cause, Order, OrderItem
from app.queries import items, people, sales
from app.seals import signed
from app.signing import guest_token
from app.statuses import Delivery, ItemStatus, Payment, ProductType, Role

ADDRESS = AddressSaid(
    name="Maja Kowalczyk",
    street="ul. Długa 5",
    city="Poznań",
    postal_code="61-001",
    country="PL",
)

GOODS = LineSaid("Letterpress card, thank you", 5, 450, sku="LC-014", listing_id="L-14")
PICKUP = LineSaid("Workshop kit", 1, 2000, is_pickup=True)
SERVICE = LineSaid("Bookbinding lesson", 1, 4000, delivery=Delivery.SERVICE)
DIGITAL = LineSaid("Pattern, PDF", 1, 700, delivery=Delivery.DIGITAL)
DEAL = LineSaid("Dinner for two", 1, 2000, type=ProductType.DEAL, deal_value=4000, deal_number=771)
DONATION = LineSaid("Plant a tree", 1, 500, type=ProductType.DONATION)
AUCTION = LineSaid("Stamp album of 1961", 1, 12800, type=ProductType.AUCTION)

_outside_ids = count(1)


class Factory:
    """Makes sales in one application; every method commits and returns ids."""

    def __init__(self, app: Flask, placed_at: datetime = datetime(2026, 11, 20, 12, tzinfo=UTC)) -> None:
        self.app, self.placed_at = app, placed_at  # of the sales for which nothing else is said

    def sale(
        self,
        *lines: LineSaid,
        store: str = "papershop",
        paid: Payment | None = Payment.PAID,
        account: str | None = None,
        **changes: Any,
    ) -> int:
        """Make a sale with these lines (one of goods where none are named) and return its id."""
        purchase = replace(
            Purchase(
                channel="desk",
                external_id=f"x-{next(_outside_ids)}",
                kind="fixed_price",
                currency="USD",
                buyer=BuyerSaid("Maja Kowalczyk", "maja"),
                address=ADDRESS,
                lines=lines or (GOODS,),
                placed_at=self.placed_at,
            ),
            **changes,
        )
        with self.app.app_context():
            place = people.place(store, None)
            assert place is not None
            order = take_in(purchase, actor=SYSTEM, store_id=place.store.id).order
            if paid is not None:
                confirm_payment(
                    order.id, code=paid, actor=SYSTEM, store_id=place.store.id, at=purchase.placed_at
                )
            if account:
                known = people.account_by_email(f"{account}@example.com")
                assert known is not None
                join_buyer(db.session.get_one(Buyer, order.buyer_id), known)
            db.session.commit()
            return order.id

    def item(
        self, line: LineSaid = GOODS, status: int | None = None, *, store: str = "papershop", **sale: Any
    ) -> int:
        """Make a sale of one line, put the line into a status where one is named, and return its id."""
        paid = None if status in {0, 1, 7} else Payment.PAID
        order_id = self.sale(line, store=store, **{"paid": paid, **sale})
        item_id = self.items_of(order_id)[0]
        if status is not None:
            self.put(item_id, status)
        return item_id

    def invitation(
        self, email: str, role: Role = Role.STAFF, *, store: str = "papershop", by: str = "owner@example.com"
    ) -> tuple[int, str]:
        """Invite somebody; return the invitation's id and what stands in the link of its mail."""
        with self.app.app_context():
            account = people.account_by_email(by)
            assert account is not None
            desk = find_desk(person(account), store, to=Permission.STAFF)
            made = invite(email, Place.of(role), desk=desk)
            db.session.commit()
            return made.id, signed(self.app.config["SECRET_KEY"], PURPOSE, {"invitation": made.id})

    def number_of(self, order_id: int) -> int:
        """Return a sale's number."""
        with self.app.app_context():
            return db.session.get_one(Order, order_id).number

    def items_of(self, order_id: int) -> list[int]:
        """Return the ids of a sale's items, in their order."""
        with self.app.app_context():
            order = db.session.get_one(Order, order_id)
            return [i.id for i in sales.one(order.store_id, order_id).items]  # type: ignore[union-attr]

    def put(self, item_id: int, status: int) -> None:
        """Put an item into any status, past all rules, keeping tally and history right."""
        with self.app.app_context():
            item = db.session.get_one(OrderItem, item_id)
            with Act("put", actor=SYSTEM, store_id=item.store_id) as act:
                order = act.hold(item.order_id)
                now = next(i for i in order.items if i.id == item_id)
                gone = now.quantity if status in {5, 6, 7} else 0
                act.change(now, status=ItemStatus(status), cancelled=gone - now.shipped if gone else 0)
            db.session.commit()

    def pay(self, order_id: int, code: Payment = Payment.PAID) -> None:
        """Let a sale be paid."""
        with self.app.app_context():
            store_id = db.session.get_one(Order, order_id).store_id
            confirm_payment(order_id, code=code, actor=SYSTEM, store_id=store_id)
            db.session.commit()

    def ship(self, order_id: int, pieces: dict[int, int], carrier: str = "DHL", number: str = "") -> int:
        """Ship pieces of a sale and return the parcel's id."""
        with self.app.app_context():
            store_id = db.session.get_one(Order, order_id).store_id
            parcel = ship(
                order_id, pieces, actor=SYSTEM, store_id=store_id, tracking=Tracking(carrier, number)
            )
            db.session.commit()
            return parcel.id

    def refunding(self) -> int:
        """Make a sale with a problem, and a refund under way; return its id."""
        order_id = self.sale(GOODS)
        (item_id,) = self.items_of(order_id)
        self.ship(order_id, {item_id: 2})
        with self.app.app_context():
            store_id = db.session.get_one(Order, order_id).store_id
            report_problem(order_id, actor=SYSTEM, store_id=store_id)
            refund(order_id, 100, reason=Reason.OTHER, is_done=False, actor=SYSTEM, store_id=store_id)
            db.session.commit()
        return order_id

    def mail(self, order_id: int) -> int:
        """Write to the buyer of a sale, an hour ago; return the mail's id, which has no address to go to."""
        with self.app.app_context():
            store_id = db.session.get_one(Order, order_id).store_id
            at = datetime.now(UTC) - timedelta(hours=1)
            note(order_id, "Thank you", is_private=False, actor=SYSTEM, store_id=store_id, at=at)
            db.session.commit()
            (mail_id,) = mails.ripe()
            assert postman.deliver(mail_id)
            return mail_id

    def webhook(self, store_id: int) -> tuple[int, int]:
        """Add a webhook to a store, which nobody can reach; return its id and that of a ping it took."""
        with self.app.app_context():
            wanted = Wanted(("order.paid", "order.shipped"), is_for_all=False)
            by: dict[str, Any] = {"actor": SYSTEM, "store_id": store_id}
            hook = add_webhook("https://program.example/hooks", wanted, f"{store_id:032}", **by)
            message = ping(hook.id, **by)
            message.state, message.sent_at, message.answer = "sent", message.due_at, 204
            db.session.commit()
            return hook.id, message.id

    def connection(self, store_id: int) -> int:
        """Connect a store to a marketplace that nobody can reach, which knows nothing of a shipped sale.

        Return the sale's id.
        """
        with self.app.app_context():
            by: dict[str, Any] = {"actor": SYSTEM, "store_id": store_id}
            connect(
                Account("https://hip.invalid/api", f"joe-{store_id}", "UTC"), "sealed", self.placed_at, **by
            )
            order = take_in(
                Purchase("hip", "7", "imported", "USD", BuyerSaid("Joe"), ADDRESS, (GOODS,), self.placed_at),
                **by,
            ).order
            confirm_payment(order.id, code=Payment.PAID, **by)
            hear([Heard(order.id, 0, "", self.placed_at)], store_id)
            ship_rest(order.id, tracking=Tracking("DHL", "X 7"), **by)
            db.session.commit()
            return order.id

    def link(self, order_id: int) -> tuple[int, str]:
        """Make the guest link of a sale; return its id and its token."""
        with self.app.app_context():
            store_id = db.session.get_one(Order, order_id).store_id
            link = make_link(order_id, actor=SYSTEM, store_id=store_id)
            db.session.commit()
            return link.id, guest_token(self.app.config["SECRET_KEY"], link.public_id)

    def label(self, order_id: int, pieces: dict[int, int], number: str = "") -> int:
        """Make a label for pieces of a sale, to send later, and return the parcel's id."""
        with self.app.app_context():
            store_id = db.session.get_one(Order, order_id).store_id
            parcel = draft(
                {order_id: pieces}, actor=SYSTEM, store_id=store_id, tracking=Tracking("DHL", number)
            )
            db.session.commit()
            return parcel.id

    def cause(self, name: str = "River Trust") -> int:
        """Make a cause and return its id."""
        with self.app.app_context():
            cause = Cause(name=name, place="Ely", created_at=datetime(2026, 1, 1, tzinfo=UTC))
            db.session.add(cause)
            db.session.commit()
            return cause.id

    def item_row(self, item_id: int) -> OrderItem:
        """Return an item as it is now, cut off from its session."""
        with self.app.app_context():
            store_id = db.session.get_one(OrderItem, item_id).store_id
            item = items.one(store_id, item_id)
            assert item is not None
            db.session.expunge_all()
            return item

    def sale_row(self, order_id: int) -> Order:
        """Return a sale with its lines as it is now, cut off from its session."""
        with self.app.app_context():
            store_id = db.session.get_one(Order, order_id).store_id
            order = sales.one(store_id, order_id)
            assert order is not None
            db.session.expunge_all()
            return order

    def many(self, lines: Iterable[LineSaid], **sale: Any) -> list[int]:
        """Make one sale a line and return their ids."""
        return [self.sale(line, **sale) for line in lines]
