"""Who may what: the table of rights, written out from the law and not from the code."""

import pytest
from flask import Flask

from app.access import NEEDED_SCOPE, RULES, Actor, Desk, Permission, find_desk, person
from app.db import db
from app.errors import ForeignStore, NotAllowed
from app.models import Account, Store
from app.queries import people
from app.statuses import Role
from tests.conftest import CAST, email_of

P = Permission
EVERYTHING_OF_STAFF = {
    P.SEE_SALES,
    P.SEE_EVERYTHING,
    P.SHIP,
    P.REDEEM,
    P.MARK_PAID,
    P.NOTE,
    P.ANSWER,
    P.TYPE_IN,
    P.TAKE_IN,
    P.IMPORT,
    P.EXPORT,
    P.SEE_MONEY,
    P.SEE_PERSONAL,
}
SEEN = {P.SEE_SALES, P.SEE_EVERYTHING, P.SEE_MONEY, P.SEE_PERSONAL, P.EXPORT}
BEYOND_STAFF = {P.CANCEL, P.REFUND, P.SETTINGS, P.STAFF, P.TOKENS, P.SEE_LOG}
EVERYTHING_OF_AN_OWNER = EVERYTHING_OF_STAFF | BEYOND_STAFF

# (who, store) -> all that they may there; a place that is not named is none.
RIGHTS: dict[tuple[str, str], set[Permission]] = {
    ("owner", "papershop"): EVERYTHING_OF_AN_OWNER,
    ("owner", "vendorshop"): {*EVERYTHING_OF_AN_OWNER, P.ACKNOWLEDGE},
    ("staff", "papershop"): EVERYTHING_OF_STAFF,
    ("staff", "vendorshop"): EVERYTHING_OF_STAFF,
    ("vendor", "papershop"): {P.SEE_SALES},
    ("vendor", "vendorshop"): {P.SEE_SALES, P.REDEEM, P.ACKNOWLEDGE},
    ("owner2", "othershop"): EVERYTHING_OF_AN_OWNER,
    ("site_admin", "papershop"): {*EVERYTHING_OF_AN_OWNER, P.COMMISSION, P.SEE_SITE},
    ("site_admin", "othershop"): {*EVERYTHING_OF_AN_OWNER, P.COMMISSION, P.SEE_SITE},
    ("site_admin", "vendorshop"): {*EVERYTHING_OF_AN_OWNER, P.ACKNOWLEDGE, P.COMMISSION, P.SEE_SITE},
}
STORES = ("papershop", "vendorshop", "othershop")


def actor(who: str) -> Actor:
    """Return one of the cast as an actor."""
    account = people.account_by_email(email_of(who))
    assert account is not None
    return person(account)


def test_the_table_of_rights_is_this_one() -> None:
    found = {p.value: {rule.__name__ for rule in rules} for p, rules in RULES.items()}
    whoever_works_here = {"is_owner", "is_staff", "is_admin"}
    assert found == {
        "see sales": {*whoever_works_here, "is_vendor"},
        "see more than deals": whoever_works_here,
        "ship": whoever_works_here,
        "redeem": {*whoever_works_here, "is_vendor_in_vendor_store"},
        "acknowledge": {
            "is_vendor_in_vendor_store",
            "is_owner_in_vendor_store",
            "is_admin_in_vendor_store",
        },
        "mark paid": whoever_works_here,
        "note": whoever_works_here,
        "answer": whoever_works_here,
        "cancel": {"is_owner", "given_cancel", "is_admin"},
        "refund": {"is_owner", "given_refund", "is_admin"},
        "see money": {"is_owner", "left_see_money", "is_admin"},
        "see personal data": {"is_owner", "left_see_personal", "is_admin"},
        "type in": {"is_owner", "left_see_personal", "is_admin"},
        "export": {"is_owner", "left_export", "is_admin"},
        "staff": {"is_owner", "given_staff", "is_admin"},
        "tokens": {"is_owner", "given_tokens", "is_admin"},
        "see log": {"is_owner", "given_see_log", "is_admin"},
        "take in": whoever_works_here,
        "settings": {"is_owner", "given_settings", "is_admin"},
        "import": {"is_owner", "left_see_personal", "is_admin"},
        "commission": {"is_admin"},
        "see site": {"is_admin"},
    }


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize("store", STORES)
def test_everybody_has_their_rights_and_no_others(app: Flask, who: str, store: str) -> None:
    with app.app_context():
        rights = RIGHTS.get((who, store))
        if rights is None:
            for asked in Permission:
                with pytest.raises(ForeignStore):
                    find_desk(actor(who), store, to=asked)
            return
        for asked in Permission:
            if asked in rights:
                assert find_desk(actor(who), store, to=asked).may(asked)
            else:
                with pytest.raises(NotAllowed):
                    find_desk(actor(who), store, to=asked)


def test_a_store_that_is_absent_is_as_foreign_as_another_ones(app: Flask) -> None:
    with app.app_context():
        for who in ("owner", "site_admin", "stranger"):
            with pytest.raises(ForeignStore):
                find_desk(actor(who), "nowhere", to=P.SEE_SALES)


def test_the_slug_of_a_store_is_found_in_any_case(app: Flask) -> None:
    with app.app_context():
        assert find_desk(actor("owner"), "PaperShop", to=P.SEE_SALES).store.slug == "papershop"


def test_a_closed_store_is_open_to_site_admins_alone(app: Flask) -> None:
    with app.app_context():
        store = find_desk(actor("owner"), "papershop", to=P.SEE_SALES).store
        db.session.get_one(Store, store.id).is_active = False
        db.session.commit()
        with pytest.raises(ForeignStore):
            find_desk(actor("owner"), "papershop", to=P.SEE_SALES)
        assert find_desk(actor("site_admin"), "papershop", to=P.SEE_SALES).store.id == store.id
        db.session.rollback()


def test_a_right_taken_away_is_gone_at_once(app: Flask) -> None:
    from app.models import Member

    with app.app_context():
        staff = actor("staff")
        desk = find_desk(staff, "papershop", to=P.SHIP)
        db.session.query(Member).filter_by(store_id=desk.store.id, account_id=staff.account_id).delete()
        db.session.commit()
        with pytest.raises(ForeignStore):
            find_desk(staff, "papershop", to=P.SHIP)


@pytest.mark.parametrize(
    ("scopes", "rights"),
    [
        ({"read:store-orders"}, SEEN),
        (
            {"write:store-orders"},
            {P.SHIP, P.REDEEM, P.MARK_PAID, P.NOTE, P.ANSWER, P.CANCEL, P.REFUND, P.TAKE_IN},
        ),
        (
            {"read:store-orders", "write:store-orders"},
            {
                *SEEN,
                P.SHIP,
                P.REDEEM,
                P.MARK_PAID,
                P.NOTE,
                P.ANSWER,
                P.CANCEL,
                P.REFUND,
                P.TAKE_IN,
            },
        ),
        (set(), set()),
    ],
)
def test_a_token_may_what_its_person_may_and_its_scopes_name(
    scopes: set[str], rights: set[Permission]
) -> None:
    token = Actor(1, scopes=frozenset(scopes))
    desk = Desk(token, Store(slug="s", name="S", is_vendor=False), Role.OWNER)
    assert {asked for asked in Permission if desk.may(asked)} == rights


def test_no_scope_gives_a_token_files_or_the_site() -> None:
    assert {p for p, scope in NEEDED_SCOPE.items() if scope is None} == {
        P.TYPE_IN,
        P.IMPORT,
        P.STAFF,
        P.TOKENS,
        P.SEE_LOG,
        P.SETTINGS,
        P.COMMISSION,
        P.SEE_SITE,
    }
    assert set(NEEDED_SCOPE) == set(Permission)


def test_a_token_of_one_store_opens_no_other(app: Flask) -> None:
    with app.app_context():
        owner = actor("owner")
        papershop = find_desk(owner, "papershop", to=P.SEE_SALES).store
        token = Actor(owner.account_id, scopes=frozenset({"read:store-orders"}), only_store_id=papershop.id)
        assert find_desk(token, "papershop", to=P.SEE_SALES).store.id == papershop.id
        with pytest.raises(ForeignStore):
            find_desk(token, "vendorshop", to=P.SEE_SALES)


def test_a_site_admin_who_is_no_member_acts_as_an_admin(app: Flask) -> None:
    with app.app_context():
        assert find_desk(actor("site_admin"), "papershop", to=P.SHIP).acting.kind == "admin"
        assert find_desk(actor("owner"), "papershop", to=P.SHIP).acting.kind == "person"


def test_only_a_vendor_sees_deals_alone(app: Flask) -> None:
    with app.app_context():
        alone = {
            who: find_desk(actor(who), "vendorshop", to=P.SEE_SALES).only_deals
            for who in ("owner", "staff", "vendor", "site_admin")
        }
    assert alone == {"owner": False, "staff": False, "vendor": True, "site_admin": False}


def test_the_name_shown_for_an_account_is_never_empty() -> None:
    assert Account(id=7, name="", username=None, email=None).shown_name == "Account 7"
