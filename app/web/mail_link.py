"""What a link says that came by mail, as long as it holds: for one purpose, one hour and one use."""

import hmac
from typing import NamedTuple

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from app import logs
from app.models import Account
from app.postman.account_words import LINKS_LAST, mark_of
from app.queries import people
from app.seals import said_by

LONGEST = 1000


class Link(NamedTuple):
    """A link that holds: whose it is, and the address that it proves ("": the account's own)."""

    account: Account
    email: str


def link_of(purpose: str, token: str) -> Link | None:
    """Return what a link's token says; None where it says nothing (any more)."""
    key = str(current_app.config["SECRET_KEY"])
    said = said_by(key, purpose, token, LINKS_LAST) if len(token) <= LONGEST else None
    account = people.active_account(said["account"]) if said else None
    if said is None or account is None or not hmac.compare_digest(said["mark"], mark_of(key, account)):
        return None
    return Link(account, said.get("email", ""))


def dead() -> ResponseReturnValue:
    """Say that a link holds no more, whatever was the matter with it."""
    logs.note(reason="LinkRefused")
    return render_template("account/dead_link.html"), 410
