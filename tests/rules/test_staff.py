"""A store's people: who may give what, the last owner, invitations, and two who act at the same moment."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access import Actor, Desk, Permission, find_desk, person
from app.access.invited import NoInvitation, find_invited
from app.access.rights import BEYOND, ORDINARY, held, kept_as, may_give
from app.actions.audit import audit
from app.actions.people import join
from app.actions.places import LastOwner, Place
from app.actions.site import (
    LastAdmin,
    hand_over,
    set_active,
    set_open,
    set_site_admin,
    sign_out_everywhere,
)
from app.actions.staff import (
    PlaceChanged,
    WorksHere,
    accept,
    accept_as_new,
    change_place,
    decline,
    fingerprint,
    invite,
    leave,
    remove,
    withdraw,
)
from app.db import db
from app.errors import ForeignStore, NotAllowed, NotFound, Refused
from app.models import Account, Event, Invitation, Member, Outbox, Store
from app.queries import people, staff
from app.statuses import Role
from tests.conftest import email_of
from tests.factories import Factory
from tests.rules.conftest import desk_of
from tests.rules.together import at_once, names

P = Permission
STAFF = Place.of(Role.STAFF)
OWNER = Place.of(Role.OWNER)


def id_of(who: str) -> int:
    """Return the account of one of the cast."""
    account = people.account_by_email(email_of(who))
    assert account is not None
    return account.id


def actor_of(who: str) -> Actor:
    """Return one of the cast as an actor."""
    account = people.account_by_email(email_of(who))
    assert account is not None
    return person(account)


def place_of(who: str, store_id: int = 1) -> tuple[str, list[str]] | None:
    """Return the role and rights that somebody has; None where they are no member."""
    member = staff.member(store_id, id_of(who))
    return (member.role, member.rights) if member else None


def give(who: str, *rights: Permission, without: tuple[Permission, ...] = (), by: str = "owner") -> None:
    """Let somebody be staff of the paper shop with these rights beyond, and without those."""
    wanted = (frozenset(ORDINARY) | frozenset(rights)) - frozenset(without)
    member = staff.member(1, id_of(who))
    assert member is not None
    seen = fingerprint(Place.of(member.role, member.rights))
    change_place(id_of(who), Place(Role.STAFF, wanted), seen=seen, desk=desk_of(by))
    db.session.commit()


def second_owner() -> None:
    """Let the paper shop have another owner, the one of the other shop."""
    account, store = people.account(id_of("owner2")), db.session.get_one(Store, 1)
    assert account is not None
    join(store, account, Role.OWNER)
    db.session.commit()


def doing(app: Flask, act: Callable[[], object]) -> Callable[[], None]:
    """Return what does an act in a session of its own, and commits it."""

    def done() -> None:
        with app.app_context():
            try:
                act()
                db.session.commit()
            finally:
                db.session.remove()

    return done


def sound() -> None:
    """Nothing is wrong with the books."""
    assert [(p.name, p.first) for p in audit() if p.broken] == []


def test_rights_are_kept_as_what_was_added_and_what_was_taken() -> None:
    wanted = frozenset({P.REFUND, P.SEE_PERSONAL, P.EXPORT})
    assert kept_as(Role.STAFF, wanted) == ["-see money", "refund"]
    assert held(Role.STAFF, ["-see money", "refund"]) == wanted
    assert held(Role.STAFF, []) == frozenset(ORDINARY)
    assert (kept_as(Role.OWNER, ()), kept_as(Role.VENDOR, BEYOND)) == ([], [])


def test_what_is_taken_away_takes_with_it_what_needs_it() -> None:
    store = Store(slug="s", name="S", is_vendor=False)
    both = Desk(Actor(1), store, Role.STAFF, frozenset({"refund", "see log", "-see money"}))
    assert {p for p in P if both.may(p)} & {P.REFUND, P.SEE_LOG, P.SEE_MONEY} == set()
    blind = Desk(Actor(1), store, Role.STAFF, frozenset({"see log", "-see personal data"}))
    assert {p for p in P if blind.may(p)} & {P.SEE_LOG, P.TYPE_IN, P.IMPORT, P.SEE_PERSONAL} == set()
    assert blind.may(P.SHIP) and blind.may(P.SEE_MONEY)


def test_nobody_gives_what_they_have_not(app: Flask) -> None:
    with app.app_context():
        give("staff", P.STAFF, P.REFUND, without=(P.SEE_MONEY,))
        desk = desk_of("staff")
        assert may_give(desk, Role.VENDOR, ())
        assert may_give(desk, Role.STAFF, {P.SEE_PERSONAL})
        assert not may_give(desk, Role.OWNER, ())
        for right in (P.SEE_MONEY, P.REFUND, P.CANCEL, P.TOKENS):
            assert not may_give(desk, Role.STAFF, {right})
        for place in (OWNER, STAFF):  # all that is ordinary holds money too
            with pytest.raises(NotAllowed):
                invite("ada@example.com", place, desk=desk)
            db.session.rollback()


def test_staff_who_may_invite_change_neither_owners_nor_themselves(app: Flask) -> None:
    with app.app_context():
        give("staff", P.STAFF)
        desk = desk_of("staff")
        for who in ("owner", "staff"):
            member = staff.member(1, id_of(who))
            assert member is not None
            seen = fingerprint(Place.of(member.role, member.rights))
            with pytest.raises(NotAllowed):
                change_place(id_of(who), Place.of(Role.VENDOR), seen=seen, desk=desk)
            db.session.rollback()
            with pytest.raises(NotAllowed):
                remove(id_of(who), desk=desk)
            db.session.rollback()
        change_place(id_of("vendor"), STAFF, seen="vendor", desk=desk)
        remove(id_of("vendor"), desk=desk)
        db.session.commit()
        assert place_of("vendor") is None


def test_who_may_invite_removes_nobody_who_may_more_than_they(app: Flask) -> None:
    with app.app_context():
        give("staff", P.STAFF)
        join(db.session.get_one(Store, 1), db.session.get_one(Account, id_of("stranger")), Role.STAFF)
        give("stranger", P.REFUND)
        with pytest.raises(NotAllowed):
            remove(id_of("stranger"), desk=desk_of("staff"))
        db.session.rollback()
        assert place_of("stranger") == ("staff", ["refund"])


def test_a_vendors_place_is_given_by_whoever_may_acknowledge(app: Flask) -> None:
    with app.app_context():
        for store in ("papershop", "vendorshop"):
            member = db.session.get_one(
                Member, (db.session.query(Store).filter_by(slug=store).one().id, id_of("staff"))
            )
            member.rights = [P.STAFF.value]
        db.session.commit()
        assert may_give(find_desk(actor_of("staff"), "papershop", to=P.STAFF), Role.VENDOR, ())
        desk = find_desk(actor_of("staff"), "vendorshop", to=P.STAFF)
        assert not desk.may(P.ACKNOWLEDGE)
        assert not may_give(desk, Role.VENDOR, ())
        with pytest.raises(NotAllowed):
            invite("ada@example.com", Place.of(Role.VENDOR), desk=desk)
        db.session.rollback()


def test_the_last_owner_can_neither_leave_nor_be_removed_nor_demoted(app: Flask) -> None:
    with app.app_context():
        owner, admin = desk_of("owner"), desk_of("site_admin")
        for act in (
            lambda: leave(desk=owner),
            lambda: remove(id_of("owner"), desk=owner),
            lambda: remove(id_of("owner"), desk=admin),
            lambda: change_place(id_of("owner"), STAFF, seen="owner", desk=admin),
            lambda: join(owner.store, db.session.get_one(Account, id_of("owner")), Role.STAFF),
        ):
            with pytest.raises(LastOwner):
                act()
            db.session.rollback()
        assert place_of("owner") == ("owner", [])
        second_owner()
        set_active(id_of("owner2"), False, actor=actor_of("site_admin"))
        db.session.commit()
        with pytest.raises(LastOwner):  # one who cannot sign in is no other owner
            leave(desk=owner)
        db.session.rollback()
        set_active(id_of("owner2"), True, actor=actor_of("site_admin"))
        leave(desk=owner)
        db.session.commit()
        assert place_of("owner") is None
        sound()


@pytest.mark.parametrize("how", ["both leave", "each removes the other", "each demotes the other"])
def test_of_two_owners_who_go_at_once_one_stays(app: Flask, how: str) -> None:
    with app.app_context():
        second_owner()
        desks = {who: desk_of(who) for who in ("owner", "owner2")}
        ids = {who: id_of(who) for who in desks}
    acts: dict[str, Callable[[str, str], object]] = {
        "both leave": lambda who, _: leave(desk=desks[who]),
        "each removes the other": lambda who, other: remove(ids[other], desk=desks[who]),
        "each demotes the other": lambda who, other: change_place(
            ids[other], STAFF, seen="owner", desk=desks[who]
        ),
    }
    refusals = at_once(
        doing(app, lambda: acts[how]("owner", "owner2")), doing(app, lambda: acts[how]("owner2", "owner"))
    )
    late = {"both leave": "LastOwner", "each removes the other": "ForeignStore"}.get(how, "NotAllowed")
    assert names(refusals) == sorted(["done", late])
    with app.app_context():
        assert len(people.owners_of(1)) == 1
        sound()


def test_who_changes_a_place_that_was_changed_meanwhile_is_told_so(app: Flask) -> None:
    with app.app_context():
        give("staff", P.REFUND)
        with pytest.raises(PlaceChanged):
            change_place(id_of("staff"), OWNER, seen="staff", desk=desk_of("owner"))
        db.session.rollback()
        assert place_of("staff") == ("staff", ["refund"])


def offer_to(app: Flask, make: Factory, who: str, **given: Any) -> Any:
    """Invite one of the cast, and return what they are offered."""
    with app.app_context():
        link = make.invitation(email_of(who), **given)[1]
        return find_invited(app.config["SECRET_KEY"], link, datetime.now(UTC))


def test_an_invitation_is_taken_once(app: Flask, make: Factory) -> None:
    offer = offer_to(app, make, "stranger")
    with app.app_context():
        stranger = actor_of("stranger")
        with pytest.raises(NotAllowed):
            accept(offer, actor=actor_of("buyer"))
        db.session.rollback()
    one = doing(app, lambda: accept(offer, actor=stranger))
    assert names(at_once(one, one)) == ["NoInvitation", "done"]
    with app.app_context():
        assert place_of("stranger") == ("staff", [])
        with pytest.raises(NoInvitation):
            decline(offer, actor=stranger)
        db.session.rollback()
        sound()


def test_a_new_person_joins_with_a_password_and_one_who_had_none_gets_it(app: Flask, make: Factory) -> None:
    with app.app_context():
        bought = Account(email="maja@example.com", fs_uniquifier="m" * 64, preferences={})
        db.session.add(bought)
        db.session.commit()
        known = bought.id
        for email in ("maja@example.com", "ada@example.com"):
            link = make.invitation(email)[1]
            offer = find_invited(app.config["SECRET_KEY"], link, datetime.now(UTC))
            account = accept_as_new(offer, name="Somebody", password_hash="x" * 20, actor=Actor(None))
            db.session.commit()
            assert (account.email, account.password) == (email, "x" * 20)
            assert staff.member(1, account.id) is not None
            with pytest.raises(NoInvitation):
                accept_as_new(offer, name="Other", password_hash="y" * 20, actor=Actor(None))
            db.session.rollback()
        account = people.account_by_email("maja@example.com")
        assert account is not None and account.id == known
        joined = [e for e in db.session.scalars(select(Event)) if e.verb == "join" and e.actor_id == known]
        assert {e.row_kind for e in joined} == {"member", "invitation"}
        sound()


def test_of_two_who_join_two_stores_by_one_address_at_once_one_makes_the_account(
    app: Flask, make: Factory
) -> None:
    def joining(store: str, by: str) -> Callable[[], None]:
        link = make.invitation("ada@example.com", store=store, by=email_of(by))[1]
        with app.app_context():
            offer = find_invited(app.config["SECRET_KEY"], link, datetime.now(UTC))
        return doing(app, lambda: accept_as_new(offer, name=store, password_hash="x" * 20, actor=Actor(None)))

    told = names(at_once(joining("papershop", "owner"), joining("othershop", "owner2")))
    assert told in (["NoInvitation", "done"], ["ChangedMeanwhile", "done"])
    with app.app_context():
        account = people.account_by_email("ada@example.com")
        assert account is not None
        assert [staff.member(store, account.id) is None for store in (1, 3)].count(True) == 1


def test_inviting_again_replaces_the_invitation_of_before(app: Flask, make: Factory) -> None:
    first, link = make.invitation("ada@example.com")
    second, newer = make.invitation("Ada@example.com", Role.VENDOR)
    with app.app_context():
        states = {i.id: i.state for i in db.session.scalars(select(Invitation))}
        assert states == {first: "withdrawn", second: "open"}
        key, now = app.config["SECRET_KEY"], datetime.now(UTC)
        with pytest.raises(NoInvitation):
            find_invited(key, link, now)
        assert find_invited(key, newer, now).role is Role.VENDOR
        with pytest.raises(NoInvitation):
            find_invited(key, newer, now + timedelta(days=7))
        with pytest.raises(WorksHere):
            invite(email_of("staff"), STAFF, desk=desk_of("owner"))
        db.session.rollback()


GOES: dict[str, Callable[[], object]] = {
    "the inviter is removed": lambda: (second_owner(), remove(id_of("owner"), desk=desk_of("owner2"))),
    "the inviter leaves": lambda: (second_owner(), leave(desk=desk_of("owner"))),
    "the inviter is demoted": lambda: (
        second_owner(),
        change_place(id_of("owner"), STAFF, seen="owner", desk=desk_of("owner2")),
    ),
    "the inviter may still invite, and make no owners": lambda: (
        second_owner(),
        change_place(
            id_of("owner"),
            Place(Role.STAFF, frozenset({*ORDINARY, P.STAFF})),
            seen="owner",
            desk=desk_of("owner2"),
        ),
    ),
    "the inviter is disabled": lambda: set_active(id_of("owner"), False, actor=actor_of("site_admin")),
    "the store is disabled": lambda: set_open(1, False, actor=actor_of("site_admin")),
    "the store is handed over": lambda: hand_over(1, email_of("owner2"), actor=actor_of("site_admin")),
    "the invited one is disabled": lambda: set_active(id_of("stranger"), False, actor=actor_of("site_admin")),
    "it is withdrawn": lambda: withdraw(
        staff.open_invitations(1)[0].id,
        desk=desk_of("owner"),
    ),
}


@pytest.mark.parametrize("what", GOES)
def test_a_link_holds_no_longer_than_who_sent_it_may_give_the_place(
    app: Flask, make: Factory, what: str
) -> None:
    link = make.invitation(email_of("stranger"), Role.OWNER)[1]
    with app.app_context():
        key = app.config["SECRET_KEY"]
        offer = find_invited(key, link, datetime.now(UTC))
        GOES[what]()
        db.session.commit()
        with pytest.raises(NoInvitation):
            find_invited(key, link, datetime.now(UTC))
        with pytest.raises(NoInvitation):  # what was open before is judged as it is now
            accept(offer, actor=Actor(id_of("stranger")))
        db.session.rollback()
        assert place_of("stranger") is None


def test_no_more_invitations_are_sent_in_a_day_than_a_store_needs(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.actions.staff.MOST_A_DAY", 2)
    with app.app_context():
        desk = desk_of("owner")
        for n in range(2):
            invite(f"ada{n}@example.com", STAFF, desk=desk)
        with pytest.raises(Refused, match="at most"):
            invite("ada3@example.com", STAFF, desk=desk)
        db.session.rollback()


def test_the_history_of_people_holds_ids_and_no_addresses(app: Flask, make: Factory) -> None:
    offer = offer_to(app, make, "stranger")
    with app.app_context():
        accept(offer, actor=actor_of("stranger"))
        give("stranger", P.REFUND, without=(P.SEE_MONEY,))
        remove(id_of("stranger"), desk=desk_of("owner"))
        db.session.commit()
        rows = db.session.scalars(select(Event).where(Event.row_kind.is_not(None)).order_by(Event.id)).all()
        told = [(e.verb, e.row_kind, e.row_id, e.before, e.after) for e in rows][-5:]
        invitation, whom = offer.row.id, id_of("stranger")
        assert told == [
            ("invite", "invitation", invitation, None, {"role": "staff", "rights": []}),
            ("join", "invitation", invitation, {"state": "open"}, {"state": "accepted"}),
            ("join", "member", whom, None, {"role": "staff", "rights": []}),
            (
                "change_place",
                "member",
                whom,
                {"role": "staff", "rights": []},
                {"role": "staff", "rights": ["-see money", "refund"]},
            ),
            ("remove_member", "member", whom, {"role": "staff", "rights": ["-see money", "refund"]}, None),
        ]
        assert "@" not in json.dumps([[e.before, e.after] for e in db.session.scalars(select(Event))])
        assert "@" not in json.dumps([o.payload for o in db.session.scalars(select(Outbox))])
        sound()


def test_the_books_tell_of_a_place_that_was_changed_beside_the_history(app: Flask) -> None:
    with app.app_context():
        member = db.session.get_one(Member, (1, id_of("staff")))
        member.rights = ["refund"]
        db.session.commit()
        broken = [(p.name, p.first) for p in audit() if p.broken]
        assert broken == [
            (
                "People, places and invitations stand as the history says last",
                (f"member {id_of('staff')} of store 1",),
            )
        ]


def test_the_site_keeps_one_admin(app: Flask) -> None:
    with app.app_context():
        admin = actor_of("site_admin")
        for act in (
            lambda: set_site_admin(id_of("site_admin"), False, actor=admin),
            lambda: set_active(id_of("site_admin"), False, actor=admin),
        ):
            with pytest.raises(LastAdmin):
                act()
            db.session.rollback()
        for who in ("owner", "stranger"):
            with pytest.raises(NotAllowed):
                set_site_admin(id_of(who), True, actor=actor_of(who))
            db.session.rollback()
        with pytest.raises(NotFound):
            sign_out_everywhere(987654, actor=admin)
        db.session.rollback()


@pytest.mark.parametrize("how", ["unmakes", "disables"])
def test_of_two_admins_who_unmake_each_other_at_once_one_stays(app: Flask, how: str) -> None:
    with app.app_context():
        set_site_admin(id_of("owner2"), True, actor=actor_of("site_admin"))
        db.session.commit()
        actors = {who: actor_of(who) for who in ("site_admin", "owner2")}
        ids = {who: id_of(who) for who in actors}
    act = set_site_admin if how == "unmakes" else set_active
    refusals = at_once(
        doing(app, lambda: act(ids["owner2"], False, actor=actors["site_admin"])),
        doing(app, lambda: act(ids["site_admin"], False, actor=actors["owner2"])),
    )
    assert names(refusals) == ["NotAllowed", "done"]
    with app.app_context():
        left = [a for a in db.session.scalars(select(Account)) if a.is_site_admin and a.active]
        assert len(left) == 1
        sound()


def test_a_store_that_is_handed_over_has_one_owner(app: Flask) -> None:
    with app.app_context():
        hand_over(1, email_of("stranger"), actor=actor_of("site_admin"))
        db.session.commit()
        assert people.owners_of(1) == [id_of("stranger")]
        assert place_of("owner") is None
        with pytest.raises(ForeignStore):
            find_desk(actor_of("owner"), "papershop", to=P.SEE_SALES)
        with pytest.raises(Refused, match="Nobody has an account"):
            hand_over(1, "nobody@example.com", actor=actor_of("site_admin"))
        db.session.rollback()
        sound()
