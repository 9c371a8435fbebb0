"""Acts of people: accounts, sign-ins, places in stores, guest links, and what is forgotten of somebody.

As in tests/kill/acts.py.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from app.access import SYSTEM, Actor, person
from app.access.invited import Invited, invited
from app.actions import accounts, guests, people, persons, places, site, staff, ways
from app.actions.account_mails import AccountMail, forget_old_mails, owe_notice
from app.actions.forgetting import forget_buyers
from app.db import db
from app.models import Account, ApiToken, Buyer, Order, Outbox
from app.openid import Said
from app.queries import people as known
from app.queries import staff as places_known
from app.queries import stores
from app.queries import tokens as known_tokens
from app.statuses import Role
from tests.factories import GOODS
from tests.kill.acts import NOW, Deed, Scene
from tests.rules.conftest import desk_of

VENDOR = places.Place.of(Role.VENDOR)
CODES = ["aaaa-bbbb-cccc", "dddd-eeee-ffff"]
DAYS = timedelta(days=9)


def one_of(who: str) -> Any:
    """Return the account of one of the cast."""
    account = known.account_by_email(f"{who}@example.com")
    assert account is not None
    return account


def an_offer(s: Scene, email: str = "stranger@example.com") -> int:
    """Invite somebody; return the invitation's id."""
    return int(s.done(lambda: staff.invite(email, VENDOR, desk=desk_of("owner")).id))


def offered(invitation_id: int) -> Invited:
    """Return what an invitation offers."""
    row = places_known.invitation(invitation_id)
    assert row is not None
    return invited(row, datetime.now(UTC))


def invite_somebody(s: Scene) -> Deed:
    an_offer(s)  # it is replaced
    return lambda: staff.invite("stranger@example.com", VENDOR, desk=desk_of("owner"))


def withdraw_an_offer(s: Scene) -> Deed:
    offer = an_offer(s)
    return lambda: staff.withdraw(offer, desk=desk_of("owner"))


def accept_an_offer(s: Scene) -> Deed:
    offer = an_offer(s)
    return lambda: staff.accept(offered(offer), actor=person(one_of("stranger")))


def accept_an_offer_as_new(s: Scene) -> Deed:
    offer, said = an_offer(s, "ada@example.com"), {"name": "Ada", "password_hash": "x" * 20}
    return lambda: staff.accept_as_new(offered(offer), actor=Actor(None), **said)


def decline_an_offer(s: Scene) -> Deed:
    offer = an_offer(s)
    return lambda: staff.decline(offered(offer), actor=Actor(None))


def change_a_place(s: Scene) -> Deed:
    return lambda: staff.change_place(one_of("staff").id, VENDOR, seen="staff", desk=desk_of("owner"))


def remove_a_member(s: Scene) -> Deed:
    return lambda: staff.remove(one_of("staff").id, desk=desk_of("owner"))


def leave_a_store(s: Scene) -> Deed:
    return lambda: staff.leave(desk=desk_of("staff"))


def end_a_token_of_staff(s: Scene) -> Deed:
    s.done(lambda: people.make_token(one_of("staff"), stores.one(1), ["read:store-orders"]))
    return lambda: staff.end_reaching_token(
        known_tokens.of_account(one_of("staff").id, datetime.now(UTC))[0].id, desk=desk_of("owner")
    )


def make_a_store(s: Scene) -> Deed:
    new = site.NewStore("newshop", "New Shop", "EUR", "UTC", False)
    return lambda: site.make_store(new, "ada@example.com", actor=person(one_of("site_admin")))


def disable_a_store(s: Scene) -> Deed:
    return lambda: site.set_open(1, False, actor=person(one_of("site_admin")))


def hand_a_store_over(s: Scene) -> Deed:
    return lambda: site.hand_over(1, "stranger@example.com", actor=person(one_of("site_admin")))


def disable_a_person(s: Scene) -> Deed:
    s.done(lambda: people.open_signin(one_of("staff").id, now=NOW, lasts=timedelta(days=9)))
    return lambda: site.set_active(one_of("staff").id, False, actor=person(one_of("site_admin")))


def make_an_admin(s: Scene) -> Deed:
    return lambda: site.set_site_admin(one_of("staff").id, True, actor=person(one_of("site_admin")))


def sign_somebody_out(s: Scene) -> Deed:
    s.done(lambda: people.open_signin(one_of("staff").id, now=NOW, lasts=timedelta(days=9)))
    return lambda: site.sign_out_everywhere(one_of("staff").id, actor=person(one_of("site_admin")))


def a_signin(s: Scene) -> Deed:
    return lambda: people.open_signin(2, now=NOW, lasts=timedelta(days=1))


def the_end_of_a_signin(s: Scene) -> Deed:
    secret = s.done(a_signin(s))
    return lambda: people.end_signin(secret, now=NOW)


def a_token(s: Scene) -> Deed:
    def deed() -> object:
        account = known.account_by_email("owner@example.com")
        assert account is not None
        return people.make_token(account, None, ["read:store-orders"])

    return deed


def the_end_of_a_token(s: Scene) -> Deed:
    s.done(a_token(s))

    def deed() -> object:
        token = db.session.query(ApiToken).one()
        return people.end_token(token.id, now=NOW)

    return deed


def an_account_and_a_store(s: Scene) -> Deed:
    def deed() -> object:
        account = people.open_account("new@example.com", name="New", password_hash="-")
        return people.join(people.open_store("newshop", "New Shop"), account, Role.OWNER)

    return deed


def a_buyer_with_an_account(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)

    def deed() -> object:
        account = known.account_by_email("buyer@example.com")
        assert account is not None
        buyer = db.session.get_one(Buyer, db.session.get_one(Order, order_id).buyer_id)
        return people.join_buyer(buyer, account)

    return deed


def give_a_place(s: Scene) -> Deed:
    return lambda: site.give_place(
        s.store_id, one_of("stranger").id, Role.VENDOR, actor=person(one_of("site_admin"))
    )


def run_the_site(s: Scene) -> Deed:
    s.done(lambda: people.make_token(one_of("staff"), None, ["read:store-orders"]))
    return lambda: people.let_run_the_site(one_of("staff"))


def the_end_of_all_signins(s: Scene) -> Deed:
    for _ in range(2):
        s.done(a_signin(s))
    return lambda: people.end_signins(2, now=NOW)


def name_an_account(s: Scene) -> Deed:
    return lambda: accounts.name_account(2, name="Ada", username="ada")


def a_new_password(s: Scene) -> Deed:
    s.done(a_signin(s))
    s.sale(GOODS)

    def deed() -> None:
        was = db.session.get_one(Account, 2).fs_uniquifier
        accounts.set_password(2, "x" * 20, was=was, now=NOW, proves_email=True)

    return deed


def a_new_email(s: Scene) -> Deed:
    def deed() -> None:
        was = db.session.get_one(Account, 2).fs_uniquifier
        accounts.change_email(2, "ada@example.com", was=was, now=NOW)

    return deed


def ask_for_codes(s: Scene) -> Deed:
    s.done(a_signin(s))

    def deed() -> None:
        was = db.session.get_one(Account, 2).fs_uniquifier
        accounts.turn_on_second_factor(2, "sealed", CODES, was=was, step=1, now=NOW, but=None)

    return deed


def ask_for_codes_no_more(s: Scene) -> Deed:
    s.done(ask_for_codes(s))
    s.done(a_signin(s))
    return lambda: accounts.turn_off_second_factor(2, now=NOW)


def other_recovery_codes(s: Scene) -> Deed:
    s.done(ask_for_codes(s))

    def deed() -> None:
        was = db.session.get_one(Account, 2).fs_uniquifier
        accounts.replace_recovery_codes(2, CODES[:1], was=was)

    return deed


def a_code(s: Scene) -> Deed:
    s.done(ask_for_codes(s))
    return lambda: accounts.use_code(2, 2)


def a_recovery_code(s: Scene) -> Deed:
    s.done(ask_for_codes(s))
    return lambda: accounts.use_recovery_code(2, CODES[0], now=NOW)


def forget_mails_of_accounts(s: Scene) -> Deed:
    s.done(lambda: owe_notice(AccountMail.TEST, 2, "ada@example.com", now=NOW))
    s.done(lambda: db.session.execute(update(Outbox).where(Outbox.store_id.is_(None)).values(state="sent")))
    return lambda: forget_old_mails(now=NOW + timedelta(days=99))


def in_by_an_issuers_word(s: Scene) -> Deed:
    said = Said("https://id.example", "one", "ada@example.com", "Ada")
    return lambda: ways.account_said(said, may_open=True, now=NOW)


def a_handoff(s: Scene) -> Deed:
    s.done(lambda: ways.offer_handoff(one_of("buyer"), "/", by=1, now=NOW - timedelta(days=99)))  # forgotten
    return lambda: ways.offer_handoff(one_of("buyer"), "/", by=1, now=NOW)


def the_use_of_a_handoff(s: Scene) -> Deed:
    key = s.done(lambda: ways.offer_handoff(one_of("buyer"), "/", by=1, now=NOW).key)
    return lambda: ways.take_handoff(key, now=NOW)


def another_guest_link(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)
    s.done(lambda: guests.make_link(order_id, **s.by))  # it ends
    return lambda: guests.make_link(order_id, **s.by)


def the_end_of_guest_links(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)
    s.done(lambda: guests.make_link(order_id, **s.by))
    return lambda: guests.end_links(order_id, **s.by)


def a_guest_link_for_a_mail(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)
    return lambda: guests.link_for_mail(order_id, store_id=s.store_id)


def forget_a_buyer(s: Scene) -> Deed:
    order_id, _ = s.sale(GOODS)
    s.done(lambda: guests.make_link(order_id, **s.by))
    return lambda: forget_buyers([order_id], **s.by)


def a_person(s: Scene) -> str:
    """Let the cast's buyer have what a person may have here; return the e-mail."""
    email = "buyer@example.com"
    s.sale(GOODS, account="buyer")
    an_offer(s, email)
    s.done(lambda: people.open_signin(one_of("buyer").id, now=NOW, lasts=DAYS))
    s.done(lambda: people.make_token(one_of("buyer"), None, ["read:store-orders"]))
    s.done(lambda: owe_notice(AccountMail.TEST, one_of("buyer").id, email, now=NOW))
    return email


def give_out_a_persons_data(s: Scene) -> Deed:
    email = a_person(s)
    return lambda: persons.export_person(email, actor=SYSTEM, at=NOW)


def erase_a_person(s: Scene) -> Deed:
    email = a_person(s)
    return lambda: persons.erase_person(email, actor=SYSTEM, is_anyway=True, at=NOW)


PEOPLE: tuple[Callable[[Scene], Deed], ...] = (
    invite_somebody,
    withdraw_an_offer,
    accept_an_offer,
    accept_an_offer_as_new,
    decline_an_offer,
    change_a_place,
    remove_a_member,
    leave_a_store,
    end_a_token_of_staff,
    make_a_store,
    disable_a_store,
    hand_a_store_over,
    disable_a_person,
    make_an_admin,
    sign_somebody_out,
    a_signin,
    the_end_of_a_signin,
    a_token,
    the_end_of_a_token,
    an_account_and_a_store,
    a_buyer_with_an_account,
    give_a_place,
    run_the_site,
    the_end_of_all_signins,
    name_an_account,
    a_new_password,
    a_new_email,
    ask_for_codes,
    ask_for_codes_no_more,
    other_recovery_codes,
    a_code,
    a_recovery_code,
    forget_mails_of_accounts,
    in_by_an_issuers_word,
    a_handoff,
    the_use_of_a_handoff,
    another_guest_link,
    the_end_of_guest_links,
    a_guest_link_for_a_mail,
    forget_a_buyer,
    give_out_a_persons_data,
    erase_a_person,
)
