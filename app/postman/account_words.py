"""What stands in a mail of the site to a person about their own account, and the links in it.

A link is signed here, when the mail is written: its hour begins now, and it stands nowhere else. It ends with
its first use, for it carries a mark of what that use changes.
"""

from datetime import timedelta

from flask import current_app

from app import logs
from app.actions.account_mails import AccountMail
from app.actions.outbox import Claim
from app.models import Account
from app.postman.words import Letter, NothingToTell, address, one_line
from app.queries import people
from app.seals import mark, signed

RESET, CONFIRM = "reset", "email"
LINKS_LAST = timedelta(hours=1)
NOT_YOU = "If that was not you, reset your password now, and tell whoever runs this site."
NOTICES = {
    AccountMail.PASSWORD_CHANGED: (
        "Your password was changed",
        f"Your password was changed, and you were signed out everywhere else. {NOT_YOU}",
    ),
    AccountMail.EMAIL_CHANGED: (
        "Your e-mail was changed",
        "Your account has another e-mail now; this one signs in no more. If that was not you, tell whoever "
        "runs this site.",
    ),
    AccountMail.SECOND_FACTOR_ON: (
        "Your second factor is on",
        f"Signing in asks for a code of your app from now on. {NOT_YOU}",
    ),
    AccountMail.SECOND_FACTOR_OFF: (
        "Your second factor is off",
        f"Signing in asks for no code any more. {NOT_YOU}",
    ),
    AccountMail.RECOVERY_USED: (
        "A recovery code was used",
        f"Somebody signed in with one of your recovery codes; it is used up. {NOT_YOU}",
    ),
    AccountMail.TEST: ("Mail works", "This is the mail by which Tradepost was tried out: it arrived."),
}


def letter(claim: Claim) -> Letter:
    """Return the letter of a claimed mail about an account; NothingToTell."""
    kind, email = AccountMail(claim.kind), str(claim.payload["email"])
    to = address(email)
    account = people.account_by_email(email) if kind is AccountMail.RESET else _account(claim)
    if not to or account is None or not account.active:
        raise NothingToTell("There is nobody to write to.")
    match kind:
        case AccountMail.RESET:
            subject, text = "Reset your password", _reset(account)
        case AccountMail.CONFIRM_EMAIL:
            subject, text = "Confirm your e-mail", _confirm(account, email)
        case _:
            subject, text = NOTICES[kind]
    body = f"Hello {one_line(account.shown_name)},\n\n{text}\n\nTradepost\n{site()}\n"
    return Letter(to, "Tradepost", "", subject, body)


def _account(claim: Claim) -> Account | None:
    """Return the account that a mail is about."""
    return people.account(int(claim.payload["account_id"]))


def _reset(account: Account) -> str:
    """Return the words and the link by which a password is set anew."""
    link = link_to("/reset", RESET, account)
    logs.tell("wrote a reset link", account=account.id)
    return (
        f"set a new password here:\n\n{link}\n\nThe link works for one hour, and once. "
        "If you did not ask for it, do nothing: your password stays as it is."
    )


def _confirm(account: Account, email: str) -> str:
    """Return the words and the link that prove an address."""
    link = link_to("/account/email/confirm", CONFIRM, account, email)
    return (
        f"confirm here that this is your address:\n\n{link}\n\nThe link works for one hour, once, "
        "and where you are signed in. If you know nothing of it, do nothing."
    )


def link_to(path: str, purpose: str, account: Account, email: str = "") -> str:
    """Return a link that does one thing to one account, once."""
    key = str(current_app.config["SECRET_KEY"])
    said = {"account": account.id, "mark": mark_of(key, account)} | ({"email": email} if email else {})
    return f"{site()}{path}?token={signed(key, purpose, said)}"


def mark_of(key: str, account: Account) -> str:
    """Return the mark of what using a link changes: key of the sessions, e-mail, when it was proved."""
    return mark(key, account.id, account.fs_uniquifier, account.email, account.email_proved_at)


def site() -> str:
    """Return the address under which people reach the desk: a request's Host is never believed for it."""
    config = current_app.config
    if config["BASE_URL"]:
        return str(config["BASE_URL"]).rstrip("/")
    host = config["HOST"] if config["HOST"] not in {"0.0.0.0", "::", "[::]"} else "localhost"
    return f"http://{f'[{host}]' if ':' in host.strip('[]') else host}:{config['PORT']}"
