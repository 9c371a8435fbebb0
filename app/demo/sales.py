"""One sale of the demo: a purchase and the steps of its life, each by the act that does it in the desk.

Steps are written down beforehand and played in the order of time; those that lie after the demo's moment
have not happened yet, so every sale stands where it would stand in life.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, Self

from app.access import Actor, Desk
from app.actions.aftersale import Reason
from app.actions.elsewhere import Past, Rating, Remark, arrive
from app.actions.intake import take_in
from app.actions.labels import set_tracking
from app.actions.moves import Asked, move_item
from app.actions.parcels import Tracking, ship
from app.actions.payment import confirm_payment
from app.actions.people import join_buyer
from app.actions.purchases import Purchase
from app.actions.refunds import refund
from app.db import db
from app.demo.cast import IMPORT, Shop
from app.models import Buyer
from app.queries import items
from app.statuses import BuyerShipping, Channel, ItemStatus, Kind, Payment, kind_of

# The channels whose orders a program tells one by one; the others come by file.
LIVE = frozenset({Channel.INTAKE, Channel.WEEBLY, Channel.SQUARE})


class Step(NamedTuple):
    """What happens to a sale, and when."""

    at: datetime
    do: Callable[[datetime], None]


class Sale:
    """A purchase in one store, and what becomes of it; lines are named by their place, from 0 on."""

    def __init__(
        self, shop: Shop, purchase: Purchase, *, account: str = "", told_at: datetime | None = None
    ) -> None:
        self.shop = shop
        self.purchase = purchase
        self.account = account
        self.told_at = told_at or purchase.placed_at
        self.paid_at = self.told_at
        self.is_unsettled = True
        self.steps: list[Step] = []
        self.order_id = 0
        self._items: list[int] = []
        self._then(self.told_at, self._take_in)

    @property
    def teller(self) -> Actor:
        """Return who tells of the purchase: a program, a file, or whoever typed it in."""
        channel = Channel(self.purchase.channel)
        if channel is Channel.DESK:
            return self.shop.staff
        return self.shop.program if channel in LIVE else IMPORT

    @property
    def buyer(self) -> Actor:
        """Return who speaks for the buyer: their account, or whoever told of the purchase."""
        account = self.shop.buyers.get(self.account)
        return Actor(account.id, account.name, account.email or "") if account else self.teller

    def of_kind(self, kind: Kind) -> list[int]:
        """Return the places of the lines that are fulfilled in this way."""
        lines = enumerate(self.purchase.lines)
        return [n for n, x in lines if kind_of(x.type, x.delivery, x.is_pickup) is kind]

    def paid(
        self,
        at: datetime,
        code: Payment = Payment.PAID,
        method: str = "card",
        gateway_code: str | None = None,
    ) -> Self:
        """Let the payment come in, or be promised on arrival."""
        self.paid_at = at
        self.is_unsettled = code == Payment.ON_ARRIVAL
        by = self.shop.owner if method == "bank transfer" else self.teller

        def pay(at: datetime) -> None:
            confirm_payment(
                self.order_id,
                code=code,
                actor=by,
                store_id=self.shop.store.id,
                method=method,
                gateway_code=gateway_code,
                at=at,
            )

        return self._then(at, pay)

    def shipped(self, at: datetime, tracking: Tracking, pieces: Mapping[int, int] | None = None) -> Self:
        """Let a parcel leave: with pieces by line, or with all goods where none are named."""
        going = pieces or {n: self.purchase.lines[n].quantity for n in self.of_kind(Kind.GOODS)}

        def send(at: datetime) -> None:
            ship(
                self.order_id,
                {self._items[n]: quantity for n, quantity in going.items()},
                actor=self.shop.staff,
                store_id=self.shop.store.id,
                tracking=tracking,
                at=at,
            )

        return self._then(at, send)

    def labelled(self, at: datetime, line: int, tracking: Tracking) -> Self:
        """Let a label be made, or the newest parcel's number be corrected."""

        def label(at: datetime) -> None:
            set_tracking(
                self.order_id,
                self._items[line],
                tracking,
                actor=self.shop.staff,
                store_id=self.shop.store.id,
                at=at,
            )

        return self._then(at, label)

    def moved(
        self, at: datetime, line: int, status: ItemStatus, *, at_desk: Desk, ack: str | None = None
    ) -> Self:
        """Let somebody of the store ask for a status: hand over, finish, redeem."""

        def move(at: datetime) -> None:
            item = items.one(self.shop.store.id, self._items[line])
            assert item is not None
            move_item(item, Asked(status, ack=ack), desk=at_desk, at=at)

        return self._then(at, move)

    def refunding(self, at: datetime, line: int) -> Self:
        """Let the owner note that the price of a line is to go back; it has not yet."""

        def begin(at: datetime) -> None:
            said = self.purchase.lines[line]
            refund(
                self.order_id,
                said.quantity * (said.price if said.sale_price is None else said.sale_price),
                [self._items[line]],
                reason=Reason.OTHER,
                is_done=False,
                actor=self.shop.owner,
                store_id=self.shop.store.id,
                at=at,
            )

        return self._then(at, begin)

    def told(
        self,
        at: datetime,
        verb: str,
        statuses: Mapping[int, ItemStatus] | None = None,
        *,
        by: Actor | None = None,
        ratings: Iterable[tuple[int, int, str]] = (),
        kept: Iterable[int] = (),
        **past: Any,
    ) -> Self:
        """Let the sale come to where no act of the desk leads yet; `ratings` are (line, stars, text)."""

        def tell(at: datetime) -> None:
            told = Past(
                items={self._items[n]: status for n, status in (statuses or {}).items()},
                kept=frozenset(self._items[n] for n in kept),
                ratings=tuple(Rating(self._items[n], value, text) for n, value, text in ratings),
                **past,
            )
            arrive(
                self.order_id, told, actor=by or self.teller, store_id=self.shop.store.id, verb=verb, at=at
            )

        return self._then(at, tell)

    def received(self, at: datetime, ratings: Iterable[tuple[int, int, str]] = ()) -> Self:
        """Let the buyer say that all goods are there."""
        return self.told(
            at,
            "receive",
            dict.fromkeys(self.of_kind(Kind.GOODS), ItemStatus.COMPLETE),
            by=self.buyer,
            buyer_shipping=BuyerShipping.RECEIVED,
            ratings=ratings,
        )

    def noted(self, at: datetime, body: str, *, is_private: bool = True) -> Self:
        """Let the staff write a note."""
        by = self.shop.staff
        return self.told(at, "note", by=by, remarks=(Remark(body, is_private, by.account_id),))

    def changed(self, **changes: Any) -> Self:
        """Let the purchase be told with other words, such as a gift message."""
        self.purchase = replace(self.purchase, **changes)
        return self

    def _then(self, at: datetime, do: Callable[[datetime], None]) -> Self:
        """Add a step; none comes before the payment that was written down last."""
        self.steps.append(Step(max(at, self.paid_at), do))
        return self

    def _take_in(self, at: datetime) -> None:
        """Take the purchase in; join its buyer to the account that has proved the address."""
        order = take_in(self.purchase, actor=self.teller, store_id=self.shop.store.id, at=at).order
        self.order_id, self._items = order.id, [i.id for i in order.items]
        account = self.shop.buyers.get(self.account)
        if account is None:
            return
        buyer = db.session.get_one(Buyer, order.buyer_id)
        if buyer.account_id is None:
            join_buyer(buyer, account)
