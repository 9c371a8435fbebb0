"""What a seller does to a sale after it was made, by the small forms on its page."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from tests.factories import DEAL, GOODS, PICKUP, Factory
from tests.rules.books import events, everything, parcels
from tests.web.pages import Browser, words

pytestmark = pytest.mark.both

Browse = Callable[[str], Browser]


def at(order_id: int, path: str = "") -> str:
    """Return an address below a sale's page."""
    return f"/stores/papershop/sales/{order_id}{path}"


@pytest.fixture
def make(app: Flask) -> Factory:
    """What makes sales of yesterday: what can be done to a sale depends on its age."""
    return Factory(app, placed_at=datetime.now(UTC) - timedelta(days=1))


def test_pieces_are_cancelled_and_the_line_that_has_nothing_left_is_void(
    make: Factory, browse: Browse
) -> None:
    order_id = make.sale(GOODS, PICKUP)
    cards, kit = make.items_of(order_id)
    owner = browse("owner")
    sent = {f"pieces-{cards}": "2", f"pieces-{kit}": "1", "reason": "sold_out"}
    assert owner.post(at(order_id, "/cancel"), sent).status_code == 303
    rows = {item.id: item for item in make.sale_row(order_id).items}
    assert (rows[cards].cancelled, int(rows[cards].status)) == (2, 2)
    assert (rows[kit].cancelled, int(rows[kit].status)) == (1, 6)
    assert make.sale_row(order_id).end_reason == "sold_out"


def test_the_last_pieces_of_a_line_that_went_out_in_part_leave_it_shipped(
    make: Factory, browse: Browse
) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    make.ship(order_id, {cards: 3})
    browse("owner").post(at(order_id, "/cancel"), {f"pieces-{cards}": "2", "reason": "buyer"})
    (item,) = make.sale_row(order_id).items
    assert (item.shipped, item.cancelled, int(item.status)) == (3, 2, 3)


def test_an_unpaid_sale_costs_less_once_pieces_are_cancelled(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS, paid=None)
    (cards,) = make.items_of(order_id)
    browse("owner").post(at(order_id, "/cancel"), {f"pieces-{cards}": "2", "reason": "buyer"})
    row = make.sale_row(order_id)
    assert (row.total_minor, row.adjustment_minor) == (5 * 450 - 2 * 450, -2 * 450)


def test_all_of_an_unpaid_sale_cancelled_leaves_nothing_to_pay(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS, paid=None)
    (cards,) = make.items_of(order_id)
    browse("owner").post(at(order_id, "/cancel"), {f"pieces-{cards}": "5", "reason": "buyer"})
    row = make.sale_row(order_id)
    assert (int(row.payment), row.desk_state, row.total_minor) == (4, "closed", 5 * 450)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"reason": "buyer"}, "Say how many pieces: at least one."),
        ({"pieces": "6", "reason": "buyer"}, "Only 5 left."),
        ({"pieces": "x", "reason": "buyer"}, "Write a whole number of pieces"),
        ({"pieces": "1"}, "Choose why."),
        ({"pieces": "1", "reason": "whim"}, "Use one of"),
        ({"pieces": "1", "reason": "unpaid"}, "This sale is paid: choose another reason."),
    ],
)
def test_what_cannot_be_cancelled_is_said_and_what_was_typed_stays(
    app: Flask, make: Factory, browse: Browse, sent: dict[str, str], said: str
) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    owner = browse("owner")
    before = everything(app)
    body = {f"pieces-{cards}" if name == "pieces" else name: value for name, value in sent.items()}
    answer = owner.post(at(order_id, "/cancel"), body)
    assert answer.status_code == 422
    assert said in words(answer.text)
    if "pieces" in sent:
        assert f'value="{sent["pieces"]}" aria-label' in answer.text
    assert everything(app) == before


def test_staff_need_the_right_to_cancel_and_to_give_money_back(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    staff = browse("staff")
    assert staff.post(at(order_id, "/cancel"), {}).status_code == 403
    assert staff.post(at(order_id, "/refund"), {}).status_code == 403
    page = staff.get(at(order_id)).text
    assert "Cancel pieces" not in page
    assert "Give money back" not in page


def test_a_refund_is_a_line_of_its_own_and_the_total_stays(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    owner = browse("owner")
    assert owner.post(at(order_id, "/refund"), {"amount": "4.50", "reason": "other"}).status_code == 303
    row = make.sale_row(order_id)
    assert (row.total_minor, int(row.payment), int(row.items[0].status)) == (2250, 1, 2)
    assert "Refunded −$4.50" in words(owner.get(at(order_id)).text)
    sent = {"amount": "18", f"item-{cards}": "1", "reason": "returned"}
    assert owner.post(at(order_id, "/refund"), sent).status_code == 303
    row = make.sale_row(order_id)
    assert (int(row.payment), int(row.items[0].status), row.desk_state) == (5, 5, "closed")


def test_more_than_was_paid_never_goes_back(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    owner = browse("owner")
    owner.post(at(order_id, "/refund"), {"amount": "20.00", "reason": "other"})
    answer = owner.post(at(order_id, "/refund"), {"amount": "2.51", "reason": "other"})
    assert answer.status_code == 422
    assert "At most $2.50 can go back." in words(answer.text)


def test_a_refund_that_has_not_gone_back_holds_its_lines_until_it_has(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    owner = browse("owner")
    sent = {"amount": "22.50", f"item-{cards}": "1", "reason": "buyer", "is_pending": "1"}
    owner.post(at(order_id, "/refund"), sent)
    assert int(make.sale_row(order_id).items[0].status) == 10
    assert owner.post(at(order_id, "/refund"), {"amount": "1", "reason": "buyer"}).status_code == 422
    owner.post(at(order_id, "/refund/withdraw"), {})
    assert int(make.sale_row(order_id).items[0].status) == 2
    owner.post(at(order_id, "/refund"), sent)
    owner.post(at(order_id, "/refund/done"), {})
    row = make.sale_row(order_id)
    assert (int(row.items[0].status), int(row.payment)) == (5, 5)


def test_what_came_back_is_counted_never_beyond_what_went_out(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    make.ship(order_id, {cards: 4})
    owner = browse("owner")
    assert owner.post(at(order_id, "/return"), {f"pieces-{cards}": "5"}).status_code == 422
    assert owner.post(at(order_id, "/return"), {f"pieces-{cards}": "4"}).status_code == 303
    assert make.sale_row(order_id).items[0].returned == 4


def test_a_parcel_is_taken_back_and_its_pieces_ship_again(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    parcel_id = make.ship(order_id, {cards: 5})
    owner = browse("owner")
    assert owner.post(at(order_id, f"/parcels/{parcel_id}/void"), {}).status_code == 303
    item = make.sale_row(order_id).items[0]
    assert (item.shipped, int(item.status)) == (0, 2)
    assert [p.state for p in parcels(app)] == ["voided"]
    again = owner.post(at(order_id, f"/parcels/{parcel_id}/void"), {})
    assert again.status_code == 422
    assert make.sale_row(order_id).items[0].shipped == 0


def test_a_problem_is_marked_and_answered(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    make.ship(order_id, {cards: 5})
    owner = browse("owner")
    owner.post(at(order_id, "/problem"), {})
    assert int(make.sale_row(order_id).shipping) == 2
    assert owner.post(at(order_id, "/resolve"), {"words": "A new one is on its way."}).status_code == 303
    assert int(make.sale_row(order_id).shipping) == 1
    assert [e.verb for e in events(app, order_id)][-1] == "resolve"
    assert "A new one is on its way." in owner.get(at(order_id)).text


def test_words_for_the_buyer_are_asked_for_once_more(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    owner = browse("owner")
    asked = owner.post(at(order_id, "/notes"), {"body": "Thank you", "is_visible": "1"})
    assert asked.status_code == 422
    assert "Thank you</textarea>" in asked.text
    sent = {"body": "Thank you", "is_visible": "1", "confirmed": "1"}
    assert owner.post(at(order_id, "/notes"), sent).status_code == 303
    owner.post(at(order_id, "/notes"), {"body": "Packed in a hurry"})
    page = words(owner.get(at(order_id)).text)
    assert "The buyer sees this. Thank you" in page
    assert "Private. Packed in a hurry" in page


def test_a_payment_is_taken_back_while_nothing_went_out(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS, DEAL)
    owner = browse("owner")
    assert owner.post(at(order_id, "/unpaid"), {}).status_code == 303
    row = make.sale_row(order_id)
    assert (int(row.payment), {int(i.status) for i in row.items}) == (0, {1})
    owner.post(at(order_id, "/paid"), {"payment": "1"})
    make.ship(order_id, {make.items_of(order_id)[0]: 1})
    assert owner.post(at(order_id, "/unpaid"), {}).status_code == 422


def test_the_address_is_corrected_while_nothing_went_out(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    owner = browse("owner")
    sent = {"name": "Ada", "street": "1 New St", "city": "York", "postal_code": "YO1 7HH", "country": "gb"}
    assert owner.post(at(order_id, "/address"), sent).status_code == 303
    assert make.sale_row(order_id).address.city == "York"
    assert f"/sales/{order_id}" in owner.get("/stores/papershop/sales?q=yo17hh").text
    make.ship(order_id, {make.items_of(order_id)[0]: 1})
    assert owner.post(at(order_id, "/address"), sent).status_code == 422


def test_a_stale_form_changes_nothing(app: Flask, make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS)
    (cards,) = make.items_of(order_id)
    seen = make.sale_row(order_id).version
    make.ship(order_id, {cards: 1})
    owner = browse("owner")
    before = everything(app)
    answer = owner.post(
        at(order_id, "/cancel"), {f"pieces-{cards}": "1", "reason": "buyer", "version": str(seen)}
    )
    assert answer.status_code == 409
    assert everything(app) == before
