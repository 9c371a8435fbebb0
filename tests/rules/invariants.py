"""What must hold of a desk's rows, whatever was done: one pure function over a dump of them.

A second opinion, written from the law and the reference alone. It shares nothing with the desk's own proof
of its books (`flask verify`), so that a slip in one is not repeated by the other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Flask
from sqlalchemy import text

from app.db import Base, db

Row = dict[str, Any]
Dump = dict[str, list[Row]]
Key = tuple[str, int]

TABLES = (
    "combined", "event", "feedback", "guest_link", "note", "order_item", "orders", "outbox", "parcel",
    "parcel_line", "payment", "payout", "tally",
)  # fmt: skip
DEAD, HELD, OPEN = {5, 6, 7}, {10, 11}, {0, 1}
LEFT = {"shipped", "received", "returned"}
# (type, delivery, pickup) -> how it is fulfilled, and the statuses it may have beside 0, 1, 5, 6, 7, 10, 11.
STANDS = {
    "goods": {2, 3, 4},
    "pickup": {2, 3, 4, 9},
    "service": {2, 4},
    "deal": {2, 4, 8},
    "digital": {4},
    "donation": {4},
}


def dump(app: Flask) -> Dump:
    """Return the rows of the tables that are judged, as plain values."""
    with app.app_context():
        tables = {table.name: table for table in Base.metadata.sorted_tables}
        found = {}
        for name in TABLES:
            order = ", ".join(c.name for c in tables[name].primary_key.columns)
            names = [c.name for c in tables[name].columns]
            statement = text(f"SELECT {', '.join(names)} FROM {name} ORDER BY {order}").columns(
                *(c for c in tables[name].columns)
            )
            found[name] = [dict(zip(names, row, strict=True)) for row in db.session.execute(statement)]
        db.session.rollback()
        return found


def broken(rows: Dump) -> list[str]:
    """Return what is wrong with these rows, in words; nothing where all holds."""
    return [*_orders(rows), *_lines(rows), *_parcels(rows), *_mails(rows), *_books(rows), *_history(rows)]


def thawed(before: Dump, after: Dump) -> list[str]:
    """Return which paid sales are not what they were when they were paid: id, lines and total are frozen."""
    told = []
    lines: dict[str, dict[int, list[tuple[int, int, int]]]] = {}
    for name, rows in (("before", before), ("after", after)):
        lines[name] = defaultdict(list)
        for item in rows["order_item"]:
            frozen = (item["id"], item["quantity"], item["line_total_minor"])
            lines[name][item["order_id"]].append(frozen)
    now = {order["id"]: order for order in after["orders"]}
    for order in before["orders"]:
        if order["payment"] not in {1, 2, 5}:
            continue
        then = now.get(order["id"])
        if then is None or lines["before"][order["id"]] != lines["after"][order["id"]]:
            told.append(f"order {order['id']}: paid, and its lines changed")
        elif then["payment"] in {1, 2, 5} and then["total_minor"] != order["total_minor"]:
            told.append(f"order {order['id']}: paid, and its total changed")
    return told


def kind_of(item: Row) -> str:
    """Return how an item is fulfilled."""
    if item["type"] in {2, 3}:
        return "deal" if item["type"] == 2 else "donation"
    if item["delivery"] != "physical":
        return str(item["delivery"])
    return "pickup" if item["is_pickup"] else "goods"


def left_of(item: Row) -> int:
    """Return how many pieces of an item are neither shipped nor cancelled."""
    return int(item["quantity"] - item["shipped"] - item["cancelled"])


def unit_of(item: Row) -> int:
    """Return what one piece was sold at."""
    return int(item["price_minor"] if item["sale_price_minor"] is None else item["sale_price_minor"])


def by_order(rows: Dump, table: str) -> dict[int, list[Row]]:
    """Return the rows of a table by their order."""
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows[table]:
        found[row["order_id"]].append(row)
    return found


# --- orders and their money


def _orders(rows: Dump) -> Iterator[str]:
    """Yield what is wrong with orders, their money and their codes."""
    lines, payments, payouts = (by_order(rows, name) for name in ("order_item", "payment", "payout"))
    taken_up = {row["order_id"] for row in rows["combined"]}
    for order in rows["orders"]:
        mine = lines[order["id"]]
        if bool(mine) == (order["id"] in taken_up):
            yield f"order {order['id']}: lives and is taken up, or neither"
        if not mine:
            yield from (f"order {order['id']}: {wrong}" for wrong in _tombstone(order, rows["combined"]))
            continue
        for wrong in (
            *_total(order, mine),
            *_money(order, mine, payments[order["id"]]),
            *_payouts(order, mine, payouts[order["id"]]),
            *_codes(order, mine),
        ):
            yield f"order {order['id']}: {wrong}"
    known = {order["id"] for order in rows["orders"]}
    yield from (f"item {i['id']}: in no order" for i in rows["order_item"] if i["order_id"] not in known)


def _tombstone(order: Row, combined: list[Row]) -> Iterator[str]:
    """Yield what is wrong with an order that another one took up (law 5 and 6; promises P08, P11)."""
    mine = [row for row in combined if row["order_id"] == order["id"]]
    gone = {row["order_id"] for row in combined}
    if len(mine) != 1 or mine[0]["heir_id"] in gone:
        yield "it has no one heir that lives"
    elif order["heir_id"] != mine[0]["direct_heir_id"]:
        yield "it does not point to the order that took it up"
    if order["open_key"] or order["total_minor"] or order["payment"] or order["paid_at"]:
        yield "it is dead, and money is waited for or came in"


def _total(order: Row, lines: list[Row]) -> Iterator[str]:
    """Yield what is wrong with the sum."""
    parts = order["items_minor"] - order["discount_minor"] + order["postage_minor"] + order["tax_minor"]
    if order["total_minor"] != parts + order["adjustment_minor"]:
        yield "the total is not the sum of its parts"
    if order["items_minor"] != sum(item["line_total_minor"] for item in lines):
        yield "the items are not the sum of the lines"
    if order["total_minor"] < 0:
        yield "less than nothing is owed"


def _money(order: Row, lines: list[Row], payments: list[Row]) -> Iterator[str]:
    """Yield what is wrong between an order's payment, its lines and the money that moved."""
    came = {kind: sum(p["amount_minor"] for p in payments if p["kind"] == kind and p["status"] == "done")
            for kind in ("purchase", "void", "refund")}  # fmt: skip
    pending = [p for p in payments if p["status"] == "pending"]
    kept = came["purchase"] - came["void"]
    statuses = {item["status"] for item in lines}
    is_paid = order["payment"] in {1, 2, 5}
    if kept != (order["total_minor"] if is_paid else 0):
        yield f"{kept} was paid of {order['total_minor']} at payment {order['payment']}"
    if is_paid != (order["paid_at"] is not None):
        yield "the time of payment does not fit"
    if came["refund"] + sum(p["amount_minor"] for p in pending) > kept:
        yield "more goes back than was paid"
    if len(pending) > 1 or any(p["kind"] != "refund" for p in pending):
        yield "two refunds are under way"
    if 10 in statuses and not pending:
        yield "a line waits for a refund that is not under way"
    if order["payment"] == 0 and not statuses <= {0, 1, 6, 7}:
        yield "it is unpaid, and a line went on"
    if order["payment"] in {1, 2, 3} and statuses & OPEN:
        yield "it is paid, and a line waits for money"
    if order["payment"] in {4, 5} and not statuses <= DEAD:
        yield "it is given up, and a line lives"
    if order["payment"] == 0 and statuses <= DEAD:
        yield "all of it is dead, and money is waited for"
    if order["payment"] == 5 and came["refund"] != kept:
        yield "it counts as refunded, and not all went back"
    if order["payment"] != 0 and order["open_key"]:
        yield "it is paid, and may be combined"


def _payouts(order: Row, lines: list[Row], payouts: list[Row]) -> Iterator[str]:
    """Yield what is wrong with what goes to whom."""
    is_paid = order["payment"] in {1, 2, 5}
    if sum(p["amount_minor"] for p in payouts) != (order["total_minor"] if is_paid else 0):
        yield "the payouts do not add up to the total"
    for item in lines:
        mine = [p for p in payouts if p["item_id"] == item["id"]]
        gross = sum(p["amount_minor"] for p in mine)
        possible = {item["line_total_minor"] - n * unit_of(item) for n in range(item["cancelled"] + 1)}
        if is_paid and gross not in possible | {0}:
            yield f"the payouts of item {item['id']} do not add up to it"
        given = sum(p["amount_minor"] for p in mine if p["kind"] == "cause")
        share = Decimal(gross) * (item["donation_pct"] if item["cause_id"] else 0) / 100
        if given != int(share.quantize(Decimal(1), ROUND_HALF_UP)):
            yield f"the cause of item {item['id']} gets {given} of {gross}"
        if any(p["cause_id"] != (item["cause_id"] if p["kind"] == "cause" else None) for p in mine):
            yield f"a payout of item {item['id']} goes to a strange cause"
        ended = order["payment"] == 5 or item["status"] == 5
        if any(p["status"] == 4 for p in mine) and not (ended or item["status"] in DEAD):
            yield f"nobody is paid for item {item['id']}, which lives"
        if ended and any(p["status"] != 4 for p in mine):
            yield f"item {item['id']} is refunded, and somebody is paid for it"


def _codes(order: Row, lines: list[Row]) -> Iterator[str]:
    """Yield which codes of an order are not what its lines make them (reference 4.3; law, "Tabs")."""
    live = {item["status"] for item in lines} - DEAD
    dead = {item["status"] for item in lines} & DEAD
    goods = [item for item in lines if kind_of(item) == "goods"]
    if not live:
        status = 5 if 5 in dead else 7 if dead == {7} else 6
    elif live <= {4, 9}:
        status = 4
    else:
        status = 0 if live == {0} else 1 if live & OPEN else 2
    if order["status"] != status:
        yield f"its status is {order['status']}, not {status}"
    tab = "shipped" if 3 in live else "closed"
    tab = "to_ship" if live & {2, 8} else tab
    tab = "unpaid" if order["payment"] == 0 and live else tab
    if order["desk_state"] != tab:
        yield f"it stands under {order['desk_state']}, not {tab}"
    waits = any(item["status"] in {0, 1, 2} for item in goods)
    flag = 1 if any(item["shipped"] for item in goods) and not waits else 0
    if order["shipping"] != (flag if goods else -1) and not (goods and order["shipping"] == 2):
        yield f"its shipping flag is {order['shipping']}"
    if (order["ship_by"].year == 9999) == any(item["status"] == 2 for item in goods):
        yield "it is to leave by a day that does not fit"


# --- lines and parcels


def _lines(rows: Dump) -> Iterator[str]:
    """Yield what is wrong with lines."""
    for item in rows["order_item"]:
        kind, status, left = kind_of(item), item["status"], left_of(item)
        name = f"item {item['id']} ({kind}, {status})"
        if min(item["shipped"], item["cancelled"], item["returned"], left) < 0:
            yield f"{name}: less than no pieces"
        if item["returned"] > item["shipped"]:
            yield f"{name}: more came back than went out"
        if item["line_total_minor"] != item["quantity"] * unit_of(item):
            yield f"{name}: it does not come to its pieces"
        if (status in HELD) != (item["held_from"] is not None):
            yield f"{name}: held from {item['held_from']}"
        stood = item["held_from"] if status in HELD else status
        if stood not in STANDS[kind] | OPEN | DEAD or (status in HELD and stood in OPEN | DEAD):
            yield f"{name}: it cannot stand there"
        if status in DEAD and left:
            yield f"{name}: dead, and {left} are left"
        if kind == "goods" and stood in {3, 4} and left:
            yield f"{name}: sent, and {left} are left"
        if kind == "goods" and stood in {1, 2} and not left:
            yield f"{name}: waits, and nothing is left"
        if kind != "goods" and item["shipped"]:
            yield f"{name}: sent, and no goods"
        if item["download_units"] is not None and item["download_limit_type"] != "days" and (
            item["downloaded"] > item["download_units"]
        ):  # fmt: skip
            yield f"{name}: downloaded too often"


def _parcels(rows: Dump) -> Iterator[str]:
    """Yield what is wrong with parcels and what is in them."""
    items = {item["id"]: item for item in rows["order_item"]}
    buyers = {order["id"]: order["buyer_id"] for order in rows["orders"]}
    parcels = {parcel["id"]: parcel for parcel in rows["parcel"]}
    gone: Counter[int] = Counter()
    drafted: Counter[int] = Counter()
    filled = set()
    for line in rows["parcel_line"]:
        parcel, item = parcels[line["parcel_id"]], items[line["item_id"]]
        filled.add(parcel["id"])
        if kind_of(item) != "goods" or parcel["buyer_id"] != buyers[item["order_id"]]:
            yield f"parcel {parcel['id']}: item {item['id']} does not belong in it"
        if parcel["state"] in LEFT:
            gone[item["id"]] += line["quantity"]
        elif parcel["state"] == "draft":
            drafted[item["id"]] += line["quantity"]
    for item in items.values():
        if gone[item["id"]] != item["shipped"]:
            yield f"item {item['id']}: {item['shipped']} shipped, {gone[item['id']]} in parcels"
        if drafted[item["id"]] > left_of(item):
            yield f"item {item['id']}: a draft holds more than is left"
    for parcel in parcels.values():
        if parcel["state"] != "voided" and parcel["id"] not in filled:
            yield f"parcel {parcel['id']}: it is empty"
        if (parcel["state"] in LEFT) > (parcel["shipped_at"] is not None):
            yield f"parcel {parcel['id']}: it left at no time"
        if (parcel["state"] == "voided") != (parcel["voided_at"] is not None):
            yield f"parcel {parcel['id']}: it is voided, or at some time"


def _mails(rows: Dump) -> Iterator[str]:
    """Yield which mails and messages tell of parcels that were taken back, or do not tell of others."""
    parcels = {parcel["id"]: parcel for parcel in rows["parcel"]}
    for mail in rows["outbox"]:
        parcel_id = mail["payload"].get("parcel_id")
        is_voided = bool(parcel_id) and parcels[parcel_id]["state"] == "voided"
        if mail["kind"] == "parcel_shipped" and (mail["state"] == "dropped") != is_voided:
            yield f"mail {mail['id']}: {mail['state']}, and its parcel {parcels[parcel_id]['state']}"
        of = [parcels[parcel_id]["state"] for parcel_id in mail["payload"].get("parcels", ())]
        if of and (mail["state"] == "dropped") != all(state == "voided" for state in of):
            yield f"message {mail['id']}: {mail['state']}, and its parcels {of}"


# --- tally, words, history


def _books(rows: Dump) -> Iterator[str]:
    """Yield which figures of the tally are not what there is, and feedback given twice."""
    counted: Counter[tuple[int, str, str]] = Counter()
    deals = set()
    for item in rows["order_item"]:
        counted[item["store_id"], "item", str(int(item["status"]))] += 1
        if item["type"] == 2:
            deals.add(item["order_id"])
            counted[item["store_id"], "deal_item", str(int(item["status"]))] += 1
    for order in rows["orders"]:
        counted[order["store_id"], "order", order["desk_state"]] += order["heir_id"] is None
        if order["id"] in deals:
            counted[order["store_id"], "deal_order", order["desk_state"]] += 1
    kept = {(t["store_id"], t["grain"], t["code"]): t["n"] for t in rows["tally"] if t["n"]}
    counted = Counter({key: n for key, n in counted.items() if n})
    for key in sorted(kept.keys() ^ counted.keys() | {k for k in kept if kept[k] != counted[k]}):
        yield f"tally {key}: {kept.get(key, 0)}, not {counted[key]}"
    said = Counter((f["item_id"], f["direction"]) for f in rows["feedback"])
    yield from (f"feedback on {key}: {n} times" for key, n in said.items() if n > 1)


def _history(rows: Dump) -> Iterator[str]:
    """Yield where the history, replayed, does not give the present, or tells twice of a row."""
    told: dict[Key, Row] = {}
    yield from _replay(rows, told)
    inside: dict[int, dict[str, int]] = defaultdict(dict)
    for line in rows["parcel_line"]:
        inside[line["parcel_id"]][str(line["item_id"])] = line["quantity"]
    for parcel in rows["parcel"]:
        if told.get(("parcel", parcel["id"]), {}).pop("inside", {}) != inside[parcel["id"]]:
            yield f"parcel {parcel['id']}: the history does not say what is in it"
    for table in ("orders", "order_item", "parcel", "payment", "payout", "note", "feedback", "guest_link"):
        for row in rows[table]:
            for name, value in told.pop((table, row["id"]), {"history": 1}).items():
                if _plain(row.get(name), name) != value:
                    yield f"{table} {row['id']}: {name} is {row.get(name)}, the history says {value}"
    yield from (f"{key}: only the history knows it" for key in told)


def _replay(rows: Dump, told: dict[Key, Row]) -> Iterator[str]:
    """Replay the history into `told`; yield where an event does not fit those before it."""
    acts: Counter[tuple[str, int, int]] = Counter()
    for event in rows["event"]:
        if event["order_id"] is None:
            continue  # the store's own history: settings, webhooks
        key = _key(event)
        acts[*key, event["act_id"]] += 1
        if (event["before"] is None) == (key in told):
            yield f"{key}: made twice, or changed before it was made"
        was = told.setdefault(key, {})
        for name, value in (event["before"] or {}).items():
            if was.get(name, value) != value:
                yield f"{key}: {name} was {was[name]}, not {value}"
        was.update(event["after"] or {})
        if event["after"] is None:
            told.pop(key)
    yield from (f"{key}: told twice in one act" for key, n in acts.items() if n > 1)


def _key(event: Row) -> Key:
    """Return the table and the id of the row that an event is of."""
    if event["row_kind"]:
        return event["row_kind"], event["row_id"]
    for table, name in (("order_item", "item_id"), ("parcel", "parcel_id")):
        if event[name]:
            return table, event[name]
    return "orders", event["order_id"]


def _plain(value: Any, name: str) -> Any:
    """Return a value as the history keeps it."""
    if name == "ack":
        return value is not None
    if name == "open_key":
        return bool(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
