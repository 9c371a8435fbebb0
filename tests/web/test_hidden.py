"""What an owner took from staff is shown nowhere: personal data and money, on pages, to programs, by search.

Each planted text is looked for in everything that the person can get; who has the right finds each of them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from flask import Flask

from app.access import SYSTEM, find_desk, person
from app.access.rights import ORDINARY, Permission
from app.actions.people import join_buyer
from app.actions.places import Place
from app.actions.problems import note
from app.actions.purchases import AddressSaid, BuyerSaid, LineSaid
from app.actions.staff import change_place
from app.db import db
from app.models import Account, Address, Buyer, Order
from app.queries import people
from app.statuses import Role
from tests.conftest import email_of
from tests.factories import GOODS, Factory
from tests.web.pages import Browser, listed

Browse = Callable[[str], Browser]
P = Permission
ADDRESS = AddressSaid(
    name="Zoltan Quimby",
    street="Marker Lane 77",
    city="Hiddenham",
    postal_code="QX9-771",
    country="GB",
    phone="+44 5550 771",
)
PERSONAL = (
    "Quimby",
    "Marker Lane 77",
    "Hiddenham",
    "QX9-771",
    "5550 771",
    "parcel@hidden.example",
    "mail@secret.example",
)
# In the middle of a word that is seen: who may not see the address must not find the sale by it.
PRINT = LineSaid("Antiquimby print", 1, 0)
MONEY = ("PAYCODE-771", "your payout", "commission")
SALE = "/stores/papershop/sales/{sale}"
PAGES = (
    "/stores/papershop/sales",
    "/stores/papershop/items",
    "/stores/papershop/parcels",
    "/stores/papershop/attention",
    SALE,
    "/stores/papershop/sales/{unsent}",
    f"{SALE}/ship",
    f"{SALE}/row",
    f"{SALE}/invoice",
    "/stores/papershop/sales/new",
    "/stores/papershop/import",
)
CALLS = (
    "/api/okanjo/stores/1/sales?embed=order,payouts,buyer,history",
    "/api/okanjo/stores/1/sales/{item}?embed=order,payouts,buyer",
    "/api/okanjo/stores/1/sales/{item}?fields=id,order.shipping_zip,payouts.amount&embed=order,payouts",
    "/api/hip/stores/papershop/sales/all",
    "/api/hip/sales/{sale}",
    "/api/weebly/v1/user/sites/1/store/orders",
    "/api/weebly/v1/user/sites/1/store/orders/{sale}",
)


@pytest.fixture
def ids(app: Flask, make: Factory) -> dict[str, int]:
    """A sale whose every hidden part has a text of its own; part is sent, and its buyer is written to."""
    buyer = BuyerSaid("Zoe", "zoe", "mail@secret.example")
    told = {"channel": "intake", "buyer": buyer, "address": ADDRESS}
    sale = make.sale(GOODS, PRINT, gateway_code="PAYCODE-771", **told)
    unsent = make.sale(GOODS, store="papershop", buyer=BuyerSaid("Yan", "yan"), address=ADDRESS)
    item = make.items_of(sale)[0]
    make.ship(sale, {item: 2}, number="TRACK 1")
    with app.app_context():
        order = db.session.get_one(Order, sale)
        db.session.get_one(Address, order.address_id).email = "parcel@hidden.example"
        note(sale, "Thank you", is_private=False, actor=SYSTEM, store_id=order.store_id)
        db.session.commit()
    return {"sale": sale, "item": item, "unsent": unsent}


class Asking(NamedTuple):
    """Somebody of the paper shop's staff, in a browser and as a program."""

    browser: Browser
    header: dict[str, str]


@pytest.fixture
def asking(browse: Browse, token: Callable[..., dict[str, str]]) -> Asking:
    """The staff of the paper shop."""
    return Asking(browse("staff"), token("staff"))


def without(app: Flask, *rights: Permission) -> None:
    """Take these rights from the staff of the paper shop."""
    with app.app_context():
        whom, owner = people.account_by_email(email_of("staff")), people.account_by_email(email_of("owner"))
        assert whom is not None and owner is not None
        place = Place(Role.STAFF, frozenset(ORDINARY) - set(rights))
        desk = find_desk(person(owner), "papershop", to=P.STAFF)
        change_place(whom.id, place, seen="staff", desk=desk)
        db.session.commit()


def got(app: Flask, asking: Asking, ids: dict[str, int]) -> str:
    """Return all that somebody gets from pages, whole and in parts, and from the three APIs."""
    places = [(page.format(**ids), part) for page in PAGES for part in (False, True)]
    found = [asking.browser.get(page, part=part).text for page, part in places]
    for call in CALLS:
        answer = app.test_client().get(call.format(**ids), headers=asking.header)
        assert answer.status_code == 200, answer.text
        found.append(answer.text)
    return "\n".join(found)


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        ((), ((), (*PERSONAL, *MONEY))),
        ((P.SEE_PERSONAL,), (PERSONAL, MONEY)),
        ((P.SEE_MONEY,), (MONEY, PERSONAL)),
        ((P.SEE_PERSONAL, P.SEE_MONEY), ((*PERSONAL, *MONEY), ("Zoe", "TRACK 1", "$22.50"))),
    ],
)
def test_what_was_taken_is_seen_nowhere_and_the_rest_is(
    app: Flask,
    asking: Asking,
    ids: dict[str, int],
    taken: tuple[Permission, ...],
    words: tuple[tuple[str, ...], tuple[str, ...]],
) -> None:
    hidden, shown = words
    without(app, *taken)
    text = got(app, asking, ids)
    assert [word for word in hidden if word in text] == []
    assert [word for word in shown if word not in text] == []


def test_payouts_are_an_empty_list_to_whom_money_is_hidden(
    app: Flask, token: Callable[..., dict[str, str]], ids: dict[str, int]
) -> None:
    header = token("staff")
    address = f"/api/okanjo/stores/1/sales/{ids['item']}?embed=payouts,order"
    assert app.test_client().get(address, headers=header).json["payouts"] != []
    without(app, P.SEE_MONEY, P.SEE_PERSONAL)
    told: Any = app.test_client().get(address, headers=header).json
    assert told["payouts"] == []
    assert {told["order"][name] for name in told["order"] if name.startswith("shipping_")} == {None}


def test_what_moved_of_money_is_no_billing_to_whom_it_is_hidden(
    app: Flask, asking: Asking, ids: dict[str, int]
) -> None:
    address = f"/api/weebly/v1/user/sites/1/store/orders/{ids['sale']}"

    def billings() -> Any:
        return app.test_client().get(address, headers=asking.header).json["billings"]

    assert len(billings()) == 1
    without(app, P.SEE_MONEY)
    assert billings() == []


# What is searched for, and which right the finding of it needs.
WORDS = {
    "secret": P.SEE_PERSONAL,
    "mail secret example": P.SEE_PERSONAL,
    "quimby": P.SEE_PERSONAL,
    "qx9": P.SEE_PERSONAL,
    "zoe quimby": P.SEE_PERSONAL,
    "paycode": P.SEE_MONEY,
    "771": P.SEE_MONEY,
    "zoe": None,
    "letterpress": None,
    "LC-014": None,
    "thank letterpress": None,
    "track": None,
    "1001": None,
}


@pytest.mark.both
def test_nothing_is_found_by_what_may_not_be_seen(app: Flask, browse: Browse, ids: dict[str, int]) -> None:
    browser = browse("staff")

    def found(word: str) -> tuple[bool, bool]:
        answers = (browser.get(f"/stores/papershop/{at}?q={word}").text for at in ("sales", "items"))
        return tuple(bool(listed(text, kind)) for text, kind in zip(answers, ("sale", "item"), strict=True))  # type: ignore[return-value]

    assert {word: found(word) for word in WORDS} == dict.fromkeys(WORDS, (True, True))
    without(app, P.SEE_PERSONAL, P.SEE_MONEY)
    assert {word: found(word) for word in WORDS} == {
        word: (right is None, right is None) for word, right in WORDS.items()
    }


def test_programs_find_nothing_by_it_either(app: Flask, asking: Asking, ids: dict[str, int]) -> None:
    address = "/api/weebly/v1/user/sites/1/store/orders?query="

    def found(word: str) -> int:
        return len(app.test_client().get(address + word, headers=asking.header).json)

    assert [found(word) for word in ("quimby", "thank")] == [2, 2]
    without(app, P.SEE_PERSONAL)
    assert [found(word) for word in ("quimby", "thank")] == [0, 2]


def test_who_may_not_see_an_address_cannot_write_over_it(
    app: Flask, browse: Browse, ids: dict[str, int]
) -> None:
    browser = browse("staff")
    without(app, P.SEE_PERSONAL)
    sent = {"name": "Ada", "city": "York", "country": "GB"}
    assert browser.post(f"/stores/papershop/sales/{ids['sale']}/address", sent).status_code == 403
    assert browser.get("/stores/papershop/import").status_code == 403
    assert browser.get("/stores/papershop/sales/new").status_code == 403
    assert browser.get("/stores/papershop/log").status_code == 403


@pytest.mark.parametrize("right", [P.SEE_PERSONAL, P.SEE_MONEY])
def test_no_guest_link_shows_what_may_not_be_seen(
    app: Flask, make: Factory, browse: Browse, ids: dict[str, int], right: Permission
) -> None:
    browser, at = browse("staff"), SALE.format(**ids)
    make.link(ids["sale"])
    assert "guest-href" in browser.get(at).text
    without(app, right)
    assert "guest-href" not in browser.get(at).text
    for deed in ("", "/end"):
        assert browser.post(f"{at}/guest-link{deed}").status_code == 403


def test_a_buyers_own_purchase_is_whole(app: Flask, browse: Browse, ids: dict[str, int]) -> None:
    with app.app_context():
        account = db.session.query(Account).filter_by(email=email_of("staff")).one()
        join_buyer(db.session.get_one(Buyer, db.session.get_one(Order, ids["sale"]).buyer_id), account)
        db.session.commit()
    without(app, P.SEE_PERSONAL, P.SEE_MONEY)
    assert "Marker Lane 77" in browse("staff").get(f"/purchases/{ids['sale']}").text
