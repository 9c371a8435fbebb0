"""Mails to buyers without an account carry the link by which they follow their order."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.actions.guests import end_links
from app.actions.problems import note
from app.actions.stores import Store
from app.db import db
from app.models import Event, GuestLink
from tests.factories import Factory
from tests.mails.outbox import Box, by, go_round, sale, send

LINK = re.compile(r"https://desk\.example/guest/(\S+)")


@pytest.fixture
def public(desk: Flask) -> Iterator[Flask]:
    """The desk, which knows its address."""
    desk.config["BASE_URL"] = "https://desk.example"
    yield desk
    desk.config["BASE_URL"] = ""


def write(order_id: int) -> None:
    """Write to the buyer of a sale."""
    note(order_id, "Thank you", is_private=False, **by(order_id))
    db.session.commit()
    go_round()


@pytest.mark.both
def test_each_mail_has_the_one_link_and_it_opens_the_order(public: Flask, make: Factory, box: Box) -> None:
    order_id = sale(make)
    send(make, order_id)
    go_round()
    write(order_id)
    first, second = (LINK.findall(text) for text in box.texts)
    assert first == second
    assert len(first) == 1
    assert public.test_client().get(f"/guest/{first[0]}").status_code == 303
    made = db.session.scalars(select(Event).where(Event.verb == "make_link")).all()
    assert [(event.actor_kind, event.order_id) for event in made] == [("system", order_id)]


def test_a_buyer_with_an_account_gets_none(public: Flask, make: Factory, box: Box) -> None:
    write(sale(make, account="buyer"))
    assert len(box.texts) == 1
    assert "/guest/" not in box.texts[0]


def test_what_the_store_ended_no_mail_brings_back(public: Flask, make: Factory, box: Box) -> None:
    order_id = sale(make)
    write(order_id)
    end_links(order_id, **by(order_id))
    db.session.commit()
    write(order_id)
    assert ["/guest/" in text for text in box.texts] == [True, False]
    make.link(order_id)
    write(order_id)
    assert "/guest/" in box.texts[-1]


def test_a_store_without_links_and_a_desk_without_an_address_send_none(
    public: Flask, make: Factory, box: Box
) -> None:
    order_id = sale(make)
    public.config["BASE_URL"] = ""
    write(order_id)
    public.config["BASE_URL"] = "https://desk.example"
    db.session.execute(update(Store).values(guest_days=0))
    db.session.commit()
    write(order_id)
    assert len(box.texts) == 2
    assert not any("/guest/" in text for text in box.texts)
    assert db.session.query(GuestLink).count() == 0
