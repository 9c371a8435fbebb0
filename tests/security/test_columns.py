"""A field that is not offered cannot be set: every column of the tables that a write changes is sent with it.

Each write is done once as it is meant; then again with a column's name beside its fields. It must be refused,
and change nothing, or do what it does without it, to the last column of the last row.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
import time_machine
from flask import Flask
from sqlalchemy import JSON, Boolean, Column, DateTime, String, text
from werkzeug.test import TestResponse

from app.db import db
from tests.house.conftest import House, Template, put_in_place
from tests.security.doors import CALLS, WRITES, Call, Write, sent_to
from tests.security.probe import Probe
from tests.security.scale import share

Count = Callable[[str, int], None]
# Made anew by chance each time.
RANDOM = {
    "event": ("act_id",),
    "signin": ("token_hash",),
    "api_token": ("token_hash", "public_id"),
    "webhook": ("public_id",),
    "outbox": ("dedupe", "payload"),
    "idempotency": ("fingerprint", "answer"),
    "job": ("source",),
    "account": ("fs_uniquifier", "mf_recovery_codes", "tf_totp_secret"),
    "guest_link": ("public_id",),
    "handoff": ("key_hash",),
    "connection": ("sealed_key",),
}
SENT = "zqzq"
# Columns whose name a write's own form has: they are offered, and change what they say.
OFFERED = {
    "aftersale.address": {
        "given_name",
        "family_name",
        "company",
        "street",
        "street2",
        "region",
        "region_code",
        "postal_code",
        "phone",
    },
    "aftersale.note": {"is_private"},
    "aftersale.feedback": {"text"},
    "buyers_word.feedback": {"text"},
    "new_sale.keep": {"buyer_note", "payment"},
    "settings.save": {"address", "carriers", "legal_name", "mails_all", "vat_id"},
    "webhooks.add": {"is_for_all"},
    "webhooks.change": {"is_for_all"},
}
# Tables that every write may touch beside its own; whoever could set their columns could do anything.
ALWAYS = ("orders", "order_item", "account", "member")


class Pair(NamedTuple):
    """A write and a column that is sent beside it."""

    write: Write | Call
    column: Column[Any]


def value_for(column: Column[Any]) -> str:
    """Return what is sent for a column: what would change it, were it taken."""
    if isinstance(column.type, Boolean):
        return "1"
    if isinstance(column.type, String | JSON) and not column.foreign_keys:
        return SENT
    if "_at" in column.name or isinstance(column.type, DateTime):
        return "2001-02-03T04:05:06Z"
    return "3"


def tables_of(write: Write | Call) -> list[str]:
    """Return the tables that a write may change: all that hold what its address or its fields speak of."""
    name = write.endpoint if isinstance(write, Write) else write.rule
    about = {
        "tokens": ("api_token",),
        "security": ("signin",),
        "settings": ("store",),
        "webhooks": ("webhook", "outbox", "store"),
        "imports": ("job", "job_row"),
        "parcels": ("parcel", "parcel_line"),
        "ship": ("parcel", "parcel_line"),
        "feedback": ("feedback",),
        "note": ("note",),
        "address": ("address",),
        "new_sale": ("buyer", "address", "store"),
        "purchases": ("buyer", "address", "product", "store"),
        "payment": ("payment",),
        "paid": ("payment",),
        "refund": ("payment",),
        "hip": ("parcel", "payment"),
        "okanjo": ("parcel",),
    }
    return [*ALWAYS, *dict.fromkeys(t for word, tables in about.items() if word in name for t in tables)]


def pairs() -> list[Pair]:
    """Return every write with every column of its tables that its body does not name."""
    found = []
    for write in (*WRITES, *CALLS):
        names: dict[str, Column[Any]] = {}
        for table in tables_of(write):
            for column in db.metadata.tables[table].columns:
                names.setdefault(column.name, column)
        offered = OFFERED.get(write.endpoint, set()) if isinstance(write, Write) else set()
        taken = {str(name) for name in write.body} | offered
        found += [Pair(write, column) for name, column in names.items() if name not in taken]
    return found


def send(probe: Probe, write: Write | Call, more: dict[str, str]) -> TestResponse:
    """Do a write, with more names beside its own."""
    address = probe.house.path(write.address)
    if isinstance(write, Call):
        body = {**write.body, **more}
        if "lines" in body:  # and in every part of it
            parts = {name: {**body[name], **more} for name in ("buyer", "address")}
            body |= parts | {"lines": [{**body["lines"][0], **more}]}
        return probe.ask(write.who, write.method, address, json=body, headers=write.headers)
    return probe.post(write.who, address, {**more, **sent_to(probe.house, write)})


def differences(now: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the rows that are not as they were wanted, of each table."""
    pairs = {table: (set(map(str, rows)), set(map(str, wanted[table]))) for table, rows in now.items()}
    return {table: (one - other, other - one) for table, (one, other) in pairs.items() if one != other}


@pytest.fixture
def fresh(app: Flask, template: Template, reached: Callable[[House], None]) -> Callable[[], Probe]:
    """Return what gives the furnished house, at one and the same moment each time."""

    def make() -> Probe:
        put_in_place(app, template.path)
        with app.app_context():  # that a token is in use is noted already
            db.session.execute(text("UPDATE api_token SET used_at = created_at"))
            db.session.commit()
            db.session.remove()
        return Probe(House(app, template))

    reached(House(app, template))
    return make


def test_no_column_can_be_set_beside_what_a_write_offers(fresh: Callable[[], Probe], count: Count) -> None:
    done: dict[str, Any] = {}
    wrong: dict[tuple[str, str], Any] = {}
    chosen = share([pair for pair in pairs() if not getattr(pair.write, "has_file", False)], 64)
    with time_machine.travel(datetime.now(UTC), tick=False):
        probe = fresh()
        untouched = probe.house.dump(**RANDOM)
        for write, column in chosen:
            name = f"{write.address} {write.who}"
            answer = send(probe, write, {column.name: value_for(column)})
            now = probe.house.dump(**RANDOM)
            if any(column.name in names for names in RANDOM.values()):  # chance has made it, not the sender
                assert SENT not in str(probe.house.dump()), (name, column.name)
            is_done = answer.status_code < 400
            if is_done:
                probe = fresh()
            if is_done and name not in done:
                assert send(probe, write, {}).status_code < 400, name
                done[name] = probe.house.dump(**RANDOM)
                probe = fresh()
            wanted = done[name] if is_done else untouched
            if now != wanted:
                wrong[name, column.name] = differences(now, wanted)
                probe = fresh()
    assert list(wrong) == [], list(wrong.values())[:3]
    count("pairs of write x column", len(chosen))
    count("of them possible", len(pairs()))


def test_every_write_is_done_without_them(fresh: Callable[[], Probe]) -> None:
    for write in CALLS:  # those of pages are done in tests/house/test_csrf
        assert send(fresh(), write, {}).status_code < 300, write.rule


def test_there_are_enough_pairs() -> None:
    assert len(pairs()) >= 300
