"""Copies of played sales: nothing about their rows tells that no act wrote them."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import inspect, select, text

from app import create_app
from app.actions.audit import audit
from app.carriers import recognise
from app.config import ROOT
from app.db import Base, db
from app.demo.build import is_in_use, load
from app.models import Store
from app.models.shop import FAR_FUTURE
from app.words import terms
from tests import postgres
from tests.conftest import TEST_SETTINGS
from tests.rules.books import present, recount, replayed, tally

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
PLAYED, ORDERS = 170, 600
# What is drawn anew each time a sale is played, and meant to be.
SECRETS = {("account", "fs_uniquifier"), ("event", "act_id")}

# What the load of `many` said of its progress.
HEARD: list[tuple[int, int]] = []

Row = dict[str, Any]
Tables = dict[str, list[Row]]


def desk_on(url: str) -> Flask:
    """Return a desk on this database, which has its tables."""
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": url})
    with app.app_context():
        upgrade()
        db.session.remove()
        db.engine.dispose()
    return app


def filled(app: Flask, **changes: Any) -> Flask:
    """Load the demo into an empty desk, most of it copied."""
    usual = {"orders": ORDERS, "stores": 3, "seed": 4, "most_played": PLAYED, "now": NOW}
    with app.app_context():
        load(**{**usual, **changes, "host": "127.0.0.1", "password_hash": "x"})
        db.session.commit()
        db.session.remove()
    return app


def all_rows(app: Flask) -> Tables:
    """Return every row of every table, by keys, without what is secret, and what is told of people."""
    with app.app_context():
        found = {
            table.name: [
                {c: v for c, v in row.items() if (table.name, c) not in SECRETS}
                for row in db.session.execute(select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in Base.metadata.sorted_tables
        }
        return {**found, "event": [event for event in found["event"] if event["order_id"] is not None]}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database that holds nothing."""
    path = tmp_path_factory.mktemp("empty") / "tradepost.db"
    desk_on(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def many(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A desk with a demo of which most sales are copies."""
    path = shutil.copy(empty, tmp_path_factory.mktemp("many"))
    return filled(desk_on(f"sqlite:///{path}"), progress=lambda done, of: HEARD.append((done, of)))


@pytest.fixture(scope="module")
def rows(many: Flask) -> Tables:
    """All rows of that desk."""
    return all_rows(many)


def is_of_order(event: Row) -> bool:
    """Tell whether an event is of an order itself."""
    return event["item_id"] is event["parcel_id"] is event["row_kind"] is None


def copies(rows: Tables) -> list[Row]:
    """Return the orders that no act wrote."""
    return [order for order in rows["orders"] if order["id"] > PLAYED]


# --- what acts write, and what copies are


# Table -> columns in which a copy says its own; of some, whether anything stands there is drawn as well.
OWN = {
    "orders": {"number", "external_id", "gateway_code", "buyer_id", "address_id"},
    "order_item": {"title", "sku", "url", "image", "product_id", "deal_number"},
    "buyer": {"external_ref", "username", "name", "email"},
    "address": {"name", "street", "city", "region", "postal_code", "destination_key"},
    "payment": {"code"},
    "parcel": {"number", "buyer_id"},
}
DRAWN = {("address", "street2"), ("address", "phone"), ("address", "region")}


class Sale:
    """All that hangs on one order, told so that a copy and its pattern say the same."""

    def __init__(self, order: Row) -> None:
        self.order = order
        self.rows: Tables = defaultdict(list)

    def told(self) -> str:
        """Return the sale without what is its own."""
        self.began = min(event["at"] for event in self.rows["event"])
        self.places = {
            table: {row["id"]: n for n, row in enumerate(self.rows[table])}
            for table in ("order_item", "parcel")
        }
        return repr({t: [self.row(t, row) for row in found] for t, found in sorted(self.rows.items())})

    def row(self, table: str, row: Row) -> Row:
        """Return one row without what is its own."""
        left_out = {*DRAWN, ("orders", "open_key")}  # copies stay apart: none finds another by its key
        return {c: self.cell(table, c, v) for c, v in row.items() if (table, c) not in left_out}

    def cell(self, table: str, column: str, value: Any) -> Any:
        """Return a cell as a copy and its pattern have it: times from the beginning, rows by their places."""
        if value in {None, ""} if not isinstance(value, dict) else False:
            return value
        if column in {"before", "after"}:
            return {name: self.kept(name, v) for name, v in value.items()}
        if column == "item_id":
            return self.places["order_item"][value]
        if column == "row_id":
            return type(value)
        if column == "parcel_id":
            return self.places["parcel"][value]
        if column in {"id", "order_id"} or column in OWN.get(table, ()):
            return type(value)
        return self.kept(column, value)

    def kept(self, name: str, value: Any) -> Any:
        """Return a value of a column, or of the history, which writes times and numbers as texts."""
        if value and name in {"gateway_code", "number"}:
            return type(value)
        if name == "inside":
            return {self.places["order_item"][int(item_id)]: n for item_id, n in value.items()}
        if value and name == "item_id":
            return self.places["order_item"][value]
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT.*", value):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime) and value != FAR_FUTURE:
            # What is counted by a store's calendar, or was dated by the day, is its own.
            return "some time" if name in {"ship_by", "placed_at", "attention_at"} else value - self.began
        return value


def sales(rows: Tables) -> dict[int, Sale]:
    """Return all sales, by their orders."""
    found = {order["id"]: Sale(order) for order in rows["orders"]}
    of_item = {item["id"]: item["order_id"] for item in rows["order_item"]}
    of_parcel = {line["parcel_id"]: of_item[line["item_id"]] for line in rows["parcel_line"]}
    for table in ("order_item", "discount", "tax_line", "payment", "payout", "note", "event"):
        for row in rows[table]:
            found[row["order_id"]].rows[table].append(row)
    for row in rows["feedback"]:
        found[of_item[row["item_id"]]].rows["feedback"].append(row)
    for row in rows["parcel"]:
        found[of_parcel[row["id"]]].rows["parcel"].append(row)
    for row in rows["parcel_line"]:
        found[of_item[row["item_id"]]].rows["parcel_line"].append(row)
    buyers = {row["id"]: row for row in rows["buyer"]}
    addresses = {row["id"]: row for row in rows["address"]}
    for sale in found.values():
        sale.rows["orders"] = [sale.order]
        sale.rows["buyer"] = [buyers[sale.order["buyer_id"]]]
        sale.rows["address"] = [addresses[sale.order["address_id"]]] if sale.order["address_id"] else []
    return found


def test_every_copy_is_a_sale_that_the_acts_wrote_but_for_what_is_its_own(rows: Tables) -> None:
    alive = {order_id: sale for order_id, sale in sales(rows).items() if not sale.order["heir_id"]}
    told = {order_id: sale.told() for order_id, sale in alive.items()}
    by_acts = {each for order_id, each in told.items() if order_id <= PLAYED}
    copied = Counter(each for order_id, each in told.items() if order_id > PLAYED)
    assert sum(copied.values()) == ORDERS - PLAYED
    assert copied.keys() <= by_acts
    assert len(copied) > 50


def test_nothing_is_written_that_is_not_copied(rows: Tables) -> None:
    made = {name for name, found in rows.items() if found}
    people = {"account", "member", "invitation", "outbox", "store", "cause", "tally", "combined"}
    assert made - people == {
        *("orders", "order_item", "discount", "payment", "payout", "note", "event", "feedback"),
        *("parcel", "parcel_line", "buyer", "address", "product", "media", "search_term"),
    }


# --- the books


def test_the_tally_equals_a_recount(many: Flask) -> None:
    assert tally(many) == recount(many)


def test_every_promise_of_the_acts_holds_for_the_copies(many: Flask) -> None:
    with many.app_context():
        assert [proof for proof in audit() if proof.broken] == []


def test_the_history_replayed_gives_the_present(many: Flask, rows: Tables) -> None:
    assert replayed(many) == present(many)
    told: dict[int, Row] = defaultdict(dict)
    for event in rows["event"]:
        if is_of_order(event):
            told[event["order_id"]].update(event["after"])
    kept = {row["id"]: row for row in rows["orders"]}
    assert told.keys() == kept.keys()
    for key, last in told.items():
        row = {c: v.isoformat() if isinstance(v, datetime) else v for c, v in kept[key].items()}
        row["open_key"] = bool(row.get("open_key"))  # of what is personal is kept whether it stands
        assert {name: row[name] for name in last} == last


def test_the_history_runs_forward_and_nothing_lies_in_the_future(rows: Tables) -> None:
    events = [event for event in rows["event"] if event["order_id"] > PLAYED]
    times = [event["at"] for event in events]
    assert times == sorted(times)
    assert times[-1] <= NOW
    began = [event["order_id"] for event in events if event["verb"] == "take_in" and is_of_order(event)]
    assert began == [order["id"] for order in copies(rows)]
    for table, column in (("payment", "at"), ("parcel", "created_at"), ("note", "at")):
        first = min(event["at"] for event in events)
        found = [row[column] for row in rows[table] if row[column] >= first]
        assert max(found) <= NOW


def test_numbers_follow_one_another_and_every_act_counted(rows: Tables) -> None:
    for store in rows["store"]:
        numbers = sorted(o["number"] for o in rows["orders"] if o["store_id"] == store["id"])
        assert numbers == list(range(numbers[0], store["next_number"]))
        copied = [o["number"] for o in copies(rows) if o["store_id"] == store["id"]]
        assert copied == sorted(copied)


def test_every_act_counted_in_the_revision(many: Flask) -> None:
    with many.app_context():
        acts = "SELECT store_id, count(DISTINCT act_id) FROM event WHERE order_id > 0 GROUP BY store_id"
        counted = dict(db.session.execute(text(acts)).all())
        assert {s.id: s.revision for s in db.session.scalars(select(Store))} == counted


def test_money_adds_up(rows: Tables) -> None:
    for sale in sales(rows).values():
        order, found = sale.order, sale.rows
        items = sum(item["line_total_minor"] for item in found["order_item"])
        parts = items - order["discount_minor"] + order["postage_minor"] + order["tax_minor"]
        assert (order["items_minor"], order["total_minor"]) == (items, parts + order["adjustment_minor"])
        assert sum(d["amount_minor"] for d in found["discount"]) == order["discount_minor"]
        paid = sum(p["amount_minor"] for p in found["payment"] if p["kind"] == "purchase")
        assert paid == (order["total_minor"] if order["paid_at"] else 0)
        assert sum(p["amount_minor"] for p in found["payout"]) == paid


def test_pieces_sent_are_those_in_parcels(rows: Tables) -> None:
    state = {parcel["id"]: parcel["state"] for parcel in rows["parcel"]}
    sent: Counter[int] = Counter()
    for line in rows["parcel_line"]:
        if state[line["parcel_id"]] not in {"draft", "voided"}:
            sent[line["item_id"]] += line["quantity"]
    assert {i["id"]: i["shipped"] for i in rows["order_item"] if i["shipped"]} == sent


def test_every_sale_is_found_by_its_own_words_alone(rows: Tables) -> None:
    kept: dict[int, set[str]] = defaultdict(set)
    placed = {order["id"]: order["placed_at"] for order in rows["orders"]}
    for term in rows["search_term"]:
        kept[term["order_id"]].add(term["term"])
        assert term["placed_at"] == placed[term["order_id"]]
    for order_id, sale in sales(rows).items():
        if sale.order["heir_id"]:
            assert kept[order_id] == set()
            continue
        (buyer,), addresses = sale.rows["buyer"], sale.rows["address"]
        words = [str(sale.order["number"]), sale.order["external_id"], buyer["name"], buyer["username"]]
        parts = {row["order_id"] for row in rows["combined"] if row["heir_id"] == order_id}
        words += [x for o in rows["orders"] if o["id"] in parts for x in (str(o["number"]), o["external_id"])]
        words += [sale.order["gateway_code"]]
        words += [buyer["email"], *(text for a in addresses for text in (a["name"], a["postal_code"]))]
        words += [a["postal_code"].replace(" ", "") for a in addresses]
        items = sale.rows["order_item"]
        sold = [(i["type"], (i["title"], i["sku"], str(i["deal_number"] or ""))) for i in items]
        words += [text for _, texts in sold for text in texts]
        labels = [event["after"] for event in sale.rows["event"] if event["parcel_id"]]
        numbers = [after["number"] for after in labels if after.get("number")]
        words += [text for number in numbers for text in (number, number.replace(" ", ""))]
        deals = [text for kind, texts in sold if kind == 2 for text in texts]
        of_deals = terms(words[0], *deals) if deals else ()
        assert kept[order_id] == terms(*words) | {f"={term}" for term in of_deals}


def test_what_is_to_ship_is_due_by_the_stores_calendar(many: Flask, rows: Tables) -> None:
    with many.app_context():
        stores = {store.id: store for store in db.session.scalars(select(Store))}
        due = [order for order in copies(rows) if order["ship_by"] != FAR_FUTURE]
        assert due
        for order in due:
            since = order["paid_at"] or order["placed_at"]
            assert order["ship_by"] == stores[order["store_id"]].ship_by(since)
        for event in rows["event"]:  # in the history as well
            said = (event["after"] or {}).get("ship_by", FAR_FUTURE.isoformat())
            if event["verb"] == "confirm_payment" and said != FAR_FUTURE.isoformat():
                assert said == stores[event["store_id"]].ship_by(event["at"]).isoformat()


def test_what_a_file_dates_by_the_day_was_placed_at_midnight(rows: Tables) -> None:
    zones = {store["id"]: ZoneInfo(store["zone"]) for store in rows["store"]}
    dated = [sale for sale in sales(rows).values() if sale.order["is_day_only"] and sale.order["id"] > PLAYED]
    assert dated
    for sale in dated:
        placed = sale.order["placed_at"].astimezone(zones[sale.order["store_id"]])
        told = min(event["at"] for event in sale.rows["event"]).astimezone(placed.tzinfo)
        assert (placed.date(), placed.hour, placed.minute) == (told.date(), 0, 0)


def test_the_database_itself_finds_no_fault(many: Flask) -> None:
    with many.app_context():
        assert db.session.execute(text("PRAGMA foreign_key_check")).all() == []
        assert db.session.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def test_indexes_are_there_again_and_ids_go_on(many: Flask, rows: Tables, empty: Path) -> None:
    with desk_on(f"sqlite:///{empty}").app_context():
        before = tables_said()
    with many.app_context():
        assert tables_said() == before
        last = dict(db.session.execute(text("SELECT name, seq FROM sqlite_sequence")).all())
        told = db.session.execute(text("SELECT count(*), max(id) FROM event")).one()
    assert last["event"] == told[0] == told[1]
    for table in ("orders", "parcel", "buyer", "product"):
        assert last[table] == max(row["id"] for row in rows[table]) == len(rows[table])


def tables_said() -> set[Any]:
    """Return the tables and indexes that the database has, in its own words."""
    return set(db.session.execute(text("SELECT type, name, sql FROM sqlite_master")).all())


# --- the demo as a whole


@pytest.mark.postgresql
def test_both_databases_get_the_same_rows(rows: Tables, postgres_url: str) -> None:
    desk = filled(desk_on(postgres.fresh_database(postgres_url, f"bulk_{os.getpid()}")))
    assert all_rows(desk) == rows
    with desk.app_context():
        models = {table.name: table for table in Base.metadata.sorted_tables}
        found = inspect(db.engine)
        for name, table in models.items():
            assert {i["name"] for i in found.get_indexes(name)} >= {str(i.name) for i in table.indexes}
            assert len(found.get_foreign_keys(name)) == len(
                table.foreign_keys and table.foreign_key_constraints
            )
            assert found.get_pk_constraint(name)["constrained_columns"] == [c.name for c in table.primary_key]
        for name in ("orders", "event", "parcel", "buyer", "product"):
            following = db.session.execute(text(f"SELECT nextval(pg_get_serial_sequence('{name}', 'id'))"))
            assert following.scalar() == max(row["id"] for row in rows[name]) + 1 + (name == "event")
        db.session.remove()
        db.engine.dispose()


def test_a_demo_that_is_cut_off_leaves_nothing_and_another_process_loads_it_the_same(
    rows: Tables, empty: Path, tmp_path: Path
) -> None:
    class CutOff(Exception):
        pass

    def cut(done: int, of: int) -> None:
        if done > of * 0.9:  # most copies are made, and none is committed
            raise CutOff

    path = shutil.copy(empty, tmp_path)
    desk = desk_on(f"sqlite:///{path}")
    before = all_rows(desk)
    with pytest.raises(CutOff):
        filled(desk, progress=cut)
    assert all_rows(desk) == before
    with desk.app_context():
        assert not is_in_use()
        db.session.remove()
    told = f"from tests.demo.test_bulk import desk_on, filled; filled(desk_on('sqlite:///{path}'))"
    other = {**os.environ, "PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", told], cwd=ROOT, env=other, check=True)
    assert all_rows(desk) == rows


def test_its_progress_goes_from_nothing_to_all(many: Flask) -> None:
    done = [done for done, _ in HEARD]
    assert done == sorted(done)
    assert len(set(done)) > 300
    assert {of for _, of in HEARD} == {done[-1]}


def test_foreign_keys_hold_again_after_the_load(many: Flask) -> None:
    with many.app_context():
        assert db.session.execute(text("PRAGMA foreign_keys")).scalar() == 1


# --- what a real store looks like


def test_only_sales_that_are_over_are_old(rows: Tables) -> None:
    waiting = [order for order in copies(rows) if order["desk_state"] != "closed"]
    assert len(waiting) == (ORDERS - PLAYED) * 15 // 1000
    assert {order["desk_state"] for order in waiting} == {"unpaid", "to_ship", "shipped"}
    assert min(order["placed_at"] for order in waiting) > NOW - timedelta(days=26)
    oldest = min(order["placed_at"] for order in copies(rows))
    assert timedelta(days=1000) < NOW - oldest < timedelta(days=1110)


def test_buyers_come_back_to_the_channel_that_knows_them(rows: Tables) -> None:
    bought = Counter(order["buyer_id"] for order in copies(rows))
    channels = {(order["buyer_id"], order["channel"]) for order in rows["orders"]}
    assert len(bought) < 0.8 * bought.total()
    assert len(channels) == len(rows["buyer"])
    unknown = {b["id"] for b in rows["buyer"] if b["external_ref"] is None}
    assert all(bought[buyer_id] <= 1 for buyer_id in unknown)


def test_a_word_of_a_name_or_a_title_finds_few_sales(rows: Tables) -> None:
    found = Counter(term["term"] for term in rows["search_term"] if term["order_id"] > PLAYED)
    assert found["heron"] < 0.05 * ORDERS
    assert found["example"] > 0.3 * ORDERS  # it stands in every e-mail
    names = Counter(buyer["name"] for buyer in rows["buyer"])
    assert len(names) > 0.8 * len(rows["buyer"])
    families = Counter(name.split()[-1] for name in names)
    assert families.most_common(1)[0][1] < 0.03 * len(names)


SHAPES = {
    "intake": r"lot-\d{6}",
    "etsy": r"3\d{9}",
    "ebay": r"\d\d-\d{5}-\d{5}",
    "amazon": r"30\d-\d{7}-\d{7}",
    "shopify": r"#\d{5}",
    "square": r"[0-9A-Z]{22}",
}


def test_outside_ids_have_the_shape_of_their_channel(rows: Tables) -> None:
    assert len({order["channel"] for order in copies(rows)}) >= 8
    for order in copies(rows):
        if order["channel"] == "desk":
            assert order["external_id"] is None
        else:
            assert re.fullmatch(SHAPES.get(order["channel"], r"\d{7}"), order["external_id"])


def test_tracking_numbers_are_right_for_their_carriers(rows: Tables) -> None:
    sent = [p for p in rows["parcel"] if p["carrier"] in {"DHL", "UPS", "USPS", "Royal Mail", "FedEx"}]
    assert len({p["number"] for p in sent}) == len(sent) > 100
    for parcel in sent:
        assert parcel["carrier"] in {fit.carrier for fit in recognise(parcel["number"])}


def test_where_tax_hangs_on_the_region_a_copy_goes_to_the_same(rows: Tables) -> None:
    regions = {address["id"]: address["region"] for address in rows["address"]}
    taxed = [order for order in copies(rows) if order["tax_minor"]]
    assert taxed
    assert {regions[order["address_id"]] for order in taxed} == {"IL"}
