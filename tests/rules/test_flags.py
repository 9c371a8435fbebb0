"""Hip's four flags are acts: law 2's table, line by line, and what holds of several flags in one call."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app.access import SYSTEM, Permission
from app.actions.buyers_word import receive
from app.actions.flags import BadFlag, Flags, NothingSent, Side, put_flags, rights_for
from app.actions.labels import NoParcel
from app.actions.payment import NotPayable
from app.actions.refunds import WrongAmount
from app.db import db
from app.errors import ChangedMeanwhile, NotAllowed, NotFound, Refused, StatusChangeProhibited
from app.models import Order, Parcel
from app.statuses import Payment
from tests.factories import DEAL, DIGITAL, GOODS, PICKUP, SERVICE, Factory
from tests.rules.books import everything, parcels

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TWO = replace(GOODS, title="Envelope", quantity=2, listing_id=None)

Put = Callable[..., tuple[int, int, int, int]]


@pytest.fixture
def put(app: Flask) -> Put:
    """What sends flags and commits: the four flags of the sale afterwards."""

    def sent(
        order_id: int,
        side: Side = Side.SELLER,
        *,
        at: datetime = NOON,
        version: int | None = None,
        **flags: Any,
    ) -> tuple[int, int, int, int]:
        with app.app_context():
            store_id = db.session.get_one(Order, order_id).store_id
            by = {"side": side, "actor": SYSTEM, "store_id": store_id}
            sale = put_flags(order_id, Flags(**flags), at=at, version=version, **by)
            db.session.commit()
            return (
                int(sale.payment),
                int(sale.shipping),
                int(sale.buyer_payment),
                int(sale.buyer_shipping),
            )

    return sent


def statuses(make: Factory, order_id: int) -> list[int]:
    return [int(item.status) for item in make.sale_row(order_id).items]


def refused(app: Flask, put: Put, why: type[Refused], order_id: int, *side: Side, **flags: Any) -> None:
    """Hold that this is refused, and that nothing at all was changed."""
    before = everything(app)
    with pytest.raises(why):
        put(order_id, *side, **flags)
    assert everything(app) == before


# --- flag_payment


@pytest.mark.parametrize("code", [1, 2, 3])
def test_payment_1_2_3_confirms_the_payment(make: Factory, put: Put, code: int) -> None:
    order_id = make.sale(GOODS, PICKUP, DIGITAL, paid=None)
    assert put(order_id, flag_payment=code) == (code, 0, 0, 0)
    assert statuses(make, order_id) == [2, 3, 4]


@pytest.mark.parametrize("code", [1, 2])
def test_payment_on_arrival_is_settled_later(make: Factory, put: Put, code: int) -> None:
    order_id = make.sale(GOODS, paid=None)
    put(order_id, flag_payment=3)
    assert put(order_id, flag_shipping=1)[:2] == (3, 1)
    assert put(order_id, flag_payment=code)[:2] == (code, 1)


def test_a_paid_sale_is_not_paid_again(app: Flask, make: Factory, put: Put) -> None:
    refused(app, put, NotPayable, make.sale(GOODS), flag_payment=1)


def test_payment_0_takes_the_payment_back_while_nothing_went_out(app: Flask, make: Factory, put: Put) -> None:
    order_id, sent = make.sale(GOODS, TWO), make.sale(GOODS, TWO)
    assert put(order_id, flag_payment=0) == (0, 0, 0, 0)
    assert statuses(make, order_id) == [1, 1]
    assert make.sale_row(order_id).open_key is None
    make.ship(sent, {make.items_of(sent)[0]: 1})
    refused(app, put, StatusChangeProhibited, sent, flag_payment=0)
    refused(app, put, StatusChangeProhibited, order_id, flag_payment=0)


def test_payment_4_cancels_all_that_can_be(app: Flask, make: Factory, put: Put) -> None:
    unpaid, part = make.sale(GOODS, paid=None), make.sale(GOODS, TWO)
    assert put(unpaid, flag_payment=4)[0] == 4
    make.ship(part, {make.items_of(part)[0]: 5})
    assert put(part, flag_payment=4)[0] == 1  # what was paid has not gone back
    assert statuses(make, part) == [3, 6]
    refused(app, put, Refused, part, flag_payment=4)


def test_payment_5_gives_back_all_that_was_paid(app: Flask, make: Factory, put: Put) -> None:
    order_id = make.sale(GOODS, TWO)
    make.ship(order_id, {make.items_of(order_id)[0]: 5})
    assert put(order_id, flag_payment=5)[0] == 5
    assert statuses(make, order_id) == [5, 5]
    refused(app, put, WrongAmount, order_id, flag_payment=5)
    refused(app, put, WrongAmount, make.sale(GOODS, paid=None), flag_payment=5)


# --- flag_shipping


def test_shipping_1_ships_all_that_is_left(app: Flask, make: Factory, put: Put) -> None:
    order_id = make.sale(GOODS, TWO, SERVICE, DEAL)
    first, second, *_ = make.items_of(order_id)
    make.ship(order_id, {first: 2})
    assert put(order_id, flag_shipping=1, tracking_link="JD 014")[1] == 1
    assert parcels(app)[-1].inside == {first: 3, second: 2}
    assert parcels(app)[-1].number == "JD 014"
    assert statuses(make, order_id) == [3, 3, 2, 8]
    refused(app, put, StatusChangeProhibited, order_id, flag_shipping=1)


@pytest.mark.parametrize("paid", [None, Payment.PAID])
def test_shipping_1_is_refused_where_nothing_can_go_out(
    app: Flask, make: Factory, put: Put, paid: Payment | None
) -> None:
    lines = (GOODS,) if paid is None else (PICKUP, SERVICE)
    refused(app, put, StatusChangeProhibited, make.sale(*lines, paid=paid), flag_shipping=1)


def test_shipping_0_voids_the_parcels_that_may_still_be_undone(app: Flask, make: Factory, put: Put) -> None:
    order_id = make.sale(GOODS, TWO)
    put(order_id, flag_shipping=1)
    soon, late = NOON + timedelta(minutes=9), NOON + timedelta(minutes=10)
    before = everything(app)
    with pytest.raises(StatusChangeProhibited):
        put(order_id, at=late, flag_shipping=0)
    assert everything(app) == before
    assert put(order_id, at=soon, flag_shipping=0)[1] == 0
    assert [p.state for p in parcels(app)] == ["voided"]
    assert statuses(make, order_id) == [2, 2]
    refused(app, put, StatusChangeProhibited, order_id, flag_shipping=0)


def test_shipping_0_leaves_a_parcel_with_something_received(app: Flask, make: Factory, put: Put) -> None:
    order_id = make.sale(GOODS, TWO)
    first, _ = make.items_of(order_id)
    put(order_id, flag_shipping=1)
    with app.app_context():
        receive(order_id, [first], actor=SYSTEM, store_id=make.sale_row(order_id).store_id)
        db.session.commit()
    refused(app, put, StatusChangeProhibited, order_id, flag_shipping=0)
    assert statuses(make, order_id) == [4, 3]


def test_shipping_2_is_a_problem(app: Flask, make: Factory, put: Put) -> None:
    order_id = make.sale(GOODS)
    refused(app, put, StatusChangeProhibited, order_id, flag_shipping=2)
    put(order_id, flag_shipping=1)
    assert put(order_id, flag_shipping=2) == (1, 2, 0, 0)
    refused(app, put, StatusChangeProhibited, order_id, flag_shipping=2)


def test_shipping_minus_1_is_refused_where_anything_is_shippable(app: Flask, make: Factory, put: Put) -> None:
    refused(app, put, StatusChangeProhibited, make.sale(GOODS, SERVICE), flag_shipping=-1)
    assert put(make.sale(SERVICE), flag_shipping=-1)[1] == -1


# --- tracking_link


def link_of(app: Flask) -> tuple[str, str | None]:
    """Return number and address of the newest parcel."""
    with app.app_context():
        parcel = db.session.query(Parcel).order_by(Parcel.id.desc()).first()
        assert parcel is not None
        return parcel.number, parcel.url


def test_a_link_alone_is_kept_on_one_draft_of_all_that_waits(app: Flask, make: Factory, put: Put) -> None:
    order_id = make.sale(GOODS, TWO, SERVICE)
    first, second, _ = make.items_of(order_id)
    put(order_id, tracking_link="JD 1")
    put(order_id, tracking_link="JD 2")
    assert [(p.state, p.number, p.inside) for p in parcels(app)] == [("draft", "JD 2", {first: 5, second: 2})]
    put(order_id, flag_shipping=1)
    assert [(p.state, p.number) for p in parcels(app)] == [("shipped", "JD 2")]


def test_a_link_alone_corrects_the_newest_parcel(app: Flask, make: Factory, put: Put) -> None:
    order_id = make.sale(GOODS)
    (item,) = make.items_of(order_id)
    make.ship(order_id, {item: 2}, number="A1")
    make.ship(order_id, {item: 2}, number="A2")
    put(order_id, tracking_link="B2")
    assert [p.number for p in parcels(app)] == ["A1", "B2"]


def test_an_address_goes_to_the_parcels_own_and_a_number_takes_its_place(
    app: Flask, make: Factory, put: Put
) -> None:
    order_id = make.sale(GOODS)
    put(order_id, tracking_link="HTTPS://dhl.example/track?id=1")
    assert link_of(app) == ("", "HTTPS://dhl.example/track?id=1")
    put(order_id, tracking_link="JD 3")
    assert link_of(app) == ("JD 3", None)
    put(order_id, tracking_link="http://dhl.example")
    assert link_of(app) == ("JD 3", "http://dhl.example")


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        " JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "ftp://dhl.example/1",
        "mailto:maja@example.com",
        "https:dhl.example",
        "https://",
        "https://maja@dhl.example/",
        "https://dhl.example/a b",
        "java\nscript:alert(1)",
        "1" * 65,
        "https://dhl.example/" + "1" * 2000,
    ],
)
def test_any_other_link_is_refused(app: Flask, make: Factory, put: Put, link: str) -> None:
    refused(app, put, BadFlag, make.sale(GOODS), tracking_link=link)


def test_a_number_may_have_64_signs(app: Flask, make: Factory, put: Put) -> None:
    put(make.sale(GOODS), tracking_link=" " + "1" * 64 + " ")
    assert link_of(app) == ("1" * 64, None)


def test_a_link_needs_a_parcel_or_goods_that_wait(app: Flask, make: Factory, put: Put) -> None:
    for order_id in (make.sale(SERVICE), make.sale(GOODS, paid=None)):
        refused(app, put, NoParcel, order_id, tracking_link="JD 4")


# --- the buyer's word


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_buyers_word_on_the_payment(make: Factory, put: Put, code: int) -> None:
    order_id = make.sale(GOODS, paid=None)
    assert put(order_id, Side.BUYER, flag_buyer_payment=code) == (0, 0, code, 0)
    assert statuses(make, order_id) == [1]


def test_buyer_shipping_1_receives_every_line_that_can_be(app: Flask, make: Factory, put: Put) -> None:
    order_id = make.sale(GOODS, TWO, PICKUP)
    refused_one = make.sale(GOODS)
    make.ship(order_id, {make.items_of(order_id)[0]: 5})
    assert put(order_id, Side.BUYER, flag_buyer_shipping=1)[3] == 1
    assert statuses(make, order_id) == [4, 2, 4]
    refused(app, put, StatusChangeProhibited, refused_one, Side.BUYER, flag_buyer_shipping=1)
    refused(app, put, StatusChangeProhibited, order_id, Side.BUYER, flag_buyer_shipping=0)


def test_buyer_shipping_2_is_a_problem_and_0_takes_it_back(app: Flask, make: Factory, put: Put) -> None:
    order_id = make.sale(GOODS)
    refused(app, put, StatusChangeProhibited, order_id, Side.BUYER, flag_buyer_shipping=2)
    put(order_id, flag_shipping=1)
    assert put(order_id, Side.BUYER, flag_buyer_shipping=2) == (1, 2, 0, 2)
    assert put(order_id, Side.BUYER, flag_buyer_shipping=0) == (1, 2, 0, 0)


# --- the whole call


def test_nothing_sent_is_refused(app: Flask, make: Factory, put: Put) -> None:
    for side in Side:
        refused(app, put, NothingSent, make.sale(GOODS), side)


@pytest.mark.parametrize(
    ("side", "flags"),
    [
        (Side.SELLER, {"flag_payment": 6}),
        (Side.SELLER, {"flag_payment": -1}),
        (Side.SELLER, {"flag_shipping": 3}),
        (Side.SELLER, {"flag_shipping": -2}),
        (Side.BUYER, {"flag_buyer_payment": 2}),
        (Side.BUYER, {"flag_buyer_payment": 4}),
        (Side.BUYER, {"flag_buyer_shipping": 3}),
        (Side.BUYER, {"flag_buyer_shipping": -1}),
    ],
)
def test_a_value_of_no_list_is_refused(
    app: Flask, make: Factory, put: Put, side: Side, flags: dict[str, int]
) -> None:
    refused(app, put, BadFlag, make.sale(GOODS), side, **flags)


@pytest.mark.parametrize("flag", Flags._fields)
def test_each_side_has_its_own_flags(app: Flask, make: Factory, put: Put, flag: str) -> None:
    other = Side.SELLER if "buyer" in flag else Side.BUYER
    value: Any = "JD 5" if flag == "tracking_link" else 1
    refused(app, put, NotAllowed, make.sale(GOODS, paid=None), other, **{flag: value})


def test_several_flags_in_one_call_all_count(app: Flask, make: Factory, put: Put) -> None:
    order_id = make.sale(GOODS, paid=None)
    assert put(order_id, flag_payment=1, flag_shipping=1, tracking_link="JD 6") == (1, 1, 0, 0)
    assert parcels(app)[-1].number == "JD 6"
    assert put(order_id, flag_shipping=0, flag_payment=0) == (0, 0, 0, 0)
    assert put(order_id, Side.BUYER, flag_buyer_payment=1, flag_buyer_shipping=0) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    "flags",
    [
        {"flag_payment": 1, "flag_shipping": -1},
        {"flag_payment": 1, "flag_shipping": 2},
        {"flag_payment": 1, "flag_shipping": 0},
        {"flag_payment": 1, "flag_shipping": 1, "tracking_link": "ftp://x.example"},
        {"flag_payment": 1, "flag_shipping": 9},
        {"flag_payment": 4, "tracking_link": "JD 7"},
    ],
)
def test_one_flag_that_cannot_be_done_undoes_the_others(
    app: Flask, make: Factory, put: Put, flags: dict[str, Any]
) -> None:
    refused(app, put, Refused, make.sale(GOODS, paid=None), **flags)


def test_a_stale_version_is_refused_and_a_true_one_holds_for_all_flags(
    app: Flask, make: Factory, put: Put
) -> None:
    order_id = make.sale(GOODS, paid=None)
    seen = make.sale_row(order_id).version
    refused(app, put, ChangedMeanwhile, order_id, version=seen - 1, flag_payment=1)
    put(order_id, version=seen, flag_payment=1, flag_shipping=1)


def test_a_sale_of_another_store_is_not_found(app: Flask, make: Factory) -> None:
    order_id, other = make.sale(GOODS), make.sale(GOODS, store="othershop")
    with app.app_context():
        store_id = db.session.get_one(Order, other).store_id
        for flags in (Flags(flag_shipping=1), Flags(flag_shipping=-1)):
            with pytest.raises(NotFound):
                put_flags(order_id, flags, side=Side.SELLER, actor=SYSTEM, store_id=store_id)


def test_flags_need_the_rights_of_their_acts() -> None:
    p = Permission
    assert [rights_for(Flags(flag_payment=n)) for n in range(6)] == [
        {p.MARK_PAID}, {p.MARK_PAID}, {p.MARK_PAID}, {p.MARK_PAID}, {p.CANCEL}, {p.REFUND},
    ]  # fmt: skip
    assert rights_for(Flags(flag_shipping=0)) == rights_for(Flags(tracking_link="1")) == {p.SHIP}
    assert rights_for(Flags(flag_payment=5, flag_shipping=2)) == {p.REFUND, p.SHIP}
    assert rights_for(Flags(flag_buyer_shipping=1)) == set()
