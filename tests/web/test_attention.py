"""What needs attention: the whole matrix of the four flags and the age, and what ends each entry."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from app.access import SYSTEM
from app.actions import buyers_word, problems
from app.actions.audit import audit
from app.actions.parcels import Tracking, ship
from app.actions.payment import confirm_payment
from app.actions.rollup import attention_at
from app.db import db
from app.models import Order
from app.models.shop import FAR_FUTURE
from app.queries import attention
from app.queries.attention import Attention
from app.statuses import Payment
from tests.factories import GOODS, Factory
from tests.rules.books import everything
from tests.web.pages import Browser, listed, tabs, take_in_many, words
from tests.web.pages import purchase as bought

pytestmark = pytest.mark.both

Browse = Callable[[str], Browser]
PAGE = "/stores/papershop/attention"
NOW = datetime.now(UTC)
LONG_AGO, LATELY = NOW - timedelta(days=20), NOW - timedelta(hours=1)

# Columns: the buyer's words on payment (0 nothing, 1 paid, 3 on arrival) and, below it, on shipping (0 waits,
# 1 received, 2 problem). Cells: P says paid, R says received and is not shipped, L late, W not received,
# X problem.
MATRIX = """
buyer says payment   0   0   0   1   1   1   3   3   3
buyer says shipping  0   1   2   0   1   2   0   1   2
pay 0 ship -1 new    .   .   X   P   P   PX  .   .   X
pay 0 ship -1 old    .   .   X   P   P   PX  .   .   X
pay 0 ship 0 new     .   .   X   P   P   PX  .   .   X
pay 0 ship 0 old     .   .   X   P   P   PX  .   .   X
pay 0 ship 1 new     .   .   X   P   P   PX  .   .   X
pay 0 ship 1 old     .   .   X   P   P   PX  .   .   X
pay 0 ship 2 new     X   X   X   PX  PX  PX  X   X   X
pay 0 ship 2 old     X   X   X   PX  PX  PX  X   X   X
pay 1 ship -1 new    .   .   X   .   .   X   .   .   X
pay 1 ship -1 old    .   .   X   .   .   X   .   .   X
pay 1 ship 0 new     .   R   X   .   R   X   .   R   X
pay 1 ship 0 old     L   RL  LX  L   RL  LX  L   RL  LX
pay 1 ship 1 new     .   .   X   .   .   X   .   .   X
pay 1 ship 1 old     W   .   X   W   .   X   W   .   X
pay 1 ship 2 new     X   X   X   X   X   X   X   X   X
pay 1 ship 2 old     X   X   X   X   X   X   X   X   X
pay 2 ship -1 new    .   .   X   .   .   X   .   .   X
pay 2 ship -1 old    .   .   X   .   .   X   .   .   X
pay 2 ship 0 new     .   R   X   .   R   X   .   R   X
pay 2 ship 0 old     L   RL  LX  L   RL  LX  L   RL  LX
pay 2 ship 1 new     .   .   X   .   .   X   .   .   X
pay 2 ship 1 old     W   .   X   W   .   X   W   .   X
pay 2 ship 2 new     X   X   X   X   X   X   X   X   X
pay 2 ship 2 old     X   X   X   X   X   X   X   X   X
pay 3 ship -1 new    .   .   X   .   .   X   .   .   X
pay 3 ship -1 old    .   .   X   .   .   X   .   .   X
pay 3 ship 0 new     .   R   X   .   R   X   .   R   X
pay 3 ship 0 old     L   RL  LX  L   RL  LX  L   RL  LX
pay 3 ship 1 new     .   .   X   .   .   X   .   .   X
pay 3 ship 1 old     W   .   X   W   .   X   W   .   X
pay 3 ship 2 new     X   X   X   X   X   X   X   X   X
pay 3 ship 2 old     X   X   X   X   X   X   X   X   X
pay 4 ship -1 new    .   .   X   .   .   X   .   .   X
pay 4 ship -1 old    .   .   X   .   .   X   .   .   X
pay 4 ship 0 new     .   .   X   .   .   X   .   .   X
pay 4 ship 0 old     .   .   X   .   .   X   .   .   X
pay 4 ship 1 new     .   .   X   .   .   X   .   .   X
pay 4 ship 1 old     .   .   X   .   .   X   .   .   X
pay 4 ship 2 new     X   X   X   X   X   X   X   X   X
pay 4 ship 2 old     X   X   X   X   X   X   X   X   X
pay 5 ship -1 new    .   .   X   .   .   X   .   .   X
pay 5 ship -1 old    .   .   X   .   .   X   .   .   X
pay 5 ship 0 new     .   .   X   .   .   X   .   .   X
pay 5 ship 0 old     .   .   X   .   .   X   .   .   X
pay 5 ship 1 new     .   .   X   .   .   X   .   .   X
pay 5 ship 1 old     .   .   X   .   .   X   .   .   X
pay 5 ship 2 new     X   X   X   X   X   X   X   X   X
pay 5 ship 2 old     X   X   X   X   X   X   X   X   X
"""
LETTERS = {
    "P": Attention.PAID,
    "R": Attention.RECEIVED,
    "L": Attention.LATE,
    "W": Attention.WAITING,
    "X": Attention.PROBLEM,
}


def cells() -> list[tuple[dict[str, Any], set[Attention]]]:
    """Read the matrix: the columns of an order, and what it needs somebody for."""
    first, second, *lines = MATRIX.strip().splitlines()
    payments, shippings = ([int(word) for word in line.split()[3:]] for line in (first, second))
    found = []
    for line in lines:
        _, payment, _, shipping, age, *entries = line.split()
        for buyer_payment, buyer_shipping, letters in zip(payments, shippings, entries, strict=True):
            flags = {
                "payment": int(payment),
                "shipping": int(shipping),
                "buyer_payment": buyer_payment,
                "buyer_shipping": buyer_shipping,
            }
            kinds = {LETTERS[letter] for letter in letters.replace(".", "")}
            found.append((flags | standing(int(payment), int(shipping), age == "old"), kinds))
    return found


def standing(payment: int, shipping: int, is_old: bool) -> dict[str, Any]:
    """Return what a sale with these flags is like: its tab, when it left or is to leave."""
    is_paid = payment in {1, 2, 3}
    tab = {-1: "closed", 0: "to_ship", 1: "shipped", 2: "shipped"}[shipping] if is_paid else "closed"
    due = LONG_AGO if is_old else NOW + timedelta(days=1)
    return {
        "desk_state": tab if payment else "unpaid",
        "ship_by": due if is_paid and shipping == 0 else FAR_FUTURE,
        "sent_at": (LONG_AGO if is_old else LATELY) if shipping > 0 else None,
        "placed_at": LONG_AGO,
    }


def needs(app: Flask, order_id: int | None = None) -> dict[int, set[Attention]]:
    """Return what sales of papershop need somebody for, as the list says it."""
    found: dict[int, set[Attention]] = {}
    with app.app_context():
        store_id = db.session.query(Order.store_id).limit(1).scalar()
        after = None
        while True:
            page = attention.page(
                store_id, None, received_days=14, now=datetime.now(UTC), after=after, before=None
            )
            for row in page.rows:
                found[row.id] = {kind for kind in Attention if getattr(row, f"is_{kind.value}")}
            if page.after is None:
                return found if order_id is None else {order_id: found.get(order_id, set())}
            after = page.after


def test_the_whole_matrix_of_flags_and_age_gives_the_expected_entries(app: Flask, make: Factory) -> None:
    table = cells()
    assert len(table) == 6 * 4 * 3 * 3 * 2
    with app.app_context():
        order_id = make.sale(placed_at=LATELY)
        sale = db.session.execute(select(Order.__table__).filter_by(id=order_id)).one()._asdict()
        ids = range(100_001, 100_001 + len(table))
        rows = [
            {**sale, "id": n, "number": n, "external_id": f"cell-{n}", **columns}
            for n, (columns, _) in zip(ids, table, strict=True)
        ]
        for row in rows:
            row["attention_at"] = attention_at(Order(**row), [], 14)
        db.session.execute(insert(Order.__table__), rows)
        db.session.commit()
        store_id = db.session.query(Order.store_id).limit(1).scalar()
        counted = attention.counts(store_id, 14, datetime.now(UTC))
    expected = {order_id: kinds for order_id, (_, kinds) in zip(ids, table, strict=True) if kinds}
    assert needs(app) == expected
    sums = {kind.value: sum(kind in kinds for kinds in expected.values()) for kind in Attention}
    assert counted == {"all": 100, **{kind: min(n, 100) for kind, n in sums.items()}}


def late(app: Flask, make: Factory) -> int:
    """Make a sale that should have left."""
    return make.sale(GOODS, placed_at=LONG_AGO)


def waiting(app: Flask, make: Factory) -> int:
    """Make a sale that left long ago."""
    order_id = make.sale(GOODS, placed_at=LONG_AGO - timedelta(days=1))
    acted(app, ship, order_id, {make.items_of(order_id)[0]: 5}, tracking=Tracking("DHL", "W-1"), at=LONG_AGO)
    return order_id


def says_paid(app: Flask, make: Factory) -> int:
    """Make a sale whose buyer says that it is paid."""
    order_id = make.sale(GOODS, paid=None, placed_at=LATELY)
    acted(app, buyers_word.say_paid, order_id, Payment.PAID)
    return order_id


def says_received(app: Flask, make: Factory) -> int:
    """Make a sale whose buyer has received what was sent, and a part of it waits here to be shipped."""
    order_id = make.sale(GOODS, GOODS, placed_at=LATELY)
    first, _ = make.items_of(order_id)
    acted(app, ship, order_id, {first: 5})
    acted(app, buyers_word.receive, order_id)
    return order_id


def disputed(app: Flask, make: Factory) -> int:
    """Make a sale that its buyer disputes."""
    order_id = make.sale(GOODS, placed_at=LATELY)
    acted(app, ship, order_id, {make.items_of(order_id)[0]: 5})
    acted(app, problems.dispute, order_id, None, "One is torn.")
    return order_id


def acted(app: Flask, deed: Callable[..., Any], order_id: int, *args: Any, **given: Any) -> None:
    """Do an act on a sale and commit it."""
    with app.app_context():
        store_id = db.session.get_one(Order, order_id).store_id
        deed(order_id, *args, actor=SYSTEM, store_id=store_id, **given)
        db.session.commit()


Deed = Callable[[Flask, Factory, Browser, int], object]


def mark_paid(app: Flask, make: Factory, owner: Browser, order_id: int) -> object:
    return owner.post(f"/stores/papershop/sales/{order_id}/paid?in=attention", {"payment": "1"})


def ship_all(app: Flask, make: Factory, owner: Browser, order_id: int) -> object:
    left = {f"pieces-{item.id}": str(item.left) for item in make.sale_row(order_id).items}
    return owner.post(f"/stores/papershop/sales/{order_id}/ship", {**left, "no_number": "1"})


def answer(app: Flask, make: Factory, owner: Browser, order_id: int) -> object:
    return owner.post(f"/stores/papershop/sales/{order_id}/resolve?in=attention", {"words": "Sorry."})


def receive(app: Flask, make: Factory, owner: Browser, order_id: int) -> object:
    try:
        return acted(app, buyers_word.receive, order_id)
    except Exception:  # where nothing of it can be received
        with app.app_context():
            return db.session.rollback()


def look_and_write(app: Flask, make: Factory, owner: Browser, order_id: int) -> object:
    owner.get(f"/stores/papershop/sales/{order_id}")
    owner.get(PAGE)
    return owner.post(f"/stores/papershop/sales/{order_id}/notes", {"body": "Seen"})


def correct_number(app: Flask, make: Factory, owner: Browser, order_id: int) -> object:
    item_id = make.items_of(order_id)[0]
    return owner.post(f"/stores/papershop/items/{item_id}", {"tracking_number": "N-9"})


MADE = {
    Attention.PAID: (says_paid, mark_paid),
    Attention.PROBLEM: (disputed, answer),
    Attention.RECEIVED: (says_received, ship_all),
    Attention.LATE: (late, ship_all),
    Attention.WAITING: (waiting, receive),
}
DEEDS: tuple[Deed, ...] = (mark_paid, answer, ship_all, receive, look_and_write, correct_number)


@pytest.mark.parametrize("kind", Attention)
def test_an_entry_goes_by_its_one_act_and_by_nothing_else(
    app: Flask, make: Factory, browse: Browse, kind: Attention
) -> None:
    begin, ending = MADE[kind]
    order_id, owner = begin(app, make), browse("owner")
    assert needs(app, order_id)[order_id] == {kind}
    for deed in DEEDS:
        if deed is not ending:
            deed(app, make, owner, order_id)
            assert kind in needs(app, order_id)[order_id], deed.__name__
    ending(app, make, owner, order_id)
    assert kind not in needs(app, order_id)[order_id]
    with app.app_context():
        assert [proof for proof in audit() if proof.broken] == []


def test_the_page_shows_each_with_its_act_and_since_when(app: Flask, make: Factory, browse: Browse) -> None:
    ids = {kind: begin(app, make) for kind, (begin, _) in MADE.items()}
    owner = browse("owner")
    page = owner.get(PAGE).text
    assert set(listed(page)) == set(ids.values())
    assert tabs(page) == {
        "All": "5",
        "Problem": "1",
        "Says paid": "1",
        "Says received": "1",
        "Late": "1",
        "Not received": "1",
    }
    said = words(page)
    assert "The buyer says it is paid, just now; here it is unpaid." in said
    assert "days late, by your calendar." in said
    assert ", DHL W-1" in said
    for kind, order_id in ids.items():
        (row,) = re.findall(rf'<tbody id="sale-{order_id}".*?</tbody>', page, re.DOTALL)
        assert re.findall(r'data-need="(\w+)"', row) == [kind.value]
        alone = owner.get(f"{PAGE}?kind={kind.value}").text
        assert listed(alone) == [order_id]
    assert f'href="/stores/papershop/sales/{ids[Attention.LATE]}/ship?' in page
    waits = words(owner.get(f"{PAGE}?kind=waiting").text)
    assert "14 days after it was sent, until its buyer says that it came" in waits
    assert f'href="/stores/papershop/sales/{ids[Attention.WAITING]}#parcel-' in page


def test_an_act_leads_back_to_what_is_left(app: Flask, make: Factory, browse: Browse) -> None:
    order_id, owner = says_paid(app, make), browse("owner")
    done = mark_paid(app, make, owner, order_id)
    assert done.location == PAGE  # type: ignore[attr-defined]
    page = owner.get(PAGE).text
    assert "is marked as paid" in words(page)
    assert "Nothing needs attention" in words(page)


def test_every_page_and_the_tab_of_the_list_say_how_many(app: Flask, make: Factory, browse: Browse) -> None:
    ids = [late(app, make), says_paid(app, make)]
    make.sale(GOODS, placed_at=LATELY)
    owner = browse("owner")
    for path in ("/sales", "/items", "/parcels", "/import", "/attention", f"/sales/{ids[0]}"):
        page = owner.get(f"/stores/papershop{path}").text
        assert "Needs attention 2" in words(page), path
    page = owner.get("/stores/papershop/sales?tab=attention").text
    assert set(listed(page)) == set(ids)
    assert tabs(page)["Needs attention"] == "2"
    assert listed(owner.get("/stores/papershop/sales?tab=attention&sort=oldest").text) == ids
    assert listed(owner.get("/stores/papershop/sales?tab=attention&q=nobody").text) == []


def test_more_than_a_hundred_are_said_as_such(app: Flask, browse: Browse) -> None:
    take_in_many(app, [bought(n) for n in range(101)])
    owner = browse("owner")
    assert "Needs attention 100+" in words(owner.get("/stores/papershop/items").text)
    assert "Late 100+" in words(owner.get(PAGE).text)


def test_pages_of_it_follow_each_other(app: Flask, browse: Browse) -> None:
    ids = take_in_many(app, [bought(n) for n in range(60)])
    owner, seen, path = browse("owner"), [], PAGE
    while path:
        page = owner.get(path).text
        seen += listed(page)
        further = re.search(r'href="([^"]+)" rel="next"', page)
        path = further[1].replace("&amp;", "&") if further else ""
    assert len(seen) == 60
    assert set(seen) == set(ids)


@pytest.mark.parametrize("query", ["kind=whim", "kind=late&kind=paid", "after=x", "status=2"])
def test_what_is_wrongly_asked_shows_no_rows(app: Flask, make: Factory, browse: Browse, query: str) -> None:
    late(app, make)
    answered = browse("owner").get(f"{PAGE}?{query}")
    assert answered.status_code == 422
    assert listed(answered.text) == []
    assert 'role="alert"' in answered.text


def test_vendors_see_none_of_it(app: Flask, make: Factory, browse: Browse) -> None:
    late(app, make)
    vendor = browse("vendor")
    assert vendor.get(PAGE).status_code == 403
    page = vendor.get("/stores/papershop/sales").text
    assert "Needs attention" not in page
    assert "Parcels" not in page


@pytest.mark.parametrize(
    ("channel", "days", "is_needed"),
    [
        ("etsy", 15, False),
        ("etsy", 13, True),
        ("file", 400, False),
        ("desk", 400, True),
        ("intake", 15, True),
    ],
)
def test_what_was_over_before_an_import_never_needs_attention(
    app: Flask, make: Factory, channel: str, days: int, is_needed: bool
) -> None:
    order_id = make.sale(GOODS, channel=channel, placed_at=datetime.now(UTC) - timedelta(days=days))
    assert bool(needs(app, order_id)[order_id]) == is_needed
    acted(app, ship, order_id, {make.items_of(order_id)[0]: 5})
    acted(app, problems.dispute, order_id, None, "")
    assert bool(needs(app, order_id)[order_id]) == is_needed


def test_looking_changes_nothing(app: Flask, make: Factory, browse: Browse) -> None:
    late(app, make)
    owner = browse("owner")
    owner.get(PAGE)
    before = everything(app)
    owner.get(f"{PAGE}?kind=late")
    owner.get("/stores/papershop/sales?tab=attention")
    assert everything(app) == before


def test_a_sale_that_is_not_paid_any_more_is_again_what_the_buyer_says(app: Flask, make: Factory) -> None:
    order_id = says_paid(app, make)
    acted(app, confirm_payment, order_id, code=Payment.PAID)
    assert needs(app, order_id)[order_id] == set()
    acted(app, buyers_word.say_paid, order_id, Payment.UNPAID)
    with app.app_context():
        db.session.execute(update(Order).where(Order.id == order_id).values(placed_at=LATELY))
        db.session.commit()
    assert needs(app, order_id)[order_id] == set()
