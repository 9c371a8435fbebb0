"""Whether a code counts at sign-in: one of the app, of about now and not used before, or a recovery code."""

from datetime import UTC, datetime

from flask import current_app

from app import logs, totp
from app.actions.accounts import use_code, use_recovery_code
from app.models import Account
from app.seals import decrypted

PURPOSE = "second factor"
NOT_COUNTED = "This code does not count. Wait for the next one; each works once."


def key() -> str:
    """Return the desk's own key."""
    return str(current_app.config["SECRET_KEY"])


def counts(account: Account, typed: str) -> bool:
    """Tell whether what was typed lets this account in; it does so once. The door commits."""
    now = datetime.now(UTC)
    secret = decrypted(key(), PURPOSE, account.tf_totp_secret or "")
    step = totp.step_of(secret, typed, now) if secret else None
    if step is not None:
        return use_code(account.id, step)
    if use_recovery_code(account.id, typed, now=now):
        logs.note(used="recovery code")
        return True
    return False
