"""What the site owes people by mail about their own accounts: links, and notices of what was changed.

Rows of the outbox that belong to no store. A request for a reset is written down whether or not anybody has
the address: who asks learns nothing, and the worker finds out when it writes the mail. No link stands here:
the worker signs it into the mail.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete

from app.actions import outbox
from app.actions.outbox import OPEN, State
from app.actions.people import secret_hash
from app.db import db, insert_or, take_write_lock
from app.models import Outbox

# In which a second request for the same address owes no second mail.
RESETS_EVERY = timedelta(minutes=2)
# They hold addresses: they are kept for as long as somebody may ask where a mail is.
KEPT_FOR = timedelta(days=7)


class AccountMail(StrEnum):
    """What a mail to a person about their account is about."""

    RESET = "password_reset"
    PASSWORD_CHANGED = "password_changed"
    CONFIRM_EMAIL = "email_confirm"
    EMAIL_CHANGED = "email_changed"
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    RECOVERY_USED = "recovery_code_used"
    TEST = "mail_test"


def ask_for_reset(email: str, *, now: datetime) -> None:
    """Note that somebody asked for a link to this address, whoever has it."""
    email = email.strip().lower()
    window = int(now.timestamp() // RESETS_EVERY.total_seconds())
    _owe(AccountMail.RESET, {"email": email}, f"{secret_hash(email)[:40]}:{window}", now)


def owe_link(account_id: int, email: str, *, now: datetime) -> None:
    """Owe a new address the link that proves it is this account's."""
    about = {"account_id": account_id, "email": email}
    _owe(AccountMail.CONFIRM_EMAIL, about, f"{account_id}:{now.timestamp()}", now)


def owe_notice(kind: AccountMail, account_id: int, email: str | None, *, now: datetime) -> None:
    """Owe a person word of what was changed; `email` is where, None: nowhere, they have none."""
    if email:
        _owe(kind, {"account_id": account_id, "email": email}, f"{account_id}:{now.timestamp()}", now)


def _owe(kind: AccountMail, about: dict[str, Any], of: str, now: datetime) -> None:
    """Write down what is owed, once."""
    take_write_lock()
    row = insert_or(Outbox).values(
        store_id=None,
        kind=kind.value,
        due_at=now,
        state=State.DUE.value,
        tries=0,
        payload=about,
        dedupe=f"{kind.value}:{of}",
    )
    db.session.execute(row.on_conflict_do_nothing(index_elements=["dedupe"]))


def ripe(kind: AccountMail) -> list[int]:
    """Return the ids of mails of a kind that are to be sent now."""
    return outbox.ripe(Outbox.kind == kind.value)


def forget_old_mails(*, now: datetime) -> None:
    """Forget those that came to their end long ago; the door commits."""
    take_write_lock()
    db.session.execute(
        delete(Outbox).where(
            Outbox.store_id.is_(None), Outbox.state.not_in(sorted(OPEN)), Outbox.due_at < now - KEPT_FOR
        )
    )
