"""The loader of invitations: a link holds while open, in time, and while its inviter may give the place.

Links that are used, withdrawn, expired or no links at all are refused alike.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from app.access import Actor, Desk, Permission, find_desk
from app.access.rights import held, may_give
from app.errors import NotAllowed, NotFound
from app.models import Account
from app.queries import people, staff
from app.queries.people import StoreFacts
from app.queries.staff import InvitationRow
from app.seals import said_by
from app.statuses import Role

PURPOSE = "invitation"
OPEN = "open"
# Longer than any invitation: its row says when it ends.
LINKS_LAST = timedelta(days=30)
LONGEST_LINK = 1000


class NoInvitation(NotFound):
    """The link is none that can be followed (any more)."""

    sentence = (
        "This invitation does not hold: it may have been used, withdrawn or replaced by a newer one, "
        "or be older than a week. Ask whoever invited you for another one."
    )


class Invited(NamedTuple):
    """An invitation that holds: the store, the place, and the account of its address, if there is one."""

    row: InvitationRow
    store: StoreFacts
    account: Account | None

    @property
    def role(self) -> Role:
        """Return the role that is offered."""
        return Role(self.row.role)

    def is_for(self, actor: Actor) -> bool:
        """Tell whether it was sent to this person."""
        return self.account is not None and actor.account_id == self.account.id and actor.scopes is None

    @property
    def is_known(self) -> bool:
        """Tell whether the address has an account that can sign in."""
        return self.account is not None and self.account.password is not None


def find_invited(key: str, token: str, now: datetime) -> Invited:
    """Return what a link out of a mail offers; NoInvitation where it does not hold."""
    said = said_by(key, PURPOSE, token, LINKS_LAST) if len(token) <= LONGEST_LINK else None
    found = staff.invitation(said["invitation"]) if said else None
    if found is None:
        raise NoInvitation
    return invited(found, now)


def invited(found: InvitationRow, now: datetime) -> Invited:
    """Return what an invitation offers; NoInvitation where it does not hold."""
    desk = desk_of_inviter(found.invited_by, found.store_id)
    if found.state != OPEN or found.expires_at <= now or desk is None or not still_gives(desk, found):
        raise NoInvitation
    account = people.account_by_email(found.email)
    if account is not None and not account.active:
        raise NoInvitation
    assert isinstance(desk.store, StoreFacts)
    return Invited(found, desk.store, account)


def desk_of_inviter(account_id: int, store_id: int) -> Desk | None:
    """Return the desk at which somebody may invite to a store now; None where they may not."""
    account = people.active_account(account_id)
    if account is None:
        return None
    inviter = Actor(account.id, account.shown_name, account.email or "", account.is_site_admin)
    try:
        return find_desk(inviter, store_id, to=Permission.STAFF)
    except (NotFound, NotAllowed):
        return None


def still_gives(desk: Desk | None, found: InvitationRow) -> bool:
    """Tell whether who invited may still give at their desk what was offered."""
    role = Role(found.role)
    return desk is not None and may_give(desk, role, held(role, found.rights))
