"""The mails that the site owes people about their accounts, written as the worker writes them."""

import re
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.actions import mails, outbox
from app.db import db
from app.models import Account, Outbox
from app.postman.account_words import letter
from app.postman.words import Letter, NothingToTell
from tests.conftest import CAST, email_of


def delivered(app: Flask) -> list[Letter]:
    """Write all mails that are due, as sent; what tells nothing is dropped."""
    found = []
    with app.app_context():
        for mail_id in mails.ripe():
            claim = outbox.claim(mail_id)
            assert claim is not None
            try:
                found.append(letter(claim))
                outbox.sent(claim, found[-1].to)
            except NothingToTell as nothing:
                outbox.drop(claim, str(nothing))
            db.session.commit()
    return found


def link_in(written: Letter) -> str:
    """Return the one link of a letter, from its path on."""
    (link,) = re.findall(r"http://127\.0\.0\.1:5000(/\S+\?token=\S+)", written.body)
    return str(link)


def token_in(written: Letter) -> str:
    """Return the token of a letter's link."""
    return link_in(written).partition("?token=")[2]


def account(app: Flask, who: str) -> Account:
    """Return an account of the cast as it is now, cut off from its session."""
    with app.app_context():
        found = db.session.get_one(Account, list(CAST).index(who) + 1)  # entered in this order
        db.session.expunge(found)
        return found


def change(app: Flask, who: str, **changes: Any) -> None:
    """Change columns of an account of the cast, past all rules."""
    with app.app_context():
        found = db.session.scalars(select(Account).where(Account.email == email_of(who))).one()
        for name, value in changes.items():
            setattr(found, name, value)
        db.session.commit()


def outbox_rows(app: Flask) -> list[Outbox]:
    """Return what is owed and was sent, oldest first."""
    with app.app_context():
        rows = list(db.session.scalars(select(Outbox).order_by(Outbox.id)))
        db.session.expunge_all()
        return rows
