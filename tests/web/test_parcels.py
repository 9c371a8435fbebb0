"""The page of parcels, sending drafts and taking back; and several sales in one parcel from the ship form."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.access import SYSTEM
from app.actions.audit import audit
from app.actions.problems import report_problem
from app.actions.purchases import BuyerSaid
from app.db import db
from app.models import Order, Outbox, Parcel
from tests.factories import GOODS, Factory, LineSaid
from tests.rules.books import events, everything, parcels
from tests.web.pages import Browser, link, listed, tabs, value_of, words

pytestmark = pytest.mark.both

Browse = Callable[[str], Browser]
PAGE = "/stores/papershop/parcels"
BUYER = BuyerSaid("Maja Kowalczyk", "maja", ref="m-1")


def date_of(app: Flask, parcel_id: int, at: datetime) -> None:
    """Let a parcel have left then."""
    with app.app_context():
        db.session.execute(update(Parcel).where(Parcel.id == parcel_id).values(shipped_at=at, dated_at=at))
        db.session.commit()


def many(app: Flask, make: Factory, n: int) -> list[int]:
    """Make so many parcels of one sale, a minute apart; return their ids, the newest first."""
    order_id = make.sale(LineSaid("Card", n, 450))
    (item_id,) = make.items_of(order_id)
    ids = [make.ship(order_id, {item_id: 1}, number=f"N-{k}") for k in range(n)]
    for k, parcel_id in enumerate(ids):
        date_of(app, parcel_id, datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=k - k // 3))
    return ids[::-1]


def test_a_row_says_what_is_inside_for_whom_and_under_which_number(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    parcel_id = make.ship(
        order_id, {make.items_of(order_id)[0]: 2}, number="1Z5R89390357567127", carrier="UPS"
    )
    page = browse("owner").get(PAGE).text
    assert listed(page, "parcel") == [parcel_id]
    number = make.sale_row(order_id).number
    assert f"1Z5R89390357567127 UPS Maja Kowalczyk {number} 2 × Letterpress card" in words(page)
    assert re.search(r'href="https://[^"]*1Z5R89390357567127[^"]*" rel="noreferrer noopener"', page)
    assert f'href="/stores/papershop/sales/{order_id}"' in page
    assert f'href="/stores/papershop/sales/{order_id}#parcel-{parcel_id}"' in page


def test_tabs_tell_drafts_what_was_sent_and_problems_apart(app: Flask, make: Factory, browse: Browse) -> None:
    first, second = make.sale(GOODS), make.sale(GOODS)
    draft = make.label(first, {make.items_of(first)[0]: 1}, "D-1")
    sent = make.ship(first, {make.items_of(first)[0]: 1})
    wrong = make.ship(second, {make.items_of(second)[0]: 1})
    with app.app_context():
        store_id = db.session.get_one(Order, second).store_id
        report_problem(second, actor=SYSTEM, store_id=store_id)
        db.session.commit()
    owner = browse("owner")
    page = owner.get(PAGE).text
    assert set(listed(page, "parcel")) == {draft, sent, wrong}
    assert tabs(page) == {"Drafts": "1", "Problem": "1"}
    for tab, ids in (("drafts", {draft}), ("sent", {sent, wrong}), ("problem", {wrong})):
        assert set(listed(owner.get(f"{PAGE}?tab={tab}").text, "parcel")) == ids


def test_a_carrier_and_a_whole_day_of_the_stores_zone_narrow_it(
    app: Flask, make: Factory, browse: Browse
) -> None:
    order_id = make.sale(GOODS)
    (item_id,) = make.items_of(order_id)
    # Berlin is an hour ahead of UTC in November.
    times = {"DHL": "2026-11-20T22:59:59", "UPS": "2026-11-20T23:00:00", "GLS": "2026-11-21T22:59:59"}
    ids = {}
    for carrier, at in times.items():
        ids[carrier] = make.ship(order_id, {item_id: 1}, carrier)
        date_of(app, ids[carrier], datetime.fromisoformat(at).replace(tzinfo=UTC))
    owner = browse("owner")
    assert listed(owner.get(f"{PAGE}?carrier=UPS").text, "parcel") == [ids["UPS"]]
    day = owner.get(f"{PAGE}?day=2026-11-21").text
    assert listed(day, "parcel") == [ids["GLS"], ids["UPS"]]
    assert value_of(day, "day") == "2026-11-21"
    both = owner.get(f"{PAGE}?tab=sent&carrier=GLS&day=2026-11-21").text
    assert listed(both, "parcel") == [ids["GLS"]]
    assert listed(owner.get(f"{PAGE}?carrier=ups%27--").text, "parcel") == []


def test_pages_follow_each_other_there_and_back(app: Flask, make: Factory, browse: Browse) -> None:
    ids, owner = many(app, make, 60), browse("owner")
    seen, back, path = [], [], f"{PAGE}?tab=sent"
    while path:
        page = owner.get(path).text
        seen += [listed(page, "parcel")]
        last, path = path, link(page, "next") or ""
    assert [row for rows in seen for row in rows] == ids
    path = last
    while path:
        page = owner.get(path).text
        back = [listed(page, "parcel"), *back]
        path = link(page, "prev") or ""
    assert back == seen


@pytest.mark.parametrize("query", ["tab=lost", "day=2026-13-01", "after=1", "q=x", "carrier=" + "x" * 65])
def test_what_is_wrongly_asked_shows_no_rows(make: Factory, browse: Browse, query: str) -> None:
    order_id = make.sale(GOODS)
    make.ship(order_id, {make.items_of(order_id)[0]: 1})
    answer = browse("owner").get(f"{PAGE}?{query}")
    assert answer.status_code == 422
    assert listed(answer.text, "parcel") == []


@pytest.mark.parametrize("part", [False, True])
def test_a_draft_is_sent_from_its_row(app: Flask, make: Factory, browse: Browse, part: bool) -> None:
    order_id = make.sale(GOODS)
    draft = make.label(order_id, {make.items_of(order_id)[0]: 2}, "D-1")
    owner = browse("owner")
    answer = owner.post(f"{PAGE}/{draft}/send?tab=drafts", {"version": "1"}, part=part)
    if part:
        assert listed(answer.text, "parcel") == [draft]
        assert "Parcel D-1 is sent." in words(answer.text)
    else:
        assert (answer.status_code, answer.location) == (303, f"{PAGE}?tab=drafts")
    assert [p.state for p in parcels(app)] == ["shipped"]
    assert make.sale_row(order_id).items[0].shipped == 2
    with app.app_context():
        assert list(db.session.scalars(select(Outbox.kind))) == ["parcel_shipped"]
    again = owner.post(f"{PAGE}/{draft}/send", {"version": "1"}, part=part)
    assert again.status_code == 409
    assert "somebody was quicker" in again.text
    assert make.sale_row(order_id).items[0].shipped == 2


def test_a_parcel_is_taken_back_from_its_row_once(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    parcel_id = make.ship(order_id, {make.items_of(order_id)[0]: 5})
    owner = browse("owner")
    assert "Undo" in words(owner.get(PAGE).text)
    assert owner.post(f"{PAGE}/{parcel_id}/void", {}).location == PAGE
    assert make.sale_row(order_id).items[0].shipped == 0
    before = everything(app)
    assert owner.post(f"{PAGE}/{parcel_id}/void", {}).status_code == 409
    assert everything(app) == before
    page = owner.get(PAGE).text
    assert "Voided" in words(page)
    assert f"/{parcel_id}/void" not in page


def test_a_draft_is_sent_from_the_page_of_its_sale(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    draft = make.label(order_id, {make.items_of(order_id)[0]: 5}, "D-1")
    owner = browse("owner")
    sale = f"/stores/papershop/sales/{order_id}"
    page = owner.get(sale).text
    assert "Send it now" in page
    assert value_of(page, "tracking_number") == "D-1"
    action = re.search(rf'action="([^"]*/parcels/{draft}/send[^"]*)"', page)
    assert action
    assert owner.post(action[1], {"version": "1"}).location == sale
    assert make.sale_row(order_id).desk_state == "shipped"


def test_the_search_finds_a_sale_by_its_parcels_number(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    make.sale(GOODS)
    make.label(order_id, {make.items_of(order_id)[0]: 1}, "SEEK-77")
    assert listed(browse("owner").get("/stores/papershop/sales?q=seek-77").text) == [order_id]


def test_vendors_and_others_see_none_of_it(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    draft = make.label(order_id, {make.items_of(order_id)[0]: 1}, "D-1")
    for who, status in (("vendor", 403), ("stranger", 404), ("owner2", 404)):
        browser = browse(who)
        assert browser.get(PAGE).status_code == status
        assert browser.post(f"{PAGE}/{draft}/send", {}).status_code == status
    assert browse("owner2").post(f"/stores/othershop/parcels/{draft}/void", {}).status_code == 404


def ship_form(make: Factory, *order_ids: int, **more: str) -> dict[str, str]:
    """Return what the ship form of the first sale sends, with the others ticked."""
    first, *others = order_ids
    return {
        "version": str(make.sale_row(first).version),
        "tracking_number": "T-1",
        "notify": "1",
        **{f"pieces-{item_id}": "5" for item_id in make.items_of(first)},
        **{f"with-{other}": str(make.sale_row(other).version) for other in others},
        **more,
    }


@pytest.mark.parametrize("place", ["page", "alone"])
def test_ticked_sales_of_the_buyer_go_in_the_same_parcel(
    app: Flask, make: Factory, browse: Browse, place: str
) -> None:
    ids = [make.sale(GOODS, buyer=BUYER) for _ in range(3)]
    path, owner = f"/stores/papershop/sales/{ids[0]}", browse("owner")
    page = owner.get(path if place == "page" else f"{path}/ship").text
    assert "2 more sales of this buyer go to the same address" in words(page)
    assert all(f'name="with-{other}"' in page for other in ids[1:])
    answer = owner.post(f"{path}/ship?in={place}", ship_form(make, *ids[:2]))
    assert answer.status_code == 303
    (parcel,) = parcels(app)
    assert parcel.inside == dict.fromkeys(make.items_of(ids[0]) + make.items_of(ids[1]), 5)
    assert [make.sale_row(order_id).desk_state for order_id in ids] == ["shipped", "shipped", "to_ship"]
    numbers = [make.sale_row(order_id).number for order_id in ids]
    said = words(owner.get(path).text)
    assert f"Sales {numbers[0]} and {numbers[1]}: 10 pieces shipped, number T-1." in said
    for n in (0, 1):
        sale = words(owner.get(f"/stores/papershop/sales/{ids[n]}").text)
        assert f"In it too: goods of sale {numbers[1 - n]}" in sale
        assert "Owner shipped 5 pieces under T-1" in sale
    told = [e for order_id in ids for e in events(app, order_id) if e.parcel_id]
    assert len(told) == 1
    with app.app_context():
        assert [proof for proof in audit() if proof.broken] == []


def test_the_row_of_the_list_ships_alone(make: Factory, browse: Browse) -> None:
    first, _ = (make.sale(GOODS, buyer=BUYER) for _ in range(2))
    part = browse("owner").get(f"/stores/papershop/sales/{first}/ship?in=row", part=True)
    assert "with-" not in part.text


def test_a_ticked_sale_that_changed_meanwhile_stops_all_and_stays_ticked(
    app: Flask, make: Factory, browse: Browse
) -> None:
    first, second = (make.sale(GOODS, buyer=BUYER) for _ in range(2))
    sent = ship_form(make, first, second)
    make.ship(second, {make.items_of(second)[0]: 1})
    owner = browse("owner")
    before = everything(app)
    answer = owner.post(f"/stores/papershop/sales/{first}/ship?in=page", sent)
    assert answer.status_code == 409
    assert "A sale that you ticked was changed meanwhile." in answer.text
    assert re.search(rf'name="with-{second}" value="\d+" checked', answer.text)
    assert everything(app) == before


@pytest.mark.parametrize("name", ["with-999999", "with-x", "with-{foreign}", "with-{unpaid}", "with-{own}"])
def test_only_sales_that_may_go_along_can_be_ticked(
    app: Flask, make: Factory, browse: Browse, name: str
) -> None:
    own = make.sale(GOODS, buyer=BUYER)
    foreign = make.sale(GOODS, buyer=BUYER, store="othershop")
    unpaid = make.sale(GOODS, buyer=BUYER, paid=None)
    ticked = {name.format(foreign=foreign, unpaid=unpaid, own=own): "1"}
    owner = browse("owner")
    before = everything(app)
    answer = owner.post(f"/stores/papershop/sales/{own}/ship?in=page", ship_form(make, own) | ticked)
    assert answer.status_code == 422
    assert "can no longer go along" in answer.text
    assert everything(app) == before


def test_a_number_is_kept_for_later_in_parts(app: Flask, make: Factory, browse: Browse) -> None:
    order_id, owner = make.sale(GOODS), browse("owner")
    (item_id,) = make.items_of(order_id)
    path = f"/stores/papershop/sales/{order_id}"
    for n, number in ((2, "D-1"), (1, "D-2")):
        sent = {f"pieces-{item_id}": str(n), "tracking_number": number, "later": "1"}
        assert owner.post(f"{path}/ship?in=page", sent).status_code == 303
    assert [(p.state, p.number, p.inside) for p in parcels(app)] == [
        ("draft", "D-1", {item_id: 2}),
        ("draft", "D-2", {item_id: 1}),
    ]
    page = owner.get(path).text
    assert "1 piece packed, to send later, number D-2." in words(page)
    # The form begins with what has no label yet, and with no number.
    assert value_of(page, f"pieces-{item_id}") == "2"
    assert value_of(page, "tracking_number") == ""
    with app.app_context():
        assert db.session.scalars(select(Outbox)).all() == []
    sent = {f"pieces-{item_id}": "3", "tracking_number": "D-3", "later": "1"}
    answer = owner.post(f"{path}/ship?in=page", sent)
    assert answer.status_code == 422
    assert "Only 2 of “Letterpress card, thank you” have no label yet, not 3." in words(answer.text)
