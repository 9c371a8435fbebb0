"""A right that is taken away is gone at the next request (P26): every change, by session and by token.

The browser and the token were there before the change and worked; they are asked again after it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from flask import Flask

from app.access import find_desk, person
from app.access.rights import ORDINARY, Permission
from app.actions.people import join, secret_hash
from app.actions.places import Place
from app.actions.site import hand_over, set_active, set_open, set_site_admin, sign_out_everywhere
from app.actions.staff import change_place, fingerprint, leave, remove
from app.db import db
from app.models import Account, ApiToken, Store
from app.queries import people, staff
from app.statuses import Role
from tests.conftest import email_of
from tests.factories import GOODS, Factory
from tests.web.pages import Browser

Browse = Callable[[str], Browser]
P = Permission
LIST, API = "/stores/papershop/sales", "/api/okanjo/stores/1/sales"
LOST, DEAD = (404, 403), (303, 401)  # no place there any more; nobody any more


def account_of(who: str) -> Account:
    """Return the account of one of the cast."""
    account = people.account_by_email(email_of(who))
    assert account is not None
    return account


def desk_of(who: str) -> Any:
    """Return the desk of one of the cast in the paper shop."""
    return find_desk(person(account_of(who)), "papershop", to=P.SEE_SALES)


def another_owner() -> None:
    """Let the paper shop have one more owner."""
    join(db.session.get_one(Store, 1), account_of("owner2"), Role.OWNER)


def removed(who: str) -> None:
    """Remove somebody."""
    another_owner()
    remove(account_of(who).id, desk=desk_of("owner2"))


def left(who: str) -> None:
    """Let somebody leave."""
    another_owner()
    leave(desk=desk_of(who))


def put(who: str, place: Place) -> None:
    """Give somebody another place."""
    another_owner()
    member = staff.member(1, account_of(who).id)
    assert member is not None
    seen = fingerprint(Place.of(member.role, member.rights))
    change_place(account_of(who).id, place, seen=seen, desk=desk_of("owner2"))


def admin() -> Any:
    """Return the site admin as an actor."""
    return person(account_of("site_admin"))


MEMBERS = ("owner", "staff", "vendor")
# What is done to somebody, to whom, and how page and API answer them from then on.
GONE: dict[str, tuple[Callable[[str], object], tuple[str, ...], tuple[int, int]]] = {
    "removed": (removed, MEMBERS, LOST),
    "left": (left, MEMBERS, LOST),
    "the store is disabled": (lambda _: set_open(1, False, actor=admin()), MEMBERS, LOST),
    "the store is handed over": (
        lambda _: hand_over(1, email_of("stranger"), actor=admin()),
        ("owner",),
        LOST,
    ),
    "disabled": (lambda who: set_active(account_of(who).id, False, actor=admin()), MEMBERS, DEAD),
    "signed out everywhere": (
        lambda who: sign_out_everywhere(account_of(who).id, actor=admin()),
        MEMBERS,
        (303, 200),
    ),
    "no site admin any more": (
        lambda _: (
            set_site_admin(account_of("owner2").id, True, actor=admin()),
            set_site_admin(account_of("site_admin").id, False, actor=person(account_of("owner2"))),
        ),
        ("site_admin",),
        LOST,
    ),
}
CELLS = [(what, who) for what, (_, whom, _) in GONE.items() for who in whom]


@pytest.mark.both
@pytest.mark.parametrize(("what", "who"), CELLS)
def test_who_is_gone_is_gone_at_the_next_request(
    app: Flask, browse: Browse, token: Callable[..., dict[str, str]], what: str, who: str
) -> None:
    browser, header = browse(who), token(who)

    def answers() -> tuple[int, int]:
        return browser.get(LIST).status_code, app.test_client().get(API, headers=header).status_code

    assert answers() == (200, 200)
    change, _, expected = GONE[what]
    with app.app_context():
        change(who)
        db.session.commit()
    assert answers() == expected


def test_what_was_shut_may_be_opened_again_but_no_session_comes_back(
    app: Flask, browse: Browse, token: Callable[..., dict[str, str]]
) -> None:
    browser, header = browse("staff"), token("staff")
    with app.app_context():
        whom = account_of("staff").id
        for is_active in (False, True):
            set_active(whom, is_active, actor=admin())
            set_open(1, is_active, actor=admin())
            db.session.commit()
    assert browser.get(LIST).status_code == 303
    assert app.test_client().get(API, headers=header).status_code == 200


def test_a_disabled_store_is_open_to_site_admins(
    app: Flask, browse: Browse, token: Callable[..., dict[str, str]]
) -> None:
    with app.app_context():
        set_open(1, False, actor=admin())
        db.session.commit()
    assert browse("site_admin").get(LIST).status_code == 200
    assert app.test_client().get(API, headers=token("site_admin")).status_code == 200


class Cell(NamedTuple):
    """A right, a page that asks for it, and, where a program may do it, a call (both are sent, not read)."""

    right: Permission
    page: str
    call: str = ""


BY_RIGHT = (
    Cell(P.CANCEL, "/stores/papershop/sales/{sale}/cancel", "/api/intake/orders/{sale}/cancellations"),
    Cell(P.REFUND, "/stores/papershop/sales/{sale}/refund", "/api/intake/orders/{sale}/refunds"),
    Cell(P.STAFF, "/stores/papershop/staff"),
    Cell(P.TOKENS, "/stores/papershop/tokens"),
    Cell(P.SEE_LOG, "/stores/papershop/log"),
    Cell(P.SETTINGS, "/stores/papershop/settings"),
    Cell(P.SEE_PERSONAL, "/stores/papershop/sales/{sale}/invoice"),
    Cell(P.SEE_MONEY, "/stores/papershop/sales/{sale}/invoice"),
)


@pytest.mark.parametrize("cell", BY_RIGHT, ids=[cell.right.value for cell in BY_RIGHT])
def test_a_right_that_is_taken_away_is_gone_at_the_next_request(
    app: Flask, browse: Browse, token: Callable[..., dict[str, str]], cell: Cell
) -> None:
    sale = Factory(app).sale(GOODS)
    browser, header = browse("staff"), token("staff")

    def answers() -> list[int]:
        page = cell.page.format(sale=sale)
        if not cell.call:
            return [browser.get(page).status_code]
        call = app.test_client().post(cell.call.format(sale=sale), headers=header)
        return [browser.post(page).status_code, call.status_code]

    with app.app_context():
        put("staff", Place(Role.STAFF, frozenset({*ORDINARY, cell.right})))
        db.session.commit()
    assert {n for n in answers() if n == 403} == set()
    with app.app_context():
        put("staff", Place(Role.STAFF, frozenset(ORDINARY) - {cell.right}))
        db.session.commit()
    assert set(answers()) == {403}


def test_an_owner_ends_a_token_of_staff_that_reaches_the_store(
    app: Flask, browse: Browse, token: Callable[..., dict[str, str]]
) -> None:
    mine, own = token("staff", store="papershop"), token("owner2")
    listed = browse("owner").get("/stores/papershop/tokens").text
    public = {
        who: header["Authorization"].split("_")[1] for who, header in (("staff", mine), ("owner2", own))
    }
    assert public["staff"] in listed and public["owner2"] not in listed
    assert mine["Authorization"].removeprefix("Bearer ") not in listed
    owner = browse("owner")
    assert owner.post(f"/stores/papershop/tokens/{public['owner2']}/end").status_code == 404
    assert owner.post(f"/stores/papershop/tokens/{public['staff']}/end").status_code == 303
    assert app.test_client().get(API, headers=mine).status_code == 401
    owner.get("/stores/papershop/tokens")  # says once that it is ended
    assert public["staff"] not in owner.get("/stores/papershop/tokens").text
    with app.app_context():
        secret = own["Authorization"].removeprefix("Bearer ")
        kept = db.session.query(ApiToken).filter_by(token_hash=secret_hash(secret)).one()
        assert kept.revoked_at is None


def test_a_token_of_staff_for_all_that_is_theirs_is_not_the_stores_to_end(
    app: Flask, browse: Browse, token: Callable[..., dict[str, str]]
) -> None:
    theirs = token("staff")
    public = theirs["Authorization"].split("_")[1]
    owner = browse("owner")
    listed = owner.get("/stores/papershop/tokens").text
    assert public in listed and f"/stores/papershop/tokens/{public}/end" not in listed
    assert "Ends here with the person’s place or right" in listed
    assert owner.post(f"/stores/papershop/tokens/{public}/end").status_code == 403
    assert app.test_client().get(API, headers=theirs).status_code == 200
