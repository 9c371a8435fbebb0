"""Who comes in without a password: what the acts let in, on both databases, and what they keep."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app.actions.accounts import prove_email
from app.actions.people import open_account, secret_hash
from app.actions.ways import (
    Closed,
    MailNotProved,
    NeverHanded,
    NotLetIn,
    Uninvited,
    account_said,
    offer_handoff,
    take_handoff,
)
from app.db import db
from app.models import Account, Handoff, Identity
from app.openid import Said
from app.queries import people, ways
from tests.conftest import email_of
from tests.rules.test_staff import doing
from tests.rules.together import at_once, names

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def account(who: str) -> Account:
    """Return the account of one of the cast."""
    found = people.account_by_email(email_of(who))
    assert found is not None
    return found


def said(
    subject: str = "one", email: str | None = email_of("buyer"), issuer: str = "https://id.example"
) -> Said:
    """Return what an issuer says."""
    return Said(issuer, subject, email, "Somebody")


def let_in(of: Said, *, may_open: bool = False) -> int:
    """Return whose account it is."""
    found = account_said(of, may_open=may_open, now=NOW)
    db.session.commit()
    return found.id


def refusal(of: Said, *, may_open: bool = False) -> type[Exception]:
    """Return how it is refused; nothing is kept of it."""
    with pytest.raises(NotLetIn) as refused:
        account_said(of, may_open=may_open, now=NOW)
    db.session.rollback()
    return refused.type


def test_an_account_is_joined_by_its_e_mail_once_and_by_its_subject_from_then_on(app: Flask) -> None:
    with app.app_context():
        buyer = account("buyer").id
        assert let_in(said(email="BUYER@example.com")) == buyer
        assert let_in(said(email=email_of("owner"))) == buyer
        assert let_in(said(email=None)) == buyer
        assert refusal(said("two")) is NotLetIn
        assert let_in(said("two", issuer="https://other.example")) == buyer
        assert refusal(said("ONE")) is NotLetIn  # another subject: none is like another one
        assert db.session.query(Identity).count() == 2


def test_an_account_is_made_only_where_the_desk_is_open_and_the_e_mail_proved(app: Flask) -> None:
    with app.app_context():
        before = db.session.query(Account).count()
        assert refusal(said(email="new@example.com")) is Uninvited
        assert refusal(said(email=None), may_open=True) is MailNotProved
        assert db.session.query(Account).count() == before
        made = let_in(said(email="new@example.com"), may_open=True)
        assert let_in(said(email=None)) == made
        assert db.session.query(Account).count() == before + 1


def test_what_nobody_proved_here_or_is_shut_or_runs_the_site_is_not_joined(app: Flask) -> None:
    with app.app_context():
        open_account("quiet@example.com", is_vouched=False)
        account("staff").active = False
        db.session.commit()
        for email in ("quiet@example.com", email_of("staff"), email_of("site_admin")):
            assert refusal(said(email=email), may_open=True) is NotLetIn
        assert db.session.query(Identity).count() == 0


def test_a_link_lets_one_person_in_once_and_for_a_minute(app: Flask) -> None:
    with app.app_context():
        buyer, admin = account("buyer"), account("site_admin").id
        offered = offer_handoff(buyer, "/purchases", by=admin, now=NOW)
        assert (len(offered.key), offered.expires_at) == (43, NOW + MINUTE)
        (kept,) = db.session.query(Handoff)
        assert (kept.key_hash, kept.made_by) == (secret_hash(offered.key), admin)
        db.session.commit()
        held = ways.handed(secret_hash(offered.key), NOW + MINUTE - timedelta(seconds=1))
        assert held == (buyer.id, "Buyer")
        taken = take_handoff(offered.key, now=NOW + timedelta(seconds=59))
        assert taken is not None
        assert (taken.account.id, taken.path) == (buyer.id, "/purchases")
        db.session.commit()
        assert ways.handed(secret_hash(offered.key), NOW) is None
        assert take_handoff(offered.key, now=NOW + timedelta(seconds=59)) is None
        late = offer_handoff(buyer, "/", by=admin, now=NOW)
        db.session.commit()
        assert ways.handed(secret_hash(late.key), NOW + MINUTE) is None
        assert take_handoff(late.key, now=NOW + MINUTE) is None
        assert take_handoff(secret_hash(late.key), now=NOW) is None


@pytest.mark.parametrize(
    "change", [{"active": False}, {"is_site_admin": True}], ids=["shut", "runs the site"]
)
def test_a_link_lets_nobody_in_who_was_shut_or_runs_the_site_since(
    app: Flask, change: dict[str, bool]
) -> None:
    with app.app_context():
        buyer, admin = account("buyer"), account("site_admin").id
        offered = offer_handoff(buyer, "/", by=admin, now=NOW)
        for name, value in change.items():
            setattr(buyer, name, value)
        db.session.commit()
        assert ways.handed(secret_hash(offered.key), NOW) is None
        assert take_handoff(offered.key, now=NOW) is None
        db.session.rollback()
        with pytest.raises(Closed if "active" in change else NeverHanded):
            offer_handoff(buyer, "/", by=admin, now=NOW)


def test_links_of_long_ago_are_forgotten_with_the_next_one(app: Flask) -> None:
    with app.app_context():
        buyer, admin = account("buyer"), account("site_admin").id
        for at in (NOW, NOW + timedelta(days=30), NOW + timedelta(days=30, minutes=2)):
            offer_handoff(buyer, "/", by=admin, now=at)
        db.session.commit()
        assert db.session.query(Handoff).count() == 2


def test_of_two_new_people_of_one_address_at_once_one_gets_the_account(app: Flask) -> None:
    def coming(subject: str) -> Callable[[], None]:
        return doing(app, lambda: account_said(said(subject, "ada@example.com"), may_open=True, now=NOW))

    told = names(at_once(coming("one"), coming("two")))
    assert told in (["NotLetIn", "done"], ["ChangedMeanwhile", "done"])


def test_an_e_mail_that_a_link_proved_is_proved(app: Flask) -> None:
    with app.app_context():
        made = open_account("ada@example.com", is_vouched=False)
        db.session.commit()
        assert refusal(said("one", "ada@example.com")) is NotLetIn
        prove_email(made, now=NOW)
        db.session.commit()
        assert let_in(said("one", "ada@example.com")) == made.id
