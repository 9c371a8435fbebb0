"""The furnished house with a mark in every text of every row, and whom each mark may reach.

A mark names its table, column and row: `zq06c02r17qz`. Every table of the desk must stand in OWNERS or in
WITHOUT; every text column that is no code is marked. A new table or column is hence marked by itself, or
fails for lack of a line.
"""

import re
import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import JSON, Column, LargeBinary, String, Table, select, text, update

from app.actions.purchases import BuyerSaid, DiscountSaid
from app.db import db
from app.models import Connection, Feedback, Identity, Media, Member, Note, Pull, TaxLine
from app.statuses import ProductType
from tests.conftest import CAST
from tests.factories import DEAL, GOODS, Factory
from tests.house.conftest import Template, account_of, database_of, put_in_place

# Tables whose rows are part of sales -> SQL that tells (row, sale).
OF_SALES = {
    "orders": "SELECT id, id FROM orders",
    "order_item": "SELECT id, order_id FROM order_item",
    "address": "SELECT address_id, id FROM orders",
    "buyer": "SELECT buyer_id, id FROM orders",
    "product": "SELECT product_id, order_id FROM order_item",
    "media": "SELECT m.id, i.order_id FROM media m JOIN order_item i ON i.product_id = m.product_id",
    "parcel": "SELECT p.parcel_id, i.order_id FROM parcel_line p JOIN order_item i ON i.id = p.item_id",
    "note": "SELECT id, order_id FROM note",
    "feedback": "SELECT f.id, i.order_id FROM feedback f JOIN order_item i ON i.id = f.item_id",
    "payment": "SELECT id, order_id FROM payment",
    "discount": "SELECT id, order_id FROM discount",
    "tax_line": "SELECT id, order_id FROM tax_line",
    "payout": "SELECT id, order_id FROM payout",
    "outbox": "SELECT id, order_id FROM outbox WHERE order_id IS NOT NULL",
    "cause": "SELECT cause_id, order_id FROM order_item",
    # What a store says of itself is for whoever bought there.
    "store": "SELECT s.id, o.id FROM store s JOIN orders o ON o.store_id = s.id",
}
# Tables whose rows are a store's own: for those who work in it and see more than deals. SQL: (row, store).
OF_STORES = {
    "webhook": "SELECT id, store_id FROM webhook",
    "job": "SELECT id, store_id FROM job",
    "job_row": "SELECT r.job_id, j.store_id FROM job_row r JOIN job j ON j.id = r.job_id",
    "connection": "SELECT id, store_id FROM connection",
    "pull": "SELECT id, store_id FROM pull",
    "sale_there": "SELECT order_id, store_id FROM sale_there",
    "invitation": "SELECT id, store_id FROM invitation",
}
# Of these, what stands on pages of a store's owner alone (and of whom an owner gave a right to see them).
OF_OWNERS = {"webhook", "connection", "pull", "invitation"}
# Tables whose rows are one person's own. SQL: (row, account).
OF_PEOPLE = {
    "api_token": "SELECT id, account_id FROM api_token",
    "signin": "SELECT id, account_id FROM signin",
    "identity": "SELECT id, account_id FROM identity",
    "handoff": "SELECT id, account_id FROM handoff",
}
# What a token is called is told to a store that it reaches, too: they may end it there. SQL: (row, store).
REACHED = """
    SELECT id, store_id FROM api_token WHERE store_id IS NOT NULL
    UNION ALL
    SELECT t.id, m.store_id FROM api_token t JOIN member m ON m.account_id = t.account_id
     WHERE t.store_id IS NULL
"""
# Tables without a text that anybody typed about a sale, and why.
WITHOUT = {
    "account": "names and addresses of those who work here are shown to those they work with",
    "member": "codes alone",
    "guest_link": "a code alone: the link's secret is derived from it",
    "forgotten": "ids alone",
    "event": "codes and ids alone",
    "tally": "numbers alone",
    "combined": "ids alone",
    "parcel_line": "ids alone",
    "idempotency": "answers that their own sender gets again",
    "search_term": "found by a search, never shown",
}
# Columns that hold a code, a key or an address by which the desk works: a mark would break it.
CODES = {
    *("channel", "kind", "currency", "desk_state", "end_reason", "open_key", "destination_key", "country"),
    *("delivery", "condition", "unit", "status", "state", "direction", "dedupe", "payload", "slug", "zone"),
    *("workdays", "holidays", "carriers", "mail_texts", "public_id", "token_hash", "scopes", "events"),
    *("verdict", "params", "download_limit_type", "store.name", "weight", "rate", "role", "rights"),
    *("sealed_key", "key_hash"),
}
# Of a sale that they may see, this is not for them: (reader, column). Law 1: "a buyer never sees it".
HIDDEN = {("buyer", "order_item.ack"), ("vendor", "note.body")}
MARK = re.compile(r"zq(\d\d)c(\d\d)r(\d+)qz")


class World(NamedTuple):
    """The planted database, how to get in, and the marks that each of the cast may be shown."""

    template: Template
    planted: frozenset[str]
    may_see: dict[str, frozenset[str]]
    tables: list[str]

    def what(self, mark: str) -> str:
        """Say what a mark stands in: "note.body of row 3"."""
        found = MARK.fullmatch(mark)
        assert found is not None
        table = db.metadata.tables[self.tables[int(found[1])]]
        return f"{table.name}.{list(table.columns)[int(found[2])].name} of row {found[3]}"


def is_text(column: Column[Any]) -> bool:
    """Tell whether a column holds what somebody typed."""
    if {column.name, f"{column.table.name}.{column.name}"} & CODES or column.foreign_keys:
        return False
    return isinstance(column.type, String | JSON) and not isinstance(column.type, LargeBinary)


def marked_tables() -> list[Table]:
    """Return the tables whose texts are marked."""
    known = {**OF_SALES, **OF_STORES, **OF_PEOPLE}
    return [table for table in db.metadata.sorted_tables if table.name in known]


def more(make: Factory) -> None:
    """Make what the house lacks: a sale with a row in every table, in two stores."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    full = {"image": "https://shop.example/a.png", "cause_name": "River Trust", "donation_pct": 10}
    coupon = (DiscountSaid("coupon", "TEN", 10),)
    told = {"channel": "intake", "buyer": BuyerSaid("Maja Kowalczyk", "maja", ref="maja")}
    for store, how in (("papershop", told), ("othershop", {"channel": "etsy"})):
        line = replace(GOODS, **full, listing_id=f"full {store}", options={"Colour": "red"})
        lines = (line, replace(DEAL, **full, listing_id=f"deal {store}"))
        sale = make.sale(*lines, store=store, gateway_code="G", discounts=coupon, discount=10, **how)
        goods, deal = make.items_of(sale)
        make.ship(sale, {goods: 1}, number="M 1")
        with make.app.app_context():
            store_id = db.session.execute(text(f"SELECT store_id FROM orders WHERE id = {sale}")).scalar_one()
            of: dict[str, Any] = {"store_id": store_id}
            rows = [Note(**of, order_id=sale, author_id=None, is_private=p, body="n", at=now) for p in (0, 1)]
            rows += [TaxLine(**of, order_id=sale, name="VAT", amount_minor=1)]
            for direction in ("to_seller", "to_buyer"):
                rows += [
                    Feedback(**of, item_id=goods, direction=direction, value=5, text="t", created_at=now)
                ]
            product = db.session.execute(
                text(f"SELECT product_id FROM order_item WHERE id = {goods}")
            ).scalar()
            rows += [Media(**of, product_id=product, url="https://shop.example/b.png")]
            times: dict[str, Any] = dict.fromkeys(("at", "until", "began_at", "ended_at"), now)
            connected = select(Connection.id).where(Connection.store_id == store_id).limit(1)
            if joined := db.session.scalar(connected):
                rows += [Pull(**of, **times, connection_id=joined, is_look_back=False)]
            whose = select(Member.account_id).where(Member.store_id == store_id, Member.role == "owner")
            who = db.session.scalars(whose).one()
            rows += [Identity(account_id=who, issuer="https://id.example", subject=f"s{who}", created_at=now)]
            db.session.add_all(rows)
            db.session.execute(text(f"UPDATE order_item SET ack = 'Ana' WHERE id = {deal}"))
            db.session.commit()
            db.session.remove()


def fill(app: Flask, words: Callable[[Column[Any], int, str], Any]) -> int:
    """Write into every text of every marked row what `words` gives for (column, row, mark); count them."""
    written = 0
    with app.app_context():
        db.session.remove()
        with db.engine.begin() as connection:
            for table in marked_tables():
                key = next(iter(table.primary_key.columns))
                # From the last one on: the texts of the next turn are each one row further down.
                found = connection.execute(table.select().with_only_columns(key))
                rows = sorted({row[0] for row in found}, reverse=True)
                for row in rows:
                    values = {
                        column.name: words(column, row, f"zq{tables().index(table.name):02}c{n:02}r{row}qz")
                        for n, column in enumerate(table.columns)
                        if is_text(column)
                    }
                    if table.name == "order_item":  # the database holds this of deals alone
                        is_deal = (
                            connection.execute(
                                text(f"SELECT type FROM order_item WHERE id = {row}")
                            ).scalar_one()
                            == ProductType.DEAL
                        )
                        values |= {} if is_deal else {"ack": None}
                    if values:
                        connection.execute(update(table).where(key == row).values(**values))
                        written += len(values)
        db.engine.dispose()
    return written


def tables() -> list[str]:
    """Return the names of all tables: a mark names its table by its place here."""
    return sorted(db.metadata.tables)


def mark_for(column: Column[Any], row: int, mark: str) -> Any:
    """Return what stands in a column: its mark, in the shape that the column needs."""
    if "mail" in column.name:
        return f"{mark}@shop.example"
    return in_shape(column, mark)


def in_shape(column: Column[Any], words: str) -> Any:
    """Return words in the shape that a column needs."""
    if column.name == "remarks":
        return [{"id": words, "order": None, "verdict": "refused", "said": [words]}]
    if isinstance(column.type, JSON):
        return {words: words} if column.name == "options" else None
    if column.name in {"url", "image", "base_url"}:
        return f"https://shop.example/{words}"
    return f"/{words}" if column.name == "path" else words


def plant(app: Flask, template: Template, path: Path) -> World:
    """Mark a copy of the furnished house, and reckon whom each mark may reach."""
    put_in_place(app, template.path)
    more(Factory(app))
    fill(app, mark_for)
    may_see: dict[str, set[str]] = {who: set() for who in (*CAST, "guest")}
    planted = set()
    with app.app_context():
        with db.engine.connect() as connection:
            accounts = {who: account_of(app, who) for who in CAST}
            facts = Facts(connection, accounts, template.ids["bought"])
            for table in marked_tables():
                for row, mark, column in facts.marks_of(table):
                    planted.add(mark)
                    for who, marks in may_see.items():
                        if facts.may_see(who, table.name, column, row):
                            marks.add(mark)
        db.session.remove()
        db.engine.dispose()
    shutil.copy(database_of(app), path)
    seen = {who: frozenset(marks) for who, marks in may_see.items()} | {"signed_out": frozenset()}
    return World(template._replace(path=path), frozenset(planted), seen, tables())


class Facts:
    """Who is a party to what, read from the planted database without asking the desk's own rules."""

    def __init__(self, connection: Any, accounts: dict[str, int], linked: int) -> None:
        self.connection, self.accounts, self.linked = connection, accounts, linked
        self.sales = {name: self.pairs(sql) for name, sql in OF_SALES.items()}
        self.stores = {name: self.pairs(sql) for name, sql in OF_STORES.items()}
        self.people = {name: self.pairs(sql) for name, sql in OF_PEOPLE.items()}
        self.reached = self.pairs(REACHED)
        self.store_of = dict(self.rows("SELECT id, store_id FROM orders"))
        buyers = self.rows("SELECT o.id, b.account_id FROM orders o JOIN buyer b ON b.id = o.buyer_id")
        self.buyer_of = dict(buyers)
        self.with_deal = {row[0] for row in self.rows("SELECT order_id FROM order_item WHERE type = 2")}
        self.deals = {row[0] for row in self.rows("SELECT id FROM order_item WHERE type = 2")}
        self.private = {row[0] for row in self.rows("SELECT id FROM note WHERE is_private")}
        self.roles = {
            (row[0], row[1]): row[2] for row in self.rows("SELECT store_id, account_id, role FROM member")
        }

    def rows(self, sql: str) -> list[Any]:
        """Return the rows of a statement."""
        return list(self.connection.execute(text(sql)))

    def pairs(self, sql: str) -> dict[int, set[int]]:
        """Return what belongs to each row."""
        found: dict[int, set[int]] = defaultdict(set)
        for row, owner in self.rows(sql):
            found[row].add(owner)
        return found

    def marks_of(self, table: Table) -> list[tuple[int, str, str]]:
        """Return (row, mark, column) of all that is marked in a table."""
        found = []
        key = next(iter(table.primary_key.columns)).name
        for n, column in enumerate(table.columns):
            if is_text(column):
                for row, words in self.rows(f"SELECT {key}, {column.name} FROM {table.name}"):
                    mark = f"zq{tables().index(table.name):02}c{n:02}r{row}qz"
                    if mark in str(words):
                        found.append((row, mark, f"{table.name}.{column.name}"))
        return found

    def may_see(self, who: str, table: str, column: str, row: int) -> bool:
        """Tell whether a mark may reach somebody."""
        if who == "guest":  # sees the one purchase of their link, as its buyer does
            is_of_link = table in OF_SALES and self.linked in self.sales[table][row]
            return is_of_link and self.is_for_buyers(column, row)
        account = self.accounts[who]
        if table in OF_PEOPLE and account in self.people[table][row]:
            return True
        if table in OF_PEOPLE:
            stores = self.reached[row] if column == "api_token.name" else set()
            return bool(stores) and (who == "site_admin" or self.works_in(stores, account, {"owner"}))
        if who == "site_admin":
            return True
        if table in OF_STORES:
            roles = {"owner"} if table in OF_OWNERS else {"owner", "staff"}
            return self.works_in(self.stores[table][row], account, roles)
        return any(self.is_party(who, account, order, column, row) for order in self.sales[table][row])

    def is_party(self, who: str, account: int, order: int, column: str, row: int) -> bool:
        """Tell whether somebody may see this of a sale."""
        role = self.roles.get((self.store_of[order], account))
        if role in {"owner", "staff"}:
            return True
        if role == "vendor":
            is_seen = column.split(".", maxsplit=1)[0] != "order_item" or row in self.deals
            return order in self.with_deal and is_seen and ("vendor", column) not in HIDDEN
        return self.buyer_of[order] == account and self.is_for_buyers(column, row)

    def works_in(self, stores: set[int], account: int, roles: set[str]) -> bool:
        """Tell whether somebody has one of these roles in one of the stores."""
        return any(self.roles.get((store, account)) in roles for store in stores)

    def is_for_buyers(self, column: str, row: int) -> bool:
        """Tell whether this of a sale is for its buyer."""
        is_private = column == "note.body" and row in self.private
        return not is_private and ("buyer", column) not in HIDDEN
