"""An order's own codes, from its items: Okanjo's status (reference 4.3), Hip's flag, and the tab (law 6)."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from app.actions.rollup import desk_state, order_status, shipping_flag, weebly_status
from app.statuses import Kind, Payment, Shipping
from tests.factories import DEAL, GOODS, PICKUP, SERVICE, Factory


def items(*statuses: int, kind: Kind = Kind.GOODS, shipped: int | None = None) -> list[Any]:
    """Return items that stand so; those on their way or there count as shipped."""
    return [
        SimpleNamespace(
            status=status,
            fulfilled_as=kind,
            shipped=(status in {3, 4}) if shipped is None else shipped,
        )
        for status in statuses
    ]


@pytest.mark.parametrize(
    ("statuses", "order"),
    [
        # 0, 1 or 2 by payment
        ((0,), 0),
        ((0, 0), 0),
        ((1,), 1),
        ((0, 1), 1),
        ((1, 2), 1),
        ((2,), 2),
        ((8,), 2),
        ((3,), 2),
        ((2, 3), 2),
        ((2, 4), 2),
        ((3, 4), 2),
        ((10,), 2),
        ((11,), 2),
        ((4, 11), 2),
        # 4 when every live item is in 4 or 9
        ((4,), 4),
        ((9,), 4),
        ((4, 9), 4),
        ((4, 5), 4),
        ((4, 6), 4),
        ((9, 7), 4),
        # 5 when all are dead with at least one 5; 6 when all are 6; 7 when all are 7
        ((5,), 5),
        ((5, 6), 5),
        ((5, 7), 5),
        ((6,), 6),
        ((6, 6), 6),
        ((7,), 7),
        ((7, 7), 7),
        ((6, 7), 6),
        # a dead item says nothing beside a live one
        ((1, 6), 1),
        ((2, 5), 2),
        ((3, 6), 2),
        ((0, 7), 0),
    ],
)
def test_okanjos_status_of_an_order(statuses: tuple[int, ...], order: int) -> None:
    assert int(order_status(items(*statuses))) == order


@pytest.mark.parametrize(
    ("payment", "statuses", "tab"),
    [
        # Unpaid: payment 0, live
        (0, (1,), "unpaid"),
        (0, (0,), "unpaid"),
        (0, (1, 6), "unpaid"),
        (0, (6,), "closed"),
        (0, (7,), "closed"),
        # To ship: an item in 2 or 8
        (1, (2,), "to_ship"),
        (2, (8,), "to_ship"),
        (3, (2,), "to_ship"),
        (1, (2, 3), "to_ship"),
        (1, (4, 8), "to_ship"),
        (1, (2, 11), "to_ship"),
        # Shipped: of the rest, those with an item in 3
        (1, (3,), "shipped"),
        (3, (3,), "shipped"),
        (1, (3, 4), "shipped"),
        (1, (3, 11), "shipped"),
        # and Closed what is left
        (1, (4,), "closed"),
        (1, (9,), "closed"),
        (5, (5,), "closed"),
        (4, (6,), "closed"),
        (1, (4, 6), "closed"),
        (1, (10,), "closed"),
        (1, (11,), "closed"),
    ],
)
def test_the_tab_of_an_order(payment: int, statuses: tuple[int, ...], tab: str) -> None:
    assert desk_state(Payment(payment), items(*statuses)) == tab


@pytest.mark.parametrize(
    ("now", "statuses", "flag"),
    [
        (0, (1,), 0),
        (0, (2,), 0),
        (0, (2, 3), 0),
        (0, (3,), 1),
        (0, (3, 4), 1),
        (0, (4,), 1),
        (0, (3, 6), 1),
        (0, (6,), 0),
        (1, (2, 3), 0),  # voided: it waits again
        (2, (3,), 2),  # a problem stays one until it is solved
        (2, (2,), 2),
    ],
)
def test_hips_shipping_flag(now: int, statuses: tuple[int, ...], flag: int) -> None:
    assert int(shipping_flag(Shipping(now), items(*statuses))) == flag


@pytest.mark.parametrize("kind", [k for k in Kind if k is not Kind.GOODS])
def test_nothing_to_send_is_not_applicable(kind: Kind) -> None:
    assert int(shipping_flag(Shipping.PROCESSING, items(2, 3, 4, kind=kind, shipped=0))) == -1


def line(kind: str, status: int, *, held_from: int | None = None, shipped: int = 0, returned: int = 0) -> Any:
    """Return one line that stands so."""
    return SimpleNamespace(
        fulfilled_as=Kind(kind), status=status, held_from=held_from, shipped=shipped, returned=returned
    )


G, P, D, X, S, Z = "goods", "pickup", "deal", "digital", "service", "donation"


# The table of reference 4.3, row by row: a line, the payments it may stand under; the order's status,
# its shipping flag and Weebly's status.
@pytest.mark.parametrize(
    ("situation", "the_line", "payments", "codes"),
    [
        ("cart or draft", line(G, 0), (0,), (0, 0, "pending")),
        ("awaiting payment", line(G, 1), (0,), (1, 0, "pending")),
        ("paid, to ship", line(G, 2), (1, 2), (2, 0, "paid")),
        ("to ship, pays on arrival", line(G, 2), (3,), (2, 0, "pending")),
        ("shipped", line(G, 3, shipped=1), (1, 2, 3), (2, 1, "shipped")),
        ("ready for pickup", line(P, 3), (1, 2, 3), (2, -1, "paid")),
        ("received (buyer says)", line(G, 4, shipped=1), (1, 2, 3), (4, 1, "shipped")),
        ("pickup done (seller says)", line(P, 9), (1, 2, 3), (4, -1, "completed")),
        ("deal bought", line(D, 8), (1, 2), (2, -1, "paid")),
        ("deal redeemed", line(D, 4), (1, 2), (4, -1, "completed")),
        ("digital delivered", line(X, 4), (1, 2), (4, -1, "sent")),
        ("service done", line(S, 4), (1, 2), (4, -1, "completed")),
        ("donation", line(Z, 4), (1, 2), (4, -1, "completed")),
        ("shipping problem", line(G, 3, shipped=1), (1, 2, 3), (2, 2, "shipped")),
        ("shipping problem, held", line(G, 11, held_from=3, shipped=1), (1, 2, 3), (2, 2, "shipped")),
        ("refund running, was to ship", line(G, 10, held_from=2), (1, 2), (2, 0, "paid")),
        ("refund running, was shipped", line(G, 10, held_from=3, shipped=1), (1, 2), (2, 1, "shipped")),
        ("refund running, was digital", line(X, 10, held_from=4), (1, 2), (2, -1, "sent")),
        ("refunded", line(G, 5, shipped=1), (5,), (5, 1, "refunded")),
        ("goods came back, refunded", line(G, 5, shipped=1, returned=1), (5,), (5, 1, "returned")),
        ("dispute, was to ship", line(G, 11, held_from=2), (1, 2), (2, 2, "paid")),
        ("dispute, was there", line(G, 11, held_from=4, shipped=1), (1, 2), (2, 2, "shipped")),
        ("cancelled", line(G, 6), (4,), (6, 0, "cancelled")),
        ("abandoned", line(G, 7), (4,), (7, 0, "cancelled")),
    ],
)
def test_the_table_of_statuses(
    situation: str, the_line: Any, payments: tuple[int, ...], codes: tuple[int, int, str]
) -> None:
    order, shipping, weebly = codes
    assert int(order_status([the_line])) == order
    assert int(shipping_flag(Shipping(2 if shipping == 2 else 0), [the_line])) == shipping
    assert {weebly_status(payment, [the_line]) for payment in payments} == {weebly}


@pytest.mark.parametrize(
    ("payment", "lines", "weebly"),
    [
        # all in {6, 7}: cancelled
        (4, [line(G, 6), line(G, 7)], "cancelled"),
        # all dead with at least one 5: refunded; returned when every refunded line came back
        (5, [line(G, 5, shipped=1), line(G, 6)], "refunded"),
        (5, [line(G, 5, shipped=2, returned=1), line(G, 7)], "returned"),
        (5, [line(G, 5, shipped=1, returned=1), line(G, 5, shipped=1)], "refunded"),
        # any live line in {0, 1}: pending
        (0, [line(G, 1), line(G, 6)], "pending"),
        (1, [line(G, 0), line(G, 3, shipped=1)], "pending"),
        # payment 3 with nothing shipped yet: pending
        (3, [line(G, 2), line(P, 3)], "pending"),
        (3, [line(G, 2), line(X, 4)], "pending"),
        (3, [line(D, 8), line(D, 4)], "pending"),
        (3, [line(G, 2, shipped=1)], "paid"),
        (3, [line(G, 2), line(G, 3, shipped=1)], "paid"),
        # any live line in 2 or 8, or a pickup in 3: paid
        (1, [line(G, 2), line(G, 3, shipped=1)], "paid"),
        (1, [line(D, 8), line(G, 4, shipped=1)], "paid"),
        (1, [line(P, 3), line(G, 3, shipped=1)], "paid"),
        (1, [line(P, 11, held_from=3)], "paid"),
        # any live line that was sent by carrier: shipped
        (1, [line(G, 3, shipped=1), line(X, 4)], "shipped"),
        (1, [line(G, 4, shipped=1), line(P, 9)], "shipped"),
        (1, [line(G, 3, shipped=1), line(G, 5)], "shipped"),
        # only digital lines: sent; otherwise completed. Dead lines say nothing
        (1, [line(X, 4), line(X, 4)], "sent"),
        (1, [line(X, 4), line(G, 6)], "sent"),
        (1, [line(X, 4), line(S, 4)], "completed"),
        (1, [line(P, 9), line(G, 5, shipped=1)], "completed"),
        (1, [line(D, 4), line(Z, 4)], "completed"),
    ],
)
def test_weeblys_status_of_several_lines_is_the_first_that_fits(
    payment: int, lines: list[Any], weebly: str
) -> None:
    assert weebly_status(payment, lines) == weebly


def test_a_sale_is_rolled_up_with_every_act(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, DEAL, PICKUP, SERVICE, store="vendorshop", paid=None)
    goods, deal, pickup, service = make.items_of(order_id)

    def codes() -> tuple[int, str, int]:
        sale = make.sale_row(order_id)
        return int(sale.status), sale.desk_state, int(sale.shipping)

    assert codes() == (1, "unpaid", 0)
    for item_id, status in ((goods, 2), (deal, 8), (pickup, 3), (service, 2)):
        make.put(item_id, status)
    assert codes() == (2, "unpaid", 0)  # nobody paid
    make.ship(order_id, {goods: 5})
    assert codes() == (2, "unpaid", 1)


def test_a_paid_sale_goes_through_its_tabs(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, DEAL, store="vendorshop")
    goods, deal = make.items_of(order_id)
    tabs = [make.sale_row(order_id).desk_state]
    make.ship(order_id, {goods: 5})
    tabs.append(make.sale_row(order_id).desk_state)
    make.put(deal, 4)
    tabs.append(make.sale_row(order_id).desk_state)
    make.put(goods, 4)
    tabs.append(make.sale_row(order_id).desk_state)
    assert tabs == ["to_ship", "to_ship", "shipped", "closed"]
    assert int(make.sale_row(order_id).status) == 4


def test_ship_by_lies_in_the_far_future_once_nothing_ships(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS)
    assert make.sale_row(order_id).ship_by.year == 2026
    make.ship(order_id, {make.items_of(order_id)[0]: 5})
    assert make.sale_row(order_id).ship_by.year == 9999
