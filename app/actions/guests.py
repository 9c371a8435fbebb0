"""Guest links are made and ended: by the store on the sale's page, or with the first mail to the buyer."""

import secrets
from datetime import UTC, datetime

from sqlalchemy import select

from app.access import SYSTEM, Actor
from app.actions.ledger import Act
from app.db import db
from app.errors import Refused
from app.models import Buyer, GuestLink, Order, Store
from app.queries import guests
from app.queries.combined import absorbed_by
from app.queries.guests import Link

VERB = "make_link"


class NoLinks(Refused):
    """The store gives out no guest links."""

    sentence = "This store gives out no guest links: its settings say so."


def make_link(order_id: int, *, actor: Actor, store_id: int, at: datetime | None = None) -> GuestLink:
    """Make the guest link of an order; those that it had end. NoLinks where its store gives out none."""
    with Act(VERB, actor=actor, store_id=store_id, at=at) as act:
        order = act.hold(order_id)
        if not act.store.guest_days:
            raise NoLinks
        end_within(act, order)
        return _make(act, order)


def end_links(order_id: int, *, actor: Actor, store_id: int, at: datetime | None = None) -> bool:
    """End the guest links of an order for good; tell whether there were any."""
    with Act("end_links", actor=actor, store_id=store_id, at=at) as act:
        return end_within(act, act.hold(order_id))


def link_for_mail(order_id: int, *, store_id: int) -> str | None:
    """Return the public id of the link that a mail about an order carries, made where there is none yet.

    None where the buyer has an account, and where the store gives out none or ended the last one.
    """
    is_theirs = (
        select(Buyer.id).join(Order, Order.buyer_id == Buyer.id).join(Store, Store.id == Order.store_id)
    )
    may_have = is_theirs.where(Order.id == order_id, Buyer.account_id.is_(None), Store.guest_days > 0)
    if db.session.scalar(may_have) is None:
        return None
    known = guests.links_of(order_id)
    if found := _working(known):
        return found
    if known and known[0].revoked_at:
        return None
    with Act(VERB, actor=SYSTEM, store_id=store_id) as act:
        order = act.hold(order_id)
        return _working(guests.links_of(order_id)) or _make(act, order).public_id


def _working(links: list[Link]) -> str | None:
    """Return the public id of the newest of these links that works."""
    now = datetime.now(UTC)
    return next((link.public_id for link in links if link.works(now)), None)


def _make(act: Act, order: Order) -> GuestLink:
    """Write a new link within an act that holds its order."""
    link = GuestLink(
        store_id=order.store_id, order_id=order.id, public_id=secrets.token_hex(16), made_at=act.at
    )
    act.add(link)
    return link


def end_within(act: Act, order: Order) -> bool:
    """End what links lead to an order that the act holds; tell whether there were any."""
    led = [order.id, *(row.id for row in absorbed_by(order.id))]
    asked = select(GuestLink).where(GuestLink.order_id.in_(led), GuestLink.revoked_at.is_(None))
    links = db.session.scalars(asked.order_by(GuestLink.id)).all()
    for link in links:
        act.change(link, revoked_at=act.at)
    return bool(links)
