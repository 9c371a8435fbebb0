"""A desk with enough in it that every call can be done many times, and what each call is to be asked with.

What is made up from the document alone names no sale that there is, and pays no sum that is owed: a run of it
would meet 401, 404 and 422 alone. So most requests are dressed: real ids, and where the rules need it, real
sums and states. The rest goes out as it was made up.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle
from typing import Any

from flask import Flask
from schemathesis import Case
from schemathesis.core import NotSet
from schemathesis.core.parameters import ParameterLocation

from app.access import READ, SYSTEM, WRITE
from app.access import SITE as SITE_SCOPE
from app.actions.buyers_word import review
from app.actions.people import make_token
from app.actions.purchases import BuyerSaid
from app.api.okanjo.objects import EMBEDS
from app.api.okanjo.orders import ORDERED, WITHIN_ITEMS
from app.db import db
from app.models import Order
from app.queries import people
from app.statuses import ItemStatus, Payment
from tests.conftest import email_of
from tests.factories import GOODS, Factory

BUYERS = ("okanjo_order", "okanjo_bought", "okanjo_receive", "okanjo_give", "okanjo_feedback_given")
BUYERS = (*BUYERS, "okanjo_one_given", "hip_purchases", "hip_put_buyers")
SITE = "site_api_"
DRESSED = 0.9  # so many of the requests


class Stage:
    """What stands in the desk, for `examples` requests of each call."""

    def __init__(self, app: Flask, examples: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self.keys = 0
        make, n = Factory(app), examples + 2
        bought = [self._purchase(make) for _ in range(n)]
        sold = [make.sale(GOODS) for _ in range(n)]
        paid = [make.sale(GOODS) for _ in range(3)]
        self.ids: dict[str, Iterator[tuple[int, int]]] = {
            "okanjo_move": self._pairs(make, [make.sale(GOODS) for _ in range(n)]),
            "okanjo_receive": self._pairs(make, bought, ItemStatus.PENDING_ACQUISITION),
            "okanjo_give": self._pairs(make, [self._purchase(make) for _ in range(n)], ItemStatus.COMPLETE),
            "hip_put_sellers": self._pairs(make, sold),
            "hip_put_buyers": self._pairs(make, [self._purchase(make) for _ in range(n)]),
            "intake_payments": self._pairs(make, [self._unpaid(make, k) for k in range(n)]),
            "intake_cancellations": self._pairs(make, [make.sale(GOODS) for _ in range(n)]),
            "intake_refunds": self._pairs(make, [make.sale(GOODS) for _ in range(n)]),
            "bought": self._pairs(make, [self._purchase(make) for _ in range(3)]),
            "sold": self._pairs(make, paid),
        }
        with app.app_context():
            self.stores = {place.slug: place.id for place in people.all_stores()}
            scopes = [READ, WRITE]
            self.tokens, self.accounts = {}, {}
            for who, wanted in (("owner", scopes), ("buyer", scopes), ("site_admin", [SITE_SCOPE])):
                account = people.account_by_email(email_of(who))
                assert account is not None
                self.tokens[who], self.accounts[who] = make_token(account, None, wanted), account.id
            stranger = people.account_by_email(email_of("stranger"))
            assert stranger is not None
            self.accounts["stranger"] = stranger.id
            db.session.commit()
            db.session.remove()
        self.said = self._said(app, make)

    def _pairs(
        self, make: Factory, orders: list[int], status: ItemStatus | None = None
    ) -> Iterator[tuple[int, int]]:
        """Return the orders, each with its item, over and over; in a status where one is named."""
        pairs = [(order, make.items_of(order)[0]) for order in orders]
        if status is not None:
            for _, item in pairs:
                make.put(item, status)
        return cycle(pairs)

    @staticmethod
    def _purchase(make: Factory) -> int:
        """Make a sale whose buyer can sign in."""
        return make.sale(GOODS, account="buyer", buyer=BuyerSaid("Ann Smith", "ann", None, "ann"))

    @staticmethod
    def _unpaid(make: Factory, n: int) -> int:
        """Make a sale that waits for its payment, and combines with no other."""
        return make.sale(GOODS, paid=None, buyer=BuyerSaid(f"Buyer {n}", f"fuzz-{n}"))

    def _said(self, app: Flask, make: Factory) -> int:
        """Let the buyer say something of an item, for whoever reads feedback; return the item's id."""
        order, item = next(self.ids["bought"])
        make.put(item, ItemStatus.COMPLETE)
        with app.app_context():
            row = db.session.get_one(Order, order)
            review(order, item, 5, "Lovely", actor=SYSTEM, store_id=row.store_id)
            db.session.commit()
            db.session.remove()
        return item

    def headers(self, name: str) -> dict[str, str]:
        """Return how a call signs in: as somebody who may do it."""
        who = "buyer" if name.startswith(BUYERS) else "site_admin" if name.startswith(SITE) else "owner"
        return {"Authorization": f"Bearer {self.tokens[who]}"}

    def dress(self, case: Case, name: str) -> None:
        """Put real ids and sums into a request, but into no part that is meant to be wrong."""
        is_wrong = case.meta.is_negative_at if case.meta else lambda _: False
        if self.dice.random() > DRESSED:
            return
        of = "bought" if name.startswith(BUYERS) else "sold"
        order, item = next(self.ids.get(name, self.ids[of]))
        if case.path_parameters and not is_wrong(ParameterLocation.PATH):
            case.path_parameters = self._places(case.path_parameters, name, order, item)
        if case.query and not is_wrong(ParameterLocation.QUERY):
            case.query = self._fewer(case.query, name)
        if "Idempotency-Key" in (case.headers or {}) and not is_wrong(ParameterLocation.HEADER):
            self.keys += 1
            case.headers = {**case.headers, "Idempotency-Key": f"key-{self.keys}"}
        dress_body = BODIES.get(name)
        if dress_body and not is_wrong(ParameterLocation.BODY) and not isinstance(case.body, NotSet):
            with suppress(TypeError):  # a body that is no object at all
                case.body = dress_body(dict(case.body), item)

    def _places(self, named: dict[str, Any], name: str, order: int, item: int) -> dict[str, Any]:
        """Return the ids of a path."""
        if "feedback" in name or "one_" in name:
            item = self.said if name != "okanjo_give" else item
        is_weebly = name.startswith("weebly")
        real = {
            "store": self.stores["papershop"],
            "site": self.stores["papershop"],
            # Stores and people that no other call needs: they are shut now and then.
            "slug": "othershop" if name.startswith(SITE) else "papershop",
            "account": self.accounts["stranger"],
            "user": self.accounts["owner" if is_weebly else "buyer"],
            "order": order,
            "item": 1 if is_weebly else item,
        }
        return {key: real[key] for key in named}

    def _fewer(self, query: dict[str, Any], name: str) -> dict[str, Any]:
        """Return a query with at most two names of those that it may do without: many at once fit seldom."""
        kept = {"show", *self.dice.sample(sorted(query), min(2, len(query)))}
        if "filterby" in kept or "filterfor" in kept:
            kept |= {"filterby", "filterfor"}
        found = {key: value for key, value in query.items() if key in kept}
        if "email" in found:  # of texts that are made up hardly one is an address
            found["email"] = email_of("stranger")
        named = [*_listed(found.get("fields")), *_listed(found.get("embed"))]
        embeds = {name.partition(".")[0] for name in named} & {*EMBEDS, *ORDERED.embeds}
        if embeds:  # what lies in an object needs the object, and some objects lie in others
            is_of_order = "order" in name and "item" not in name
            embeds |= {"items"} if is_of_order and embeds & WITHIN_ITEMS else set()
            found["embed"] = sorted(embeds)
        return found


def _listed(value: Any) -> list[str]:
    """Return names that a query lists."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _moved(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return what may be asked of goods that are paid."""
    body.pop("product_deal_vendor_ack", None)
    return body | ({"status": 3} if "status" in body else {})


def _paid(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return a payment of what is owed."""
    return {**body, "amount": _owed, "currency": "USD"}


def _cancelled(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return a cancellation of a piece."""
    body.pop("version", None)
    return {**body, "lines": [{"id": item, "quantity": 1}]}


def _refunded(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return a refund of a little, for the line that there is."""
    body.pop("version", None)
    return {**body, "amount": "0.01", "lines": [{"id": item}]}


def _bought(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return a purchase whose sums fit its currency."""
    lines = [
        {name: value for name, value in line.items() if name not in SELDOM_FIT}
        | {"price": "5", "quantity": 2}
        for line in body["lines"]
    ]
    kept = {name: value for name, value in body.items() if name not in {"discount", "discounts", "total"}}
    return {**kept, "lines": lines, "tax": "0", "postage": "1"}


def _noted(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return a note that the store keeps to itself."""
    return {name: value for name, value in body.items() if name == "body"}


def _shipped(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return flags of a seller that follow from one another."""
    body.pop("flag_payment", None)
    return {**body, "flag_shipping": 1}


def _received(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return what a buyer may say of a purchase that waits."""
    body.pop("flag_buyer_shipping", None)
    return {**body, "flag_buyer_payment": int(Payment.PAID)}


def _opened(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return a store that is new now and then."""
    return {**body, "slug": f"shop-{item % 50}", "zone": "Europe/Berlin"}


def _entered(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return an account that is new now and then."""
    return {**body, "email": f"fuzz-{item % 50}@example.com"}


def _seated(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return a place for somebody who is there."""
    return {"email": email_of("stranger"), "role": body.get("role", "staff")}


def _handed(body: dict[str, Any], item: int) -> dict[str, Any]:
    """Return a hand-off of somebody who may be handed over."""
    return {name: value for name, value in body.items() if name == "path"} | {"email": email_of("buyer")}


SELDOM_FIT = {"deal", "download", "cause", "discounts", "external_id", "condition", "weight", "weight_unit"}
SELDOM_FIT |= {"sale_price", "postage", "postage_additional"}
_owed = f"{GOODS.price * GOODS.quantity / 100:.2f}"
BODIES: dict[str, Callable[[dict[str, Any], int], dict[str, Any]]] = {
    "okanjo_move": _moved,
    "hip_put_sellers": _shipped,
    "hip_put_buyers": _received,
    "intake_purchases": _bought,
    "intake_payments": _paid,
    "intake_cancellations": _cancelled,
    "intake_refunds": _refunded,
    "intake_notes": _noted,
    "site_api_make_store": _opened,
    "site_api_make_account": _entered,
    "site_api_add_member": _seated,
    "site_api_hand_over": _handed,
}
