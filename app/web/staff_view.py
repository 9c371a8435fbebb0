"""A store's people as its pages show them: what each may do, in words, and who is invited."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from app.access import Desk
from app.access.invited import desk_of_inviter, still_gives
from app.access.rights import BEYOND, ORDINARY, Permission, held, is_admin, is_owner, may_give
from app.forms.staff import RIGHTS, PlaceForm, tick_of
from app.queries.staff import InvitationRow, MemberRow
from app.statuses import Role
from app.web.clock import Clock
from app.web.display import Badge

ROLES = {Role.OWNER: "Owner", Role.STAFF: "Staff", Role.VENDOR: "Vendor"}
ABOUT = {
    Role.OWNER: "May do everything, and give every right.",
    Role.STAFF: "See, ship, track, note, import and mark sales as paid.",
    Role.VENDOR: "See and redeem deals, nothing else.",
}
NOT_SHOWN = {
    Permission.SEE_MONEY: "Payments and payouts",
    Permission.SEE_PERSONAL: "Addresses, e-mails and telephones",
    Permission.EXPORT: "Export",
}


class Member(NamedTuple):
    """One member in the list; `href` is "" where the person asking can change nothing of theirs."""

    id: int
    name: str
    email: str
    role: str
    also: list[str]
    without: list[str]
    is_you: bool
    is_shut: bool
    href: str


class Invitation(NamedTuple):
    """One open invitation in the list."""

    id: int
    email: str
    role: str
    also: list[str]
    without: list[str]
    by: str
    when: tuple[str, str]
    badge: Badge
    until: str


class Tick(NamedTuple):
    """A right that may be ticked."""

    name: str
    label: str
    is_ticked: bool


def offered_roles(desk: Desk) -> list[Role]:
    """Return the roles that the actor can give."""
    return [role for role in Role if may_give(desk, role, ())]


def offered_rights(desk: Desk) -> list[Permission]:
    """Return the rights that the actor can give and take: those that they have themselves."""
    return [right for right in RIGHTS if desk.may(right)]


def ticks(form: PlaceForm) -> list[Tick]:
    """Return a tick for each right that a form offers."""
    return [Tick(tick_of(r), RIGHTS[r], bool(form[tick_of(r)].data)) for r in RIGHTS if r in form.offers]


def said(role: str, rights: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return what a place may beyond its role, and what was taken from it, in words."""
    if role != Role.STAFF:
        return [], []
    has = held(Role(role), rights)
    return (
        [words for right, words in BEYOND.items() if right in has],
        [NOT_SHOWN[right] for right in ORDINARY if right not in has],
    )


def member_view(desk: Desk, member: MemberRow, href: str) -> Member:
    """Return a member as the list shows them."""
    is_you = member.account_id == desk.actor.account_id
    is_free = is_owner(desk) or is_admin(desk) or not (member.role == Role.OWNER or is_you)
    also, without = said(member.role, member.rights)
    return Member(
        member.account_id,
        member.shown_name,
        member.email or "",
        ROLES[Role(member.role)],
        also,
        without,
        is_you,
        not member.active,
        href if is_free else "",
    )


def invitation_views(rows: Sequence[InvitationRow], clock: Clock) -> list[Invitation]:
    """Return a store's open invitations as the list shows them."""
    inviters = {(row.invited_by, row.store_id) for row in rows}
    desks = {row[0]: desk_of_inviter(*row) for row in inviters}
    return [invitation_view(row, still_gives(desks[row.invited_by], row), clock) for row in rows]


def invitation_view(row: InvitationRow, is_given: bool, clock: Clock) -> Invitation:
    """Return an open invitation as the list shows it; `is_given`: its inviter may still give the place."""
    also, without = said(row.role, row.rights)
    return Invitation(
        row.id,
        row.email,
        ROLES[Role(row.role)],
        also,
        without,
        row.inviter,
        clock.age_and_exact(row.created_at),
        badge(row, is_given, clock.now),
        clock.exact(row.expires_at),
    )


def badge(row: InvitationRow, is_given: bool, now: datetime) -> Badge:
    """Say how it stands with an open invitation."""
    if row.expires_at <= now:
        return Badge("Expired", "plain", "ring")
    if not is_given:
        return Badge("Cannot be accepted: its inviter may not give this any more", "bad")
    return Badge("Waits for an answer", "wait", "ring")
