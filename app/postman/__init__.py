"""The postman: sends what the outbox owes people by mail, one after the other, in the worker.

A mail is claimed, written from the sale as it is now, handed to the server, and its end is written down;
each step is a transaction of its own, so that no server is waited for while rows are locked. The
Message-ID is the row's: a mail that went out twice, because a worker was killed in between, says so itself.
What goes wrong is told in short words of ours: a server's answer repeats addresses.
"""

import hashlib
import hmac
import traceback
from collections.abc import Callable
from contextlib import suppress
from email.utils import formataddr
from typing import Any

from flask import Flask, current_app
from flask_mailman import EmailMessage
from flask_mailman import Mail as Mailman
from flask_mailman.message import utf8_charset_qp

from app.actions import mails, outbox
from app.actions.guests import link_for_mail
from app.actions.outbox import Claim
from app.actions.pulling import Visit
from app.actions.staff import MAIL
from app.db import db
from app.postman import account_words
from app.postman.invitations import invitation_letter
from app.postman.means import MEANS, NotReached, why_not
from app.postman.words import Letter, NothingToTell, TooEarly, letter
from app.signing import guest_token


def init_app(app: Flask) -> None:
    """Give Flask-Mailman the means that MAIL_BACKEND names."""
    app.config["MAIL_BACKEND"] = MEANS[app.config["MAIL_MEANS"]]
    Mailman(app)


FOLLOW = "Follow this order, and say that it came or what is wrong, without an account:"


def never() -> bool:
    """Say no."""
    return False


def walk(app: Flask, is_stopping: Callable[[], bool] = never, go: Callable[..., None] | None = None) -> None:
    """Go one round, with mails where no other is named; what fails is logged, and tried again at the next."""
    try:
        with app.app_context():
            (go or go_round)(is_stopping)
    except Exception:
        app.logger.exception("a round was broken off")


def go_round(is_stopping: Callable[[], bool] = never) -> None:
    """Send all that is due, until told to stop, or until the server cannot be reached."""
    for mail_id in mails.ripe():
        if is_stopping() or not deliver(mail_id):
            return


def deliver(mail_id: int) -> bool:
    """Send one mail, unless it is not due or another worker is at it; False where no server can be had."""
    claim = outbox.claim(mail_id)
    db.session.commit()
    if claim is None:
        return True
    try:
        written = writer_of(claim)(claim)
    except NothingToTell as nothing:
        end(outbox.drop, claim, str(nothing))
        return True
    except TooEarly:
        end(outbox.wait, claim)
        return True
    except Exception as error:
        db.session.rollback()
        report(claim, error)
        end(outbox.put_off, claim, "The mail could not be written.")
        return True
    db.session.rollback()  # nothing of the database is held while the server is spoken to
    try:
        send(message(claim, written))
    except Exception as error:
        reason = why_not(error)
        if reason.is_unforeseen:
            report(claim, error.__cause__ or error)
        else:
            current_app.logger.warning("mail %s was not sent: %s", claim.id, reason.words)
        if reason.is_unreachable and not reason.is_doubtful:
            end(outbox.wait, claim, reason.words)  # no mail is to blame, and none is given up for it
        else:
            end(outbox.put_off, claim, reason.words, is_final=reason.is_final, is_doubtful=reason.is_doubtful)
        return not reason.is_unreachable
    end(outbox.sent, claim, written.to)
    return True


def letter_with_link(claim: Claim) -> Letter:
    """Return the letter of a sale, with the link by which a buyer without an account follows it."""
    written = letter(claim)
    base = str(current_app.config["BASE_URL"]).rstrip("/")
    public_id = link_for_mail(claim.order_id or 0, store_id=claim.store_id) if base else None
    db.session.commit()
    if public_id is None:
        return written
    token = guest_token(str(current_app.config["SECRET_KEY"]), public_id)
    return written._replace(body=f"{written.body}\n{FOLLOW}\n{base}/guest/{token}\n")


def writer_of(claim: Claim) -> Callable[[Claim], Letter]:
    """Return what writes a mail: about somebody's account, a place in a store, or a sale."""
    if not claim.store_id:
        return account_words.letter
    return invitation_letter if claim.kind == MAIL else letter_with_link


def end(how: Callable[..., None], claim: Claim, *said: Any, **more: Any) -> None:
    """Write down how a claim ended."""
    how(claim, *said, **more)
    db.session.commit()


def report(claim: Claim | Visit, error: BaseException, what: str = "mail") -> None:
    """Log what nobody foresaw: where it was met and its name, not its words, which may hold addresses."""
    where = "".join(traceback.format_tb(error.__traceback__))
    current_app.logger.error("%s %s failed: %s\n%s", what, claim.id, type(error).__name__, where)


def message(claim: Claim, written: Letter) -> EmailMessage:
    """Return a letter as a mail; its Message-ID is the same however often it is sent."""
    site = str(current_app.config["MAIL_SENDER"])
    headers = {
        # A store's own address may be held to servers that this one is not (DMARC): it is where answers go.
        "From": formataddr((written.store, site)),
        "Message-ID": f"<{mark(claim)}@{site.rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",
    }
    sealed = EmailMessage(
        written.subject,
        written.body,
        site,
        [written.to],
        headers=headers,
        reply_to=[formataddr((written.store, written.sender))] if written.sender else None,
    )
    sealed.encoding = utf8_charset_qp  # seven bits: every server on the way can pass it on
    return sealed


def mark(claim: Claim) -> str:
    """Return what tells a row's mail from all others, and tells nothing else."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, f"mail:{claim.id}:{claim.dedupe}".encode(), hashlib.sha256).hexdigest()[:32]


def send(sealed: EmailMessage) -> None:
    """Hand a mail over; NotReached where there is nobody to take it.

    Once it is taken, how the server says goodbye does not matter.
    """
    connection = sealed.get_connection()
    try:
        connection.open()
    except Exception as error:
        raise NotReached from error
    try:
        connection.send_messages([sealed])
    finally:
        with suppress(Exception):
            connection.close()
