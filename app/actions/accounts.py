"""A person's own account: name, password, e-mail, second factor. What ends sign-ins ends them here.

Nothing here sees a password or a code: doors hash and compare, for that takes long or needs the desk's key.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError

from app.actions.account_mails import AccountMail, owe_notice
from app.actions.people import end_signins, end_tokens, join_buyer, secret_hash
from app.db import db, take_write_lock
from app.errors import ChangedMeanwhile, Refused
from app.models import Account, Buyer
from app.queries import accounts

RECOVERY_CODES = 10
# Easily told apart; 24 of them are 118 bits: more than anybody can try, even with the hash at hand.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, IN_GROUP = 6, 4


class NameTaken(Refused):
    """Somebody else has this username, or this e-mail."""

    status = 409
    sentence = "Another account has this name."


def hold(account_id: int, was: str | None = None) -> Account:
    """Return an account as it is now, held until the door commits.

    ChangedMeanwhile where its key is not the one that it `was` when it was looked at.
    """
    take_write_lock()
    found = select(Account).where(Account.id == account_id).with_for_update()
    account = db.session.execute(found.execution_options(populate_existing=True)).scalar_one()
    if was is not None and account.fs_uniquifier != was:
        raise ChangedMeanwhile("This account was changed meanwhile. Nothing was done; try again.")
    return account


def name_account(account_id: int, *, name: str, username: str | None) -> None:
    """Change what a person is called; NameTaken where the username is another one's."""
    account = hold(account_id)
    if username and accounts.is_taken(account_id, username=username):
        raise NameTaken("Another account has this username.")
    account.name, account.username = name, username
    _flush("Another account has this username.")


def set_password(
    account_id: int, password_hash: str, *, was: str, now: datetime, proves_email: bool = False
) -> None:
    """Give an account a new password: every sign-in ends, every link sent before is worth nothing.

    `was`: the account's key when this was allowed, else ChangedMeanwhile. `proves_email`: it was allowed by a
    link that was sent to the account's address.
    """
    account = hold(account_id, was)
    account.password = password_hash
    account.fs_uniquifier = secrets.token_hex(32)
    end_signins(account_id, now=now)
    if proves_email:
        prove_email(account, now=now)
    owe_notice(AccountMail.PASSWORD_CHANGED, account_id, account.email, now=now)
    db.session.flush()


def change_email(account_id: int, email: str, *, was: str, now: datetime) -> None:
    """Give an account the e-mail that a link proved, and tell the old one.

    ChangedMeanwhile where the account's key is not what it `was` (see `hold`), NameTaken where the e-mail is
    another account's. Links that were sent before are worth nothing from now on.
    """
    account = hold(account_id, was)
    if accounts.is_taken(account_id, email=email):
        raise NameTaken("Another account has this e-mail.")
    before, account.email = account.email, email.lower()
    _flush("Another account has this e-mail.")
    owe_notice(AccountMail.EMAIL_CHANGED, account_id, before, now=now)
    prove_email(account, now=now)


def _flush(sentence: str) -> None:
    """Write a name down; NameTaken where another one has just taken it."""
    try:
        db.session.flush()
    except IntegrityError as error:
        raise NameTaken(sentence) from error


def prove_email(account: Account, *, now: datetime) -> None:
    """Note that an account's e-mail is its own: what was bought under it, in whichever store, is theirs."""
    account.email_proved_at, account.is_email_vouched = now, True
    db.session.flush()
    theirs = set(db.session.scalars(select(Buyer.store_id).where(Buyer.account_id == account.id)))
    for store_id, buyer_id in accounts.buyers_with(account.email or ""):
        if store_id not in theirs:  # a store knows an account as one buyer
            join_buyer(db.session.get_one(Buyer, buyer_id), account)


def new_recovery_codes() -> list[str]:
    """Return codes that open a sign-in once each; the database is to keep their hashes alone."""
    return [
        "-".join("".join(secrets.choice(LETTERS) for _ in range(IN_GROUP)) for _ in range(GROUPS))
        for _ in range(RECOVERY_CODES)
    ]


def recovery_hash(typed: str) -> str:
    """Return what is kept of a recovery code, however it was typed."""
    return secret_hash("".join(sign for sign in typed.lower() if sign.isalnum()))


def turn_on_second_factor(
    account_id: int,
    sealed: str,
    codes: Sequence[str],
    *,
    was: str,
    step: int,
    now: datetime,
    but: int | None,
) -> None:
    """Ask for a code at each sign-in from now on; sign-ins that gave none end, `but` the one that asks.

    `sealed`: the secret, `step`: that of the code that confirmed it, which counts no second time.
    ChangedMeanwhile where it is on already, or the account's key is not what it `was` (see `hold`).
    """
    account = hold(account_id, was)
    if account.second_factor_at is not None:
        raise ChangedMeanwhile("The second factor was turned on meanwhile. Look at it as it is now.")
    account.tf_totp_secret, account.second_factor_at, account.second_factor_step = sealed, now, step
    account.mf_recovery_codes = [recovery_hash(code) for code in codes]
    end_signins(account_id, now=now, but=but)
    owe_notice(AccountMail.SECOND_FACTOR_ON, account_id, account.email, now=now)
    db.session.flush()


def turn_off_second_factor(
    account_id: int, *, was: str | None = None, now: datetime, but: int | None = None
) -> bool:
    """Ask for no code any more, and tell whether one was asked for; its secret and codes are forgotten.

    Every sign-in ends, `but` the one that asks. Where none asks it was a command: then the tokens of a site
    admin end too, for nothing else would hold until there is a second factor again. ChangedMeanwhile where
    the account's key is not what it `was` (see `hold`).
    """
    account = hold(account_id, was)
    if account.second_factor_at is None:
        return False
    if account.is_site_admin and but is None:
        end_tokens(account_id, now=now)
    account.tf_totp_secret = account.second_factor_at = account.second_factor_step = None
    account.mf_recovery_codes = None
    end_signins(account_id, now=now, but=but)
    owe_notice(AccountMail.SECOND_FACTOR_OFF, account_id, account.email, now=now)
    db.session.flush()
    return True


def replace_recovery_codes(account_id: int, codes: Sequence[str], *, was: str) -> None:
    """Let these codes stand for all that were made before.

    ChangedMeanwhile where the second factor is off, or the account's key not what it `was` (see `hold`).
    """
    account = hold(account_id, was)
    if account.second_factor_at is None:
        raise ChangedMeanwhile("The second factor was turned off meanwhile. Look at it as it is now.")
    account.mf_recovery_codes = [recovery_hash(code) for code in codes]
    db.session.flush()


def use_code(account_id: int, step: int) -> bool:
    """Let the code of a step count, and tell whether it does: neither it nor an older one counts again."""
    take_write_lock()
    is_new = or_(Account.second_factor_step.is_(None), Account.second_factor_step < step)
    using = update(Account).where(Account.id == account_id, Account.second_factor_at.is_not(None), is_new)
    return db.session.execute(using.values(second_factor_step=step).returning(Account.id)).first() is not None


def use_recovery_code(account_id: int, typed: str, *, now: datetime) -> bool:
    """Let a recovery code count, once, and tell whether it does; its person hears of it by mail."""
    account = hold(account_id)
    kept, used = account.mf_recovery_codes or [], recovery_hash(typed)
    if account.second_factor_at is None or used not in kept:
        return False
    account.mf_recovery_codes = [other for other in kept if other != used]
    owe_notice(AccountMail.RECOVERY_USED, account_id, account.email, now=now)
    db.session.flush()
    return True
